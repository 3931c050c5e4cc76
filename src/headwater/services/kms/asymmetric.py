"""What is computed with private keys: RSA, elliptic curves, key agreement. Pure; refusals are said in AWS's words.

A digest that is given instead of a message is used as it is (RSA-PSS with a salt as long as the digest, as AWS has it).
"""

from __future__ import annotations

import re
from typing import Any, Final

from headwater.aws.faults import fault

DIGEST_BYTES: Final = {"1": 20, "224": 28, "256": 32, "384": 48, "512": 64}
_DIGEST: Final = re.compile(r"_SHA_(\d+)$")


def digest_of(algorithm: str) -> Any:
    """The hash that an algorithm's name ends with."""
    from cryptography.hazmat.primitives import hashes

    made: dict[str, Any] = {"1": hashes.SHA1, "224": hashes.SHA224, "256": hashes.SHA256, "384": hashes.SHA384, "512": hashes.SHA512}
    return made[_digest_name(algorithm)]()


def _digest_name(algorithm: str) -> str:
    found = _DIGEST.search(algorithm)
    assert found is not None
    return found[1]


def plaintext_max(bits: int, algorithm: str) -> int:
    """How much OAEP leaves of a modulus (RFC 8017, 7.1.1)."""
    return bits // 8 - 2 * DIGEST_BYTES[_digest_name(algorithm)] - 2


def _oaep(algorithm: str) -> Any:
    from cryptography.hazmat.primitives.asymmetric import padding

    return padding.OAEP(mgf=padding.MGF1(digest_of(algorithm)), algorithm=digest_of(algorithm), label=None)


def encrypted(private: Any, algorithm: str, plaintext: bytes) -> bytes:
    sealed: bytes = private.public_key().encrypt(plaintext, _oaep(algorithm))
    return sealed


def decrypted(private: Any, algorithm: str, sealed: bytes) -> bytes | None:
    try:
        plaintext: bytes = private.decrypt(sealed, _oaep(algorithm))
    except ValueError:
        return None
    return plaintext


def check_digest(algorithm: str, digest: bytes) -> None:
    if len(digest) != DIGEST_BYTES[_digest_name(algorithm)]:
        raise fault("ValidationException", f"Digest is invalid length for algorithm {algorithm}.")


def signed(private: Any, algorithm: str, message: bytes, *, is_digest: bool) -> bytes:
    signature: bytes = private.sign(message, *_arguments(algorithm, is_digest=is_digest))
    return signature


def is_signed(private: Any, algorithm: str, message: bytes, signature: bytes, *, is_digest: bool) -> bool:
    from cryptography.exceptions import InvalidSignature

    try:
        private.public_key().verify(signature, message, *_arguments(algorithm, is_digest=is_digest))
    except InvalidSignature:
        return False
    return True


def _arguments(algorithm: str, *, is_digest: bool) -> tuple[Any, ...]:
    """What `sign` and `verify` of `cryptography` need beside the message."""
    from cryptography.hazmat.primitives.asymmetric import ec, padding
    from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

    if algorithm == "ED25519_SHA_512":
        return ()
    digest = digest_of(algorithm)
    hashed = Prehashed(digest) if is_digest else digest
    if algorithm.startswith("ECDSA"):
        return (ec.ECDSA(hashed),)
    if "PSS" in algorithm:
        return (padding.PSS(mgf=padding.MGF1(digest), salt_length=digest.digest_size), hashed)
    return (padding.PKCS1v15(), hashed)


def agreed(private: Any, public_der: bytes) -> bytes | None:
    """The shared secret of ECDH, or None when the other's key is not of this curve."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    try:
        public = load_der_public_key(public_der)
    except (ValueError, UnsupportedAlgorithm):
        return None
    if not isinstance(public, ec.EllipticCurvePublicKey) or public.curve.name != private.curve.name:
        return None
    secret: bytes = private.exchange(ec.ECDH(), public)
    return secret
