"""Event buses. The default one is always there; it has a record once something of it was set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from headwater.aws.faults import fault
from headwater.kernel.permissions import requires

from .arns import bus_arn
from .finding import find_bus, place_of
from .model import ARCHIVES, BUSES, BUSES_MAX, DEFAULT, RULES, Bus
from .paging import page
from .policies import document
from .tagging import tags_given

if TYPE_CHECKING:
    from headwater.kernel.context import Context

SETTABLE: Final = {
    "Description": "description",
    "KmsKeyIdentifier": "kms_key",
    "DeadLetterConfig": "dead_letter",
    "LogConfig": "log_config",
}


def settings_of(bus: Bus) -> dict[str, Any]:
    return {member: value for member, name in SETTABLE.items() if (value := getattr(bus, name)) is not None}


def describe(bus: Bus) -> dict[str, Any]:
    """As ListEventBuses has it."""
    said = {"Name": bus.name, "Arn": bus.arn, "CreationTime": bus.created_at, "LastModifiedTime": bus.modified_at}
    if bus.description is not None:
        said["Description"] = bus.description
    if bus.statements:
        said["Policy"] = document(bus)
    return said


@requires("events:CreateEventBus", bus_arn("Name"))
async def create_event_bus(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    name = request["Name"]
    if "EventSourceName" in request or name.startswith("aws.partner/"):
        raise fault("ResourceNotFoundException", f"Event source {request.get('EventSourceName', name)} does not exist.")
    if "/" in name:
        raise fault("ValidationException", "Event bus name must not contain '/'.")
    if name == DEFAULT or ctx.store.get(BUSES, ctx.account, ctx.region, name) is not None:
        raise fault("ResourceAlreadyExistsException", f"Event bus {name} already exists.")
    if len(ctx.store.scan(BUSES, ctx.account, ctx.region)) >= BUSES_MAX:
        raise fault("LimitExceededException", "The requested resource exceeds the maximum number allowed.")
    now = ctx.clock.now()
    given = {name: request[member] for member, name in SETTABLE.items() if member in request}
    tags = tags_given({}, request.get("Tags", []))
    bus = Bus(account=ctx.account, region=ctx.region, name=name, created_at=now, modified_at=now, tags=tags, **given)
    async with ctx.store.transaction() as tx:
        tx.put(BUSES, bus)
    return {"EventBusArn": bus.arn, **settings_of(bus)}


@requires("events:UpdateEventBus", bus_arn("Name"))
async def update_event_bus(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Members that are not there stay as they are."""
    bus = find_bus(ctx, request.get("Name"))
    given = {name: request[member] for member, name in SETTABLE.items() if member in request}
    bus = msgspec.structs.replace(bus, modified_at=ctx.clock.now(), **given)
    async with ctx.store.transaction() as tx:
        tx.put(BUSES, bus)
    return {"Arn": bus.arn, "Name": bus.name, **settings_of(bus)}


@requires("events:DescribeEventBus", bus_arn("Name"))
async def describe_event_bus(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    bus = find_bus(ctx, request.get("Name"))
    return describe(bus) | settings_of(bus)


@requires("events:ListEventBuses")
async def list_event_buses(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    prefix = request.get("NamePrefix", "")
    buses = [bus for bus in ctx.store.scan(BUSES, ctx.account, ctx.region) if bus.name != DEFAULT]
    buses.append(find_bus(ctx, None))
    shown, more = page((bus for bus in buses if bus.name.startswith(prefix)), request, lambda bus: bus.name)
    return {"EventBuses": [describe(bus) for bus in shown], **more}


@requires("events:DeleteEventBus", bus_arn("Name"))
async def delete_event_bus(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """A bus that is not there is told (recordings, TestEventBus). Its rules go first."""
    account, region, name = place_of(ctx, request["Name"])
    if name == DEFAULT:
        raise fault("ValidationException", "Cannot delete event bus default.")
    bus = find_bus(ctx, request["Name"])
    if any(rule.archive is None for rule in ctx.store.scan(RULES, account, region, name)):
        raise fault("ValidationException", "Event bus can't be deleted since it has rules.")
    if any(archive.bus == name for archive in ctx.store.scan(ARCHIVES, account, region)):
        raise fault("ValidationException", f"Event bus {name} can't be deleted since it has archives.")
    async with ctx.store.transaction() as tx:
        tx.delete(BUSES, bus.account, bus.region, bus.name)
    return {}
