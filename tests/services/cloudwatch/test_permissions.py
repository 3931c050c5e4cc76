"""Who may do what. Truth: Service Authorization Reference, "Actions, resources, and condition keys for Amazon CloudWatch"."""

from typing import Any

import pytest

pytestmark = pytest.mark.http
ALARM = {
    "MetricName": "m",
    "Namespace": "app",
    "Statistic": "Sum",
    "Period": 60,
    "EvaluationPeriods": 1,
    "Threshold": 1.0,
    "ComparisonOperator": "GreaterThanThreshold",
}


def allowing(aws: Any, action: str | list[str], resource: str = "*", **condition: Any) -> Any:
    statement = {"Effect": "Allow", "Action": action, "Resource": resource}
    return aws.user(statement | ({"Condition": condition} if condition else {})).client("cloudwatch")


def test_a_namespace_bounds_what_is_put(aws: Any, refused: Any) -> None:
    client = allowing(aws, "cloudwatch:PutMetricData", StringEquals={"cloudwatch:namespace": "app"})
    client.put_metric_data(Namespace="app", MetricData=[{"MetricName": "m", "Value": 1}])
    with refused("AccessDenied", "cloudwatch:PutMetricData"):
        client.put_metric_data(Namespace="other", MetricData=[{"MetricName": "m", "Value": 1}])
    with refused("AccessDenied", "cloudwatch:ListMetrics"):
        client.list_metrics()


def test_an_alarms_name_and_its_actions_bound_it(aws: Any, refused: Any) -> None:
    condition = {"ForAllValues:StringLike": {"cloudwatch:AlarmActions": "arn:aws:sns:*"}}
    own = f"arn:aws:cloudwatch:us-east-1:{aws.account}:alarm:ann-*"
    client = allowing(aws, ["cloudwatch:PutMetricAlarm", "cloudwatch:DeleteAlarms"], own, **condition)
    client.put_metric_alarm(AlarmName="ann-1", AlarmActions=[f"arn:aws:sns:us-east-1:{aws.account}:t"], **ALARM)
    with refused("AccessDenied", "alarm:bob-1"):
        client.put_metric_alarm(AlarmName="bob-1", **ALARM)
    with refused("AccessDenied"):
        client.put_metric_alarm(AlarmName="ann-2", AlarmActions=[f"arn:aws:lambda:us-east-1:{aws.account}:function:f"], **ALARM)


def test_an_alarms_tags_bound_who_sets_it(aws: Any, refused: Any) -> None:
    root = aws.client("cloudwatch")
    root.put_metric_alarm(AlarmName="ours", Tags=[{"Key": "team", "Value": "a"}], **ALARM)
    root.put_metric_alarm(AlarmName="theirs", **ALARM)
    client = allowing(aws, "cloudwatch:SetAlarmState", StringEquals={"aws:ResourceTag/team": "a"})
    client.set_alarm_state(AlarmName="ours", StateValue="OK", StateReason="r")
    with refused("AccessDenied"):
        client.set_alarm_state(AlarmName="theirs", StateValue="OK", StateReason="r")
