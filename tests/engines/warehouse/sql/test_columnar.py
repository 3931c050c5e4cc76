"""Parquet and ORC, in external tables and in COPY: written here with Arrow, since text files cannot hold them."""

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import orc, parquet

from headwater.engines.warehouse.sql.errors import SqlError
from headwater.engines.warehouse.sql.session import Session

TABLE = pa.table(
    {
        "id": pa.array([1, 2, 3], pa.int32()),
        "Name": ["Ann", "Bob", None],
        "price": pa.array([Decimal("1.50"), None, Decimal("3.25")], pa.decimal128(8, 2)),
        "day": pa.array([dt.date(2016, 1, 5), None, dt.date(2016, 2, 29)]),
        "filler": ["x" * 1000] * 3,
    }
)


def rows(session: Session, sql: str) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = []
    for result in session.execute(sql, text=True):
        found = [row for batch in result.batches or () for row in zip(*(column.to_pylist() for column in batch.columns), strict=True)]
    return found


@pytest.fixture
def spectrum(session: Session, lake: Any, tmp_path: Path) -> Session:
    parquet.write_table(TABLE, tmp_path / "t.parquet", compression="snappy")
    orc.write_table(TABLE, str(tmp_path / "t.orc"))
    lake.put("b", "parquet/part-0.snappy.parquet", (tmp_path / "t.parquet").read_bytes())
    lake.put("b", "orc/part-0.orc", (tmp_path / "t.orc").read_bytes())
    rows(session, "create external schema lake from data catalog database 'lake' iam_role default create external database if not exists")
    return session


@pytest.mark.parametrize("kind", ["parquet", "orc"])
def test_an_external_table_finds_its_columns_by_name(spectrum: Session, kind: str) -> None:
    columns = "day date, name varchar(10), missing int, price decimal(8,2), id int"
    rows(spectrum, f"create external table lake.t ({columns}) stored as {kind} location 's3://b/{kind}/'")
    assert rows(spectrum, "select * from lake.t order by id") == [
        ("2016-01-05", "Ann", None, "1.50", "1"),
        (None, "Bob", None, None, "2"),
        ("2016-02-29", None, None, "3.25", "3"),
    ]
    assert rows(spectrum, "select count(*) from lake.t where price > 2") == [("1",)]


def test_parquet_costs_only_the_columns_that_are_read(spectrum: Session) -> None:
    rows(spectrum, "create external table lake.t (id int, filler varchar(2000)) stored as parquet location 's3://b/parquet/'")
    rows(spectrum, "select sum(id) from lake.t")
    rows(spectrum, "select max(filler) from lake.t")
    narrow, wide = rows(spectrum, "select s3_scanned_bytes from svl_s3query_summary order by query")
    assert 0 < int(narrow[0]) < int(wide[0])


@pytest.mark.parametrize("kind", ["parquet", "orc"])
def test_copy_takes_columns_by_their_order(spectrum: Session, kind: str) -> None:
    rows(spectrum, "create table t (a int, b varchar(5), c numeric(8,2), d date, e varchar(2000))")
    rows(spectrum, f"copy t from 's3://b/{kind}/' iam_role default format as {kind}")
    assert rows(spectrum, "select a, b, c, d, len(e) from t order by a")[0] == ("1", "Ann", "1.50", "2016-01-05", "1000")


def test_copy_of_parquet_holds_to_the_lengths_of_the_table(spectrum: Session) -> None:
    rows(spectrum, "create table t (a int, b varchar(5), c numeric(8,2), d date, e varchar(5))")
    with pytest.raises(SqlError, match="Load into table 't' failed"):
        rows(spectrum, "copy t from 's3://b/parquet/' iam_role default parquet")
    assert rows(spectrum, "select colname, err_code from stl_load_errors") == [("e", "1204")]
    assert rows(spectrum, "select count(*) from t") == [("0",)]
