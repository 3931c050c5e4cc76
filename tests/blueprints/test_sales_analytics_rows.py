"""A row becomes a line in S3: what arrives, what does not, and what the one who inserts is told.

Truth: "Load" and "Failure cases" of scenario S11 (post 11), "Invoking a Lambda function from an Amazon Aurora MySQL DB cluster" in the
Aurora User Guide, and "Asynchronous invocation" in the Lambda Developer Guide.
"""

import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pymysql
import pytest

BLUEPRINT = Path(__file__).parents[2] / "blueprints" / "sales-analytics"
GARDEN = (1, "Garden", 10, 2, "2016-01-05", "WA", "Free")
LINE = "1,Garden,10.00,2,2016-01-05 00:00:00,WA,Free,"


def test_a_row_arrives_once_as_the_posts_line(post: Any, word: str) -> None:
    post.insert((*GARDEN, word))
    assert post.arrived(word, 1) == {LINE + word: 1}
    post.settled()
    assert post.lines(word) == {LINE + word: 1}


def test_objects_lie_under_the_prefix_and_the_hour_and_are_gzip(post: Any, word: str) -> None:
    post.insert((*GARDEN, word))
    post.arrived(word, 1)
    for item in post.s3.list_objects_v2(Bucket=post.architecture.BUCKET, Prefix="CDC/")["Contents"]:
        name = r"CDC/\d{4}/\d\d/\d\d/\d\d/AuroraChangesToS3-1-\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d-[0-9a-f-]{36}\.gz"
        assert re.fullmatch(name, item["Key"])


def test_a_row_of_a_transaction_that_is_rolled_back_is_in_s3_all_the_same(post: Any, word: str) -> None:
    with post.connect(autocommit=False) as connection, connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO Sales VALUES (NULL, 1, 'Garden', 10, 2, '2016-01-05', 'WA', 'Free', '{word}')")
        connection.rollback()
    assert post.rows(word) == []
    assert post.arrived(word, 1) == {LINE + word: 1}


@pytest.mark.parametrize("column", [1, 2, 4, 5, 6, 7])
def test_null_in_a_column_makes_the_payload_null_and_the_insert_fails(post: Any, insert_fails: Callable[..., str], column: int) -> None:
    """CONCAT with a NULL is NULL, whichever column has it; the other two columns are NOT NULL."""
    row = (*GARDEN, "nobody")
    before = post.sql("SELECT count(*) FROM Sales")
    words = insert_fails((*row[:column], None, *row[column + 1 :]))
    assert "payload is NULL" in words
    assert post.function_arn in words
    assert post.sql("SELECT count(*) FROM Sales") == before


def test_a_comma_in_a_value_makes_a_line_of_nine_fields(post: Any, word: str) -> None:
    """The post escapes nothing; what Redshift shows of such a line stands in test_sales_analytics_lake.py."""
    post.insert((1, "Garden, large", *GARDEN[2:], word))
    assert post.arrived(word, 1) == {f"1,Garden, large,10.00,2,2016-01-05 00:00:00,WA,Free,{word}": 1}


def test_a_quote_in_a_value_makes_the_payload_no_json_and_the_insert_fails(insert_fails: Callable[..., str], post: Any, word: str) -> None:
    """Truth: Invoke refuses a payload that is no JSON with InvalidRequestContentException, asynchronously too."""
    words = insert_fails((1, 'a 19" rack', *GARDEN[2:], word))
    assert "InvalidRequestContentException: Could not parse request body into json" in words
    assert post.function_arn in words


def test_quotes_that_make_json_again_change_the_row_that_arrives(post: Any, word: str) -> None:
    """The post escapes nothing: a value may end its member and begin another, and the later of one name wins."""
    post.insert((1, 'Garden", "ItemID" : "7', *GARDEN[2:], word))
    assert post.arrived(word, 1) == {LINE.replace("1,", "7,", 1) + word: 1}


