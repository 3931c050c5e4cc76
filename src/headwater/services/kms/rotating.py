"""Rotation as it is asked for: switched on and off, done now, looked back at."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import msgspec

from headwater.aws.faults import fault
from headwater.kernel.permissions import requires

from . import refusals
from .arns import key_arn
from .finding import changeable, find_by_id
from .material import made
from .model import EXTERNAL, PENDING_DELETION, PENDING_REPLICA_DELETION, Key, Material, expiration, keys
from .paging import page
from .rotation import RotationDue, related, rotated, rotated_to_waiting
from .specs import SYMMETRIC

if TYPE_CHECKING:
    from headwater.kernel.context import Context

DEFAULT_DAYS: Final = 365
ON_DEMAND_MAX: Final = 25
LISTED: Final = 100


def _rotatable(ctx: Context, named: str, operation: str) -> Key:
    """Only symmetric keys rotate, and multi-Region keys where their primary stands."""
    key = changeable(ctx, named, operation)
    refusals.check_usable(key)
    if key.spec != SYMMETRIC:
        raise fault("UnsupportedOperationException", "")
    if key.primary_region is not None and not key.is_primary:
        raise fault("UnsupportedOperationException", f"{key.arn} is not a multi-region primary key.")
    return key


@requires("kms:EnableKeyRotation", key_arn)
async def enable_key_rotation(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Rotate by itself from now on; another period begins anew."""
    key = _rotatable(ctx, request["KeyId"], "EnableKeyRotation")
    if key.origin == EXTERNAL:
        raise refusals.wrong_origin(key)
    days = request.get("RotationPeriodInDays", DEFAULT_DAYS)
    if key.rotation_days == days:
        return {}
    at = ctx.clock.now() + timedelta(days=days)
    async with ctx.store.transaction() as tx:
        if key.rotation_at is not None:
            tx.forget(RotationDue.of(key))
        changed = msgspec.structs.replace(key, rotation_days=days, rotation_at=at)
        tx.put(keys, changed)
        tx.owe(RotationDue.of(changed))
    return {}


@requires("kms:DisableKeyRotation", key_arn)
async def disable_key_rotation(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Rotate no more by itself."""
    key = _rotatable(ctx, request["KeyId"], "DisableKeyRotation")
    if key.origin == EXTERNAL:
        raise refusals.wrong_origin(key)
    async with ctx.store.transaction() as tx:
        if key.rotation_at is not None:
            tx.forget(RotationDue.of(key))
        tx.put(keys, msgspec.structs.replace(key, rotation_days=None, rotation_at=None))
    return {}


@requires("kms:GetKeyRotationStatus", key_arn)
async def get_key_rotation_status(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Whether the key rotates by itself, and when next. A replica answers for its primary."""
    key = find_by_id(ctx, request["KeyId"])
    primary = key if key.primary_region is None else ctx.store.get(keys, key.account, key.primary_region, key.key_id) or key
    if primary.rotation_at is None or key.state in {PENDING_DELETION, PENDING_REPLICA_DELETION}:
        return {"KeyId": key.arn, "KeyRotationEnabled": False}
    return {
        "KeyId": key.arn,
        "KeyRotationEnabled": True,
        "RotationPeriodInDays": primary.rotation_days,
        "NextRotationDate": primary.rotation_at,
    }


@requires("kms:RotateKeyOnDemand", key_arn)
async def rotate_key_on_demand(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Rotate now; the schedule stays as it is."""
    key = _rotatable(ctx, request["KeyId"], "RotateKeyOnDemand")
    if key.on_demand_rotations >= ON_DEMAND_MAX:
        sentence = "The on-demand rotations limit has been reached for the given keyId."
        raise fault("LimitExceededException", f"{sentence} No more on-demand rotations can be performed for this key: {key.arn}")
    whole = related(ctx, key)
    now = ctx.clock.now()
    if key.origin == EXTERNAL:
        changed = [rotated_to_waiting(each, now) for each in whole]
    else:
        raw = await made(ctx.home, key.spec)
        whole = related(ctx, find_by_id(ctx, key.arn))
        changed = [rotated(ctx, each, raw, now, "ON_DEMAND") for each in whole]
    async with ctx.store.transaction() as tx:
        for each in changed:
            tx.put(keys, msgspec.structs.replace(each, on_demand_rotations=each.on_demand_rotations + 1))
    return {"KeyId": key.arn}


@requires("kms:ListKeyRotations", key_arn)
async def list_key_rotations(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """The rotations that were, oldest first; with ALL_KEY_MATERIAL the first material too, and one that waits."""
    key = find_by_id(ctx, request["KeyId"])
    if key.spec != SYMMETRIC:
        raise fault("UnsupportedOperationException", "")
    everything = request.get("IncludeKeyMaterial") == "ALL_KEY_MATERIAL"
    found = [material for material in key.materials if everything or material.rotated_at is not None]
    shown, more = page(found, request, lambda material: f"{material.number:06}", LISTED)
    return {"Rotations": [_listed(ctx, key, material) for material in shown], **more}


def _state(ctx: Context, key: Key, material: Material) -> str:
    """A primary's new material waits, too, until every replica has been given it."""
    if material.number == key.current:
        return "CURRENT"
    if not material.is_waiting:
        return "NON_CURRENT"
    others = [replica.material(material.number) for replica in related(ctx, key)] if key.is_primary else []
    everywhere = all(other is not None and other.sealed is not None for other in others)
    return "PENDING_ROTATION" if everywhere else "PENDING_MULTI_REGION_IMPORT_AND_ROTATION"


def _listed(ctx: Context, key: Key, material: Material) -> dict[str, Any]:
    listed = {
        "KeyId": key.arn,
        "KeyMaterialId": material.material_id,
        "KeyMaterialState": _state(ctx, key, material),
        "RotationDate": material.rotated_at,
        "RotationType": material.rotation_type,
    }
    if key.origin == EXTERNAL:
        listed |= {
            "ImportState": "PENDING_IMPORT" if material.sealed is None else "IMPORTED",
            "KeyMaterialDescription": material.description,
        }
        listed |= expiration(material) if material.sealed is not None else {}
    return listed
