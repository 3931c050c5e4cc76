"""Metrics that AWS publishes of what runs here. Truth: the metric lists in the guides of Lambda and Data Firehose."""

import contextlib
import json
import time
from datetime import timedelta
from typing import Any

import pytest

from services.cloudwatch.functions import function_that_prints
from users import let_write


def total(cloudwatch: Any, now: Any, namespace: str, name: str, dimensions: dict[str, str], stat: str = "Sum") -> float | None:
    metric = {
        "Namespace": namespace,
        "MetricName": name,
        "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
    }
    query = {"Id": "m", "MetricStat": {"Metric": metric, "Period": 3600, "Stat": stat}}
    span = {"StartTime": now() - timedelta(minutes=30), "EndTime": now() + timedelta(minutes=2)}
    values = cloudwatch.get_metric_data(MetricDataQueries=[query], **span)["MetricDataResults"][0]["Values"]
    return values[0] if values else None


@pytest.mark.slow
def test_functions_that_run_and_fail_are_counted(cloudwatch: Any, aws: Any, now: Any) -> None:
    function_that_prints(aws, "picky", "def handler(event, _):\n    return 1 / event['by']\n")
    functions = aws.client("lambda")
    for by in (1, 2, 0):
        functions.invoke(FunctionName="picky", Payload=json.dumps({"by": by}))
    functions.put_function_concurrency(FunctionName="picky", ReservedConcurrentExecutions=0)
    with contextlib.suppress(functions.exceptions.TooManyRequestsException):
        functions.invoke(FunctionName="picky")

    def of(name: str, stat: str = "Sum") -> float | None:
        return total(cloudwatch, now, "AWS/Lambda", name, {"FunctionName": "picky"}, stat)

    assert [of("Invocations"), of("Errors"), of("ConcurrentExecutions", "Maximum")] == [3, 1, 1]
    assert of("Throttles") >= 1
    assert 0 < of("Duration", "Average") < 10_000
    assert total(cloudwatch, now, "AWS/Lambda", "Invocations", {}) == 3


def test_records_are_counted_on_their_way(cloudwatch: Any, aws: Any, now: Any, clock: Any) -> None:
    iam, s3, firehose = aws.client("iam"), aws.client("s3"), aws.client("firehose")
    trust = {"Effect": "Allow", "Principal": {"Service": "firehose.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = iam.create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}))
    allow = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    iam.put_role_policy(RoleName="r", PolicyName="p", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allow]}))
    bucket = f"measured-{aws.account}"
    s3.create_bucket(Bucket=bucket)
    target = {"RoleARN": role["Role"]["Arn"], "BucketARN": f"arn:aws:s3:::{bucket}"}
    firehose.create_delivery_stream(DeliveryStreamName="clicks", ExtendedS3DestinationConfiguration=target)
    firehose.put_record_batch(DeliveryStreamName="clicks", Records=[{"Data": b"12345"}] * 4)

    def of(name: str, stat: str = "Sum") -> float | None:
        return total(cloudwatch, now, "AWS/Firehose", name, {"DeliveryStreamName": "clicks"}, stat)

    assert [of("IncomingRecords"), of("IncomingBytes")] == [4, 20]
    clock.advance(timedelta(minutes=6))
    for _ in range(100):
        if of("DeliveryToS3.Records") == 4:
            break
        time.sleep(0.02)
    assert [of("DeliveryToS3.Records"), of("DeliveryToS3.Success", "Average")] == [4, 1]
    assert of("DeliveryToS3.DataFreshness", "Maximum") >= 300


def test_events_are_counted_on_their_way(cloudwatch: Any, aws: Any, now: Any) -> None:
    """Truth: the metric list of the EventBridge guide. A target without permission fails for good."""
    events, logs = aws.client("events"), aws.client("logs")
    logs.create_log_group(logGroupName="seen")
    let_write(logs)
    there = f"arn:aws:logs:us-east-1:{aws.account}:log-group:seen"
    nowhere = f"arn:aws:logs:us-east-1:{aws.account}:log-group:none"
    events.create_event_bus(Name="orders")
    events.put_rule(Name="on", EventBusName="orders", EventPattern=json.dumps({"source": ["app"]}))
    queue = {"Arn": f"arn:aws:sqs:us-east-1:{aws.account}:nowhere"}
    targets = [{"Id": "1", "Arn": there}, {"Id": "2", "Arn": nowhere, "DeadLetterConfig": queue}]
    events.put_targets(Rule="on", EventBusName="orders", Targets=targets)
    entry = {"Source": "app", "DetailType": "t", "Detail": "{}", "EventBusName": "orders"}
    events.put_events(Entries=[entry, entry, entry | {"Source": "other"}, entry | {"Detail": "no"}])
    on = {"EventBusName": "orders", "RuleName": "on"}
    for _ in range(200):
        if total(cloudwatch, now, "AWS/Events", "Invocations", on) == 4:
            break
        time.sleep(0.02)

    def of(name: str, dimensions: dict[str, str] = on) -> float | None:
        return total(cloudwatch, now, "AWS/Events", name, dimensions)

    assert [of("TriggeredRules"), of("MatchedEvents"), of("InvocationsCreated", {})] == [2, 2, 4]
    assert [of("Invocations"), of("FailedInvocations"), of("Invocations", {})] == [4, 2, 4]
    assert [of("InvocationAttempts", {}), of("SuccessfulInvocationAttempts", {}), of("RetryInvocationAttempts", {})] == [4, 2, None]
    assert of("InvocationsFailedToBeSentToDlq") == 2
    assert [of("PutEventsEntriesCount", {}), of("PutEventsFailedEntriesCount", {})] == [4, 1]
