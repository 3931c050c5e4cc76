"""Pages and filters of the Describe operations.

A marker is the key of the last item shown, in base64: the next page goes on behind it, also when that item is gone by then.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeVar

from .refusals import invalid

RECORDS_MIN: Final = 20
RECORDS_MAX: Final = 100

Item = TypeVar("Item")


def page(items: Iterable[Item], request: dict[str, Any], key: Callable[[Item], str]) -> tuple[list[Item], str | None]:
    """(the page's items, the marker of the next or None)"""
    wanted = request.get("MaxRecords", RECORDS_MAX)
    if not RECORDS_MIN <= wanted <= RECORDS_MAX:
        raise invalid(f"Invalid value {wanted} for MaxRecords. Must be between {RECORDS_MIN} and {RECORDS_MAX}")
    rest = sorted(items, key=key)
    if marker := request.get("Marker"):
        try:
            last = base64.b64decode(marker, validate=True).decode()
        except ValueError:
            raise invalid("Invalid or expired marker.") from None
        rest = [item for item in rest if key(item) > last]
    shown = rest[:wanted]
    return shown, base64.b64encode(key(shown[-1]).encode()).decode() if len(rest) > wanted else None


def filtered(items: Iterable[Item], request: dict[str, Any], known: Mapping[str, Callable[[Item], str]]) -> list[Item]:
    """The items that have, for each filter, one of its values."""
    chosen = list(items)
    for each in request.get("Filters", []):
        reading = known.get(each["Name"])
        if reading is None:
            raise invalid(f"Unrecognized filter name: {each['Name']}")
        values = {value.rsplit(":", 1)[-1].lower() for value in each["Values"]}
        chosen = [item for item in chosen if reading(item).lower() in values]
    return chosen
