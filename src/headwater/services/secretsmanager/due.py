"""The jobs that a secret owes: its deletion at the end of the recovery window, its next rotation, and the rotation under way."""

from __future__ import annotations

from headwater.kernel.jobs import Job

from .model import Secret


class DeletionDue(Job, frozen=True, kw_only=True, tag="secretsmanager/deletion-due/1"):
    """`subject` is the secret's name."""

    @classmethod
    def of(cls, secret: Secret) -> DeletionDue:
        assert secret.deletion_at is not None
        return cls(account=secret.account, region=secret.region, subject=secret.name, at=secret.deletion_at)


class RotationDue(Job, frozen=True, kw_only=True, tag="secretsmanager/rotation-due/1"):
    """The schedule's window opens. `subject` is the secret's ARN."""

    @classmethod
    def of(cls, secret: Secret) -> RotationDue:
        assert secret.rotation_due_at is not None
        return cls(account=secret.account, region=secret.region, subject=secret.arn, at=secret.rotation_due_at)


class RotationRun(Job, frozen=True, kw_only=True, tag="secretsmanager/rotation-run/1"):
    """The rotation that is under way begins, or begins again after a failure. `subject` is the secret's ARN."""

    token: str

    @classmethod
    def of(cls, secret: Secret) -> RotationRun:
        assert secret.rotation is not None
        assert secret.rotation.run_at is not None
        token, at = secret.rotation.token, secret.rotation.run_at
        return cls(account=secret.account, region=secret.region, subject=secret.arn, at=at, token=token)
