"""What the two database engines have in common: the shape that the RDS room drives, whichever program is behind it."""

from __future__ import annotations

import asyncio
import hashlib
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol, TypeVar

from headwater.engines.process import State

CACHE: Final = Path.home() / ".cache" / "headwater"
"""Where programs, plugins and pristine data directories stand that all of a user's homes share. All of it can be made again."""
THREADS_MAX: Final = 4
THREADS: Final = ThreadPoolExecutor(THREADS_MAX, thread_name_prefix="database")
SUN_PATH_MAX: Final = 103  # the smallest of the systems' limits on a unix socket's path, less its final zero byte


T = TypeVar("T")


class Tls(NamedTuple):
    """PEM files that the program reads itself."""

    certificate: Path
    key: Path
    authority: Path


class Variable(NamedTuple):
    """One setting of an engine, as the engine itself describes it."""

    name: str
    default: str | None
    allowed: str  # "1-100", "ON,OFF" or nothing
    kind: str  # "boolean", "integer", "float", "string", "list"
    dynamic: bool  # may change without a restart
    description: str


class SqlFailed(Exception):
    """The engine refused a statement of ours, in its own words."""


class Database(Protocol):
    """A database server that Headwater runs. `create` once, then `start`, `ready`, `stop` as often as need be."""

    host: str
    port: int

    @property
    def state(self) -> State: ...

    @property
    def pid(self) -> int | None: ...

    async def create(self, master: str, password: str, database: str | None) -> None: ...

    def start(self, tasks: asyncio.TaskGroup) -> None: ...

    async def ready(self) -> None: ...

    async def stop(self) -> None: ...

    def last_words(self) -> str: ...

    async def set_password(self, user: str, password: str) -> None: ...

    async def apply(self, settings: Mapping[str, str]) -> None:
        """Settings for the running server where they may change, and for every later start."""
        ...

    async def execute(self, sql: str, arguments: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """As the engine's own administrator, who is not to be seen by users."""
        ...


async def in_thread(function: Callable[..., T], *arguments: object) -> T:
    """Blocking work of the database engines: their clients, and copies of data directories."""
    return await asyncio.get_running_loop().run_in_executor(THREADS, function, *arguments)


def write_private(path: Path, text: str) -> None:
    """A file that nobody else can read at any moment."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:  # noqa: PTH123  pathlib cannot give the mode at creation
        file.write(text)


def socket_path(folder: Path, name: str) -> Path:
    """Where a server keeps its unix socket: beside its data, or, where that path is too long, in a private temporary folder."""
    beside = folder / name
    if len(os.fsencode(beside)) <= SUN_PATH_MAX:
        return beside
    private = Path(tempfile.gettempdir()) / f"headwater-{os.geteuid()}"
    private.mkdir(mode=0o700, exist_ok=True)
    if private.stat().st_uid != os.geteuid() or private.stat().st_mode & 0o077:
        raise PermissionError(f"{private} belongs to somebody else or is open to others")
    own = private / hashlib.sha256(os.fsencode(folder.absolute())).hexdigest()[:16]
    own.mkdir(exist_ok=True)
    return own / name
