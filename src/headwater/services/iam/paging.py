"""Pages of IAM's listings: MaxItems and Marker in, IsTruncated and Marker out. A marker is the last name of the page.

Of what has an order of its own and no names (the results of a simulation) it is how many were shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, TypeVar

from headwater.aws.faults import fault

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


def page_in_order(items: Sequence[Item], request: dict[str, Any]) -> tuple[Sequence[Item], dict[str, Any]]:
    """As `page`, in the order in which the items come."""
    marker = request.get("Marker", "0")
    if not marker.isdecimal():
        raise fault("ValidationError", "Invalid Marker.")
    end = int(marker) + int(request.get("MaxItems", ITEMS))
    shown = items[int(marker) : end]
    return shown, {"IsTruncated": True, "Marker": str(end)} if end < len(items) else {"IsTruncated": False}


def under(path_prefix: str | None, path: str) -> bool:
    return path.startswith(path_prefix or "/")
