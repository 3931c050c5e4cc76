"""What S3 tells the decision: whose a bucket is, what its policy and its access control lists say, and its own condition keys.

A bucket's owner is the one whom the decision asks across accounts, so a bucket answers also where it has no policy. The blocks of
public access are obeyed here for what was written before them: a public policy is then for the owner's account alone, and a list
is read without its public grants. Condition keys that a request does not carry are absent, not empty.
Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon S3", and "Bucket policy examples using
condition keys" of the user guide.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

from headwater.aws.policy.documents import Policy, parse
from headwater.aws.signature import moment_of
from headwater.kernel.context import Context
from headwater.kernel.service import ResourcePolicy

from . import SERVICE, grants
from .arns import split_source, tags_of
from .policies import is_public
from .records import BUCKETS, OBJECTS, Bucket, Grant, sortable

if TYPE_CHECKING:
    from headwater.kernel.home import Home

Request = dict[str, Any]
Values = str | Iterable[str] | None

PREFIX: Final = "arn:aws:s3:::"
OF_THE_POLICY: Final = frozenset({"s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy"})
SIGNED_SO: Final = "AWS4-HMAC-SHA256"
SIGNED_BEFORE: Final = "AWS"
OF_VERSION_2: Final = frozenset({"query v2", "form v2"})
AUTH_TYPES: Final = {
    "header": "REST-HEADER",
    "query": "REST-QUERY-STRING",
    "query v2": "REST-QUERY-STRING",
    "form": "POST",
    "form v2": "POST",
}
OF_MEMBERS: Final = {
    "s3:delimiter": "Delimiter",
    "s3:max-keys": "MaxKeys",
    "s3:x-amz-acl": "ACL",
    "s3:x-amz-grant-read": "GrantRead",
    "s3:x-amz-grant-write": "GrantWrite",
    "s3:x-amz-grant-read-acp": "GrantReadACP",
    "s3:x-amz-grant-write-acp": "GrantWriteACP",
    "s3:x-amz-grant-full-control": "GrantFullControl",
    "s3:x-amz-metadata-directive": "MetadataDirective",
    "s3:x-amz-object-ownership": "ObjectOwnership",
    "s3:x-amz-bucket-namespace": "BucketNamespace",
    "s3:x-amz-server-side-encryption": "ServerSideEncryption",
    "s3:x-amz-server-side-encryption-aws-kms-key-id": "SSEKMSKeyId",
    "s3:x-amz-server-side-encryption-customer-algorithm": "SSECustomerAlgorithm",
    "s3:x-amz-storage-class": "StorageClass",
    "s3:x-amz-website-redirect-location": "WebsiteRedirectLocation",
    "s3:if-match": "IfMatch",
    "s3:if-none-match": "IfNoneMatch",
    "s3:prefix": "Prefix",
}
"""Keys that are what the request says, and in which member it says so."""


def _said(member: str) -> Callable[[Context, Request], Values]:
    def said(ctx: Context, request: Request) -> Values:
        value = request.get(member)
        return None if value is None else str(value)

    return said


for _key, _member in OF_MEMBERS.items():
    SERVICE.condition_key(_key)(_said(_member))


@SERVICE.condition_key("s3:object-lock-mode")
def lock_mode(ctx: Context, request: Request) -> Values:
    found: str | None = request.get("ObjectLockMode") or (request.get("Retention") or {}).get("Mode")
    return found


@SERVICE.condition_key("s3:object-lock-legal-hold")
def legal_hold(ctx: Context, request: Request) -> Values:
    found: str | None = request.get("ObjectLockLegalHoldStatus") or (request.get("LegalHold") or {}).get("Status")
    return found


def _retained_until(request: Request) -> datetime | None:
    """As a header of a write, or in the document of PutObjectRetention."""
    until: datetime | None = request.get("ObjectLockRetainUntilDate") or (request.get("Retention") or {}).get("RetainUntilDate")
    return until


@SERVICE.condition_key("s3:object-lock-retain-until-date")
def retained_until(ctx: Context, request: Request) -> Values:
    until = _retained_until(request)
    return None if until is None else f"{until:%Y-%m-%dT%H:%M:%SZ}"


@SERVICE.condition_key("s3:object-lock-remaining-retention-days")
def remaining_days(ctx: Context, request: Request) -> Values:
    until = _retained_until(request)
    return None if until is None else str(max(0, -(-(until - ctx.clock.now()) // timedelta(days=1))))


@SERVICE.condition_key("s3:VersionId")
def version_id(ctx: Context, request: Request) -> Values:
    """Of a copy, the source's."""
    if "CopySource" in request:
        return split_source(request["CopySource"])[2]
    found: str | None = request.get("VersionId")
    return found


