"""Which partitions a WHERE-like expression lets through: comparisons on partition keys, AND, OR, NOT, IN, BETWEEN, LIKE, IS NULL.

A partition's values are texts; the key's type says how they compare (numbers as numbers, everything else as text, which is right for
dates in ISO form). Hive's `__HIVE_DEFAULT_PARTITION__` is NULL, and a comparison with NULL is never true. sqlglot parses; we
only walk what it found, and refuse by name what Glue doesn't know.
Source: GetPartitions in the AWS Glue API reference.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from headwater.aws.faults import Fault, fault

if TYPE_CHECKING:
    from sqlglot.expressions import Expression

Value = str | int | Decimal | None
Row = dict[str, Value]
Test = Callable[[Row], bool | None]
Operand = Callable[[Row], Value]

NULL: Final = "__HIVE_DEFAULT_PARTITION__"
ORDERS: Final[dict[str, Callable[[int], bool]]] = {
    "=": lambda order: order == 0,
    "<>": lambda order: order != 0,
    ">": lambda order: order > 0,
    ">=": lambda order: order >= 0,
    "<": lambda order: order < 0,
    "<=": lambda order: order <= 0,
}
INTEGERS: Final = frozenset({"int", "bigint", "long", "tinyint", "smallint", "integer"})


def _unsupported(expression: str) -> Fault:
    return fault("InvalidInputException", f"Unsupported expression '{expression}'")


def typed(text: str, kind: str) -> Value:
    """A partition's value as its key's type compares it."""
    if text == NULL:
        return None
    kind = kind.lower()
    try:
        if kind in INTEGERS:
            return int(text)
        if kind.startswith("decimal"):
            return Decimal(text)
    except (ValueError, InvalidOperation):
        return None  # as Hive: a value that is not of its key's type is NULL
    return text


@lru_cache(maxsize=256)
def compiled(expression: str, keys: tuple[tuple[str, str], ...]) -> Callable[[tuple[str, ...]], bool]:
    """`expression` over partition keys of these (name, type): a test of a partition's values."""
    import sqlglot
    from sqlglot.errors import SqlglotError

    try:
        tree = sqlglot.parse_one(expression, into=sqlglot.exp.Condition)
    except SqlglotError:
        raise _unsupported(expression) from None
    test = _Compiler(expression, {name.lower(): kind for name, kind in keys}).test(tree)
    names = [(name.lower(), kind) for name, kind in keys]

    def lets_through(values: tuple[str, ...]) -> bool:
        row = {name: typed(text, kind) for (name, kind), text in zip(names, values, strict=False)}
        return test(row) is True

    return lets_through


class _Compiler:
    """Turns a parsed expression into closures, in SQL's logic of three values: True, False, and None for unknown."""

    def __init__(self, expression: str, kinds: dict[str, str]) -> None:
        self._expression = expression
        self._kinds = kinds

    def test(self, node: Any) -> Test:
        from sqlglot import exp

        match node:
            case exp.Paren():
                return self.test(node.this)
            case exp.And():
                return _both(self.test(node.left), self.test(node.right))
            case exp.Or():
                return _either(self.test(node.left), self.test(node.right))
            case exp.Not():
                return _opposite(self.test(node.this))
            case _:
                return self._comparison(node)

    def _comparison(self, node: Any) -> Test:
        from sqlglot import exp

        if isinstance(node, exp.Is) and isinstance(node.expression, exp.Null):
            value = self._operand(node.this, None)
            return lambda row: value(row) is None
        if isinstance(node, exp.In):
            kind = self._kind(node.this)
            value = self._operand(node.this, kind)
            wanted = [self._operand(one, kind) for one in node.expressions]
            return lambda row: None if (found := value(row)) is None else any(found == one(row) for one in wanted)
        if isinstance(node, exp.Between):
            kind = self._kind(node.this)
            low, value, high = (self._operand(node.args[part], kind) for part in ("low", "this", "high"))
            return _both(_compare("<=", low, value), _compare("<=", value, high))
        if isinstance(node, exp.Like):
            return self._like(node)
        return self._binary(node)

    def _binary(self, node: Any) -> Test:
        from sqlglot import exp

        signs: dict[type[Expression], str] = {exp.EQ: "=", exp.NEQ: "<>", exp.GT: ">", exp.GTE: ">=", exp.LT: "<", exp.LTE: "<="}
        sign = signs.get(type(node))
        if sign is None:
            raise _unsupported(self._expression)
        kind = self._kind(node.left) or self._kind(node.right)
        if kind is None:
            raise _unsupported(self._expression)  # two literals
        return _compare(sign, self._operand(node.left, kind), self._operand(node.right, kind))

    def _like(self, node: Any) -> Test:
        value = self._operand(node.this, "string")
        wanted = self._operand(node.expression, "string")({})
        if not isinstance(wanted, str):
            raise _unsupported(self._expression)
        pattern = re.compile("".join(".*" if c == "%" else "." if c == "_" else re.escape(c) for c in wanted), re.DOTALL)
        return lambda row: None if (found := value(row)) is None else pattern.fullmatch(str(found)) is not None

    def _kind(self, node: Any) -> str | None:
        """The type of the key that `node` names, None where it is a literal."""
        from sqlglot import exp

        if isinstance(node, exp.Paren):
            return self._kind(node.this)
        if not isinstance(node, exp.Column):
            return None
        kind = self._kinds.get(node.name.lower())
        if kind is None:
            raise _unsupported(self._expression)
        return kind

    def _operand(self, node: Any, kind: str | None) -> Operand:
        from sqlglot import exp

        match node:
            case exp.Paren() | exp.Cast() | exp.TsOrDsToDate():
                return self._operand(node.this, kind)
            case exp.Column():
                self._kind(node)
                name = node.name.lower()
                return lambda row: row.get(name)
            case exp.Neg() if isinstance(node.this, exp.Literal):
                return _constant(typed(f"-{node.this.this}", kind or "string"))
            case exp.Literal():
                return _constant(typed(str(node.this), kind or "string"))
            case _:
                raise _unsupported(self._expression)


def _constant(value: Value) -> Operand:
    return lambda _: value


def _compare(sign: str, left: Operand, right: Operand) -> Test:
    def test(row: Row) -> bool | None:
        a: Any = left(row)
        b: Any = right(row)
        if a is None or b is None:
            return None
        return ORDERS[sign]((a > b) - (a < b))

    return test


def _both(left: Test, right: Test) -> Test:
    def test(row: Row) -> bool | None:
        a = left(row)
        if a is False:
            return False
        b = right(row)
        return False if b is False else None if a is None or b is None else True

    return test


def _either(left: Test, right: Test) -> Test:
    return _opposite(_both(_opposite(left), _opposite(right)))


def _opposite(inner: Test) -> Test:
    def test(row: Row) -> bool | None:
        value = inner(row)
        return None if value is None else not value

    return test
