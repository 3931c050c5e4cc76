"""A PostgreSQL server: RDS for PostgreSQL and Aurora PostgreSQL run on it. The same shape as engines/mariadb.py.

What is easy to get wrong:

* **PostgreSQL refuses root.** As root it runs in a user namespace of its own, where it is user 1000 while its files stay root's; no
  system user is made and no mode of a parent folder changes.
* **Every commit waits for the disk.** With `synchronous_commit=off` a kill -9 loses acknowledged rows, and with `fsync=off` a power
  cut may leave pages that fit nothing: both stay on.
* **The master is not superuser.** As on RDS it is a member of `rds_superuser`; `rdsadmin` comes in by the unix socket only.
* A master is made, and the password set, by the server in single-user mode before it ever listens, so no half-made data
  directory is ever started and no password is written down.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import secrets
import shutil
import signal
import struct
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import sql

from headwater.engines.database import CACHE, SqlFailed, Tls, Variable, in_thread, socket_path, write_private
from headwater.engines.postgres_programs import Programs, find
from headwater.engines.postgres_programs import missing as missing  # for `headwater doctor`, which looks for it with its engine
from headwater.engines.process import State, Supervised, command_line, die_with_parent

ADMINISTRATOR: Final = "rdsadmin"
FORM: Final = 1  # grows when what is done to a template changes
SECONDS_MAX: Final = 120
AS_A_USER: Final = ("unshare", "--user", "--map-user=1000", "--map-group=1000")

SETTINGS: Final = {
    "timezone": "UTC",
    "log_timezone": "UTC",
    "shared_buffers": "32MB",
    "max_connections": "100",
    "max_wal_size": "256MB",
    "password_encryption": "scram-sha-256",
    "wal_level": "logical",  # as an RDS instance with rds.logical_replication; costs little, and needs a restart to change
    "jit": "off",
    "dynamic_shared_memory_type": "mmap",  # in the data directory: a kill -9 leaves nothing in /dev/shm
}
FIXED: Final = frozenset({"listen_addresses", "port", "unix_socket_directories", "data_directory", "hba_file", "ident_file", "config_file"})
# pg_settings' words for when a setting may change: these need a restart
STATIC: Final = frozenset({"postmaster", "internal"})
KINDS: Final = {"BOOLEAN": "boolean", "INTEGER": "integer", "REAL": "float", "STRING": "string", "ENUM": "string"}

MASTER_ROLES: Final = ("rds_superuser", "pg_monitor", "pg_signal_backend", "pg_read_all_settings")


WHERE_OFFERED: Final = "where offered"
"""Of rds.force_ssl, beside 0 and 1: a default that nobody asked for must not lock everybody out of a build without TLS."""


class PostgresMissing(Exception):
    """No PostgreSQL that fits is here; the text says how to bring one."""


class Postgres:
    """One server over one data directory."""

    def __init__(
        self,
        data: Path,
        host: str,
        port: int,
        *,
        cache: Path = CACHE,
        settings: Mapping[str, str] | None = None,
        tls: Tls | None = None,
    ) -> None:
        self.data = data
        self.host = host
        self.port = port
        self._cache = cache
        self._settings = dict(settings or {})
        self._tls = tls
        self._socket = socket_path(data, f".s.PGSQL.{port}")
        self._process: Supervised | None = None
        self._last_words = ""

    @property
    def state(self) -> State:
        return self._process.state if self._process is not None else "stopped"

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    async def create(self, master: str, password: str, database: str | None = None) -> None:
        """The data directory with its master user and database. Safe to repeat after a crash; what exists stays."""
        if self.data.exists():
            return
        programs = _programs(None)
        pristine = await in_thread(_template, programs, self._cache)
        await in_thread(_make, programs, pristine, self.data, _first_statements(master, password, database))

    def start(self, tasks: asyncio.TaskGroup) -> None:
        if self._process is None:
            self._process = self._supervised()
        self._process.start(tasks)

    async def ready(self) -> None:
        assert self._process is not None, "start comes first"
        await self._process.ready()

    async def stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            self._last_words = process.last_words()
            await process.stop()

    def last_words(self) -> str:
        return self._process.last_words() if self._process is not None else self._last_words

    async def set_password(self, user: str, password: str) -> None:
        """The master's password; a master who was dropped, or lost its roles, is made whole again."""
        for statement in _master(user):
            await self.execute(statement)
        await self.execute(_text_of(sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(user), sql.Literal(password))))

    async def apply(self, settings: Mapping[str, str]) -> None:
        self._settings = dict(settings)
        self._write_settings()
        if self.state == "up":
            await self.execute("SELECT pg_reload_conf()")

    async def execute(self, statement: str, arguments: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        secret = (self.data / "headwater-admin").read_text()
        try:
            async with await psycopg.AsyncConnection.connect(
                host=str(self._socket.parent), port=self.port, user=ADMINISTRATOR, password=secret, dbname="postgres", autocommit=True
            ) as connection:
                cursor = await connection.execute(statement, arguments or None)
                return await cursor.fetchall() if cursor.description else []
        except psycopg.Error as error:
            raise SqlFailed(str(error)) from error

    @property
    def offers_tls(self) -> bool:
        """Whether clients of this server can ask for TLS: the wheel's build has none."""
        return self._tls is not None and _has_tls(_programs(_major(self.data)))

    def _supervised(self) -> Supervised:
        programs = _programs(_major(self.data))
        place = {
            "listen_addresses": self.host,
            "port": str(self.port),
            "unix_socket_directories": str(self._socket.parent),
            "unix_socket_permissions": "0700",
        }
        if self._tls is not None and _has_tls(programs):
            place |= {"ssl": "on", "ssl_cert_file": str(self._tls.certificate), "ssl_key_file": str(self._tls.key)}
        options = [word for name, value in place.items() for word in ("-c", f"{name}={value}")]
        return Supervised(
            f"postgres {self.host}:{self.port}",
            [*_as_a_user(), str(programs.server), "-D", str(self.data), *options],
            log_path=self.data / "headwater.log",
            answers=self._answers,
            env=programs.environment,
            cwd=self.data,
            sweep=self._sweep,
            grace=timedelta(seconds=15),
            stop_signal=signal.SIGINT,  # "fast": does not wait for clients to leave
        )

    def _sweep(self) -> None:
        """PostgreSQL clears up after itself, but takes any living process with a dead server's number for that server."""
        for lock in (self.data / "postmaster.pid", self._socket.with_name(self._socket.name + ".lock")):
            pid = _first_number(lock)
            if pid is not None and str(self.data) not in command_line(pid):
                lock.unlink(missing_ok=True)
        self._write_settings()

    def _write_settings(self) -> None:
        wanted = SETTINGS | {name: value for name, value in self._settings.items() if name not in FIXED}
        lines = [f"{name} = '{value.replace(chr(39), chr(39) * 2)}'" for name, value in wanted.items()]
        write_private(self.data / "headwater.conf", "\n".join(lines) + "\n")
        asked = self._settings.get("rds.force_ssl")
        kind = "hostssl" if asked == "1" or (asked == WHERE_OFFERED and self.offers_tls) else "host"
        rules = [
            f"local all {ADMINISTRATOR} scram-sha-256",
            f"host all {ADMINISTRATOR} all reject",
            f"{kind} all all all scram-sha-256",
            f"{kind} replication all all scram-sha-256",
        ]
        write_private(self.data / "pg_hba.conf", "\n".join(rules) + "\n")

    async def _answers(self) -> bool:
        """A server that asks for a password is up; while it recovers it answers with an error instead."""
        words = f"user\0{ADMINISTRATOR}\0database\0postgres\0\0".encode()
        reader, writer = await asyncio.open_unix_connection(self._socket)
        try:
            writer.write(struct.pack(">II", len(words) + 8, 196_608) + words)  # StartupMessage, protocol 3.0
            return await reader.read(1) == b"R"
        finally:
            writer.close()


def variables() -> list[Variable]:
    """The settings that PostgreSQL knows, with the defaults that a new server has here. Blocking."""
    programs = _programs(None)
    asked = [*_as_a_user(), str(programs.server), "--describe-config"]
    shown = subprocess.run(asked, env=programs.environment, capture_output=True, text=True, check=True, timeout=30)  # noqa: S603  the program we found
    described = []
    for line in shown.stdout.splitlines():
        name, context, _, kind, default, least, most, short = line.split("\t")[:8]
        allowed = f"{least}-{most}" if least or most else ""
        described.append(
            Variable(name, SETTINGS.get(name, default) or None, allowed, KINDS.get(kind, "string"), context.lower() not in STATIC, short)
        )
    return described


def _programs(major: int | None) -> Programs:
    programs = find(major)
    if programs is None:
        wanted = f"PostgreSQL {major} is missing: the data was made by it" if major else "PostgreSQL is missing"
        raise PostgresMissing(missing() or wanted)
    return programs


def _major(data: Path) -> int | None:
    with contextlib.suppress(FileNotFoundError):
        return int((data / "PG_VERSION").read_text())
    return None


def _first_number(lock: Path) -> int | None:
    with contextlib.suppress(FileNotFoundError, ValueError, IndexError):
        return int(lock.read_text().splitlines()[0])
    return None


def _has_tls(programs: Programs) -> bool:
    """A build with TLS is linked with OpenSSL, and its binary names the library. Reading it beats starting it."""
    return b"libssl" in programs.server.read_bytes()


def _as_a_user() -> tuple[str, ...]:
    return AS_A_USER if os.geteuid() == 0 else ()


def _text_of(composed: sql.Composed) -> str:
    return composed.as_string(None)


def _master(user: str) -> list[str]:
    name = _text_of(sql.SQL("{}").format(sql.Identifier(user)))
    literal = _text_of(sql.SQL("{}").format(sql.Literal(user)))
    made = f"IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = {literal}) THEN CREATE ROLE {name}; END IF;"
    return [
        f"DO $made$ BEGIN {made} END $made$",
        f"ALTER ROLE {name} LOGIN CREATEDB CREATEROLE INHERIT",
        f"GRANT {', '.join(MASTER_ROLES)} TO {name} WITH ADMIN OPTION",
    ]


def _first_statements(master: str, password: str, database: str | None) -> list[str]:
    who = sql.Identifier(master)
    made = [
        "CREATE ROLE rds_superuser",
        "CREATE ROLE rds_replication",
        *_master(master),
        _text_of(sql.SQL("ALTER ROLE {} PASSWORD {}").format(who, sql.Literal(password))),
        _text_of(sql.SQL("ALTER DATABASE postgres OWNER TO {}").format(who)),
    ]
    if database is not None and database != "postgres":
        made.append(_text_of(sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(database), who)))
    return made


