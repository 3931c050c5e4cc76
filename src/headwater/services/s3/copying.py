"""Copies, whole (CopyObject) and of a range into a part (UploadPartCopy).

A whole copy whose checksum and ETag stay the same is a hard link of the body's file; one that changes them (another algorithm,
or a source that came in parts) reads the source once.
"""

from __future__ import annotations

from typing import Any, Final

from headwater.aws.wire import Stream
from headwater.kernel.context import Context
from headwater.kernel.permissions import requires

from . import attire, checksums, conditions, encryption, locks, ranges
from .access import bucket_of, key_of
from .arns import OBJECT, copies_tags, copy_gets_tags, of_source, sets_acl, source_object, split_source
from .bodies import SINGLE_PUT_BYTES_MAX, Arrived, Bodies
from .encryption import Seal
from .keeper import Keeper, now_of
from .multipart import PartSums, part_number, part_seal, upload_of
from .objects import as_written, checksum_members
from .records import NULL, Bucket, ObjectVersion
from .refusals import invalid_argument, invalid_request

DIRECTIVES: Final = ("COPY", "REPLACE")
SOURCE: Final = "CopySource"
"""Begins the members that speak of the source."""


@requires("s3:PutObject", OBJECT)
@requires(of_source("s3:GetObject"), source_object)
@requires(of_source("s3:GetObject", "Tagging"), source_object, when=copies_tags)
@requires("s3:PutObjectTagging", OBJECT, when=copy_gets_tags)
@requires("s3:PutObjectAcl", OBJECT, when=sets_acl)
@requires("s3:PutObjectRetention", OBJECT, when="ObjectLockMode")
@requires("s3:PutObjectLegalHold", OBJECT, when="ObjectLockLegalHoldStatus")
async def copy_object(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    bucket = bucket_of(ctx, request)
    key = key_of(request)
    attire.refuse_not_built(request)
    attire.check_acl(request, bucket)
    source_bucket, source = _source(ctx, request)
    if source.size > SINGLE_PUT_BYTES_MAX:
        sentence = "The specified copy source is larger than the maximum allowable size for a copy source: 5368709120"
        raise invalid_request(sentence)
    check_in_place(request, bucket, key, source)
    worn = _worn(request, source) | locks.asked(ctx, request, bucket)

    keeper = Keeper.of(ctx)
    algorithm = _algorithm(request) or source.checksum_algorithm or checksums.DEFAULT
    arrived, checksum, seal = await _copied(ctx, request, bucket, source_bucket, source, algorithm)
    with keeper.bodies.unless_refused(arrived.file):
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
            checksum_algorithm=algorithm,
            checksum=checksum,
            **worn,
        )
        written = await keeper.write(ctx, new, request, told="ObjectCreated:Copy")
    ctx.bus.publish("s3/object-created", written)
    result = as_written(written, bucket)
    if bucket.versioning:
        result["VersionId"] = written.version_id
    result["CopyObjectResult"] = {"ETag": result.pop("ETag"), "LastModified": written.modified_at, **checksum_members(written)}
    return result | _source_version(source_bucket, source)


