"""From an accepted event to its targets, durably.

What an event is owed to is decided when it comes, and promised in the transaction that acknowledges it. A target is called at least once.
A call that fails and may succeed later is tried again, later each time, as long as the target's RetryPolicy allows; what fails
for good goes to the target's dead-letter queue, and where there is none, or it cannot be reached, it is kept as a failed invocation.
Source: "Event retry policy and using dead-letter queues" of the EventBridge user guide.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from headwater.aws.faults import Fault
from headwater.kernel.jobs import Job, handles
from headwater.kernel.retry_policy import PASSING, next_attempt
from headwater.kernel.store.table import encode_key

from . import measured
from .api_destinations import CODE, Crowded, NotTaken
from .holding import archiving, expiries, to_archive
from .invoking import Failure, Invocation, queue_url
from .invoking import _invoke as invoke
from .leaves import leaves_of
from .live import live_of
from .model import DEFAULT, FAILED, RULES, WITH_READS, Archived, Failed, Rule
from .transforming import NoInput, iso, payload

if TYPE_CHECKING:
    from headwater.kernel.context import Context
    from headwater.kernel.home import Home
    from headwater.kernel.store import Store

KEPT_MAX: Final = 1000
SENT: Final = "sent"
Place = tuple[str, str, str]


class Delivery(Job, frozen=True, kw_only=True, tag="events/delivery/1"):
    """An event and the targets that it is owed to, by rule and id. `subject` is the event's id and the bus."""

    bus: str
    event: bytes
    targets: tuple[tuple[str, str], ...]
    is_relayed: bool = False


class Redelivery(Job, frozen=True, kw_only=True, tag="events/redelivery/1"):
    """One more attempt for one target."""

    bus: str
    event: bytes
    target: tuple[str, str]
    attempts: int
    ingested: datetime
    is_relayed: bool = False
    has_place: bool = False


class Accepted(NamedTuple):
    """What must be written before an event may be acknowledged."""

    jobs: list[Job]
    archived: list[Archived]

    def add(self, other: Accepted) -> None:
        self.jobs.extend(other.jobs)
        self.archived.extend(other.archived)

    async def keep(self, store: Store) -> None:
        if self.jobs or self.archived:
            async with store.transaction() as tx:
                for job in self.jobs:
                    tx.owe(job)
                for put in archiving(store, self.archived):
                    tx.put(*put)
                for due in expiries(store, self.archived):
                    tx.owe(due)

    def keep_now(self, store: Store) -> None:
        """The same, for those who cannot wait for a disk that syncs each commit."""
        if self.jobs or self.archived:
            jobs = [*self.jobs, *expiries(store, self.archived)]
            puts = [(table, encode_key(table.key(record)), record) for table, record in archiving(store, self.archived)]
            store.commit_now(puts, [(job, True) for job in jobs])


def event_of(
    place: Place, *, source: str, detail_type: str, time: datetime, detail: Any, resources: list[str], event_id: str
) -> dict[str, Any]:
    """An event as targets see it."""
    account, region, _ = place
    return {
        "version": "0",
        "id": event_id,
        "detail-type": detail_type,
        "source": source,
        "account": account,
        "time": iso(time),
        "region": region,
        "resources": resources,
        "detail": detail,
    }


def accept(
    home: Home, place: Place, event: dict[str, Any], *, size: int = 0, is_relayed: bool = False, only: frozenset[str] | None = None
) -> Accepted:
    """Decide to whom an event on this bus is owed. `only`: the ARNs of the rules that a replay is for."""
    accepted = Accepted([], [])
    index = live_of(home).index(*place)
    if not index:
        return accepted
    account, region, bus = place
    now = home.clock.now()
    written = b""
    targets: list[tuple[str, str]] = []
    for name in index.matching(leaves_of(event)):
        rule = home.store.get(RULES, account, region, bus, name)
        if rule is None or (only and rule.arn not in only) or not wanted(rule, event):
            continue
        home.bus.publish("metric", measured.triggered(rule, now, by_event=True))
        written = written or msgspec.json.encode(event)
        if rule.archive is not None:
            kept = to_archive(home.store, rule, event["id"], written, now, size)
            accepted.archived.extend(() if kept is None else (kept,))
        targets += [(name, target["Id"]) for target in rule.targets]
    if targets:
        once = f"{event['id']}/{event.get('replay-name', '')}"  # a replay delivers the event again
        accepted.jobs.append(delivery(account, region, bus, now, once, written, targets, is_relayed=is_relayed))
    return accepted


def delivery(
    account: str, region: str, bus: str, at: datetime, once: str, event: bytes, targets: Iterable[tuple[str, str]], *, is_relayed: bool
) -> Delivery:
    return Delivery(
        account=account,
        region=region,
        subject=f"{bus}/{once}",
        at=at,
        bus=bus,
        event=event,
        targets=tuple(targets),
        is_relayed=is_relayed,
    )


READING: Final = ("Get", "List", "Describe", "Head", "BatchGet", "Lookup")


def wanted(rule: Rule, event: dict[str, Any]) -> bool:
    """Calls that only read come to rules that ask for all of CloudTrail, and to no others."""
    if event["source"][:4] != "aws." or event["detail-type"] != "AWS API Call via CloudTrail" or rule.bus != DEFAULT:
        return True
    detail = event["detail"]
    reads = detail.get("readOnly") is True if "readOnly" in detail else str(detail.get("eventName", "")).startswith(READING)
    return not reads or rule.state == WITH_READS


