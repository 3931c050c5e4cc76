"""Pages of KMS's listings: Limit and Marker in, Truncated and NextMarker out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from headwater.aws.faults import Fault, fault
from headwater.kernel.paging import page_by_name

Item = TypeVar("Item")


def page(items: Iterable[Item], request: dict[str, Any], name: Callable[[Item], str], limit: int) -> tuple[list[Item], dict[str, Any]]:
    """The items of this page in the order of their names, and the members that say whether there are more."""
    shown, marker = page_by_name(items, name, request.get("Limit", limit), request.get("Marker"), _no_marker)
    return shown, {"Truncated": False} if marker is None else {"Truncated": True, "NextMarker": marker}


def _no_marker() -> Fault:
    return fault("InvalidMarkerException", "Could not deserialize marker")
