"""Rules: what is asked of events, and when a schedule makes one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from headwater.aws.faults import fault
from headwater.kernel.permissions import requires

from .arns import rule_arn
from .finding import bus_at, changeable_rule, find_bus, find_rule, managed, no_such_bus, place_of
from .language import compiled
from .live import live_of
from .model import DEFAULT, DISABLED, ENABLED, RULES, Rule
from .paging import page
from .reading import InvalidPattern
from .schedules import RuleDue, check_schedule, first_due
from .tagging import tags_given

if TYPE_CHECKING:
    from datetime import datetime

    from headwater.kernel.context import Context
    from headwater.kernel.store import Transaction

PLAIN = {
    "EventPattern": "pattern",
    "ScheduleExpression": "schedule",
    "Description": "description",
    "RoleArn": "role_arn",
    "ManagedBy": "managed_by",
}


def describe(rule: Rule) -> dict[str, Any]:
    """As ListRules has it."""
    said: dict[str, Any] = {"Name": rule.name, "Arn": rule.arn, "State": rule.state, "EventBusName": rule.bus}
    return said | {member: value for member, name in PLAIN.items() if (value := getattr(rule, name)) is not None}


def write(tx: Transaction, before: Rule | None, rule: Rule, now: datetime) -> Rule:
    """Keep the rule, and owe what its schedule makes due next."""
    due = first_due(rule, now)
    rule = msgspec.structs.replace(rule, due=due)
    if before is not None and before.due is not None and before.due != due:
        tx.forget(RuleDue.of(before))
    tx.put(RULES, rule)
    if due is not None:
        tx.owe(RuleDue.of(rule))
    return rule


def check_pattern(text: str) -> None:
    try:
        compiled(text)
    except InvalidPattern as wrong:
        raise fault("InvalidEventPatternException", f"Event pattern is not valid. Reason: {wrong}") from None


@requires("events:PutRule", rule_arn("Name"))
@requires("iam:PassRole", "{RoleArn}", when="RoleArn", passed_to="events.amazonaws.com")
async def put_rule(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Make a rule, or change it: what is not said is then taken away, but for targets and tags."""
    bus = find_bus(ctx, request.get("EventBusName"))
    pattern, schedule = request.get("EventPattern") or None, request.get("ScheduleExpression") or None
    if pattern is None and schedule is None:
        raise fault("ValidationException", "Parameter(s) EventPattern or ScheduleExpression must be specified.")
    if schedule is not None:
        if bus.name != DEFAULT:
            raise fault("ValidationException", "ScheduleExpression is supported only on the default event bus.")
        check_schedule(schedule)
    if pattern is not None:
        check_pattern(pattern)
    before = ctx.store.get(RULES, bus.account, bus.region, bus.name, request["Name"])
    if before is not None and before.managed_by is not None:
        raise managed(before)
    now = ctx.clock.now()
    rule = Rule(
        account=bus.account,
        region=bus.region,
        bus=bus.name,
        name=request["Name"],
        state=request.get("State", ENABLED),
        created_at=now if before is None or before.schedule != schedule else before.created_at,
        pattern=pattern,
        schedule=schedule,
        description=request.get("Description"),
        role_arn=request.get("RoleArn"),
        targets=() if before is None else before.targets,
        tags=tags_given({}, request.get("Tags", [])) if before is None else before.tags,
    )
    async with ctx.store.transaction() as tx:
        rule = write(tx, before, rule, now)
    live_of(ctx.home).changed(rule)
    return {"RuleArn": rule.arn}


@requires("events:DescribeRule", rule_arn("Name"))
async def describe_rule(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    rule = find_rule(ctx, request)
    return describe(rule) | {"CreatedBy": rule.account}


@requires("events:ListRules")
async def list_rules(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    bus, prefix = find_bus(ctx, request.get("EventBusName")), request.get("NamePrefix", "")
    rules = [rule for rule in ctx.store.scan(RULES, bus.account, bus.region, bus.name) if rule.name.startswith(prefix)]
    shown, more = page(rules, request, lambda rule: rule.name)
    return {"Rules": [describe(rule) for rule in shown], **more}


@requires("events:ListRuleNamesByTarget")
async def list_rule_names_by_target(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    bus = find_bus(ctx, request.get("EventBusName"))
    rules = ctx.store.scan(RULES, bus.account, bus.region, bus.name)
    names = [rule.name for rule in rules if any(target["Arn"] == request["TargetArn"] for target in rule.targets)]
    shown, more = page(names, request, str)
    return {"RuleNames": shown, **more}


async def _set_state(ctx: Context, request: dict[str, Any], state: str) -> dict[str, Any]:
    rule = changeable_rule(ctx, request)
    changed = msgspec.structs.replace(rule, state=state)
    async with ctx.store.transaction() as tx:
        changed = write(tx, rule, changed, ctx.clock.now())
    live_of(ctx.home).changed(changed)
    return {}


@requires("events:EnableRule", rule_arn("Name"))
async def enable_rule(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    return await _set_state(ctx, request, ENABLED)


@requires("events:DisableRule", rule_arn("Name"))
async def disable_rule(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    return await _set_state(ctx, request, DISABLED)


@requires("events:DeleteRule", rule_arn("Name"))
async def delete_rule(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Targets go first. A rule that is not there is no error."""
    place = place_of(ctx, request.get("EventBusName"))
    if bus_at(ctx.store, place) is None:
        raise no_such_bus(place[2])
    rule = ctx.store.get(RULES, *place, request["Name"])
    if rule is None:
        return {}
    if rule.managed_by is not None and not request.get("Force"):
        raise managed(rule)
    if rule.targets:
        raise fault("ValidationException", "Rule can't be deleted since it has targets.")
    async with ctx.store.transaction() as tx:
        if rule.due is not None:
            tx.forget(RuleDue.of(rule))
        tx.delete(RULES, *rule.key)
    live_of(ctx.home).removed(rule)
    return {}
