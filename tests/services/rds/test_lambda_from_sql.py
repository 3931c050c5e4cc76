"""SQL in an Aurora MySQL cluster calls real Lambda functions, under the cluster's role.

Truth: "Invoking a Lambda function from an Amazon Aurora MySQL DB cluster" in the Aurora User Guide and the failure cases of scenario S11.
"""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Callable
from typing import Any

import pymysql
import pytest

from users import allow, role

PASSWORD = "secret99word"
WAIT = {"Delay": 0.05, "MaxAttempts": 400}
CODE = """
import hashlib, json, os, boto3
def handler(event, context):
    if event.get("fail"):
        raise ValueError("no such shelf")
    if "bucket" in event:
        boto3.client("s3").put_object(Bucket=event["bucket"], Key=str(event["key"]), Body=json.dumps(event).encode())
    return {"sum": event.get("a", 0) + event.get("b", 0)}
"""

pytestmark = pytest.mark.usefixtures("needs_mariadb")


class Shop:
    """A cluster, a function, and the roles between them."""

    def __init__(self, aws: Any, rds: Any, create_cluster: Callable[..., Any]) -> None:
        self.rds = rds
        self.s3 = aws.client("s3")
        self.bucket = f"from-sql-{aws.account}"
        self.s3.create_bucket(Bucket=self.bucket)
        self.iam = aws.client("iam")
        self.role = role(aws, "database", "rds.amazonaws.com", allow("lambda:InvokeFunction", f"arn:aws:lambda:*:{aws.account}:function:*"))
        self.functions = aws.client("lambda")
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr("code.py", CODE)
        created = self.functions.create_function(
            FunctionName="keep",
            Runtime="python3.12",
            Role=role(aws, "function", "lambda.amazonaws.com", allow("s3:PutObject", f"arn:aws:s3:::{self.bucket}/*")),
            Handler="code.handler",
            Code={"ZipFile": archive.getvalue()},
            Timeout=30,
        )
        self.functions.get_waiter("function_active_v2").wait(FunctionName="keep", WaiterConfig={"Delay": 0.1, "MaxAttempts": 100})
        self.arn = created["FunctionArn"]
        rds.create_db_cluster_parameter_group(
            DBClusterParameterGroupName="calls", DBParameterGroupFamily="aurora-mysql8.0", Description="d"
        )
        self.cluster = create_cluster(DBClusterParameterGroupName="calls")

    def allow(self) -> None:
        self.rds.add_role_to_db_cluster(DBClusterIdentifier="sales", RoleArn=self.role)
        self.name_role()

    def name_role(self) -> None:
        named = {"ParameterName": "aws_default_lambda_role", "ParameterValue": self.role, "ApplyMethod": "immediate"}
        self.rds.modify_db_cluster_parameter_group(DBClusterParameterGroupName="calls", Parameters=[named])

    def sql(self, *statements: str) -> list[tuple[Any, ...]]:
        login = {"user": "chief", "password": PASSWORD, "database": "shop", "autocommit": True}
        with (
            pymysql.connect(host=self.cluster["Endpoint"], port=self.cluster["Port"], **login) as connection,
            connection.cursor() as cursor,
        ):
            for statement in statements:
                cursor.execute(statement)
            return list(cursor.fetchall())

    def kept(self, count: int) -> set[str]:
        """The keys in the bucket, once there are as many as that."""
        keys: set[str] = set()
        for _ in range(200):
            pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket)
            keys = {each["Key"] for page in pages for each in page.get("Contents", [])}
            if len(keys) >= count:
                break
            time.sleep(0.05)
        return keys


@pytest.fixture
def shop(aws: Any, rds: Any, create_cluster: Callable[..., Any]) -> Shop:
    return Shop(aws, rds, create_cluster)


def test_a_row_calls_the_function_under_the_clusters_role(shop: Shop) -> None:
    shop.allow()
    payload = f"JSON_OBJECT('bucket', '{shop.bucket}', 'key', NEW.id)"
    shop.sql("CREATE TABLE orders (id INT PRIMARY KEY)")
    shop.sql(f"CREATE TRIGGER t AFTER INSERT ON orders FOR EACH ROW CALL mysql.lambda_async('{shop.arn}', {payload})")
    shop.sql("INSERT INTO orders VALUES (1), (2), (3)")
    assert shop.kept(3) == {"1", "2", "3"}


def test_lambda_sync_returns_what_the_function_answers(shop: Shop) -> None:
    shop.allow()
    ((answer,),) = shop.sql(f"SELECT lambda_sync('{shop.arn}', '{{\"a\": 2, \"b\": 40}}')")
    assert json.loads(answer) == {"sum": 42}


