"""How an encrypted body stands on disk: chunks of AES-256-GCM, so that any range is read without what comes before it.

Pure. A sealed body is one segment, or, where it came in parts, one for each part, one behind the other: joining parts needs no
key. A segment is a random salt and its chunks; each layer's key for it is drawn from the layer's data key and the salt, so that a
chunk's number may be its nonce and no pair of key and nonce is ever used twice. How long each segment is stands in the object's
record, which therefore tells a body that was cut short from a whole one.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from typing import Any, Final

from headwater.aws.faults import Fault, fault

Keys = tuple[bytes, ...]
"""The data keys, one for each layer, the innermost first; none for a body that stands in the clear."""

CHUNK_BYTES: Final = 64 * 1024
SALT_BYTES: Final = 32
TAG_BYTES: Final = 16
NONCE_BYTES: Final = 12
_PURPOSE: Final = b"headwater s3 body "


class SealedWriter:
    """Takes a segment's bytes in any pieces and hands on what is to be stored."""

    def __init__(self, keys: Keys, write: Callable[[bytes], Any]) -> None:
        salt = os.urandom(SALT_BYTES)
        self._ciphers = _ciphers(keys, salt)
        self._write = write
        self._gathered = bytearray()
        self._number = 0
        write(salt)

    def write(self, piece: bytes) -> None:
        self._gathered += piece
        whole = len(self._gathered) // CHUNK_BYTES * CHUNK_BYTES
        if whole:
            with memoryview(self._gathered) as view:
                for at in range(0, whole, CHUNK_BYTES):
                    self._seal(view[at : at + CHUNK_BYTES])
            del self._gathered[:whole]

    def finish(self) -> None:
        """After the last piece."""
        if self._gathered:
            self._seal(bytes(self._gathered))

    def _seal(self, chunk: bytes | memoryview) -> None:
        nonce = self._number.to_bytes(NONCE_BYTES, "big")
        self._number += 1
        for cipher in self._ciphers:
            chunk = cipher.encrypt(nonce, chunk, None)
        self._write(bytes(chunk))


def sealed(keys: Keys, body: bytes) -> bytes:
    """A whole body as one segment."""
    pieces: list[bytes] = []
    writer = SealedWriter(keys, pieces.append)
    writer.write(body)
    writer.finish()
    return b"".join(pieces)


class SealedReader:
    """A sealed body, read as what it holds. `sizes` are its segments'; `read(count, at)` gives stored bytes, as `os.pread` does."""

    def __init__(self, keys: Keys, sizes: Sequence[int], read: Callable[[int, int], bytes]) -> None:
        self._keys = keys
        self._sizes = sizes
        self._read = read
        self._chunk = CHUNK_BYTES + TAG_BYTES * len(keys)
        self._starts = [0, *accumulate(sizes)]
        self._places = [0, *accumulate(map(self._stored, sizes))]
        self._ciphers: dict[int, tuple[Any, ...]] = {}

    def read(self, count: int, at: int) -> bytes:
        """At least one and at most `count` bytes from `at` on: up to where a chunk or a segment ends, where that is near."""
        segment = bisect_right(self._starts, at, 0, len(self._sizes)) - 1
        size, within = self._sizes[segment], at - self._starts[segment]
        end = min(size, within + count)
        aligned = end // CHUNK_BYTES * CHUNK_BYTES
        if within < aligned and end < size:
            end = aligned
        first = within // CHUNK_BYTES
        plain = b"".join(self._opened(segment, first, -(-end // CHUNK_BYTES)))
        begin = within - first * CHUNK_BYTES
        return plain[begin : begin + end - within]

    def read_all(self, count: int, at: int) -> bytes:
        """Exactly `count` bytes."""
        pieces: list[bytes] = []
        while count:
            pieces.append(self.read(count, at))
            at += len(pieces[-1])
            count -= len(pieces[-1])
        return b"".join(pieces)

    def _stored(self, size: int) -> int:
        """How many bytes a segment of this size takes."""
        return SALT_BYTES + size + -(-size // CHUNK_BYTES) * (self._chunk - CHUNK_BYTES)

    def _opened(self, segment: int, first: int, stop: int) -> Iterator[bytes]:
        from cryptography.exceptions import InvalidTag

        place = self._places[segment]
        ciphers = self._ciphers.get(segment)
        if ciphers is None:
            ciphers = self._ciphers[segment] = _ciphers(self._keys, self._read(SALT_BYTES, place))
        begin = place + SALT_BYTES + first * self._chunk
        end = min(place + SALT_BYTES + stop * self._chunk, self._places[segment + 1])
        stored = memoryview(self._read(end - begin, begin))
        for number in range(first, stop):
            at = (number - first) * self._chunk
            chunk: bytes | memoryview = stored[at : at + self._chunk]
            nonce = number.to_bytes(NONCE_BYTES, "big")
            try:
                for cipher in reversed(ciphers):
                    chunk = cipher.decrypt(nonce, chunk, None)
            except (InvalidTag, ValueError):
                raise damaged() from None
            yield bytes(chunk)


def _ciphers(keys: Keys, salt: bytes) -> tuple[Any, ...]:
    """`cryptography` is imported at first use: 30 ms that a start should not pay."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return tuple(AESGCM(hmac.digest(key, _PURPOSE + salt, hashlib.sha256)) for key in keys)


def damaged() -> Fault:
    """The bytes on disk are not those that were written."""
    return fault("InternalError", "We encountered an internal error. Please try again.")
