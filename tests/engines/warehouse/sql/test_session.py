"""What a session promises beyond the text of SQL: types on both sides, streams, cancelling, isolation, what survives."""

import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from headwater.engines.warehouse.sql.answers import Parameter
from headwater.engines.warehouse.sql.errors import SqlError
from headwater.engines.warehouse.sql.session import Database, Session

INT4, INT8, NUMERIC, VARCHAR, DATE, TIMESTAMP, BOOL, FLOAT8 = 23, 20, 1700, 1043, 1082, 1114, 16, 701


def rows(session: Session, sql: str, *parameters: Any, text: bool | Sequence[bool] = True) -> list[tuple[Any, ...]]:
    values = [each if isinstance(each, Parameter) else Parameter(None if each is None else str(each).encode()) for each in parameters]
    found: list[tuple[Any, ...]] = []
    for result in session.execute(sql, values, text=text):
        found = [row for batch in result.batches or () for row in zip(*(column.to_pylist() for column in batch.columns), strict=True)]
    return found


def refusal(session: Session, sql: str, *parameters: Any) -> SqlError:
    with pytest.raises(SqlError) as caught:
        rows(session, sql, *parameters)
    return caught.value


@pytest.fixture
def orders(session: Session) -> Session:
    rows(session, "create table orders (id int, name varchar(10), day date, price numeric(8,2), paid boolean)")
    rows(session, "insert into orders values (1, 'a', '2016-01-05', 1.5, true), (2, 'b', '2016-02-29', 2.25, false)")
    return session


INFERRED = {
    "from the column compared": ("select id from orders where id = $1 and name = $2 and day < $3", [INT4, VARCHAR, DATE]),
    "from the column assigned": ("insert into orders values ($1, $2, $3, $4, $5)", [INT4, VARCHAR, DATE, NUMERIC, BOOL]),
    "from SET and WHERE": ("update orders set price = $1 where id = $2", [NUMERIC, INT4]),
    "from a list and a range": ("select 1 from orders where id in ($1, $2) and day between $3 and $4", [INT4, INT4, DATE, DATE]),
    "from a cast": ("select $1::date, cast($2 as numeric(5,1))", [DATE, NUMERIC]),
    "from arithmetic": ("select id + $1 from orders limit $2", [INT4, INT8]),
    "from a function": ("select dateadd(day, $1, '2016-01-01'), upper($2)", [INT4, VARCHAR]),
    "text where nothing says": ("select $1", [VARCHAR]),
}


@pytest.mark.parametrize(("sql", "oids"), INFERRED.values(), ids=INFERRED)
def test_a_parameter_takes_its_type(orders: Session, sql: str, oids: list[int]) -> None:
    assert orders.describe(sql, []).parameter_oids == oids


def test_a_declared_parameter_keeps_its_type(orders: Session) -> None:
    description = orders.describe("select $1, id from orders where id = $2", [FLOAT8, INT8])
    assert description.parameter_oids == [FLOAT8, INT8]
    assert description.columns is not None
    assert [(column.name, column.oid, column.typlen) for column in description.columns] == [("?column?", FLOAT8, 8), ("id", INT4, 4)]


def test_a_statement_without_rows_has_no_columns(orders: Session) -> None:
    for sql in (
        "delete from orders",
        "create table x (a int)",
        "set query_group to 'a'",
        "begin",
        "copy orders from 's3://b/c' iam_role default",
    ):
        assert orders.describe(sql).columns is None
    assert orders.transaction_status == "I"
    assert rows(orders, "select count(*) from orders") == [("2",)]


def test_describing_an_empty_statement_gives_nothing(session: Session) -> None:
    assert session.describe("").columns is None
    assert list(session.execute("  ; -- nothing")) == []


def test_parameters_are_values_and_never_sql(orders: Session) -> None:
    evil = "'; drop table orders; --"
    assert rows(orders, "select $1 || '!'", evil) == [(evil + "!",)]
    assert rows(orders, "insert into orders (id, name) values ($1, $2)", 3, "$1") == []
    assert rows(orders, "select name from orders where id = $1", Parameter(b"3", INT8)) == [("$1",)]
    assert rows(orders, "select name from orders where day = $1 and paid = $2", "2016-01-05", "t") == [("a",)]
    assert rows(orders, "select count(*) from orders where name is null or $1 is null", None) == [("3",)]


