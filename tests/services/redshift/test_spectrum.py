"""Post 11's Redshift side, whole: a cluster with its role, the Data Catalog, S3, and the post's own statements over the wire.

The six golden rows and their totals are the scenario's (S11, "Golden test"); the statements are the post's.
"""

import gzip
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest

from users import allow
from users import role as new_role

LINES = (
    "1,Garden,10.00,2,2016-01-05 00:00:00,WA,Free,Other",
    "2,Kitchen,25.00,1,2016-04-12 00:00:00,CA,3-Day,Online Ad",
    "3,Office,40.00,3,2016-07-02 00:00:00,NY,2-Day,Repeat Customer",
    "4,Household,5.00,4,2016-10-31 00:00:00,TX,Free,Friend/Colleague",
    "5,Garden,99.00,1,2016-12-25 00:00:00,FL,Free,Other",
    "6,Office,60.00,2,2016-02-29 00:00:00,OR,2-Day,Online Ad",
)
SEASONS = ("Winter", "Winter", "Spring", "Spring", "Spring", "Summer", "Summer", "Summer", "Fall", "Fall", "Fall", "Winter")
EXTERNAL_TABLE = """CREATE EXTERNAL TABLE IF NOT EXISTS spectrum_schema.ecommerce_sales(
  ItemID int, Category varchar, Price DOUBLE PRECISION, Quantity int, OrderDate TIMESTAMP,
  DestinationState varchar, ShippingType varchar, Referral varchar)
ROW FORMAT DELIMITED FIELDS TERMINATED BY ',' LINES TERMINATED BY '\\n' LOCATION 's3://{bucket}/CDC/'"""
DATE_DIMENSION = """CREATE TABLE date_dimension (d_datekey integer not null sortkey, d_dayofmonth integer not null,
  d_monthnum integer not null,
  d_dayofweek varchar(10) not null, d_prettydate date not null, d_quarter integer not null, d_half integer not null,
  d_year integer not null,   d_season varchar(10) not null, d_fiscalyear integer not null) diststyle all"""
BY = """select sum(quantity*price) as total_sales, date_dimension.{0} from spectrum_schema.ecommerce_sales join date_dimension
  on spectrum_schema.ecommerce_sales.orderdate = date_dimension.d_prettydate group by date_dimension.{0}"""
Refused = Callable[..., AbstractContextManager[Any]]


def dates() -> str:
    """The year 2016 as COPY's default form has it."""
    days = [date(2016, 1, 1) + timedelta(days=number) for number in range(366)]
    return "".join(
        f"{day:%Y%m%d}|{day.day}|{day.month}|{day:%A}|{day:%Y-%m-%d}|{(day.month + 2) // 3}|{(day.month + 5) // 6}|2016|"
        f"{SEASONS[day.month - 1]}|2016\n"
        for day in days
    )


@pytest.fixture
def bucket(aws: Any) -> str:
    name = f"sales-{aws.account}"
    s3 = aws.client("s3")
    s3.create_bucket(Bucket=name)
    for number in (0, 3):
        body = gzip.compress("".join(line + "\n" for line in LINES[number : number + 3]).encode())
        s3.put_object(Bucket=name, Key=f"CDC/2016/12/31/23/AuroraChangesToS3-1-{number}.gz", Body=body)
    s3.put_object(Bucket=name, Key="CDC/_temporary", Body=b"not,a,row")
    s3.put_object(Bucket=name, Key="2016dates", Body=dates().encode())
    return name


@pytest.fixture
def role(aws: Any) -> str:
    reads = allow(["s3:GetObject", "s3:ListBucket"])
    catalog = allow(["glue:GetDatabase", "glue:CreateDatabase", "glue:GetTable", "glue:CreateTable", "glue:GetPartitions"])
    return new_role(aws, "spectrum", "redshift.amazonaws.com", reads, catalog)


@pytest.fixture
def warehouse(aws: Any, role: str) -> Iterator[psycopg.Connection]:
    redshift = aws.client("redshift")
    redshift.create_cluster(
        ClusterIdentifier="shop", NodeType="ra3.large", MasterUsername="awsuser", MasterUserPassword="Secret99", IamRoles=[role]
    )
    redshift.get_waiter("cluster_available").wait(ClusterIdentifier="shop")
    endpoint = redshift.describe_clusters(ClusterIdentifier="shop")["Clusters"][0]["Endpoint"]
    with psycopg.connect(
        host=endpoint["Address"], port=endpoint["Port"], user="awsuser", password="Secret99", dbname="dev", autocommit=True
    ) as connection:
        yield connection
    redshift.delete_cluster(ClusterIdentifier="shop", SkipFinalClusterSnapshot=True)
    redshift.get_waiter("cluster_deleted").wait(ClusterIdentifier="shop")


