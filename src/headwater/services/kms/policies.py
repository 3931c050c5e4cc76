"""Key policies. A key has exactly one, called "default"; what it means is decided by the kernel's authorization."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import msgspec

from headwater.aws.faults import fault

from . import refusals
from .finding import find_by_id
from .model import keys

if TYPE_CHECKING:
    from headwater.kernel.context import Context

NAME: Final = "default"
BYTES_MAX: Final = 32_768


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


def checked(ctx: Context, request: dict[str, Any]) -> str:
    """The request's policy, if it may be a key's."""
    document: str = request["Policy"]
    if len(document.encode()) > BYTES_MAX:
        raise fault("LimitExceededException", f"Policy exceeds the maximum size of {BYTES_MAX} bytes.")
    try:
        read = json.loads(document)
    except ValueError:
        raise _malformed("The new key policy is not a valid JSON document.") from None
    if not isinstance(read, dict) or "Statement" not in read:
        raise _malformed("The new key policy is not a valid policy document.")
    return document


def _malformed(sentence: str) -> Exception:
    return fault("MalformedPolicyDocumentException", sentence)


async def get_key_policy(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """The policy as it was written."""
    key = find_by_id(ctx, request["KeyId"])
    if request.get("PolicyName", NAME) != NAME:
        raise fault("NotFoundException", "No such policy exists")
    return {"Policy": key.policy, "PolicyName": NAME}


async def put_key_policy(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Replace the policy."""
    key = find_by_id(ctx, request["KeyId"])
    refusals.check_managed_by_customer(ctx, key, "PutKeyPolicy")
    if request.get("PolicyName", NAME) != NAME:
        raise fault("NotFoundException", "No such policy exists")
    policy = checked(ctx, request)
    async with ctx.store.transaction() as tx:
        tx.put(keys, msgspec.structs.replace(key, policy=policy))
    return {}


async def list_key_policies(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """There is always exactly one."""
    find_by_id(ctx, request["KeyId"])
    return {"PolicyNames": [NAME], "Truncated": False}
