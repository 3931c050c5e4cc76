"""One-time codes as authenticator apps show them (RFC 6238: SHA-1, six digits, half a minute). Pure."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime
from typing import Final

STEP_S: Final = 30
DIGITS: Final = 6
OFFSET_MASK: Final = 0xF
SIGN_MASK: Final = 0x7FFFFFFF


def step_at(moment: datetime) -> int:
    return int(moment.timestamp()) // STEP_S


def code_at(seed: bytes, step: int) -> str:
    """The code of one step, by dynamic truncation (RFC 4226, 5.3)."""
    digest = hmac.digest(seed, step.to_bytes(8, "big"), hashlib.sha1)
    offset = digest[-1] & OFFSET_MASK
    number = int.from_bytes(digest[offset : offset + 4], "big") & SIGN_MASK
    return str(number % 10**DIGITS).zfill(DIGITS)


def pair_at(seed: bytes, first: str, second: str, around: int, reach: int) -> int | None:
    """The step of the second of two codes that follow each other, within `reach` steps of `around`; None where they do not."""
    for step in sorted(range(around - reach, around + reach + 1), key=lambda one: abs(one - around)):
        if hmac.compare_digest(code_at(seed, step), second) and hmac.compare_digest(code_at(seed, step - 1), first):
            return step
    return None