def test_a_parameter_that_is_missing_or_wrong_is_refused(orders: Session) -> None:
    assert refusal(orders, "select * from orders where id = $1").sqlstate == "08P01"
    assert refusal(orders, "select * from orders where id = $1", "one").sqlstate == "22P02"
    assert refusal(orders, "select * from orders where id = $1", Parameter(b"\xff", 0)).sqlstate == "22021"


def test_batches_carry_arrow_s_types_or_the_wire_s_text(orders: Session) -> None:
    sql = "select id, name, day, price, paid, 1.5::float8 as f, timestamp '2016-01-01 10:00:00' as t from orders where id = 1"
    (result,) = orders.execute(sql)
    assert result.batches is not None
    (batch,) = result.batches
    kinds = [pa.int32(), pa.string(), pa.date32(), pa.decimal128(8, 2), pa.bool_(), pa.float64(), pa.timestamp("us")]
    assert [field.type for field in batch.schema] == kinds
    (result,) = orders.execute(sql, text=True)
    assert result.batches is not None
    (batch,) = result.batches
    assert {field.type for field in batch.schema} == {pa.string()}
    assert [column[0].as_py() for column in batch.columns] == ["1", "a", "2016-01-05", "1.50", "t", "1.5", "2016-01-01 10:00:00"]
    (result,) = orders.execute(sql, text=[True, True, True, False, True, True, True])
    assert result.batches is not None
    assert next(iter(result.batches)).schema.field(3).type == pa.decimal128(8, 2)


def test_a_large_result_streams(session: Session) -> None:
    """The first rows come long before the last could have been made, and the rest is dropped unread."""
    (result,) = session.execute("select n, n::varchar || 'x' as t from generate_series(1, 200000000) g(n)", text=True)
    assert result.batches is not None
    began = time.perf_counter()
    assert next(iter(result.batches)).num_rows > 1000
    assert time.perf_counter() - began < 2
    assert rows(session, "select 1") == [("1",)]


def test_a_running_query_can_be_cancelled_from_another_thread(session: Session) -> None:
    timer = threading.Timer(0.3, session.cancel)
    timer.start()
    error = refusal(session, "select count(*) from generate_series(1, 3000000) a(x), generate_series(1, 3000000) b(y) where x * y = 7")
    timer.join()
    assert error.sqlstate == "57014"
    assert rows(session, "select 1") == [("1",)]


def test_a_query_beyond_the_memory_limit_fails_alone(tmp_path: Path, lake: Any, clock: Any) -> None:
    database = Database(tmp_path / "small" / "dev.db", 64_000_000, 1)
    session = database.session("admin", "dev", lake, clock)
    error = refusal(
        session, "select count(distinct a), listagg(a) from (select md5(n::varchar) || n as a from generate_series(1, 5000000) g(n)) x"
    )
    assert error.sqlstate == "53200", error
    assert rows(session, "select 1") == [("1",)]
    session.close()
    database.close()


def test_sessions_do_not_see_what_is_not_committed(database: Database, lake: Any, clock: Any) -> None:
    one, other = (database.session("admin", "dev", lake, clock) for _ in range(2))
    rows(one, "create table t (a int); insert into t values (1)")
    rows(one, "begin; insert into t values (2); create table u (b int)")
    assert rows(other, "select count(*) from t") == [("1",)]
    assert refusal(other, "select * from u").sqlstate == "42P01"
    rows(one, "commit")
    assert rows(other, "select count(*) from t, (select count(*) from u) x") == [("2",)]
    one.close()
    other.close()


def test_two_transactions_that_change_one_row_cannot_both_commit(database: Database, lake: Any, clock: Any) -> None:
    one, other = (database.session("admin", "dev", lake, clock) for _ in range(2))
    rows(one, "create table t (a int); insert into t values (1)")
    rows(one, "begin; update t set a = 2")
    rows(other, "begin")
    error = refusal(other, "update t set a = 3")
    assert (error.sqlstate, error.message) == ("40001", "1023")
    rows(other, "rollback")
    rows(one, "commit")
    assert rows(other, "select a from t") == [("2",)]
    one.close()
    other.close()


