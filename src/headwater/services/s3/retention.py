"""What an object lock means for one version: pure, and asked wherever a version could go for good."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from headwater.aws.faults import Fault, fault

from .records import ObjectVersion

GOVERNANCE: Final = "GOVERNANCE"
COMPLIANCE: Final = "COMPLIANCE"


def is_retained(version: ObjectVersion, now: datetime) -> bool:
    return version.retained_until is not None and version.retained_until > now


def may_go(version: ObjectVersion, now: datetime, *, bypass: bool) -> bool:
    """Whether this version may be deleted for good."""
    if version.legal_hold == "ON":
        return False
    return not is_retained(version, now) or (bypass and version.retained_mode == GOVERNANCE)


def locked() -> Fault:
    return fault("AccessDenied", "Access Denied because object protected by object lock.")
