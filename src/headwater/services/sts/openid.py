"""The keys of an OpenID Connect issuer: its discovery document, then the key set that this names.

An issuer is a stranger's machine: each answer is bounded in size and in time, redirects are not followed, and nothing but the
issuer that an account registered is ever asked. The fetching is blocking and runs in a pool of its own, so that an issuer that
hangs stops nobody but those who wait for it. Machine time throughout: it is about sockets.
TLS is checked against the system's authorities; where they do not know the issuer, against the certificates whose SHA-1
thumbprints were registered with it, as AWS does. Plain HTTP is for issuers on this machine's loopback alone.
Source: OpenID Connect Discovery 1.0; "Obtain the thumbprint for an OpenID Connect identity provider" of IAM's user guide.
"""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress
import json
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from time import monotonic
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import SplitResult, urlsplit

import msgspec

if TYPE_CHECKING:
    from http.client import HTTPResponse

FETCH_S: Final = 5.0
SOCKET_S: Final = 2.0
DOCUMENT_BYTES_MAX: Final = 256 * 1024
PIECE_BYTES: Final = 16 * 1024
FRESH_S: Final = 3600.0
REFETCH_S: Final = 10.0
"""An unknown key makes us ask again, but not more often: a token costs its forger nothing."""

Key = dict[str, Any]


class Unreachable(Exception):
    """The issuer does not answer."""


class NoKeys(Exception):
    """The issuer answers, but not with what an issuer has."""


class UnknownCertificate(Exception):
    """Neither an authority that the system knows nor a registered thumbprint stands behind the issuer's certificate."""


class Issuer(msgspec.Struct, frozen=True):
    """Whom to ask. `url` has its scheme."""

    url: str
    thumbprints: tuple[str, ...] = ()


class _Known(msgspec.Struct):
    keys: list[Key]
    fetched_at: float


class Issuers:
    """What is known of the issuers' keys, in memory: an hour old at most."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(4, thread_name_prefix="openid")
        self._known: dict[Issuer, _Known] = {}
        self._locks: dict[Issuer, asyncio.Lock] = {}

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def keys(self, issuer: Issuer, key_id: str | None) -> list[Key]:
        """The keys that may have signed a token which names `key_id`."""
        async with self._locks.setdefault(issuer, asyncio.Lock()):
            loop = asyncio.get_running_loop()
            known = self._known.get(issuer)
            age_s = loop.time() - known.fetched_at if known is not None else FRESH_S
            if known is None or age_s >= FRESH_S or (age_s >= REFETCH_S and not _named(known.keys, key_id)):
                try:
                    async with asyncio.timeout(FETCH_S + 1):
                        keys = await loop.run_in_executor(self._pool, _fetch, issuer)
                except TimeoutError:
                    raise Unreachable from None
                known = self._known[issuer] = _Known(keys, loop.time())
        return _named(known.keys, key_id)


def is_loopback(host: str | None) -> bool:
    """Whether a URL's host is this machine. A name is, if it is localhost's: other names are not asked for."""
    if host is None:
        return False
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _named(keys: list[Key], key_id: str | None) -> list[Key]:
    return [key for key in keys if key_id is None or key.get("kid") == key_id]


def _fetch(issuer: Issuer) -> list[Key]:
    """Blocking. All of it within FETCH_S."""
    deadline = monotonic() + FETCH_S
    document = _get(f"{issuer.url.rstrip('/')}/.well-known/openid-configuration", issuer, deadline)
    place = document.get("jwks_uri")
    if document.get("issuer") != issuer.url or not isinstance(place, str):
        raise NoKeys
    keys = _get(place, issuer, deadline).get("keys")
    if not isinstance(keys, list) or not all(isinstance(key, dict) for key in keys):
        raise NoKeys
    return [key for key in keys if key.get("use", "sig") == "sig" and key.get("kty") in {"RSA", "EC"}]


def _get(url: str, issuer: Issuer, deadline: float) -> Key:
    from http.client import HTTPException  # with `email` behind it, which the room's opening should not pay for

    try:
        parts = urlsplit(url)
        secure = parts.scheme == "https"
        if parts.hostname is None or not (
            secure or (parts.scheme == "http" and is_loopback(parts.hostname) and issuer.url.startswith("http:"))
        ):
            raise NoKeys
        try:
            body = _read(parts, ssl.create_default_context() if secure else None, deadline)
        except ssl.SSLCertVerificationError:
            body = _read(parts, _pinned(parts, issuer.thumbprints), deadline)
        document = json.loads(body)
    except ssl.SSLCertVerificationError:
        raise UnknownCertificate from None
    except (OSError, HTTPException):
        raise Unreachable from None
    except (ValueError, RecursionError):
        raise NoKeys from None
    if not isinstance(document, dict):
        raise NoKeys
    return document


def _read(parts: SplitResult, context: ssl.SSLContext | None, deadline: float) -> bytes:
    from http.client import HTTPConnection, HTTPSConnection

    assert parts.hostname is not None
    connection: HTTPConnection
    if context is None:
        connection = HTTPConnection(parts.hostname, parts.port, timeout=SOCKET_S)
    else:
        connection = HTTPSConnection(parts.hostname, parts.port, timeout=SOCKET_S, context=context)
    try:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("GET", target, headers={"Accept": "application/json", "Connection": "close"})
        with connection.getresponse() as response:
            return _body(response, deadline)
    finally:
        connection.close()


def _body(response: HTTPResponse, deadline: float) -> bytes:
    if response.status != HTTPStatus.OK:
        raise NoKeys
    body = b""
    while piece := response.read1(PIECE_BYTES):
        body += piece
        if len(body) > DOCUMENT_BYTES_MAX:
            raise NoKeys
        if monotonic() > deadline:
            raise Unreachable
    return body


def _pinned(parts: SplitResult, thumbprints: tuple[str, ...]) -> ssl.SSLContext:
    """Trust in that certificate of the issuer's chain alone whose thumbprint is registered."""
    for certificate in _chain(parts):
        if hashlib.sha1(certificate, usedforsecurity=False).hexdigest() in thumbprints:
            context = ssl.create_default_context(cadata=certificate)
            context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # it need not be a root
            context.verify_flags &= ~ssl.VERIFY_X509_STRICT
            return context
    raise UnknownCertificate


def _chain(parts: SplitResult) -> list[bytes]:
    """The certificates that the issuer shows (DER), trusted or not."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with (
        socket.create_connection((parts.hostname, parts.port or 443), timeout=SOCKET_S) as plain,
        context.wrap_socket(plain, server_hostname=parts.hostname) as connection,
    ):
        if hasattr(connection, "get_unverified_chain"):  # from Python 3.13 on
            return list(connection.get_unverified_chain())
        inner: Any = connection
        shown = inner._sslobj.get_unverified_chain()  # noqa: SLF001 - there is no other way before
        return [ssl.PEM_cert_to_DER_cert(each.public_bytes()) for each in shown or ()]
