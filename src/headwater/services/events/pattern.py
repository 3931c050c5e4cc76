"""Event patterns, compiled: what they are asked and how that is decided.

A pattern is a list of ways to match (`$or` makes more than one); a way is a list of fields, all of which must hold for leaves of the event
that stand in the same elements of arrays. Pure.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .leaves import Leaf, Leaves, Where

Test = Callable[[Any], bool]


class Field:
    """What one path must have: one of the values, one of the prefixes, or what passes one of the tests; or, where `may_miss`, no leaf."""

    __slots__ = ("may_miss", "path", "prefixes", "tests", "values")

    def __init__(self, path: str, values: frozenset[Any], prefixes: tuple[str, ...], tests: tuple[Test, ...], *, may_miss: bool) -> None:
        self.path = path
        self.values = values
        self.prefixes = prefixes
        self.tests = tests
        self.may_miss = may_miss

    @property
    def is_filed(self) -> bool:
        """Only values and prefixes, so that it can be looked up."""
        return not self.tests and not self.may_miss

    def accepts(self, value: Any) -> bool:
        if value in self.values or (self.prefixes and isinstance(value, str) and value.startswith(self.prefixes)):
            return True
        return any(test(value) for test in self.tests)


Way = tuple[Field, ...]


class Pattern:
    """Compiled once; asked for each event."""

    __slots__ = ("ways",)

    def __init__(self, ways: tuple[Way, ...]) -> None:
        self.ways = ways

    def matches(self, leaves: Leaves) -> bool:
        return any(holds(way, leaves) for way in self.ways)

    def could_have(self, path: str, value: str) -> bool:
        """Whether an event with this value could match, whatever else it says."""
        return any(all(field.path != path or field.accepts(value) for field in way) for way in self.ways)


def holds(way: Way, leaves: Leaves) -> bool:
    choices: list[list[Where]] = []
    for field in way:
        found = leaves.get(field.path)
        if found is None:
            if not field.may_miss:
                return False
            continue
        accepted = _accepted(field, found)
        if not accepted:
            return False
        if () not in accepted:
            choices.append(accepted)
    return len(choices) < 2 or _together(choices, 0, {})


def _accepted(field: Field, found: list[Leaf]) -> list[Where]:
    return [where for value, where in found if field.accepts(value)]


def _together(choices: list[list[Where]], number: int, taken: dict[int, int]) -> bool:
    """Whether one leaf can be chosen for each field so that all stand in the same elements."""
    if number == len(choices):
        return True
    for where in choices[number]:
        if all(taken.get(array, element) == element for array, element in where) and _together(choices, number + 1, taken | dict(where)):
            return True
    return False
