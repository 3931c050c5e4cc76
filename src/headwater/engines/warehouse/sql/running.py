"""Which executor runs which statement. Queries are here; every other kind has its own module."""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from sqlglot import exp

from headwater.engines.warehouse.sql import (
    copying,
    cursors,
    ddl,
    dml,
    external_ddl,
    rights,
    session_commands,
    table_changes,
    transactions,
    unloading,
)
from headwater.engines.warehouse.sql import statements as s
from headwater.engines.warehouse.sql.answers import Parameter, Result
from headwater.engines.warehouse.sql.errors import SqlError
from headwater.engines.warehouse.sql.planning import Plan, parameter_type, plan_query

if TYPE_CHECKING:
    from headwater.engines.warehouse.sql.session import Session

BATCH_ROWS: Final = 32_768
Text = bool | Sequence[bool]


def run(session: "Session", statement: s.Parsed, parameters: Sequence[Parameter], text: Text) -> Result:
    if isinstance(statement, exp.Expr):
        rule = dml.RULES.get(type(statement))
        if rule is not None:
            return rule(session, statement, parameters)
        if isinstance(statement, exp.Select) and statement.args.get("into") is not None:
            return ddl.create_table(session, select_into(statement))
        if isinstance(statement, exp.Query) or is_values(statement):
            return run_plan(session, planned(session, statement, parameters), parameters, text)
        raise SqlError("42601", f'syntax error at or near "{statement.sql()[:20]}"')
    if isinstance(statement, s.Execute):
        return execute_prepared(session, statement, text)
    if isinstance(statement, s.Fetch):
        return cursors.fetch(session, statement, text)
    return EXECUTORS[type(statement)](session, statement)


def select_into(statement: exp.Select) -> s.CreateTable:
    """SELECT … INTO t is CREATE TABLE t AS SELECT …"""
    query = statement.copy()
    into = query.args["into"].pop()
    table = into.this
    name = s.Name(table.name.lower(), table.text("db").lower() or None)
    temporary = bool(into.args.get("temporary")) or name.name.startswith("#")
    return s.CreateTable(name=name, query=query, temporary=temporary, tag="SELECT")


def is_values(statement: exp.Expr) -> bool:
    return isinstance(statement, exp.Values) or (isinstance(statement, exp.Anonymous) and str(statement.this).lower() == "values")


def planned(session: "Session", query: exp.Expr, parameters: Sequence[Parameter]) -> Plan:
    """The plan, from the cache if the same statement has been planned while the catalog was the same."""
    version, _ = session.versioned_catalog()
    kinds = tuple(parameter.oid for parameter in parameters)
    key = (id(query), kinds, session.user, session.search_path(), version)
    if version >= 0 and not session.temporaries:
        kept = session.store.plan(key)
        if kept is not None:
            return kept[1]  # type: ignore[no-any-return]  # (the query, so that its id stays its own; the plan)
    plan = plan_query(session, query, [parameter_type(kind) for kind in kinds])
    if plan.cacheable and version >= 0 and not session.temporaries:
        session.store.keep_plan(key, (query, plan))
    return plan


def run_plan(session: "Session", plan: Plan, parameters: Sequence[Parameter], text: Text) -> Result:
    wanted = [text] * len(plan.outputs) if isinstance(text, bool) else list(text)
    if len(wanted) == 1:
        wanted *= len(plan.outputs)
    values = bound_values(plan, parameters)
    if plan.uses_clock:
        session.tell_time()
    cursor = session.connection.execute(plan.final(wanted), values)
    return Result("SELECT", plan.columns, batches(cursor))


def bound_values(plan: Plan, parameters: Sequence[Parameter]) -> dict[str, str | None] | None:
    if max(plan.used, default=0) > len(parameters):
        raise SqlError("08P01", f"bind message supplies {len(parameters)} parameters, but the statement requires {max(plan.used)}")
    return {str(index): decoded(parameters[index - 1]) for index in plan.used} or None


def decoded(parameter: Parameter) -> str | None:
    try:
        return None if parameter.value is None else parameter.value.decode("utf-8")
    except UnicodeDecodeError as error:
        raise SqlError("22021", "invalid byte sequence for encoding UTF8") from error


def batches(cursor: Any) -> Iterator[Any]:
    """What DuckDB has ready so far: the rest is computed as it is read."""
    reader = cursor.to_arrow_reader(BATCH_ROWS)
    first = next(reader, None)  # an error of the first rows belongs to the statement, not to its stream

    def rest() -> Iterator[Any]:
        if first is not None:
            yield first
            yield from reader

    return rest()


def execute_prepared(session: "Session", statement: s.Execute, text: Text) -> Result:
    prepared = session.prepared.get(statement.name)
    if prepared is None:
        raise SqlError("26000", f'prepared statement "{statement.name}" does not exist')
    if len(statement.arguments) != len(prepared.types):
        raise SqlError("42601", f'wrong number of parameters for prepared statement "{statement.name}"')
    inner = prepared.statement
    if not isinstance(inner, exp.Expr):
        return run(session, inner, (), text)
    filled = inner.copy()
    for node in list(filled.find_all(exp.Parameter)):
        index = int(node.name)
        if index > len(statement.arguments):
            raise SqlError("42P02", f"there is no parameter ${index}")
        node.replace(statement.arguments[index - 1].copy())
    return run(session, filled, (), text)


EXECUTORS: Final[dict[type[s.Statement], Callable[["Session", Any], Result]]] = {
    s.Begin: transactions.begin,
    s.Commit: transactions.commit,
    s.Rollback: transactions.rollback,
    s.SetParameter: session_commands.set_parameter,
    s.ResetParameter: session_commands.reset,
    s.ShowParameter: session_commands.show,
    s.Explain: session_commands.explain,
    s.Prepare: session_commands.prepare,
    s.Deallocate: session_commands.deallocate,
    s.DeclareCursor: cursors.declare,
    s.CloseCursor: cursors.close,
    s.CreateSchema: ddl.create_schema,
    s.DropSchema: ddl.drop_schema,
    s.RenameSchema: ddl.rename_schema,
    s.CreateTable: ddl.create_table,
    s.CreateView: ddl.create_view,
    s.Drop: ddl.drop,
    s.CommentOn: ddl.comment,
    s.Maintain: ddl.maintain,
    s.CreateExternalSchema: external_ddl.create_schema,
    s.CreateExternalTable: external_ddl.create_table,
    s.AddPartitions: external_ddl.add_partitions,
    s.DropPartition: external_ddl.drop_partition,
    s.AddColumn: table_changes.add_column,
    s.DropColumn: table_changes.drop_column,
    s.RenameColumn: table_changes.rename_column,
    s.RenameRelation: table_changes.rename,
    s.AlterColumnType: table_changes.alter_type,
    s.AlterAttributes: table_changes.alter_attributes,
    s.AddConstraint: table_changes.add_constraint,
    s.DropConstraint: table_changes.drop_constraint,
    s.ChangeOwner: table_changes.change_owner,
    s.Truncate: dml.truncate,
    s.Copy: copying.copy,
    s.Unload: unloading.unload,
    s.Grant: rights.grant,
}
