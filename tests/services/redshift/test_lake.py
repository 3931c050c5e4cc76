"""The lake as a cluster sees it: real S3, Glue, STS and IAM behind the gateway; the cluster itself is only its charter here."""

import gzip
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from headwater.engines.warehouse.sql.lake import ExternalTable, LakeError, Partition
from headwater.kernel.identity import service_principal
from headwater.services.redshift import charter
from headwater.services.redshift.charter import Charter, CharterFile
from headwater.services.redshift.lake import Aws, AwsLake

SALES = ExternalTable(
    name="sales",
    columns=(("itemid", "int"), ("price", "decimal(10,2)")),
    partition_keys=(("day", "date"),),
    location="s3://lake/CDC/",
    input_format="org.apache.hadoop.mapred.TextInputFormat",
    output_format="org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
    serde="org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
    serde_parameters={"field.delim": ","},
    table_parameters={"numRows": "6"},
)
TRUST = (
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"redshift.amazonaws.com"},"Action":"sts:AssumeRole"}]}'
)


@pytest.fixture
def role(aws: Any) -> str:
    answer = aws.client("iam").create_role(RoleName="spectrum", AssumeRolePolicyDocument=TRUST)
    arn: str = answer["Role"]["Arn"]
    return arn


@pytest.fixture
def told(server: Any, aws: Any, role: str, tmp_path: Path) -> Charter:
    async def issue() -> Any:
        return server.home.issue_credentials(service_principal("redshift", aws.account), None)

    credentials = server.call(issue())
    return Charter(
        account=aws.account,
        region="us-east-1",
        cluster="shop",
        host="127.0.0.1",
        port=5439,
        dbname="dev",
        master_user="awsuser",
        certificate="",
        key="",
        memory_bytes=0,
        endpoint_url=server.endpoint_url,
        access_key_id=credentials.access_key_id,
        secret_access_key=credentials.secret_access_key,
        session_token=credentials.session_token,
        logins={},
        roles=[role],
        default_role=role,
        clock_offset_us=server.home.clock.offset // timedelta(microseconds=1),
    )


@pytest.fixture
def lake(told: Charter, tmp_path: Path) -> Iterator[AwsLake]:
    charter.write(tmp_path, told)
    aws = Aws(CharterFile(tmp_path))
    yield AwsLake(aws, "awsuser")
    aws.close()


@pytest.fixture
def bucket(aws: Any) -> str:
    name = f"lake-{aws.account}"
    s3 = aws.client("s3")
    s3.create_bucket(Bucket=name)
    for key, body in (
        ("CDC/2016/01/one.gz", gzip.compress(b"1,10.00\n")),
        ("CDC/two.csv", b"2,20.00\n" * 100_000),
        ("CDC/_SUCCESS", b"done"),
        ("CDC/.hidden", b"no"),
        ("CDC/folder/", b""),
        ("other/three.csv", b"3,30.00\n"),
    ):
        s3.put_object(Bucket=name, Key=key, Body=body)
    return name


def test_the_files_under_a_prefix_are_read_in_place(lake: AwsLake, bucket: str, role: str) -> None:
    found = lake.files(bucket, "CDC/", role)
    assert [one.key for one in found] == ["CDC/2016/01/one.gz", "CDC/two.csv"]
    assert gzip.decompress(found[0].path.read_bytes()) == b"1,10.00\n"
    assert found[1].path.stat().st_size == found[1].size == 800_000
    assert lake.files(bucket, "absent/", role) == []


def test_an_object_that_was_replaced_is_read_anew(lake: AwsLake, aws: Any, bucket: str, role: str) -> None:
    lake.files(bucket, "other/", role)
    aws.client("s3").put_object(Bucket=bucket, Key="other/three.csv", Body=b"4,40.00\n")
    (again,) = lake.files(bucket, "other/", role)
    assert again.path.read_bytes() == b"4,40.00\n"


def test_the_default_role_is_the_cluster_s(lake: AwsLake, bucket: str) -> None:
    assert len(lake.files(bucket, "CDC/", "default")) == 2


def test_a_role_that_is_not_associated_is_refused_before_sts_is_asked(lake: AwsLake, told: Charter, bucket: str) -> None:
    other = f"arn:aws:iam::{told.account}:role/other"
    words = f"User arn:aws:redshift:us-east-1:{told.account}:dbuser:shop/awsuser is not authorized to assume IAM Role {other}"
    with pytest.raises(LakeError, match=words):
        lake.files(bucket, "CDC/", other)


def test_a_role_that_is_gone_is_refused_by_sts(lake: AwsLake, aws: Any, bucket: str, role: str) -> None:
    aws.client("iam").delete_role(RoleName="spectrum")
    with pytest.raises(LakeError) as refusal:
        lake.files(bucket, "CDC/", role)
    assert refusal.value.status == 403


def test_an_unknown_bucket_is_aws_s_own_error(lake: AwsLake, role: str) -> None:
    with pytest.raises(LakeError) as refusal:
        lake.files("no-such-bucket-at-all", "", role)
    assert (refusal.value.code, refusal.value.status) == ("NoSuchBucket", 404)


def test_credentials_are_renewed_when_the_clock_passes_them(
    lake: AwsLake, told: Charter, server: Any, clock: Any, bucket: str, role: str, tmp_path: Path
) -> None:
    import msgspec

    lake.files(bucket, "CDC/", role)
    clock.advance(timedelta(hours=2))
    offset_us = server.home.clock.offset // timedelta(microseconds=1)
    charter.write(tmp_path, msgspec.structs.replace(told, clock_offset_us=offset_us))
    assert len(lake.files(bucket, "CDC/", role)) == 2


def test_what_is_unloaded_lands_in_s3(lake: AwsLake, aws: Any, bucket: str, role: str, tmp_path: Path) -> None:
    path = tmp_path / "part"
    path.write_bytes(b"7|8\n")
    lake.write(bucket, "out/part-000", path, role)
    assert aws.client("s3").get_object(Bucket=bucket, Key="out/part-000")["Body"].read() == b"7|8\n"


def test_tables_and_partitions_are_those_of_the_data_catalog(lake: AwsLake, aws: Any) -> None:
    assert lake.database("spectrum_db") is False
    lake.create_database("spectrum_db")
    assert lake.database("spectrum_db") is True
    assert lake.table("spectrum_db", "sales") is None
    lake.create_table("spectrum_db", SALES)
    seen = aws.client("glue").get_table(DatabaseName="spectrum_db", Name="sales")["Table"]
    assert (seen["TableType"], seen["StorageDescriptor"]["Location"]) == ("EXTERNAL_TABLE", "s3://lake/CDC/")
    found = lake.table("spectrum_db", "sales")
    assert found is not None
    assert found.table_parameters == {"EXTERNAL": "TRUE", "numRows": "6"}
    assert (found.columns, found.partition_keys, found.serde_parameters) == (SALES.columns, SALES.partition_keys, SALES.serde_parameters)
    assert [one.name for one in lake.tables("spectrum_db")] == ["sales"]

    january = Partition(values=("2016-01-05",), location="s3://lake/CDC/day=2016-01-05/")
    lake.add_partition("spectrum_db", "sales", january)
    assert lake.partitions("spectrum_db", "sales") == [january]
    with pytest.raises(LakeError, match="AlreadyExistsException"):
        lake.add_partition("spectrum_db", "sales", january)
    lake.drop_partition("spectrum_db", "sales", ["2016-01-05"])
    lake.drop_table("spectrum_db", "sales")
    assert lake.tables("spectrum_db") == []
