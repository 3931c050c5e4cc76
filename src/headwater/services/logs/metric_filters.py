"""Metric filters: put, described, deleted, and tried out on messages. What they count is `forwarding.py`."""

from typing import Any, Final

from headwater.aws.faults import fault
from headwater.kernel.context import Context
from headwater.kernel.permissions import requires

from .arns import ALL_GROUPS, group_arn
from .filters import METRIC_FILTERS, METRIC_FILTERS_MAX, MetricFilter, describe_metric_filter, metric_filters_of
from .groups import find_group, milliseconds, page
from .model import invalid
from .patterns import compiled, extractor

Parameters = dict[str, Any]

DIMENSIONS_MAX: Final = 3
NAME_MAX: Final = 512


@requires("logs:PutMetricFilter", group_arn)
async def put_metric_filter(ctx: Context, request: Parameters) -> None:
    _check_name(request["logGroupName"])
    compiled(request["filterPattern"])
    transformation = request["metricTransformations"][0]
    dimensions = transformation.get("dimensions", {})
    if len(dimensions) > DIMENSIONS_MAX:
        raise invalid(f"Invalid metric transformation: a maximum of {DIMENSIONS_MAX} dimensions can be specified.")
    if dimensions and transformation.get("defaultValue") is not None:
        raise invalid("Invalid metric transformation: dimensions and default value are mutually exclusive properties.")
    group = find_group(ctx, request["logGroupName"])
    before = {one.name: one for one in metric_filters_of(ctx, group.name)}
    same = before.get(request["filterName"])
    if same is None and len(before) >= METRIC_FILTERS_MAX:
        raise fault("LimitExceededException", "Resource limit exceeded.")
    metric_filter = MetricFilter(
        account=ctx.account,
        region=ctx.region,
        group=group.name,
        name=request["filterName"],
        pattern=request["filterPattern"],
        transformation={name: value for name, value in transformation.items() if value is not None},
        created_ms=milliseconds(ctx.clock.now()) if same is None else same.created_ms,
    )
    async with ctx.store.transaction() as tx:
        tx.put(METRIC_FILTERS, metric_filter)


def _which(ctx: Context, request: Parameters) -> str:
    return group_arn(ctx, request) if "logGroupName" in request else f"arn:aws:logs:{ctx.region}:{ctx.account}:log-group::log-stream:"


@requires("logs:DescribeMetricFilters", _which)
async def describe_metric_filters(ctx: Context, request: Parameters) -> Parameters:
    """Of one group, or of all that feed a metric."""
    name, namespace = request.get("metricName"), request.get("metricNamespace")
    if (name is None) != (namespace is None):
        raise invalid("If you include the metricName or metricNamespace parameter in your request, you must include both.")
    if "logGroupName" in request:
        found = metric_filters_of(ctx, find_group(ctx, request["logGroupName"]).name)
    else:
        found = ctx.store.scan(METRIC_FILTERS, ctx.account, ctx.region)
    prefix = request.get("filterNamePrefix", "")
    meant = [
        one
        for one in found
        if one.name.startswith(prefix)
        and name in (None, one.transformation["metricName"])
        and namespace in (None, one.transformation["metricNamespace"])
    ]
    shown, token = page(meant, request, lambda one: f"{one.group}/{one.name}")
    return {"metricFilters": [describe_metric_filter(one) for one in shown], "nextToken": token}


@requires("logs:DeleteMetricFilter", group_arn)
async def delete_metric_filter(ctx: Context, request: Parameters) -> None:
    _check_name(request["logGroupName"])
    group = find_group(ctx, request["logGroupName"])
    if ctx.store.get(METRIC_FILTERS, ctx.account, ctx.region, group.name, request["filterName"]) is None:
        raise fault("ResourceNotFoundException", "The specified metric filter does not exist.")
    async with ctx.store.transaction() as tx:
        tx.delete(METRIC_FILTERS, ctx.account, ctx.region, group.name, request["filterName"])


@requires("logs:TestMetricFilter", ALL_GROUPS)
async def test_metric_filter(ctx: Context, request: Parameters) -> Parameters:
    pattern = request["filterPattern"]
    matches, extract = compiled(pattern), extractor(pattern)
    return {
        "matches": [
            {"eventNumber": number, "eventMessage": message, "extractedValues": extract(message)}
            for number, message in enumerate(request["logEventMessages"], 1)
            if matches(message)
        ]
    }


def _check_name(group: str) -> None:
    if len(group) > NAME_MAX:
        raise invalid(f"Invalid LogGroup or LogStream, both must have length less than or equal to {NAME_MAX}.")
