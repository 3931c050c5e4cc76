"""Alarms: put, described, set by hand, silenced, deleted. What makes them change by themselves is `evaluation.py`."""

from datetime import timedelta
from typing import Any, Final

import msgspec

from headwater.aws.faults import fault
from headwater.kernel.context import Context
from headwater.kernel.permissions import requires

from .alarm_model import ALARMS, COMPOSITE, METRIC, Alarm, describe_alarm
from .anomaly_detectors import ANOMALY_DETECTORS, made_for
from .arns import alarm_arn, alarm_arns, any_alarm
from .evaluation import evaluation_due, period_of
from .expressions import names_in
from .judging import BANDED, COMPARISONS, TREATED
from .model import DAY_S, HOUR_S, MINUTE_S, dimensions_of
from .queries import read_queries
from .refusals import bad_token, invalid, invalid_combination, missing, not_found
from .rules import alarm_name, read_rule
from .statistics import PLAIN, is_known
from .transitions import Changes, ParentDue, parents_of

Parameters = dict[str, Any]

PAGE: Final = 50
PERIODS: Final = (10, 20, 30)
PERCENTILES: Final = ("evaluate", "ignore")
NOT_BUILT: Final = (
    "EvaluationWindow",
    "WarmUpConfiguration",
    "EvaluationCriteria",
    "EvaluationInterval",
    "ActionConfiguration",
    "ActionsSuppressor",
)


@requires("cloudwatch:PutMetricAlarm", alarm_arn)
async def put_metric_alarm(ctx: Context, request: Parameters) -> None:
    _refuse_unbuilt(request)
    if "Metrics" in request and "MetricName" in request:
        raise invalid_combination("The parameters MetricName and Metrics are mutually exclusive and you have specified both.")
    for name in ("ComparisonOperator", "EvaluationPeriods"):
        if name not in request:
            raise missing(f"The parameter {name} is required.")
    _check_threshold(request)
    if "Metrics" in request:
        _check_queries(request)
    else:
        _check_metric(request)
    _check_treatment(request)
    _check_actions(request)
    alarm, before = _configured(ctx, request, METRIC)
    _check_span(alarm)
    await _learn(ctx, request)
    await Changes(ctx).put(alarm, before, evaluation_due(alarm, alarm.configured_at))


@requires("cloudwatch:PutCompositeAlarm", alarm_arn)
async def put_composite_alarm(ctx: Context, request: Parameters) -> None:
    _refuse_unbuilt(request)
    _check_actions(request)
    rule = read_rule(request["AlarmRule"])
    absent = [name for name in rule.names if ctx.store.get(ALARMS, ctx.account, ctx.region, name) is None]
    if absent:
        raise invalid(f"Could not save the composite alarm as alarms [{', '.join(absent)}] in the alarm rule do not exist")
    if _reaches(ctx, rule.names, request["AlarmName"]):
        raise invalid("Could not save the composite alarm as the alarm rule has a cycle")
    alarm, before = _configured(ctx, request, COMPOSITE)
    due = ParentDue(account=alarm.account, region=alarm.region, subject=alarm.name, at=alarm.configured_at, child="")
    await Changes(ctx).put(alarm, before, due)


@requires("cloudwatch:DescribeAlarms", any_alarm)
async def describe_alarms(ctx: Context, request: Parameters) -> Parameters:
    prefix, names = request.get("AlarmNamePrefix"), request.get("AlarmNames")
    if prefix is not None and names is not None:
        raise invalid_combination("The parameters AlarmNamePrefix and AlarmNames are mutually exclusive and you have specified both.")
    kinds = request.get("AlarmTypes") or [METRIC]
    chosen = _related(ctx, request)
    found = [
        alarm
        for alarm in ctx.store.scan(ALARMS, ctx.account, ctx.region)
        if alarm.kind in kinds
        and alarm.name.startswith(prefix or "")
        and (names is None or alarm.name in names)
        and (chosen is None or alarm.name in chosen)
        and request.get("StateValue", alarm.state) == alarm.state
        and ("ActionPrefix" not in request or any(one.startswith(request["ActionPrefix"]) for one in alarm.actions))
    ]
    token = request.get("NextToken")
    if token is not None:
        if not token.startswith("after/"):
            raise bad_token()
        found = [alarm for alarm in found if alarm.name > token.removeprefix("after/")]
    limit = request.get("MaxRecords", PAGE)
    told = found[:limit]
    return {
        "MetricAlarms": [describe_alarm(alarm) for alarm in told if alarm.kind == METRIC],
        "CompositeAlarms": [describe_alarm(alarm) for alarm in told if alarm.kind == COMPOSITE],
        "LogAlarms": [],
        "NextToken": f"after/{told[-1].name}" if len(found) > limit else None,
    }


