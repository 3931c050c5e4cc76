"""Metric streams. Truth: "Use metric streams" and "JSON format of metric stream output" of the user guide."""

import json
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from users import role


@pytest.fixture
def stream(aws: Any, cloudwatch: Any) -> Callable[..., dict[str, Any]]:
    """`stream(IncludeFilters=…)`: one called "out", to the bucket `metrics-ACCOUNT`."""
    aws.client("s3").create_bucket(Bucket=f"metrics-{aws.account}")
    all_of_it = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    to = {
        "RoleARN": role(aws, "lake", "firehose.amazonaws.com", all_of_it),
        "BucketARN": f"arn:aws:s3:::metrics-{aws.account}",
        "BufferingHints": {"IntervalInSeconds": 0, "SizeInMBs": 1},
    }
    made = aws.client("firehose").create_delivery_stream(DeliveryStreamName="metrics", ExtendedS3DestinationConfiguration=to)
    sender = role(aws, "sender", "streams.metrics.cloudwatch.amazonaws.com", all_of_it)
    request = {"Name": "out", "FirehoseArn": made["DeliveryStreamARN"], "RoleArn": sender, "OutputFormat": "json"}

    def stream(**more: Any) -> dict[str, Any]:
        cloudwatch.put_metric_stream(**request | more)
        return request | more

    return stream


@pytest.fixture
def lines(aws: Any, clock: Any) -> Callable[[int], list[dict[str, Any]]]:
    """`lines(2)`: what the bucket has, once the minute is over and it has so much of namespaces that are not AWS's."""
    s3, bucket = aws.client("s3"), f"metrics-{aws.account}"

    def lines(count: int) -> list[dict[str, Any]]:
        clock.advance(timedelta(minutes=1))
        found: list[dict[str, Any]] = []
        for _ in range(300):
            keys = [one["Key"] for one in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]
            text = "".join(s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode() for key in keys)
            found = [one for one in map(json.loads, text.splitlines()) if not one["namespace"].startswith("AWS/")]
            if len(found) >= count:
                break
            time.sleep(0.02)
        return found

    return lines


def test_what_is_put_comes_once_its_minute_is_over(aws: Any, now: Any, put: Any, stream: Any, lines: Any) -> None:
    configuration = {"IncludeMetrics": [{"Namespace": "app", "MetricName": "took"}], "AdditionalStatistics": ["p50"]}
    stream(StatisticsConfigurations=[configuration])
    at = now()
    for value in (1.0, 2.0, 9.0):
        put("took", {0: value}, Unit="Seconds", Dimensions=[{"Name": "of", "Value": "it"}])
    put("other", {0: 5.0})
    took, other = sorted(lines(2), key=lambda one: str(one["metric_name"]), reverse=True)
    assert took == {
        "metric_stream_name": "out",
        "account_id": aws.account,
        "region": "us-east-1",
        "namespace": "app",
        "metric_name": "took",
        "dimensions": {"of": "it"},
        "timestamp": int(at.timestamp() * 1000),
        "value": {"max": 9.0, "min": 1.0, "sum": 12.0, "count": 3.0, "p50": 2.0},
        "unit": "Seconds",
    }
    assert (other["metric_name"], other["value"]["count"], other["unit"]) == ("other", 1.0, "None")


FILTERS = {
    "all but a namespace": ({"ExcludeFilters": [{"Namespace": "app"}]}, ["else/x"]),
    "all but a metric": ({"ExcludeFilters": [{"Namespace": "app", "MetricNames": ["x"]}]}, ["app/y", "else/x"]),
    "a namespace": ({"IncludeFilters": [{"Namespace": "app"}]}, ["app/x", "app/y"]),
    "a metric": ({"IncludeFilters": [{"Namespace": "app", "MetricNames": ["y"]}]}, ["app/y"]),
}


@pytest.mark.parametrize(("filters", "expected"), FILTERS.values(), ids=FILTERS)
def test_filters_say_what_comes(put: Any, stream: Any, lines: Any, filters: dict[str, Any], expected: list[str]) -> None:
    stream(**filters)
    put("x", {0: 1.0})
    put("y", {0: 1.0})
    put("x", {0: 1.0}, namespace="else")
    assert sorted(f"{one['namespace']}/{one['metric_name']}" for one in lines(len(expected))) == expected


def test_a_stopped_stream_carries_nothing_and_a_started_one_what_comes_then(cloudwatch: Any, put: Any, stream: Any, lines: Any) -> None:
    stream()
    cloudwatch.stop_metric_streams(Names=["out"])
    put("x", {0: 1.0})
    cloudwatch.start_metric_streams(Names=["out"])
    put("y", {0: 1.0})
    assert [one["metric_name"] for one in lines(1)] == ["y"]
    cloudwatch.delete_metric_stream(Name="out")
    assert cloudwatch.list_metric_streams()["Entries"] == []


def test_a_stream_is_changed_and_keeps_what_it_was(cloudwatch: Any, stream: Any) -> None:
    request = stream(Tags=[{"Key": "a", "Value": "b"}])
    first = cloudwatch.get_metric_stream(Name="out")
    assert cloudwatch.list_tags_for_resource(ResourceARN=first["Arn"])["Tags"] == [{"Key": "a", "Value": "b"}]
    cloudwatch.put_metric_stream(**request | {"IncludeFilters": [{"Namespace": "app"}], "Tags": []})
    second = cloudwatch.get_metric_stream(Name="out")
    assert (second["CreationDate"], second["IncludeFilters"]) == (first["CreationDate"], [{"Namespace": "app"}])
    [entry] = cloudwatch.list_metric_streams(MaxResults=1)["Entries"]
    assert (entry["Name"], entry["State"]) == ("out", "running")


REFUSALS = {
    "both kinds of filters": (
        "put_metric_stream",
        {"IncludeFilters": [{"Namespace": "a"}], "ExcludeFilters": [{"Namespace": "b"}]},
        "InvalidParameterCombination",
    ),
    "a statistic that is none": (
        "put_metric_stream",
        {"StatisticsConfigurations": [{"IncludeMetrics": [{"Namespace": "a", "MetricName": "b"}], "AdditionalStatistics": ["q9"]}]},
        "InvalidParameterValue",
    ),
    "OpenTelemetry": ("put_metric_stream", {"OutputFormat": "opentelemetry1.0"}, "NotImplemented"),
    "one that is not there": ("get_metric_stream", {}, "ResourceNotFoundException"),
}


@pytest.mark.parametrize("refusal", REFUSALS)
def test_what_is_refused(aws: Any, cloudwatch: Any, refused: Any, refusal: str) -> None:
    operation, more, code = REFUSALS[refusal]
    request: dict[str, Any] = {"Name": "none"}
    if operation == "put_metric_stream":
        arn = "arn:aws:firehose:us-east-1:111122223333:deliverystream/d"
        request |= {"FirehoseArn": arn, "RoleArn": f"arn:aws:iam::{aws.account}:role/r", "OutputFormat": "json"}
    with refused(code):
        getattr(cloudwatch, operation)(**request | more)
