"""The rules of one bus, so kept that an event asks only those that it could match.

Each way of a pattern is filed under a field that names its values, or how they begin: the one under whose values the fewest stand
already. A way that names neither is filed under a path that must be there; the few that are left are asked always.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .leaves import Leaves
from .pattern import Field, Pattern, Way, holds

Name = str
_Bucket = dict[tuple[Name, int], Way]


class _Prefixes:
    """What is filed under how a value begins. A value has few beginnings that are long enough and no longer than any here."""

    __slots__ = ("_buckets", "_longest")

    def __init__(self) -> None:
        self._buckets: dict[str, _Bucket] = {}
        self._longest = 0

    def bucket(self, text: str) -> _Bucket:
        self._longest = max(self._longest, len(text))
        return self._buckets.setdefault(text, {})

    def crowd(self, text: str) -> int:
        return len(self._buckets.get(text, ()))

    def of(self, value: Any) -> Iterator[_Bucket]:
        if isinstance(value, str):
            for length in range(min(len(value), self._longest) + 1):
                bucket = self._buckets.get(value[:length])
                if bucket:
                    yield bucket


class Index:
    """Names of rules by what their patterns ask."""

    def __init__(self) -> None:
        self._by_value: dict[str, dict[Any, _Bucket]] = {}
        self._by_prefix: dict[str, _Prefixes] = {}
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
        for path, prefixes in self._by_prefix.items():
            for value, _ in leaves.get(path, ()):
                for bucket in prefixes.of(value):
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
        filed = [field for field in way if field.is_filed]
        if filed:
            field = min(filed, key=self._crowd)
            by_value = self._by_value.setdefault(field.path, {})
            places = [by_value.setdefault(value, {}) for value in field.values]
            if field.prefixes:
                prefixes = self._by_prefix.setdefault(field.path, _Prefixes())
                places += [prefixes.bucket(text) for text in field.prefixes]
            return places
        needed = next((field for field in way if not field.may_miss), None)
        return [self._always if needed is None else self._by_path.setdefault(needed.path, {})]

    def _crowd(self, field: Field) -> int:
        by_value, prefixes = self._by_value.get(field.path, {}), self._by_prefix.get(field.path)
        beginning = 0 if prefixes is None else sum(prefixes.crowd(text) for text in field.prefixes)
        return beginning + sum(len(by_value.get(value, ())) for value in field.values)
