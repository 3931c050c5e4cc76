"""Replays: what an archive kept goes over its bus once more, marked with the replay's name, in steps that survive a restart."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import msgspec

from headwater.aws.faults import Fault, fault
from headwater.kernel.jobs import Job, handles
from headwater.kernel.permissions import requires

from .delivery import Accepted, accept
from .finding import bus_at, no_such_bus, place_of_arn
from .model import ARCHIVED, ARCHIVES, REPLAYS, Archive, Replay, place_of
from .paging import page

if TYPE_CHECKING:
    from headwater.kernel.context import Context

ARN: Final = "arn:aws:events:{region}:{account}:replay/{ReplayName}"
STEP: Final = 100
RUNNING: Final = frozenset({"STARTING", "RUNNING"})
_ARCHIVE_ARN: Final = re.compile(r"arn:aws:events:([a-z0-9-]+):(\d{12}):archive/([.\-_A-Za-z0-9]+)")


class ReplayDue(Job, frozen=True, kw_only=True, tag="events/replay-due/1"):
    """The next events of a replay. `subject` is its name."""


def describe(replay: Replay) -> dict[str, Any]:
    """As ListReplays has it."""
    said: dict[str, Any] = {
        "ReplayName": replay.name,
        "EventSourceArn": f"arn:aws:events:{replay.region}:{replay.account}:archive/{replay.archive}",
        "State": replay.state,
        "EventStartTime": replay.event_start,
        "EventEndTime": replay.event_end,
        "ReplayStartTime": replay.started_at,
    }
    later = {"EventLastReplayedTime": replay.last_replayed, "ReplayEndTime": replay.ended_at}
    return said | {member: value for member, value in later.items() if value is not None}


def _find(ctx: Context, name: str) -> Replay:
    replay = ctx.store.get(REPLAYS, ctx.account, ctx.region, name)
    if replay is None:
        raise fault("ResourceNotFoundException", f"Replay {name} does not exist.")
    return replay


def _wrong(member: str, reason: str) -> Fault:
    return fault("ValidationException", f"Parameter {member} is not valid. Reason: {reason}")


def _archive(ctx: Context, arn: str) -> Archive:
    found = _ARCHIVE_ARN.fullmatch(arn)
    if found is None:
        raise _wrong("EventSourceArn", "Must contain an archive ARN.")
    archive = ctx.store.get(ARCHIVES, found[2], found[1], found[3])
    if archive is None or archive.account != ctx.account:
        raise _wrong("EventSourceArn", f"Archive {found[3]} does not exist.")
    return archive


@requires("events:StartReplay", ARN)
@requires("events:StartReplay", lambda ctx, request: [request["EventSourceArn"], request["Destination"]["Arn"]])
async def start_replay(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Begin at once."""
    destination = request["Destination"]
    place = place_of_arn(destination["Arn"])
    if place is None:
        raise _wrong("Destination.Arn", "Must contain an event bus ARN.")
    if bus_at(ctx.store, place) is None:
        raise no_such_bus(place[2])
    archive = _archive(ctx, request["EventSourceArn"])
    if place != (archive.account, archive.region, archive.bus):
        raise _wrong("Destination.Arn", "Cross event bus replay is not permitted.")
    if request["EventStartTime"] >= request["EventEndTime"]:
        raise _wrong("EventEndTime", "EventStartTime must be before EventEndTime.")
    if ctx.store.get(REPLAYS, ctx.account, ctx.region, request["ReplayName"]) is not None:
        raise fault("ResourceAlreadyExistsException", f"Replay {request['ReplayName']} already exists.")
    now = ctx.clock.now()
    replay = Replay(
        account=ctx.account,
        region=ctx.region,
        name=request["ReplayName"],
        archive=archive.name,
        bus=archive.bus,
        filters=tuple(destination.get("FilterArns", ())),
        state="STARTING",
        started_at=now,
        event_start=request["EventStartTime"],
        event_end=request["EventEndTime"],
        description=request.get("Description"),
    )
    async with ctx.store.transaction() as tx:
        tx.put(REPLAYS, replay)
        tx.owe(ReplayDue(account=ctx.account, region=ctx.region, subject=replay.name, at=now))
    return {"ReplayArn": replay.arn, "State": replay.state, "ReplayStartTime": replay.started_at}


