"""Browsers cannot be made to call Headwater from other sites. Truth: our own contract (DESIGN.md §11)."""

import pytest

from headwater.aws.faults import Fault
from headwater.aws.wire import Request
from headwater.gateway.guard import guard, is_from_this_machine


def request(**headers: str) -> Request:
    return Request("POST", "/", "", {name.replace("_", "-"): value for name, value in headers.items()})


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1:4566", "localhost", "localhost:4566", "[::1]:4566", "127.9.8.7:80", "bucket.s3.localhost:4566",
     "bucket.s3.us-east-1.amazonaws.com", "abc.lambda-url.us-east-1.on.aws", "headwater:4566"],
)  # fmt: skip
def test_loopback_and_aws_names_are_welcome(host: str) -> None:
    guard(request(host=host))


@pytest.mark.parametrize(
    "headers",
    {
        "a rebound name": {"host": "evil.example"},
        "a name that only begins like ours": {"host": "localhost.evil.example"},
        "a public address": {"host": "8.8.8.8"},
        "a cross-site form": {"host": "127.0.0.1:4566", "sec_fetch_site": "cross-site"},
    }.items(),
    ids=lambda item: item[0],
)
def test_cross_site_calls_are_refused(headers: tuple[str, dict[str, str]]) -> None:
    with pytest.raises(Fault) as refusal:
        guard(request(**headers[1]))
    assert refusal.value.code == "AccessDenied"


@pytest.mark.parametrize(
    ("origin", "own"),
    [
        ("http://localhost:3000", True),
        ("https://127.0.0.1", True),
        ("http://[::1]:8080", True),
        ("http://b.s3-website.localhost:4566", True),
        ("foo.bar", True),
        ("https://evil.example", False),
        ("null", False),
        ("", False),
        ("https://evil.s3.amazonaws.com", False),
        ("https://evil.lambda-url.us-east-1.on.aws", False),
        ("https://localhost.evil.example", False),
        ("http://localhost@evil.example", False),
        ("http://evil.example, http://localhost", False),
        ("http://localhost, http://evil.example", False),
        ("http://[", False),
    ],
)
def test_whose_pages_need_leave(origin: str, own: bool) -> None:
    """Anybody may put pages at AWS's names, so as an Origin they are another site's. One without a scheme no browser sends (RFC 6454)."""
    assert guard(request(host="127.0.0.1:4566", origin=origin)) is not own
    assert guard(request(host="127.0.0.1:4566", origin=origin, sec_fetch_site="cross-site"))


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_the_houses_own_pages_are_not_for_pages_of_others(site: str) -> None:
    assert is_from_this_machine({"host": "127.0.0.1:4566"})
    assert is_from_this_machine({"host": "127.0.0.1:4566", "sec-fetch-site": "none"})
    assert not is_from_this_machine({"host": "127.0.0.1:4566", "sec-fetch-site": site})
    assert not is_from_this_machine({"host": "127.0.0.1:4566", "origin": "http://127.0.0.1:4566"})
    assert not is_from_this_machine({"host": "evil.example"})
