"""How a filter pattern compares a value: numbers, texts with `*`, regular expressions between percent signs; and the conditions on one
column, joined by && and ||. Pure.
"""

import re
from collections.abc import Callable
from typing import Any, Final

from .model import invalid

Condition = Callable[[Any], bool]
Matches = Callable[[str], bool]

MISSING: Final = object()
COMPARISONS: Final[dict[str, Callable[[float, float], bool]]] = {
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
}
_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<sign>!=|<=|>=|=|<|>|&&|\|\||\(|\))|(?P<quoted>"(?:[^"\\]|\\.)*")|%(?P<regex>(?:[^%\\]|\\.)+)%|(?P<word>[^\s=!<>()&|"]+))"""
)


def regex(text: str) -> Matches:
    try:
        expression = re.compile(text)
    except re.error as error:
        raise invalid(f"Invalid filter pattern: {error}") from None
    return lambda message: expression.search(message) is not None


def unescaped(quoted: str) -> str:
    return re.sub(r"\\(.)", r"\1", quoted)


def test_of(kind: str, wanted: str, sign: str) -> Condition:
    """The test of a value against what stands behind a sign; `kind` is "regex", "quoted" or "word"."""
    if kind == "regex":
        expression = regex(wanted)
        return lambda value: isinstance(value, str) and expression(value) == (sign == "=")
    number = _number(wanted) if kind == "word" else None
    if number is not None:
        return _numeric(number, sign)
    if sign not in ("=", "!="):
        raise invalid("Invalid filter pattern")
    text = unescaped(wanted[1:-1]) if kind == "quoted" else wanted
    expression_of_text = re.compile(".*".join(re.escape(part) for part in text.split("*")), re.DOTALL)

    def equal(value: Any) -> bool:
        return expression_of_text.fullmatch(shown(value)) is not None

    if sign == "=":
        return lambda value: value is not MISSING and value is not None and equal(value)
    return lambda value: value is not MISSING and not equal(value)


def shown(value: Any) -> str:
    """A value as JSON writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)


def _numeric(number: float, sign: str) -> Condition:
    def is_number(value: Any) -> bool:
        return isinstance(value, int | float) and not isinstance(value, bool)

    if sign == "=":
        return lambda value: is_number(value) and value == number
    if sign == "!=":
        return lambda value: value is not MISSING and not (is_number(value) and value == number)
    compare = COMPARISONS[sign]
    return lambda value: is_number(value) and compare(value, number)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _as_number(holds: Condition) -> Condition:
    """A column is a text; where a number is wanted it is read as one."""

    def test(value: Any) -> bool:
        number = _number(value)
        return holds(value if number is None else number)

    return test


class Conditions:
    """Comparisons joined by && before ||, in parentheses. Who derives says what tokens there are and reads one comparison."""

    TOKEN: re.Pattern[str]

    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        self._at = 0
        at, text = 0, text.rstrip()
        while at < len(text):
            found = self.TOKEN.match(text, at)
            if found is None:
                raise invalid("Invalid filter pattern")
            at = found.end()
            kind = str(found.lastgroup)
            self._tokens.append((kind, found[kind]))

    def comparison(self) -> Condition:
        """The one that begins at the next token."""
        raise NotImplementedError

    def whole(self) -> Condition:
        condition = self._either()
        if self._at != len(self._tokens):
            raise invalid("Invalid filter pattern")
        return condition

    def _either(self) -> Condition:
        conditions = [self._both()]
        while self._takes("||"):
            conditions.append(self._both())
        return conditions[0] if len(conditions) == 1 else lambda value: any(condition(value) for condition in conditions)

    def _both(self) -> Condition:
        conditions = [self._one()]
        while self._takes("&&"):
            conditions.append(self._one())
        return conditions[0] if len(conditions) == 1 else lambda value: all(condition(value) for condition in conditions)

    def _one(self) -> Condition:
        if not self._takes("("):
            return self.comparison()
        condition = self._either()
        if not self._takes(")"):
            raise invalid("Invalid filter pattern")
        return condition

    def next(self) -> tuple[str, str]:
        """The next token's kind and text."""
        if self._at == len(self._tokens):
            raise invalid("Invalid filter pattern")
        self._at += 1
        return self._tokens[self._at - 1]

    def _takes(self, sign: str) -> bool:
        if self._at < len(self._tokens) and self._tokens[self._at] == ("sign", sign):
            self._at += 1
            return True
        return False


def either_text(text: str, name: str) -> Condition:
    """The condition of a column: every comparison in it names that column."""
    return _OfColumn(text, name).whole()


class _OfColumn(Conditions):
    TOKEN = _TOKEN

    def __init__(self, text: str, name: str) -> None:
        super().__init__(text)
        self._name = name

    def comparison(self) -> Condition:
        if self.next() != ("word", self._name):
            raise invalid("Invalid filter pattern")
        kind, sign = self.next()
        if kind != "sign" or sign not in ("=", "!=", *COMPARISONS):
            raise invalid("Invalid filter pattern")
        kind, wanted = self.next()
        if kind == "sign":
            raise invalid("Invalid filter pattern")
        test = test_of(kind, wanted, sign)
        return _as_number(test) if kind == "word" and _number(wanted) is not None else test
