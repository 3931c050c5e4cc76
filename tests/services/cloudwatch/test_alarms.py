"""Alarms, as boto3 sees them. Truth: the API reference, and "Using Amazon CloudWatch alarms" of the user guide."""

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

LOUD = {
    "MetricName": "errors",
    "Namespace": "app",
    "Statistic": "Sum",
    "Period": 60,
    "EvaluationPeriods": 1,
    "Threshold": 1.0,
    "ComparisonOperator": "GreaterThanOrEqualToThreshold",
}


@pytest.fixture
def become(cloudwatch: Any) -> Callable[..., Any]:
    """Wait (for what runs in the background) until the alarm is in a state; answers its description."""

    def become(name: str, state: str, kind: str = "MetricAlarm") -> Any:
        found: Any = None
        for _ in range(200):
            (found,) = cloudwatch.describe_alarms(AlarmNames=[name], AlarmTypes=[kind])[f"{kind}s"]
            if found["StateValue"] == state:
                return found
            time.sleep(0.02)
        raise AssertionError(found)

    return become


@pytest.fixture
def events(server: Any) -> Iterator[list[Any]]:
    """What the Bus tells on the topic "event"."""
    heard: list[Any] = []
    listen = heard.extend
    server.loop.call_soon_threadsafe(server.home.bus.subscribe, "event", listen)
    yield heard
    server.loop.call_soon_threadsafe(server.home.bus.unsubscribe, "event", listen)


def eventually(look: Callable[[], Any]) -> Any:
    for _ in range(200):
        found = look()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError("it did not come")


def test_an_alarm_goes_off_and_comes_to_rest(cloudwatch: Any, put: Any, clock: Any, become: Any, events: list[Any], aws: Any) -> None:
    cloudwatch.put_metric_alarm(AlarmName="loud", AlarmDescription="too many", TreatMissingData="notBreaching", **LOUD)
    put("errors", {0: 2})
    clock.advance(timedelta(minutes=1))
    described = become("loud", "ALARM")
    assert described["StateReason"].startswith("Threshold Crossed: 1 datapoint [2.0 (")
    assert json.loads(described["StateReasonData"])["recentDatapoints"] == [2.0]
    for _ in range(4):
        clock.advance(timedelta(minutes=1))
    become("loud", "OK")
    mine = eventually(lambda: len(own := [one for one in events if one["account"] == aws.account]) >= 3 and own)
    assert [one["detail-type"] for one in mine] == ["CloudWatch Alarm Configuration Change", *["CloudWatch Alarm State Change"] * 2]
    assert (mine[1]["resources"], mine[1]["detail"]["state"]["value"]) == ([described["AlarmArn"]], "ALARM")
    assert mine[1]["detail"]["configuration"]["metrics"][0]["metricStat"]["metric"]["name"] == "errors"
    history = cloudwatch.describe_alarm_history(AlarmName="loud")["AlarmHistoryItems"]
    assert [one["HistoryItemType"] for one in history] == ["StateUpdate", "StateUpdate", "ConfigurationUpdate"]
    assert history[1]["HistorySummary"] == "Alarm updated from INSUFFICIENT_DATA to ALARM"
    pages = cloudwatch.get_paginator("describe_alarm_history").paginate(AlarmName="loud", PaginationConfig={"PageSize": 2})
    assert [len(page["AlarmHistoryItems"]) for page in pages] == [2, 1]


def test_a_jump_of_the_clock_shows_what_was_due_before_it(cloudwatch: Any, put: Any, clock: Any, become: Any) -> None:
    cloudwatch.put_metric_alarm(AlarmName="loud", **LOUD)
    put("errors", {0: 2})
    clock.advance(timedelta(days=20))
    become("loud", "INSUFFICIENT_DATA")
    eventually(lambda: len(cloudwatch.describe_alarm_history(AlarmName="loud", HistoryItemType="StateUpdate")["AlarmHistoryItems"]) == 2)


