"""What EventBridge's targets get, against what AWS delivered: recordings/events.json. Each test names its case.

The recorded targets are mostly queues; here a log group is the target, which gets the same text. So a message's own ids are not compared.
"""

import json
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from users import let_write

COMMAND = {"command": "update-account", "payload": {"acc_id": "0a787ecb-4015", "sf_id": "baz"}}
SOURCE = "core.update-account-command"
PATTERN = {"source": [SOURCE], "detail-type": [SOURCE], "detail": {"command": ["update-account"]}}
SOON_S = 0.3


class Target:
    """A log group, as the target of rules on a custom bus."""

    def __init__(self, aws: Any, name: str) -> None:
        self._logs = aws.client("logs")
        self._logs.create_log_group(logGroupName=name)
        let_write(self._logs)
        self._name = name
        self.arn = f"arn:aws:logs:us-east-1:{aws.account}:log-group:{name}"

    def got(self, count: int) -> list[Any]:
        """The bodies, read where they are objects, as the recordings keep them; or what came in a short while, where none should."""
        for _ in range(300 if count else int(SOON_S / 0.02)):
            events = self._logs.filter_log_events(logGroupName=self._name)["events"]
            if count and len(events) >= count:
                break
            time.sleep(0.02)
        return [json.loads(event["message"]) if event["message"].startswith("{") else event["message"] for event in events]


@pytest.fixture
def target(aws: Any) -> Callable[[str], Target]:
    return lambda name: Target(aws, name)


@pytest.fixture
def events(aws: Any) -> Any:
    events = aws.client("events")
    events.create_event_bus(Name="own")
    return events


def ruled(events: Any, to: Target, pattern: Any = PATTERN, name: str = "all", bus: str = "own", **options: Any) -> None:
    events.put_rule(Name=name, EventBusName=bus, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=name, EventBusName=bus, Targets=[{"Id": f"to-{name}", "Arn": to.arn} | options])


def put(events: Any, detail: Any = COMMAND, source: str = SOURCE, bus: str = "own", **more: Any) -> Any:
    entry = {"Source": source, "DetailType": SOURCE, "Detail": json.dumps(detail), "EventBusName": bus} | more
    return events.put_events(Entries=[entry])


def bodies(case: Any, answer: str) -> list[Any]:
    """The recorded messages without what a queue puts around them."""
    messages = case.recorded(answer)
    for message in messages:
        for member in ("MessageId", "ReceiptHandle", "MD5OfBody"):
            message.pop(member)
    return list(messages)


def wrapped(found: list[Any]) -> list[Any]:
    return [{"Body": body} for body in found]


LINES = '''"<listsingle> single list item"
"<listmulti> multiple list items"
"<systemstring> system account id"
"<payload> payload"
"<userId> user id"'''
TEMPLATES = [
    ('"<listmulti> multiple list items"', 1),
    (LINES, 1),
    ('"<listsingle> single list item"', 1),
    ('"Command is <valid>!"', 1),
    ('{"id" : <userId>}', 1),
    ('{"method": "PUT", "nested": {"level1": {"level2": {"level3": "users-service/users/<userId>"} } }, "bod": "<userId>"}', 1),
    ('{"method": "PUT", "path": "users-service/users/<userId>", "id": <userId>, "body": <payload>}', 1),
    ('{"singlelistitem": "<listsingle>"}', 0),
    ('{"singlelistitem": <listsingle>}', 1),
]
PATHS = {
    "userId": "$.detail.payload.acc_id",
    "payload": "$.detail.payload",
    "systemstring": "$.detail.awsAccountId",
    "listsingle": "$.detail.singlelist",
    "listmulti": "$.detail.multilist",
    "valid": "$.detail.valid",
}


