"""Queries: WITH, FROM, SELECT, set operations. What comes out is the same query in DuckDB's words.

Stars are spelled out and every column is named, so that pseudo-columns stay hidden, and so that types are known; views
are put in as subqueries, because what lies under a late-binding view is known only when it is used.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from sqlglot import exp

from headwater.engines.warehouse.sql.build import cast
from headwater.engines.warehouse.sql.errors import SqlError
from headwater.engines.warehouse.sql.expressions import bound
from headwater.engines.warehouse.sql.labels import label
from headwater.engines.warehouse.sql.pruning import restrict_scans
from headwater.engines.warehouse.sql.scope import Label, Output, Scope, Source, renamed
from headwater.engines.warehouse.sql.sources import bind_from
from headwater.engines.warehouse.sql.types import BIGINT, BOOLEAN, UNKNOWN, VARCHAR, SqlType, common

if TYPE_CHECKING:
    from headwater.engines.warehouse.sql.binder import Binder, Bound

REFUSED_PARTS: Final = {
    "into": "SELECT INTO",
    "pivots": "PIVOT",
    "connect": "CONNECT BY",
    "windows": "WINDOW",
    "exclude": "EXCLUDE",
    "laterals": "LATERAL",
}


def bind_query(b: "Binder", node: exp.Expr, parent: Scope | None) -> tuple[exp.Expr, list[Output]]:
    """The query in DuckDB's words, and its columns."""
    if isinstance(node, exp.Select):
        return bind_select(b, node, parent)
    if isinstance(node, exp.SetOperation):
        return bind_set_operation(b, node, parent)
    if isinstance(node, exp.Subquery):
        return bind_wrapped(b, node, parent)
    if isinstance(node, exp.Values) or (isinstance(node, exp.Anonymous) and str(node.this).lower() == "values"):
        return bind_values(b, node, parent)
    raise SqlError("0A000", f"{type(node).__name__} as a query is not supported")


def bind_wrapped(b: "Binder", node: exp.Subquery, parent: Scope | None) -> tuple[exp.Expr, list[Output]]:
    """(query) ORDER BY … LIMIT …"""
    scope = Scope(parent)
    with_ = bind_with(b, node, scope)
    inner, outputs = bind_query(b, node.this, scope)
    result: exp.Expr = exp.Subquery(this=inner)
    if any(node.args.get(part) for part in ("order", "limit", "offset")) or with_ is not None:
        named = exp.select("*").from_(exp.Subquery(this=inner, alias=exp.TableAlias(this=exp.to_identifier("__wrapped", quoted=True))))
        trailing_parts(b, node, named, scope, outputs)
        if with_ is not None:
            named.set("with_", with_)
        result = exp.Subquery(this=named)
    return result, outputs


def bind_set_operation(b: "Binder", node: exp.SetOperation, parent: Scope | None) -> tuple[exp.Expr, list[Output]]:
    scope = Scope(parent)
    with_ = bind_with(b, node, scope)
    left, ours = bind_query(b, node.this, scope)
    right, theirs = bind_query(b, node.expression, scope)
    if len(ours) != len(theirs):
        raise SqlError("42601", f"each {node.key.upper()} query must have the same number of columns")
    outputs = [Output(one.name, united(node, one.type, other.type)) for one, other in zip(ours, theirs, strict=True)]
    whole = type(node)(
        this=recast(left, ours, outputs), expression=recast(right, theirs, outputs), distinct=node.args.get("distinct", True), with_=with_
    )
    trailing_parts(b, node, whole, scope, outputs)
    return whole, outputs


def united(node: exp.SetOperation, left: SqlType, right: SqlType) -> SqlType:
    if left.is_text != right.is_text and "unknown" not in (left.name, right.name):
        raise SqlError("42804", f"{node.key.upper()} types {left} and {right} cannot be matched")
    kind = common(left, right)
    return VARCHAR if kind == UNKNOWN else kind


def recast(query: exp.Expr, have: list[Output], want: list[Output]) -> exp.Expr:
    """The query with its columns in the common types. Only literals of unknown type need it: DuckDB unites the rest alike."""
    if not any(
        one.type != other.type and one.type.name == "unknown" and not other.type.is_text for one, other in zip(have, want, strict=True)
    ):
        return query
    names = [exp.to_identifier(f"c{index}", quoted=True) for index in range(len(have))]
    columns = [
        exp.alias_(
            cast(exp.column(name.copy()), other.type) if one.type.name == "unknown" else exp.column(name.copy()), other.name, quoted=True
        )
        for name, one, other in zip(names, have, want, strict=True)
    ]
    alias = exp.TableAlias(this=exp.to_identifier("__side", quoted=True), columns=names)
    return exp.select(*columns).from_(exp.Subquery(this=query, alias=alias))


