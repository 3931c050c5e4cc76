"""Log streams, and the events put into them."""

from itertools import pairwise
from typing import Any, Final

import msgspec

from headwater.aws.faults import fault
from headwater.kernel.context import Context
from headwater.kernel.permissions import requires

from .arns import group_arn, stream_arn
from .forwarding import owed_for
from .groups import asked_group, dropped, find_group, milliseconds, page
from .model import (
    BATCHES,
    DAY_MS,
    STREAMS,
    Batch,
    LogGroup,
    LogStream,
    describe_stream,
    invalid,
    no_such_stream,
    sequence_token,
    size_of,
)

PAGE: Final = 50
BATCH_BYTES_MAX: Final = 1_048_576
SPAN_MAX_MS: Final = DAY_MS
OLDEST_MS: Final = 14 * DAY_MS
NEWEST_MS: Final = 2 * 3_600_000

Parameters = dict[str, Any]


@requires("logs:CreateLogStream", stream_arn)
async def create_log_stream(ctx: Context, request: Parameters) -> None:
    group = find_group(ctx, request["logGroupName"])
    name = request["logStreamName"]
    if ctx.store.get(STREAMS, ctx.account, ctx.region, group.name, name) is not None:
        raise fault("ResourceAlreadyExistsException", "The specified log stream already exists")
    now_ms = milliseconds(ctx.clock.now())
    stream = LogStream(account=ctx.account, region=ctx.region, group=group.name, name=name, id=ctx.new_id(), created_ms=now_ms)
    async with ctx.store.transaction() as tx:
        tx.put(STREAMS, stream)


@requires("logs:DeleteLogStream", stream_arn)
async def delete_log_stream(ctx: Context, request: Parameters) -> None:
    group = find_group(ctx, request["logGroupName"])
    stream = find_stream(ctx, group, request["logStreamName"])
    async with ctx.store.transaction() as tx:
        tx.delete(STREAMS, ctx.account, ctx.region, group.name, stream.name)
        tx.owe(dropped(ctx, f"{group.name}/{stream.name}", [stream.id]))


@requires("logs:DescribeLogStreams", group_arn)
async def describe_log_streams(ctx: Context, request: Parameters) -> Parameters:
    group = asked_group(ctx, request)
    prefix = request.get("logStreamNamePrefix", "")
    by_time = request.get("orderBy", "LogStreamName") == "LastEventTime"
    if by_time and prefix:
        raise invalid("Cannot order by LastEventTime with a logStreamNamePrefix.")
    streams = [stream for stream in ctx.store.scan(STREAMS, ctx.account, ctx.region, group.name) if stream.name.startswith(prefix)]
    streams.sort(key=lambda stream: (stream.last_ms or 0 if by_time else 0, stream.name), reverse=request.get("descending", False))
    token = request.get("nextToken")
    if token is not None:
        names = [stream.name for stream in streams]
        streams = streams[names.index(token) + 1 :] if token in names else []
    shown, token = page(streams, request | {"nextToken": None}, lambda stream: stream.name)
    return {"logStreams": [describe_stream(stream) for stream in shown], "nextToken": token}


@requires("logs:PutLogEvents", stream_arn)
async def put_log_events(ctx: Context, request: Parameters) -> Parameters:
    group = find_group(ctx, request["logGroupName"])
    stream = find_stream(ctx, group, request["logStreamName"])
    events = [(event["timestamp"], event["message"]) for event in request["logEvents"]]
    size = check_batch(events)
    now_ms = milliseconds(ctx.clock.now())
    kept, rejected = accepted(events, group, now_ms)
    answer: Parameters = {"rejectedLogEventsInfo": rejected} if rejected else {}
    if kept:
        batch = Batch(account=ctx.account, region=ctx.region, stream=stream.id, number=stream.batches, ingested_ms=now_ms, events=kept)
        first_ms, last_ms = kept[0][0], kept[-1][0]
        stream = msgspec.structs.replace(
            stream,
            batches=stream.batches + 1,
            bytes=stream.bytes + size,
            first_ms=first_ms if stream.first_ms is None else min(stream.first_ms, first_ms),
            last_ms=last_ms if stream.last_ms is None else max(stream.last_ms, last_ms),
            ingested_ms=now_ms,
            span_ms=max(stream.span_ms, last_ms - first_ms),
        )
        owed = owed_for(ctx, stream, batch)
        async with ctx.store.transaction() as tx:
            tx.put(BATCHES, batch)
            tx.put(STREAMS, stream)
            for due in owed:
                tx.owe(due)
    return answer | {"nextSequenceToken": sequence_token(stream)}


def check_batch(events: list[tuple[int, str]]) -> int:
    """The batch's size as AWS counts it; a batch that breaks a rule is refused whole."""
    size = sum(size_of(message) for _, message in events)
    if size > BATCH_BYTES_MAX:
        raise invalid(f"Upload too large: {size} bytes exceeds limit of {BATCH_BYTES_MAX}")
    times = [at for at, _ in events]
    if any(later < earlier for earlier, later in pairwise(times)):
        raise invalid("Log events in a single PutLogEvents request must be in chronological order.")
    if times[-1] - times[0] > SPAN_MAX_MS:
        raise invalid("The batch of log events in a single PutLogEvents request cannot span more than 24 hours.")
    return size


def accepted(events: list[tuple[int, str]], group: LogGroup, now_ms: int) -> tuple[list[tuple[int, str]], Parameters]:
    """The events that are neither too old nor expired nor too new; and, by index, those that are. They stand in order of time."""
    too_old = sum(1 for at, _ in events if at < now_ms - OLDEST_MS)
    expired = 0
    if group.retention_days is not None:
        expired = sum(1 for at, _ in events if at < now_ms - group.retention_days * DAY_MS)
    end = sum(1 for at, _ in events if at <= now_ms + NEWEST_MS)
    rejected: Parameters = {}
    if too_old:
        rejected["tooOldLogEventEndIndex"] = too_old
    if expired:
        rejected["expiredLogEventEndIndex"] = expired
    if end < len(events):
        rejected["tooNewLogEventStartIndex"] = end
    return events[max(too_old, expired) : end], rejected


def find_stream(ctx: Context, group: LogGroup, name: str) -> LogStream:
    stream = ctx.store.get(STREAMS, ctx.account, ctx.region, group.name, name)
    if stream is None:
        raise no_such_stream()
    return stream
