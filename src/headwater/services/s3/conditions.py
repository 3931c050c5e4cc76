"""Conditional requests: which condition wins, and what S3 answers when it does not hold.

Pure. Reads follow RFC 7232: an ETag condition that is present decides, and the date beside it is not looked at. Writes know only
`If-Match: <etag>` and `If-None-Match: *`. Source: "Conditional requests" in the S3 user guide, and recorded answers of AWS
(test_s3_get_object_preconditions, TestS3Multipart::test_upload_part_copy_with_copy_source_if_*, TestS3ObjectWritePrecondition).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from .records import ObjectVersion
from .refusals import header_not_built, no_such_key, precondition_failed

READ_CONDITIONS: Final = frozenset({"IfMatch", "IfNoneMatch", "IfModifiedSince", "IfUnmodifiedSince"})
WRITE_CONDITIONS: Final = frozenset({"IfMatch", "IfNoneMatch"})


def check_read(request: Mapping[str, Any], version: ObjectVersion, now: datetime) -> bool:
    """Raise 412 unless the conditions of a GET or HEAD hold; False when they say that the caller has it already."""
    failed = _failed(request, "", version, now)
    if failed in {"If-None-Match", "If-Modified-Since"}:
        return False
    if failed:
        raise precondition_failed(failed)
    return True


def check_copy(request: Mapping[str, Any], source: ObjectVersion, now: datetime) -> None:
    """Raise 412 unless the conditions on a copy's source hold."""
    failed = _failed(request, "CopySource", source, now)
    if failed:
        raise precondition_failed(f"x-amz-copy-source-{failed}")


def _failed(request: Mapping[str, Any], prefix: str, version: ObjectVersion, now: datetime) -> str:
    """The header whose condition does not hold; "" when all do."""
    since: datetime | None = request.get(f"{prefix}IfUnmodifiedSince")
    if (etags := request.get(f"{prefix}IfMatch")) is not None:
        if not matches(etags, version.etag):
            return "If-Match"
    elif since is not None and version.modified_at > since:
        return "If-Unmodified-Since"
    since = request.get(f"{prefix}IfModifiedSince")
    if (etags := request.get(f"{prefix}IfNoneMatch")) is not None:
        if matches(etags, version.etag):
            return "If-None-Match"
    elif since is not None and version.modified_at <= since <= now:
        return "If-Modified-Since"
    return ""


def matches(etags: str, etag: str) -> bool:
    """Whether one of the header's ETags, quoted or not, is `etag`."""
    return any(candidate in {"*", etag} for candidate in (part.strip().removeprefix("W/").strip('"') for part in etags.split(",")))


def check_write(request: Mapping[str, Any], key: str, current: ObjectVersion | None) -> None:
    """Raise unless the conditions of a write hold against what stands there now (None: nothing, or a delete marker)."""
    if_match, if_none_match = request.get("IfMatch"), request.get("IfNoneMatch")
    if if_match is None and if_none_match is None:
        return
    if if_none_match is not None:
        if if_none_match != "*" or if_match is not None:
            raise header_not_built("If-None-Match")
        if current is not None:
            raise precondition_failed("If-None-Match")
        return
    if current is None:
        raise no_such_key(key)
    if if_match is not None and not matches(if_match, current.etag):
        raise precondition_failed("If-Match")
