"""The lake as a cluster sees it: real S3, Glue, STS and IAM behind the gateway; the cluster itself is only its charter here."""

import gzip
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from headwater.engines.warehouse.sql.lake import ExternalTable, LakeError, Partition, RoleRefused
from headwater.kernel.identity import service_principal
from headwater.services.redshift import charter
from headwater.services.redshift.charter import Charter, CharterFile
from headwater.services.redshift.lake import Aws, AwsLake
from users import allow
from users import role as new_role

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
READS = allow(["s3:GetObject", "s3:ListBucket"])
WRITES = allow("s3:PutObject", "arn:aws:s3:::*/out/*")
CATALOG = allow("glue:*")


@pytest.fixture
def role(aws: Any) -> str:
    return new_role(aws, "spectrum", "redshift.amazonaws.com", READS, WRITES, CATALOG)


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


def may(aws: Any, *statements: dict[str, Any]) -> None:
    """From now on the cluster's role may do this, and nothing else."""
    document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    aws.client("iam").put_role_policy(RoleName="spectrum", PolicyName="test", PolicyDocument=document)


def test_a_role_that_is_gone_cannot_be_assumed(lake: AwsLake, aws: Any, bucket: str, role: str) -> None:
    iam = aws.client("iam")
    iam.delete_role_policy(RoleName="spectrum", PolicyName="test")
    iam.delete_role(RoleName="spectrum")
    with pytest.raises(RoleRefused, match=f"dbuser:shop/awsuser is not authorized to assume IAM Role {role}"):
        lake.files(bucket, "CDC/", role)


def test_a_role_that_does_not_trust_redshift_cannot_be_assumed(lake: AwsLake, aws: Any, bucket: str, role: str) -> None:
    statement = {"Effect": "Allow", "Principal": {"Service": "rds.amazonaws.com"}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    aws.client("iam").update_assume_role_policy(RoleName="spectrum", PolicyDocument=trust)
    with pytest.raises(RoleRefused, match=f"is not authorized to assume IAM Role {role}"):
        lake.files(bucket, "CDC/", role)


def test_each_role_of_a_chain_must_be_let_in_by_the_next(lake: AwsLake, aws: Any, bucket: str, role: str) -> None:
    """Truth: "Chaining IAM roles in Amazon Redshift": the first needs sts:AssumeRole on the second, the second must trust the first."""
    second = new_role(aws, "second", "lambda.amazonaws.com", READS)
    with pytest.raises(RoleRefused, match=f"assume IAM Role {second}"):
        lake.files(bucket, "CDC/", f"{role},{second}")
    statement = {"Effect": "Allow", "Principal": {"AWS": role}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    aws.client("iam").update_assume_role_policy(RoleName="second", PolicyDocument=trust)
    may(aws, allow("sts:AssumeRole", second))
    assert len(lake.files(bucket, "CDC/", f"{role},{second}")) == 2
    with pytest.raises(LakeError, match="s3:ListBucket"):
        lake.files(bucket, "CDC/", role)


@pytest.mark.parametrize(
    ("left", "message"),
    [
        ([allow("s3:GetObject")], "s3:ListBucket"),
        ([allow("s3:ListBucket")], "Forbidden"),
        ([allow("s3:ListBucket"), allow("s3:GetObject", "arn:aws:s3:::*/two.csv")], "Forbidden"),
    ],
)
def test_what_is_read_needs_the_list_and_each_object_every_time(
    lake: AwsLake, aws: Any, bucket: str, role: str, left: list[dict[str, Any]], message: str
) -> None:
    assert len(lake.files(bucket, "CDC/", role)) == 2
    may(aws, *left)
    with pytest.raises(LakeError, match=message) as refusal:
        lake.files(bucket, "CDC/", role)
    assert (refusal.value.code, refusal.value.status) == ("AccessDenied", 403)


def test_the_data_catalog_is_asked_under_the_schema_s_role(lake: AwsLake, aws: Any, role: str) -> None:
    under = lake.under(role)
    under.create_database("spectrum_db")
    may(aws, READS, allow("glue:GetDatabase"))
    assert under.database("spectrum_db")
    who = f"arn:aws:sts::{aws.account}:assumed-role/spectrum/RedshiftIamRoleSession-shop"
    with pytest.raises(LakeError, match=f"User: {who} is not authorized to perform: glue:GetTable on resource") as refusal:
        under.table("spectrum_db", "sales")
    assert refusal.value.code == "AccessDeniedException"


def test_unloading_needs_the_permission_to_write(lake: AwsLake, bucket: str, role: str, tmp_path: Path) -> None:
    path = tmp_path / "part"
    path.write_bytes(b"7|8\n")
    with pytest.raises(LakeError, match="s3:PutObject") as refusal:
        lake.write(bucket, "elsewhere/part-000", path, role)
    assert refusal.value.code == "AccessDenied"


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


def test_what_is_encrypted_under_kms_is_fetched_by_who_may_decrypt(lake: AwsLake, aws: Any, bucket: str, role: str, tmp_path: Path) -> None:
    """Truth: "Loading encrypted data files from Amazon S3": objects under SSE-KMS are decrypted for a role that may use the key."""
    key = aws.client("kms").create_key()["KeyMetadata"]["Arn"]
    for name, body in (("a.csv", b"3,30.00\n"), ("b.csv", b"4,40.00\n" * 100_000)):
        aws.client("s3").put_object(Bucket=bucket, Key=f"sealed/{name}", Body=body, ServerSideEncryption="aws:kms", SSEKMSKeyId=key)
    files = lake.files(bucket, "sealed/", role)
    assert [(one.key, one.size) for one in files] == [("sealed/a.csv", 8), ("sealed/b.csv", 800_000)]
    assert files[0].fetch is not None
    with pytest.raises(LakeError, match="kms:Decrypt") as refusal:
        files[0].fetch(tmp_path / "fetched")
    assert (refusal.value.code, refusal.value.status) == ("AccessDenied", 403)
    may(aws, READS, allow("kms:Decrypt", key))
    for file, body in zip(lake.files(bucket, "sealed/", role), (b"3,30.00\n", b"4,40.00\n" * 100_000), strict=True):
        assert file.fetch is not None
        file.fetch(tmp_path / "fetched")
        assert (tmp_path / "fetched").read_bytes() == body
