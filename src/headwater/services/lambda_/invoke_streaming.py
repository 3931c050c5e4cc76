"""InvokeWithResponseStream: the answer goes on to the caller as the function writes it.

A function that does not stream can be asked so as well; its answer is then one piece. What goes wrong is said in the last message,
for the status of the answer is long gone by then.
"""

import base64
from collections.abc import AsyncIterator
from typing import Any

import msgspec

from headwater.aws import event_stream
from headwater.aws.wire import Stream
from headwater.kernel.context import Context
from headwater.kernel.permissions import requires

from .arns import function_arn
from .fleet import fleet_of
from .invocation import Invocation, Outcome
from .invoke import REQUEST_BYTES_MAX, check_payload, client_context, version_asked
from .model import Version
from .names import reference
from .recursion import HEADER, further_lineage
from .streaming import Feed


@requires("lambda:InvokeFunction", function_arn)
async def invoke_with_response_stream(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    asked = reference(ctx, request["FunctionName"], request.get("Qualifier"))
    version = version_asked(ctx, asked)
    if request.get("InvocationType") == "DryRun":
        return {"StatusCode": 204, "EventStream": b""}
    payload = request.get("Payload") or b"{}"
    check_payload(payload, REQUEST_BYTES_MAX)
    wants_tail = request.get("LogType") == "Tail"
    feed = await _fed(ctx, version, asked.arn, payload, tail=wants_tail, given=client_context(request))
    streams = await feed.begun()
    return {
        "StatusCode": 200,
        "ExecutedVersion": version.version,
        "ResponseStreamContentType": feed.content_type if streams else "application/json",
        "EventStream": Stream(_messages(feed, wants_tail)),
    }


async def _fed(ctx: Context, version: Version, arn: str, payload: bytes, *, tail: bool = False, given: str | None = None) -> Feed:
    """Run the function; what it answers comes through the feed."""
    crew = fleet_of(ctx.home).crew(version.key)
    crew.check_concurrency(version.version)
    lineage = further_lineage(ctx.store, version.key, ctx.headers.get(HEADER))
    feed = Feed()

    def done(_: Invocation, outcome: Outcome) -> None:
        crew.leave(version.version)
        feed.end(outcome)

    invocation = Invocation(
        request_id=ctx.request_id, arn=arn, payload=payload, done=done, tail=tail, client_context=given, feed=feed, lineage=lineage
    )
    crew.enter(version.version)
    try:
        pool = crew.pool_at_hand(version) or await crew.pool(version)
    except BaseException:
        crew.leave(version.version)
        raise
    pool.submit(invocation)
    return feed


async def _messages(feed: Feed, wants_tail: bool) -> AsyncIterator[bytes]:
    async for piece in feed:
        if piece:
            yield event_stream.event("PayloadChunk", piece, "application/octet-stream")
    outcome = feed.outcome
    assert outcome is not None
    said: dict[str, str] = {}
    if outcome.error is not None:
        said |= {"ErrorCode": outcome.error, "ErrorDetails": outcome.payload.decode("utf-8", "replace")}
    if wants_tail:
        said["LogResult"] = base64.b64encode(outcome.tail).decode()
    yield event_stream.event("InvokeComplete", msgspec.json.encode(said), "application/json")