@handles(ReplayDue)
async def _step(ctx: Context, due: ReplayDue) -> None:
    replay = ctx.store.get(REPLAYS, due.account, due.region, due.subject)
    if replay is None or replay.state not in RUNNING:
        return
    archive = ctx.store.get(ARCHIVES, due.account, due.region, replay.archive)
    reached = replay.reached or place_of(replay.event_start)
    found = [] if archive is None else await ctx.store.range(ARCHIVED, due.account, due.region, archive.id, after=reached, limit=STEP)
    chosen = [event for event in found if event.at <= replay.event_end]
    replay = ctx.store.get(REPLAYS, due.account, due.region, due.subject) or replay  # it may have been cancelled meanwhile
    if replay.state not in RUNNING:
        return
    accepted = Accepted([], [])
    for event in chosen:
        again = msgspec.json.decode(event.event) | {"replay-name": replay.name}
        accepted.add(accept(ctx.home, (replay.account, replay.region, replay.bus), again, only=frozenset(replay.filters)))
    is_over = len(chosen) < STEP
    now = ctx.clock.now()
    replay = msgspec.structs.replace(
        replay,
        state="COMPLETED" if is_over else "RUNNING",
        ended_at=now if is_over else None,
        last_replayed=chosen[-1].at if chosen else replay.last_replayed,
        reached=chosen[-1].place if chosen else reached,
    )
    async with ctx.store.transaction() as tx:
        for job in accepted.jobs:
            tx.owe(job)
        tx.put(REPLAYS, replay)
        if not is_over:
            tx.owe(ReplayDue(account=due.account, region=due.region, subject=replay.name, at=_later(due.at, now)))


def _later(before: datetime, now: datetime) -> datetime:
    """Another moment than the last: a job is known by it."""
    return max(now, before + timedelta(microseconds=1))


@requires("events:CancelReplay", ARN)
async def cancel_replay(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    replay = _find(ctx, request["ReplayName"])
    if replay.state not in RUNNING:
        raise fault("IllegalStatusException", f"Replay {replay.name} is not in a valid state for this operation.")
    async with ctx.store.transaction() as tx:
        tx.put(REPLAYS, msgspec.structs.replace(replay, state="CANCELLED", ended_at=ctx.clock.now()))
    return {"ReplayArn": replay.arn, "State": "CANCELLING"}


@requires("events:DescribeReplay", ARN)
async def describe_replay(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    replay = _find(ctx, request["ReplayName"])
    destination: dict[str, Any] = {"Arn": f"arn:aws:events:{replay.region}:{replay.account}:event-bus/{replay.bus}"}
    if replay.filters:
        destination["FilterArns"] = list(replay.filters)
    said = {"ReplayArn": replay.arn, "Destination": destination, "Description": replay.description}
    return describe(replay) | {member: value for member, value in said.items() if value is not None}


@requires("events:ListReplays")
async def list_replays(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    if len([member for member in ("NamePrefix", "EventSourceArn", "State") if member in request]) > 1:
        sentence = "At most one filter is allowed for ListReplays. Use either : State, EventSourceArn, or NamePrefix."
        raise fault("ValidationException", sentence)
    found = [replay for replay in ctx.store.scan(REPLAYS, ctx.account, ctx.region) if replay.name.startswith(request.get("NamePrefix", ""))]
    if "State" in request:
        found = [replay for replay in found if replay.state == request["State"]]
    if "EventSourceArn" in request:
        found = [replay for replay in found if request["EventSourceArn"].endswith(f":archive/{replay.archive}")]
    shown, more = page(found, request, lambda replay: replay.name)
    return {"Replays": [describe(replay) for replay in shown], **more}
