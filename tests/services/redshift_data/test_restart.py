"""Statements and results over an end of the house. Truth: a statement is never run twice, and what was answered is still there."""

import time
from collections.abc import Callable
from typing import Any

import boto3
import pytest

AT = {"ClusterIdentifier": "shop", "Database": "dev", "DbUser": "awsuser"}


def client_of(server: Any, service: str) -> Any:
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    return boto3.session.Session().client(service, endpoint_url=server.endpoint_url, **keys)


@pytest.mark.slow
def test_results_stay_and_interrupted_statements_have_failed(start_server: Callable[..., Any]) -> None:
    server = start_server()
    redshift, data = client_of(server, "redshift"), client_of(server, "redshift-data")
    redshift.create_cluster(ClusterIdentifier="shop", NodeType="ra3.large", MasterUsername="awsuser", MasterUserPassword="Secret99")
    sqls = ["CREATE TABLE many (n INTEGER)", "INSERT INTO many VALUES " + ", ".join(f"({n})" for n in range(500))]
    data.batch_execute_statement(Sqls=sqls, WaitTimeSeconds=20, **AT)
    done = data.execute_statement(Sql="SELECT 5 AS n", WaitTimeSeconds=20, **AT)["Id"]
    slow = data.execute_statement(Sql="SELECT count(*) AS n FROM many a, many b, many c, many d WHERE a.n <> b.n + c.n * d.n", **AT)["Id"]
    while data.describe_statement(Id=slow)["Status"] != "STARTED":
        time.sleep(0.01)
    redshift.close()
    data.close()
    server.stop()

    data = client_of(start_server(), "redshift-data")
    assert data.get_statement_result(Id=done)["Records"] == [[{"longValue": 5}]]
    interrupted = data.describe_statement(Id=slow)
    assert interrupted["Status"] == "FAILED"
    assert interrupted["Error"]
    assert data.execute_statement(Sql="SELECT 6 AS n", WaitTimeSeconds=20, **AT)["Status"] == "FINISHED"
    data.close()
