"""Version ids and the order of versions: each new one sorts before all older ones, also when a clock steps back.

Pure. A version id is 32 letters of S3's alphabet, of which the first twelve are
its `order`: a number that only shrinks, written so that texts sort as the numbers do.
"""

from __future__ import annotations

import os
import struct
from base64 import b64encode
from typing import Final

ORDER_LENGTH: Final = 12
VERSION_LENGTH: Final = 32
_FURTHEST: Final = 2**63
_STANDARD: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_SORTED: Final = b".0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
_TO_SORTED: Final = bytes.maketrans(_STANDARD, _SORTED)
_LETTERS: Final = frozenset(_SORTED.decode("ascii"))
_PACK: Final = struct.Struct(">BQ").pack


class Orders:
    """Gives out orders; one for the whole room. It begins at the machine's time, so that a later life begins further on."""

    __slots__ = ("_last",)

    def __init__(self, now_ns: int) -> None:
        self._last = now_ns

    def next(self, before: str = "") -> str:
        """An order newer than all given out, and than `before` (kept from an earlier life, whose clock may have been ahead)."""
        self._last += 1
        text = _text(self._last)
        if before and text >= before:
            self._last = number_of(before) + 1
            text = _text(self._last)
        return text


def _text(number: int) -> str:
    return b64encode(_PACK(0x60, _FURTHEST - number)).translate(_TO_SORTED).decode("ascii")


def number_of(order: str) -> int:
    """Grows from one order of a key to the next."""
    value = 0
    for letter in order.encode("ascii"):
        value = value << 6 | _SORTED.index(letter)
    return _FURTHEST - (value & (2**64 - 1))


def version_id(order: str) -> str:
    """A fresh version id of this order."""
    return order + b64encode(os.urandom(15)).translate(_TO_SORTED).decode("ascii")


def is_version_id(text: str) -> bool:
    """Whether `text` could be a version id of S3 (not whether such a version is)."""
    return text == "null" or (len(text) == VERSION_LENGTH and _LETTERS.issuperset(text))
