"""What a prepared statement takes and gives, found without running it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlglot import exp

from headwater.engines.warehouse.sql import statements as s
from headwater.engines.warehouse.sql.answers import Column, Description, Parameter
from headwater.engines.warehouse.sql.cursors import opened
from headwater.engines.warehouse.sql.dml import COMPILERS
from headwater.engines.warehouse.sql.errors import SqlError
from headwater.engines.warehouse.sql.planning import Plan, parameter_type, plan_query
from headwater.engines.warehouse.sql.running import is_values, planned
from headwater.engines.warehouse.sql.types import VARCHAR, SqlType

if TYPE_CHECKING:
    from headwater.engines.warehouse.sql.session import Session


def describe(session: "Session", statement: s.Parsed, oids: Sequence[int]) -> Description:
    if isinstance(statement, exp.Expr):
        compile_ = COMPILERS.get(type(statement))
        if compile_ is not None:
            change = compile_(session, statement, [parameter_type(oid) for oid in oids])
            return Description(told(change.parameters, oids), None)
        if isinstance(statement, exp.Query) or is_values(statement):
            plan = planned(session, statement, [Parameter(None, oid) for oid in oids])
            return Description(told(plan.parameters, oids), plan.columns)
        raise SqlError("42601", f'syntax error at or near "{statement.sql()[:20]}"')
    return Description(list(oids), result_columns(session, statement))


def told(kinds: Sequence[SqlType], oids: Sequence[int]) -> list[int]:
    """The OIDs that the client declared, and for the rest those that were found."""
    found = [kind.oid for kind in kinds]
    declared = [oid if oid not in (0, 705) else (found[index] if index < len(found) else VARCHAR.oid) for index, oid in enumerate(oids)]
    return declared + found[len(declared) :]


def result_columns(session: "Session", statement: s.Parsed) -> list[Column] | None:
    if isinstance(statement, s.ShowParameter):
        names = ["name", "setting"] if statement.name == "all" else [statement.name]
        return [Column(name, VARCHAR.oid) for name in names]
    if isinstance(statement, s.Explain):
        return [Column("QUERY PLAN", VARCHAR.oid)]
    if isinstance(statement, s.Fetch):
        return opened(session, statement.name).plan.columns
    if isinstance(statement, s.Execute):
        return executed_columns(session, statement)
    return None


def executed_columns(session: "Session", statement: s.Execute) -> list[Column] | None:
    prepared = session.prepared.get(statement.name)
    if prepared is None:
        raise SqlError("26000", f'prepared statement "{statement.name}" does not exist')
    inner = prepared.statement
    if isinstance(inner, exp.Query):
        plan: Plan = plan_query(session, inner, prepared.types)
        return plan.columns
    return None if isinstance(inner, exp.Expr) else result_columns(session, inner)
