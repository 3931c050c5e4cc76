"""Who watches a group: subscription filters and metric filters. Truth: "Real-time processing of log data with subscriptions" and
"Creating metrics from log events using filters" of the guide.
"""

import base64
import contextlib
import gzip
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.cloudwatch.functions import function_that_prints


@pytest.fixture
def say(aws: Any, server: Any) -> Callable[..., None]:
    """`say("a line", "another")`: put into the group `app`."""
    logs = aws.client("logs")
    logs.create_log_group(logGroupName="app")
    logs.create_log_stream(logGroupName="app", logStreamName="one")

    def say(*messages: str) -> None:
        at = int(server.home.clock.now().timestamp() * 1000)
        events = [{"timestamp": at, "message": message} for message in messages]
        logs.put_log_events(logGroupName="app", logStreamName="one", logEvents=events)

    return say


def eventually(look: Callable[[], Any], tries: int = 300) -> Any:
    for _ in range(tries):
        found = look()
        if found:
            return found
        time.sleep(0.03)
    raise AssertionError("it did not come")


def stream_to(aws: Any, bucket: str) -> tuple[str, str]:
    """A Firehose stream into a new bucket, and a role under which Logs may put records into it: their ARNs."""
    iam, s3, firehose = aws.client("iam"), aws.client("s3"), aws.client("firehose")
    s3.create_bucket(Bucket=bucket)
    roles = []
    for service, action in (("firehose", "s3:*"), ("logs", "firehose:*")):
        trust = {"Effect": "Allow", "Principal": {"Service": f"{service}.amazonaws.com"}, "Action": "sts:AssumeRole"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        roles.append(iam.create_role(RoleName=f"{service}-role", AssumeRolePolicyDocument=document)["Role"]["Arn"])
        allow = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]})
        iam.put_role_policy(RoleName=f"{service}-role", PolicyName="p", PolicyDocument=allow)
    target = {"RoleARN": roles[0], "BucketARN": f"arn:aws:s3:::{bucket}"}
    made = firehose.create_delivery_stream(DeliveryStreamName="lines", ExtendedS3DestinationConfiguration=target)
    return made["DeliveryStreamARN"], roles[1]


def members(content: bytes) -> list[Any]:
    """The JSON texts of an object of gzip members."""
    decoder, text, found = json.JSONDecoder(), gzip.decompress(content).decode(), []
    while text:
        value, end = decoder.raw_decode(text)
        found.append(value)
        text = text[end:]
    return found


def test_a_subscription_fills_a_bucket_through_firehose(aws: Any, say: Any, clock: Any) -> None:
    logs, s3 = aws.client("logs"), aws.client("s3")
    bucket = f"lines-{aws.account}"
    stream, role = stream_to(aws, bucket)
    request = {"logGroupName": "app", "filterName": "errors", "destinationArn": stream, "roleArn": role}
    logs.put_subscription_filter(filterPattern="[level = ERROR, what]", **request)
    say("ERROR disk", "INFO fine", "ERROR net")
    metric = {
        "Namespace": "AWS/Firehose",
        "MetricName": "IncomingPutRequests",
        "Dimensions": [{"Name": "DeliveryStreamName", "Value": "lines"}],
    }
    now = aws.client("cloudwatch")

    def puts() -> float:
        span = {"StartTime": datetime(2020, 1, 1, tzinfo=UTC), "EndTime": datetime(2100, 1, 1, tzinfo=UTC), "Period": 86400 * 365}
        return sum(point["Sum"] for point in now.get_metric_statistics(**metric, Statistics=["Sum"], **span)["Datapoints"])

    eventually(lambda: puts() == 2)  # the control message and the batch
    clock.advance(timedelta(minutes=6))
    keys = eventually(lambda: [one["Key"] for one in s3.list_objects_v2(Bucket=bucket).get("Contents", [])])
    control, data = members(s3.get_object(Bucket=bucket, Key=keys[0])["Body"].read())
    assert (control["messageType"], control["logEvents"][0]["message"][:19]) == ("CONTROL_MESSAGE", "CWL CONTROL MESSAGE")
    assert (data["messageType"], data["owner"], data["logGroup"], data["logStream"]) == ("DATA_MESSAGE", aws.account, "app", "one")
    assert [(one["message"], one["extractedFields"]["what"]) for one in data["logEvents"]] == [("ERROR disk", "disk"), ("ERROR net", "net")]
    assert data["subscriptionFilters"] == ["errors"]


@pytest.mark.slow
def test_a_subscription_invokes_a_function_that_lets_it(aws: Any, say: Any, refused: Any) -> None:
    logs, functions = aws.client("logs"), aws.client("lambda")
    source = "def handler(event, _):\n    print('got', event['awslogs']['data'])\n"
    arn = function_that_prints(aws, "hearer", source)
    request = {"logGroupName": "app", "filterName": "all", "filterPattern": "", "destinationArn": arn}
    with refused("InvalidParameterException", "Could not execute the lambda function"):
        logs.put_subscription_filter(**request)
    functions.add_permission(
        FunctionName="hearer",
        StatementId="logs",
        Action="lambda:InvokeFunction",
        Principal="logs.us-east-1.amazonaws.com",
        SourceArn=f"arn:aws:logs:us-east-1:{aws.account}:log-group:app:*",
    )
    logs.put_subscription_filter(**request)
    say("hello")

    def heard() -> Any:
        with contextlib.suppress(logs.exceptions.ResourceNotFoundException):
            return logs.filter_log_events(logGroupName="/aws/lambda/hearer", filterPattern="got")["events"]

    data = eventually(heard)[0]["message"].split()[1]
    assert json.loads(gzip.decompress(base64.b64decode(data)))["logEvents"][0]["message"] == "hello"


