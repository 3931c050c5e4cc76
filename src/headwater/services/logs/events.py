"""Reading: one stream from either end, or a whole group through a filter.

Tokens hold a position and nothing else: a forward token means "what stands behind this event", so it can be asked again for as
long as one likes, and returns itself at the end, which is how clients notice that they are there.
"""

import heapq
from collections import deque
from collections.abc import AsyncIterator
from typing import Any, Final

import msgspec

from headwater.kernel.context import Context
from headwater.kernel.permissions import requires

from .arns import group_arn, stream_arn
from .groups import asked_group, milliseconds
from .model import BATCHES, DAY_MS, STREAMS, LogGroup, LogStream, Position, batch_key, invalid, invalid_token, no_such_stream, size_of
from .patterns import compiled
from .streams import find_stream

EVENTS_MAX: Final = 10_000
ANSWER_BYTES_MAX: Final = 1_048_576
SCANNED_MAX: Final = 100_000  # events looked at for one answer; what is left is behind the token
ROWS: Final = 64
FIRST_WINDOW_MS: Final = 1_000
END_MS: Final = 10**13

Parameters = dict[str, Any]


class Event(msgspec.Struct, frozen=True):
    position: Position
    message: str
    ingested_ms: int


@requires("logs:GetLogEvents", stream_arn)
async def get_log_events(ctx: Context, request: Parameters) -> Parameters:
    group = asked_group(ctx, request)
    stream = find_stream(ctx, group, request["logStreamName"])
    low = max(request.get("startTime", 0), _oldest(ctx, group))
    high = request.get("endTime", END_MS)
    limit = request.get("limit", EVENTS_MAX)
    token = request.get("nextToken")
    direction, bound = _parsed(token) if token is not None else ("f" if request.get("startFromHead") else "b", None)
    reader = Reader(ctx, stream)
    if direction == "f":
        events = await reader.first(low, high, limit, after=bound)
    else:
        events = await reader.last(low, high, limit, before=bound)
    here = bound or Position(low, 0, 0)
    return {
        "events": [{"timestamp": event.position.at_ms, "message": event.message, "ingestionTime": event.ingested_ms} for event in events],
        "nextForwardToken": f"f/{events[-1].position if events else here}/s",
        "nextBackwardToken": f"b/{events[0].position if events else here}/s",
    }


@requires("logs:FilterLogEvents", group_arn)
async def filter_log_events(ctx: Context, request: Parameters) -> Parameters:
    group = asked_group(ctx, request)
    if "logStreamNames" in request and "logStreamNamePrefix" in request:
        raise invalid("logStreamNames and logStreamNamePrefix are mutually exclusive parameters.")
    matches = compiled(request.get("filterPattern", ""))
    low = max(request.get("startTime", 0), _oldest(ctx, group))
    high = request.get("endTime", END_MS)
    limit = request.get("limit", EVENTS_MAX)
    resumed = _resumed(request.get("nextToken"))
    if resumed is not None:
        low = max(low, resumed[0].at_ms)
    found: list[Parameters] = []
    scanned = size = 0
    token: str | None = None
    async for position, name, event in _merged([Reader(ctx, stream) for stream in _chosen(ctx, group, request, low, high)], low, high):
        if resumed is not None and (position, name) <= resumed:
            continue
        scanned += 1
        if matches(event.message):
            size += size_of(event.message)
            if size > ANSWER_BYTES_MAX and found:
                break
            found.append(
                {
                    "logStreamName": name,
                    "timestamp": position.at_ms,
                    "message": event.message,
                    "ingestionTime": event.ingested_ms,
                    "eventId": str(position),
                }
            )
        token = f"{position}/{name}"
        if len(found) == limit or scanned == SCANNED_MAX:
            break
    else:
        token = None
    return {"events": found, "searchedLogStreams": [], "nextToken": token}


