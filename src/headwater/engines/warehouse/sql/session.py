"""The face of the SQL engine: a database (one DuckDB file) and the sessions that run statements in it."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol

from headwater.engines.warehouse.sql.answers import Column, Description, Parameter, Result
from headwater.engines.warehouse.sql.errors import SqlError
from headwater.engines.warehouse.sql.lake import Lake

__all__ = ["Clock", "Column", "Database", "Description", "Parameter", "Result", "Session", "SqlError"]


class Clock(Protocol):
    """AWS time, which tests and users can move."""

    def now(self) -> datetime: ...


class Database:
    """One DuckDB file. Opens it, or makes it with the hidden catalog inside. Thread-safe."""

    def __init__(self, path: Path, memory_limit_bytes: int, threads: int) -> None:
        raise NotImplementedError

    def session(self, user: str, dbname: str, lake: Lake, clock: Clock, *, pid: int = 0) -> "Session":
        """A session of its own connection; `pid` is what `pg_backend_pid()` answers (0: a number is chosen)."""
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError


class Session:
    """One client's session: temporary tables, settings, prepared statements, cursors, a transaction. One thread at a time."""

    transaction_status: Literal["I", "T", "E"]

    def execute(self, sql: str, parameters: Sequence[Parameter] = (), *, text: bool | Sequence[bool] = False) -> Iterator[Result]:
        """One `Result` per statement of `sql`, each run when it is asked for; an empty string gives none.

        Batches carry Arrow's own types (bool, int16/32/64, float32/64, decimal128, utf8, date32, time64[us], timestamp[us],
        timestamp[us, UTC] for timestamptz, binary for varbyte). Columns for which `text` is true (all, or by position) come
        as utf8 in the very text form that Redshift sends, cast inside DuckDB: nothing is left to format row by row.
        """
        raise NotImplementedError

    def describe(self, sql: str, parameter_oids: Sequence[int] = ()) -> Description:
        raise NotImplementedError

    def cancel(self) -> None:
        """End what runs now, from another thread: it raises `SqlError("57014", …)`."""
        raise NotImplementedError

    def close(self) -> None:
        """Roll back what is open and let temporary tables go."""
        raise NotImplementedError
