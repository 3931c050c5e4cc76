"""Function calls: those that a table can describe, and those whose arguments need reading first."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from sqlglot import exp

from headwater.engines.warehouse.sql import moments
from headwater.engines.warehouse.sql.aggregates import AGGREGATES, WINDOWS, Argument, Plan
from headwater.engines.warehouse.sql.build import call, cast, literal
from headwater.engines.warehouse.sql.coercion import alike, explicit
from headwater.engines.warehouse.sql.errors import SqlError
from headwater.engines.warehouse.sql.expressions import bound, together
from headwater.engines.warehouse.sql.functions import FUNCTIONS, Function
from headwater.engines.warehouse.sql.native import IgnoringNulls
from headwater.engines.warehouse.sql.scope import Scope
from headwater.engines.warehouse.sql.types import DATE, DOUBLE, INTEGER, SPELLINGS, TEXT, TIMESTAMP, VARCHAR, SqlType, numeric

if TYPE_CHECKING:
    from headwater.engines.warehouse.sql.binder import Binder, Bound


def function(b: "Binder", node: exp.Expr, scope: Scope) -> "Bound":
    """A call by name. sqlglot has left every function as it was written."""
    name = str(node.this.name if isinstance(node.this, exp.Identifier) else node.this).lower()
    special = SPECIAL.get(name)
    if special is not None:
        return special(b, node, scope)
    known = FUNCTIONS.get(name)
    if known is not None:
        return plain(b, name, known, node.expressions, scope)
    if name in AGGREGATES:
        plan = aggregate(b, name, node, scope, None)
        return bound(plan.combine(plan.calls), plan.type)
    if name in WINDOWS:
        raise SqlError("42809", f"window function {name} requires an OVER clause")
    raise undefined(b, name, node, scope)


def undefined(b: "Binder", name: str, node: exp.Expr, scope: Scope) -> SqlError:
    kinds = ", ".join(str(b.expression(argument, scope).type) for argument in node.expressions if not isinstance(argument, exp.Star))
    return SqlError(
        "42883",
        f"function {name}({kinds}) does not exist",
        hint="No function matches the given name and argument types. You may need to add explicit type casts.",
    )


def plain(b: "Binder", name: str, known: Function, arguments: list[exp.Expr], scope: Scope) -> "Bound":
    values = [b.expression(argument, scope) for argument in arguments]
    if not known.fewest <= len(values) <= known.most:
        kinds = ", ".join(str(each.type) for each in values)
        raise SqlError("42883", f"function {name}({kinds}) does not exist")
    if known.native in ("coalesce", "greatest", "least", "nullif"):
        nodes, kind = together(b, values) if known.native != "nullif" else comparable(b, values)
        return bound(call(known.native, *nodes), kind)
    nodes = []
    for index, each in enumerate(values):
        wanted = known.arguments[min(index, len(known.arguments) - 1)] if known.arguments else None
        nodes.append(each.node if wanted is None else b.coerced(each, wanted))
    gives = known.gives if isinstance(known.gives, SqlType) else known.gives([each.type for each in values])
    result = call(known.native, *nodes)
    exact = known.native in ("ceil", "floor", "sign", "ascii", "abs")
    return bound(cast(result, gives) if exact else result, gives)


def comparable(b: "Binder", values: "list[Bound]") -> tuple[list[exp.Expr], SqlType]:
    left, right, kind = alike(b, values[0], values[1])
    return [left, right], values[0].type if values[0].type.name != "unknown" else kind


def no_value_function(name: str) -> Callable[["Binder", exp.Expr, Scope], "Bound"]:
    """current_user and its kind, which are written without parentheses."""

    def rule(_b: "Binder", _node: exp.Expr, _scope: Scope) -> "Bound":
        return bound(call(name), SqlType("name"))

    return rule


# Functions whose arguments are not all values


def nvl2(b: "Binder", node: exp.Expr, scope: Scope) -> "Bound":
    test, one, other = node.expressions
    nodes, kind = together(b, [b.expression(one, scope), b.expression(other, scope)])
    given = exp.Not(this=exp.Is(this=exp.Paren(this=b.expression(test, scope).node), expression=exp.Null()))
    return bound(exp.Case(ifs=[exp.If(this=given, true=nodes[0])], default=nodes[1]), kind)


def decode(b: "Binder", node: exp.Expr, scope: Scope) -> "Bound":
    """DECODE compares as `=` does, but NULL equals NULL."""
    first, *rest = node.expressions
    if len(rest) < 2:
        raise SqlError("42883", "function decode needs at least three arguments")
    operand = b.expression(first, scope)
    results = [b.expression(each, scope) for each in rest[1::2]]
    if len(rest) % 2:
        results.append(b.expression(rest[-1], scope))
    nodes, kind = together(b, results)
    branches = []
    for index in range(len(rest) // 2):
        left, right, _ = alike(b, operand, b.expression(rest[index * 2], scope))
        same = exp.NullSafeEQ(this=exp.Paren(this=left.copy()), expression=exp.Paren(this=right))
        branches.append(exp.If(this=same, true=nodes[index]))
    return bound(exp.Case(ifs=branches, default=nodes[-1] if len(rest) % 2 else None), kind)


def clock(kind: SqlType, variable: str = "hw_now") -> Callable[["Binder", exp.Expr, Scope], "Bound"]:
    """GETDATE and its kin follow the injected clock, which the session puts into a variable."""

    def rule(b: "Binder", _node: exp.Expr, _scope: Scope) -> "Bound":
        b.uses_clock = True
        return bound(cast(call("getvariable", literal(variable)), kind), kind)

    return rule


def rounding(native: str) -> Callable[["Binder", exp.Expr, Scope], "Bound"]:
    def rule(b: "Binder", node: exp.Expr, scope: Scope) -> "Bound":
        value = b.expression(node.expressions[0], scope)
        if native == "trunc" and value.type.is_moment:
            return bound(cast(value.node, DATE), DATE)
        places = b.typed(node.expressions[1], scope, INTEGER) if len(node.expressions) > 1 else literal(0)
        if value.type.name == "numeric":
            kind = numeric(value.type.length, min(int(places.name), value.type.scale)) if places.is_int else value.type
            return bound(cast(call(native, value.node, places), kind), kind)
        kind = value.type if value.type.is_integer else DOUBLE
        return bound(cast(call(native, b.coerced(value, kind), places), kind), kind)

    return rule


def modulo(b: "Binder", node: exp.Expr, scope: Scope) -> "Bound":
    left, right = node.expressions
    return b.expression(exp.Mod(this=left, expression=right), scope)


def json_path_text(b: "Binder", node: exp.Expr, scope: Scope) -> "Bound":
    document, *keys = node.expressions
    if len(keys) > 1 and isinstance(keys[-1], exp.Boolean):
        raise SqlError("0A000", "null_if_invalid of json_extract_path_text is not supported")
    if not keys or not all(key.is_string for key in keys):
        raise SqlError("0A000", "json_extract_path_text with keys that are not literals is not supported")
    quoted = ['"' + key.name.replace("\\", "\\\\").replace('"', '\\"') + '"' for key in keys]
    return bound(call("hw_json_text", b.typed(document, scope, VARCHAR), literal("$." + ".".join(quoted))), VARCHAR)


def cast_function(wanted: SqlType) -> Callable[["Binder", exp.Expr, Scope], "Bound"]:
    """date(x), int4(x): a cast in a call's clothes."""

    def rule(b: "Binder", node: exp.Expr, scope: Scope) -> "Bound":
        if len(node.expressions) != 1:
            raise SqlError("42883", f"function {wanted} takes one argument")
        return bound(explicit(b, b.expression(node.expressions[0], scope), wanted), wanted)

    return rule


