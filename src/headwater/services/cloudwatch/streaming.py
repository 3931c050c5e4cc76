"""How samples reach the Firehose of a metric stream: at least once, a line for each metric and minute.

What a stream wants is kept for it in the transaction that keeps the samples; a job, owed once for each minute in which some came, adds them
up and carries them when that minute is over. Rows that a job could not carry go with the next one's.
Source: "JSON format of metric stream output" of the user guide.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import msgspec

from headwater.kernel.jobs import Job, handles
from headwater.kernel.store import Record, Table

from .metric_streams import METRIC_STREAMS, RUNNING, MetricStream
from .model import MINUTE_S, Datum
from .statistics import Bucket, statistic

if TYPE_CHECKING:
    from headwater.kernel.context import Context

SERVICE_NAME: Final = "streams.metrics.cloudwatch"
"""Whom a stream's role must trust, without .amazonaws.com."""
ROWS: Final = 200
RECORD_BYTES_MAX: Final = 500 * 1024
ATTEMPTS_MAX: Final = 50


class Streamed(Record, frozen=True, kw_only=True):
    """What came for a stream at once. `minute_s`: when."""

    account: str
    region: str
    stream: str  # its id
    minute_s: int
    number: str
    data: list[Datum]

    @property
    def place(self) -> str:
        return f"{self.minute_s:012d}{self.number}"


class StreamDue(Job, frozen=True, kw_only=True, tag="cloudwatch/stream-due/1"):
    """A minute of a stream is over. `subject` is its name."""

    stream: str
    minute_s: int


STREAMED: Final = Table("cloudwatch", "streamed", Streamed, key=lambda each: (each.account, each.region, each.stream, each.place), big=True)


def kept_for_streams(ctx: Context, data: list[Datum]) -> Iterator[tuple[Streamed, StreamDue]]:
    """What the running streams of the account and region want of it, and the job that this owes."""
    streams = [stream for stream in ctx.store.scan(METRIC_STREAMS, ctx.account, ctx.region) if stream.state == RUNNING]
    if not streams:
        return
    now_s = int(ctx.clock.now().timestamp())
    minute_s = now_s - now_s % MINUTE_S
    at = datetime.fromtimestamp(minute_s + MINUTE_S, UTC)
    for stream in streams:
        wanted = [datum for datum in data if stream.wants(datum.namespace, datum.name)]
        if wanted:
            row = Streamed(account=ctx.account, region=ctx.region, stream=stream.id, minute_s=minute_s, number=uuid4().hex, data=wanted)
            due = StreamDue(account=ctx.account, region=ctx.region, subject=stream.name, at=at, stream=stream.id, minute_s=minute_s)
            yield row, due


@handles(StreamDue, attempts_max=ATTEMPTS_MAX, timeout=timedelta(minutes=5))
async def _carry(ctx: Context, due: StreamDue) -> None:
    stream = ctx.store.get(METRIC_STREAMS, due.account, due.region, due.subject)
    is_meant = stream is not None and stream.id == due.stream and stream.state == RUNNING
    while True:
        rows = await ctx.store.range(STREAMED, due.account, due.region, due.stream, limit=ROWS)
        rows = [row for row in rows if row.minute_s <= due.minute_s]
        if not rows:
            return
        if is_meant and stream is not None:
            await _put(ctx, stream, lines_of(stream, [datum for row in rows for datum in row.data]))
        async with ctx.store.transaction() as tx:
            for row in rows:
                tx.delete(STREAMED, *STREAMED.key(row))


async def _put(ctx: Context, stream: MetricStream, lines: Iterator[bytes]) -> None:
    itself = ctx.home.context(account=stream.account, region=stream.region, service=SERVICE_NAME)
    firehose = itself.client("firehose", role=stream.role, session_name="metric-stream", source_arn=stream.arn)
    name = stream.firehose.rpartition("/")[2]
    record = b""
    for line in lines:
        if record and len(record) + len(line) > RECORD_BYTES_MAX:
            await firehose.put_record(DeliveryStreamName=name, Record={"Data": record})
            record = b""
        record += line
    if record:
        await firehose.put_record(DeliveryStreamName=name, Record={"Data": record})


def lines_of(stream: MetricStream, data: list[Datum]) -> Iterator[bytes]:
    """Added up by metric, unit and minute, in the order in which they first came."""
    together: dict[tuple[Any, ...], Bucket] = defaultdict(Bucket)
    for datum in data:
        minute_s = datum.at_s - datum.at_s % MINUTE_S
        together[datum.namespace, datum.name, datum.dimensions, datum.unit, minute_s].add(datum)
    for (namespace, name, dimensions, unit, minute_s), bucket in together.items():
        value = {"max": bucket.maximum, "min": bucket.minimum, "sum": bucket.sum, "count": bucket.count}
        for stat in stream.added(namespace, name):
            found = statistic(stat)(bucket)
            if found is not None:
                value[stat] = found
        line = {
            "metric_stream_name": stream.name,
            "account_id": stream.account,
            "region": stream.region,
            "namespace": namespace,
            "metric_name": name,
            "dimensions": dict(dimensions),
            "timestamp": minute_s * 1000,
            "value": value,
            "unit": unit,
        }
        yield msgspec.json.encode(line) + b"\n"
