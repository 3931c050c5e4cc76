"""Rules that the Clock fires. Each owes a job for its next moment, so ten thousand of them cost nothing while they wait.

A moment that was missed (the house was closed, the Clock was moved) is made up for, one after the other: each owes the next when it
runs, and the runner takes what is due in the order of time, so that no schedule keeps others waiting.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from headwater.aws.faults import fault
from headwater.kernel.jobs import Job, handles
from headwater.kernel.schedule import InvalidSchedule, parse

from . import measured
from .delivery import Delivery, delivery, event_of
from .finding import rule_of_arn
from .live import live_of
from .model import RULES, Rule

if TYPE_CHECKING:
    from headwater.kernel.context import Context
    from headwater.kernel.home import Home


class RuleDue(Job, frozen=True, kw_only=True, tag="events/rule-due/1"):
    """A rule is due, and with it whatever else is: `subject` is its ARN."""

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
async def _fire_due(ctx: Context, due: RuleDue) -> None:
    """Everything that is due, in the order of time. Where that is much, the rest comes after what it made due to be delivered."""
    home, order, key = ctx.home, live_of(ctx.home).order, rule_of_arn(due.subject)
    if key is not None:
        order.put(due.at, key)
    if await order.run(home.clock.now, lambda at, key: _fire(home, at, key)):
        async with home.store.transaction() as tx:
            tx.owe(msgspec.structs.replace(due, subject="more", at=home.clock.now()))


async def _fire(home: Home, at: datetime, key: tuple[str, ...]) -> None:
    rule = home.store.get(RULES, *key)
    if rule is None or rule.due != at or not rule.is_on:
        return  # deleted, changed or switched off meanwhile
    following = msgspec.structs.replace(rule, due=next_due(rule, at))
    async with home.store.transaction() as tx:
        tx.put(RULES, following)
        if following.due is not None and following.due > home.clock.now():
            tx.owe(RuleDue.of(following))
        if rule.targets:
            tx.owe(_tick(rule, at))
    home.bus.publish("metric", measured.triggered(rule, home.clock.now(), by_event=False))
    if following.due is not None:
        live_of(home).order.put(following.due, key)


def _tick(rule: Rule, at: datetime) -> Delivery:
    """The event of a moment, owed to the rule's targets."""
    event_id = str(uuid.uuid4())
    place = (rule.account, rule.region, rule.bus)
    event = event_of(place, source="aws.events", detail_type="Scheduled Event", time=at, detail={}, resources=[rule.arn], event_id=event_id)
    targets = [(rule.name, target["Id"]) for target in rule.targets]
    return delivery(*place, at, event_id, msgspec.json.encode(event), targets, is_relayed=False)