class Reader:
    """One stream's events, in order."""

    def __init__(self, ctx: Context, stream: LogStream) -> None:
        self._ctx = ctx
        self.stream = stream

    async def forward(self, low: int, high: int) -> AsyncIterator[Event]:
        """Events of [low, high) in the order of their positions. Batches overlap, so an event waits until no earlier one can come."""
        stream = self.stream
        held: list[tuple[Position, str, int]] = []
        after = batch_key(low - stream.span_ms)
        while True:
            rows = await self._ctx.store.range(BATCHES, stream.account, stream.region, stream.id, after=after, limit=ROWS)
            for batch in rows:
                while held and held[0][0].at_ms < batch.first_ms:
                    yield Event(*heapq.heappop(held))
                if batch.first_ms >= high:
                    break
                for index, (at, message) in enumerate(batch.events):
                    if low <= at < high:
                        heapq.heappush(held, (Position(at, batch.number, index), message, batch.ingested_ms))
            if len(rows) < ROWS or rows[-1].first_ms >= high:
                break
            after = batch_key(rows[-1].first_ms, rows[-1].number)
        while held:
            yield Event(*heapq.heappop(held))

    async def first(self, low: int, high: int, limit: int, after: Position | None) -> list[Event]:
        events: list[Event] = []
        size = 0
        async for event in self.forward(low if after is None else max(low, after.at_ms), high):
            if after is not None and event.position <= after:
                continue
            size += size_of(event.message)
            if events and size > ANSWER_BYTES_MAX:
                break
            events.append(event)
            if len(events) == limit:
                break
        return events

    async def last(self, low: int, high: int, limit: int, before: Position | None) -> list[Event]:
        """From the end: ever longer windows of time before it, until they hold enough."""
        stream = self.stream
        if stream.first_ms is None or stream.last_ms is None:
            return []
        low = max(low, stream.first_ms)
        end = min(high, stream.last_ms + 1, END_MS if before is None else before.at_ms + 1)
        window = FIRST_WINDOW_MS
        while True:
            events: deque[Event] = deque(maxlen=limit)
            begin = max(low, end - window)
            async for event in self.forward(begin, end):
                if before is None or event.position < before:
                    events.append(event)
            if len(events) == limit or begin <= low:
                break
            window *= 8
        size = sum(size_of(event.message) for event in events)
        while len(events) > 1 and size > ANSWER_BYTES_MAX:
            size -= size_of(events.popleft().message)
        return list(events)


async def _merged(readers: list[Reader], low: int, high: int) -> AsyncIterator[tuple[Position, str, Event]]:
    """The events of several streams, as one line of time."""
    lines = [(reader.stream.name, reader.forward(low, high)) for reader in readers]
    heads: list[tuple[Position, str, int, Event]] = []
    for index, (name, line) in enumerate(lines):
        event = await anext(line, None)
        if event is not None:
            heads.append((event.position, name, index, event))
    heapq.heapify(heads)
    while heads:
        position, name, index, event = heads[0]
        yield position, name, event
        following = await anext(lines[index][1], None)
        if following is None:
            heapq.heappop(heads)
        else:
            heapq.heapreplace(heads, (following.position, name, index, following))


def _chosen(ctx: Context, group: LogGroup, request: Parameters, low: int, high: int) -> list[LogStream]:
    """The streams to be searched that can have an event of that time at all."""
    names = request.get("logStreamNames")
    streams = ctx.store.scan(STREAMS, ctx.account, ctx.region, group.name)
    if names is not None:
        if set(names) - {stream.name for stream in streams}:
            raise no_such_stream()
        streams = [stream for stream in streams if stream.name in names]
    prefix = request.get("logStreamNamePrefix", "")
    return [
        stream
        for stream in streams
        if stream.name.startswith(prefix)
        and stream.first_ms is not None
        and stream.last_ms is not None
        and stream.first_ms < high
        and stream.last_ms >= low
    ]


def _oldest(ctx: Context, group: LogGroup) -> int:
    """What retention no longer keeps is not shown, whether or not it has left the disk."""
    return 0 if group.retention_days is None else milliseconds(ctx.clock.now()) - group.retention_days * DAY_MS


def _parsed(token: str) -> tuple[str, Position]:
    direction, _, rest = token.partition("/")
    if direction not in ("f", "b") or not rest.endswith("/s"):
        raise invalid_token()
    return direction, Position.of(rest.removesuffix("/s"))


def _resumed(token: str | None) -> tuple[Position, str] | None:
    if token is None:
        return None
    position, slash, name = token.partition("/")
    if not slash:
        raise invalid_token()
    return Position.of(position), name
