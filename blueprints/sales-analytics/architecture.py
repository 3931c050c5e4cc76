"""Post 11's architecture, built with plain boto3: nothing here knows that it is not AWS."""

import io
import json
import time
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import psycopg
import pymysql
from botocore.exceptions import ClientError

HERE = Path(__file__).parent
ACCOUNT = "123456789012"
REGION = "us-east-1"
BUCKET = f"sales-analytics-{ACCOUNT}"
BUCKET_ARN = f"arn:aws:s3:::{BUCKET}"
CATALOG = ["database/spectrum_db", "table/spectrum_db/*"]
FUNCTION = "CDCFromAuroraToKinesis"
STREAM = "AuroraChangesToS3"
CLUSTER = "sales"
WAREHOUSE = "sales-warehouse"
DATABASE = "shop"
USER = "admin"
PASSWORD = "Sales-and-Seasons-16"
FLUSH_S = 5
"""Firehose's buffering time: short, so that the demonstration need not wait a minute for each pass."""
ORDERS_BEGUN = "orders-begun"
NEXT_STATEMENT = ";;"
POLL_S = 0.2


class Endpoints(NamedTuple):
    """What the APIs reported."""

    mysql: tuple[str, int]
    redshift: tuple[str, int]


def session() -> boto3.session.Session:
    """A session of the account's root; the endpoint comes from AWS_ENDPOINT_URL."""
    return boto3.session.Session(aws_access_key_id=ACCOUNT, aws_secret_access_key="test", region_name=REGION)


def script(name: str, **values: str) -> list[str]:
    """The statements of sql/NAME, with {placeholders} filled in."""
    text = (HERE / "sql" / name).read_text()
    for key, value in values.items():
        text = text.replace("{" + key + "}", value)
    return [statement.strip() for statement in text.split(NEXT_STATEMENT) if statement.strip()]


def tear_down(aws: boto3.session.Session) -> None:
    """Delete what an earlier run left, whatever of it there is."""
    s3 = aws.client("s3")
    try:
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET):
            keys = [{"Key": item["Key"]} for item in page.get("Contents", [])]
            if keys:
                s3.delete_objects(Bucket=BUCKET, Delete={"Objects": keys, "Quiet": True})
        s3.delete_bucket(Bucket=BUCKET)
    except s3.exceptions.NoSuchBucket:
        pass
    rds, redshift = aws.client("rds"), aws.client("redshift")
    _gone(lambda: aws.client("firehose").delete_delivery_stream(DeliveryStreamName=STREAM))
    _gone(lambda: aws.client("lambda").delete_function(FunctionName=FUNCTION))
    if _gone(lambda: rds.delete_db_instance(DBInstanceIdentifier=f"{CLUSTER}-1", SkipFinalSnapshot=True)):
        rds.get_waiter("db_instance_deleted").wait(DBInstanceIdentifier=f"{CLUSTER}-1", WaiterConfig={"Delay": 1})
    if _gone(lambda: rds.delete_db_cluster(DBClusterIdentifier=CLUSTER, SkipFinalSnapshot=True)):
        rds.get_waiter("db_cluster_deleted").wait(DBClusterIdentifier=CLUSTER, WaiterConfig={"Delay": 1})
    _gone(lambda: rds.delete_db_cluster_parameter_group(DBClusterParameterGroupName=CLUSTER))
    if _gone(lambda: redshift.delete_cluster(ClusterIdentifier=WAREHOUSE, SkipFinalClusterSnapshot=True)):
        redshift.get_waiter("cluster_deleted").wait(ClusterIdentifier=WAREHOUSE, WaiterConfig={"Delay": 1})
    glue = aws.client("glue")
    _gone(lambda: glue.delete_database(Name="spectrum_db"))


def _gone(delete: Any) -> bool:
    """Whether there was something to delete."""
    try:
        delete()
    except ClientError as error:
        if "NotFound" not in error.response["Error"]["Code"]:
            raise
        return False
    return True


def allow(actions: list[str], *resources: str) -> dict[str, Any]:
    """A statement of a policy."""
    return {"Effect": "Allow", "Action": actions, "Resource": list(resources)}


def role(aws: boto3.session.Session, name: str, service: str, *statements: dict[str, Any]) -> str:
    """A role that `service` may assume, with these permissions and no more; its ARN."""
    iam = aws.client("iam")
    trust = [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}]
    try:
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trust))
    except iam.exceptions.EntityAlreadyExistsException:
        iam.update_assume_role_policy(RoleName=name, PolicyDocument=document(trust))
    iam.put_role_policy(RoleName=name, PolicyName="access", PolicyDocument=document(list(statements)))
    return str(iam.get_role(RoleName=name)["Role"]["Arn"])


