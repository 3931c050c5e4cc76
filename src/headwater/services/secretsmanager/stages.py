"""Staging labels moved by hand, which is how a rotation function ends its work and how a version is rolled back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from headwater.aws.faults import fault
from headwater.kernel.permissions import requires

from . import events, refusals
from .finding import changeable, secret_arn
from .model import CURRENT, PENDING, Secret, labelled, unlabelled
from .values import STAGES_MAX
from .writing import put_secret

if TYPE_CHECKING:
    from headwater.kernel.context import Context


@requires("secretsmanager:UpdateSecretVersionStage", secret_arn)
async def update_secret_version_stage(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Attach a label, move it, or take it off."""
    secret = changeable(ctx, request["SecretId"])
    stage: str = request["VersionStage"]

    def change(found: Secret) -> Secret:
        target, source = request.get("MoveToVersionId"), request.get("RemoveFromVersionId")
        _check(found, stage, target, source)
        versions = unlabelled(found.versions, stage) if target is None else labelled(found.versions, target, [stage])
        changed = msgspec.structs.replace(found, versions=versions, changed_at=ctx.clock.now())
        version = changed.version(target)
        if version is not None and len(version.stages) > STAGES_MAX:
            raise fault("LimitExceededException", f"A version of a secret can have at most {STAGES_MAX} staging labels.")
        return changed

    changed = await put_secret(ctx, secret, change)
    pending = secret.unfinished
    if pending is not None and stage == PENDING and secret.rotation is not None and changed.holder(PENDING) is None:
        events.tell(ctx, changed, "RotationAbandoned", SecretVersionId=pending.version_id)
    return {"ARN": changed.arn, "Name": changed.name}


def _check(secret: Secret, stage: str, target: str | None, source: str | None) -> None:
    """What AWS asks of the two versions: a label is taken only from where the caller knows it to be."""
    if target is None and source is None:
        raise refusals.invalid("You must specify MoveToVersionId, RemoveFromVersionId, or both.")
    for version_id in (target, source):
        if version_id is not None and secret.version(version_id) is None:
            raise refusals.invalid(f"Not a valid version: {version_id}")
    _check_source(secret, stage, target, source)
    if stage != CURRENT:
        return
    if target is None:
        sentence = f"You can only move staging label {CURRENT} to a different secret version. It can't be completely removed."
        raise refusals.invalid(sentence)
    version = secret.version(target)
    if version is not None and not version.has_value:
        raise refusals.not_now(f"You can't move staging label {CURRENT} to version {target}, which has no secret value.")


def _check_source(secret: Secret, stage: str, target: str | None, source: str | None) -> None:
    holder = secret.holder(stage)
    attached = None if holder is None else holder.version_id
    if source is not None and source != attached:
        raise refusals.invalid(f"Staging label {stage} is not attached to version {source}, which RemoveFromVersionId references.")
    if source is None and attached is not None and attached != target:
        where = f"Staging label {stage} is currently attached to version {attached}"
        sentence = f"The parameter RemoveFromVersionId can't be empty. {where}"
        raise refusals.invalid(f"{sentence}, so you must explicitly reference that version in RemoveFromVersionId.")
