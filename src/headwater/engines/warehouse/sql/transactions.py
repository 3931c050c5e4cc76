"""BEGIN, COMMIT, ROLLBACK: what they answer, and which statements an aborted transaction still takes."""

from typing import TYPE_CHECKING

from headwater.engines.warehouse.sql.answers import Result
from headwater.engines.warehouse.sql.errors import SqlError
from headwater.engines.warehouse.sql.statements import Begin, Commit, Parsed, Rollback

if TYPE_CHECKING:
    from headwater.engines.warehouse.sql.session import Session


def controls_transactions(statement: Parsed) -> bool:
    return isinstance(statement, Begin | Commit | Rollback)


def ends_transaction(statement: Parsed) -> bool:
    return isinstance(statement, Commit | Rollback)


def begin(session: "Session", _statement: Begin) -> Result:
    if session.transaction_status == "T":
        if session.implicit:
            session.implicit = False
            return Result("BEGIN")
        return Result("BEGIN", notices=["there is already a transaction in progress"])
    session.begin()
    return Result("BEGIN")


def commit(session: "Session", statement: Commit) -> Result:
    if session.transaction_status == "E":
        session.rollback()
        return Result("ROLLBACK")
    if session.transaction_status == "I":
        return Result(statement.tag, notices=["there is no transaction in progress"])
    session.commit()
    return Result(statement.tag)


def rollback(session: "Session", _statement: Rollback) -> Result:
    if session.transaction_status == "I":
        return Result("ROLLBACK", notices=["there is no transaction in progress"])
    undo(session)
    return Result("ROLLBACK")


def undo(session: "Session") -> None:
    if session.transaction_status == "T":
        session.fail()
    session.rollback()


def refuse_in_block(session: "Session", what: str) -> None:
    """For what Redshift commits by itself."""
    if session.transaction_status == "T":
        raise SqlError("25001", f"{what} cannot run inside a transaction block")
