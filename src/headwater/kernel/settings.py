"""How this Headwater was asked to run: built once in `cli/` from flags, environment and defaults, passed down."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

import msgspec

DEFAULT_PORT: Final = 4566
DEFAULT_REGION: Final = "us-east-1"


class NotServed(Exception):
    """Headwater cannot be run as asked; the words say why, and are shown to who asked."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Every setting, with its default."""

    home: Path
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    fsync_always: bool = False
    strict: bool = False
    """Refuse access keys that Headwater did not issue."""
    firehose_records_per_second_max: int = 500_000
    """Direct PUT's quota a stream in us-east-1."""
    iam: Literal["enforce", "audit"] = "enforce"
    """What a refusal does: `audit` lets the call pass and says what would have been refused."""
    trail_delivery_s: float = 15.0
    """How long a trail of CloudTrail gathers events before it delivers them, in AWS time. AWS takes about five minutes."""
