"""What is computed with private keys: RSA, elliptic curves, lattices, key agreement. Pure; refusals are said in AWS's words.

A digest that is given instead of a message is used as it is (RSA-PSS with a salt as long as the digest, as AWS has it).
"""

from __future__ import annotations

import re
from typing import Any, Final

from headwater.aws.faults import fault

DIGEST_BYTES: Final = {"1": 20, "224": 28, "256": 32, "384": 48, "512": 64}
MU_BYTES: Final = 64
_KINDS: Final = {"ED25519_SHA_512": ("RAW",), "ML_DSA_SHAKE_256": ("RAW", "EXTERNAL_MU")}
"""The message types of algorithms that hash in their own way."""
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


def check_message(algorithm: str, kind: str, message: bytes) -> None:
    """Whether what is signed may be given in this form. Edwards curves and lattices take no digest; only lattices take a mu."""
    if kind not in _KINDS.get(algorithm, ("RAW", "DIGEST")):
        raise fault("ValidationException", f"MessageType {kind} is not valid for algorithm {algorithm}.")
    if kind == "RAW":
        return
    if len(message) != (MU_BYTES if kind == "EXTERNAL_MU" else DIGEST_BYTES[_digest_name(algorithm)]):
        raise fault("ValidationException", f"Digest is invalid length for algorithm {algorithm}.")


def signed(private: Any, algorithm: str, message: bytes, kind: str) -> bytes:
    if kind == "EXTERNAL_MU":
        signature: bytes = private.sign_mu(message)
    else:
        signature = private.sign(message, *_arguments(algorithm, is_digest=kind == "DIGEST"))
    return signature


def is_signed(private: Any, algorithm: str, message: bytes, kind: str, signature: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature

    public = private.public_key()
    try:
        if kind == "EXTERNAL_MU":
            public.verify_mu(signature, message)
        else:
            public.verify(signature, message, *_arguments(algorithm, is_digest=kind == "DIGEST"))
    except InvalidSignature:
        return False
    return True


def _arguments(algorithm: str, *, is_digest: bool) -> tuple[Any, ...]:
    """What `sign` and `verify` of `cryptography` need beside the message."""
    from cryptography.hazmat.primitives.asymmetric import ec, padding
    from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

    if algorithm in _KINDS:
        return ()
    digest = digest_of(algorithm)
    hashed = Prehashed(digest) if is_digest else digest
    if algorithm.startswith("ECDSA"):
        return (ec.ECDSA(hashed),)
    if "PSS" in algorithm:
        return (padding.PSS(mgf=padding.MGF1(digest), salt_length=digest.digest_size), hashed)
    return (padding.PKCS1v15(), hashed)


def encapsulated(private: Any) -> tuple[bytes, bytes]:
    """A fresh shared secret, and what only the private key opens."""
    secret, sealed = private.public_key().encapsulate()
    return secret, sealed


def decapsulated(private: Any, sealed: bytes) -> bytes | None:
    """The shared secret; another one when the bytes are another key's (FIPS 203, implicit rejection); None when their length is wrong."""
    try:
        secret: bytes = private.decapsulate(sealed)
    except ValueError:
        return None
    return secret


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
