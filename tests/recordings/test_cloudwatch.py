"""CloudWatch against what AWS answered: recordings/cloudwatch.json. Each test names its case.

A case was recorded in several protocols, of which all but the headers are the same; botocore speaks one of them, and
tests/services/cloudwatch/test_protocols.py the others. Left out: the metrics of SQS, and the messages that topics sent, for which there is
no SNS yet.
"""

import http.client
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest

from recordings.replaying import refusal


@pytest.fixture
def cloudwatch(aws: Any) -> Any:
    return aws.client("cloudwatch")


@pytest.fixture
def moment(server: Any) -> datetime:
    """Two minutes ago, to the minute."""
    now: datetime = server.home.clock.now()
    return now.astimezone(UTC).replace(second=0, microsecond=0) - timedelta(minutes=2)


def span(moment: datetime) -> dict[str, datetime]:
    return {"StartTime": moment - timedelta(minutes=5), "EndTime": moment + timedelta(minutes=5)}


def query(identity: str, name: str, stat: str, period: int = 60, unit: str | None = None, **metric: Any) -> dict[str, Any]:
    asked = {"Metric": {"Namespace": "ns", "MetricName": name, **metric}, "Period": period, "Stat": stat}
    return {"Id": identity, "MetricStat": asked | ({"Unit": unit} if unit else {})}


def described(answer: dict[str, Any]) -> dict[str, Any]:
    """As the recordings keep it: without the list of log alarms, which came later, and with the reason's data read."""
    answer = {name: value for name, value in answer.items() if name != "LogAlarms"}
    for alarm in answer.get("MetricAlarms", []):
        if "StateReasonData" in alarm:
            alarm["StateReasonData"] = json.loads(alarm["StateReasonData"])
    return answer


def eventually(look: Callable[[], Any]) -> Any:
    for _ in range(200):
        found = look()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError("it did not come")


@pytest.mark.parametrize("number", [0, 1, 2])
def test_several_units_and_none_asked_for(cloudwatch: Any, recorded: Any, moment: datetime, number: int) -> None:
    protocol = {0: "json", 1: "smithy-rpc-v2-cbor", 2: "smithy-rpc-v2-cbor"}[number]
    case = recorded("cloudwatch", f"TestCloudwatch::test_get_metric_data_different_units_no_unit_in_query[{protocol}-metric_data{number}]")
    units = {
        0: {"Milliseconds": 60000, "Seconds": 60},
        1: {"Seconds": 20, "Milliseconds": 120000},
        2: {"Milliseconds": 7, "Count": 5, "Seconds": 3},
    }
    for unit, value in units[number].items():
        cloudwatch.put_metric_data(Namespace="ns", MetricData=[{"MetricName": "m-test", "Unit": unit, "Value": value, "Timestamp": moment}])
    answer = cloudwatch.get_metric_data(MetricDataQueries=[query("m1", "m-test", "Average")], **span(moment))
    case.says("get_metric_data_with_no_unit_specified", answer)


def test_the_unit_that_was_asked_for(cloudwatch: Any, recorded: Any, moment: datetime) -> None:
    case = recorded("cloudwatch", "TestCloudwatch::test_get_metric_data_with_different_units[query]")
    for unit, value in (("Seconds", 1), ("Count", 5)):
        cloudwatch.put_metric_data(Namespace="ns", MetricData=[{"MetricName": "m-test", "Unit": unit, "Value": value, "Timestamp": moment}])
    answer = cloudwatch.get_metric_data(MetricDataQueries=[query("m1", "m-test", "Average", unit="Seconds")], **span(moment))
    case.says("get_metric_data_with_different_units", answer)


def test_several_metrics_and_their_labels(cloudwatch: Any, recorded: Any, moment: datetime) -> None:
    case = recorded("cloudwatch", "TestCloudwatch::test_get_metric_data_for_multiple_metrics[json]")
    for name, value in (("metric1", 50), ("metric2", 25), ("metric3", 55)):
        cloudwatch.put_metric_data(Namespace="ns", MetricData=[{"MetricName": name, "Value": value, "Timestamp": moment}])
    queries = [query(f"result{number}", f"metric{number}", "Sum") for number in (1, 2, 3)]
    case.says("get_metric_data", cloudwatch.get_metric_data(MetricDataQueries=queries, **span(moment)))


