"""Pages of any size show everything once. Our own rule: a token is the name of the last item."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.aws.faults import Fault
from headwater.services.organizations.paging import page


@given(st.sets(st.text(min_size=1)), st.integers(1, 20))
def test_pages_show_every_item_once_and_in_order(names: set[str], size: int) -> None:
    seen: list[str] = []
    request: dict[str, Any] = {"MaxResults": size}
    while True:
        shown, token = page(names, request, str)
        seen += shown
        if token is None:
            break
        assert len(shown) == size
        request["NextToken"] = token
    assert seen == sorted(names)


@given(
    st.text(alphabet=st.characters(exclude_characters="ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=+/"), min_size=1)
)
def test_a_strangers_token_is_refused(token: str) -> None:
    with pytest.raises(Fault) as caught:
        page(["a", "b"], {"NextToken": token}, str)
    assert (caught.value.code, caught.value.members) == ("InvalidInputException", {"Reason": "INVALID_NEXT_TOKEN"})


def test_a_page_holds_twenty_where_no_number_is_said() -> None:
    shown, token = page([f"{number:03}" for number in range(21)], {}, str)
    assert len(shown) == 20
    assert token is not None
