"""Archives: a rule of EventBridge's own on the bus, and what it kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from headwater.aws.faults import fault
from headwater.kernel.permissions import requires

from .finding import bus_at, find_archive, no_such_bus, place_of_arn
from .holding import ArchivePurge, held_by
from .live import live_of
from .model import ARCHIVER, ARCHIVES, ENABLED, HELD, RULES, Archive, Rule
from .paging import page
from .rules import check_pattern

if TYPE_CHECKING:
    from headwater.kernel.context import Context
    from headwater.kernel.store import Store

ARN = "arn:aws:events:{region}:{account}:archive/{ArchiveName}"


def describe(store: Store, archive: Archive) -> dict[str, Any]:
    """As ListArchives has it."""
    held = held_by(store, archive)
    return {
        "ArchiveName": archive.name,
        "EventSourceArn": archive.bus_arn,
        "State": ENABLED,
        "RetentionDays": archive.retention_days,
        "SizeBytes": held.size,
        "EventCount": held.events,
        "CreationTime": archive.created_at,
    }


def _made(archive: Archive) -> dict[str, Any]:
    return {"ArchiveArn": archive.arn, "State": ENABLED, "CreationTime": archive.created_at}


def _rule(archive: Archive) -> Rule:
    """What was replayed is not archived once more."""
    pattern = {} if archive.pattern is None else msgspec.json.decode(archive.pattern)
    return Rule(
        account=archive.account,
        region=archive.region,
        bus=archive.bus,
        name=archive.rule_name,
        state=ENABLED,
        created_at=archive.created_at,
        pattern=msgspec.json.encode(pattern | {"replay-name": [{"exists": False}]}).decode(),
        managed_by=ARCHIVER,
        archive=archive.name,
    )


def _given(request: dict[str, Any]) -> dict[str, Any]:
    if "EventPattern" in request:
        check_pattern(request["EventPattern"])
    names = {"Description": "description", "EventPattern": "pattern", "RetentionDays": "retention_days", "KmsKeyIdentifier": "kms_key"}
    return {name: request[member] for member, name in names.items() if member in request}


async def _keep(ctx: Context, archive: Archive) -> None:
    rule = _rule(archive)
    async with ctx.store.transaction() as tx:
        tx.put(ARCHIVES, archive)
        tx.put(RULES, rule)
    live_of(ctx.home).changed(rule)


@requires("events:CreateArchive", ARN)
@requires("events:CreateArchive", "{EventSourceArn}")
async def create_archive(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    name = request["ArchiveName"]
    if ctx.store.get(ARCHIVES, ctx.account, ctx.region, name) is not None:
        raise fault("ResourceAlreadyExistsException", f"Archive {name} already exists.")
    given = _given(request)
    place = _source(ctx, request["EventSourceArn"])
    archive = Archive(account=ctx.account, region=ctx.region, name=name, id=ctx.new_id(), bus=place[2], created_at=ctx.clock.now(), **given)
    await _keep(ctx, archive)
    return _made(archive)


def _source(ctx: Context, arn: str) -> tuple[str, str, str]:
    place = place_of_arn(arn)
    if place is None or place[:2] != (ctx.account, ctx.region):
        raise fault("ValidationException", "Parameter EventSourceArn is not valid. Reason: Must contain an event bus ARN.")
    if bus_at(ctx.store, place) is None:
        raise no_such_bus(place[2])
    return place


@requires("events:UpdateArchive", ARN)
async def update_archive(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Members that are not there stay as they are."""
    archive = msgspec.structs.replace(find_archive(ctx, request["ArchiveName"]), **_given(request))
    await _keep(ctx, archive)
    return _made(archive)


@requires("events:DescribeArchive", ARN)
async def describe_archive(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    archive = find_archive(ctx, request["ArchiveName"])
    plain = {"Description": archive.description, "EventPattern": archive.pattern, "KmsKeyIdentifier": archive.kms_key}
    said = {member: value for member, value in plain.items() if value is not None}
    return describe(ctx.store, archive) | {"ArchiveArn": archive.arn} | said


@requires("events:ListArchives")
async def list_archives(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    if len([member for member in ("NamePrefix", "EventSourceArn", "State") if member in request]) > 1:
        sentence = "At most one filter is allowed for ListArchives. Use either : State, EventSourceArn, or NamePrefix."
        raise fault("ValidationException", sentence)
    found = ctx.store.scan(ARCHIVES, ctx.account, ctx.region)
    if "EventSourceArn" in request:
        bus = _source(ctx, request["EventSourceArn"])[2]
        found = [archive for archive in found if archive.bus == bus]
    if request.get("State", ENABLED) != ENABLED:
        found = []
    found = [archive for archive in found if archive.name.startswith(request.get("NamePrefix", ""))]
    shown, more = page(found, request, lambda archive: archive.name)
    return {"Archives": [describe(ctx.store, archive) for archive in shown], **more}


@requires("events:DeleteArchive", ARN)
async def delete_archive(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    archive = find_archive(ctx, request["ArchiveName"])
    rule = _rule(archive)
    async with ctx.store.transaction() as tx:
        tx.delete(ARCHIVES, archive.account, archive.region, archive.name)
        tx.delete(HELD, archive.account, archive.region, archive.id)
        tx.delete(RULES, *rule.key)
        tx.owe(ArchivePurge(account=archive.account, region=archive.region, subject=archive.id, at=ctx.clock.now()))
    live_of(ctx.home).removed(rule)
    return {}
