"""What each condition operator compares: one value of the request with the values of a policy.

Negated operators are the positive ones turned round, and are not here. An operator reads the policy's values once; only where
a variable stands must it read again for each question.
Source: "IAM JSON policy elements: Condition operators" of the user guide.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import operator
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from .question import Question
from .variables import Part, Variable, has_variable, parts, plain, resolved
from .wildcards import Test, Token, Wild, glob

ARN_PARTS: Final = 6


class Template:
    """An operator and the policy's values: a test, at once or as soon as the question gives the variables their values."""

    __slots__ = ("_compare", "_templates", "fixed", "variables")

    def __init__(self, compare: Callable[[tuple[Token, ...]], Test], templates: Sequence[tuple[Part, ...]]) -> None:
        self._compare = compare
        self._templates = templates
        self.variables = tuple(part.name for template in templates for part in template if isinstance(part, Variable))
        self.fixed: Test | None = None
        if not any(has_variable(template) for template in templates):
            self.fixed = _any([compare(plain(template)) for template in templates])

    def test(self, question: Question, *, negated: bool) -> Test | None:
        """None where a variable has no value and the statement therefore cannot apply."""
        if self.fixed is not None:
            return self.fixed
        found = [resolved(template, question) for template in self._templates]
        if negated and None in found:
            return None
        return _any([self._compare(tokens) for tokens in found if tokens is not None])


def _any(tests: list[Test]) -> Test:
    if len(tests) == 1:
        return tests[0]
    if tests and all(getattr(test, "__name__", "") == "__eq__" and isinstance(getattr(test, "__self__", None), str) for test in tests):
        return frozenset(str(getattr(test, "__self__", "")) for test in tests).__contains__
    return lambda value: any(test(value) for test in tests)


def reader(name: str, values: list[str], *, variables: bool) -> Template:
    """`name` is one of POSITIVE, in lower case."""
    compare, wildcards, knows_variables = POSITIVE[name]
    return Template(compare, [parts(value, variables=variables and knows_variables, wildcards=wildcards) for value in values])


def _joined(tokens: tuple[Token, ...]) -> str:
    return "".join(token if isinstance(token, str) else token.value for token in tokens)


def _never(_: str) -> bool:
    return False


def _string_equals(tokens: tuple[Token, ...]) -> Test:
    return _joined(tokens).__eq__


def _string_equals_ignore_case(tokens: tuple[Token, ...]) -> Test:
    wanted = _joined(tokens).lower()
    return lambda value: value.lower() == wanted


def _bool(tokens: tuple[Token, ...]) -> Test:
    wanted = _joined(tokens).lower()
    return (lambda value: value.lower() == wanted) if wanted in {"true", "false"} else _never


def _binary(tokens: tuple[Token, ...]) -> Test:
    wanted = _decoded(_joined(tokens))
    return lambda value: wanted is not None and _decoded(value) == wanted