@pytest.mark.parametrize(("template", "count"), TEMPLATES)
def test_templates(events: Any, recorded: Any, target: Any, template: str, count: int) -> None:
    """Of the event only what the answers show is known."""
    spelled = template.replace("\n", "\\n")
    case = recorded("events", f"TestInputTransformer::test_input_transformer_nested_keys_replacement[{spelled}]")
    to = target("got")
    ruled(events, to, InputTransformer={"InputPathsMap": PATHS, "InputTemplate": template})
    put(events, COMMAND | {"singlelist": ["HIGH"], "multilist": ["ACTIVE", "INACTIVE"], "valid": True})
    found = wrapped(to.got(count))
    if not count:
        assert found == [], "AWS sent nothing either: what would be sent is no JSON"
        return
    bodies(case, "input-transformed-messages")
    case.says("input-transformed-messages", found)


TEXTS = [
    '"Event of <detail-type> type, at time <timestamp>, info extracted from detail <command>"',
    '"{[/Check with special starting characters for event of <detail-type> type"',
]


@pytest.mark.parametrize("template", TEXTS)
def test_texts(events: Any, recorded: Any, target: Any, template: str) -> None:
    case = recorded("events", f"TestInputTransformer::test_put_events_with_input_transformer_input_template_string[{template}]")
    commands = {"custom-variables-match-all": "$.detail.command", "custom-variables-not-match-all": "$.detail.notinevent"}
    made = {answer: target(answer) for answer in commands}
    for answer, command in commands.items():
        paths = {"detail-type": "$.detail-type", "timestamp": "$.time", "command": command}
        ruled(events, made[answer], name=answer, InputTransformer={"InputPathsMap": paths, "InputTemplate": template})
    put(events)
    for answer, to in made.items():
        [message] = bodies(case, answer)
        [found] = to.got(1)
        if "<timestamp>" in template:  # "date" stands there, without brackets
            at = found.split("at time ")[1].split(",")[0]
            message["Body"] = message["Body"].replace("at time date", f"at time {at}")
        case.says(answer, wrapped([found]))


def test_a_part_for_one_and_all_for_another(events: Any, recorded: Any, target: Any) -> None:
    case = recorded("events", "TestInputPath::test_put_events_with_input_path_multiple_targets")
    one, other = target("one"), target("other")
    ruled(events, one, name="one", InputPath="$.detail")
    ruled(events, other, name="other")
    put(events)
    for answer, to in (("message-queue-1", one), ("message-queue-2", other)):
        bodies(case, answer)
        case.says(answer, wrapped(to.got(1)))


SAME = [
    "TestEventBus::test_put_events_bus_to_bus[domain]",
    "TestEventBus::test_put_events_bus_to_bus[standard]",
    "TestEventsTargetEvents::test_put_events_with_target_events[bus_combination0]",
    "TestEventsTargetEvents::test_put_events_with_target_events[bus_combination2]",
]


@pytest.mark.parametrize("name", SAME)
def test_an_event_of_another_bus(events: Any, recorded: Any, target: Any, name: str) -> None:
    case = recorded("events", name)
    second = events.create_event_bus(Name="second")["EventBusArn"]
    events.put_rule(Name="on", EventBusName="own", EventPattern=json.dumps(PATTERN))
    events.put_targets(Rule="on", EventBusName="own", Targets=[{"Id": "1", "Arn": second}])
    to = target("got")
    ruled(events, to, bus="second")
    put(events)
    bodies(case, "messages")
    case.says("messages", wrapped(to.got(1)))


def test_an_event_in_a_log(aws: Any, events: Any, recorded: Any, target: Any) -> None:
    case = recorded("events", "TestEventsTargetCloudWatchLogs::test_put_events_with_target_cloudwatch_logs")
    case.says("event_bus_response", events.create_event_bus(Name="logged"))
    case.says("rule_response", events.put_rule(Name="all", EventBusName="logged", EventPattern=json.dumps(PATTERN)))
    to = target("/aws/events/got")
    targets = [{"Id": "1", "Arn": to.arn}]
    case.says("put_targets_response", events.put_targets(Rule="all", EventBusName="logged", Targets=targets))
    case.says("put_events_response", put(events, bus="logged"))
    to.got(1)
    logs = aws.client("logs")
    [stream] = logs.describe_log_streams(logGroupName="/aws/events/got")["logStreams"]
    found = logs.get_log_events(logGroupName="/aws/events/got", logStreamName=stream["logStreamName"])["events"]
    case.says("log_events", [event | {"message": json.loads(event["message"])} for event in found])


