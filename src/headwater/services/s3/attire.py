"""What an object wears besides its bytes: system headers, metadata, storage class, tags in a header; and what it may not wear yet.

Pure. Source: "Working with object metadata" and the API reference of PutObject; what is not honoured is refused, never ignored.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from email.utils import format_datetime
from typing import Any, Final
from urllib.parse import parse_qsl

from headwater.aws.faults import Fault, fault

from . import grants, tags
from .records import Bucket, ObjectVersion, Upload
from .refusals import archived, header_not_built, invalid_argument

DEFAULT_TYPE: Final = "binary/octet-stream"
SYSTEM_HEADERS: Final = ("CacheControl", "ContentDisposition", "ContentEncoding", "ContentLanguage", "WebsiteRedirectLocation")
STORAGE_CLASSES: Final = frozenset(
    {"STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER", "DEEP_ARCHIVE", "GLACIER_IR"}
)
ARCHIVED: Final = frozenset({"GLACIER", "DEEP_ARCHIVE"})
COLDNESS: Final = ("STANDARD", "STANDARD_IA", "INTELLIGENT_TIERING", "ONEZONE_IA", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE")
"""The order in which lifecycle rules may move objects."""
METADATA_BYTES_MAX: Final = 2048
OBJECT_TAGS_MAX: Final = 10
NOT_BUILT: Final = {
    "ObjectLockEventHold": "x-amz-object-lock-event-hold",
    "ObjectLockEventHoldDurationDays": "x-amz-object-lock-event-hold-duration-days",
    "ObjectLockEventHoldDurationYears": "x-amz-object-lock-event-hold-duration-years",
    "WriteOffsetBytes": "x-amz-write-offset-bytes",
    "AnnotationDirective": "x-amz-object-annotation-directive",
    "MFA": "x-amz-mfa",
    "IfMatchLastModifiedTime": "x-amz-if-match-last-modified-time",
    "IfMatchSize": "x-amz-if-match-size",
}
_NOT_BUILT_MEMBERS: Final = frozenset(NOT_BUILT)
_WORN: Final = frozenset({*SYSTEM_HEADERS, "Expires", "StorageClass", "Tagging", "ACL", *grants.MEMBERS})


def refuse_not_built(request: Mapping[str, Any]) -> None:
    """Raise for a request that asks for what this room cannot keep to."""
    if not _NOT_BUILT_MEMBERS.isdisjoint(request):
        raise header_not_built(NOT_BUILT[min(_NOT_BUILT_MEMBERS.intersection(request))])


def check_acl(request: Mapping[str, Any], bucket: Bucket) -> None:
    """Raise for an access control list that the bucket does not take."""
    if grants.are_asked(request):
        grants.check_for(bucket, grants.asked(request, grants.CANNED_OF_OBJECTS), request.get("ACL"))


def is_restored(version: ObjectVersion, now: datetime) -> bool:
    at, until = version.restored_at, version.restored_until
    return at is not None and until is not None and at <= now < until


def check_readable(version: ObjectVersion, now: datetime) -> None:
    """Raise for what is archived and not restored."""
    if version.storage_class in ARCHIVED and not is_restored(version, now):
        raise archived(version.storage_class)


def restore_of(version: ObjectVersion, now: datetime) -> str | None:
    """x-amz-restore."""
    at, until = version.restored_at, version.restored_until
    if at is None or until is None or until <= now:
        return None
    return 'ongoing-request="true"' if at > now else f'ongoing-request="false", expiry-date="{format_datetime(until, usegmt=True)}"'


def restore_status(version: ObjectVersion, now: datetime) -> dict[str, Any] | None:
    """The same, as listings show it to who asks for it."""
    at, until = version.restored_at, version.restored_until
    if at is None or until is None or until <= now:
        return None
    return {"IsRestoreInProgress": True} if at > now else {"IsRestoreInProgress": False, "RestoreExpiryDate": until}


def storage_class(request: Mapping[str, Any]) -> str:
    asked: str = request.get("StorageClass", "STANDARD")
    if asked not in STORAGE_CLASSES:
        raise fault("InvalidStorageClass", "The storage class you specified is not valid", StorageClassRequested=asked)
    return asked


def system_headers(request: Mapping[str, Any]) -> dict[str, str]:
    found = {name: request[name] for name in SYSTEM_HEADERS if name in request}
    encoding = found.get("ContentEncoding")
    if encoding is not None and "aws-chunked" in encoding:  # said of the way here, not of the object
        left = [part for part in (piece.strip() for piece in encoding.split(",")) if part and part != "aws-chunked"]
        found["ContentEncoding"] = ",".join(left)
        if not left:
            del found["ContentEncoding"]
    return found


def metadata(request: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, str] = request.get("Metadata") or {}
    if not found:
        return found
    size = sum(len(name.encode()) + len(value.encode()) for name, value in found.items())
    if size > METADATA_BYTES_MAX:
        raise fault(
            "MetadataTooLarge",
            "Your metadata headers exceed the maximum allowed metadata size",
            Size=str(size),
            MaxSizeAllowed=str(METADATA_BYTES_MAX),
        )
    return {name.lower(): value for name, value in found.items()}


def tags_of_header(header: str | None) -> dict[str, str]:
    """x-amz-tagging: `key1=value1&key2=value2`, URL-encoded."""
    if not header:
        return {}
    pairs = parse_qsl(header, keep_blank_values=True)
    found = dict(pairs)
    if len(found) != len(pairs) or not all(tags.fits(name, value) for name, value in pairs):
        sentence = "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates."
        raise invalid_argument(sentence, "x-amz-tagging", header)
    if len(found) > OBJECT_TAGS_MAX:
        raise too_many_tags()
    return found


def too_many_tags() -> Fault:
    return fault("BadRequest", f"Object tags cannot be greater than {OBJECT_TAGS_MAX}")


def worn(thing: ObjectVersion | Upload) -> dict[str, Any]:
    """What an object hands on to another: the members of its record that are neither bytes nor identity."""
    return {
        "content_type": thing.content_type,
        "headers": thing.headers,
        "expires": thing.expires,
        "metadata": thing.metadata,
        "storage_class": thing.storage_class,
        "tags": thing.tags,
        "grants": thing.grants,
    }


def asked(request: Mapping[str, Any]) -> dict[str, Any]:
    """The same members, as a request asks for them."""
    if _WORN.isdisjoint(request):
        return {"content_type": request.get("ContentType", ""), "metadata": metadata(request)}  # the usual case: the rest is default
    return asked_in_full(request)


def asked_in_full(request: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "content_type": request.get("ContentType", ""),
        "headers": system_headers(request),
        "expires": request.get("Expires"),
        "metadata": metadata(request),
        "storage_class": storage_class(request),
        "tags": tags_of_header(request.get("Tagging")),
        "grants": grants.asked(request, grants.CANNED_OF_OBJECTS),
    }
