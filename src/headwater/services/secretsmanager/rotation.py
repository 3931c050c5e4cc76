"""A rotation under way: four calls of the secret's function, kept so that it goes on where it was after whatever happens.

The function moves the labels; we call it and look whether it did. A call that fails leaves AWSCURRENT where it is, and the whole
is tried again with the same token some times, after a while that grows; then it stays unfinished until somebody rotates again or
the schedule's next window opens.
Source: "Rotation by Lambda function" of the user guide.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import msgspec
import structlog

from headwater.aws.faults import Fault
from headwater.kernel.jobs import OWED, handles, key_of

from . import events
from .due import RotationDue, RotationRun
from .finding import look_up
from .model import CURRENT, PENDING, Rotation, Secret, Version, labelled, replaced, unlabelled
from .rules import scheduled, with_days
from .writing import put_secret

if TYPE_CHECKING:
    from headwater.kernel.client import Client
    from headwater.kernel.context import Context

log = structlog.get_logger()

STEPS: Final = ("createSecret", "setSecret", "testSecret", "finishSecret")
TEST: Final = ("testSecret",)
ATTEMPTS_MAX: Final = 5
FIRST_RETRY: Final = timedelta(seconds=2)
RETRY_FACTOR: Final = 4
LONGEST_ROTATION: Final = timedelta(hours=1, minutes=5)
"""Four functions of a quarter of an hour each, and the time between them."""
WORDS_MAX: Final = 1000


class _StepFailed(Exception):
    """The function answered an error, or did not do what the step is for."""


def functions(ctx: Context, secret: Secret, function: str) -> Client:
    """Lambda, as seen by Secrets Manager itself when it rotates this secret."""
    fields = function.split(":")
    region = fields[3] if len(fields) > 3 else secret.region
    return ctx.client("lambda", service_principal="secretsmanager", source_arn=secret.arn, region=region)


def is_at_work(ctx: Context, secret: Secret) -> bool:
    """Whether a job goes on with the unfinished rotation, now or after a while."""
    if secret.rotation is None or secret.rotation.run_at is None:
        return False
    return ctx.store.get(OWED, *key_of(RotationRun.of(secret))) is not None


@handles(RotationDue)
async def _begin(ctx: Context, due: RotationDue) -> None:
    """The window opens: a rotation begins, or the unfinished one is taken up again."""
    secret = look_up(ctx.store, due.account, due.region, due.subject)
    if secret is None or secret.rotation_due_at != due.at or not secret.rotation_enabled or secret.deletion_at is not None:
        return
    now = ctx.clock.now()
    token = ctx.new_id()

    def begun(found: Secret) -> Secret:
        found = scheduled(found, max(now, due.at))
        if is_at_work(ctx, found):
            return found
        pending = found.unfinished
        if pending is not None:
            return msgspec.structs.replace(found, rotation=Rotation(token=pending.version_id, run_at=now))
        version = Version(version_id=token, created_at=now, kms_key_id=found.kms_key_id, has_value=False)
        versions = labelled(replaced(found.versions, version), token, [PENDING])
        return msgspec.structs.replace(found, versions=versions, rotation=Rotation(token=token, run_at=now))

    await put_secret(ctx, secret, begun)


@handles(RotationRun, timeout=LONGEST_ROTATION)
async def _run(ctx: Context, run: RotationRun) -> None:
    """The steps that are not done yet. Killed anywhere, it comes here again; a step is then made twice, with the same token."""
    secret = _under_way(ctx, run)
    if secret is None or secret.rotation is None:
        return
    only_test = secret.rotation.only_test
    if secret.rotation.steps_done == 0:
        events.tell(ctx, secret, "TestRotationStarted" if only_test else "RotationStarted")
    steps = TEST if only_test else STEPS
    for step in steps[secret.rotation.steps_done :]:
        try:
            await _step(ctx, secret, step, run.token)
        except (_StepFailed, Fault) as failure:
            await _fail(ctx, run, step, failure)
            return
        secret = await _note_step(ctx, run)
        if secret is None:
            return  # deleted, cancelled or abandoned meanwhile
    await _succeed(ctx, secret, run.token)


def _under_way(ctx: Context, run: RotationRun) -> Secret | None:
    """The secret, if this run is still what it waits for."""
    secret = look_up(ctx.store, run.account, run.region, run.subject)
    if secret is None or secret.deletion_at is not None or secret.rotation is None:
        return None
    if secret.rotation.token != run.token or secret.rotation.run_at != run.at:
        return None
    version = secret.version(run.token)
    labelled_so = version is not None and {PENDING, CURRENT} & set(version.stages)
    return secret if labelled_so else None


async def _step(ctx: Context, secret: Secret, step: str, token: str) -> None:
    """One call of the function."""
    version = secret.version(token)
    if version is not None and CURRENT in version.stages and step != TEST[0]:
        return  # an earlier run came so far
    function = secret.rotation_function
    if function is None:
        raise _StepFailed("the secret has no rotation function")
    assert secret.rotation is not None
    event = {"Step": step, "SecretId": secret.arn, "ClientRequestToken": token, "RotationToken": secret.rotation.proof}
    answer = await functions(ctx, secret, function).invoke(FunctionName=function, Payload=msgspec.json.encode(event))
    if "FunctionError" in answer:
        raise _StepFailed(_words(answer["Payload"]))
    if step == STEPS[-1]:
        found = look_up(ctx.store, secret.account, secret.region, secret.arn)
        version = None if found is None else found.version(token)
        if version is not None and CURRENT not in version.stages:
            raise _StepFailed(f"the function did not move {CURRENT} to version {token}")


def _words(payload: bytes) -> str:
    """What the function said of its error."""
    try:
        said = msgspec.json.decode(payload)
    except msgspec.DecodeError:
        said = None
    if not isinstance(said, dict):
        return "the function failed"
    return f"{said.get('errorType', 'Error')}: {said.get('errorMessage', '')}"[:WORDS_MAX]


async def _note_step(ctx: Context, run: RotationRun) -> Secret | None:
    """One more step is done; None where nothing more is to be."""
    secret = _under_way(ctx, run)
    if secret is None:
        return None

    def noted(found: Secret) -> Secret:
        assert found.rotation is not None
        done = found.rotation.steps_done + 1
        return msgspec.structs.replace(found, rotation=msgspec.structs.replace(found.rotation, steps_done=done))

    return await put_secret(ctx, secret, noted)


async def _succeed(ctx: Context, secret: Secret, token: str) -> None:
    now = ctx.clock.now()
    assert secret.rotation is not None
    if secret.rotation.only_test:
        await _forget_test(ctx, secret, token)
        events.tell(ctx, secret, "TestRotationSucceeded")
        return

    def rotated(found: Secret) -> Secret:
        found = msgspec.structs.replace(found, rotation=None, rotated_at=now, changed_at=now)
        return with_days(scheduled(found, now), now)

    changed = await put_secret(ctx, secret, rotated)
    events.tell(ctx, changed, "RotationSucceeded")
    _tell(ctx, changed, {"outcome": "succeeded", "version": token})


async def _forget_test(ctx: Context, secret: Secret, token: str) -> None:
    """The pending copy goes, whether the test succeeded or not."""

    def without(found: Secret) -> Secret:
        left = tuple(version for version in unlabelled(found.versions, PENDING) if version.version_id != token)
        return msgspec.structs.replace(found, rotation=None, versions=left)

    await put_secret(ctx, secret, without)


async def _fail(ctx: Context, run: RotationRun, step: str, failure: Exception) -> None:
    """AWSCURRENT is where it was. Try again later, or leave it."""
    secret = _under_way(ctx, run)
    if secret is None or secret.rotation is None:
        return
    words = failure.message if isinstance(failure, Fault) else str(failure)
    if secret.rotation.only_test:
        await _forget_test(ctx, secret, run.token)
        _report(ctx, secret, "TestRotationFailed", step, words, attempts=1)
        return
    attempts = secret.rotation.attempts + 1
    wait = FIRST_RETRY * RETRY_FACTOR ** (attempts - 1)
    run_at = ctx.clock.now() + wait if attempts < ATTEMPTS_MAX else None

    def failed(found: Secret) -> Secret:
        assert found.rotation is not None
        rotation = msgspec.structs.replace(found.rotation, attempts=attempts, steps_done=0, run_at=run_at)
        return msgspec.structs.replace(found, rotation=rotation)

    changed = await put_secret(ctx, secret, failed)
    _report(ctx, changed, "RotationFailed", step, words, attempts=attempts)


def _report(ctx: Context, secret: Secret, event: str, step: str, words: str, *, attempts: int) -> None:
    """AWS says in the event that it failed, and leaves why to the function's log; here it is on the Bus and in our log too."""
    events.tell(ctx, secret, event)
    log.warning("rotation failed", secret_arn=secret.arn, step=step, error=words, attempts=attempts)
    _tell(ctx, secret, {"outcome": "failed", "step": step, "error": words, "attempts": attempts})


def _tell(ctx: Context, secret: Secret, facts: dict[str, Any]) -> None:
    if ctx.bus.has_listeners(events.ROTATION_TOPIC):
        ctx.bus.publish(events.ROTATION_TOPIC, {"secret": secret.arn, "at": ctx.clock.now()} | facts)
