"""Deletion, which waits 7 to 30 days and can be called off; then the secret and all its versions go."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import msgspec

from headwater.kernel.jobs import handles
from headwater.kernel.permissions import requires

from . import events, refusals
from .due import DeletionDue, RotationDue
from .finding import find, secret_arn
from .model import Secret, secrets
from .writing import erase

if TYPE_CHECKING:
    from headwater.kernel.context import Context

DAYS: Final = 30
DAYS_MIN: Final = 7


@requires("secretsmanager:DeleteSecret", secret_arn)
async def delete_secret(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Take the secret out of use, and delete it when the days are over; or at once, if that is what is asked for."""
    secret = find(ctx, request["SecretId"])
    force = request.get("ForceDeleteWithoutRecovery", False)
    days = request.get("RecoveryWindowInDays")
    if force and days is not None:
        raise refusals.invalid("You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.")
    if days is not None and not DAYS_MIN <= days <= DAYS:
        raise refusals.invalid(f"The RecoveryWindowInDays value must be between {DAYS_MIN} and {DAYS} days (inclusive).")
    if secret.is_replica:
        raise refusals.is_replica()
    if secret.replicas:
        regions = ", ".join(replica.region for replica in secret.replicas)
        raise refusals.not_now(f"You can't delete secret {secret.name} that still has replica regions [{regions}].")
    now = ctx.clock.now()
    if force:
        await _erase(ctx, secret)
        return _deleted(secret, now)
    if secret.deletion_at is not None:
        raise refusals.not_now("You can't perform this operation on the secret because it was already scheduled for deletion.")
    changed = msgspec.structs.replace(secret, deletion_at=now + timedelta(days=DAYS if days is None else days))
    async with ctx.store.transaction() as tx:
        tx.put(secrets, changed)
        tx.owe(DeletionDue.of(changed))
    events.tell_of_versions(ctx, changed, "StartSecretVersionDelete", [version.version_id for version in changed.versions])
    return _deleted(changed, changed.deletion_at)


def _deleted(secret: Secret, at: datetime | None) -> dict[str, Any]:
    return {"ARN": secret.arn, "Name": secret.name, "DeletionDate": at}


@requires("secretsmanager:RestoreSecret", secret_arn)
async def restore_secret(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Keep the secret after all; one that was to be kept anyway is no error."""
    secret = find(ctx, request["SecretId"])
    if secret.is_replica:
        raise refusals.is_replica()
    if secret.deletion_at is not None:
        kept = msgspec.structs.replace(secret, deletion_at=None)
        async with ctx.store.transaction() as tx:
            tx.forget(DeletionDue.of(secret))
            tx.put(secrets, kept)
            if kept.rotation_due_at is not None:
                tx.owe(RotationDue.of(kept))  # what was due meanwhile is due now
        events.tell_of_versions(ctx, kept, "CancelSecretVersionDelete", [version.version_id for version in kept.versions])
    return {"ARN": secret.arn, "Name": secret.name}


@handles(DeletionDue)
async def _delete(ctx: Context, due: DeletionDue) -> None:
    secret = ctx.store.get(secrets, due.account, due.region, due.subject)
    if secret is not None and secret.deletion_at == due.at:
        await _erase(ctx, secret)


async def _erase(ctx: Context, secret: Secret) -> None:
    async with ctx.store.transaction() as tx:
        if secret.deletion_at is not None:
            tx.forget(DeletionDue.of(secret))
        erase(tx, secret)
    events.tell_of_versions(ctx, secret, "EndSecretVersionDelete", [version.version_id for version in secret.versions])
