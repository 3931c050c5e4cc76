"""The tagging sub-resources of buckets and objects."""

from __future__ import annotations

from typing import Any, Final

from msgspec.structs import replace

from headwater.aws.faults import Fault, fault
from headwater.kernel.context import Context
from headwater.kernel.permissions import requires

from . import attire, events, tags
from .access import bucket_of, key_of
from .arns import BUCKET, OBJECT, versioned
from .keeper import Keeper
from .records import BUCKETS, Bucket, ObjectVersion
from .refusals import no_such_key

NO_CONTENT: Final = 204


@requires("s3:GetBucketTagging", BUCKET)
async def get_bucket_tagging(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    bucket = bucket_of(ctx, request)
    if not bucket.tags:
        raise fault("NoSuchTagSet", "The TagSet does not exist", BucketName=bucket.name)
    return {"TagSet": tags.described(bucket.tags)}


@requires("s3:PutBucketTagging", BUCKET)
async def put_bucket_tagging(ctx: Context, request: dict[str, Any]) -> None:
    bucket = bucket_of(ctx, request)
    found = tags.of_set(request["Tagging"].get("TagSet") or [], "System tags cannot be added/updated by requester")
    if len(found) > tags.BUCKET_TAGS_MAX:
        raise fault("BadRequest", f"Bucket tag count cannot be greater than {tags.BUCKET_TAGS_MAX}")
    await _keep(ctx, replace(bucket, tags=found))


@requires("s3:PutBucketTagging", BUCKET)
async def delete_bucket_tagging(ctx: Context, request: dict[str, Any]) -> None:
    await _keep(ctx, replace(bucket_of(ctx, request), tags={}))


async def _keep(ctx: Context, bucket: Bucket) -> None:
    async with ctx.store.transaction() as tx:
        tx.put(BUCKETS, bucket)
    ctx.reply_status = NO_CONTENT


@requires(versioned("s3:GetObject", "Tagging"), OBJECT)
async def get_object_tagging(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    bucket, version = _found(ctx, request, "GET")
    return {"TagSet": tags.described(version.tags)} | _version_id(bucket, version)


@requires(versioned("s3:PutObject", "Tagging"), OBJECT)
async def put_object_tagging(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    bucket, version = _found(ctx, request, "PUT")
    found = tags.of_set(request["Tagging"].get("TagSet") or [], "Your TagKey cannot be prefixed with aws:")
    if len(found) > attire.OBJECT_TAGS_MAX:
        raise attire.too_many_tags()
    await Keeper.of(ctx).amend(ctx, replace(version, tags=found), events.TAGGED)
    return _version_id(bucket, version)


@requires(versioned("s3:DeleteObject", "Tagging"), OBJECT)
async def delete_object_tagging(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    bucket, version = _found(ctx, request, "DELETE")
    await Keeper.of(ctx).amend(ctx, replace(version, tags={}), events.UNTAGGED)
    return _version_id(bucket, version)


def _found(ctx: Context, request: dict[str, Any], method: str) -> tuple[Bucket, ObjectVersion]:
    bucket = bucket_of(ctx, request)
    key = key_of(request)
    try:
        return bucket, Keeper.of(ctx).find(ctx, bucket.name, key, request.get("VersionId"), method)
    except Fault as refusal:
        if refusal.code == "NoSuchKey" and method == "GET":  # which alone names the bucket with the key (test_object_tagging_exc)
            raise no_such_key(f"{bucket.name}/{key}") from None
        raise


def _version_id(bucket: Bucket, version: ObjectVersion) -> dict[str, Any]:
    return {"VersionId": version.version_id} if bucket.versioning else {}
