"""A certificate authority of this home's own, and certificates for what it runs.

Clients that ask for TLS (redshift_connector does unless told otherwise) get it without any set-up on their side but to trust
`authority.pem`. Dates are the machine's time: TLS does not follow the Clock. A leaf that is about to end is made anew.
"""

from __future__ import annotations

import fcntl
import ipaddress
import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.hashes import SHA256

    from headwater.kernel.clock import Clock

AUTHORITY_DAYS: Final = 3650
LEAF_DAYS: Final = 397
RENEW_DAYS: Final = 30


class Holder(Protocol):
    """Whose authority it is: the home, or whatever has a folder and a clock."""

    @property
    def path(self) -> Path: ...

    @property
    def clock(self) -> Clock: ...


def authority_path(home: Holder) -> Path:
    """The authority's certificate (PEM), made when it is first asked for."""
    path = home.path / "tls" / "authority.pem"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (path.parent / "lock").open("w") as lock:  # the server and `headwater run` may both be first
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not path.exists():
                _make_authority(path.parent, home.clock.machine())
    return path


def certificate_for(home: Holder, name: str, hosts: list[str]) -> tuple[Path, Path]:
    """(certificate chain, private key) as PEM files for a server called `name` at `hosts` (names and addresses)."""
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization

    authority = x509.load_pem_x509_certificate(authority_path(home).read_bytes())
    folder = home.path / "tls" / name
    certificate_path, key_path = folder / "certificate.pem", folder / "key.pem"
    now = home.clock.machine()
    wanted = [_general_name(host) for host in hosts]
    if certificate_path.exists() and key_path.exists():
        leaf = x509.load_pem_x509_certificates(certificate_path.read_bytes())[0]
        names = list(leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
        if names == wanted and leaf.not_valid_after_utc - timedelta(days=RENEW_DAYS) > now and leaf.issuer == authority.subject:
            return certificate_path, key_path
    authority_key = serialization.load_pem_private_key((home.path / "tls" / "authority.key").read_bytes(), None)
    key = _new_key()
    builder = _builder(f"{name}"[:64], authority.subject, key, now, LEAF_DAYS)
    builder = builder.add_extension(x509.SubjectAlternativeName(wanted), critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    leaf = builder.sign(authority_key, _sha256())  # type: ignore[arg-type]  # our own key file holds an EC key
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _write_key(key_path, key)
    chain = leaf.public_bytes(serialization.Encoding.PEM) + authority.public_bytes(serialization.Encoding.PEM)
    _replace(certificate_path, chain, 0o644)
    return certificate_path, key_path


def _make_authority(folder: Path, now: datetime) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization

    key = _new_key()
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Headwater local authority")])
    builder = _builder("Headwater local authority", name, key, now, AUTHORITY_DAYS)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
    certificate = builder.add_extension(usage, critical=True).sign(key, _sha256())
    _write_key(folder / "authority.key", key)
    _replace(folder / "authority.pem", certificate.public_bytes(serialization.Encoding.PEM), 0o644)


def _builder(common_name: str, issuer: x509.Name, key: EllipticCurvePrivateKey, now: datetime, days: int) -> x509.CertificateBuilder:
    from cryptography import x509

    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)])
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _new_key() -> EllipticCurvePrivateKey:
    from cryptography.hazmat.primitives.asymmetric import ec

    return ec.generate_private_key(ec.SECP256R1())


def _sha256() -> SHA256:
    from cryptography.hazmat.primitives import hashes

    return hashes.SHA256()


def _general_name(host: str) -> x509.GeneralName:
    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _write_key(path: Path, key: EllipticCurvePrivateKey) -> None:
    from cryptography.hazmat.primitives import serialization

    content = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    _replace(path, content, 0o600)


def _replace(path: Path, content: bytes, mode: int) -> None:
    """Whole or not at all."""
    fresh = path.with_suffix(path.suffix + ".new")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    try:
        os.write(handle, content)
        os.fsync(handle)
    finally:
        os.close(handle)
    fresh.replace(path)