def test_a_time_of_the_callers(events: Any, recorded: Any, target: Any) -> None:
    case = recorded("events", "TestEvents::test_put_events_with_time_field")
    to = target("got")
    pattern = {"source": ["test-source"], "detail-type": ["test-detail-type"]}
    ruled(events, to, pattern)
    entry = {"Source": "test-source", "DetailType": "test-detail-type", "Detail": json.dumps({"message": "test message"})}
    case.says("put-events", events.put_events(Entries=[entry | {"EventBusName": "own", "Time": 1_700_000_000}]))
    bodies(case, "sqs-messages")
    found = to.got(1)
    assert found[0]["time"] == "2023-11-14T22:13:20Z"
    case.says("sqs-messages", wrapped(found))


def test_what_must_not_be_there(events: Any, recorded: Any, target: Any) -> None:
    case = recorded("events", "TestRuleWithPattern::test_put_events_with_rule_pattern_exists_false")
    to = target("got")
    ruled(events, to, {"detail": {"key": [{"exists": False}]}})
    put(events, {"key": "value", "payload": "baz"})
    put(events, {"no-key": "no-value", "payload": "baz"})
    bodies(case, "rule-exists-false")
    case.says("rule-exists-false", wrapped(to.got(1)))


def test_two_rules_for_one_target(events: Any, recorded: Any, target: Any) -> None:
    case = recorded("events", "TestEventRule::test_process_to_multiple_matching_rules_single_target")
    to = target("got")
    for name in ("one", "two"):
        ruled(events, to, name=name)
    put(events)
    case.says("events", to.got(2))


def test_each_rule_sees_its_source(events: Any, recorded: Any, target: Any) -> None:
    case = recorded("events", "TestEventRule::test_process_to_single_matching_rules_single_target")
    to = target("got")
    sources = ("one", "two", "three")
    for name in sources:
        ruled(events, to, {"source": [f"source-{name}"]}, name=name)
    for number, name in enumerate(sources, 1):
        put(events, source=f"source-{name}")
        case.says(f"events-source-{name}", to.got(number))


def test_arrays_of_values(events: Any, recorded: Any, target: Any) -> None:
    case = recorded("events", "TestEventPattern::test_put_events_pattern_with_values_in_array")
    to = target("got")
    ruled(events, to, {"detail": {"event": {"data": {"type": ["1", "2"]}}}}, InputPath="$.detail")
    for types in (["3", "1"], ["2"], ["3"], []):
        put(events, {"event": {"data": {"type": types}}})
    bodies(case, "messages")
    case.says("messages", wrapped(to.got(2)))


def test_deep_values(events: Any, recorded: Any, target: Any) -> None:
    case = recorded("events", "TestEventPattern::test_put_events_pattern_nested")
    to = target("got")
    ruled(events, to, {"detail": {"event": {"data": {"type": ["1"]}}}}, InputPath="$.detail")
    for kind in ("2", "1"):
        put(events, {"event": {"data": {"type": kind}}})
    bodies(case, "messages")
    case.says("messages", wrapped(to.got(1)))


def entry_list(case: Any, answer: str = "events") -> Any:
    return case.recorded(answer)[0]["detail"]


LISTS = [
    "test_put_events_with_target_lambda_list_entry",
    "test_put_events_with_target_lambda_list_entries_partial_match",
    "TestEventsTargetLambda::test_put_events_with_target_lambda_list_entries_partial_match",
]


