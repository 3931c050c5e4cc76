"""A MariaDB server: RDS for MySQL and MariaDB, and Aurora MySQL, run on it.

What is easy to get wrong:

* **Acknowledged means it survives kill -9, not that it is on the disk.** With innodb_flush_log_at_trx_commit=2 a commit writes the redo
  log into the kernel's page cache before it is answered. The page cache belongs to the kernel, so the death of the process,
  however sudden, loses nothing; a power cut may lose the last second. `fsync=True` (headwater up --fsync always) waits for
  the disk at each commit.
* **Nobody's password is on the disk.** What the first start must do (the master user) is written as SQL with the password's
  hash, the one that the server keeps too, so a crash between two steps is repaired by the next start.
* **The server is small.** Its defaults are for a machine of its own (a 128 MiB page cache for Aria alone).
* **`admin` is master, not root**, as on RDS: SUPER, FILE, SHUTDOWN and the like stay with `rdsadmin`, who comes in by the unix
  socket only, with a password that is made anew for each data directory.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import secrets
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pymysql
import structlog

from headwater.engines.database import CACHE, SqlFailed, Tls, Variable, in_thread, socket_path, write_private
from headwater.engines.mariadb_lambda.library import NAME as LIBRARY
from headwater.engines.mariadb_lambda.library import LibraryMissing, plugin_folder
from headwater.engines.mariadb_programs import Missing, Programs, find
from headwater.engines.mariadb_programs import install as install  # for `headwater setup`, which looks for both with their engine
from headwater.engines.mariadb_programs import missing as missing
from headwater.engines.mariadb_template import LOG_BYTES, copy, template
from headwater.engines.mariadb_template import variables as template_variables
from headwater.engines.process import State, Supervised

log = structlog.get_logger()

ADMINISTRATOR: Final = "rdsadmin"
STARTED: Final = "headwater-started"
ADMIN: Final = f"{ADMINISTRATOR}@localhost"

# The default of MySQL 8.0, as far as MariaDB has the modes. Source: dev.mysql.com/doc/refman/8.0/en/sql-mode.html
SQL_MODE: Final = "ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"

# What RDS gives the master user of MySQL 8.0. Source: "Master user account privileges" in the RDS User Guide.
MASTER_PRIVILEGES: Final = (
    "SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, RELOAD, PROCESS, REFERENCES, INDEX, ALTER, SHOW DATABASES, CREATE TEMPORARY TABLES, "
    "LOCK TABLES, EXECUTE, REPLICATION SLAVE, REPLICATION CLIENT, CREATE VIEW, SHOW VIEW, CREATE ROUTINE, ALTER ROUTINE, CREATE USER, "
    "EVENT, TRIGGER"
)

SETTINGS: Final = {
    "character_set_server": "utf8mb4",
    "collation_server": "utf8mb4_unicode_520_ci",  # nearest to MySQL 8's utf8mb4_0900_ai_ci among those whose number old clients can read
    "time_zone": "+00:00",
    "event_scheduler": "ON",
    "explicit_defaults_for_timestamp": "ON",
    "local_infile": "ON",
    "max_allowed_packet": str(64 * 2**20),
    "max_connections": "200",
    "sql_mode": SQL_MODE,
    # Small: an idle server takes about 80 MiB.
    "innodb_buffer_pool_size": str(64 * 2**20),
    "innodb_log_buffer_size": str(4 * 2**20),
    "innodb_log_file_size": str(LOG_BYTES),
    "innodb_use_native_aio": "OFF",  # io_uring may be forbidden, and gives nothing at this size
    "aria_pagecache_buffer_size": str(8 * 2**20),
    "key_buffer_size": str(2**20),
    "performance_schema": "OFF",  # RDS's default too
    "table_open_cache": "400",
}
FIXED: Final = frozenset(
    {"bind_address", "port", "datadir", "socket", "pid_file", "plugin_dir", "basedir", "skip_name_resolve", "innodb_log_file_size"}
)

# The names of settings that SHOW VARIABLES and the command line spell differently.
ON_COMMAND_LINE: Final = {"time_zone": "default_time_zone"}

LAMBDA: Final = (
    f"CREATE OR REPLACE FUNCTION lambda_sync RETURNS STRING SONAME '{LIBRARY}';",
    f"CREATE OR REPLACE FUNCTION lambda_async RETURNS STRING SONAME '{LIBRARY}';",
    # The name in the call below is the function: MariaDB looks for user-defined functions before stored ones. An assignment, for DO would
    # swallow the error.
    (
        f"CREATE OR REPLACE DEFINER={ADMIN} PROCEDURE mysql.lambda_async(IN lambda_ARN TEXT, IN lambda_input LONGTEXT) "
        "MODIFIES SQL DATA BEGIN DECLARE answer LONGBLOB; SET answer = lambda_async(lambda_ARN, lambda_input); END;"
    ),
)
# Aurora MySQL 3 asks users for this role; here it can be granted, and the functions work without it.
LAMBDA_ROLE: Final = "CREATE ROLE IF NOT EXISTS AWS_LAMBDA_ACCESS;"
KILLS: Final = (  # RDS's own procedures, as its master lacks the privilege
    f"CREATE OR REPLACE DEFINER={ADMIN} PROCEDURE mysql.rds_kill(IN thread BIGINT) KILL thread;",
    f"CREATE OR REPLACE DEFINER={ADMIN} PROCEDURE mysql.rds_kill_query(IN thread BIGINT) KILL QUERY thread;",
)


class MariaDB:
    """One server over one data directory. Its socket for calls to Lambda functions is `door`."""

    def __init__(
        self,
        data: Path,
        host: str,
        port: int,
        *,
        cache: Path = CACHE,
        settings: Mapping[str, str] | None = None,
        tls: Tls | None = None,
        fsync: bool = False,
    ) -> None:
        self.data = data
        self.host = host
        self.port = port
        self.door = socket_path(data, "lambda.sock")
        self._cache = cache
        self._settings = dict(settings or {})
        self._tls = tls
        self._fsync = fsync
        self._socket = socket_path(data, "mysql.sock")
        self._plugins: Path | None = None
        self._process: Supervised | None = None
        self._last_words = ""

    @property
    def state(self) -> State:
        return self._process.state if self._process is not None else "stopped"

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    async def create(self, master: str, password: str, database: str | None = None) -> None:
        """The data directory, and what the first start has to do. Safe to repeat after a crash; what exists stays."""
        programs = self._programs()
        if self.data.exists():
            return
        pristine = await template(programs, self._cache)
        work = self.data.with_name(self.data.name + ".made")
        await in_thread(_prepare, pristine, work, _first_start(master, password, database))
        work.replace(self.data)

    def start(self, tasks: asyncio.TaskGroup) -> None:
        if self._process is None:
            self._process = self._supervised()
        self._process.start(tasks)

    async def ready(self) -> None:
        assert self._process is not None, "start comes first"
        await self._process.ready()
        (self.data / "headwater-first.sql").unlink(missing_ok=True)

    async def stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            self._last_words = process.last_words()
            await process.stop()

    def last_words(self) -> str:
        return self._process.last_words() if self._process is not None else self._last_words

    async def set_password(self, user: str, password: str) -> None:
        """The master's password; a master who was dropped, or lost privileges, is made whole again, as RDS does."""
        for statement in _master(user, password_hash(password)):
            await self.execute(statement)
        await self.execute(f"ALTER USER {_text(user)}@'%' IDENTIFIED BY PASSWORD {_text(password_hash(password))}")

    async def apply(self, settings: Mapping[str, str]) -> None:
        changed = {name: value for name, value in settings.items() if self._settings.get(name) != value}
        dropped = set(self._settings) - set(settings)
        self._settings = dict(settings)
        if self._process is None or self.state != "up":
            return
        self._process.argv = tuple(self._command(self._programs()))  # what holds now holds after a crash too
        dynamic = {variable.name for variable in await variables(self._cache) if variable.dynamic} - FIXED
        literals = {name: _literal(value) for name, value in changed.items()}
        literals |= {name: _literal(SETTINGS[name]) if name in SETTINGS else "DEFAULT" for name in dropped}
        refused = []
        for name in literals.keys() & dynamic:
            try:
                await self.execute(f"SET GLOBAL {name} = {literals[name]}")
            except SqlFailed as error:
                refused.append(f"{name}: {error}")
        if refused:
            raise SqlFailed("; ".join(refused))

    async def execute(self, sql: str, arguments: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        secret = (self.data / "headwater-admin").read_text()
        return await in_thread(_execute, str(self._socket), secret, sql, tuple(arguments))

    def _programs(self) -> Programs:
        programs = find(self._cache)
        if programs is None:
            raise Missing(missing(self._cache) or "MariaDB is missing")
        return programs

    def _supervised(self) -> Supervised:
        programs = self._programs()
        try:
            self._plugins = plugin_folder(self._cache)
        except LibraryMissing as error:  # a database without these functions is still a database
            log.warning("SQL cannot call Lambda functions", engine=f"mariadb {self.host}:{self.port}", why=str(error))
        return Supervised(
            f"mariadb {self.host}:{self.port}",
            self._command(programs),
            log_path=self.data / "headwater.log",
            answers=self._answers,
            env=programs.environment | {"HEADWATER_LAMBDA_SOCKET": str(self.door)},
            cwd=self.data,
            sweep=self._sweep,
            grace=timedelta(seconds=15),
        )

    def _command(self, programs: Programs) -> list[str]:
        place = {
            "basedir": programs.basedir,
            "datadir": self.data,
            "plugin_dir": self._plugins or self.data,  # a folder without plugins, where the library cannot be had
            "lc_messages_dir": programs.share,
            "character_sets_dir": programs.share / "charsets",
            "socket": self._socket,
            "pid_file": self.data / "mysqld.pid",
            "bind_address": self.host,
            "port": self.port,
            "init_file": self.data / "headwater-start.sql",
            "innodb_flush_log_at_trx_commit": 1 if self._fsync else 2,
        }
        if self._tls is not None:
            place |= {"ssl_cert": self._tls.certificate, "ssl_key": self._tls.key, "ssl_ca": self._tls.authority}
        wanted = SETTINGS | {name: value for name, value in self._settings.items() if name not in FIXED}
        options = {ON_COMMAND_LINE.get(name, name): str(value) for name, value in (wanted | place).items()}
        as_root = ["--user=root"] if os.geteuid() == 0 else []
        return [
            str(programs.server),
            "--no-defaults",
            "--skip-name-resolve",
            *as_root,
            *(f"--{name}={value}" for name, value in options.items()),
        ]

    def _sweep(self) -> None:
        """Before each start: what a crash left, and the statements of this start."""
        started = self.data / STARTED
        for leftover in (self._socket, self.data / "mysqld.pid", started):
            leftover.unlink(missing_ok=True)
        secret = secrets.token_hex(24)
        statements = [
            f"CREATE USER IF NOT EXISTS {ADMIN};",
            f"ALTER USER {ADMIN} IDENTIFIED BY PASSWORD {_text(password_hash(secret))};",
            f"GRANT ALL PRIVILEGES ON *.* TO {ADMIN} WITH GRANT OPTION;",
            *(LAMBDA if self._plugins else ()),
            LAMBDA_ROLE,
            *KILLS,
        ]
        first = self.data / "headwater-first.sql"
        if first.exists():
            statements.append(first.read_text())
        statements.append(f"SELECT 'all of them' INTO OUTFILE {_text(str(started))};")  # a server goes on when one of these fails
        write_private(self.data / "headwater-admin", secret)
        write_private(self.data / "headwater-start.sql", "\n".join(statements) + "\n")

    async def _answers(self) -> bool:
        """A server greets first, and greets only once its start-up statements have run."""
        reader, writer = await asyncio.open_unix_connection(self._socket)
        try:
            if len(await reader.read(5)) < 5:
                return False
        finally:
            writer.close()
        if not (self.data / STARTED).exists():
            raise SqlFailed("a statement of the server's start failed")
        return True


async def variables(cache: Path = CACHE) -> list[Variable]:
    """The settings that MariaDB knows, with the defaults that a new server has here."""
    programs = find(cache)
    if programs is None:
        raise Missing(missing(cache) or "MariaDB is missing")
    return [each._replace(default=SETTINGS.get(each.name, each.default)) for each in await template_variables(programs, cache)]


def password_hash(password: str) -> str:
    """As mysql_native_password keeps it, so that the password itself is never written down."""
    inner = hashlib.sha1(password.encode(), usedforsecurity=False).digest()
    return "*" + hashlib.sha1(inner, usedforsecurity=False).hexdigest().upper()


def _first_start(master: str, password: str, database: str | None) -> list[str]:
    made = [f"CREATE DATABASE IF NOT EXISTS {_name(database)};"] if database else []
    return [f"{statement};" for statement in _master(master, password_hash(password))] + made


def _master(user: str, hashed: str) -> list[str]:
    who = f"{_text(user)}@'%'"
    return [
        f"CREATE USER IF NOT EXISTS {who} IDENTIFIED BY PASSWORD {_text(hashed)}",
        f"GRANT {MASTER_PRIVILEGES} ON *.* TO {who} WITH GRANT OPTION",
        # GRANT of a role asks who grants it, and at a server's start that is nobody.
        f"INSERT IGNORE INTO mysql.roles_mapping VALUES ('%', {_text(user)}, 'AWS_LAMBDA_ACCESS', 'Y')",  # noqa: S608  quoted by _text
        "FLUSH PRIVILEGES",
    ]


def _prepare(pristine: Path, work: Path, statements: list[str]) -> None:
    copy(pristine, work)
    write_private(work / "headwater-first.sql", "\n".join(statements))


def _text(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _name(value: str) -> str:
    return "`" + value.replace("`", "``") + "`"


def _literal(value: str) -> str:
    """A setting's value as SQL wants it: numbers bare, words quoted."""
    return value if value.lstrip("-").isdigit() else _text(value)


def _execute(socket: str, secret: str, sql: str, arguments: tuple[object, ...]) -> list[tuple[Any, ...]]:
    try:
        connection = pymysql.connect(unix_socket=socket, user=ADMINISTRATOR, password=secret, charset="utf8mb4", autocommit=True)
        with connection, connection.cursor() as cursor:
            cursor.execute(sql, arguments or None)
            return list(cursor.fetchall())
    except pymysql.MySQLError as error:
        raise SqlFailed(str(error)) from error
