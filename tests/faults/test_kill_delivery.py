"""Killed in the middle of deliveries, again and again: each acknowledged record is in S3 exactly once.

Truth: our own promise (delivery.py): an object's name is decided durably before it is written, so a repeated delivery writes the same
object. Buffers of a mebibyte and records of 100 kB make a delivery every ten records, so that a kill meets every step.
"""

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import boto3
import botocore.config
import botocore.exceptions
import pytest

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "firehose.amazonaws.com"}, "Action": "sts:AssumeRole"}],
    }
)
ALLOW_ALL = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
KILLS = 4


def client(service: str, endpoint_url: str) -> Any:
    config = botocore.config.Config(retries={"max_attempts": 0})
    keys = {"aws_access_key_id": "123456789012", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    return boto3.session.Session().client(service, endpoint_url=endpoint_url, config=config, **keys)


def lines_in(s3: Any, bucket: str) -> Counter[str]:
    found: Counter[str] = Counter()
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for item in page.get("Contents", []):
            body = s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read().decode()
            found.update(line.rstrip("x") for line in body.splitlines())
    return found


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_each_acknowledged_record_is_delivered_exactly_once_through_several_kills(start_program: Callable[[], Any]) -> None:
    program = start_program()
    client("s3", program.endpoint_url).create_bucket(Bucket="river")
    iam = client("iam", program.endpoint_url)
    role = iam.create_role(RoleName="delivery", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    iam.put_role_policy(RoleName="delivery", PolicyName="all", PolicyDocument=ALLOW_ALL)
    client("firehose", program.endpoint_url).create_delivery_stream(
        DeliveryStreamName="s",
        ExtendedS3DestinationConfiguration={
            "RoleARN": role,
            "BucketARN": "arn:aws:s3:::river",
            "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 2},
        },
    )
    acknowledged: set[str] = set()
    sent = 0
    chance = random.Random(11)
    for _ in range(KILLS):
        firehose = client("firehose", program.endpoint_url)
        killer = threading.Timer(chance.uniform(0.3, 1.2), program.kill)
        killer.start()
        try:
            while True:
                names = [f"{sent + index:06d}" for index in range(3)]
                sent += 3
                firehose.put_record_batch(DeliveryStreamName="s", Records=[{"Data": f"{name}{'x' * 100_000}\n".encode()} for name in names])
                acknowledged.update(names)
        except (botocore.exceptions.BotoCoreError, OSError):
            killer.join()
        program.start()

    s3 = client("s3", program.endpoint_url)
    end = time.monotonic() + 60
    while not acknowledged <= (found := lines_in(s3, "river")).keys():
        assert time.monotonic() < end, f"{len(acknowledged - found.keys())} of {len(acknowledged)} are missing"
        time.sleep(0.5)
    assert len(acknowledged) > 50
    assert {name: times for name, times in found.items() if times != 1} == {}
    assert len(found) - len(acknowledged) <= 3 * KILLS