@pytest.mark.parametrize("stat", ["Average", "Minimum", "SampleCount", "Sum"])
def test_statistics(cloudwatch: Any, recorded: Any, moment: datetime, stat: str) -> None:
    case = recorded("cloudwatch", f"TestCloudwatch::test_get_metric_data_stats[json-{stat}]")
    data = [{"MetricName": "metric1", "Value": value, "Timestamp": moment} for value in range(1, 12)]
    cloudwatch.put_metric_data(Namespace="ns", MetricData=data)
    case.says("get_metric_data", cloudwatch.get_metric_data(MetricDataQueries=[query("result1", "metric1", stat)], **span(moment)))


def test_dimensions_make_a_metric_of_their_own(cloudwatch: Any, recorded: Any, moment: datetime) -> None:
    case = recorded("cloudwatch", "TestCloudwatch::test_get_metric_data_with_dimensions[json]")
    dimensions = [{"Name": "InstanceId", "Value": "one"}]
    data = [
        {"MetricName": "metric1", "Value": 25, "Timestamp": moment},
        {"MetricName": "metric1", "Value": 11, "Timestamp": moment, "Dimensions": dimensions},
    ]
    cloudwatch.put_metric_data(Namespace="ns", MetricData=data)
    queries = [query("result1", "metric1", "Sum", Dimensions=dimensions)]
    case.says("get_metric_data", cloudwatch.get_metric_data(MetricDataQueries=queries, **span(moment)))


def test_labels_tell_statistics_apart(cloudwatch: Any, recorded: Any, moment: datetime) -> None:
    case = recorded("cloudwatch", "TestCloudwatch::test_get_metric_data_with_zero_and_labels[json]")
    data = [{"MetricName": "metric1", "Value": value, "Timestamp": moment} for value in (0, 2, 4, 3.5, 7, 100)]
    cloudwatch.put_metric_data(Namespace="ns", MetricData=data)
    queries = [query(f"result_{stat}", "metric1", stat) for stat in ("Average", "Sum", "Minimum", "Maximum")]
    case.says("get_metric_data_with_zero_and_labels", cloudwatch.get_metric_data(MetricDataQueries=queries, **span(moment)))


LABELS = {
    "json-input_pairs0": [("Sum", 60, "Seconds"), ("Minimum", 30, "Seconds")],
    "query-input_pairs1": [("Sum", 60, "Seconds"), ("Minimum", 60, "Seconds")],
    "json-input_pairs2": [("Sum", 60, "Seconds"), ("Sum", 30, "Seconds")],
    "json-input_pairs3": [("Sum", 60, "Seconds"), ("Minimum", 30, "Milliseconds")],
    "json-input_pairs4": [("Sum", 60, "Seconds"), ("Minimum", 60, "Milliseconds")],
    "smithy-rpc-v2-cbor-input_pairs5": [("Sum", 60, "Seconds"), ("Sum", 30, "Milliseconds")],
    "json-input_pairs6": [("Sum", 60, "Seconds"), ("Sum", 60, "Milliseconds")],
}


@pytest.mark.parametrize(("case_name", "pairs"), LABELS.items())
def test_labels(cloudwatch: Any, recorded: Any, moment: datetime, case_name: str, pairs: list[tuple[str, int, str]]) -> None:
    case = recorded("cloudwatch", f"TestCloudwatch::test_label_generation[{case_name}]")
    data = [{"MetricName": "metric1", "Value": value, "Timestamp": moment, "Unit": "Seconds"} for value in (0, 2, 7, 100)]
    cloudwatch.put_metric_data(Namespace="ns", MetricData=data)
    queries = [query(f"result_{stat}_{period}_{unit}", "metric1", stat, period, unit) for stat, period, unit in pairs]
    case.says("label_generation", cloudwatch.get_metric_data(MetricDataQueries=queries, **span(moment)))


def test_statistics_of_one_metric(cloudwatch: Any, recorded: Any, moment: datetime) -> None:
    case = recorded("cloudwatch", "TestCloudwatch::test_get_metric_statistics[query]")
    data = [{"MetricName": "metric", "Value": value, "Timestamp": moment} for value in range(10)]
    cloudwatch.put_metric_data(Namespace="ns", MetricData=data)
    stats = ["Average", "Sum", "Minimum", "Maximum", "SampleCount"]
    answer = cloudwatch.get_metric_statistics(Namespace="ns", MetricName="metric", Period=60, Statistics=stats, **span(moment))
    case.says("get_metric_statistics", answer)


