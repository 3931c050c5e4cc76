"""Records of Secrets Manager, and the rules by which staging labels move. Pure.

What is sealed lies apart from what describes it, so that moving a label does not rewrite the values.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import uuid4

import msgspec

from headwater.kernel.store import Record, Table

CURRENT: Final = "AWSCURRENT"
PENDING: Final = "AWSPENDING"
PREVIOUS: Final = "AWSPREVIOUS"
DEFAULT_KEY: Final = "DefaultEncryptionKey"
IN_SYNC: Final = "InSync"
FAILED: Final = "Failed"


class Version(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is known of a version besides its value. A rotation makes it before it has one."""

    version_id: str
    created_at: datetime
    stages: tuple[str, ...] = ()
    kms_key_id: str | None = None
    has_value: bool = True
    accessed_on: datetime | None = None


class Value(Record, frozen=True, kw_only=True):
    """A version's value, sealed under a data key that is itself encrypted under the secret's key."""

    account: str
    region: str
    name: str
    version_id: str
    data_key: bytes
    sealed: bytes


class Rules(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """When to rotate, as it was asked for."""

    days: int | None = None
    expression: str | None = None
    duration: str | None = None


class Rotation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A rotation under way, or one that failed and has not been given up by its owner."""

    token: str
    run_at: datetime | None = None
    """When the job is due that goes on with it; None where it failed too often."""
    steps_done: int = 0
    attempts: int = 0
    only_test: bool = False
    proof: str = msgspec.field(default_factory=lambda: str(uuid4()))
    """The RotationToken, by which a function that acts under another role shows for which rotation it puts a value."""


class Replica(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where else the secret is, as its primary knows it."""

    region: str
    kms_key_id: str | None = None
    status: str = IN_SYNC
    message: str = ""


class Secret(Record, frozen=True, kw_only=True, omit_defaults=True):
    """A secret in one region. `suffix`: the six characters at the end of its ARN, the same in all regions."""

    account: str
    region: str
    name: str
    suffix: str
    created_at: datetime
    changed_at: datetime
    description: str | None = None
    kms_key_id: str | None = None
    tags: dict[str, str]
    versions: tuple[Version, ...] = ()
    policy: str | None = None
    accessed_on: datetime | None = None
    deletion_at: datetime | None = None
    owning_service: str | None = None
    primary_region: str | None = None
    replicas: tuple[Replica, ...] = ()
    rotation_enabled: bool | None = None
    rotation_function: str | None = None
    rules: Rules | None = None
    rotated_at: datetime | None = None
    rotation_due_at: datetime | None = None
    rotation_due_until: datetime | None = None
    rotation: Rotation | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        return self.account, self.region, self.name

    @property
    def arn(self) -> str:
        return f"arn:aws:secretsmanager:{self.region}:{self.account}:secret:{self.name}-{self.suffix}"

    @property
    def is_replica(self) -> bool:
        return self.primary_region is not None and self.primary_region != self.region

    def version(self, version_id: str | None) -> Version | None:
        return next((version for version in self.versions if version.version_id == version_id), None)

    def holder(self, stage: str) -> Version | None:
        """The version that has this label."""
        return next((version for version in self.versions if stage in version.stages), None)

    @property
    def unfinished(self) -> Version | None:
        """The version of a rotation that did not come to its end: AWSPENDING, and not AWSCURRENT too."""
        pending = self.holder(PENDING)
        return None if pending is None or CURRENT in pending.stages else pending


secrets: Final = Table("secretsmanager", "secrets", Secret, key=lambda secret: secret.key)
values: Final = Table(
    "secretsmanager", "values", Value, key=lambda value: (value.account, value.region, value.name, value.version_id), big=True
)


def labelled(versions: tuple[Version, ...], version_id: str, stages: Iterable[str]) -> tuple[Version, ...]:
    """Attach labels, taking them from where they were. AWSPREVIOUS goes where AWSCURRENT comes from."""
    labels = labels_of(versions)
    before = labels.get(CURRENT)
    labels.update(dict.fromkeys(stages, version_id))
    if before is not None and labels[CURRENT] != before:
        labels[PREVIOUS] = before
    return relabelled(versions, labels)


def unlabelled(versions: tuple[Version, ...], stage: str) -> tuple[Version, ...]:
    """Take a label off, wherever it is."""
    labels = labels_of(versions)
    labels.pop(stage, None)
    return relabelled(versions, labels)


def labels_of(versions: Iterable[Version]) -> dict[str, str]:
    """Which version has which label."""
    return {stage: version.version_id for version in versions for stage in version.stages}


def relabelled(versions: tuple[Version, ...], labels: dict[str, str]) -> tuple[Version, ...]:
    """With these labels alone, in alphabetical order. A version that has neither a label nor a value is none."""
    stages: dict[str, list[str]] = {}
    for stage in sorted(labels):
        stages.setdefault(labels[stage], []).append(stage)
    staged = (_with_stages(version, tuple(stages.get(version.version_id, ()))) for version in versions)
    return tuple(version for version in staged if version.stages or version.has_value)


def _with_stages(version: Version, stages: tuple[str, ...]) -> Version:
    return version if version.stages == stages else msgspec.structs.replace(version, stages=stages)


def replaced(versions: tuple[Version, ...], version: Version) -> tuple[Version, ...]:
    """With this version in the place of the one of its id, or at the end."""
    if not any(one.version_id == version.version_id for one in versions):
        return (*versions, version)
    return tuple(version if one.version_id == version.version_id else one for one in versions)


def describe_tags(secret: Secret) -> list[dict[str, str]] | None:
    return [{"Key": key, "Value": value} for key, value in secret.tags.items()] or None


def describe_rules(secret: Secret) -> dict[str, Any] | None:
    if secret.rules is None:
        return None
    rules = {
        "AutomaticallyAfterDays": secret.rules.days,
        "Duration": secret.rules.duration,
        "ScheduleExpression": secret.rules.expression,
    }
    return rules if any(value is not None for value in rules.values()) else None


def describe_stages(secret: Secret) -> dict[str, list[str]] | None:
    return {version.version_id: list(version.stages) for version in secret.versions if version.stages} or None


def describe(secret: Secret) -> dict[str, Any]:
    """What DescribeSecret and ListSecrets both say."""
    on = secret.rotation_enabled is True
    return {
        "ARN": secret.arn,
        "Name": secret.name,
        "Description": secret.description,
        "KmsKeyId": secret.kms_key_id,
        "RotationEnabled": secret.rotation_enabled,
        "RotationLambdaARN": secret.rotation_function,
        "RotationRules": describe_rules(secret),
        "LastRotatedDate": secret.rotated_at if on else None,
        "LastChangedDate": secret.changed_at,
        "LastAccessedDate": secret.accessed_on,
        "DeletedDate": secret.deletion_at,
        "NextRotationDate": secret.rotation_due_until if on else None,
        "Tags": describe_tags(secret),
        "OwningService": secret.owning_service,
        "CreatedDate": secret.created_at,
        "PrimaryRegion": secret.primary_region,
    }


def describe_replicas(secret: Secret, accessed: Mapping[str, datetime | None] | None = None) -> list[dict[str, Any]] | None:
    """`accessed`: when each region's copy was read last, which only the copy knows."""
    accessed = accessed or {}
    return [
        {
            "LastAccessedDate": accessed.get(replica.region),
            "Region": replica.region,
            "KmsKeyId": replica.kms_key_id or "alias/aws/secretsmanager",
            "Status": replica.status,
            "StatusMessage": replica.message or None,
        }
        for replica in secret.replicas
    ] or None


def describe_version(version: Version) -> dict[str, Any]:
    return {
        "VersionId": version.version_id,
        "VersionStages": list(version.stages) or None,
        "LastAccessedDate": version.accessed_on,
        "CreatedDate": version.created_at,
        "KmsKeyIds": [version.kms_key_id or DEFAULT_KEY],
    }
