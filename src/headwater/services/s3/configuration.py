"""What a bucket is told about itself: versioning, ownership, the blocks of public access.

Versioning and ownership are obeyed by this room. The blocks are obeyed where policies and lists are written (`policies`, `grants`) and
where they are read (`authorization`).
"""

from __future__ import annotations

from typing import Any, Final

from msgspec.structs import replace

from headwater.aws.faults import fault
from headwater.kernel.context import Context
from headwater.kernel.permissions import requires

from .access import bucket_of
from .arns import BUCKET
from .buckets import ALL_BLOCKED, OWNERSHIPS
from .records import BUCKETS, ENABLED, Bucket
from .refusals import header_not_built, malformed_xml

STATUSES: Final = ("Enabled", "Suspended")


async def _keep(ctx: Context, bucket: Bucket, status: int = 0) -> None:
    async with ctx.store.transaction() as tx:
        tx.put(BUCKETS, bucket)
    ctx.reply_status = status


@requires("s3:GetBucketVersioning", BUCKET)
async def get_bucket_versioning(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    return {"Status": bucket_of(ctx, request).versioning or None}


@requires("s3:PutBucketVersioning", BUCKET)
async def put_bucket_versioning(ctx: Context, request: dict[str, Any]) -> None:
    bucket = bucket_of(ctx, request)
    asked = request["VersioningConfiguration"]
    status = asked.get("Status")
    if not status:
        raise fault("IllegalVersioningConfigurationException", "The Versioning element must be specified")
    if status not in STATUSES:
        raise malformed_xml()
    if asked.get("MFADelete", "Disabled") != "Disabled":
        raise header_not_built("x-amz-mfa")
    if bucket.lock is not None and status != ENABLED:
        sentence = "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed."
        raise fault("InvalidBucketState", sentence)
    if bucket.replication is not None and status != ENABLED:
        sentence = "A replication configuration is present on this bucket, so you cannot change the versioning state. "
        raise fault("InvalidBucketState", f"{sentence}To change the versioning state, first delete the replication configuration.")
    await _keep(ctx, replace(bucket, versioning=status, plain=False))


@requires("s3:GetBucketOwnershipControls", BUCKET)
async def get_bucket_ownership_controls(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    bucket = bucket_of(ctx, request)
    if not bucket.ownership:
        raise fault("OwnershipControlsNotFoundError", "The bucket ownership controls were not found", BucketName=bucket.name)
    return {"OwnershipControls": {"Rules": [{"ObjectOwnership": bucket.ownership}]}}


@requires("s3:PutBucketOwnershipControls", BUCKET)
async def put_bucket_ownership_controls(ctx: Context, request: dict[str, Any]) -> None:
    bucket = bucket_of(ctx, request)
    rules = request["OwnershipControls"].get("Rules") or []
    if len(rules) != 1 or rules[0].get("ObjectOwnership") not in OWNERSHIPS:
        raise malformed_xml()
    await _keep(ctx, replace(bucket, ownership=rules[0]["ObjectOwnership"]))


@requires("s3:PutBucketOwnershipControls", BUCKET)
async def delete_bucket_ownership_controls(ctx: Context, request: dict[str, Any]) -> None:
    await _keep(ctx, replace(bucket_of(ctx, request), ownership=""))


@requires("s3:GetBucketPublicAccessBlock", BUCKET)
async def get_public_access_block(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    bucket = bucket_of(ctx, request)
    if bucket.public_access_block is None:
        sentence = "The public access block configuration was not found"
        raise fault("NoSuchPublicAccessBlockConfiguration", sentence, BucketName=bucket.name)
    return {"PublicAccessBlockConfiguration": bucket.public_access_block}


@requires("s3:PutBucketPublicAccessBlock", BUCKET)
async def put_public_access_block(ctx: Context, request: dict[str, Any]) -> None:
    bucket = bucket_of(ctx, request)
    asked = request["PublicAccessBlockConfiguration"]
    if not asked:
        raise fault("InvalidRequest", "Must specify at least one configuration.")
    await _keep(ctx, replace(bucket, public_access_block={name: bool(asked.get(name, False)) for name in ALL_BLOCKED}))


@requires("s3:PutBucketPublicAccessBlock", BUCKET)
async def delete_public_access_block(ctx: Context, request: dict[str, Any]) -> None:
    await _keep(ctx, replace(bucket_of(ctx, request), public_access_block=None))
