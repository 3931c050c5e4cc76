"""Listings of objects and of their versions. `listing` says what to read; here it is read from the big tables."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Awaitable, Callable, Generator
from typing import Any, Final, NamedTuple

from headwater.kernel.context import Context
from headwater.kernel.permissions import requires
from headwater.kernel.store import Store

from . import SERVICE, attire
from .access import bucket_of, owner_of
from .arns import BUCKET
from .keeper import Keeper
from .listing import PAGE_MAX, Page, R, Seek, encoded, rolled_up, walked
from .objects import IN_PLACE
from .ordering import ORDER_LENGTH
from .records import NULL, OBJECTS, VERSIONS, Bucket, ObjectVersion, sortable
from .refusals import invalid_argument

Walk = Generator[Seek, tuple[list[R], bool], Page[R]]
Reader = Callable[[Seek], Awaitable[tuple[list[R], bool]]]
READABLE: Final = "x-headwater-readable"
"""Said of a page to engines of the house."""
RESTORE_STATUS: Final = "RestoreStatus"
_AT_KEY: Final = "k"
_AT_PREFIX: Final = "p"


@requires("s3:ListBucket", BUCKET)
async def list_objects_v2(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    bucket = bucket_of(ctx, request)
    asked = _Asked.of(request)
    token = request.get("ContinuationToken")
    after, beyond = request.get("StartAfter", ""), ""
    if token is not None:
        after, beyond = _position(token)
    page = await _page(ctx.store, bucket, asked, after=after, beyond=beyond)
    next_token = None
    if page.truncated:
        next_token = _token(page)
    if IN_PLACE in ctx.headers and _may_read_all(ctx, bucket, page):
        ctx.reply_headers[READABLE] = "1"
    return asked.members(bucket, page) | {
        "Contents": _contents(ctx, request, asked, bucket if request.get("FetchOwner") else None, page),
        "IsTruncated": page.truncated,
        "KeyCount": len(page.rows) + len(page.prefixes),
        "ContinuationToken": token,
        "NextContinuationToken": next_token,
        "StartAfter": encoded(request["StartAfter"], asked.encoding) if request.get("StartAfter") else None,
    }


@requires("s3:ListBucket", BUCKET)
async def list_objects(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    bucket = bucket_of(ctx, request)
    asked = _Asked.of(request)
    marker = request.get("Marker", "")
    # a marker inside a common prefix stands for all of it, so that NextMarker leads on
    beyond = rolled_up(marker, asked.prefix, asked.delimiter) if marker.startswith(asked.prefix) else ""
    page = await _page(ctx.store, bucket, asked, after=marker, beyond=beyond)
    return asked.members(bucket, page) | {
        "Contents": _contents(ctx, request, asked, bucket, page),
        "IsTruncated": page.truncated,
        "Marker": encoded(marker, asked.encoding),
        "NextMarker": encoded(page.last, asked.encoding) if page.truncated and asked.delimiter else None,
    }


def _may_read_all(ctx: Context, bucket: Bucket, page: Page[ObjectVersion]) -> bool:
    """Whether the caller may read every object of the page in place: so that one who does need not ask for each again."""
    if any(version.encryption is not None or version.storage_class in attire.ARCHIVED for version in page.rows):
        return False
    get = SERVICE.model.operations["GetObject"]
    asked = ({"Bucket": bucket.name, "Key": version.key} for version in page.rows)
    allows = ctx.home.authorization.allows
    return all(allows(ctx, get, request, "s3:GetObject", f"arn:aws:s3:::{bucket.name}/{request['Key']}") for request in asked)


@requires("s3:ListBucketVersions", BUCKET)
async def list_object_versions(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    bucket = bucket_of(ctx, request)
    asked = _Asked.of(request)
    key_marker, version_marker = request.get("KeyMarker", ""), request.get("VersionIdMarker", "")
    if "VersionIdMarker" in request and not key_marker:
        sentence = "A version-id marker cannot be specified without a key marker."
        raise invalid_argument(sentence, "version-id-marker", version_marker)
    order = _order_of(ctx, bucket, key_marker, version_marker)
    beyond = rolled_up(key_marker, asked.prefix, asked.delimiter) if key_marker.startswith(asked.prefix) else ""
    walk: Walk[_Listed] = walked(
        prefix=asked.prefix, delimiter=asked.delimiter, limit=asked.limit, after=key_marker, order=order, beyond=beyond, shows=_always
    )
    page = await _driven(walk, _versions_reader(ctx.store, bucket.name))
    ids = {(row.key, row.order): row.version.version_id for row in page.rows}
    return asked.members(bucket, page) | {
        "Versions": [_described_version(row, asked.encoding, bucket) for row in page.rows if not row.version.marker] or None,
        "DeleteMarkers": [_described_marker(row, asked.encoding, bucket) for row in page.rows if row.version.marker] or None,
        "IsTruncated": page.truncated,
        "KeyMarker": encoded(key_marker, asked.encoding),
        "VersionIdMarker": version_marker,
        "NextKeyMarker": encoded(page.last, asked.encoding) if page.truncated else None,
        "NextVersionIdMarker": ids.get((page.last, page.last_order)) if page.truncated else None,
    }


class _Asked(NamedTuple):
    """What all listings have in common."""

    prefix: str
    delimiter: str
    limit: int
    encoding: str | None

    @classmethod
    def of(cls, request: dict[str, Any]) -> _Asked:
        encoding = request.get("EncodingType")
        if encoding not in {None, "url"}:
            raise invalid_argument("Invalid Encoding Method specified in Request", "encoding-type", encoding)
        limit = request.get("MaxKeys", PAGE_MAX)
        if limit < 0:
            raise invalid_argument("Argument maxKeys must be an integer between 0 and 2147483647", "maxKeys", str(limit))
        return cls(request.get("Prefix", ""), request.get("Delimiter", ""), min(limit, PAGE_MAX), encoding)

    def members(self, bucket: Bucket, page: Page[Any]) -> dict[str, Any]:
        return {
            "Name": bucket.name,
            "Prefix": encoded(self.prefix, self.encoding),
            "Delimiter": encoded(self.delimiter, self.encoding) if self.delimiter else None,
            "MaxKeys": self.limit,
            "EncodingType": self.encoding,
            "CommonPrefixes": [{"Prefix": encoded(prefix, self.encoding)} for prefix in page.prefixes] or None,
        }


def _contents(
    ctx: Context, request: dict[str, Any], asked: _Asked, owned_by: Bucket | None, page: Page[ObjectVersion]
) -> list[dict[str, Any]] | None:
    shown = [described(version, asked.encoding, owned_by) for version in page.rows]
    if RESTORE_STATUS in request.get("OptionalObjectAttributes", ()):
        now = ctx.clock.now()
        for one, version in zip(shown, page.rows, strict=True):
            if (status := attire.restore_status(version, now)) is not None:
                one[RESTORE_STATUS] = status
    return shown or None


def described(version: ObjectVersion, encoding: str | None, owned_by: Bucket | None) -> dict[str, Any]:
    """An object as a listing shows it."""
    shown = {
        "Key": encoded(version.key, encoding),
        "LastModified": version.modified_at,
        "ETag": f'"{version.etag}"',
        "Size": version.size,
        "StorageClass": version.storage_class,
    }
    if version.checksum:
        shown["ChecksumAlgorithm"] = [version.checksum_algorithm]
        shown["ChecksumType"] = version.checksum_type
    if owned_by is not None:
        shown["Owner"] = owner_of(owned_by)
    return shown


# -- reading a page --------------------------------------------------------------------------------------------------------


async def _page(store: Store, bucket: Bucket, asked: _Asked, *, after: str, beyond: str) -> Page[ObjectVersion]:
    walk: Walk[ObjectVersion] = walked(
        prefix=asked.prefix, delimiter=asked.delimiter, limit=asked.limit, after=after, beyond=beyond, shows=_is_object
    )
    return await _driven(walk, _objects_reader(store, bucket.name))


def _is_object(version: ObjectVersion) -> bool:
    return not version.marker


def _always(_: Any) -> bool:
    return True


async def _driven(walk: Walk[R], read: Reader[R]) -> Page[R]:
    try:
        seek = next(walk)
        while True:
            seek = walk.send(await read(seek))
    except StopIteration as end:
        page: Page[R] = end.value
        return page


def _objects_reader(store: Store, bucket: str) -> Reader[ObjectVersion]:
    async def read(seek: Seek) -> tuple[list[ObjectVersion], bool]:
        rows = await store.range(OBJECTS, bucket, limit=seek.limit, **_bounds(seek))
        return rows, len(rows) == seek.limit

    return read


def _bounds(seek: Seek) -> dict[str, Any]:
    return {
        "prefix": sortable(seek.prefix),
        "after": None if seek.after is None else sortable(seek.after),
        "beyond": None if seek.beyond is None else sortable(seek.beyond),
    }


class _Listed(NamedTuple):
    """A version, and whether it is its key's newest."""

    key: str
    order: str
    version: ObjectVersion
    latest: bool