def test_an_alarm_on_metric_math(cloudwatch: Any, put: Any, clock: Any, become: Any) -> None:
    def stat(name: str) -> dict[str, Any]:
        return {"Metric": {"Namespace": "app", "MetricName": name}, "Period": 60, "Stat": "Sum"}

    cloudwatch.put_metric_alarm(
        AlarmName="rate",
        Metrics=[
            {"Id": "e", "Expression": "100 * errors / calls", "ReturnData": True},
            {"Id": "errors", "MetricStat": stat("errors"), "ReturnData": False},
            {"Id": "calls", "MetricStat": stat("calls"), "ReturnData": False},
        ],
        EvaluationPeriods=1,
        Threshold=5,
        ComparisonOperator="GreaterThanThreshold",
    )
    put("errors", {0: 1})
    put("calls", {0: 10})
    clock.advance(timedelta(minutes=1))
    assert json.loads(become("rate", "ALARM")["StateReasonData"])["recentDatapoints"] == [10.0]


def test_few_samples_leave_a_percentile_alone_if_asked(cloudwatch: Any, put: Any, clock: Any, become: Any) -> None:
    settings = {name: value for name, value in LOUD.items() if name != "Statistic"} | {"ExtendedStatistic": "p99"}
    cloudwatch.put_metric_alarm(AlarmName="careful", EvaluateLowSampleCountPercentile="ignore", **settings)
    cloudwatch.put_metric_alarm(AlarmName="nervous", **settings)
    put("errors", {0: 2})
    clock.advance(timedelta(minutes=1))
    become("nervous", "ALARM")
    become("careful", "INSUFFICIENT_DATA")


def test_a_composite_alarm_follows_its_children(cloudwatch: Any, become: Any) -> None:
    for name in ("cpu high", "errors"):
        cloudwatch.put_metric_alarm(AlarmName=name, **LOUD)
    cloudwatch.put_composite_alarm(AlarmName="both", AlarmRule='ALARM("cpu high") AND (ALARM(errors) OR FALSE)')
    become("both", "OK", "CompositeAlarm")
    for name in ("cpu high", "errors"):
        cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="by hand")
    described = become("both", "ALARM", "CompositeAlarm")
    assert ":alarm:errors transitioned to ALARM at " in described["StateReason"]
    assert json.loads(described["StateReasonData"])["triggeringAlarms"][0]["state"]["value"] == "ALARM"
    children = cloudwatch.describe_alarms(ChildrenOfAlarmName="both")["MetricAlarms"]
    assert [alarm["AlarmName"] for alarm in children] == ["cpu high", "errors"]
    parents = cloudwatch.describe_alarms(ParentsOfAlarmName="errors", AlarmTypes=["CompositeAlarm"])["CompositeAlarms"]
    assert [alarm["AlarmName"] for alarm in parents] == ["both"]
    with pytest.raises(cloudwatch.exceptions.ClientError, match="depending on it"):
        cloudwatch.delete_alarms(AlarmNames=["errors"])
    cloudwatch.delete_alarms(AlarmNames=["errors", "both"])
    assert [alarm["AlarmName"] for alarm in cloudwatch.describe_alarms()["MetricAlarms"]] == ["cpu high"]


def test_actions_that_fail_stand_in_the_history_and_silent_alarms_do_nothing(cloudwatch: Any, aws: Any) -> None:
    action = f"arn:aws:lambda:us-east-1:{aws.account}:function:absent"
    cloudwatch.put_metric_alarm(AlarmName="loud", AlarmActions=[action], **LOUD)
    cloudwatch.set_alarm_state(AlarmName="loud", StateValue="ALARM", StateReason="by hand")
    (item,) = eventually(lambda: cloudwatch.describe_alarm_history(HistoryItemType="Action")["AlarmHistoryItems"])
    assert item["HistorySummary"].startswith(f"Failed to execute action {action}.")
    cloudwatch.set_alarm_state(AlarmName="loud", StateValue="OK", StateReason="by hand")
    cloudwatch.disable_alarm_actions(AlarmNames=["loud"])
    cloudwatch.set_alarm_state(AlarmName="loud", StateValue="ALARM", StateReason="by hand")
    assert not cloudwatch.describe_alarms(AlarmNames=["loud"])["MetricAlarms"][0]["ActionsEnabled"]
    cloudwatch.enable_alarm_actions(AlarmNames=["loud"])
    assert len(cloudwatch.describe_alarm_history(HistoryItemType="Action")["AlarmHistoryItems"]) == 1
    settings = LOUD | {"AlarmActions": [f"arn:aws:ssm:us-east-1:{aws.account}:opsitem:1"]}
    cloudwatch.put_metric_alarm(AlarmName="other", **settings)
    cloudwatch.set_alarm_state(AlarmName="other", StateValue="ALARM", StateReason="by hand")
    (item,) = eventually(lambda: cloudwatch.describe_alarm_history(AlarmName="other", HistoryItemType="Action")["AlarmHistoryItems"])
    assert "not built" in item["HistorySummary"]


