"""Find the library that gives MariaDB lambda_sync and lambda_async: shipped for the usual machines, else built here.

A server loads such libraries only from its plugin folder, so the library is put into a folder of its own in the cache, named after
its contents: a new version of Headwater never overwrites a file that a running server has mapped.
"""

from __future__ import annotations

import hashlib
import platform
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

SOURCE: Final = Path(__file__).with_name("lambda.c")
MACHINES: Final = ("x86_64", "aarch64")
NAME: Final = "headwater_lambda.so"
# nodelete: a connection's thread may end after the functions were dropped, and its clean-up stands in the library
FLAGS: Final = ("-O2", "-std=gnu11", "-Wall", "-Wextra", "-fPIC", "-shared", "-Wl,-z,nodelete", "-ldl", "-lpthread")
FLAGS_OF_MACOS: Final = ("-O2", "-std=gnu11", "-Wall", "-Wextra", "-fPIC", "-shared")


class LibraryMissing(Exception):
    """The library is not shipped for this machine and cannot be built on it."""


def shipped(machine: str) -> Path:
    return SOURCE.with_name(f"lambda-{machine}.so")


def plugin_folder(cache: Path) -> Path:
    """The folder to give MariaDB as its plugin folder, with the library in it. Blocking."""
    contents = _shipped_here()
    if sentence := missing():
        raise LibraryMissing(sentence)
    mark = hashlib.sha256(contents or SOURCE.read_bytes()).hexdigest()[:16]
    folder = cache / f"mariadb-plugins-{platform.machine()}-{mark}"
    if not (folder / NAME).exists():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as work:
            made = Path(work) / NAME
            if contents:
                made.write_bytes(contents)
            else:
                compile_here(made)
            made.replace(folder / NAME)  # whole or not at all, also when two processes do this at once
    return folder


def missing() -> str | None:
    """One sentence when SQL cannot call Lambda functions on this machine, and what brings it."""
    if _shipped_here() or _compiler():
        return None
    return (
        f"lambda_sync and lambda_async need a small library that is not shipped for {platform.system()} {platform.machine()}, "
        "and there is no C compiler to build it: install one (Debian, Ubuntu: apt-get install gcc libc6-dev)"
    )


def _shipped_here() -> bytes:
    ready = shipped(platform.machine())
    on_glibc = platform.system() == "Linux" and platform.libc_ver()[0] == "glibc"
    return ready.read_bytes() if on_glibc and ready.exists() else b""


def _compiler() -> str | None:
    return shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")


def compile_here(target: Path) -> None:
    compiler = _compiler()
    if compiler is None:
        raise LibraryMissing("there is no C compiler")
    flags = FLAGS_OF_MACOS if platform.system() == "Darwin" else FLAGS
    built = subprocess.run([compiler, *flags, str(SOURCE), "-o", str(target)], capture_output=True, text=True, check=False)  # noqa: S603  the system's compiler on our own source
    if built.returncode != 0:
        raise LibraryMissing(f"the library for lambda_sync and lambda_async cannot be built here: {built.stderr.strip()}")
