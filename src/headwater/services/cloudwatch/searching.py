"""SEARCH of metric math: which metrics a search means. Pure.

    {AWS/Lambda,FunctionName} MetricName="Errors" prod OR (test NOT old)

Words that stand side by side must all be there. In quotes a word must be whole, otherwise a part is enough; `Name=` looks at one property.
Source: "CloudWatch search expression syntax" of the user guide.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from .model import Metric
from .refusals import invalid

Matches = Callable[[Metric], bool]

_TOKEN: Final = re.compile(r"""\s*(?:([()])|([:\w/.-]+|"[^"]*")\s*=\s*|("(?:[^"\\]|\\.)*")|([^\s()="]+))""")
_SCHEMA: Final = re.compile(r"\s*\{([^}]*)\}")
RESULTS_MAX: Final = 500


def metrics_of(text: str, among: list[Metric]) -> list[Metric]:
    """The metrics that are meant, in the order of their names."""
    matches = _compiled(text)
    found = [metric for metric in among if matches(metric)]
    found.sort(key=lambda metric: (metric.namespace, metric.name, metric.dimensions))
    return found[:RESULTS_MAX]


def _compiled(text: str) -> Matches:
    schema = _SCHEMA.match(text)
    if schema is None:
        return _Parser(text).whole()
    namespace, *names = [name.strip().strip('"') for name in schema[1].split(",")]
    rest = _Parser(text[schema.end() :]).whole()
    wanted = sorted(names)

    def matches(metric: Metric) -> bool:
        return metric.namespace == namespace and sorted(name for name, _ in metric.dimensions) == wanted and rest(metric)

    return matches


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        at, text = 0, text.strip()
        while at < len(text):
            found = _TOKEN.match(text, at)
            if found is None:
                raise invalid("Error in expression: Invalid SEARCH syntax.")
            at = found.end()
            kind = ("bracket", "property", "exact", "word")[(found.lastindex or 1) - 1]
            self._tokens.append((kind, found[found.lastindex or 0]))
        self._at = 0

    def whole(self) -> Matches:
        matches = self._either()
        if self._at != len(self._tokens):
            raise invalid("Error in expression: Invalid SEARCH syntax.")
        return matches

    def _peek(self) -> tuple[str, str] | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _takes(self, text: str) -> bool:
        following = self._peek()
        if following is not None and following[0] in ("bracket", "word") and following[1] == text:
            self._at += 1
            return True
        return False

    def _either(self) -> Matches:
        found = [self._both()]
        while self._takes("OR"):
            found.append(self._both())
        return lambda metric: any(matches(metric) for matches in found)

    def _both(self) -> Matches:
        found: list[Matches] = []
        while (following := self._peek()) is not None and following != ("bracket", ")") and following != ("word", "OR"):
            if not self._takes("AND"):
                found.append(self._one())
        return lambda metric: all(matches(metric) for matches in found)

    def _one(self) -> Matches:
        if self._takes("NOT"):
            refused = self._one()
            return lambda metric: not refused(metric)
        if self._takes("("):
            matches = self._either()
            if not self._takes(")"):
                raise invalid("Error in expression: Invalid SEARCH syntax.")
            return matches
        kind, text = self._tokens[self._at]
        self._at += 1
        if kind != "property":
            return _text(text, lambda metric: [metric.namespace, metric.name, *(part for pair in metric.dimensions for part in pair)])
        following = self._peek()
        if following is None or following[0] not in ("exact", "word"):
            raise invalid("Error in expression: Invalid SEARCH syntax.")
        self._at += 1
        name = text.strip('":')
        return _text(following[1], lambda metric: _property(metric, name))


def _property(metric: Metric, name: str) -> list[str]:
    own = {"namespace": metric.namespace, "metricname": metric.name}
    own |= {key.lower(): value for key, value in metric.dimensions}
    return [own[name.lower()]] if name.lower() in own else []


def _text(text: str, among: Callable[[Metric], list[str]]) -> Matches:
    if text.startswith('"'):
        whole = re.sub(r"\\(.)", r"\1", text[1:-1]).lower()
        return lambda metric: any(part.lower() == whole for part in among(metric))
    part_wanted = text.lower()
    return lambda metric: any(part_wanted in part.lower() for part in among(metric))
