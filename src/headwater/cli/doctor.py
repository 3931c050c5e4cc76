"""What this machine lacks, in words and with the command that brings it."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable

import msgspec

from headwater.engines import mariadb, postgres, sandbox
from headwater.engines.mariadb_lambda import library
from headwater.services.lambda_ import interpreters, nodes


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing looked at: in words, with the command that brings it. Not `needed`: things run without it, less well."""

    subject: str
    words: str
    there: bool = True
    needed: bool = True


def examine() -> list[Finding]:
    """Everything that Headwater would like to find, found or not."""
    python = f"{platform.python_implementation()} {platform.python_version()} on {sys.platform}"
    return [
        Finding(subject="Python", words=python),
        _finding("MariaDB (RDS for MySQL, Aurora MySQL)", mariadb.missing()),
        _finding("SQL that calls Lambda (lambda_sync, lambda_async in MariaDB)", library.missing()),
        _finding("PostgreSQL (RDS for PostgreSQL)", postgres.missing()),
        _finding("bubblewrap (a file-system view for each Lambda function)", sandbox.missing(), needed=False),
        _finding("Pythons for Lambda functions", interpreters.missing(), needed=False),
        _finding("Node.js for Lambda functions", nodes.missing(), needed=False),
    ]


def _finding(subject: str, missing: str | None, *, needed: bool = True) -> Finding:
    return Finding(subject=subject, words=missing or "found", there=missing is None, needed=needed)


def install(say: Callable[[str], None]) -> None:
    """Bring what pip cannot: MariaDB, from the system's packages, said aloud before it happens."""
    if mariadb.missing() is not None:
        mariadb.install(say)