@pytest.mark.parametrize(
    ("case_name", "label"),
    [
        ("test_get_metric_with_no_results[query]", "result"),
        ("test_get_metric_with_null_dimensions[smithy-rpc-v2-cbor]", "get_metric_with_null_dimensions"),
    ],
)
def test_a_metric_that_is_not_there(cloudwatch: Any, recorded: Any, moment: datetime, case_name: str, label: str) -> None:
    case = recorded("cloudwatch", f"TestCloudwatch::{case_name}")
    case.says(label, cloudwatch.get_metric_data(MetricDataQueries=[query("result", "absent", "Sum")], **span(moment)))


def test_statistics_by_unit(cloudwatch: Any, recorded: Any, moment: datetime) -> None:
    case = recorded("cloudwatch", "TestCloudwatch::test_handle_different_units[query]")
    for value, unit in ((10, {}), (5, {"Unit": "Count"}), (1, {"Unit": "Seconds"})):
        cloudwatch.put_metric_data(Namespace="ns", MetricData=[{"MetricName": "m-test", "Value": value, "Timestamp": moment, **unit}])
    answer = cloudwatch.get_metric_statistics(Namespace="ns", MetricName="m-test", Period=60, Statistics=["Average"], **span(moment))
    answer["Datapoints"].sort(key=lambda point: -point["Average"])  # AWS promises no order
    case.says("get_metric_statistics_with_different_units", answer)


def test_more_points_than_there_are_in_one_answer(cloudwatch: Any, recorded: Any, moment: datetime) -> None:
    case = recorded("cloudwatch", "TestCloudwatch::test_invalid_amount_of_datapoints[json]")
    asked = {"Namespace": "ns", "MetricName": "metric_name", "Statistics": ["SampleCount"]}
    start, end = moment - timedelta(hours=1), moment - timedelta(hours=1) + timedelta(days=1)
    call = cloudwatch.get_metric_statistics
    case.refuses("error-invalid-amount-datapoints", call, StartTime=start, EndTime=end, Period=1, **asked)
    case.refuses("error-invalid-time-frame", call, StartTime=end, EndTime=start, Period=1, **asked)
    case.says("get-metric-statitics", call(StartTime=start, EndTime=start + timedelta(minutes=1), Period=1, **asked))


def test_a_name_that_no_dashboard_has(cloudwatch: Any, recorded: Any) -> None:
    case = recorded("cloudwatch", "TestCloudwatch::test_invalid_dashboard_name[json]")
    request = {"DashboardName": "test-[dashboard", "DashboardBody": '{"widgets": []}'}
    case.refuses("error-invalid-dashboardname", cloudwatch.put_dashboard, **request)


def test_many_dimensions(cloudwatch: Any, recorded: Any, moment: datetime) -> None:
    case = recorded("cloudwatch", "TestCloudwatch::test_multiple_dimensions_statistics[json]")
    names = {"error": "none", "exception": "none", "method": "GET", "outcome": "SUCCESS", "status": "200", "uri": "/greetings"}
    dimensions = [{"Name": name, "Value": value} for name, value in reversed(names.items())]
    datum = {"MetricName": "http.server.requests.count", "Value": 5, "Timestamp": moment, "Dimensions": dimensions}
    cloudwatch.put_metric_data(Namespace="ns", MetricData=[datum])
    queries = [query("result1", "http.server.requests.count", "Maximum", Dimensions=dimensions)]
    case.says("get-metric-stats-max", cloudwatch.get_metric_data(MetricDataQueries=queries, **span(moment)))
    listed = cloudwatch.list_metrics(Namespace="ns")
    for metric in listed["Metrics"]:
        metric["Dimensions"].sort(key=lambda one: one["Name"])
    case.says("list-metrics", listed)


