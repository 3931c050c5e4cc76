"""A bucket that CloudTrail may write to, and a trail that logs to it."""

import gzip
import json
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

DEADLINE_S = 15


def bucket_policy(bucket: str, account: str, prefix: str = "") -> str:
    """As the user guide has it: "Amazon S3 bucket policy for CloudTrail"."""
    folder = f"{bucket}/{prefix}AWSLogs/{account}/*"
    principal = {"Service": "cloudtrail.amazonaws.com"}
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Principal": principal, "Action": "s3:GetBucketAcl", "Resource": f"arn:aws:s3:::{bucket}"},
                {
                    "Effect": "Allow",
                    "Principal": principal,
                    "Action": "s3:PutObject",
                    "Resource": f"arn:aws:s3:::{folder}",
                    "Condition": {"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control"}},
                },
            ],
        }
    )


class Logged:
    """An account whose calls are logged by trails to its bucket."""

    def __init__(self, aws: Any, clock: Any) -> None:
        self.aws = aws
        self.clock = clock
        self.bucket = f"trail-{aws.account}"
        self.cloudtrail = aws.client("cloudtrail")
        self.s3 = aws.client("s3")
        self.s3.create_bucket(Bucket=self.bucket)
        self.s3.put_bucket_policy(Bucket=self.bucket, Policy=bucket_policy(self.bucket, aws.account))

    def trail(self, name: str = "audit", **more: Any) -> str:
        """Make it and let it log; its ARN."""
        arn: str = self.cloudtrail.create_trail(Name=name, **({"S3BucketName": self.bucket} | more))["TrailARN"]
        self.cloudtrail.start_logging(Name=name)
        return arn

    def files(self, folder: str = "CloudTrail/") -> list[str]:
        listed = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket)
        keys = [item["Key"] for page in listed for item in page.get("Contents", [])]
        return [key for key in keys if folder in key and key.endswith(".json.gz")]

    def content(self, key: str) -> Any:
        return json.loads(gzip.decompress(self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()))

    def delivered(self) -> list[dict[str, Any]]:
        return [event for key in self.files() for event in self.content(key)["Records"]]

    def names(self) -> list[str]:
        return [event["eventName"] for event in self.delivered()]

    def until(self, holds: Callable[[], Any]) -> Any:
        """Move the Clock past the next delivery, and wait for what it brings."""
        self.clock.advance(timedelta(minutes=5))
        deadline = time.monotonic() + DEADLINE_S
        while time.monotonic() < deadline:
            found = holds()
            if found:
                return found
            time.sleep(0.02)
        raise AssertionError("what was waited for did not come")


@pytest.fixture
def logged(aws: Any, clock: Any) -> Logged:
    return Logged(aws, clock)
