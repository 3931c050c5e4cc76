"""Pages of listings that go by name. A token is the last name of a page, made opaque.

So the next page goes on behind it, also when that item is gone by then. Which members ask and answer, and how a token that is none is
refused, each room says itself.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable
from typing import TypeVar

from headwater.aws.faults import Fault

Item = TypeVar("Item")


def page_by_name(
    items: Iterable[Item], name: Callable[[Item], str], limit: int, token: str | None, refusal: Callable[[], Fault]
) -> tuple[list[Item], str | None]:
    """At most `limit` items in the order of their names behind the token's, and the token of the next page, if there is one.

    Names are not empty. `refusal` makes the fault for a token that no page gave.
    """
    after = _read(token, refusal) if token else None
    left = sorted((item for item in items if after is None or name(item) > after), key=name)
    shown = left[:limit]
    if len(shown) == len(left):
        return shown, None
    return shown, base64.urlsafe_b64encode(name(shown[-1]).encode()).decode()


def _read(token: str, refusal: Callable[[], Fault]) -> str:
    try:
        return base64.b64decode(token.encode(), b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError, ValueError):
        raise refusal() from None
