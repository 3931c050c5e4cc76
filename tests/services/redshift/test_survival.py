"""What a cluster survives: the death of its process, a statement that eats all memory, the end of the house. DESIGN.md, 6 and 8."""

import os
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import psycopg
import pytest

from headwater.engines.process import read_pid

CLUSTER = {"ClusterIdentifier": "shop", "NodeType": "ra3.large", "MasterUsername": "awsuser", "MasterUserPassword": "Secret99"}


def client_of(server: Any) -> Any:
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    return boto3.session.Session().client("redshift", endpoint_url=server.endpoint_url, **keys)


def connect(endpoint: dict[str, Any]) -> psycopg.Connection:
    """As a client that tries again does."""
    deadline = time.monotonic() + 20
    while True:
        try:
            return psycopg.connect(
                host=endpoint["Address"], port=endpoint["Port"], user="awsuser", password="Secret99", dbname="dev", autocommit=True
            )
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def process_of(home: Path) -> int:
    (log,) = home.glob("redshift/*/log.pid")
    pid = read_pid(log)
    assert pid is not None
    return pid


@pytest.mark.slow
def test_committed_rows_survive_the_process_and_the_house(start_server: Callable[..., Any], tmp_path: Path) -> None:
    server = start_server()
    redshift = client_of(server)
    redshift.create_cluster(**CLUSTER)
    redshift.get_waiter("cluster_available").wait(ClusterIdentifier="shop")
    endpoint = redshift.describe_clusters(ClusterIdentifier="shop")["Clusters"][0]["Endpoint"]
    with connect(endpoint) as connection:
        connection.execute("CREATE TABLE kept (n INTEGER)")
        connection.execute("INSERT INTO kept VALUES (1)")
        os.kill(process_of(tmp_path / "home"), signal.SIGKILL)
    with connect(endpoint) as connection:
        assert connection.execute("SELECT n FROM kept").fetchall() == [(1,)]
        connection.execute("INSERT INTO kept VALUES (2)")
    redshift.close()
    server.stop()

    again = start_server()
    with connect(endpoint) as connection:
        assert connection.execute("SELECT n FROM kept ORDER BY n").fetchall() == [(1,), (2,)]
    redshift = client_of(again)
    assert redshift.describe_clusters(ClusterIdentifier="shop")["Clusters"][0]["ClusterStatus"] == "available"
    redshift.close()


@pytest.mark.slow
def test_a_statement_that_eats_all_memory_ends_alone(start_server: Callable[..., Any]) -> None:
    server = start_server()
    redshift = client_of(server)
    redshift.create_cluster(**CLUSTER)
    redshift.get_waiter("cluster_available").wait(ClusterIdentifier="shop")
    endpoint = redshift.describe_clusters(ClusterIdentifier="shop")["Clusters"][0]["Endpoint"]
    greedy = "SELECT length(listagg(repeat('x', 60000), '')) AS n FROM (SELECT a.n FROM many a, many b, many c) x"
    with connect(endpoint) as connection:
        connection.execute("CREATE TABLE many (n INTEGER)")
        connection.execute("INSERT INTO many VALUES " + ", ".join(f"({n})" for n in range(200)))
        with pytest.raises((psycopg.errors.OutOfMemory, psycopg.OperationalError)):
            connection.execute(greedy)
    assert redshift.describe_clusters()["Clusters"][0]["ClusterIdentifier"] == "shop"  # the gateway answers
    with connect(endpoint) as connection:
        assert connection.execute("SELECT count(*)::BIGINT AS n FROM many").fetchone() == (200,)
    redshift.close()


@pytest.mark.slow
def test_a_cluster_whose_address_was_taken_moves_and_reports_it(start_server: Callable[..., Any]) -> None:
    server = start_server()
    redshift = client_of(server)
    redshift.create_cluster(**CLUSTER)
    redshift.get_waiter("cluster_available").wait(ClusterIdentifier="shop")
    before = redshift.describe_clusters(ClusterIdentifier="shop")["Clusters"][0]["Endpoint"]
    redshift.close()
    server.stop()

    with socket.create_server((before["Address"], before["Port"])):
        again = start_server()
        redshift = client_of(again)
        deadline = time.monotonic() + 20
        while (after := redshift.describe_clusters(ClusterIdentifier="shop")["Clusters"][0]["Endpoint"])["Address"] == before["Address"]:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert after["Port"] == before["Port"]
        with connect(after) as connection:
            assert connection.execute("SELECT 1 AS n").fetchone() == (1,)
        redshift.close()
