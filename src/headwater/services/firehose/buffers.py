"""The open buffer of each stream, in memory, over the chunks that stand in the store.

Memory is only the quick copy: what is not here (after a restart, or when too much waits for S3) is read back from the store.
The one rule: number, record in the store and copy in memory change together, with no await between, so that a
sealed delivery can never name a chunk that the journal has not got. Fails a write, the copy is thrown away.
"""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, Self

import msgspec

from headwater.kernel.jobs import Job
from headwater.kernel.store import Transaction

from . import naming
from .measured import taken
from .model import MIB, Chunk, Delivery, Stream, chunks, deliveries, ordinal

if TYPE_CHECKING:
    from headwater.kernel.context import Context
    from headwater.kernel.home import Home

HELD_BYTES_MAX: Final = 64 * MIB
"""How much that waits for S3 is kept in memory as well; the rest is read back when its turn comes."""
PAGE: Final = 1000


class FlushDue(Job, frozen=True, kw_only=True, tag="firehose/flush-due/1"):
    """The buffer that `first` opened has waited as long as the destination's hint allows."""

    stream_id: str
    stream_name: str
    first: int


class DeliverDue(Job, frozen=True, kw_only=True, tag="firehose/deliver-due/1"):
    stream_id: str
    delivery_id: str


class Batch:
    """Records in order, with the arrival of each."""

    __slots__ = ("arrived_at_ms", "records", "size")

    def __init__(self) -> None:
        self.records: list[bytes] = []
        self.arrived_at_ms: array[int] = array("q")
        self.size = 0

    def add(self, records: list[bytes], size: int, arrived_at_ms: int) -> None:
        if len(records) == 1:
            self.records.append(records[0])
            self.arrived_at_ms.append(arrived_at_ms)
        else:
            self.records.extend(records)
            self.arrived_at_ms.extend([arrived_at_ms] * len(records))
        self.size += size

    @classmethod
    async def read_back(cls, ctx: Context, delivery: Delivery) -> Self:
        """A delivery's records, from the store."""
        batch = cls()
        after = ordinal(delivery.first - 1)
        while page := await ctx.store.range(chunks, delivery.account, delivery.region, delivery.stream_id, after=after, limit=PAGE):
            for chunk in page:
                if chunk.number > delivery.last:
                    return batch
                batch.add(chunk.records, sum(map(len, chunk.records)), chunk.arrived_at_ms)
            after = ordinal(page[-1].number)
        return batch

    def __iter__(self) -> Iterator[tuple[bytes, int]]:
        return zip(self.records, self.arrived_at_ms, strict=True)


class Allowance:
    """Records a second, of the machine's time: a bucket that holds one second's worth."""

    __slots__ = ("_at", "_left", "per_second")

    def __init__(self, per_second: int) -> None:
        self.per_second = per_second
        self._left = float(per_second)
        self._at = 0.0

    def take(self, wanted: int, now: float) -> int:
        """How many of `wanted` may pass."""
        left = min(self.per_second, self._left + (now - self._at) * self.per_second)
        granted = min(wanted, int(left))
        self._left = left - granted
        self._at = now
        return granted


class Buffer:
    """What a stream has taken and no delivery has yet: chunks `first` to `following - 1`."""

    __slots__ = ("allowance", "batch", "due", "first", "following", "opened_at", "record_stem")

    def __init__(self, record_stem: str, following: int, per_second: int) -> None:
        self.record_stem = record_stem  # of record ids: new with each buffer, since numbers begin anew after a restart
        self.following = following
        self.first = following
        self.opened_at: datetime | None = None
        self.due: FlushDue | None = None
        self.batch = Batch()
        self.allowance = Allowance(per_second)

    def reopen(self) -> None:
        self.first = self.following
        self.opened_at = None
        self.due = None
        self.batch = Batch()


