"""Objects: put, get, head, delete. Most of what S3 is asked to do goes through `put_object` and `get_object`, so they are short."""

from __future__ import annotations

from typing import Any, Final

from headwater.aws.faults import fault
from headwater.aws.wire import Stream
from headwater.kernel.context import Context
from headwater.kernel.permissions import requires

from . import attire, checksums, conditions, encryption, events, expiry, locks, ranges
from .access import bucket_of, key_of
from .arns import OBJECT, bypasses, sets_acl, versioned
from .keeper import Keeper, now_of
from .records import ENABLED, Bucket, ObjectVersion
from .refusals import invalid_argument, invalid_request

IN_PLACE: Final = "x-headwater-in-place"
"""Asked of HEAD by engines of the house: the path of a plain file with the body, so that they read it without HTTP.

Of an encrypted or an archived body nothing is said: it is read over HTTP, by who may, when it can be."""
RESPONSE_OVERRIDES: Final = {
    "ResponseCacheControl": "CacheControl",
    "ResponseContentDisposition": "ContentDisposition",
    "ResponseContentEncoding": "ContentEncoding",
    "ResponseContentLanguage": "ContentLanguage",
    "ResponseContentType": "ContentType",
    "ResponseExpires": "Expires",
}
_OVERRIDES: Final = frozenset(RESPONSE_OVERRIDES)
PARTIAL_CONTENT: Final = 206


class Posted(dict[str, Any]):
    """The request of a browser's form: a put whose body does not say how long it is, and which is told as s3:ObjectCreated:Post."""


