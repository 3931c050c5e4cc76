"""Arrow record batches to runs of DataRow messages, without touching a row in Python.

Each column becomes an Arrow array of its wire bytes (text as Redshift prints it, or binary), each column's lengths an array of
big-endian 32-bit numbers; Arrow's element-wise join lays row headers, lengths and values side by side, and the joined
column's data buffer *is* the run of messages. Only types that are rare in results (binary NUMERIC, INTERVAL, nested values)
are formatted value by value.

Easy to get wrong: floats. Redshift prints 15 significant digits (extra_float_digits 0), Arrow prints as many as it takes.
Source: PostgreSQL documentation, "Message Formats"; Redshift documentation, "extra_float_digits".
"""

import json
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa  # noqa: TID253 - this module is imported in the warehouse's process, never in the gateway's
import pyarrow.compute as pc  # noqa: TID253 - likewise

from headwater.engines.warehouse.protocol import BINARY
from headwater.engines.warehouse.types import Oid

if TYPE_CHECKING:
    import duckdb

ROWS_PER_RUN: Final = 16_384
RUN_BYTES_MAX: Final = 64 << 20  # a run with larger values is cut until it fits
EPOCH_MICROSECONDS: Final = 946_684_800_000_000  # 2000-01-01, where PostgreSQL's binary times begin, from 1970
EPOCH_DAYS: Final = 10_957
FEW: Final = 512  # below this many values a DuckDB query costs more than formatting them one by one


class Unencodable(Exception):
    """A value of this type has no such format on the wire."""


def runs(batch: pa.RecordBatch, oids: Sequence[int], formats: Sequence[int]) -> Iterator[pa.Buffer]:
    """The batch as DataRow messages, in pieces that a socket and a memory limit can bear."""
    for start in range(0, batch.num_rows, ROWS_PER_RUN):
        yield from _cut(batch.slice(start, ROWS_PER_RUN), oids, formats)


def _cut(batch: pa.RecordBatch, oids: Sequence[int], formats: Sequence[int]) -> Iterator[pa.Buffer]:
    if batch.num_rows > 1 and batch.nbytes > RUN_BYTES_MAX:
        half = batch.num_rows // 2
        yield from _cut(batch.slice(0, half), oids, formats)
        yield from _cut(batch.slice(half), oids, formats)
    else:
        yield _run(batch, oids, formats)


def _run(batch: pa.RecordBatch, oids: Sequence[int], formats: Sequence[int]) -> pa.Buffer:
    rows = batch.num_rows
    values = [_wire(column, oid, code) for column, oid, code in zip(batch.columns, oids, formats, strict=True)]
    sizes = [_sizes(column) for column in values]
    header = np.empty(rows, dtype=[("kind", "S1"), ("length", ">i4"), ("columns", ">i2")])
    header["kind"] = b"D"
    header["columns"] = len(values)
    header["length"] = 6 + 4 * len(values) + sum((np.maximum(size, 0) for size in sizes), start=np.zeros(rows, np.int64))
    pieces = [_fixed(header)]
    for size, column in zip(sizes, values, strict=True):
        pieces += [_fixed(size.astype(">i4")), column]
    joined = pc.binary_join_element_wise(*pieces, pa.scalar(b"", pa.large_binary()), null_handling="replace", null_replacement=b"")
    _, offsets, content = joined.buffers()
    ends = np.frombuffer(offsets, np.int64)[[joined.offset, joined.offset + rows]]
    return content.slice(ends[0], ends[1] - ends[0])


def _sizes(column: pa.Array) -> "np.ndarray[Any, Any]":
    """Each value's length on the wire; -1 says NULL."""
    sizes = pc.fill_null(pc.binary_length(column), -1)
    return np.asarray(sizes)


def _fixed(numbers: "np.ndarray[Any, Any]") -> pa.Array:
    """An array's own bytes as one binary value per element."""
    width = numbers.dtype.itemsize
    return pa.Array.from_buffers(pa.binary(width), len(numbers), [None, pa.py_buffer(numbers)]).cast(pa.large_binary())


def _wire(column: pa.Array, oid: int, code: int) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_null(column.type):
        return column.cast(pa.large_binary())
    encoded = _binary(column, oid) if code == BINARY else _text(column, oid)
    return encoded.cast(pa.large_binary())


