"""Samples, alarms and what logs owe survive kill -9. Truth: our own promise (ARCHITECTURE.md, "The store, and what it guarantees")."""

import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import botocore.config
import botocore.exceptions
import pytest

LOUD = {
    "MetricName": "errors",
    "Namespace": "app",
    "Statistic": "Sum",
    "Period": 10,
    "EvaluationPeriods": 1,
    "Threshold": 1.0,
    "ComparisonOperator": "GreaterThanOrEqualToThreshold",
    "TreatMissingData": "breaching",
}


def client(service: str, endpoint_url: str) -> Any:
    config = botocore.config.Config(retries={"max_attempts": 0})
    keys = {"aws_access_key_id": "123456789012", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    return boto3.session.Session().client(service, endpoint_url=endpoint_url, config=config, **keys)


@pytest.mark.slow
def test_samples_that_were_acknowledged_are_counted_and_alarms_go_on(start_program: Callable[[], Any]) -> None:
    program = start_program()
    cloudwatch, logs = client("cloudwatch", program.endpoint_url), client("logs", program.endpoint_url)
    cloudwatch.put_metric_alarm(AlarmName="loud", **LOUD)
    logs.create_log_group(logGroupName="app")
    logs.create_log_stream(logGroupName="app", logStreamName="one")
    transformation = {"metricName": "lines", "metricNamespace": "app", "metricValue": "1"}
    logs.put_metric_filter(logGroupName="app", filterName="all", filterPattern="", metricTransformations=[transformation])
    acknowledged, killer = 0, threading.Thread(target=program.kill)
    try:
        while True:
            at = int(datetime.now(UTC).timestamp() * 1000)
            cloudwatch.put_metric_data(Namespace="app", MetricData=[{"MetricName": "samples", "Value": 1}])
            logs.put_log_events(
                logGroupName="app", logStreamName="one", logEvents=[{"timestamp": at, "message": json.dumps({"n": acknowledged})}]
            )
            acknowledged += 1
            if acknowledged == 100:
                killer.start()
    except (botocore.exceptions.BotoCoreError, OSError):
        killer.join()
    program.start()
    cloudwatch = client("cloudwatch", program.endpoint_url)

    def total(name: str) -> float:
        now = datetime.now(UTC)
        span = {"StartTime": now - timedelta(minutes=10), "EndTime": now + timedelta(minutes=1), "Period": 3600}
        points = cloudwatch.get_metric_statistics(Namespace="app", MetricName=name, Statistics=["Sum"], **span)["Datapoints"]
        return sum(point["Sum"] for point in points)

    assert acknowledged <= total("samples") <= acknowledged + 1
    for _ in range(200):
        if total("lines") >= acknowledged:
            break
        time.sleep(0.05)
    assert total("lines") >= acknowledged
    for _ in range(280):
        (alarm,) = cloudwatch.describe_alarms()["MetricAlarms"]
        if alarm["StateValue"] == "ALARM":
            return
        time.sleep(0.05)
    raise AssertionError(alarm)
