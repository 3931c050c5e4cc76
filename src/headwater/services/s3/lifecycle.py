"""The lifecycle sub-resource of buckets: rules by which objects, old versions and forgotten uploads end. When they do is in `expiry`.

What ends, or moves to another storage class, is looked for once a day, at midnight of UTC on the Clock, by a durable job. Sentences:
the API reference of PutBucketLifecycleConfiguration, and recorded answers of AWS (TestS3BucketLifecycle).
"""

from __future__ import annotations

from base64 import b64encode
from typing import Any, Final

from msgspec.structs import replace

from headwater.aws.faults import fault
from headwater.kernel.context import Context
from headwater.kernel.permissions import requires

from . import attire
from .access import bucket_of
from .arns import BUCKET
from .expiry import next_midnight
from .records import BUCKETS, Bucket
from .refusals import invalid_request, malformed_xml
from .sweeping import SweepDue

RULES_MAX: Final = 1000
ID_LENGTH_MAX: Final = 255
KEPT_VERSIONS_MAX: Final = 100
STATUSES: Final = ("Enabled", "Disabled")
TRANSITIONS: Final = ("Transitions", "NoncurrentVersionTransitions")
ACTIONS: Final = ("Expiration", "NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload", *TRANSITIONS)
INFREQUENT: Final = ("STANDARD_IA", "ONEZONE_IA")
INFREQUENT_DAYS_MIN: Final = 30
MINIMUM_SIZES: Final = ("all_storage_classes_128K", "varies_by_storage_class")
NO_CONTENT: Final = 204


