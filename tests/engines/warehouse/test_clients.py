"""The clients that people use against Redshift log in, ask and are answered. They are the judges; the SQL engine is a double."""

import contextlib
import gc
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redshift_connector

EVERY_TYPE = """SELECT true AS b, -2::SMALLINT AS s, 70000 AS i, 5000000000 AS l, 0.1::FLOAT AS r, 0.25::DOUBLE AS d,
 123456.0700::DECIMAL(12,4) AS n, DATE '2016-02-29' AS day, TIMESTAMP '2016-10-31 23:59:59.5' AS at, 'héllo' AS t, NULL::INTEGER AS none"""
ITS_VALUES = (
    True,
    -2,
    70000,
    5000000000,
    pytest.approx(0.1),
    0.25,
    Decimal("123456.0700"),
    date(2016, 2, 29),
    datetime.fromisoformat("2016-10-31 23:59:59.5"),
    "héllo",
    None,
)


@pytest.fixture
def dsn(port: int) -> str:
    return f"host=127.0.0.1 port={port} user=awsuser password=Secret99 dbname=dev"


@pytest.fixture
def connection(dsn: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield connection


def redshift(port: int, **more: Any) -> redshift_connector.Connection:
    options = {"host": "127.0.0.1", "port": port, "database": "dev", "user": "awsuser", "password": "Secret99", "ssl": False}
    return redshift_connector.connect(**options | more)


def test_psycopg_reads_every_type_as_text(connection: psycopg.Connection) -> None:
    assert connection.execute(EVERY_TYPE).fetchone() == ITS_VALUES


def test_psycopg_reads_every_type_in_binary(connection: psycopg.Connection) -> None:
    with connection.cursor(binary=True) as cursor:
        assert cursor.execute(EVERY_TYPE).fetchone() == ITS_VALUES


def test_redshift_connector_reads_every_type(port: int) -> None:
    with redshift(port) as connection, connection.cursor() as cursor:
        cursor.execute(EVERY_TYPE)
        assert tuple(cursor.fetchone()) == ITS_VALUES


def test_redshift_connector_binds_parameters(port: int) -> None:
    with redshift(port) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT %s::INTEGER + 1 AS n, %s::VARCHAR AS t, %s::DATE AS d", (41, "x", date(2016, 1, 5)))
        assert cursor.fetchone() == [42, "x", date(2016, 1, 5)]


def test_psql_prints_what_redshift_prints(port: int) -> None:
    ran = psql(port, "-c", EVERY_TYPE, "-tA")
    printed = "t|-2|70000|5000000000|0.1|0.25|123456.0700|2016-02-29|2016-10-31 23:59:59.5|héllo|"
    assert (ran.stdout.strip(), ran.returncode) == (printed, 0)


def psql(port: int, *arguments: str, password: str = "Secret99") -> subprocess.CompletedProcess[str]:
    program = shutil.which("psql")
    if program is None:
        pytest.skip("psql is not installed")
    address = f"postgresql://awsuser@127.0.0.1:{port}/dev"
    return subprocess.run(
        [program, "-X", address, *arguments], env={"PGPASSWORD": password}, capture_output=True, text=True, timeout=30, check=False
    )


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # redshift_connector drops its socket unclosed
def test_a_wrong_password_is_refused_in_redshift_s_words(port: int) -> None:
    # github.com/aws/amazon-redshift-python-driver/issues/237: code 28000 and this sentence, as a real cluster answers.
    with pytest.raises(redshift_connector.InterfaceError, match=r"'C': '28000'.*password authentication failed for user \"awsuser\""):
        redshift(port, password="wrong")
    with pytest.raises(psycopg.OperationalError, match='password authentication failed for user "nobody"'):
        psycopg.connect(f"host=127.0.0.1 port={port} user=nobody password=Secret99 dbname=dev")
    assert 'password authentication failed for user "awsuser"' in psql(port, "-c", "SELECT 1", password="wrong").stderr
    gc.collect()  # here, where the dropped socket is forgiven


def test_an_unknown_database_is_refused(dsn: str) -> None:
    with pytest.raises(psycopg.OperationalError, match='FATAL:  database "nowhere" does not exist'):
        psycopg.connect(dsn.replace("dev", "nowhere"))


def test_several_statements_in_one_query_are_answered_one_by_one(port: int) -> None:
    ran = psql(port, "-tA", "-c", "CREATE TABLE t (n INT); INSERT INTO t VALUES (1), (2); SELECT sum(n)::BIGINT AS s FROM t")
    assert ran.stdout.split("\n") == ["CREATE TABLE", "INSERT 0 2", "3", ""]


def test_an_empty_query_is_answered(connection: psycopg.Connection) -> None:
    assert connection.execute("").statusmessage is None
    assert connection.execute("SELECT 1 AS n").fetchone() == (1,)


def test_an_error_has_its_code_and_the_connection_lives_on(connection: psycopg.Connection) -> None:
    with pytest.raises(psycopg.errors.UndefinedTable):
        connection.execute("SELECT * FROM nowhere")
    with pytest.raises(psycopg.errors.UndefinedTable):
        connection.execute("SELECT * FROM nowhere WHERE 1 = %s", (1,))
    assert connection.execute("SELECT 1 AS n").fetchone() == (1,)


def test_a_failed_transaction_says_so(dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute("SELECT 1 AS n")
        assert connection.info.transaction_status == psycopg.pq.TransactionStatus.INTRANS
        with pytest.raises(psycopg.errors.UndefinedTable):
            connection.execute("SELECT * FROM nowhere")
        assert connection.info.transaction_status == psycopg.pq.TransactionStatus.INERROR
        connection.rollback()
        assert connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE


def test_notices_reach_the_client(connection: psycopg.Connection) -> None:
    heard: list[str | None] = []
    connection.add_notice_handler(lambda notice: heard.append(notice.message_primary))
    connection.execute("NOTICE table is skewed")
    assert heard == ["table is skewed"]


def test_a_prepared_statement_runs_again_and_again(connection: psycopg.Connection) -> None:
    answers = [connection.execute("SELECT %s::INTEGER * 2 AS n", (n,), prepare=True).fetchone() for n in range(5)]
    assert answers == [(0,), (2,), (4,), (6,), (8,)]


def test_a_pipeline_ignores_what_follows_its_error_until_the_sync(connection: psycopg.Connection) -> None:
    connection.execute("CREATE TABLE kept (n INTEGER)")
    with pytest.raises(psycopg.errors.UndefinedTable), connection.pipeline():
        connection.execute("INSERT INTO kept VALUES (1)")
        connection.execute("SELECT * FROM nowhere")
        connection.execute("INSERT INTO kept VALUES (2)")
    assert connection.execute("SELECT n FROM kept").fetchall() == [(1,)]


def test_binary_parameters_are_read(connection: psycopg.Connection) -> None:
    given = (7, 1.5, True, date(2016, 7, 2), datetime.fromisoformat("2016-07-02 03:04:05.6"), Decimal("-120.0450"), "tä", time(1, 2, 3))
    casts = (
        "%b::BIGINT AS a, %b::DOUBLE AS b, %b::BOOLEAN AS c, %b::DATE AS d, %b::TIMESTAMP AS e, "
        "%b::DECIMAL(9,4) AS f, %b::VARCHAR AS g, %b::TIME AS h"
    )
    assert connection.execute("SELECT " + casts, given).fetchone() == given


def test_a_time_with_zone_is_an_instant(connection: psycopg.Connection) -> None:
    with connection.cursor(binary=True) as cursor:
        row = cursor.execute("SELECT TIMESTAMPTZ '2016-07-02 12:00:00+02' AS t").fetchone()
    assert row == (datetime(2016, 7, 2, 10, tzinfo=UTC),)


def test_a_statement_is_cancelled_on_its_user_s_request(connection: psycopg.Connection) -> None:
    timer = threading.Timer(0.3, connection.cancel_safe)
    timer.start()
    with pytest.raises(psycopg.errors.QueryCanceled):
        connection.execute("SELECT count(*)::BIGINT AS n FROM range(100000000) a, range(1000) b")
    timer.join()
    assert connection.execute("SELECT 1 AS n").fetchone() == (1,)


def test_connections_do_not_wait_for_each_other(dsn: str) -> None:
    with contextlib.ExitStack() as stack:
        slow, quick = (stack.enter_context(psycopg.connect(dsn, autocommit=True)) for _ in range(2))
        failed: list[BaseException] = []

        def run() -> None:
            try:
                slow.execute("SELECT count(*)::BIGINT AS n FROM range(100000000) a, range(1000) b")
            except psycopg.errors.QueryCanceled as cancelled:
                failed.append(cancelled)

        thread = threading.Thread(target=run)
        thread.start()
        assert quick.execute("SELECT 1 AS n").fetchone() == (1,)
        slow.cancel_safe()
        thread.join(10)
        assert failed


def test_copy_from_the_client_is_refused_and_forgotten(connection: psycopg.Connection) -> None:
    with pytest.raises(psycopg.Error), connection.cursor().copy("COPY t FROM STDIN") as copy:
        copy.write(b"1\n")
    assert connection.execute("SELECT 1 AS n").fetchone() == (1,)


def test_tls_is_offered_and_carries_large_results(
    gate: Any, serving: Callable[..., AbstractContextManager[int]], certificate: tuple[Path, Path]
) -> None:
    with serving(gate, certificate) as port:
        address = f"host=localhost port={port} user=awsuser password=Secret99 dbname=dev sslmode=verify-full sslrootcert={certificate[0]}"
        with psycopg.connect(address) as connection:
            assert connection.pgconn.ssl_in_use
            rows = connection.execute("SELECT range AS n, repeat('x', 50) AS t FROM range(200000)").fetchall()
            assert (len(rows), rows[-1]) == (200_000, (199_999, "x" * 50))


@pytest.mark.filterwarnings("ignore:ssl:DeprecationWarning")  # redshift_connector's own
def test_redshift_connector_logs_in_over_tls_by_default(
    gate: Any, serving: Callable[..., AbstractContextManager[int]], certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    with serving(gate, certificate) as port, redshift(port, host="localhost", ssl=True) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT 1 AS n")
        assert cursor.fetchone() == [1]


def test_without_a_certificate_tls_is_declined(dsn: str) -> None:
    with pytest.raises(psycopg.OperationalError, match="server does not support SSL"):
        psycopg.connect(dsn + " sslmode=require")


def test_a_session_ends_with_its_connection(gate: Any, dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        pid = connection.info.backend_pid
    assert pid > 0
    deadline = datetime.now(UTC) + timedelta(seconds=5)
    while not gate.sessions[0].closed:
        assert datetime.now(UTC) < deadline


def test_a_statement_that_takes_too_long_is_cancelled(connection: psycopg.Connection) -> None:
    connection.execute("SET statement_timeout = 200")
    for arguments in ([], [(1,)]):
        with pytest.raises(psycopg.errors.QueryCanceled):
            connection.execute(
                "SELECT count(*)::BIGINT AS n FROM range(100000000) a, range(1000) b" + " WHERE 1 = %s" * len(arguments), *arguments
            )
    assert connection.execute("SELECT 1 AS n").fetchone() == (1,)


def test_settings_come_with_the_startup_message(gate: Any, dsn: str) -> None:
    with psycopg.connect(dsn, options="-c statement_timeout=700 -c query_group=a\\ b", application_name="reports"):
        assert gate.sessions[0].settings.said == {"application_name": "reports", "statement_timeout": "700", "query_group": "a b"}
    with pytest.raises(psycopg.OperationalError, match="unrecognized configuration parameter"):
        psycopg.connect(dsn, options="-c nonsense=1")
    with pytest.raises(psycopg.OperationalError, match="only UTF8"):
        psycopg.connect(dsn, client_encoding="latin1")


def test_a_session_that_will_not_open_or_close_costs_its_own_connection_only(gate: Any, dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("as if DuckDB had said so")

    with monkeypatch.context() as patched:
        patched.setattr(gate, "session", broken)
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(dsn)
    with psycopg.connect(dsn) as connection:
        monkeypatch.setattr(gate.sessions[0], "close", broken)
        assert connection.execute("SELECT 1 AS n").fetchone() == (1,)
    psycopg.connect(dsn).close()