@requires("s3:PutObject", OBJECT)
@requires("s3:PutObjectTagging", OBJECT, when="Tagging")
@requires("s3:PutObjectAcl", OBJECT, when=sets_acl)
@requires("s3:PutObjectRetention", OBJECT, when="ObjectLockMode")
@requires("s3:PutObjectLegalHold", OBJECT, when="ObjectLockLegalHoldStatus")
async def put_object(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    bucket = bucket_of(ctx, request)
    key = key_of(request)
    attire.refuse_not_built(request)
    attire.check_acl(request, bucket)
    worn = attire.asked(request)
    if bucket.lock is not None or not locks.MEMBERS.isdisjoint(request):
        worn |= locks.asked(ctx, request, bucket)
    algorithm, given = checksums.asked(request, ctx.headers)
    sums_wanted = (algorithm or checksums.DEFAULT,)
    wanted = encryption.wanted(ctx, request, bucket)

    keeper = Keeper.of(ctx)
    body = request.get("Body")
    if type(request) is not Posted:
        check_length(ctx, body)
    seal = encryption.PLAIN if wanted is None else await encryption.sealed(ctx, bucket, key, wanted)
    arrived, (checksum,) = await keeper.bodies.take(body, sums_wanted, keys=seal.keys)
    with keeper.bodies.unless_refused(arrived.file):
        checksums.check_md5(request.get("ContentMD5"), arrived.etag)
        checksums.check_sum(algorithm, given, checksum, body)
        new = ObjectVersion(
            bucket=bucket.name,
            key=key,
            order="",
            modified_at=now_of(ctx),
            size=arrived.size,
            etag=seal.etag(arrived),
            body=arrived.inline,
            file=arrived.file,
            encryption=seal.encryption,
            checksum_algorithm=sums_wanted[0],
            checksum=checksum,
            **worn,
        )
        written = await keeper.write(ctx, new, request, told=events.POSTED if type(request) is Posted else events.PUT)
    ctx.bus.publish("s3/object-created", written)
    return {**as_written(written, bucket), **checksum_members(written)}


def check_length(ctx: Context, body: Stream | bytes | None) -> None:
    """Raise for a body from the wire that does not say how long it is."""
    if isinstance(body, Stream) and body.length is None and ctx.headers and "x-amz-decoded-content-length" not in ctx.headers:
        raise fault("MissingContentLength", "You must provide the Content-Length HTTP header.")


@requires(versioned("s3:GetObject"), OBJECT)
async def get_object(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    bucket = bucket_of(ctx, request)
    keeper = Keeper.of(ctx)
    version = keeper.find(ctx, bucket.name, key_of(request), request.get("VersionId"), "GET")
    attire.refuse_not_built(request)
    check_conditions(ctx, request, version)
    if version.storage_class in attire.ARCHIVED:
        attire.check_readable(version, ctx.clock.now())
    reader = None
    if version.encryption is not None or not encryption.OF_CUSTOMER.isdisjoint(request):
        reader = await encryption.reader(ctx, keeper.bodies, bucket, version, request)
    result = described(version, bucket)
    if bucket.lifecycle is not None and "VersionId" not in request:
        result["Expiration"] = expiry.shown(bucket, version)
    if version.retained_mode or version.legal_hold:
        result |= locks.shown(ctx, request, version)
    if version.restored_at is not None:
        result["Restore"] = attire.restore_of(version, ctx.clock.now())
    first, length = _select(ctx, request, version, result)
    if reader is None:
        result["Body"] = keeper.bodies.read(version.body, version.file, first, length)
    else:
        result["Body"] = keeper.bodies.opened(reader, first, length)
    return _overridden(ctx, request, result)


@requires(versioned("s3:GetObject"), OBJECT)
async def head_object(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    bucket = bucket_of(ctx, request)
    keeper = Keeper.of(ctx)
    version = keeper.find(ctx, bucket.name, key_of(request), request.get("VersionId"), "HEAD")
    attire.refuse_not_built(request)
    check_conditions(ctx, request, version)
    encryption.check_key(version.encryption, request)
    if version.encryption is not None and request.get("ChecksumMode") == "ENABLED":  # of what is encrypted, a checksum tells something
        await encryption.opened(ctx, bucket, version.encryption, request)
    result = described(version, bucket)
    if bucket.lifecycle is not None and "VersionId" not in request:
        result["Expiration"] = expiry.shown(bucket, version)
    if version.retained_mode or version.legal_hold:
        result |= locks.shown(ctx, request, version)
    if version.restored_at is not None:
        result["Restore"] = attire.restore_of(version, ctx.clock.now())
    _select(ctx, request, version, result)
    if IN_PLACE in ctx.headers and version.encryption is None and version.storage_class not in attire.ARCHIVED:
        path = await keeper.bodies.in_place(version.order, version.body, version.file)
        ctx.reply_headers["x-headwater-file"] = str(path)
    return _overridden(ctx, request, result)


@requires(versioned("s3:DeleteObject"), OBJECT)
@requires("s3:BypassGovernanceRetention", OBJECT, when=bypasses)
async def delete_object(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    bucket = bucket_of(ctx, request)
    key = key_of(request)
    attire.refuse_not_built(request)
    keeper = Keeper.of(ctx)
    version_id = request.get("VersionId")
    if version_id is None:
        marker = await keeper.delete(ctx, bucket.name, key, request)
        return {} if marker is None else {"DeleteMarker": True, "VersionId": marker.version_id}
    gone = await keeper.delete_version(ctx, bucket.name, key, version_id, request)
    return {"VersionId": version_id, "DeleteMarker": True if gone is not None and gone.marker else None}


# -- what an object says of itself -----------------------------------------------------------------------------------------


def described(version: ObjectVersion, bucket: Bucket) -> dict[str, Any]:
    """A version as GET and HEAD show it, without its checksum."""
    result: dict[str, Any] = {
        "AcceptRanges": "bytes",
        "LastModified": version.modified_at,
        "ContentLength": version.size,
        "ETag": f'"{version.etag}"',
        "ContentType": version.content_type or attire.DEFAULT_TYPE,
        "Metadata": version.metadata,
        **(encryption.SHOWN_IN_THE_CLEAR if version.encryption is None else encryption.shown(version.encryption)),
    }
    if bucket.versioning:
        result["VersionId"] = version.version_id
    if version.headers:
        result.update(version.headers)
    if version.expires is not None:
        result["Expires"] = version.expires
    if version.storage_class != "STANDARD":
        result["StorageClass"] = version.storage_class
    if version.replication:
        result["ReplicationStatus"] = version.replication
    if version.tags:
        result["TagCount"] = len(version.tags)
    return result


def as_written(version: ObjectVersion, bucket: Bucket) -> dict[str, Any]:
    """What every write answers. Of a null version a copy alone tells the id (test_s3_copy_object_in_place_suspended_only)."""
    told = encryption.SHOWN_IN_THE_CLEAR if version.encryption is None else encryption.shown_to_writer(version.encryption)
    result: dict[str, Any] = {"ETag": f'"{version.etag}"', **told}
    if bucket.lifecycle is not None:
        result["Expiration"] = expiry.shown(bucket, version)
    if bucket.versioning == ENABLED:
        result["VersionId"] = version.version_id
    return result


def checksum_members(version: ObjectVersion) -> dict[str, Any]:
    if not version.checksum:
        return {}
    return {checksums.member(version.checksum_algorithm): version.checksum, "ChecksumType": version.checksum_type}


def check_conditions(ctx: Context, request: dict[str, Any], version: ObjectVersion) -> None:
    """Raise 412 or 304 where the request's conditions say so."""
    if conditions.READ_CONDITIONS.isdisjoint(request) or conditions.check_read(request, version, ctx.clock.now()):
        return
    ctx.reply_headers["ETag"] = f'"{version.etag}"'
    raise fault("NotModified", "Not Modified")


def _select(ctx: Context, request: dict[str, Any], version: ObjectVersion, result: dict[str, Any]) -> tuple[int, int]:
    """First byte and length of what is asked for; completes `result` for a part of the object, and with its checksum."""
    wants_checksum = request.get("ChecksumMode") == "ENABLED"
    if "PartNumber" in request:
        return _select_part(ctx, request, version, result, wants_checksum)
    chosen = ranges.asked(request["Range"], version.size) if "Range" in request else None
    if wants_checksum and (chosen is None or chosen == (0, version.size - 1)):
        result.update(checksum_members(version))
    if chosen is None:
        return 0, version.size
    first, last = chosen
    _partial(ctx, version, first, last, result)
    return first, last - first + 1


def _select_part(
    ctx: Context, request: dict[str, Any], version: ObjectVersion, result: dict[str, Any], wants_checksum: bool
) -> tuple[int, int]:
    if "Range" in request:
        raise invalid_request("Cannot specify both Range header and partNumber query parameter")
    number = request["PartNumber"]
    if not 1 <= number <= 10_000:
        raise invalid_argument("Part number must be an integer between 1 and 10000, inclusive", "partNumber", str(number))
    count = max(1, len(version.parts))
    if number > count:
        raise fault(
            "InvalidPartNumber",
            "The requested partnumber is not satisfiable",
            ActualPartCount=str(count),
            PartNumberRequested=str(number),
        )
    if not version.parts:
        if version.size:
            _partial(ctx, version, 0, version.size - 1, result)
        if wants_checksum:
            result.update(checksum_members(version))
        return 0, version.size
    part = version.parts[number - 1]
    first = sum(earlier.size for earlier in version.parts[: number - 1])
    _partial(ctx, version, first, first + part.size - 1, result)
    result["PartsCount"] = count
    if wants_checksum and version.checksum_type == checksums.COMPOSITE:
        result |= {checksums.member(version.checksum_algorithm): part.checksum, "ChecksumType": version.checksum_type}
    return first, part.size


def _partial(ctx: Context, version: ObjectVersion, first: int, last: int, result: dict[str, Any]) -> None:
    result["ContentRange"] = f"bytes {first}-{last}/{version.size}"
    result["ContentLength"] = last - first + 1
    ctx.reply_status = PARTIAL_CONTENT


def _overridden(ctx: Context, request: dict[str, Any], result: dict[str, Any]) -> dict[str, Any]:
    """response-content-type and its like: what the caller wants the answer's headers to say."""
    wanted = _OVERRIDES.intersection(request)
    if wanted and ctx.principal.kind == "anonymous":
        raise invalid_request("Request specific response headers cannot be used for anonymous GET requests.")
    for name in wanted:
        result[RESPONSE_OVERRIDES[name]] = request[name]
    return result
