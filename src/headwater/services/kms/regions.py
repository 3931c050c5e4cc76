"""Multi-Region keys: the same id and the same material in several regions, so that what one has written another opens.

One of them is the primary: it alone is replicated and rotated, and carries its replicas with it. Everything else (policy, names,
tags, the switch) is each key's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from headwater.aws.faults import fault
from headwater.kernel.permissions import requires

from . import refusals
from .arns import key_arn, replica_arn
from .finding import changeable
from .material import raw_material, sealed
from .model import ENABLED, EXTERNAL, Key, Material, describe, keys
from .policies import checked, default_policy
from .rotation import RotationDue, related
from .tags import tagged

if TYPE_CHECKING:
    from headwater.kernel.context import Context


def _primary(ctx: Context, named: str, operation: str) -> Key:
    key = changeable(ctx, named, operation)
    if not key.is_primary:
        raise fault("UnsupportedOperationException", f"{key.arn} is not a multi-region primary key.")
    return key


@requires("kms:ReplicateKey", key_arn)
@requires("kms:CreateKey")
@requires("kms:TagResource", when="Tags")
async def replicate_key(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Make a replica in another region; imported material has to be imported there as well."""
    key = _primary(ctx, request["KeyId"], "ReplicateKey")
    if key.origin != EXTERNAL:
        refusals.check_usable(key)
    region = request["ReplicaRegion"]
    if region == key.region or ctx.store.get(keys, key.account, region, key.key_id) is not None:
        raise fault("AlreadyExistsException", f"Unable to replicate key {key.arn} to region {region}, as the key already exists there")
    policy = await checked(ctx, request, region=region) if "Policy" in request else default_policy(key.account)
    key = _primary(ctx, request["KeyId"], "ReplicateKey")
    replica = msgspec.structs.replace(
        key,
        region=region,
        created_at=ctx.clock.now(),
        description=request.get("Description", ""),
        policy=policy,
        tags=tagged({}, request.get("Tags", [])),
        enabled=True,
        rotation_days=None,
        rotation_at=None,
    )
    replica = msgspec.structs.replace(replica, materials=tuple(_carried(ctx, key, replica, material) for material in key.materials))
    regions = (*key.replica_regions, region)
    replica = msgspec.structs.replace(replica, replica_regions=regions)
    async with ctx.store.transaction() as tx:
        for each in related(ctx, key):
            tx.put(keys, msgspec.structs.replace(each, replica_regions=regions))
        tx.put(keys, replica)
    tags = [{"TagKey": name, "TagValue": value} for name, value in replica.tags.items()]
    return {"ReplicaKeyMetadata": describe(replica), "ReplicaPolicy": replica.policy, "ReplicaTags": tags}


def _carried(ctx: Context, key: Key, replica: Key, material: Material) -> Material:
    """The same material, sealed for the other region; of what was imported only its name."""
    if key.origin == EXTERNAL:
        return msgspec.structs.replace(material, sealed=None, valid_to=None)
    again = sealed(ctx.home, replica, material.number, raw_material(ctx.home, key, material.number))
    return msgspec.structs.replace(material, sealed=again.sealed)


@requires("kms:UpdatePrimaryRegion", key_arn)
@requires("kms:UpdatePrimaryRegion", replica_arn)
async def update_primary_region(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Let a replica lead; the primary becomes one of its replicas."""
    key = _primary(ctx, request["KeyId"], "UpdatePrimaryRegion")
    refusals.check_usable(key)
    region = request["PrimaryRegion"]
    replica = ctx.store.get(keys, key.account, region, key.key_id)
    if region == key.region or replica is None:
        raise fault("NotFoundException", f"{key.arn} has no replica in {region}.")
    if replica.state != ENABLED:
        raise refusals.invalid_state(replica)
    regions = tuple(key.region if each == region else each for each in key.replica_regions)
    async with ctx.store.transaction() as tx:
        for each in related(ctx, key):
            changed = msgspec.structs.replace(each, primary_region=region, replica_regions=regions)
            if each.region == key.region:
                changed = msgspec.structs.replace(changed, rotation_days=None, rotation_at=None)
            elif each.region == region:
                changed = msgspec.structs.replace(changed, rotation_days=key.rotation_days, rotation_at=key.rotation_at)
                if changed.rotation_at is not None:
                    tx.forget(RotationDue.of(key))
                    tx.owe(RotationDue.of(changed))
            tx.put(keys, changed)
    return {}
