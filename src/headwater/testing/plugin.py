"""`pytest --headwater`: the fixtures `headwater` and `headwater_clock` for whoever tests code that calls AWS.

pytest imports this module in every run of every project of the environment, so nothing but pytest itself is imported here; what the
fixtures need comes with `--headwater`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headwater.testing.running import Headwater, HeadwaterClock

OPTION = "--headwater"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("headwater", "AWS on this machine")
    group.addoption(
        OPTION,
        action="store_true",
        help="give tests the fixtures headwater (an account of their own, on the server at AWS_ENDPOINT_URL or on one that is started "
        "for this run) and headwater_clock (AWS time, to be moved)",
    )


@pytest.fixture(scope="session")
def headwater_endpoint(request: pytest.FixtureRequest) -> Iterator[str]:
    """Where the session's Headwater answers: AWS_ENDPOINT_URL, or a server with a home of its own that ends with the session."""
    if not request.config.getoption(OPTION):
        pytest.fail(f"this test calls Headwater: run pytest with {OPTION}", pytrace=False)
    from headwater.testing.running import serving

    with serving() as endpoint:
        yield endpoint


@pytest.fixture
def headwater(headwater_endpoint: str) -> Iterator[Headwater]:
    """A fresh account of its own; the environment (AWS_ENDPOINT_URL, keys, region) leads every SDK there while the test runs."""
    from headwater.testing.running import account_on

    with account_on(headwater_endpoint) as account:
        yield account


@pytest.fixture
def headwater_clock(headwater_endpoint: str) -> Iterator[HeadwaterClock]:
    """AWS time, of the whole server; after the test it is as before."""
    from headwater.testing.running import clock_of

    with clock_of(headwater_endpoint) as clock:
        yield clock
