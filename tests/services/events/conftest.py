"""Buses whose events can be seen: a rule that writes to a log group, and what came there."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from users import let_write

WAIT_S = 10.0


class Seen:
    """A log group as the target of rules: what it got, as JSON."""

    def __init__(self, aws: Any, name: str = "/aws/events/seen") -> None:
        self._logs = aws.client("logs")
        self._name = name
        self._logs.create_log_group(logGroupName=name)
        let_write(self._logs)
        self.arn = f"arn:aws:logs:us-east-1:{aws.account}:log-group:{name}"

    def now(self) -> list[Any]:
        messages = [event["message"] for event in self._logs.filter_log_events(logGroupName=self._name)["events"]]
        return [json.loads(message) for message in messages]

    def wait(self, count: int, until: Callable[[], Any] = lambda: None) -> list[Any]:
        end = time.monotonic() + WAIT_S
        while len(self.now()) < count and time.monotonic() < end:
            until()
            time.sleep(0.02)
        found = self.now()
        assert len(found) >= count, found
        return found


@pytest.fixture
def events(aws: Any) -> Iterator[Any]:
    """A rule with a schedule that is left would fire through every jump of the Clock that other tests make."""
    events = aws.client("events")
    yield events
    for rule in events.list_rules()["Rules"]:
        if "ScheduleExpression" in rule:
            events.disable_rule(Name=rule["Name"])


@pytest.fixture
def seen(aws: Any) -> Seen:
    return Seen(aws)


@pytest.fixture
def put(events: Any) -> Callable[..., Any]:
    """One event: `put({"n": 1}, source="app")`; its id."""

    def put(detail: dict[str, Any], *, source: str = "app", detail_type: str = "thing", **more: Any) -> Any:
        entry = {"Source": source, "DetailType": detail_type, "Detail": json.dumps(detail)} | more
        answer = events.put_events(Entries=[entry])
        assert answer["FailedEntryCount"] == 0, answer
        return answer["Entries"][0]["EventId"]

    return put


@pytest.fixture
def rule(events: Any, seen: Seen) -> Callable[..., Any]:
    """A rule with this pattern or schedule whose target is the log group; options go to the target."""

    def rule(name: str = "all", pattern: Any = None, *, schedule: str = "", bus: str = "default", **target: Any) -> Any:
        what = {"ScheduleExpression": schedule} if schedule else {"EventPattern": json.dumps(pattern or {"source": ["app"]})}
        arn = events.put_rule(Name=name, EventBusName=bus, **what)["RuleArn"]
        events.put_targets(Rule=name, EventBusName=bus, Targets=[{"Id": "seen", "Arn": seen.arn} | target])
        return arn

    return rule
