"""Pages of Scheduler's listings: MaxResults and NextToken in, NextToken out. A token is the last name of the page, made opaque."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar

from headwater.aws.faults import fault

Item = TypeVar("Item")
LIMIT: Final = 100


def page(items: Iterable[Item], request: dict[str, Any], name: Callable[[Item], str]) -> tuple[list[Item], dict[str, Any]]:
    """The items of this page in the order of their names, and the token of the next, if there is one."""
    after = _read(request.get("NextToken"))
    left = sorted((item for item in items if after is None or name(item) > after), key=name)
    shown = left[: request.get("MaxResults", LIMIT)]
    if len(shown) == len(left):
        return shown, {}
    return shown, {"NextToken": base64.urlsafe_b64encode(name(shown[-1]).encode()).decode()}


def _read(token: str | None) -> str | None:
    if token is None:
        return None
    try:
        return base64.b64decode(token.encode(), b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError):
        raise fault("ValidationException", "Invalid NextToken.") from None
