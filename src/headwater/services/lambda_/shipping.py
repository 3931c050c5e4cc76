"""What functions print, on its way to CloudWatch Logs: gathered a moment, then put as batches, one a stream.

A line costs an append to a list. Four times a second at most, and only when there is something, what has gathered goes to the
logs room, as any client's PutLogEvents would. A function's lines never hold up its answer.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from headwater.aws.faults import Fault
from headwater.kernel.client import Client

log = structlog.get_logger()

SHIP_AFTER_S: Final = 0.25
EVENTS_MAX: Final = 10_000  # PutLogEvents' limits
BATCH_BYTES_MAX: Final = 1_048_576
EVENT_OVERHEAD_BYTES: Final = 26
SPAN_MAX_MS: Final = 86_400_000  # AWS time may have been moved between two lines
EVENT_BYTES_MAX: Final = 262_144 - EVENT_OVERHEAD_BYTES
GATHERED_MAX: Final = 200_000
"""Lines of one stream that wait at most; what a function prints beyond that in a quarter of a second is left out, and said."""

_EPOCH: Final = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
_MILLISECOND: Final = timedelta(milliseconds=1)


class Stream:
    """One worker's log stream."""

    def __init__(self, shipper: "Shipper", client: Client, group: str, name: str) -> None:
        self._shipper = shipper
        self.client = client
        self.group = group
        self.name = name
        self.gathered: list[tuple[datetime, str]] = []
        self.dropped = 0
        self.is_there = False

    def write(self, at: datetime, line: str) -> None:
        if not self.gathered:
            self._shipper.wants(self)
        if len(self.gathered) < GATHERED_MAX:
            self.gathered.append((at, line))
        else:
            self.dropped += 1


class Shipper:
    def __init__(self, spawn: Callable[[Coroutine[Any, Any, None], str], None]) -> None:
        self._spawn = spawn
        self._dirty: list[Stream] = []
        self._timer: asyncio.TimerHandle | None = None
        self._shipping = False
        self._one_at_a_time = asyncio.Lock()
        self._closed = False

    def wants(self, stream: Stream) -> None:
        self._dirty.append(stream)
        if self._timer is None and not self._shipping and not self._closed:
            self._timer = asyncio.get_running_loop().call_later(SHIP_AFTER_S, self._begin)

    def _begin(self) -> None:
        self._timer = None
        self._shipping = True
        self._spawn(self._ship(), "lambda logs")

    async def _ship(self) -> None:
        try:
            await self.flush()
        finally:
            self._shipping = False
            if self._dirty and self._timer is None and not self._closed:
                self._timer = asyncio.get_running_loop().call_later(SHIP_AFTER_S, self._begin)

    async def close(self) -> None:
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        await self.flush()

    async def flush(self) -> None:
        """Everything gathered so far, now; behind what is on its way."""
        async with self._one_at_a_time:
            await self._flush()

    async def _flush(self) -> None:
        dirty, self._dirty = self._dirty, []
        for stream in dirty:
            lines, stream.gathered = stream.gathered, []
            if stream.dropped:
                lines.append(
                    (lines[-1][0], f"HEADWATER {stream.dropped} lines were left out: the function prints faster than they can be kept")
                )
                stream.dropped = 0
            try:
                await _put(stream, lines)
            except Fault as refusal:  # no logs room, no permission: the function runs all the same, as on AWS
                log.warning("function log lost", group=stream.group, lines=len(lines), code=refusal.code, why=refusal.message)


async def _put(stream: Stream, lines: list[tuple[datetime, str]]) -> None:
    if not stream.is_there:
        await _make(stream)
    for batch in batches(lines):
        try:
            await stream.client.put_log_events(logGroupName=stream.group, logStreamName=stream.name, logEvents=batch)
        except Fault as refusal:
            if refusal.code != "ResourceNotFoundException":
                raise
            await _make(stream)  # somebody deleted the group, or the stream
            await stream.client.put_log_events(logGroupName=stream.group, logStreamName=stream.name, logEvents=batch)


async def _make(stream: Stream) -> None:
    """The group is made only where the stream shows that there is none: a role may be allowed to make streams and nothing else."""
    where = {"logGroupName": stream.group, "logStreamName": stream.name}
    try:
        await _unless_there(stream.client.create_log_stream(**where))
    except Fault as refusal:
        if refusal.code != "ResourceNotFoundException":
            raise
        await _unless_there(stream.client.create_log_group(logGroupName=stream.group))
        await _unless_there(stream.client.create_log_stream(**where))
    stream.is_there = True


async def _unless_there(making: Awaitable[Any]) -> None:
    try:
        await making
    except Fault as refusal:
        if refusal.code != "ResourceAlreadyExistsException":
            raise


def batches(lines: list[tuple[datetime, str]]) -> list[list[dict[str, object]]]:
    """Events as PutLogEvents takes them: at most so many, so large, so long; empty messages are not allowed."""
    found: list[list[dict[str, object]]] = []
    batch: list[dict[str, object]] = []
    size = first = timestamp = 0
    for at, line in lines:
        timestamp = max(timestamp, (at - _EPOCH) // _MILLISECOND)  # in order, also where the machine's clock was set back
        message = line if len(line) * 4 <= EVENT_BYTES_MAX else line.encode()[:EVENT_BYTES_MAX].decode("utf-8", "ignore")
        length = (len(message) if message.isascii() else len(message.encode())) + EVENT_OVERHEAD_BYTES
        if batch and (len(batch) == EVENTS_MAX or size + length > BATCH_BYTES_MAX or timestamp - first > SPAN_MAX_MS):
            found.append(batch)
            batch, size = [], 0
        if not batch:
            first = timestamp
        batch.append({"timestamp": timestamp, "message": message or " "})
        size += length
    if batch:
        found.append(batch)
    return found