def document(statements: list[dict[str, Any]]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def delivery_role(aws: boto3.session.Session) -> str:
    """The role under which Firehose writes to the bucket: what the Firehose guide lists for an S3 destination."""
    bucket = ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"]
    objects = ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"]
    return role(aws, "firehose-delivery", "firehose.amazonaws.com", allow(bucket, BUCKET_ARN), allow(objects, f"{BUCKET_ARN}/CDC/*"))


def function_role(aws: boto3.session.Session) -> str:
    """The role that the function's code has: one delivery stream, and its own log."""
    logs = f"arn:aws:logs:{REGION}:{ACCOUNT}"
    return role(
        aws,
        "cdc-function",
        "lambda.amazonaws.com",
        allow(["firehose:PutRecord"], f"arn:aws:firehose:{REGION}:{ACCOUNT}:deliverystream/{STREAM}"),
        allow(["logs:CreateLogGroup"], f"{logs}:*"),
        allow(["logs:CreateLogStream", "logs:PutLogEvents"], f"{logs}:log-group:/aws/lambda/{FUNCTION}:*"),
    )


def database_role(aws: boto3.session.Session, function_arn: str) -> str:
    """The role under which SQL calls the function."""
    return role(aws, "aurora-lambda", "rds.amazonaws.com", allow(["lambda:InvokeFunction"], function_arn))


def warehouse_role(aws: boto3.session.Session) -> str:
    """The role under which Redshift reads the bucket and keeps its external tables in the data catalog."""
    catalog = f"arn:aws:glue:{REGION}:{ACCOUNT}"
    tables = ["glue:CreateTable", "glue:GetTable", "glue:GetTables", "glue:DeleteTable", "glue:GetPartitions"]
    return role(
        aws,
        "spectrum",
        "redshift.amazonaws.com",
        allow(["s3:GetBucketLocation", "s3:ListBucket"], BUCKET_ARN),
        allow(["s3:GetObject"], f"{BUCKET_ARN}/*"),
        allow(["glue:CreateDatabase", "glue:GetDatabase", *tables], f"{catalog}:catalog", *(f"{catalog}:{each}" for each in CATALOG)),
    )


def build_stream(aws: boto3.session.Session) -> None:
    """The bucket, and the delivery stream that fills it."""
    aws.client("s3").create_bucket(Bucket=BUCKET)
    firehose = aws.client("firehose")
    firehose.create_delivery_stream(
        DeliveryStreamName=STREAM,
        DeliveryStreamType="DirectPut",
        ExtendedS3DestinationConfiguration={
            "RoleARN": delivery_role(aws),
            "BucketARN": BUCKET_ARN,
            "Prefix": "CDC/",
            "CompressionFormat": "GZIP",
            "BufferingHints": {"SizeInMBs": 5, "IntervalInSeconds": FLUSH_S},
        },
    )
    while firehose.describe_delivery_stream(DeliveryStreamName=STREAM)["DeliveryStreamDescription"]["DeliveryStreamStatus"] != "ACTIVE":
        time.sleep(POLL_S)


def build_function(aws: boto3.session.Session) -> str:
    """The Lambda function, from a zip; its ARN."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.write(HERE / "function" / "lambda_function.py", "lambda_function.py")
    functions = aws.client("lambda")
    created = functions.create_function(
        FunctionName=FUNCTION,
        Runtime="python3.12",
        Role=function_role(aws),
        Handler="lambda_function.Kinesis_publish_message",
        Code={"ZipFile": archive.getvalue()},
        Timeout=30,
    )
    functions.get_waiter("function_active_v2").wait(FunctionName=FUNCTION, WaiterConfig={"Delay": 1})
    return str(created["FunctionArn"])


def build_database(aws: boto3.session.Session, function_arn: str) -> tuple[str, int]:
    """The Aurora cluster with the post's table, procedure and trigger; its endpoint."""
    rds = aws.client("rds")
    lambda_role = database_role(aws, function_arn)
    rds.create_db_cluster_parameter_group(
        DBClusterParameterGroupName=CLUSTER, DBParameterGroupFamily="aurora-mysql8.0", Description="SQL may call Lambda functions"
    )
    named = {"ParameterName": "aws_default_lambda_role", "ParameterValue": lambda_role, "ApplyMethod": "immediate"}
    rds.modify_db_cluster_parameter_group(DBClusterParameterGroupName=CLUSTER, Parameters=[named])
    rds.create_db_cluster(
        DBClusterIdentifier=CLUSTER,
        Engine="aurora-mysql",
        MasterUsername=USER,
        MasterUserPassword=PASSWORD,
        DatabaseName=DATABASE,
        DBClusterParameterGroupName=CLUSTER,
    )
    rds.create_db_instance(
        DBInstanceIdentifier=f"{CLUSTER}-1", DBClusterIdentifier=CLUSTER, Engine="aurora-mysql", DBInstanceClass="db.t3.small"
    )
    rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier=f"{CLUSTER}-1", WaiterConfig={"Delay": 1})
    rds.add_role_to_db_cluster(DBClusterIdentifier=CLUSTER, RoleArn=lambda_role)
    endpoint = mysql_endpoint(aws)
    with mysql(endpoint) as database, database.cursor() as cursor:
        for statement in script("sales.sql", function_arn=function_arn):
            cursor.execute(statement)
    return endpoint


