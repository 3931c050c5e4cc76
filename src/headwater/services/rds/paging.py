"""Pages and filters of the Describe operations: MaxRecords from 20 to 100, and a Marker."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeVar

from headwater.kernel.paging import page_by_name

from .refusals import invalid

RECORDS_MIN: Final = 20
RECORDS_MAX: Final = 100

Item = TypeVar("Item")


def page(items: Iterable[Item], request: dict[str, Any], key: Callable[[Item], str]) -> tuple[list[Item], str | None]:
    """(the page's items, the marker of the next or None)"""
    wanted = request.get("MaxRecords", RECORDS_MAX)
    if not RECORDS_MIN <= wanted <= RECORDS_MAX:
        raise invalid(f"Invalid value {wanted} for MaxRecords. Must be between {RECORDS_MIN} and {RECORDS_MAX}")
    return page_by_name(items, key, wanted, request.get("Marker"), lambda: invalid("Invalid or expired marker."))


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
