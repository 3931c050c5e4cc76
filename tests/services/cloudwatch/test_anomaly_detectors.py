"""Anomaly detectors and their bands. Truth: "Using CloudWatch anomaly detection" of the user guide; the model is our own."""

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from headwater.services.cloudwatch.bands import Model

METRIC = {"Namespace": "app", "MetricName": "load", "Stat": "Average"}
HOUR_S = 3600


def band(cloudwatch: Any, now: Any, width: int = 2) -> dict[str, list[float]]:
    metric = {"Metric": {"Namespace": "app", "MetricName": "load"}, "Period": HOUR_S, "Stat": "Average"}
    queries = [
        {"Id": "m1", "MetricStat": metric, "ReturnData": False},
        {"Id": "band", "Expression": f"ANOMALY_DETECTION_BAND(m1, {width})"},
    ]
    span = {"StartTime": now() - timedelta(hours=1), "EndTime": now()}
    answer = cloudwatch.get_metric_data(MetricDataQueries=queries, **span)
    return {one["Label"]: one["Values"] for one in answer["MetricDataResults"]}


def test_a_band_follows_from_what_was(cloudwatch: Any, now: Any, put: Any) -> None:
    put("load", {60.0 * hour: 10.0 if hour % 2 else 14.0 for hour in range(2, 40)})
    assert band(cloudwatch, now) == {"load (upper)": [], "load (lower)": []}
    cloudwatch.put_anomaly_detector(**METRIC)
    found = band(cloudwatch, now)
    assert all(8.0 <= value <= 16.0 for values in found.values() for value in values)
    assert found["load (upper)"] >= found["load (lower)"] != []
    [detector] = cloudwatch.describe_anomaly_detectors(Namespace="app", MetricName="load")["AnomalyDetectors"]
    assert detector["StateValue"] == "TRAINED"
    past = {"StartTime": now() - timedelta(days=20), "EndTime": now()}
    cloudwatch.put_anomaly_detector(**METRIC, Configuration={"ExcludedTimeRanges": [past], "MetricTimezone": "Europe/Berlin"})
    [detector] = cloudwatch.describe_anomaly_detectors()["AnomalyDetectors"]
    assert (detector["StateValue"], detector["Configuration"]["MetricTimezone"]) == ("PENDING_TRAINING", "Europe/Berlin")
    cloudwatch.delete_anomaly_detector(**METRIC)
    assert cloudwatch.describe_anomaly_detectors()["AnomalyDetectors"] == []


def test_an_hour_of_the_week_is_compared_with_itself() -> None:
    monday = int(datetime(2030, 1, 7, tzinfo=UTC).timestamp())
    history = {monday + hour * HOUR_S: 100.0 if hour % 168 == 9 else 1.0 for hour in range(336)}
    model = Model(history)
    assert model.band(monday + (336 + 9) * HOUR_S, 2) == (100.0, 100.0)
    assert model.band(monday + (336 + 10) * HOUR_S, 2) == (1.0, 1.0)


def test_a_wider_band_has_the_same_middle() -> None:
    model = Model({0: 1.0, 60: 3.0})
    assert (model.band(120, 1), model.band(120, 3)) == ((1.0, 3.0), (-1.0, 5.0))
    assert Model({0: 1.0}).band(60, 2) is None


REFUSALS = {
    "no statistic": ({"Namespace": "app", "MetricName": "load"}, "MissingParameter"),
    "both ways": (METRIC | {"SingleMetricAnomalyDetector": METRIC}, "InvalidParameterCombination"),
    "a zone that is none": (METRIC | {"Configuration": {"MetricTimezone": "Mars/Olympus"}}, "InvalidParameterValue"),
    "metric math": ({"MetricMathAnomalyDetector": {"MetricDataQueries": []}}, "NotImplemented"),
}


@pytest.mark.parametrize(("request_", "code"), REFUSALS.values(), ids=REFUSALS)
def test_what_is_refused(cloudwatch: Any, refused: Any, request_: dict[str, Any], code: str) -> None:
    with refused(code):
        cloudwatch.put_anomaly_detector(**request_)


def test_one_that_is_not_there(cloudwatch: Any, refused: Any) -> None:
    with refused("ResourceNotFoundException"):
        cloudwatch.delete_anomaly_detector(**METRIC)


ALARM = {
    "AlarmName": "odd",
    "EvaluationPeriods": 1,
    "ComparisonOperator": "LessThanLowerOrGreaterThanUpperThreshold",
    "ThresholdMetricId": "band",
    "Metrics": [
        {"Id": "m1", "MetricStat": {"Metric": {"Namespace": "app", "MetricName": "load"}, "Period": 60, "Stat": "Average"}},
        {"Id": "band", "Expression": "ANOMALY_DETECTION_BAND(m1, 2)"},
    ],
}


def state_after(cloudwatch: Any, clock: Any, wanted: str) -> dict[str, Any]:
    alarm: dict[str, Any] = {}
    for _ in range(20):
        clock.advance(timedelta(minutes=1))
        for _ in range(20):
            [alarm] = cloudwatch.describe_alarms(AlarmNames=["odd"])["MetricAlarms"]
            if alarm["StateValue"] == wanted:
                return alarm
            time.sleep(0.02)
    raise AssertionError(alarm)


def test_an_alarm_on_a_band(cloudwatch: Any, clock: Any, put: Any) -> None:
    """It makes the detector that it needs. The sentence is our reading of AWS's."""
    put("load", {float(minute): 10.0 if minute % 2 else 12.0 for minute in range(5, 200)})
    cloudwatch.put_metric_alarm(**ALARM)
    assert len(cloudwatch.describe_anomaly_detectors()["AnomalyDetectors"]) == 1
    put("load", {0: 11.0})
    state_after(cloudwatch, clock, "OK")
    put("load", {0: 500.0})
    alarm = state_after(cloudwatch, clock, "ALARM")
    assert alarm["StateReason"].startswith("Thresholds Crossed: 1 out of the last 1 datapoints [500.0 (")
    assert "was less than the lower thresholds [" in alarm["StateReason"]
    assert json.loads(alarm["StateReasonData"])["recentUpperThresholds"][0] < 500
    cloudwatch.delete_alarms(AlarmNames=["odd"])


WRONG_ALARMS = {
    "a band and a number": ({"Threshold": 1.0}, "InvalidParameterCombination"),
    "a number's comparison": ({"ComparisonOperator": "GreaterThanThreshold"}, "InvalidParameterCombination"),
    "a query that is not there": ({"ThresholdMetricId": "other"}, "ValidationError"),
}


@pytest.mark.parametrize(("more", "code"), WRONG_ALARMS.values(), ids=WRONG_ALARMS)
def test_an_alarm_on_a_band_that_cannot_be(cloudwatch: Any, refused: Any, more: dict[str, Any], code: str) -> None:
    with refused(code):
        cloudwatch.put_metric_alarm(**ALARM | more)
