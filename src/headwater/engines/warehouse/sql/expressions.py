"""Literals, names and comparisons: what each means, and what type it gives."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from sqlglot import exp

from headwater.engines.warehouse.sql import build, coercion
from headwater.engines.warehouse.sql.build import as_text, call, cast, literal
from headwater.engines.warehouse.sql.errors import SqlError
from headwater.engines.warehouse.sql.scope import Scope
from headwater.engines.warehouse.sql.types import (
    BIGINT,
    BOOLEAN,
    DOUBLE,
    INTEGER,
    INTERVAL,
    TEXT,
    TIMESTAMP,
    TIMESTAMPTZ,
    UNKNOWN,
    VARCHAR,
    SqlType,
    common,
    from_cast,
    numeric,
)

if TYPE_CHECKING:
    from headwater.engines.warehouse.sql.binder import Binder, Bound

INTEGER_MAX: Final = 2**31 - 1
BIGINT_MAX: Final = 2**63 - 1


def bound(node: exp.Expr, kind: SqlType) -> "Bound":
    from headwater.engines.warehouse.sql.binder import Bound

    return Bound(node, kind)


def value(_b: "Binder", node: exp.Expr, _scope: Scope) -> "Bound":
    if node.is_string:
        return bound(exp.Literal.string(node.name), UNKNOWN)
    text = node.name
    if text.isdigit():
        size = int(text)
        kind = INTEGER if size <= INTEGER_MAX else BIGINT if size <= BIGINT_MAX else numeric(38, 0)
        return bound(node.copy(), kind)
    if "e" in text.lower():
        return bound(cast(node.copy(), DOUBLE), DOUBLE)
    whole, _, fraction = text.partition(".")
    kind = numeric(max(len(whole.lstrip("0")) + len(fraction), 1), len(fraction))
    return bound(cast(exp.Literal.string(text), kind), kind)


def text_value(_b: "Binder", node: exp.Expr, _scope: Scope) -> "Bound":
    return bound(exp.Literal.string(node.name), UNKNOWN)


def adjacent_text(_b: "Binder", node: exp.Expr, _scope: Scope) -> "Bound":
    """'a' 'b', which SQL joins."""
    if not all(part.is_string for part in node.expressions):
        raise SqlError("42601", "syntax error: string literals are expected")
    return bound(exp.Literal.string("".join(part.name for part in node.expressions)), UNKNOWN)


def truth(_b: "Binder", node: exp.Expr, _scope: Scope) -> "Bound":
    return bound(node.copy(), BOOLEAN)


def null(_b: "Binder", node: exp.Expr, _scope: Scope) -> "Bound":
    return bound(node.copy(), UNKNOWN)


def parameter(b: "Binder", node: exp.Expr, _scope: Scope) -> "Bound":
    if not node.name.isdigit():
        raise SqlError("42601", f'syntax error at or near "{node.name}"')
    index = int(node.name)
    if not 1 <= index <= 32767:
        raise SqlError("42P02", f"there is no parameter ${index}")
    return bound(exp.Parameter(this=literal(index)), b.parameter(index))


NAMED_VALUES: Final = {"user": "current_user", "current_user_id": "current_user_id"}


def column(b: "Binder", node: exp.Expr, scope: Scope) -> "Bound":
    if node.text("catalog"):
        b.check_database(node.text("catalog").lower())
    name = node.name.lower()
    table = node.text("table").lower() or None
    schema = node.text("db").lower() or None
    if isinstance(node.this, exp.Star):
        raise SqlError("0A000", "a row as a value is not supported")
    try:
        found = scope.column(name, table, schema)
    except SqlError:
        if table is None and name in ("user", "current_user_id"):
            return b.expression(exp.Anonymous(this=NAMED_VALUES[name]), scope)
        raise
    if found.label is not None:
        return bound(exp.Paren(this=found.label.node.copy()), found.type)
    if found.source is None:
        for source in scope.sources:
            if name in source.columns:
                b.column_used(source, name)
        return bound(exp.column(exp.to_identifier(name, quoted=True)), found.type)
    b.column_used(found.source, name)
    return bound(exp.column(exp.to_identifier(name, quoted=True), table=exp.to_identifier(found.source.alias, quoted=True)), found.type)


def paren(b: "Binder", node: exp.Expr, scope: Scope) -> "Bound":
    inner = b.expression(node.this, scope)
    return inner if isinstance(inner.node, exp.Parameter | exp.Literal) else bound(exp.Paren(this=inner.node), inner.type)


def negation(b: "Binder", node: exp.Expr, scope: Scope) -> "Bound":
    inner = b.expression(node.this, scope)
    operand, kind = coercion.number(b, inner, DOUBLE) if inner.type.name != "interval" else inner
    return bound(exp.Neg(this=operand), kind)


def logic(b: "Binder", node: exp.Expr, scope: Scope) -> "Bound":
    sides = [b.typed(node.this, scope, BOOLEAN), b.typed(node.expression, scope, BOOLEAN)]
    return bound(type(node)(this=sides[0], expression=sides[1]), BOOLEAN)


def inversion(b: "Binder", node: exp.Expr, scope: Scope) -> "Bound":
    return bound(exp.Not(this=b.typed(node.this, scope, BOOLEAN)), BOOLEAN)


def comparison(b: "Binder", node: exp.Expr, scope: Scope) -> "Bound":
    if isinstance(node.expression, exp.Any | exp.All):
        return quantified(b, node, scope)
    if isinstance(node.this, exp.Tuple) and isinstance(node.expression, exp.Tuple):
        return of_rows(b, node, scope)
    left, right, _ = coercion.alike(b, b.expression(node.this, scope), b.expression(node.expression, scope))
    return bound(type(node)(this=left, expression=right), BOOLEAN)


def of_rows(b: "Binder", node: exp.Expr, scope: Scope) -> "Bound":
    """(a, b) = (c, d): member by member."""
    ones, others = node.this.expressions, node.expression.expressions
    if not isinstance(node, exp.EQ | exp.NEQ):
        raise SqlError("0A000", "rows are compared with = and <> only")
    if len(ones) != len(others):
        raise SqlError("42601", "unequal number of entries in row expressions")
    pairs = [exp.EQ(this=one.copy(), expression=other.copy()) for one, other in zip(ones, others, strict=True)]
    same = exp.Paren(this=b.expression(exp.and_(*pairs), scope).node)
    return bound(exp.Not(this=same) if isinstance(node, exp.NEQ) else same, BOOLEAN)


def quantified(b: "Binder", node: exp.Expr, scope: Scope) -> "Bound":
    """x = ANY (array or subquery)"""
    left = b.expression(node.this, scope)
    inner = node.expression.this
    inner = inner.this if isinstance(inner, exp.Paren) else inner
    if isinstance(inner, exp.Query):
        right: exp.Expr = b.expression(exp.Subquery(this=inner), scope).node
        return bound(type(node)(this=left.node, expression=type(node.expression)(this=right)), BOOLEAN)
    if inner.is_string:
        members = [exp.Literal.string(part.strip().strip('"')) for part in inner.name.strip("{}").split(",") if part]
        right = exp.Array(expressions=[b.coerced(bound(member, UNKNOWN), left.type) for member in members])
    else:
        right = b.expression(inner, scope).node
    test = call("list_contains", right, left.node)
    if isinstance(node, exp.NEQ) and isinstance(node.expression, exp.All):
        return bound(exp.Not(this=test), BOOLEAN)
    if not (isinstance(node, exp.EQ) and isinstance(node.expression, exp.Any)):
        raise SqlError("0A000", "this comparison with the members of an array is not supported")
    return bound(test, BOOLEAN)


def identity_test(b: "Binder", node: exp.Expr, scope: Scope) -> "Bound":
    """IS NULL, IS TRUE …"""
    left = b.expression(node.this, scope)
    if not isinstance(node.expression, exp.Null | exp.Boolean):
        raise SqlError("0A000", f"IS {node.expression.sql()[:40]} is not supported")
    operand = b.coerced(left, BOOLEAN) if isinstance(node.expression, exp.Boolean) else left.node
    return bound(exp.Is(this=operand, expression=node.expression.copy()), BOOLEAN)


def membership(b: "Binder", node: exp.Expr, scope: Scope) -> "Bound":
    left = b.expression(node.this, scope)
    query = node.args.get("query")
    if query is not None:
        subquery = b.expression(query if isinstance(query, exp.Subquery) else exp.Subquery(this=query), scope)
        operand, _, kind = coercion.alike(b, left, subquery)
        if subquery.type.is_text != kind.is_text:
            raise SqlError("42883", f"operator does not exist: {left.type} = {subquery.type}")
        return bound(exp.In(this=operand, query=subquery.node), BOOLEAN)
    if isinstance(node.this, exp.Tuple):
        raise SqlError("0A000", "IN with rows is not supported")
    members = [b.expression(member, scope) for member in node.expressions]
    if left.type.name == "unknown" and members:
        left = bound(b.coerced(left, members[0].type), members[0].type)
    pairs = [coercion.alike(b, left, member) for member in members]
    operand = next((one for one, _, kind in pairs if kind.is_text != left.type.is_text), left.node)
    return bound(exp.In(this=operand, expressions=[other for _, other, _ in pairs]), BOOLEAN)


def between(b: "Binder", node: exp.Expr, scope: Scope) -> "Bound":
    if node.args.get("symmetric"):
        raise SqlError("0A000", "BETWEEN SYMMETRIC is not supported")
    operand = b.expression(node.this, scope)
    low, high = b.expression(node.args["low"], scope), b.expression(node.args["high"], scope)
    if operand.type.name == "unknown":
        kind = common(low.type, high.type)
        operand = bound(b.coerced(operand, kind), kind)
    left, lowest, _ = coercion.alike(b, operand, low)
    _, highest, _ = coercion.alike(b, operand, high)
    return bound(exp.Between(this=left, low=lowest, high=highest), BOOLEAN)


def likeness(b: "Binder", node: exp.Expr, scope: Scope) -> "Bound":
    """LIKE, whose escape is the backslash unless another is named."""
    return pattern_match(b, node, scope, literal("\\"))


def escaped(b: "Binder", node: exp.Expr, scope: Scope) -> "Bound":
    return pattern_match(b, node.this, scope, node.expression.copy())


def pattern_match(b: "Binder", node: exp.Expr, scope: Scope, escape: exp.Expr) -> "Bound":
    left, right = b.typed(node.this, scope, VARCHAR), b.typed(node.expression, scope, VARCHAR)
    match: exp.Expr = type(node)(this=left, expression=right)
    if not (isinstance(right, exp.Literal) and escape.name not in right.name):
        match = exp.Escape(this=match, expression=escape)
    negated = bool(node.args.get("negate"))
    return bound(exp.Not(this=exp.Paren(this=match)) if negated else match, BOOLEAN)


def regular(b: "Binder", node: exp.Expr, scope: Scope) -> "Bound":
    """~ and ~*"""
    left, right = b.typed(node.this, scope, VARCHAR), b.typed(node.expression, scope, VARCHAR)
    flags = [literal("i")] if isinstance(node, exp.RegexpILike) else []
    return bound(call("regexp_matches", left, right, *flags), BOOLEAN)


def similar(b: "Binder", node: exp.Expr, scope: Scope) -> "Bound":
    if not node.expression.is_string:
        raise SqlError("0A000", "SIMILAR TO with a pattern that is not a literal is not supported")
    pattern = "".join({"%": ".*", "_": ".", ".": "\\.", "^": "\\^", "$": "\\$"}.get(c, c) for c in node.expression.name)
    return bound(call("regexp_full_match", b.typed(node.this, scope, VARCHAR), literal(pattern)), BOOLEAN)


OPERATORS: Final[dict[str, type[exp.Binary]]] = {
    "~": exp.RegexpLike,
    "~*": exp.RegexpILike,
    "=": exp.EQ,
    "<>": exp.NEQ,
    "~~": exp.Like,
    "<": exp.LT,
    ">": exp.GT,
}


def named_operator(b: "Binder", node: exp.Expr, scope: Scope) -> "Bound":
    """a OPERATOR(pg_catalog.~) b"""
    operator = str(node.args["operator"]).rpartition(".")[2]
    negated = operator.startswith("!")
    kind: type[exp.Binary] | None = OPERATORS.get(operator.removeprefix("!"))
    if kind is None:
        raise SqlError("42883", f"operator does not exist: {operator}")
    test = b.expression(kind(this=node.this, expression=node.expression), scope).node
    return bound(exp.Not(this=test) if negated else test, BOOLEAN)


def collated(b: "Binder", node: exp.Expr, scope: Scope) -> "Bound":
    """COLLATE: there is one collation, by bytes, which is Redshift's too."""
    if node.expression.name.lower().strip("'") in ("case_insensitive", "ci"):
        raise SqlError("0A000", "COLLATE CASE_INSENSITIVE is not supported")
    return b.expression(node.this, scope)


