"""The environment of a program that runs under `headwater run`: whom it trusts, where it calls, as whom."""

from __future__ import annotations

import contextlib
import re
import ssl
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from cryptography import x509

from headwater.cli.run.names import SUFFIXES
from headwater.kernel.identity import ROOT_SECRET
from headwater.kernel.settings import DEFAULT_REGION

TRUST: Final = ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
"""What the SDKs, requests, OpenSSL (Python, Ruby, Go), curl and Node read."""
PEM: Final = "trusted.pem"
PKCS12: Final = "trusted.p12"
JAVA_TRUSTS: Final = ("-Djavax.net.ssl.trustStoreType=PKCS12",)
CERTIFICATE: Final = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
CREDENTIALS: Final = (
    "AWS_ACCESS_KEY_ID",
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)
REGIONS: Final = ("AWS_REGION", "AWS_DEFAULT_REGION")
PROXIES: Final = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")


def environment(now: Mapping[str, str], endpoint: str, work: Path, proxy_port: int | None) -> dict[str, str]:
    """The caller's environment and what leads to Headwater; through a proxy of ours where connections cannot be led there."""
    found = dict(now)
    found["AWS_ENDPOINT_URL"] = endpoint
    found |= dict.fromkeys(TRUST, str(work / PEM))
    found["JAVA_TOOL_OPTIONS"] = " ".join(
        [
            *filter(None, [now.get("JAVA_TOOL_OPTIONS")]),
            f"-Djavax.net.ssl.trustStore={work / PKCS12}",
            "-Djavax.net.ssl.trustStoreType=PKCS12",
        ]
    )
    if not any(now.get(name) for name in CREDENTIALS):
        found |= {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": ROOT_SECRET}
        found.pop("AWS_SESSION_TOKEN", None)
    if not any(now.get(name) for name in (*REGIONS, "AWS_PROFILE", "AWS_DEFAULT_PROFILE")):
        found |= dict.fromkeys(REGIONS, DEFAULT_REGION)
    if proxy_port is not None:
        found |= dict.fromkeys(("HTTPS_PROXY", "https_proxy"), f"http://127.0.0.1:{proxy_port}")
        found |= {"NODE_USE_ENV_PROXY": "1"}
    if any(found.get(name) for name in PROXIES):
        found |= dict.fromkeys(("NO_PROXY", "no_proxy"), _not_by_proxy(now, own=proxy_port is not None))
    return found


def _not_by_proxy(now: Mapping[str, str], *, own: bool) -> str:
    """Loopback, and what the user says; names of AWS's too, unless it is our own proxy that leads them to Headwater."""
    said = [name.strip() for name in (now.get("no_proxy") or now.get("NO_PROXY") or "").split(",")]
    wanted = ["127.0.0.1", "localhost"]
    if own:
        said = [name for name in said if not any(f".{name.lstrip('*.')}".endswith(suffix) for suffix in SUFFIXES)]
    else:
        wanted += SUFFIXES
    return ",".join([*filter(None, said), *wanted])


def write_trust(now: Mapping[str, str], authority: Path, work: Path) -> None:
    """Whom the program trusted before, and Headwater's own authority: as PEM, and as Java wants it."""
    from cryptography.hazmat.primitives.serialization import NoEncryption, pkcs12

    text = "\n".join(path.read_text(errors="replace") for path in dict.fromkeys([*_trusted(now), authority]))
    (work / PEM).write_text(text)
    certificates = [pkcs12.PKCS12Certificate(each, None) for each in set(_certificates(text))]
    (work / PKCS12).write_bytes(pkcs12.serialize_java_truststore(certificates, NoEncryption()))


def _certificates(text: str) -> list[x509.Certificate]:
    """Those that can be read: among the world's roots there are malformed ones, which their users still trust."""
    from cryptography import x509
    from cryptography.utils import CryptographyDeprecationWarning

    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)
        for block in CERTIFICATE.findall(text):
            with contextlib.suppress(ValueError):
                found.append(x509.load_pem_x509_certificate(block.encode()))
    return found


def _trusted(now: Mapping[str, str]) -> Iterator[Path]:
    named = [Path(now[name]) for name in TRUST if now.get(name)]
    yield from (path for path in named if path.is_file())
    defaults = ssl.get_default_verify_paths()
    candidates = [defaults.cafile, defaults.openssl_cafile, "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"]
    system = next((Path(path) for path in candidates if path and Path(path).is_file()), None)
    yield system if system is not None else _botocores()


def _botocores() -> Path:
    """The roots that every boto3 brings."""
    import botocore

    return Path(botocore.__file__).with_name("cacert.pem")
