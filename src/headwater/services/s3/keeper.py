"""The keeper: finds versions, and commits what `succession` decided, in one transaction with its consequences for bodies.

Between the look at what stands there and the transaction nothing awaits; where a look must (the next newest version is read
from disk), it is repeated until the world has not changed under it. A bucket that is being deleted takes no writes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from msgspec.structs import replace

from headwater.aws.faults import Fault
from headwater.kernel.context import Context
from headwater.kernel.home import Home
from headwater.kernel.jobs import Job
from headwater.kernel.store import Store, Table, Transaction

from . import SERVICE, conditions, events, replication, retention, succession
from .bodies import Bodies
from .events import NO_NOTICES, Happened, Notices
from .ordering import ORDER_LENGTH, Orders, is_version_id, version_id
from .records import BUCKETS, ENABLED, NULL, OBJECTS, PARTS, UPLOADS, VERSIONS, Bucket, ObjectVersion, Part, Upload, sortable
from .refusals import (
    access_denied,
    busy,
    conflict,
    invalid_argument,
    no_such_bucket,
    no_such_key,
    no_such_upload,
    no_such_version,
    not_allowed_on_marker,
)
from .succession import Change

PAGE: Final = 1000


class Keeper:
    """The room's live self; one for the home."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._store = home.store
        self._mark = home.path / "s3" / "open"
        self.bodies = Bodies(home.path / "s3", home.pools.files)
        self.orders = Orders(int(home.clock.machine().timestamp() * 1e9))
        self.closing: set[str] = set()
        """Buckets that are being deleted."""
        self.strays: set[str] | None = None
        """While a sweep looks for them: files that no record was seen to name."""

    @classmethod
    def at(cls, home: Home) -> Keeper:
        keeper = home.rooms["s3"]
        assert isinstance(keeper, cls)
        return keeper

    @classmethod
    def of(cls, ctx: Context) -> Keeper:
        return cls.at(ctx.home)

    # -- finding -------------------------------------------------------------------------------------------------------

    def current(self, bucket: str, key: str) -> ObjectVersion | None:
        """The newest version of a key, a delete marker perhaps."""
        return self._store.get(OBJECTS, bucket, sortable(key))

    def find(self, ctx: Context, bucket: str, key: str, wanted: str | None, method: str) -> ObjectVersion:
        """The version that a request means; raises what S3 says when it is not there or is a delete marker."""
        current = self.current(bucket, key)
        if wanted is None:
            if current is None:
                raise self._absent(ctx, bucket, key)
            if current.marker:
                ctx.reply_headers["x-amz-delete-marker"] = "true"
                ctx.reply_headers["x-amz-version-id"] = current.version_id
                raise self._absent(ctx, bucket, key)
            return current
        version = self.version(key, wanted, current)
        if version is None:
            raise no_such_version(key, wanted)
        if version.marker:
            ctx.reply_headers["x-amz-delete-marker"] = "true"
            ctx.reply_headers["x-amz-version-id"] = version.version_id
            ctx.reply_headers["allow"] = "DELETE"
            raise not_allowed_on_marker(method)
        return version

    def _absent(self, ctx: Context, bucket: str, key: str) -> Fault:
        """That a key is not there is told only to who may list the keys that are. Source: GetObject's page of the API reference."""
        operation = SERVICE.model.operations["ListObjectsV2"]
        if self._home.authorization.allows(ctx, operation, {"Bucket": bucket}, "s3:ListBucket", f"arn:aws:s3:::{bucket}"):
            return no_such_key(key)
        return access_denied()

    def version(self, key: str, wanted: str, current: ObjectVersion | None) -> ObjectVersion | None:
        """The version with this id, marker or not; None when there is none."""
        if not is_version_id(wanted):
            raise invalid_argument("Invalid version id specified", "versionId", wanted)
        if current is None or current.version_id == wanted:
            return current
        order = current.null_order if wanted == NULL else wanted[:ORDER_LENGTH]
        found = self._store.get(VERSIONS, current.bucket, sortable(key), order) if order else None
        return found if found is not None and found.version_id == wanted else None

    # -- writing -------------------------------------------------------------------------------------------------------

    def writable(self, name: str) -> Bucket:
        """The bucket as it is at this moment, for a write that is about to be committed."""
        bucket = self._store.get(BUCKETS, name)
        if bucket is None:
            raise no_such_bucket(name)
        if name in self.closing:
            raise busy()
        return bucket

    async def write(
        self, ctx: Context, new: ObjectVersion, request: Mapping[str, Any], *, told: str = events.PUT, upload: Upload | None = None
    ) -> ObjectVersion:
        """Make `new` the newest version of its key, if the request's conditions hold; its order and version id are given here.

        `told` is the event that it is. With `upload`, the upload and its parts end in the same transaction.
        """
        bucket = self.writable(new.bucket)
        if bucket.plain and bucket.notification is None and not new.file and upload is None and self._nobody_minds(request):
            return await self._overwrite(new)
        current = self.current(new.bucket, new.key)
        seen = None if current is None or current.marker else current
        conditions.check_write(request, new.key, seen)
        if upload is not None and seen is not None and request.get("IfMatch") is not None and seen.order < upload.order:
            raise conflict("If-Match", new.key)
        return await self._succeed(ctx, bucket, new, current, told, upload)

    async def delete(self, ctx: Context, name: str, key: str, request: Mapping[str, Any], *, expires: bool = False) -> ObjectVersion | None:
        """Delete a key: for good in a bucket without versions, else by a delete marker, which is answered. `expires`: a rule does it."""
        removed, marked = (events.EXPIRED, events.EXPIRED_AS_MARKER) if expires else (events.REMOVED, events.MARKED)
        bucket = self.writable(name)
        current = self.current(name, key)
        conditions.check_write(request, key, None if current is None or current.marker else current)
        if bucket.versioning:
            marker = ObjectVersion(bucket=name, key=key, order="", modified_at=now_of(ctx), marker=True)
            return await self._succeed(ctx, bucket, marker, current, marked)
        if current is not None:
            await self._commit(
                Change(newest_gone=current, dropped=[current]), notices=self._of_removal(ctx, bucket, current, current, removed)
            )
        return None

    async def delete_version(
        self, ctx: Context, name: str, key: str, wanted: str, request: Mapping[str, Any], *, told: str = events.REMOVED
    ) -> ObjectVersion | None:
        """Delete one version for good; answers what it was, None when there was none."""
        while True:
            bucket = self.writable(name)
            current = self.current(name, key)
            gone = self.version(key, wanted, current)
            if current is None or gone is None:
                return None
            conditions.check_write(request, key, gone)
            bypass = bool(request.get("BypassGovernanceRetention"))
            if bucket.lock is not None and not retention.may_go(gone, self._home.clock.now(), bypass=bypass):
                raise retention.locked()
            next_newest = None
            if gone.order == current.order and bucket.versioning:
                older = await self._store.range(VERSIONS, name, sortable(key), limit=1)
                again = self.current(name, key)
                if again is None or again.order != gone.order:
                    continue  # the world changed while we read
                current, next_newest = again, older[0] if older else None
                if next_newest is not None and self._older(next_newest) is None:
                    continue
            notices = self._of_removal(ctx, bucket, gone, current, told)
            await self._commit(succession.removed(gone, current, next_newest), notices=notices)
            return gone

    def _of_removal(self, ctx: Context, bucket: Bucket, gone: ObjectVersion, current: ObjectVersion, told: str) -> Notices:
        if bucket.notification is None:
            return NO_NOTICES
        return events.notices(ctx, bucket, Happened(told, gone, self.orders.next(current.order)))

    async def amend(self, ctx: Context, version: ObjectVersion, told: str, owed: Iterable[Job] = ()) -> None:
        """Replace a version's record by `version`, which differs in what may change: tags, its access control list, where it is stored.

        `owed` are the jobs that follow from it.
        """
        notices = events.notices(ctx, self.writable(version.bucket), Happened(told, version, version.order)) if told else NO_NOTICES
        notices = Notices([*notices.jobs, *owed, *self._copied_again(ctx, version, told)], notices.told)
        current = self.current(version.bucket, version.key)
        if current is not None and current.order == version.order:
            await self._commit(Change(newest=replace(version, null_order=current.null_order)), notices=notices)
        elif self._older(version) is not None:
            await self._commit(Change(older=[version]), notices=notices)

    def _copied_again(self, ctx: Context, version: ObjectVersion, told: str) -> list[Job]:
        """A copy follows its original's tags."""
        if told not in {events.TAGGED, events.UNTAGGED} or version.replication in {"", replication.REPLICA}:
            return []
        owed = replication.due(self.writable(version.bucket), version, ctx.clock.now())
        return [] if owed is None else [owed]

    async def replicate(self, ctx: Context, copy: ObjectVersion) -> None:
        """Keep a copy of another bucket's version, whose order and id it has: it stands among those of its key where its age says."""
        bucket = self.writable(copy.bucket)
        current = self.current(copy.bucket, copy.key)
        if current is None or copy.order < current.order:
            change = succession.written(ENABLED, copy, current, None)
        else:
            change = Change(older=[copy])
        notices = NO_NOTICES
        if bucket.notification is not None:
            told = events.MARKED if copy.marker else events.PUT
            notices = events.notices(ctx, bucket, Happened(told, copy, copy.order))
        await self._commit(change, bucket=bucket, notices=notices)

    async def keep_part(self, upload: Upload, part: Part) -> None:
        """Add a part to its upload, in place of one of the same number."""
        self.writable(upload.bucket)
        if self._store.get(UPLOADS, upload.bucket, sortable(upload.key), upload.upload_id) is None:
            raise no_such_upload(upload.upload_id)
        before = self._store.get(PARTS, part.upload_id, f"{part.number:05}")
        async with self._store.transaction() as tx:
            tx.put(PARTS, part)
        if before is not None:
            self.bodies.remove("", before.file)

    def _older(self, version: ObjectVersion) -> ObjectVersion | None:
        return self._store.get(VERSIONS, version.bucket, sortable(version.key), version.order)

    def _nobody_minds(self, request: Mapping[str, Any]) -> bool:
        """Whether neither the request nor an engine cares for what stands there."""
        return self.bodies.no_engine_reads and conditions.WRITE_CONDITIONS.isdisjoint(request)

    async def _overwrite(self, new: ObjectVersion) -> ObjectVersion:
        """What `new` takes the place of leaves nothing to tidy up, so nobody looks at it."""
        new = replace(new, order=self.orders.next())
        async with self._store.transaction() as tx:
            tx.put(OBJECTS, new)
        return new

    async def _succeed(
        self, ctx: Context, bucket: Bucket, new: ObjectVersion, current: ObjectVersion | None, told: str, upload: Upload | None = None
    ) -> ObjectVersion:
        order = self.orders.next(current.order if current is not None else "")
        new = replace(new, order=order, version_id=version_id(order) if bucket.versioning == ENABLED else NULL)
        old_null = None
        if current is not None and current.null_order and new.version_id == NULL:
            old_null = self._store.get(VERSIONS, new.bucket, sortable(new.key), current.null_order)
        notices = NO_NOTICES if bucket.notification is None else events.notices(ctx, bucket, Happened(told, new, order))
        if bucket.replication is not None and (owed := replication.due(bucket, new, ctx.clock.now())) is not None:
            new = new if new.marker else replace(new, replication=replication.PENDING)
            notices = Notices([*notices.jobs, owed], notices.told)
        await self._commit(succession.written(bucket.versioning, new, current, old_null), upload, bucket, notices)
        return new

    async def _commit(
        self, change: Change, upload: Upload | None = None, bucket: Bucket | None = None, notices: Notices = NO_NOTICES
    ) -> None:
        files: list[str] = []
        try:
            async with self._store.transaction() as tx:
                if change.newest is not None:
                    tx.put(OBJECTS, change.newest)
                    if bucket is not None and bucket.plain and change.newest.file:
                        tx.put(BUCKETS, replace(bucket, plain=False))
                if change.newest_gone is not None:
                    tx.delete(OBJECTS, change.newest_gone.bucket, sortable(change.newest_gone.key))
                for version in change.older_gone:
                    tx.delete(VERSIONS, version.bucket, sortable(version.key), version.order)
                for version in change.older:
                    tx.put(VERSIONS, version)
                if upload is not None:
                    files = end_upload(self._store, tx, upload)
                for job in notices.jobs:
                    tx.owe(job)
        except asyncio.CancelledError:  # the change was journalled before anybody could wait, and so be cancelled
            self._tidy(change, files, notices)
            raise
        self._tidy(change, files, notices)

    def _tidy(self, change: Change, files: list[str], notices: Notices) -> None:
        """What follows from a committed change: for those who want to know of it, and for bodies."""
        for told in notices.told:
            self._home.bus.publish(events.TOPIC, told)
        self._spare(change)
        for version in change.dropped:
            self.bodies.remove(version.order, version.file)
        for file in files:
            self.bodies.remove("", file)

    def _spare(self, change: Change) -> None:
        if self.strays is not None:
            self.strays.difference_update(version.file for version in change.older)
            if change.newest is not None:
                self.strays.discard(change.newest.file)

    # -- after a crash -------------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Begin a life; if the last one ended without `close`, look for bodies that no record names."""
        if self._mark.exists():
            self.strays = await self.bodies.files()
            self._home.tasks.create_task(self._sweep(self.strays), name="s3: sweep bodies")
        self._mark.touch()

    def close(self) -> None:
        self.bodies.close()
        if not self.bodies.left_behind and self.strays is None:
            self._mark.unlink(missing_ok=True)

    async def _sweep(self, strays: set[str]) -> None:
        """Remove what a crash left between a body's arrival and its record, or between a record's end and its body's."""
        strays.difference_update(part.file for part in self._store.scan(PARTS))
        for bucket in self._store.scan(BUCKETS):
            for table in (VERSIONS, OBJECTS):  # in this order: a version may be promoted meanwhile, and `_spare` sees it
                async for versions in self.pages(table, bucket.name):
                    strays.difference_update(version.file for version in versions)
        self.strays = None
        await self.bodies.remove_all(strays)

    async def pages(self, table: Table[ObjectVersion], bucket: str) -> AsyncIterator[list[ObjectVersion]]:
        after: str | None = None
        while versions := await self._store.range(table, bucket, after=after, limit=PAGE):
            yield versions
            last = versions[-1]
            after = sortable(last.key)
            while table is VERSIONS and (rest := await self._store.range(table, bucket, after, after=last.order, limit=PAGE)):
                yield rest
                last = rest[-1]


def now_of(ctx: Context) -> datetime:
    """AWS time in whole seconds, which is all that S3 shows of it."""
    return ctx.clock.now().replace(microsecond=0)


def end_upload(store: Store, tx: Transaction, upload: Upload) -> list[str]:
    """Forget an upload and its parts; answers the files that are nobody's once `tx` is committed."""
    tx.delete(UPLOADS, upload.bucket, sortable(upload.key), upload.upload_id)
    parts = store.scan(PARTS, upload.upload_id)
    for part in parts:
        tx.delete(PARTS, part.upload_id, f"{part.number:05}")
    return [part.file for part in parts]


@SERVICE.starts
async def _open(home: Home) -> None:
    keeper = home.rooms["s3"] = Keeper(home)
    await keeper.open()


@SERVICE.stops
async def _close(home: Home) -> None:
    Keeper.at(home).close()
