"""A schedule that is due: the next moment and the call are promised together, then the call is made, at least once.

What was missed (the house was closed, the Clock was moved) is made up for, one moment after the other, in the order of time. A call
that fails and may succeed later is tried again as the target's RetryPolicy allows.
"""

from __future__ import annotations

import random
import uuid
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import msgspec

from headwater.aws.faults import Fault
from headwater.kernel.due_order import DueOrder
from headwater.kernel.jobs import Job, handles
from headwater.kernel.retry_policy import PASSING, next_attempt

from . import SERVICE
from .calling import call_of
from .model import FAILED, SCHEDULES, Failed, Schedule

if TYPE_CHECKING:
    from headwater.kernel.context import Context
    from headwater.kernel.home import Home

KEPT_MAX: Final = 1000
SHOWN: Final = 20
SENT: Final = "sent"
_CHANCE: Final = random.Random()  # noqa: S311 - not a secret


class ScheduleDue(Job, frozen=True, kw_only=True, tag="scheduler/schedule-due/1"):
    """A schedule is due, and with it whatever else is: `subject` is group/name."""

    @classmethod
    def of(cls, schedule: Schedule) -> ScheduleDue:
        assert schedule.due is not None
        return cls(account=schedule.account, region=schedule.region, subject=f"{schedule.group}/{schedule.name}", at=schedule.due)


class Call(Job, frozen=True, kw_only=True, tag="scheduler/call/1"):
    """A call that a schedule owes for the moment `scheduled`."""

    scheduled: datetime
    execution: str
    attempts: int = 0
    first_at: datetime | None = None


@SERVICE.starts
async def _begin(home: Home) -> None:
    order = home.rooms["scheduler"] = DueOrder()
    for schedule in home.store.scan(SCHEDULES):
        if schedule.due is not None:
            order.put(schedule.due, schedule.key)
    if order.earliest is not None and order.earliest <= home.clock.now():  # killed while it made up for what was missed
        async with home.store.transaction() as tx:
            tx.owe(ScheduleDue(account="", region="", subject="opened", at=home.clock.now()))


def order_of(home: Home) -> DueOrder:
    order = home.rooms["scheduler"]
    assert isinstance(order, DueOrder)
    return order


@handles(ScheduleDue, timeout=timedelta(minutes=1))
async def _fire_due(ctx: Context, due: ScheduleDue) -> None:
    """Everything that is due, in the order of time. Where that is much, the rest comes after the calls that it made due."""
    home, order = ctx.home, order_of(ctx.home)
    group, is_one, name = due.subject.partition("/")
    if is_one:
        order.put(due.at, (due.account, due.region, group, name))
    if await order.run(home.clock.now, lambda at, key: _fire(home, at, key)):
        async with home.store.transaction() as tx:
            tx.owe(msgspec.structs.replace(due, subject="more", at=home.clock.now()))


async def _fire(home: Home, at: datetime, key: tuple[str, ...]) -> None:
    schedule = home.store.get(SCHEDULES, *key)
    if schedule is None or schedule.due != at:
        return  # deleted, changed or switched off meanwhile
    following = msgspec.structs.replace(schedule, last=at, due=schedule.due_after(at))
    window = timedelta(minutes=schedule.window.get("MaximumWindowInMinutes", 0)) * _CHANCE.random()
    call = Call(
        account=schedule.account,
        region=schedule.region,
        subject=f"{schedule.group}/{schedule.name}",
        at=at + window,
        scheduled=at,
        execution=str(uuid.uuid4()),
    )
    async with home.store.transaction() as tx:
        tx.put(SCHEDULES, following)
        tx.owe(call)
        if following.due is not None and following.due > home.clock.now():
            tx.owe(ScheduleDue.of(following))
    if following.due is not None:
        order_of(home).put(following.due, key)


@handles(Call, timeout=timedelta(minutes=5))
async def _call(ctx: Context, due: Call) -> None:
    group, name = due.subject.split("/", 1)
    schedule = ctx.store.get(SCHEDULES, due.account, due.region, group, name)
    if schedule is None:
        return
    due = msgspec.structs.replace(due, attempts=due.attempts + 1, first_at=due.first_at or ctx.clock.now())
    text = input_of(schedule, due)
    error = await _attempt(ctx, schedule, text)
    outcome = None if error is None else await _outcome(ctx, schedule, due, text, *error)
    is_over = schedule.due is None and schedule.last == due.scheduled and schedule.after_completion == "DELETE"
    if outcome is None and not is_over:
        return
    async with ctx.store.transaction() as tx:
        if isinstance(outcome, Call):
            tx.owe(outcome)
            return
        if outcome is not None:
            kept = ctx.store.scan(FAILED, due.account, due.region)
            for old in kept[: max(0, len(kept) - KEPT_MAX + 1)]:
                tx.delete(FAILED, *FAILED.key(old))
            tx.put(FAILED, outcome)
        if is_over:
            tx.delete(SCHEDULES, *schedule.key)