def attach(warehouse: psycopg.Connection, role: str) -> None:
    warehouse.execute(
        "create external schema if not exists spectrum_schema from data catalog database 'spectrum_db' region 'us-east-1' "
        f"IAM_ROLE '{role}' create external database if not exists;"
    )


@pytest.mark.slow
def test_the_post_s_statements_give_its_totals(warehouse: psycopg.Connection, aws: Any, bucket: str, role: str) -> None:
    attach(warehouse, role)
    warehouse.execute(EXTERNAL_TABLE.format(bucket=bucket))
    table = aws.client("glue").get_table(DatabaseName="spectrum_db", Name="ecommerce_sales")["Table"]
    assert table["StorageDescriptor"]["Location"] == f"s3://{bucket}/CDC/"
    assert len(warehouse.execute("select top 10 * from spectrum_schema.ecommerce_sales").fetchall()) == 6
    warehouse.execute(DATE_DIMENSION)
    warehouse.execute(f"copy date_dimension from 's3://{bucket}/2016dates' iam_role '{role}' dateformat 'auto';")
    by_season = {season: total for total, season in warehouse.execute(BY.format("d_season"))}
    assert by_season == {"Fall": 20, "Spring": 25, "Summer": 120, "Winter": 239}
    by_weekday = {day: total for total, day in warehouse.execute(BY.format("d_dayofweek"))}
    assert by_weekday == {"Monday": 140, "Saturday": 120, "Sunday": 99, "Tuesday": 45}

    data = aws.client("redshift-data")
    asked = {"ClusterIdentifier": "shop", "Database": "dev", "DbUser": "awsuser", "WaitTimeSeconds": 20}
    done = data.execute_statement(Sql="select sum(quantity*price) as total from spectrum_schema.ecommerce_sales", **asked)
    assert data.get_statement_result(Id=done["Id"])["Records"] == [[{"doubleValue": 404.0}]]


@pytest.mark.slow
def test_what_the_lake_refuses_reaches_the_client_in_its_words(warehouse: psycopg.Connection, bucket: str, role: str) -> None:
    warehouse.execute(DATE_DIMENSION)
    other = role.replace("spectrum", "other")
    with pytest.raises(psycopg.Error, match=f"is not authorized to assume IAM Role {other}"):
        warehouse.execute(f"copy date_dimension from 's3://{bucket}/2016dates' iam_role '{other}'")
    with pytest.raises(psycopg.Error, match="NoSuchBucket"):
        warehouse.execute(f"copy date_dimension from 's3://no-such-bucket-at-all/x' iam_role '{role}'")
    assert warehouse.execute("select count(*) from date_dimension").fetchone() == (0,)


@pytest.mark.slow
def test_an_empty_prefix_is_an_empty_table(warehouse: psycopg.Connection, bucket: str, role: str) -> None:
    attach(warehouse, role)
    warehouse.execute(EXTERNAL_TABLE.format(bucket=bucket).replace("/CDC/", "/absent/"))
    assert warehouse.execute("select count(*) from spectrum_schema.ecommerce_sales").fetchone() == (0,)


@pytest.mark.slow
def test_encrypted_objects_are_loaded_by_who_may_decrypt_them(
    warehouse: psycopg.Connection, aws: Any, server: Any, bucket: str, role: str
) -> None:
    """Truth: "Loading encrypted data files from Amazon S3" of the Redshift guide; the form of the refusal is that of any other of S3's."""
    key = aws.client("kms").create_key()["KeyMetadata"]["Arn"]
    sealed = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key}
    for number in (0, 3):
        body = gzip.compress("".join(line + "\n" for line in LINES[number : number + 3]).encode())
        aws.client("s3").put_object(Bucket=bucket, Key=f"CDC/2016/12/31/23/AuroraChangesToS3-1-{number}.gz", Body=body, **sealed)
    attach(warehouse, role)
    warehouse.execute(EXTERNAL_TABLE.format(bucket=bucket))
    warehouse.execute("create table sales(id int, category varchar, price float, n int, day timestamp, s varchar, t varchar, r varchar)")
    load = f"copy sales from 's3://{bucket}/CDC/2016' iam_role '{role}' csv gzip"
    with pytest.raises(psycopg.Error, match="Access Denied,Status 403"):
        warehouse.execute(load)
    with pytest.raises(psycopg.Error, match="Access Denied,Status 403"):
        warehouse.execute("select count(*) from spectrum_schema.ecommerce_sales")

    may = {"Version": "2012-10-17", "Statement": [allow("kms:Decrypt", key)]}
    aws.client("iam").put_role_policy(RoleName="spectrum", PolicyName="decrypts", PolicyDocument=json.dumps(may))
    warehouse.execute(load)
    assert warehouse.execute("select count(*), sum(price * n) from sales").fetchone() == (6, 404.0)
    assert warehouse.execute("select count(*) from spectrum_schema.ecommerce_sales").fetchone() == (6,)
    left = list(server.settings.home.rglob("*.fetched"))
    assert not left, "what was fetched goes with the statement"
