"""Pages of the listings: MaxResults and NextToken in, NextToken out. A token names the last item that was shown."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from headwater.aws.faults import fault

Item = TypeVar("Item")


def page(items: Iterable[Item], request: dict[str, Any], name: Callable[[Item], str], limit: int) -> tuple[list[Item], str | None]:
    """The items of this page in the order of their names, and the token of the next page, if there is one."""
    after = _read(request["NextToken"]) if request.get("NextToken") else ""
    left = sorted((item for item in items if name(item) > after), key=name)
    shown = left[: request.get("MaxResults", limit)]
    return shown, _token(name(shown[-1])) if len(shown) < len(left) else None


def _token(name: str) -> str:
    return base64.urlsafe_b64encode(name.encode()).decode()


def _read(token: str) -> str:
    try:
        return base64.b64decode(token, altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise fault("InvalidNextToken", "The specified token is not valid.") from None
