"""PutSecretValue and GetSecretValue: versions of a secret, written once and read often."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import msgspec

from headwater.aws.faults import Fault, fault
from headwater.kernel.permissions import requires
from headwater.kernel.service import room

from . import events, refusals
from .finding import changeable, readable, secret_arn
from .listing import matching
from .model import CURRENT, PENDING, Secret, Version, labelled, replaced, secrets, unlabelled, values
from .paging import page
from .remembered import remembered_of
from .rules import rescheduled
from .sealing import SecretValue, opened
from .writing import put_version

if TYPE_CHECKING:
    from headwater.kernel.context import Context

BYTES_MAX: Final = 65_536
STAGES_MAX: Final = 20
BATCH: Final = 20
A_DAY: Final = timedelta(days=1)


def given_value(request: dict[str, Any]) -> SecretValue | None:
    """The value in a request, if it has one."""
    text, binary = request.get("SecretString"), request.get("SecretBinary")
    if text is not None and binary is not None:
        raise refusals.invalid("You can't specify both a binary secret value and a string secret value in the same secret.")
    value: SecretValue | None = text if text is not None else binary
    if value is not None and len(value.encode() if isinstance(value, str) else value) > BYTES_MAX:
        member = "secretString" if text is not None else "secretBinary"
        constraint = f"Member must have length less than or equal to {BYTES_MAX}"
        raise fault("ValidationException", f"1 validation error detected: Value at '{member}' failed to satisfy constraint: {constraint}")
    return value


async def _is_same(ctx: Context, secret: Secret, version: Version, value: SecretValue) -> bool:
    kept = ctx.store.get(values, *secret.key, version.version_id)
    return kept is not None and await opened(ctx, secret, kept) == value


def is_same(ctx: Context, secret: Secret, version: Version, value: SecretValue) -> Awaitable[bool]:
    """Whether the version has this value."""
    return _is_same(ctx, secret, version, value)


def abandoned(secret: Secret, version_id: str) -> Secret:
    """A new current version that no rotation made ends the rotation that is under way."""
    pending = secret.holder(PENDING)
    if pending is None or pending.version_id == version_id:
        return secret
    return msgspec.structs.replace(secret, versions=unlabelled(secret.versions, PENDING), rotation=None)


def tell_of_abandonment(ctx: Context, before: Secret, after: Secret) -> None:
    pending = before.unfinished
    if pending is not None and after.holder(PENDING) is None and before.rotation is not None:
        events.tell(ctx, after, "RotationAbandoned", SecretVersionId=pending.version_id)


@requires("secretsmanager:PutSecretValue", secret_arn)
async def put_secret_value(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """A new version; the same request once more does nothing."""
    secret = changeable(ctx, request["SecretId"])
    value = given_value(request)
    if value is None:
        raise refusals.not_now("You must provide either SecretString or SecretBinary.")
    token = request.get("ClientRequestToken")
    if token is None:
        raise refusals.no_token()
    _check_proof(secret, request.get("RotationToken"))
    known = secret.version(token)
    if known is not None and known.has_value:
        if not await is_same(ctx, secret, known, value):
            raise refusals.token_in_use(token, secret.arn)
        return _put(secret, known)
    stages = list(request.get("VersionStages") or [CURRENT])
    if secret.holder(CURRENT) is None and CURRENT not in stages:
        stages.append(CURRENT)

    def staged(found: Secret) -> Secret:
        if CURRENT in stages:
            found = abandoned(found, token)
        changed = msgspec.structs.replace(found, versions=labelled(found.versions, token, stages))
        version = changed.version(token)
        if version is not None and len(version.stages) > STAGES_MAX:
            raise fault("LimitExceededException", f"A version of a secret can have at most {STAGES_MAX} staging labels.")
        return rescheduled(changed, ctx.clock.now()) if CURRENT in stages else changed

    changed = await put_version(ctx, secret, token, value, staged)
    tell_of_abandonment(ctx, secret, changed)
    version = changed.version(token)
    assert version is not None
    return _put(changed, version)


def _check_proof(secret: Secret, proof: str | None) -> None:
    """Who shows a token of a rotation must show that of the one under way; who may put a value by himself needs none."""
    if proof is not None and (secret.rotation is None or secret.rotation.proof != proof):
        raise refusals.invalid("The RotationToken isn't valid for this secret.")


def _put(secret: Secret, version: Version) -> dict[str, Any]:
    return {"ARN": secret.arn, "Name": secret.name, "VersionId": version.version_id, "VersionStages": list(version.stages) or None}


@requires("secretsmanager:GetSecretValue", secret_arn)
async def get_secret_value(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """The value of a version: of AWSCURRENT, if nothing else is said."""
    secret = readable(ctx, request["SecretId"])
    version = _asked_version(secret, request.get("VersionId"), request.get("VersionStage"))
    return await _read(ctx, secret, version)


def _asked_version(secret: Secret, version_id: str | None, stage: str | None) -> Version:
    if version_id is None:
        stage = stage or CURRENT
        version = secret.holder(stage)
        if version is None or not version.has_value:
            raise refusals.no_such_value(stage=stage)
        return version
    version = secret.version(version_id)
    if version is None or not version.has_value:
        raise refusals.no_such_value(version_id=version_id)
    if stage is not None and stage not in version.stages:
        raise refusals.not_now("You provided a VersionStage that is not associated to the provided VersionId.")
    return version


async def _read(ctx: Context, secret: Secret, version: Version) -> dict[str, Any]:
    remembered = remembered_of(ctx)
    value = remembered.get(ctx, secret.arn, version.version_id, version.kms_key_id or "")
    if value is None:
        kept = ctx.store.get(values, *secret.key, version.version_id)
        if kept is None:
            raise refusals.no_such_value(version_id=version.version_id)
        value = await opened(ctx, secret, kept)
        remembered.keep(ctx, value, secret.arn, version.version_id, version.kms_key_id or "")
    now = ctx.clock.now()
    if version.accessed_on is None or not timedelta() <= now - version.accessed_on < A_DAY:
        await _note_access(ctx, secret, version.version_id, now.replace(hour=0, minute=0, second=0, microsecond=0))
    return {
        "ARN": secret.arn,
        "Name": secret.name,
        "VersionId": version.version_id,
        "SecretString": value if isinstance(value, str) else None,
        "SecretBinary": value if isinstance(value, bytes) else None,
        "VersionStages": list(version.stages) or None,
        "CreatedDate": version.created_at,
    }


async def _note_access(ctx: Context, secret: Secret, version_id: str, day: datetime) -> None:
    """Written once a day: the date is all that AWS tells."""
    found = ctx.store.get(secrets, *secret.key)
    version = None if found is None else found.version(version_id)
    if found is None or version is None:
        return  # gone since it was read
    versions = replaced(found.versions, msgspec.structs.replace(version, accessed_on=day))
    async with ctx.store.transaction() as tx:
        tx.put(secrets, msgspec.structs.replace(found, versions=versions, accessed_on=day))


@requires("secretsmanager:BatchGetSecretValue")
@requires("secretsmanager:ListSecrets", when="Filters")
async def batch_get_secret_value(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Each secret as by itself: those that cannot be read are told beside the others."""
    names = request.get("SecretIdList")
    if (names is None) == (not request.get("Filters")):
        raise refusals.invalid("You must include either SecretIdList or Filters, but not both.")
    if names is not None and "MaxResults" in request:
        raise refusals.invalid("MaxResults can be used only with Filters.")
    more: dict[str, Any] = {}
    if names is None:
        shown, more = page(matching(ctx, request["Filters"]), request, lambda secret: (secret.name,), BATCH)
        names = [secret.arn for secret in shown]
    found: list[dict[str, Any]] = []
    errors: list[dict[str, Any]] = []
    for named in names:
        try:
            found.append(await _read_one(ctx, request, named))
        except Fault as refusal:
            errors.append({"SecretId": named, "ErrorCode": refusal.code, "Message": refusal.message})
    return {"SecretValues": found, "Errors": errors or None} | more


async def _read_one(ctx: Context, request: dict[str, Any], named: str) -> dict[str, Any]:
    operation = room("secretsmanager").model.operations["GetSecretValue"]
    asked = {"SecretId": named}
    arn = secret_arn(ctx, asked)
    if not ctx.home.authorization.allows(ctx, operation, asked, "secretsmanager:GetSecretValue", arn):
        words = f"User: {ctx.principal.arn} is not authorized to perform: secretsmanager:GetSecretValue on resource: {arn}"
        raise fault("AccessDeniedException", words)
    return await get_secret_value(ctx, asked)
