"""Who may log in: MD5 passwords, as a Redshift cluster asks its clients for.

Kept is only `md5(password + user)`, which is what the wire needs. Whoever reads that can log in, so it is guarded like a
password; MD5 is the protocol's choice, not ours. Source: PostgreSQL documentation, "AuthenticationMD5Password".
"""

import hashlib
import hmac
import secrets
from collections.abc import Sequence


def verifier(user: str, password: str) -> str:
    """What to keep of a password; also what SQL's `PASSWORD 'md5…'` takes."""
    return "md5" + _md5(password.encode() + user.encode())


def salt() -> bytes:
    return secrets.token_bytes(4)


def accepts(kept: Sequence[str], salt: bytes, answer: bytes) -> bool:
    """Whether the client's answer to this salt proves one of the passwords."""
    said = answer.removesuffix(b"\0")
    return any(hmac.compare_digest(("md5" + _md5(one.removeprefix("md5").encode() + salt)).encode(), said) for one in kept)


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()
