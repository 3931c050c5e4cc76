"""A warehouse server on a thread of its own, over a double of the SQL engine: plain DuckDB SQL, no dialect."""

import asyncio
import datetime as dt
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from headwater.engines.warehouse import authentication
from headwater.engines.warehouse.oids import Oid
from headwater.engines.warehouse.server import Server, tls_context
from headwater.engines.warehouse.sql.answers import Column, Description, Parameter, Result
from headwater.engines.warehouse.sql.errors import SqlError

OIDS = {
    "BOOLEAN": (Oid.BOOL, 1),
    "SMALLINT": (Oid.INT2, 2),
    "INTEGER": (Oid.INT4, 4),
    "BIGINT": (Oid.INT8, 8),
    "FLOAT": (Oid.FLOAT4, 4),
    "DOUBLE": (Oid.FLOAT8, 8),
    "DATE": (Oid.DATE, 4),
    "TIME": (Oid.TIME, 8),
    "TIMESTAMP": (Oid.TIMESTAMP, 8),
    "TIMESTAMP WITH TIME ZONE": (Oid.TIMESTAMPTZ, 8),
    "VARCHAR": (Oid.VARCHAR, -1),
}
TEXTS = {"BOOLEAN": "CASE WHEN {0} THEN 't' WHEN NOT {0} THEN 'f' END", "DOUBLE": "printf('%.15g', {0})"}


class PlainSettings:
    def __init__(self) -> None:
        self.said: dict[str, str] = {}

    def get(self, name: str) -> str:
        return self.said.get(name, "0")

    def set(self, name: str, values: tuple[str, ...]) -> None:
        if "nonsense" in name:
            raise SqlError("42704", f'unrecognized configuration parameter "{name}"')
        self.said[name] = values[0]


class PlainSession:
    """Statements as DuckDB has them; `;` parts them, whatever they say. Enough of a transaction to show its status."""

    def __init__(self, database: duckdb.DuckDBPyConnection, user: str) -> None:
        self._connection = database.cursor()
        self.user = user
        self.transaction_status = "I"
        self.closed = False
        self.settings = PlainSettings()

    def execute(self, sql: str, parameters: Sequence[Parameter] = (), *, text: bool | Sequence[bool] = False) -> Iterator[Result]:
        for statement in filter(None, (part.strip() for part in sql.split(";"))):
            try:
                yield self._run(statement, parameters, text)
            except duckdb.Error as error:
                if self.transaction_status == "T":
                    self.transaction_status = "E"
                raise SqlError(*reason(error)) from error

    def _run(self, sql: str, parameters: Sequence[Parameter], text: bool | Sequence[bool]) -> Result:
        verb = sql.split()[0].upper()
        if self.transaction_status == "E" and verb != "ROLLBACK":
            raise SqlError("25P02", "current transaction is aborted, commands ignored until end of transaction block")
        if verb in {"BEGIN", "COMMIT", "ROLLBACK"}:
            self._connection.execute(sql)
            self.transaction_status = "T" if verb == "BEGIN" else "I"
            return Result(verb)
        if verb == "SET":
            _, name, _, value = sql.split()
            self.settings.set(name, (value,))
            return Result("SET")
        if verb == "NOTICE":
            return Result(verb, notices=[sql[7:]])
        if verb != "SELECT":
            count = self._connection.execute(sql).fetchall()
            return Result(f"INSERT 0 {count[0][0]}" if verb == "INSERT" else " ".join(sql.upper().split()[:2]))
        columns = self._columns(sql)
        wants = [text] * len(columns) if isinstance(text, bool) else text
        quoted = [f'"{column[0]}"' for column in columns]
        written = [
            TEXTS.get(kind, "{0}::VARCHAR").format(name) + f" AS {name}" if want else name
            for (_, kind), name, want in zip(columns, quoted, wants, strict=True)
        ]
        values = [None if one.value is None else one.value.decode() for one in parameters]
        relation = self._connection.execute(f"SELECT {', '.join(written)} FROM ({sql})", values)
        return Result("SELECT", [column(*one) for one in columns], relation.to_arrow_reader(10_000))

    def _columns(self, sql: str) -> list[tuple[str, str]]:
        values = [None] * len(set(re.findall(r"\$\d+", sql)))
        return [(row[0], row[1]) for row in self._connection.execute(f"DESCRIBE {sql}", values).fetchall()]

    def describe(self, sql: str, parameter_oids: Sequence[int] = ()) -> Description:
        parameters = len(set(re.findall(r"\$\d+", sql)))
        oids = [*parameter_oids, *([Oid.VARCHAR] * parameters)][:parameters]
        try:
            columns = [column(*one) for one in self._columns(sql)] if sql.upper().startswith("SELECT") else None
        except duckdb.Error as error:
            raise SqlError(*reason(error)) from error
        return Description(oids, columns)

    def describe_cursor(self, name: str) -> list[Column] | None:
        return None

    def cancel(self) -> None:
        self._connection.interrupt()

    def close(self) -> None:
        self._connection.close()
        self.closed = True


def column(name: str, kind: str) -> Column:
    if kind.startswith("DECIMAL"):
        return Column(name, Oid.NUMERIC)
    oid, typlen = OIDS[kind]
    return Column(name, oid, typlen=typlen)


def reason(error: duckdb.Error) -> tuple[str, str]:
    if isinstance(error, duckdb.InterruptException):
        return "57014", "Query cancelled on user's request"
    if isinstance(error, duckdb.CatalogException):
        return "42P01", str(error)
    return "42601", str(error)


class PlainGate:
    """One user, one database; the sessions that were opened stay visible to tests."""

    def __init__(self, user: str = "awsuser", password: str = "Secret99") -> None:
        self._verifiers = {user: [authentication.verifier(user, password)]}
        self._database = duckdb.connect(":memory:", config={"threads": 2})
        self.sessions: list[PlainSession] = []

    def verifiers(self, user: str) -> list[str]:
        return self._verifiers.get(user, [])

    def session(self, user: str, dbname: str, pid: int) -> Any:
        if dbname != "dev":
            raise SqlError("3D000", f'database "{dbname}" does not exist')
        session = PlainSession(self._database, user)
        self.sessions.append(session)
        return session

    def close(self) -> None:
        self._database.close()


@contextmanager
def server_of(gate: Any, certificate: tuple[Path, Path] | None = None) -> Iterator[int]:
    """The port of a server that runs for the block."""
    ready = threading.Event()
    ports: list[int] = []
    stops: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def run() -> None:
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            server = Server(gate, tls_context(*certificate) if certificate else None)
            listener = await server.listen(tasks, "127.0.0.1", 0)
            ports.append(listener.sockets[0].getsockname()[1])
            stops.append((asyncio.get_running_loop(), stop))
            ready.set()
            await stop.wait()
            listener.close()
            await server.close()

    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    assert ready.wait(10)
    try:
        yield ports[0]
    finally:
        loop, stop = stops[0]
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        assert not thread.is_alive()


@pytest.fixture
def gate() -> Iterator[PlainGate]:
    gate = PlainGate()
    yield gate
    gate.close()


@pytest.fixture
def port(gate: PlainGate) -> Iterator[int]:
    with server_of(gate) as port:
        yield port


@pytest.fixture
def serving() -> Callable[..., AbstractContextManager[int]]:
    return server_of


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for localhost that signs itself, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    born = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), born, born.replace(year=2120))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(Encoding.PEM))
    (folder / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return folder / "cert.pem", folder / "key.pem"