@pytest.mark.parametrize("protocol", ["json", "smithy-rpc-v2-cbor"])
def test_what_a_datum_cannot_have_at_once(cloudwatch: Any, recorded: Any, protocol: str) -> None:
    case = recorded("cloudwatch", f"TestCloudwatch::test_put_metric_data_validation[{protocol}]")
    together = {"SampleCount": 10, "Sum": 55, "Minimum": 1, "Maximum": 10}
    wrong = {
        "invalid-param-combination": {"Value": 5, "Values": [1.0, 10.0]},
        "invalid-param-value": {"Values": [1.0, 10.0], "Counts": [2.0]},
        "invalid-param-combination-2": {"Value": 5, "StatisticValues": together},
    }
    for label, datum in wrong.items():
        case.refuses(label, cloudwatch.put_metric_data, Namespace="ns", MetricData=[{"MetricName": "mtest", **datum}])


def test_values_and_how_often_each_came(cloudwatch: Any, recorded: Any, moment: datetime) -> None:
    case = recorded("cloudwatch", "TestCloudwatch::test_put_metric_data_values_list[query]")
    datum = {"MetricName": "test-metric", "Timestamp": moment, "Values": [1.0, 10.0], "Counts": [2.0, 4.0], "Unit": "Count"}
    cloudwatch.put_metric_data(Namespace="ns", MetricData=[datum])
    stats = ["SampleCount", "Sum", "Maximum"]
    answer = cloudwatch.get_metric_statistics(Namespace="ns", MetricName="test-metric", Period=60, Statistics=stats, **span(moment))
    case.says("get_metric_statistics", answer)


def topic(aws: Any) -> str:
    return f"arn:aws:sns:us-east-1:{aws.account}:topic"


LOUD = {"Namespace": "ns", "EvaluationPeriods": 1, "ComparisonOperator": "GreaterThanThreshold"}


def test_an_alarm_comes_and_goes(cloudwatch: Any, recorded: Any) -> None:
    case = recorded("cloudwatch", "TestCloudwatch::test_delete_alarm[query]")
    cloudwatch.put_metric_alarm(AlarmName="a", MetricName="metric1", Period=60, Statistic="Sum", Threshold=30, **LOUD)
    case.says("describe-alarm", described(cloudwatch.describe_alarms(AlarmNames=["a"])))
    case.says("delete-alarm", cloudwatch.delete_alarms(AlarmNames=["a"]))
    case.says("describe-after-delete", described(cloudwatch.describe_alarms(AlarmNames=["a"])))


def test_alarms_of_a_new_account(cloudwatch: Any, recorded: Any) -> None:
    case = recorded("cloudwatch", "TestCloudWatchMultiProtocol::test_basic_operations_multiple_protocols[json]")
    answer = cloudwatch.describe_alarms()
    del answer["ResponseMetadata"]
    case.says("describe-alarms", answer)
    case.leaves("get-metric-data", because="its protocols are tried in test_protocols.py")


def test_an_alarms_dates(cloudwatch: Any, recorded: Any) -> None:
    case = recorded("cloudwatch", "TestCloudwatch::test_describe_alarms_converts_date_format_correctly[json]")
    cloudwatch.put_metric_alarm(AlarmName="a", MetricName="m", Period=60, Statistic="Sum", Threshold=30, **LOUD)
    case.says("describe-alarms", described(cloudwatch.describe_alarms(AlarmNames=["a"])))


def test_a_description_that_xml_must_escape(cloudwatch: Any, recorded: Any) -> None:
    case = recorded("cloudwatch", "TestCloudwatch::test_put_metric_alarm_escape_character[smithy-rpc-v2-cbor]")
    cloudwatch.put_metric_alarm(
        AlarmName="a",
        AlarmDescription="<",
        MetricName="m",
        Period=600,
        Statistic="Sum",
        Threshold=1,
        AlarmActions=["arn:aws:sns:us-east-1:111122223333:MyTopic"],
        **LOUD,
    )
    case.says("describe-alarms-escaped-character", described(cloudwatch.describe_alarms(AlarmNames=["a"])))


