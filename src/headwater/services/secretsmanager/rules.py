"""Rotation rules: what is asked for, and the window in which a secret is rotated next. Pure.

A schedule opens a window; Secrets Manager rotates at some moment within it, we when it opens. NextRotationDate is its last second.
Source: "Schedule expressions in Secrets Manager rotation" of the user guide; the API reference (RotationRulesType).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from headwater.aws.faults import Fault
from headwater.kernel.schedule import Cron, InvalidSchedule, Rate, parse

from . import refusals
from .model import Rules, Secret

DAY: Final = timedelta(days=1)
HOUR: Final = timedelta(hours=1)
SHORTEST: Final = timedelta(hours=4)
LONGEST: Final = timedelta(days=1000)
HOURS_A_DAY: Final = 24
LAST_SECOND: Final = timedelta(seconds=1)


def asked_rules(request: dict[str, Any]) -> Rules | None:
    """The rules in a request, if they can be kept."""
    asked = request.get("RotationRules")
    if asked is None:
        return None
    days, expression, duration = asked.get("AutomaticallyAfterDays"), asked.get("ScheduleExpression"), asked.get("Duration")
    if (days is None) == (expression is None):
        raise refusals.invalid("You must specify either AutomaticallyAfterDays or ScheduleExpression in RotationRules, but not both.")
    rules = Rules(days=days, expression=expression, duration=duration)
    _check(rules)
    return rules


def _check(rules: Rules) -> None:
    hours = HOURS_A_DAY if rules.duration is None else int(rules.duration.removesuffix("h"))
    if not 1 <= hours <= HOURS_A_DAY:
        raise refusals.invalid("Duration must be between 1h and 24h.")
    if rules.expression is None:
        return
    try:
        schedule = parse(rules.expression)
    except InvalidSchedule as error:
        raise _invalid(f"{error}.") from None
    if isinstance(schedule, Rate):
        _check_rate(schedule, rules)
    elif isinstance(schedule, Cron):
        _check_cron(schedule, rules)
    else:
        raise _invalid("It must be a rate() or a cron() expression.")


def _invalid(why: str) -> Fault:
    return refusals.invalid(f"Invalid ScheduleExpression: {why}")


def _check_rate(schedule: Rate, rules: Rules) -> None:
    if not SHORTEST <= schedule.period <= LONGEST:
        raise _invalid("A secret can be rotated every four hours at most and every 1000 days at least.")
    if schedule.period % HOUR:
        raise _invalid("A rate is in hours or days.")
    if rules.duration is not None and _length(rules) > schedule.period:
        raise refusals.invalid("The rotation window must not extend into the next rotation window.")


def _check_cron(schedule: Cron, rules: Rules) -> None:
    fields = (rules.expression or "").removeprefix("cron(").removesuffix(")").split()
    if fields[0] != "0" or fields[-1] != "*":
        raise _invalid("The minutes must be 0 and the year must be *.")
    gaps = [later - hour for hour, later in zip(schedule.hours, schedule.hours[1:], strict=False)]
    if any(gap * HOUR < SHORTEST for gap in gaps):
        raise _invalid("A secret can be rotated every four hours at most.")
    if rules.duration is None:
        return
    length = _length(rules)
    if schedule.hours[-1] * HOUR + length > DAY:
        raise refusals.invalid("The rotation window must not extend into the next UTC day.")
    if any(gap * HOUR < length for gap in gaps):
        raise refusals.invalid("The rotation window must not extend into the next rotation window.")


def _length(rules: Rules) -> timedelta:
    assert rules.duration is not None
    return int(rules.duration.removesuffix("h")) * HOUR


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def window(rules: Rules, since: datetime) -> tuple[datetime, datetime] | None:
    """The next window after a rotation at `since`: when it opens, and its last second."""
    if rules.expression is None:  # beside an expression the days are only what it comes to (`with_days`)
        return None if rules.days is None else _closed(rules, _midnight(since) + rules.days * DAY, in_days=True)
    schedule = parse(rules.expression)
    if isinstance(schedule, Rate) and schedule.period % DAY == timedelta():
        return _closed(rules, _midnight(since) + schedule.period, in_days=True)
    opens = schedule.next_after(since, start=_midnight(since))
    if opens is None:
        return None
    return _closed(rules, opens, in_days=isinstance(schedule, Cron) and len(schedule.hours) == 1)


def _closed(rules: Rules, opens: datetime, *, in_days: bool) -> tuple[datetime, datetime]:
    if rules.duration is not None:
        return opens, opens + _length(rules) - LAST_SECOND
    return opens, (_midnight(opens) + DAY if in_days else opens + HOUR) - LAST_SECOND


def scheduled(secret: Secret, since: datetime) -> Secret:
    """With the next window after `since`, if there is to be one."""
    found = window(secret.rules, since) if secret.rotation_enabled and secret.rules is not None else None
    opens, closes = found if found is not None else (None, None)
    return msgspec.structs.replace(secret, rotation_due_at=opens, rotation_due_until=closes)


def rescheduled(secret: Secret, now: datetime) -> Secret:
    """After a new value was put by hand, which counts as a rotation where the schedule counts days from the last one."""
    if not secret.rotation_enabled or secret.rules is None or secret.rotation is not None:
        return secret
    if secret.rules.expression is not None and isinstance(parse(secret.rules.expression), Cron):
        return secret
    return scheduled(secret, now)


def with_days(secret: Secret, since: datetime) -> Secret:
    """After a rotation AutomaticallyAfterDays says how many days a schedule comes to."""
    if secret.rules is None or secret.rules.expression is None or secret.rotation_due_at is None:
        return secret
    days = (_midnight(secret.rotation_due_at) - _midnight(since)) // DAY
    return msgspec.structs.replace(secret, rules=msgspec.structs.replace(secret.rules, days=max(1, days)))
