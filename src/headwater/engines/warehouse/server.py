"""The warehouse's PostgreSQL wire server: logs clients in and runs their statements in worker threads.

The event loop only moves bytes; whatever parses or runs SQL is pulled, a quarter of a megabyte at a time, from a generator
in the thread pool. So a slow client holds no thread, an idle one costs a socket and a session, and a result's memory is flat.
Redshift's own habits: MD5 passwords, a refused login is 28000, the server calls itself 8.0.2.
"""

import asyncio
import re
import secrets
import socket
import ssl
from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

import structlog

from headwater.engines.warehouse import authentication, protocol
from headwater.engines.warehouse.connection import Connection
from headwater.engines.warehouse.conversation import Conversation, Piece
from headwater.engines.warehouse.sql.errors import SqlError

if TYPE_CHECKING:
    from headwater.engines.warehouse.sql.session import Session

log = structlog.get_logger()

CHUNK_BYTES: Final = 256 << 10
JOINED_BYTES_MAX: Final = 16 << 10
CONNECTIONS_MAX: Final = 500  # Redshift's limit for most node types
STATEMENTS_MAX: Final = 50  # at once, over all queues: Redshift's limit for manual workload management
LOGIN_S: Final = 60
SERVER_VERSION: Final = "8.0.2"
PARAMETERS: Final = {
    "server_version": SERVER_VERSION,
    "server_encoding": "UTF8",
    "client_encoding": "UTF8",
    "DateStyle": "ISO, MDY",
    "TimeZone": "UTC",
    "integer_datetimes": "on",
    "is_superuser": "off",
    "standard_conforming_strings": "on",
    # 0 tells redshift_connector that row descriptions carry no extended metadata and NUMERIC comes as text.
    "server_protocol_version": "0",
}
_GROUP_ENDS: Final = frozenset({protocol.Query, protocol.Sync, protocol.Flush, protocol.FunctionCall})
GROUP_MESSAGES_MAX: Final = 1000

# Of the startup message: what becomes a setting of the session; and how `options` spells settings.
SETTABLE: Final = ("application_name", "extra_float_digits", "query_group", "search_path", "statement_timeout")
OPTION: Final = re.compile(r"(?:-c\s*|--)(\w+)=((?:\\.|\S)*)")
T = TypeVar("T")


class Gate(Protocol):
    """Who may log in, and what they get. Both are called in worker threads."""

    def verifiers(self, user: str) -> list[str]:
        """What authentication.py keeps of the user's passwords; none for nobody we know."""
        ...

    def session(self, user: str, dbname: str, pid: int) -> "Session":
        """Raises `SqlError` when there is no such database."""
        ...


class Server:
    def __init__(self, gate: Gate, tls: ssl.SSLContext | None = None) -> None:
        self.gate = gate
        self.tls = tls
        self.threads = ThreadPoolExecutor(STATEMENTS_MAX, thread_name_prefix="statement")
        self._clients: dict[int, _Client] = {}
        self._pids = count(secrets.randbelow(1 << 16) + 1000)

    async def listen(self, tasks: asyncio.TaskGroup, host: str, port: int) -> "asyncio.Server":
        """Accept clients; each is served by a task of the group."""

        def accepted(connection: Connection) -> None:
            client = _Client(self, connection, next(self._pids))
            self._clients[client.pid] = client
            tasks.create_task(client.serve(), name=f"client {client.pid}")

        loop = asyncio.get_running_loop()
        return await loop.create_server(lambda: Connection(accepted), host, port, family=socket.AF_INET, backlog=512)

    async def close(self) -> None:
        """Tell every client good-bye and wait until its statement has let go of the database."""
        clients = list(self._clients.values())
        for client in clients:
            client.dismiss()
        for client in clients:
            await client.left.wait()
        self.threads.shutdown()

    def admit(self) -> None:
        if len(self._clients) > CONNECTIONS_MAX:
            raise SqlError("53300", f'connection limit "{CONNECTIONS_MAX}" exceeded for non-bootstrap users')

    def forget(self, client: "_Client") -> None:
        self._clients.pop(client.pid, None)

    def cancel(self, request: protocol.CancelRequest) -> None:
        client = self._clients.get(request.pid)
        if client is not None and secrets.compare_digest(client.secret.to_bytes(4), request.secret.to_bytes(4, signed=True)):
            client.cancel()


