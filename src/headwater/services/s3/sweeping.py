"""The day's round through a bucket that has lifecycle rules: what is past its end goes, page by page, as a caller would delete it.

The round reads the world again for everything it touches: what was written over meanwhile stays. A round that is late (the Clock was
moved by months) is made once; killed in the middle, it begins again, and finds less to do.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec.structs import replace

from headwater.kernel.context import Context
from headwater.kernel.jobs import Job, handles

from . import events, expiry, retention
from .keeper import Keeper, end_upload
from .records import BUCKETS, OBJECTS, UPLOADS, VERSIONS, Bucket, ObjectVersion, sortable


class SweepDue(Job, frozen=True, kw_only=True, tag="s3/sweep-due/1"):
    """A bucket's round is due. The subject is its name."""


@handles(SweepDue, attempts_max=10, timeout=timedelta(hours=1))
async def _sweep(ctx: Context, due: SweepDue) -> None:
    bucket = ctx.store.get(BUCKETS, due.subject)
    if bucket is None or bucket.lifecycle is None or bucket.account != due.account:
        return
    rules, now = expiry.enabled(bucket), ctx.clock.now()
    if rules:
        await _end_old(ctx, bucket, rules, now)
        await _end_current(ctx, bucket, rules, now)
        await _end_uploads(ctx, bucket, rules, now)
    again = SweepDue(account=due.account, region=due.region, subject=due.subject, at=expiry.next_midnight(now + timedelta(microseconds=1)))
    async with ctx.store.transaction() as tx:
        tx.owe(again)


async def _end_current(ctx: Context, bucket: Bucket, rules: list[expiry.Rule], now: datetime) -> None:
    keeper = Keeper.of(ctx)
    async for page in keeper.pages(OBJECTS, bucket.name):
        for version in page:
            if version.marker:
                await _end_marker(ctx, version, rules, now)
                continue
            end = expiry.of_current(rules, version)
            if not _still(keeper, version):
                continue
            if end is not None and end[0] <= now:
                await keeper.delete(ctx, bucket.name, version.key, {}, expires=True)
            elif (target := expiry.move_of_current(bucket, rules, version, now)) is not None:
                await keeper.amend(ctx, replace(version, storage_class=target), events.MOVED)


async def _end_marker(ctx: Context, marker: ObjectVersion, rules: list[expiry.Rule], now: datetime) -> None:
    """A delete marker without a version behind it hides nothing any more."""
    if not expiry.ends_markers(rules, marker, now):
        return
    keeper = Keeper.of(ctx)
    if not await ctx.store.range(VERSIONS, marker.bucket, sortable(marker.key), limit=1) and _still(keeper, marker):
        await keeper.delete_version(ctx, marker.bucket, marker.key, marker.version_id, {}, told=events.EXPIRED)


def _still(keeper: Keeper, version: ObjectVersion) -> bool:
    """Whether this is the newest of its key now, as it was when the page was read."""
    current = keeper.current(version.bucket, version.key)
    return current is not None and current.order == version.order


async def _end_old(ctx: Context, bucket: Bucket, rules: list[expiry.Rule], now: datetime) -> None:
    """Old versions come newest first: each was replaced by the one before it, the first by the newest of all."""
    keeper = Keeper.of(ctx)
    key, replaced_at, newer = "", now, 0
    async for page in keeper.pages(VERSIONS, bucket.name):
        for version in page:
            if version.key != key:
                current = keeper.current(bucket.name, version.key)
                key, newer = version.key, 0
                replaced_at = now if current is None else current.modified_at
            end = expiry.of_old(rules, version, replaced_at, newer)
            target = expiry.move_of_old(bucket, rules, version, replaced_at, newer, now)
            replaced_at, newer = version.modified_at, newer + 1
            if end is not None and end <= now and retention.may_go(version, now, bypass=False):
                await keeper.delete_version(ctx, bucket.name, version.key, version.version_id, {}, told=events.EXPIRED)
            elif target is not None and not version.marker:
                await keeper.amend(ctx, replace(version, storage_class=target), events.MOVED)


async def _end_uploads(ctx: Context, bucket: Bucket, rules: list[expiry.Rule], now: datetime) -> None:
    for upload in ctx.store.scan(UPLOADS, bucket.name):
        end = expiry.of_upload(rules, upload)
        if end is not None and end <= now:
            async with ctx.store.transaction() as tx:
                files = end_upload(ctx.store, tx, upload)
            await Keeper.of(ctx).bodies.remove_all(files)
