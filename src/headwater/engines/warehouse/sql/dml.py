"""INSERT, UPDATE, DELETE, MERGE, TRUNCATE.

What a column takes is decided here, not by DuckDB: its default, its identity, its length, and whether a value of that type
may be assigned at all. Each statement is compiled into DuckDB's text first, so that it can be described without running.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

import msgspec
from sqlglot import exp

from headwater.engines.warehouse.sql.answers import Parameter, Result
from headwater.engines.warehouse.sql.binder import Binder, Bound
from headwater.engines.warehouse.sql.build import assigned, call, literal
from headwater.engines.warehouse.sql.bulk_values import plain_values
from headwater.engines.warehouse.sql.catalog import CatalogColumn, Relation, quoted
from headwater.engines.warehouse.sql.errors import SqlError
from headwater.engines.warehouse.sql.planning import Plan, parameter_type, used_parameters
from headwater.engines.warehouse.sql.queries import bind_query, bind_with
from headwater.engines.warehouse.sql.scope import Output, Scope, Source
from headwater.engines.warehouse.sql.sources import bind_join, bind_source
from headwater.engines.warehouse.sql.statements import Name, Truncate
from headwater.engines.warehouse.sql.types import BOOLEAN, VARCHAR, SqlType

if TYPE_CHECKING:
    from headwater.engines.warehouse.sql.session import Session

Types = Sequence[SqlType | None]


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A change ready to run."""

    sql: str
    verb: str
    parameters: list[SqlType]
    used: list[int]
    uses_clock: bool


def target_relation(session: "Session", binder: Binder, node: exp.Expr, privilege: str) -> tuple[Relation, Name]:
    table = node.this if isinstance(node, exp.Schema) else node
    if not isinstance(table, exp.Table):
        raise SqlError("42601", "syntax error: a table is expected")
    if table.text("catalog"):
        binder.check_database(table.text("catalog").lower())
    name = Name(table.name.lower(), table.text("db").lower() or None)
    relation = binder.relation(name)
    if relation is None:
        refuse_other(session, name)
        raise SqlError("42P01", f'relation "{name}" does not exist')
    if relation.kind != "r":
        raise SqlError("42809", f'cannot change view "{relation.name}"')
    session.check_privilege(relation, privilege)
    return relation, name


def refuse_other(session: "Session", name: Name) -> None:
    """A name that is known, but not as a table of this database."""
    schema = session.catalog.schemas.get(name.schema or "")
    if schema is not None and schema.external_database is not None:
        raise SqlError("0A000", "writing to an external table is not supported")
    if session.system(name.schema or "pg_catalog", name.name) is not None:
        raise SqlError("42501", f"permission denied for relation {name.name}")
    if name.schema is not None and schema is None:
        raise SqlError("3F000", f'schema "{name.schema}" does not exist')


# INSERT


def compile_insert(session: "Session", node: exp.Insert, kinds: Types) -> Change:
    for part in ("conflict", "returning", "overwrite", "partition", "where"):
        if node.args.get(part):
            raise SqlError("0A000", f"INSERT with {part.upper()} is not supported")
    binder = Binder(session, kinds)
    relation, _ = target_relation(session, binder, node.this, "INSERT")
    named = [identifier.name.lower() for identifier in node.this.expressions] if isinstance(node.this, exp.Schema) else []
    targets = [relation.column(name) for name in named] or list(relation.columns)
    if len({column.name for column in targets}) != len(targets):
        raise SqlError("42701", "a column is specified more than once")
    if node.args.get("default"):
        row = ", ".join(binder.text(filler(binder, relation, column)) for column in relation.columns)
        return change(binder, f"INSERT INTO {relation.physical} VALUES ({row})", "INSERT")
    source = node.args.get("expression")
    if source is None:
        raise SqlError("42601", "syntax error: VALUES or a query is expected")
    with_ = bind_with(binder, node, scope := Scope())
    query = with_defaults(source, targets, relation)
    inner, outputs = insertable(binder, query, targets, scope)
    if len(outputs) > len(targets):
        raise SqlError("42601", "INSERT has more expressions than target columns")
    if named and len(outputs) < len(targets):
        raise SqlError("42601", "INSERT has more target columns than expressions")
    targets = targets[: len(outputs)]
    columns = assigned_columns(binder, relation, targets, outputs)
    names = ", ".join(f"c{index}" for index in range(len(outputs)))
    chosen = ", ".join(binder.text(column) for column in columns)
    return change(
        binder,
        f"INSERT INTO {relation.physical} {leading(binder, with_)}SELECT {chosen} FROM ({binder.text(inner)}) AS __v({names})",
        "INSERT",
    )


