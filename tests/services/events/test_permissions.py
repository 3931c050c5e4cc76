"""Who may do what. Truth: Service Authorization Reference, "Actions, resources, and condition keys for Amazon EventBridge"."""

import json
from typing import Any

import pytest

PATTERN = json.dumps({"source": ["app"]})


def allow(*actions: str, resource: str = "*", **condition: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource} | ({"Condition": condition} if condition else {})


def entry(source: str, detail_type: str = "t", **more: str) -> dict[str, str]:
    return {"Source": source, "DetailType": detail_type, "Detail": "{}"} | more


def test_a_source_that_a_policy_names_is_the_only_one(aws: Any, refused: Any) -> None:
    """Each entry is decided on: one that is allowed lets no other in."""
    user = aws.user(allow("events:PutEvents", StringEquals={"events:source": "mine", "events:detail-type": "t"})).client("events")
    assert user.put_events(Entries=[entry("mine"), entry("mine")])["FailedEntryCount"] == 0
    for entries in ([entry("other")], [entry("mine"), entry("other")], [entry("mine"), entry("mine", "u")]):
        with refused("AccessDeniedException", "events:PutEvents"):
            user.put_events(Entries=entries)


def test_a_bus_that_a_policy_names_is_the_only_one(aws: Any, events: Any, refused: Any) -> None:
    bus = events.create_event_bus(Name="mine")["EventBusArn"]
    user = aws.user(allow("events:PutEvents", resource=bus)).client("events")
    assert user.put_events(Entries=[entry("a", EventBusName="mine"), entry("a", EventBusName=bus)])["FailedEntryCount"] == 0
    with refused("AccessDeniedException", "event-bus/default"):
        user.put_events(Entries=[entry("a", EventBusName="mine"), entry("a")])


def test_a_pattern_may_be_bound_to_a_source(aws: Any, refused: Any) -> None:
    """Truth: "Example: a user may make rules for some sources only" (events:source of PutRule, ForAllValues)."""
    condition = {"ForAllValues:StringEquals": {"events:source": ["app"]}, "Null": {"events:source": "false"}}
    user = aws.user(allow("events:PutRule", **condition)).client("events")
    user.put_rule(Name="mine", EventPattern=PATTERN)
    for pattern in ({"source": ["app", "other"]}, {"detail-type": ["t"]}):
        with refused("AccessDeniedException", "events:PutRule"):
            user.put_rule(Name="mine", EventPattern=json.dumps(pattern))


def test_targets_may_be_bound(aws: Any, events: Any, refused: Any) -> None:
    events.put_rule(Name="all", EventPattern=PATTERN)
    topic = f"arn:aws:sns:us-east-1:{aws.account}:mine"
    condition = {"ForAllValues:ArnEquals": {"events:TargetArn": topic}}
    user = aws.user(allow("events:PutTargets", **condition)).client("events")
    user.put_targets(Rule="all", Targets=[{"Id": "1", "Arn": topic}])
    with refused("AccessDeniedException", "events:PutTargets"):
        user.put_targets(Rule="all", Targets=[{"Id": "1", "Arn": f"{topic}2"}])


@pytest.mark.parametrize("may", [True, False])
def test_who_gives_a_role_to_a_target_must_be_allowed_to_pass_it(aws: Any, events: Any, refused: Any, may: bool) -> None:
    events.put_rule(Name="all", EventPattern=PATTERN)
    role = f"arn:aws:iam::{aws.account}:role/caller"
    passing = [allow("iam:PassRole", resource=role, StringEquals={"iam:PassedToService": "events.amazonaws.com"})] if may else []
    user = aws.user(allow("events:*"), *passing).client("events")
    target = {"Id": "1", "Arn": f"arn:aws:kinesis:us-east-1:{aws.account}:stream/s", "RoleArn": role}
    if may:
        user.put_targets(Rule="all", Targets=[target])
        return
    with refused("AccessDeniedException", "iam:PassRole"):
        user.put_targets(Rule="all", Targets=[target])


def test_a_bus_lets_another_account_in_by_its_policy_alone(aws: Any, events: Any, refused: Any) -> None:
    bus = events.describe_event_bus()["Arn"]
    other = aws.other().client("events")
    with refused("AccessDeniedException"):
        other.put_events(Entries=[entry("a", EventBusName=bus)])
    statement = {
        "Sid": "mine",
        "Effect": "Allow",
        "Principal": "*",
        "Action": "events:PutEvents",
        "Resource": bus,
        "Condition": {"StringEquals": {"events:source": "a"}},
    }
    events.put_permission(Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    assert other.put_events(Entries=[entry("a", EventBusName=bus)])["FailedEntryCount"] == 0
    with refused("AccessDeniedException"):
        other.put_events(Entries=[entry("b", EventBusName=bus)])


def test_tags_decide_over_rules(aws: Any, events: Any, refused: Any) -> None:
    for team in ("red", "blue"):
        events.put_rule(Name=team, EventPattern=PATTERN, Tags=[{"Key": "team", "Value": team}])
    user = aws.user(allow("events:DisableRule", StringEquals={"aws:ResourceTag/team": "red"})).client("events")
    user.disable_rule(Name="red")
    with refused("AccessDeniedException", "events:DisableRule"):
        user.disable_rule(Name="blue")


def test_a_source_of_aws_is_nobody_elses(events: Any) -> None:
    answer = events.put_events(Entries=[entry("aws.s3"), entry("app")])
    assert (answer["FailedEntryCount"], answer["Entries"][0]["ErrorCode"]) == (1, "NotAuthorizedForSourceException")
