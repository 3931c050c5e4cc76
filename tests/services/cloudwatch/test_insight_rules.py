"""Insight rules. Truth: "Contributor Insights rule syntax" of the user guide."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from headwater.services.cloudwatch.contributors import read, reader

BASE = {"Schema": {"Name": "CloudWatchLogRule", "Version": 1}, "LogGroupNames": ["app/*"], "LogFormat": "JSON", "AggregateOn": "Count"}
BY_IP = BASE | {"Contribution": {"Keys": ["$.ip"], "Filters": []}}


@pytest.fixture
def say(aws: Any, server: Any) -> Callable[..., None]:
    """`say({"ip": "a"}, …)`: into the group app/one, now."""
    logs = aws.client("logs")
    logs.create_log_group(logGroupName="app/one")
    logs.create_log_group(logGroupName="other")
    for group in ("app/one", "other"):
        logs.create_log_stream(logGroupName=group, logStreamName="s")

    def say(*events: Any, group: str = "app/one") -> None:
        at = int(server.home.clock.now().timestamp() * 1000)
        messages = [{"timestamp": at, "message": json.dumps(event)} for event in events]
        logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=messages)

    return say


@pytest.fixture
def report(cloudwatch: Any, now: Any) -> Callable[..., dict[str, Any]]:
    def report(**more: Any) -> dict[str, Any]:
        span = {"StartTime": now() - timedelta(minutes=10), "EndTime": now() + timedelta(minutes=10), "Period": 60}
        answer: dict[str, Any] = cloudwatch.get_insight_rule_report(RuleName="top", **span | more)
        return answer

    return report


def test_who_contributes_most(cloudwatch: Any, say: Any, report: Any) -> None:
    cloudwatch.put_insight_rule(RuleName="top", RuleDefinition=json.dumps(BY_IP), RuleState="ENABLED")
    say({"ip": "a"}, {"ip": "b"}, {"ip": "a"}, {"no": "ip"})
    say({"ip": "c"}, group="other")
    found = report(Metrics=["UniqueContributors", "Sum"], MaxContributorCount=1)
    assert (found["AggregateValue"], found["ApproximateUniqueCount"], found["KeyLabels"]) == (3.0, 2, ["$.ip"])
    [largest] = found["Contributors"]
    assert (largest["Keys"], largest["ApproximateAggregateValue"]) == (["a"], 2.0)
    [point] = [one for one in found["MetricDatapoints"] if one["UniqueContributors"]]
    assert (point["UniqueContributors"], point["Sum"]) == (2.0, 3.0)


def test_what_comes_while_a_rule_is_off_is_not_counted(cloudwatch: Any, clock: Any, say: Any, report: Any) -> None:
    cloudwatch.put_insight_rule(RuleName="top", RuleDefinition=json.dumps(BY_IP), RuleState="DISABLED")
    assert cloudwatch.describe_insight_rules()["InsightRules"][0]["State"] == "DISABLED"
    say({"ip": "a"})
    clock.advance(timedelta(seconds=1))
    cloudwatch.enable_insight_rules(RuleNames=["top"])
    say({"ip": "b"})
    clock.advance(timedelta(seconds=1))
    failures = cloudwatch.disable_insight_rules(RuleNames=["top", "none"])["Failures"]
    assert [one["FailureResource"] for one in failures] == ["none"]
    say({"ip": "c"})
    assert [one["Keys"] for one in report()["Contributors"]] == [["b"]]
    cloudwatch.delete_insight_rules(RuleNames=["top"])
    with pytest.raises(cloudwatch.exceptions.ResourceNotFoundException):
        report()


MEANT: dict[str, tuple[dict[str, Any], Any, Any]] = {
    "a sum": (
        BASE | {"AggregateOn": "Sum", "Contribution": {"Keys": ["$.a.b[1]"], "ValueOf": "$.n", "Filters": []}},
        {"a": {"b": [1, "x"]}, "n": 2.5},
        (("x",), 2.5),
    ),
    "several keys": (BASE | {"Contribution": {"Keys": ["$.a", "$.b"], "Filters": []}}, {"a": 1, "b": True}, (("1", "true"), 1.0)),
    "a field of the common log format": (
        BASE | {"LogFormat": "CLF", "Fields": {"4": "Time", "5": "Request"}, "Contribution": {"Keys": ["Request"], "Filters": []}},
        '127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.0" 200 2326',
        (("GET / HTTP/1.0",), 1.0),
    ),
}


@pytest.mark.parametrize(("definition", "event", "expected"), MEANT.values(), ids=MEANT)
def test_what_an_event_contributes(definition: dict[str, Any], event: Any, expected: Any) -> None:
    assert reader(read(json.dumps(definition)))(event if isinstance(event, str) else json.dumps(event)) == expected


TESTS: list[tuple[dict[str, Any], bool]] = [
    ({"In": ["GET", "PUT"]}, True),
    ({"NotIn": ["GET"]}, False),
    ({"StartsWith": ["G"]}, True),
    ({"EqualTo": "GET"}, True),
    ({"NotEqualTo": "GET"}, False),
    ({"IsPresent": True}, True),
    ({"IsPresent": False}, False),
    ({"GreaterThan": 5}, False),
]


@pytest.mark.parametrize(("test", "holds"), TESTS)
def test_filters(test: dict[str, Any], holds: bool) -> None:
    definition = BASE | {"Contribution": {"Keys": ["$.k"], "Filters": [{"Match": "$.method"} | test]}}
    contributed = reader(read(json.dumps(definition)))(json.dumps({"k": "k", "method": "GET"}))
    assert (contributed is not None) == holds


def test_numbers_are_compared_as_numbers() -> None:
    filters = [{"Match": "$.n", "GreaterThan": 5}, {"Match": "$.n", "LessThan": 50}, {"Match": "$.n", "NotEqualTo": 7}]
    contributed = reader(read(json.dumps(BASE | {"Contribution": {"Keys": ["$.n"], "Filters": filters}})))
    assert [contributed(json.dumps({"n": n})) is not None for n in (4, 6, 7, 49, 50)] == [False, True, False, True, False]


REFUSALS = {
    "no JSON": "{",
    "another schema": json.dumps(BY_IP | {"Schema": {"Name": "Other", "Version": 1}}),
    "a sum of nothing": json.dumps(BY_IP | {"AggregateOn": "Sum"}),
    "no key": json.dumps(BASE | {"Contribution": {"Keys": [], "Filters": []}}),
    "no group": json.dumps(BY_IP | {"LogGroupNames": []}),
    "another format": json.dumps(BY_IP | {"LogFormat": "XML"}),
}


@pytest.mark.parametrize("text", REFUSALS.values(), ids=REFUSALS)
def test_a_definition_that_is_none(cloudwatch: Any, refused: Any, text: str) -> None:
    with refused("InvalidParameterValue"):
        cloudwatch.put_insight_rule(RuleName="top", RuleDefinition=text)


@pytest.mark.parametrize("wrong", [{"Period": 61}, {"MaxContributorCount": 101}, {"Metrics": ["Other"]}, {"OrderBy": "Name"}])
def test_a_report_that_cannot_be(cloudwatch: Any, report: Any, refused: Any, wrong: dict[str, Any]) -> None:
    cloudwatch.put_insight_rule(RuleName="top", RuleDefinition=json.dumps(BY_IP))
    with refused("InvalidParameterValue"):
        report(**wrong)


def test_a_rule_has_tags(aws: Any, cloudwatch: Any) -> None:
    cloudwatch.put_insight_rule(RuleName="top", RuleDefinition=json.dumps(BY_IP), Tags=[{"Key": "a", "Value": "b"}])
    arn = f"arn:aws:cloudwatch:us-east-1:{aws.account}:insight-rule/top"
    cloudwatch.tag_resource(ResourceARN=arn, Tags=[{"Key": "c", "Value": "d"}])
    cloudwatch.untag_resource(ResourceARN=arn, TagKeys=["a"])
    assert cloudwatch.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "c", "Value": "d"}]
