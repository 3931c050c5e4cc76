"""What takes whose place: the rule of versions, when one is written over another and when one is removed.

Pure: it says what to put and what to drop, and the keeper does it in one transaction. Three states of a bucket: never versioned
(the null version is replaced), Enabled (what stood there becomes an old version), Suspended (a null version replaces only the
null version, wherever that stands). Source: "Adding objects to versioning-suspended buckets" and its neighbours in the user guide.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from msgspec.structs import replace

from .records import NULL, ObjectVersion


@dataclass(slots=True)
class Change:
    """One transaction's worth. `dropped` lose their bodies once it is committed."""

    newest: ObjectVersion | None = None
    newest_gone: ObjectVersion | None = None
    older: list[ObjectVersion] = field(default_factory=list)
    older_gone: list[ObjectVersion] = field(default_factory=list)
    dropped: list[ObjectVersion] = field(default_factory=list)


def written(versioning: str, new: ObjectVersion, current: ObjectVersion | None, old_null: ObjectVersion | None) -> Change:
    """`new` becomes the newest version of its key. `old_null` is the null version among the old ones, if one is there."""
    change = Change(newest=new)
    if current is None:
        return change
    if not versioning or (new.version_id == NULL and current.version_id == NULL):
        change.dropped.append(current)
        return change
    null_order = current.order if current.version_id == NULL else current.null_order
    change.older.append(replace(current, null_order=""))
    if new.version_id == NULL:
        if old_null is not None:
            change.older_gone.append(old_null)
            change.dropped.append(old_null)
        null_order = ""
    change.newest = replace(new, null_order=null_order)
    return change


def removed(gone: ObjectVersion, current: ObjectVersion, next_newest: ObjectVersion | None) -> Change:
    """The version `gone` is deleted for good. `next_newest` is the newest of the old versions, asked for when `gone` is current."""
    if gone.order != current.order:
        change = Change(older_gone=[gone], dropped=[gone])
        if gone.version_id == NULL:
            change.newest = replace(current, null_order="")
        return change
    if next_newest is None:
        return Change(newest_gone=gone, dropped=[gone])
    null_order = "" if next_newest.version_id == NULL else current.null_order
    return Change(newest=replace(next_newest, null_order=null_order), older_gone=[next_newest], dropped=[gone])
