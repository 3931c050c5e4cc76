"""What happened to an object, as S3 tells it: in records for functions, and as events for EventBridge.

Pure but for the ids it draws. A change owes its records as jobs in the transaction that makes it true, so none is lost; EventBridge is
told over the Bus once it is true. Source: "Event message structure" and "EventBridge event message structure" of the user guide, and
recorded answers of AWS (TestS3NotificationsToSQS, TestS3NotificationsToEventBridge).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from urllib.parse import quote_plus

import msgspec

from headwater.kernel.context import Context
from headwater.kernel.identity import canonical_id
from headwater.kernel.jobs import Job

from .ordering import number_of
from .records import NULL, Bucket, NotificationRule, ObjectVersion

CREATED: Final = "ObjectCreated"
PUT: Final = "ObjectCreated:Put"
POSTED: Final = "ObjectCreated:Post"
REMOVED: Final = "ObjectRemoved:Delete"
MARKED: Final = "ObjectRemoved:DeleteMarkerCreated"
EXPIRED: Final = "LifecycleExpiration:Delete"
EXPIRED_AS_MARKER: Final = "LifecycleExpiration:DeleteMarkerCreated"
TAGGED: Final = "ObjectTagging:Put"
UNTAGGED: Final = "ObjectTagging:Delete"
LISTED: Final = "ObjectAcl:Put"
RESTORING: Final = "ObjectRestore:Post"
RESTORED: Final = "ObjectRestore:Completed"
RESTORE_ENDED: Final = "ObjectRestore:Delete"
MOVED: Final = "LifecycleTransition"
TOPIC: Final = "event"
"""Of the Bus: what every room tells EventBridge."""
DETAIL_TYPES: Final = {
    PUT: ("Object Created", {"reason": "PutObject"}),
    POSTED: ("Object Created", {"reason": "POST Object"}),
    "ObjectCreated:Copy": ("Object Created", {"reason": "CopyObject"}),
    "ObjectCreated:CompleteMultipartUpload": ("Object Created", {"reason": "CompleteMultipartUpload"}),
    REMOVED: ("Object Deleted", {"reason": "DeleteObject", "deletion-type": "Permanently Deleted"}),
    MARKED: ("Object Deleted", {"reason": "DeleteObject", "deletion-type": "Delete Marker Created"}),
    EXPIRED: ("Object Deleted", {"reason": "Lifecycle Expiration", "deletion-type": "Permanently Deleted"}),
    EXPIRED_AS_MARKER: ("Object Deleted", {"reason": "Lifecycle Expiration", "deletion-type": "Delete Marker Created"}),
    RESTORING: ("Object Restore Initiated", {}),
    RESTORED: ("Object Restore Completed", {}),
    RESTORE_ENDED: ("Object Restore Expired", {}),
    MOVED: ("Object Storage Class Changed", {}),
    TAGGED: ("Object Tags Added", {}),
    UNTAGGED: ("Object Tags Deleted", {}),
    LISTED: ("Object ACL Updated", {}),
}
WITH_SIZE: Final = frozenset({RESTORING, RESTORED, RESTORE_ENDED, MOVED, *(name for name in DETAIL_TYPES if name.startswith(CREATED))})
GONE: Final = frozenset({REMOVED, EXPIRED})
MARKERS: Final = frozenset({MARKED, EXPIRED_AS_MARKER})
ABOUT_RECORD: Final = frozenset({TAGGED, UNTAGGED, LISTED, "ObjectRetention:Put"})
"""Told in the form 2.3, without a place in the sequence of the key's bytes."""
NO_BYTES: Final = "d41d8cd98f00b204e9800998ecf8427e"
"""The ETag that a delete marker is said to have."""
LOOPBACK: Final = "127.0.0.1"


class EventDue(Job, frozen=True, kw_only=True, tag="s3/event-due/1"):
    """A function is owed a record."""

    bucket: str
    function: str
    payload: bytes


class Happened(NamedTuple):
    """One event. `order` is the change's place among those of its key."""

    name: str
    version: ObjectVersion
    order: str


class Notices(NamedTuple):
    """What is owed and told of one change."""

    jobs: Sequence[Job]
    told: list[dict[str, Any]]


NO_NOTICES: Final = Notices([], [])


def notices(ctx: Context, bucket: Bucket, happened: Happened) -> Notices:
    """For a bucket that has a notification configuration."""
    asked = bucket.notification
    if asked is None:
        return NO_NOTICES
    now = ctx.clock.now()
    wanting = [rule for rule in asked.rules if wants(rule, happened.name, happened.version.key)]
    jobs = [_owed(ctx, bucket, rule, happened, now) for rule in wanting]
    return Notices(jobs, [bridged(ctx, bucket, happened, now)] if asked.event_bridge and happened.name in DETAIL_TYPES else [])