@requires("cloudwatch:DescribeAlarmsForMetric", any_alarm)
async def describe_alarms_for_metric(ctx: Context, request: Parameters) -> Parameters:
    wanted = (request["Namespace"], request["MetricName"], dimensions_of(request.get("Dimensions")))
    found = [
        alarm
        for alarm in ctx.store.scan(ALARMS, ctx.account, ctx.region)
        if alarm.kind == METRIC
        and "MetricName" in alarm.settings
        and (alarm.settings["Namespace"], alarm.settings["MetricName"], dimensions_of(alarm.settings.get("Dimensions"))) == wanted
        and all(request.get(name, alarm.settings.get(name)) == alarm.settings.get(name) for name in _NARROWING)
    ]
    return {"MetricAlarms": [describe_alarm(alarm) for alarm in found]}


_NARROWING: Final = ("Statistic", "ExtendedStatistic", "Period", "Unit")


@requires("cloudwatch:SetAlarmState", alarm_arn)
async def set_alarm_state(ctx: Context, request: Parameters) -> None:
    alarm = ctx.store.get(ALARMS, ctx.account, ctx.region, request["AlarmName"])
    if alarm is None:
        raise not_found()
    data = request.get("StateReasonData", "")
    if data:
        _check_json(data)
    await Changes(ctx).move(alarm, request["StateValue"], request["StateReason"], data, ctx.clock.now())


@requires("cloudwatch:EnableAlarmActions", alarm_arns)
async def enable_alarm_actions(ctx: Context, request: Parameters) -> None:
    await _silence(ctx, request["AlarmNames"], acts=True)


@requires("cloudwatch:DisableAlarmActions", alarm_arns)
async def disable_alarm_actions(ctx: Context, request: Parameters) -> None:
    await _silence(ctx, request["AlarmNames"], acts=False)


@requires("cloudwatch:DeleteAlarms", alarm_arns)
async def delete_alarms(ctx: Context, request: Parameters) -> None:
    """All that exist; a name that does not is passed over. One on which a composite alarm depends stays, and so do all."""
    names = set(request["AlarmNames"])
    found = [alarm for alarm in ctx.store.scan(ALARMS, ctx.account, ctx.region) if alarm.name in names]
    for alarm in found:
        dependent = [parent.name for parent in parents_of(ctx, alarm.name) if parent.name not in names]
        if dependent:
            raise invalid(f"Cannot delete {alarm.name} as there are composite alarm(s) depending on it.")
    await Changes(ctx).drop(found)


async def _silence(ctx: Context, names: list[str], *, acts: bool) -> None:
    found = [alarm for alarm in ctx.store.scan(ALARMS, ctx.account, ctx.region) if alarm.name in names]
    async with ctx.store.transaction() as tx:
        for alarm in found:
            tx.put(ALARMS, msgspec.structs.replace(alarm, acts=acts))


def _configured(ctx: Context, request: Parameters, kind: str) -> tuple[Alarm, Alarm | None]:
    """The alarm as it shall be, and as it was. What it is put over keeps its state and, unless others are said, its tags."""
    before = ctx.store.get(ALARMS, ctx.account, ctx.region, request["AlarmName"])
    if before is not None and before.kind != kind:
        raise invalid(f"An alarm of another type is called {before.name} already.")
    now = ctx.clock.now()
    settings = {name: _without_none(value) for name, value in request.items() if value is not None}
    tags = {tag["Key"]: tag["Value"] for tag in request.get("Tags", [])}
    acts = request.get("ActionsEnabled", True)
    if before is None:
        alarm = Alarm(
            account=ctx.account,
            region=ctx.region,
            name=request["AlarmName"],
            kind=kind,
            settings=settings,
            configured_at=now,
            updated_at=now,
            transitioned_at=now,
            acts=acts,
            tags=tags,
        )
        return alarm, None
    return msgspec.structs.replace(before, settings=settings, configured_at=max(now, before.configured_at + _TICK), acts=acts), before


_TICK: Final = timedelta(microseconds=1)


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_none(each) for name, each in value.items() if each is not None}
    return [_without_none(each) for each in value] if isinstance(value, list) else value


def _refuse_unbuilt(request: Parameters) -> None:
    for name in NOT_BUILT:
        if name in request:
            raise fault("NotImplemented", f"{name} of alarms is not built in this Headwater.")


def _check_threshold(request: Parameters) -> None:
    """A number, or the query that says what is to be expected."""
    is_banded = request["ComparisonOperator"] in BANDED
    if not is_banded and request["ComparisonOperator"] not in COMPARISONS:
        raise invalid(f"The value {request['ComparisonOperator']} for parameter ComparisonOperator is not supported.")
    if is_banded != ("ThresholdMetricId" in request):
        raise invalid_combination("The parameter ThresholdMetricId goes with the operators of anomaly detection, and with no other.")
    if is_banded and "Threshold" in request:
        raise invalid_combination("The parameters Threshold and ThresholdMetricId are mutually exclusive and you have specified both.")
    if is_banded and not any(one["Id"] == request["ThresholdMetricId"] for one in request.get("Metrics", [])):
        raise invalid(f"The ThresholdMetricId {request['ThresholdMetricId']} is not the Id of a query of Metrics.")
    if not is_banded and "Threshold" not in request:
        raise missing("The parameter Threshold is required.")


