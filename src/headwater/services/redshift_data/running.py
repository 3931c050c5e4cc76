"""The live side: statements that run, who waits for them, and sessions that are kept.

Easy to get wrong: a statement must not run twice. Its record says STARTED before its first SQL leaves, so one that is found STARTED
at a start of the house was interrupted: its outcome is unknown, and it is FAILED.
"""

import asyncio
import contextlib
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import structlog
from msgspec.structs import replace

from headwater.aws.faults import Fault
from headwater.kernel.context import Context
from headwater.kernel.home import Home

from . import results
from .asking import Outcome, answers, error_text
from .connecting import Logins, Target, _connect
from .model import Part, Statement, numbered, statements

if TYPE_CHECKING:
    import psycopg

log = structlog.get_logger()

RUNNING_MAX: Final = 50
CANCEL_AGAIN_S: Final = 0.2
INTERRUPTED: Final = "The statement was interrupted by a restart of Headwater; whether it took effect is not known."


class KeptSession:
    """A connection that outlives its statement, with its temporary tables. One statement at a time."""

    def __init__(self, target: Target, owner: str) -> None:
        self.target = target
        self.owner = owner
        self.connection: psycopg.AsyncConnection | None = None
        self.busy = True
        self.end: asyncio.TimerHandle | None = None


