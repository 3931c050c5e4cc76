"""Plus, minus, times, divided: of numbers, with Redshift's precisions and scales, and of dates and times.

Source: docs.aws.amazon.com/redshift/latest/dg/r_numeric_computations201.html
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from sqlglot import exp

from headwater.engines.warehouse.sql import build, coercion
from headwater.engines.warehouse.sql.build import call, cast
from headwater.engines.warehouse.sql.errors import SqlError
from headwater.engines.warehouse.sql.expressions import bound
from headwater.engines.warehouse.sql.scope import Scope
from headwater.engines.warehouse.sql.types import DATE, DOUBLE, INTEGER, INTERVAL, TIMESTAMP, SqlType, common, common_number, numeric

if TYPE_CHECKING:
    from headwater.engines.warehouse.sql.binder import Binder, Bound


def addition(b: "Binder", node: exp.Expr, scope: Scope) -> "Bound":
    left, right = b.expression(node.this, scope), b.expression(node.expression, scope)
    kinds = {left.type.name, right.type.name}
    if left.type.is_moment or right.type.is_moment or "interval" in kinds:
        return moments(b, node, left, right)
    if "time without time zone" in kinds or "boolean" in kinds:
        raise undefined_operator(node, left.type, right.type)
    return arithmetic(b, node, left, right)


def undefined_operator(node: exp.Expr, left: SqlType, right: SqlType) -> SqlError:
    signs: dict[type[exp.Expr], str] = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/", exp.Mod: "%"}
    sign = signs.get(type(node), "?")
    return SqlError("42883", f"operator does not exist: {left} {sign} {right}")


def arithmetic(b: "Binder", node: exp.Expr, left: "Bound", right: "Bound") -> "Bound":
    one, first = coercion.number(b, left, right.type)
    two, second = coercion.number(b, right, first)
    if not (first.is_number and second.is_number):
        raise undefined_operator(node, first, second)
    kind = common_number(first, second)
    if kind.name == "numeric":
        kind = decimal_sum(first.as_numeric(), second.as_numeric())
        return bound(type(node)(this=one, expression=two), kind)
    # DuckDB takes a bare 1 for as small a number as it can: said, so that small + 1 is not small
    return bound(type(node)(this=cast(one, kind) if one.is_int else one, expression=cast(two, kind) if two.is_int else two), kind)


def decimal_sum(left: SqlType, right: SqlType) -> SqlType:
    scale = max(left.scale, right.scale)
    return numeric(max(left.length - left.scale, right.length - right.scale) + scale + 1, scale)


def moments(b: "Binder", node: exp.Expr, left: "Bound", right: "Bound") -> "Bound":
    """Dates and times plus or minus days, intervals and each other."""
    if left.type.name == "unknown":
        left = bound(b.coerced(left, right.type), right.type)
    if right.type.name == "unknown":
        wanted = left.type if isinstance(node, exp.Sub) and left.type.is_moment else INTERVAL
        right = bound(b.coerced(right, wanted), wanted)
    if isinstance(node, exp.Add) and right.type.is_moment and not left.type.is_moment:
        left, right = right, left
    whole = exp.Sub if isinstance(node, exp.Sub) else exp.Add
    if left.type.is_moment and right.type.is_moment and whole is exp.Sub:
        return difference(left, right)
    if left.type.is_moment and right.type.is_integer:
        days = cast(right.node, INTEGER)
        if left.type == DATE:
            return bound(cast(whole(this=left.node, expression=days), DATE), DATE)
        return bound(whole(this=left.node, expression=call("to_days", days)), left.type)
    if right.type.name == "interval" and (left.type.is_moment or left.type.name in ("interval", "time without time zone")):
        kind = TIMESTAMP if left.type == DATE else left.type
        return bound(whole(this=left.node, expression=right.node), kind)
    raise undefined_operator(node, left.type, right.type)


def difference(left: "Bound", right: "Bound") -> "Bound":
    if left.type == right.type == DATE:
        return bound(cast(exp.Paren(this=exp.Sub(this=left.node, expression=right.node)), INTEGER), INTEGER)
    kind = common(left.type, right.type)
    return bound(exp.Sub(this=cast(left.node, kind), expression=cast(right.node, kind)), INTERVAL)


def product(b: "Binder", node: exp.Expr, scope: Scope) -> "Bound":
    left, right = b.expression(node.this, scope), b.expression(node.expression, scope)
    if "interval" in (left.type.name, right.type.name):
        return bound(exp.Mul(this=left.node, expression=right.node), INTERVAL)
    one, first = coercion.number(b, left, right.type)
    two, second = coercion.number(b, right, first)
    if first.is_number and second.is_number and common_number(first, second).name == "numeric":
        a, c = first.as_numeric(), second.as_numeric()
        return bound(exp.Mul(this=one, expression=two), numeric(a.length + c.length, a.scale + c.scale))
    return arithmetic(b, node, bound(one, first), bound(two, second))


def division(b: "Binder", node: exp.Expr, scope: Scope) -> "Bound":
    left, right = b.expression(node.this, scope), b.expression(node.expression, scope)
    one, first = coercion.number(b, left, right.type)
    two, second = coercion.number(b, right, first)
    if not (first.is_number and second.is_number):
        raise undefined_operator(node, first, second)
    kind = common_number(first, second)
    if kind.is_integer:
        return bound(cast(build.integer_quotient(one, two), kind), kind)
    if kind.name == "numeric":
        answer = build.quotient_type(first, second)
        return bound(build.exact_quotient(one, first, two, second, answer), answer)
    return bound(build.float_quotient(one, two), DOUBLE)


def remainder(b: "Binder", node: exp.Expr, scope: Scope) -> "Bound":
    left, right = b.expression(node.this, scope), b.expression(node.expression, scope)
    one, first = coercion.number(b, left, right.type)
    two, second = coercion.number(b, right, first)
    if not (first.is_exact and second.is_exact):
        raise undefined_operator(node, first, second)
    kind = common_number(first, second)
    return bound(cast(call("hw_mod", one, two), kind), kind)


def power(b: "Binder", node: exp.Expr, scope: Scope) -> "Bound":
    return bound(call("pow", b.typed(node.this, scope, DOUBLE), b.typed(node.expression, scope, DOUBLE)), DOUBLE)


def bitwise(b: "Binder", node: exp.Expr, scope: Scope) -> "Bound":
    left, right = b.expression(node.this, scope), b.expression(node.expression, scope)
    if not (left.type.is_integer and right.type.is_integer):
        raise SqlError("42883", f"operator does not exist: {left.type} & {right.type}")
    return bound(type(node)(this=left.node, expression=right.node), common_number(left.type, right.type))


def complement(b: "Binder", node: exp.Expr, scope: Scope) -> "Bound":
    inner = b.expression(node.this, scope)
    return bound(exp.BitwiseNot(this=inner.node), inner.type)


def root(b: "Binder", node: exp.Expr, scope: Scope) -> "Bound":
    return bound(call("hw_sqrt", b.typed(node.this, scope, DOUBLE)), DOUBLE)


Rule = Callable[["Binder", exp.Expr, Scope], "Bound"]
RULES: Final[dict[type[exp.Expr], Rule]] = {
    exp.Add: addition,
    exp.Sub: addition,
    exp.Mul: product,
    exp.Div: division,
    exp.Mod: remainder,
    exp.Pow: power,
    **dict.fromkeys((exp.BitwiseAnd, exp.BitwiseOr, exp.BitwiseLeftShift, exp.BitwiseRightShift), bitwise),
    exp.BitwiseNot: complement,
    exp.Sqrt: root,
}
