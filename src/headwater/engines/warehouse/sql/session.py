"""The face of the SQL engine: a database (one DuckDB file) and the sessions that run statements in it.

A session is one client's: it owns a DuckDB connection, and everything that lives as long as the client does. The order in
which a statement runs is here; what each kind does is in `queries_run.py`, `dml.py`, `ddl.py`, `copying.py` and their like.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from headwater.engines.warehouse.sql import catalog as catalogs
from headwater.engines.warehouse.sql.answers import Column, Description, Parameter, Result
from headwater.engines.warehouse.sql.catalog import Catalog, Relation, Schema, text
from headwater.engines.warehouse.sql.cursors import close_all
from headwater.engines.warehouse.sql.database import Store
from headwater.engines.warehouse.sql.errors import SqlError
from headwater.engines.warehouse.sql.external import Scan, ScanReport
from headwater.engines.warehouse.sql.failures import is_fatal, translated
from headwater.engines.warehouse.sql.files import Spool
from headwater.engines.warehouse.sql.grammar import parse
from headwater.engines.warehouse.sql.lake import Lake, LakeError, RoleRefused
from headwater.engines.warehouse.sql.settings import Settings
from headwater.engines.warehouse.sql.statements import Parsed
from headwater.engines.warehouse.sql.types import SqlType

if TYPE_CHECKING:
    import duckdb

__all__ = ["Clock", "Column", "Database", "Description", "Parameter", "Result", "Session", "SqlError"]


QUERY_LOGS = frozenset({"stl_query", "svl_qlog", "sys_query_history"})


class Clock(Protocol):
    """AWS time, which tests and users can move."""

    def now(self) -> datetime: ...


class Database:
    """One DuckDB file. Opens it, or makes it with the hidden catalog inside. Thread-safe."""

    def __init__(self, path: Path, memory_limit_bytes: int, threads: int, *, on_lost: Callable[[], None] = lambda: None) -> None:
        """`on_lost` is called when DuckDB gives its whole instance up: nothing runs on this object any more."""
        self._store = Store(path, memory_limit_bytes, threads)
        self._store.on_lost = on_lost

    def session(self, user: str, dbname: str, lake: Lake, clock: Clock, *, pid: int = 0) -> "Session":
        """A session of its own connection; `pid` is what `pg_backend_pid()` answers (0: a number is chosen)."""
        return Session(self._store, user, dbname, lake, clock, pid or next(self._store.pids))

    def set_users(self, users: Mapping[str, bool]) -> None:
        """The users that pg_user shows: name, and whether it is a superuser."""
        self._store.set_users([("rdsdb", True), *users.items()])

    def close(self) -> None:
        self._store.close()


class Session:
    """One client's session: temporary tables, settings, prepared statements, cursors, a transaction. One thread at a time."""

    def __init__(self, store: Store, user: str, dbname: str, lake: Lake, clock: Clock, pid: int) -> None:
        self.store = store
        self.user = user
        self.dbname = dbname
        self.lake = lake
        self.clock = clock
        self.pid = pid
        self.transaction_status: Literal["I", "T", "E"] = "I"
        self.connection: duckdb.DuckDBPyConnection = store.connect()
        self.settings = Settings(user, self._settings_changed)
        self.temporaries: dict[str, Relation] = {}
        self.prepared: dict[str, Any] = {}
        self.cursors: dict[str, Any] = {}
        self.query = 0
        self.implicit = False  # several statements in one message are one transaction
        self.changed = False  # the open transaction has changed the catalog
        self._pinned: tuple[int, Catalog] | None = None
        self._before: tuple[dict[str, Relation], dict[str, str]] = ({}, {})
        self._began: datetime | None = None
        self._settings_told = False
        self._scans: list[Scan] = []
        self._spool = Spool(store.spool)
        self._cancelled = threading.Event()
        self.is_superuser = store.users().get(user, False)
        self._set_variables()

    # The face

    def execute(self, sql: str, parameters: Sequence[Parameter] = (), *, text: bool | Sequence[bool] = False) -> Iterator[Result]:
        """One `Result` per statement of `sql`, each run when it is asked for; an empty string gives none.

        Batches carry Arrow's own types (bool, int16/32/64, float32/64, decimal128, utf8, date32, time64[us], timestamp[us],
        timestamp[us, UTC] for timestamptz, binary for varbyte). Columns for which `text` is true (all, or by position) come
        as utf8 in the very text form that Redshift sends, cast inside DuckDB: nothing is left to format row by row.
        """
        try:
            statements = parse(sql)
        except SqlError:
            self.fail()
            raise
        if len(statements) == 1:
            yield self.run(statements[0], sql, parameters, text)
        elif statements:
            yield from self._together(statements, sql, parameters, text)

    def describe(self, sql: str, parameter_oids: Sequence[int] = ()) -> Description:
        """What a statement takes and gives, without running it. Parameters whose OID is 0 are inferred."""
        from headwater.engines.warehouse.sql.describing import describe

        try:
            statement = only(parse(sql))
            if statement is None:
                return Description(list(parameter_oids), None)
            self._check_alive(statement)
            return describe(self, statement, parameter_oids)
        except Exception as error:
            self.fail()
            raise translated(error) from error
        finally:
            self.forget_scans()

    def describe_cursor(self, name: str) -> list[Column] | None:
        """The columns of a cursor that DECLARE has opened, which clients may describe as a portal; None if there is none."""
        cursor = self.cursors.get(name.lower())
        return None if cursor is None else list(cursor.plan.columns)

    def cancel(self) -> None:
        """End what runs now, from another thread: it raises `SqlError("57014", …)`."""
        self._cancelled.set()
        self.connection.interrupt()

    def close(self) -> None:
        """Roll back what is open and let temporary tables go."""
        if self.transaction_status != "I":
            self.rollback()
        self._spool.close()
        self.store.log("DELETE FROM memory.main.sessions WHERE pid = ?", [[self.pid]])
        self.connection.close()

    # How a statement runs

    def _together(
        self, statements: Sequence[Parsed], sql: str, parameters: Sequence[Parameter], text: bool | Sequence[bool]
    ) -> Iterator[Result]:
        """Several statements in one message: one transaction, unless they say otherwise themselves."""
        from headwater.engines.warehouse.sql.transactions import controls_transactions

        finished = False
        try:
            for statement in statements:
                if self.transaction_status == "I" and not controls_transactions(statement):
                    self.begin()
                    self.implicit = True
                yield self.run(statement, sql, parameters, text)
            finished = True
            if self.implicit and self.transaction_status == "T":
                self.commit()
        finally:
            if self.implicit and (not finished or self.transaction_status == "E"):
                self.rollback()

    def run(self, statement: Parsed, sql: str, parameters: Sequence[Parameter] = (), text: bool | Sequence[bool] = False) -> Result:
        from headwater.engines.warehouse.sql.running import run

        self._cancelled.clear()
        started = self.now()
        self.query = next(self.store.queries)
        try:
            self._check_alive(statement)
            if not self._settings_told:
                self._set_path()
            result = run(self, statement, parameters, text)
        except Exception as error:
            self._notice(error)
            failure = translated(error)
            self.finished(sql, started, aborted=True)
            self.fail()
            raise failure from error
        if result.batches is None:
            self.finished(sql, started, aborted=False)
        else:
            result.batches = self._streamed(result.batches, sql, started)
        return result

    def _check_alive(self, statement: Parsed) -> None:
        from headwater.engines.warehouse.sql.transactions import ends_transaction

        if self.transaction_status == "E" and not ends_transaction(statement):
            raise SqlError("25P02", "current transaction is aborted, commands ignored until end of transaction block")

    def _notice(self, error: Exception) -> None:
        if is_fatal(error):
            self.store.on_lost()

    def _check_wanted(self) -> None:
        if self._cancelled.is_set():
            raise SqlError("57014", "Query cancelled on user's request")

    def _streamed(self, batches: Iterator[Any], sql: str, started: datetime) -> Iterator[Any]:
        aborted = True
        try:
            for batch in batches:
                self._check_wanted()
                yield batch
            aborted = False
        except Exception as error:
            self._notice(error)
            self.fail()
            raise translated(error) from error
        finally:
            self.finished(sql, started, aborted=aborted)

    def finished(self, sql: str, started: datetime, *, aborted: bool) -> None:
        """Log the statement, and what it has read from S3."""
        reports = [scan.report for scan in self._scans if scan.report is not None]
        self.forget_scans()
        if reports and not aborted:
            self._log_scans(reports, started)
        self.store.remember(self.query, self.pid, sql, naive(started), naive(self.now()), aborted=aborted)

    def _log_scans(self, reports: Sequence[ScanReport], started: datetime) -> None:
        ended = naive(self.now())
        rows = [
            [
                self.query,
                self.pid,
                report.table,
                report.format,
                report.files,
                report.scanned_bytes,
                report.partitions,
                naive(started),
                ended,
            ]
            for report in reports
        ]
        self.store.log("INSERT INTO memory.main.s3_queries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def forget_scans(self) -> None:
        self._scans.clear()
        self._spool.close()

    # Transactions

    def begin(self) -> None:
        self.connection.execute("BEGIN")
        self.transaction_status = "T"
        self.implicit = False
        self.changed = False
        self._pinned = self.store.catalog()
        self._before = (dict(self.temporaries), self.settings.snapshot())
        self._began = self.now()

    def commit(self) -> None:
        self.transaction_status = "I"
        try:
            self.connection.execute("COMMIT")
        except Exception as error:
            self.temporaries, said = self._before
            self.settings.restore(said)
            self._ended()
            raise translated(error) from error
        if self.changed:
            self.store.catalog_changed()
        self._ended()

    def rollback(self) -> None:
        if self.transaction_status == "T":
            self.connection.execute("ROLLBACK")
        self.transaction_status = "I"
        self._ended()

    def fail(self) -> None:
        """A statement has failed: what the open transaction did is undone at once, and it takes nothing but its end."""
        if self.transaction_status != "T":
            return
        self.transaction_status = "E"
        self.temporaries, said = self._before
        self.settings.restore(said)
        self.connection.execute("ROLLBACK")
        if self.implicit:
            self.transaction_status = "I"
            self._ended()

    def _ended(self) -> None:
        self.implicit = False
        self.changed = False
        self._pinned = None
        self._began = None
        close_all(self)
        self._settings_told = False

    @contextmanager
    def atomic(self) -> Iterator[None]:
        """All or nothing, also when DuckDB needs several statements for one of ours."""
        if self.transaction_status == "T":
            yield
            return
        self.begin()
        try:
            yield
        except BaseException:
            self.temporaries, said = self._before
            self.settings.restore(said)
            self.rollback()
            raise
        self.commit()

    # What the binder asks (binder.World)

    @property
    def catalog(self) -> Catalog:
        return self.versioned_catalog()[1]

    def versioned_catalog(self) -> tuple[int, Catalog]:
        if self.changed and self._pinned is None:
            self._pinned = (-1, catalogs.read(self.connection))
        return self._pinned or self.store.catalog()

    def catalog_changed(self) -> None:
        """The open transaction has changed the catalog: read it anew, here and, after the commit, everywhere."""
        self.changed = True
        self._pinned = None

    def search_path(self) -> tuple[str, ...]:
        return self.settings.search_path()

    def temporary(self, name: str) -> Relation | None:
        return self.temporaries.get(name)

    def system(self, schema: str, name: str) -> Mapping[str, SqlType] | None:
        found = self.store.system.get((schema, name))
        if found is not None and name in QUERY_LOGS:
            self.store.write_queries()
        if found is not None and name in self.store.external_views:
            from headwater.engines.warehouse.sql.external_views import refresh

            refresh(self)
        return found

    def is_external_view(self, name: str) -> bool:
        return name in self.store.external_views

    def lake_of(self, schema: Schema) -> Lake:
        """The lake under the role of an external schema."""
        return self.lake.under(schema.role or "default")

    def external(self, schema: Schema, name: str) -> Scan | None:
        lake = self.lake_of(schema)
        table = self.from_lake(lambda: lake.table(schema.external_database or "", name))
        if table is None:
            return None
        scan = Scan(schema, table, lake, self.connection, self._spool)
        self._scans.append(scan)
        return scan

    def from_lake(self, ask: Any) -> Any:
        try:
            return ask()
        except RoleRefused as error:
            raise SqlError("XX000", error.message) from error
        except LakeError as error:
            raise SqlError("XX000", f"External Catalog Error. Detail: {error.code}: {error.message}") from error

    def check_privilege(self, relation: Relation, privilege: str) -> None:
        from headwater.engines.warehouse.sql.rights import check

        check(self, relation, privilege)

    # Small things that every kind of statement needs

    @property
    def spool(self) -> Spool:
        return self._spool

    def now(self) -> datetime:
        return self.clock.now().astimezone(UTC)

    def tell_time(self) -> None:
        """Before a statement that asks the time: the statement's and the transaction's beginning."""
        now = self.now()
        began = self._began or now
        for name, value in (("hw_now", now), ("hw_began", began)):
            self.connection.execute(f"SET VARIABLE {name} = TIMESTAMP '{naive(value).isoformat(sep=' ')}'")
        self.connection.execute(f"SET VARIABLE hw_began_tz = TIMESTAMPTZ '{naive(began).isoformat(sep=' ')}+00'")

    def native_columns(self, sql: str, used: Sequence[int]) -> list[str]:
        """DuckDB's types of a query's columns, from its binder alone."""
        rows = self.connection.execute(f"DESCRIBE {sql}", {str(index): None for index in used} or None).fetchall()
        return [row[1] for row in rows]

    def _set_variables(self) -> None:
        for name, value in (
            ("hw_user", text(self.user)),
            ("hw_database", text(self.dbname)),
            ("hw_pid", str(self.pid)),
            ("hw_super", str(self.is_superuser)),
            ("hw_settings", "MAP {'': ''}"),
            ("hw_copied", "0"),
            ("hw_query", "-1"),
        ):
            self.connection.execute(f"SET VARIABLE {name} = {value}")
        self._path_set: tuple[str, ...] = ()
        self._said: dict[str, str] = {}
        self._set_path()
        self.store.log("INSERT INTO memory.main.sessions VALUES (?, ?, ?, ?)", [[self.pid, self.user, self.dbname, naive(self.now())]])

    def _set_path(self) -> None:
        """Let the system views know the settings, where they have changed."""
        self._settings_told = True
        known = self.catalog.schemas
        path = tuple(name for name in self.search_path() if name in known)
        if path != self._path_set:
            self._path_set = path
            self.connection.execute(f"SET VARIABLE hw_path = [{', '.join(text(name) for name in path)}]::VARCHAR[]")
        if self.settings.said != self._said:
            self._said = dict(self.settings.said)
            self._tell_digits()
            pairs = ", ".join(f"{text(name)}: {text(value)}" for name, value in self._said.items())
            self.connection.execute(f"SET VARIABLE hw_settings = MAP {{{pairs or chr(39) * 2 + ': ' + chr(39) * 2}}}")

    def _tell_digits(self) -> None:
        """extra_float_digits: how many digits a float shows beyond PostgreSQL 8's 15, or 6 for a real."""
        extra = self.settings.get("extra_float_digits")
        more = int(extra) if extra.lstrip("-").isdigit() else 0
        for name, digits, most in (("hw_double", 15, 17), ("hw_real", 6, 9)):
            self.connection.execute(f"SET VARIABLE {name} = '{{:.{max(1, min(digits + more, most))}g}}'")

    def _settings_changed(self) -> None:
        """Told to the system views with the next statement that is run; here it may be an aborted transaction."""
        self._settings_told = False


def only(statements: Sequence[Parsed]) -> Parsed | None:
    if len(statements) > 1:
        raise SqlError("42601", "cannot insert multiple commands into a prepared statement")
    return statements[0] if statements else None


def naive(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)