def _versions_reader(store: Store, bucket: str) -> Reader[_Listed]:
    """Both tables, merged: by key, the newest first, then the old ones."""

    async def read(seek: Seek) -> tuple[list[_Listed], bool]:
        bounds = _bounds(seek)
        newest = await store.range(OBJECTS, bucket, limit=seek.limit, **bounds)
        older: list[ObjectVersion] = []
        if seek.after is not None and seek.order:  # first the rest of the key that the last page ended in
            older = await store.range(VERSIONS, bucket, sortable(seek.after), after=seek.order, limit=seek.limit)
        if len(older) < seek.limit:
            older += await store.range(VERSIONS, bucket, limit=seek.limit - len(older), **bounds)
        rows = [_Listed(version.key, version.order, version, True) for version in newest]
        rows += [_Listed(version.key, version.order, version, False) for version in older]
        rows.sort(key=lambda row: (row.key, row.order))
        # where one table's rows were cut off, those of the other are good only up to there
        if len(newest) == seek.limit:
            rows = [row for row in rows if row.key <= newest[-1].key]
        if len(older) == seek.limit:
            rows = [row for row in rows if (row.key, row.order) <= (older[-1].key, older[-1].order)]
        return rows, seek.limit in {len(newest), len(older)}

    return read


# -- positions -------------------------------------------------------------------------------------------------------------


