"""Redshift's dialect, case by case: the `*.test` files beside this one, in the manner of SQL logic tests.

A file runs from top to bottom in one database. Its records, parted by blank lines:

    statement ok            the SQL on the next lines runs; `----` may be followed by its tag and notices
    statement error 42P01   it fails with this SQLSTATE; `----` may be followed by part of the message
    query                   its rows follow `----`, fields parted by ` | `, NULL as NULL, '' as (empty), a line end as \\n
    query names             likewise, with a first line of column names
    query types             the columns alone: one line each, name and type
    file s3://bucket/key    the text below (to the blank line) is put there; `gzip` after the key packs it
    advance 1d              the clock moves
    user analyst            the next records run in a new session of that user

Where the truth comes from stands in the comments (`#`) of each file.
"""

import gzip
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from headwater.engines.warehouse.sql.answers import Result
from headwater.engines.warehouse.sql.errors import SqlError
from headwater.engines.warehouse.sql.planning import BY_OID
from headwater.engines.warehouse.sql.session import Database, Session
from headwater.engines.warehouse.sql.types import SqlType

FOLDER = Path(__file__).parent


class Record:
    def __init__(self, place: str, command: str, body: list[str], expected: list[str] | None) -> None:
        self.place = place
        self.words = command.split()
        self.body = "\n".join(body)
        self.expected = expected


def records(path: Path) -> Iterator[Record]:
    block: list[str] = []
    for number, line in enumerate([*path.read_text().splitlines(), ""], 1):
        if line.startswith("#"):
            continue
        if line.strip():
            block.append(line)
        elif block:
            body, expected = block[1:], None
            if "----" in body:
                cut = body.index("----")
                body, expected = body[:cut], body[cut + 1 :]
            yield Record(f"{path.name}:{number - len(block)}", block[0], body, expected)
            block = []


class Runner:
    def __init__(self, database: Database, lake: Any, clock: Any) -> None:
        self.database = database
        self.lake = lake
        self.clock = clock
        self.session = self.opened("admin")

    def opened(self, user: str) -> Session:
        return self.database.session(user, "dev", self.lake, self.clock, pid=4242)

    def run(self, record: Record) -> None:
        verb = record.words[0]
        if verb == "file":
            bucket, _, key = record.words[1].removeprefix("s3://").partition("/")
            body = (record.body + "\n").encode()
            self.lake.put(bucket, key, gzip.compress(body) if "gzip" in record.words else body)
        elif verb == "advance":
            self.clock.advance(timedelta(**{{"d": "days", "h": "hours", "s": "seconds"}[record.words[1][-1]]: int(record.words[1][:-1])}))
        elif verb == "user":
            self.session = self.opened(record.words[1])
        elif record.words[:2] == ["statement", "error"]:
            self.fails(record)
        elif verb == "statement":
            self.succeeds(record)
        else:
            assert verb == "query", record.place
            self.answers(record)

    def results(self, record: Record) -> list[tuple[Result, list[tuple[Any, ...]]]]:
        return [(result, rows_of(result)) for result in self.session.execute(record.body, text=True)]

    def fails(self, record: Record) -> None:
        with pytest.raises(SqlError) as caught:
            self.results(record)
        said = f"{record.place}: {caught.value.sqlstate} {caught.value.message}"
        assert caught.value.sqlstate == record.words[2], said
        for line in record.expected or []:
            assert line in f"{caught.value.message}\n{caught.value.detail}\n{caught.value.hint}", said

    def succeeds(self, record: Record) -> None:
        said = [line for result, _ in self.results(record) for line in (result.tag, *result.notices)]
        if record.expected is not None:
            assert said == record.expected, record.place

    def answers(self, record: Record) -> None:
        (result, rows), *_ = reversed(self.results(record))
        columns = result.columns or []
        lines = [" | ".join("NULL" if value is None else str(value).replace("\n", "\\n") or "(empty)" for value in row) for row in rows]
        if "names" in record.words:
            lines = [" | ".join(column.name for column in columns), *lines]
        if "types" in record.words:
            lines = [f"{column.name} {typed(column.oid, column.typmod)}" for column in columns]
        wanted = [line.rstrip() for line in record.expected or []]
        assert [line.rstrip() for line in lines] == wanted, "\n".join([record.place, *lines, "---- expected", *wanted])


def typed(oid: int, typmod: int) -> SqlType:
    kind = BY_OID[oid]
    if typmod < 4:
        return kind
    return SqlType(kind.name, (typmod - 4) >> 16, (typmod - 4) & 0xFFFF) if kind.name == "numeric" else SqlType(kind.name, typmod - 4)


def rows_of(result: Result) -> list[tuple[Any, ...]]:
    return [row for batch in result.batches or () for row in zip(*(column.to_pylist() for column in batch.columns), strict=True)]


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.test")), ids=lambda path: path.stem)
def test_the_dialect_case_by_case(path: Path, database: Database, lake: Any, clock: Any) -> None:
    runner = Runner(database, lake, clock)
    for record in records(path):
        try:
            runner.run(record)
        except Exception as error:
            error.add_note(f"at {record.place}: {record.body[:200]}")
            raise
