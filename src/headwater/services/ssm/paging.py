"""Pages of the listings: MaxResults and NextToken in, NextToken out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from headwater.aws.faults import Fault, fault
from headwater.kernel.paging import page_by_name

Item = TypeVar("Item")


def page(items: Iterable[Item], request: dict[str, Any], name: Callable[[Item], str], limit: int) -> tuple[list[Item], str | None]:
    """The items of this page in the order of their names, and the token of the next page, if there is one."""
    return page_by_name(items, name, request.get("MaxResults", limit), request.get("NextToken"), _no_token)


def _no_token() -> Fault:
    return fault("InvalidNextToken", "The specified token is not valid.")
