"""An alarm's change of state: written with its history and with the actions that it owes, then told.

One transaction holds the new state, the history and the owed actions: killed at any point, either the change has not happened and the next
evaluation makes it, or it has and its actions will be done.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import msgspec

from headwater.aws.faults import Fault, fault
from headwater.kernel.context import Context
from headwater.kernel.jobs import Job, handles

from .alarm_model import ALARMS, COMPOSITE, HISTORY, Alarm, Happened, changed, microseconds, spelled
from .notices import changed_event, configured_event, function_payload, state_of, topic_message
from .rules import read_rule

if TYPE_CHECKING:
    from headwater.kernel.store.store import Transaction

HISTORY_KEPT: Final = timedelta(days=30)
ROWS: Final = 500


class ActionDue(Job, frozen=True, kw_only=True, tag="cloudwatch/action-due/1"):
    """What an alarm does on a change. The alarm before and after comes along, for it may change again."""

    action: str
    before: Alarm
    after: Alarm


class ParentDue(Job, frozen=True, kw_only=True, tag="cloudwatch/parent-due/1"):
    """An alarm changed that the composite alarm `subject` speaks of. `child` is its name."""

    child: str


class ForgetDue(Job, frozen=True, kw_only=True, tag="cloudwatch/forget-history/1"):
    """Once a day while something is written: history older than 30 days goes."""


class Changes:
    """Changes of alarms, as an operation or a job makes them."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    async def move(self, before: Alarm, state: str, reason: str, reason_data: str, at: datetime) -> Alarm:
        """Put the alarm into `state`. To itself is no transition: the reason is noted, nothing is done."""
        ctx = self._ctx
        after = changed(before, state, reason, reason_data, at)
        if after.state == before.state:
            async with ctx.store.transaction() as tx:
                tx.put(ALARMS, after)
            return after
        parents = parents_of(ctx, before.name)
        async with ctx.store.transaction() as tx:
            tx.put(ALARMS, after)
            self._note(tx, after, at, "StateUpdate", f"Alarm updated from {before.state} to {after.state}", _update(before, after))
            for action in after.actions if after.acts else ():
                tx.owe(_action_due(before, after, action, at))
            for parent in parents:
                tx.owe(ParentDue(account=parent.account, region=parent.region, subject=parent.name, at=at, child=before.name))
        ctx.bus.publish("event", changed_event(before, after))
        return after

    async def put(self, alarm: Alarm, before: Alarm | None, *owed: Job) -> None:
        """A new or newly configured alarm."""
        operation, done = ("create", "created") if before is None else ("update", "updated")
        data: dict[str, Any] = {"type": operation.capitalize(), f"{done}Alarm": _plain(alarm)}
        async with self._ctx.store.transaction() as tx:
            tx.put(ALARMS, alarm)
            self._note(tx, alarm, alarm.configured_at, "ConfigurationUpdate", f'Alarm "{alarm.name}" {done}', data)
            for job in owed:
                tx.owe(job)
        self._ctx.bus.publish("event", configured_event(alarm, operation, alarm.configured_at))

    async def drop(self, alarms: list[Alarm]) -> None:
        now = self._ctx.clock.now()
        async with self._ctx.store.transaction() as tx:
            for alarm in alarms:
                tx.delete(ALARMS, *ALARMS.key(alarm))
                data = {"type": "Delete", "deletedAlarm": _plain(alarm)}
                self._note(tx, alarm, now, "ConfigurationUpdate", f'Alarm "{alarm.name}" deleted', data)
        for alarm in alarms:
            self._ctx.bus.publish("event", configured_event(alarm, "delete", now))

    async def acted(self, due: ActionDue, error: str) -> None:
        """Note how an action went."""
        done = f"Successfully executed action {due.action}"
        summary = f'Failed to execute action {due.action}. Received error: "{error}"' if error else done
        data: dict[str, Any] = {
            "actionState": "Failed" if error else "Succeeded",
            "stateUpdateTimestamp": microseconds(due.after.updated_at) // 1000,
            "notificationResource": due.action,
            "error": error or None,
        }
        async with self._ctx.store.transaction() as tx:
            self._note(tx, due.after, self._ctx.clock.now(), "Action", summary, data)

    def _note(self, tx: Transaction, alarm: Alarm, at: datetime, what: str, summary: str, data: dict[str, Any]) -> None:
        tx.put(
            HISTORY,
            Happened(
                account=alarm.account,
                region=alarm.region,
                at_us=microseconds(at),
                id=self._ctx.new_id(),
                alarm=alarm.name,
                kind=alarm.kind,
                what=what,
                summary=summary,
                data=msgspec.json.encode({"version": "1.0"} | data).decode(),
            ),
        )
        midnight = at.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        tx.owe(ForgetDue(account=alarm.account, region=alarm.region, subject="history", at=midnight + HISTORY_KEPT))


