"""Server access logs. Truth: "Amazon S3 server access log format" and "Permissions for log delivery" of the S3 user guide."""

import json
import re
import time
from datetime import timedelta
from typing import Any

import pytest
import requests

pytestmark = pytest.mark.http
FIELDS = re.compile(r'\[[^\]]*\]|"[^"]*"|\S+')


@pytest.fixture
def logs(aws: Any, s3: Any, bucket: str) -> str:
    """A bucket into which logs may be delivered."""
    name = f"{bucket}-logs"
    s3.create_bucket(Bucket=name)
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "logging.s3.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{name}/*",
        "Condition": {"ArnLike": {"aws:SourceArn": f"arn:aws:s3:::{bucket}"}, "StringEquals": {"aws:SourceAccount": aws.account}},
    }
    s3.put_bucket_policy(Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    return name


def enable(s3: Any, bucket: str, target: str, **more: Any) -> None:
    asked = {"TargetBucket": target, "TargetPrefix": "log/", **more}
    s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus={"LoggingEnabled": asked})
    assert s3.get_bucket_logging(Bucket=bucket)["LoggingEnabled"] == asked


def delivered(s3: Any, target: str, clock: Any, server: Any) -> dict[str, str]:
    """What stands in the target once the time of delivery has passed."""

    async def deliver() -> None:
        server.home.bus.deliver()

    server.call(deliver())
    for _ in range(100):
        clock.advance(timedelta(seconds=16))
        found = s3.list_objects_v2(Bucket=target).get("Contents", [])
        if found:
            return {one["Key"]: s3.get_object(Bucket=target, Key=one["Key"])["Body"].read().decode() for one in found}
        time.sleep(0.02)
    return {}


def test_who_asked_what_is_delivered(aws: Any, s3: Any, bucket: str, logs: str, clock: Any, server: Any) -> None:
    enable(s3, bucket, logs)
    s3.put_object(Bucket=bucket, Key="a b.txt", Body=b"12345")
    s3.get_object(Bucket=bucket, Key="a b.txt")
    s3.get_object(Bucket=bucket, Key="a b.txt", Range="bytes=0-1")
    requests.get(f"{aws.endpoint_url}/{bucket}/a%20b.txt", timeout=10)
    s3.get_bucket_versioning(Bucket=bucket)
    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "a b.txt"}]})
    ((key, text),) = delivered(s3, logs, clock, server).items()
    assert re.fullmatch(r"log/\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d-[0-9A-F]{16}", key)
    lines = [FIELDS.findall(line) for line in text.splitlines()]
    assert {len(line) for line in lines} == {26}
    owner = s3.list_buckets()["Owner"]["ID"]
    assert {(line[0], line[1]) for line in lines} == {(owner, bucket)}
    wanted = [
        ("REST.PUT.OBJECT", "a%20b.txt", "200", "-", owner),
        ("REST.GET.OBJECT", "a%20b.txt", "200", "-", owner),
        ("REST.GET.OBJECT", "a%20b.txt", "206", "-", owner),
        ("REST.GET.OBJECT", "a%20b.txt", "403", "AccessDenied", "-"),
        ("REST.GET.VERSIONING", "-", "200", "-", owner),
        ("REST.POST.MULTI_OBJECT_DELETE", "-", "200", "-", owner),
        ("BATCH.DELETE.OBJECT", "a%20b.txt", "200", "-", owner),
    ]
    told = [(line[6], line[7], line[9], line[10], line[4]) for line in lines]
    before = ("REST.PUT.BUCKET", "REST.PUT.LOGGING_STATUS", "REST.GET.LOGGING_STATUS")  # what was told of in the same moment
    assert sorted(wanted) == sorted(one for one in told if one[0] not in before)
    read = next(line for line in lines if line[6] == "REST.GET.OBJECT" and line[9] == "200")
    assert (read[8], read[11], read[12]) == (f'"GET /{bucket}/a%20b.txt HTTP/1.1"', "5", "5")


def test_logs_in_partitions(aws: Any, s3: Any, bucket: str, logs: str, clock: Any, server: Any) -> None:
    enable(s3, bucket, logs, TargetObjectKeyFormat={"PartitionedPrefix": {"PartitionDateSource": "DeliveryTime"}})
    s3.put_object(Bucket=bucket, Key="k")
    (key,) = delivered(s3, logs, clock, server)
    assert re.match(rf"log/{aws.account}/us-east-1/{bucket}/\d{{4}}/\d\d/\d\d/\d{{4}}-", key)


def test_grants_on_logs(s3: Any, bucket: str, logs: str, clock: Any, server: Any, refused: Any) -> None:
    """Permissions that the reference does not list for logs are taken too, as LocalStack's public suite has recorded it of AWS."""
    s3.put_bucket_ownership_controls(Bucket=logs, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]})
    group = {"Type": "Group", "URI": "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"}
    s3.delete_public_access_block(Bucket=logs)
    s3.delete_bucket_policy(Bucket=logs)
    s3.put_bucket_acl(Bucket=logs, ACL="log-delivery-write")
    enable(s3, bucket, logs, TargetGrants=[{"Grantee": group, "Permission": one} for one in ("WRITE", "READ_ACP")])
    s3.put_object(Bucket=bucket, Key="k")
    (key,) = delivered(s3, logs, clock, server)
    granted = [(one["Grantee"].get("URI"), one["Permission"]) for one in s3.get_object_acl(Bucket=logs, Key=key)["Grants"]]
    assert (group["URI"], "READ_ACP") in granted
    with refused("MalformedXML"):
        enable(s3, bucket, logs, TargetGrants=[{"Grantee": group, "Permission": "LOOK"}])


def test_a_target_that_lets_nobody_in_gets_nothing(s3: Any, bucket: str, clock: Any, server: Any) -> None:
    s3.create_bucket(Bucket=(target := f"{bucket}-closed"))
    enable(s3, bucket, target)
    s3.put_object(Bucket=bucket, Key="k")

    async def deliver() -> None:
        server.home.bus.deliver()

    server.call(deliver())
    for _ in range(3):
        clock.advance(timedelta(seconds=16))
        time.sleep(0.02)
    assert "Contents" not in s3.list_objects_v2(Bucket=target)
    s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus={})
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket=bucket)


def test_a_bucket_that_logs_into_itself_does_not_go_on_for_ever(s3: Any, aws: Any, bucket: str, logs: str, clock: Any, server: Any) -> None:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "logging.s3.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{logs}/*",
    }
    s3.put_bucket_policy(Bucket=logs, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    enable(s3, logs, logs)
    for text in delivered(s3, logs, clock, server).values():
        assert "logging.s3" not in text
    s3.put_bucket_logging(Bucket=logs, BucketLoggingStatus={})
