"""A shelf: one service's SQLite file, filled from the journal and read by the room.

Ordinary tables with the key as a unique blob, because 1,000 puts a commit cost a seventh there of what they cost
`WITHOUT ROWID` for values of a kilobyte (measured).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from headwater.kernel.settings import NotServed

FORMAT: Final = 1
"""The layout of a shelf; another number in the file is refused instead of misread."""

UPSERT: Final = " ON CONFLICT (key) DO UPDATE SET value = excluded.value"
ROWS_TOGETHER: Final = 200


class Shelf:
    """One connection to one service's file. A connection belongs to one thread at a time."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=256)
        self._tables: set[str] = set()
        run = self._connection.execute
        run("PRAGMA busy_timeout=10000")
        run("PRAGMA journal_mode=WAL")
        run("PRAGMA synchronous=NORMAL")
        run("CREATE TABLE IF NOT EXISTS _shelf (id INTEGER PRIMARY KEY CHECK (id = 1), format INTEGER NOT NULL, position INTEGER NOT NULL)")
        run("INSERT INTO _shelf VALUES (1, ?, 0) ON CONFLICT DO NOTHING", (FORMAT,))
        (found,) = run("SELECT format FROM _shelf").fetchone()
        if found != FORMAT:
            raise NotServed(f"{path} has format {found}; this Headwater reads format {FORMAT}")

    def position(self) -> int:
        """How far in the journal this file is."""
        row = self._connection.execute("SELECT position FROM _shelf").fetchone()
        return int(row[0])

    def _ensure(self, table: str) -> None:
        if table not in self._tables:
            self._connection.execute(f'CREATE TABLE IF NOT EXISTS "{table}" (key BLOB NOT NULL UNIQUE, value BLOB NOT NULL)')
            self._tables.add(table)

    def _exists(self, table: str) -> bool:
        """A reader creates nothing: it would wait for the filler's transaction."""
        if (
            table not in self._tables
            and self._connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (table,)).fetchone()
        ):
            self._tables.add(table)
        return table in self._tables

    def fill(self, changes: Iterable[tuple[str, bytes, bytes | None]], position: int) -> None:
        """Carry changes over, with the position they reach, in one transaction."""
        puts: dict[str, list[tuple[bytes, bytes]]] = {}
        deletes: dict[str, list[tuple[bytes]]] = {}
        for table, key, value in changes:
            if value is None:
                deletes.setdefault(table, []).append((key,))
            else:
                puts.setdefault(table, []).append((key, value))
        run = self._connection
        for table in {*puts, *deletes}:
            self._ensure(table)
        run.execute("BEGIN IMMEDIATE")
        try:
            for table, rows in puts.items():
                self._together(f'INSERT INTO "{table}" VALUES ', "(?, ?)", UPSERT, rows)  # noqa: S608 - our own table names
            for table, keys in deletes.items():
                self._together(f'DELETE FROM "{table}" WHERE key IN (', "?", ")", keys)  # noqa: S608 - our own table names
            run.execute("UPDATE _shelf SET position = ?", (position,))
            run.execute("COMMIT")
        except BaseException:
            run.execute("ROLLBACK")
            raise

    def _together(self, opening: str, place: str, ending: str, rows: Sequence[tuple[bytes, ...]]) -> None:
        """Many rows a statement: SQLite is left, and the interpreter asked for again, once a statement and not once a row."""
        for start in range(0, len(rows), ROWS_TOGETHER):
            part = rows[start : start + ROWS_TOGETHER]
            self._connection.execute(opening + ", ".join([place] * len(part)) + ending, [value for row in part for value in row])

    def get(self, table: str, key: bytes) -> bytes | None:
        if not self._exists(table):
            return None
        row = self._connection.execute(f'SELECT value FROM "{table}" WHERE key = ?', (key,)).fetchone()  # noqa: S608 - our own table names
        return None if row is None else bytes(row[0])

    def range(self, table: str, low: bytes, high: bytes | None, limit: int) -> list[tuple[bytes, bytes]]:
        """At most `limit` rows with low <= key (< high, unless None), in key order."""
        if not self._exists(table):
            return []
        bound = "AND key < ?" if high is not None else ""
        parameters = (low, high, limit) if high is not None else (low, limit)
        query = f'SELECT key, value FROM "{table}" WHERE key >= ? {bound} ORDER BY key LIMIT ?'  # noqa: S608 - our own table names
        return self._connection.execute(query, parameters).fetchall()

    def checkpoint(self) -> None:
        """Bring everything committed onto the disk."""
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        self._connection.close()
