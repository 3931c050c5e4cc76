"""A pristine data directory, made once per machine and MariaDB version, and copied for each new server.

`mariadb-install-db` takes most of a second and starts the server twice; a copy takes hundredths. While the template is made its
server also tells which variables it has, so that parameter groups can be described before any database runs.
The accounts it comes with are removed: an anonymous one would shadow the master user on connections from loopback (error 1045).
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

import msgspec

from headwater.engines.database import Variable, in_thread
from headwater.engines.mariadb_programs import Programs
from headwater.engines.mariadb_timezones import statements
from headwater.engines.process import die_with_parent

FORM: Final = 3  # grows when what stands below changes the files
LOG_BYTES: Final = 32 * 2**20  # the redo log is part of the copy, so it starts small
VARIABLES: Final = "headwater-variables.json"
SECONDS_MAX: Final = 60

# Everything the server has is written down by the server itself: no client, no socket, no account is needed.
TELL: Final = (
    "SELECT JSON_ARRAYAGG(JSON_ARRAY(LOWER(VARIABLE_NAME), DEFAULT_VALUE, CASE WHEN ENUM_VALUE_LIST IS NOT NULL THEN ENUM_VALUE_LIST "
    "WHEN NUMERIC_MIN_VALUE IS NOT NULL THEN CONCAT(NUMERIC_MIN_VALUE, '-', NUMERIC_MAX_VALUE) ELSE '' END, VARIABLE_TYPE, "
    "READ_ONLY = 'NO', VARIABLE_COMMENT) ORDER BY VARIABLE_NAME) FROM information_schema.SYSTEM_VARIABLES "
    "WHERE VARIABLE_SCOPE <> 'SESSION ONLY' INTO OUTFILE '{file}' FIELDS ESCAPED BY '';"
)
CLEANING: Final = ("DELETE FROM mysql.global_priv WHERE User <> 'mariadb.sys';", "DELETE FROM mysql.proxies_priv;")
KINDS: Final = {"BOOLEAN": "boolean", "ENUM": "string", "SET": "list", "FLAGSET": "list", "VARCHAR": "string", "DOUBLE": "float"}


class TemplateFailed(Exception):
    """MariaDB could not prepare a data directory; its own words are in the text."""


async def template(programs: Programs, cache: Path) -> Path:
    """The template's folder, made when it is not there yet."""
    version = await in_thread(programs.version)
    mark = hashlib.sha256(f"{FORM} {version} {LOG_BYTES}".encode()).hexdigest()[:16]
    folder = cache / f"mariadb-template-{mark}"
    if not (folder / VARIABLES).exists():
        await in_thread(_make, programs, folder)
    return folder


async def variables(programs: Programs, cache: Path) -> list[Variable]:
    folder = await template(programs, cache)
    told = msgspec.json.decode((folder / VARIABLES).read_bytes(), type=list[tuple[str, str | None, str | None, str, bool, str | None]])
    return [
        Variable(name, default, allowed or "", KINDS.get(kind, "integer"), dynamic, description or "")
        for name, default, allowed, kind, dynamic, description in told
    ]


def copy(template_folder: Path, data: Path) -> None:
    """A new data directory, whole or not at all. Blocking."""
    work = data.with_name(data.name + ".new")
    if work.exists():
        shutil.rmtree(work)  # a crash in the middle of an earlier copy
    work.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(template_folder, work, ignore=shutil.ignore_patterns(VARIABLES))
    work.chmod(0o700)
    work.replace(data)


def _make(programs: Programs, folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=folder.name, dir=folder.parent))
    try:
        options = [f"--datadir={work}", f"--lc-messages-dir={programs.share}", f"--innodb-log-file-size={LOG_BYTES}"]
        words = ["--no-defaults", f"--basedir={programs.basedir}", "--auth-root-authentication-method=normal", "--skip-test-db", "--force"]
        _run(programs, [str(programs.install_db), *words, *options], "")
        told, first = work / VARIABLES, work / "first.sql"
        first.write_text("\n".join((*CLEANING, *statements(), TELL.format(file=told), "SHUTDOWN;")) + "\n")
        silent = ["--user=root", "--skip-networking", f"--socket={work / 's'}", "--performance-schema=OFF", "--innodb-fast-shutdown=1"]
        server = [str(programs.server), "--no-defaults", f"--basedir={programs.basedir}", *options, *silent, f"--init-file={first}"]
        _run(programs, server, "")
        first.unlink()
        if not folder.exists():
            work.replace(folder)  # another process may have made the same one meanwhile
    finally:
        if work.exists():
            shutil.rmtree(work)


def _run(programs: Programs, command: list[str], given: str) -> None:
    name = Path(command[0]).name
    try:
        done = subprocess.run(  # noqa: S603  the programs we found, with words of ours
            command,
            input=given,
            env=programs.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
            timeout=SECONDS_MAX,
            preexec_fn=die_with_parent(),
        )
    except subprocess.TimeoutExpired as error:  # a statement failed, and SHUTDOWN was never reached
        words = (error.stdout or b"").decode("utf-8", "replace")
        raise TemplateFailed(f"{name} did not end within {SECONDS_MAX} s: {words.strip()[-2000:]}") from None
    if done.returncode != 0:
        raise TemplateFailed(f"{name} ended with code {done.returncode}: {done.stdout.strip()[-2000:]}")
