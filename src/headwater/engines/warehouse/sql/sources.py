"""FROM: tables, views, subqueries, external tables and system views as the relations of one DuckDB query.

Every relation gets an alias of its own there; views are put in as subqueries, because what lies under a late-binding view
is known only when it is used.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from sqlglot import exp

from headwater.engines.warehouse.sql.catalog import Relation
from headwater.engines.warehouse.sql.errors import SqlError
from headwater.engines.warehouse.sql.pruning import restrict_scans
from headwater.engines.warehouse.sql.scope import Output, Scope, Source, renamed
from headwater.engines.warehouse.sql.statements import Name
from headwater.engines.warehouse.sql.types import BIGINT, BOOLEAN, VARCHAR, SqlType, common

if TYPE_CHECKING:
    from headwater.engines.warehouse.sql.binder import Binder


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


def bind_source(b: "Binder", node: exp.Expr, scope: Scope) -> exp.Expr:
    if isinstance(node, exp.Table):
        return bind_table(b, node, scope)
    if isinstance(node, exp.Subquery):
        return bind_derived(b, node, scope)
    if isinstance(node, exp.Lateral):
        raise SqlError("0A000", "LATERAL is not supported")
    if isinstance(node, exp.Values):
        return bind_derived(b, exp.Subquery(this=node, alias=node.args.get("alias")), scope)
    raise SqlError("0A000", f"{type(node).__name__} in FROM is not supported")


def bind_derived(b: "Binder", node: exp.Subquery, scope: Scope) -> exp.Expr:
    if isinstance(node.this, exp.Table):  # (a JOIN b ON …)
        raise SqlError("0A000", "a join in parentheses is not supported; name it as a subquery")
    name = node.alias.lower() or f"__derived{len(scope.sources)}"
    names = [column.name.lower() for column in node.args["alias"].columns] if node.args.get("alias") else []
    inner, outputs = b.query(node.this, scope.parent_for_derived())
    return placed(scope, name, inner, renamed(outputs, names, name), None)


def placed(scope: Scope, name: str, inner: exp.Expr, outputs: list[Output], schema: str | None) -> exp.Expr:
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


def bind_table(b: "Binder", node: exp.Table, scope: Scope) -> exp.Expr:
    for part in ("sample", "pivots", "version", "changes", "when", "rows_from", "ordinality"):
        if node.args.get(part):
            raise SqlError("0A000", f"{part.upper()} of a table is not supported")
    if isinstance(node.this, exp.Dot) and isinstance(node.this.expression, exp.Anonymous):
        node = node.copy()
        node.set("this", node.this.expression)
    if isinstance(node.this, exp.Anonymous):
        return bind_table_function(b, node, scope)
    if node.text("catalog"):
        b.check_database(node.text("catalog").lower())
    name = Name(node.name.lower(), node.text("db").lower() or None)
    alias = node.args.get("alias")
    called = alias.name.lower() if alias is not None else name.name
    names = [column.name.lower() for column in alias.columns] if alias is not None else []
    outputs = scope.cte(name.name) if name.schema is None else None
    if outputs is not None:
        table = exp.Table(this=exp.to_identifier(name.name, quoted=True))
        return named_table(scope, called, table, {output.name: output.type for output in outputs}, names)
    return bind_relation(b, name, called, names, scope)


def bind_table_function(b: "Binder", node: exp.Table, scope: Scope) -> exp.Expr:
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
    inner = exp.select(exp.alias_(exp.column("generate_series"), column, quoted=True, copy=False)).from_(
        exp.Table(this=exp.Anonymous(this="generate_series", expressions=arguments))
    )
    return placed(scope, called, inner, [Output(column, BIGINT)], None)


def bind_scalar_source(b: "Binder", node: exp.Table, scope: Scope) -> exp.Expr:
    """FROM current_database(): one row of one value."""
    name = str(node.this.this).lower()
    if node.this.expressions:
        raise SqlError("0A000", f"function {name} in FROM is not supported")
    value = b.expression(node.this, Scope())
    alias = node.args.get("alias")
    called = alias.name.lower() if alias is not None else name
    return placed(scope, called, exp.select(exp.alias_(value.node, called, quoted=True, copy=False)), [Output(called, value.type)], None)


def bind_unnest(b: "Binder", node: exp.Table, scope: Scope) -> exp.Expr:
    members = b.expression(node.this.expressions[0], scope.parent or Scope())
    alias = node.args.get("alias")
    called = alias.name.lower() if alias is not None else "unnest"
    column = alias.columns[0].name.lower() if alias is not None and alias.columns else called
    inner = exp.select(exp.alias_(exp.Anonymous(this="unnest", expressions=[members.node]), column, quoted=True, copy=False))
    return placed(scope, called, inner, [Output(column, VARCHAR)], None)


def named_table(
    scope: Scope, called: str, table: exp.Expr, columns: Mapping[str, SqlType], names: list[str], schema: str | None = None
) -> exp.Expr:
    """A relation of the FROM under an alias of its own, its columns renamed where `names` says so."""
    outputs = renamed([Output(name, kind) for name, kind in columns.items()], names, called)
    alias = scope.fresh(called)
    scope.add(Source(name=called, alias=alias, columns={output.name: output.type for output in outputs}, schema=schema))
    identifiers = [exp.to_identifier(output.name, quoted=True) for output in outputs] if names else []
    table.set("alias", exp.TableAlias(this=exp.to_identifier(alias, quoted=True), columns=identifiers))
    return table


def bind_relation(b: "Binder", name: Name, called: str, names: list[str], scope: Scope) -> exp.Expr:
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
        if not b.view_depth:  # what a view reads is its owner's affair
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


def bind_view(b: "Binder", relation: Relation) -> "tuple[exp.Expr, list[Output]]":
    from headwater.engines.warehouse.sql.binder import VIEW_DEPTH_MAX
    from headwater.engines.warehouse.sql.grammar import parse

    if b.view_depth >= VIEW_DEPTH_MAX:
        raise SqlError("54001", f'infinite recursion detected in view "{relation.name}"')
    (query,) = parse(relation.definition or "")
    assert isinstance(query, exp.Expr)
    b.view_depth += 1
    inner, outputs = b.query(query, None)
    b.view_depth -= 1
    names = [column.name for column in relation.columns]
    return inner, renamed(outputs, names, relation.name) if names else outputs


def bind_external(b: "Binder", name: Name, called: str, names: list[str], scope: Scope) -> exp.Expr:
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
    b.every_scan.append(scan)
    return exp.Subquery(this=exp.Var(this=scan.place), alias=exp.TableAlias(this=exp.to_identifier(alias, quoted=True)))
