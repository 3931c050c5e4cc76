"""Arrow record batches to runs of DataRow messages, without touching a row in Python.

Each column becomes an Arrow array of its wire bytes, its lengths an array of big-endian 32-bit numbers; Arrow's element-wise
join lays row headers, lengths and values side by side, and the joined column's data buffer *is* the run of messages.
Columns in text format arrive as text: the SQL engine casts them inside DuckDB and owns how a value prints. Here stands only
how it looks in binary. Easy to get wrong: binary times count from the year 2000, and a NULL has length -1 and no bytes.
Source: PostgreSQL documentation, "Message Formats"; the types' binary forms from its `send` functions.
"""

import sys
from array import array
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from headwater.engines.warehouse.oids import Oid
from headwater.engines.warehouse.protocol import BINARY
from headwater.engines.warehouse.sql.errors import SqlError

ROWS_PER_RUN: Final = 16_384
RUN_BYTES_MAX: Final = 32 << 20  # a run with larger values is cut until it fits or is one row
EPOCH_MICROSECONDS: Final = 946_684_800_000_000  # 2000-01-01, counted from 1970
EPOCH_DAYS: Final = 10_957
NUMERIC_NEGATIVE: Final = 0x4000


class Unencodable(SqlError):
    """A type has no binary form that we could send."""

    def __init__(self, oid: int) -> None:
        super().__init__("42883", f"no binary output function available for type {oid}")


def runs(batch: pa.RecordBatch, oids: Sequence[int], formats: Sequence[int]) -> Iterator[memoryview]:
    """The batch as DataRow messages, in pieces that a socket and a memory limit can bear."""
    for start in range(0, batch.num_rows, ROWS_PER_RUN):
        yield from _cut(batch.slice(start, ROWS_PER_RUN), oids, formats)


def _cut(batch: pa.RecordBatch, oids: Sequence[int], formats: Sequence[int]) -> Iterator[memoryview]:
    if batch.num_rows > 1 and batch.nbytes > RUN_BYTES_MAX:
        half = batch.num_rows // 2
        yield from _cut(batch.slice(0, half), oids, formats)
        yield from _cut(batch.slice(half), oids, formats)
    else:
        yield _run(batch, oids, formats)


def _run(batch: pa.RecordBatch, oids: Sequence[int], formats: Sequence[int]) -> memoryview:
    rows = batch.num_rows
    values = [
        binary(column, oid) if code == BINARY else column.cast(pa.binary())
        for column, oid, code in zip(batch.columns, oids, formats, strict=True)
    ]
    sizes = [pc.binary_length(column) for column in values]
    length = pa.repeat(pa.scalar(6 + 4 * len(values), pa.int32()), rows)
    for size in sizes:
        length = pc.add(length, pc.fill_null(size, 0))
    pieces = [pa.scalar(b"D"), _big_endian(length, "i"), pa.scalar(len(values).to_bytes(2))]
    for size, column in zip(sizes, values, strict=True):
        pieces += [_big_endian(pc.fill_null(size, -1), "i"), column]
    joined = pc.binary_join_element_wise(*pieces, pa.scalar(b""), null_handling="replace", null_replacement=b"")
    _, offsets, content = joined.buffers()
    ends = memoryview(offsets).cast("b").cast("i")
    return memoryview(content)[ends[joined.offset] : ends[joined.offset + rows]]


def _big_endian(numbers: pa.Array, form: str) -> pa.Array:
    """Each number's bytes in network order, as a binary value; `form` is its letter in `array`. NULL stays NULL."""
    swapped = array(form)
    plain = pc.fill_null(numbers, 0) if numbers.null_count else numbers
    width = swapped.itemsize
    swapped.frombytes(memoryview(plain.buffers()[1])[plain.offset * width : (plain.offset + len(plain)) * width])
    if sys.byteorder == "little":
        swapped.byteswap()
    raw = pa.Array.from_buffers(pa.binary(width), len(numbers), [None, pa.py_buffer(swapped)]).cast(pa.binary())
    return pc.if_else(numbers.is_valid(), raw, pa.scalar(None, pa.binary())) if numbers.null_count else raw


def binary(column: pa.Array, oid: int) -> pa.Array:
    """The column as its type's `send` function writes it."""
    if oid in SENT_AS_TEXT or pa.types.is_null(column.type):
        return column.cast(pa.binary())
    if oid == Oid.NUMERIC:
        return pa.array([None if value is None else numeric(value) for value in column.to_pylist()], pa.binary())
    if oid not in _NUMBERS:
        raise Unencodable(oid)
    arrow_type, number_type, form, epoch = _NUMBERS[oid]
    numbers = column.cast(arrow_type).cast(number_type)
    return _big_endian(pc.subtract(numbers, pa.scalar(epoch, number_type)) if epoch else numbers, form)


# What Arrow has, the number behind it, its letter in `array`, and where its binary form begins to count.
_NUMBERS: Final[Mapping[int, tuple[pa.DataType, pa.DataType, str, int]]] = {
    Oid.BOOL: (pa.bool_(), pa.int8(), "b", 0),
    Oid.INT2: (pa.int16(), pa.int16(), "h", 0),
    Oid.INT4: (pa.int32(), pa.int32(), "i", 0),
    Oid.INT8: (pa.int64(), pa.int64(), "q", 0),
    Oid.OID: (pa.uint32(), pa.uint32(), "I", 0),
    Oid.FLOAT4: (pa.float32(), pa.float32(), "f", 0),
    Oid.FLOAT8: (pa.float64(), pa.float64(), "d", 0),
    Oid.DATE: (pa.date32(), pa.int32(), "i", EPOCH_DAYS),
    Oid.TIME: (pa.time64("us"), pa.int64(), "q", 0),
    Oid.TIMESTAMP: (pa.timestamp("us"), pa.int64(), "q", EPOCH_MICROSECONDS),
    Oid.TIMESTAMPTZ: (pa.timestamp("us", "UTC"), pa.int64(), "q", EPOCH_MICROSECONDS),
}
SENT_AS_TEXT: Final = frozenset({Oid.VARCHAR, Oid.TEXT, Oid.BPCHAR, Oid.CHAR, Oid.NAME, Oid.UNKNOWN, Oid.BYTEA})


def numeric(value: Decimal) -> bytes:
    """Groups of four digits, the weight of the first, the sign, the scale."""
    sign, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int), "NUMERIC has no NaN in Redshift"
    scale = max(0, -exponent)
    whole = "".join(map(str, digits)) + "0" * max(0, exponent)
    whole = whole.rjust(scale + 1, "0")
    before, after = whole[: len(whole) - scale], whole[len(whole) - scale :]
    before = before.rjust(-(-len(before) // 4) * 4, "0")
    after = after.ljust(-(-len(after) // 4) * 4, "0")
    groups = [int((before + after)[at : at + 4]) for at in range(0, len(before) + len(after), 4)]
    weight = len(before) // 4 - 1
    while groups and groups[0] == 0:
        groups, weight = groups[1:], weight - 1
    while groups and groups[-1] == 0:
        groups.pop()
    header = (len(groups), weight if groups else 0, NUMERIC_NEGATIVE if sign and groups else 0, scale)
    return b"".join(number.to_bytes(2, signed=number < 0) for number in (*header, *groups))
