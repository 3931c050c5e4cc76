"""From a sealed buffer to an object in S3, at least once and never under two names.

The steps, and what a death after each leaves: *sealed* (name decided, job owed): the job runs again · *objects written*: the same
objects are written again, under the same names · *marked done*: only the chunks remain to be dropped, slice by slice ·
*dropped*: nothing. What S3 refuses is tried again, later and later, until the record is 24 hours old, as Firehose does.
"""

from __future__ import annotations

import asyncio
import io
import zipfile
import zlib
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import msgspec

from headwater.aws.faults import Fault
from headwater.kernel.jobs import Job, handles

from .buffers import Batch, DeliverDue, FlushDue, buffers_of, deliver_due, put_off
from .destination import Destination, Processor
from .measured import delivered, refused
from .model import RETENTION, Delivery, Stream, chunks, deliveries, ordinal, streams
from .transform import Transformation

if TYPE_CHECKING:
    from headwater.kernel.context import Context

SESSION: Final = "AWSFirehoseToS3"
SLICE: Final = 250
"""Chunks dropped in one transaction: small, because the event loop waits for it."""
FIRST_WAIT_S: Final = 1
LAST_WAIT_S: Final = 60
GZIP_LEVEL: Final = 3
GZIP_WINDOW: Final = 31
"""zlib's largest window, with gzip's header and trailer around it; no time in it, so that the same records give the same object."""
ZIP_TIME: Final = (1980, 1, 1, 0, 0, 0)

# CloudWatch Logs' sentences for what S3 says: "Monitor Amazon Data Firehose using CloudWatch Logs" of the developer guide.
S3_SENTENCES: Final = {
    "NoSuchBucket": "The specified S3 bucket does not exist. Create the bucket or use a different bucket that does exist.",
    "AccessDenied": "Access was denied. Ensure that the trust policy for the provided IAM role allows Firehose to assume the role, "
    "and the access policy allows access to the S3 bucket.",
}


class SweepDue(Job, frozen=True, kw_only=True, tag="firehose/sweep-due/1"):
    """A stream was deleted: drop what it left. The subject is its id."""


@handles(FlushDue, attempts_max=1000)
async def _flush(ctx: Context, due: FlushDue) -> None:
    """Seal the buffer, unless it has been sealed by size since."""
    stream = ctx.store.get(streams, due.account, due.region, due.stream_name)
    if stream is None or stream.stream_id != due.stream_id:
        return
    buffers = buffers_of(ctx.home)
    buffer = buffers.get(stream) or await buffers.load(ctx, stream)
    if buffer.opened_at is None or buffer.first != due.first:
        return
    try:
        async with ctx.store.transaction() as tx:
            buffers.seal(ctx, tx, stream, buffer)
    except BaseException:
        buffers.forget(stream.stream_id)
        raise


@handles(DeliverDue, attempts_max=1000, timeout=timedelta(minutes=15))
async def _deliver(ctx: Context, due: DeliverDue) -> None:
    """Write one delivery's objects, then drop its chunks."""
    delivery = ctx.store.get(deliveries, due.account, due.region, due.stream_id, due.delivery_id)
    if delivery is None:
        return
    if not delivery.done:
        stream = ctx.store.get(streams, due.account, due.region, delivery.stream_name)
        if stream is None or stream.stream_id != delivery.stream_id:
            return  # deleted meanwhile: the sweep has it
        batch = buffers_of(ctx.home).let_go(due.delivery_id) or await Batch.read_back(ctx, delivery)
        try:
            await _write(ctx, stream, delivery, batch)
        except Fault as refusal:
            ctx.bus.publish("metric", refused(stream, ctx.clock.now()))
            await _report(ctx, stream, f"S3.{refusal.code}", S3_SENTENCES.get(refusal.code, refusal.message))
            if not await _try_later(ctx, delivery, refusal):
                return
        else:
            ctx.bus.publish("metric", delivered(stream, ctx.clock.now(), batch, delivery.arrived_at))
        delivery = msgspec.structs.replace(delivery, done=True)
        async with ctx.store.transaction() as tx:
            tx.put(deliveries, delivery)
    await _drop(ctx, delivery)


async def _try_later(ctx: Context, delivery: Delivery, refusal: Fault) -> bool:
    """Owe the next attempt. True when the records are too old for one: they are given up."""
    now = ctx.clock.now()
    if now - delivery.arrived_at > RETENTION:
        return True
    wait_s = min(FIRST_WAIT_S * 2 ** min(delivery.attempts, 10), LAST_WAIT_S)
    async with ctx.store.transaction() as tx:
        tx.put(deliveries, put_off(delivery, str(refusal)))
        tx.owe(deliver_due(delivery, now + timedelta(seconds=wait_s)))
    return False


