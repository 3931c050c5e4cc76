"""The walk of one request: the steps, in order, each with the reason for standing where it stands.

guard         refuse browsers' cross-site calls, before anything is read; but those that a resource's rules may let in (S3's CORS) wait
              for the route, which is all that is known when the rules are asked
route         from head lines alone where they tell; the body is read first only where it must name the operation. What names none is a
              visit (`visit.py`): a room may answer it as plain HTTP, and none of the steps below is for it
authenticate  before decoding: what is not signed is not parsed
decode        wire to native values, then validated against the model
prove         what the request itself proves of its caller (an identity token, a code): it may be somebody else's then
authorize     whether the caller may, from the model and the policies alone: also where the operation is not built
operate       the room's function
encode        native values to wire
record        behind the response
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import structlog

from headwater.aws.codec import codec_for, encode_fault
from headwater.aws.faults import Fault, fault
from headwater.aws.models import service_model
from headwater.aws.routing import Route, route
from headwater.aws.wire import Request, Response, Stream
from headwater.gateway.arriving import ClientGone
from headwater.gateway.authentication import authenticate
from headwater.gateway.bodies import verified_body
from headwater.gateway.compressed import readable
from headwater.gateway.guard import admit, cross_site, guard
from headwater.gateway.visit import visit
from headwater.kernel.context import Context
from headwater.kernel.identity import DEFAULT_ACCOUNT, anonymous, new_request_id
from headwater.kernel.operating import operate
from headwater.kernel.record import RequestRecord
from headwater.kernel.settings import DEFAULT_REGION

if TYPE_CHECKING:
    from headwater.kernel.home import Home

log = structlog.get_logger()

NOBODY: Final = anonymous()

BODY_BYTES_MAX: Final = 128 * 1024 * 1024
"""More than any API but S3's takes in one body (Lambda's zip, base64-encoded, is the longest)."""


async def walk(home: Home, request: Request, source: str) -> Response:
    """Answer one request. Raises only where nobody waits for the answer any more."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    request_id = new_request_id()
    ctx = Context(
        home,
        account=DEFAULT_ACCOUNT,
        region=DEFAULT_REGION,
        principal=NOBODY,
        request_id=request_id,
        headers=request.headers,
        source_ip=source,
    )
    place = Route("s3", None, "rest-xml", {}, None)
    code = ""
    try:
        crosses, is_form = guard(request), _is_form(request)
        if crosses and is_form:
            raise cross_site()  # noqa: TRY301 - no room's rules let in a call whose name stands in its body
        if is_form and isinstance(request.body, Stream):
            await _read_body(request, request.body)
        found = route(readable(request) if is_form else request)
        ctx.service = found.service
        if "origin" in request.headers:
            await admit(ctx, request, found, must=crosses)
        place = found
        response = await (_call(ctx, request, place) if place.operation is not None else visit(ctx, request, place))
    except Fault as refusal:
        code = refusal.code
        response = _refusal(refusal, place, request_id)
    except (asyncio.CancelledError, ClientGone):
        raise
    except Exception:
        log.exception("operation failed", request_id=request_id, service=place.service, operation=place.operation)
        code = "InternalFailure"
        words = fault(code, "We encountered an internal error. Please try again.")
        response = _refusal(words, place, request_id)
    if ctx.reply_headers:
        response.headers.extend(ctx.reply_headers.items())
    took_ms = (loop.time() - started) * 1000
    home.bus.publish(
        "request",
        RequestRecord.of(ctx, place.service, place.operation or "", code, status=response.status, duration_ms=took_ms, source=source),
    )
    return response


async def _call(ctx: Context, request: Request, place: Route) -> Response:
    """The answer to the call of an operation."""
    assert place.operation is not None
    operation = service_model(place.service).operations[place.operation]
    codec = codec_for(operation, place.protocol)
    if isinstance(request.body, Stream) and not operation.streams_in:
        await _read_body(request, request.body)
    authorization, secret = authenticate(ctx, request, place, operation)
    request.body = verified_body(request, operation, authorization, secret)
    params = codec.decode(request if operation.streams_in or "rest" in place.protocol else readable(request), place.uri_labels)
    codec.validate(params)
    result = await operate(ctx, operation, params)
    response = codec.encode(result, ctx.request_id)
    if ctx.reply_status:
        response.status = ctx.reply_status
    return response


def _is_form(request: Request) -> bool:
    """Whether the operation's name stands in the body."""
    return request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")


async def _read_body(request: Request, body: Stream) -> None:
    """The whole body, bounded before it is read."""
    if body.length is not None and body.length > BODY_BYTES_MAX:
        raise fault("RequestEntityTooLargeException", f"Request must be smaller than {BODY_BYTES_MAX} bytes.")
    pieces = []
    size = 0
    async for piece in body:
        size += len(piece)
        if size > BODY_BYTES_MAX:
            raise fault("RequestEntityTooLargeException", f"Request must be smaller than {BODY_BYTES_MAX} bytes.")
        pieces.append(piece)
    request.body = b"".join(pieces)


def _refusal(refusal: Fault, place: Route, request_id: str) -> Response:
    if place.operation is not None:
        operation = service_model(place.service).operations[place.operation]
        response = codec_for(operation, place.protocol).encode_fault(refusal, request_id)
    else:
        response = encode_fault(place.service, place.protocol, refusal, request_id)
    if refusal.code == "NotImplemented":
        response.status = 501
    elif refusal.code == "RequestEntityTooLargeException":
        response.status = 413
    return response
