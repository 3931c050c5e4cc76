"""Replicas: copies of a secret in other regions, sealed under keys there. They are written with the secret, in the same transaction.

A replica's failure is its status, told by the primary; the primary works without it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final

import msgspec

from headwater.aws.faults import Fault
from headwater.kernel.permissions import requires

from . import refusals
from .finding import changeable, readable, secret_arn
from .model import FAILED, IN_SYNC, Replica, Secret, Value, describe_replicas, secrets, values
from .sealing import opened, sealed
from .writing import copy_for, erase, write

if TYPE_CHECKING:
    from headwater.kernel.context import Context

TAKEN: Final = "Secret with this name already exists in this region"


def asked_replicas(secret: Secret, regions: list[dict[str, str]]) -> tuple[Replica, ...]:
    """The replicas that a request asks for, if it may."""
    asked = tuple(Replica(region=each["Region"], kms_key_id=each.get("KmsKeyId") or None) for each in regions if "Region" in each)
    if len(asked) < len(regions):
        raise refusals.invalid("You must provide a Region for each replica.")
    names = [replica.region for replica in asked]
    if secret.region in names:
        raise refusals.invalid("Invalid replica region.")
    if len(set(names)) != len(names):
        raise refusals.invalid("You can't specify the same Region more than once.")
    return asked


def check_replicable(ctx: Context, secret: Secret, asked: tuple[Replica, ...], *, force: bool) -> None:
    """Of a secret that itself may not be replaced nothing is a replica: a primary in the other region is refused at once."""
    for replica in asked:
        there = ctx.store.get(secrets, secret.account, replica.region, secret.name)
        if there is not None and there.replicas and force:
            raise refusals.not_now(f"You can't overwrite the secret in {replica.region}, which has replicas of its own.")


def replicated(ctx: Context, secret: Secret, asked: tuple[Replica, ...], *, force: bool) -> Awaitable[Secret]:
    """The secret with these replicas besides those that it has; each has its status."""
    return _replicated(ctx, secret, asked, force=force)


async def _replicated(ctx: Context, secret: Secret, asked: tuple[Replica, ...], *, force: bool) -> Secret:
    made: list[Replica] = []
    sealings: list[Value] = []
    for replica in asked:
        there = ctx.store.get(secrets, secret.account, replica.region, secret.name)
        if there is not None and there.suffix != secret.suffix and not force:
            made.append(msgspec.structs.replace(replica, status=FAILED, message=TAKEN))
            continue
        try:
            sealings += await _sealed_there(ctx, secret, replica)
        except Fault as refusal:  # the replica's trouble, which its status tells
            made.append(msgspec.structs.replace(replica, status=FAILED, message=refusal.message))
        else:
            made.append(msgspec.structs.replace(replica, status=IN_SYNC, message=""))
    found = changeable(ctx, secret.arn)
    others = tuple(replica for replica in found.replicas if replica.region not in {one.region for one in made})
    changed = msgspec.structs.replace(
        found, primary_region=found.region, replicas=tuple(sorted((*others, *made), key=lambda replica: replica.region))
    )
    async with ctx.store.transaction() as tx:
        for replica in made:
            there = ctx.store.get(secrets, secret.account, replica.region, secret.name)
            if replica.status == IN_SYNC and there is not None and there.suffix != secret.suffix:
                erase(tx, there)
        write(ctx, tx, changed, replacing=frozenset(replica.region for replica in made))
        for value in sealings:
            tx.put(values, value)
    return changed


async def _sealed_there(ctx: Context, secret: Secret, replica: Replica) -> list[Value]:
    copy = copy_for(secret, replica)
    sealings = []
    for version in secret.versions:
        kept = ctx.store.get(values, *secret.key, version.version_id)
        if kept is not None and version.has_value:
            sealings.append(await sealed(ctx, copy, version.version_id, await opened(ctx, secret, kept)))
    return sealings


@requires("secretsmanager:ReplicateSecretToRegions", secret_arn)
async def replicate_secret_to_regions(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """More replicas; or once more those that failed."""
    secret = changeable(ctx, request["SecretId"])
    asked = asked_replicas(secret, request["AddReplicaRegions"])
    known = {replica.region for replica in secret.replicas if replica.status == IN_SYNC}
    if twice := known & {replica.region for replica in asked}:
        raise refusals.invalid(f"The secret is already replicated to {', '.join(sorted(twice))}.")
    force = request.get("ForceOverwriteReplicaSecret", False)
    check_replicable(ctx, secret, asked, force=force)
    changed = await replicated(ctx, secret, asked, force=force)
    return {"ARN": changed.arn, "ReplicationStatus": describe_replicas(changed)}


@requires("secretsmanager:RemoveRegionsFromReplication", secret_arn)
async def remove_regions_from_replication(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Delete replicas, at once and for good."""
    secret = changeable(ctx, request["SecretId"])
    regions = set(request["RemoveReplicaRegions"])
    if strangers := regions - {replica.region for replica in secret.replicas}:
        raise refusals.invalid(f"The secret is not replicated to {', '.join(sorted(strangers))}.")
    changed = _without(secret, lambda replica: replica.region in regions)
    async with ctx.store.transaction() as tx:
        for replica in secret.replicas:
            there = ctx.store.get(secrets, secret.account, replica.region, secret.name)
            if replica.region in regions and there is not None and there.suffix == secret.suffix:
                erase(tx, there)
        tx.put(secrets, changed)
    return {"ARN": changed.arn, "ReplicationStatus": describe_replicas(changed) or []}


def _without(secret: Secret, is_gone: Callable[[Replica], bool]) -> Secret:
    left = tuple(replica for replica in secret.replicas if not is_gone(replica))
    return msgspec.structs.replace(secret, replicas=left, primary_region=secret.primary_region if left else None)


@requires("secretsmanager:StopReplicationToReplica", secret_arn)
async def stop_replication_to_replica(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """The replica becomes a secret of its own."""
    secret = readable(ctx, request["SecretId"])
    if not secret.is_replica:
        raise refusals.not_now("The secret is not a replica, so its replication can't be stopped.")
    promoted = msgspec.structs.replace(secret, primary_region=None, rotation_enabled=None, rotation_function=None, rules=None)
    promoted = msgspec.structs.replace(promoted, rotated_at=None, rotation_due_at=None, rotation_due_until=None)
    primary = ctx.store.get(secrets, secret.account, secret.primary_region or "", secret.name)
    async with ctx.store.transaction() as tx:
        tx.put(secrets, promoted)
        if primary is not None and primary.suffix == secret.suffix:
            tx.put(secrets, _without(primary, lambda replica: replica.region == secret.region))
    return {"ARN": promoted.arn}
