"""Aggregate and window functions: the calls DuckDB makes of each, and how Redshift's own result is put together from them.

The result may need two calls (an integer average is a sum over a count), and OVER belongs to each call, not to the sum of
them: so a plan here is a list of calls and a way to combine them.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from sqlglot import exp

from headwater.engines.warehouse.sql.build import call, cast, exact_quotient, literal
from headwater.engines.warehouse.sql.errors import SqlError
from headwater.engines.warehouse.sql.types import BIGINT, BOOLEAN, DOUBLE, SqlType, numeric, varchar


class Plan(NamedTuple):
    calls: list[exp.Expr]
    combine: Callable[[list[exp.Expr]], exp.Expr]
    type: SqlType


def alone(node: exp.Expr, kind: SqlType) -> Plan:
    return Plan([node], lambda calls: calls[0], kind)


def converted(node: exp.Expr, kind: SqlType) -> Plan:
    return Plan([node], lambda calls: cast(calls[0], kind), kind)


class Argument(NamedTuple):
    """An aggregate's bound arguments. `distinct` wraps the first when the call is made."""

    values: list[exp.Expr]
    types: list[SqlType]
    distinct: bool
    order: exp.Order | None

    def call(self, name: str, value: exp.Expr | None = None) -> exp.Expr:
        head = value if value is not None else self.values[0]
        return call(name, exp.Distinct(expressions=[head]) if self.distinct else head)


def total(a: Argument) -> Plan:
    kind = number(a, "sum")
    if kind.name == "bigint":
        return alone(a.call("sum", cast(a.values[0], numeric(19, 0))), numeric(38, 0))
    if kind.is_integer:
        return converted(a.call("sum"), BIGINT)
    if kind.name == "numeric":
        return alone(a.call("sum"), numeric(38, kind.scale))
    return alone(a.call("sum", cast(a.values[0], DOUBLE)), DOUBLE)


def average(a: Argument) -> Plan:
    kind = number(a, "avg")
    if kind.is_integer:
        calls = [a.call("sum"), a.call("count")]
        return Plan(calls, lambda c: cast(exp.IntDiv(this=c[0], expression=c[1]), BIGINT), BIGINT)
    if kind.name == "numeric":
        whole, answer = numeric(38, kind.scale), numeric(38, kind.scale)
        calls = [a.call("sum"), a.call("count")]
        return Plan(calls, lambda c: exact_quotient(c[0], whole, call("nullif", c[1], literal(0)), numeric(19, 0), answer), answer)
    return alone(a.call("avg", cast(a.values[0], DOUBLE)), DOUBLE)


def counted(a: Argument) -> Plan:
    if not a.values:
        return alone(call("count", exp.Star()), BIGINT)
    return alone(a.call("count"), BIGINT)


def extreme(name: str) -> Callable[[Argument], Plan]:
    return lambda a: alone(a.call(name), a.types[0])


def spread(name: str) -> Callable[[Argument], Plan]:
    def plan(a: Argument) -> Plan:
        number(a, name)
        return alone(a.call(name, cast(a.values[0], DOUBLE)), DOUBLE)

    return plan


def listed(a: Argument) -> Plan:
    """LISTAGG. The order is the aggregate's own."""
    separator = a.values[1] if len(a.values) > 1 else exp.Literal.string("")
    head: exp.Expr = cast(a.values[0], varchar())
    if a.distinct:
        head = exp.Distinct(expressions=[head])
    tail: exp.Expr = exp.Order(this=separator, expressions=a.order.expressions) if a.order else separator
    return alone(call("string_agg", head, tail), varchar(65535))


def percentile(name: str) -> Callable[[Argument], Plan]:
    def plan(a: Argument) -> Plan:
        if a.order is None or len(a.order.expressions) != 1:
            raise SqlError("42809", f"{name} needs WITHIN GROUP (ORDER BY …)")
        ordered = a.order.expressions[0]
        kind = a.types[-1]
        fraction = a.values[0]
        if ordered.args.get("desc"):
            fraction = exp.Sub(this=literal(1), expression=exp.Paren(this=fraction))
        if name == "quantile_cont" and not kind.is_moment:
            return alone(call(name, cast(ordered.this, DOUBLE), fraction), DOUBLE)
        return alone(call(name, ordered.this, fraction), kind)

    return plan


def middle(a: Argument) -> Plan:
    kind = a.types[0]
    if kind.is_moment:
        return alone(a.call("median"), kind)
    return alone(a.call("median", cast(a.values[0], DOUBLE)), DOUBLE)


def boolean(name: str) -> Callable[[Argument], Plan]:
    return lambda a: alone(a.call(name), BOOLEAN)


def bits(name: str) -> Callable[[Argument], Plan]:
    return lambda a: alone(a.call(name), a.types[0])


def share(a: Argument) -> Plan:
    """RATIO_TO_REPORT: the value over the window's sum of it."""
    value = cast(a.values[0], DOUBLE)
    return Plan([call("sum", value.copy())], lambda c: exp.Div(this=value, expression=call("nullif", c[0], literal(0))), DOUBLE)


def ranking(name: str, kind: SqlType) -> Callable[[Argument], Plan]:
    return lambda a: alone(call(name, *a.values), kind)


def neighbour(name: str) -> Callable[[Argument], Plan]:
    return lambda a: alone(call(name, *a.values), a.types[0])


def number(a: Argument, name: str) -> SqlType:
    kind = a.types[0] if a.types else None
    if kind is None or not (kind.is_number or kind.name == "unknown"):
        raise SqlError("42883", f"function {name}({kind or ''}) does not exist")
    return DOUBLE if kind.name == "unknown" else kind


AGGREGATES: Final[dict[str, Callable[[Argument], Plan]]] = {
    "count": counted,
    "sum": total,
    "avg": average,
    "min": extreme("min"),
    "max": extreme("max"),
    "any_value": extreme("any_value"),
    "stddev": spread("stddev_samp"),
    "stddev_samp": spread("stddev_samp"),
    "stddev_pop": spread("stddev_pop"),
    "variance": spread("var_samp"),
    "var_samp": spread("var_samp"),
    "var_pop": spread("var_pop"),
    "listagg": listed,
    "percentile_cont": percentile("quantile_cont"),
    "percentile_disc": percentile("quantile_disc"),
    "median": middle,
    "bool_and": boolean("bool_and"),
    "bool_or": boolean("bool_or"),
    "bit_and": bits("bit_and"),
    "bit_or": bits("bit_or"),
}

WINDOWS: Final[dict[str, Callable[[Argument], Plan]]] = {
    "row_number": ranking("row_number", BIGINT),
    "rank": ranking("rank", BIGINT),
    "dense_rank": ranking("dense_rank", BIGINT),
    "percent_rank": ranking("percent_rank", DOUBLE),
    "cume_dist": ranking("cume_dist", DOUBLE),
    "ntile": ranking("ntile", BIGINT),
    "lag": neighbour("lag"),
    "lead": neighbour("lead"),
    "first_value": neighbour("first_value"),
    "last_value": neighbour("last_value"),
    "nth_value": neighbour("nth_value"),
    "ratio_to_report": share,
}
