"""Pages of listings: MaxResults and NextToken in, NextToken out. A token is what the page's last item is sorted by, made opaque."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar

import msgspec

from headwater.aws.faults import fault

Item = TypeVar("Item")
Key = tuple[str, ...]
_TOKEN: Final = msgspec.json.Decoder(tuple[str, ...])


def page(
    items: Iterable[Item], request: dict[str, Any], key: Callable[[Item], Key], limit: int, *, descending: bool = False
) -> tuple[list[Item], dict[str, Any]]:
    """The items of this page in the order of their keys, and the token for what follows."""
    after = _read(request.get("NextToken"))
    ordered = sorted(items, key=key, reverse=descending)
    left = ordered if after is None else [item for item in ordered if (key(item) < after if descending else key(item) > after)]
    shown = left[: request.get("MaxResults", limit)]
    if len(shown) == len(left):
        return shown, {}
    return shown, {"NextToken": base64.urlsafe_b64encode(msgspec.json.encode(key(shown[-1]))).decode()}


def _read(token: str | None) -> Key | None:
    if token is None:
        return None
    try:
        return _TOKEN.decode(base64.b64decode(token.encode(), b"-_", validate=True))
    except (binascii.Error, UnicodeError, msgspec.DecodeError):
        raise fault("InvalidNextTokenException", "The NextToken value is invalid.") from None
