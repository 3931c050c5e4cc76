"""The Node.js of this machine, and which one runs a function.

As with Python: a function for nodejs20.x runs on Node.js 20 where the machine has one (on the PATH, or where nvm, fnm, Volta and
Homebrew put theirs), else on the newest that there is, and its log says so. Where there is none the function can be created, as
everywhere, and its invocation says what is missing. AWS's SDK for JavaScript is no part of this runtime: a function brings it along.
"""

import functools
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from .interpreters import Interpreter

ASK_S: Final = 10.0
PREFIX: Final = "nodejs"
_VERSION: Final = re.compile(r"v(\d+)\.\d+\.\d+")
_PLACES: Final = (
    "/usr/bin/node",
    "/usr/local/bin/node",
    "~/.nvm/versions/node/*/bin/node",
    "~/.local/share/fnm/node-versions/*/installation/bin/node",
    "~/.volta/tools/image/node/*/bin/node",
    "/opt/homebrew/bin/node",
    "/opt/homebrew/opt/node@*/bin/node",
)


def node_for(runtime: str) -> Interpreter | None:
    """The machine's Node.js of that version, else its newest, which then says so; None where it has none. May start processes, once."""
    found = _found()
    if not found:
        return None
    wanted = int(runtime.removeprefix(PREFIX).removesuffix(".x"))
    if wanted in found:
        return found[wanted]
    newest = found[max(found)]
    sentence = f"HEADWATER {runtime} is not on this machine; the function runs on Node.js {newest.version}"
    return Interpreter(newest.path, newest.prefix, newest.version, sentence)


def missing() -> str | None:
    """For `headwater doctor`."""
    if _found():
        return None
    return "no Node.js: functions for nodejs runtimes can be created and not invoked (`nvm install 22` or the system's packages bring one)"


def client() -> Path:
    """What the function's process runs: the client of the Runtime API."""
    return Path(__file__).with_name("node_runtime") / "index.mjs"


@functools.cache
def _found() -> dict[int, Interpreter]:
    """By major version; where one is there twice, the one that stands first on the list of places."""
    found: dict[int, Interpreter] = {}
    for path in dict.fromkeys(_candidates()):
        try:
            asked = subprocess.run([path, "--version"], capture_output=True, timeout=ASK_S, check=True, text=True)  # noqa: S603
        except (OSError, subprocess.SubprocessError):
            continue  # a shim that leads nowhere, say
        version = _VERSION.fullmatch(asked.stdout.strip())
        if version is not None:
            real = path.resolve()
            found.setdefault(int(version[1]), Interpreter(real, real.parent.parent, version[0].removeprefix("v")))
    return found


def _candidates() -> Iterator[Path]:
    on_path = shutil.which("node")
    if on_path is not None:
        yield Path(on_path)
    for place in _PLACES:
        path = Path(place).expanduser()
        yield from sorted(Path("/").glob(str(path.relative_to("/"))), reverse=True)
