"""Arrow columns become the bytes that PostgreSQL's own functions would send. Truth: psycopg reads them back; the documentation."""

import struct
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.adapt import Transformer
from psycopg.pq import Format

from headwater.engines.warehouse import rows
from headwater.engines.warehouse.oids import Oid, parameter_text
from headwater.engines.warehouse.sql.errors import SqlError

COLUMNS = {
    "smallint": (Oid.INT2, pa.array([1, None, -32768], pa.int16())),
    "integer": (Oid.INT4, pa.array([1, None, -(2**31)], pa.int32())),
    "bigint": (Oid.INT8, pa.array([2**63 - 1, None, -1], pa.int64())),
    "a bigint that Arrow carries in fewer bits": (Oid.INT8, pa.array([1, None, -1], pa.int8())),
    "real": (Oid.FLOAT4, pa.array([0.5, None, float("inf")], pa.float32())),
    "double": (Oid.FLOAT8, pa.array([0.1, None, -1e300], pa.float64())),
    "boolean": (Oid.BOOL, pa.array([True, None, False])),
    "varchar": (Oid.VARCHAR, pa.array(["ü", None, ""])),
    "date": (Oid.DATE, pa.array([date(1999, 12, 31), None, date(2016, 2, 29)])),
    "timestamp": (Oid.TIMESTAMP, pa.array([datetime.fromisoformat("1970-01-01 00:00:00.000001"), None], pa.timestamp("us"))),
    "timestamptz": (Oid.TIMESTAMPTZ, pa.array([datetime(2016, 1, 1, tzinfo=UTC), None], pa.timestamp("us", "UTC"))),
    "numeric": (Oid.NUMERIC, pa.array([Decimal("-10000.0010"), None, Decimal("0.0000")], pa.decimal128(20, 4))),
}


def read(run: memoryview) -> list[list[bytes | None]]:
    """DataRow messages, taken apart by the letter of the documentation."""
    data, at, found = bytes(run), 0, []
    while at < len(data):
        assert data[at : at + 1] == b"D"
        end = at + 1 + int.from_bytes(data[at + 1 : at + 5])
        count = int.from_bytes(data[at + 5 : at + 7])
        at += 7
        row: list[bytes | None] = []
        for _ in range(count):
            length = int.from_bytes(data[at : at + 4], signed=True)
            at += 4
            row.append(None if length == -1 else data[at : at + length])
            at += max(0, length)
        assert at == end
        found.append(row)
    return found


@pytest.mark.parametrize(("oid", "column"), COLUMNS.values(), ids=COLUMNS)
def test_psycopg_reads_the_binary_form_back(oid: int, column: pa.Array) -> None:
    batch = pa.record_batch([column, column.slice(0)], names=["a", "b"])
    load = Transformer().get_loader(oid, Format.BINARY).load
    for (run,) in [list(rows.runs(part, [oid, oid], [1, 1])) for part in (batch, batch.slice(1))]:
        loaded = [[None if value is None else load(value) for value in row] for row in read(run)]
        expected = column.to_pylist()[-len(loaded) :]
        assert loaded == [[value, value] for value in expected]


@given(st.lists(st.tuples(st.none() | st.text(max_size=30), st.none() | st.text(max_size=3)), max_size=50), st.integers(0, 5))
def test_text_rows_come_out_as_they_went_in(table: list[tuple[str | None, str | None]], start: int) -> None:
    first, second = ([row[at] for row in table] for at in (0, 1))
    batch = pa.record_batch([pa.array(first, pa.string()), pa.array(second, pa.large_string())], names=["a", "b"]).slice(start)
    found = [row for run in rows.runs(batch, [25, 25], [0, 0]) for row in read(run)]
    assert found == [[None if value is None else value.encode() for value in row] for row in table[start:]]


def test_a_batch_of_large_values_is_cut() -> None:
    batch = pa.record_batch([pa.array(["x" * (15 << 20)] * 5)], names=["a"])
    sizes = [len(run) for run in rows.runs(batch, [25], [0])]
    assert len(sizes) == 3
    assert sum(sizes) == 5 * ((15 << 20) + 11)


def test_rows_without_columns_are_rows_all_the_same() -> None:
    batch = pa.record_batch([pa.array([1, 2])], names=["a"]).select([])
    assert [row for run in rows.runs(batch, [], []) for row in read(run)] == [[], []]


def test_a_type_without_a_binary_form_says_so() -> None:
    batch = pa.record_batch([pa.array(["{}"])], names=["a"])
    with pytest.raises(SqlError, match="no binary output function available for type 4000"):
        list(rows.runs(batch, [Oid.SUPER], [1]))


@given(st.decimals(allow_nan=False, allow_infinity=False, places=7, min_value=-(10**20), max_value=10**20))
def test_a_numeric_is_the_same_after_both_ways(value: Decimal) -> None:
    assert Decimal(parameter_text(rows.numeric(value), Oid.NUMERIC).decode()) == value


PARAMETERS: dict[str, tuple[int, bytes, str]] = {
    "boolean": (Oid.BOOL, b"\1", "t"),
    "date": (Oid.DATE, struct.pack("!i", -1), "1999-12-31"),
    "timestamp": (Oid.TIMESTAMP, struct.pack("!q", 1_500_000), "2000-01-01 00:00:01.500000"),
    "timestamptz": (Oid.TIMESTAMPTZ, struct.pack("!q", 0), "2000-01-01 00:00:00+00"),
    "interval": (Oid.INTERVAL, struct.pack("!qii", 5, 2, 1), "1 months 2 days 5 microseconds"),
    "a small fraction": (Oid.NUMERIC, struct.pack("!hhHHH", 1, -2, 0, 8, 12), "0.00000012"),
}


@pytest.mark.parametrize(("oid", "sent", "text"), PARAMETERS.values(), ids=PARAMETERS)
def test_a_binary_parameter_is_read_as_text(oid: int, sent: bytes, text: str) -> None:
    assert parameter_text(sent, oid).decode() == text


@given(st.binary(max_size=12), st.sampled_from([*Oid]))
def test_no_binary_parameter_breaks_the_reader(sent: bytes, oid: int) -> None:
    unread: Any = None
    try:
        parameter_text(sent, oid)
    except Exception as failure:
        unread = type(failure).__name__
    assert unread in {None, "ProtocolViolation", "SqlError"}