def joined_text(b: "Binder", node: exp.Expr, scope: Scope) -> "Bound":
    left, right = b.expression(node.this, scope), b.expression(node.expression, scope)
    if left.type.name.endswith("[]") or right.type.name.endswith("[]"):
        return bound(call("list_concat", left.node, right.node), left.type if left.type.name.endswith("[]") else right.type)
    sides = [side.node if side.type.is_text else as_text(side.node, side.type) for side in (left, right)]
    length = left.type.length + right.type.length if left.type.length and right.type.length else 0
    return bound(exp.DPipe(this=sides[0], expression=sides[1]), SqlType("character varying", length))


def conversion(b: "Binder", node: exp.Expr, scope: Scope) -> "Bound":
    target = node.args["to"]
    inner = b.expression(node.this, scope)
    if isinstance(target, exp.Interval) or target.is_type("interval"):
        return bound(exp.Cast(this=inner.node, to=build.native("INTERVAL")), INTERVAL)
    if isinstance(target, exp.ObjectIdentifier) and target.name.lower() == "regtype":
        return bound(call("hw_regtype", inner.node), TEXT)
    wanted = object_type(target) if isinstance(target, exp.ObjectIdentifier) else from_cast(target)
    if wanted == VARCHAR and inner.type.is_text and inner.type.length:
        wanted = SqlType("character varying", inner.type.length)
    return bound(converted_to(b, inner, wanted), wanted)