def tls_context(certificate: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    return context


class _Client:
    """One connection from its first byte to its last."""

    def __init__(self, server: Server, connection: Connection, pid: int) -> None:
        self.pid = pid
        self.secret = secrets.randbelow(1 << 31)
        self.left = asyncio.Event()
        self._server = server
        self._connection = connection
        self._session: Session | None = None

    def cancel(self) -> None:
        if self._session is not None:
            self._session.cancel()

    def dismiss(self) -> None:
        """The server stops: end what runs, and the connection with it."""
        self._connection.dismiss()

    async def serve(self) -> None:
        try:
            async with asyncio.timeout(LOGIN_S):
                startup = await self._open()
                if startup is not None:
                    await self._log_in(startup)
            if self._session is not None:
                await self._converse(self._session)
        except (SqlError, protocol.ProtocolViolation) as failure:
            await self._part(failure)
        except (ConnectionError, TimeoutError, ssl.SSLError):
            self._connection.abort()
        except Exception:  # one client's mishap is not the others'
            log.exception("connection ended in an unforeseen way", pid=self.pid)
            self._connection.abort()
        finally:
            self._connection.close()
            self._server.forget(self)
            await self._end_session()
            self.left.set()

    async def _end_session(self) -> None:
        session, self._session = self._session, None  # from here on there is nothing to cancel
        if session is None:
            return
        try:
            await self._work(session.close)
        except Exception:
            log.exception("session did not close", pid=self.pid)

    async def _open(self) -> protocol.Startup | None:
        """TLS if asked for, until the client says who it is; None for one that only came to cancel or left again."""
        while (frame := await self._connection.frame()) is not None:
            match protocol.opening(frame[1]):
                case protocol.EncryptionRequest(tls=True) if self._server.tls is not None:
                    await self._connection.secure(self._server.tls)
                case protocol.EncryptionRequest():
                    await self._connection.send([b"N"])
                case protocol.CancelRequest() as request:
                    self._server.cancel(request)
                    return None
                case protocol.Startup() as startup:
                    self._connection.opened()
                    return startup
        return None

    async def _log_in(self, startup: protocol.Startup) -> None:
        user = startup.parameters.get("user", "")
        if not user:
            raise SqlError("28000", "no PostgreSQL user name specified in startup packet")
        unknown = [name for name in startup.parameters if name.startswith("_pq_.")]
        if startup.minor or unknown:
            await self._connection.send([protocol.negotiated(unknown)])
        salt = authentication.salt()
        await self._connection.send([protocol.authentication_md5(salt)])
        frame = await self._connection.frame()
        if frame is None:
            return
        answer = protocol.message(*frame)
        if not isinstance(answer, protocol.Password):
            raise protocol.ProtocolViolation("expected password response")
        kept = await self._work(partial(self._server.gate.verifiers, user))
        if not authentication.accepts(kept, salt, answer.text):
            raise SqlError("28000", f'password authentication failed for user "{user}"')
        self._server.admit()
        dbname = startup.parameters.get("database") or user
        session = self._session = await self._work(partial(self._server.gate.session, user, dbname, self.pid))
        await self._work(partial(apply_settings, session, startup.parameters))
        self._connection.on_lost = self.cancel
        told = PARAMETERS | {"session_authorization": user, "application_name": startup.parameters.get("application_name", "")}
        greeting = [protocol.parameter_status(name, value) for name, value in told.items()]
        key = protocol.backend_key(self.pid, self.secret)
        await self._connection.send([b"".join([protocol.AUTHENTICATION_OK, *greeting, key, protocol.ready("I")])])

    async def _converse(self, session: "Session") -> None:
        conversation = Conversation(session)
        try:
            while (group := await self._group()) is not None:
                await self._answer(conversation.answers(group))
        finally:
            conversation.close()

    async def _answer(self, answers: Generator[Piece, None, None]) -> None:
        ended = False
        try:
            while not ended:
                pieces, ended = await self._work(partial(chunk, answers))
                await self._connection.send(pieces)
        except ConnectionError:
            await self._work(answers.close)  # the statement is undone by a thread, before its session is closed
            raise

    async def _group(self) -> list[protocol.Message] | None:
        """Messages up to the next for which the client waits, so that they cost one trip to the threads; None at the end."""
        group: list[protocol.Message] = []
        while len(group) < GROUP_MESSAGES_MAX:
            frame = await self._connection.frame()
            if frame is None:
                return None
            message = protocol.message(*frame)
            if isinstance(message, protocol.Terminate):
                return None
            if isinstance(message, protocol.Password):
                raise protocol.ProtocolViolation("unexpected password response")
            group.append(message)
            if type(message) in _GROUP_ENDS:
                break
        return group

    async def _work(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._server.threads, work)

    async def _part(self, failure: SqlError | protocol.ProtocolViolation) -> None:
        sqlstate, text = (failure.sqlstate, failure.message) if isinstance(failure, SqlError) else ("08P01", str(failure))
        self._connection.opened()
        await self._connection.send([protocol.error(sqlstate, text, severity="FATAL")])


def apply_settings(session: "Session", parameters: Mapping[str, str]) -> None:
    """What the client wants set from the beginning. What our ParameterStatus contradicts anyway (time zone, date style) is not."""
    if parameters.get("client_encoding", "utf8").strip("'").lower().replace("-", "") not in {"utf8", "unicode", "auto"}:
        raise SqlError("22023", f"client_encoding {parameters['client_encoding']} is not supported: only UTF8 is")
    for name in SETTABLE:
        if name in parameters:
            session.settings.set(name, (parameters[name],))
    for name, value in OPTION.findall(parameters.get("options", "")):
        session.settings.set(name.lower(), (value.replace("\\", ""),))


def chunk(answers: Iterator[Piece]) -> tuple[list[Piece], bool]:
    """As much of the answers as is worth one trip, small pieces joined; and whether that was all."""
    pieces: list[Piece] = []
    small: list[Piece] = []
    size = 0
    ended = True
    for piece in answers:
        size += len(piece)
        if len(piece) < JOINED_BYTES_MAX:
            small.append(piece)
        else:
            pieces += [b"".join(small), piece]
            small = []
        if size >= CHUNK_BYTES:
            ended = False
            break
    return [*pieces, b"".join(small)], ended
