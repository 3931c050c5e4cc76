"""Pages of IAM's listings: MaxItems and Marker in, IsTruncated and Marker out. A marker is the last name of the page."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar

Item = TypeVar("Item")
ITEMS: Final = 100


def page(items: Iterable[Item], request: dict[str, Any], name: Callable[[Item], str]) -> tuple[list[Item], dict[str, Any]]:
    """The items of this page in the order of their names, and the members that say whether there are more."""
    marker = request.get("Marker", "")
    left = sorted((item for item in items if name(item) > marker), key=name)
    shown = left[: request.get("MaxItems", ITEMS)]
    if len(shown) == len(left):
        return shown, {"IsTruncated": False}
    return shown, {"IsTruncated": True, "Marker": name(shown[-1])}


def under(path_prefix: str | None, path: str) -> bool:
    return path.startswith(path_prefix or "/")
