"""EventBridge Scheduler against what AWS answered: recordings/scheduler.json. Each test names its case."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "scheduler.amazonaws.com"}, "Action": "sts:AssumeRole"}],
    }
)


@pytest.fixture
def request_of(aws: Any) -> Iterator[Any]:
    role = aws.client("iam").create_role(RoleName="caller", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]

    def request(expression: str) -> dict[str, Any]:
        target = {"Arn": "arn:aws:sqs:us-east-1:000000000000:q", "RoleArn": role, "Input": "{}"}
        return {"Name": "some", "ScheduleExpression": expression, "FlexibleTimeWindow": {"Mode": "OFF"}, "Target": target}

    yield request
    for schedule in aws.client("scheduler").list_schedules()["Schedules"]:
        aws.client("scheduler").delete_schedule(Name=schedule["Name"])


WRONG = [
    "at(2021-12-31T23:59:59Z)",
    "cron()",
    "cron(7 20 * * NOT *)",
    "cron(71 8 1 * ? *)",
    "rate( 10 minutes )",
    "rate(10 minutess)",
    "rate(10 seconds)",
    "rate(10 years)",
]


@pytest.mark.parametrize("expression", WRONG)
def test_expressions_that_are_none(aws: Any, recorded: Any, request_of: Any, expression: str) -> None:
    case = recorded("scheduler", f"tests_create_schedule_with_invalid_schedule_expression[{expression}]")
    case.refuses("invalid-schedule-expression", aws.client("scheduler").create_schedule, **request_of(expression))


@pytest.mark.parametrize("cron", ["0 18 ? * MON-FRI *", "1-31/30 1-1 ? * 1,7 *"])
def test_crons_that_are_some(aws: Any, recorded: Any, request_of: Any, cron: str) -> None:
    case = recorded("scheduler", f"test_create_schedule_with_valid_cron_expressions[cron({cron})]")
    case.says("create-schedule", aws.client("scheduler").create_schedule(**request_of(f"cron({cron})")))


def test_an_expression_that_is_some(aws: Any, recorded: Any, request_of: Any) -> None:
    case = recorded("scheduler", "tests_create_schedule_with_valid_schedule_expression")
    case.says("valid-schedule-expression", aws.client("scheduler").create_schedule(**request_of("at(2022-12-12T00:00:00)")))


def test_tags_come_and_go(aws: Any, recorded: Any) -> None:
    scheduler = aws.client("scheduler")
    arn = scheduler.create_schedule_group(Name="team")["ScheduleGroupArn"]
    scheduler.tag_resource(ResourceArn=arn, Tags=[{"Key": "TagKey", "Value": "TagValue"}])
    recorded("scheduler", "test_tag_resource").says("list-tagged-schedule", scheduler.list_tags_for_resource(ResourceArn=arn))
    scheduler.untag_resource(ResourceArn=arn, TagKeys=["TagKey"])
    recorded("scheduler", "test_untag_resource").says("list-untagged-schedule", scheduler.list_tags_for_resource(ResourceArn=arn))
