"""PutEvents and TestEventPattern."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from headwater.aws.faults import fault
from headwater.kernel.permissions import requires
from headwater.kernel.service import room

from . import measured
from .arns import entry_arns
from .delivery import Accepted, accept, event_of
from .finding import bus_at, place_of
from .language import compiled
from .leaves import leaves_of
from .reading import InvalidPattern

if TYPE_CHECKING:
    from headwater.kernel.context import Context

Entry = dict[str, Any]
BYTES_MAX: Final = 262_144
TIME_BYTES: Final = 14
REQUIRED: Final = ("Source", "DetailType", "Detail")


def size_of(entry: Entry) -> int:
    """As AWS counts it ("Calculating Amazon EventBridge PutEvents event entry size")."""
    texts = [entry.get(member, "") for member in REQUIRED] + entry.get("Resources", [])
    return sum(len(text.encode()) for text in texts) + (TIME_BYTES if "Time" in entry else 0)


@requires("events:PutEvents", entry_arns)
async def put_events(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Each entry is taken or refused by itself. A bus that is not there takes events, and nobody ever sees them."""
    entries = request["Entries"]
    if "EndpointId" in request:
        raise fault("NotImplemented", "Headwater has not built global endpoints yet.")
    size = sum(size_of(entry) for entry in entries)
    if size > BYTES_MAX:
        raise fault("ValidationException", "Total size of the entries in the request is over the limit.")
    await _authorize_each(ctx, entries)
    answers: list[dict[str, Any]] = []
    accepted = Accepted([], [])
    for entry in entries:
        wrong = _wrong_with(entry)
        if wrong is not None:
            answers.append({"ErrorCode": wrong[0], "ErrorMessage": wrong[1]})
            continue
        event_id = ctx.new_id()
        answers.append({"EventId": event_id})
        _take(ctx, entry, event_id, accepted)
    await accepted.keep(ctx.store)
    failed = len([answer for answer in answers if "ErrorCode" in answer])
    ctx.bus.publish("metric", measured.put(ctx, len(entries), failed, size))
    return {"FailedEntryCount": failed, "Entries": answers}


def _take(ctx: Context, entry: Entry, event_id: str, accepted: Accepted) -> None:
    place = place_of(ctx, entry.get("EventBusName"))
    if bus_at(ctx.store, place) is None:
        return
    detail = msgspec.json.decode(entry["Detail"])
    if not isinstance(detail, dict):
        return
    event = event_of(
        (ctx.account, ctx.region, ""),
        source=entry["Source"],
        detail_type=entry["DetailType"],
        time=entry.get("Time") or ctx.clock.now(),
        detail=detail,
        resources=entry.get("Resources", []),
        event_id=event_id,
    )
    accepted.add(
        accept(ctx.home, place, event, size=size_of(entry), is_relayed=place[:2] != (ctx.account, ctx.region) and bool(ctx.source_arn))
    )


def _wrong_with(entry: Entry) -> tuple[str, str] | None:
    for member in REQUIRED:
        if not entry.get(member):
            return "InvalidArgument", f"Parameter {member} is not valid. Reason: {member} is a required argument."
    if entry["Source"].startswith("aws."):
        return "NotAuthorizedForSourceException", "Not authorized for the source."
    try:
        detail = msgspec.json.decode(entry["Detail"])
    except (msgspec.DecodeError, RecursionError):
        detail = None
    return None if isinstance(detail, dict) else ("MalformedDetail", "Detail is malformed.")


async def _authorize_each(ctx: Context, entries: list[Entry]) -> None:
    """Policies speak of one event's source and type; the call as a whole was decided on all of them at once."""
    if ctx.principal.kind == "root":
        return
    kinds = {(entry.get("Source"), entry.get("DetailType"), entry.get("EventBusName")): entry for entry in entries}
    if len(kinds) > 1:
        operation = room("events").model.operations["PutEvents"]
        for entry in kinds.values():
            await ctx.home.authorization.authorize(ctx, operation, {"Entries": [entry]})


@requires("events:TestEventPattern")
async def test_event_pattern(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Whether the pattern matches the event."""
    try:
        pattern = compiled(request["EventPattern"])
    except InvalidPattern as wrong:
        raise fault("InvalidEventPatternException", f"Event pattern is not valid. Reason: {wrong}") from None
    try:
        event = msgspec.json.decode(request["Event"])
    except (msgspec.DecodeError, RecursionError):
        event = None
    if not isinstance(event, dict):
        raise fault("ValidationException", "Parameter Event is not valid.")
    return {"Result": pattern.matches(leaves_of(event))}