def wants(rule: NotificationRule, name: str, key: str) -> bool:
    return any(covers(each, f"s3:{name}") for each in rule.events) and key.startswith(rule.prefix) and key.endswith(rule.suffix)


def covers(asked: str, name: str) -> bool:
    """`s3:ObjectCreated:*` covers all that begins so."""
    return asked == name or (asked.endswith("*") and name.startswith(asked[:-1]))


def _owed(ctx: Context, bucket: Bucket, rule: NotificationRule, happened: Happened, now: datetime) -> EventDue:
    record = described(ctx, bucket, rule.name, happened, now)
    return EventDue(
        account=bucket.account,
        region=bucket.region,
        subject=f"{bucket.name} {rule.name} {ctx.new_id()}",
        at=now,
        bucket=bucket.name,
        function=rule.target,
        payload=msgspec.json.encode({"Records": [record]}),
    )


# -- the forms -------------------------------------------------------------------------------------------------------------


def described(ctx: Context, bucket: Bucket, rule: str, happened: Happened, now: datetime) -> dict[str, Any]:
    """As functions get it."""
    version, about_record = happened.version, happened.name in ABOUT_RECORD
    told: dict[str, Any] = {"key": quote_plus(version.key, safe="/*").replace("~", "%7E")}
    if happened.name in WITH_SIZE:
        told["size"] = version.size
    if happened.name not in GONE:
        told["eTag"] = version.etag or NO_BYTES
    if version.version_id != NULL:
        told["versionId"] = version.version_id
    if not about_record:
        told["sequencer"] = f"{number_of(happened.order):018X}"
    record: dict[str, Any] = {
        "eventVersion": "2.3" if about_record or happened.name in {EXPIRED, EXPIRED_AS_MARKER, MOVED} else "2.1",
        "eventSource": "aws:s3",
        "awsRegion": bucket.region,
        "eventTime": f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03}Z",
        "eventName": happened.name,
        "userIdentity": {"principalId": "Anonymous" if ctx.principal.kind == "anonymous" else f"AWS:{ctx.principal.user_id}"},
        "requestParameters": {"sourceIPAddress": ctx.source_ip or LOOPBACK},
        "responseElements": {"x-amz-request-id": ctx.request_id, "x-amz-id-2": ctx.request_id},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": rule,
            "bucket": {
                "name": bucket.name,
                "ownerIdentity": {"principalId": f"A{canonical_id(bucket.account)[:13].upper()}"},
                "arn": f"arn:aws:s3:::{bucket.name}",
            },
            "object": told,
        },
    }
    if happened.name == RESTORED and version.restored_until is not None:
        of_copy = {
            "lifecycleRestorationExpiryTime": f"{version.restored_until:%Y-%m-%dT%H:%M:%S}.000Z",
            "lifecycleRestoreStorageClass": version.storage_class,
        }
        record["glacierEventData"] = {"restoreEventData": of_copy}
    return record


def _of_storage(happened: Happened) -> dict[str, str]:
    """What EventBridge is told of where the object is stored."""
    version = happened.version
    if happened.name == MOVED:
        return {"destination-storage-class": version.storage_class}
    if happened.name == RESTORED and version.restored_until is not None:
        return {"restore-expiry-time": f"{version.restored_until:%Y-%m-%dT%H:%M:%SZ}", "source-storage-class": version.storage_class}
    return {"source-storage-class": version.storage_class} if happened.name == RESTORING else {}


def bridged(ctx: Context, bucket: Bucket, happened: Happened, now: datetime) -> dict[str, Any]:
    """As EventBridge gets it."""
    version = happened.version
    detail_type, more = DETAIL_TYPES[happened.name]
    told: dict[str, Any] = {"key": version.key}
    if happened.name in WITH_SIZE:
        told["size"] = version.size
    if happened.name not in GONE | MARKERS:
        told["etag"] = version.etag
    if version.version_id != NULL:
        told["version-id"] = version.version_id
    if happened.name not in ABOUT_RECORD:
        told["sequencer"] = f"{number_of(happened.order):016x}"
    detail = {
        "version": "0",
        "bucket": {"name": bucket.name},
        "object": told,
        "request-id": ctx.request_id,
        "requester": ctx.principal.arn if ctx.principal.kind == "service" else ctx.principal.account or "anonymous",
        "source-ip-address": ctx.source_ip or LOOPBACK,
        **more,
        **_of_storage(happened),
    }
    return {
        "source": "aws.s3",
        "detail-type": detail_type,
        "account": bucket.account,
        "region": bucket.region,
        "time": f"{now:%Y-%m-%dT%H:%M:%SZ}",
        "resources": [f"arn:aws:s3:::{bucket.name}"],
        "detail": detail,
    }
