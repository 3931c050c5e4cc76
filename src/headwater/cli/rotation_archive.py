"""The zips of our rotation functions: their modules, which are data for the command line, and a driver in Python alone.

The same content makes the same bytes, so that an unchanged function is told from a changed one by its hash.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

MODULES: Final = Path(__file__).with_name("rotation_functions")
FIRST_DAY: Final = (1980, 1, 1, 0, 0, 0)
SHARED: Final = ("rotation", "tls")


class Kind(NamedTuple):
    """What differs between databases: the function's module, its driver's packages, and how AWS's console calls it."""

    module: str
    packages: tuple[str, ...]
    noun: str


MYSQL: Final = Kind("mysql", ("pymysql",), "MySQL")
POSTGRESQL: Final = Kind("postgresql", ("pg8000", "scramp", "asn1crypto"), "PostgreSQL")  # dateutil comes with Lambda's boto3
KINDS: Final = {
    "mysql": MYSQL,
    "mariadb": MYSQL,
    "aurora-mysql": MYSQL,
    "postgres": POSTGRESQL,
    "aurora-postgresql": POSTGRESQL,
}
"""By the `engine` of a secret's JSON."""


def scheme_of(*, alternating: bool) -> str:
    return "alternating_users" if alternating else "single_user"


def handler(kind: Kind, *, alternating: bool) -> str:
    return f"{kind.module}_{scheme_of(alternating=alternating)}.lambda_handler"


def archive(kind: Kind, *, alternating: bool) -> bytes:
    scheme = scheme_of(alternating=alternating)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as file:
        for name in (*SHARED, scheme, kind.module, f"{kind.module}_{scheme}"):
            file.writestr(_entry(f"{name}.py"), (MODULES / f"{name}.py").read_bytes())
        for package in kind.packages:
            for path, name in _files(package):
                file.writestr(_entry(name), path.read_bytes())
    return content.getvalue()


def _files(package: str) -> Iterator[tuple[Path, str]]:
    """A package's sources as pip installed them, with the metadata where it looks for its own version, and their names in the zip."""
    import importlib.metadata

    distribution = importlib.metadata.distribution(package)
    for file in sorted(distribution.files or ()):
        if file.suffix == ".py" or file.name == "METADATA":
            yield Path(str(distribution.locate_file(file))), file.as_posix()


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, FIRST_DAY)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    return entry