class Running:
    """Kept at `home.rooms["redshift-data"]`."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self.folder: Path = home.path / "redshift-data"
        self.logins = Logins()
        self.sessions: dict[str, KeptSession] = {}
        self._ended: dict[str, asyncio.Event] = {}
        self._connections: dict[str, psycopg.AsyncConnection] = {}
        self._aborted: set[str] = set()
        self._places = asyncio.Semaphore(RUNNING_MAX)

    @property
    def active(self) -> int:
        return len(self._ended)

    def start(self, ctx: Context, statement: Statement) -> None:
        self._ended[statement.id] = asyncio.Event()
        self._home.tasks.create_task(self._run(ctx, statement), name=f"statement {statement.id}")

    async def wait(self, statement_id: str, seconds: float) -> None:
        """Until the statement has ended, but not longer than that."""
        ended = self._ended.get(statement_id)
        if ended is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await ended.wait()

    def cancel(self, statement_id: str) -> None:
        """Behind the answer: what is between two steps just now does not hear, so it is told until it has ended."""
        if statement_id not in self._aborted:
            self._aborted.add(statement_id)
            self._home.tasks.create_task(self._cancel(statement_id), name=f"cancel statement {statement_id}")

    async def _cancel(self, statement_id: str) -> None:
        import psycopg

        while statement_id in self._ended:
            connection = self._connections.get(statement_id)
            if connection is not None:
                with contextlib.suppress(psycopg.Error, OSError):  # the connection may be gone in this moment
                    await connection.cancel_safe()
            await self.wait(statement_id, CANCEL_AGAIN_S)

    async def close(self) -> None:
        for kept in self.sessions.values():
            if kept.connection is not None:
                await kept.connection.close()

    async def _run(self, ctx: Context, statement: Statement) -> None:
        """Never raises: whatever happens becomes the statement's outcome."""
        import psycopg

        started_s = asyncio.get_running_loop().time()
        try:
            async with self._places:
                statement = await self._connected(ctx, statement)
        except Fault as fault:
            statement = failed(statement, fault.message)
        except psycopg.Error as error:
            statement = failed(statement, error_text(error))
        except OSError as error:  # a TimeoutError among them
            statement = failed(statement, str(error) or "The cluster did not answer in time.")
        except Exception as error:
            log.exception("statement ended in an unforeseen way", statement=statement.id)
            statement = failed(statement, f"Internal error: {type(error).__name__}")
        if statement.status == "FAILED" and statement.id in self._aborted:
            statement = replace(statement, status="ABORTED")
        duration_ns = int((asyncio.get_running_loop().time() - started_s) * 1e9)
        await self._keep(replace(statement, duration_ns=duration_ns, updated_at=ctx.clock.now()))
        self._aborted.discard(statement.id)
        self._connections.pop(statement.id, None)
        self._ended.pop(statement.id).set()

    async def _keep(self, statement: Statement) -> None:
        async with self._home.store.transaction() as tx:
            tx.put(statements, statement)

    async def _connected(self, ctx: Context, statement: Statement) -> Statement:
        """Log in, or take up the session, and run."""
        kept = self.sessions.get(statement.session_id)
        connection = kept.connection if kept is not None else None
        if connection is None or connection.closed:
            target = Target(statement.cluster, statement.database, statement.db_user, statement.secret_arn)
            login = await self.logins.of(ctx, target)
            connection = await _connect(login, statement.database)
        self._connections[statement.id] = connection
        try:
            statement = replace(statement, status="STARTED", pid=connection.info.backend_pid, updated_at=ctx.clock.now())
            await self._keep(statement)
            return await self._in_order(ctx, statement, connection)
        finally:
            await self._let_go(statement, kept, connection)

    async def _let_go(self, statement: Statement, kept: KeptSession | None, connection: "psycopg.AsyncConnection") -> None:
        if kept is None:
            await connection.close()
            return
        kept.connection, kept.busy = connection, False
        kept.end = asyncio.get_running_loop().call_later(statement.keep_alive_s, self._end_session, statement.session_id)

    def _end_session(self, session_id: str) -> None:
        kept = self.sessions.pop(session_id, None)
        if kept is not None and kept.connection is not None:
            self._home.tasks.create_task(kept.connection.close(), name=f"end session {session_id}")

    async def _in_order(self, ctx: Context, statement: Statement, connection: "psycopg.AsyncConnection") -> Statement:
        """The parts one after the other: all or nothing, unless each is to be committed by itself."""
        import psycopg

        as_one = statement.is_batch and not statement.auto_commit
        if as_one:
            await connection.execute("BEGIN")
        for number, part in enumerate(statement.parts):
            if statement.id in self._aborted:
                return replace(failed(statement, ""), parts=without_rest(statement.parts))
            try:
                done = await self._run_part(ctx, statement, number, connection)
            except (psycopg.Error, results.ResultTooLarge) as error:
                text = error_text(error) if isinstance(error, psycopg.Error) else str(error)
                failure = replace(part, status="FAILED", error=text, updated_at=ctx.clock.now())
                statement = failed(with_part(statement, number, failure), f"Query #{number + 1} failed with {text}" if as_one else text)
                if as_one and not connection.closed:
                    await connection.execute("ROLLBACK")
                if as_one or connection.closed:
                    return replace(statement, parts=without_rest(statement.parts))
                continue
            statement = with_part(statement, number, done)
        if as_one:
            await connection.execute("COMMIT")
        return statement if statement.status == "FAILED" else replace(statement, status="FINISHED")

    async def _run_part(self, ctx: Context, statement: Statement, number: int, connection: "psycopg.AsyncConnection") -> Part:
        loop = asyncio.get_running_loop()
        started_s = loop.time()
        part = statement.parts[number]
        sql, values = numbered(part.sql, statement.parameters)
        outcome = Outcome()
        in_files = partial(loop.run_in_executor, self._home.pools.files)
        writer = await in_files(results.Writer, results.path_of(self.folder, statement.id, number + 1))
        try:
            page: list[results.Row] = []
            async for rows in answers(connection, sql, values, outcome):
                for full in results.paged(rows, page):
                    await in_files(writer.page, full)
            if page:
                await in_files(writer.page, page)
        finally:
            writer.close()
        return replace(
            part,
            status="FINISHED",
            updated_at=ctx.clock.now(),
            duration_ns=int((loop.time() - started_s) * 1e9),
            result_rows=outcome.affected if outcome.columns is None else writer.rows,
            result_size=writer.size,
            columns=outcome.columns,
        )


def failed(statement: Statement, error: str) -> Statement:
    return replace(statement, status="FAILED", error=error)


def without_rest(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """What has not run will not."""
    return tuple(replace(part, status="ABORTED") if part.status == "SUBMITTED" else part for part in parts)


def with_part(statement: Statement, number: int, part: Part) -> Statement:
    parts = list(statement.parts)
    parts[number] = part
    return replace(statement, parts=tuple(parts))


def running_of(home: Home) -> Running:
    live: Running | None = home.rooms.get("redshift-data")
    if live is None:
        live = home.rooms["redshift-data"] = Running(home)
    return live
