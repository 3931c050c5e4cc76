"""What archives hold: how events come in, are counted, and go when their time is over."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import msgspec

from headwater.kernel.jobs import Job, handles
from headwater.kernel.store import Record, Table

from .model import ARCHIVED, ARCHIVES, HELD, Archive, Archived, Held, Rule

if TYPE_CHECKING:
    from headwater.kernel.context import Context
    from headwater.kernel.store import Store

BATCH: Final = 500


class ArchivedDue(Job, frozen=True, kw_only=True, tag="events/archived-due/1"):
    """The oldest event of an archive has been kept long enough. `subject` is the archive's name, `archive` its id."""

    archive: str


class ArchivePurge(Job, frozen=True, kw_only=True, tag="events/archive-purge/1"):
    """An archive was deleted. `subject` is its id."""


def to_archive(store: Store, rule: Rule, event_id: str, event: bytes, now: datetime, size: int) -> Archived | None:
    """The event as the rule's archive keeps it."""
    archive = None if rule.archive is None else store.get(ARCHIVES, rule.account, rule.region, rule.archive)
    if archive is None:
        return None
    return Archived(
        account=rule.account, region=rule.region, archive=archive.id, at=now, event_id=event_id, size=size or len(event), event=event
    )


def held_by(store: Store, archive: Archive) -> Held:
    known = store.get(HELD, archive.account, archive.region, archive.id)
    return known or Held(account=archive.account, region=archive.region, archive=archive.id)


def archiving(store: Store, archived: Iterable[Archived]) -> list[tuple[Table[Any], Record]]:
    """The events, and what their archives hold with them."""
    puts: list[tuple[Table[Any], Record]] = []
    held: dict[tuple[str, str, str], Held] = {}
    for event in archived:
        puts.append((ARCHIVED, event))
        key = (event.account, event.region, event.archive)
        before = held.get(key) or store.get(HELD, *key) or Held(account=event.account, region=event.region, archive=event.archive)
        held[key] = msgspec.structs.replace(before, events=before.events + 1, size=before.size + event.size)
    return [*puts, *((HELD, each) for each in held.values())]


def expiries(store: Store, archived: Iterable[Archived]) -> list[Job]:
    """The first event of an archive starts its retention; each run of that owes the next."""
    due: dict[str, Job] = {}
    for event in archived:
        held = store.get(HELD, event.account, event.region, event.archive)
        if (held is None or held.events == 0) and event.archive not in due:
            archive = next(each for each in store.scan(ARCHIVES, event.account, event.region) if each.id == event.archive)
            if archive.retention_days:
                due[event.archive] = due_of(archive, event.at)
    return list(due.values())


def due_of(archive: Archive, oldest: datetime) -> ArchivedDue:
    at = oldest + timedelta(days=archive.retention_days)
    return ArchivedDue(account=archive.account, region=archive.region, subject=archive.name, archive=archive.id, at=at)


@handles(ArchivedDue)
async def _expire(ctx: Context, due: ArchivedDue) -> None:
    archive = ctx.store.get(ARCHIVES, due.account, due.region, due.subject)
    if archive is None or archive.id != due.archive or not archive.retention_days:
        return
    until = ctx.clock.now() - timedelta(days=archive.retention_days)
    while True:
        oldest = await ctx.store.range(ARCHIVED, due.account, due.region, archive.id, limit=BATCH)
        gone = [event for event in oldest if event.at <= until]
        async with ctx.store.transaction() as tx:
            held = held_by(ctx.store, archive)
            left = msgspec.structs.replace(held, events=held.events - len(gone), size=held.size - sum(event.size for event in gone))
            tx.put(HELD, left)
            for event in gone:
                tx.delete(ARCHIVED, *ARCHIVED.key(event))
            if len(gone) < len(oldest):
                tx.owe(due_of(archive, oldest[len(gone)].at))
        if len(gone) < BATCH:
            return


@handles(ArchivePurge)
async def _purge(ctx: Context, due: ArchivePurge) -> None:
    while gone := await ctx.store.range(ARCHIVED, due.account, due.region, due.subject, limit=BATCH):
        async with ctx.store.transaction() as tx:
            for event in gone:
                tx.delete(ARCHIVED, *ARCHIVED.key(event))