def _template(programs: Programs, cache: Path) -> Path:
    """A pristine data directory, made once per machine and version: initdb takes half a second, a copy hundredths. Blocking."""
    mark = hashlib.sha256(f"{FORM} {programs.server} {programs.version}".encode()).hexdigest()[:16]
    folder = cache / f"postgres-template-{mark}"
    if folder.exists():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=folder.name, dir=cache))
    try:
        words = [
            "--username",
            ADMINISTRATOR,
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--auth=scram-sha-256",
            "--no-sync",
            "--no-instructions",
        ]
        password = work.with_name(work.name + ".password")
        write_private(password, secrets.token_hex(24) + "\n")  # initdb insists on one; each copy gets its own
        try:
            _run(programs, [str(programs.initdb), "-D", str(work), f"--pwfile={password}", *words], "")
        finally:
            password.unlink()
        with (work / "postgresql.conf").open("a") as file:
            file.write("include 'headwater.conf'\n")
        (work / "headwater.conf").touch(0o600)
        if not folder.exists():
            work.replace(folder)  # another process may have made the same one meanwhile
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return folder


def _make(programs: Programs, pristine: Path, data: Path, statements: list[str]) -> None:
    work = data.with_name(data.name + ".new")
    if work.exists():
        shutil.rmtree(work)  # a crash in the middle of an earlier copy
    work.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(pristine, work)
    work.chmod(0o700)
    secret = secrets.token_hex(24)
    write_private(work / "headwater-admin", secret)
    single = [str(programs.server), "--single", "-j", "-D", str(work), "-c", "exit_on_error=on", "postgres"]
    # In this mode (-j) a statement ends with a semicolon and an empty line.
    _run(programs, single, "".join(f"{statement};\n\n" for statement in [f"ALTER ROLE {ADMINISTRATOR} PASSWORD '{secret}'", *statements]))
    work.replace(data)


def _run(programs: Programs, command: list[str], statements: str) -> None:
    done = subprocess.run(  # noqa: S603  the programs we found, with words of ours
        [*_as_a_user(), *command],
        input=statements,
        env=programs.environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS_MAX,
        preexec_fn=die_with_parent(),
    )
    if done.returncode != 0:
        raise SqlFailed(f"{Path(command[0]).name} ended with code {done.returncode}: {(done.stderr or done.stdout).strip()[-2000:]}")