@handles(Delivery, timeout=timedelta(minutes=5))
async def _deliver(ctx: Context, due: Delivery) -> None:
    outcomes: list[Redelivery | Failed] = []
    for name, target_id in due.targets:
        first = Redelivery(
            account=due.account,
            region=due.region,
            subject=f"{due.subject}/{name}/{target_id}",
            at=due.at,
            bus=due.bus,
            event=due.event,
            target=(name, target_id),
            attempts=0,
            ingested=ctx.clock.now(),
            is_relayed=due.is_relayed,
        )
        outcomes += await _tried(ctx, first)
    await _keep(ctx, outcomes)


@handles(Redelivery, timeout=timedelta(minutes=5))
async def _redeliver(ctx: Context, due: Redelivery) -> None:
    await _keep(ctx, await _tried(ctx, due))


async def _keep(ctx: Context, outcomes: list[Redelivery | Failed]) -> None:
    if not outcomes:
        return
    async with ctx.store.transaction() as tx:
        for outcome in outcomes:
            if isinstance(outcome, Redelivery):
                tx.owe(outcome)
                continue
            kept = ctx.store.scan(FAILED, outcome.account, outcome.region)
            for old in kept[: max(0, len(kept) - KEPT_MAX + 1)]:
                tx.delete(FAILED, *FAILED.key(old))
            tx.put(FAILED, outcome)


async def _tried(ctx: Context, due: Redelivery) -> list[Redelivery | Failed]:
    """Call the target once. Nothing is left to do, or another attempt, or what failed for good is to be kept."""
    try:
        attempt = await _attempt(ctx, due)
    except Crowded as crowded:
        return [msgspec.structs.replace(due, at=ctx.clock.now() + timedelta(seconds=crowded.wait_s), has_place=True)]
    if attempt is None:
        return []
    now, before = ctx.clock.now(), due
    rule, target, failure = attempt
    if failure is None:
        ctx.bus.publish("metric", measured.attempted(rule, now, before, "succeeded"))
        return []
    due = msgspec.structs.replace(due, attempts=due.attempts + 1, has_place=False)
    later, condition = next_attempt(now, due.attempts, due.ingested, target.get("RetryPolicy", {}), wait_s=failure.wait_s)
    is_over = failure.is_final or bool(condition)
    ctx.bus.publish("metric", measured.attempted(rule, now, before, "failed" if is_over else "again"))
    if not is_over:
        return [msgspec.structs.replace(due, at=later)]
    queue = target.get("DeadLetterConfig", {}).get("Arn")
    outcome = "" if queue is None else await _to_queue(ctx, queue, rule, target, due, failure, condition)
    if queue is not None:
        ctx.bus.publish("metric", measured.buried(rule, now, sent=outcome == SENT))
    return [
        Failed(
            account=due.account,
            region=due.region,
            at=ctx.clock.now(),
            id=due.subject,
            rule_arn=rule.arn,
            target_arn=target["Arn"],
            code=failure.code,
            message=failure.message,
            attempts=due.attempts,
            condition=condition,
            dead_letter=outcome,
            event=due.event if queue is not None and outcome != SENT else b"",
        )
    ]


async def _attempt(ctx: Context, due: Redelivery) -> tuple[Rule, dict[str, Any], Failure | None] | None:
    """Call the target, if it is still one: what went wrong with it."""
    name, target_id = due.target
    rule = ctx.store.get(RULES, due.account, due.region, due.bus, name)
    target = None if rule is None else rule.target(target_id)
    if rule is None or target is None:
        return None
    try:
        body = payload(target, due.event, rule.arn, due.ingested)
        await invoke(ctx, Invocation(rule, target, due.event, body, due.is_relayed, due.has_place))
    except NoInput as wrong:
        return rule, target, Failure("INVALID_JSON", str(wrong), is_final=True)
    except Fault as refusal:
        return rule, target, Failure(refusal.code, refusal.message, is_final=refusal.code not in PASSING)
    except NotTaken as wrong:
        return rule, target, Failure(CODE, str(wrong), wrong.is_final, wrong.wait_s)
    except Crowded:
        raise
    except Exception as error:  # noqa: BLE001 - what a target's room raises is kept with the attempt and must not stop the others
        return rule, target, Failure(type(error).__name__, str(error), is_final=False)
    return rule, target, None


async def _to_queue(ctx: Context, queue: str, rule: Rule, target: dict[str, Any], due: Redelivery, failure: Failure, condition: str) -> str:
    """Send the event to the dead-letter queue: SENT, or why it could not be."""
    said = {
        "RULE_ARN": rule.arn,
        "TARGET_ARN": target["Arn"],
        "ERROR_CODE": failure.code,
        "ERROR_MESSAGE": failure.message[:1024],
        "RETRY_ATTEMPTS": str(due.attempts - 1),
        "EXHAUSTED_RETRY_CONDITION": condition,
    }
    attributes = {name: {"DataType": "String", "StringValue": value} for name, value in said.items() if value}
    client = ctx.client("sqs", service_principal="events", source_arn=rule.arn, region=queue.split(":")[3])
    try:
        url = queue_url(ctx, queue)
        await client.send_message(QueueUrl=url, MessageBody=due.event.decode(), MessageAttributes=attributes)
    except Fault as refusal:
        return f"the dead-letter queue {queue} could not be told: {refusal.code}: {refusal.message}"
    return SENT