def bind_values(b: "Binder", node: exp.Expr, parent: Scope | None) -> tuple[exp.Expr, list[Output]]:
    scope = Scope(parent)
    rows: list[list[Bound]] = []
    for row in node.expressions:
        cells = row.expressions if isinstance(row, exp.Tuple) else [row.this if isinstance(row, exp.Paren) else row]
        rows.append([b.expression(cell, scope) for cell in cells])
    if len({len(row) for row in rows}) != 1:
        raise SqlError("42601", "VALUES lists must all be the same length")
    kinds = []
    for column in zip(*rows, strict=True):
        kind = column[0].type
        for cell in column[1:]:
            kind = common(kind, cell.type)
        kinds.append(kind)
    tuples = [
        exp.Tuple(
            expressions=[b.coerced(cell, kind) if cell.type.name == "unknown" else cell.node for cell, kind in zip(row, kinds, strict=True)]
        )
        for row in rows
    ]
    return exp.Values(expressions=tuples), [Output(f"column{index}", kind) for index, kind in enumerate(kinds, 1)]


def bind_with(b: "Binder", node: exp.Expr, scope: Scope) -> exp.With | None:
    with_ = node.args.get("with_")
    if with_ is None:
        return None
    recursive = bool(with_.args.get("recursive"))
    ctes = []
    for cte in with_.expressions:
        name = cte.alias.lower()
        names = [column.name.lower() for column in cte.args["alias"].columns]
        if recursive and isinstance(cte.this, exp.SetOperation):
            _, anchor = bind_query(b, cte.this.this.copy(), scope)
            scope.ctes[name] = renamed(anchor, names, name)
        inner, outputs = bind_query(b, cte.this, scope)
        outputs = renamed(outputs, names, name)
        scope.ctes[name] = outputs
        columns = [exp.to_identifier(output.name, quoted=True) for output in outputs]
        ctes.append(exp.CTE(this=inner, alias=exp.TableAlias(this=exp.to_identifier(name, quoted=True), columns=columns)))
    return exp.With(expressions=ctes, recursive=recursive)


def bind_select(b: "Binder", node: exp.Select, parent: Scope | None) -> tuple[exp.Expr, list[Output]]:
    for part, feature in REFUSED_PARTS.items():
        if node.args.get(part):
            raise SqlError("0A000", f"{feature} is not supported here")
    scope = Scope(parent)
    select = exp.Select()
    with_ = bind_with(b, node, scope)
    if with_ is not None:
        select.set("with_", with_)
    bind_from(b, node, select, scope)
    where = node.args.get("where")
    projections, outputs = bind_projections(b, node, scope)
    if where is not None:
        condition = b.typed(where.this, scope, BOOLEAN)
        select.set("where", exp.Where(this=condition))
        if not any(join.args.get("side") for join in node.args.get("joins") or ()):
            restrict_scans(b, scope, condition)  # beside an outer join, a row left out could turn into one of NULLs
    select.set("expressions", projections)
    bind_distinct(b, node, select, scope)
    group = node.args.get("group")
    if group is not None:
        select.set("group", bind_group(b, group, scope))
    for part, kind in (("having", exp.Having), ("qualify", exp.Qualify)):
        clause = node.args.get(part)
        if clause is not None:
            select.set(part, kind(this=b.typed(clause.this, scope, BOOLEAN)))
    trailing_parts(b, node, select, scope, outputs)
    return select, outputs


def bind_distinct(b: "Binder", node: exp.Select, select: exp.Select, scope: Scope) -> None:
    distinct = node.args.get("distinct")
    if distinct is None:
        return
    if distinct.args.get("on") is not None:
        raise SqlError("0A000", "SELECT DISTINCT ON is not supported")
    select.set("distinct", exp.Distinct())


def bind_group(b: "Binder", group: exp.Group, scope: Scope) -> exp.Group:
    def one(each: exp.Expr) -> exp.Expr:
        if isinstance(each, exp.Rollup | exp.Cube | exp.GroupingSets):
            return type(each)(expressions=[one(inner) for inner in each.expressions])
        if isinstance(each, exp.Paren):
            return one(each.this)
        if isinstance(each, exp.Tuple):
            return exp.Tuple(expressions=[one(inner) for inner in each.expressions])
        if each.is_int:
            return each.copy()
        label = grouped_label(each, scope)
        return exp.Literal.number(label.place) if label is not None else b.expression(each, scope).node

    found = exp.Group(expressions=[one(each) for each in group.expressions])
    for kind in ("rollup", "cube", "grouping_sets"):
        sets = group.args.get(kind)
        if sets:
            found.set(kind, [type(each)(expressions=[one(inner) for inner in each.expressions]) for each in sets])
    if group.args.get("all") or group.args.get("totals"):
        raise SqlError("0A000", "GROUP BY ALL is not supported")
    return found


def grouped_label(node: exp.Expr, scope: Scope) -> Label | None:
    """GROUP BY a name of the select list, unless a table has a column of that name."""
    if not isinstance(node, exp.Column) or node.text("table") or isinstance(node.this, exp.Star):
        return None
    name = node.name.lower()
    if name in scope.merged or any(name in source.columns for source in scope.sources):
        return None
    return scope.labels.get(name)


