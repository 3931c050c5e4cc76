"""One SQL statement over one connection: its rows in chunks as they come, so that no result is ever whole in memory.

psycopg's cursors either hold a whole result or can't run statements without rows; so libpq is asked directly, by the calls that
psycopg itself is made of.
"""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import msgspec

from .model import Column
from .results import Row

if TYPE_CHECKING:
    import psycopg

CHUNK_ROWS = 1000
_NUMERIC = 1700
_SIZED_TEXT = frozenset({1042, 1043})


class Outcome(msgspec.Struct):
    """What is known when the last row has come. `columns` is None for a statement without rows; `affected` -1 where none are counted."""

    columns: tuple[Column, ...] | None = None
    affected: int = -1


async def answers(connection: Any, sql: str, values: list[str], outcome: Outcome) -> AsyncIterator[list[Row]]:
    """The rows, in text; `outcome` is filled in on the way. Raises psycopg.Error. Exactly one statement is accepted."""
    from psycopg import errors, generators
    from psycopg.pq import ExecStatus

    pgconn = connection.pgconn
    async with connection.lock:
        pgconn.send_query_params(sql.encode(), [value.encode() for value in values])
        pgconn.set_chunked_rows_mode(CHUNK_ROWS)
        await connection.wait(generators.send(pgconn))
        failure: Exception | None = None
        while (result := await connection.wait(generators.fetch(pgconn))) is not None:
            match result.status:
                case ExecStatus.TUPLES_CHUNK | ExecStatus.SINGLE_TUPLE | ExecStatus.TUPLES_OK:
                    outcome.columns = columns_of(result)
                    if result.ntuples:
                        yield rows_of(result)
                case ExecStatus.COMMAND_OK:
                    outcome.affected = result.command_tuples if result.command_tuples is not None else -1
                case ExecStatus.EMPTY_QUERY:
                    pass
                case _:
                    failure = errors.error_from_result(result)
        if failure is not None:
            raise failure


def rows_of(result: Any) -> list[Row]:
    width = range(result.nfields)
    return [
        tuple(None if (value := result.get_value(row, column)) is None else value.decode() for column in width)
        for row in range(result.ntuples)
    ]


def columns_of(result: Any) -> tuple[Column, ...]:
    return tuple(column(result.fname(at).decode(), result.ftype(at), result.fsize(at), result.fmod(at)) for at in range(result.nfields))


def column(name: str, oid: int, size: int, modifier: int) -> Column:
    """Length, precision and scale as the type modifier tells them: both are offset by the four bytes of a length."""
    if oid == _NUMERIC and modifier >= 4:
        return Column(name, oid, -1, (modifier - 4) >> 16, (modifier - 4) & 0xFFFF)
    if oid in _SIZED_TEXT and modifier >= 4:
        return Column(name, oid, modifier - 4, modifier - 4, 0)
    return Column(name, oid, max(size, 0), _PRECISIONS.get(oid, max(size, 0)), _SCALES.get(oid, 0))


# Decimal digits, as the API reports them for types without a modifier.
_PRECISIONS = {16: 1, 20: 19, 21: 5, 23: 10, 26: 10, 700: 8, 701: 17, 1082: 13, 1114: 29, 1184: 35}
_SCALES = {700: 8, 701: 17, 1114: 6, 1184: 6}


def error_text(error: "psycopg.Error") -> str:
    """As DescribeStatement has it: the message, and where in the statement."""
    diagnosis = error.diag
    text = f"ERROR: {diagnosis.message_primary or str(error).strip()}"
    if diagnosis.statement_position:
        text += f"\n  Position: {diagnosis.statement_position}"
    if diagnosis.message_detail:
        text += f"\n  Detail: {diagnosis.message_detail}"
    return text
