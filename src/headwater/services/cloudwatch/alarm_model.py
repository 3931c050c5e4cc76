"""Alarms, metric and composite, and what happened to them. Pure.

What a caller set is kept as it was said, by the API's names: an alarm is described as it was put. What the room itself knows of it
(its state, since when, and why) stands beside that.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
from msgspec import field

from headwater.kernel.store import Record, Table

METRIC: Final = "MetricAlarm"
COMPOSITE: Final = "CompositeAlarm"
OK: Final = "OK"
ALARM: Final = "ALARM"
INSUFFICIENT: Final = "INSUFFICIENT_DATA"
UNCHECKED: Final = "Unchecked: Initial alarm creation"
ACTIONS: Final = {OK: "OKActions", ALARM: "AlarmActions", INSUFFICIENT: "InsufficientDataActions"}
_NOT_SHOWN: Final = frozenset({"Tags", "AlarmName", "ActionsEnabled"})


class Alarm(Record, frozen=True, kw_only=True):
    account: str
    region: str
    name: str
    kind: str
    settings: dict[str, Any]
    configured_at: datetime
    updated_at: datetime
    transitioned_at: datetime
    acts: bool = True
    state: str = INSUFFICIENT
    reason: str = UNCHECKED
    reason_data: str = ""
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def arn(self) -> str:
        return f"arn:aws:cloudwatch:{self.region}:{self.account}:alarm:{self.name}"

    @property
    def actions(self) -> list[str]:
        """What is to be done in the state that it is in."""
        found: list[str] = self.settings.get(ACTIONS[self.state], [])
        return found


class Happened(Record, frozen=True, kw_only=True):
    """One entry of an alarm's history. `data` is JSON."""

    account: str
    region: str
    at_us: int
    id: str
    alarm: str
    kind: str
    what: str
    summary: str
    data: str

    @property
    def place(self) -> str:
        return f"{self.at_us:018d}{self.id}"


ALARMS: Final = Table("cloudwatch", "alarms", Alarm, key=lambda a: (a.account, a.region, a.name))
HISTORY: Final = Table("cloudwatch", "history", Happened, key=lambda h: (h.account, h.region, h.place), big=True)


def microseconds(at: datetime) -> int:
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def spelled(at: datetime) -> str:
    """A moment as alarms write it in their JSON."""
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}+0000"


def changed(alarm: Alarm, state: str, reason: str, reason_data: str, at: datetime) -> Alarm:
    """This alarm once it is in `state`."""
    return msgspec.structs.replace(
        alarm,
        state=state,
        reason=reason,
        reason_data=reason_data,
        updated_at=at,
        transitioned_at=at if state != alarm.state else alarm.transitioned_at,
    )


def describe_alarm(alarm: Alarm) -> dict[str, Any]:
    own = {name: value for name, value in alarm.settings.items() if name not in _NOT_SHOWN}
    lists: dict[str, Any] = {name: own.get(name, []) for name in ACTIONS.values()}
    if alarm.kind == METRIC and "Metrics" not in own:
        lists["Dimensions"] = own.get("Dimensions", [])
    return (
        own
        | lists
        | {
            "AlarmName": alarm.name,
            "AlarmArn": alarm.arn,
            "ActionsEnabled": alarm.acts,
            "AlarmConfigurationUpdatedTimestamp": alarm.configured_at,
            "StateValue": alarm.state,
            "StateReason": alarm.reason,
            "StateReasonData": alarm.reason_data or None,
            "StateUpdatedTimestamp": alarm.updated_at,
            "StateTransitionedTimestamp": alarm.transitioned_at,
        }
    )


def describe_happened(happened: Happened) -> dict[str, Any]:
    return {
        "AlarmName": happened.alarm,
        "AlarmType": happened.kind,
        "Timestamp": datetime.fromtimestamp(happened.at_us / 1e6, UTC),
        "HistoryItemType": happened.what,
        "HistorySummary": happened.summary,
        "HistoryData": happened.data,
    }
