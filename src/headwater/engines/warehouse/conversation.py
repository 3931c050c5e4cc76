"""What is said to a client's messages: the simple and the extended query protocol over one SQL session.

No I/O and no event loop: `answers` is a generator of bytes that a worker thread pulls, so a result is made no faster than its
client reads it. Easy to get wrong: after an error in the extended protocol everything up to the next Sync is ignored, and a
portal that has not given all its rows must keep them when another statement runs on the same session.
Source: PostgreSQL documentation, "Message Flow".
"""

import tempfile
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, Final

import structlog
from msgspec import Struct

from headwater.engines.warehouse import protocol
from headwater.engines.warehouse.oids import parameter_text
from headwater.engines.warehouse.protocol import BINARY, TEXT, Field, ProtocolViolation
from headwater.engines.warehouse.sql.answers import Column, Description, Parameter, Result
from headwater.engines.warehouse.sql.errors import SqlError

if TYPE_CHECKING:
    import pyarrow as pa

    from headwater.engines.warehouse.sql.session import Session

Piece = bytes | memoryview
log: Final = structlog.get_logger()


class Prepared(Struct, frozen=True):
    name: str
    sql: str
    description: Description


class Portal:
    """A bound statement and, once it runs, the rows that it has not given yet."""

    def __init__(self, prepared: Prepared, parameters: list[Parameter], formats: list[int]) -> None:
        self.prepared = prepared
        self.parameters = parameters
        self.formats = formats
        self.result: Result | None = None
        self._batches: Iterator[pa.RecordBatch] = iter(())
        self._left: pa.RecordBatch | None = None
        self._aside: IO[bytes] | None = None

    @property
    def suspended(self) -> bool:
        return self._left is not None

    def start(self, result: Result) -> None:
        self.result = result
        self._batches = iter(result.batches or ())
        self._advance()

    def take(self, rows_max: int) -> "Iterator[pa.RecordBatch]":
        """The next rows, all of them for 0."""
        wanted = rows_max
        while self._left is not None:
            batch = self._left
            if rows_max and batch.num_rows > wanted:
                self._left = batch.slice(wanted)
                yield batch.slice(0, wanted)
                return
            wanted -= batch.num_rows
            yield batch
            self._advance()
            if rows_max and wanted == 0:
                return

    def _advance(self) -> None:
        self._left = next((batch for batch in self._batches if batch.num_rows), None)

    def put_aside(self) -> None:
        """Move the remaining rows out of the session's way, to a file: they may be more than memory holds."""
        if self._left is None:
            return
        import pyarrow as pa

        if self._aside is not None:
            return
        file = self._aside = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the portal
        with pa.ipc.new_stream(file, self._left.schema) as stream:
            stream.write_batch(self._left)
            for batch in self._batches:
                stream.write_batch(batch)
        file.seek(0)
        self._batches = iter(pa.ipc.open_stream(file))
        self._advance()

    def close(self) -> None:
        if self._aside is not None:
            self._aside.close()


