"""Schedules whose calls can be seen: a log group that they write to through the universal target, and the role that lets them."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from users import let_write

TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "scheduler.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
WAIT_S = 10.0


class Schedules:
    """A client, a role, and `make`: a schedule that puts an event, which a rule writes to a log."""

    def __init__(self, aws: Any) -> None:
        self.aws = aws
        self.client = aws.client("scheduler")
        self._logs = aws.client("logs")
        self._logs.create_log_group(logGroupName="/seen")
        let_write(self._logs)
        events = aws.client("events")
        events.put_rule(Name="seen", EventPattern=json.dumps({"source": ["clock"]}))
        group = f"arn:aws:logs:us-east-1:{aws.account}:log-group:/seen"
        events.put_targets(Rule="seen", Targets=[{"Id": "log", "Arn": group, "InputPath": "$.detail.said"}])
        self.bus = events.describe_event_bus()["Arn"]
        self.role = self.role_of("scheduler", "events:PutEvents", "logs:CreateLogGroup")

    def close(self) -> None:
        """A schedule that is left would fire through every jump of the Clock that other tests make."""
        for schedule in self.client.list_schedules()["Schedules"]:
            self.client.delete_schedule(Name=schedule["Name"], GroupName=schedule["GroupName"])

    def role_of(self, name: str, *actions: str) -> str:
        iam = self.aws.client("iam")
        arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
        if actions:
            document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}]}
            iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=json.dumps(document))
        return arn

    def target(self, said: str = "<aws.scheduler.scheduled-time>", **more: Any) -> dict[str, Any]:
        entry = {"Source": "clock", "DetailType": "tick"}
        return {"Arn": self.bus, "RoleArn": self.role, "EventBridgeParameters": entry, "Input": json.dumps({"said": said})} | more

    def make(self, name: str, expression: str, **more: Any) -> Any:
        request = {"Target": self.target(), "FlexibleTimeWindow": {"Mode": "OFF"}} | more
        return self.client.create_schedule(Name=name, ScheduleExpression=expression, **request)["ScheduleArn"]

    def seen(self, count: int = 0) -> list[str]:
        """What the log says, once it says so much."""
        end = time.monotonic() + WAIT_S
        while True:
            events = self._logs.filter_log_events(logGroupName="/seen")["events"]
            if len(events) >= count or time.monotonic() > end:
                return [json.loads(event["message"]) for event in events]
            time.sleep(0.02)


@pytest.fixture
def schedules(aws: Any) -> Iterator[Schedules]:
    schedules = Schedules(aws)
    yield schedules
    schedules.close()
