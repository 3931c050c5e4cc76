"""Insight rules (Contributor Insights): who contributes most to what log groups hold. contributors.py knows what a rule means.

A report is worked out when somebody asks, from the events that came while the rule was on; the logs are read in the asker's name.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec

from headwater.aws.faults import Fault, fault
from headwater.kernel.paging import page_by_name
from headwater.kernel.permissions import requires
from headwater.kernel.store import Record, Table

from .contributors import Definition, Key, Report, read, reader
from .refusals import bad_token, invalid_value

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from headwater.kernel.context import Context

Parameters = dict[str, Any]

ENABLED: Final = "ENABLED"
DISABLED: Final = "DISABLED"
RULES_MAX: Final = 100
PAGE: Final = 500
CONTRIBUTORS: Final = 10
CONTRIBUTORS_MAX: Final = 100
SPAN_MAX_S: Final = 86_400
METRICS: Final = frozenset({"UniqueContributors", "MaxContributorValue", "SampleCount", "Sum", "Minimum", "Maximum", "Average"})
ARN: Final = "arn:aws:cloudwatch:{region}:{account}:insight-rule/{RuleName}"


class InsightRule(Record, frozen=True, kw_only=True):
    """`spans`: when it was on, in milliseconds, the last one perhaps without an end."""

    account: str
    region: str
    name: str
    definition: str
    spans: tuple[tuple[int, int | None], ...]
    on_transformed: bool = False
    tags: dict[str, str] = msgspec.field(default_factory=dict)

    @property
    def is_on(self) -> bool:
        return bool(self.spans) and self.spans[-1][1] is None

    def switched(self, *, on: bool, now_ms: int) -> InsightRule:
        if on == self.is_on:
            return self
        spans = (*self.spans, (now_ms, None)) if on else (*self.spans[:-1], (self.spans[-1][0], now_ms))
        return msgspec.structs.replace(self, spans=spans)

    def heard(self, at_ms: int) -> bool:
        return any(low <= at_ms and (high is None or at_ms < high) for low, high in self.spans)


INSIGHT_RULES: Final = Table("cloudwatch", "insight_rules", InsightRule, key=lambda each: (each.account, each.region, each.name))


def describe(rule: InsightRule) -> Parameters:
    schema = read(rule.definition).schema
    return {
        "Name": rule.name,
        "State": ENABLED if rule.is_on else DISABLED,
        "Schema": f"{schema.name}/{schema.version}",
        "Definition": rule.definition,
        "ManagedRule": False,
        "ApplyOnTransformedLogs": rule.on_transformed,
    }


def _rule_arns(ctx: Context, request: Parameters) -> list[str]:
    return [f"arn:aws:cloudwatch:{ctx.region}:{ctx.account}:insight-rule/{name}" for name in request["RuleNames"]]


def _now_ms(ctx: Context) -> int:
    return int(ctx.clock.now().timestamp() * 1000)


def no_such_rule(name: str) -> Fault:
    return fault("ResourceNotFoundException", f"Insight rule {name} does not exist.", ResourceType="InsightRule", ResourceId=name)


@requires("cloudwatch:PutInsightRule", ARN)
async def put_insight_rule(ctx: Context, request: Parameters) -> Parameters:
    """Make one, or change it: its report then begins anew."""
    read(request["RuleDefinition"])
    state = request.get("RuleState", ENABLED).upper()
    if state not in {ENABLED, DISABLED}:
        raise invalid_value(f"The rule state {request['RuleState']} is not supported.")
    before = ctx.store.get(INSIGHT_RULES, ctx.account, ctx.region, request["RuleName"])
    if before is None and len(ctx.store.scan(INSIGHT_RULES, ctx.account, ctx.region)) >= RULES_MAX:
        raise fault("LimitExceededException", "The maximum number of rules has been reached.")
    is_same = before is not None and before.definition == request["RuleDefinition"]
    rule = InsightRule(
        account=ctx.account,
        region=ctx.region,
        name=request["RuleName"],
        definition=request["RuleDefinition"],
        spans=before.spans if before is not None and is_same else (),
        on_transformed=request.get("ApplyOnTransformedLogs", False),
        tags={tag["Key"]: tag["Value"] for tag in request.get("Tags", [])} if before is None else before.tags,
    ).switched(on=state == ENABLED, now_ms=_now_ms(ctx))
    async with ctx.store.transaction() as tx:
        tx.put(INSIGHT_RULES, rule)
    return {}


@requires("cloudwatch:DescribeInsightRules")
async def describe_insight_rules(ctx: Context, request: Parameters) -> Parameters:
    found = ctx.store.scan(INSIGHT_RULES, ctx.account, ctx.region)
    limit, token = request.get("MaxResults", PAGE), request.get("NextToken")
    shown, token = page_by_name(found, lambda rule: rule.name, limit, token, bad_token)
    return {"InsightRules": [describe(rule) for rule in shown], "NextToken": token}


def _found(ctx: Context, names: list[str]) -> tuple[list[InsightRule], list[Parameters]]:
    """The rules that are there, and what is said of the others."""
    rules = {name: ctx.store.get(INSIGHT_RULES, ctx.account, ctx.region, name) for name in names}
    failures = [
        {
            "FailureResource": name,
            "ExceptionType": "ResourceNotFoundException",
            "FailureCode": "404",
            "FailureDescription": no_such_rule(name).message,
        }
        for name, rule in rules.items()
        if rule is None
    ]
    return [rule for rule in rules.values() if rule is not None], failures


async def _switch(ctx: Context, names: list[str], *, on: bool) -> Parameters:
    rules, failures = _found(ctx, names)
    async with ctx.store.transaction() as tx:
        for rule in rules:
            tx.put(INSIGHT_RULES, rule.switched(on=on, now_ms=_now_ms(ctx)))
    return {"Failures": failures}


@requires("cloudwatch:EnableInsightRules", _rule_arns)
async def enable_insight_rules(ctx: Context, request: Parameters) -> Parameters:
    return await _switch(ctx, request["RuleNames"], on=True)


@requires("cloudwatch:DisableInsightRules", _rule_arns)
async def disable_insight_rules(ctx: Context, request: Parameters) -> Parameters:
    return await _switch(ctx, request["RuleNames"], on=False)


@requires("cloudwatch:DeleteInsightRules", _rule_arns)
async def delete_insight_rules(ctx: Context, request: Parameters) -> Parameters:
    rules, failures = _found(ctx, request["RuleNames"])
    async with ctx.store.transaction() as tx:
        for rule in rules:
            tx.delete(INSIGHT_RULES, rule.account, rule.region, rule.name)
    return {"Failures": failures}


@requires("cloudwatch:GetInsightRuleReport", ARN)
async def get_insight_rule_report(ctx: Context, request: Parameters) -> Parameters:
    rule = ctx.store.get(INSIGHT_RULES, ctx.account, ctx.region, request["RuleName"])
    if rule is None:
        raise no_such_rule(request["RuleName"])
    start_s, end_s = int(request["StartTime"].timestamp()), int(request["EndTime"].timestamp())
    count, order, metrics = request.get("MaxContributorCount", CONTRIBUTORS), request.get("OrderBy", "Sum"), request.get("Metrics", [])
    _check(start_s, end_s, request["Period"], count, order, metrics)
    definition = read(rule.definition)
    report = await _worked_out(ctx, rule, definition, Report(start_s, end_s, request["Period"]), (start_s * 1000, end_s * 1000))
    return {
        "KeyLabels": definition.contribution.keys,
        "AggregationStatistic": "Sum" if definition.aggregate_on == "Sum" else "SampleCount",
        "AggregateValue": report.total,
        "ApproximateUniqueCount": report.unique,
        "Contributors": [_describe_contributor(*each) for each in report.contributors(count, order)],
        "MetricDatapoints": [
            {"Timestamp": _moment(at_s)} | {name: value for name, value in report.metrics(at_s).items() if name in metrics}
            for at_s in (report.moments if metrics else [])
        ],
    }


def _describe_contributor(key: Key, total: float, points: list[tuple[int, float]]) -> Parameters:
    return {
        "Keys": list(key),
        "ApproximateAggregateValue": total,
        "Datapoints": [{"Timestamp": _moment(at_s), "ApproximateValue": value} for at_s, value in points],
    }


def _moment(at_s: int) -> datetime:
    return datetime.fromtimestamp(at_s, UTC)


def _check(start_s: int, end_s: int, period_s: int, count: int, order: str, metrics: list[str]) -> None:
    if period_s % 60:
        raise invalid_value("The parameter Period must be a multiple of 60.")
    if not 0 < end_s - start_s <= SPAN_MAX_S:
        raise invalid_value("The parameter EndTime must be later than StartTime, by at most 24 hours.")
    if not 1 <= count <= CONTRIBUTORS_MAX:
        raise invalid_value(f"The parameter MaxContributorCount must be between 1 and {CONTRIBUTORS_MAX}.")
    if order not in {"Sum", "Maximum"} or not METRICS.issuperset(metrics):
        raise invalid_value("The parameter OrderBy or Metrics has a value that is not supported.")


async def _worked_out(ctx: Context, rule: InsightRule, definition: Definition, report: Report, span: tuple[int, int]) -> Report:
    contributed, loop = reader(definition), asyncio.get_running_loop()
    async for events in _events(ctx, definition, *span):
        meant = [event for event in events if rule.heard(event["ingestionTime"])]
        found = await loop.run_in_executor(ctx.home.pools.engines, lambda: [contributed(event["message"]) for event in meant])  # noqa: B023 - awaited before the next page
        for event, one in zip(meant, found, strict=True):
            if one is not None:
                report.add(event["timestamp"] // 1000, *one)
    return report


async def _events(ctx: Context, definition: Definition, start_ms: int, end_ms: int) -> AsyncIterator[list[Parameters]]:
    """Of each group that is meant, a page at a time. The end is not part of the time."""
    logs = ctx.client("logs")
    for group in await _groups(ctx, definition):
        more: Parameters = {}
        while True:
            answer = await logs.filter_log_events(logGroupName=group, startTime=start_ms, endTime=end_ms - 1, **more)
            yield answer.get("events", [])
            if not answer.get("nextToken"):
                break
            more = {"nextToken": answer["nextToken"]}


async def _groups(ctx: Context, definition: Definition) -> list[str]:
    """A name that ends with a star stands for all that begin so; a group that is not there for none."""
    logs, found = ctx.client("logs"), dict[str, None]()
    names = [*definition.log_group_names, *(arn.removesuffix(":*").rpartition(":log-group:")[2] for arn in definition.log_group_arns)]
    for name in names:
        prefix, is_all, more = name.removesuffix("*"), name.endswith("*"), dict[str, Any]()
        while True:
            answer = await logs.describe_log_groups(**({"logGroupNamePrefix": prefix} if prefix else {}), **more)
            every = [group["logGroupName"] for group in answer.get("logGroups", [])]
            found |= dict.fromkeys(group for group in every if is_all or group == prefix)
            if not answer.get("nextToken"):
                break
            more = {"nextToken": answer["nextToken"]}
    return list(found)
