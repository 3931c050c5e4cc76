"""Pages of Scheduler's listings: MaxResults and NextToken in, NextToken out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar

from headwater.aws.faults import Fault, fault
from headwater.kernel.paging import page_by_name

Item = TypeVar("Item")
LIMIT: Final = 100


def page(items: Iterable[Item], request: dict[str, Any], name: Callable[[Item], str]) -> tuple[list[Item], dict[str, Any]]:
    """The items of this page in the order of their names, and the token of the next, if there is one."""
    shown, token = page_by_name(items, name, request.get("MaxResults", LIMIT), request.get("NextToken"), _no_token)
    return shown, {} if token is None else {"NextToken": token}


def _no_token() -> Fault:
    return fault("ValidationException", "Invalid NextToken.")
