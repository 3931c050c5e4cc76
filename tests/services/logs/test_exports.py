"""Export tasks. Truth: "Exporting log data to Amazon S3" of the guide."""

import gzip
import json
import time
from typing import Any


def let_in(aws: Any, bucket: str) -> None:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "logs.us-east-1.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    aws.client("s3").put_bucket_policy(Bucket=bucket, Policy=document)


def test_events_are_exported_to_a_bucket_that_lets_them_in(aws: Any, server: Any, refused: Any) -> None:
    logs, s3, bucket = aws.client("logs"), aws.client("s3"), f"export-{aws.account}"
    logs.create_log_group(logGroupName="app")
    logs.create_log_stream(logGroupName="app", logStreamName="a/b")
    at = int(server.home.clock.now().timestamp() * 1000)
    logs.put_log_events(logGroupName="app", logStreamName="a/b", logEvents=[{"timestamp": at, "message": "hello"}])
    request = {"logGroupName": "app", "fromTime": at - 1000, "to": at + 1000, "destination": bucket}
    with refused("InvalidParameterException", "does not exist"):
        logs.create_export_task(**request)
    s3.create_bucket(Bucket=bucket)
    with refused("InvalidParameterException", "permission"):
        logs.create_export_task(**request)
    let_in(aws, bucket)
    task = logs.create_export_task(taskName="daily", **request)["taskId"]
    for _ in range(200):
        (found,) = logs.describe_export_tasks(taskId=task)["exportTasks"]
        if found["status"]["code"] == "COMPLETED":
            break
        time.sleep(0.02)
    assert found["status"]["code"] == "COMPLETED"
    content = s3.get_object(Bucket=bucket, Key=f"exportedlogs/{task}/a-b/000000.gz")["Body"].read()
    assert gzip.decompress(content).decode().endswith("Z hello\n")
    with refused("InvalidOperationException"):
        logs.cancel_export_task(taskId=task)
