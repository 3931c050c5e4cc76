"""Results on disk: pages of records one after the other in a file for each part, read by offset.

A page is what one GetStatementResult answers; NextToken is where the next one begins. Files are written before the statement is
FINISHED and go with its record.
"""

import csv as csv_module
import io
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from .model import field, refused

PAGE_ROWS_MAX: Final = 1000
PAGE_BYTES_MAX: Final = 1 << 20
RESULT_BYTES_MAX: Final = 500 << 20  # the API's own limit
_LENGTH: Final = struct.Struct("!I")
Row = tuple[str | None, ...]


class ResultTooLarge(Exception):
    def __init__(self) -> None:
        super().__init__("ERROR: The query result exceeds the maximum size of 500 MB.")


def path_of(folder: Path, statement_id: str, number: int) -> Path:
    return folder / f"{statement_id}-{number}.rows"


class Writer:
    """Writes one part's rows; call from one thread at a time."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._file = path.open("wb")
        self.rows = 0
        self.size = 0

    def page(self, rows: list[Row]) -> None:
        content = msgspec.msgpack.encode(rows)
        self._file.write(_LENGTH.pack(len(content)) + content)
        self.rows += len(rows)
        self.size += sum(len(value) for row in rows for value in row if value is not None)
        if self._file.tell() > RESULT_BYTES_MAX:
            raise ResultTooLarge

    def close(self) -> None:
        self._file.close()


def read(path: Path, offset: int) -> tuple[list[Row], int | None]:
    """The page at `offset`, and where the next one begins."""
    with path.open("rb") as file:
        file.seek(offset)
        head = file.read(_LENGTH.size)
        if len(head) < _LENGTH.size:
            if offset:
                raise refused("Invalid NextToken.")
            return [], None
        content = file.read(_LENGTH.unpack(head)[0])
        try:
            rows = msgspec.msgpack.decode(content, type=list[Row])
        except msgspec.DecodeError:
            raise refused("Invalid NextToken.") from None
        following = file.tell()
        return rows, following if file.read(1) else None


def remove(folder: Path, statement_id: str, parts: int) -> None:
    for path in (path_of(folder, statement_id, number) for number in range(1, parts + 1)):
        path.unlink(missing_ok=True)


def paged(rows: list[Row], page: list[Row]) -> Iterator[list[Row]]:
    """Full pages out of `rows`; what does not fill one stays in `page`."""
    size = _bytes(page)
    for row in rows:
        page.append(row)
        size += _bytes([row])
        if len(page) >= PAGE_ROWS_MAX or size >= PAGE_BYTES_MAX:
            yield page[:]
            page.clear()
            size = 0


def _bytes(rows: list[Row]) -> int:
    return sum(len(value) if value is not None else 1 for row in rows for value in row)


def fields(rows: list[Row], oids: list[int]) -> list[list[dict[str, Any]]]:
    return [[field(value, oid) for value, oid in zip(row, oids, strict=True)] for row in rows]


def csv(rows: Sequence[Row]) -> str:
    """Lines as the API's CSV format has them: quoted where needed, nothing for NULL."""
    text = io.StringIO()
    writer = csv_module.writer(text, lineterminator="\r\n")
    writer.writerows(rows)
    return text.getvalue()
