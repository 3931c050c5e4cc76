"""Names and addresses: a trail's ARN, its folder in the bucket, its log group and stream.

Source: "Finding your CloudTrail log files" and "Log stream naming" of the user guide.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from .model import Trail

if TYPE_CHECKING:
    from headwater.kernel.context import Context

_ARN: Final = re.compile(r"arn:aws:cloudtrail:([a-z0-9-]+):(\d{12}):trail/([A-Za-z0-9._-]+)")
_GROUP_ARN: Final = re.compile(r"arn:aws:logs:[a-z0-9-]+:\d{12}:log-group:([^:]+)(:\*)?")


def trail_arn(ctx: Context, request: dict[str, Any]) -> str:
    """Of the trail that a request names, by name or by ARN."""
    name = str(request.get("Name") or request.get("TrailName") or "*")
    return name if name.startswith("arn:") else ctx.arn("cloudtrail", f"trail/{name}")


def arn_in(text: str) -> tuple[str, str, str] | None:
    """(region, account, name) of a trail's ARN."""
    found = _ARN.fullmatch(text)
    return (found[1], found[2], found[3]) if found is not None else None


def log_group_of(arn: str) -> str | None:
    found = _GROUP_ARN.fullmatch(arn)
    return found[1] if found is not None else None


def log_stream_of(trail: Trail) -> str:
    return f"{trail.account}_CloudTrail_{trail.region}"


def trail_folder(trail: Trail) -> str:
    return "/".join(part for part in (trail.prefix, "AWSLogs", trail.account) if part)


def log_file_key(trail: Trail, region: str, at: datetime, random: str) -> str:
    name = f"{trail.account}_CloudTrail_{region}_{at:%Y%m%dT%H%MZ}_{random}.json.gz"
    return f"{trail_folder(trail)}/CloudTrail/{region}/{at:%Y/%m/%d}/{name}"


def digest_key(trail: Trail, region: str, at: datetime) -> str:
    name = f"{trail.account}_CloudTrail-Digest_{region}_{trail.name}_{trail.region}_{at:%Y%m%dT%H%M%SZ}.json.gz"
    return f"{trail_folder(trail)}/CloudTrail-Digest/{region}/{at:%Y/%m/%d}/{name}"
