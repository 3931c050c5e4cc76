"""Schedules. Truth: the EventBridge Scheduler user guide and API reference; recordings are replayed in tests/recordings."""

import json
import time
from datetime import datetime, timedelta
from typing import Any

import pytest


def expression_at(now: datetime, **later: int) -> str:
    return f"at({now + timedelta(**later):%Y-%m-%dT%H:%M:%S})"


def test_a_schedule_fires_once_at_its_time_and_is_gone_if_asked(server: Any, clock: Any, schedules: Any, refused: Any) -> None:
    now = server.home.clock.now()
    schedules.make("once", expression_at(now, minutes=10), ActionAfterCompletion="DELETE")
    schedules.make("kept", expression_at(now, minutes=20))
    assert schedules.seen() == []
    clock.advance(timedelta(minutes=21))
    moments = [f"{now + timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%SZ}" for minutes in (10, 20)]
    assert schedules.seen(2) == moments
    assert schedules.client.get_schedule(Name="kept")["State"] == "ENABLED"
    with refused("ResourceNotFoundException", "Schedule once does not exist."):
        _until_gone(schedules, "once")


def _until_gone(schedules: Any, name: str) -> None:
    for _ in range(200):
        schedules.client.get_schedule(Name=name)
        time.sleep(0.02)


def test_missed_moments_are_made_up_for_in_the_order_of_time(server: Any, clock: Any, schedules: Any) -> None:
    """Two rates, of which one is due three times as often: neither waits for the other."""
    now = server.home.clock.now()
    start = now + timedelta(hours=1)
    schedules.make("often", "rate(10 minutes)", StartDate=start, Target=schedules.target("often <aws.scheduler.scheduled-time>"))
    schedules.make("seldom", "rate(30 minutes)", StartDate=start, Target=schedules.target("seldom <aws.scheduler.scheduled-time>"))
    clock.advance(timedelta(hours=1, minutes=61))
    found = schedules.seen(10)
    assert sorted(line.split()[0] for line in found) == ["often"] * 7 + ["seldom"] * 3
    moments = [line.split()[1] for line in found]
    assert moments == sorted(moments)


def test_a_rate_without_a_start_begins_at_once(schedules: Any) -> None:
    """Source: "Rate-based schedules" of the user guide."""
    schedules.make("tick", "rate(1 hour)")
    assert len(schedules.seen(1)) == 1


def test_a_schedule_ends(server: Any, clock: Any, schedules: Any) -> None:
    now = server.home.clock.now()
    schedules.make("some", "rate(1 hour)", StartDate=now + timedelta(hours=1), EndDate=now + timedelta(hours=3, minutes=1))
    clock.advance(timedelta(hours=10))
    assert len(schedules.seen(3)) == 3
    time.sleep(0.1)
    assert len(schedules.seen()) == 3


def test_a_schedule_that_is_off_waits(server: Any, clock: Any, schedules: Any) -> None:
    start = server.home.clock.now() + timedelta(minutes=1)
    schedules.make("off", "rate(1 minute)", StartDate=start, State="DISABLED")
    clock.advance(timedelta(minutes=5))
    time.sleep(0.1)
    assert schedules.seen() == []
    target = {"Target": schedules.target(), "FlexibleTimeWindow": {"Mode": "OFF"}}
    schedules.client.update_schedule(Name="off", ScheduleExpression="rate(1 minute)", StartDate=start, **target)
    clock.advance(timedelta(minutes=1))
    assert len(schedules.seen(1)) in {1, 2}


def test_a_cron_keeps_to_the_wall_time_of_its_zone(server: Any, schedules: Any) -> None:
    """09:00 in New York is 13:00 or 14:00 in UTC, and every day there is one."""
    schedules.make("morning", "cron(0 9 * * ? *)", ScheduleExpressionTimezone="America/New_York")
    from headwater.services.scheduler.model import SCHEDULES

    [schedule] = server.scan(SCHEDULES, schedules.aws.account)
    assert schedule.due is not None
    assert schedule.due.hour in {13, 14}


