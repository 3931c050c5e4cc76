"""When lifecycle rules say that something ends: pure arithmetic on what rules, objects and uploads say of themselves.

Days are counted from a version's making (of an old version: from when it was replaced), rounded up to the next midnight of UTC.
Source: "Lifecycle configuration elements" and "Expiring objects" of the user guide.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any, Final
from urllib.parse import quote

from .attire import ARCHIVED, COLDNESS
from .records import Bucket, ObjectVersion, Upload

Rule = Mapping[str, Any]
SMALL_BYTES: Final = 128 * 1024


def next_midnight(moment: datetime) -> datetime:
    """The first midnight that is not before it."""
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight if midnight == moment else midnight + timedelta(days=1)


def after_days(moment: datetime, days: int) -> datetime:
    return next_midnight(moment + timedelta(days=days))


def enabled(bucket: Bucket) -> list[Rule]:
    return [rule for rule in bucket.lifecycle or () if rule["Status"] == "Enabled"]


def concerns(rule: Rule, key: str, size: int, tags: Mapping[str, str]) -> bool:
    """Whether the rule's filter lets it through."""
    chosen = rule.get("Filter") or {}
    both = chosen.get("And") or {}
    prefix = rule.get("Prefix") or chosen.get("Prefix") or both.get("Prefix") or ""
    wanted = [*([chosen["Tag"]] if "Tag" in chosen else []), *(both.get("Tags") or [])]
    above, below = ((chosen | both).get(f"ObjectSize{word}") for word in ("GreaterThan", "LessThan"))
    return (
        key.startswith(prefix)
        and all(tags.get(tag["Key"]) == tag["Value"] for tag in wanted)
        and (above is None or size > above)
        and (below is None or size < below)
    )


def _of(rules: Iterable[Rule], version: ObjectVersion) -> list[Rule]:
    return [rule for rule in rules if concerns(rule, version.key, version.size, version.tags)]


def of_current(rules: Iterable[Rule], version: ObjectVersion) -> tuple[datetime, Rule] | None:
    """When a key's newest version ends, and by which rule; None where it stays."""
    found: list[tuple[datetime, Rule]] = []
    for rule in _of(rules, version):
        expiration = rule.get("Expiration") or {}
        if "Days" in expiration:
            found.append((after_days(version.modified_at, expiration["Days"]), rule))
        elif "Date" in expiration:
            found.append((expiration["Date"], rule))
    return min(found, key=lambda pair: pair[0], default=None)


def ends_markers(rules: Iterable[Rule], marker: ObjectVersion, now: datetime) -> bool:
    """Whether a delete marker goes that has no version behind it: also where a rule counts days."""
    for rule in _of(rules, marker):
        expiration = rule.get("Expiration") or {}
        if expiration.get("ExpiredObjectDeleteMarker"):
            return True
    due = of_current(rules, marker)
    return due is not None and due[0] <= now


def of_old(rules: Iterable[Rule], version: ObjectVersion, replaced_at: datetime, newer: int) -> datetime | None:
    """When an old version ends that has `newer` old ones before it."""
    ends: list[datetime] = []
    for rule in _of(rules, version):
        expiration = rule.get("NoncurrentVersionExpiration") or {}
        if "NoncurrentDays" in expiration and newer >= expiration.get("NewerNoncurrentVersions", 0):
            ends.append(after_days(replaced_at, expiration["NoncurrentDays"]))
    return min(ends, default=None)


def move_of_current(bucket: Bucket, rules: Iterable[Rule], version: ObjectVersion, now: datetime) -> str | None:
    """The storage class that a key's newest version moves to now; None where it stays."""
    found = []
    for rule in _of(rules, version):
        for one in rule.get("Transitions") or ():
            due = after_days(version.modified_at, one["Days"]) if "Days" in one else one["Date"]
            if due <= now and _moves(bucket, rule, version, one["StorageClass"]):
                found.append(one["StorageClass"])
    return max(found, key=COLDNESS.index, default=None)


def move_of_old(
    bucket: Bucket, rules: Iterable[Rule], version: ObjectVersion, replaced_at: datetime, newer: int, now: datetime
) -> str | None:
    """The same for an old version that has `newer` old ones before it."""
    found = []
    for rule in _of(rules, version):
        for one in rule.get("NoncurrentVersionTransitions") or ():
            due = after_days(replaced_at, one["NoncurrentDays"])
            if due <= now and newer >= one.get("NewerNoncurrentVersions", 0) and _moves(bucket, rule, version, one["StorageClass"]):
                found.append(one["StorageClass"])
    return max(found, key=COLDNESS.index, default=None)


def _moves(bucket: Bucket, rule: Rule, version: ObjectVersion, target: str) -> bool:
    """Only to where it is colder; and what is small does not pay, unless the rule says of itself which sizes it means."""
    if version.storage_class not in COLDNESS or COLDNESS.index(target) <= COLDNESS.index(version.storage_class):
        return False
    chosen = rule.get("Filter") or {}
    if version.size >= SMALL_BYTES or any(name.startswith("ObjectSize") for name in {**chosen, **(chosen.get("And") or {})}):
        return True
    return bucket.transition_minimum == "varies_by_storage_class" and target in ARCHIVED


def of_upload(rules: Iterable[Rule], upload: Upload) -> datetime | None:
    """When an upload in parts is aborted."""
    ends = [
        after_days(upload.initiated_at, rule["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"])
        for rule in rules
        if rule.get("AbortIncompleteMultipartUpload") and concerns(rule, upload.key, 0, upload.tags)
    ]
    return min(ends, default=None)


def shown(bucket: Bucket, version: ObjectVersion) -> str | None:
    """What a key's newest version says of its end: x-amz-expiration."""
    due = of_current(enabled(bucket), version)
    return None if due is None else f'expiry-date="{format_datetime(due[0], usegmt=True)}", rule-id="{quote(due[1]["ID"])}"'
