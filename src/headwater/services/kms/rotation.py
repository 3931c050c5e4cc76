"""Rotation: a key gets new material and keeps all that it had, so that what was written stays readable.

By itself every `rotation_days` (a durable job, whose time is the rotation's), or on demand. A key with imported material rotates
to the material that was imported for it and waits. A disabled key does not rotate; what fell due is made up for when it is enabled.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from headwater.aws.faults import fault
from headwater.kernel.jobs import Job, handles

from .material import made, sealed
from .model import ENABLED, Key, keys

if TYPE_CHECKING:
    from headwater.kernel.context import Context


class RotationDue(Job, frozen=True, kw_only=True, tag="kms/rotation-due/1"):
    """`subject` is the key's id."""

    @classmethod
    def of(cls, key: Key) -> RotationDue:
        assert key.rotation_at is not None
        return cls(account=key.account, region=key.region, subject=key.key_id, at=key.rotation_at)


@handles(RotationDue)
async def _rotate_when_due(ctx: Context, due: RotationDue) -> None:
    key = ctx.store.get(keys, due.account, due.region, due.subject)
    if key is None:
        return
    raw = await made(ctx.home, key.spec)
    key = ctx.store.get(keys, due.account, due.region, due.subject)
    if key is None or key.rotation_at != due.at or key.rotation_days is None or key.state != ENABLED:
        return
    changed = [rotated(ctx, each, raw, due.at, "AUTOMATIC") for each in related(ctx, key)]
    following = msgspec.structs.replace(changed[0], rotation_at=due.at + timedelta(days=key.rotation_days))
    async with ctx.store.transaction() as tx:
        tx.put(keys, following)
        for replica in changed[1:]:
            tx.put(keys, replica)
        tx.owe(RotationDue.of(following))


def related(ctx: Context, key: Key) -> list[Key]:
    """The key and, of a multi-Region key, its replicas: they share their material."""
    replicas = [ctx.store.get(keys, key.account, region, key.key_id) for region in key.replica_regions]
    return [key, *(replica for replica in replicas if replica is not None)]


def rotated(ctx: Context, key: Key, raw: bytes, at: datetime, kind: str) -> Key:
    """The key with this material as its newest."""
    number = len(key.materials) + 1
    new = sealed(ctx.home, key, number, raw, rotated_at=at, rotation_type=kind)
    return msgspec.structs.replace(key.with_material(new), current=number)


def rotated_to_waiting(key: Key, at: datetime) -> Key:
    """The key with the material that was imported for this as its newest. Every replica must have got it too."""
    waiting = next((material for material in key.materials if material.is_waiting and material.sealed is not None), None)
    if waiting is None:
        raise fault("KMSInvalidStateException", f"No available key material pending rotation for the key: {key.arn}.")
    turned = msgspec.structs.replace(waiting, is_waiting=False, rotated_at=at, rotation_type="ON_DEMAND")
    return msgspec.structs.replace(key.with_material(turned), current=waiting.number)
