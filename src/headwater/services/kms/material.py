"""Key material: made, sealed, opened, remembered.

Material exists in three forms: raw bytes (an AES or HMAC key, or a private key as PKCS #8), sealed bytes on disk, and the
*opened* object with which one computes. Opening costs some 50 µs to a millisecond, so what was opened is kept by key and number.
`cryptography` is imported at first use: 30 ms that a start should not pay.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any

from .live import live_of
from .model import Key, Material
from .specs import SPECS, Spec

if TYPE_CHECKING:
    from headwater.kernel.home import Home


def open_material(home: Home, key: Key, number: int) -> Any:
    """AESGCM, an HMAC key's bytes, or a private key. The material must be there: the key's state was checked."""
    kept = live_of(home).opened
    name = (*key.parts, number)
    found = kept.get(name)
    if found is None:
        material = key.material(number)
        assert material is not None
        assert material.sealed is not None
        found = _opened(key.shape, home.vault.open(material.sealed, _context(key, number)))
        kept.keep(name, found)
    return found


def raw_material(home: Home, key: Key, number: int) -> bytes:
    """The bytes themselves, to be sealed again in another region."""
    material = key.material(number)
    assert material is not None
    assert material.sealed is not None
    return home.vault.open(material.sealed, _context(key, number))


def _context(key: Key, number: int) -> str:
    return f"kms {' '.join(key.parts)} {number}"


def _opened(spec: Spec, raw: bytes) -> Any:
    if spec.kind == "symmetric":
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        return AESGCM(raw)
    if spec.kind == "hmac":
        return raw
    return opened_private(raw)


def sealed(home: Home, key: Key, number: int, raw: bytes, **members: Any) -> Material:
    """A material of this key, ready to be written."""
    return Material(number=number, material_id=material_id(key, raw), sealed=home.vault.seal(raw, _context(key, number)), **members)


def material_id(key: Key, raw: bytes) -> str:
    """Says which bytes they are without saying them. A multi-Region key's replicas have the same one."""
    return hmac.digest(raw, f"kms material {key.account} {key.key_id}".encode(), hashlib.sha256).hex()


def made(home: Home, spec_name: str) -> Awaitable[bytes]:
    """Fresh material as raw bytes."""
    return _made(home, spec_name)


async def _made(home: Home, spec_name: str) -> bytes:
    spec = SPECS[spec_name]
    if spec.kind in {"symmetric", "hmac"}:
        return os.urandom(spec.bits // 8)
    if spec.kind == "rsa":  # up to some tenths of a second, in which OpenSSL lets the loop run
        return await asyncio.get_running_loop().run_in_executor(home.pools.engines, private_key, spec_name)
    return private_key(spec_name)


def private_key(spec_name: str) -> bytes:
    """A fresh private key as PKCS #8."""
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    spec = SPECS[spec_name]
    if spec.kind == "rsa":
        return pkcs8(rsa.generate_private_key(public_exponent=65537, key_size=spec.bits))
    if spec.kind == "edwards":
        return pkcs8(ed25519.Ed25519PrivateKey.generate())
    if spec.kind == "lattice":
        return pkcs8(lattice(spec_name).generate())
    return pkcs8(ec.generate_private_key(curve(spec_name)))


def lattice(spec_name: str) -> Any:
    """The class of the private keys of ML-DSA (FIPS 204) and ML-KEM (FIPS 203)."""
    from cryptography.hazmat.primitives.asymmetric import mldsa, mlkem

    classes: dict[str, Any] = {
        "ML_DSA_44": mldsa.MLDSA44PrivateKey,
        "ML_DSA_65": mldsa.MLDSA65PrivateKey,
        "ML_DSA_87": mldsa.MLDSA87PrivateKey,
        "ML_KEM_768": mlkem.MLKEM768PrivateKey,
        "ML_KEM_1024": mlkem.MLKEM1024PrivateKey,
    }
    return classes[spec_name]


def curve(spec_name: str) -> Any:
    from cryptography.hazmat.primitives.asymmetric import ec

    curves: dict[str, Any] = {
        "ECC_NIST_P256": ec.SECP256R1,
        "ECC_NIST_P384": ec.SECP384R1,
        "ECC_NIST_P521": ec.SECP521R1,
        "ECC_SECG_P256K1": ec.SECP256K1,
    }
    return curves[spec_name]()


def pkcs8(private: Any) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    written: bytes = private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return written


def opened_private(raw: bytes) -> Any:
    """A private key that is not kept."""
    from cryptography.hazmat.primitives.serialization import load_der_private_key

    return load_der_private_key(raw, None)


def fits(spec_name: str, raw: bytes) -> bool:
    """Whether bytes from outside are material of this spec."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    spec = SPECS[spec_name]
    if spec.kind in {"symmetric", "hmac"}:
        return len(raw) == spec.bits // 8
    try:
        private = opened_private(raw)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return False
    if isinstance(private, rsa.RSAPrivateKey):
        return spec.kind == "rsa" and private.key_size == spec.bits
    if isinstance(private, ec.EllipticCurvePrivateKey):
        return spec.kind == "ecc" and private.curve.name == curve(spec_name).name
    if isinstance(private, ed25519.Ed25519PrivateKey):
        return spec.kind == "edwards"
    return spec.kind == "lattice" and isinstance(private, lattice(spec_name))


def public_of(raw: bytes) -> bytes:
    """The public half of a private key that is not kept."""
    return public_der(opened_private(raw))


def public_der(private: Any) -> bytes:
    """The public half as SubjectPublicKeyInfo, as GetPublicKey answers it."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    written: bytes = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return written