def _text(column: pa.Array, oid: int) -> pa.Array:
    """As the type on the wire (the OID) prints, whatever Arrow type carries it."""
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return column
    if pa.types.is_integer(kind):
        return column.cast(pa.string())
    for fits, write in _TEXT_WRITERS:
        if fits(kind):
            return write(column)
    return _one_by_one(column, nested)


def _boolean_text(column: pa.Array) -> pa.Array:
    return pc.if_else(column, "t", "f")


def _timestamp_text(column: pa.Array) -> pa.Array:
    zone = column.type.tz
    local = column.cast(pa.timestamp("us", zone)) if column.type.unit != "us" else column
    if zone is None:
        return _era(_without_idle_zeros(local.cast(pa.string())))
    wall = pc.local_timestamp(local)
    text = _without_idle_zeros(wall.cast(pa.string()))
    if zone in {"UTC", "Etc/UTC"}:
        return _era(pc.binary_join_element_wise(text, "+00", ""))
    instant = local.cast(pa.timestamp("us", "UTC")).cast(pa.int64())
    minutes = pc.divide(pc.subtract(wall.cast(pa.int64()), instant), 60_000_000)
    return _era(pc.binary_join_element_wise(text, _one_by_one(minutes, offset_text), ""))


def offset_text(minutes: int) -> str:
    hours, rest = divmod(abs(minutes), 60)
    return f"{'-' if minutes < 0 else '+'}{hours:02}" + (f":{rest:02}" if rest else "")


def _date_text(column: pa.Array) -> pa.Array:
    return _era(column.cast(pa.date32()).cast(pa.string()))


def _time_text(column: pa.Array) -> pa.Array:
    return _without_idle_zeros(column.cast(pa.time64("us")).cast(pa.string()))


def _without_idle_zeros(text: pa.Array) -> pa.Array:
    """Arrow always writes six decimals; PostgreSQL only those that say something."""
    return pc.utf8_rtrim(pc.utf8_rtrim(text, "0"), ".")


def _era(text: pa.Array) -> pa.Array:
    """Arrow writes the years before Christ as negative numbers (0 is 1 BC), PostgreSQL after the date."""
    early = pc.fill_null(pc.or_(pc.starts_with(text, "-"), pc.starts_with(text, "0000")), False)  # noqa: FBT003 - the value to fill in
    if not pc.any(early).as_py():
        return text
    return _one_by_one(text, before_christ)


def before_christ(text: str) -> str:
    if not text.startswith(("-", "0000")):
        return text
    year, rest = text.lstrip("-").split("-", 1)
    return f"{int(year) + 1:04}-{rest} BC"


def _float_text(digits: int) -> Callable[[pa.Array], pa.Array]:
    def write(column: pa.Array) -> pa.Array:
        if len(column) <= FEW:
            return _one_by_one(column, lambda value: float_text(value, digits))
        text = _printf(column.cast(pa.float64()), digits)
        odd = pc.fill_null(pc.is_finite(column), True)  # noqa: FBT003 - NULL is not odd
        if pc.all(odd).as_py():
            return text
        return _one_by_one(column, lambda value: float_text(value, digits))

    return write


def float_text(value: float, digits: int) -> str:
    text = f"{value:.{digits}g}"
    return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}.get(text, text)


def _printf(column: pa.Array, digits: int) -> pa.Array:
    import duckdb

    formatter = _formatter(duckdb)
    relation = formatter.execute(f"SELECT printf('%.{digits}g', n) AS n FROM numbers", {"numbers": pa.table({"n": column})})
    return relation.to_arrow_table().column(0).combine_chunks()


def _decimal_text(column: pa.Array) -> pa.Array:
    text = column.cast(pa.string())
    scientific = pc.fill_null(pc.match_substring(text, "E"), False)  # noqa: FBT003 - NULL is not scientific
    if not pc.any(scientific).as_py():
        return text
    return _one_by_one(column, lambda value: f"{value:f}")


def _one_by_one(column: pa.Array, write: Callable[[Any], str | bytes]) -> pa.Array:
    written = [None if value is None else write(value) for value in column.to_pylist()]
    return pa.array(written, pa.large_binary() if any(isinstance(value, bytes) for value in written) else pa.large_string())
