"""Records of a big table that were written or read lately, so that a point read need not ask SQLite again.

Bounded in bytes as stored; the least recently used leave first. Only the event loop's thread touches it, in the same step in
which the journal is written: it never says what is no longer true.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Final

BYTES_MAX: Final = 16 * 1024 * 1024
ENTRY_BYTES: Final = 400
"""What an entry costs beyond its stored form, roughly."""


class Recent:
    """key -> record."""

    __slots__ = ("_bytes", "_entries")

    def __init__(self) -> None:
        self._entries: OrderedDict[bytes, tuple[Any, int]] = OrderedDict()
        self._bytes = 0

    def get(self, key: bytes) -> Any | None:
        entry = self._entries.get(key)
        if entry is None:
            return None
        self._entries.move_to_end(key)
        return entry[0]

    def put(self, key: bytes, record: Any, stored_bytes: int) -> None:
        size = stored_bytes + ENTRY_BYTES
        before = self._entries.pop(key, None)
        self._bytes += size - (before[1] if before is not None else 0)
        self._entries[key] = (record, size)
        while self._bytes > BYTES_MAX:
            _, (_, gone) = self._entries.popitem(last=False)
            self._bytes -= gone

    def drop(self, key: bytes) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._bytes -= entry[1]
