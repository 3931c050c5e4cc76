"""Pages of the catalog's listings. A token says where to go on, and means nothing to anybody else."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any, TypeVar

from headwater.aws.faults import fault

Item = TypeVar("Item")


def token(position: int) -> str:
    return base64.urlsafe_b64encode(f"at:{position}".encode()).decode()


def position(text: str | None) -> int:
    if not text:
        return 0
    try:
        kind, _, number = base64.urlsafe_b64decode(text).decode().partition(":")
        if kind == "at":
            return int(number)
    except (binascii.Error, ValueError):
        pass  # answered below like every other token that is not ours
    raise fault("InvalidInputException", "The provided token is invalid.")


def page(items: Sequence[Item], request: dict[str, Any], most: int) -> tuple[Sequence[Item], dict[str, str]]:
    """This page of `items`, and the token of the next if there is one."""
    start = position(request.get("NextToken"))
    end = start + request.get("MaxResults", most)
    return items[start:end], {"NextToken": token(end)} if end < len(items) else {}