@requires("s3:PutObject", OBJECT)
@requires(of_source("s3:GetObject"), source_object)
async def upload_part_copy(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    bucket = bucket_of(ctx, request)
    attire.refuse_not_built(request)
    number = part_number(request)
    upload = upload_of(ctx, bucket, request)
    source_bucket, source = _source(ctx, request)
    first, last = 0, source.size - 1
    if "CopySourceRange" in request:
        first, last = ranges.of_source(request["CopySourceRange"], source.size)
    keeper = Keeper.of(ctx)
    sums_of = PartSums(upload, number, "")
    stream = await _source_stream(ctx, request, source_bucket, source, first, last - first + 1)
    seal = await part_seal(ctx, bucket, upload, request)
    arrived, sums = await keeper.bodies.take(stream, sums_of.algorithms, inline=False, keys=seal.keys)
    with keeper.bodies.unless_refused(arrived.file):
        part = sums_of.part(arrived.size, seal.etag(arrived), arrived.file, sums, ctx)
        await keeper.keep_part(upload, part)
    result: dict[str, Any] = {"ETag": f'"{part.etag}"', "LastModified": part.modified_at}
    if upload.checksum_algorithm:
        result[checksums.member(upload.checksum_algorithm)] = part.checksum
    return {"CopyPartResult": result} | encryption.shown(upload.encryption) | _source_version(source_bucket, source)


# -- the source ------------------------------------------------------------------------------------------------------------


def named_source(text: str) -> tuple[str, str, str | None]:
    """(bucket, key, version id) of an x-amz-copy-source that names an object."""
    bucket, key, version_id = split_source(text)
    if not bucket or not key:
        raise invalid_argument("Invalid copy source object key", "x-amz-copy-source", "x-amz-copy-source")
    return bucket, key, version_id


def _source(ctx: Context, request: dict[str, Any]) -> tuple[Bucket, ObjectVersion]:
    name, key, version_id = named_source(request["CopySource"])
    asked = {"Bucket": name}
    if "ExpectedSourceBucketOwner" in request:
        asked["ExpectedBucketOwner"] = request["ExpectedSourceBucketOwner"]
    if "RequestPayer" in request:
        asked["RequestPayer"] = request["RequestPayer"]
    bucket = bucket_of(ctx, asked)
    source = Keeper.of(ctx).find(ctx, bucket.name, key, version_id, "COPY")
    conditions.check_copy(request, source, ctx.clock.now())
    attire.check_readable(source, ctx.clock.now())
    return bucket, source


def _source_version(bucket: Bucket, source: ObjectVersion) -> dict[str, Any]:
    """Which version was copied; of the null version nothing is said (test_s3_copy_object_in_place_suspended_only)."""
    return {"CopySourceVersionId": source.version_id} if bucket.versioning and source.version_id != NULL else {}


def check_in_place(request: dict[str, Any], bucket: Bucket, key: str, source: ObjectVersion) -> None:
    """Raise for a copy of an object onto itself that would change nothing."""
    if (source.bucket, source.key) != (bucket.name, key) or bucket.versioning == "Enabled" or "VersionId" in request:
        return
    changes = ("StorageClass", *encryption.MEMBERS, "WebsiteRedirectLocation", "ChecksumAlgorithm")
    if request.get("MetadataDirective") == "REPLACE" or bucket.encryption is not None or any(name in request for name in changes):
        return
    raise invalid_request(
        "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, "
        "storage class, website redirect location or encryption attributes."
    )


def _directive(request: dict[str, Any], member: str, header: str, sentence: str) -> str:
    asked: str = request.get(member, "COPY")
    if asked not in DIRECTIVES:
        raise invalid_argument(sentence, header, asked)
    return asked


def _worn(request: dict[str, Any], source: ObjectVersion) -> dict[str, Any]:
    """What the copy wears: the source's metadata and tags or the request's; storage class, redirect and grants are never the source's."""
    about_metadata = _directive(request, "MetadataDirective", "x-amz-metadata-directive", "Unknown metadata directive.")
    about_tags = _directive(request, "TaggingDirective", "x-amz-tagging-directive", "Unknown tagging directive.")
    asked, worn = attire.asked_in_full(request), attire.worn(source)
    if about_metadata == "REPLACE":
        worn |= {name: asked[name] for name in ("content_type", "headers", "expires", "metadata")}
    else:
        redirect = asked["headers"].get("WebsiteRedirectLocation")
        worn["headers"] = {name: value for name, value in source.headers.items() if name != "WebsiteRedirectLocation"}
        if redirect is not None:
            worn["headers"]["WebsiteRedirectLocation"] = redirect
    if about_tags == "REPLACE":
        worn["tags"] = asked["tags"]
    worn |= {"storage_class": asked["storage_class"], "grants": asked["grants"]}
    return worn


def _algorithm(request: dict[str, Any]) -> str:
    asked: str = request.get("ChecksumAlgorithm", "")
    if asked and asked not in checksums.SIZES:
        checksums.type_for(asked, None)
    return asked


async def _copied(
    ctx: Context, request: dict[str, Any], bucket: Bucket, source_bucket: Bucket, source: ObjectVersion, algorithm: str
) -> tuple[Arrived, str, Seal]:
    """The source's bytes under a name of their own, encrypted as the copy is to be, with their checksum."""
    bodies = Keeper.of(ctx).bodies
    wanted = encryption.wanted(ctx, request, bucket)
    if wanted is None and not encryption.concerns(source.encryption, request, SOURCE):
        return (*await _copied_in_the_clear(bodies, source, algorithm), encryption.PLAIN)
    stream = await _source_stream(ctx, request, source_bucket, source, 0, source.size)
    seal = encryption.PLAIN if wanted is None else await encryption.sealed(ctx, bucket, request["Key"], wanted)
    arrived, (checksum,) = await bodies.take(stream, [algorithm], keys=seal.keys)
    return arrived, checksum, seal


async def _copied_in_the_clear(bodies: Bodies, source: ObjectVersion, algorithm: str) -> tuple[Arrived, str]:
    same = algorithm == source.checksum_algorithm and source.checksum_type == checksums.FULL_OBJECT and not source.parts
    if same and not source.file:
        return Arrived(source.size, source.etag, inline=source.body), source.checksum
    if same and (file := await bodies.twin(source.file)) is not None:
        return Arrived(source.size, source.etag, file=file), source.checksum
    stream = bodies.source(source.body, source.file, 0, source.size)
    arrived, (checksum,) = await bodies.take(stream, [algorithm])
    return arrived, checksum


async def _source_stream(ctx: Context, request: dict[str, Any], bucket: Bucket, source: ObjectVersion, first: int, length: int) -> Stream:
    """What the source holds, as a body that is to be taken again; its file is opened before anything is waited for."""
    bodies = Keeper.of(ctx).bodies
    if not encryption.concerns(source.encryption, request, SOURCE):
        return bodies.source(source.body, source.file, first, length)
    found = bodies.opened(await encryption.reader(ctx, bodies, bucket, source, request, SOURCE), first, length)
    return found if isinstance(found, Stream) else Stream.of(found)