def test_one_insert_of_many_rows_fires_the_trigger_for_each_before_it_returns(post: Any, word: str) -> None:
    rows = ", ".join(f"({number}, 'Garden', 10, 2, '2016-01-05', 'WA', 'Free', '{word}')" for number in range(300))
    columns = "ItemID, Category, Price, Quantity, OrderDate, DestinationState, ShippingType, Referral"
    before = post.invoked()
    assert post.sql(f"INSERT INTO Sales ({columns}) VALUES {rows}", "SELECT @ItemID + 0") == [(299.0,)]
    assert post.invoked() - before == 300
    found = post.arrived(word, 300)
    assert found == {f"{number}{LINE[1:]}{word}": 1 for number in range(300)}


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_one_insert_of_ten_thousand_rows_fires_the_trigger_ten_thousand_times(post: Any, word: str) -> None:
    rows = ", ".join(f"({number}, 'Garden', 10, 2, '2016-01-05', 'WA', 'Free', '{word}')" for number in range(10_000))
    columns = "ItemID, Category, Price, Quantity, OrderDate, DestinationState, ShippingType, Referral"
    before = post.invoked()
    post.sql(f"INSERT INTO Sales ({columns}) VALUES {rows}")
    assert post.invoked() - before == 10_000
    found = post.arrived(word, 10_000, within_s=120)
    assert found == {f"{number}{LINE[1:]}{word}": 1 for number in range(10_000)}


PACED = """
import os, sys, threading, time
import pymysql

ORDER = "INSERT INTO Sales VALUES (NULL, %s, 'Garden', 10, 2, '2016-01-05', 'WA', 'Free', %s)"
place = dict(host=os.environ["AURORA_CNAME"], port=int(os.environ["AURORA_PORT"]), database=os.environ["DB"])
login = dict(user=os.environ["DBUSER"], password=os.environ["DBPASSWORD"], autocommit=True)

def insert(first):
    with pymysql.connect(**place, **login) as database, database.cursor() as cursor:
        begun = time.monotonic()
        for turn in range(2500):
            time.sleep(max(0, begun + turn / 250 - time.monotonic()))
            cursor.execute(ORDER, (first + turn, sys.argv[1]))

threads = [threading.Thread(target=insert, args=(number * 2500,)) for number in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""
"""A thousand rows a second for ten seconds over four connections, or as many as the machine takes."""


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_thousand_rows_a_second_for_ten_seconds_all_arrive_once(post: Any, word: str) -> None:
    subprocess.run([sys.executable, "-c", PACED, word], env=post.generator(), check=True, timeout=120)
    found = post.arrived(word, 10_000, within_s=120)
    assert found == {f"{number}{LINE[1:]}{word}": 1 for number in range(10_000)}


def test_an_insert_waits_for_the_trigger_and_not_for_the_function(post: Any, make_function: Callable[..., str], word: str) -> None:
    """The asynchronous form returns when the invocation is accepted, while a synchronous one waits for the answer."""
    slow = make_function("slow", "import time\ndef handler(event, context):\n    time.sleep(2)\n    return 'late'")
    begun = time.monotonic()
    post.sql(f"CALL mysql.lambda_async('{slow}', '{{}}')")
    assert time.monotonic() - begun < 2
    begun = time.monotonic()
    assert post.sql(f"SELECT lambda_sync('{slow}', '{{}}')") == [(b'"late"',)]
    assert time.monotonic() - begun >= 2


def test_update_and_delete_need_triggers_of_their_own(post: Any, table: str, word: str) -> None:
    arn = post.function_arn
    row = "'ItemID', {0}.ItemID, 'Category', '{1}', 'Price', {0}.Price, 'Quantity', {0}.Quantity, 'OrderDate', {0}.OrderDate"
    rest = "'DestinationState', {0}.DestinationState, 'ShippingType', {0}.ShippingType, 'Referral', {0}.Referral"
    payload = f"JSON_OBJECT({row}, {rest})"
    post.insert((*GARDEN, word), into=table)
    for event, of, category in (("UPDATE", "NEW", "Changed"), ("DELETE", "OLD", "Gone")):
        call = f"CALL mysql.lambda_async('{arn}', {payload.format(of, category)})"
        post.sql(f"CREATE TRIGGER {table}_{event} AFTER {event} ON {table} FOR EACH ROW {call}")
    post.sql(f"UPDATE {table} SET ItemID = 2", f"DELETE FROM {table}")
    lines = {",".join(line.split(",")[:2]) for line in post.arrived(word, 2)}
    assert lines == {"2,Changed", "2,Gone"}
    post.settled()
    assert post.lines(word).total() == 2, "the INSERT had no trigger"


# -- who is told of a failure --------------------------------------------------------------------------------------------


def test_a_missing_function_fails_the_insert_which_names_the_function_and_the_cause(
    post: Any, table: str, insert_fails: Callable[..., str]
) -> None:
    gone = post.function_arn.replace(post.architecture.FUNCTION, "NeverMade")
    post.let_sql_call(gone)
    post.sql(f"CREATE TRIGGER {table}_i AFTER INSERT ON {table} FOR EACH ROW CALL mysql.lambda_async('{gone}', '{{}}')")
    words = insert_fails(into=table)
    assert words.startswith(f"Lambda API returned error: ResourceNotFoundException: Function not found: {gone}")


@pytest.fixture
def without_role(post: Any) -> Iterator[None]:
    """The cluster without its role for Lambda, while the test runs."""
    rds, names = post.aws.client("rds"), {"DBClusterIdentifier": post.architecture.CLUSTER}
    [role] = rds.describe_db_clusters(**names)["DBClusters"][0]["AssociatedRoles"]
    rds.remove_role_from_db_cluster(**names, RoleArn=role["RoleArn"])
    yield
    rds.add_role_to_db_cluster(**names, RoleArn=role["RoleArn"])


@pytest.mark.usefixtures("without_role")
def test_a_role_that_is_not_associated_fails_the_insert_which_names_the_function_and_the_cause(
    post: Any, insert_fails: Callable[..., str]
) -> None:
    words = insert_fails()
    assert post.function_arn in words
    assert "Missing Credentials: Cannot instantiate Lambda Client" in words
    assert "is not associated with sales" in words


@pytest.fixture
def without_default_role(post: Any) -> Iterator[None]:
    """The cluster's parameter aws_default_lambda_role emptied, while the test runs."""
    rds, group = post.aws.client("rds"), {"DBClusterParameterGroupName": post.architecture.CLUSTER}
    [named] = [
        each
        for page in rds.get_paginator("describe_db_cluster_parameters").paginate(**group)
        for each in page["Parameters"]
        if each["ParameterName"] == "aws_default_lambda_role"
    ]
    change = {"ParameterName": "aws_default_lambda_role", "ApplyMethod": "immediate"}
    rds.reset_db_cluster_parameter_group(**group, Parameters=[change])
    yield
    rds.modify_db_cluster_parameter_group(**group, Parameters=[change | {"ParameterValue": named["ParameterValue"]}])


