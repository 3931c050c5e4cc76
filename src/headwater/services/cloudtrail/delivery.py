"""From batches to files in S3 and events in CloudWatch Logs: everything that was recorded, though the house dies in between.

The steps, and what a death after each leaves: *opened* with its first batch, in one transaction, and the job owed · *sealed*: from now
on what it holds never changes, so neither do the names of its files · *files written*: the same files are written again, under the same
names · *gone*: only data events remain to be dropped, and go with the next shipment. What S3 refuses grows together with what comes
after it and is tried again, later and later, for 30 days, as CloudTrail does.
"""

from __future__ import annotations

import asyncio
import hashlib
import zlib
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import msgspec

from headwater.aws.faults import Fault
from headwater.kernel.jobs import handles

from .digests import noted, remember
from .events import event_of
from .model import Batch, Entry, Shipment, Status, Trail, Who, batches, data_batches, inverted, moment, shipments, statuses, trails
from .places import log_file_key, log_group_of, log_stream_of
from .recording import DeliverDue, deliver_due, recorder_of
from .selecting import wants
from .trails import PRINCIPAL, SESSION

if TYPE_CHECKING:
    from headwater.kernel.context import Context
    from headwater.kernel.store import Table

EVENTS_PER_FILE: Final = 5_000
EVENTS_PER_PUT: Final = 5_000
BYTES_PER_PUT: Final = 1_000_000
EVENT_BYTES_MAX: Final = 256_000
"""What CloudWatch Logs takes as one event; CloudTrail sends it nothing longer."""
OF_LOGS: Final = 26
"""Bytes that CloudWatch Logs counts for each event besides its text."""
PUT_SPAN: Final = timedelta(hours=23)
ROWS: Final = 64
RENDERED_AT_ONCE: Final = 200
DROPPED_AT_ONCE: Final = 500
LAST_WAIT_S: Final = 300.0
TRIED_FOR: Final = timedelta(days=30)
GZIP_LEVEL: Final = 6
GZIP_WINDOW: Final = 31
"""zlib's largest window with gzip's header around it; without a time in it, the same events are the same file."""
RANDOM_LENGTH: Final = 16
_LETTERS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

Found = tuple[Entry, Who, bool]
"""A call, who made it, and whether it is a data event."""


@handles(DeliverDue, attempts_max=1000, timeout=timedelta(minutes=15))
async def _deliver(ctx: Context, due: DeliverDue) -> None:
    trail = ctx.store.get(trails, due.account, due.home_region, due.trail)
    place = (due.account, due.home_region, due.trail, due.region, due.destination, f"{due.first:017d}")
    shipment = ctx.store.get(shipments, *place)
    if trail is None or shipment is None:
        return  # deleted, or delivered already, or grown together with an earlier one
    shipment = await _sealed(ctx, shipment)
    found = await _events(ctx, trail, shipment)
    try:
        if shipment.destination == "s3":
            await _to_s3(ctx, trail, shipment, found)
        else:
            await _to_logs(ctx, trail, shipment, found)
    except Fault as refusal:
        if ctx.clock.now() - moment(shipment.first) < TRIED_FOR:
            await _put_off(ctx, shipment, refusal)
            return
    await _done(ctx, trail, shipment, delivered=bool(found))


async def _sealed(ctx: Context, shipment: Shipment) -> Shipment:
    if shipment.until:
        return shipment
    recorder = recorder_of(ctx.home)
    sealed = msgspec.structs.replace(shipment, until=recorder.stamp())
    recorder.close_shipment(shipment)
    async with ctx.store.transaction() as tx:
        tx.put(shipments, sealed)
    return sealed


# -- what it holds ---------------------------------------------------------------------------------------------------------


async def _events(ctx: Context, trail: Trail, shipment: Shipment) -> list[Found]:
    """In the order of time."""
    found: list[Found] = []
    async for batch in _between(ctx, batches, shipment, trail.account, shipment.region):
        whos = batch.whos
        found += [(entry, whos[entry.who], False) for entry in batch.entries if _is_wanted(trail, entry, whos[entry.who], shipment.region)]
    async for batch in _between(ctx, data_batches, shipment, *_data_place(shipment)):
        found += [(entry, batch.whos[entry.who], True) for entry in batch.entries]
    found.sort(key=lambda each: each[0].at_us)
    return found


def _is_wanted(trail: Trail, entry: Entry, who: Who, region: str) -> bool:
    return wants(trail, entry, who, region, is_data=False)


def _data_place(shipment: Shipment) -> tuple[str, str, str, str]:
    return (shipment.account, shipment.home_region, shipment.trail, shipment.region)


async def _between(ctx: Context, table: Table[Any], shipment: Shipment, *place: str) -> AsyncIterator[Batch]:
    after = inverted(shipment.until + 1)
    while True:
        rows: list[Batch] = await ctx.store.range(table, *place, after=after, limit=ROWS)
        for batch in rows:
            if batch.stamp < shipment.first:
                return
            yield batch
        if len(rows) < ROWS:
            return
        after = inverted(rows[-1].stamp)


async def _rendered(trail: Trail, shipment: Shipment, found: list[Found]) -> list[bytes]:
    """The events' JSON, made in small portions: the event loop has others to serve."""
    rendered = []
    for number, (entry, who, is_data) in enumerate(found):
        rendered.append(msgspec.json.encode(event_of(trail.account, shipment.region, entry, who, is_data=is_data)))
        if number % RENDERED_AT_ONCE == RENDERED_AT_ONCE - 1:
            await asyncio.sleep(0)
    return rendered


# -- where it goes ---------------------------------------------------------------------------------------------------------


