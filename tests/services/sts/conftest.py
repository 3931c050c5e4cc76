"""An OpenID Connect issuer for the tests: a small HTTP(S) server on loopback with a key of its own, and tokens signed with it."""

import hashlib
import http.server
import ipaddress
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())


class Issuing:
    """`pages` is what it serves: bytes, or a callable that is given the handler."""

    discovery = "/realm/.well-known/openid-configuration"
    rsa_key, other_rsa_key, ec_key = RSA_KEY, OTHER_RSA_KEY, EC_KEY

    def __init__(self, folder: Path | None = None) -> None:
        issuing = self
        self.asked: list[str] = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuing.asked.append(self.path)
                page = issuing.pages.get(self.path)
                if callable(page):
                    page(self)
                    return
                self.send_response(200 if page is not None else 404)
                self.send_header("Content-Length", str(len(page or b"")))
                self.end_headers()
                self.wfile.write(page or b"")

            def log_message(self, *args: object) -> None:  # type: ignore[override]  # only silence is wanted
                """Silent."""

        class Quiet(http.server.ThreadingHTTPServer):
            def handle_error(self, request: Any, client_address: Any) -> None:
                """A client that does not like our certificate hangs up."""

        self._server = Quiet(("127.0.0.1", 0), Handler)
        self.thumbprint = ""
        scheme = "http"
        if folder is not None:
            scheme = "https"
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            certificate, self.thumbprint = certificate_in(folder, EC_KEY)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.host = f"127.0.0.1:{self._server.server_port}/realm"
        self.url = f"{scheme}://{self.host}"
        self.pages: dict[str, Any] = {}
        self.keys = [public_key(RSA_KEY, "rsa"), public_key(EC_KEY, "ec")]
        self.publish()
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def publish(self) -> None:
        self.pages[self.discovery] = json.dumps({"issuer": self.url, "jwks_uri": f"{self.url}/keys"}).encode()
        self.pages["/realm/keys"] = json.dumps({"keys": self.keys}).encode()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def claims(self, **more: Any) -> dict[str, Any]:
        now = int(time.time())
        claims = {"iss": self.url, "aud": "app", "sub": "user-1234", "iat": now - 5, "exp": now + 600} | more
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, *, key: Any = RSA_KEY, kid: str | None = "rsa", alg: str = "RS256", **claims: Any) -> str:
        return jwt.encode(self.claims(**claims), key, algorithm=alg, headers={} if kid is None else {"kid": kid})


@pytest.fixture
def issuing() -> Iterator[Issuing]:
    """One over plain HTTP."""
    issuing = Issuing()
    yield issuing
    issuing.close()


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[Issuing]:
    """One over TLS, with a certificate that nobody knows."""
    issuing = Issuing(tmp_path)
    yield issuing
    issuing.close()


@pytest.fixture
def new_certificate() -> Callable[[Path], bytes]:
    """A new key and its certificate, as one PEM text."""
    return lambda folder: certificate_in(folder, rsa.generate_private_key(65537, 2048))[0].read_bytes()


def public_key(key: Any, kid: str) -> dict[str, Any]:
    algorithm: Any = jwt.algorithms.RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else jwt.algorithms.ECAlgorithm
    return algorithm.to_jwk(key.public_key(), as_dict=True) | {"kid": kid, "use": "sig"}


def certificate_in(folder: Path, key: Any, host: str = "127.0.0.1") -> tuple[Path, str]:
    """A self-signed certificate with its key, as one PEM file; and its thumbprint."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "issuer")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = folder / "issuer.pem"
    path.write_bytes(pem + certificate.public_bytes(serialization.Encoding.PEM))
    return path, hashlib.sha1(certificate.public_bytes(serialization.Encoding.DER)).hexdigest()
