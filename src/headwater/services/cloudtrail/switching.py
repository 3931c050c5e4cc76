"""A trail switched on and off, how its deliveries went, and which events it selects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from headwater.kernel.permissions import requires

from .model import Selection, Status, Trail, shipments, statuses, trails
from .places import trail_arn
from .recording import deliver_due, recorder_of
from .refusals import not_built, wrong_selectors
from .resources import DATA_TYPES
from .trails import find_trail, own_trail

if TYPE_CHECKING:
    from datetime import datetime

    from headwater.kernel.context import Context

SELECTORS_MAX: Final = 5
RESOURCES_MAX: Final = 250
BASIC_TYPES: Final = frozenset({*DATA_TYPES.values(), "AWS::DynamoDB::Table"})
EXCLUDABLE: Final = frozenset({"kms.amazonaws.com", "rdsdata.amazonaws.com"})
FIELDS: Final = frozenset(
    ["eventCategory", "readOnly", "eventName", "eventSource", "eventType", "resources.type", "resources.ARN", "userIdentity.arn"]
)
OPERATORS: Final = ("Equals", "StartsWith", "EndsWith", "NotEquals", "NotStartsWith", "NotEndsWith")
ONLY_EQUALS: Final = frozenset({"eventCategory", "readOnly", "resources.type"})
DEFAULT: Final[dict[str, Any]] = {
    "ReadWriteType": "All",
    "IncludeManagementEvents": True,
    "DataResources": [],
    "ExcludeManagementEventSources": [],
}


@requires("cloudtrail:StartLogging", trail_arn)
async def start_logging(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    trail = own_trail(ctx, request["Name"])
    if not trail.is_logging:
        ctx.bus.deliver()  # what was told before is not this trail's
        await recorder_of(ctx.home).keep(msgspec.structs.replace(trail, is_logging=True, started_at=ctx.clock.now()))
    return {}


@requires("cloudtrail:StopLogging", trail_arn)
async def stop_logging(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """What was recorded until now is delivered at once."""
    trail = own_trail(ctx, request["Name"])
    if not trail.is_logging:
        return {}
    ctx.bus.deliver()
    recorder = recorder_of(ctx.home)
    now, stamp = ctx.clock.now(), recorder.stamp()
    async with ctx.store.transaction() as tx:
        tx.put(trails, msgspec.structs.replace(trail, is_logging=False, stopped_at=now))
        for shipment in recorder.open_shipments(trail):
            recorder.close_shipment(shipment)
            tx.put(shipments, msgspec.structs.replace(shipment, until=stamp, is_last=True))
            tx.owe(deliver_due(shipment, now))
    recorder.look_at_trails()
    return {}


@requires("cloudtrail:GetTrailStatus", trail_arn)
async def get_trail_status(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    trail = find_trail(ctx, request["Name"])
    status = ctx.store.get(statuses, trail.account, trail.region, trail.name)
    return describe_status(trail, status or Status(account=trail.account, region=trail.region, name=trail.name))


def describe_status(trail: Trail, status: Status) -> dict[str, Any]:
    return {
        "IsLogging": trail.is_logging,
        "LatestDeliveryError": status.error or None,
        "LatestDeliveryTime": status.delivered_at,
        "StartLoggingTime": trail.started_at,
        "StopLoggingTime": trail.stopped_at,
        "LatestCloudWatchLogsDeliveryError": status.logs_error or None,
        "LatestCloudWatchLogsDeliveryTime": status.logs_delivered_at,
        "LatestDigestDeliveryTime": status.digested_at,
        "LatestDigestDeliveryError": status.digest_error or None,
        "LatestDeliveryAttemptTime": _text(status.attempted_at),
        "LatestNotificationAttemptTime": "",
        "LatestNotificationAttemptSucceeded": "",
        "LatestDeliveryAttemptSucceeded": _text(status.delivered_at),
        "TimeLoggingStarted": _text(trail.started_at),
        "TimeLoggingStopped": _text(trail.stopped_at),
    }


def _text(at: datetime | None) -> str:
    return "" if at is None else f"{at:%Y-%m-%dT%H:%M:%SZ}"


# -- selectors -------------------------------------------------------------------------------------------------------------


@requires("cloudtrail:PutEventSelectors", trail_arn)
async def put_event_selectors(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Of one kind or of the other; what was recorded before is selected by those that were there then, or not yet delivered, by these."""
    trail = own_trail(ctx, request["TrailName"])
    basic, advanced = request.get("EventSelectors"), request.get("AdvancedEventSelectors")
    if bool(basic) == bool(advanced):
        raise wrong_selectors("Either EventSelectors or AdvancedEventSelectors must be specified, and not both.")
    if basic:
        selection = Selection(basic=[_checked_basic(selector) for selector in basic])
        _check_count(basic)
    else:
        selection = Selection(advanced=[_checked_advanced(selector) for selector in advanced or []])
    ctx.bus.deliver()
    await recorder_of(ctx.home).keep(msgspec.structs.replace(trail, selection=selection, is_selected=True))
    return {"TrailARN": trail.arn} | _describe_selection(selection)