def test_an_alarm_goes_off(cloudwatch: Any, recorded: Any, aws: Any, clock: Any, server: Any) -> None:
    case = recorded("cloudwatch", "TestCloudwatch::test_put_metric_alarm")
    dimensions = [{"Name": "InstanceId", "Value": "abc"}]
    metric = {"Namespace": "ns", "MetricName": "my-metric1", "Dimensions": dimensions}
    cloudwatch.put_metric_alarm(
        AlarmName="a",
        AlarmDescription="testing cloudwatch alarms",
        Threshold=21.0,
        Period=10,
        EvaluationPeriods=1,
        Statistic="Average",
        OKActions=[topic(aws)],
        AlarmActions=[topic(aws)],
        Unit="Seconds",
        TreatMissingData="ignore",
        ComparisonOperator="GreaterThanThreshold",
        **metric,
    )
    case.says("describe-alarm", described(cloudwatch.describe_alarms(AlarmNames=["a"])))
    at = server.home.clock.now()
    for value in (21, 22):
        datum = {"MetricName": "my-metric1", "Dimensions": dimensions, "Value": value, "Unit": "Seconds", "StorageResolution": 1}
        cloudwatch.put_metric_data(Namespace="ns", MetricData=[datum | {"Timestamp": at}])
    clock.advance(timedelta(seconds=10))
    reason = case.recorded("describe-alarms-for-metric")["MetricAlarms"][0]["StateReason"].replace("MM/DD/YY HH:MM:SS", "<moment>")
    alarms = case.recorded("describe-alarms-for-metric")["MetricAlarms"]
    alarms[0]["StateReason"] = reason
    data = case.recorded("describe-alarm-history")["AlarmHistoryItems"][0]["HistoryData"]
    data["newState"]["stateReason"] = reason
    request = {"Namespace": "ns", "MetricName": "my-metric1", "Dimensions": dimensions, "Statistic": "Average"}
    eventually(lambda: cloudwatch.describe_alarms(StateValue="ALARM")["MetricAlarms"])
    case.says("describe-alarms-for-metric", described(cloudwatch.describe_alarms_for_metric(**request)))
    history = cloudwatch.describe_alarm_history(AlarmName="a", HistoryItemType="StateUpdate")
    for item in history["AlarmHistoryItems"]:
        item["HistoryData"] = json.loads(item["HistoryData"])
    case.says("describe-alarm-history", history)
    case.leaves("alarm-triggered-sqs-msg", because="there is no SNS yet")


def test_missing_data_that_breach(cloudwatch: Any, recorded: Any, aws: Any, clock: Any) -> None:
    case = recorded("cloudwatch", "TestCloudwatch::test_breaching_alarm_actions[json]")
    cloudwatch.put_metric_alarm(AlarmName="a", **slow_metric(aws, "breaching"))
    clock.advance(timedelta(seconds=20))
    eventually(lambda: cloudwatch.describe_alarms(StateValue="ALARM")["MetricAlarms"])
    case.says("alarm-1-describe", described(cloudwatch.describe_alarms(AlarmNames=["a"])))
    case.leaves("alarm-1-sqs-msg", because="there is no SNS yet")


def slow_metric(aws: Any, treats: str) -> dict[str, Any]:
    return {
        "AlarmDescription": "testing cloudwatch alarms",
        "MetricName": "my-metric101",
        "Namespace": "ns",
        "Period": 10,
        "EvaluationPeriods": 2,
        "Statistic": "Average",
        "OKActions": [topic(aws)],
        "AlarmActions": [topic(aws)],
        "Threshold": 2,
        "ComparisonOperator": "GreaterThanThreshold",
        "Dimensions": [{"Name": "InstanceId", "Value": "abc"}],
        "Unit": "Seconds",
        "TreatMissingData": treats,
    }


def test_actions_are_switched_off_and_on(cloudwatch: Any, recorded: Any, aws: Any) -> None:
    case = recorded("cloudwatch", "TestCloudwatch::test_enable_disable_alarm_actions[query]")

    def says(label: str) -> None:
        case.says(label, described(cloudwatch.describe_alarms(AlarmNames=["a"])))

    cloudwatch.put_metric_alarm(AlarmName="a", **slow_metric(aws, "ignore"))
    says("describe_alarm")
    cloudwatch.set_alarm_state(AlarmName="a", StateReason="testing alarm", StateValue="ALARM")
    says("alarm-state-describe")
    cloudwatch.disable_alarm_actions(AlarmNames=["a"])
    cloudwatch.set_alarm_state(AlarmName="a", StateReason="testing OK state", StateValue="OK")
    says("describe_alarm_disabled")
    says("ok-state-action-disabled-describe")
    cloudwatch.enable_alarm_actions(AlarmNames=["a"])
    says("describe_alarm_enabled")
    case.leaves("alarm-state-sqs-msg", because="there is no SNS yet")


