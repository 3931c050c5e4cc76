"""Pages of the listings: MaxResults and NextToken in, NextToken out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar

from headwater.aws.faults import Fault
from headwater.kernel.paging import page_by_name

from .refusals import invalid

Item = TypeVar("Item")
RESULTS: Final = 20
"""As many as a caller may ask for: what one page holds who asks for no number."""


def page(items: Iterable[Item], request: dict[str, Any], name: Callable[[Item], str]) -> tuple[list[Item], str | None]:
    """The items of this page in the order of their names, and the token of the next page, if there is one."""
    return page_by_name(items, name, request.get("MaxResults", RESULTS), request.get("NextToken"), _no_token)


def _no_token() -> Fault:
    return invalid("INVALID_NEXT_TOKEN")
