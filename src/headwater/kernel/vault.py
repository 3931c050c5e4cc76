"""The root key of this home, and what is sealed under it: secrets at rest, and credentials that need no storing.

AES-256-GCM from `cryptography`, imported at first use: it costs 30 ms that a start should not pay.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from pathlib import Path
from typing import Final

from headwater.kernel.settings import NotServed

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12


class Vault:
    """Opens or makes `root.key` (mode 0600)."""

    def __init__(self, path: Path) -> None:
        try:
            self._key = path.read_bytes()
        except FileNotFoundError:
            self._key = os.urandom(KEY_BYTES)
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            try:
                os.write(handle, self._key)
                os.fsync(handle)
            finally:
                os.close(handle)
        if len(self._key) != KEY_BYTES:
            raise NotServed(f"{path} is not a root key of {KEY_BYTES} bytes")

    def derive(self, purpose: str) -> bytes:
        """32 bytes that belong to this home and this purpose alone."""
        return hmac.digest(self._key, purpose.encode(), hashlib.sha256)

    def seal(self, plain: bytes, context: str) -> bytes:
        """Encrypt; `context` (what it is of) must be given again to open it."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce = os.urandom(NONCE_BYTES)
        return nonce + AESGCM(self.derive("seal")).encrypt(nonce, plain, context.encode())

    def open(self, sealed: bytes, context: str) -> bytes:
        """Decrypt; raises `cryptography.exceptions.InvalidTag` when it was changed or is of another context."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        return AESGCM(self.derive("seal")).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], context.encode())
