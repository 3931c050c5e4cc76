"""Post 11's architecture for the tests, built once by the blueprint itself: a database whose rows reach a bucket.

Tests share it and run in any order. So each puts a word of its own into the rows' last column, and looks for its lines alone.
"""

import gzip
import io
import os
import secrets
import sys
import threading
import time
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from users import allow

BLUEPRINT = Path(__file__).parents[2] / "blueprints" / "sales-analytics"
sys.path.insert(0, str(BLUEPRINT))
ARRIVES_WITHIN_S = 30
COLUMNS = "ItemID, Category, Price, Quantity, OrderDate, DestinationState, ShippingType, Referral"
GARDEN = (1, "Garden", 10, 2, "2016-01-05", "WA", "Free")
"""A row but for its last column, which is the test's own."""


class Post:
    """The blueprint's architecture on this server, without the warehouse."""

    def __init__(self, server: Any, aws: Any) -> None:
        import architecture

        self.architecture = architecture
        self.server = server
        self.aws = aws
        architecture.FLUSH_S = 1
        architecture.build_stream(aws)
        self.function_arn = architecture.build_function(aws)
        self.mysql = architecture.build_database(aws, self.function_arn)
        self.s3 = aws.client("s3")
        self.invocations: Counter[str] = Counter()
        """How many Lambda.Invoke were asked for, by their outcome ("" is success)."""
        server.call(self._count_invocations())
        self._read: dict[str, list[str]] = {}
        self._reading = threading.Lock()

    async def _count_invocations(self) -> None:
        def count(records: list[Any]) -> None:
            for record in records:
                if record.operation == "Invoke" and record.account == self.architecture.ACCOUNT:
                    self.invocations[record.error] += 1

        self.server.home.bus.subscribe("request", count)

    def invoked(self) -> int:
        """How many invocations Lambda has accepted until now."""

        async def deliver() -> None:
            self.server.home.bus.deliver()

        self.server.call(deliver())
        return self.invocations[""]

    def let_sql_call(self, function_arn: str) -> None:
        """The blueprint's role for the database may invoke the post's function alone; here one more."""
        document = self.architecture.document([allow("lambda:InvokeFunction", function_arn)])
        name = function_arn.rpartition(":")[2]
        self.aws.client("iam").put_role_policy(RoleName="aurora-lambda", PolicyName=f"invoke-{name}", PolicyDocument=document)

    def connect(self, **options: Any) -> Any:
        import pymysql

        host, port = self.mysql
        login = {"user": self.architecture.USER, "password": self.architecture.PASSWORD, "database": "shop", "autocommit": True}
        return pymysql.connect(host=host, port=port, **(login | options))

    def sql(self, *statements: str, **options: Any) -> list[tuple[Any, ...]]:
        """Run them on one connection; the rows of the last."""
        with self.connect(**options) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return list(cursor.fetchall())

    def insert(self, *rows: tuple[Any, ...], into: str = "Sales") -> None:
        """Each row a statement and a transaction of its own."""
        with self.connect() as connection, connection.cursor() as cursor:
            for row in rows:
                cursor.execute(f"INSERT INTO {into} ({COLUMNS}) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)", row)

    def rows(self, word: str) -> list[tuple[Any, ...]]:
        return self.sql(f"SELECT {COLUMNS} FROM Sales WHERE Referral = '{word}' ORDER BY InvoiceID")

    def lines(self, word: str) -> Counter[str]:
        """The lines in the bucket that end with the word."""
        with self._reading:
            for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.architecture.BUCKET, Prefix="CDC/"):
                for item in page.get("Contents", []):
                    if item["Key"] not in self._read:
                        body = self.s3.get_object(Bucket=self.architecture.BUCKET, Key=item["Key"])["Body"].read()
                        self._read[item["Key"]] = gzip.decompress(body).decode().splitlines()
        return Counter(line for lines in self._read.values() for line in lines if line.endswith(word))

    def arrived(self, word: str, count: int, within_s: float = ARRIVES_WITHIN_S) -> Counter[str]:
        """The lines with this word once there are as many."""
        end = time.monotonic() + within_s
        while (found := self.lines(word)).total() < count:
            assert time.monotonic() < end, f"{found.total()} of {count} arrived"
            time.sleep(0.1)
        return found

    def settled(self) -> None:
        """Wait until what was accepted so far has been delivered: a row that is inserted now is the last."""
        word = secrets.token_hex(6)
        self.insert((*GARDEN, word))
        self.arrived(word, 1)

    def logged_until(self, word: str, function: str = "") -> str:
        """The function's log once the word stands in it."""
        logs = self.aws.client("logs")
        group = f"/aws/lambda/{function or self.architecture.FUNCTION}"
        end = time.monotonic() + ARRIVES_WITHIN_S
        while True:
            if logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]:
                pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group)
                text = "\n".join(event["message"] for page in pages for event in page["events"])
            else:
                text = ""
            if word in text:
                return text
            assert time.monotonic() < end, f"{word} is not in the log of {group}"
            time.sleep(0.1)

    def generator(self) -> dict[str, str]:
        """The environment in which the post's generator finds this database."""
        place = {"AURORA_CNAME": self.mysql[0], "AURORA_PORT": str(self.mysql[1]), "DBUSER": self.architecture.USER}
        return os.environ | place | {"DBPASSWORD": self.architecture.PASSWORD, "DB": "shop"}


@pytest.fixture(scope="session")
def post(server: Any, account_on: Callable[..., Any]) -> Post:
    from headwater.engines import mariadb

    sentence = mariadb.missing()
    if sentence is not None:
        pytest.skip(sentence)
    import architecture

    return Post(server, account_on(server, architecture.ACCOUNT))


@pytest.fixture
def word() -> str:
    """What marks this test's rows."""
    return secrets.token_hex(6)


@pytest.fixture
def insert_fails(post: Post, word: str) -> Callable[..., str]:
    """The error of an INSERT; the row must not be there."""

    def insert(row: tuple[Any, ...] | None = None, into: str = "Sales") -> str:
        import pymysql

        with pytest.raises(pymysql.err.OperationalError) as failure:
            post.insert(row or (*GARDEN, word), into=into)
        assert post.sql(f"SELECT count(*) FROM {into} WHERE Referral = '{word}'") == [(0,)]
        return str(failure.value.args[1])

    return insert


@pytest.fixture
def table(post: Post) -> str:
    """A table like Sales, without a trigger."""
    name = f"sales_{secrets.token_hex(4)}"
    post.sql(f"CREATE TABLE {name} LIKE Sales")
    return name


@pytest.fixture(scope="session")
def make_function(post: Post) -> Callable[[str, str], str]:
    """A Lambda function of this name from the source of its module, made once; its ARN."""
    made: dict[str, str] = {}

    def make(name: str, source: str) -> str:
        if name not in made:
            functions = post.aws.client("lambda")
            archive = io.BytesIO()
            with zipfile.ZipFile(archive, "w") as file:
                file.writestr("index.py", source)
            role = post.architecture.role(post.aws, "probe", "lambda.amazonaws.com", allow("*"))
            code = {"ZipFile": archive.getvalue()}
            created = functions.create_function(FunctionName=name, Runtime="python3.12", Role=role, Handler="index.handler", Code=code)
            functions.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
            made[name] = created["FunctionArn"]
            post.let_sql_call(created["FunctionArn"])
        return made[name]

    return make