class Conversation:
    """One client's side of the protocol after login. One thread at a time."""

    def __init__(self, session: "Session") -> None:
        self._session = session
        self._statements: dict[str, Prepared] = {}
        self._portals: dict[str, Portal] = {}
        self._deaf_until_sync = False
        self._answer_to: dict[type[protocol.Message], Callable[[Any], Iterator[Piece]]] = {
            protocol.Query: self._query,
            protocol.Parse: self._parse,
            protocol.Bind: self._bind,
            protocol.Describe: self._describe,
            protocol.Execute: self._execute,
            protocol.Close: self._close,
            protocol.Sync: self._sync,
            protocol.Flush: lambda _: iter(()),
            protocol.CopyLeftover: lambda _: iter(()),
            protocol.FunctionCall: self._function_call,
        }

    def answers(self, messages: Iterable[protocol.Message]) -> Generator[Piece, None, None]:
        for message in messages:
            if self._deaf_until_sync and not isinstance(message, protocol.Sync):
                continue
            extended = not isinstance(message, protocol.Query | protocol.FunctionCall)
            try:
                yield from self._answer_to[type(message)](message)
            except Exception as failure:  # noqa: BLE001 - whatever a statement ends in, its client hears of it and the server lives
                yield refusal(failure)
                self._deaf_until_sync = extended
            if not extended:
                yield protocol.ready(self._session.transaction_status)

    def _query(self, query: protocol.Query) -> Iterator[Piece]:
        self._statements.pop("", None)
        self._drop_portals("")
        self._put_portals_aside()
        answered = False
        results = self._session.execute(query.sql, text=True)
        while True:
            with self._within_its_time():
                result = next(results, None)
                if result is None:
                    break
                answered = True
                formats = [TEXT] * len(result.columns or ())
                if result.columns is not None:
                    yield protocol.row_description(fields(result.columns, formats))
                for batch in result.batches or ():
                    yield from data_rows(batch, result, formats)
                yield from completion(result)
        if not answered:
            yield protocol.EMPTY_QUERY

    def _parse(self, parse: protocol.Parse) -> Iterator[Piece]:
        if parse.name and parse.name in self._statements:
            raise SqlError("42P05", f'prepared statement "{parse.name}" already exists')
        self._put_portals_aside()
        description = self._session.describe(parse.sql, parse.oids)
        self._statements[parse.name] = Prepared(parse.name, parse.sql, description)
        yield protocol.PARSE_COMPLETE

    def _bind(self, bind: protocol.Bind) -> Iterator[Piece]:
        if bind.portal and bind.portal in self._portals:
            raise SqlError("42P03", f'cursor "{bind.portal}" already exists')
        prepared = self._statement(bind.statement)
        oids = prepared.description.parameter_oids
        if len(bind.values) != len(oids):
            raise SqlError(
                "08P01",
                f'bind message supplies {len(bind.values)} parameters, but prepared statement "{prepared.name}" requires {len(oids)}',
            )
        codes = spread(bind.formats, len(oids), "parameter")
        parameters = [
            Parameter(parameter_text(value, oid) if value is not None and code == BINARY else value, oid)
            for value, oid, code in zip(bind.values, oids, codes, strict=True)
        ]
        formats = spread(bind.result_formats, len(prepared.description.columns or ()), "result")
        self._drop_portals(bind.portal)
        self._portals[bind.portal] = Portal(prepared, parameters, formats)
        yield protocol.BIND_COMPLETE

    def _describe(self, describe: protocol.Describe) -> Iterator[Piece]:
        if describe.kind == "S":
            description = self._statement(describe.name).description
            yield protocol.parameter_description(description.parameter_oids)
            formats = [TEXT] * len(description.columns or ())
            columns = description.columns
        elif describe.name not in self._portals and (declared := self._session.describe_cursor(describe.name)) is not None:
            columns, formats = declared, [TEXT] * len(declared)  # a cursor that SQL has DECLAREd is a portal to PostgreSQL's clients
        else:
            portal = self._portal(describe.name)
            columns, formats = portal.prepared.description.columns, portal.formats
        yield protocol.NO_DATA if columns is None else protocol.row_description(fields(columns, formats))

    def _execute(self, execute: protocol.Execute) -> Iterator[Piece]:
        portal = self._portal(execute.portal)
        with self._within_its_time():
            if portal.result is None:
                result = self._started(portal)
                if result is None:
                    yield protocol.EMPTY_QUERY
                    return
                portal.start(result)
            assert portal.result is not None
            for batch in portal.take(max(0, execute.rows_max)):
                yield from data_rows(batch, portal.result, portal.formats)
        if portal.suspended:
            yield protocol.PORTAL_SUSPENDED
        else:
            yield from completion(portal.result)

    def _started(self, portal: Portal) -> Result | None:
        self._put_portals_aside()
        text = [code == TEXT for code in portal.formats]
        result = next(self._session.execute(portal.prepared.sql, portal.parameters, text=text), None)
        if result is not None:
            unchanged(portal.prepared.description, result)
        return result

    @contextmanager
    def _within_its_time(self) -> Iterator[None]:
        """Redshift's statement_timeout, in milliseconds; a statement that takes longer is cancelled as by its user."""
        said = self._session.settings.get("statement_timeout")
        timeout_ms = int(said) if said.isdigit() else 0
        if timeout_ms == 0:
            yield
            return
        timer = threading.Timer(timeout_ms / 1000, self._session.cancel)
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _close(self, close: protocol.Close) -> Iterator[Piece]:
        if close.kind == "S":
            self._statements.pop(close.name, None)
        else:
            self._drop_portals(close.name)
        yield protocol.CLOSE_COMPLETE

    def _sync(self, _: protocol.Sync) -> Iterator[Piece]:
        self._deaf_until_sync = False
        if self._session.transaction_status == "I":
            self._drop_portals(*self._portals)  # portals end with their transaction
        yield protocol.ready(self._session.transaction_status)

    def _function_call(self, _: protocol.FunctionCall) -> Iterator[Piece]:
        raise SqlError("0A000", "function calls over the wire are not supported; SELECT the function")

    def _statement(self, name: str) -> Prepared:
        if name not in self._statements:
            raise SqlError("26000", f'prepared statement "{name}" does not exist' if name else "unnamed prepared statement does not exist")
        return self._statements[name]

    def _portal(self, name: str) -> Portal:
        if name not in self._portals:
            raise SqlError("34000", f'portal "{name}" does not exist')
        return self._portals[name]

    def close(self) -> None:
        self._drop_portals(*self._portals)

    def _drop_portals(self, *names: str) -> None:
        for name in names:
            if (portal := self._portals.pop(name, None)) is not None:
                portal.close()

    def _put_portals_aside(self) -> None:
        for portal in self._portals.values():
            portal.put_aside()


