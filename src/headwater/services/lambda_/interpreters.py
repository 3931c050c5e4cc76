"""The Pythons of this machine, and which of them runs a function.

A function for python3.12 runs on Python 3.12 where the machine has one: on the PATH, or where pyenv, uv and Homebrew put theirs.
Else it runs on Headwater's own, and its log says so. Versions that boto3 itself no longer supports count as absent.
"""

import functools
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

ASK_S: Final = 10.0
CURRENT: Final = ("3.10", "3.11", "3.12", "3.13", "3.14")
_QUESTION: Final = "import sys; print(sys.version.split()[0], sys.base_prefix, getattr(sys, '_base_executable', sys.executable), sep='\\n')"
_IN_RUNTIME: Final = ("boto3", "awslambdaric")
_FOLDERS: Final = (
    "~/.pyenv/versions/{version}*/bin",
    "~/.local/share/uv/python/cpython-{version}*/bin",
    "/usr/bin",
    "/usr/local/bin",
    "/opt/homebrew/bin",
    "/opt/python/{version}*/bin",
)


class Interpreter(msgspec.Struct, frozen=True):
    """A Python that runs functions. `notice` says where it is not the one that was asked for."""

    path: Path
    prefix: Path
    version: str
    notice: str | None = None

    @property
    def minor(self) -> str:
        return ".".join(self.version.split(".")[:2])


def interpreter_for(runtime: str) -> Interpreter:
    """The machine's Python of that version, else Headwater's own, which then says so. May start a process, once a version."""
    own = own_interpreter()
    wanted = runtime.removeprefix("python")
    if wanted == own.minor:
        return own
    found = _found(wanted) if _is_supported(wanted) else None
    if found is not None:
        return found
    why = "is not on this machine" if _is_supported(wanted) else "is older than AWS's own boto3 supports"
    sentence = f"HEADWATER {runtime} {why}; the function runs on Python {own.version}"
    return msgspec.structs.replace(own, notice=sentence)


def missing() -> str | None:
    """For `headwater doctor`: which of the Pythons that AWS runs today are not here."""
    absent = [version for version in CURRENT if interpreter_for(f"python{version}").notice is not None]
    if not absent:
        return None
    instead = f"functions for them run on Python {own_interpreter().version}"
    return f"no Python {', '.join(absent)}: {instead} (`pyenv install {absent[-1]}` brings one)"


@functools.cache
def own_interpreter() -> Interpreter:
    """The interpreter that runs Headwater, without the virtual environment around it."""
    version = ".".join(str(part) for part in sys.version_info[:3])
    base = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
    return Interpreter(base, Path(sys.base_prefix).resolve(), version)


def own_folders_of(interpreter: Interpreter) -> tuple[str, ...]:
    """Where the interpreter's own packages are: a function must find AWS's, not the machine's."""
    folders = (
        "/usr/lib/python3/dist-packages",
        f"/usr/local/lib/python{interpreter.minor}/dist-packages",
        f"/usr/local/lib/python{interpreter.minor}/site-packages",
        str(interpreter.prefix / "lib" / f"python{interpreter.minor}" / "site-packages"),
    )
    return tuple(dict.fromkeys(folder for folder in folders if Path(folder).is_dir()))


def runtime_files(interpreter: Interpreter) -> tuple[Path, ...]:
    """What stands in /var/runtime: boto3, the runtime client, and what these need; for another Python, without what was compiled."""
    files = _runtime_packages()
    if interpreter.minor == own_interpreter().minor:
        return files
    pure = tuple(path for path in files if path.suffix != ".so")
    return (Path(__file__).with_name("python_runtime") / "runtime_client.py", *pure)


@functools.cache
def _found(version: str) -> Interpreter | None:
    for path in _candidates(version):
        try:
            asked = subprocess.run([path, "-I", "-c", _QUESTION], capture_output=True, timeout=ASK_S, check=True, text=True)  # noqa: S603
            exact, prefix, executable = asked.stdout.splitlines()
        except (OSError, subprocess.SubprocessError, ValueError):
            continue  # a shim of pyenv's that has no such version, say
        if exact.startswith(f"{version}."):
            return Interpreter(Path(executable).resolve(), Path(prefix).resolve(), exact)
    return None


def _candidates(version: str) -> Iterator[str]:
    name = f"python{version}"
    if (on_path := shutil.which(name)) is not None:
        yield on_path
    for pattern in _FOLDERS:
        folder = Path(pattern.format(version=f"{version}.") if "*" in pattern else pattern).expanduser()
        parts = folder.parts[1:]
        yield from sorted((str(path) for path in Path("/").glob(str(Path(*parts, name)))), reverse=True)


def _is_supported(version: str) -> bool:
    import importlib.metadata  # here and below: it brings the email package, which a room that only shows functions never needs

    oldest = max(
        int(found[1])
        for name in _IN_RUNTIME
        if (found := re.search(r">=\s*3\.(\d+)", importlib.metadata.metadata(name)["Requires-Python"]))
    )
    return int(version.split(".")[1]) >= oldest


@functools.cache
def _runtime_packages() -> tuple[Path, ...]:
    """The files and folders of those packages and of all that they require."""
    import importlib.metadata

    wanted, seen, paths = list(_IN_RUNTIME), set[str](), dict[Path, None]()
    while wanted:
        name = wanted.pop()
        if name in seen:
            continue
        seen.add(name)
        try:
            distribution = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # needed on other versions of Python only
        needed = [requirement for requirement in distribution.requires or () if "extra ==" not in requirement]
        wanted += [re.split(r"[\s;<>=!~\[(]", requirement, maxsplit=1)[0] for requirement in needed]
        for file in distribution.files or ():
            top = file.parts[0]
            if top not in ("..", "__pycache__"):
                paths[Path(str(distribution.locate_file(top)))] = None
    return tuple(path for path in paths if path.exists())
