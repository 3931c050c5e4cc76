"""What the tests of Firehose share: a bucket, a role, streams, and what has arrived in the bucket."""

import gzip
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.config import Config

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "firehose.amazonaws.com"}, "Action": "sts:AssumeRole"}],
    }
)
ALLOW_ALL = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
ARRIVES_WITHIN_S = 20


class Lake:
    """A bucket and the streams that deliver into it."""

    def __init__(self, aws: Any) -> None:
        self.aws = aws
        self.firehose = aws.client("firehose", config=Config(parameter_validation=False))  # the server refuses, not the client
        self.s3 = aws.client("s3")
        self.bucket = f"lake-{aws.account}"
        iam = aws.client("iam")
        self.role_arn: str = iam.create_role(RoleName="delivery", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
        iam.put_role_policy(RoleName="delivery", PolicyName="all", PolicyDocument=ALLOW_ALL)

    def make_bucket(self) -> None:
        self.s3.create_bucket(Bucket=self.bucket)

    def target(self, **members: Any) -> dict[str, Any]:
        return {"RoleARN": self.role_arn, "BucketARN": f"arn:aws:s3:::{self.bucket}"} | members

    def stream(self, name: str = "changes", **members: Any) -> str:
        arn: str = self.firehose.create_delivery_stream(
            DeliveryStreamName=name, DeliveryStreamType="DirectPut", ExtendedS3DestinationConfiguration=self.target(**members)
        )["DeliveryStreamARN"]
        return arn

    def put(self, *records: bytes, name: str = "changes") -> None:
        for record in records:
            self.firehose.put_record(DeliveryStreamName=name, Record={"Data": record})

    def objects(self, prefix: str = "") -> dict[str, bytes]:
        """Every object under the prefix, by key, unpacked where the key says .gz."""
        found: dict[str, bytes] = {}
        for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix):
            for entry in page.get("Contents", []):
                body = self.s3.get_object(Bucket=self.bucket, Key=entry["Key"])["Body"].read()
                found[entry["Key"]] = gzip.decompress(body) if entry["Key"].endswith(".gz") else body
        return found

    def arrived(self, prefix: str = "", until: Callable[[dict[str, bytes]], bool] = bool) -> dict[str, bytes]:
        """The objects, once they satisfy `until`."""
        end = time.monotonic() + ARRIVES_WITHIN_S
        while not until(found := self.objects(prefix)):
            assert time.monotonic() < end, f"nothing more arrived; there is {sorted(found)}"
            time.sleep(0.05)
        return found


@pytest.fixture
def lake(aws: Any) -> Lake:
    made = Lake(aws)
    made.make_bucket()
    return made


@pytest.fixture
def lake_on(aws: Any) -> Callable[[Any], Lake]:
    """A lake on a server of the test's own."""
    return lambda server: Lake(type(aws)(server.endpoint_url, aws.account))


@pytest.fixture
def lake_without_bucket(aws: Any) -> Lake:
    return Lake(aws)