def input_of(schedule: Schedule, due: Call) -> str:
    """The input with what is said of this call filled in; without one, the event that AWS makes."""
    scheduled = f"{due.scheduled:%Y-%m-%dT%H:%M:%SZ}"
    given = schedule.target.get("Input")
    if given is None:
        event = {
            "version": "0",
            "id": due.execution,
            "detail-type": "Scheduled Event",
            "source": "aws.scheduler",
            "account": schedule.account,
            "time": scheduled,
            "region": schedule.region,
            "resources": [schedule.arn],
            "detail": "{}",
        }
        return msgspec.json.encode(event).decode()
    said = {
        "schedule-arn": schedule.arn,
        "scheduled-time": scheduled,
        "execution-id": due.execution,
        "attempt-number": str(due.attempts),
    }
    text = str(given)
    for name, value in said.items():
        text = text.replace(f"<aws.scheduler.{name}>", value)
    return text


async def _attempt(ctx: Context, schedule: Schedule, text: str) -> tuple[str, str, bool] | None:
    """Make the call once: its code, its words and whether it may pass; or None."""
    target = schedule.target
    try:
        call = call_of(target, text, ctx.home.endpoint_url)
        region = target["Arn"].split(":")[3] or schedule.region
        client = ctx.client(
            call.service, role=target["RoleArn"], session_name=uuid.uuid4().hex, region=region, source_arn=schedule.group_arn
        )
        answer = await getattr(client, call.operation)(**call.params)
    except Fault as refusal:
        return refusal.code, refusal.message, refusal.code in PASSING
    except Exception as error:  # noqa: BLE001 - what a target's room raises is kept with the attempt
        return type(error).__name__, str(error), True
    if call.service == "events" and answer.get("FailedEntryCount"):
        entry = answer["Entries"][0]
        return entry["ErrorCode"], entry["ErrorMessage"], entry["ErrorCode"] in PASSING
    return None


async def _outcome(ctx: Context, schedule: Schedule, due: Call, text: str, code: str, message: str, may_pass: bool) -> Call | Failed:
    """Another attempt, or what failed for good."""
    assert due.first_at is not None
    at, condition = next_attempt(ctx.clock.now(), due.attempts, due.first_at, schedule.target.get("RetryPolicy", {}))
    if may_pass and not condition:
        return msgspec.structs.replace(due, at=at)
    queue = schedule.target.get("DeadLetterConfig", {}).get("Arn")
    outcome = (
        "" if queue is None else await _to_queue(ctx, queue, schedule, due, text, {"ERROR_CODE": code, "ERROR_MESSAGE": message[:1024]})
    )
    return Failed(
        account=due.account,
        region=due.region,
        at=ctx.clock.now(),
        id=due.execution,
        schedule_arn=schedule.arn,
        target_arn=schedule.target["Arn"],
        code=code,
        message=message,
        attempts=due.attempts,
        condition=condition,
        dead_letter=outcome,
        input=text if queue is not None and outcome != SENT else "",
    )


async def _to_queue(ctx: Context, queue: str, schedule: Schedule, due: Call, text: str, error: dict[str, str]) -> str:
    """Send the input to the dead-letter queue, under the schedule's role: SENT, or why it could not be."""
    said = error | {
        "EXECUTION_ID": due.execution,
        "SCHEDULE_ARN": schedule.arn,
        "TARGET_ARN": schedule.target["Arn"],
        "RETRY_ATTEMPTS": str(due.attempts - 1),
    }
    attributes = {name: {"DataType": "String", "StringValue": value} for name, value in said.items() if value}
    _, _, _, region, account, name = queue.split(":", 5)
    client = ctx.client("sqs", role=schedule.target["RoleArn"], region=region, source_arn=schedule.group_arn)
    try:
        url = f"{ctx.home.endpoint_url}/{account}/{name}"
        await client.send_message(QueueUrl=url, MessageBody=text, MessageAttributes=attributes)
    except Fault as refusal:
        return f"the dead-letter queue {queue} could not be told: {refusal.code}: {refusal.message}"
    return SENT


@SERVICE.describes
def _status(home: Home) -> object:
    """The calls that failed last."""
    shown: list[dict[str, Any]] = [
        {
            "at": one.at.isoformat(),
            "schedule": one.schedule_arn,
            "target": one.target_arn,
            "error": f"{one.code}: {one.message}",
            "attempts": one.attempts,
            "dead letter": one.dead_letter,
        }
        for one in home.store.scan(FAILED)[-SHOWN:]
    ]
    return {"failed calls": shown}
