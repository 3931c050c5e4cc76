"""Pages as the service gives them: MaxRecords from 20 to 100, and a Marker that names where the last page ended."""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

from headwater.aws.faults import fault

RECORDS: Final = range(20, 101)
T = TypeVar("T")


def page(found: Sequence[T], request: dict[str, Any], name: Callable[[T], str]) -> tuple[list[T], str | None]:
    """The page that the request asks for, of records in the order of their names, and the next page's marker."""
    size = request.get("MaxRecords", RECORDS[-1])
    if size not in RECORDS:
        raise fault("InvalidParameterValue", f"MaxRecords must be between {RECORDS[0]} and {RECORDS[-1]}, but was {size}.")
    marker = request.get("Marker")
    if marker:
        after = _read(marker)
        found = [one for one in found if name(one) > after]
    shown = list(found[:size])
    return shown, _written(name(shown[-1])) if len(found) > size else None


def _written(name: str) -> str:
    return base64.urlsafe_b64encode(name.encode()).decode()


def _read(marker: str) -> str:
    try:
        return base64.b64decode(marker, altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise fault("InvalidParameterValue", "The parameter Marker is not valid.") from None
