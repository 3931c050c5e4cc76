"""What a cluster's process is told: a file that the room writes and the process reads again whenever it matters.

A file, because it outlives both sides: a process that was restarted, or whose parent was, knows its users and roles at once.
It is replaced whole, with mode 0600: it holds password verifiers and the credentials under which the cluster calls AWS.
"""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec


class Login(msgspec.Struct, frozen=True, kw_only=True):
    """One password of a name that may log in: the master user, or temporary credentials such as `IAM:analyst`."""

    verifier: str
    db_user: str
    expires_at: datetime | None = None
    auto_create: bool = False
    groups: list[str] = []


class Charter(msgspec.Struct, frozen=True, kw_only=True):
    account: str
    region: str
    cluster: str
    host: str
    port: int
    dbname: str
    master_user: str
    certificate: str
    key: str
    memory_bytes: int
    endpoint_url: str
    access_key_id: str
    secret_access_key: str
    session_token: str
    logins: dict[str, list[Login]]
    roles: list[str]
    default_role: str | None
    clock_offset_us: int
    clock_frozen_at: datetime | None = None

    def now(self) -> datetime:
        """AWS time."""
        return self.clock_frozen_at or datetime.now(UTC) + timedelta(microseconds=self.clock_offset_us)  # noqa: TID251 - the process's only Clock


def path_in(folder: Path) -> Path:
    return folder / "charter.json"


def write(folder: Path, charter: Charter) -> None:
    fresh = path_in(folder).with_suffix(".new")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.write(handle, msgspec.json.encode(charter))
    finally:
        os.close(handle)
    fresh.replace(path_in(folder))


class CharterFile:
    """The charter as it stands now; read anew when the file was replaced. Used from many threads."""

    def __init__(self, folder: Path) -> None:
        self._path = path_in(folder)
        self._read: tuple[tuple[int, int], Charter] | None = None

    def current(self) -> Charter:
        status = self._path.stat()
        stamp = (status.st_ino, status.st_mtime_ns)
        read = self._read
        if read is None or read[0] != stamp:
            read = self._read = (stamp, msgspec.json.decode(self._path.read_bytes(), type=Charter))
        return read[1]

    def now(self) -> datetime:
        """AWS time, moved when the user moves it."""
        return self.current().now()
