"""Buses and rules, refused and changed. Truth: the API reference of EventBridge where no recording is named (tests/recordings)."""

import json
from typing import Any

import pytest

PATTERN = json.dumps({"source": ["app"]})


def test_a_bus_keeps_what_is_set_of_it(events: Any) -> None:
    events.create_event_bus(Name="orders", Description="first")
    queue = {"Arn": "arn:aws:sqs:us-east-1:000000000000:dead"}
    events.update_event_bus(Name="orders", DeadLetterConfig=queue)
    described = events.describe_event_bus(Name="orders")
    assert (described["Description"], described["DeadLetterConfig"]) == ("first", queue)
    assert described["LastModifiedTime"] >= described["CreationTime"]


def test_a_rule_is_switched_off_and_on(events: Any) -> None:
    events.put_rule(Name="all", EventPattern=PATTERN)
    events.disable_rule(Name="all")
    assert events.describe_rule(Name="all")["State"] == "DISABLED"
    events.enable_rule(Name="all")
    assert events.describe_rule(Name="all")["State"] == "ENABLED"


def test_a_rule_that_is_off_sees_nothing(events: Any, rule: Any, put: Any, seen: Any) -> None:
    rule("off")
    rule("on", {"source": ["app"], "detail": {"n": [2]}})
    events.disable_rule(Name="off")
    put({"n": 1})
    put({"n": 2})
    assert [event["detail"]["n"] for event in seen.wait(1)] == [2]


REFUSED = {
    "a rule that asks for nothing": ("put_rule", {"Name": "a"}, "ValidationException", "must be specified"),
    "a rule on a bus that is not there": (
        "put_rule",
        {"Name": "a", "EventBusName": "none", "EventPattern": PATTERN},
        "ResourceNotFoundException",
        "Event bus none does not exist.",
    ),
    "at() in a rule": ("put_rule", {"Name": "a", "ScheduleExpression": "at(2030-01-01T00:00:00)"}, "ValidationException", ""),
    "rate(2 minute)": ("put_rule", {"Name": "a", "ScheduleExpression": "rate(2 minute)"}, "ValidationException", ""),
    "an unknown rule": ("describe_rule", {"Name": "none"}, "ResourceNotFoundException", "Rule none does not exist on EventBus default."),
    "a rule with targets": ("delete_rule", {"Name": "kept"}, "ValidationException", "it has targets"),
    "the default bus": ("delete_event_bus", {"Name": "default"}, "ValidationException", "default"),
    "a bus with rules": ("delete_event_bus", {"Name": "orders"}, "ValidationException", "it has rules"),
    "a statement that is not there": ("remove_permission", {"StatementId": "x"}, "ResourceNotFoundException", ""),
    "a permission for something else": (
        "put_permission",
        {"Action": "events:PutRule", "Principal": "*", "StatementId": "x"},
        "ValidationException",
        "",
    ),
    "a policy that is none": ("put_permission", {"Policy": "{}"}, "ValidationException", "Parameter Policy is not valid"),
    "six targets": (
        "put_targets",
        {"Rule": "kept", "Targets": [{"Id": str(number), "Arn": "arn:aws:sns:us-east-1:000000000000:t"} for number in range(6)]},
        "LimitExceededException",
        "",
    ),
    "a target that is no ARN": (
        "put_targets",
        {"Rule": "kept", "Targets": [{"Id": "1", "Arn": "queue"}]},
        "ValidationException",
        "correct format",
    ),
    "two inputs": (
        "put_targets",
        {"Rule": "kept", "Targets": [{"Id": "1", "Arn": "arn:aws:sns:us-east-1:000000000000:t", "Input": "1", "InputPath": "$.a"}]},
        "ValidationException",
        "Only one of",
    ),
    "an input that is no JSON": (
        "put_targets",
        {"Rule": "kept", "Targets": [{"Id": "1", "Arn": "arn:aws:sns:us-east-1:000000000000:t", "Input": "{"}]},
        "ValidationException",
        "JSON syntax error",
    ),
    "a stream without a role": (
        "put_targets",
        {"Rule": "kept", "Targets": [{"Id": "1", "Arn": "arn:aws:kinesis:us-east-1:000000000000:stream/s"}]},
        "ValidationException",
        "RoleArn is required",
    ),
    "a token of ours that is none": ("list_rules", {"NextToken": "?"}, "ValidationException", "NextToken"),
}


@pytest.mark.parametrize(("operation", "request_", "code", "words"), REFUSED.values(), ids=REFUSED)
def test_refused(events: Any, refused: Any, operation: str, request_: dict[str, Any], code: str, words: str) -> None:
    events.create_event_bus(Name="orders")
    events.put_rule(Name="one", EventBusName="orders", EventPattern=PATTERN)
    events.put_rule(Name="kept", EventPattern=PATTERN)
    events.put_targets(Rule="kept", Targets=[{"Id": "1", "Arn": "arn:aws:sns:us-east-1:000000000000:t"}])
    with refused(code, words):
        getattr(events, operation)(**request_)


def test_deleting_a_rule_that_is_not_there_is_no_error(events: Any) -> None:
    assert events.delete_rule(Name="none")["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_changing_a_rule_keeps_its_targets_and_tags(events: Any) -> None:
    arn = events.put_rule(Name="all", EventPattern=PATTERN, Tags=[{"Key": "a", "Value": "b"}], Description="first")["RuleArn"]
    events.put_targets(Rule="all", Targets=[{"Id": "1", "Arn": "arn:aws:sns:us-east-1:000000000000:t"}])
    events.put_rule(Name="all", EventPattern=PATTERN)
    assert len(events.list_targets_by_rule(Rule="all")["Targets"]) == 1
    assert events.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "a", "Value": "b"}]
    assert "Description" not in events.describe_rule(Name="all")