def test_a_state_set_by_hand(cloudwatch: Any, recorded: Any, aws: Any) -> None:
    case = recorded("cloudwatch", "TestCloudwatch::test_set_alarm[json]")
    cloudwatch.put_metric_alarm(
        AlarmName="a",
        AlarmDescription="Test Alarm when CPU exceeds 50 percent",
        MetricName="CPUUtilization-3",
        Namespace="ns",
        Period=300,
        EvaluationPeriods=2,
        Statistic="Average",
        Threshold=50,
        ComparisonOperator="GreaterThanThreshold",
        Dimensions=[{"Name": "InstanceId", "Value": "i-0317828c84edbe100"}],
        Unit="Percent",
        TreatMissingData="ignore",
        AlarmActions=[topic(aws)],
        OKActions=[topic(aws)],
    )
    cloudwatch.set_alarm_state(AlarmName="a", StateReason="testing alarm", StateValue="ALARM")
    case.says("triggered-alarm", described(cloudwatch.describe_alarms(AlarmNames=["a"])))
    cloudwatch.set_alarm_state(AlarmName="a", StateReason="resetting alarm", StateValue="OK")
    case.says("reset-alarm", described(cloudwatch.describe_alarms(AlarmNames=["a"])))


def test_a_state_that_there_is_not(cloudwatch: Any, recorded: Any) -> None:
    case = recorded("cloudwatch", "TestCloudwatch::test_set_alarm_invalid_input[json]")
    case.refuses("error-resource-not-found", cloudwatch.set_alarm_state, AlarmName="a", StateValue="ALARM", StateReason="r")
    cloudwatch.put_metric_alarm(AlarmName="a", MetricName="m", Period=60, Statistic="Sum", Threshold=30, **LOUD)
    error = refusal(cloudwatch.set_alarm_state, AlarmName="a", StateValue="INVALID", StateReason="r")
    del error["message"]  # the SDK's copy, which it makes for the errors that its model knows
    case.says("error-invalid-state", error)


@pytest.mark.parametrize("kind", ["metric", "composite"])
def test_tags(cloudwatch: Any, recorded: Any, aws: Any, kind: str) -> None:
    case = recorded("cloudwatch", f"TestCloudwatch::test_tagging_{kind}_alarm[{'json' if kind == 'metric' else 'query'}]")
    tags = [{"Key": "Environment", "Value": "Production"}]
    arn = f"arn:aws:cloudwatch:us-east-1:{aws.account}:alarm:a"
    if kind == "metric":
        request = {"AlarmName": "a", "MetricName": "m", "Period": 60, "Statistic": "Sum", "Threshold": 30, "Tags": tags, **LOUD}
        case.says("put_metric_alarm", cloudwatch.put_metric_alarm(**request))
    else:
        cloudwatch.put_composite_alarm(AlarmName="a", AlarmRule="FALSE", Tags=tags)
    after = "list_tags_for_resource_after_creation" + (" " if kind == "composite" else "")
    case.says(after, cloudwatch.list_tags_for_resource(ResourceARN=arn))
    cloudwatch.tag_resource(ResourceARN=arn, Tags=[{"Key": "tag1", "Value": "foo"}, {"Key": "tag2", "Value": "bar"}])
    case.says("list_tags_for_resource_updated", cloudwatch.list_tags_for_resource(ResourceARN=arn))
    cloudwatch.untag_resource(ResourceARN=arn, TagKeys=["tag1"])
    case.says("list_tags_for_resource_post_untag", cloudwatch.list_tags_for_resource(ResourceARN=arn))
    cloudwatch.delete_alarms(AlarmNames=["a"])
    case.says("list_tags_for_deleted_resource", cloudwatch.list_tags_for_resource(ResourceARN=arn))


