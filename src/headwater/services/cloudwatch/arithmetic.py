"""What an expression of metric math is worth. Pure.

A value is a number, a line, several lines, or a text. Operators work point by point; a point that one side lacks, or that would be
a division by zero, is not there. Over one line AVG, SUM and the like make a number; over several they make a line.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, Final

import msgspec

from .bands import Model
from .expressions import Call, Many, Name, Node, Number, Text
from .refusals import invalid
from .series import Series

BAND: Final = "ANOMALY_DETECTION_BAND"
BAND_WIDTH: Final = 2.0


class Points(msgspec.Struct):
    """A line with what its label may say of it."""

    values: Series
    period_s: int
    label: str = ""
    properties: dict[str, str] = {}

    def with_values(self, values: Series) -> Points:
        return Points(values, self.period_s, self.label, self.properties)


Value = float | Points | list[Points] | str


class Scope:
    """What an expression can see: other queries by their ids, all metrics, and the periods of the answer."""

    def __init__(
        self, grid: list[int], period_s: int, known: dict[str, Value], metrics: dict[str, list[Points]], found: dict[str, list[Points]]
    ) -> None:
        self.grid = grid
        self.period_s = period_s
        self.known = known
        self.metrics = metrics
        self.found = found  # what each SEARCH of the request gave, by its text
        self.models: dict[str, Model] = {}  # of anomaly detectors, by band_key


def worth(node: Node, scope: Scope) -> Value:
    if isinstance(node, Number):
        return node.value
    if isinstance(node, Text):
        return node.value
    if isinstance(node, Name):
        if node.value in scope.known:
            return scope.known[node.value]
        if node.value.upper() in _WORDS:
            return node.value.upper()
        raise invalid(f"Error in expression: Undefined identifier {node.value!r}.")
    if isinstance(node, Many):
        return [line for item in node.items for line in _lines(worth(item, scope))]
    return _called(node, scope)


_WORDS: Final = {"REPEAT", "LINEAR", "ASC", "DESC", "AVG", "MIN", "MAX", "SUM"}


def _lines(value: Value) -> list[Points]:
    if isinstance(value, Points):
        return [value]
    if isinstance(value, list):
        return value
    raise invalid("Error in expression: An array holds time series only.")


def _called(call: Call, scope: Scope) -> Value:
    if call.name in _OPERATORS:
        arguments = [worth(argument, scope) for argument in call.arguments]
        return _pairwise(_OPERATORS[call.name], arguments[0], arguments[1])
    name = call.name.upper()
    work = _FUNCTIONS.get(name)
    if work is None:
        raise invalid(f"Error in expression: Unsupported function {call.name!r}.")
    arguments = [worth(argument, scope) for argument in call.arguments]
    try:
        return work(arguments, scope)
    except (IndexError, ValueError, TypeError, AttributeError):
        raise invalid(f"Error in expression: Wrong arguments of {name}.") from None


# Point by point.


def _divided(a: float, b: float) -> float | None:
    return None if b == 0 else a / b


def _raised(a: float, b: float) -> float | None:
    try:
        power = a**b
    except (OverflowError, ZeroDivisionError):
        return None
    return power if isinstance(power, float) else None


_OPERATORS: Final[dict[str, Callable[[float, float], float | None]]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": _divided,
    "^": _raised,
    "==": lambda a, b: float(a == b),
    "!=": lambda a, b: float(a != b),
    "<": lambda a, b: float(a < b),
    ">": lambda a, b: float(a > b),
    "<=": lambda a, b: float(a <= b),
    ">=": lambda a, b: float(a >= b),
    "&&": lambda a, b: float(bool(a) and bool(b)),
    "||": lambda a, b: float(bool(a) or bool(b)),
}


def _pairwise(work: Callable[[float, float], float | None], one: Value, other: Value) -> Value:
    if isinstance(one, str) or isinstance(other, str):
        raise invalid("Error in expression: A text is no operand.")
    if isinstance(one, list) and isinstance(other, list):
        raise invalid("Error in expression: Two arrays can't be combined by an operator.")
    if isinstance(one, list):
        return [_as_line(_pairwise(work, line, other)) for line in one]
    if isinstance(other, list):
        return [_as_line(_pairwise(work, one, line)) for line in other]
    if isinstance(one, Points):
        if isinstance(other, Points):
            theirs = other.values
            return one.with_values(_there((at, work(value, theirs[at])) for at, value in one.values.items() if at in theirs))
        number = other
        return one.with_values(_there((at, work(value, number)) for at, value in one.values.items()))
    if isinstance(other, Points):
        number = one
        return other.with_values(_there((at, work(number, value)) for at, value in other.values.items()))
    result = work(one, other)
    if result is None:
        raise invalid("Error in expression: Division by zero.")
    return result


def _there(points: Any) -> Series:
    return {at: value for at, value in points if value is not None and math.isfinite(value)}


def _as_line(value: Value) -> Points:
    if not isinstance(value, Points):
        raise TypeError("a line is meant")
    return value


def _number(value: Value) -> float:
    if not isinstance(value, float):
        raise TypeError("a number is meant")
    return value


# Functions.


def _mean(values: Iterable[float]) -> float:
    listed = list(values)
    return math.fsum(listed) / len(listed)


def _deviation(values: Iterable[float]) -> float:
    """Of all that there is, not of a sample of it."""
    listed = list(values)
    mean = _mean(listed)
    return math.sqrt(math.fsum((value - mean) ** 2 for value in listed) / len(listed))


Work = Callable[[list[Value], Scope], Value]


def _each(work: Callable[[float], float | None]) -> Work:
    """A function of each point."""

    def one(value: float) -> float | None:
        try:
            return work(value)
        except (ValueError, OverflowError):
            return None  # the logarithm of nothing

    def apply(arguments: list[Value], scope: Scope) -> Value:
        (value,) = arguments
        if isinstance(value, float):
            return one(value) or 0.0
        return _mapped(value, lambda line: line.with_values(_there((at, one(number)) for at, number in line.values.items())))

    return apply


def _mapped(value: Value, work: Callable[[Points], Points]) -> Value:
    return [work(line) for line in value] if isinstance(value, list) else work(_as_line(value))


def _over(work: Callable[[list[float]], float]) -> Work:
    """One line becomes a number; several become a line, point by point of those that have one."""

    def apply(arguments: list[Value], scope: Scope) -> Value:
        value = arguments[0] if len(arguments) == 1 else [_as_line(argument) for argument in arguments]
        if isinstance(value, float):
            return value
        if isinstance(value, Points):
            return float(work(list(value.values.values()))) if value.values else 0.0
        assert isinstance(value, list)
        moments = sorted({at for line in value for at in line.values})
        period_s = max((line.period_s for line in value), default=scope.period_s)
        return Points({at: float(work([line.values[at] for line in value if at in line.values])) for at in moments}, period_s)

    return apply


def _line_by_line(work: Callable[[Points], Series]) -> Work:
    return lambda arguments, scope: _mapped(arguments[0], lambda line: line.with_values(work(line)))


def _rate(line: Points) -> Series:
    return {at: (value - before) / (at - then) for then, before, at, value in _steps(line)}


def _steps(line: Points) -> list[tuple[int, float, int, float]]:
    points = sorted(line.values.items())
    return [(then, before, at, value) for (then, before), (at, value) in pairwise(points)]


def _running_sum(line: Points) -> Series:
    total = 0.0
    sums: Series = {}
    for at, value in sorted(line.values.items()):
        total += value
        sums[at] = total
    return sums


def _period(arguments: list[Value], scope: Scope) -> Value:
    return float(_as_line(arguments[0]).period_s)


def _if(arguments: list[Value], scope: Scope) -> Value:
    condition, then = arguments[0], arguments[1]
    otherwise = arguments[2] if len(arguments) > 2 else None
    if isinstance(condition, float):
        chosen = then if condition else otherwise
        return Points({}, scope.period_s) if chosen is None else chosen
    if isinstance(condition, list):
        return [_as_line(_if([line, *arguments[1:]], scope)) for line in condition]
    line = _as_line(condition)
    points: Series = {}
    for at, holds in line.values.items():
        chosen = then if holds else otherwise
        value = chosen.values.get(at) if isinstance(chosen, Points) else None if chosen is None else _number(chosen)
        if value is not None:
            points[at] = value
    return line.with_values(points)


def _fill(arguments: list[Value], scope: Scope) -> Value:
    value, way = arguments
    return _mapped(value, lambda line: line.with_values(_filled(line, way, scope)))


def _filled(line: Points, way: Value, scope: Scope) -> Series:
    grid = range(scope.grid[0], scope.grid[-1] + scope.period_s, line.period_s) if scope.grid else range(0)
    if way == "LINEAR":
        return _linear(line, grid)
    filled: Series = {}
    last: float | None = None
    for at in grid:
        value = line.values.get(at)
        if value is None:
            value = last if way == "REPEAT" else way.values.get(at) if isinstance(way, Points) else _number(way)
        if value is not None:
            filled[at] = last = value
    return filled


def _linear(line: Points, grid: range) -> Series:
    filled = dict(line.values)
    for then, before, at, value in _steps(line):
        for between in grid:
            if then < between < at:
                filled[between] = before + (value - before) * (between - then) / (at - then)
    return dict(sorted(filled.items()))


def _metrics(arguments: list[Value], scope: Scope) -> Value:
    part = arguments[0] if arguments else ""
    assert isinstance(part, str)
    return [line for name, lines in scope.metrics.items() if part in name for line in lines]


def _search(arguments: list[Value], scope: Scope) -> Value:
    return scope.found[search_key(arguments)]


def _band(arguments: list[Value], scope: Scope) -> Value:
    """The upper and the lower end of what was to be expected; no points where no detector knows the metric."""
    line, width = arguments[0], _number(arguments[1]) if len(arguments) > 1 else BAND_WIDTH
    assert isinstance(line, Points)
    model = scope.models.get(band_key(line.properties))
    found = [(at, model.band(at, width)) for at in scope.grid] if model is not None else []
    ends = {at: ends for at, ends in found if ends is not None}
    upper = Points({at: high for at, (_, high) in ends.items()}, line.period_s, f"{line.label} (upper)", line.properties)
    return [upper, Points({at: low for at, (low, _) in ends.items()}, line.period_s, f"{line.label} (lower)", line.properties)]


def band_key(properties: dict[str, str]) -> str:
    """Which metric's statistic it is."""
    return "\0".join(f"{name}\1{value}" for name, value in sorted(properties.items()))