async def _to_s3(ctx: Context, trail: Trail, shipment: Shipment, found: list[Found]) -> None:
    client = ctx.client("s3", region=trail.region, service_principal=PRINCIPAL, source_arn=trail.arn)
    files = []
    for number, start in enumerate(range(0, len(found), EVENTS_PER_FILE)):
        part = found[start : start + EVENTS_PER_FILE]
        rendered = await _rendered(trail, shipment, part)
        content, sha256 = await asyncio.get_running_loop().run_in_executor(ctx.home.pools.compression, zipped, rendered)
        key = log_file_key(trail, shipment.region, moment(shipment.until), _random(trail, shipment, number))
        await client.put_object(
            Bucket=trail.bucket,
            Key=key,
            Body=content,
            ACL="bucket-owner-full-control",
            ContentType="application/json",
            ContentEncoding="gzip",
        )
        files.append(noted(trail, shipment, key, sha256, part[0][0].at_us, part[-1][0].at_us))
    if trail.validates and files:
        async with ctx.store.transaction() as tx:
            remember(ctx, tx, trail, shipment.region, files)


def zipped(rendered: list[bytes]) -> tuple[bytes, str]:
    """A file's bytes, and the hash by which it is proven: of the JSON before it is compressed."""
    plain = b'{"Records":[' + b",".join(rendered) + b"]}"
    return zlib.compress(plain, GZIP_LEVEL, GZIP_WINDOW), hashlib.sha256(plain).hexdigest()


def _random(trail: Trail, shipment: Shipment, number: int) -> str:
    """What makes a file's name unique: the same for the same content, however often it is written."""
    text = f"{trail.arn}/{shipment.region}/{shipment.first}/{number}"
    digest = hashlib.blake2b(text.encode(), digest_size=RANDOM_LENGTH).digest()
    return "".join(_LETTERS[byte % len(_LETTERS)] for byte in digest)


async def _to_logs(ctx: Context, trail: Trail, shipment: Shipment, found: list[Found]) -> None:
    group = log_group_of(trail.log_group_arn)
    if group is None or not found:
        return  # the trail sends to no log group any more
    client = ctx.client("logs", region=trail.region, role=trail.log_role_arn, session_name=SESSION, source_arn=trail.arn)
    rendered = await _rendered(trail, shipment, found)
    lines = [(entry.at_us // 1000, text) for (entry, _, _), text in zip(found, rendered, strict=True) if len(text) <= EVENT_BYTES_MAX]
    for portion in portions(lines):
        events = [{"timestamp": at_ms, "message": text.decode()} for at_ms, text in portion]
        await client.put_log_events(logGroupName=group, logStreamName=log_stream_of(trail), logEvents=events)


def portions(lines: list[tuple[int, bytes]]) -> list[list[tuple[int, bytes]]]:
    """As much as CloudWatch Logs takes at once, of texts, of bytes and of time."""
    found: list[list[tuple[int, bytes]]] = []
    size = 0
    span_ms = PUT_SPAN // timedelta(milliseconds=1)
    for at_ms, text in lines:
        size += len(text) + OF_LOGS
        if not found or len(found[-1]) == EVENTS_PER_PUT or size > BYTES_PER_PUT or at_ms - found[-1][0][0] > span_ms:
            found.append([])
            size = len(text) + OF_LOGS
        found[-1].append((at_ms, text))
    return found


# -- how it ended ----------------------------------------------------------------------------------------------------------


async def _done(ctx: Context, trail: Trail, shipment: Shipment, *, delivered: bool) -> None:
    async with ctx.store.transaction() as tx:
        tx.delete(shipments, *shipments.key(shipment))
        if delivered:
            tx.put(statuses, _after(ctx, shipment, ""))
    others = ctx.store.scan(shipments, *_data_place(shipment))
    bound = min([shipment.until, *(other.first - 1 for other in others)])
    while rows := await ctx.store.range(data_batches, *_data_place(shipment), after=inverted(bound + 1), limit=DROPPED_AT_ONCE):
        async with ctx.store.transaction() as tx:
            for batch in rows:
                tx.delete(data_batches, *data_batches.key(batch))


async def _put_off(ctx: Context, shipment: Shipment, refusal: Fault) -> None:
    """Try it again later, together with what has come since, unless logging was stopped after it."""
    recorder = recorder_of(ctx.home)
    wait_s = min(ctx.home.settings.trail_delivery_s * 2**shipment.attempts, LAST_WAIT_S)
    until = shipment.until if shipment.is_last else 0
    later = msgspec.structs.replace(shipment, until=until, attempts=min(shipment.attempts + 1, 16))
    opened = recorder.open_shipment(shipment)
    async with ctx.store.transaction() as tx:
        tx.put(shipments, later)
        tx.put(statuses, _after(ctx, shipment, refusal.code))
        tx.owe(deliver_due(later, ctx.clock.now() + timedelta(seconds=wait_s)))
        if not later.until:
            if opened is not None:
                tx.delete(shipments, *shipments.key(opened))
                recorder.close_shipment(opened)
            recorder.reopen(later)


def _after(ctx: Context, shipment: Shipment, error: str) -> Status:
    """The trail's status after one delivery."""
    place = (shipment.account, shipment.home_region, shipment.trail)
    status = ctx.store.get(statuses, *place) or Status(account=place[0], region=place[1], name=place[2])
    now = ctx.clock.now()
    if shipment.destination == "s3":
        at = status.delivered_at if error else now
        return msgspec.structs.replace(status, attempted_at=now, delivered_at=at, error=error)
    at = status.logs_delivered_at if error else now
    return msgspec.structs.replace(status, logs_delivered_at=at, logs_error=error)
