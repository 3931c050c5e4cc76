"""SET, SHOW, RESET, EXPLAIN, PREPARE: what concerns the session and not the data."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlglot import exp

from headwater.engines.warehouse.sql.answers import Column, Result
from headwater.engines.warehouse.sql.dml import COMPILERS
from headwater.engines.warehouse.sql.errors import SqlError
from headwater.engines.warehouse.sql.planning import plan_query
from headwater.engines.warehouse.sql.statements import Deallocate, Explain, Prepare, ResetParameter, SetParameter, ShowParameter
from headwater.engines.warehouse.sql.types import VARCHAR

if TYPE_CHECKING:
    from headwater.engines.warehouse.sql.session import Session


def text_rows(tag: str, names: Sequence[str], rows: Sequence[Sequence[str | None]]) -> Result:
    """A small answer made here, not by DuckDB."""
    import pyarrow as pa

    columns = [Column(name, VARCHAR.oid, VARCHAR.typmod, VARCHAR.typlen) for name in names]
    arrays = [pa.array([row[index] for row in rows], pa.string()) for index in range(len(names))]
    return Result(tag, columns, iter([pa.RecordBatch.from_arrays(arrays, names=list(names))]))


def set_parameter(session: "Session", statement: SetParameter) -> Result:
    if statement.local and session.transaction_status != "T":
        return Result("SET", notices=["SET LOCAL can only be used in transaction blocks"])
    if statement.local and statement.name != "transaction_isolation":
        raise SqlError("0A000", "SET LOCAL is not supported")
    if statement.values is None:
        session.settings.reset(statement.name)
    else:
        session.settings.set(statement.name, statement.values)
    return Result("SET")


def reset(session: "Session", statement: ResetParameter) -> Result:
    session.settings.reset(statement.name)
    return Result("RESET")


def show(session: "Session", statement: ShowParameter) -> Result:
    if statement.name == "all":
        return text_rows("SHOW", ["name", "setting"], session.settings.all())
    return text_rows("SHOW", [statement.name], [[session.settings.get(statement.name)]])


def explain(session: "Session", statement: Explain) -> Result:
    """The plan of the engine that runs the query, which is DuckDB."""
    inner = statement.statement
    if not isinstance(inner, exp.Expr):
        raise SqlError("0A000", "EXPLAIN of this statement is not supported")
    compile_ = COMPILERS.get(type(inner))
    sql = compile_(session, inner, ()).sql if compile_ is not None else plan_query(session, inner, ()).sql
    rows = session.connection.execute(f"EXPLAIN {sql}").fetchall()
    return text_rows("EXPLAIN", ["QUERY PLAN"], [[line] for row in rows for line in row[1].splitlines()])


def prepare(session: "Session", statement: Prepare) -> Result:
    if statement.name in session.prepared:
        raise SqlError("42P05", f'prepared statement "{statement.name}" already exists')
    if isinstance(statement.statement, exp.Query):
        plan_query(session, statement.statement, statement.types)  # what cannot be bound is refused now
    session.prepared[statement.name] = statement
    return Result("PREPARE")


def deallocate(session: "Session", statement: Deallocate) -> Result:
    if statement.name is None:
        session.prepared.clear()
        return Result("DEALLOCATE ALL")
    if session.prepared.pop(statement.name, None) is None:
        raise SqlError("26000", f'prepared statement "{statement.name}" does not exist')
    return Result("DEALLOCATE")
