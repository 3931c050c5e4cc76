"""Deletion, which waits 7 to 30 days and can be called off; then the key, its names and its grants go, and nothing opens again.

A multi-Region primary waits for its replicas first, and its own days begin when the last of them is gone.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import msgspec

from headwater.aws.faults import fault
from headwater.kernel.jobs import Job, handles
from headwater.kernel.permissions import requires

from . import refusals
from .arns import key_arn
from .finding import changeable, find_by_id
from .live import key_uses, live_of
from .model import PENDING_DELETION, PENDING_REPLICA_DELETION, Key, aliases, grants, keys

if TYPE_CHECKING:
    from headwater.kernel.context import Context
    from headwater.kernel.store import Transaction

DAYS: Final = 30
DAYS_MIN: Final = 7


class DeletionDue(Job, frozen=True, kw_only=True, tag="kms/deletion-due/1"):
    """`subject` is the key's id."""

    @classmethod
    def of(cls, key: Key) -> DeletionDue:
        assert key.deletion_at is not None
        return cls(account=key.account, region=key.region, subject=key.key_id, at=key.deletion_at)


@requires("kms:ScheduleKeyDeletion", key_arn)
async def schedule_key_deletion(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Take the key out of use, and delete it when the days are over."""
    key = changeable(ctx, request["KeyId"], "ScheduleKeyDeletion")
    days = request.get("PendingWindowInDays", DAYS)
    if not DAYS_MIN <= days <= DAYS:
        raise fault("ValidationException", f"PendingWindowInDays must be between {DAYS_MIN} and {DAYS} days.")
    waits = key.is_primary and bool(key.replica_regions)
    at = None if waits else ctx.clock.now() + timedelta(days=days)
    changed = msgspec.structs.replace(key, deletion_at=at, deletion_window_days=days, waits_for_replicas=waits)
    async with ctx.store.transaction() as tx:
        tx.put(keys, changed)
        if at is not None:
            tx.owe(DeletionDue.of(changed))
    return {"KeyId": key.arn, "DeletionDate": at, "KeyState": changed.state, "PendingWindowInDays": days}


@requires("kms:CancelKeyDeletion", key_arn)
async def cancel_key_deletion(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Keep the key after all. It is disabled until somebody enables it."""
    key = find_by_id(ctx, request["KeyId"])
    refusals.check_managed_by_customer(ctx, key, "CancelKeyDeletion")
    if key.state not in {PENDING_DELETION, PENDING_REPLICA_DELETION}:
        raise fault("KMSInvalidStateException", f"{key.arn} is not pending deletion.")
    kept = msgspec.structs.replace(key, enabled=False, deletion_at=None, deletion_window_days=None, waits_for_replicas=False)
    async with ctx.store.transaction() as tx:
        if key.deletion_at is not None:
            tx.forget(DeletionDue.of(key))
        tx.put(keys, kept)
    return {"KeyId": key.arn}


@handles(DeletionDue)
async def _delete(ctx: Context, due: DeletionDue) -> None:
    key = ctx.store.get(keys, due.account, due.region, due.subject)
    if key is None or key.deletion_at != due.at:
        return
    names = [alias for alias in ctx.store.scan(aliases, key.account, key.region) if alias.key_id == key.key_id]
    given = ctx.store.scan(grants, *key.parts)
    async with ctx.store.transaction() as tx:
        tx.delete(keys, *key.parts)
        tx.delete(key_uses, *key.parts)
        for alias in names:
            tx.delete(aliases, alias.account, alias.region, alias.name)
        for grant in given:
            tx.delete(grants, *key.parts, grant.grant_id)
        _tell_the_others(ctx, tx, key)
    live = live_of(ctx.home)
    live.opened.forget(key)
    live.uses.forget(key.parts)
    live.policies.pop(key.parts, None)


def _tell_the_others(ctx: Context, tx: Transaction, gone: Key) -> None:
    """A replica that is gone is no replica any more; the primary's days begin with the last one's end."""
    if gone.primary_region is None:
        return
    left = tuple(region for region in gone.replica_regions if region != gone.region)
    for region in (gone.primary_region, *left):
        other = ctx.store.get(keys, gone.account, region, gone.key_id)
        if other is None or region == gone.region:
            continue
        other = msgspec.structs.replace(other, replica_regions=left)
        if other.waits_for_replicas and not left:
            at = ctx.clock.now() + timedelta(days=other.deletion_window_days or DAYS)
            other = msgspec.structs.replace(other, waits_for_replicas=False, deletion_at=at)
            tx.owe(DeletionDue.of(other))
        tx.put(keys, other)
