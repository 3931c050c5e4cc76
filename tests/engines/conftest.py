"""Real database servers for the engines' tests: one of each kind a module, on its own address and in a temporary folder."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from headwater.engines import mariadb
from headwater.engines.addresses import free_address
from headwater.engines.database import CACHE, Tls


@pytest.fixture(scope="session")
def cache() -> Path:
    """The user's own cache: making it anew for each run would measure apt and initdb."""
    return CACHE


@pytest.fixture(scope="session")
def mariadb_cache(cache: Path) -> Path:
    sentence = mariadb.missing(cache)
    if sentence is not None:
        pytest.skip(sentence)
    return cache


@pytest.fixture
def certified(tmp_path: Path) -> Tls:
    """A certificate, its own authority, for the address that a server of this test's folder gets."""
    host, _ = free_address(str(tmp_path), 33061)
    return certificate(tmp_path, host)


def certificate(folder: Path, host: str) -> Tls:
    """A self-signed one, its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "headwater test")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    tls = Tls(folder / "cert.pem", folder / "key.pem", folder / "cert.pem")
    tls.certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    tls.key.touch(0o600)
    tls.key.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return tls