async def _learn(ctx: Context, request: Parameters) -> None:
    """An alarm on a band makes the anomaly detectors that it needs, where they are not there."""
    if "ThresholdMetricId" in request:
        queries = read_queries(request["Metrics"])
        band = next(query for query in queries if query.id == request["ThresholdMetricId"])
        names = names_in(band.tree) if band.tree is not None else set()
        made = [made_for(ctx, query.wanted) for query in queries if query.wanted is not None and query.id in names]
        async with ctx.store.transaction() as tx:
            for detector in made:
                if detector is not None:
                    tx.put(ANOMALY_DETECTORS, detector)


def _check_metric(request: Parameters) -> None:
    for name in ("MetricName", "Namespace", "Period"):
        if name not in request:
            raise missing(f"The parameter {name} is required.")
    if ("Statistic" in request) == ("ExtendedStatistic" in request):
        raise invalid_combination("Exactly one of the parameters Statistic and ExtendedStatistic must be specified.")
    extended = request.get("ExtendedStatistic")
    if extended is not None and (extended in PLAIN or not is_known(extended)):
        raise invalid(f"The value {extended} for parameter ExtendedStatistic is not supported.")
    if request["Period"] not in PERIODS and request["Period"] % MINUTE_S:
        raise invalid("Period must be 10, 20, 30 or a multiple of 60")


def _check_queries(request: Parameters) -> None:
    for name in ("Statistic", "ExtendedStatistic", "Dimensions", "Period", "Unit", "Namespace"):
        if name in request:
            raise invalid_combination(f"The parameters Metrics and {name} are mutually exclusive and you have specified both.")
    queries = read_queries(request["Metrics"])
    told = sum(query.is_told and query.id != request.get("ThresholdMetricId") for query in queries)
    if told != 1:
        raise invalid("Exactly one element of the metrics list should return data.")


def _check_treatment(request: Parameters) -> None:
    treated = request.get("TreatMissingData", "missing")
    if treated not in TREATED:
        raise invalid(
            f"Option {treated} is not supported. Supported options for treat missing data are [breaching, notBreaching, ignore, missing]"
        )
    few = request.get("EvaluateLowSampleCountPercentile", "evaluate")
    if few not in PERCENTILES:
        raise invalid(f"Option {few} is not supported. Supported options for evaluate low sample count percentile are [evaluate, ignore]")
    needed = request.get("DatapointsToAlarm")
    if needed is not None and needed > request["EvaluationPeriods"]:
        raise invalid("DatapointsToAlarm must be less than or equal to EvaluationPeriods")


def _check_actions(request: Parameters) -> None:
    for name in ("AlarmActions", "OKActions", "InsufficientDataActions"):
        for action in request.get(name, []):
            if not action.startswith("arn:"):
                raise invalid(f"Invalid arn syntax: {action}")


def _check_span(alarm: Alarm) -> None:
    span_s, period_s = alarm.settings["EvaluationPeriods"] * period_of(alarm), period_of(alarm)
    if period_s < HOUR_S and span_s > DAY_S:
        raise invalid("Metrics cannot be checked across more than a day (EvaluationPeriods * Period must be <= 86400).")
    if span_s > 7 * DAY_S:
        raise invalid("Metrics cannot be checked across more than a week (EvaluationPeriods * Period must be <= 604800).")


def _check_json(text: str) -> None:
    try:
        msgspec.json.decode(text)
    except msgspec.DecodeError:
        raise fault("InvalidFormatFault", "StateReasonData is not valid JSON.") from None


def _reaches(ctx: Context, names: tuple[str, ...], wanted: str) -> bool:
    """Whether a rule over these names comes back to the alarm itself."""
    seen: set[str] = set()
    left = list(names)
    while left:
        name = left.pop()
        if name == wanted:
            return True
        alarm = ctx.store.get(ALARMS, ctx.account, ctx.region, name)
        if name not in seen and alarm is not None and alarm.kind == COMPOSITE:
            left += read_rule(alarm.settings["AlarmRule"]).names
        seen.add(name)
    return False


def _related(ctx: Context, request: Parameters) -> set[str] | None:
    """The names of the children or parents that are asked for; None where neither is."""
    child, parent = request.get("ParentsOfAlarmName"), request.get("ChildrenOfAlarmName")
    if child is not None:
        return {alarm.name for alarm in parents_of(ctx, alarm_name(child))}
    if parent is None:
        return None
    alarm = ctx.store.get(ALARMS, ctx.account, ctx.region, alarm_name(parent))
    return set(read_rule(alarm.settings["AlarmRule"]).names) if alarm is not None and alarm.kind == COMPOSITE else set()
