"""DECLARE, FETCH, CLOSE: a cursor's rows are kept when it is declared, as Redshift's leader node keeps them.

They go into a temporary table, so that a large result spills to disk instead of filling the memory.
"""

from typing import TYPE_CHECKING

import msgspec

from headwater.engines.warehouse.sql.answers import Result
from headwater.engines.warehouse.sql.catalog import quoted
from headwater.engines.warehouse.sql.errors import SqlError
from headwater.engines.warehouse.sql.planning import Plan, plan_query
from headwater.engines.warehouse.sql.statements import CloseCursor, DeclareCursor, Fetch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headwater.engines.warehouse.sql.session import Session


class Cursor(msgspec.Struct):
    plan: Plan
    table: str
    position: int = 0


def declare(session: "Session", statement: DeclareCursor) -> Result:
    if session.transaction_status != "T" or session.implicit:
        raise SqlError("25P01", "DECLARE CURSOR may only be used in transaction blocks")
    if statement.name in session.cursors:
        raise SqlError("42P03", f'cursor "{statement.name}" already exists')
    plan = plan_query(session, statement.query, ())
    if plan.parameters:
        raise SqlError("42P02", "there is no parameter $1")
    if plan.uses_clock:
        session.tell_time()
    table = f"temp.main.{quoted('__cursor_' + statement.name)}"
    names = ", ".join(f"c{index}" for index in range(len(plan.outputs)))
    session.connection.execute(f"CREATE TEMP TABLE {table} AS SELECT *, row_number() OVER () AS __n FROM ({plan.stored()}) AS q({names})")
    session.cursors[statement.name] = Cursor(plan, table)
    return Result("DECLARE CURSOR")


def fetch(session: "Session", statement: Fetch, text: "bool | Sequence[bool]") -> Result:
    from headwater.engines.warehouse.sql.running import run_plan

    cursor = opened(session, statement.name)
    limit = "" if statement.count is None else f" LIMIT {statement.count}"
    names = ", ".join(f"c{index}" for index in range(len(cursor.plan.outputs)))
    sql = f"SELECT {names} FROM {cursor.table} WHERE __n > {cursor.position} ORDER BY __n{limit}"
    taken = session.connection.execute(f"SELECT count(*) FROM ({sql})").fetchone()
    assert taken is not None
    plan = msgspec.structs.replace(cursor.plan, sql=sql, casts=[None] * len(cursor.plan.outputs), used=[], uses_clock=False, finals={})
    result = run_plan(session, plan, (), text)
    cursor.position += taken[0]
    result.tag = "FETCH"
    return result


def opened(session: "Session", name: str) -> Cursor:
    found = session.cursors.get(name)
    if not isinstance(found, Cursor):
        raise SqlError("34000", f'cursor "{name}" does not exist')
    return found


def close(session: "Session", statement: CloseCursor) -> Result:
    names = list(session.cursors) if statement.name is None else [statement.name]
    for name in names:
        session.connection.execute(f"DROP TABLE {opened(session, name).table}")
        del session.cursors[name]
    return Result("CLOSE CURSOR")


def close_all(session: "Session") -> None:
    """At the end of the transaction; its rollback has already dropped the tables."""
    for cursor in session.cursors.values():
        session.connection.execute(f"DROP TABLE IF EXISTS {cursor.table}")
    session.cursors.clear()