def _order_of(ctx: Context, bucket: Bucket, key: str, version_id: str) -> str:
    """Where the version of a version-id marker stands among its key's; also when it is gone by now."""
    if not version_id:
        return ""
    keeper = Keeper.of(ctx)
    found = keeper.version(key, version_id, keeper.current(bucket.name, key))
    if found is not None:
        return found.order
    return "" if version_id == NULL else version_id[:ORDER_LENGTH]


def _token(page: Page[ObjectVersion]) -> str:
    kind = _AT_KEY if page.last_order else _AT_PREFIX
    return urlsafe_b64encode((kind + page.last).encode("utf-8", "surrogatepass")).decode("ascii")


def _position(token: str) -> tuple[str, str]:
    """(after, beyond): a key or a common prefix, whichever came last on the page before."""
    try:
        text = urlsafe_b64decode(token).decode("utf-8", "surrogatepass")
    except (NotBase64, UnicodeDecodeError):
        text = ""
    if text[:1] not in {_AT_KEY, _AT_PREFIX} or not text:
        raise invalid_argument("The continuation token provided is incorrect", "continuation-token")
    return (text[1:], "") if text[0] == _AT_KEY else ("", text[1:])


def _described_version(row: _Listed, encoding: str | None, bucket: Bucket) -> dict[str, Any]:
    return described(row.version, encoding, bucket) | {"VersionId": row.version.version_id, "IsLatest": row.latest}


def _described_marker(row: _Listed, encoding: str | None, bucket: Bucket) -> dict[str, Any]:
    return {
        "Key": encoded(row.key, encoding),
        "VersionId": row.version.version_id,
        "IsLatest": row.latest,
        "LastModified": row.version.modified_at,
        "Owner": owner_of(bucket),
    }
