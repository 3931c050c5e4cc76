"""Pages by name hold whatever comes and goes between them. Truth: our own promise; tokens are opaque on AWS as well."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.aws.faults import Fault, fault
from headwater.kernel.paging import page_by_name


def refused() -> Fault:
    return fault("ValidationException", "no token")


@given(st.sets(st.text(min_size=1, max_size=5)), st.integers(1, 4))
def test_the_pages_together_are_everything_once_and_in_order(names: set[str], limit: int) -> None:
    seen: list[str] = []
    token: str | None = None
    while True:
        shown, token = page_by_name(names, str, limit, token, refused)
        assert len(shown) <= limit
        seen += shown
        if token is None:
            break
    assert seen == sorted(names)


def test_the_next_page_goes_on_behind_an_item_that_is_gone() -> None:
    shown, token = page_by_name(["a", "b", "c"], str, 2, None, refused)
    assert page_by_name(["a", "c"], str, 2, token, refused) == (["c"], None)
    assert shown == ["a", "b"]


@pytest.mark.parametrize("token", ["garbage!", "YQ", "_w=="])
def test_a_token_that_no_page_gave_is_refused(token: str) -> None:
    with pytest.raises(Fault, match="no token"):
        page_by_name(["a", "b"], str, 2, token, refused)
