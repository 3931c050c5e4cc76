"""Values of an Insights query as DuckDB's SQL: fields, literals, operators, functions. Pure.

Every value knows what it is: a number, a text, a moment (milliseconds), a truth, or anything at all, as fields of JSON are. Where
a number is wanted of anything, what is none is nothing. Texts of the query only ever come into the SQL as quoted literals.
Source: "CloudWatch Logs Insights query syntax", supported operations and functions.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, Literal

import msgspec

from .insights_words import Scanner, malformed

Kind = Literal["number", "text", "time", "truth", "any"]
DEPTH_MAX: Final = 60


class Value(msgspec.Struct, frozen=True):
    sql: str
    kind: Kind

    @property
    def number(self) -> str:
        if self.kind in ("number", "time"):
            return self.sql
        return f"CAST({self.sql} AS DOUBLE)" if self.kind == "truth" else f"TRY_CAST({self.sql} AS DOUBLE)"

    @property
    def text(self) -> str:
        if self.kind in ("text", "any"):
            return self.sql
        return f"printf('%.15g', CAST({self.sql} AS DOUBLE))"

    @property
    def truth(self) -> str:
        return self.sql if self.kind == "truth" else f"COALESCE({self.number}, 0) <> 0"


def literal(text: str) -> str:
    return "'" + text.replace("\0", "").replace("'", "''") + "'"


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


_OF_LAMBDA: Final[dict[str, tuple[str, Kind]]] = {
    "@requestId": (r"RequestId: ([0-9a-f-]{36})", "text"),
    "@duration": (r"\tDuration: ([\d.]+) ms", "number"),
    "@billedDuration": (r"Billed Duration: (\d+) ms", "number"),
    "@initDuration": (r"Init Duration: ([\d.]+) ms", "number"),
    "@memorySize": (r"Memory Size: (\d+) MB", "number"),
    "@maxMemoryUsed": (r"Max Memory Used: (\d+) MB", "number"),
    "@type": (r"^(START|END|REPORT|INIT_START)\b", "text"),
}
MEGABYTE: Final = 1_000_000


class Fields:
    """What a name means: a column that is there, or a property that is discovered in the message."""

    def __init__(self, columns: dict[str, Kind], *, discovers: bool = True) -> None:
        self.columns = columns
        self.discovers = discovers

    def find(self, name: str) -> Value:
        if name in self.columns:
            return Value(quoted(name), self.columns[name])
        if not self.discovers:
            return Value("NULL", "any")
        if name in _OF_LAMBDA:
            return _discovered_of_lambda(name)
        path = "$" + "".join(f"[{part}]" if part.isdecimal() else f'."{part}"' for part in name.replace('"', "").split(".") if part)
        return Value(f'json_extract_string("@json", {literal(path)})', "any")


def _discovered_of_lambda(name: str) -> Value:
    expression, kind = _OF_LAMBDA[name]
    found = f"NULLIF(regexp_extract(\"@message\", {literal(expression)}, 1), '')"
    if kind == "text":
        return Value(found, "text")
    number = f"TRY_CAST({found} AS DOUBLE)"
    return Value(f"{number} * {MEGABYTE}" if "emory" in name else number, "number")


class Expression:
    """Reads values off the scanner."""

    def __init__(self, scanner: Scanner, fields: Fields) -> None:
        self._scanner = scanner
        self._fields = fields
        self._depth = 0

    def read(self) -> Value:
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise malformed("the expression is nested too deeply", self._scanner.at)
        value = self._both()
        while self._scanner.word("or"):
            value = Value(f"({value.truth} OR {self._both().truth})", "truth")
        self._depth -= 1
        return value

    def _both(self) -> Value:
        value = self._not()
        while self._scanner.word("and"):
            value = Value(f"({value.truth} AND {self._not().truth})", "truth")
        return value

    def _not(self) -> Value:
        is_negated = False
        while self._scanner.word("not"):
            is_negated = not is_negated
        value = self._compared()
        return Value(f"(NOT COALESCE({value.truth}, FALSE))", "truth") if is_negated else value

    def _compared(self) -> Value:
        left = self._sum()
        sign = self._scanner.sign("=~", "=", "!=", "<=", ">=", "<", ">")
        if sign == "=~":
            return self._like(left)
        if sign is not None:
            return compared(left, sign, self._sum())
        if self._scanner.word("like"):
            return self._like(left)
        if self._scanner.word("in"):
            return self._among(left)
        if self._scanner.word("not"):
            if self._scanner.word("like"):
                found = self._like(left)
            elif self._scanner.word("in"):
                found = self._among(left)
            else:
                raise self._scanner.unexpected()
            return Value(f"(NOT COALESCE({found.sql}, FALSE))", "truth")
        return left

    def _like(self, left: Value) -> Value:
        expression = self._scanner.regex()
        if expression is not None:
            return Value(f"regexp_matches({left.text}, {literal(_re2(expression))})", "truth")
        part = self._scanner.quoted()
        if part is None:
            raise self._scanner.unexpected()
        return Value(f"contains({left.text}, {literal(part)})", "truth")

    def _among(self, left: Value) -> Value:
        self._scanner.expect("[")
        tests = [compared(left, "=", self._sum()).sql]
        while self._scanner.sign(","):
            tests.append(compared(left, "=", self._sum()).sql)
        self._scanner.expect("]")
        return Value(f"({' OR '.join(tests)})", "truth")

    def _sum(self) -> Value:
        value = self._product()
        while (sign := self._scanner.sign("+", "-")) is not None:
            value = Value(f"({value.number} {sign} {self._product().number})", "number")
        return value

    def _product(self) -> Value:
        value = self._power()
        while (sign := self._scanner.sign("*", "/", "%")) is not None:
            right = self._power().number
            value = Value(f"({value.number} {sign} {f'NULLIF({right}, 0)' if sign != '*' else right})", "number")
        return value

    def _power(self) -> Value:
        value = self._atom()
        if self._scanner.sign("^"):
            return Value(f"power({value.number}, {self._power().number})", "number")
        return value

    def _atom(self) -> Value:
        scanner = self._scanner
        if scanner.sign("-"):
            return Value(f"(- {self._atom().number})", "number")
        if scanner.sign("("):
            value = self.read()
            scanner.expect(")")
            return value
        text = scanner.quoted()
        if text is not None:
            return Value(literal(text), "text")
        number = scanner.number()
        if number is not None:
            return Value(f"CAST({number!r} AS DOUBLE)", "number")
        return self._named()

    def _named(self) -> Value:
        start = self._scanner.at
        name = self._scanner.name()
        if name is None:
            raise self._scanner.unexpected()
        if self._scanner.sign("(") is None:
            return self._fields.find(name)
        return self._called(name, start)

    def _called(self, name: str, start: int) -> Value:
        lower = name.lower()
        if lower in ("bin", "datefloor", "dateceil"):
            moment = self._fields.find("@timestamp")
            if lower != "bin":
                moment = self.read()
                self._scanner.expect(",")
            span = self._scanner.span_ms()
            if span is None or span <= 0:
                raise self._scanner.unexpected()
            self._scanner.expect(")")
            sql = f"(CAST(floor({moment.number} / {span}) AS BIGINT) * {span})"
            return Value(f"({sql} + CASE WHEN {moment.number} % {span} = 0 THEN 0 ELSE {span} END)" if lower == "dateceil" else sql, "time")
        arguments: list[Value] = []
        if self._scanner.sign(")") is None:
            arguments.append(self.read())
            while self._scanner.sign(","):
                arguments.append(self.read())
            self._scanner.expect(")")
        work = _FUNCTIONS.get(lower)
        if work is None:
            raise malformed(f"unknown function {name}", start)
        try:
            return work(arguments)
        except (IndexError, ValueError):
            raise malformed(f"wrong arguments of {name}", start) from None


def compared(left: Value, sign: str, right: Value) -> Value:
    """As numbers where one side is one; as texts where neither is."""
    sign = "<>" if sign == "!=" else sign
    if {left.kind, right.kind} & {"number", "time", "truth"}:
        return Value(f"({left.number} {sign} {right.number})", "truth")
    return Value(f"({left.text} {sign} {right.text})", "truth")


def _re2(expression: str) -> str:
    """Named groups as DuckDB's regular expressions write them."""
    return re.sub(r"\(\?<(?![=!])", "(?P<", expression)


