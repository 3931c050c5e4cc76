"""Key policies. A key has exactly one, called "default"; what it means is decided by the kernel's authorization."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, Final

import msgspec

from headwater.aws.faults import Fault, fault
from headwater.aws.policy.documents import PolicySet, check, parse
from headwater.aws.policy.evaluation import Policies, decide
from headwater.aws.policy.question import Caller, Question
from headwater.kernel.permissions import requires

from . import refusals
from .arns import key_arn
from .finding import find_by_id
from .model import keys

if TYPE_CHECKING:
    from headwater.kernel.context import Context

NAME: Final = "default"
ROLE: Final = re.compile(r"arn:[\w-]+:iam::\d{12}:role/")
BYTES_MAX: Final = 32_768
EVERYTHING: Final = PolicySet((parse('{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}'),))


def default_policy(account: str) -> str:
    """What a key gets that is made without one: the account's identity policies decide."""
    statement = {
        "Sid": "Enable IAM User Permissions",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
        "Action": "kms:*",
        "Resource": "*",
    }
    return json.dumps({"Version": "2012-10-17", "Id": "key-default-1", "Statement": [statement]}, indent=2)


def checked(ctx: Context, request: dict[str, Any], *, region: str | None = None) -> Awaitable[str]:
    """The request's policy, if it may be a key's: its roles must be there, and it must leave its writer the right to write another."""
    return _checked(ctx, request, region or ctx.region)


async def _checked(ctx: Context, request: dict[str, Any], region: str) -> str:
    document: str = request["Policy"]
    if len(document.encode()) > BYTES_MAX:
        raise fault("LimitExceededException", f"Policy exceeds the maximum size of {BYTES_MAX} bytes.")
    try:
        check(document, "key")
    except Fault as refusal:
        raise _malformed(refusal.message) from None
    await ctx.home.open_room("iam")
    identity = ctx.home.authorization.identity
    if identity is not None and any(identity.role_id(arn) is None for arn in _roles_in(document)):
        raise _malformed("Policy contains a statement with one or more invalid principals.")
    if not request.get("BypassPolicyLockoutSafetyCheck") and _locks_out(ctx, document, region):
        raise _malformed("The new key policy will not allow you to update the key policy in the future.")
    return document


def _roles_in(document: str) -> list[str]:
    """The roles that are named as principals."""
    statements = json.loads(document)["Statement"]
    found: list[str] = []
    for statement in statements if isinstance(statements, list) else [statements]:
        for element in (statement.get("Principal"), statement.get("NotPrincipal")):
            named = element.get("AWS", ()) if isinstance(element, dict) else ()
            found += [named] if isinstance(named, str) else named
    return [one for one in found if ROLE.match(one)]


def _locks_out(ctx: Context, document: str, region: str) -> bool:
    """Whether the caller, were identity policies to allow all, could no longer put a policy."""
    principal = ctx.principal
    caller = Caller(
        arn=principal.arn, account=principal.account, kind=principal.kind, role_arn=principal.role_arn, user_id=principal.user_id
    )
    question = Question("kms:PutKeyPolicy", f"arn:aws:kms:{region}:{ctx.account}:key/*", caller, resource_account=ctx.account)
    policies = Policies(identity=EVERYTHING, resource=PolicySet((parse(document, kind="key"),)), resource_alone=True)
    return not decide(question, policies).allowed


def _malformed(sentence: str) -> Fault:
    return fault("MalformedPolicyDocumentException", sentence)


@requires("kms:GetKeyPolicy", key_arn)
async def get_key_policy(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """The policy as it was written."""
    key = find_by_id(ctx, request["KeyId"])
    if request.get("PolicyName", NAME) != NAME:
        raise fault("NotFoundException", "No such policy exists")
    return {"Policy": key.policy, "PolicyName": NAME}


@requires("kms:PutKeyPolicy", key_arn)
async def put_key_policy(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Replace the policy."""
    key = find_by_id(ctx, request["KeyId"])
    refusals.check_managed_by_customer(ctx, key, "PutKeyPolicy")
    if request.get("PolicyName", NAME) != NAME:
        raise fault("NotFoundException", "No such policy exists")
    policy = await checked(ctx, request)
    key = find_by_id(ctx, key.arn)
    async with ctx.store.transaction() as tx:
        tx.put(keys, msgspec.structs.replace(key, policy=policy))
    return {}


@requires("kms:ListKeyPolicies", key_arn)
async def list_key_policies(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """There is always exactly one."""
    find_by_id(ctx, request["KeyId"])
    return {"PolicyNames": [NAME], "Truncated": False}