def _decoded(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def number(text: str) -> float | int | None:
    if not re.fullmatch(r"\s*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?\s*", text, re.ASCII):
        return None
    return int(text) if re.fullmatch(r"\s*[+-]?\d{1,30}\s*", text) else float(text)


DATE: Final = re.compile(
    r"(\d{1,4})(?:-(\d\d?)(?:-(\d\d?))?)?"
    r"(?:T(?:(\d\d?)(?::(\d\d?)(?::(\d\d?))?)?(?:[.,](\d{1,9}))?)?(Z|[+-]\d\d(?::?\d\d)?)?)?",
    re.ASCII | re.IGNORECASE,
)
EPOCH: Final = re.compile(r"-\d+|\d{5,}(\.\d+)?", re.ASCII)


@lru_cache(1024)
def moment(text: str) -> float | None:
    """Seconds since 1970, of a date of ISO 8601 (a year is enough) or of such seconds themselves."""
    if EPOCH.fullmatch(text):
        return float(text)
    found = DATE.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    try:
        when = datetime(int(year), int(month or 1), int(day or 1), int(hour or 0), int(minute or 0), int(second or 0), tzinfo=UTC)
    except ValueError:
        return None
    return when.timestamp() + float(f"0.{fraction or 0}") - _offset_s(zone or "Z")


def _offset_s(zone: str) -> int:
    if zone in "zZ":
        return 0
    digits = zone[1:].replace(":", "").ljust(4, "0")
    seconds = int(digits[:2]) * 3600 + int(digits[2:]) * 60
    return seconds if zone[0] == "+" else -seconds


Ordered = Callable[[float, float], bool]


def _measured(read: Callable[[str], float | None], holds: Ordered) -> Callable[[tuple[Token, ...]], Test]:
    def compare(tokens: tuple[Token, ...]) -> Test:
        wanted = read(_joined(tokens))
        if wanted is None:
            return _never

        def test(value: str) -> bool:
            measured = read(value)
            return measured is not None and holds(measured, wanted)

        return test

    return compare


Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def network(text: str) -> Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


@lru_cache(1024)
def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _ip_address(tokens: tuple[Token, ...]) -> Test:
    wanted = network(_joined(tokens))
    if wanted is None:
        return _never

    def test(value: str) -> bool:
        address = _address(value)
        return address is not None and address.version == wanted.version and address in wanted

    return test


def _arn_like(tokens: tuple[Token, ...]) -> Test:
    """Each of the six parts is compared for itself: a star in one does not reach into the next, but in the last it has no end."""
    if tokens == (Wild.ANY,):
        return lambda value: value.count(":") >= ARN_PARTS - 1
    wanted: list[list[Token]] = [[]]
    for token in tokens:
        pieces = token.split(":", ARN_PARTS - len(wanted)) if isinstance(token, str) else [token]
        wanted[-1].append(pieces[0])
        wanted.extend([piece] for piece in pieces[1:])
    if len(wanted) < ARN_PARTS and wanted[-1][-1] is Wild.ANY:
        wanted.extend([[Wild.ANY]] * (ARN_PARTS - len(wanted)))
    if len(wanted) < ARN_PARTS:
        return _never
    tests = [glob(tuple(token for token in part if token != "")) for part in wanted]

    def test(value: str) -> bool:
        pieces = value.split(":", ARN_PARTS - 1)
        return len(pieces) == ARN_PARTS and all(test(piece) for test, piece in zip(tests, pieces, strict=True))

    return test


ORDERED: Final[dict[str, Ordered]] = {
    "equals": operator.eq,
    "lessthan": operator.lt,
    "lessthanequals": operator.le,
    "greaterthan": operator.gt,
    "greaterthanequals": operator.ge,
}
POSITIVE: Final[dict[str, tuple[Callable[[tuple[Token, ...]], Test], bool, bool]]] = {
    "stringequals": (_string_equals, False, True),
    "stringequalsignorecase": (_string_equals_ignore_case, False, True),
    "stringlike": (glob, True, True),
    "bool": (_bool, False, True),
    "binaryequals": (_binary, False, False),
    "ipaddress": (_ip_address, False, False),
    "arnequals": (_arn_like, True, True),
    "arnlike": (_arn_like, True, True),
    **{f"numeric{name}": (_measured(number, holds), False, False) for name, holds in ORDERED.items()},
    **{f"date{name}": (_measured(moment, holds), False, False) for name, holds in ORDERED.items()},
}
"""Operator: how it reads a policy's value, whether wildcards and whether variables mean something in it."""
NEGATED: Final = {
    "stringnotequals": "stringequals",
    "stringnotequalsignorecase": "stringequalsignorecase",
    "stringnotlike": "stringlike",
    "numericnotequals": "numericequals",
    "datenotequals": "dateequals",
    "notipaddress": "ipaddress",
    "arnnotequals": "arnequals",
    "arnnotlike": "arnlike",
}