def generate_series(_b: "Binder", _node: exp.Expr, _scope: Scope) -> "Bound":
    raise SqlError("0A000", "generate_series in a select list is not supported")


def substring(b: "Binder", node: exp.Expr, scope: Scope) -> "Bound":
    parts = [node.this, node.args.get("start") or literal(1), node.args.get("length")]
    return plain(b, "substring", FUNCTIONS["substring"], [part for part in parts if part is not None], scope)


def trimmed(b: "Binder", node: exp.Expr, scope: Scope) -> "Bound":
    native = {"LEADING": "ltrim", "TRAILING": "rtrim"}.get(str(node.args.get("position") or "").upper(), "trim")
    value = b.expression(node.this, scope)
    extra = node.args.get("expression")
    characters = [b.typed(extra, scope, VARCHAR)] if extra is not None else [literal(" ")]
    kind = value.type if value.type.name == "character varying" else VARCHAR
    return bound(call(native, b.coerced(value, VARCHAR), *characters), kind)


def trim_call(native: str) -> Callable[["Binder", exp.Expr, Scope], "Bound"]:
    def rule(b: "Binder", node: exp.Expr, scope: Scope) -> "Bound":
        value, *characters = [b.expression(each, scope) for each in node.expressions]
        extra = [b.coerced(each, VARCHAR) for each in characters] or [literal(" ")]
        return bound(call(native, b.coerced(value, VARCHAR), *extra), value.type if value.type.name == "character varying" else VARCHAR)

    return rule