def bind_projections(b: "Binder", node: exp.Select, scope: Scope) -> tuple[list[exp.Expr], list[Output]]:
    if not node.expressions:
        raise SqlError("42601", "syntax error: SELECT needs a list of columns")
    projections: list[exp.Expr] = []
    outputs: list[Output] = []
    for each in node.expressions:
        for name, found in projected(b, each, scope):
            projections.append(exp.alias_(found.node, name, quoted=True, copy=False))
            outputs.append(Output(name, found.type))
            if isinstance(each, exp.Alias):
                scope.labels[name] = Label(found.node, found.type, len(outputs))
    return projections, outputs


def projected(b: "Binder", node: exp.Expr, scope: Scope) -> "list[tuple[str, Bound]]":
    if isinstance(node, exp.Star):
        if not scope.sources:
            raise SqlError("42601", "SELECT * with no tables specified is not valid")
        return whole_scope(b, scope)
    if isinstance(node, exp.Column) and isinstance(node.this, exp.Star):
        table, schema = node.text("table").lower(), node.text("db").lower() or None
        for source in scope.sources:
            if source.name == table and schema in (None, source.schema):
                return whole_source(b, source, frozenset())
        raise SqlError("42P01", f'missing FROM-clause entry for table "{table}"')
    if isinstance(node, exp.Alias):
        return [(node.alias.lower(), b.expression(node.this, scope))]
    return [(label(node), b.expression(node, scope))]


def whole_scope(b: "Binder", scope: Scope) -> "list[tuple[str, Bound]]":
    found = []
    for name, kind in scope.merged.items():
        for source in scope.sources:
            if name in source.columns:
                b.column_used(source, name)
        found.append((name, bound(exp.column(exp.to_identifier(name, quoted=True)), kind)))
    for source in scope.sources:
        found += whole_source(b, source, source.merged)
    return found


def whole_source(b: "Binder", source: Source, without: frozenset[str]) -> "list[tuple[str, Bound]]":
    found = []
    for name, kind in source.columns.items():
        if name not in source.hidden and name not in without:
            b.column_used(source, name)
            column = exp.column(exp.to_identifier(name, quoted=True), table=exp.to_identifier(source.alias, quoted=True))
            found.append((name, bound(column, kind)))
    return found


def trailing_parts(b: "Binder", node: exp.Expr, target: exp.Expr, scope: Scope, outputs: list[Output]) -> None:
    """ORDER BY, LIMIT and OFFSET. A bare name in ORDER BY is an output column first."""
    order = node.args.get("order")
    if order is not None:
        names = {output.name for output in outputs}
        only_names = not isinstance(node, exp.Select)
        target.set("order", exp.Order(expressions=[order_part(b, each, scope, names, only_names=only_names) for each in order.expressions]))
    limit = node.args.get("limit")
    if limit is not None and limit.expression is not None and limit.expression.name.upper() not in ("ALL", "NULL"):
        target.set("limit", exp.Limit(expression=b.typed(limit.expression, Scope(), BIGINT)))
    offset = node.args.get("offset")
    if offset is not None:
        target.set("offset", exp.Offset(expression=b.typed(offset.expression, Scope(), BIGINT)))


def order_part(b: "Binder", node: exp.Expr, scope: Scope, names: set[str], *, only_names: bool) -> exp.Expr:
    key = node.this
    if key.is_int:
        inner = key.copy()
    elif isinstance(key, exp.Column) and not key.text("table") and key.name.lower() in names:
        inner = exp.column(exp.to_identifier(key.name.lower(), quoted=True))
    elif only_names:
        raise SqlError("0A000", "ORDER BY on a UNION must be on one of the result columns")
    else:
        inner = b.expression(key, scope).node
    return exp.Ordered(this=inner, desc=bool(node.args.get("desc")), nulls_first=bool(node.args.get("nulls_first")))


# Queries inside expressions


def scalar(b: "Binder", node: exp.Expr, scope: Scope) -> "Bound":
    inner, outputs = bind_query(b, node.this, scope)
    if len(outputs) != 1:
        raise SqlError("42601", "subquery must return only one column")
    return bound(exp.Subquery(this=inner), outputs[0].type)


def existence(b: "Binder", node: exp.Expr, scope: Scope) -> "Bound":
    query = node.this.this if isinstance(node.this, exp.Subquery) else node.this
    return bound(exp.Exists(this=bind_query(b, query, scope)[0]), BOOLEAN)


Rule = Callable[["Binder", exp.Expr, Scope], "Bound"]
RULES: Final[dict[type[exp.Expr], Rule]] = {
    exp.Subquery: scalar,
    exp.Select: lambda b, n, s: scalar(b, exp.Subquery(this=n), s),
    exp.Exists: existence,
}
