"""CreateSecret and UpdateSecret: a secret as a whole."""

from __future__ import annotations

import secrets as randomness
import string
from typing import TYPE_CHECKING, Any, Final

import msgspec

from headwater.aws.faults import Fault, fault
from headwater.kernel.permissions import requires

from . import refusals
from .finding import SUFFIX_LENGTH, changeable, check_name, name_arn, secret_arn
from .model import CURRENT, PENDING, PREVIOUS, Secret, Value, Version, describe_replicas, labelled, secrets, values
from .replication import asked_replicas, check_replicable, replicated
from .rules import rescheduled
from .sealing import opened, sealed
from .tags import tagged
from .values import abandoned, given_value, is_same, tell_of_abandonment
from .writing import erase, put_secret, put_version

if TYPE_CHECKING:
    from headwater.kernel.context import Context

ALPHABET: Final = string.ascii_letters + string.digits
RE_ENCRYPTED: Final = frozenset({CURRENT, PENDING, PREVIOUS})


def _check_built(request: dict[str, Any]) -> None:
    for member in ("Type", "CrossAccountPrimaryARN"):
        if request.get(member):
            raise fault("NotImplemented", f"Headwater has not built {member}.")


@requires("secretsmanager:CreateSecret", name_arn("Name"))
@requires("secretsmanager:TagResource", name_arn("Name"), when="Tags")
@requires("secretsmanager:ReplicateSecretToRegions", name_arn("Name"), when="AddReplicaRegions")
async def create_secret(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """A secret, with its first version if a value is given."""
    _check_built(request)
    name: str = request["Name"]
    check_name(name)
    value = given_value(request)
    token = request.get("ClientRequestToken")
    if token is None and value is not None:
        raise refusals.no_token()
    known = ctx.store.get(secrets, ctx.account, ctx.region, name)
    if known is not None and not _is_replaced_replica(known, request):
        return await _as_before(ctx, known, token, value)
    secret = _made(ctx, request)
    asked = asked_replicas(secret, request.get("AddReplicaRegions", []))
    sealings: list[Value] = []
    if value is not None and token is not None:
        version = Version(version_id=token, created_at=secret.created_at, stages=(CURRENT,), kms_key_id=secret.kms_key_id)
        secret = msgspec.structs.replace(secret, versions=(version,))
        sealings.append(await sealed(ctx, secret, token, value))
    check_replicable(ctx, secret, asked, force=request.get("ForceOverwriteReplicaSecret", False))
    meanwhile = ctx.store.get(secrets, ctx.account, ctx.region, name)
    if meanwhile is not None and meanwhile is not known:
        raise refusals.already_exists(name)
    async with ctx.store.transaction() as tx:
        if known is not None:
            erase(tx, known)
        tx.put(secrets, secret)
        for sealing in sealings:
            tx.put(values, sealing)
    if asked:
        secret = await replicated(ctx, secret, asked, force=request.get("ForceOverwriteReplicaSecret", False))
    return {"ARN": secret.arn, "Name": name, "VersionId": token if sealings else None, "ReplicationStatus": describe_replicas(secret)}


def _is_replaced_replica(known: Secret, request: dict[str, Any]) -> bool:
    return known.is_replica and request.get("ForceOverwriteReplicaSecret", False) is True


async def _as_before(ctx: Context, known: Secret, token: str | None, value: str | bytes | None) -> dict[str, Any]:
    """The answer to the same request once more; anything else is refused."""
    if known.deletion_at is not None:
        raise refusals.scheduled_for_deletion()
    version = known.version(token)
    if version is None or value is None:
        raise refusals.already_exists(known.name)
    if not await is_same(ctx, known, version, value):
        raise refusals.token_in_use(version.version_id, known.arn)
    return {"ARN": known.arn, "Name": known.name, "VersionId": version.version_id, "ReplicationStatus": describe_replicas(known)}


def _made(ctx: Context, request: dict[str, Any]) -> Secret:
    now = ctx.clock.now()
    return Secret(
        account=ctx.account,
        region=ctx.region,
        name=request["Name"],
        suffix="".join(randomness.choice(ALPHABET) for _ in range(SUFFIX_LENGTH)),
        created_at=now,
        changed_at=now,
        description=request.get("Description"),
        kms_key_id=request.get("KmsKeyId") or None,
        tags=tagged({}, request.get("Tags", [])),
        owning_service=ctx.principal.arn if ctx.principal.kind == "service" else None,
    )


@requires("secretsmanager:UpdateSecret", secret_arn)
async def update_secret(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Description, key and value; what is not given stays."""
    _check_built(request)
    secret = changeable(ctx, request["SecretId"])
    value = given_value(request)
    token = request.get("ClientRequestToken")
    if value is not None:
        if token is None:
            raise refusals.no_token()
        if (known := secret.version(token)) is not None:
            if known.has_value and await is_same(ctx, secret, known, value):
                raise refusals.already_exists(secret.name)
            raise refusals.token_in_use(token, secret.arn)

    def described(found: Secret) -> Secret:
        changes = {"description": request["Description"]} if "Description" in request else {}
        return msgspec.structs.replace(found, changed_at=ctx.clock.now(), **changes)

    if "KmsKeyId" in request:
        secret = await _under_another_key(ctx, secret, request["KmsKeyId"] or None)
    if value is None or token is None:
        secret = await put_secret(ctx, secret, described)
        return {"ARN": secret.arn, "Name": secret.name}

    def promoted(found: Secret) -> Secret:
        found = described(found)
        versions = labelled(abandoned(found, token).versions, token, [CURRENT])
        return rescheduled(msgspec.structs.replace(found, versions=versions), ctx.clock.now())

    changed = await put_version(ctx, secret, token, value, promoted)
    tell_of_abandonment(ctx, secret, changed)
    return {"ARN": changed.arn, "Name": changed.name, "VersionId": token}


async def _under_another_key(ctx: Context, secret: Secret, kms_key_id: str | None) -> Secret:
    """Values that are in use are sealed anew, so that the old key may go."""
    rekeyed = msgspec.structs.replace(secret, kms_key_id=kms_key_id)
    sealings: dict[str, Value] = {}
    for version in secret.versions:
        if version.has_value and RE_ENCRYPTED & set(version.stages):
            value = ctx.store.get(values, *secret.key, version.version_id)
            assert value is not None
            plain = await opened(ctx, secret, value)
            try:
                sealings[version.version_id] = await sealed(ctx, rekeyed, version.version_id, plain)
            except Fault as refusal:
                if refusal.code != "AccessDeniedException":
                    raise
                break  # who may not use the new key changes it for new versions alone
    found = changeable(ctx, secret.arn)
    versions = tuple(
        msgspec.structs.replace(version, kms_key_id=kms_key_id) if version.version_id in sealings else version for version in found.versions
    )
    changed = msgspec.structs.replace(found, kms_key_id=kms_key_id, versions=versions, changed_at=ctx.clock.now())
    async with ctx.store.transaction() as tx:
        tx.put(secrets, changed)
        for value in sealings.values():
            tx.put(values, value)
    return changed
