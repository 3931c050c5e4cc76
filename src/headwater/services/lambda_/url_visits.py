"""A function's URL is called: who may, what the function is told, what the caller hears.

With AuthType NONE everybody may whom the function's policy lets in, and by itself it lets in nobody: AWS's console writes the
permission for `*` along with the URL, its API does not. With AWS_IAM the request is signed for the service `lambda`.
A browser's preflight is answered here and never reaches the function; so are the headers that let other sites read an answer.
Source: "Control access to Lambda function URLs" of the developer guide.
"""

import os
import random
from collections.abc import AsyncIterator
from typing import Final

import msgspec

from headwater.aws.faults import Fault
from headwater.aws.routing import Route
from headwater.aws.signature import check_freshness, parse_authorization, verify
from headwater.aws.signature_faults import refused
from headwater.aws.wire import Request, Response, Stream
from headwater.kernel.callers import caller_of
from headwater.kernel.context import Context

from . import SERVICE
from .addresses import FunctionUrl, url_of
from .fleet import version_of
from .invocation import RESPONSE_BYTES_MAX
from .invoke import REQUEST_BYTES_MAX
from .invoke_streaming import _fed
from .names import Reference
from .streaming import Feed
from .url_cors import answer_preflight, is_allowed, is_preflight, with_cors
from .url_events import (
    INTEGRATION,
    JSON_TYPE,
    SEPARATOR,
    Caller,
    Visit,
    event_of,
    forbidden,
    nowhere,
    opened,
    refusal,
    response_of,
    split,
    went_wrong,
)

IAM: Final = "AWS_IAM"


@SERVICE.welcomes
def _welcomes(ctx: Context, request: Request, route: Route) -> bool:
    """Whether a page of another site may call. Nobody can guess an address; whoever was told of one, its configuration may still keep
    out. Without a configuration it is the function that speaks to the browser, as on AWS.
    """
    url = url_of(ctx.store, route.uri_labels.get("Id", "")) if route.service == "lambda-url" else None
    return url is not None and (url.cors is None or is_allowed(request, url.cors))


@SERVICE.visits
async def _visit(ctx: Context, request: Request, route: Route) -> Response | None:
    id_ = route.uri_labels.get("Id")
    if route.service != "lambda-url" or id_ is None:
        return None
    url = url_of(ctx.store, id_)
    if url is None:
        return nowhere()
    if url.cors is not None and is_preflight(request):
        return answer_preflight(request, url.cors)
    response = await _answered(ctx, request, route, url)
    response.headers.append(("x-amzn-RequestId", ctx.request_id))
    return response if url.cors is None else with_cors(request, url.cors, response)


async def _answered(ctx: Context, request: Request, route: Route, url: FunctionUrl) -> Response:
    body = await _body(request)
    if body is None:
        return refusal(413, "RequestEntityTooLargeException", f"Request must be smaller than {REQUEST_BYTES_MAX} bytes")
    request.body = body
    try:
        caller = _caller(ctx, request) if url.auth_type == IAM else None
    except Fault as fault:
        return refusal(403, fault.code, fault.message)
    if (url.auth_type == IAM and caller is None) or not await _is_let_in(ctx, url):
        return forbidden()
    trace = os.urandom(20).hex()
    visit = Visit(
        url_id=url.id,
        prefix=route.uri_labels.get("Prefix", ""),
        port=ctx.home.settings.port,
        source_ip=ctx.source_ip,
        request_id=ctx.request_id,
        trace=f"Root=1-{int(ctx.clock.machine().timestamp()):08x}-{trace[:24]}",
        at=ctx.clock.now(),
        caller=caller,
    )
    return await _run(ctx, url, msgspec.json.encode(event_of(request, body, visit)))


async def _body(request: Request) -> bytes | None:
    """None where it is longer than an event may be."""
    body = request.body
    if isinstance(body, bytes):
        return body if len(body) <= REQUEST_BYTES_MAX else None
    pieces, size = [], 0
    async for piece in body:
        size += len(piece)
        if size > REQUEST_BYTES_MAX:
            return None
        pieces.append(piece)
    return b"".join(pieces)


def _caller(ctx: Context, request: Request) -> Caller | None:
    """Who has signed, put into the context; None where nobody has. Raises for a signature that is none."""
    authorization = parse_authorization(request)
    if authorization is None:
        return None
    if authorization.service != SERVICE.name:
        raise refused("json", "scope", f"Credential should be scoped to correct service: '{SERVICE.name}'.")
    machine = ctx.clock.machine()
    principal, _ = caller_of(
        ctx,
        authorization,
        "json",
        lambda secret: verify(request, authorization, secret, machine),
        lambda: check_freshness(request, authorization, machine),
    )
    ctx.principal, ctx.account, ctx.signature = principal, principal.account, authorization
    return Caller(access_key=authorization.access_key_id, account=principal.account, caller_id=principal.user_id, arn=principal.arn)


async def _is_let_in(ctx: Context, url: FunctionUrl) -> bool:
    ctx.region, ctx.service = url.region, SERVICE.name
    if ctx.principal.kind != "anonymous":
        await ctx.home.open_room("iam")
    request = {"FunctionName": url.function_arn, "AuthType": url.auth_type}
    operation = SERVICE.model.operations["Invoke"]  # the one of the model that a visit comes to
    return ctx.home.authorization.allows(ctx, operation, request, "lambda:InvokeFunctionUrl", url.function_arn)


async def _run(ctx: Context, url: FunctionUrl, event: bytes) -> Response:
    key = (url.account, url.region, url.function)
    version = version_of(ctx.store, key, url.qualifier or None, random.random())  # noqa: S311 - shares of an alias
    if version is None:
        return nowhere()
    try:
        feed = await _fed(ctx, version, Reference(*key, url.qualifier or None).arn, event)
    except Fault as fault:
        return refusal(429 if fault.code == "TooManyRequestsException" else 502, fault.code, fault.message)
    streams = await feed.begun()
    if url.invoke_mode == "RESPONSE_STREAM":
        return await _streamed(feed)
    body = b"".join([piece async for piece in feed])
    outcome = feed.outcome
    assert outcome is not None
    if outcome.error is not None or len(body) > RESPONSE_BYTES_MAX:
        return went_wrong()
    if not streams:
        return response_of(body)
    prelude, body = split(body) if feed.content_type == INTEGRATION else (b"{}", body)
    return opened(feed.content_type, prelude, body)


async def _streamed(feed: Feed) -> Response:
    """The status and the headers stand in front of what streams, if the function says them; of a whole answer nothing is read."""
    pieces = aiter(feed)
    prelude, rest = b"{}", b""
    if feed.content_type == INTEGRATION:
        async for piece in pieces:
            rest += piece
            if SEPARATOR in rest:
                prelude, rest = split(rest)
                break
    if feed.outcome is not None and feed.outcome.error is not None and not rest:
        return went_wrong()

    async def body() -> AsyncIterator[bytes]:
        if rest:
            yield rest
        async for piece in pieces:
            if piece:
                yield piece

    return opened(feed.content_type or JSON_TYPE, prelude, Stream(body()))