@pytest.mark.usefixtures("without_default_role")
def test_without_aws_default_lambda_role_the_insert_fails(post: Any, insert_fails: Callable[..., str]) -> None:
    words = insert_fails()
    assert post.function_arn in words
    assert "aws_default_lambda_role is not set" in words


def test_an_accepted_call_that_fails_is_seen_in_lambda_alone(post: Any, word: str) -> None:
    """The event lacks what the function asks for: SQL hears nothing of it, the function's log has the KeyError."""
    post.sql(f"CALL mysql.lambda_async('{post.function_arn}', '{{\"ItemID\" : \"{word}\"}}')")
    assert "KeyError" in post.logged_until("KeyError")
    assert post.lines(word).total() == 0


def test_an_accepted_call_that_fails_for_good_is_told_to_the_destination(post: Any, make_function: Callable[..., str], word: str) -> None:
    """Truth: "Retaining records of asynchronous invocations": the record has the event and the error."""
    failing = make_function(f"failing-{word}", "def handler(event, context):\n    raise ValueError('no such shelf')")
    told = make_function(
        f"told-{word}", "def handler(event, context):\n    print('TOLD', event['requestPayload'], event['responsePayload'])"
    )
    post.aws.client("lambda").put_function_event_invoke_config(
        FunctionName=failing, MaximumRetryAttempts=0, DestinationConfig={"OnFailure": {"Destination": told}}
    )
    post.sql(f"CALL mysql.lambda_async('{failing}', '{{\"order\": \"{word}\"}}')")
    log = post.logged_until("TOLD", f"told-{word}")
    assert word in log
    assert "no such shelf" in log