def search_key(arguments: list[Value]) -> str:
    return "\0".join(str(argument) for argument in arguments)


def _sorted(arguments: list[Value], scope: Scope) -> Value:
    lines, function, order, *limit = arguments
    works: dict[str, Callable[[Any], float]] = {"AVG": _mean, "MIN": min, "MAX": max, "SUM": math.fsum}
    work = works[str(function)]
    ordered = sorted(_lines(lines), key=lambda line: work(line.values.values()) if line.values else 0.0, reverse=order == "DESC")
    return ordered[: int(_number(limit[0]))] if limit else ordered


def _sliced(arguments: list[Value], scope: Scope) -> Value:
    lines, start, *end = arguments
    assert isinstance(lines, list)
    first = int(_number(start))
    return lines[first : int(_number(end[0]))] if end else lines[first]


def _moment(part: Callable[[datetime], float]) -> Work:
    return _line_by_line(lambda line: {at: float(part(datetime.fromtimestamp(at, UTC))) for at in line.values})


def _only_full(arguments: list[Value], scope: Scope) -> Value:
    return [line for line in _lines(arguments[0]) if line.values]


_FUNCTIONS: Final[dict[str, Work]] = {
    "NEG": lambda arguments, scope: _pairwise(_OPERATORS["-"], 0.0, arguments[0]),
    "ABS": _each(abs),
    "CEIL": _each(lambda value: float(math.ceil(value))),
    "FLOOR": _each(lambda value: float(math.floor(value))),
    "LOG": _each(math.log),
    "LOG10": _each(math.log10),
    "AVG": _over(_mean),
    "SUM": _over(math.fsum),
    "MIN": _over(min),
    "MAX": _over(max),
    "STDDEV": _over(_deviation),
    "DATAPOINT_COUNT": _over(len),
    "METRIC_COUNT": lambda arguments, scope: float(len(_lines(arguments[0]))),
    "METRICS": _metrics,
    "SEARCH": _search,
    BAND: _band,
    "IF": _if,
    "FILL": _fill,
    "RATE": _line_by_line(_rate),
    "DIFF": _line_by_line(lambda line: {at: value - before for _, before, at, value in _steps(line)}),
    "DIFF_TIME": _line_by_line(lambda line: {at: float(at - then) for then, _, at, _ in _steps(line)}),
    "RUNNING_SUM": _line_by_line(_running_sum),
    "PERIOD": _period,
    "TIME_SERIES": lambda arguments, scope: Points(dict.fromkeys(scope.grid, _number(arguments[0])), scope.period_s),
    "FIRST": lambda arguments, scope: _lines(arguments[0])[0],
    "LAST": lambda arguments, scope: _lines(arguments[0])[-1],
    "SLICE": _sliced,
    "SORT": _sorted,
    "REMOVE_EMPTY": _only_full,
    "EPOCH": _moment(lambda at: at.timestamp()),
    "MINUTE": _moment(lambda at: at.minute),
    "HOUR": _moment(lambda at: at.hour),
    "DAY": _moment(lambda at: at.isoweekday()),
    "DATE": _moment(lambda at: at.day),
    "MONTH": _moment(lambda at: at.month),
    "YEAR": _moment(lambda at: at.year),
}
FUNCTIONS: Final = frozenset(_FUNCTIONS)
