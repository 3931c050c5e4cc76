"""The journal: what was acknowledged, in order, in plain appended files.

An entry is its length, its CRC-32 and a MessagePack list of changes. A position is a byte offset counted over all segments;
a segment's file name is the position at which it begins. A torn entry can only be the last one: reading stops there.
"""

from __future__ import annotations

import itertools
import os
import struct
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

HEADER: Final = struct.Struct("<II")
SEGMENT_BYTES_MAX: Final = 64 * 1024 * 1024
READ_BYTES: Final = 1024 * 1024


class Change(NamedTuple):
    """One record put (`value` holds its bytes) or deleted (`value` is None)."""

    service: str
    table: str
    key: bytes
    value: bytes | None


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(list[Change])


class Journal:
    """The appending end. One writer: the event loop's thread."""

    def __init__(self, folder: Path, position: int) -> None:
        self._folder = folder
        self.position = position
        self._segment_start = position
        self._lock = threading.Lock()
        self._file = self._create(position)
        self._ended: list[int] = []  # full segments that the disk may not have yet

    def _create(self, position: int) -> int:
        handle = os.open(self._folder / f"{position:020d}", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        return handle

    def append(self, changes: list[Change]) -> int:
        """Write one entry; when this returns it survives the death of the process. Returns the position after it."""
        payload = _ENCODER.encode(changes)
        frame = HEADER.pack(len(payload), zlib.crc32(payload)) + payload
        written = os.write(self._file, frame)
        if written != len(frame):
            # A full disk: take the torn piece back, so that the next entry does not stand behind garbage.
            os.ftruncate(self._file, self.position - self._segment_start)
            raise OSError(f"the journal took {written} of {len(frame)} bytes; is the disk full?")
        self.position += written
        return self.position

    def sync(self) -> None:
        """Wait until the disk has what was appended before this call (callable from another thread)."""
        with self._lock:
            ended, self._ended = self._ended, []
            handles = [*ended, os.dup(self._file)]
        for handle in handles:
            os.fsync(handle)
            os.close(handle)

    @property
    def segment_is_full(self) -> bool:
        return self.position - self._segment_start >= SEGMENT_BYTES_MAX

    def begin_segment(self) -> None:
        """Go on in a new file."""
        following = self._create(self.position)
        with self._lock:
            self._ended.append(self._file)
            self._file = following
        self._segment_start = self.position

    def drop_before(self, position: int) -> None:
        """Delete the segments that end at or before `position`: SQLite has them on disk."""
        starts = sorted(int(path.name) for path in self._folder.iterdir())
        for start, following in itertools.pairwise(starts):
            if following <= position:
                (self._folder / f"{start:020d}").unlink()

    def close(self) -> None:
        os.close(self._file)


def read(folder: Path) -> Iterator[tuple[int, list[Change]]]:
    """Every whole entry in order, with the position after it."""
    for path in sorted(folder.iterdir()):
        position = int(path.name)
        content = path.read_bytes()
        offset = 0
        while offset + HEADER.size <= len(content):
            length, checksum = HEADER.unpack_from(content, offset)
            payload = content[offset + HEADER.size : offset + HEADER.size + length]
            if len(payload) < length or zlib.crc32(payload) != checksum:
                break
            offset += HEADER.size + length
            yield position + offset, _DECODER.decode(payload)


def end(folder: Path) -> int:
    """The position behind everything on disk, torn bytes included: a new segment begins there."""
    ends = [int(path.name) + path.stat().st_size for path in folder.iterdir()]
    return max(ends, default=0)