# -- the forms of calling ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("database", ["shop", "elsewhere", "mysql", None])
def test_the_native_functions_are_called_unqualified_from_any_database(
    post: Any, make_function: Callable[..., str], database: str | None
) -> None:
    adds = make_function("adds", "def handler(event, context):\n    return event['a'] + event['b']")
    post.sql("CREATE DATABASE IF NOT EXISTS elsewhere")
    asked = '\'{"a": 2, "b": 40}\''
    assert post.sql(f"SELECT lambda_sync('{adds}', {asked})", database=database) == [(b"42",)]
    before = post.invoked()
    post.sql(f"SELECT lambda_async('{adds}', {asked})", database=database)
    post.sql(f"CALL mysql.lambda_async('{adds}', {asked})", database=database)
    assert post.invoked() - before == 2


def test_a_trigger_selects_the_native_functions_into_a_variable(
    post: Any, table: str, make_function: Callable[..., str], word: str
) -> None:
    adds = make_function("adds", "def handler(event, context):\n    return event['a'] + event['b']")
    post.sql(
        f"CREATE TRIGGER {table}_i AFTER INSERT ON {table} FOR EACH ROW BEGIN"
        f"  SELECT lambda_async('{adds}', JSON_OBJECT('a', NEW.ItemID, 'b', 1)) INTO @accepted;"
        f"  SELECT lambda_sync('{adds}', JSON_OBJECT('a', NEW.ItemID, 'b', 1)) INTO @answer; END"
    )
    before = post.invoked()
    with post.connect() as connection, connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {table} (ItemID, Quantity, Referral) VALUES (6, 1, '{word}')")
        cursor.execute("SELECT @answer")
        assert json.loads(cursor.fetchone()[0]) == 7
    assert post.invoked() - before == 2


def test_a_function_that_raises_fails_the_synchronous_call_and_the_row_is_not_there(
    post: Any, table: str, make_function: Callable[..., str], insert_fails: Callable[..., str]
) -> None:
    raises = make_function("raises", "def handler(event, context):\n    raise ValueError('no such shelf')")
    post.sql(f"CREATE TRIGGER {table}_i AFTER INSERT ON {table} FOR EACH ROW SELECT lambda_sync('{raises}', '{{}}') INTO @answer")
    words = insert_fails(into=table)
    assert "no such shelf" in words
    assert raises in words


# -- the post's generator ------------------------------------------------------------------------------------------------

WITHOUT_MYSQLCLIENT = (
    "import runpy, sys; sys.modules['MySQLdb'] = None; sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
)
"""`python -c` this and a program: MySQLdb cannot be imported, be it installed or not."""


@pytest.mark.parametrize("driver", ["PyMySQL", "mysqlclient"])
def test_the_posts_generator_sells_ten_rows(post: Any, driver: str) -> None:
    if driver == "mysqlclient":
        pytest.importorskip("MySQLdb", reason="mysqlclient is not installed")
    before = post.sql("SELECT coalesce(max(InvoiceID), 0) FROM Sales")[0][0]
    program = [str(BLUEPRINT / "generator.py"), "--seed", "11"]
    command = [sys.executable, *program] if driver == "mysqlclient" else [sys.executable, "-c", WITHOUT_MYSQLCLIENT, *program]
    subprocess.run(command, env=post.generator(), check=True, timeout=30)
    sold = post.sql(
        f"SELECT ItemID, Category, Price, Quantity, OrderDate, DestinationState, Referral FROM Sales WHERE InvoiceID > {before}"
    )
    assert len(sold) == 10
    lines = {f"{row[0]},{row[1]},{row[2]:.2f},{row[3]},{row[4]:%Y-%m-%d %H:%M:%S},{row[5]}" for row in sold}
    end = time.monotonic() + 30
    while not lines <= {line.rsplit(",", 2)[0] for line in post.lines("")}:
        assert time.monotonic() < end, "not every sale arrived"
        time.sleep(0.1)


def test_a_wrong_password_is_refused(post: Any) -> None:
    with pytest.raises(pymysql.err.OperationalError) as failure:
        post.connect(password="Guessed-and-Wrong-1")
    assert failure.value.args[0] == 1045
    assert "Access denied for user 'admin'" in failure.value.args[1]


def test_rows_of_several_connections_at_once_all_arrive(post: Any, word: str) -> None:
    def insert(first: int) -> None:
        post.insert(*((number, *GARDEN[1:], word) for number in range(first, first + 50)))

    threads = [threading.Thread(target=insert, args=(number * 50,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert post.arrived(word, 200) == {f"{number}{LINE[1:]}{word}": 1 for number in range(200)}
