"""An issuer's keys are fetched with care: it is a stranger's machine. Truth: OpenID Connect Discovery 1.0; our own limits."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from headwater.services.sts import openid
from headwater.services.sts.openid import Issuer, Issuers, NoKeys, UnknownCertificate, Unreachable, is_loopback


@pytest.fixture
async def issuers() -> AsyncIterator[Issuers]:
    issuers = Issuers()
    yield issuers
    issuers.close()


async def test_keys_are_fetched_once_and_found_by_their_id(issuing: Any, issuers: Issuers) -> None:
    issuer = Issuer(issuing.url)
    found = await asyncio.gather(*(issuers.keys(issuer, kid) for kid in ("rsa", "ec", None, "rsa")))
    assert [[key["kid"] for key in keys] for keys in found] == [["rsa"], ["ec"], ["rsa", "ec"], ["rsa"]]
    assert issuing.asked == [issuing.discovery, "/realm/keys"]


async def test_an_unknown_key_asks_again_but_not_at_once(issuing: Any, issuers: Issuers, monkeypatch: pytest.MonkeyPatch) -> None:
    issuer = Issuer(issuing.url)
    for _ in range(5):
        assert await issuers.keys(issuer, "forged") == []
    assert len(issuing.asked) == 2
    monkeypatch.setattr(openid, "REFETCH_S", 0.0)
    issuing.keys[0]["kid"] = "rotated"
    issuing.publish()
    assert [key["kid"] for key in await issuers.keys(issuer, "rotated")] == ["rotated"]


def hanging(handler: Any) -> None:
    time.sleep(3)


def dripping(handler: Any) -> None:
    handler.send_response(200)
    handler.end_headers()
    for _ in range(40):
        time.sleep(0.1)
        handler.wfile.write(b" ")


def moved(handler: Any) -> None:
    handler.send_response(302)
    handler.send_header("Location", "http://127.0.0.1:1/elsewhere")
    handler.end_headers()


NO_ISSUERS: dict[str, tuple[type[Exception], Any]] = {
    "nothing there": (NoKeys, None),
    "no JSON": (NoKeys, b"<html>"),
    "no object": (NoKeys, b"[]"),
    "no UTF-8": (NoKeys, b"\xff\xfe\x00"),
    "nothing but brackets": (NoKeys, b"[" * 200_000),
    "too much": (NoKeys, b" " * (openid.DOCUMENT_BYTES_MAX + 1) + b"{}"),
    "another issuer's document": (NoKeys, json.dumps({"issuer": "https://elsewhere", "jwks_uri": "https://elsewhere/keys"}).encode()),
    "a redirect": (NoKeys, moved),
    "silence": (Unreachable, hanging),
    "a drip": (Unreachable, dripping),
}


@pytest.mark.parametrize(("refusal", "page"), NO_ISSUERS.values(), ids=NO_ISSUERS)
async def test_what_is_no_issuer_is_refused(
    issuing: Any, issuers: Issuers, monkeypatch: pytest.MonkeyPatch, refusal: type[Exception], page: Any
) -> None:
    monkeypatch.setattr(openid, "SOCKET_S", 0.3)
    monkeypatch.setattr(openid, "FETCH_S", 0.5)
    issuing.pages[issuing.discovery] = page
    with pytest.raises(refusal):
        await issuers.keys(Issuer(issuing.url), "rsa")


JWKS_PLACES = ["http://example.com/keys", "file:///etc/passwd", "http://[", "ftp://127.0.0.1/keys", "", None, 7, "http://127.0.0.1:99999/"]


@pytest.mark.parametrize("place", JWKS_PLACES)
async def test_a_document_does_not_send_us_anywhere(issuing: Any, issuers: Issuers, place: Any) -> None:
    issuing.pages[issuing.discovery] = json.dumps({"issuer": issuing.url, "jwks_uri": place}).encode()
    with pytest.raises(NoKeys):
        await issuers.keys(Issuer(issuing.url), "rsa")


async def test_keys_that_do_not_sign_are_no_keys(issuing: Any, issuers: Issuers) -> None:
    issuing.keys = [issuing.keys[0] | {"use": "enc"}, {"kty": "oct", "k": "c2VjcmV0", "kid": "shared"}, issuing.keys[1]]
    issuing.publish()
    assert [key["kid"] for key in await issuers.keys(Issuer(issuing.url), None)] == ["ec"]


async def test_a_certificate_counts_by_its_thumbprint(secure: Any, issuers: Issuers) -> None:
    """As on AWS, where an issuer's authority is not one that everybody knows."""
    for thumbprints in ((), ("0" * 40,)):
        with pytest.raises(UnknownCertificate):
            await issuers.keys(Issuer(secure.url, thumbprints), "rsa")
    assert len(await issuers.keys(Issuer(secure.url, ("0" * 40, secure.thumbprint)), "rsa")) == 1


async def test_the_certificate_must_name_the_issuer(secure: Any, issuers: Issuers) -> None:
    elsewhere = secure.url.replace("127.0.0.1", "127.0.0.2")  # the server is not there, but were it: its certificate names another
    with pytest.raises((UnknownCertificate, Unreachable)):
        await issuers.keys(Issuer(elsewhere, (secure.thumbprint,)), "rsa")
    named = secure.url.replace("127.0.0.1", "localhost")
    with pytest.raises(UnknownCertificate):
        await issuers.keys(Issuer(named, (secure.thumbprint,)), "rsa")


async def test_nobody_there(issuing: Any, issuers: Issuers) -> None:
    issuing.close()
    with pytest.raises(Unreachable):
        await issuers.keys(Issuer(issuing.url), "rsa")


@pytest.mark.parametrize(
    ("host", "answer"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("localhost", True),
        ("a.localhost", True),
        ("10.0.0.1", False),
        ("localhost.evil", False),
        (None, False),
    ],
)
def test_what_loopback_is(host: str | None, answer: bool) -> None:
    assert is_loopback(host) is answer
