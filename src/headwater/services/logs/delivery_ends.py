"""The two ends of deliveries: sources, which are resources of other services, and destinations. Kept and shown, without effect.

No service in this house writes such logs, so nothing is delivered. The sentences, the second dot of one included, are AWS's (recordings of
TestDeliverySources, TestDeliveryDestinations).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from headwater.aws.faults import Fault, fault
from headwater.kernel.permissions import requires
from headwater.kernel.store import Record, Table

from .groups import page

if TYPE_CHECKING:
    from headwater.kernel.context import Context

Parameters = dict[str, Any]

SOURCE: Final = "arn:aws:logs:{region}:{account}:delivery-source:{name}"
DESTINATION: Final = "arn:aws:logs:{region}:{account}:delivery-destination:{name}"
DESTINATION_OF_POLICY: Final = "arn:aws:logs:{region}:{account}:delivery-destination:{deliveryDestinationName}"
TYPES: Final = {"s3": "S3", "logs": "CWL", "firehose": "FH"}


class DeliverySource(Record, frozen=True, kw_only=True):
    account: str
    region: str
    name: str
    resource: str
    log_type: str
    configuration: dict[str, str] = msgspec.field(default_factory=dict)
    tags: dict[str, str] = msgspec.field(default_factory=dict)

    @property
    def service(self) -> str:
        return self.resource.split(":")[2]


class DeliveryDestination(Record, frozen=True, kw_only=True):
    account: str
    region: str
    name: str
    kind: str
    resource: str | None
    output_format: str | None = None
    role: str | None = None
    policy: str | None = None
    tags: dict[str, str] = msgspec.field(default_factory=dict)

    @property
    def arn(self) -> str:
        return f"arn:aws:logs:{self.region}:{self.account}:delivery-destination:{self.name}"


class Delivery(Record, frozen=True, kw_only=True):
    """From a source to a destination, which may be another account's. `settings` are in the API's spelling."""

    account: str
    region: str
    id: str
    source: str
    destination: str
    destination_kind: str
    settings: dict[str, Any]
    tags: dict[str, str] = msgspec.field(default_factory=dict)


SOURCES: Final = Table("logs", "delivery_sources", DeliverySource, key=lambda each: (each.account, each.region, each.name))
DESTINATIONS: Final = Table("logs", "delivery_destinations", DeliveryDestination, key=lambda each: (each.account, each.region, each.name))
DELIVERIES: Final = Table("logs", "deliveries", Delivery, key=lambda each: (each.account, each.region, each.id))


def describe_source(source: DeliverySource) -> Parameters:
    return {
        "name": source.name,
        "arn": f"arn:aws:logs:{source.region}:{source.account}:delivery-source:{source.name}",
        "resourceArns": [source.resource],
        "service": source.service,
        "logType": source.log_type,
        "deliverySourceConfiguration": source.configuration or None,
        "tags": source.tags or None,
    }


def describe_destination(destination: DeliveryDestination) -> Parameters:
    return {
        "name": destination.name,
        "arn": destination.arn,
        "deliveryDestinationType": destination.kind,
        "outputFormat": destination.output_format,
        "deliveryDestinationConfiguration": None if destination.resource is None else {"destinationResourceArn": destination.resource},
        "roleArn": destination.role,
        "tags": destination.tags or None,
    }


def no_such_source() -> Fault:
    return fault("ResourceNotFoundException", "Requested Delivery Source does not exist in this account..")


def no_such_destination() -> Fault:
    return fault("ResourceNotFoundException", "Requested Delivery Destination does not exist in this account.")


def find_source(ctx: Context, name: str) -> DeliverySource:
    source = ctx.store.get(SOURCES, ctx.account, ctx.region, name)
    if source is None:
        raise no_such_source()
    return source


def _find_destination(ctx: Context, name: str) -> DeliveryDestination:
    destination = ctx.store.get(DESTINATIONS, ctx.account, ctx.region, name)
    if destination is None:
        raise no_such_destination()
    return destination


def _check_unused(ctx: Context, *, source: str = "", destination: str = "") -> None:
    if any(one.source == source or one.destination == destination for one in ctx.store.scan(DELIVERIES, ctx.account, ctx.region)):
        raise fault("ConflictException", "There is still a delivery. Delete it first.")


# -- sources -----------------------------------------------------------------------------------------------------------


@requires("logs:PutDeliverySource", SOURCE)
async def put_delivery_source(ctx: Context, request: Parameters) -> Parameters:
    resource = request["resourceArn"]
    if len(resource.split(":", 5)) < 6:
        raise fault("ValidationException", "The resource ARN is not valid.")
    before = ctx.store.get(SOURCES, ctx.account, ctx.region, request["name"])
    source = DeliverySource(
        account=ctx.account,
        region=ctx.region,
        name=request["name"],
        resource=resource,
        log_type=request["logType"],
        configuration=request.get("deliverySourceConfiguration", {}),
        tags=request.get("tags", {} if before is None else before.tags),
    )
    async with ctx.store.transaction() as tx:
        tx.put(SOURCES, source)
    return {"deliverySource": describe_source(source)}


@requires("logs:GetDeliverySource", SOURCE)
async def get_delivery_source(ctx: Context, request: Parameters) -> Parameters:
    return {"deliverySource": describe_source(find_source(ctx, request["name"]))}


@requires("logs:DescribeDeliverySources")
async def describe_delivery_sources(ctx: Context, request: Parameters) -> Parameters:
    found = [
        one
        for one in ctx.store.scan(SOURCES, ctx.account, ctx.region)
        if "resourceArns" not in request or one.resource in request["resourceArns"]
    ]
    shown, token = page(found, request, lambda one: one.name)
    return {"deliverySources": [describe_source(one) for one in shown], "nextToken": token}


@requires("logs:DeleteDeliverySource", SOURCE)
@requires("logs:DeleteDeliverySource", "arn:aws:logs:{region}:{account}:delivery-destination:*")
async def delete_delivery_source(ctx: Context, request: Parameters) -> None:
    source = find_source(ctx, request["name"])
    _check_unused(ctx, source=source.name)
    async with ctx.store.transaction() as tx:
        tx.delete(SOURCES, source.account, source.region, source.name)


# -- destinations ------------------------------------------------------------------------------------------------------


@requires("logs:PutDeliveryDestination", DESTINATION)
async def put_delivery_destination(ctx: Context, request: Parameters) -> Parameters:
    """What a destination is follows from the resource that it names."""
    resource = request.get("deliveryDestinationConfiguration", {}).get("destinationResourceArn")
    kind = request.get("deliveryDestinationType") if resource is None else TYPES.get((resource.split(":") + [""] * 3)[2])
    if kind is None:
        raise fault("ValidationException", "The destination resource is not valid.")
    before = ctx.store.get(DESTINATIONS, ctx.account, ctx.region, request["name"])
    destination = DeliveryDestination(
        account=ctx.account,
        region=ctx.region,
        name=request["name"],
        kind=kind,
        resource=resource,
        output_format=request.get("outputFormat", None if before is None else before.output_format),
        role=request.get("roleArn"),
        policy=None if before is None else before.policy,
        tags=request.get("tags", {} if before is None else before.tags),
    )
    async with ctx.store.transaction() as tx:
        tx.put(DESTINATIONS, destination)
    return {"deliveryDestination": describe_destination(destination)}


@requires("logs:GetDeliveryDestination", DESTINATION)
async def get_delivery_destination(ctx: Context, request: Parameters) -> Parameters:
    return {"deliveryDestination": describe_destination(_find_destination(ctx, request["name"]))}


@requires("logs:DescribeDeliveryDestinations")
async def describe_delivery_destinations(ctx: Context, request: Parameters) -> Parameters:
    found = [one for one in ctx.store.scan(DESTINATIONS, ctx.account, ctx.region) if one.name in request.get("names", [one.name])]
    shown, token = page(found, request, lambda one: one.name)
    return {"deliveryDestinations": [describe_destination(one) for one in shown], "nextToken": token}


@requires("logs:DeleteDeliveryDestination", DESTINATION)
async def delete_delivery_destination(ctx: Context, request: Parameters) -> None:
    destination = _find_destination(ctx, request["name"])
    _check_unused(ctx, destination=destination.arn)
    async with ctx.store.transaction() as tx:
        tx.delete(DESTINATIONS, destination.account, destination.region, destination.name)


@requires("logs:PutDeliveryDestinationPolicy", DESTINATION_OF_POLICY)
async def put_delivery_destination_policy(ctx: Context, request: Parameters) -> Parameters:
    destination, policy = _find_destination(ctx, request["deliveryDestinationName"]), request["deliveryDestinationPolicy"]
    try:
        msgspec.json.decode(policy)
    except msgspec.DecodeError:
        raise fault("ValidationException", "The delivery destination policy is not valid JSON.") from None
    async with ctx.store.transaction() as tx:
        tx.put(DESTINATIONS, msgspec.structs.replace(destination, policy=policy))
    return {"policy": {"deliveryDestinationPolicy": policy}}


@requires("logs:GetDeliveryDestinationPolicy", DESTINATION_OF_POLICY)
async def get_delivery_destination_policy(ctx: Context, request: Parameters) -> Parameters:
    policy = _find_destination(ctx, request["deliveryDestinationName"]).policy
    return {"policy": {"deliveryDestinationPolicy": policy}}


@requires("logs:DeleteDeliveryDestinationPolicy", DESTINATION_OF_POLICY)
async def delete_delivery_destination_policy(ctx: Context, request: Parameters) -> None:
    destination = _find_destination(ctx, request["deliveryDestinationName"])
    async with ctx.store.transaction() as tx:
        tx.put(DESTINATIONS, msgspec.structs.replace(destination, policy=None))