def position(b: "Binder", node: exp.Expr, scope: Scope) -> "Bound":
    whole, part = b.typed(node.this, scope, VARCHAR), b.typed(node.args["substr"], scope, VARCHAR)
    return bound(call("hw_strpos", whole, part), INTEGER)


def overlaid(_b: "Binder", _node: exp.Expr, _scope: Scope) -> "Bound":
    raise SqlError("0A000", "OVERLAY is not supported")


def qualified(b: "Binder", node: exp.Expr, scope: Scope) -> "Bound":
    """pg_catalog.f(…)"""
    if isinstance(node.expression, exp.Anonymous) and node.this.name.lower() == "pg_catalog":
        return b.expression(node.expression, scope)
    if isinstance(node.expression, exp.Anonymous):
        raise SqlError("42883", f"function {node.this.name}.{node.expression.name}() does not exist")
    raise SqlError("0A000", "navigation into SUPER values is not supported")


def grouping(b: "Binder", node: exp.Expr, scope: Scope) -> "Bound":
    return bound(call("grouping", *[b.expression(each, scope).node for each in node.expressions]), INTEGER)


def truth_value(name: str, kind: SqlType) -> Callable[["Binder", exp.Expr, Scope], "Bound"]:
    def rule(_b: "Binder", _node: exp.Expr, _scope: Scope) -> "Bound":
        return bound(call(name), kind)

    return rule


# Aggregates and windows


def aggregate(b: "Binder", name: str, node: exp.Expr, scope: Scope, order: exp.Order | None) -> Plan:
    arguments = list(node.expressions)
    distinct = bool(arguments) and isinstance(arguments[0], exp.Distinct)
    if distinct:
        arguments = [*arguments[0].expressions, *arguments[1:]]
    if len(arguments) == 1 and isinstance(arguments[0], exp.Star):
        arguments = []
    if distinct and name == "count" and len(arguments) != 1:
        raise SqlError("0A000", "COUNT(DISTINCT) of several columns is not supported")
    values = [b.expression(argument, scope) for argument in arguments]
    types = [each.type for each in values]
    bound_order = None
    if order is not None:
        bound_order, order_types = ordered(b, order, scope)
        types += order_types
    plan = AGGREGATES.get(name) or WINDOWS[name]
    return plan(Argument([each.node for each in values], types, distinct, bound_order))


def ordered(b: "Binder", order: exp.Order, scope: Scope) -> tuple[exp.Order, list[SqlType]]:
    parts, types = [], []
    for each in order.expressions:
        inner = b.expression(each.this, scope)
        parts.append(exp.Ordered(this=inner.node, desc=each.args.get("desc"), nulls_first=each.args.get("nulls_first")))
        types.append(inner.type)
    return exp.Order(expressions=parts), types


def within_group(b: "Binder", node: exp.Expr, scope: Scope) -> "Bound":
    plan = group_plan(b, node, scope)
    return bound(plan.combine(plan.calls), plan.type)


def group_plan(b: "Binder", node: exp.Expr, scope: Scope) -> Plan:
    name = str(node.this.this).lower()
    if name not in ("listagg", "percentile_cont", "percentile_disc"):
        raise SqlError("42809", f"{name} is not an ordered-set aggregate function")
    return aggregate(b, name, node.this, scope, node.expression)


def windowed(b: "Binder", node: exp.Expr, scope: Scope) -> "Bound":
    plan = window_plan(b, node.this, scope)
    partition = [b.expression(each, scope).node for each in node.args.get("partition_by") or ()]
    order = node.args.get("order")
    bound_order = ordered(b, order, scope)[0] if order is not None else None
    if node.args.get("alias") is not None:
        raise SqlError("0A000", "named windows are not supported")
    spec = node.args.get("spec")

    def over(inner: exp.Expr) -> exp.Expr:
        return exp.Window(
            this=inner,
            partition_by=[each.copy() for each in partition],
            order=bound_order.copy() if bound_order is not None else None,
            spec=spec.copy() if spec is not None else None,
            over="OVER",
        )

    return bound(plan.combine([over(each) for each in plan.calls]), plan.type)


