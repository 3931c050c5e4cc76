"""Invoke, in its three ways: wait for the answer, hand over and go, or only ask whether one could.

The way of a warm synchronous call is kept short on purpose: look up the version, take a free worker, wait for one future.
"""

import asyncio
import base64
import random
from typing import Any, Final

import msgspec

from headwater.aws.faults import Fault, fault
from headwater.kernel.context import Context
from headwater.kernel.permissions import requires

from .arns import function_arn
from .fleet import fleet_of, version_of
from .invocation import Invocation, Outcome
from .model import LATEST, Version
from .names import Reference, invalid, not_found, reference
from .queue import queue_of
from .recursion import HEADER, further_lineage

REQUEST_BYTES_MAX: Final = 6_291_456
EVENT_BYTES_MAX: Final = 1_048_576  # raised from 256 KiB in October 2025
CLIENT_CONTEXT_CHARACTERS_MAX: Final = 3_583

_JSON: Final = msgspec.json.Decoder(msgspec.Raw)


@requires("lambda:InvokeFunction", function_arn)
async def invoke(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    asked = reference(ctx, request["FunctionName"], request.get("Qualifier"))
    kind = request.get("InvocationType", "RequestResponse")
    payload = request.get("Payload") or b"{}"
    version = version_asked(ctx, asked)
    for member in ("DurableExecutionName", "TenantId"):
        if request.get(member):
            raise invalid(f"{member} is for functions of a kind that Headwater has not built yet.")
    if kind == "DryRun":
        return {"StatusCode": 204}
    check_payload(payload, EVENT_BYTES_MAX if kind == "Event" else REQUEST_BYTES_MAX)
    if kind == "Event":
        await queue_of(ctx.home).accept(ctx, asked, payload, request.get("ClientContext"))
        return {"StatusCode": 202, "Payload": b""}
    outcome = await _answer(ctx, asked, version, payload, request)
    answer: dict[str, Any] = {"StatusCode": 200, "ExecutedVersion": version.version, "Payload": outcome.payload}
    if outcome.error is not None:
        answer["FunctionError"] = outcome.error
    if request.get("LogType") == "Tail":
        answer["LogResult"] = base64.b64encode(outcome.tail).decode()
    return answer


@requires("lambda:InvokeAsync", function_arn)
async def invoke_async(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """The first form of asynchronous invocation, deprecated since 2014 and still there."""
    asked = reference(ctx, request["FunctionName"])
    body = request["InvokeArgs"]
    payload = await body.read() or b"{}"
    version_asked(ctx, asked)
    check_payload(payload, EVENT_BYTES_MAX)
    await queue_of(ctx.home).accept(ctx, asked, payload, None)
    return {"Status": 202}


async def _answer(ctx: Context, asked: Reference, version: Version, payload: bytes, request: dict[str, Any]) -> Outcome:
    crew = fleet_of(ctx.home).crew(version.key)
    crew.check_concurrency(version.version)
    lineage = further_lineage(ctx.store, version.key, ctx.headers.get(HEADER))
    answered: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

    def done(_: Invocation, outcome: Outcome) -> None:
        if not answered.done():  # the caller may have gone away
            answered.set_result(outcome)

    invocation = Invocation(
        request_id=ctx.request_id,
        arn=asked.arn,
        payload=payload,
        done=done,
        tail=request.get("LogType") == "Tail",
        client_context=client_context(request),
        lineage=lineage,
    )
    crew.enter(version.version)
    try:
        pool = crew.pool_at_hand(version) or await crew.pool(version)
        pool.submit(invocation)
        return await answered
    finally:
        crew.leave(version.version)


def version_asked(ctx: Context, asked: Reference) -> Version:
    """Another account's too: that its caller may, the function's own policy has said."""
    version = version_of(ctx.store, asked.key, asked.qualifier, random.random())  # noqa: S311 - shares of an alias
    if version is None:
        raise not_found(asked.qualified(asked.qualifier or LATEST))
    return version


def client_context(request: dict[str, Any]) -> str | None:
    """The header's base64, as the runtime gets it: plain JSON."""
    encoded = request.get("ClientContext")
    if encoded is None:
        return None
    try:
        text = base64.b64decode(encoded, validate=True)
        msgspec.json.decode(text)
    except (ValueError, msgspec.DecodeError):
        raise _unparseable("Client context must be a valid Base64-encoded JSON object.") from None
    return text.decode().replace("\r", "").replace("\n", "")


def check_payload(payload: bytes, bytes_max: int) -> None:
    if len(payload) > bytes_max:
        sentence = f"Request must be smaller than {bytes_max} bytes for the InvokeFunction operation"
        raise fault("RequestTooLargeException", sentence, Type="User")
    try:
        _JSON.decode(payload)
    except msgspec.DecodeError as error:
        raise _unparseable(f"Could not parse request body into json: {error}") from None


def _unparseable(sentence: str) -> Fault:
    return fault("InvalidRequestContentException", sentence, Type="User")