Work = Callable[[list[Value]], Value]


def _number(template: str) -> Work:
    return lambda arguments: Value(template.format(*(argument.number for argument in arguments)), "number")


def _text(template: str, kind: Kind = "text") -> Work:
    return lambda arguments: Value(template.format(*(argument.text for argument in arguments)), kind)


def _over(function: str) -> Work:
    return lambda arguments: Value(f"{function}({', '.join(argument.number for argument in arguments)})", "number")


def _substr(arguments: list[Value]) -> Value:
    text, start, *length = arguments
    rest = f", CAST({length[0].number} AS BIGINT)" if length else ""
    return Value(f"substr({text.text}, CAST({start.number} AS BIGINT) + 1{rest})", "text")


def _present(arguments: list[Value]) -> Value:
    return Value(f"({arguments[0].sql} IS NOT NULL)", "truth")


def _coalesced(arguments: list[Value]) -> Value:
    kinds = {argument.kind for argument in arguments}
    if len(kinds) == 1:
        return Value(f"COALESCE({', '.join(argument.sql for argument in arguments)})", arguments[0].kind)
    return Value(f"COALESCE({', '.join(argument.text for argument in arguments)})", "any")


_FUNCTIONS: Final[dict[str, Work]] = {
    "abs": _number("abs({0})"),
    "ceil": _number("ceil({0})"),
    "floor": _number("floor({0})"),
    "sqrt": _number("CASE WHEN {0} >= 0 THEN sqrt({0}) END"),
    "log": _number("CASE WHEN {0} > 0 THEN ln({0}) END"),
    "greatest": _over("greatest"),
    "least": _over("least"),
    "strlen": _text("CAST(length({0}) AS DOUBLE)", "number"),
    "toupper": _text("upper({0})"),
    "tolower": _text("lower({0})"),
    "trim": _text("trim({0})"),
    "ltrim": _text("ltrim({0})"),
    "rtrim": _text("rtrim({0})"),
    "concat": lambda arguments: Value(f"concat({', '.join(argument.text for argument in arguments)})", "text"),
    "strcontains": _text("CAST(contains({0}, {1}) AS DOUBLE)", "number"),
    "replace": _text("replace({0}, {1}, {2})"),
    "substr": _substr,
    "ispresent": _present,
    "isempty": _text("COALESCE({0} = '', TRUE)", "truth"),
    "isblank": _text("COALESCE(trim({0}) = '', TRUE)", "truth"),
    "isvalidip": _text("regexp_full_match({0}, '(\\d{{1,3}}\\.){{3}}\\d{{1,3}}|[0-9a-fA-F:]*:[0-9a-fA-F:]+')", "truth"),
    "isvalidipv4": _text("regexp_full_match({0}, '(\\d{{1,3}}\\.){{3}}\\d{{1,3}}')", "truth"),
    "coalesce": _coalesced,
    "frommillis": lambda arguments: Value(f"CAST({arguments[0].number} AS BIGINT)", "time"),
    "tomillis": _number("{0}"),
}
