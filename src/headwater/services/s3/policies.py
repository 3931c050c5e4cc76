"""Bucket policies: kept word for word, refused where S3 refuses them, and judged public or not.

Whether a policy is public decides what the blocks of public access do to it, so the judgement is S3's: a policy is public unless
it names those whom it allows, or ties them down by a condition with fixed values.
Source: "Blocking public access to your Amazon S3 storage", part "The meaning of 'public'", of the user guide.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from msgspec.structs import replace

from headwater.aws.faults import Fault, fault
from headwater.aws.policy import documents
from headwater.aws.policy.grammar import MEMBERS as STATEMENT_MEMBERS
from headwater.aws.policy.grammar import NAMED, PRINCIPALS, VERSIONS
from headwater.kernel.context import Context
from headwater.kernel.permissions import requires

from .access import bucket_of
from .arns import BUCKET
from .records import BUCKETS, Bucket
from .refusals import access_denied

NO_CONTENT: Final = 204
POLICY_BYTES_MAX: Final = 20 * 1024
MEMBERS: Final = frozenset({"Version", "Id", "Statement"})
OBJECT_ACTION: Final = re.compile(
    r"s3:(AbortMultipartUpload|BypassGovernanceRetention|(Get|Put|Delete)Object(?!LockConfiguration)\w*|ListMultipartUploadParts"
    r"|ObjectOwnerOverrideToBucketOwner|Replicate(Delete|Object|Tags)|RestoreObject|InitiateReplication|UpdateObjectEncryption)",
    re.IGNORECASE,
)
"""Actions on objects; all others are on buckets."""
NARROWING: Final = frozenset(
    {
        "aws:sourceip",
        "aws:sourcearn",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "aws:sourceowner",
        "aws:sourceaccount",
        "aws:sourceorgid",
        "aws:userid",
        "aws:principalorgid",
        "aws:principalorgpaths",
        "aws:principalarn",
        "aws:principalaccount",
        "s3:x-amz-server-side-encryption-aws-kms-key-id",
        "s3:dataaccesspointarn",
        "s3:dataaccesspointaccount",
    }
)
"""Condition keys that say who, where their values are fixed."""
IAM_ENTITY: Final = re.compile(r"arn:aws:iam::\d{12}:(user|role)/")
EVERYWHERE: Final = frozenset({"0.0.0.0/0", "::/0"})


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
    check(policy, bucket.name)
    await _check_principals_are_there(ctx, policy)
    if (bucket.public_access_block or {}).get("BlockPublicPolicy") and is_public(policy):
        raise access_denied()
    await _keep(ctx, bucket, policy)


@requires("s3:DeleteBucketPolicy", BUCKET)
async def delete_bucket_policy(ctx: Context, request: dict[str, Any]) -> None:
    await _keep(ctx, bucket_of(ctx, request), "")


@requires("s3:GetBucketPolicyStatus", BUCKET)
async def get_bucket_policy_status(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    bucket = bucket_of(ctx, request)
    if not bucket.policy:
        raise no_policy(bucket)
    return {"PolicyStatus": {"IsPublic": is_public(bucket.policy)}}


async def _check_principals_are_there(ctx: Context, policy: str) -> None:
    """Users and roles of the own account at least: other accounts may be ones that this home has never heard of."""
    named = {one for statement in _listed(json.loads(policy)["Statement"]) for one in _users_and_roles(statement)}
    if not named:
        return
    await ctx.home.open_room("iam")
    identity = ctx.home.authorization.identity
    assert identity is not None  # the open room of IAM gave itself
    for arn in sorted(named):
        if arn.split(":")[4] == ctx.account and not identity.is_there(arn):
            raise _malformed("Invalid principal in policy", Detail=f'"AWS" : "{arn}"')


def _users_and_roles(statement: dict[str, Any]) -> Iterator[str]:
    for element in ("Principal", "NotPrincipal"):
        principal = statement.get(element)
        several = _listed(principal.get("AWS", [])) if isinstance(principal, dict) else []
        yield from (arn for arn in several if IAM_ENTITY.match(arn))


async def _keep(ctx: Context, bucket: Bucket, policy: str) -> None:
    async with ctx.store.transaction() as tx:
        tx.put(BUCKETS, replace(bucket, policy=policy))
    ctx.reply_status = NO_CONTENT


def no_policy(bucket: Bucket) -> Fault:
    return fault("NoSuchBucketPolicy", "The bucket policy does not exist", BucketName=bucket.name)


# -- what S3 refuses -------------------------------------------------------------------------------------------------------


def _malformed(message: str, **members: str) -> Fault:
    return fault("MalformedPolicy", message, **members)


def check(text: str, bucket: str) -> None:
    """Raise for a text that is no policy of this bucket."""
    if len(text.encode()) > POLICY_BYTES_MAX:
        raise _malformed("The policy is too large. It must not exceed 20480 bytes.")
    if not text.lstrip().startswith("{"):
        raise _malformed("Policies must be valid JSON and the first byte must be '{'")
    try:
        policy = json.loads(text)
    except (ValueError, RecursionError):
        raise _malformed("This policy contains invalid Json") from None
    _check_members(policy, MEMBERS)
    if policy.get("Version", VERSIONS[0]) not in VERSIONS:
        raise _malformed("The policy must contain a valid version string")
    if "Statement" not in policy:
        raise _malformed("Missing required field Statement")
    statements = _listed(policy["Statement"])
    if not statements:
        raise _malformed("Could not parse the policy: Statement is empty!")
    for statement in statements:
        _check_statement(statement, bucket)
    try:
        documents.check(text, "resource")  # what is refused in any resource's policy: conditions above all
    except Fault as refusal:
        raise _malformed(refusal.message) from None


def _check_members(element: dict[str, Any], known: frozenset[str]) -> None:
    for name in element:
        if name not in known:
            raise _malformed(f"Unknown field {name}")


def _check_statement(statement: Any, bucket: str) -> None:
    if not isinstance(statement, dict):
        raise _malformed("Statement must be an object")
    _check_members(statement, STATEMENT_MEMBERS)
    for one in ("Effect", "Principal", "Action", "Resource"):
        if one not in statement and f"Not{one}" not in statement:
            raise _malformed(f"Missing required field {one}")
    if statement["Effect"] not in {"Allow", "Deny"}:
        raise _malformed(f"Invalid effect: {statement['Effect']}")
    if "NotPrincipal" in statement and statement["Effect"] == "Allow":
        raise _malformed("Allow with NotPrincipal is not allowed.")
    _check_principal(statement.get("Principal", statement.get("NotPrincipal")))
    _check_reach(statement, f"arn:aws:s3:::{bucket}")


def _check_principal(principal: Any) -> None:
    if principal == "*":
        return
    named = principal if isinstance(principal, dict) and principal else {"": ""}
    for kind, values in named.items():
        for value in _listed(values):
            if kind not in PRINCIPALS or not isinstance(value, str) or not value or (kind == "AWS" and NAMED.fullmatch(value) is None):
                raise _malformed("Invalid principal in policy", Detail=json.dumps(principal))


def _check_reach(statement: dict[str, Any], own: str) -> None:
    """Actions are S3's, resources this bucket's, and each action has a resource of its kind."""
    resources = [str(resource) for resource in _listed(statement.get("Resource", statement.get("NotResource")))]
    for resource in resources:
        if re.fullmatch(re.escape(own) + r"(?:[*?/].*)?", resource, re.DOTALL) is None:
            raise _malformed("Policy has invalid resource", Detail=resource)
    actions = [str(action) for action in _listed(statement.get("Action", statement.get("NotAction")))]
    for action in actions:
        if action != "*" and not action.lower().startswith("s3:"):
            raise _malformed("Policy has invalid action", Detail=action)
    if "NotAction" in statement or "NotResource" in statement:
        return
    on_objects = any(resource.startswith(f"{own}/") for resource in resources)
    on_bucket = any(not resource.startswith(f"{own}/") for resource in resources)
    wide = any(resource.startswith((f"{own}*", f"{own}?")) for resource in resources)
    for action in actions:
        if "*" in action or "?" in action or wide:
            continue
        if not (on_objects if OBJECT_ACTION.fullmatch(action) else on_bucket):
            raise _malformed("Action does not apply to any resource(s) in statement")


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


# -- what S3 calls public --------------------------------------------------------------------------------------------------


def is_public(text: str) -> bool:
    """Whether some statement allows everyone, with no condition that ties them down."""
    statements = _listed(json.loads(text)["Statement"])
    return any(
        statement["Effect"] == "Allow" and _is_everyone(statement.get("Principal")) and not _is_narrowed(statement.get("Condition") or {})
        for statement in statements
    )


def _is_everyone(principal: Any) -> bool:
    return principal == "*" or (isinstance(principal, dict) and "*" in _listed(principal.get("AWS", [])))


def _is_narrowed(condition: dict[str, dict[str, Any]]) -> bool:
    return any(
        key.lower() in NARROWING and _is_fixed(key.lower(), [str(value) for value in _listed(values)])
        for operator, keys in condition.items()
        if "not" not in operator.lower() and not operator.lower().endswith("ifexists") and operator.lower() != "null"
        for key, values in keys.items()
    )


def _is_fixed(key: str, values: list[str]) -> bool:
    """No value that anybody fits. A session's aws:userid has a part of its own choosing, so that one may end with a star."""
    if key == "aws:sourceip":
        return EVERYWHERE.isdisjoint(values)
    if key in {"aws:sourcearn", "aws:principalarn"}:
        return all("*" not in value.split(":")[4] if value.count(":") > 4 and value.split(":")[4] else "*" not in value for value in values)
    return not any(value.startswith("*") or ("*" in value and key != "aws:userid") for value in values)
