"""Which versions are copied where: a bucket's replication rules, and the job that a new version owes by them. Pure.

Of rules with the same destination the one of the highest priority counts. Replicas are not copied on, nor is what is encrypted under
somebody's key. A delete marker is copied where a rule says so, or is of the old form, which has no Filter; what a version's deletion
removes stays in the copy. Source: "What does Amazon S3 replicate?" and "Replication configuration file elements" of the user guide.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from headwater.kernel.jobs import Job

from . import expiry
from .records import ENABLED, Bucket, ObjectVersion

PENDING: Final = "PENDING"
COMPLETED: Final = "COMPLETED"
FAILED: Final = "FAILED"
REPLICA: Final = "REPLICA"
Rule = dict[str, Any]


class ReplicaDue(Job, frozen=True, kw_only=True, tag="s3/replica-due/1"):
    """A version is to be copied to where rules say, or its tags are. The subject is its order."""

    bucket: str
    key: str
    version_id: str


def due(bucket: Bucket, version: ObjectVersion, at: datetime) -> ReplicaDue | None:
    """What a new version owes; None where no rule wants it."""
    if not rules_for(bucket, version):
        return None
    return ReplicaDue(
        account=bucket.account,
        region=bucket.region,
        subject=version.order,
        at=at,
        bucket=bucket.name,
        key=version.key,
        version_id=version.version_id,
    )


def rules_for(bucket: Bucket, version: ObjectVersion) -> list[Rule]:
    """One rule for each destination."""
    if bucket.replication is None or bucket.versioning != ENABLED or version.encryption is not None or version.replication == REPLICA:
        return []
    found: dict[str, Rule] = {}
    for rule in sorted(bucket.replication["Rules"], key=lambda one: one.get("Priority", 0)):
        wanted = rule["Status"] == ENABLED and expiry.concerns(rule, version.key, version.size, version.tags)
        if wanted and (not version.marker or takes_markers(rule)):
            found[target_of(rule)] = rule
    return list(found.values())


def takes_markers(rule: Rule) -> bool:
    if "Filter" not in rule:
        return True
    return bool((rule.get("DeleteMarkerReplication") or {}).get("Status") == ENABLED)


def target_of(rule: Rule) -> str:
    name: str = rule["Destination"]["Bucket"].rpartition(":")[2]
    return name


def has_tags(rule: Rule) -> bool:
    chosen = rule.get("Filter") or {}
    return "Tag" in chosen or bool((chosen.get("And") or {}).get("Tags"))
