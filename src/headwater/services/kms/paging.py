"""Pages of KMS's listings: Limit and Marker in, Truncated and NextMarker out. A marker is the last name of the page, made opaque."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from headwater.aws.faults import fault

Item = TypeVar("Item")


def page(items: Iterable[Item], request: dict[str, Any], name: Callable[[Item], str], limit: int) -> tuple[list[Item], dict[str, Any]]:
    """The items of this page in the order of their names, and the members that say whether there are more."""
    after = _read(request.get("Marker"))
    left = sorted((item for item in items if after is None or name(item) > after), key=name)
    shown = left[: request.get("Limit", limit)]
    if len(shown) == len(left):
        return shown, {"Truncated": False}
    return shown, {"Truncated": True, "NextMarker": base64.urlsafe_b64encode(name(shown[-1]).encode()).decode()}


def _read(marker: str | None) -> str | None:
    if marker is None:
        return None
    try:
        return base64.b64decode(marker.encode(), b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError):
        raise fault("InvalidMarkerException", "Could not deserialize marker") from None
