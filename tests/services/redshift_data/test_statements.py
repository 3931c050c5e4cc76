"""The Data API by boto3, over a real warehouse process. Shapes and sentences: the API reference and its clients' reports."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import pytest

AT = {"ClusterIdentifier": "shop", "Database": "dev", "DbUser": "awsuser"}
REFUSALS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "an unknown cluster": ("ValidationException", "Redshift endpoint doesn't exist in this region.", {"ClusterIdentifier": "nowhere"}),
    "an empty statement": ("ValidationException", "cannot be empty", {"Sql": "  "}),
    "a statement of 101 KB": ("ValidationException", "100 KB", {"Sql": "SELECT 1 AS n --" + "x" * 101_000}),
    "a parameter that is not used": ("ValidationException", "unused parameters", {"Parameters": [{"name": "n", "value": "1"}]}),
    "a user and a secret": ("ValidationException", "DbUser and SecretArn", {"SecretArn": "arn:aws:secretsmanager:us-east-1:1:secret:x"}),
    "a workgroup": ("ValidationException", "Serverless", {"WorkgroupName": "reports"}),
    "an unknown session": ("ResourceNotFoundException", "Session does not exist", {"SessionId": "00000000-0000-0000-0000-000000000000"}),
}
Refused = Callable[..., AbstractContextManager[Any]]


@pytest.fixture(scope="module")
def account(server: Any) -> Iterator[Any]:
    """One cluster for all tests here."""
    import secrets

    import boto3
    import botocore.config

    number = str(secrets.randbelow(9 * 10**11) + 10**11)
    clients: list[Any] = []

    def client(service: str) -> Any:
        config = botocore.config.Config(retries={"max_attempts": 0})
        keys = {"aws_access_key_id": number, "aws_secret_access_key": "test", "region_name": "us-east-1"}
        clients.append(boto3.session.Session().client(service, endpoint_url=server.endpoint_url, config=config, **keys))
        return clients[-1]

    redshift = client("redshift")
    redshift.create_cluster(ClusterIdentifier="shop", NodeType="ra3.large", MasterUsername="awsuser", MasterUserPassword="Secret99")
    redshift.get_waiter("cluster_available").wait(ClusterIdentifier="shop")
    yield client
    redshift.delete_cluster(ClusterIdentifier="shop", SkipFinalClusterSnapshot=True)
    redshift.get_waiter("cluster_deleted").wait(ClusterIdentifier="shop")
    for one in clients:
        one.close()


@pytest.fixture(scope="module")
def data(account: Any) -> Any:
    return account("redshift-data")


def ended(data: Any, statement_id: str) -> dict[str, Any]:
    deadline = time.monotonic() + 20
    while (described := data.describe_statement(Id=statement_id))["Status"] not in {"FINISHED", "FAILED", "ABORTED"}:
        assert time.monotonic() < deadline, described
        time.sleep(0.01)
    answer: dict[str, Any] = described
    return answer


def run(data: Any, sql: str, **more: Any) -> dict[str, Any]:
    return ended(data, data.execute_statement(Sql=sql, **AT, **more)["Id"])


def records(data: Any, sql: str, **more: Any) -> list[list[dict[str, Any]]]:
    done = run(data, sql, **more)
    assert done["Status"] == "FINISHED", done
    answer: list[list[dict[str, Any]]] = data.get_statement_result(Id=done["Id"])["Records"]
    return answer


@pytest.mark.parametrize(("code", "words", "change"), REFUSALS.values(), ids=REFUSALS)
def test_execute_statement_refuses(data: Any, refused: Refused, code: str, words: str, change: dict[str, Any]) -> None:
    request = {"Sql": "SELECT 1 AS n"} | ({} if "SessionId" in change else AT) | change
    with refused(code, words):
        data.execute_statement(**request)


def test_a_statement_s_values_come_in_the_api_s_types(data: Any) -> None:
    sql = "SELECT 1 AS i, 2.5::FLOAT8 AS d, 1.50::DECIMAL(5,2) AS n, true AS b, 'x' AS t, NULL::INTEGER AS none, DATE '2016-01-05' AS day"
    done = run(data, sql)
    assert (done["Status"], done["ResultRows"], done["HasResultSet"], done["QueryString"]) == ("FINISHED", 1, True, sql)
    result = data.get_statement_result(Id=done["Id"])
    expected = [{"longValue": 1}, {"doubleValue": 2.5}, {"stringValue": "1.50"}, {"booleanValue": True}, {"stringValue": "x"}]
    assert result["Records"] == [[*expected, {"isNull": True}, {"stringValue": "2016-01-05"}]]
    names = [(column["name"], column["typeName"]) for column in result["ColumnMetadata"]]
    assert names[:3] == [("i", "int4"), ("d", "float8"), ("n", "numeric")]
    assert result["TotalNumRows"] == 1


def test_parameters_are_named_and_stay_out_of_strings_and_casts(data: Any) -> None:
    sql = "SELECT :n::INTEGER + 1 AS n, ':n' AS quoted, /* :n */ :t::VARCHAR AS t, :n::INTEGER AS again"
    given = [{"name": "n", "value": "41"}, {"name": "t", "value": "o'clock; DROP TABLE x"}]
    row = [{"longValue": 42}, {"stringValue": ":n"}, {"stringValue": "o'clock; DROP TABLE x"}, {"longValue": 41}]
    assert records(data, sql, Parameters=given) == [row]


def test_a_large_result_is_read_page_by_page(data: Any) -> None:
    run(data, "CREATE TABLE fifty (n INTEGER)")
    run(data, "INSERT INTO fifty VALUES " + ", ".join(f"({n})" for n in range(50)))
    done = run(data, "SELECT a.n * 50 + b.n AS n FROM fifty a, fifty b ORDER BY 1")
    pages = list(data.get_paginator("get_statement_result").paginate(Id=done["Id"]))
    numbers = [row[0]["longValue"] for page in pages for row in page["Records"]]
    assert (len(pages), numbers) == (3, list(range(2500)))


def test_an_empty_result_has_its_columns(data: Any) -> None:
    result = data.get_statement_result(Id=run(data, "SELECT 1 AS n WHERE 1 = 2")["Id"])
    assert (result["Records"], result["ColumnMetadata"][0]["name"], result["TotalNumRows"]) == ([], "n", 0)


def test_a_result_comes_as_csv_when_asked_for(data: Any, refused: Refused) -> None:
    done = run(data, "SELECT 'a,b' AS t, NULL::INTEGER AS n", ResultFormat="CSV")
    assert data.get_statement_result_v2(Id=done["Id"])["Records"] == [{"CSVRecords": 't,n\r\n"a,b",\r\n'}]
    with refused("ValidationException", "CSV"):
        data.get_statement_result(Id=done["Id"])


def test_a_failed_statement_says_why_and_has_no_result(data: Any, refused: Refused) -> None:
    done = run(data, "SELECT * FROM nowhere")
    assert done["Status"] == "FAILED"
    assert done["Error"].startswith("ERROR: ")
    assert "nowhere" in done["Error"]
    with refused("ResourceNotFoundException", "Query does not have result"):
        data.get_statement_result(Id=done["Id"])


def test_two_statements_are_not_one(data: Any) -> None:
    assert run(data, "SELECT 1 AS n; SELECT 2 AS n")["Status"] == "FAILED"


def test_a_batch_is_all_or_nothing(data: Any) -> None:
    run(data, "CREATE TABLE kept (n INTEGER)")
    sqls = ["INSERT INTO kept VALUES (1)", "SELECT * FROM nowhere", "INSERT INTO kept VALUES (2)"]
    done = ended(data, data.batch_execute_statement(Sqls=sqls, **AT)["Id"])
    assert (done["Status"], [part["Status"] for part in done["SubStatements"]]) == ("FAILED", ["FINISHED", "FAILED", "ABORTED"])
    assert done["Error"].startswith("Query #2 failed with ERROR: ")
    assert records(data, "SELECT count(*)::BIGINT AS n FROM kept") == [[{"longValue": 0}]]
    good = ended(data, data.batch_execute_statement(Sqls=["INSERT INTO kept VALUES (3), (4)", "SELECT n FROM kept ORDER BY n"], **AT)["Id"])
    assert [part["ResultRows"] for part in good["SubStatements"]] == [2, 2]
    assert data.get_statement_result(Id=f"{good['Id']}:2")["Records"] == [[{"longValue": 3}], [{"longValue": 4}]]


def test_a_client_token_submits_once(data: Any) -> None:
    first, second = (data.execute_statement(Sql="SELECT 1 AS n", ClientToken="once", **AT)["Id"] for _ in range(2))
    assert first == second


def test_a_running_statement_is_aborted(data: Any, refused: Refused) -> None:
    run(data, "CREATE TABLE many (n INTEGER)")
    run(data, "INSERT INTO many VALUES " + ", ".join(f"({n})" for n in range(500)))
    slow = data.execute_statement(Sql="SELECT count(*) AS n FROM many a, many b, many c, many d WHERE a.n <> b.n + c.n * d.n", **AT)["Id"]
    deadline = time.monotonic() + 10
    while data.describe_statement(Id=slow)["Status"] != "STARTED":
        assert time.monotonic() < deadline
    assert data.cancel_statement(Id=slow)["Status"] is True
    assert ended(data, slow)["Status"] == "ABORTED"
    with refused("ValidationException", "ABORTED"):
        data.cancel_statement(Id=slow)


def test_a_session_keeps_what_belongs_to_it(data: Any, refused: Refused) -> None:
    done = run(data, "CREATE TEMP TABLE mine AS SELECT 5::INTEGER AS n", SessionKeepAliveSeconds=60)
    then = ended(data, data.execute_statement(Sql="SELECT n FROM mine", SessionId=done["SessionId"], SessionKeepAliveSeconds=60)["Id"])
    assert data.get_statement_result(Id=then["Id"])["Records"] == [[{"longValue": 5}]]
    assert run(data, "SELECT n FROM mine")["Status"] == "FAILED"
    with refused("ValidationException", "SessionId cannot be combined"):
        data.execute_statement(Sql="SELECT 1 AS n", SessionId=done["SessionId"], **AT)


def test_waiting_saves_the_polling(data: Any) -> None:
    answer = data.execute_statement(Sql="SELECT 1 AS n", WaitTimeSeconds=10, **AT)
    assert (answer["Status"], answer["HasResultSet"]) == ("FINISHED", True)


def test_statements_are_listed_by_name_and_status_newest_first(data: Any) -> None:
    ids = [run(data, f"SELECT {n} AS n", StatementName=f"report-{n}")["Id"] for n in (1, 2)]
    run(data, "SELECT * FROM nowhere", StatementName="report-3")
    assert [one["Id"] for one in data.list_statements(StatementName="report-")["Statements"]] == ids[::-1]
    assert len(data.list_statements(StatementName="report-", Status="ALL")["Statements"]) == 3
    first = data.list_statements(StatementName="report-", Status="ALL", MaxResults=2)
    rest = data.list_statements(StatementName="report-", Status="ALL", MaxResults=2, NextToken=first["NextToken"])
    assert (len(first["Statements"]), len(rest["Statements"]), "NextToken" in rest) == (2, 1, False)


def test_the_caller_s_identity_runs_statements_too(data: Any) -> None:
    done = ended(data, data.execute_statement(Sql="SELECT 1 AS n", ClusterIdentifier="shop", Database="dev")["Id"])
    assert done["Status"] == "FINISHED"


def test_a_statement_is_forgotten_after_a_day(data: Any, clock: Any, refused: Refused) -> None:
    done = run(data, "SELECT 1 AS n")
    clock.advance(timedelta(hours=25))
    with refused("ResourceNotFoundException", "Query does not exist."):
        data.describe_statement(Id=done["Id"])
    assert records(data, "SELECT 2 AS n") == [[{"longValue": 2}]]


def test_an_unknown_statement_is_not_found(data: Any, refused: Refused) -> None:
    with refused("ResourceNotFoundException", "Query does not exist."):
        data.describe_statement(Id="00000000-0000-0000-0000-000000000000")


def test_the_catalog_is_listed_and_described(data: Any, refused: Refused) -> None:
    run(data, "CREATE TABLE dated (id INTEGER NOT NULL, label VARCHAR(20), total DECIMAL(10,2))")
    assert "dev" in data.list_databases(**AT)["Databases"]
    assert "public" in data.list_schemas(**AT)["Schemas"]
    assert data.list_tables(**AT, SchemaPattern="pub%", TablePattern="dat_d")["Tables"] == [
        {"schema": "public", "name": "dated", "type": "TABLE"}
    ]
    columns = data.describe_table(**AT, Schema="public", Table="dated")["ColumnList"]
    shown = [(column["name"], column["typeName"], column["nullable"], column["precision"], column["scale"]) for column in columns]
    assert shown == [("id", "int4", 0, 32, 0), ("label", "varchar", 1, 20, 0), ("total", "numeric", 1, 10, 2)]
    first = data.list_schemas(**AT, MaxResults=1)
    assert len(first["Schemas"]) == 1
    assert data.list_schemas(**AT, MaxResults=1, NextToken=first["NextToken"])["Schemas"] != first["Schemas"]
    with refused("ValidationException", "NextToken"):
        data.list_schemas(**AT, NextToken="%%%")
    with refused("DatabaseConnectionException", "does not exist"):
        data.list_tables(ClusterIdentifier="shop", Database="nowhere", DbUser="awsuser")
