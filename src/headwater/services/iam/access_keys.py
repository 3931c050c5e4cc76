"""Access keys: the user's record says which it has, the kernel's table says what the gateway needs, and both change together.

A secret is shown once, when the key is made; at rest it is sealed under the home's root key.
"""

from __future__ import annotations

import base64
import secrets
from typing import TYPE_CHECKING, Any, Final

import msgspec

from headwater.aws.faults import Fault, fault
from headwater.kernel.identity import ACCESS_KEYS, AccessKey
from headwater.kernel.permissions import requires

from . import arns
from .last_use import last_use_of
from .model import User, arn_of, calling_user, users
from .paging import page

if TYPE_CHECKING:
    from headwater.kernel.context import Context

KEYS_PER_USER_MAX: Final = 2
SECRET_BYTES: Final = 30
"""Forty characters of Base64, as AWS's secrets are."""


def no_such_key(key_id: str) -> Fault:
    return fault("NoSuchEntity", f"The Access Key with id {key_id} cannot be found.")


def _status(key: AccessKey) -> str:
    return "Active" if key.active else "Inactive"


def _keys_of(ctx: Context, user: User) -> list[AccessKey]:
    found = [ctx.store.get(ACCESS_KEYS, key_id) for key_id in user.access_keys]
    return [key for key in found if key is not None]


def _find(ctx: Context, request: dict[str, Any]) -> tuple[User, AccessKey]:
    user = calling_user(ctx, request.get("UserName"))
    key_id = request["AccessKeyId"]
    key = ctx.store.get(ACCESS_KEYS, key_id) if key_id in user.access_keys else None
    if key is None:
        raise no_such_key(key_id)
    return user, key


@requires("iam:CreateAccessKey", arns.user)
async def create_access_key(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """A key that signs from this moment on."""
    user = calling_user(ctx, request.get("UserName"))
    if len(user.access_keys) >= KEYS_PER_USER_MAX:
        raise fault("LimitExceeded", f"Cannot exceed quota for AccessKeysPerUser: {KEYS_PER_USER_MAX}")
    key_id = ctx.home.issuer.new_access_key_id("AKIA")
    secret = base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
    key = AccessKey(
        access_key_id=key_id,
        sealed_secret=ctx.home.seal_secret(key_id, secret),
        account=user.account,
        principal_arn=arn_of(user),
        user_id=user.unique_id,
        user_name=user.name,
        active=True,
        created_at=ctx.clock.now().replace(microsecond=0),
    )
    async with ctx.store.transaction() as tx:
        tx.put(ACCESS_KEYS, key)
        tx.put(users, msgspec.structs.replace(user, access_keys=(*user.access_keys, key_id)))
    return {
        "AccessKey": {
            "UserName": user.name,
            "AccessKeyId": key_id,
            "Status": "Active",
            "SecretAccessKey": secret,
            "CreateDate": key.created_at,
        }
    }


@requires("iam:ListAccessKeys", arns.user)
async def list_access_keys(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """A user's keys, without secrets."""
    user = calling_user(ctx, request.get("UserName"))
    shown, more = page(_keys_of(ctx, user), request, lambda key: key.access_key_id)
    listed = [
        {"UserName": user.name, "AccessKeyId": key.access_key_id, "Status": _status(key), "CreateDate": key.created_at} for key in shown
    ]
    return {"AccessKeyMetadata": listed, **more}


@requires("iam:UpdateAccessKey", arns.user)
async def update_access_key(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Let it sign, or not."""
    _, key = _find(ctx, request)
    if request["Status"] not in {"Active", "Inactive"}:
        raise fault(
            "ValidationError",
            "1 validation error detected: Value at 'status' failed to satisfy constraint: Member must satisfy enum value set",
        )
    async with ctx.store.transaction() as tx:
        tx.put(ACCESS_KEYS, msgspec.structs.replace(key, active=request["Status"] == "Active"))
    return {}


@requires("iam:DeleteAccessKey", arns.user)
async def delete_access_key(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """It signs nothing any more."""
    user, key = _find(ctx, request)
    left = tuple(one for one in user.access_keys if one != key.access_key_id)
    async with ctx.store.transaction() as tx:
        tx.delete(ACCESS_KEYS, key.access_key_id)
        tx.put(users, msgspec.structs.replace(user, access_keys=left))
    return {}


@requires("iam:GetAccessKeyLastUsed", arns.bearer_of_key)
async def get_access_key_last_used(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """When, for which service and where a key last signed; it needs no user's name."""
    key = ctx.store.get(ACCESS_KEYS, request["AccessKeyId"])
    if key is None or key.account != ctx.account:
        raise no_such_key(request["AccessKeyId"])
    use = last_use_of(ctx, key.access_key_id)
    described: dict[str, Any] = {"ServiceName": "N/A", "Region": "N/A"}
    if use is not None:
        described = {"LastUsedDate": use.at, "ServiceName": use.service, "Region": use.region}
    return {"UserName": key.user_name, "AccessKeyLastUsed": described}