@requires("cloudtrail:GetEventSelectors", trail_arn)
async def get_event_selectors(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    trail = find_trail(ctx, request["TrailName"])
    return {"TrailARN": trail.arn} | _describe_selection(trail.selection)


def _describe_selection(selection: Selection) -> dict[str, Any]:
    if selection.advanced:
        return {"AdvancedEventSelectors": selection.advanced}
    return {"EventSelectors": selection.basic or [DEFAULT]}


def _check_count(selectors: list[dict[str, Any]]) -> None:
    values = sum(len(resource.get("Values", ())) for selector in selectors for resource in selector.get("DataResources", ()))
    if len(selectors) > SELECTORS_MAX or values > RESOURCES_MAX:
        raise wrong_selectors(f"A trail has at most {SELECTORS_MAX} event selectors and {RESOURCES_MAX} data resources.")


def _checked_basic(selector: dict[str, Any]) -> dict[str, Any]:
    for resource in selector.get("DataResources", ()):
        if resource.get("Type") not in BASIC_TYPES:
            raise wrong_selectors(f"Invalid data resource type: {resource.get('Type')}. Valid types: {', '.join(sorted(BASIC_TYPES))}.")
        kind = str(resource["Type"])
        if any(not value.startswith(f"arn:aws:{kind.split('::')[1].lower()}") for value in resource.get("Values", ())):
            raise wrong_selectors(f"Value for data resources of type {kind} must be an ARN, or the beginning of one.")
    if set(selector.get("ExcludeManagementEventSources", ())) - EXCLUDABLE:
        raise wrong_selectors(f"Only these event sources can be excluded: {', '.join(sorted(EXCLUDABLE))}.")
    return DEFAULT | selector


def _checked_advanced(selector: dict[str, Any]) -> dict[str, Any]:
    fields = {field["Field"]: field for field in selector["FieldSelectors"]}
    if len(fields) < len(selector["FieldSelectors"]):
        raise wrong_selectors("A field can be selected by once in a selector.")
    for name, field in fields.items():
        _check_field(name, field)
    category = fields.get("eventCategory", {}).get("Equals", [])
    if category == ["Data"]:
        _check_data_type(fields.get("resources.type", {}).get("Equals", []))
    elif category == ["NetworkActivity"]:
        raise not_built("network activity events")
    elif category != ["Management"]:
        raise wrong_selectors("The field eventCategory is required and equals Management, Data or NetworkActivity.")
    return selector


def _check_field(name: str, field: dict[str, Any]) -> None:
    if name not in FIELDS:
        raise wrong_selectors(f"Invalid field selector: {name}.")
    given = {operator for operator in OPERATORS if field.get(operator)}
    if not given:
        raise wrong_selectors(f"The field {name} has no operator.")
    if name in ONLY_EQUALS and given != {"Equals"}:
        raise wrong_selectors(f"Equals is the only operator of the field {name}.")


def _check_data_type(kinds: list[str]) -> None:
    if len(kinds) != 1:
        raise wrong_selectors("A selector of data events needs the field resources.type, which equals one type.")
    if kinds[0] not in DATA_TYPES.values():
        raise not_built(f"data events of {kinds[0]}")