def leading(binder: Binder, with_: exp.With | None) -> str:
    return f"{binder.text(with_)} " if with_ is not None else ""


def with_defaults(query: exp.Expr, targets: Sequence[CatalogColumn], relation: Relation) -> exp.Expr:
    """The DEFAULTs in VALUES, written out."""
    if not isinstance(query, exp.Values) or not any(is_default(cell) for row in query.expressions for cell in row.expressions or [row]):
        return query
    query = query.copy()
    for row in query.expressions:
        cells = row.expressions if isinstance(row, exp.Tuple) else [row]
        for cell, column in zip(list(cells), targets, strict=False):
            if is_default(cell):
                if column.identity is not None:
                    raise SqlError(
                        "0A000", f'DEFAULT for the identity column "{column.name}" of "{relation.name}" is not supported; leave it out'
                    )
                cell.replace(default_expression(column))
    return query


def is_default(cell: exp.Expr) -> bool:
    return isinstance(cell, exp.Var | exp.Column) and not cell.args.get("table") and cell.name.upper() == "DEFAULT"


def default_expression(column: CatalogColumn) -> exp.Expr:
    from headwater.engines.warehouse.sql.grammar import parse

    if column.default is None:
        return exp.Null()
    (query,) = parse(f"SELECT {column.default}")
    assert isinstance(query, exp.Select)
    expression: exp.Expr = query.expressions[0]
    return expression.copy()


def insertable(binder: Binder, query: exp.Expr, targets: Sequence[CatalogColumn], scope: Scope) -> tuple[exp.Expr, list[Output]]:
    """The rows to insert. VALUES take the types of their columns, so that each text is read as what it is to be."""
    if not isinstance(query, exp.Values):
        return bind_query(binder, query, scope)
    literals = plain_values(query, targets)
    if literals is not None:
        return literals
    rows = []
    kinds = [column.type for column in targets]
    width = len(query.expressions[0].expressions) if isinstance(query.expressions[0], exp.Tuple) else 1
    for row in query.expressions:
        cells = row.expressions if isinstance(row, exp.Tuple) else [row.this if isinstance(row, exp.Paren) else row]
        if len(cells) != width:
            raise SqlError("42601", "VALUES lists must all be the same length")
        if width > len(targets):
            raise SqlError("42601", "INSERT has more expressions than target columns")
        values = [binder.expression(cell, scope) for cell in cells]
        rows.append(exp.Tuple(expressions=[readied(binder, value, kind) for value, kind in zip(values, kinds, strict=False)]))
    return exp.Values(expressions=rows), [Output(f"column{index}", sized(kind)) for index, kind in enumerate(kinds[:width], 1)]


def sized(kind: SqlType) -> SqlType:
    """The type without its length: it still has to be fitted."""
    return SqlType(kind.name) if kind.is_text else kind


def readied(binder: Binder, value: Bound, kind: SqlType) -> exp.Expr:
    check_assignable(value.type, kind, None)
    if kind.is_text:
        return binder.coerced(value, sized(kind))
    if value.type.name == "unknown" or isinstance(value.node, exp.Parameter):
        return binder.coerced(value, kind)
    return assigned(value.node, value.type, kind)


