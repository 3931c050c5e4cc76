"""GetMetricStatistics and ListMetrics."""

from datetime import UTC, datetime
from typing import Any, Final

from headwater.kernel.context import Context
from headwater.kernel.permissions import requires

from .model import METRICS, MINUTE_S, Metric, describe_metric, dimensions_of, metric_id
from .published import _settled
from .refusals import bad_token, invalid, invalid_combination, invalid_value, missing
from .series import FINE, Line, window
from .statistics import PLAIN, is_known, statistic

Parameters = dict[str, Any]

DATAPOINTS_MAX: Final = 1440
METRICS_PAGE: Final = 500
RECENT_S: Final = 3 * 3600 + 900


@requires("cloudwatch:GetMetricStatistics")
async def get_metric_statistics(ctx: Context, request: Parameters) -> Parameters:
    period_s: int = request["Period"]
    start, end = request["StartTime"], request["EndTime"]
    plain, extended = request.get("Statistics", []), request.get("ExtendedStatistics", [])
    if not plain and not extended:
        raise missing("At least one of the parameters Statistics and ExtendedStatistics must be specified.")
    if start >= end:
        raise invalid_value("The parameter StartTime must be less than the parameter EndTime.")
    check_period("Period", period_s)
    for name in extended:
        if not is_known(name) or name in PLAIN:
            raise invalid_value(f"The value {name} for parameter ExtendedStatistics.member.1 is not supported.")
    asked = int((end - start).total_seconds()) // period_s
    if asked > DATAPOINTS_MAX:
        raise invalid_combination(
            f"You have requested up to {asked} datapoints, which exceeds the limit of {DATAPOINTS_MAX}. You may reduce the datapoints"
            " requested by increasing Period, or decreasing the time range."
        )
    identity = metric_id(request["Namespace"], request["MetricName"], dimensions_of(request.get("Dimensions")))
    await _settled(ctx, request["Namespace"])
    line = Line(ctx, identity, period_s)
    await line.read(window(start, end, period_s, ctx.clock.now()), request.get("Unit"))
    points = []
    for unit, buckets in line.units.items():
        for at_s, bucket in sorted(buckets.items()):
            point: Parameters = {"Timestamp": datetime.fromtimestamp(at_s, UTC), "Unit": unit}
            point |= {name: statistic(name)(bucket) for name in plain}
            told = {name: statistic(name)(bucket) for name in extended}
            if told:
                point["ExtendedStatistics"] = {name: value for name, value in told.items() if value is not None}
            points.append(point)
    return {"Label": request["MetricName"], "Datapoints": points}


def check_period(where: str, period_s: int) -> None:
    if period_s < 1 or (period_s % MINUTE_S and period_s not in FINE):
        raise invalid_value(f"The parameter {where} must be 1, 5, 10, 20, 30 or a multiple of 60.")


@requires("cloudwatch:ListMetrics")
async def list_metrics(ctx: Context, request: Parameters) -> Parameters:
    if request.get("RecentlyActive", "PT3H") != "PT3H":
        raise invalid("The only valid value for RecentlyActive is PT3H.")
    await _settled(ctx, *([request["Namespace"]] if "Namespace" in request else []))
    filters = [(one["Name"], one.get("Value")) for one in request.get("Dimensions", [])]
    now_s = int(ctx.clock.now().timestamp())
    found = [
        metric
        for metric in ctx.store.scan(METRICS, ctx.account, ctx.region)
        if request.get("Namespace", metric.namespace) == metric.namespace
        and request.get("MetricName", metric.name) == metric.name
        and _has(metric, filters)
        and ("RecentlyActive" not in request or metric.active_s >= now_s - RECENT_S)
    ]
    token = request.get("NextToken")
    if token is not None:
        if ctx.store.get(METRICS, ctx.account, ctx.region, token) is None:
            raise bad_token()
        found = [metric for metric in found if metric.id > token]
    answer: Parameters = {"Metrics": [describe_metric(metric) for metric in found[:METRICS_PAGE]]}
    if len(found) > METRICS_PAGE:
        answer["NextToken"] = found[METRICS_PAGE - 1].id
    return answer


def _has(metric: Metric, filters: list[tuple[str, str | None]]) -> bool:
    own = dict(metric.dimensions)
    return all(name in own and value in (None, own[name]) for name, value in filters)
