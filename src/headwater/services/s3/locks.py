"""Object lock: versions that may not go before their time, and versions on which somebody has laid a hold.

Only in buckets that were given a lock, which keep versions for ever after. A lock is of one version: a delete marker may always be
laid on top. GOVERNANCE yields to who may bypass it and says so; COMPLIANCE yields to nobody, not to the root.
Source: "Locking objects with Object Lock" of the user guide, and recorded answers of AWS (TestS3ObjectLockRetention and neighbours).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from msgspec.structs import replace

from headwater.aws.faults import Fault, fault
from headwater.kernel.context import Context
from headwater.kernel.permissions import requires

from . import SERVICE
from .access import bucket_of, key_of
from .arns import BUCKET, OBJECT, bypasses
from .keeper import Keeper
from .records import BUCKETS, ENABLED, Bucket, ObjectLock, ObjectVersion, Upload
from .refusals import invalid_argument, invalid_request, malformed_xml
from .retention import COMPLIANCE, GOVERNANCE, is_retained, locked

MODES: Final = (GOVERNANCE, COMPLIANCE)
HOLDS: Final = ("ON", "OFF")
MEMBERS: Final = frozenset({"ObjectLockMode", "ObjectLockRetainUntilDate", "ObjectLockLegalHoldStatus"})
DAYS_OF_YEAR: Final = 365


@requires("s3:GetBucketObjectLockConfiguration", BUCKET)
async def get_object_lock_configuration(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    bucket = bucket_of(ctx, request)
    if bucket.lock is None:
        sentence = "Object Lock configuration does not exist for this bucket"
        raise fault("ObjectLockConfigurationNotFoundError", sentence, BucketName=bucket.name)
    default = {"Mode": bucket.lock.mode, "Days": bucket.lock.days or None, "Years": bucket.lock.years or None}
    rule = {"DefaultRetention": default} if bucket.lock.mode else None
    return {"ObjectLockConfiguration": {"ObjectLockEnabled": ENABLED, "Rule": rule}}


@requires("s3:PutBucketObjectLockConfiguration", BUCKET)
async def put_object_lock_configuration(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    bucket = bucket_of(ctx, request)
    lock = asked_default(request.get("ObjectLockConfiguration") or {})
    if bucket.versioning != ENABLED:
        raise fault("InvalidBucketState", "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration")
    async with ctx.store.transaction() as tx:
        tx.put(BUCKETS, replace(bucket, lock=lock))
    return {}


@requires("s3:GetObjectRetention", OBJECT)
async def get_object_retention(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    version = _found(ctx, request, "GET")
    if not version.retained_mode:
        raise no_lock()
    return {"Retention": {"Mode": version.retained_mode, "RetainUntilDate": version.retained_until}}


@requires("s3:PutObjectRetention", OBJECT)
@requires("s3:BypassGovernanceRetention", OBJECT, when=bypasses)
async def put_object_retention(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    version = _found(ctx, request, "PUT")
    asked = request.get("Retention") or {}
    mode, until = asked.get("Mode", ""), asked.get("RetainUntilDate")
    if bool(mode) != (until is not None) or (mode and mode not in MODES):
        raise malformed_xml()
    now = ctx.clock.now()
    if until is not None and until <= now:
        raise past()
    if is_retained(version, now) and not _may_follow(version, mode, until, bool(request.get("BypassGovernanceRetention"))):
        raise locked()
    await Keeper.of(ctx).amend(ctx, replace(version, retained_mode=mode, retained_until=until), "ObjectRetention:Put")
    return {}


@requires("s3:GetObjectLegalHold", OBJECT)
async def get_object_legal_hold(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    version = _found(ctx, request, "GET")
    if not version.legal_hold:
        raise no_lock()
    return {"LegalHold": {"Status": version.legal_hold}}


@requires("s3:PutObjectLegalHold", OBJECT)
async def put_object_legal_hold(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    version = _found(ctx, request, "PUT")
    status = (request.get("LegalHold") or {}).get("Status")
    if status not in HOLDS:
        raise malformed_xml()
    await Keeper.of(ctx).amend(ctx, replace(version, legal_hold=status), "")
    return {}


def _found(ctx: Context, request: dict[str, Any], method: str) -> ObjectVersion:
    bucket = bucket_of(ctx, request)
    if bucket.lock is None:
        raise unlocked_bucket()
    return Keeper.of(ctx).find(ctx, bucket.name, key_of(request), request.get("VersionId"), method)


# -- rules -----------------------------------------------------------------------------------------------------------------


def asked_default(configuration: Mapping[str, Any]) -> ObjectLock:
    if configuration.get("ObjectLockEnabled") != ENABLED:
        raise malformed_xml()
    if "Rule" not in configuration:
        return ObjectLock()
    default = (configuration["Rule"] or {}).get("DefaultRetention") or {}
    if "DefaultEventHold" in default:
        raise fault("NotImplemented", "Event holds are not built.")
    if default.get("Mode") not in MODES or ("Days" in default) == ("Years" in default):
        raise malformed_xml()
    days, years = default.get("Days", 0), default.get("Years", 0)
    if days + years < 1:
        raise fault("InvalidArgument", "Default retention period must be a positive integer value.")
    return ObjectLock(mode=default["Mode"], days=days, years=years)


def asked(ctx: Context, request: Mapping[str, Any], bucket: Bucket) -> dict[str, Any]:
    """The members of a new version's record that a write asks for, or that the bucket gives to all that ask for none."""
    mode, until, hold = (request.get(name) for name in ("ObjectLockMode", "ObjectLockRetainUntilDate", "ObjectLockLegalHoldStatus"))
    if not MEMBERS.isdisjoint(request):
        _check_asked(ctx, bucket, mode, until, hold)
    if mode is None:
        return defaults(ctx, bucket) | {"legal_hold": hold or ""}
    return {"retained_mode": mode, "retained_until": until, "legal_hold": hold or ""}