def check_assignable(source: SqlType, target: SqlType, column: str | None) -> None:
    """Whether Redshift converts the one to the other in an assignment."""
    fine = (
        source.name == "unknown"
        or target.is_text
        or source.name == target.name
        or (source.is_number and target.is_number)
        or (source.is_moment and target.is_moment)
        or (source.is_moment and target.name == "time without time zone")
    )
    if not fine:
        where = f'column "{column}" is' if column else "the column is"
        raise SqlError(
            "42804",
            f"{where} of type {target} but expression is of type {source}",
            hint="You will need to rewrite or cast the expression.",
        )


def assigned_columns(binder: Binder, relation: Relation, targets: Sequence[CatalogColumn], outputs: Sequence[Output]) -> list[exp.Expr]:
    """A value for every column of the relation, from the columns c0, c1 … of the rows."""
    given = {column.name: index for index, column in enumerate(targets)}
    columns = []
    for column in relation.columns:
        if column.name not in given:
            columns.append(filler(binder, relation, column))
            continue
        if column.identity is not None and not column.identity_by_default:
            raise SqlError("42601", f'cannot set an identity column to a value: "{column.name}"')
        output = outputs[given[column.name]]
        check_assignable(output.type, column.type, column.name)
        value = Bound(exp.column(f"c{given[column.name]}", table="__v"), output.type)
        node = binder.coerced(value, column.type) if output.type.name == "unknown" and not column.type.is_text else value.node
        columns.append(assigned(node, output.type, column.type))
    return columns


def filler(binder: Binder, relation: Relation, column: CatalogColumn) -> exp.Expr:
    """What goes into a column that the statement does not name."""
    from headwater.engines.warehouse.sql.ddl import sequence

    if column.identity is not None:
        return call("nextval", literal(sequence(relation, column)))
    bound = binder.expression(default_expression(column), Scope())
    return assigned(binder.coerced(bound, column.type), bound.type, column.type)


# UPDATE and DELETE


def target_source(binder: Binder, relation: Relation, node: exp.Expr, scope: Scope, name: Name) -> str:
    """The table that is changed, as a source; its alias in DuckDB."""
    alias = node.alias.lower() if isinstance(node, exp.Table) and node.alias else name.name
    columns = {column.name: column.type for column in relation.columns}
    scope.add(Source(name=alias, alias=scope.fresh(alias), columns=columns, schema=relation.schema))
    binder.relations.add(relation.oid)
    return scope.sources[-1].alias


def compile_update(session: "Session", node: exp.Update, kinds: Types) -> Change:
    if node.args.get("returning") or node.args.get("order") or node.args.get("limit"):
        raise SqlError("0A000", "UPDATE with RETURNING, ORDER BY or LIMIT is not supported")
    binder = Binder(session, kinds)
    scope = Scope()
    with_ = bind_with(binder, node, scope)
    relation, name = target_relation(session, binder, node.this, "UPDATE")
    alias = target_source(binder, relation, node.this, scope, name)
    sources = from_items(binder, node.args.get("from_"), scope)
    sets = [assignment(binder, relation, each, scope) for each in node.expressions]
    where = bound_where(binder, node, scope)
    from_ = " FROM " + " ".join(binder.text(each) for each in sources) if sources else ""
    head = f"{leading(binder, with_)}UPDATE {relation.physical} AS {quoted(alias)}"
    return change(binder, f"{head} SET {set_text(binder, sets)}{from_}{where_text(binder, where)}", "UPDATE")


def from_items(binder: Binder, from_: exp.Expr | None, scope: Scope) -> list[exp.Expr]:
    if from_ is None:
        return []
    first = bind_source(binder, from_.this, scope)
    return [first, *(bind_join(binder, join, scope) for join in from_.this.args.get("joins") or ())]


def set_text(binder: Binder, sets: Sequence[tuple[str, exp.Expr]]) -> str:
    return ", ".join(f"{quoted(name)} = {binder.text(value)}" for name, value in sets)


