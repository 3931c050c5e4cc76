"""The access control lists of buckets and objects, as sub-resources. What lists are, and what they mean, stands in `grants`."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from headwater.aws.faults import fault
from headwater.kernel.context import Context
from headwater.kernel.identity import canonical_id
from headwater.kernel.permissions import requires

from . import events, grants
from .access import bucket_of, key_of
from .arns import BUCKET, OBJECT, versioned
from .keeper import Keeper
from .records import BUCKETS, Bucket, Grant


@requires("s3:GetBucketAcl", BUCKET)
async def get_bucket_acl(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    bucket = bucket_of(ctx, request)
    return grants.described(_in_force(bucket, bucket.grants), canonical_id(bucket.account))


@requires("s3:PutBucketAcl", BUCKET)
async def put_bucket_acl(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    bucket = bucket_of(ctx, request)
    asked = _asked(request, bucket, grants.CANNED_OF_BUCKETS)
    async with ctx.store.transaction() as tx:
        tx.put(BUCKETS, replace(bucket, grants=asked))
    return {}


@requires(versioned("s3:GetObject", "Acl"), OBJECT)
async def get_object_acl(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    bucket = bucket_of(ctx, request)
    version = Keeper.of(ctx).find(ctx, bucket.name, key_of(request), request.get("VersionId"), "GET")
    return grants.described(_in_force(bucket, version.grants), canonical_id(bucket.account))


@requires(versioned("s3:PutObject", "Acl"), OBJECT)
async def put_object_acl(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    bucket = bucket_of(ctx, request)
    keeper = Keeper.of(ctx)
    version = keeper.find(ctx, bucket.name, key_of(request), request.get("VersionId"), "PUT")
    asked = _asked(request, bucket, grants.CANNED_OF_OBJECTS)
    told = events.LISTED if asked != version.grants else ""  # who puts what stands there changes nothing
    await keeper.amend(ctx, replace(version, grants=asked), told)
    return {}


def _in_force(bucket: Bucket, kept: list[Grant] | None) -> list[Grant] | None:
    """While the bucket's owner owns everything, lists are kept and without effect."""
    return None if bucket.ownership == grants.ENFORCED else kept


def _asked(request: dict[str, Any], bucket: Bucket, canned: dict[str, list[Grant] | None]) -> list[Grant] | None:
    """A list comes as a document or in headers, never as both."""
    document = request.get("AccessControlPolicy")
    if grants.are_asked(request):
        if document:
            raise fault("UnexpectedContent", "This request does not support content")
        asked = grants.asked(request, canned)
    elif document is not None:
        asked = grants.of_document(document, canonical_id(bucket.account))
    else:
        raise fault("MissingSecurityHeader", "Your request was missing a required header", MissingHeaderName="x-amz-acl")
    grants.check_for(bucket, asked, request.get("ACL"))
    return asked