def converted_to(b: "Binder", inner: "Bound", wanted: SqlType) -> exp.Expr:
    """The value of a cast, the types of PostgreSQL's catalog among them."""
    if wanted.name == "regclass":
        return call("hw_regclass", as_text(inner.node, inner.type))
    if wanted.name.endswith("[]") or wanted.name == "int2vector":
        return inner.node if inner.type.name.endswith("[]") else call("hw_array", inner.node)
    if wanted.name == "oid" and inner.type.is_text:
        return cast(inner.node, BIGINT)
    return coercion.explicit(b, inner, wanted)


def object_type(target: exp.Expr) -> SqlType:
    name = target.name.lower()
    if name not in ("oid", "regclass", "name"):
        raise SqlError("0A000", f"type {name} is not supported")
    return SqlType(name)


def choice(b: "Binder", node: exp.Expr, scope: Scope) -> "Bound":
    """CASE, in both forms."""
    operand = b.expression(node.this, scope) if node.this is not None else None
    tests, results = [], []
    for branch in node.args["ifs"]:
        if operand is None:
            tests.append(b.typed(branch.this, scope, BOOLEAN))
        else:
            left, right, _ = coercion.alike(b, operand, b.expression(branch.this, scope))
            tests.append(exp.EQ(this=exp.Paren(this=left.copy()), expression=exp.Paren(this=right)))
        results.append(b.expression(branch.args["true"], scope))
    default = node.args.get("default")
    if default is not None:
        results.append(b.expression(default, scope))
    nodes, kind = together(b, results)
    branches = [exp.If(this=test, true=result) for test, result in zip(tests, nodes, strict=False)]
    return bound(exp.Case(ifs=branches, default=nodes[-1] if default is not None else None), kind)