def build_warehouse(aws: boto3.session.Session) -> tuple[str, int]:
    """The Redshift cluster with its role; its endpoint."""
    redshift = aws.client("redshift")
    redshift.create_cluster(
        ClusterIdentifier=WAREHOUSE,
        NodeType="ra3.large",
        ClusterType="single-node",
        MasterUsername=USER,
        MasterUserPassword=PASSWORD,
        DBName=DATABASE,
    )
    redshift.get_waiter("cluster_available").wait(ClusterIdentifier=WAREHOUSE, WaiterConfig={"Delay": 1})
    redshift.modify_cluster_iam_roles(ClusterIdentifier=WAREHOUSE, AddIamRoles=[warehouse_role(aws)])
    redshift.get_waiter("cluster_available").wait(ClusterIdentifier=WAREHOUSE, WaiterConfig={"Delay": 1})
    return redshift_endpoint(aws)


def remember_orders(aws: boto3.session.Session, count: int) -> None:
    """The second pass begins, with so many orders: what `--continue` needs to know."""
    aws.client("s3").put_object(Bucket=BUCKET, Key=ORDERS_BEGUN, Body=str(count).encode())


def orders_begun(aws: boto3.session.Session) -> int | None:
    """How many orders the second pass that was begun is about; None where none was."""
    s3 = aws.client("s3")
    try:
        return int(s3.get_object(Bucket=BUCKET, Key=ORDERS_BEGUN)["Body"].read())
    except (s3.exceptions.NoSuchBucket, s3.exceptions.NoSuchKey):
        return None


def endpoints_again(aws: boto3.session.Session) -> Endpoints:
    """The endpoints of what an earlier run built, once its engines are up again."""
    aws.client("rds").get_waiter("db_instance_available").wait(DBInstanceIdentifier=f"{CLUSTER}-1", WaiterConfig={"Delay": 1})
    aws.client("redshift").get_waiter("cluster_available").wait(ClusterIdentifier=WAREHOUSE, WaiterConfig={"Delay": 1})
    return Endpoints(mysql_endpoint(aws), redshift_endpoint(aws))


def mysql_endpoint(aws: boto3.session.Session) -> tuple[str, int]:
    cluster = aws.client("rds").describe_db_clusters(DBClusterIdentifier=CLUSTER)["DBClusters"][0]
    return cluster["Endpoint"], cluster["Port"]


def redshift_endpoint(aws: boto3.session.Session) -> tuple[str, int]:
    cluster = aws.client("redshift").describe_clusters(ClusterIdentifier=WAREHOUSE)["Clusters"][0]
    return cluster["Endpoint"]["Address"], cluster["Endpoint"]["Port"]


def mysql(endpoint: tuple[str, int]) -> "pymysql.connections.Connection[Any]":
    """A connection that commits each statement."""
    host, port = endpoint
    return pymysql.connect(host=host, port=port, user=USER, password=PASSWORD, database=DATABASE, autocommit=True)


def redshift(endpoint: tuple[str, int]) -> "psycopg.Connection[Any]":
    """A connection over the PostgreSQL wire, with TLS."""
    host, port = endpoint
    return psycopg.connect(host=host, port=port, user=USER, password=PASSWORD, dbname=DATABASE, sslmode="require", autocommit=True)
