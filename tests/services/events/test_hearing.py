"""What rooms tell becomes events on the default bus. Truth: S04.md, "Audit"; "AWS service events delivered via AWS CloudTrail"."""

import json
import time
from typing import Any

import pytest


def test_a_rule_hears_of_a_secret_that_an_administrator_deletes(aws: Any, rule: Any, seen: Any) -> None:
    pattern = {
        "source": ["aws.secretsmanager"],
        "detail-type": ["AWS API Call via CloudTrail"],
        "detail": {"eventName": ["DeleteSecret"]},
    }
    rule("deleted", pattern)
    secrets = aws.client("secretsmanager")
    secrets.create_secret(Name="db", SecretString="s3cret")
    administrator = aws.user({"Effect": "Allow", "Action": "*", "Resource": "*"}, name="administrator")
    administrator.client("secretsmanager").delete_secret(SecretId="db", RecoveryWindowInDays=7)
    [event] = seen.wait(1)
    assert (event["source"], event["detail"]["eventName"], event["account"]) == ("aws.secretsmanager", "DeleteSecret", aws.account)
    assert event["detail"]["userIdentity"]["userName"] == "administrator"
    assert event["detail"]["requestParameters"]["secretId"] == "db"
    assert "s3cret" not in json.dumps(event)


def test_calls_that_only_read_are_told_to_those_who_ask_for_all(aws: Any, events: Any, rule: Any, seen: Any) -> None:
    """Truth: "Read-only management events from AWS services" of the EventBridge user guide."""
    pattern = {"source": ["aws.kms"], "detail": {"eventName": ["CreateKey", "ListAliases"]}}
    rule("some", pattern, InputPath="$.detail.eventName")
    kms = aws.client("kms")
    kms.list_aliases()
    kms.create_key()
    assert seen.wait(1) == ["CreateKey"]
    events.put_rule(Name="some", EventPattern=json.dumps(pattern), State="ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS")
    kms.list_aliases()
    assert seen.wait(2) == ["CreateKey", "ListAliases"]


PLAIN = {
    "source": "aws.s3",
    "detail-type": "Object Created",
    "region": "us-east-1",
    "resources": ["arn:aws:s3:::b"],
    "detail": {"bucket": {"name": "b"}},
}


@pytest.mark.parametrize("topic", ["event", "s3/event", "rds/event", "secretsmanager/event"])
def test_the_plain_form_is_heard_on_each_topic(server: Any, aws: Any, rule: Any, seen: Any, topic: str) -> None:
    rule("created", {"source": ["aws.s3"], "detail-type": ["Object Created"]})
    said = PLAIN | {"account": aws.account}

    async def tell() -> None:
        server.home.bus.publish(topic, said)

    server.call(tell())
    [event] = seen.wait(1)
    assert {name: event[name] for name in PLAIN} == PLAIN


def test_nobody_listens_where_no_rule_could_match(start_server: Any, account_on: Any) -> None:
    """Truth: our own promise: a room makes no event that nobody wants."""
    server = start_server()
    events = account_on(server, "111122223333").client("events")
    bus = server.home.bus
    events.create_event_bus(Name="own")
    events.put_rule(Name="all", EventBusName="own", EventPattern=json.dumps({"source": [{"prefix": ""}]}))
    assert (bus.has_listeners("event"), bus.has_listeners("cloudtrail/event")) == (False, False)
    events.put_rule(Name="tick", ScheduleExpression="rate(1 day)")
    events.put_rule(Name="app", EventPattern=json.dumps({"source": ["app"], "detail-type": ["thing"]}))
    assert (bus.has_listeners("event"), bus.has_listeners("cloudtrail/event")) == (True, False)
    events.put_rule(Name="calls", EventPattern=json.dumps({"source": ["aws.iam"]}))
    assert bus.has_listeners("cloudtrail/event")
    events.delete_rule(Name="calls")
    events.disable_rule(Name="app")
    assert (bus.has_listeners("event"), bus.has_listeners("cloudtrail/event")) == (False, False)


def test_a_global_service_is_heard_where_cloudtrail_has_it(aws: Any, rule: Any, seen: Any) -> None:
    rule("users", {"source": ["aws.iam"], "detail": {"eventName": ["CreateUser"]}}, InputPath="$.detail.requestParameters")
    aws.client("iam").create_user(UserName="new")
    for _ in range(100):
        if seen.now():
            break
        time.sleep(0.02)
    assert seen.wait(1) == [{"userName": "new"}]
