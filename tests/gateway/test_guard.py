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
        "another site's script": {"host": "127.0.0.1:4566", "origin": "https://evil.example"},
        "an opaque origin": {"host": "127.0.0.1:4566", "origin": "null"},
        "a cross-site form": {"host": "127.0.0.1:4566", "sec_fetch_site": "cross-site"},
    }.items(),
    ids=lambda item: item[0],
)
def test_cross_site_calls_are_refused(headers: tuple[str, dict[str, str]]) -> None:
    with pytest.raises(Fault) as refusal:
        guard(request(**headers[1]))
    assert refusal.value.code == "AccessDenied"


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_the_houses_own_pages_are_not_for_pages_of_others(site: str) -> None:
    assert is_from_this_machine({"host": "127.0.0.1:4566"})
    assert is_from_this_machine({"host": "127.0.0.1:4566", "sec-fetch-site": "none"})
    assert not is_from_this_machine({"host": "127.0.0.1:4566", "sec-fetch-site": site})
    assert not is_from_this_machine({"host": "127.0.0.1:4566", "origin": "http://127.0.0.1:4566"})
    assert not is_from_this_machine({"host": "evil.example"})