class Buffers:
    """The live part of the room."""

    def __init__(self, records_per_second_max: int) -> None:
        self._records_per_second_max = records_per_second_max
        self._open: dict[str, Buffer] = {}
        self._held: dict[str, Batch] = {}
        self._held_bytes = 0
        self._loading = asyncio.Lock()

    def get(self, stream: Stream) -> Buffer | None:
        return self._open.get(stream.stream_id)

    async def load(self, ctx: Context, stream: Stream) -> Buffer:
        """The stream's buffer, read back from the store if this is its first use since the start."""
        async with self._loading:
            buffer = self._open.get(stream.stream_id)
            if buffer is None:
                buffer = await self._read_open(ctx, stream)
                self._open[stream.stream_id] = buffer
            return buffer

    async def _read_open(self, ctx: Context, stream: Stream) -> Buffer:
        place = (stream.account, stream.region, stream.stream_id)
        sealed = max((delivery.last for delivery in ctx.store.scan(deliveries, *place)), default=0)
        buffer = Buffer(ctx.new_id().replace("-", ""), sealed + 1, self._records_per_second_max)
        after = ordinal(sealed)
        while page := await ctx.store.range(chunks, *place, after=after, limit=PAGE):
            for chunk in page:
                if buffer.opened_at is None:
                    buffer.first = chunk.number
                    buffer.opened_at = datetime.fromtimestamp(chunk.arrived_at_ms / 1000, UTC)
                buffer.batch.add(chunk.records, sum(map(len, chunk.records)), chunk.arrived_at_ms)
            buffer.following = page[-1].number + 1
            after = ordinal(page[-1].number)
        return buffer

    def forget(self, stream_id: str) -> None:
        """Throw the copy away: the store is the truth."""
        self._open.pop(stream_id, None)

    def hold(self, delivery_id: str, batch: Batch) -> None:
        if self._held_bytes + batch.size <= HELD_BYTES_MAX:
            self._held[delivery_id] = batch
            self._held_bytes += batch.size

    def let_go(self, delivery_id: str) -> Batch | None:
        batch = self._held.pop(delivery_id, None)
        if batch is not None:
            self._held_bytes -= batch.size
        return batch

    async def keep(self, ctx: Context, stream: Stream, buffer: Buffer, records: list[bytes], size: int) -> int:
        """Journal the records as one chunk and buffer them; seals the buffer when it is full. The chunk's number."""
        now = ctx.clock.now()
        number = buffer.following
        arrived_at_ms = int(now.timestamp() * 1000)
        ctx.bus.publish("metric", taken(stream, now, len(records), size))
        chunk = Chunk(
            account=stream.account,
            region=stream.region,
            stream_id=stream.stream_id,
            number=number,
            arrived_at_ms=arrived_at_ms,
            records=records,
        )
        try:
            async with ctx.store.transaction() as tx:
                tx.put(chunks, chunk)
                buffer.following = number + 1
                if buffer.opened_at is None:
                    buffer.opened_at = now
                    buffer.due = FlushDue(
                        account=stream.account,
                        region=stream.region,
                        subject=f"{stream.stream_id}/{number}",
                        at=now + timedelta(seconds=stream.destination.interval_s),
                        stream_id=stream.stream_id,
                        stream_name=stream.name,
                        first=number,
                    )
                    tx.owe(buffer.due)
                buffer.batch.add(records, size, arrived_at_ms)
                if buffer.batch.size >= stream.destination.size_mib * MIB:
                    self.seal(ctx, tx, stream, buffer)
        except BaseException:
            self.forget(stream.stream_id)
            raise
        return number

    def seal(self, ctx: Context, tx: Transaction, stream: Stream, buffer: Buffer) -> None:
        """Close the buffer into a delivery, names of objects and all, in the caller's transaction; a new buffer opens."""
        assert buffer.opened_at is not None, "an empty buffer is never sealed"
        delivery = _delivery(ctx, stream, buffer, buffer.opened_at)
        tx.put(deliveries, delivery)
        tx.owe(deliver_due(delivery, ctx.clock.now()))
        if buffer.due is not None:
            tx.forget(buffer.due)
        self.hold(delivery.delivery_id, buffer.batch)
        buffer.reopen()


def buffers_of(home: Home) -> Buffers:
    found: Buffers | None = home.rooms.get("firehose")
    if found is None:
        found = home.rooms["firehose"] = Buffers(home.settings.firehose_records_per_second_max)
    return found


def deliver_due(delivery: Delivery, at: datetime) -> DeliverDue:
    return DeliverDue(
        account=delivery.account,
        region=delivery.region,
        subject=f"{delivery.stream_id}/{delivery.delivery_id}",
        at=at,
        stream_id=delivery.stream_id,
        delivery_id=delivery.delivery_id,
    )


def _delivery(ctx: Context, stream: Stream, buffer: Buffer, opened_at: datetime) -> Delivery:
    destination = stream.destination
    unique = ctx.new_id()
    random = unique.replace("-", "")[: naming.RANDOM_LENGTH]
    at = opened_at.astimezone(naming.zone(destination.time_zone or ""))

    def name(prefix: str, extension: str, error_type: str | None = None) -> str:
        return naming.evaluate(prefix, at, random, error_type) + naming.suffix(stream.name, stream.version, at, unique, extension)

    backup = destination.backup if destination.backup_enabled else None
    return Delivery(
        account=stream.account,
        region=stream.region,
        stream_id=stream.stream_id,
        stream_name=stream.name,
        delivery_id=unique,
        first=buffer.first,
        last=buffer.following - 1,
        arrived_at=opened_at,
        key=name(destination.prefix or "", destination.extension),
        error_key=name(destination.error_base, destination.extension, "processing-failed"),
        backup_key=None if backup is None else name(backup.prefix or "", backup.extension),
        compression=destination.compression,
        backup_compression="" if backup is None else backup.compression,
    )


def put_off(delivery: Delivery, reason: str) -> Delivery:
    """This delivery after one more attempt that failed."""
    return msgspec.structs.replace(delivery, attempts=delivery.attempts + 1, last_error=reason)
