"""How a change is kept: the value sealed first, then the secret read again, changed and written, with its replicas, in one transaction.

Sealing waits for KMS, and meanwhile others may change the secret; after it nothing waits.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import msgspec

from headwater.aws.faults import Fault, fault

from . import events, refusals
from .due import RotationDue, RotationRun
from .model import FAILED, IN_SYNC, Replica, Secret, Value, Version, replaced, secrets, values
from .sealing import SecretValue, sealed

if TYPE_CHECKING:
    from headwater.kernel.context import Context
    from headwater.kernel.store import Transaction

VERSIONS_MAX: Final = 100
VERSION_KEPT: Final = timedelta(hours=24)
"""A version that has lost its labels is kept at least so long, even beyond VERSIONS_MAX."""
Changing = Callable[[Secret], Secret]


def put_version(ctx: Context, secret: Secret, version_id: str, value: SecretValue, change: Changing) -> Awaitable[Secret]:
    """Give a version its value, here and in the replicas; `change` then attaches its labels."""
    return _put_version(ctx, secret, version_id, value, change)


def put_secret(ctx: Context, secret: Secret, change: Changing) -> Awaitable[Secret]:
    """Change what is known of a secret; what it owes follows from it."""
    return _commit(ctx, secret, change, [])


async def _put_version(ctx: Context, secret: Secret, version_id: str, value: SecretValue, change: Changing) -> Secret:
    sealings = [await sealed(ctx, secret, version_id, value)]
    failed: dict[str, str] = {}
    for replica in [replica for replica in secret.replicas if replica.status == IN_SYNC]:
        try:
            sealings.append(await sealed(ctx, copy_for(secret, replica), version_id, value))
        except Fault as refusal:  # the replica's trouble, which its status tells
            failed[replica.region] = refusal.message
    now = ctx.clock.now()

    def with_version(found: Secret) -> Secret:
        known = found.version(version_id)
        if known is not None and known.has_value:
            raise refusals.token_in_use(version_id, found.arn)  # by another writer, since this one looked
        version = Version(
            version_id=version_id,
            created_at=now if known is None else known.created_at,
            stages=() if known is None else known.stages,
            kms_key_id=found.kms_key_id,
        )
        replicas = tuple(_told(replica, failed) for replica in found.replicas)
        found = msgspec.structs.replace(found, versions=replaced(found.versions, version), changed_at=now, replicas=replicas)
        return change(found)

    return await _commit(ctx, secret, with_version, sealings)


async def _commit(ctx: Context, secret: Secret, change: Changing, sealings: list[Value]) -> Secret:
    found = ctx.store.get(secrets, *secret.key)
    if found is None or found.suffix != secret.suffix:
        raise refusals.no_such_secret()
    changed, outdated = _trimmed(ctx, change(found))
    async with ctx.store.transaction() as tx:
        write(ctx, tx, changed)
        for value in sealings:
            tx.put(values, value)
        for version in found.versions:
            if changed.version(version.version_id) is None:
                _forget(tx, changed, version.version_id)
        _owe(tx, found, changed)
    events.tell_of_versions(ctx, changed, "EndSecretVersionDelete", outdated)
    return changed


def _owe(tx: Transaction, before: Secret, after: Secret) -> None:
    """The jobs of its rotation, where they are not those from before."""
    if after.rotation_due_at != before.rotation_due_at:
        if before.rotation_due_at is not None:
            tx.forget(RotationDue.of(before))
        if after.rotation_due_at is not None:
            tx.owe(RotationDue.of(after))
    run_at = None if before.rotation is None else before.rotation.run_at
    if after.rotation is not None and after.rotation.run_at not in {None, run_at}:
        tx.owe(RotationRun.of(after))


def write(ctx: Context, tx: Transaction, secret: Secret, *, replacing: frozenset[str] = frozenset()) -> None:
    """The secret, and its replicas as copies of it. One that failed stays as it is until it is replicated again.

    Another secret that has taken the replica's name is left alone, except in the regions `replacing`.
    """
    tx.put(secrets, secret)
    for replica in secret.replicas:
        known = ctx.store.get(secrets, secret.account, replica.region, secret.name)
        is_ours = known is None or known.suffix == secret.suffix
        if replica.status == IN_SYNC and (is_ours or replica.region in replacing):
            tx.put(secrets, copy_for(secret, replica, known if is_ours else None))


def copy_for(secret: Secret, replica: Replica, known: Secret | None = None) -> Secret:
    """The secret as it is in the replica's region, where it is read by others and rotated by nobody."""
    read = {} if known is None else {version.version_id: version.accessed_on for version in known.versions}
    versions = tuple(
        msgspec.structs.replace(version, kms_key_id=replica.kms_key_id, accessed_on=read.get(version.version_id))
        for version in secret.versions
    )
    return msgspec.structs.replace(
        secret,
        region=replica.region,
        kms_key_id=replica.kms_key_id,
        versions=versions,
        accessed_on=None if known is None else known.accessed_on,
        replicas=(),
        rotation=None,
    )


def _told(replica: Replica, failed: dict[str, str]) -> Replica:
    if replica.region not in failed:
        return replica
    return msgspec.structs.replace(replica, status=FAILED, message=failed[replica.region])


def _trimmed(ctx: Context, secret: Secret) -> tuple[Secret, list[str]]:
    """Without the outdated versions that are too many; refuses one more than may be kept."""
    surplus = len(secret.versions) - VERSIONS_MAX
    if surplus <= 0:
        return secret, []
    limit = ctx.clock.now() - VERSION_KEPT
    outdated = [version.version_id for version in secret.versions if not version.stages and version.created_at <= limit][:surplus]
    if len(outdated) < surplus:
        raise fault("LimitExceededException", f"The secret {secret.name} has reached the limit of {VERSIONS_MAX} versions.")
    kept = tuple(version for version in secret.versions if version.version_id not in outdated)
    return msgspec.structs.replace(secret, versions=kept), outdated


def _forget(tx: Transaction, secret: Secret, version_id: str) -> None:
    for region in (secret.region, *(replica.region for replica in secret.replicas)):
        tx.delete(values, secret.account, region, secret.name, version_id)


def erase(tx: Transaction, secret: Secret) -> None:
    """The secret and all its values, in its own region."""
    tx.delete(secrets, *secret.key)
    for version in secret.versions:
        tx.delete(values, *secret.key, version.version_id)