def where_text(binder: Binder, where: exp.Expr | None) -> str:
    return f" WHERE {binder.text(where)}" if where is not None else ""


def assignment(binder: Binder, relation: Relation, node: exp.Expr, scope: Scope) -> tuple[str, exp.Expr]:
    if not isinstance(node, exp.EQ) or not isinstance(node.this, exp.Column):
        raise SqlError("0A000", "SET of several columns at once is not supported")
    column = relation.column(node.this.name.lower())
    if column.identity is not None and not column.identity_by_default:
        raise SqlError("42601", f'cannot update the identity column "{column.name}"')
    value = node.expression
    if isinstance(value, exp.Var | exp.Column) and value.name.upper() == "DEFAULT":
        value = default_expression(column)
    bound = binder.expression(value, scope)
    check_assignable(bound.type, column.type, column.name)
    return column.name, assigned(binder.coerced(bound, sized(column.type)), bound.type, column.type)


def bound_where(binder: Binder, node: exp.Expr, scope: Scope) -> exp.Expr | None:
    where = node.args.get("where")
    return binder.typed(where.this, scope, BOOLEAN) if where is not None else None


def compile_delete(session: "Session", node: exp.Delete, kinds: Types) -> Change:
    if node.args.get("returning") or node.args.get("order") or node.args.get("limit"):
        raise SqlError("0A000", "DELETE with RETURNING, ORDER BY or LIMIT is not supported")
    binder = Binder(session, kinds)
    scope = Scope()
    with_ = bind_with(binder, node, scope)
    target = node.this or node.args["tables"][0]  # DELETE t, without FROM
    relation, name = target_relation(session, binder, target, "DELETE")
    alias = target_source(binder, relation, target, scope, name)
    sources = [bind_source(binder, each, scope) for each in node.args.get("using") or ()]
    where = bound_where(binder, node, scope)
    using = " USING " + ", ".join(binder.text(each) for each in sources) if sources else ""
    sql = f"{leading(binder, with_)}DELETE FROM {relation.physical} AS {quoted(alias)}{using}{where_text(binder, where)}"
    return change(binder, sql, "DELETE")


# MERGE


def compile_merge(session: "Session", node: exp.Merge, kinds: Types) -> Change:
    binder = Binder(session, kinds)
    scope = Scope()
    relation, name = target_relation(session, binder, node.this, "UPDATE")
    alias = target_source(binder, relation, node.this, scope, name)
    using = bind_source(binder, node.args["using"], scope)
    on = binder.typed(node.args["on"], scope, BOOLEAN)
    whens = [merge_when(binder, relation, each, scope) for each in node.args["whens"].expressions]
    actions = " ".join(f"{matched} THEN {when(binder)}" for matched, when in whens)
    sql = f"MERGE INTO {relation.physical} AS {quoted(alias)} USING {binder.text(using)} ON {binder.text(on)} {actions}"
    return change(binder, sql, "MERGE")


def merge_when(binder: Binder, relation: Relation, node: exp.Expr, scope: Scope) -> tuple[str, Callable[[Binder], str]]:
    """WHEN …, and its action's text for when everything is bound."""
    if node.args.get("condition") is not None or node.args.get("source"):
        raise SqlError("0A000", "a condition on WHEN of MERGE is not supported")
    then = node.args["then"]
    matched = "WHEN MATCHED" if node.args.get("matched") else "WHEN NOT MATCHED"
    if isinstance(then, exp.Update):
        sets = [assignment(binder, relation, each, scope) for each in then.expressions]
        return matched, lambda b: f"UPDATE SET {set_text(b, sets)}"
    if isinstance(then, exp.Insert):
        row = merge_insert(binder, relation, then, scope)
        return matched, lambda b: f"INSERT VALUES ({', '.join(b.text(each) for each in row)})"
    if then.name.upper() == "DELETE":
        return matched, lambda _b: "DELETE"
    raise SqlError("42601", "syntax error in MERGE")