def test_a_composite_alarm(cloudwatch: Any, recorded: Any, aws: Any, clock: Any) -> None:
    case = recorded("cloudwatch", "TestCloudwatch::test_trigger_composite_alarm[smithy-rpc-v2-cbor]")
    names = {"composite-alarm-name": "whole", "simple-alarm-1-name": "one", "simple-alarm-2-name": "two"}
    case.means(names | {"alarm-topic-name": "topic", "ok-topic-name": "topic"})
    for name in ("one", "two"):
        cloudwatch.put_metric_alarm(AlarmName=name, MetricName="m", Period=60, Statistic="Sum", Threshold=30, **LOUD)
    arns = [f"arn:aws:cloudwatch:us-east-1:{aws.account}:alarm:{name}" for name in ("one", "two")]
    answer = cloudwatch.put_composite_alarm(
        AlarmName="whole",
        AlarmDescription="composite alarm description",
        AlarmRule=f'ALARM("{arns[0]}") OR ALARM("{arns[1]}")',
        OKActions=[topic(aws)],
        AlarmActions=[topic(aws)],
    )
    case.says("put-composite-alarm", answer)

    def whole(state: str) -> Any:
        (alarm,) = cloudwatch.describe_alarms(AlarmNames=["whole"], AlarmTypes=["CompositeAlarm"])["CompositeAlarms"]
        alarm["StateReasonData"] = json.loads(alarm.get("StateReasonData", "{}"))
        return alarm if alarm["StateValue"] == state else None

    eventually(lambda: whole("OK"))
    steps = [
        ("one", "ALARM", "in-alarm-when-alarm-1-is-in-alarm"),
        ("one", "OK", "in-ok-when-alarm-1-is-back-to-ok"),
        ("two", "ALARM", "in-alarm-when-alarm-2-is-in-alarm"),
        ("two", "OK", "in-ok-when-alarm-2-is-back-to-ok"),
    ]
    for name, state, label in steps:
        clock.advance(timedelta(seconds=1))
        cloudwatch.set_alarm_state(AlarmName=name, StateValue=state, StateReason="r")
        case.says(f"composite-alarm-{label}", eventually(lambda state=state: whole(state)))
    clock.advance(timedelta(seconds=1))
    cloudwatch.set_alarm_state(AlarmName="one", StateValue="ALARM", StateReason="r")
    eventually(lambda: whole("ALARM"))
    cloudwatch.set_alarm_state(AlarmName="two", StateValue="ALARM", StateReason="r")
    case.says("composite-alarm-is-triggered-by-alarm-1-and-then-unchanged-by-alarm-2", eventually(lambda: whole("ALARM")))


def test_dashboards(cloudwatch: Any, recorded: Any) -> None:
    case = recorded("cloudwatch", "TestCloudwatch::test_dashboard_lifecycle[query]")
    case.means({"region": "us-east-1"})
    properties = {
        "metrics": [["AWS/EC2", "CPUUtilization", "InstanceId", "i-12345678"]],
        "region": "us-east-1",
        "view": "timeSeries",
        "stacked": False,
    }
    body = {"widgets": [{"type": "metric", "x": 0, "y": 0, "width": 6, "height": 6, "properties": properties}]}
    text = json.dumps(body)
    cloudwatch.put_dashboard(DashboardName="test-d", DashboardBody=text)
    answer = cloudwatch.get_dashboard(DashboardName="test-d")
    case.says("get_dashboard", answer | {"DashboardBody": json.loads(answer["DashboardBody"])})
    for label in ("list_dashboards", "list_dashboards_prefix"):
        for entry in case.recorded(label)["DashboardEntries"]:
            entry["Size"] = len(text)
    case.says("list_dashboards", cloudwatch.list_dashboards())
    case.says("list_dashboards_prefix_empty", cloudwatch.list_dashboards(DashboardNamePrefix="no-"))
    case.says("list_dashboards_prefix", cloudwatch.list_dashboards(DashboardNamePrefix="test"))
    cloudwatch.delete_dashboards(DashboardNames=["test-d"])
    case.says("list_dashboards_empty", cloudwatch.list_dashboards())


def test_a_metric_stream_from_its_making_to_its_end(aws: Any, cloudwatch: Any, recorded: Any) -> None:
    case = recorded("cloudwatch", "TestCloudwatch::test_create_metric_stream[smithy-rpc-v2-cbor]")
    stream = {
        "Name": "out",
        "FirehoseArn": f"arn:aws:firehose:us-east-1:{aws.account}:deliverystream/d",
        "RoleArn": f"arn:aws:iam::{aws.account}:role/r",
        "OutputFormat": "json",
    }
    case.says("create_metric_stream", cloudwatch.put_metric_stream(**stream))
    case.says("get_metric_stream", cloudwatch.get_metric_stream(Name="out"))
    case.says("start_metric_stream", cloudwatch.start_metric_streams(Names=["out"]))
    case.says("stop_metric_stream", cloudwatch.stop_metric_streams(Names=["out"]))
    case.says("delete_metric_stream", cloudwatch.delete_metric_stream(Name="out"))