def window_plan(b: "Binder", inner: exp.Expr, scope: Scope) -> Plan:
    ignores = isinstance(inner, exp.IgnoreNulls)
    if isinstance(inner, exp.IgnoreNulls | exp.RespectNulls):
        inner = inner.this
    if isinstance(inner, exp.WithinGroup):
        return group_plan(b, inner, scope)
    name = str(inner.this).lower() if isinstance(inner, exp.Anonymous) else ""
    if name not in AGGREGATES and name not in WINDOWS:
        raise SqlError("42809", f"{name or inner.key} is not a window function")
    call_ = inner.copy()
    for index, argument in enumerate(call_.expressions):
        if isinstance(argument, exp.IgnoreNulls | exp.RespectNulls):
            ignores = ignores or isinstance(argument, exp.IgnoreNulls)
            call_.expressions[index] = argument.this
    plan = aggregate(b, name, call_, scope, None)
    if ignores:
        for each in plan.calls:
            each.set("expressions", [*each.expressions[:-1], IgnoringNulls(this=each.expressions[-1])])
    return plan


def collected(b: "Binder", node: exp.Expr, scope: Scope) -> "Bound":
    """ARRAY(SELECT …), which PostgreSQL's clients ask the catalog with."""
    if len(node.expressions) != 1 or not isinstance(node.expressions[0], exp.Query):
        raise SqlError("0A000", "ARRAY as a function is not supported")
    inner = b.expression(exp.Subquery(this=node.expressions[0]), scope).node
    return bound(call("ARRAY", inner.this), SqlType("text[]"))


def to_number(b: "Binder", node: exp.Expr, scope: Scope) -> "Bound":
    """TO_NUMBER with a literal format: what is not a digit, a sign or the point is decoration."""
    value, pattern = node.expressions
    if not pattern.is_string:
        raise SqlError("0A000", "TO_NUMBER with a format that is not a literal is not supported")
    fraction = pattern.name.upper().replace("D", ".").partition(".")[2]
    scale = sum(c in "09" for c in fraction)
    kind = numeric(38, scale)
    return bound(cast(call("hw_digits_only", b.typed(value, scope, VARCHAR)), kind), kind)


SPECIAL: Final[dict[str, Callable[["Binder", exp.Expr, Scope], "Bound"]]] = {
    "nvl2": nvl2,
    "decode": decode,
    "getdate": clock(TIMESTAMP),
    "sysdate": clock(TIMESTAMP, "hw_began"),
    "now": clock(SqlType("timestamp with time zone"), "hw_began_tz"),
    "timeofday": clock(TEXT, "hw_now"),
    "round": rounding("round"),
    "trunc": rounding("trunc"),
    "mod": modulo,
    "json_extract_path_text": json_path_text,
    "generate_series": generate_series,
    "grouping": grouping,
    "to_number": to_number,
    "array": collected,
    "btrim": trim_call("trim"),
    "trim": trim_call("trim"),
    "ltrim": trim_call("ltrim"),
    "rtrim": trim_call("rtrim"),
    "current_user": truth_value("hw_current_user", SqlType("name")),
    "session_user": truth_value("hw_current_user", SqlType("name")),
    "user": truth_value("hw_current_user", SqlType("name")),
    **{
        name: cast_function(kind)
        for name, kind in SPELLINGS.items()
        if name in ("date", "int2", "int4", "int8", "float4", "float8", "bool")
    },
    "text": cast_function(VARCHAR),
    "timestamp": cast_function(TIMESTAMP),
    **moments.CALLS,
}

RULES: Final[dict[type[exp.Expr], Callable[["Binder", exp.Expr, Scope], "Bound"]]] = {
    exp.Anonymous: function,
    exp.Dot: qualified,
    exp.Window: windowed,
    exp.WithinGroup: within_group,
    exp.Substring: substring,
    exp.Trim: trimmed,
    exp.StrPosition: position,
    exp.Overlay: overlaid,
    exp.Extract: moments.extracted,
    exp.CurrentDate: clock(DATE, "hw_began"),
    exp.CurrentTimestamp: clock(SqlType("timestamp with time zone"), "hw_began_tz"),
    exp.Localtimestamp: clock(TIMESTAMP, "hw_began"),
    exp.CurrentTime: clock(SqlType("time without time zone"), "hw_began"),
    exp.CurrentUser: no_value_function("hw_current_user"),
    exp.SessionUser: no_value_function("hw_current_user"),
    exp.CurrentSchema: no_value_function("hw_current_schema"),
    exp.CurrentCatalog: no_value_function("hw_current_database"),
}
