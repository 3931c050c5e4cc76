"""A function's URL is called: who may, what the function is told, what the caller hears.

With AuthType NONE everybody may whom the function's policy lets in, and by itself it lets in nobody: AWS's console writes the
permission for `*` along with the URL, its API does not. With AWS_IAM the request is signed for the service `lambda`.
A browser's preflight is answered here and never reaches the function; so are the headers that let other sites read an answer.
Source: "Control access to Lambda function URLs" of the developer guide.
"""

import asyncio
import os
import random
from typing import Final

import msgspec

from headwater.aws.faults import Fault
from headwater.aws.routing import Route
from headwater.aws.signature import parse_authorization
from headwater.aws.signature_faults import refused
from headwater.aws.wire import Request, Response
from headwater.kernel.authentication import principal_of
from headwater.kernel.context import Context

from . import SERVICE
from .addresses import FunctionUrl, url_of
from .fleet import fleet_of, version_of
from .invocation import Invocation, Outcome
from .invoke import REQUEST_BYTES_MAX
from .names import Reference
from .url_cors import answer_preflight, is_preflight, with_cors
from .url_events import Caller, Visit, event_of, forbidden, nowhere, refusal, response_of, went_wrong

IAM: Final = "AWS_IAM"


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
        caller = _caller(ctx, request, route) if url.auth_type == IAM else None
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


def _caller(ctx: Context, request: Request, route: Route) -> Caller | None:
    """Who has signed, put into the context; None where nobody has. Raises for a signature that is none."""
    authorization = parse_authorization(request)
    if authorization is None:
        return None
    if authorization.service != SERVICE.name:
        raise refused("json", "scope", f"Credential should be scoped to correct service: '{SERVICE.name}'.")
    principal, _ = principal_of(ctx, request, authorization, route)
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
    crew = fleet_of(ctx.home).crew(key)
    answered: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

    def done(_: Invocation, outcome: Outcome) -> None:
        if not answered.done():  # the caller may have gone away
            answered.set_result(outcome)

    asked = Reference(*key, url.qualifier or None)
    invocation = Invocation(request_id=ctx.request_id, arn=asked.arn, payload=event, done=done)
    try:
        crew.check_concurrency()
        crew.enter()
        try:
            (crew.pool_at_hand(version) or await crew.pool(version)).submit(invocation)
            outcome = await answered
        finally:
            crew.leave()
    except Fault as fault:
        return refusal(429 if fault.code == "TooManyRequestsException" else 502, fault.code, fault.message)
    if outcome.error is not None:
        return went_wrong()
    if url.invoke_mode == "RESPONSE_STREAM":  # nothing is read into what streams, nor into what might have
        return Response(200, [("Content-Type", "application/json")], outcome.payload)
    return response_of(outcome.payload)