def test_a_flexible_window_holds_the_call_back_within_it(server: Any, clock: Any, schedules: Any) -> None:
    now = server.home.clock.now()
    window = {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 30}
    for number in range(4):
        schedules.make(f"some{number}", expression_at(now, hours=1), FlexibleTimeWindow=window)
    clock.advance(timedelta(hours=1, minutes=31))
    assert len(schedules.seen(4)) == 4


def test_any_operation_of_any_service_is_a_target(server: Any, clock: Any, schedules: Any) -> None:
    target = {"Arn": "arn:aws:scheduler:::aws-sdk:cloudwatchlogs:createLogGroup", "RoleArn": schedules.role}
    given = json.dumps({"logGroupName": "/made/by-a-schedule"})
    schedules.make("all", expression_at(server.home.clock.now(), minutes=1), Target=target | {"Input": given})
    clock.advance(timedelta(minutes=2))
    logs = schedules.aws.client("logs")
    for _ in range(200):
        if logs.describe_log_groups(logGroupNamePrefix="/made")["logGroups"]:
            return
        time.sleep(0.02)
    raise AssertionError("the call was not made")


def test_what_is_not_said_in_an_update_is_taken_away(schedules: Any) -> None:
    schedules.make(
        "all", "rate(1 day)", Description="first", State="DISABLED", Target=schedules.target(RetryPolicy={"MaximumRetryAttempts": 1})
    )
    before = schedules.client.get_schedule(Name="all")
    assert before["Target"]["RetryPolicy"] == {"MaximumEventAgeInSeconds": 86_400, "MaximumRetryAttempts": 1}
    target = {"Target": schedules.target(), "FlexibleTimeWindow": {"Mode": "OFF"}}
    schedules.client.update_schedule(Name="all", ScheduleExpression="rate(2 days)", State="DISABLED", **target)
    after = schedules.client.get_schedule(Name="all")
    assert "Description" not in after
    assert (after["ScheduleExpression"], after["CreationDate"]) == ("rate(2 days)", before["CreationDate"])


def test_the_same_request_twice_is_one(schedules: Any, refused: Any) -> None:
    token = {"ClientToken": "once", "State": "DISABLED"}
    assert schedules.make("all", "rate(1 day)", **token) == schedules.make("all", "rate(1 day)", **token)
    with refused("ConflictException", "Schedule all already exists."):
        schedules.make("all", "rate(2 days)", **token)
    group = {"Name": "team", "ClientToken": "once"}
    assert schedules.client.create_schedule_group(**group)["ScheduleGroupArn"].endswith(":schedule-group/team")
    assert schedules.client.create_schedule_group(**group)["ScheduleGroupArn"].endswith(":schedule-group/team")


def test_a_group_takes_its_schedules_with_it(clock: Any, schedules: Any, refused: Any) -> None:
    client = schedules.client
    client.create_schedule_group(Name="team", Tags=[{"Key": "a", "Value": "b"}])
    schedules.make("one", "rate(1 day)", GroupName="team", State="DISABLED")
    schedules.make("one", "rate(1 day)", State="DISABLED")
    assert [group["Name"] for group in client.list_schedule_groups()["ScheduleGroups"]] == ["default", "team"]
    assert client.get_schedule_group(Name="team")["State"] == "ACTIVE"
    assert [each["GroupName"] for each in client.list_schedules(NamePrefix="o")["Schedules"]] == ["default", "team"]
    client.delete_schedule_group(Name="team")
    assert [each["GroupName"] for each in client.list_schedules()["Schedules"]] == ["default"]
    with refused("ResourceNotFoundException", "Schedule group team does not exist."):
        client.list_schedules(GroupName="team")
    client.delete_schedule(Name="one")
    assert client.list_schedules()["Schedules"] == []


