"""Find MariaDB's programs on this machine, or bring them: no wheel has them.

Debian's *core* packages are the programs alone: installing them neither starts a server nor makes a system user. Without root the
same packages are unpacked into a folder of Headwater's cache; nothing on the machine is changed then, and the programs are told
where their files stand. A distribution's own packages on PATH win, for they get its security updates.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from headwater.engines.database import CACHE

# One of each line is needed: names differ between Debian and Ubuntu releases.
PROGRAM_PACKAGES: Final = (
    ("mariadb-server-core", "mariadb-server-core-10.6"),
    ("mariadb-client-core", "mariadb-client-core-10.6"),
)
LIBRARY_PACKAGES: Final = (
    ("libaio1t64", "libaio1"),
    ("liburing2",),
    ("libnuma1",),
    ("libpcre2-8-0",),
    ("libmariadb3",),
    ("mariadb-common",),
)
SYSTEM_FOLDERS: Final = ("/usr/sbin", "/usr/local/sbin", "/usr/bin", "/opt/homebrew/bin", "/usr/local/bin", "/usr/libexec")
SECONDS_MAX: Final = 600


class Missing(Exception):
    """A program is not here; the text says how to bring it."""


class Programs(NamedTuple):
    server: Path
    install_db: Path
    basedir: Path
    libraries: tuple[Path, ...]  # where an unpacked package keeps its shared libraries

    @property
    def share(self) -> Path:
        folders = [self.basedir / "share" / name for name in ("mysql", "mariadb")]
        return next((folder for folder in folders if (folder / "english" / "errmsg.sys").exists()), folders[0])

    @property
    def environment(self) -> dict[str, str]:
        """What the programs run with: nothing of the user's shell, whose variables (MYSQL_HOME, LD_…) could turn them elsewhere."""
        found = os.pathsep.join(str(folder) for folder in self.libraries)
        path = f"{self.basedir / 'bin'}:{self.basedir / 'sbin'}:/usr/bin:/bin:/usr/sbin:/sbin"
        return {"PATH": path, "TZ": "UTC", "LC_ALL": "C.UTF-8"} | ({"LD_LIBRARY_PATH": found} if found else {})

    def version(self) -> str:
        """The server's own words, such as "… Ver 10.11.19-MariaDB …". Blocking."""
        asked = [str(self.server), "--no-defaults", "--version"]
        shown = subprocess.run(asked, env=self.environment, capture_output=True, text=True, check=False, timeout=30)  # noqa: S603  the program we found
        if shown.returncode != 0:
            raise Missing(f"{self.server} does not run: {shown.stderr.strip()}")
        return shown.stdout.strip()


def find(cache: Path) -> Programs | None:
    """The system's programs, else the ones unpacked in the cache."""
    for folder in _folders():
        server = folder / "mariadbd"
        if server.exists():
            real = server.resolve()
            basedir = real.parent.parent
            for install_db in (
                folder / "mariadb-install-db",
                basedir / "bin" / "mariadb-install-db",
                basedir / "scripts" / "mariadb-install-db",
            ):
                if install_db.exists():
                    return Programs(server, install_db, basedir, ())
    root = cache / "mariadb" / "usr"
    if (root / "sbin" / "mariadbd").exists():
        libraries = tuple(sorted({path.parent for path in root.glob("lib/*/*.so*")}))
        return Programs(root / "sbin" / "mariadbd", root / "bin" / "mariadb-install-db", root, libraries)
    return None


def _folders() -> Iterator[Path]:
    on_path = shutil.which("mariadbd")
    if on_path:
        yield Path(on_path).parent
    yield from (Path(folder) for folder in SYSTEM_FOLDERS)


def missing(cache: Path = CACHE) -> str | None:
    """One sentence for `headwater doctor` when MariaDB is not here, with the command that brings it."""
    if find(cache) is not None:
        return None
    if shutil.which("apt-get"):
        return "MariaDB is missing (RDS and Aurora for MySQL run on it): run `headwater setup`, or apt-get install mariadb-server-core"
    if platform.system() == "Darwin":
        return "MariaDB is missing (RDS and Aurora for MySQL run on it): brew install mariadb"
    return "MariaDB is missing (RDS and Aurora for MySQL run on it): install your system's package mariadb-server"


def install(say: Callable[[str], None], cache: Path = CACHE) -> None:
    """Bring MariaDB, saying each step before it is done; nothing happens when it is here. Blocking."""
    sentence = missing(cache)
    if sentence is None:
        return
    if not shutil.which("apt-get"):
        raise Missing(sentence)
    if os.geteuid() == 0:
        names = _available(PROGRAM_PACKAGES) or _refreshed(say)
        say(f"MariaDB is missing: installing Debian's packages {' '.join(names)} (programs only, no server is started) with apt-get")
        installing = ("apt-get", "install", "-y", "--no-install-recommends", *names)
        try:
            _run(*installing)
        except Missing:
            say("apt's package lists may be old: running apt-get update, then once more")
            _run("apt-get", "update")
            _run(*installing)
    else:
        fetch(say, cache)
    programs = find(cache)
    if programs is None:
        raise Missing(f"apt-get brought no mariadbd. {sentence}")
    say(f"MariaDB is here: {programs.version()}")


def fetch(say: Callable[[str], None], cache: Path) -> None:
    """Unpack Debian's packages under the cache. Needs no root, and leaves the system as it is. Blocking."""
    names = _available(PROGRAM_PACKAGES)
    if not names:
        raise Missing("apt knows no MariaDB packages: run `apt-get update` as root once, then `headwater setup` again")
    names += _available(LIBRARY_PACKAGES)
    folder = cache / "mariadb"
    say(f"MariaDB is missing: downloading {' '.join(names)} with apt-get and unpacking them into {folder} (nothing is installed)")
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as work:
        debs, root = Path(work) / "debs", Path(work) / "root"
        debs.mkdir()
        _run("apt-get", "download", *names, cwd=debs)
        for deb in sorted(debs.glob("*.deb")):
            _run("dpkg-deb", "-x", str(deb), str(root))
        if folder.exists():
            shutil.rmtree(folder)
        root.replace(folder)


def _refreshed(say: Callable[[str], None]) -> list[str]:
    say("apt's package lists are empty: running apt-get update")
    _run("apt-get", "update")
    names = _available(PROGRAM_PACKAGES)
    if not names:
        raise Missing("apt knows no MariaDB packages on this system: install MariaDB 10.6 or later by hand")
    return names


def _available(lines: tuple[tuple[str, ...], ...]) -> list[str]:
    """The first of each line's names that apt knows; none at all when a line of programs has none."""
    found = [next((name for name in line if _known(name)), None) for line in lines]
    if lines is PROGRAM_PACKAGES and None in found:
        return []
    return [name for name in found if name is not None]


def _known(package: str) -> bool:
    shown = subprocess.run(["apt-cache", "show", package], capture_output=True, check=False, timeout=60)  # noqa: S603, S607  apt stands where the system put it
    return shown.returncode == 0 and shown.stdout != b""


def _run(*command: str, cwd: Path | None = None) -> None:
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=SECONDS_MAX)  # noqa: S603  words of ours
    if done.returncode != 0:
        raise Missing(f"`{' '.join(command)}` failed: {done.stderr.strip() or done.stdout.strip()}")