def _check_asked(ctx: Context, bucket: Bucket, mode: str | None, until: datetime | None, hold: str | None) -> None:
    if bucket.lock is None:
        raise unlocked_bucket()
    if (mode is None) != (until is None):
        missing = "x-amz-object-lock-mode" if mode is None else "x-amz-object-lock-retain-until-date"
        raise invalid_argument("x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied", missing)
    if mode is not None and mode not in MODES:
        raise invalid_argument("Unknown wormMode directive.", "x-amz-object-lock-mode", mode)
    if until is not None and until <= ctx.clock.now():
        raise past()
    if hold is not None and hold not in HOLDS:
        raise invalid_argument("Legal Hold must be either of 'ON' or 'OFF'", "x-amz-object-lock-legal-hold", hold)


def defaults(ctx: Context, bucket: Bucket) -> dict[str, Any]:
    lock = bucket.lock
    if lock is None or not lock.mode:
        return {}
    until = ctx.clock.now().replace(microsecond=0) + timedelta(days=lock.days + lock.years * DAYS_OF_YEAR)
    return {"retained_mode": lock.mode, "retained_until": until}


def of_upload(ctx: Context, bucket: Bucket, upload: Upload) -> dict[str, Any]:
    """What the upload asked for when it began, else what the bucket gives now."""
    if not upload.retained_mode:
        return defaults(ctx, bucket) | {"legal_hold": upload.legal_hold}
    return {"retained_mode": upload.retained_mode, "retained_until": upload.retained_until, "legal_hold": upload.legal_hold}


def _may_follow(version: ObjectVersion, mode: str, until: datetime | None, bypass: bool) -> bool:
    """Whether this retention may take the place of one that still holds: a longer one always may, in no weaker mode."""
    assert version.retained_until is not None
    if until is not None and until >= version.retained_until and (mode == version.retained_mode or mode == COMPLIANCE):
        return True
    return bypass and version.retained_mode == GOVERNANCE


def shown(ctx: Context, request: dict[str, Any], version: ObjectVersion) -> dict[str, Any]:
    """As GET and HEAD tell it, to those who may ask for it."""
    arn = f"arn:aws:s3:::{version.bucket}/{version.key}"
    operation = SERVICE.model.operations["GetObjectRetention"]
    told: dict[str, Any] = {}
    if version.retained_mode and ctx.home.authorization.allows(ctx, operation, request, "s3:GetObjectRetention", arn):
        told |= {"ObjectLockMode": version.retained_mode, "ObjectLockRetainUntilDate": version.retained_until}
    if version.legal_hold and ctx.home.authorization.allows(ctx, operation, request, "s3:GetObjectLegalHold", arn):
        told["ObjectLockLegalHoldStatus"] = version.legal_hold
    return told


def no_lock() -> Fault:
    return fault("NoSuchObjectLockConfiguration", "The specified object does not have a ObjectLock configuration")


def unlocked_bucket() -> Fault:
    return invalid_request("Bucket is missing Object Lock Configuration")


def past() -> Fault:
    return invalid_argument("The retain until date must be in the future!", "x-amz-object-lock-retain-until-date")