def test_a_function_that_raises_fails_the_synchronous_call_with_its_error(shop: Shop) -> None:
    """Our reading: Aurora's own answer to an unhandled exception is not documented, and an error cannot be taken for a value."""
    shop.allow()
    with pytest.raises(pymysql.err.OperationalError, match="no such shelf") as failure:
        shop.sql(f"SELECT lambda_sync('{shop.arn}', '{{\"fail\": true}}')")
    assert shop.arn in failure.value.args[1]


def failing_insert(shop: Shop, arn: str) -> str:
    """The error of an INSERT whose trigger cannot call; the row must not be there."""
    shop.sql("CREATE TABLE orders (id INT PRIMARY KEY)")
    shop.sql(f"CREATE TRIGGER t AFTER INSERT ON orders FOR EACH ROW CALL mysql.lambda_async('{arn}', '{{}}')")
    with pytest.raises(pymysql.err.OperationalError) as failure:
        shop.sql("INSERT INTO orders VALUES (1)")
    assert shop.sql("SELECT COUNT(*) FROM orders") == [(0,)]
    assert arn in failure.value.args[1]
    return str(failure.value.args[1])


def test_without_a_role_the_insert_fails_and_names_the_function_and_the_cause(shop: Shop) -> None:
    words = failing_insert(shop, shop.arn)
    assert "Missing Credentials: Cannot instantiate Lambda Client: aws_default_lambda_role is not set" in words


def test_a_role_that_is_named_but_not_associated_does_not_do(shop: Shop) -> None:
    shop.name_role()
    assert f"role {shop.role} is not associated with sales" in failing_insert(shop, shop.arn)


def test_a_role_that_was_taken_away_does_no_longer_do(shop: Shop) -> None:
    shop.allow()
    shop.rds.remove_role_from_db_cluster(DBClusterIdentifier="sales", RoleArn=shop.role)
    assert "is not associated" in failing_insert(shop, shop.arn)


def test_a_role_without_the_permission_is_denied_by_lambda(shop: Shop) -> None:
    shop.allow()
    document = {"Version": "2012-10-17", "Statement": [allow("lambda:InvokeFunction", shop.arn.replace(":keep", ":other"))]}
    shop.iam.put_role_policy(RoleName="database", PolicyName="test", PolicyDocument=json.dumps(document))
    words = failing_insert(shop, shop.arn)
    assert words.startswith("Lambda API returned error: Access denied: User: arn:aws:sts::")
    assert f":assumed-role/database/sales is not authorized to perform: lambda:InvokeFunction on resource: {shop.arn}" in words


def test_a_role_that_does_not_trust_rds_gives_no_credentials(shop: Shop) -> None:
    shop.allow()
    statement = {"Effect": "Allow", "Principal": {"Service": "redshift.amazonaws.com"}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    shop.iam.update_assume_role_policy(RoleName="database", PolicyDocument=trust)
    words = f"Missing Credentials: Cannot instantiate Lambda Client: rds.amazonaws.com may not assume role {shop.role}"
    assert words in failing_insert(shop, shop.arn)


def test_a_role_may_trust_rds_for_one_cluster_alone(shop: Shop) -> None:
    """Truth: "Preventing cross-service confused deputy problems" of the Aurora User Guide: aws:SourceArn is the cluster's ARN."""
    shop.allow()
    statement = {"Effect": "Allow", "Principal": {"Service": "rds.amazonaws.com"}, "Action": "sts:AssumeRole"}
    for name, lets_in in (("other", False), ("sales", True)):
        source = shop.cluster["DBClusterArn"].replace(":sales", f":{name}")
        trust = {"Version": "2012-10-17", "Statement": [statement | {"Condition": {"ArnLike": {"aws:SourceArn": source}}}]}
        shop.iam.update_assume_role_policy(RoleName="database", PolicyDocument=json.dumps(trust))
        if lets_in:
            assert shop.sql(f"SELECT lambda_sync('{shop.arn}', '{{\"a\": 1}}')")
        else:
            assert "may not assume role" in failing_insert(shop, shop.arn)


def test_a_function_that_is_missing_fails_the_insert(shop: Shop) -> None:
    shop.allow()
    assert "ResourceNotFoundException" in failing_insert(shop, shop.arn.replace(":keep", ":gone"))


def test_an_instance_outside_a_cluster_calls_under_its_role_for_lambda(shop: Shop, rds: Any, create_instance: Callable[..., Any]) -> None:
    """Our reading: RDS for MySQL has no such functions; here an associated role opens them."""
    instance = create_instance()
    rds.add_role_to_db_instance(DBInstanceIdentifier="orders", RoleArn=shop.role, FeatureName="Lambda")
    login = {"user": "chief", "password": PASSWORD}
    with pymysql.connect(host=instance["Endpoint"]["Address"], port=3306, **login) as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT lambda_sync('{shop.arn}', '{{\"a\": 1}}')")
        assert json.loads(cursor.fetchone()[0]) == {"sum": 1}