@SERVICE.condition_key("s3:x-amz-copy-source")
def copy_source(ctx: Context, request: Request) -> Values:
    """As BUCKET/KEY, decoded: in this form policies name it."""
    if "CopySource" not in request:
        return None
    bucket, key, version = split_source(request["CopySource"])
    return f"{bucket}/{key}" if version is None else f"{bucket}/{key}?versionId={version}"


@SERVICE.condition_key("s3:locationconstraint")
def location_constraint(ctx: Context, request: Request) -> Values:
    found: str | None = (request.get("CreateBucketConfiguration") or {}).get("LocationConstraint")
    return found


@SERVICE.condition_key("s3:ObjectCreationOperation")
def creates_object(ctx: Context, request: Request) -> Values:
    """A put, a copy and the end of an upload in parts make an object; the beginning of one and its parts do not."""
    makes = "PartNumber" not in request and ("Body" in request or "CopySource" in request or "UploadId" in request)
    return "true" if makes else "false"


# -- policies --------------------------------------------------------------------------------------------------------------


@SERVICE.resource_policy
def policy_of(home: Home, action: str, resource: str) -> ResourcePolicy | None:
    name, _, key = resource.removeprefix(PREFIX).partition("/")
    bucket = home.store.get(BUCKETS, name)
    if bucket is None or action == "s3:CreateBucket":
        return None  # CreateBucket says itself whose a name is already
    block = bucket.public_access_block or {}
    policies = list(_of_bucket(bucket, block, action)) if bucket.policy else []
    if bucket.ownership != grants.ENFORCED:
        policies += _of_lists(home, bucket, action, resource, key, ignores_public=block.get("IgnorePublicAcls", False))
    return ResourcePolicy(owner=bucket.account, policies=tuple(policies))


def _of_bucket(bucket: Bucket, block: dict[str, bool], action: str) -> Iterator[Policy]:
    arn = f"{PREFIX}{bucket.name}"
    if action in OF_THE_POLICY:
        yield _not_against_root(bucket.policy, bucket.account, arn)
    else:
        yield parse(bucket.policy, source=arn, kind="resource")
    if block.get("RestrictPublicBuckets") and is_public(bucket.policy):
        yield _for_owner_alone(bucket.account, arn)


@lru_cache(maxsize=1024)
def _not_against_root(text: str, account: str, arn: str) -> Policy:
    """No policy locks the owner's root out of the policy itself. Source: "Permissions" of PutBucketPolicy in the API reference."""
    policy = json.loads(text)
    statements = policy["Statement"] if isinstance(policy["Statement"], list) else [policy["Statement"]]
    for statement in statements:
        if statement["Effect"] == "Deny":
            condition = statement.setdefault("Condition", {})
            condition["ForAllValues:ArnNotEqualsIfExists"] = {"aws:PrincipalArn": f"arn:aws:iam::{account}:root"}
    return parse(json.dumps(policy | {"Statement": statements}), source=arn, kind="resource")