def together(b: "Binder", values: "list[Bound]") -> tuple[list[exp.Expr], SqlType]:
    """Values of which one is chosen, brought to one type."""
    kind = values[0].type
    for other in values[1:]:
        if kind.is_text != other.type.is_text and "unknown" not in (kind.name, other.type.name):
            raise SqlError("42804", f"CASE types {kind} and {other.type} cannot be matched")
        kind = common(kind, other.type)
    return [b.coerced(each, kind) if each.type.name == "unknown" else each.node for each in values], kind


def interval(_b: "Binder", node: exp.Expr, _scope: Scope) -> "Bound":
    unit = node.args.get("unit")
    words = f"{node.this.name} {unit.name.lower()}" if unit is not None else node.this.name
    return bound(exp.Cast(this=literal(words), to=build.native("INTERVAL")), INTERVAL)


def at_time_zone(b: "Binder", node: exp.Expr, scope: Scope) -> "Bound":
    inner = b.expression(node.this, scope)
    zone = b.typed(node.args["zone"], scope, VARCHAR)
    if inner.type == TIMESTAMPTZ:
        return bound(call("timezone", zone, inner.node), TIMESTAMP)
    return bound(call("timezone", zone, b.coerced(inner, TIMESTAMP)), TIMESTAMPTZ)