def test_an_insight_rule_from_its_making_to_its_end(cloudwatch: Any, recorded: Any, moment: datetime) -> None:
    case = recorded("cloudwatch", "TestCloudwatch::test_insight_rule[smithy-rpc-v2-cbor]")
    case.means({"name:1": "CloudWatchLogRule"})
    definition = case.recorded("describe_insight_rule")["InsightRules"][0]["Definition"]
    text = json.dumps(definition).replace("<name:1>", "CloudWatchLogRule")
    case.says("create_insight_rule", cloudwatch.put_insight_rule(RuleName="top", RuleState="ENABLED", RuleDefinition=text))
    answer = cloudwatch.describe_insight_rules()
    answer["InsightRules"][0]["Definition"] = json.loads(answer["InsightRules"][0]["Definition"])
    case.says("describe_insight_rule", answer)
    case.says("disable_insight_rule", cloudwatch.disable_insight_rules(RuleNames=["top"]))
    case.says("enable_insight_rule", cloudwatch.enable_insight_rules(RuleNames=["top"]))
    end = moment - timedelta(minutes=moment.minute % 5) + timedelta(minutes=1)
    report = {"RuleName": "top", "StartTime": end - timedelta(hours=1), "EndTime": end, "Period": 300, "Metrics": ["UniqueContributors"]}
    case.says("get_insight_rule_report", cloudwatch.get_insight_rule_report(**report))
    case.says("delete_insight_rule", cloudwatch.delete_insight_rules(RuleNames=["top"]))


def test_an_anomaly_detector_from_its_making_to_its_end(cloudwatch: Any, recorded: Any) -> None:
    case = recorded("cloudwatch", "TestCloudwatch::test_anomaly_detector_lifecycle[query]")
    dimensions = [{"Name": "DimensionName", "Value": "DimensionValue"}]
    metric = {"Namespace": "MyNamespace", "MetricName": "MyMetric", "Dimensions": dimensions, "Stat": "Sum"}
    case.says("create_anomaly_detector", cloudwatch.put_anomaly_detector(SingleMetricAnomalyDetector=metric))
    case.says("describe_anomaly_detector", cloudwatch.describe_anomaly_detectors(AnomalyDetectorTypes=["SINGLE_METRIC"]))
    case.says("delete_anomaly_detector", cloudwatch.delete_anomaly_detector(SingleMetricAnomalyDetector=metric))


@pytest.mark.http
def test_refusals_in_json(aws: Any, recorded: Any) -> None:
    """As they stand on the wire, which clients take apart."""
    case = recorded("cloudwatch", "TestCloudWatchMultiProtocol::test_exception_serializing_with_no_shape_in_spec[json]")
    case.says("invalid-value-response", _set_alarm_state(aws, "INVALID", {}))
    case.says("not-found-response", _set_alarm_state(aws, "OK", {}))
    case.says("not-found-response-query-mode-true", _set_alarm_state(aws, "OK", {"x-amzn-query-mode": "true"}))


def _set_alarm_state(aws: Any, state: str, headers: dict[str, str]) -> Any:
    body = json.dumps({"AlarmName": "absent", "StateValue": state, "StateReason": "r"}).encode()
    headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "GraniteServiceVersion20100801.SetAlarmState"} | headers
    signed = botocore.awsrequest.AWSRequest("POST", f"{aws.endpoint_url}/", headers=headers, data=body)
    keys = botocore.credentials.Credentials(aws.account, "test")
    botocore.auth.SigV4Auth(keys, "monitoring", "us-east-1").add_auth(signed)
    connection = http.client.HTTPConnection(urlsplit(aws.endpoint_url).netloc)
    connection.request("POST", "/", body=body, headers=dict(signed.headers))
    answer = json.loads(connection.getresponse().read())
    connection.close()
    return answer
