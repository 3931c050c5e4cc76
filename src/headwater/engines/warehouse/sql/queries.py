"""Queries: WITH, FROM, SELECT, set operations. What comes out is the same query in DuckDB's words.

Stars are spelled out and every column is named, so that pseudo-columns stay hidden, and so that types are known; views
are put in as subqueries, because what lies under a late-binding view is known only when it is used.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from sqlglot import exp

from headwater.engines.warehouse.sql.build import cast
from headwater.engines.warehouse.sql.catalog import Relation
from headwater.engines.warehouse.sql.errors import SqlError
from headwater.engines.warehouse.sql.expressions import bound
from headwater.engines.warehouse.sql.labels import label
from headwater.engines.warehouse.sql.pruning import restrict_scans
from headwater.engines.warehouse.sql.scope import Output, Scope, Source
from headwater.engines.warehouse.sql.statements import Name
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


def bind_query(b: "Binder", node: exp.Expression, parent: Scope | None) -> tuple[exp.Expression, list[Output]]:
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


def bind_wrapped(b: "Binder", node: exp.Subquery, parent: Scope | None) -> tuple[exp.Expression, list[Output]]:
    """(query) ORDER BY … LIMIT …"""
    scope = Scope(parent)
    with_ = bind_with(b, node, scope)
    inner, outputs = bind_query(b, node.this, scope)
    result: exp.Expression = exp.Subquery(this=inner)
    if any(node.args.get(part) for part in ("order", "limit", "offset")) or with_ is not None:
        named = exp.select("*").from_(exp.Subquery(this=inner, alias=exp.TableAlias(this=exp.to_identifier("__wrapped", quoted=True))))
        trailing_parts(b, node, named, scope, outputs)
        if with_ is not None:
            named.set("with_", with_)
        result = exp.Subquery(this=named)
    return result, outputs


def bind_set_operation(b: "Binder", node: exp.SetOperation, parent: Scope | None) -> tuple[exp.Expression, list[Output]]:
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


def recast(query: exp.Expression, have: list[Output], want: list[Output]) -> exp.Expression:
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


def bind_values(b: "Binder", node: exp.Expression, parent: Scope | None) -> tuple[exp.Expression, list[Output]]:
    scope = Scope(parent)
    rows: list[list[Bound]] = []
    for row in node.expressions:
        cells = row.expressions if isinstance(row, exp.Tuple) else [row.this if isinstance(row, exp.Paren) else row]
        rows.append([b.expression(cell, scope) for cell in cells])
    if len({len(row) for row in rows}) != 1:
        raise SqlError("42601", "VALUES lists must all be the same length")
    kinds = []
    for cells in zip(*rows, strict=True):
        kind = cells[0].type
        for cell in cells[1:]:
            kind = common(kind, cell.type)
        kinds.append(kind)
    tuples = [
        exp.Tuple(
            expressions=[b.coerced(cell, kind) if cell.type.name == "unknown" else cell.node for cell, kind in zip(row, kinds, strict=True)]
        )
        for row in rows
    ]
    return exp.Values(expressions=tuples), [Output(f"column{index}", kind) for index, kind in enumerate(kinds, 1)]


def bind_with(b: "Binder", node: exp.Expression, scope: Scope) -> exp.With | None:
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


def renamed(outputs: list[Output], names: list[str], what: str) -> list[Output]:
    if len(names) > len(outputs):
        raise SqlError("42P10", f'table "{what}" has {len(outputs)} columns available but {len(names)} columns specified')
    return [Output(name, output.type) for name, output in zip(names, outputs, strict=False)] + outputs[len(names) :]


def bind_select(b: "Binder", node: exp.Select, parent: Scope | None) -> tuple[exp.Expression, list[Output]]:
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
    def one(each: exp.Expression) -> exp.Expression:
        if isinstance(each, exp.Rollup | exp.Cube | exp.GroupingSets):
            return type(each)(expressions=[one(inner) for inner in each.expressions])
        if isinstance(each, exp.Paren):
            return one(each.this)
        if isinstance(each, exp.Tuple):
            return exp.Tuple(expressions=[one(inner) for inner in each.expressions])
        if each.is_int:
            return each.copy()
        return b.expression(each, scope).node

    found = exp.Group(expressions=[one(each) for each in group.expressions])
    for kind in ("rollup", "cube", "grouping_sets"):
        sets = group.args.get(kind)
        if sets:
            found.set(kind, [type(each)(expressions=[one(inner) for inner in each.expressions]) for each in sets])
    if group.args.get("all") or group.args.get("totals"):
        raise SqlError("0A000", "GROUP BY ALL is not supported")
    return found


def bind_projections(b: "Binder", node: exp.Select, scope: Scope) -> tuple[list[exp.Expression], list[Output]]:
    if not node.expressions:
        raise SqlError("42601", "syntax error: SELECT needs a list of columns")
    projections: list[exp.Expression] = []
    outputs: list[Output] = []
    for each in node.expressions:
        for name, found in projected(b, each, scope):
            projections.append(exp.alias_(found.node, name, quoted=True))
            outputs.append(Output(name, found.type))
            if isinstance(each, exp.Alias):
                scope.labels[name] = found.type
    return projections, outputs


def projected(b: "Binder", node: exp.Expression, scope: Scope) -> "list[tuple[str, Bound]]":
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


def trailing_parts(b: "Binder", node: exp.Expression, target: exp.Expression, scope: Scope, outputs: list[Output]) -> None:
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


def order_part(b: "Binder", node: exp.Expression, scope: Scope, names: set[str], *, only_names: bool) -> exp.Expression:
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


# FROM


def bind_from(b: "Binder", node: exp.Select, select: exp.Select, scope: Scope) -> None:
    from_ = node.args.get("from_")
    if from_ is None:
        return
    first = [from_.this, *(node.args.get("joins") or ())]
    head, joins = first[0], list(first[1:])
    joins = list(head.args.get("joins") or ()) + joins
    select.set("from_", exp.From(this=bind_source(b, head, scope)))
    for join in joins:
        select.append("joins", bind_join(b, join, scope))


def bind_join(b: "Binder", join: exp.Join, scope: Scope) -> exp.Join:
    if join.args.get("method") and str(join.args["method"]).upper() != "NATURAL":
        raise SqlError("0A000", f"{join.args['method']} JOIN is not supported")
    before = list(scope.sources)
    nested = join.this.args.get("joins") if isinstance(join.this, exp.Table | exp.Subquery) else None
    if nested:
        raise SqlError("0A000", "nested joins without parentheses are not supported")
    target = bind_source(b, join.this, scope)
    found = exp.Join(this=target, side=join.args.get("side"), kind=join.args.get("kind"))
    source = scope.sources[-1]
    using = [each.name.lower() for each in join.args.get("using") or ()]
    if str(join.args.get("method") or "").upper() == "NATURAL":
        earlier = {name for each in before for name in each.columns}
        using = [name for name in source.columns if name in earlier and name not in source.hidden]
    if using:
        merge(b, scope, before, source, using)
        found.set("using", [exp.to_identifier(name, quoted=True) for name in using])
    on = join.args.get("on")
    if on is not None:
        condition = b.typed(on, scope, BOOLEAN)
        found.set("on", condition)
        if not join.args.get("side"):
            restrict_scans(b, scope, condition)
    return found


def merge(b: "Binder", scope: Scope, before: list[Source], source: Source, using: list[str]) -> None:
    for name in using:
        left = next((each for each in before if name in each.columns), None)
        if left is None or name not in source.columns:
            raise SqlError(
                "42703", f'column "{name}" specified in USING clause does not exist in {"left" if left is None else "right"} table'
            )
        scope.merged[name] = common(left.columns[name], source.columns[name])
        b.column_used(left, name)
        b.column_used(source, name)
        left.merged |= {name}
        source.merged |= {name}


def bind_source(b: "Binder", node: exp.Expression, scope: Scope) -> exp.Expression:
    if isinstance(node, exp.Table):
        return bind_table(b, node, scope)
    if isinstance(node, exp.Subquery):
        return bind_derived(b, node, scope)
    if isinstance(node, exp.Lateral):
        raise SqlError("0A000", "LATERAL is not supported")
    if isinstance(node, exp.Values):
        return bind_derived(b, exp.Subquery(this=node, alias=node.args.get("alias")), scope)
    raise SqlError("0A000", f"{type(node).__name__} in FROM is not supported")


def bind_derived(b: "Binder", node: exp.Subquery, scope: Scope) -> exp.Expression:
    if isinstance(node.this, exp.Table):  # (a JOIN b ON …)
        raise SqlError("0A000", "a join in parentheses is not supported; name it as a subquery")
    name = node.alias.lower() or f"__derived{len(scope.sources)}"
    names = [column.name.lower() for column in node.args["alias"].columns] if node.args.get("alias") else []
    inner, outputs = bind_query(b, node.this, scope.parent_for_derived())
    return placed(scope, name, inner, renamed(outputs, names, name), None)


def placed(scope: Scope, name: str, inner: exp.Expression, outputs: list[Output], schema: str | None) -> exp.Expression:
    """A query as a relation of the FROM."""
    seen: set[str] = set()
    doubled = {output.name for output in outputs if output.name in seen or seen.add(output.name)}  # type: ignore[func-returns-value]  # add gives None
    alias = scope.fresh(name)
    columns = {output.name: output.type for output in outputs if output.name not in doubled}
    scope.add(Source(name=name, alias=alias, columns=columns, schema=schema))
    if doubled:
        raise SqlError("42701", f'column name "{min(doubled)}" is specified more than once in "{name}"')
    identifiers = [exp.to_identifier(output.name, quoted=True) for output in outputs]
    return exp.Subquery(this=inner, alias=exp.TableAlias(this=exp.to_identifier(alias, quoted=True), columns=identifiers))


def bind_table(b: "Binder", node: exp.Table, scope: Scope) -> exp.Expression:
    for part in ("sample", "pivots", "version", "changes", "when", "rows_from", "ordinality"):
        if node.args.get(part):
            raise SqlError("0A000", f"{part.upper()} of a table is not supported")
    if isinstance(node.this, exp.Dot) and isinstance(node.this.expression, exp.Anonymous):
        node = node.copy()
        node.set("this", node.this.expression)
    if isinstance(node.this, exp.Anonymous):
        return bind_table_function(b, node, scope)
    name = Name(node.name.lower(), node.text("db").lower() or None)
    alias = node.args.get("alias")
    called = alias.name.lower() if alias is not None else name.name
    names = [column.name.lower() for column in alias.columns] if alias is not None else []
    outputs = scope.cte(name.name) if name.schema is None else None
    if outputs is not None:
        table = exp.Table(this=exp.to_identifier(name.name, quoted=True))
        return named_table(scope, called, table, {output.name: output.type for output in outputs}, names)
    return bind_relation(b, name, called, names, scope)


def bind_table_function(b: "Binder", node: exp.Table, scope: Scope) -> exp.Expression:
    """FROM generate_series(…), which Redshift's leader node has, and the unnest of PostgreSQL's clients."""
    function = node.this
    if str(function.this).lower() == "unnest" and len(function.expressions) == 1:
        return bind_unnest(b, node, scope)
    if str(function.this).lower() != "generate_series":
        return bind_scalar_source(b, node, scope)
    arguments = [b.typed(each, scope, BIGINT) for each in function.expressions]
    alias = node.args.get("alias")
    called = alias.name.lower() if alias is not None else "generate_series"
    column = alias.columns[0].name.lower() if alias is not None and alias.columns else called
    inner = exp.select(exp.alias_(exp.column("generate_series"), column, quoted=True)).from_(
        exp.Table(this=exp.Anonymous(this="generate_series", expressions=arguments))
    )
    return placed(scope, called, inner, [Output(column, BIGINT)], None)


def bind_scalar_source(b: "Binder", node: exp.Table, scope: Scope) -> exp.Expression:
    """FROM current_database(): one row of one value."""
    name = str(node.this.this).lower()
    if node.this.expressions:
        raise SqlError("0A000", f"function {name} in FROM is not supported")
    value = b.expression(node.this, Scope())
    alias = node.args.get("alias")
    called = alias.name.lower() if alias is not None else name
    return placed(scope, called, exp.select(exp.alias_(value.node, called, quoted=True)), [Output(called, value.type)], None)


def bind_unnest(b: "Binder", node: exp.Table, scope: Scope) -> exp.Expression:
    members = b.expression(node.this.expressions[0], scope.parent or Scope())
    alias = node.args.get("alias")
    called = alias.name.lower() if alias is not None else "unnest"
    column = alias.columns[0].name.lower() if alias is not None and alias.columns else called
    inner = exp.select(exp.alias_(exp.Anonymous(this="unnest", expressions=[members.node]), column, quoted=True))
    return placed(scope, called, inner, [Output(column, VARCHAR)], None)


def named_table(
    scope: Scope, called: str, table: exp.Expression, columns: Mapping[str, SqlType], names: list[str], schema: str | None = None
) -> exp.Expression:
    """A relation of the FROM under an alias of its own, its columns renamed where `names` says so."""
    outputs = renamed([Output(name, kind) for name, kind in columns.items()], names, called)
    alias = scope.fresh(called)
    scope.add(Source(name=called, alias=alias, columns={output.name: output.type for output in outputs}, schema=schema))
    identifiers = [exp.to_identifier(output.name, quoted=True) for output in outputs] if names else []
    table.set("alias", exp.TableAlias(this=exp.to_identifier(alias, quoted=True), columns=identifiers))
    return table


def bind_relation(b: "Binder", name: Name, called: str, names: list[str], scope: Scope) -> exp.Expression:
    system = system_view(b, name)
    if system is not None:
        schema, columns = system
        table = exp.table_(name.name, db=SYSTEM_SCHEMAS[schema], catalog="memory", quoted=True)
        if b.world.is_external_view(name.name):
            b.cacheable = False
            table = exp.table_(name.name, db="main", catalog="temp", quoted=True)
        return named_table(scope, called, table, columns, names, schema)
    relation = b.relation(name)
    if relation is not None:
        b.world.check_privilege(relation, "SELECT")
        b.relations.add(relation.oid)
        schema = relation.schema
        if relation.kind == "v":
            inner, outputs = bind_view(b, relation)
            return placed(scope, called, inner, renamed(outputs, names, called), schema)
        columns = {column.name: column.type for column in relation.columns}
        return named_table(scope, called, physical_table(relation), columns, names, schema)
    return bind_external(b, name, called, names, scope)


SYSTEM_SCHEMAS: Final = {"pg_catalog": "pg", "information_schema": "info", "pg_internal": "pg"}


def system_view(b: "Binder", name: Name) -> tuple[str, Mapping[str, SqlType]] | None:
    schema = name.schema or "pg_catalog"
    columns = b.world.system(schema, name.name) if schema in SYSTEM_SCHEMAS else None
    return None if columns is None else (schema, columns)


def physical_table(relation: Relation) -> exp.Table:
    if relation.temporary:
        return exp.table_(relation.name, db="main", catalog="temp", quoted=True)
    return exp.table_(relation.name, db=relation.schema, catalog="wh", quoted=True)


def bind_view(b: "Binder", relation: Relation) -> "tuple[exp.Expression, list[Output]]":
    from headwater.engines.warehouse.sql.binder import VIEW_DEPTH_MAX
    from headwater.engines.warehouse.sql.grammar import parse

    if b.view_depth >= VIEW_DEPTH_MAX:
        raise SqlError("54001", f'infinite recursion detected in view "{relation.name}"')
    (query,) = parse(relation.definition or "")
    assert isinstance(query, exp.Expression)
    b.view_depth += 1
    inner, outputs = bind_query(b, query, None)
    b.view_depth -= 1
    names = [column.name for column in relation.columns]
    return inner, renamed(outputs, names, relation.name) if names else outputs


def bind_external(b: "Binder", name: Name, called: str, names: list[str], scope: Scope) -> exp.Expression:
    from headwater.engines.warehouse.sql.binder import undefined_relation

    schema = b.world.catalog.schemas.get(name.schema or "")
    if name.schema is not None and schema is None and name.schema not in SYSTEM_SCHEMAS:
        raise SqlError("3F000", f'schema "{name.schema}" does not exist')
    scan = b.world.external(schema, name.name) if schema is not None and schema.external_database else None
    if scan is None:
        raise undefined_relation(name)
    if names:
        raise SqlError("0A000", "column aliases for an external table are not supported")
    b.cacheable = False
    alias = scope.fresh(called)
    scope.add(Source(name=called, alias=alias, columns=dict(scan.columns), schema=name.schema, hidden=scan.hidden))
    b.scans[alias] = scan
    return exp.Subquery(this=scan.node, alias=exp.TableAlias(this=exp.to_identifier(alias, quoted=True)))


# Queries inside expressions


def scalar(b: "Binder", node: exp.Expression, scope: Scope) -> "Bound":
    inner, outputs = bind_query(b, node.this, scope)
    if len(outputs) != 1:
        raise SqlError("42601", "subquery must return only one column")
    return bound(exp.Subquery(this=inner), outputs[0].type)


def existence(b: "Binder", node: exp.Expression, scope: Scope) -> "Bound":
    query = node.this.this if isinstance(node.this, exp.Subquery) else node.this
    return bound(exp.Exists(this=bind_query(b, query, scope)[0]), BOOLEAN)


Rule = Callable[["Binder", exp.Expression, Scope], "Bound"]
RULES: Final[dict[type[exp.Expression], Rule]] = {
    exp.Subquery: scalar,
    exp.Select: lambda b, n, s: scalar(b, exp.Subquery(this=n), s),
    exp.Exists: existence,
}
