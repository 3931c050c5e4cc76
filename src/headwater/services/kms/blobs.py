"""Ciphertexts of symmetric keys: what stands in one, and why nothing in it can be changed.

    mark, version | account | key id | number of the material | nonce | ciphertext and tag
     2       1        6       1+16             2                 12

Everything before the nonce and the encryption context are authenticated with the ciphertext (AES-256-GCM, additional data), so
that a blob moved to another key, or opened in another context, does not open. The region is not in it: a multi-Region key
opens it wherever it has a replica. Pure.
"""

from __future__ import annotations

import os
import struct
from functools import lru_cache
from typing import Any, Final

import msgspec

MARK: Final = b"\x01\x02"
VERSION: Final = 1
HEADER: Final = struct.Struct(">2sB6s?16sH")
NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16
MULTI_REGION: Final = "mrk-"


class Nonces:
    """Random nonces, fetched from the system many at a time: each costs a system call otherwise, ten times the encryption itself."""

    AT_ONCE: Final = 256

    def __init__(self) -> None:
        self._left: list[bytes] = []

    def next(self) -> bytes:
        if not self._left:
            drawn = os.urandom(NONCE_BYTES * self.AT_ONCE)
            self._left = [drawn[at : at + NONCE_BYTES] for at in range(0, len(drawn), NONCE_BYTES)]
        return self._left.pop()


_NONCES: Final = Nonces()


class Blob(msgspec.Struct, frozen=True):
    account: str
    key_id: str
    number: int
    header: bytes
    nonce: bytes
    sealed: bytes


def written(account: str, key_id: str, number: int, aes: Any, plaintext: bytes, context: dict[str, str] | None) -> bytes:
    multi = key_id.startswith(MULTI_REGION)
    digits = key_id.removeprefix(MULTI_REGION).replace("-", "")
    header = HEADER.pack(MARK, VERSION, int(account).to_bytes(6, "big"), multi, bytes.fromhex(digits), number)
    nonce = _NONCES.next()
    sealed: bytes = aes.encrypt(nonce, plaintext, header + canonical(context))
    return header + nonce + sealed


@lru_cache(256)  # the decision, the operation and a retry ask for the same one
def read(blob: bytes) -> Blob | None:
    """None for what no key of ours has written."""
    if len(blob) < HEADER.size + NONCE_BYTES + TAG_BYTES:
        return None
    mark, version, account, multi, digits, number = HEADER.unpack_from(blob)
    if mark != MARK or version != VERSION:
        return None
    text = digits.hex()
    key_id = f"{MULTI_REGION}{text}" if multi else f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
    start = HEADER.size + NONCE_BYTES
    return Blob(f"{int.from_bytes(account, 'big'):012}", key_id, number, blob[: HEADER.size], blob[HEADER.size : start], blob[start:])


def opened(blob: Blob, aes: Any, context: dict[str, str] | None) -> bytes | None:
    """The plaintext, or None when blob, key and context do not belong together."""
    from cryptography.exceptions import InvalidTag

    try:
        plaintext: bytes = aes.decrypt(blob.nonce, blob.sealed, blob.header + canonical(context))
    except InvalidTag:
        return None
    return plaintext


def canonical(context: dict[str, str] | None) -> bytes:
    """An encryption context as bytes: no two contexts have the same, and the order of its pairs says nothing."""
    if not context:
        return b""
    pieces = []
    for name, value in sorted(context.items()):
        for text in (name, value):
            encoded = text.encode("utf-8", "surrogatepass")
            pieces += [len(encoded).to_bytes(4, "big"), encoded]
    return b"".join(pieces)