@pytest.mark.parametrize("name", LISTS)
def test_one_element_of_a_list_is_enough(events: Any, recorded: Any, target: Any, name: str) -> None:
    case = recorded("events", name)
    to = target("got")
    actions = {"id": [{"exists": True}], "actions": {"settings": {"type": ["SEND_NOTIFICATION"]}}}
    ruled(events, to, {"detail": {"payload": {"automations": actions}}})
    put(events, entry_list(case))
    case.says("events", to.got(1))


def test_a_match_in_the_detail(events: Any, recorded: Any, target: Any) -> None:
    case = recorded("events", "test_put_events_with_target_sqs_event_detail_match")
    to = target("got")
    ruled(events, to, {"detail": {"EventType": ["0", "1"]}}, InputPath="$.detail")
    put(events, {"EventType": "1"})
    bodies(case, "messages")
    case.says("messages", wrapped(to.got(1)))


def test_a_tick(server: Any, clock: Any, aws: Any, recorded: Any, target: Any) -> None:
    case = recorded("events", "TestScheduleCron::test_schedule_cron_target_sqs")
    case.means({"rule-name": "tick"})
    events, to = aws.client("events"), target("got")
    events.put_rule(Name="tick", ScheduleExpression="cron(0/5 * * * ? *)")
    events.put_targets(Rule="tick", Targets=[{"Id": "1", "Arn": to.arn}])
    clock.advance(timedelta(minutes=5))
    found = to.got(1)[:1]
    events.disable_rule(Name="tick")
    bodies(case, "message")
    case.says("message", wrapped(found))


def test_an_event_of_another_account(aws: Any, recorded: Any, server: Any) -> None:
    case = recorded("events", "TestEventsCrossAccountRegion::test_put_events[custom-account]")
    case.means({"account": aws.account})
    other = aws.other()
    theirs = other.client("events")
    bus = theirs.create_event_bus(Name="own")["EventBusArn"]
    theirs.put_permission(EventBusName="own", Action="events:PutEvents", Principal=aws.account, StatementId="let")
    to = Target(other, "got")
    ruled(theirs, to, {"source": ["source-primary"]})
    put(aws.client("events"), source="source-primary", bus=bus)
    bodies(case, "messages")
    case.says("messages", wrapped(to.got(1)))


def test_events_become_records_of_a_stream(aws: Any, events: Any, recorded: Any) -> None:
    case = recorded("events", "TestEventsTargetFirehose::test_put_events_with_target_firehose")
    s3, bucket = aws.client("s3"), f"lake-{aws.account}"
    s3.create_bucket(Bucket=bucket)
    role = _role(aws.client("iam"))
    to = {"RoleARN": role, "BucketARN": f"arn:aws:s3:::{bucket}", "BufferingHints": {"IntervalInSeconds": 1, "SizeInMBs": 1}}
    firehose = aws.client("firehose")
    stream = firehose.create_delivery_stream(DeliveryStreamName="lake", ExtendedS3DestinationConfiguration=to)["DeliveryStreamARN"]
    events.put_rule(Name="all", EventBusName="own", EventPattern=json.dumps(PATTERN))
    events.put_targets(Rule="all", EventBusName="own", Targets=[{"Id": "1", "Arn": stream, "RoleArn": role}])
    count = len(case.recorded("s3"))
    for _ in range(count):
        put(events)
    found: list[Any] = []
    for _ in range(300):
        keys = [one["Key"] for one in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]
        text = "".join(s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode() for key in keys)
        found = json.loads(f"[{text.replace('}{', '},{')}]")
        if len(found) == count:
            break
        time.sleep(0.05)
    case.says("s3", found)


def _role(iam: Any) -> str:
    services = {"Service": ["events.amazonaws.com", "firehose.amazonaws.com"]}
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": services, "Action": "sts:AssumeRole"}]}
    arn: str = iam.create_role(RoleName="carrier", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    allowed = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:*", "firehose:*"], "Resource": "*"}]}
    iam.put_role_policy(RoleName="carrier", PolicyName="own", PolicyDocument=json.dumps(allowed))
    return arn