def test_sessions_may_create_tables_at_the_same_time(database: Database, lake: Any, clock: Any) -> None:
    failures: list[Exception] = []

    def work(number: int) -> None:
        session = database.session("admin", "dev", lake, clock)
        try:
            for index in range(5):
                rows(session, f"create table t{number}_{index} (a int identity, b int)")
                rows(session, f"insert into t{number}_{index} (b) values (1), (2)")
        except Exception as error:
            failures.append(error)
        finally:
            session.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    session = database.session("admin", "dev", lake, clock)
    assert rows(session, "select count(*) from pg_tables where schemaname = 'public'") == [("20",)]
    session.close()


def test_a_temporary_table_is_its_session_s_own(database: Database, lake: Any, clock: Any) -> None:
    one, other = (database.session("admin", "dev", lake, clock) for _ in range(2))
    rows(one, "create temp table mine as select 1 as a")
    assert rows(one, "select a from mine") == [("1",)]
    assert refusal(other, "select a from mine").sqlstate == "42P01"
    rows(other, "create temp table mine (b varchar(5))")
    assert rows(one, "select * from mine") == [("1",)]
    one.close()
    other.close()


def test_everything_is_there_when_the_file_is_opened_again(tmp_path: Path, lake: Any, clock: Any) -> None:
    path = tmp_path / "cluster" / "dev.db"
    first = Database(path, 400_000_000, 2)
    session = first.session("admin", "dev", lake, clock)
    rows(session, "create schema mart; create table mart.t (n bigint identity(7, 3), v varchar(9) default 'x') distkey(v) sortkey(n)")
    rows(session, "insert into mart.t (v) values ('a'), ('b'); create view v as select sum(n) as total from mart.t")
    rows(session, "begin; insert into mart.t (v) values ('lost')")
    session.close()
    first.close()
    second = Database(path, 400_000_000, 2)
    session = second.session("admin", "dev", lake, clock)
    rows(session, "insert into mart.t (v) values (default)")
    found = rows(session, "select n, v from mart.t order by n")
    assert [row[1] for row in found] == ["a", "b", "x"]
    assert int(found[2][0]) > int(found[1][0])
    assert int(rows(session, "select total from v")[0][0]) == sum(int(row[0]) for row in found)
    assert rows(session, 'set search_path to mart; select "column", distkey, sortkey from pg_table_def') == [
        ("n", "f", "1"),
        ("v", "t", "0"),
    ]
    session.close()
    second.close()


def test_a_plan_is_not_used_after_its_table_has_changed(orders: Session) -> None:
    assert rows(orders, "select * from orders where id = 1") == [("1", "a", "2016-01-05", "1.50", "t")]
    rows(orders, "alter table orders drop column day")
    assert rows(orders, "select * from orders where id = 1") == [("1", "a", "1.50", "t")]
    rows(orders, "drop table orders; create table orders (id int, other varchar(3))")
    rows(orders, "insert into orders values (1, 'new')")
    assert rows(orders, "select * from orders where id = 1") == [("1", "new")]


def test_a_syntax_error_says_where(session: Session) -> None:
    error = refusal(session, "select 1 frm t")
    assert (error.sqlstate, error.position) == ("42601", 14)
    assert refusal(session, "select (1").message == "syntax error at end of input"


def test_a_bulk_insert_of_ten_thousand_rows_is_one_statement(session: Session) -> None:
    rows(session, "create table bulk (a int, b varchar(10), c numeric(8,2))")
    values = ", ".join(f"({number}, 'v{number}', {number}.25)" for number in range(10_000))
    (result,) = session.execute(f"insert into bulk values {values}")
    assert result.tag == "INSERT 0 10000"
    assert rows(session, "select sum(a), sum(c) from bulk") == [("49995000", "49997500.00")]


def test_the_house_is_told_when_duckdb_gives_itself_up(tmp_path: Path, lake: Any, clock: Any) -> None:
    """DuckDB's fatal errors invalidate every connection; the process that holds it has to start again."""
    told: list[bool] = []
    database = Database(tmp_path / "lost" / "dev.db", 400_000_000, 1, on_lost=lambda: told.append(True))
    session = database.session("admin", "dev", lake, clock)

    class Broken:
        def execute(self, *_arguments: Any) -> None:
            raise duckdb.FatalException("FATAL Error: the database has been invalidated")

    connection = session.connection
    session.connection = Broken()  # type: ignore[assignment]
    assert refusal(session, "select 1").sqlstate == "XX000"
    assert told == [True]
    session.connection = connection
    session.close()
    database.close()