def merge_insert(binder: Binder, relation: Relation, then: exp.Insert, scope: Scope) -> list[exp.Expr]:
    named: exp.Expr | None = then.this
    values: exp.Expr | bool = then.expression
    if isinstance(named, exp.Tuple) and not isinstance(values, exp.Expr):  # INSERT VALUES (…), which sqlglot reads as a list of one
        values, named = named.expressions[0], None
    assert isinstance(values, exp.Expr)
    targets = [relation.column(each.name.lower()) for each in named.expressions] if named is not None else list(relation.columns)
    cells = values.expressions if isinstance(values, exp.Tuple | exp.Anonymous | exp.Values) else [values]
    if len(cells) == 1 and isinstance(cells[0], exp.Tuple):
        cells = cells[0].expressions
    if len(cells) != len(targets):
        raise SqlError("42601", "INSERT has a different number of expressions and target columns")
    bound = {column.name: binder.expression(cell, scope) for column, cell in zip(targets, cells, strict=True)}
    row = []
    for column in relation.columns:
        value = bound.get(column.name)
        if value is None:
            row.append(filler(binder, relation, column))
            continue
        check_assignable(value.type, column.type, column.name)
        row.append(assigned(binder.coerced(value, sized(column.type)), value.type, column.type))
    return row


# Running


def change(binder: Binder, sql: str, verb: str) -> Change:
    return Change(
        sql=sql,
        verb=verb,
        parameters=[kind or VARCHAR for kind in binder.parameters],
        used=used_parameters(sql, len(binder.parameters)),
        uses_clock=binder.uses_clock,
    )


def runner(
    compile_: "Callable[[Session, exp.Expr, Types], Change]",
) -> "Callable[[Session, exp.Expr, Sequence[Parameter]], Result]":
    def run(session: "Session", node: exp.Expr, parameters: Sequence[Parameter]) -> Result:
        return apply(session, compile_(session, node, [parameter_type(each.oid) for each in parameters]), parameters)

    return run


def apply(session: "Session", compiled: Change, parameters: Sequence[Parameter]) -> Result:
    from headwater.engines.warehouse.sql.running import bound_values

    plan = Plan(
        sql=compiled.sql, outputs=[], casts=[], parameters=compiled.parameters, used=compiled.used, uses_clock=False, cacheable=False
    )
    values = bound_values(plan, parameters)
    if compiled.uses_clock:
        session.tell_time()
    row = session.connection.execute(compiled.sql, values).fetchone()
    count = row[0] if row else 0
    if compiled.verb == "MERGE":
        return Result("MERGE")
    return Result(f"INSERT 0 {count}" if compiled.verb == "INSERT" else f"{compiled.verb} {count}")


def truncate(session: "Session", statement: Truncate) -> Result:
    """TRUNCATE commits the transaction that it runs in, in Redshift."""
    from headwater.engines.warehouse.sql.ddl import found_table

    relation = found_table(session, statement.name)
    session.check_privilege(relation, "TRUNCATE")
    session.connection.execute(f"DELETE FROM {relation.physical}")
    if session.transaction_status == "T" and not session.implicit:
        session.commit()
    return Result("TRUNCATE TABLE")


COMPILERS: "Final[dict[type[exp.Expr], Callable[[Session, exp.Expr, Types], Change]]]" = {
    exp.Insert: compile_insert,  # type: ignore[dict-item]  # each takes the kind of node that it stands under
    exp.Update: compile_update,  # type: ignore[dict-item]
    exp.Delete: compile_delete,  # type: ignore[dict-item]
    exp.Merge: compile_merge,  # type: ignore[dict-item]
}
RULES: "Final[dict[type[exp.Expr], Callable[[Session, exp.Expr, Sequence[Parameter]], Result]]]" = {
    kind: runner(compile_) for kind, compile_ in COMPILERS.items()
}