@requires("s3:GetLifecycleConfiguration", BUCKET)
async def get_bucket_lifecycle_configuration(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    bucket = bucket_of(ctx, request)
    if bucket.lifecycle is None:
        raise fault("NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist", BucketName=bucket.name)
    return {"Rules": bucket.lifecycle, "TransitionDefaultMinimumObjectSize": bucket.transition_minimum or MINIMUM_SIZES[0]}


@requires("s3:PutLifecycleConfiguration", BUCKET)
async def put_bucket_lifecycle_configuration(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    bucket = bucket_of(ctx, request)
    given = (request.get("LifecycleConfiguration") or {}).get("Rules") or []
    if not 1 <= len(given) <= RULES_MAX:
        raise malformed_xml()
    minimum = request.get("TransitionDefaultMinimumObjectSize", MINIMUM_SIZES[0])
    if minimum not in MINIMUM_SIZES:
        raise invalid_request("Invalid TransitionDefaultMinimumObjectSize found")
    rules = [{"ID": b64encode(ctx.new_id().encode()).decode()} | rule for rule in given]
    for rule in rules:
        check(rule)
    if len({rule["ID"] for rule in rules}) != len(rules):
        raise fault("InvalidArgument", "Rule ID must be unique. Found same ID for more than one rule")
    async with ctx.store.transaction() as tx:
        tx.put(BUCKETS, replace(bucket, lifecycle=rules, transition_minimum=minimum))
        tx.owe(due_for(ctx, bucket))
    return {"TransitionDefaultMinimumObjectSize": minimum}


@requires("s3:PutLifecycleConfiguration", BUCKET)
async def delete_bucket_lifecycle(ctx: Context, request: dict[str, Any]) -> None:
    async with ctx.store.transaction() as tx:
        tx.put(BUCKETS, replace(bucket_of(ctx, request), lifecycle=None, transition_minimum=""))
    ctx.reply_status = NO_CONTENT


def due_for(ctx: Context, bucket: Bucket) -> SweepDue:
    return SweepDue(account=bucket.account, region=bucket.region, subject=bucket.name, at=next_midnight(ctx.clock.now()))


# -- rules -----------------------------------------------------------------------------------------------------------------


def check(rule: dict[str, Any]) -> None:
    """Raise for a rule that S3 does not take."""
    if len(rule["ID"]) > ID_LENGTH_MAX:
        raise fault("InvalidArgument", f"ID length should not exceed allowed limit of {ID_LENGTH_MAX}")
    if rule["Status"] not in STATUSES or ("Prefix" in rule) == ("Filter" in rule):
        raise malformed_xml()
    if not any(rule.get(name) is not None for name in ACTIONS):
        raise invalid_request("At least one action needs to be specified in a rule")
    has_tags = _check_filter(rule.get("Filter") or {})
    _check_expiration(rule, has_tags)
    _check_old_versions(rule)
    _check_uploads(rule, has_tags)
    _check_transitions(rule)
    _check_old_transitions(rule)


def _check_filter(chosen: dict[str, Any]) -> bool:
    """Whether it asks for tags."""
    if len(chosen) > 1:
        raise malformed_xml()
    both = chosen.get("And")
    if both is not None and len(both) + max(0, len(both.get("Tags") or []) - 1) < 2:
        raise malformed_xml()
    return "Tag" in chosen or bool((both or {}).get("Tags"))


def _check_expiration(rule: dict[str, Any], has_tags: bool) -> None:
    expiration = rule.get("Expiration")
    if expiration is None:
        return
    if len(expiration) != 1 or (has_tags and "ExpiredObjectDeleteMarker" in expiration):
        raise malformed_xml()
    if "Days" in expiration:
        _check_positive("Days", "Expiration", expiration["Days"])
    if "Date" in expiration and expiration["Date"] != next_midnight(expiration["Date"]):
        raise fault("InvalidArgument", "'Date' must be at midnight GMT")


def _check_old_versions(rule: dict[str, Any]) -> None:
    expiration = rule.get("NoncurrentVersionExpiration")
    if expiration is None:
        return
    if "NoncurrentDays" not in expiration:
        raise malformed_xml()
    _check_positive("NoncurrentDays", "NoncurrentVersionExpiration", expiration["NoncurrentDays"])
    if not 1 <= expiration.get("NewerNoncurrentVersions", 1) <= KEPT_VERSIONS_MAX:
        sentence = f"'NewerNoncurrentVersions' for NoncurrentVersionExpiration action must be a positive integer up to {KEPT_VERSIONS_MAX}"
        raise fault("InvalidArgument", sentence)


def _check_transitions(rule: dict[str, Any]) -> None:
    transitions = rule.get("Transitions") or []
    for one in transitions:
        if one.get("StorageClass") not in attire.COLDNESS[1:] or ("Days" in one) == ("Date" in one):
            raise malformed_xml()
        if one.get("Days", 0) < 0:
            raise fault("InvalidArgument", "'Days' for Transition action must be nonnegative")
        if "Date" in one and one["Date"] != next_midnight(one["Date"]):
            raise fault("InvalidArgument", "'Date' must be at midnight GMT")
        _check_infrequent("Days", "Transition", one)
    _check_classes_differ("Transition", rule, transitions)
    counted = [one["Days"] for one in transitions if "Days" in one]
    dated = [one["Date"] for one in transitions if "Date" in one]
    expiration = rule.get("Expiration") or {}
    about = f"for filter '({_described(rule)})'"
    if (counted and (dated or "Date" in expiration)) or (dated and "Days" in expiration):
        sentence = "Found mixed 'Date' and 'Days' based Expiration and Transition actions in lifecycle rule"
        raise invalid_request(f"{sentence} {about}")
    for name, moments in (("Days", counted), ("Date", dated)):
        if moments and name in expiration and expiration[name] <= max(moments):
            sentence = f"'{name}' in the Expiration action {about} must be {'greater' if name == 'Days' else 'later'} than '{name}'"
            raise fault("InvalidArgument", f"{sentence} in the Transition action")


def _check_old_transitions(rule: dict[str, Any]) -> None:
    transitions = rule.get("NoncurrentVersionTransitions") or []
    for one in transitions:
        if one.get("StorageClass") not in attire.COLDNESS[1:] or "NoncurrentDays" not in one:
            raise malformed_xml()
        if one["NoncurrentDays"] < 0:
            raise fault("InvalidArgument", "'NoncurrentDays' for NoncurrentVersionTransition action must be nonnegative")
        _check_infrequent("NoncurrentDays", "NoncurrentVersionTransition", one)
    _check_classes_differ("NoncurrentVersionTransition", rule, transitions)
    ends = (rule.get("NoncurrentVersionExpiration") or {}).get("NoncurrentDays")
    if transitions and ends is not None and ends <= max(one["NoncurrentDays"] for one in transitions):
        sentence = f"'NoncurrentDays' in the NoncurrentVersionExpiration action for filter '({_described(rule)})' must be greater than"
        raise fault("InvalidArgument", f"{sentence} 'NoncurrentDays' in the NoncurrentVersionTransition action")


def _check_infrequent(member: str, action: str, one: dict[str, Any]) -> None:
    storage_class = one["StorageClass"]
    if storage_class in INFREQUENT and one.get(member, INFREQUENT_DAYS_MIN) < INFREQUENT_DAYS_MIN:
        sentence = f"'{member}' in {action} action must be greater than or equal to {INFREQUENT_DAYS_MIN} for storageClass"
        raise fault("InvalidArgument", f"{sentence} '{storage_class}'")


def _check_classes_differ(action: str, rule: dict[str, Any], transitions: list[dict[str, Any]]) -> None:
    if len({one["StorageClass"] for one in transitions}) != len(transitions):
        sentence = f"'StorageClass' must be different for '{action}' actions in same 'Rule' with filter"
        raise invalid_request(f"{sentence} '({_described(rule)})'")


def _described(rule: dict[str, Any]) -> str:
    """A rule's filter, as S3's sentences have it."""
    chosen = rule.get("Filter") or {}
    both = chosen.get("And") or {}
    return f"prefix={rule.get('Prefix') or chosen.get('Prefix') or both.get('Prefix') or ''}"


def _check_uploads(rule: dict[str, Any], has_tags: bool) -> None:
    abortion = rule.get("AbortIncompleteMultipartUpload")
    if abortion is None:
        return
    if has_tags:
        raise invalid_request("AbortIncompleteMultipartUpload cannot be specified with Tags.")
    if "DaysAfterInitiation" not in abortion:
        raise malformed_xml()
    _check_positive("DaysAfterInitiation", "AbortIncompleteMultipartUpload", abortion["DaysAfterInitiation"])


def _check_positive(member: str, action: str, days: int) -> None:
    if days < 1:
        raise fault("InvalidArgument", f"'{member}' for {action} action must be a positive integer")
