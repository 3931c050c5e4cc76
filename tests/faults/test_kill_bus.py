"""An accepted event reaches its target though the program is killed. Truth: our own promise (ARCHITECTURE.md, "The store")."""

import json
import time
from collections.abc import Callable
from typing import Any

import boto3

from users import let_write

EVENTS = 30


def client(service: str, endpoint_url: str) -> Any:
    keys = {"aws_access_key_id": "123456789012", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    return boto3.client(service, endpoint_url=endpoint_url, **keys)


def test_events_that_were_acknowledged_are_delivered_after_a_kill(start_program: Callable[[], Any]) -> None:
    program = start_program()
    events, logs = client("events", program.endpoint_url), client("logs", program.endpoint_url)
    logs.create_log_group(logGroupName="got")
    let_write(logs)
    events.put_rule(Name="all", EventPattern=json.dumps({"source": ["app"]}))
    group = "arn:aws:logs:us-east-1:123456789012:log-group:got"
    events.put_targets(Rule="all", Targets=[{"Id": "1", "Arn": group, "InputPath": "$.detail.n"}])
    for number in range(EVENTS):
        events.put_events(Entries=[{"Source": "app", "DetailType": "t", "Detail": json.dumps({"n": number})}])
    program.kill()
    program.start()
    again = client("logs", program.endpoint_url)
    got: set[int] = set()
    for _ in range(300):
        got = {int(event["message"]) for event in again.filter_log_events(logGroupName="got")["events"]}
        if len(got) == EVENTS:
            break
        time.sleep(0.05)
    assert got == set(range(EVENTS))
    for each in (events, logs, again):
        each.close()
