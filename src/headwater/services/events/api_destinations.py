"""API destinations: HTTP endpoints of other people, as targets of rules; and how one is called.

Source: "API destinations as targets in Amazon EventBridge" of the user guide: which answers are tried again, and what Retry-After means.
The sentences about what is not there are the recordings' (TestEventBridgeApiDestinations).
"""

from __future__ import annotations

import contextlib
import re
import uuid
from typing import TYPE_CHECKING, Any, Final

import msgspec

from headwater.aws.faults import Fault, fault
from headwater.kernel.context import Context
from headwater.kernel.permissions import requires
from headwater.kernel.service import room

from .arns import API_DESTINATION, connection_of_destination
from .connection_secrets import ConnectionSecrets
from .connections import connection_at, not_callable
from .credentials import OAUTH
from .live import live_of
from .model import API_DESTINATIONS, ApiDestination, Connection
from .oauth import AUTHORIZED, SUCCESS, NoToken, Tokens
from .outgoing import Unreachable, Unsendable, may_be_called, request_of
from .paging import page
from .transforming import text_at

if TYPE_CHECKING:
    from datetime import datetime

    from headwater.kernel.store import Store

    from .invoking import Invocation

DESTINATIONS_MAX: Final = 3000
RATE_PER_SECOND: Final = 300
REFUSED_TOKEN: Final = frozenset({401, 407})
AGAIN: Final = frozenset({401, 407, 409, 429, *range(500, 600)})
FULL_S: Final = 0.5
CODE: Final = "SDK_CLIENT_ERROR"
_ARN: Final = re.compile(r"arn:aws:events:([a-z0-9-]+):(\d{12}):api-destination/([.\-_A-Za-z0-9]+)/([\-A-Za-z0-9]+)")


# -- the operations ----------------------------------------------------------------------------------------------------


def _state(store: Store, destination: ApiDestination) -> str:
    connection = connection_at(store, destination.connection_arn)
    return "ACTIVE" if connection is not None and connection.state == AUTHORIZED else "INACTIVE"


def _dated(store: Store, destination: ApiDestination) -> dict[str, Any]:
    return {
        "ApiDestinationArn": destination.arn,
        "ApiDestinationState": _state(store, destination),
        "CreationTime": destination.created_at,
        "LastModifiedTime": destination.modified_at,
    }


def describe(store: Store, destination: ApiDestination) -> dict[str, Any]:
    """As ListApiDestinations has it."""
    return _dated(store, destination) | {
        "Name": destination.name,
        "ConnectionArn": destination.connection_arn,
        "InvocationEndpoint": destination.endpoint,
        "HttpMethod": destination.method,
        "InvocationRateLimitPerSecond": destination.rate_per_second,
    }


def _find(ctx: Context, name: str) -> ApiDestination:
    destination = ctx.store.get(API_DESTINATIONS, ctx.account, ctx.region, name)
    if destination is None:
        sentence = f"Failed to describe the api-destination(s). An api-destination '{name}' does not exist."
        raise fault("ResourceNotFoundException", sentence)
    return destination