@pytest.mark.slow
def test_an_alarm_invokes_a_function_that_lets_it(cloudwatch: Any, aws: Any) -> None:
    from services.cloudwatch.functions import function_that_prints

    arn = function_that_prints(aws, "hearer")
    aws.client("lambda").add_permission(
        FunctionName="hearer",
        StatementId="alarms",
        Action="lambda:InvokeFunction",
        Principal="lambda.alarms.cloudwatch.amazonaws.com",
        SourceArn=f"arn:aws:cloudwatch:us-east-1:{aws.account}:alarm:loud",
    )
    cloudwatch.put_metric_alarm(AlarmName="loud", AlarmActions=[arn], **LOUD)
    cloudwatch.set_alarm_state(AlarmName="loud", StateValue="ALARM", StateReason="by hand")
    logs = aws.client("logs")

    def heard() -> Any:
        with contextlib.suppress(logs.exceptions.ResourceNotFoundException):
            return logs.filter_log_events(logGroupName="/aws/lambda/hearer", filterPattern="alarmData")["events"]

    payload = json.loads(next(iter(_patiently(heard)))["message"])
    assert payload["alarmData"]["state"]["reason"] == "by hand"
    assert payload["alarmData"]["previousState"]["value"] == "INSUFFICIENT_DATA"


def _patiently(look: Callable[[], Any]) -> Any:
    for _ in range(300):
        if found := look():
            return found
        time.sleep(0.05)
    raise AssertionError("it did not come")


REFUSALS: dict[str, dict[str, Any]] = {
    "a rule of no words": {"AlarmRule": "ALARM("},
    "an alarm that is not there": {"AlarmRule": "ALARM(nobody)"},
    "another state": {"AlarmRule": "LOUD(loud)"},
    "a state of an array of them": {"AlarmRule": "AT_LEAST(x, ALARM, (loud))"},
}


@pytest.mark.parametrize("request_", REFUSALS.values(), ids=REFUSALS)
def test_put_composite_alarm_refuses(cloudwatch: Any, refused: Any, request_: dict[str, Any]) -> None:
    cloudwatch.put_metric_alarm(AlarmName="loud", **LOUD)
    with refused("ValidationError"):
        cloudwatch.put_composite_alarm(AlarmName="whole", **request_)


METRIC_REFUSALS: dict[str, tuple[str, dict[str, Any]]] = {
    "two statistics": ("InvalidParameterCombination", {"ExtendedStatistic": "p99"}),
    "an odd period": ("ValidationError", {"Period": 45}),
    "more than a day": ("ValidationError", {"Period": 300, "EvaluationPeriods": 500}),
    "an unknown treatment": ("ValidationError", {"TreatMissingData": "panic"}),
    "more to alarm than are looked at": ("ValidationError", {"DatapointsToAlarm": 2}),
    "an action without an ARN": ("ValidationError", {"AlarmActions": ["mail me"]}),
    "a band of a number": ("InvalidParameterCombination", {"ThresholdMetricId": "ad1"}),
}


@pytest.mark.parametrize(("code", "more"), METRIC_REFUSALS.values(), ids=METRIC_REFUSALS)
def test_put_metric_alarm_refuses(cloudwatch: Any, refused: Any, code: str, more: dict[str, Any]) -> None:
    with refused(code):
        cloudwatch.put_metric_alarm(AlarmName="bad", **(LOUD | more))
    assert cloudwatch.describe_alarms()["MetricAlarms"] == []


def test_alarms_are_listed_in_pages_by_prefix_and_for_a_metric(cloudwatch: Any) -> None:
    for number in range(5):
        cloudwatch.put_metric_alarm(AlarmName=f"a-{number}", **LOUD)
    cloudwatch.put_metric_alarm(AlarmName="b", **(LOUD | {"MetricName": "other"}))
    pages = list(cloudwatch.get_paginator("describe_alarms").paginate(AlarmNamePrefix="a-", PaginationConfig={"PageSize": 2}))
    assert [len(page["MetricAlarms"]) for page in pages] == [2, 2, 1]
    found = cloudwatch.describe_alarms_for_metric(Namespace="app", MetricName="other", Statistic="Sum")["MetricAlarms"]
    assert [alarm["AlarmName"] for alarm in found] == ["b"]