def test_subscriptions_are_two_and_go_with_their_group(aws: Any, say: Any, refused: Any) -> None:
    logs = aws.client("logs")
    stream, role = stream_to(aws, f"two-{aws.account}")
    request = {"logGroupName": "app", "filterPattern": "", "destinationArn": stream, "roleArn": role}
    for name in ("a", "b", "a"):
        logs.put_subscription_filter(filterName=name, **request)
    with refused("LimitExceededException"):
        logs.put_subscription_filter(filterName="c", **request)
    with refused("InvalidParameterException", "Invalid filter pattern"):
        logs.put_subscription_filter(filterName="a", **(request | {"filterPattern": "{ $.a"}))
    logs.delete_subscription_filter(logGroupName="app", filterName="a")
    with refused("ResourceNotFoundException"):
        logs.delete_subscription_filter(logGroupName="app", filterName="a")
    found = logs.describe_subscription_filters(logGroupName="app", filterNamePrefix="b")["subscriptionFilters"]
    assert [one["filterName"] for one in found] == ["b"]
    logs.delete_log_group(logGroupName="app")
    logs.create_log_group(logGroupName="app")
    assert logs.describe_subscription_filters(logGroupName="app")["subscriptionFilters"] == []


def test_metric_filters_count_events_and_take_values(aws: Any, say: Any, server: Any) -> None:
    logs, cloudwatch = aws.client("logs"), aws.client("cloudwatch")

    def put(name: str, pattern: str, **transformation: Any) -> None:
        logs.put_metric_filter(
            logGroupName="app",
            filterName=name,
            filterPattern=pattern,
            metricTransformations=[{"metricName": name, "metricNamespace": "logs", **transformation}],
        )

    put("errors", "ERROR", metricValue="1", defaultValue=0)
    put("latency", "{ $.ms > 0 }", metricValue="$.ms", unit="Milliseconds", dimensions={"Path": "$.path"})
    put("bytes", "[level, size > 10]", metricValue="$size")
    assert logs.describe_log_groups(logGroupNamePrefix="app")["logGroups"][0]["metricFilterCount"] == 3
    say("ERROR one", "INFO 5", "INFO 20", json.dumps({"ms": 12.5, "path": "/a"}), "ERROR two")

    def sums(name: str, *dimensions: dict[str, str]) -> list[float]:
        now = server.home.clock.now()
        span = {"StartTime": now - timedelta(minutes=10), "EndTime": now + timedelta(minutes=1), "Period": 3600}
        request = {"Namespace": "logs", "MetricName": name, "Dimensions": list(dimensions), "Statistics": ["Sum"]}
        return [point["Sum"] for point in cloudwatch.get_metric_statistics(**request, **span)["Datapoints"]]

    eventually(lambda: sums("errors") == [2])
    eventually(lambda: sums("latency", {"Name": "Path", "Value": "/a"}) == [12.5])
    eventually(lambda: sums("bytes") == [20])
    logs.delete_metric_filter(logGroupName="app", filterName="bytes")
    assert len(logs.describe_metric_filters(logGroupName="app")["metricFilters"]) == 2


def test_patterns_are_tried_out(aws: Any) -> None:
    logs = aws.client("logs")
    lines = ['127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /apache_pb.gif HTTP/1.0" 404 2326', "something else"]
    pattern = "[ip, id, user, timestamp, request, status_code = 4*, size]"
    (match,) = logs.test_metric_filter(filterPattern=pattern, logEventMessages=lines)["matches"]
    assert (match["eventNumber"], match["extractedValues"]["$status_code"]) == (1, "404")
    assert match["extractedValues"]["$timestamp"] == "10/Oct/2000:13:25:15 -0700"
    (match,) = logs.test_metric_filter(filterPattern='{ $.a.b = "x*" }', logEventMessages=['{"a": {"b": "xy"}}'])["matches"]
    assert match["extractedValues"] == {"$.a.b": "xy"}


def test_policies_of_the_account_are_kept(aws: Any, refused: Any) -> None:
    logs = aws.client("logs")
    with refused("InvalidParameterException"):
        logs.put_resource_policy(policyName="p", policyDocument="{")
    statement = {"Effect": "Allow", "Principal": {"Service": "route53.amazonaws.com"}, "Action": "logs:PutLogEvents", "Resource": "*"}
    logs.put_resource_policy(policyName="p", policyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    assert [one["policyName"] for one in logs.describe_resource_policies()["resourcePolicies"]] == ["p"]
    logs.delete_resource_policy(policyName="p")
    with refused("ResourceNotFoundException"):
        logs.delete_resource_policy(policyName="p")