def array(b: "Binder", node: exp.Expr, scope: Scope) -> "Bound":
    members = [b.expression(member, scope) for member in node.expressions]
    kind = "integer[]" if members and members[0].type.is_integer else "text[]"
    return bound(exp.Array(expressions=[member.node for member in members]), SqlType(kind))


def subscript(b: "Binder", node: exp.Expr, scope: Scope) -> "Bound":
    """PostgreSQL's catalog has arrays, counted from 1 as DuckDB's lists are."""
    inner = b.expression(node.this, scope)
    if not inner.type.name.endswith("[]") and inner.type.name != "int2vector":
        raise SqlError("0A000", "navigation into SUPER values is not supported")
    index = b.typed(node.expressions[0], scope, INTEGER)
    kind = {"text[]": VARCHAR, "oid[]": SqlType("oid"), "integer[]": INTEGER}.get(inner.type.name, INTEGER)
    return bound(call("list_extract", inner.node, index), kind)


Rule = Callable[["Binder", exp.Expr, Scope], "Bound"]
RULES: Final[dict[type[exp.Expr], Rule]] = {
    exp.Literal: value,
    exp.RawString: text_value,
    exp.ByteString: text_value,
    exp.National: text_value,
    exp.Concat: adjacent_text,
    exp.Boolean: truth,
    exp.Null: null,
    exp.Parameter: parameter,
    exp.Column: column,
    exp.Paren: paren,
    exp.Neg: negation,
    exp.And: logic,
    exp.Or: logic,
    exp.Not: inversion,
    **dict.fromkeys((exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ), comparison),
    exp.Is: identity_test,
    exp.In: membership,
    exp.Between: between,
    exp.Like: likeness,
    exp.ILike: likeness,
    exp.Escape: escaped,
    exp.RegexpLike: regular,
    exp.RegexpILike: regular,
    exp.SimilarTo: similar,
    exp.Operator: named_operator,
    exp.Collate: collated,
    exp.DPipe: joined_text,
    exp.Cast: conversion,
    exp.Case: choice,
    exp.Interval: interval,
    exp.AtTimeZone: at_time_zone,
    exp.Array: array,
    exp.Bracket: subscript,
}
