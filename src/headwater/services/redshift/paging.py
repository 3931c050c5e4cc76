"""Pages as the service gives them: MaxRecords from 20 to 100, and a Marker that names where the last page ended."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar

from headwater.aws.faults import Fault, fault
from headwater.kernel.paging import page_by_name

Item = TypeVar("Item")
RECORDS: Final = range(20, 101)


def page(found: Iterable[Item], request: dict[str, Any], name: Callable[[Item], str]) -> tuple[list[Item], str | None]:
    """The page that the request asks for, in the order of the names, and the next page's marker."""
    size = request.get("MaxRecords", RECORDS[-1])
    if size not in RECORDS:
        raise fault("InvalidParameterValue", f"MaxRecords must be between {RECORDS[0]} and {RECORDS[-1]}, but was {size}.")
    return page_by_name(found, name, size, request.get("Marker"), _no_marker)


def _no_marker() -> Fault:
    return fault("InvalidParameterValue", "The parameter Marker is not valid.")