def test_schedules_come_page_by_page(schedules: Any) -> None:
    for number in range(5):
        schedules.make(f"s{number}", "rate(1 day)", State="DISABLED")
    pages = schedules.client.get_paginator("list_schedules").paginate(PaginationConfig={"PageSize": 2})
    assert [[each["Name"] for each in page["Schedules"]] for page in pages] == [["s0", "s1"], ["s2", "s3"], ["s4"]]


SQS = "arn:aws:sqs:us-east-1:000000000000:q"
REFUSED = {
    "a zone that is none": ({"ScheduleExpressionTimezone": "Mars/Olympus"}, "ValidationException", "Timezone"),
    "an end before its start": (
        {"StartDate": datetime(2030, 1, 2), "EndDate": datetime(2030, 1, 1)},  # noqa: DTZ001 - boto3 takes it for UTC
        "ValidationException",
        "must come before",
    ),
    "a group that is not there": ({"GroupName": "none"}, "ResourceNotFoundException", "Schedule group none does not exist."),
    "a window without a length": ({"FlexibleTimeWindow": {"Mode": "FLEXIBLE"}}, "ValidationException", "FlexibleTimeWindow"),
    "an operation that only answers": ("arn:aws:scheduler:::aws-sdk:s3:listBuckets", "ValidationException", "not supported"),
    "an operation that is none": ("arn:aws:scheduler:::aws-sdk:s3:burnBuckets", "ValidationException", "not supported"),
    "a service that is none": ("arn:aws:scheduler:::aws-sdk:nothing:doNothing", "ValidationException", "not supported"),
    "a target that is no ARN": ("queue", "ValidationException", "not in correct format"),
    "a bus without its parameters": ("arn:aws:events:us-east-1:000000000000:event-bus/b", "ValidationException", "EventBridgeParameters"),
}


@pytest.mark.parametrize(("what", "code", "words"), REFUSED.values(), ids=REFUSED)
def test_refused(schedules: Any, refused: Any, what: Any, code: str, words: str) -> None:
    target = {"Arn": what, "RoleArn": schedules.role, "Input": "{}"}
    more = what if isinstance(what, dict) else {"Target": target}
    with refused(code, words):
        schedules.make("all", "rate(1 day)", **more)


def test_a_role_that_does_not_trust_the_scheduler_is_refused(aws: Any, schedules: Any, refused: Any) -> None:
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
    }
    role = aws.client("iam").create_role(RoleName="other", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    with refused("ValidationException", "must allow AWS EventBridge Scheduler to assume the role"):
        schedules.make("all", "rate(1 day)", Target=schedules.target(RoleArn=role))


def test_who_makes_a_schedule_must_be_allowed_to_pass_its_role(aws: Any, schedules: Any, refused: Any) -> None:
    user = aws.user({"Effect": "Allow", "Action": "scheduler:*", "Resource": "*"})
    request = {"Name": "all", "ScheduleExpression": "rate(1 day)", "FlexibleTimeWindow": {"Mode": "OFF"}, "Target": schedules.target()}
    with refused("AccessDeniedException", "iam:PassRole"):
        user.client("scheduler").create_schedule(**request)


def failures(server: Any, account: str, count: int = 1) -> list[Any]:
    from headwater.services.scheduler.model import FAILED

    for _ in range(300):
        found = server.scan(FAILED, account)
        if len(found) >= count:
            return list(found)
        time.sleep(0.02)
    raise AssertionError("nothing failed")


def test_a_call_that_the_role_may_not_make_is_kept_as_failed(server: Any, schedules: Any) -> None:
    role = schedules.role_of("weak")
    schedules.make("all", "rate(1 day)", Target=schedules.target(RoleArn=role, DeadLetterConfig={"Arn": SQS}))
    [failed] = failures(server, schedules.aws.account)
    assert (failed.code, failed.attempts) == ("AccessDeniedException", 1)
    assert "could not be told" in failed.dead_letter
    assert "said" in json.loads(failed.input)
