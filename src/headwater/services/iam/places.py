"""Where in a policy's text each statement stands, as the simulator shows it.

AWS counts lines and columns from 1 and gives what follows a brace: the column behind the statement's `{`, and that behind its `}`
(recorded). Pure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

BLANK: Final = re.compile(r"[ \t\n\r]*")
DECODER: Final = json.JSONDecoder()


class Place(NamedTuple):
    start: int
    """Of the brace, in characters."""
    end: int
    """Behind the last brace."""


def places(document: str) -> list[Place]:
    """Of each statement that is an object, in order; of what is no policy, none."""
    try:
        return list(_statements(document))
    except ValueError:
        return []


def _statements(text: str) -> Iterator[Place]:
    for name, start, end in _members(text):
        if name != "Statement":
            continue
        several = _elements(text, start) if text[start] == "[" else [Place(start, end)]
        yield from (place for place in several if text[place.start] == "{")


def _skip(text: str, at: int) -> int:
    found = BLANK.match(text, at)
    assert found is not None, "an expression that may match nothing matches"
    return found.end()


def _value(text: str, at: int) -> tuple[Any, int]:
    value, end = DECODER.raw_decode(text, at)
    return value, end


def _members(text: str) -> Iterator[tuple[str, int, int]]:
    """Name, start and end of each member of the object that the text is."""
    at = _skip(text, 0)
    while text[at : at + 1] in {"{", ","}:
        at = _skip(text, at + 1)
        if text[at : at + 1] == "}":
            return
        name, at = _value(text, at)
        start = _skip(text, _skip(text, at) + 1)  # behind the colon
        _, end = _value(text, start)
        yield str(name), start, end
        at = _skip(text, end)


def _elements(text: str, at: int) -> Iterator[Place]:
    while text[at : at + 1] in {"[", ","}:
        start = _skip(text, at + 1)
        if text[start : start + 1] == "]":
            return
        _, end = _value(text, start)
        yield Place(start, end)
        at = _skip(text, end)


def position(text: str, behind: int) -> dict[str, int]:
    """The line and column at which the character `behind` this many stands."""
    line_start = text.rfind("\n", 0, behind) + 1
    return {"Line": text.count("\n", 0, behind) + 1, "Column": behind - line_start + 1}
