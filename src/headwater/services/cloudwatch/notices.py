"""What an alarm tells others when its state changes: the event, the message to a topic, the payload of a function. Pure.

Sources: "Alarm events and EventBridge" and "Lambda alarm actions" of the user guide; recorded: test_put_metric_alarm.
"""

from __future__ import annotations

import hashlib
import uuid
from datetime import datetime
from typing import Any, Final

import msgspec

from .alarm_model import METRIC, Alarm, spelled

STATE_CHANGE: Final = "CloudWatch Alarm State Change"
CONFIGURATION_CHANGE: Final = "CloudWatch Alarm Configuration Change"
REGIONS: Final = {
    "us-east-1": "US East (N. Virginia)",
    "us-east-2": "US East (Ohio)",
    "us-west-1": "US West (N. California)",
    "us-west-2": "US West (Oregon)",
    "ca-central-1": "Canada (Central)",
    "eu-west-1": "EU (Ireland)",
    "eu-west-2": "EU (London)",
    "eu-west-3": "EU (Paris)",
    "eu-central-1": "EU (Frankfurt)",
    "eu-north-1": "EU (Stockholm)",
    "ap-northeast-1": "Asia Pacific (Tokyo)",
    "ap-northeast-2": "Asia Pacific (Seoul)",
    "ap-southeast-1": "Asia Pacific (Singapore)",
    "ap-southeast-2": "Asia Pacific (Sydney)",
    "ap-south-1": "Asia Pacific (Mumbai)",
    "sa-east-1": "South America (Sao Paulo)",
}
_PLAIN: Final = {"SampleCount": "SAMPLE_COUNT", "Average": "AVERAGE", "Sum": "SUM", "Minimum": "MINIMUM", "Maximum": "MAXIMUM"}


def state_of(alarm: Alarm) -> dict[str, Any]:
    said = {"value": alarm.state, "reason": alarm.reason, "reasonData": alarm.reason_data, "timestamp": spelled(alarm.updated_at)}
    return {name: value for name, value in said.items() if value}


def _configuration(alarm: Alarm) -> dict[str, Any]:
    settings = alarm.settings
    configuration: dict[str, Any] = {"description": settings.get("AlarmDescription", "")}
    if alarm.kind != METRIC:
        return configuration | {"alarmRule": settings["AlarmRule"]}
    if "Metrics" in settings:
        return configuration | {"metrics": [_lower(query) for query in settings["Metrics"]]}
    digest = hashlib.sha256(alarm.arn.encode()).hexdigest()[:32]
    metric = {
        "namespace": settings["Namespace"],
        "name": settings["MetricName"],
        "dimensions": {one["Name"]: one["Value"] for one in settings.get("Dimensions", [])},
    }
    stat: dict[str, Any] = {
        "metric": metric,
        "period": settings["Period"],
        "stat": settings.get("Statistic") or settings["ExtendedStatistic"],
    }
    if "Unit" in settings:
        stat["unit"] = settings["Unit"]
    return configuration | {"metrics": [{"id": str(uuid.UUID(digest)), "metricStat": stat, "returnData": True}]}


def _lower(value: Any) -> Any:
    """The API's members as events spell them."""
    if isinstance(value, dict):
        if "MetricName" in value:
            dimensions = {one["Name"]: one["Value"] for one in value.get("Dimensions", [])}
            return {"namespace": value.get("Namespace"), "name": value["MetricName"], "dimensions": dimensions}
        return {name[0].lower() + name[1:]: _lower(each) for name, each in value.items()}
    return [_lower(each) for each in value] if isinstance(value, list) else value


def event(alarm: Alarm, kind: str, at: datetime, detail: dict[str, Any]) -> dict[str, Any]:
    """For the Bus: whoever keeps the account's event bus takes it from there."""
    return {
        "source": "aws.cloudwatch",
        "detail-type": kind,
        "account": alarm.account,
        "region": alarm.region,
        "resources": [alarm.arn],
        "time": at,
        "detail": {"alarmName": alarm.name, **detail},
    }


def changed_event(before: Alarm, alarm: Alarm) -> dict[str, Any]:
    detail = {"state": state_of(alarm), "previousState": state_of(before), "configuration": _configuration(alarm)}
    return event(alarm, STATE_CHANGE, alarm.updated_at, detail)


def configured_event(alarm: Alarm, operation: str, at: datetime) -> dict[str, Any]:
    return event(
        alarm, CONFIGURATION_CHANGE, at, {"operation": operation, "state": state_of(alarm), "configuration": _configuration(alarm)}
    )


def function_payload(before: Alarm, alarm: Alarm) -> bytes:
    data = {
        "alarmName": alarm.name,
        "state": state_of(alarm),
        "previousState": state_of(before),
        "configuration": _configuration(alarm),
    }
    return msgspec.json.encode(
        {
            "source": "aws.cloudwatch",
            "alarmArn": alarm.arn,
            "accountId": alarm.account,
            "time": spelled(alarm.updated_at),
            "region": alarm.region,
            "alarmData": data,
        }
    )


def topic_message(before: Alarm, alarm: Alarm) -> str:
    """The JSON that a subscriber of an SNS topic gets."""
    settings = alarm.settings
    told: dict[str, Any] = {
        "AlarmName": alarm.name,
        "AlarmDescription": settings.get("AlarmDescription"),
        "AWSAccountId": alarm.account,
        "AlarmConfigurationUpdatedTimestamp": spelled(alarm.configured_at),
        "NewStateValue": alarm.state,
        "NewStateReason": alarm.reason,
        "StateChangeTime": spelled(alarm.updated_at),
        "Region": REGIONS.get(alarm.region, alarm.region),
        "AlarmArn": alarm.arn,
        "OldStateValue": before.state,
        "OKActions": settings.get("OKActions", []),
        "AlarmActions": settings.get("AlarmActions", []),
        "InsufficientDataActions": settings.get("InsufficientDataActions", []),
    }
    if alarm.kind == METRIC:
        told["Trigger"] = _trigger(settings)
    else:
        told["AlarmRule"] = settings["AlarmRule"]
    return msgspec.json.encode(told).decode()


def _trigger(settings: dict[str, Any]) -> dict[str, Any]:
    trigger: dict[str, Any] = {}
    if "Metrics" in settings:
        trigger["Metrics"] = settings["Metrics"]
    else:
        extended = settings.get("ExtendedStatistic")
        trigger |= {
            "MetricName": settings["MetricName"],
            "Namespace": settings["Namespace"],
            "StatisticType": "ExtendedStatistic" if extended else "Statistic",
            "Statistic": extended or _PLAIN[settings["Statistic"]],
            "Unit": settings.get("Unit"),
            "Dimensions": [{"value": one["Value"], "name": one["Name"]} for one in settings.get("Dimensions", [])],
        }
    trigger |= {
        "Period": settings.get("Period"),
        "EvaluationPeriods": settings["EvaluationPeriods"],
        "DatapointsToAlarm": settings.get("DatapointsToAlarm"),
        "ComparisonOperator": settings["ComparisonOperator"],
        "Threshold": settings.get("Threshold"),
        "TreatMissingData": settings.get("TreatMissingData", ""),
        "EvaluateLowSampleCountPercentile": settings.get("EvaluateLowSampleCountPercentile", ""),
    }
    return {name: value for name, value in trigger.items() if value is not None}