async def _write(ctx: Context, stream: Stream, delivery: Delivery, batch: Batch) -> None:
    """The objects of one delivery. The main one comes last: while it is missing, the delivery is not over."""
    destination = stream.destination
    if destination.backup is not None and delivery.backup_key is not None:
        await _put(ctx, stream, destination.backup, delivery.backup_key, delivery.backup_compression, batch.records)
    records: Sequence[bytes] = batch.records
    if (function := destination.processor("Lambda")) is not None:
        outcome = await Transformation(ctx, stream, function).of(batch)
        for code, message in outcome.errors:
            await _report(ctx, stream, code, message)
        if outcome.failures:
            await _put(ctx, stream, destination, delivery.error_key, delivery.compression, outcome.failures)
        records = outcome.delivered
    if (appending := destination.processor("AppendDelimiterToRecord")) is not None:
        delimiter = _delimiter(appending)
        records = [record + delimiter for record in records]
    if records:
        await _put(ctx, stream, destination, delivery.key, delivery.compression, records)


def _delimiter(processor: Processor) -> bytes:
    r"""The parameter is written with a backslash, as in `\n`."""
    written = processor.parameters.get("Delimiter", "\\n")
    return written.replace("\\n", "\n").replace("\\t", "\t").replace("\\r", "\r").encode()


async def _put(ctx: Context, stream: Stream, destination: Destination, key: str, compression: str, records: Sequence[bytes]) -> None:
    member = key.rpartition("/")[2].removesuffix(".zip")
    content = await asyncio.get_running_loop().run_in_executor(ctx.home.pools.compression, compressed, compression, member, records)
    client = ctx.client("s3", role=destination.role_arn, session_name=SESSION, source_arn=stream.arn)
    await client.put_object(Bucket=destination.bucket, Key=key, Body=content)


def compressed(compression: str, member: str, records: Sequence[bytes]) -> bytes:
    """The records one after another, as one object's bytes. `member` is the file's name inside a ZIP."""
    joined = b"".join(records)
    match compression:
        case "GZIP":
            return zlib.compress(joined, GZIP_LEVEL, GZIP_WINDOW)
        case "ZIP":
            archive = io.BytesIO()
            with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
                file.writestr(zipfile.ZipInfo(member, ZIP_TIME), joined, zipfile.ZIP_DEFLATED)
            return archive.getvalue()
        case _:
            return joined


async def _report(ctx: Context, stream: Stream, code: str, message: str) -> None:
    """One error to the stream's log, where it has one."""
    log = stream.destination.log
    if not (log.enabled and log.group and log.stream):
        return
    line = {
        "deliveryStreamARN": stream.arn,
        "destination": stream.destination.bucket_arn,
        "deliveryStreamVersionId": stream.version,
        "message": message,
        "errorCode": code,
    }
    event = {"timestamp": int(ctx.clock.now().timestamp() * 1000), "message": msgspec.json.encode(line).decode()}
    client = ctx.client("logs", role=stream.destination.role_arn, session_name=SESSION, source_arn=stream.arn)
    with suppress(Fault):  # Firehose makes no log group: where there is none, its errors go nowhere, and the delivery goes on
        await client.put_log_events(logGroupName=log.group, logStreamName=log.stream, logEvents=[event])


async def _drop(ctx: Context, delivery: Delivery) -> None:
    """Forget the delivery's chunks, a slice at a time, and last the delivery."""
    place = (delivery.account, delivery.region, delivery.stream_id)
    for start in range(delivery.first, delivery.last + 1, SLICE):
        async with ctx.store.transaction() as tx:
            for number in range(start, min(start + SLICE, delivery.last + 1)):
                tx.delete(chunks, *place, ordinal(number))
        await asyncio.sleep(0)
    async with ctx.store.transaction() as tx:
        tx.delete(deliveries, *place, delivery.delivery_id)


@handles(SweepDue, attempts_max=1000)
async def _sweep(ctx: Context, due: SweepDue) -> None:
    """Drop what a deleted stream had not delivered."""
    place = (due.account, due.region, due.subject)
    while page := await ctx.store.range(chunks, *place, limit=SLICE):
        async with ctx.store.transaction() as tx:
            for chunk in page:
                tx.delete(chunks, *place, ordinal(chunk.number))
    for delivery in ctx.store.scan(deliveries, *place):
        buffers_of(ctx.home).let_go(delivery.delivery_id)
        async with ctx.store.transaction() as tx:
            tx.delete(deliveries, *place, delivery.delivery_id)
