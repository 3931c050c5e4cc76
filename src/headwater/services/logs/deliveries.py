"""Deliveries: from a source to a destination. Kept and shown, without effect (delivery_ends.py says why).

Which fields a source's records have where nobody says is a fact of each service; CloudFront's is known (recordings of TestDeliveries).
"""

from __future__ import annotations

import secrets
import string
from typing import TYPE_CHECKING, Any, Final

import msgspec

from headwater.aws.faults import fault
from headwater.kernel.permissions import requires

from .delivery_ends import DELIVERIES, DESTINATIONS, Delivery, DeliverySource, find_source, no_such_destination
from .groups import page

if TYPE_CHECKING:
    from collections.abc import Callable

    from headwater.kernel.context import Context

Parameters = dict[str, Any]

SETTINGS: Final = ("recordFields", "fieldDelimiter")
TO_S3: Final = "s3DeliveryConfiguration"
ID_LENGTH: Final = 16
RECORD_FIELDS: Final = {
    ("cloudfront", "ACCESS_LOGS"): (
        "date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) cs-uri-query"
        " cs(Cookie) x-edge-result-type x-edge-request-id x-host-header cs-protocol cs-bytes time-taken x-forwarded-for ssl-protocol"
        " ssl-cipher x-edge-response-result-type cs-protocol-version fle-status fle-encrypted-fields c-port time-to-first-byte"
        " x-edge-detailed-result-type sc-content-type sc-content-len sc-range-start sc-range-end"
    )
}
SUFFIXES: Final = {"cloudfront": "AWSLogs/{account-id}/CloudFront/"}


def _end(kind: str, member: str) -> Callable[[Context, Parameters], str]:
    """The ARN of an end: of a new delivery's, or of the one that is meant by its id."""

    def arn(ctx: Context, request: Parameters) -> str:
        known = ctx.store.get(DELIVERIES, ctx.account, ctx.region, request["id"]) if "id" in request else None
        name = getattr(known, member) if known is not None else request.get(f"delivery{member.capitalize()}Name", "*")
        given = request.get("deliveryDestinationArn") if member == "destination" else None
        whole = given or (name if name.startswith("arn:") else None)
        return whole or f"arn:aws:logs:{ctx.region}:{ctx.account}:{kind}:{name}"

    return arn


ARN: Final = "arn:aws:logs:{region}:{account}:delivery:{id}"
_SOURCE: Final = _end("delivery-source", "source")
_DESTINATION: Final = _end("delivery-destination", "destination")


def describe(delivery: Delivery) -> Parameters:
    return delivery.settings | {
        "id": delivery.id,
        "arn": f"arn:aws:logs:{delivery.region}:{delivery.account}:delivery:{delivery.id}",
        "deliverySourceName": delivery.source,
        "deliveryDestinationArn": delivery.destination,
        "deliveryDestinationType": delivery.destination_kind,
        "tags": delivery.tags or None,
    }


def _find(ctx: Context, delivery_id: str) -> Delivery:
    delivery = ctx.store.get(DELIVERIES, ctx.account, ctx.region, delivery_id)
    if delivery is None:
        raise fault("ResourceNotFoundException", "Requested Delivery does not exist in this account.")
    return delivery


def _defaults(source: DeliverySource, kind: str) -> Parameters:
    settings: Parameters = {}
    if (fields := RECORD_FIELDS.get((source.service, source.log_type))) is not None:
        settings["recordFields"] = fields.split()
    if kind == "S3":
        settings[TO_S3] = {"enableHiveCompatiblePath": False}
        if source.service in SUFFIXES:
            settings[TO_S3]["suffixPath"] = SUFFIXES[source.service]
    return settings


def _given(request: Parameters, settings: Parameters, kind: str) -> Parameters:
    given: Parameters = {name: request[name] for name in SETTINGS if name in request}
    if TO_S3 in request:
        if kind != "S3":
            raise fault("ValidationException", "An S3 delivery configuration is for destinations of type S3 alone.")
        given[TO_S3] = settings.get(TO_S3, {}) | request[TO_S3]
    return settings | given


@requires("logs:CreateDelivery", "arn:aws:logs:{region}:{account}:delivery:*")
@requires("logs:CreateDelivery", _DESTINATION)
@requires("logs:CreateDelivery", _SOURCE)
async def create_delivery(ctx: Context, request: Parameters) -> Parameters:
    source, arn = find_source(ctx, request["deliverySourceName"]), request["deliveryDestinationArn"]
    place = arn.split(":", 6)
    destination = ctx.store.get(DESTINATIONS, place[4], place[3], place[6]) if len(place) > 6 else None
    if destination is None or destination.arn != arn:
        raise no_such_destination()
    for one in ctx.store.scan(DELIVERIES, ctx.account, ctx.region):
        if one.source == source.name and one.destination_kind == destination.kind:
            raise fault("ConflictException", f"Delivery already exists for the source with a destination of type {destination.kind}.")
    delivery = Delivery(
        account=ctx.account,
        region=ctx.region,
        id="".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(ID_LENGTH)),
        source=source.name,
        destination=arn,
        destination_kind=destination.kind,
        settings=_given(request, _defaults(source, destination.kind), destination.kind),
        tags=request.get("tags", {}),
    )
    async with ctx.store.transaction() as tx:
        tx.put(DELIVERIES, delivery)
    return {"delivery": describe(delivery)}


@requires("logs:GetDelivery", ARN)
async def get_delivery(ctx: Context, request: Parameters) -> Parameters:
    return {"delivery": describe(_find(ctx, request["id"]))}


@requires("logs:DescribeDeliveries")
async def describe_deliveries(ctx: Context, request: Parameters) -> Parameters:
    wanted = request.get("deliverySourceNames")
    found = [one for one in ctx.store.scan(DELIVERIES, ctx.account, ctx.region) if wanted is None or one.source in wanted]
    shown, token = page(found, request, lambda one: one.id)
    return {"deliveries": [describe(one) for one in shown], "nextToken": token}


@requires("logs:UpdateDeliveryConfiguration", ARN)
@requires("logs:UpdateDeliveryConfiguration", _DESTINATION)
@requires("logs:UpdateDeliveryConfiguration", _SOURCE)
async def update_delivery_configuration(ctx: Context, request: Parameters) -> Parameters:
    """What is not said stays as it is."""
    delivery = _find(ctx, request["id"])
    settings = _given(request, delivery.settings, delivery.destination_kind)
    async with ctx.store.transaction() as tx:
        tx.put(DELIVERIES, msgspec.structs.replace(delivery, settings=settings))
    return {}


@requires("logs:DeleteDelivery", ARN)
async def delete_delivery(ctx: Context, request: Parameters) -> None:
    delivery = _find(ctx, request["id"])
    async with ctx.store.transaction() as tx:
        tx.delete(DELIVERIES, delivery.account, delivery.region, delivery.id)