@lru_cache(maxsize=1024)
def _for_owner_alone(account: str, arn: str) -> Policy:
    """What RestrictPublicBuckets means: of strangers only services of AWS."""
    strangers = {"StringNotEquals": {"aws:PrincipalAccount": account}, "Bool": {"aws:PrincipalIsAWSService": "false"}}
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": [arn, f"{arn}/*"], "Condition": strangers}
    return parse(json.dumps({"Version": "2012-10-17", "Statement": [deny]}), source=arn, kind="resource")


def _of_lists(home: Home, bucket: Bucket, action: str, resource: str, key: str, *, ignores_public: bool) -> Iterator[Policy]:
    """Of the bucket's list, and of the object's, which the store is asked for only where a list can allow the action."""
    if bucket.grants and action in grants.BUCKET_ACTIONS:
        yield grants.as_policy(_effective(bucket.grants, ignores_public), f"{PREFIX}{bucket.name}", of_bucket=True)
    if key and action in grants.OBJECT_ACTIONS:
        version = home.store.get(OBJECTS, bucket.name, sortable(key))
        if version is not None and version.grants:
            yield grants.as_policy(_effective(version.grants, ignores_public), resource, of_bucket=False)


def _effective(kept: list[Grant], ignores_public: bool) -> tuple[Grant, ...]:
    return tuple(grant for grant in kept if not (ignores_public and grant.grantee in grants.PUBLIC))


# -- tags ------------------------------------------------------------------------------------------------------------------


@SERVICE.condition_key("s3:ExistingObjectTag/")
def existing_tag(ctx: Context, request: Request) -> Values:
    """A tag that the object has; of a copy, the source."""
    if "CopySource" in request:
        place = split_source(request["CopySource"])
    elif "Key" in request:
        place = (request["Bucket"], request["Key"], request.get("VersionId"))
    else:
        return None
    return _under(tags_of(ctx, *place), request["{key}"])


@SERVICE.condition_key("s3:RequestObjectTag/")
def requested_tag(ctx: Context, request: Request) -> Values:
    return _under(_requested(request), request["{key}"])


@SERVICE.condition_key("s3:RequestObjectTagKeys")
def requested_tag_keys(ctx: Context, request: Request) -> Values:
    return list(_requested(request)) or None


def _requested(request: Request) -> dict[str, str]:
    """Tags come as a header's text with a new object, as a document with PutObjectTagging."""
    tagging = request.get("Tagging")
    if isinstance(tagging, str):
        return dict(parse_qsl(tagging, keep_blank_values=True))
    return {tag["Key"]: tag["Value"] for tag in (tagging or {}).get("TagSet") or [] if "Key" in tag and "Value" in tag}


def _under(tags: dict[str, str], key: str) -> str | None:
    """Names of condition keys have no case, so neither has the tag's key in one."""
    folded = key.lower()
    return next((value for name, value in tags.items() if name.lower() == folded), None)


# -- how the request was signed --------------------------------------------------------------------------------------------


@SERVICE.condition_key("s3:authType")
def auth_type(ctx: Context, request: Request) -> Values:
    """Where the signature stands. In-process calls count as signed in a header."""
    if ctx.principal.kind == "anonymous":
        return None
    return AUTH_TYPES["header" if ctx.signature is None else ctx.signature.kind]


@SERVICE.condition_key("s3:signatureversion")
def signature_version(ctx: Context, request: Request) -> Values:
    if ctx.principal.kind == "anonymous":
        return None
    return SIGNED_BEFORE if ctx.signature is not None and ctx.signature.kind in OF_VERSION_2 else SIGNED_SO


@SERVICE.condition_key("s3:signatureAge")
def signature_age(ctx: Context, request: Request) -> Values:
    """In milliseconds. What is signed the old way says until when it holds, not since when."""
    if ctx.signature is None or ctx.signature.kind in OF_VERSION_2:
        return None
    signed_at = moment_of(ctx.signature.timestamp)
    return None if signed_at is None else str(max(0, int((ctx.clock.machine() - signed_at).total_seconds() * 1000)))


@SERVICE.condition_key("s3:TlsVersion")
def tls_version(ctx: Context, request: Request) -> Values:
    """Our loopback endpoint stands for S3's, which speak TLS, as for aws:SecureTransport."""
    return "1.3"


@SERVICE.condition_key("s3:x-amz-content-sha256")
def content_sha256(ctx: Context, request: Request) -> Values:
    return ctx.headers.get("x-amz-content-sha256")


@SERVICE.condition_key("s3:ResourceAccount")
def resource_account(ctx: Context, request: Request) -> Values:
    """The bucket's owner; a bucket that is not there yet will be the caller's."""
    bucket = ctx.store.get(BUCKETS, request["Bucket"]) if "Bucket" in request else None
    return ctx.account if bucket is None else bucket.account
