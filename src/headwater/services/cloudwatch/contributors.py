"""Contributor Insights' rules: what a log event contributes, and who contributes most. Pure.

Source: "Contributor Insights rule syntax" and "How CloudWatch Logs rules work" of the user guide.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from typing import Any, Final

import msgspec

from headwater.aws.faults import Fault

from .refusals import invalid_value

Key = tuple[str, ...]
KEYS_MAX: Final = 4
FILTERS_MAX: Final = 4
GROUPS_MAX: Final = 20
_CLF: Final = re.compile(r'"((?:[^"\\]|\\.)*)"|\[([^\]]*)\]|(\S+)')
_STEP: Final = re.compile(r"\.([A-Za-z0-9_@\-:]+)|\[(\d+)\]|\['([^']*)'\]")
_MISSING: Final = object()


class Filter(msgspec.Struct, frozen=True, rename="pascal"):
    """One of its comparisons is there."""

    match: str
    in_: list[Any] | None = msgspec.field(name="In", default=None)
    not_in: list[Any] | None = None
    starts_with: list[str] | None = None
    greater_than: float | None = None
    less_than: float | None = None
    equal_to: Any = None
    not_equal_to: Any = None
    is_present: bool | None = None


class Contribution(msgspec.Struct, frozen=True, rename="pascal"):
    keys: list[str]
    value_of: str | None = None
    filters: list[Filter] = []


class Schema(msgspec.Struct, frozen=True, rename="pascal"):
    name: str
    version: int


class Definition(msgspec.Struct, frozen=True, rename="pascal"):
    schema: Schema
    log_format: str
    contribution: Contribution
    aggregate_on: str
    log_group_names: list[str] = []
    log_group_arns: list[str] = msgspec.field(name="LogGroupARNs", default_factory=list)
    fields: dict[str, str] = {}


def read(text: str) -> Definition:
    """The definition, checked."""
    try:
        definition = msgspec.json.decode(text, type=Definition)
    except msgspec.MsgspecError as error:
        raise _wrong(str(error)) from None
    contribution = definition.contribution
    if definition.schema.name != "CloudWatchLogRule" or definition.schema.version != 1:
        raise _wrong("the schema is not CloudWatchLogRule of version 1")
    if definition.log_format not in {"JSON", "CLF"}:
        raise _wrong("LogFormat must be JSON or CLF")
    if definition.aggregate_on not in {"Count", "Sum"} or (definition.aggregate_on == "Sum") != (contribution.value_of is not None):
        raise _wrong("AggregateOn must be Count, or Sum where the contribution has a ValueOf")
    if not 1 <= len(contribution.keys) <= KEYS_MAX or len(contribution.filters) > FILTERS_MAX:
        raise _wrong(f"a contribution has one to {KEYS_MAX} keys and at most {FILTERS_MAX} filters")
    if not 1 <= len(definition.log_group_names) + len(definition.log_group_arns) <= GROUPS_MAX:
        raise _wrong(f"a rule is about one to {GROUPS_MAX} log groups")
    return definition


def _wrong(reason: str) -> Fault:
    return invalid_value(f"The rule definition is not valid: {reason}.")


def reader(definition: Definition) -> Callable[[str], tuple[Key, float] | None]:
    """What a message contributes: its keys and how much, or None."""
    split = _json if definition.log_format == "JSON" else _clf
    contribution = definition.contribution
    numbers = {alias: number for number, alias in definition.fields.items()}

    def field(event: Any, name: str) -> Any:
        return _at(event, numbers.get(name, name))

    def contributed(message: str) -> tuple[Key, float] | None:
        event = split(message)
        if event is None or not all(_holds(each, field(event, each.match)) for each in contribution.filters):
            return None
        keys = [field(event, name) for name in contribution.keys]
        if any(key is _MISSING or isinstance(key, dict | list) for key in keys):
            return None
        amount = 1.0 if contribution.value_of is None else _number(field(event, contribution.value_of))
        return None if amount is None else (tuple(_text(key) for key in keys), amount)

    return contributed


def _json(message: str) -> Any:
    try:
        found = msgspec.json.decode(message)
    except (msgspec.DecodeError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _clf(message: str) -> dict[str, str]:
    """Fields by their numbers, from 1 on; what stands in quotes or brackets is one."""
    return {
        str(number): next(each for each in found.groups() if each is not None) for number, found in enumerate(_CLF.finditer(message), 1)
    }


def _at(event: Any, path: str) -> Any:
    if not path.startswith("$"):
        return event.get(path, _MISSING)
    for name, index, quoted in _STEP.findall(path[1:]):
        if index:
            event = event[int(index)] if isinstance(event, list) and int(index) < len(event) else _MISSING
        else:
            event = event.get(name or quoted, _MISSING) if isinstance(event, dict) else _MISSING
    return event


def _text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _number(value: Any) -> float | None:
    try:
        return None if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return None


def _holds(test: Filter, value: Any) -> bool:
    """A field that is not there passes what denies something, and nothing else."""
    if test.is_present is not None:
        return test.is_present == (value is not _MISSING)
    if value is _MISSING:
        return test.not_in is not None or test.not_equal_to is not None
    text, number = _text(value), _number(value)
    holds = [
        test.in_ is None or text in map(_text, test.in_),
        test.not_in is None or text not in map(_text, test.not_in),
        test.starts_with is None or text.startswith(tuple(test.starts_with)),
        test.greater_than is None or (number is not None and number > test.greater_than),
        test.less_than is None or (number is not None and number < test.less_than),
        test.equal_to is None or text == _text(test.equal_to) or (number is not None and number == _number(test.equal_to)),
        test.not_equal_to is None or text != _text(test.not_equal_to),
    ]
    return all(holds)


class Report:
    """What came of a time, by period and contributor."""

    def __init__(self, start_s: int, end_s: int, period_s: int) -> None:
        self._period_s = period_s
        self.moments = list(range(start_s - start_s % period_s, end_s, period_s))
        self._found: dict[Key, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))

    def add(self, at_s: int, key: Key, amount: float) -> None:
        self._found[key][at_s - at_s % self._period_s].append(amount)

    @property
    def total(self) -> float:
        return sum((self._sum(key) for key in self._found), 0.0)

    @property
    def unique(self) -> int:
        return len(self._found)

    def _sum(self, key: Key) -> float:
        return sum(sum(amounts) for amounts in self._found[key].values())

    def _most(self, key: Key) -> float:
        return max(sum(amounts) for amounts in self._found[key].values())

    def contributors(self, count: int, order: str) -> list[tuple[Key, float, list[tuple[int, float]]]]:
        """The largest, each with its total and what it is in each period."""
        worth = self._most if order == "Maximum" else self._sum
        largest = sorted(self._found, key=lambda key: (-worth(key), key))[:count]
        return [(key, self._sum(key), [(at, sum(amounts)) for at, amounts in sorted(self._found[key].items())]) for key in largest]

    def metrics(self, at_s: int) -> dict[str, float]:
        """All that can be told of a period."""
        by_key = [amounts for periods in self._found.values() if (amounts := periods.get(at_s))]
        every = [amount for amounts in by_key for amount in amounts]
        if not every:
            return {"UniqueContributors": 0.0}
        return {
            "UniqueContributors": float(len(by_key)),
            "MaxContributorValue": max(map(sum, by_key)),
            "SampleCount": float(len(every)),
            "Sum": sum(every),
            "Minimum": min(every),
            "Maximum": max(every),
            "Average": sum(every) / len(every),
        }
