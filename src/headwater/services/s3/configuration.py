"""What a bucket is told about itself: versioning, encryption, ownership, public access, policy.

Versioning and ownership are obeyed by this room; the default encryption can only be S3's own (AES256), so that what is answered
is so. Public access blocks and policies are kept for the authorizer to read. What no bucket here can have yet is in `absent`.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from msgspec.structs import replace

from headwater.aws.faults import Fault, fault
from headwater.kernel.context import Context
from headwater.kernel.permissions import requires

from .access import bucket_of
from .arns import BUCKET
from .buckets import ALL_BLOCKED, OWNERSHIPS
from .records import BUCKETS, Bucket
from .refusals import header_not_built, invalid_argument, malformed_xml

NO_CONTENT: Final = 204
POLICY_BYTES_MAX: Final = 20 * 1024
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
    await _keep(ctx, replace(bucket, versioning=status, plain=False))


@requires("s3:GetEncryptionConfiguration", BUCKET)
async def get_bucket_encryption(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    bucket = bucket_of(ctx, request)
    key_enabled = (bucket.encryption or {}).get("BucketKeyEnabled", False)
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": key_enabled}
    return {"ServerSideEncryptionConfiguration": {"Rules": [rule]}}


@requires("s3:PutEncryptionConfiguration", BUCKET)
async def put_bucket_encryption(ctx: Context, request: dict[str, Any]) -> None:
    bucket = bucket_of(ctx, request)
    rules = request["ServerSideEncryptionConfiguration"].get("Rules") or []
    if len(rules) != 1 or not rules[0].get("ApplyServerSideEncryptionByDefault"):
        raise malformed_xml()
    default = rules[0]["ApplyServerSideEncryptionByDefault"]
    if default.get("SSEAlgorithm") != "AES256":
        raise header_not_built("x-amz-server-side-encryption")
    if "KMSMasterKeyID" in default:
        sentence = "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse"
        raise invalid_argument(sentence, "ApplyServerSideEncryptionByDefault")
    await _keep(ctx, replace(bucket, encryption={"BucketKeyEnabled": bool(rules[0].get("BucketKeyEnabled", False))}))


@requires("s3:PutEncryptionConfiguration", BUCKET)
async def delete_bucket_encryption(ctx: Context, request: dict[str, Any]) -> None:
    await _keep(ctx, replace(bucket_of(ctx, request), encryption=None))


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


@requires("s3:GetBucketPolicy", BUCKET)
async def get_bucket_policy(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    bucket = bucket_of(ctx, request)
    if not bucket.policy:
        raise no_policy(bucket)
    return {"Policy": bucket.policy}


@requires("s3:PutBucketPolicy", BUCKET)
async def put_bucket_policy(ctx: Context, request: dict[str, Any]) -> None:
    bucket = bucket_of(ctx, request)
    policy = request["Policy"]
    check_policy(policy, bucket.name)
    await _keep(ctx, replace(bucket, policy=policy), NO_CONTENT)


@requires("s3:DeleteBucketPolicy", BUCKET)
async def delete_bucket_policy(ctx: Context, request: dict[str, Any]) -> None:
    await _keep(ctx, replace(bucket_of(ctx, request), policy=""))


@requires("s3:GetBucketPolicyStatus", BUCKET)
async def get_bucket_policy_status(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    bucket = bucket_of(ctx, request)
    if not bucket.policy:
        raise no_policy(bucket)
    return {"PolicyStatus": {"IsPublic": is_public(msgspec.json.decode(bucket.policy))}}


# -- policies --------------------------------------------------------------------------------------------------------------


def no_policy(bucket: Bucket) -> Fault:
    return fault("NoSuchBucketPolicy", "The bucket policy does not exist", BucketName=bucket.name)


def _malformed(message: str, **members: str) -> Fault:
    return fault("MalformedPolicy", message, **members)


def check_policy(text: str, bucket: str) -> None:
    """Raise for a text that is no policy of this bucket. Whether it grants is the authorizer's affair."""
    if len(text.encode()) > POLICY_BYTES_MAX:
        raise _malformed("The policy is too large. It must not exceed 20480 bytes.")
    try:
        policy = msgspec.json.decode(text)
    except msgspec.DecodeError:
        raise _malformed("This policy contains invalid Json") from None
    if not isinstance(policy, dict):
        raise _malformed("Policies must be valid JSON and the first byte must be '{'")
    statements = policy.get("Statement")
    if statements is None:
        raise _malformed("Missing required field Statement")
    for statement in statements if isinstance(statements, list) else [statements]:
        _check_statement(statement, bucket)


def _check_statement(statement: Any, bucket: str) -> None:
    if not isinstance(statement, dict):
        raise _malformed("Statement must be an object")
    for one, other in (("Principal", "NotPrincipal"), ("Action", "NotAction"), ("Resource", "NotResource")):
        if one not in statement and other not in statement:
            raise _malformed(f"Missing required field {one}")
    if statement.get("Effect") not in {"Allow", "Deny"}:
        raise _malformed(f"Invalid effect: {statement.get('Effect')}")
    own = f"arn:aws:s3:::{bucket}"
    for resource in _listed(statement.get("Resource", [])):
        if resource != own and not str(resource).startswith(f"{own}/"):
            raise _malformed("Policy has invalid resource", Detail=str(resource))
    for action in _listed(statement.get("Action", [])):
        if action != "*" and not str(action).lower().startswith("s3:"):
            raise _malformed("Policy has invalid action", Detail=str(action))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def is_public(policy: dict[str, Any]) -> bool:
    """Whether some statement allows everyone, with no condition that could narrow it."""
    return any(
        statement["Effect"] == "Allow" and _is_everyone(statement.get("Principal")) and not statement.get("Condition")
        for statement in _listed(policy["Statement"])
    )


def _is_everyone(principal: Any) -> bool:
    return principal == "*" or (isinstance(principal, dict) and "*" in _listed(principal.get("AWS", [])))