def fields(columns: Sequence[Column], formats: Sequence[int]) -> list[Field]:
    return [Field(column.name, column.oid, column.typmod, column.typlen, code) for column, code in zip(columns, formats, strict=True)]


def data_rows(batch: "pa.RecordBatch", result: Result, formats: Sequence[int]) -> Iterator[Piece]:
    from headwater.engines.warehouse.rows import runs

    yield from runs(batch, [column.oid for column in result.columns or ()], formats)


def completion(result: Result) -> Iterator[Piece]:
    for text in result.notices:
        yield protocol.notice(text)
    yield protocol.command_complete(result.tag)


def spread(codes: Sequence[int], count: int, what: str) -> list[int]:
    """The protocol's shorthand for formats: none means all text, one holds for all."""
    if any(code not in {TEXT, BINARY} for code in codes):
        raise SqlError("22023", f"unsupported format code: {next(code for code in codes if code not in {TEXT, BINARY})}")
    if len(codes) <= 1:
        return list(codes or [TEXT]) * count
    if len(codes) != count:
        raise ProtocolViolation(f"bind message has {len(codes)} {what} formats but {count} {what}s")
    return list(codes)


def unchanged(description: Description, result: Result) -> None:
    """The client reads the rows by the description that it has: other types would be read wrongly."""
    told = [column.oid for column in description.columns or ()]
    if told != [column.oid for column in result.columns or ()]:
        raise SqlError("0A000", "cached plan must not change result type")


def refusal(failure: Exception) -> bytes:
    """The ErrorResponse for what a message ended in."""
    match failure:
        case SqlError():
            return protocol.error(failure.sqlstate, failure.message, detail=failure.detail, hint=failure.hint, position=failure.position)
        case ProtocolViolation():
            return protocol.error("08P01", str(failure))
        case MemoryError():
            return protocol.error("53200", "out of memory")
        case _:
            log.error("statement ended in an unforeseen way", exc_info=failure)
            return protocol.error("XX000", f"internal error: {type(failure).__name__}: {failure}")
