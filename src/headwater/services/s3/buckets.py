"""Buckets: their making, finding and ending. Names are global, so another account's bucket takes a name away from everyone."""

from __future__ import annotations

import re
from typing import Any, Final

from headwater.aws.faults import Fault, fault
from headwater.kernel.context import Context
from headwater.kernel.identity import canonical_id
from headwater.kernel.permissions import requires

from . import grants, tags
from .access import bucket_of
from .arns import ALL_BUCKETS, BUCKET, sets_acl, tags_bucket
from .keeper import Keeper, end_upload
from .records import BUCKETS, CONFIGURATIONS, ENABLED, OBJECTS, UPLOADS, Bucket, Grant, ObjectLock
from .refusals import access_denied, header_not_built, invalid_argument, malformed_xml

HOME_REGION: Final = "us-east-1"
"""The region that has no LocationConstraint, and whose endpoint makes buckets anywhere."""
LEGACY_REGIONS: Final = {"EU": "eu-west-1"}
REGION: Final = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")
NAME: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
ADDRESS: Final = re.compile(r"\d+\.\d+\.\d+\.\d+")
RESERVED_STARTS: Final = ("xn--", "sthree-", "amzn-s3-demo-")
RESERVED_ENDS: Final = ("-s3alias", "--ols-s3", ".mrap", "--x-s3", "--table-s3")
OWNERSHIPS: Final = ("BucketOwnerPreferred", "ObjectWriter", "BucketOwnerEnforced")
BUCKETS_MAX: Final = 10_000
LIST_MAX: Final = 10_000
ALL_BLOCKED: Final = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True, "RestrictPublicBuckets": True}
"""What AWS gives every new bucket since April 2023."""