def parents_of(ctx: Context, name: str) -> list[Alarm]:
    """The composite alarms that speak of this one."""
    return [
        alarm
        for alarm in ctx.store.scan(ALARMS, ctx.account, ctx.region)
        if alarm.kind == COMPOSITE and name in read_rule(alarm.settings["AlarmRule"]).names
    ]


def _action_due(before: Alarm, after: Alarm, action: str, at: datetime) -> ActionDue:
    return ActionDue(
        account=after.account, region=after.region, subject=f"{after.name}/{action}", at=at, action=action, before=before, after=after
    )


def _update(before: Alarm, after: Alarm) -> dict[str, Any]:
    return {"oldState": _state(before), "newState": _state(after)}


def _state(alarm: Alarm) -> dict[str, Any]:
    said = {"stateValue": alarm.state, "stateReason": alarm.reason}
    data = state_of(alarm).get("reasonData")
    return said | ({"stateReasonData": msgspec.json.decode(data)} if data and data.startswith("{") else {})


def _plain(alarm: Alarm) -> dict[str, Any]:
    settings = {name[0].lower() + name[1:]: value for name, value in alarm.settings.items() if name != "Tags"}
    return settings | {"alarmName": alarm.name, "alarmArn": alarm.arn, "actionsEnabled": alarm.acts, "stateValue": alarm.state}


@handles(ActionDue, attempts_max=3)
async def _act(ctx: Context, due: ActionDue) -> None:
    """A refusal is the action's end and stands in the history; anything else is tried again."""
    error = ""
    try:
        await _carry_out(ctx, due)
    except Fault as refusal:
        error = refusal.message or refusal.code
    await Changes(ctx).acted(due, error)


async def _carry_out(ctx: Context, due: ActionDue) -> None:
    service = due.action.split(":")[2] if due.action.startswith("arn:") and due.action.count(":") >= 5 else ""
    if service == "lambda":
        functions = ctx.client("lambda", service_principal="lambda.alarms.cloudwatch", source_arn=due.after.arn)
        await functions.invoke(FunctionName=due.action, InvocationType="Event", Payload=function_payload(due.before, due.after))
        return
    if service != "sns":
        raise fault("NotImplemented", f"Actions of {service or 'this kind'} are not built in this Headwater.")
    topics = ctx.client("sns", service_principal="cloudwatch", source_arn=due.after.arn)
    subject = f'{due.after.state}: "{due.after.name}" in {due.after.region}'
    await topics.publish(TopicArn=due.action, Subject=subject[:100], Message=topic_message(due.before, due.after))


@handles(ForgetDue)
async def _forget(ctx: Context, due: ForgetDue) -> None:
    before = microseconds(ctx.clock.now() - HISTORY_KEPT)
    while rows := await ctx.store.range(HISTORY, due.account, due.region, limit=ROWS):
        old = [row for row in rows if row.at_us < before]
        async with ctx.store.transaction() as tx:
            for row in old:
                tx.delete(HISTORY, *HISTORY.key(row))
        if len(old) < ROWS:
            return


def moment_words(at: datetime) -> str:
    """As composite alarms write it: Friday 04 August, 2023 12:36:15 UTC."""
    return f"{at:%A %d %B, %Y %H:%M:%S} UTC"


def trigger_of(child: Alarm) -> dict[str, Any]:
    return {"arn": child.arn, "state": {"value": child.state, "timestamp": spelled(child.transitioned_at)}}
