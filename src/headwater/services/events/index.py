"""The rules of one bus, so kept that an event asks only those that it could match.

Each way of a pattern is filed under a field that names its values: the one under whose values the fewest stand already. A way that
names no values is filed under a path that must be there; the few that are left are asked always.
"""

from __future__ import annotations

from typing import Any

from .leaves import Leaves
from .pattern import Field, Pattern, Way, holds

Name = str
_Bucket = dict[tuple[Name, int], Way]


class Index:
    """Names of rules by what their patterns ask."""

    def __init__(self) -> None:
        self._by_value: dict[str, dict[Any, _Bucket]] = {}
        self._by_path: dict[str, _Bucket] = {}
        self._always: _Bucket = {}
        self._buckets: dict[Name, list[tuple[_Bucket, tuple[Name, int]]]] = {}
        self.patterns: dict[Name, Pattern] = {}

    def __len__(self) -> int:
        return len(self.patterns)

    def put(self, name: Name, pattern: Pattern) -> None:
        self.drop(name)
        self.patterns[name] = pattern
        filed = self._buckets[name] = []
        for number, way in enumerate(pattern.ways):
            for bucket in self._places(way):
                bucket[name, number] = way
                filed.append((bucket, (name, number)))

    def drop(self, name: Name) -> None:
        self.patterns.pop(name, None)
        for bucket, key in self._buckets.pop(name, ()):
            bucket.pop(key, None)

    def matching(self, leaves: Leaves) -> list[Name]:
        """The rules that the event matches, each once."""
        found: dict[Name, None] = {}
        self._ask(self._always, leaves, found)
        for path, by_value in self._by_value.items():
            for value, _ in leaves.get(path, ()):
                bucket = by_value.get(value)
                if bucket:
                    self._ask(bucket, leaves, found)
        for path, bucket in self._by_path.items():
            if path in leaves:
                self._ask(bucket, leaves, found)
        return list(found)

    @staticmethod
    def _ask(bucket: _Bucket, leaves: Leaves, found: dict[Name, None]) -> None:
        for (name, _), way in bucket.items():
            if name not in found and holds(way, leaves):
                found[name] = None

    def _places(self, way: Way) -> list[_Bucket]:
        exact = [field for field in way if field.is_exact]
        if exact:
            field = min(exact, key=self._crowd)
            by_value = self._by_value.setdefault(field.path, {})
            return [by_value.setdefault(value, {}) for value in field.values]
        needed = next((field for field in way if not field.may_miss), None)
        return [self._always if needed is None else self._by_path.setdefault(needed.path, {})]

    def _crowd(self, field: Field) -> int:
        by_value = self._by_value.get(field.path, {})
        return sum(len(by_value.get(value, ())) for value in field.values)