@requires("s3:CreateBucket", BUCKET)
@requires("s3:PutBucketAcl", BUCKET, when=sets_acl)
@requires("s3:PutBucketOwnershipControls", BUCKET, when="ObjectOwnership")
@requires("s3:TagResource", BUCKET, when=tags_bucket)
@requires("s3:PutBucketObjectLockConfiguration", BUCKET, when="ObjectLockEnabledForBucket")
@requires("s3:PutBucketVersioning", BUCKET, when="ObjectLockEnabledForBucket")
async def create_bucket(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    name = request["Bucket"]
    if ctx.principal.kind == "anonymous":
        raise access_denied()
    check_name(name)
    configuration = request.get("CreateBucketConfiguration") or {}
    region, location = region_for(ctx.region, configuration.get("LocationConstraint"))
    ownership = _ownership(request)
    granted = _grants(request, ownership)
    _refuse_not_built(request, configuration)
    wanted_tags = _tags(configuration.get("Tags") or [])

    existing = ctx.store.get(BUCKETS, name)
    if existing is not None:
        if existing.account != ctx.account:
            raise name_taken(name)
        if existing.region != HOME_REGION or region != HOME_REGION or wanted_tags:
            raise already_yours(name)
        return _made(existing)  # us-east-1 keeps to its old ways
    _check_count(ctx)

    locked = bool(request.get("ObjectLockEnabledForBucket"))
    bucket = Bucket(
        name=name,
        account=ctx.account,
        region=region,
        created_at=ctx.clock.now().replace(microsecond=0),
        location=location,
        tags=wanted_tags,
        ownership=ownership,
        grants=granted,
        public_access_block=ALL_BLOCKED,
        versioning=ENABLED if locked else "",
        lock=ObjectLock() if locked else None,
        plain=not locked,
    )
    async with ctx.store.transaction() as tx:
        tx.put(BUCKETS, bucket)
    return _made(bucket)


def _made(bucket: Bucket) -> dict[str, Any]:
    location = f"/{bucket.name}" if bucket.region == HOME_REGION else f"http://{bucket.name}.s3.amazonaws.com/"
    return {"Location": location, "BucketArn": arn_of(bucket)}


@requires("s3:ListBucket", BUCKET)
async def head_bucket(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    bucket = bucket_of(ctx, request)
    return {"BucketArn": arn_of(bucket), "BucketRegion": bucket.region, "AccessPointAlias": False}


@requires("s3:GetBucketLocation", BUCKET)
async def get_bucket_location(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    bucket = bucket_of(ctx, request)
    return {"LocationConstraint": bucket.location or None}


@requires("s3:ListAllMyBuckets", ALL_BUCKETS)
async def list_buckets(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    if ctx.principal.kind == "anonymous":
        raise access_denied()
    prefix, region = request.get("Prefix", ""), request.get("BucketRegion")
    limit = request.get("MaxBuckets", LIST_MAX)
    if not 1 <= limit <= LIST_MAX:
        raise invalid_argument(f"Argument max-buckets must be an integer between 1 and {LIST_MAX}", "max-buckets", str(limit))
    after = request.get("ContinuationToken", "")
    found = [
        bucket
        for bucket in ctx.store.scan(BUCKETS)
        if bucket.account == ctx.account and bucket.name > after and bucket.name.startswith(prefix) and region in {None, bucket.region}
    ]
    shown = found[:limit]
    paged = bool({"Prefix", "BucketRegion", "MaxBuckets", "ContinuationToken"} & request.keys())
    return {
        "Buckets": [described(bucket, paged) for bucket in shown],
        "Owner": {"ID": canonical_id(ctx.account)},
        "ContinuationToken": shown[-1].name if len(found) > limit else None,
        "Prefix": prefix or None,
    }


def described(bucket: Bucket, with_region: bool) -> dict[str, Any]:
    """A bucket as a listing shows it; its region only where the request was one that can be paged, as AWS does."""
    shown = {"Name": bucket.name, "CreationDate": bucket.created_at, "BucketArn": arn_of(bucket)}
    if with_region:
        shown["BucketRegion"] = bucket.region
    return shown


@requires("s3:DeleteBucket", BUCKET)
async def delete_bucket(ctx: Context, request: dict[str, Any]) -> None:
    """Only an empty one; while we look, it takes no writes."""
    bucket = bucket_of(ctx, request)
    keeper = Keeper.of(ctx)
    keeper.writable(bucket.name)
    keeper.closing.add(bucket.name)
    try:
        if await ctx.store.range(OBJECTS, bucket.name, limit=1):
            raise not_empty(bucket.name)
        async with ctx.store.transaction() as tx:
            tx.delete(BUCKETS, bucket.name)
            uploads = ctx.store.scan(UPLOADS, bucket.name)
            files = [file for upload in uploads for file in end_upload(ctx.store, tx, upload)]
            for one in ctx.store.scan(CONFIGURATIONS, bucket.name):
                tx.delete(CONFIGURATIONS, one.bucket, one.kind, one.id)
    finally:
        keeper.closing.discard(bucket.name)
    await keeper.bodies.remove_all(files)


# -- rules -----------------------------------------------------------------------------------------------------------------


def arn_of(bucket: Bucket) -> str:
    return f"arn:aws:s3:::{bucket.name}"


def check_name(name: str) -> None:
    """Raise for a name that a bucket may not have. Source: "General purpose bucket naming rules"."""
    if (
        NAME.fullmatch(name)
        and ".." not in name
        and not ADDRESS.fullmatch(name)
        and not name.startswith(RESERVED_STARTS)
        and not name.endswith(RESERVED_ENDS)
    ):
        return
    raise fault("InvalidBucketName", "The specified bucket is not valid.", BucketName=name)


def region_for(endpoint: str, constraint: str | None) -> tuple[str, str]:
    """The region of a new bucket and the LocationConstraint it will show, or what AWS says of the constraint."""
    if endpoint != HOME_REGION:
        if constraint is None or LEGACY_REGIONS.get(constraint, constraint) != endpoint:
            words = constraint or "unspecified"
            sentence = f"The {words} location constraint is incompatible for the region specific endpoint this request was sent to."
            raise fault("IllegalLocationConstraintException", sentence)
        return endpoint, constraint
    if not constraint:
        return HOME_REGION, ""
    region = LEGACY_REGIONS.get(constraint, constraint)
    if region == HOME_REGION or not REGION.fullmatch(region):
        raise fault("InvalidLocationConstraint", "The specified location-constraint is not valid", LocationConstraint=constraint)
    return region, constraint


def _ownership(request: dict[str, Any]) -> str:
    asked: str = request.get("ObjectOwnership", "BucketOwnerEnforced")
    if asked not in OWNERSHIPS:
        raise invalid_argument(f"Invalid x-amz-object-ownership header: {asked}", "x-amz-object-ownership")
    return asked


def _grants(request: dict[str, Any], ownership: str) -> list[Grant] | None:
    """A new bucket's access control list. Its public access is blocked, so a public list has to wait for the block's end."""
    if not grants.are_asked(request):
        return None
    asked = grants.asked(request, grants.CANNED_OF_BUCKETS)
    if ownership == grants.ENFORCED and request.get("ACL") not in {"private", grants.OWNERS_ALONE}:
        sentence = "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting"
        raise fault("InvalidBucketAclWithObjectOwnership", sentence)
    if grants.is_public(asked):
        raise fault("InvalidBucketAclWithBlockPublicAccessError", "Bucket cannot have public ACLs set with BlockPublicAccess enabled")
    return asked


def _refuse_not_built(request: dict[str, Any], configuration: dict[str, Any]) -> None:
    if request.get("BucketNamespace", "global") != "global":
        raise header_not_built("x-amz-bucket-namespace")
    if configuration.get("Bucket") or configuration.get("Location"):
        raise fault("NotImplemented", "Directory buckets are not built.")


def _tags(tag_set: list[dict[str, Any]]) -> dict[str, str]:
    if any(tag.get("Key") is None or tag.get("Value") is None for tag in tag_set):
        raise malformed_xml()
    if any(tag["Key"].startswith("aws:") for tag in tag_set):
        raise fault(
            "InvalidTag",
            'User-defined tag keys can\'t start with "aws:". This prefix is reserved for system tags. '
            'Remove "aws:" from your tag keys and try again.',
        )
    return tags.of_set(tag_set, "")


def _check_count(ctx: Context) -> None:
    if sum(bucket.account == ctx.account for bucket in ctx.store.scan(BUCKETS)) >= BUCKETS_MAX:
        raise fault("TooManyBuckets", "You have attempted to create more buckets than allowed")


def name_taken(name: str) -> Fault:
    return fault(
        "BucketAlreadyExists",
        "The requested bucket name is not available. The bucket namespace is shared by all users of the system. "
        "Please select a different name and try again.",
        BucketName=name,
    )


def already_yours(name: str) -> Fault:
    sentence = "Your previous request to create the named bucket succeeded and you already own it."
    return fault("BucketAlreadyOwnedByYou", sentence, BucketName=name)


def not_empty(name: str) -> Fault:
    return fault("BucketNotEmpty", "The bucket you tried to delete is not empty", BucketName=name)
