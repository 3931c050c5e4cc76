"""RotateSecret and CancelRotateSecret: what is to be rotated, by which function, when. The work itself is `rotation.py`'s."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from headwater.aws.faults import Fault, fault
from headwater.kernel.permissions import requires

from . import refusals
from .finding import changeable, look_up, secret_arn
from .model import CURRENT, PENDING, Rotation, Rules, Secret, Version, labelled, replaced, values
from .rotation import functions, is_at_work
from .rules import asked_rules, scheduled
from .sealing import opened
from .writing import put_secret, put_version

if TYPE_CHECKING:
    from headwater.kernel.context import Context

CANNOT_INVOKE = (
    "Secrets Manager cannot invoke the specified Lambda function. "
    "Ensure that the function policy grants access to the principal secretsmanager.amazonaws.com."
)


def _function_arn(ctx: Context, request: dict[str, Any]) -> str:
    """The function that will be invoked: the request's, else the secret's."""
    given = request.get("RotationLambdaARN")
    if given:
        return str(given)
    secret = look_up(ctx.store, ctx.account, ctx.region, request["SecretId"])
    return "*" if secret is None or secret.rotation_function is None else secret.rotation_function


def _has_function(ctx: Context, request: dict[str, Any]) -> bool:
    return _function_arn(ctx, request) != "*"


@requires("secretsmanager:RotateSecret", secret_arn)
@requires("lambda:InvokeFunction", _function_arn, when=_has_function)
async def rotate_secret(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Set the function and the schedule, if they are given, and rotate now; or test the function alone."""
    token = request.get("ClientRequestToken")
    if token is None:
        raise refusals.no_token("InvalidParameterException")
    for member in ("ExternalSecretRotationMetadata", "ExternalSecretRotationRoleArn"):
        if request.get(member):
            raise fault("NotImplemented", f"Headwater has not built {member}: secrets of partners.")
    secret = changeable(ctx, request["SecretId"])
    rules = asked_rules(request)
    function = request.get("RotationLambdaARN") or secret.rotation_function
    if function is None:
        raise refusals.not_now("No Lambda rotation function ARN is associated with this secret.")
    await _check_invocable(ctx, secret, function)
    secret = changeable(ctx, secret.arn)
    pending = secret.unfinished
    if pending is not None:
        return await _again(ctx, secret, pending, token, lambda found: _configured(found, function, rules))
    if secret.version(token) is not None:
        return _answer(secret, token)  # this very rotation has been asked for, and is done
    if secret.holder(CURRENT) is None:
        raise refusals.not_now("You can't rotate a secret that has no secret value.")
    now = ctx.clock.now()
    if request.get("RotateImmediately", True):
        changed = await put_secret(ctx, secret, lambda found: _begun(_configured(found, function, rules), token, now))
    else:
        changed = await _tested(ctx, secret, function, rules, token, now)
    return _answer(changed, token)


def _answer(secret: Secret, token: str | None) -> dict[str, Any]:
    return {"ARN": secret.arn, "Name": secret.name, "VersionId": token}


async def _check_invocable(ctx: Context, secret: Secret, function: str) -> None:
    """Ask the function's own policy, as the service that will call it."""
    try:
        await functions(ctx, secret, function).invoke(FunctionName=function, InvocationType="DryRun")
    except Fault:
        raise fault("AccessDeniedException", CANNOT_INVOKE) from None


async def _again(ctx: Context, secret: Secret, pending: Version, token: str, configured: Callable[[Secret], Secret]) -> dict[str, Any]:
    """A rotation that is not finished is taken up again, unless it is running; another one cannot begin.

    Who names its version may say by what function and when: that version may have been put by hand, before there was any rotation.
    """
    is_named = pending.version_id == token
    rotation = secret.rotation
    if rotation is None or rotation.token != pending.version_id:
        rotation = Rotation(token=pending.version_id)
    if not is_at_work(ctx, secret) and (is_named or secret.rotation_function is not None):
        now = ctx.clock.now()
        again = msgspec.structs.replace(rotation, run_at=now, attempts=0, steps_done=0)

        def taken_up(found: Secret) -> Secret:
            return msgspec.structs.replace(scheduled(configured(found), now) if is_named else found, rotation=again)

        await put_secret(ctx, secret, taken_up)
    if is_named:
        return _answer(secret, token)
    raise refusals.not_now("A previous rotation isn't complete. That rotation will be reattempted.")


def _configured(secret: Secret, function: str, rules: Rules | None) -> Secret:
    return msgspec.structs.replace(
        secret, rotation_enabled=True, rotation_function=function, rules=secret.rules if rules is None else rules
    )


def _begun(secret: Secret, token: str, now: datetime) -> Secret:
    """With the version that the function is to fill: labelled AWSPENDING from the beginning, without a value."""
    version = Version(version_id=token, created_at=now, kms_key_id=secret.kms_key_id, has_value=False)
    versions = labelled(replaced(secret.versions, version), token, [PENDING])
    begun = msgspec.structs.replace(secret, versions=versions, rotation=Rotation(token=token, run_at=now), changed_at=now)
    return scheduled(begun, now)


async def _tested(ctx: Context, secret: Secret, function: str, rules: Rules | None, token: str, now: datetime) -> Secret:
    """Nothing rotates yet: a pending copy of the current value is what the function tests, and it goes away afterwards."""
    current = secret.holder(CURRENT)
    assert current is not None
    kept = ctx.store.get(values, *secret.key, current.version_id)
    assert kept is not None
    plain = await opened(ctx, secret, kept)

    def change(found: Secret) -> Secret:
        found = msgspec.structs.replace(found, versions=labelled(found.versions, token, [PENDING]))
        rotation = Rotation(token=token, run_at=now, only_test=True)
        return scheduled(msgspec.structs.replace(_configured(found, function, rules), rotation=rotation), now)

    return await put_version(ctx, secret, token, plain, change)


@requires("secretsmanager:CancelRotateSecret", secret_arn)
async def cancel_rotate_secret(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Switch rotation off; one that is under way stops where it is, and leaves its labels."""
    secret = changeable(ctx, request["SecretId"])

    def change(found: Secret) -> Secret:
        enabled = None if found.rotation_enabled is None else False
        found = msgspec.structs.replace(found, rotation_enabled=enabled, rotation=None, changed_at=ctx.clock.now())
        return msgspec.structs.replace(found, rotation_due_at=None, rotation_due_until=None)

    changed = await put_secret(ctx, secret, change)
    pending = changed.unfinished
    return {"ARN": changed.arn, "Name": changed.name, "VersionId": None if pending is None else pending.version_id}
