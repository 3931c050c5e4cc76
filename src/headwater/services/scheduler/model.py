"""Records of schedules and their groups, and when a schedule is due. Pure, but for the tables that they lie in."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from headwater.kernel.schedule import Rate, parse
from headwater.kernel.store import Record, Table

DEFAULT: Final = "default"
ENABLED: Final = "ENABLED"
UTC_NAME: Final = "UTC"
_MOMENT: Final = timedelta(microseconds=1)


class Group(Record, frozen=True, kw_only=True):
    account: str
    region: str
    name: str
    created_at: datetime
    modified_at: datetime
    token: str = ""
    tags: dict[str, str] = msgspec.field(default_factory=dict)

    @property
    def arn(self) -> str:
        return f"arn:aws:scheduler:{self.region}:{self.account}:schedule-group/{self.name}"


class Schedule(Record, frozen=True, kw_only=True):
    """`settled_at` is when the expression was set, from which a rate counts; `last` the moment that was due last."""

    account: str
    region: str
    group: str
    name: str
    expression: str
    zone: str
    state: str
    target: dict[str, Any]  # in the API's spelling
    window: dict[str, Any]
    created_at: datetime
    modified_at: datetime
    settled_at: datetime
    start: datetime | None = None
    end: datetime | None = None
    description: str | None = None
    kms_key: str | None = None
    after_completion: str = "NONE"
    token: str = ""
    due: datetime | None = None
    last: datetime | None = None

    @property
    def key(self) -> tuple[str, str, str, str]:
        return (self.account, self.region, self.group, self.name)

    @property
    def arn(self) -> str:
        return f"arn:aws:scheduler:{self.region}:{self.account}:schedule/{self.group}/{self.name}"

    @property
    def group_arn(self) -> str:
        return f"arn:aws:scheduler:{self.region}:{self.account}:schedule-group/{self.group}"

    def first_due(self, now: datetime) -> datetime | None:
        """The next moment from now on. A rate begins at its start, or at once."""
        if self.state != ENABLED:
            return None
        begin = max(now, self.start or now)
        is_rate = isinstance(parse(self.expression, self.zone), Rate)
        return self.due_after((self.settled_at if is_rate and self.start is None and self.settled_at >= now else begin) - _MOMENT)

    def due_after(self, moment: datetime) -> datetime | None:
        known = parse(self.expression, self.zone)
        if self.expression.startswith("at("):
            return known.next_after(moment, start=self.settled_at)
        if self.start is not None:
            moment = max(moment, self.start - _MOMENT)
        due = known.next_after(moment, start=self.start or self.settled_at)
        return None if due is not None and self.end is not None and due > self.end else due


class Failed(Record, frozen=True, kw_only=True):
    """A call that came to nothing. `dead_letter` says what became of it; its input is kept where a queue should have got it."""

    account: str
    region: str
    at: datetime
    id: str
    schedule_arn: str
    target_arn: str
    code: str
    message: str
    attempts: int
    condition: str = ""
    dead_letter: str = ""
    input: str = ""


GROUPS: Final = Table("scheduler", "groups", Group, key=lambda group: (group.account, group.region, group.name))
SCHEDULES: Final = Table("scheduler", "schedules", Schedule, key=lambda schedule: schedule.key)
FAILED: Final = Table("scheduler", "failed", Failed, key=lambda failed: (failed.account, failed.region, failed.at.isoformat(), failed.id))
