"""RestoreObject: what is archived becomes readable for some days, and then is archived again.

Whether it is readable follows from two moments in its record and the Clock; the jobs only tell of them. Standard and bulk retrievals take
AWS's hours on the Clock; what AWS does within minutes is done at once. A restore of what is restored moves its end.
Source: "Restoring an archived object" and "Understanding archive retrieval options" of the user guide.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from msgspec.structs import replace

from headwater.aws.faults import fault
from headwater.kernel.context import Context
from headwater.kernel.jobs import Job, handles
from headwater.kernel.permissions import requires

from . import attire, events
from .access import bucket_of, key_of
from .arns import OBJECT
from .expiry import after_days
from .keeper import Keeper, now_of
from .records import ObjectVersion
from .refusals import invalid_argument, malformed_xml

HOURS: Final = {
    "GLACIER": {"Expedited": 0, "Standard": 3, "Bulk": 5},
    "DEEP_ARCHIVE": {"Standard": 12, "Bulk": 48},
}
ACCEPTED: Final = 202
TIERS: Final = ("Standard", "Bulk", "Expedited")


class RestoreDue(Job, frozen=True, kw_only=True, tag="s3/restore-due/1"):
    """A retrieval is complete, or what was retrieved goes (`ends`). The subject is the version's order."""

    bucket: str
    key: str
    version_id: str
    ends: bool = False


@requires("s3:RestoreObject", OBJECT)
async def restore_object(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    bucket = bucket_of(ctx, request)
    asked = request.get("RestoreRequest") or {}
    if "Type" in asked or "SelectParameters" in asked or "OutputLocation" in asked:
        raise fault("NotImplemented", "Restoring a selection is not built.")
    keeper = Keeper.of(ctx)
    version = keeper.find(ctx, bucket.name, key_of(request), request.get("VersionId"), "POST")
    if version.storage_class not in attire.ARCHIVED:
        sentence = "Restore is not allowed for the object's current storage class"
        raise fault("InvalidObjectState", sentence, StorageClass=version.storage_class)
    days = asked.get("Days")
    tier = (asked.get("GlacierJobParameters") or {}).get("Tier") or asked.get("Tier") or TIERS[0]
    if days is None or tier not in TIERS:
        raise malformed_xml()
    if days < 1:
        raise invalid_argument("restoration days should be at least 1", "Days", str(days))
    now = now_of(ctx)
    if version.restored_at is not None and version.restored_at > now:
        raise fault("RestoreAlreadyInProgress", "Object restore is already in progress")
    if attire.is_restored(version, now):
        await _keep(ctx, replace(version, restored_until=after_days(now, days)), "")
        return {}
    hours = HOURS[version.storage_class]
    if tier not in hours:
        raise invalid_argument("Retrieval option is not supported by this storage class", "Tier", tier)
    ready = now + timedelta(hours=hours[tier])
    await _keep(ctx, replace(version, restored_at=ready, restored_until=after_days(ready, days)), events.RESTORING)
    ctx.reply_status = ACCEPTED
    return {}


async def _keep(ctx: Context, version: ObjectVersion, told: str) -> None:
    """The version with its moments, and the jobs that tell of them. One that tells of a moment that was moved finds it so."""
    assert version.restored_at is not None
    assert version.restored_until is not None
    jobs = [_due(ctx, version, version.restored_until, ends=True)]
    if told:
        jobs.append(_due(ctx, version, version.restored_at, ends=False))
    await Keeper.of(ctx).amend(ctx, version, told, jobs)


def _due(ctx: Context, version: ObjectVersion, at: datetime, *, ends: bool) -> RestoreDue:
    bucket = bucket_of(ctx, {"Bucket": version.bucket})
    return RestoreDue(
        account=bucket.account,
        region=bucket.region,
        subject=version.order,
        at=at,
        bucket=version.bucket,
        key=version.key,
        version_id=version.version_id,
        ends=ends,
    )


@handles(RestoreDue)
async def _tell(ctx: Context, due: RestoreDue) -> None:
    keeper = Keeper.of(ctx)
    version = keeper.version(due.key, due.version_id, keeper.current(due.bucket, due.key))
    if version is None or version.order != due.subject:
        return
    if due.ends and version.restored_until == due.at:
        await keeper.amend(ctx, replace(version, restored_at=None, restored_until=None), events.RESTORE_ENDED)
    elif not due.ends and version.restored_at == due.at:
        await keeper.amend(ctx, version, events.RESTORED)
