"""Rules that the Clock fires. Each owes a job for its next moment, so ten thousand of them cost nothing while they wait.

A moment that was missed (the house was closed, the Clock was moved) is made up for, one after the other: each owes the next when it
runs, and the runner takes what is due in the order of time, so that no schedule keeps others waiting.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from headwater.aws.faults import fault
from headwater.kernel.jobs import Job, handles
from headwater.kernel.schedule import InvalidSchedule, parse

from .delivery import delivery, event_of
from .finding import rule_of_arn
from .model import RULES, Rule

if TYPE_CHECKING:
    from headwater.kernel.context import Context


class RuleDue(Job, frozen=True, kw_only=True, tag="events/rule-due/1"):
    """`subject` is the rule's ARN."""

    @classmethod
    def of(cls, rule: Rule) -> RuleDue:
        assert rule.due is not None
        return cls(account=rule.account, region=rule.region, subject=rule.arn, at=rule.due)


def check_schedule(expression: str) -> None:
    """`at(...)` is EventBridge Scheduler's."""
    wrong = fault("ValidationException", "Parameter ScheduleExpression is not valid.")
    if expression.startswith("at("):
        raise wrong
    try:
        parse(expression)
    except InvalidSchedule:
        raise wrong from None


def first_due(rule: Rule, now: datetime) -> datetime | None:
    """The next moment of the rule after `now`."""
    if rule.schedule is None or not rule.is_on:
        return None
    if rule.due is not None and rule.due > now:
        return rule.due
    return next_due(rule, max(now, rule.created_at))


def next_due(rule: Rule, after: datetime) -> datetime | None:
    assert rule.schedule is not None
    return parse(rule.schedule).next_after(after, start=rule.created_at)


@handles(RuleDue, timeout=timedelta(minutes=1))
async def _fire(ctx: Context, due: RuleDue) -> None:
    key = rule_of_arn(due.subject)
    assert key is not None
    rule = ctx.store.get(RULES, *key)
    if rule is None or rule.due != due.at or not rule.is_on:
        return  # deleted, changed or switched off while we slept
    following = msgspec.structs.replace(rule, due=next_due(rule, due.at))
    event_id = ctx.new_id()
    event = event_of(
        key[:3], source="aws.events", detail_type="Scheduled Event", time=due.at, detail={}, resources=[rule.arn], event_id=event_id
    )
    async with ctx.store.transaction() as tx:
        tx.put(RULES, following)
        if following.due is not None:
            tx.owe(RuleDue.of(following))
        if rule.targets:
            targets = [(rule.name, target["Id"]) for target in rule.targets]
            written = msgspec.json.encode(event)
            tx.owe(delivery(rule.account, rule.region, rule.bus, due.at, event_id, written, targets, is_relayed=False))