def _given(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    names = {
        "Description": "description",
        "ConnectionArn": "connection_arn",
        "InvocationEndpoint": "endpoint",
        "HttpMethod": "method",
        "InvocationRateLimitPerSecond": "rate_per_second",
    }
    arn = request.get("ConnectionArn")
    if arn is not None and ((connection := connection_at(ctx.store, arn)) is None or connection.account != ctx.account):
        raise fault("ResourceNotFoundException", f"Connection '{arn}' does not exist.")
    if "InvocationEndpoint" in request and not may_be_called(request["InvocationEndpoint"]):
        raise not_callable("InvocationEndpoint")
    return {name: request[member] for member, name in names.items() if member in request}


@requires("events:CreateApiDestination", API_DESTINATION)
@requires("events:CreateApiDestination", connection_of_destination)
async def create_api_destination(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    name, now = request["Name"], ctx.clock.now()
    if ctx.store.get(API_DESTINATIONS, ctx.account, ctx.region, name) is not None:
        raise fault("ResourceAlreadyExistsException", f"An api-destination '{name}' already exists.")
    if len(ctx.store.scan(API_DESTINATIONS, ctx.account, ctx.region)) >= DESTINATIONS_MAX:
        raise fault("LimitExceededException", "The requested resource exceeds the maximum number allowed.")
    given = {"rate_per_second": RATE_PER_SECOND} | _given(ctx, request)
    destination = ApiDestination(
        account=ctx.account, region=ctx.region, name=name, id=ctx.new_id(), created_at=now, modified_at=now, **given
    )
    async with ctx.store.transaction() as tx:
        tx.put(API_DESTINATIONS, destination)
    return _dated(ctx.store, destination)


@requires("events:UpdateApiDestination", API_DESTINATION)
async def update_api_destination(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """What is not said stays as it is."""
    destination = msgspec.structs.replace(_find(ctx, request["Name"]), modified_at=ctx.clock.now(), **_given(ctx, request))
    async with ctx.store.transaction() as tx:
        tx.put(API_DESTINATIONS, destination)
    return _dated(ctx.store, destination)


@requires("events:DescribeApiDestination", API_DESTINATION)
@requires("events:DescribeApiDestination", connection_of_destination)
async def describe_api_destination(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    destination = _find(ctx, request["Name"])
    return describe(ctx.store, destination) | {"Description": destination.description}


@requires("events:ListApiDestinations")
async def list_api_destinations(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    found = [
        destination
        for destination in ctx.store.scan(API_DESTINATIONS, ctx.account, ctx.region)
        if destination.name.startswith(request.get("NamePrefix", ""))
        and request.get("ConnectionArn", destination.connection_arn) == destination.connection_arn
    ]
    shown, more = page(found, request, lambda destination: destination.name)
    return {"ApiDestinations": [describe(ctx.store, destination) for destination in shown], **more}


@requires("events:DeleteApiDestination", API_DESTINATION)
async def delete_api_destination(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    destination = _find(ctx, request["Name"])
    async with ctx.store.transaction() as tx:
        tx.delete(API_DESTINATIONS, destination.account, destination.region, destination.name)
    return {}


# -- the call ----------------------------------------------------------------------------------------------------------


class NotTaken(Exception):
    """The endpoint has not taken the event. `wait_s`: how long it asks for patience at least."""

    def __init__(self, sentence: str, *, is_final: bool, wait_s: float = 0.0) -> None:
        super().__init__(f"Unable to invoke ApiDestination endpoint: {sentence}")
        self.is_final = is_final
        self.wait_s = wait_s


class Crowded(Exception):
    """As many calls go out as may in a second: this one's place comes later."""

    def __init__(self, wait_s: float) -> None:
        super().__init__(f"its place comes in {wait_s:.3f} s")
        self.wait_s = wait_s


def is_api_destination(arn: str) -> bool:
    return arn.split(":", 5)[5].startswith("api-destination/")


async def _call_endpoint(ctx: Context, invocation: Invocation, *, has_place: bool) -> None:
    """One request. Raises NotTaken, Crowded, or the refusal of the role."""
    destination = _destination_at(ctx.store, invocation.arn)
    await _authorize(ctx, invocation)
    connection = connection_at(ctx.store, destination.connection_arn)
    if connection is None or connection.secret_arn is None:
        raise NotTaken("the connection is not authorized", is_final=True)
    outside = live_of(ctx.home).outside
    if not has_place and (wait_s := outside.pace.wait_s(destination.arn, destination.rate_per_second)) > 0:
        raise Crowded(wait_s)
    if outside.is_full:
        raise Crowded(FULL_S)
    document = await ConnectionSecrets(ctx).read(connection.secret_arn)
    token = await _token(ctx, connection, document)
    http = _filled(invocation.options("HttpParameters"), invocation.event)
    try:
        request = request_of(destination.method, destination.endpoint, connection.kind, document, http, invocation.payload, token)
        answer = await outside.send(request)
    except Unsendable as wrong:
        raise NotTaken(str(wrong), is_final=True) from None
    except Unreachable as wrong:
        raise NotTaken(f"API destination endpoint cannot be reached: {wrong}", is_final=False) from None
    if answer.status in REFUSED_TOKEN and connection.kind == OAUTH:
        Tokens(ctx).forget(connection)  # the next attempt fetches another one
    if answer.status not in SUCCESS:
        wait_s = patience_s(answer.retry_after, ctx.clock.machine())
        sentence = f"the endpoint answered with status {answer.status}"
        raise NotTaken(sentence, is_final=answer.status not in AGAIN or wait_s < 0, wait_s=max(wait_s, 0.0))


async def _token(ctx: Context, connection: Connection, document: dict[str, Any]) -> str:
    if connection.kind != OAUTH:
        return ""
    try:
        return await Tokens(ctx).header(connection, document)
    except NoToken as wrong:
        raise NotTaken(str(wrong), is_final=False) from None


def _destination_at(store: Store, arn: str) -> ApiDestination:
    found = _ARN.fullmatch(arn)
    destination = None if found is None else store.get(API_DESTINATIONS, found[2], found[1], found[3])
    if destination is None or destination.arn != arn:
        raise fault("ResourceNotFoundException", f"API destination {arn} does not exist.")
    return destination


async def _authorize(ctx: Context, invocation: Invocation) -> None:
    """Under the target's role, which must be allowed to call this destination."""
    authorization, rule, role = ctx.home.authorization, invocation.rule, invocation.target.get("RoleArn", "")
    if not role or not await authorization.trusts(role, "events", source_arn=rule.arn, region=rule.region):
        raise _no_permission(f"events is not authorized to perform: sts:AssumeRole on resource: {role}")
    principal = await authorization.session_of(role, uuid.uuid4().hex)
    caller = Context(ctx.home, account=rule.account, region=rule.region, principal=principal, service="events", source_arn=rule.arn)
    operation = room("events").model.operations["DescribeApiDestination"]
    if not authorization.allows(caller, operation, {}, "events:InvokeApiDestination", invocation.arn):
        sentence = f"{principal.arn} is not authorized to perform: events:InvokeApiDestination on resource: {invocation.arn}"
        raise _no_permission(sentence)


def _no_permission(sentence: str) -> Fault:
    return fault("AccessDeniedException", sentence)


def _filled(http: dict[str, Any], event: bytes) -> dict[str, Any]:
    """The target's HttpParameters, where a value that is a path into the event is what stands there."""
    if not http:
        return http
    whole = msgspec.json.decode(event)
    return {
        "PathParameterValues": [text_at(whole, value) for value in http.get("PathParameterValues", [])],
        "HeaderParameters": {name: text_at(whole, value) for name, value in http.get("HeaderParameters", {}).items()},
        "QueryStringParameters": {name: text_at(whole, value) for name, value in http.get("QueryStringParameters", {}).items()},
    }


def patience_s(retry_after: str, now: datetime) -> float:
    """What a Retry-After header asks for: seconds, or until a date; below zero where it wants to hear no more."""
    with contextlib.suppress(ValueError):
        return float(retry_after)
    from email.utils import parsedate_to_datetime  # which the room's opening should not pay for

    with contextlib.suppress(ValueError, TypeError):
        return max((parsedate_to_datetime(retry_after) - now).total_seconds(), 0.0)
    return 0.0
