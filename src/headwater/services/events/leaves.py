"""An event as a pattern sees it: its leaves, by their path, each with the elements of arrays in which it stands.

Names are joined with dots, so `{"a.b": 1}` and `{"a": {"b": 1}}` are one (recordings, `dot_joining_event`). Two leaves of one array go
together only when they stand in the same element.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

Where = tuple[tuple[int, int], ...]
"""The elements in which a leaf stands: (which array, which element)."""
Leaf = tuple[Any, Where]
Leaves = dict[str, list[Leaf]]
DEPTH_MAX: Final = 500


class _Word:
    """`true`, `false` and `null`, which Python would take for 1, 0 and nothing."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


TRUE: Final = _Word("true")
FALSE: Final = _Word("false")
NULL: Final = _Word("null")


def plain(value: Any) -> Any:
    """A leaf's value as it is compared."""
    if value is True:
        return TRUE
    if value is False:
        return FALSE
    return NULL if value is None else value


def leaves_of(event: Mapping[str, Any]) -> Leaves:
    leaves: Leaves = {}
    arrays = 0
    todo: list[tuple[str, Any, Where]] = [(name, value, ()) for name, value in event.items()]
    while todo:
        path, value, where = todo.pop()
        if isinstance(value, dict):
            todo.extend((f"{path}.{name}", each, where) for name, each in value.items())
        elif isinstance(value, list):
            arrays += 1
            todo.extend((path, each, (*where, (arrays, number))) for number, each in enumerate(value))
        else:
            leaves.setdefault(path, []).append((plain(value), where))
    return leaves
