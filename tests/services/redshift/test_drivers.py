"""What drivers and tools do by themselves, on a real cluster with the real SQL engine: they are the judges."""

import shutil
import subprocess
import threading
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import boto3
import botocore.config
import psycopg
import pytest
import redshift_connector

LISTINGS = {
    "\\d": "shelf",
    "\\dt": "shelf",
    "\\d shelf": "Column",
    "\\dn": "public",
    "\\dv": "wide",
    "\\l": "dev",
    "\\conninfo": "awsuser",
}
ROWS = [
    (1, "one", Decimal("1.50"), date(2016, 2, 29), datetime.fromisoformat("2016-02-29 12:30:00"), True, 0.5),
    (2, None, None, None, None, False, None),
]


@pytest.fixture(scope="module")
def endpoint(server: Any) -> Iterator[dict[str, Any]]:
    keys = {"aws_access_key_id": "200000000001", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    config = botocore.config.Config(retries={"max_attempts": 0})
    client = boto3.session.Session().client("redshift", endpoint_url=server.endpoint_url, config=config, **keys)
    client.create_cluster(ClusterIdentifier="drivers", NodeType="ra3.large", MasterUsername="awsuser", MasterUserPassword="Secret99")
    client.get_waiter("cluster_available").wait(ClusterIdentifier="drivers")
    yield client.describe_clusters(ClusterIdentifier="drivers")["Clusters"][0]["Endpoint"]
    client.delete_cluster(ClusterIdentifier="drivers", SkipFinalClusterSnapshot=True)
    client.get_waiter("cluster_deleted").wait(ClusterIdentifier="drivers")
    client.close()


@pytest.fixture(scope="module")
def dsn(endpoint: dict[str, Any]) -> str:
    dsn = f"host={endpoint['Address']} port={endpoint['Port']} user=awsuser password=Secret99 dbname=dev"
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE shelf (id INTEGER, name VARCHAR(20), price DECIMAL(10,2), day DATE, at TIMESTAMP, sold BOOLEAN, share FLOAT8)"
        )
        connection.execute("CREATE VIEW wide AS SELECT id, name FROM shelf")
    return dsn


@pytest.fixture
def connector(endpoint: dict[str, Any], dsn: str) -> Iterator[redshift_connector.Connection]:
    with redshift_connector.connect(
        host=endpoint["Address"], port=endpoint["Port"], database="dev", user="awsuser", password="Secret99", ssl=False
    ) as connection:
        yield connection


def test_redshift_connector_writes_many_rows_and_reads_them_back(connector: redshift_connector.Connection) -> None:
    with connector.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE mine (LIKE shelf)")
        cursor.executemany("INSERT INTO mine VALUES (%s,%s,%s,%s,%s,%s,%s)", ROWS)
        connector.commit()
        cursor.execute("SELECT * FROM mine ORDER BY id")
        assert [tuple(row) for row in cursor.fetchall()] == ROWS
        cursor.execute("SELECT count(*) FROM mine WHERE id > %s AND name IS NULL", (1,))
        assert cursor.fetchone() == [1]


def test_redshift_connector_rolls_back(connector: redshift_connector.Connection) -> None:
    with connector.cursor() as cursor:
        cursor.execute("CREATE TABLE undone (n INTEGER)")
        connector.rollback()
        with pytest.raises(redshift_connector.ProgrammingError, match="42P01"):
            cursor.execute("SELECT * FROM undone")
        connector.rollback()


def test_psycopg_reads_through_a_cursor_of_the_server(dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute("CREATE TEMP TABLE numbers (n INTEGER)")
        with connection.cursor() as cursor:
            cursor.executemany("INSERT INTO numbers VALUES (%s)", [(n,) for n in range(10)])
        with connection.cursor("portion") as portion:
            portion.execute("SELECT n FROM numbers ORDER BY n")
            assert [portion.fetchmany(4), portion.fetchall()] == [[(n,) for n in range(4)], [(n,) for n in range(4, 10)]]


@pytest.mark.parametrize("command", LISTINGS)
def test_psql_lists(endpoint: dict[str, Any], dsn: str, command: str) -> None:
    program = shutil.which("psql")
    if program is None:
        pytest.skip("psql is not installed")
    address = f"postgresql://awsuser@{endpoint['Address']}:{endpoint['Port']}/dev"
    ran = subprocess.run(
        [program, "-X", address, "-c", command], env={"PGPASSWORD": "Secret99"}, capture_output=True, text=True, check=False
    )
    assert "ERROR" not in ran.stderr, ran.stderr
    assert LISTINGS[command] in ran.stdout


def test_several_clients_write_at_once(dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("CREATE TABLE tally (n INTEGER)")
    failures: list[BaseException] = []

    def write(number: int) -> None:
        try:
            with psycopg.connect(dsn, autocommit=True) as connection:
                for _ in range(20):
                    connection.execute("INSERT INTO tally VALUES (%s)", (number,))
        except psycopg.Error as failure:
            failures.append(failure)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failures == []
    with psycopg.connect(dsn) as connection:
        assert connection.execute("SELECT n, count(*) FROM tally GROUP BY n ORDER BY n").fetchall() == [(n, 20) for n in range(4)]
