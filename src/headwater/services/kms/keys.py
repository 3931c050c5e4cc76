"""Keys: made, described, listed, switched on and off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from headwater.aws.faults import fault
from headwater.kernel.permissions import requires

from . import managed, refusals
from .arns import key_arn
from .finding import changeable, find, find_by_id
from .live import live_of
from .material import made, sealed
from .model import EXTERNAL, PENDING_IMPORT, Key, describe, keys
from .paging import page
from .policies import checked, default_policy
from .rotation import RotationDue
from .specs import spec_and_usage
from .tags import tagged

if TYPE_CHECKING:
    from headwater.kernel.context import Context

LISTED: Final = 100
KEYS_MAX: Final = 100_000


@requires("kms:CreateKey")
@requires("kms:TagResource", when="Tags")
async def create_key(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Make a key; with the origin EXTERNAL it waits for its material."""
    spec, usage = spec_and_usage(request)
    origin = request.get("Origin", "AWS_KMS")
    if origin not in {"AWS_KMS", EXTERNAL} or "CustomKeyStoreId" in request or "XksKeyId" in request:
        raise fault("NotImplemented", "Headwater has not built custom key stores.")
    if len(ctx.store.scan(keys, ctx.account, ctx.region)) >= KEYS_MAX:
        raise fault("LimitExceededException", f"You have reached the quota of {KEYS_MAX} keys in this region.")
    policy = await checked(ctx, request) if "Policy" in request else default_policy(ctx.account)
    multi = request.get("MultiRegion", False)
    number = ctx.new_id()
    key = Key(
        account=ctx.account,
        region=ctx.region,
        key_id=f"mrk-{number.replace('-', '')}" if multi else number,
        created_at=ctx.clock.now(),
        description=request.get("Description", ""),
        spec=spec,
        usage=usage,
        origin=origin,
        manager="CUSTOMER",
        policy=policy,
        tags=tagged({}, request.get("Tags", [])),
        materials=(),
        current=0,
        primary_region=ctx.region if multi else None,
    )
    if origin != EXTERNAL:
        material = sealed(ctx.home, key, 1, await made(ctx.home, spec))
        key = msgspec.structs.replace(key, materials=(material,), current=1)
    async with ctx.store.transaction() as tx:
        tx.put(keys, key)
    return {"KeyMetadata": describe(key)}


@requires("kms:DescribeKey", key_arn)
async def describe_key(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """The key, in any state."""
    await managed.made_at_first_use(ctx, request["KeyId"])
    return {"KeyMetadata": describe(find(ctx, request["KeyId"]))}


@requires("kms:GetKeyLastUsage", key_arn)
async def get_key_last_usage(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """The last cryptography that the key did with success; nothing where there was none."""
    key = find_by_id(ctx, request["KeyId"])
    use = live_of(ctx.home).uses.last(key.parts)
    last = {} if use is None else {"Operation": use.operation, "Timestamp": use.at, "KmsRequestId": use.request_id}
    return {"KeyId": key.arn, "KeyLastUsage": last, "TrackingStartDate": key.created_at, "KeyCreationDate": key.created_at}


@requires("kms:ListKeys")
async def list_keys(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """The ids of the account's keys in this region."""
    shown, more = page(ctx.store.scan(keys, ctx.account, ctx.region), request, lambda key: key.key_id, LISTED)
    return {"Keys": [{"KeyId": key.key_id, "KeyArn": key.arn} for key in shown], **more}


@requires("kms:UpdateKeyDescription", key_arn)
async def update_key_description(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Say what the key is for."""
    key = changeable(ctx, request["KeyId"], "UpdateKeyDescription")
    async with ctx.store.transaction() as tx:
        tx.put(keys, msgspec.structs.replace(key, description=request["Description"]))
    return {}


@requires("kms:EnableKey", key_arn)
async def enable_key(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Let the key be used again. A rotation that fell due meanwhile is made up for."""
    key = _switchable(ctx, request["KeyId"], "EnableKey")
    async with ctx.store.transaction() as tx:
        tx.put(keys, msgspec.structs.replace(key, enabled=True))
        if key.rotation_at is not None:
            tx.owe(RotationDue.of(key))
    return {}


@requires("kms:DisableKey", key_arn)
async def disable_key(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Keep the key from being used; it can still be looked at and changed."""
    key = _switchable(ctx, request["KeyId"], "DisableKey")
    async with ctx.store.transaction() as tx:
        tx.put(keys, msgspec.structs.replace(key, enabled=False))
    return {}


def _switchable(ctx: Context, named: str, operation: str) -> Key:
    key = changeable(ctx, named, operation)
    if key.state == PENDING_IMPORT:
        raise refusals.invalid_state(key)
    return key
