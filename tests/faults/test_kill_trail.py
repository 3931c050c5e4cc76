"""Killed while a trail delivers: what the event history has is in the bucket exactly once.

Truth: our own promise (services/cloudtrail/delivery.py): a shipment is opened with its first batch, and what it holds is settled before
its files are written. A call may be answered a twentieth of a second before it is recorded; those are not asked for here.
"""

import gzip
import json
import random
import time
import urllib.request
from collections.abc import Callable
from typing import Any

import boto3
import botocore.config
import pytest

KILLS = 4
ACCOUNT = "123456789012"
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "cloudtrail.amazonaws.com"},
            "Action": ["s3:GetBucketAcl", "s3:PutObject"],
            "Resource": ["arn:aws:s3:::audit", f"arn:aws:s3:::audit/AWSLogs/{ACCOUNT}/*"],
        }
    ],
}


def client(service: str, endpoint_url: str) -> Any:
    config = botocore.config.Config(retries={"max_attempts": 0})
    keys = {"aws_access_key_id": ACCOUNT, "aws_secret_access_key": "test", "region_name": "us-east-1"}
    return boto3.session.Session().client(service, endpoint_url=endpoint_url, config=config, **keys)


def pass_five_minutes(endpoint_url: str) -> None:
    body = json.dumps({"advance_s": 300}).encode()
    urllib.request.urlopen(urllib.request.Request(f"{endpoint_url}/_headwater/clock", data=body, method="POST")).close()


def delivered(s3: Any) -> list[str]:
    keys = [item["Key"] for page in s3.get_paginator("list_objects_v2").paginate(Bucket="audit") for item in page.get("Contents", [])]
    files = [s3.get_object(Bucket="audit", Key=key)["Body"].read() for key in keys if key.endswith(".json.gz")]
    events = [event for file in files for event in json.loads(gzip.decompress(file))["Records"]]
    return [event["requestParameters"]["userName"] for event in events if event["eventName"] == "CreateUser"]


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_what_is_in_the_history_is_delivered_exactly_once_through_several_kills(start_program: Callable[[], Any]) -> None:
    program = start_program()
    s3, cloudtrail = client("s3", program.endpoint_url), client("cloudtrail", program.endpoint_url)
    s3.create_bucket(Bucket="audit")
    s3.put_bucket_policy(Bucket="audit", Policy=json.dumps(POLICY))
    cloudtrail.create_trail(Name="audit", S3BucketName="audit")
    cloudtrail.start_logging(Name="audit")
    chance = random.Random(7)
    for part in range(KILLS):
        iam = client("iam", program.endpoint_url)
        for number in range(20):
            iam.create_user(UserName=f"user-{part}-{number}")
        pass_five_minutes(program.endpoint_url)
        time.sleep(chance.uniform(0, 0.05))
        program.kill()
        program.start()
    history = client("cloudtrail", program.endpoint_url).get_paginator("lookup_events")
    wanted = {"AttributeKey": "EventName", "AttributeValue": "CreateUser"}
    recorded = [event for page in history.paginate(LookupAttributes=[wanted]) for event in page["Events"]]
    assert len(recorded) >= KILLS * 10
    deadline = time.monotonic() + 30
    while len(set(delivered(client("s3", program.endpoint_url)))) < len(recorded) and time.monotonic() < deadline:
        pass_five_minutes(program.endpoint_url)
        time.sleep(0.2)
    names = delivered(client("s3", program.endpoint_url))
    assert len(names) == len(set(names)) == len(recorded)
