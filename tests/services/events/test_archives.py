"""Archives and replays at work. Truth: "Archiving and replaying events" of the EventBridge user guide."""

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

PATTERN = json.dumps({"source": ["app"]})


@pytest.fixture
def bus_arn(events: Any) -> Any:
    return events.describe_event_bus()["Arn"]


def ended(events: Any, name: str) -> dict[str, Any]:
    for _ in range(300):
        replay: dict[str, Any] = events.describe_replay(ReplayName=name)
        if replay["State"] == "COMPLETED":
            return replay
        time.sleep(0.02)
    raise AssertionError(replay)


def around(now: datetime) -> dict[str, datetime]:
    return {"EventStartTime": now - timedelta(days=1), "EventEndTime": now + timedelta(days=1)}


def test_what_was_archived_comes_again_with_the_name_of_the_replay(
    server: Any, events: Any, rule: Any, put: Any, seen: Any, bus_arn: str
) -> None:
    archive = events.create_archive(ArchiveName="kept", EventSourceArn=bus_arn, EventPattern=PATTERN)["ArchiveArn"]
    rule()
    ids = [put({"n": number}) for number in range(3)]
    put({"n": 9}, source="other")
    seen.wait(3)
    events.start_replay(ReplayName="again", EventSourceArn=archive, Destination={"Arn": bus_arn}, **around(server.home.clock.now()))
    again = seen.wait(6)[3:]
    assert [event["id"] for event in again] == ids
    assert {event["replay-name"] for event in again} == {"again"}
    replay = ended(events, "again")
    assert replay["Destination"] == {"Arn": bus_arn}
    assert replay["EventLastReplayedTime"] <= replay["ReplayEndTime"]
    assert events.describe_archive(ArchiveName="kept")["EventCount"] == 3, "a replay is not archived once more"


def test_a_replay_may_be_for_some_rules(server: Any, events: Any, rule: Any, put: Any, seen: Any, bus_arn: str) -> None:
    archive = events.create_archive(ArchiveName="kept", EventSourceArn=bus_arn)["ArchiveArn"]
    rule("one")
    chosen = rule("two", InputTransformer={"InputTemplate": '{"rule": "<aws.events.rule-name>"}'})
    put({"n": 1})
    seen.wait(2)
    destination = {"Arn": bus_arn, "FilterArns": [chosen]}
    events.start_replay(ReplayName="again", EventSourceArn=archive, Destination=destination, **around(server.home.clock.now()))
    ended(events, "again")
    assert seen.wait(3)[2:] == [{"rule": "two"}]


def test_an_archive_forgets_what_is_older_than_its_retention(aws: Any, clock: Any, events: Any, put: Any, bus_arn: str) -> None:
    events.create_archive(ArchiveName="kept", EventSourceArn=bus_arn, EventPattern=PATTERN, RetentionDays=3)
    put({"n": 1})
    clock.advance(timedelta(days=2))
    put({"n": 2})
    assert events.describe_archive(ArchiveName="kept")["EventCount"] == 2
    clock.advance(timedelta(days=1, minutes=1))
    for _ in range(200):
        if events.describe_archive(ArchiveName="kept")["EventCount"] == 1:
            break
        time.sleep(0.02)
    assert events.describe_archive(ArchiveName="kept")["EventCount"] == 1
    clock.advance(timedelta(days=3))
    for _ in range(200):
        if events.describe_archive(ArchiveName="kept")["EventCount"] == 0:
            return
        time.sleep(0.02)
    raise AssertionError("the last event stays")


def test_the_rule_of_an_archive_is_managed(events: Any, refused: Any, bus_arn: str) -> None:
    """Source: DescribeRule's ManagedBy; "This rule is created by an AWS service"."""
    events.create_archive(ArchiveName="kept", EventSourceArn=bus_arn)
    described = events.describe_rule(Name="Events-Archive-kept")
    assert described["ManagedBy"] == "prod.vhs.events.aws.internal"
    with refused("ManagedRuleException"):
        events.disable_rule(Name="Events-Archive-kept")
    with refused("ManagedRuleException"):
        events.put_rule(Name="Events-Archive-kept", EventPattern=PATTERN)


def test_a_deleted_archive_is_empty_when_its_name_is_used_again(events: Any, put: Any, bus_arn: str) -> None:
    for count in (2, 1):
        events.create_archive(ArchiveName="kept", EventSourceArn=bus_arn, EventPattern=PATTERN)
        for number in range(count):
            put({"n": number})
        assert events.describe_archive(ArchiveName="kept")["EventCount"] == count
        events.delete_archive(ArchiveName="kept")


def test_a_replay_that_is_over_cannot_be_cancelled(server: Any, events: Any, refused: Any, bus_arn: str) -> None:
    archive = events.create_archive(ArchiveName="kept", EventSourceArn=bus_arn)["ArchiveArn"]
    times = around(datetime(2020, 1, 1, tzinfo=UTC))
    events.start_replay(ReplayName="again", EventSourceArn=archive, Destination={"Arn": bus_arn}, **times)
    ended(events, "again")
    with refused("IllegalStatusException"):
        events.cancel_replay(ReplayName="again")
    with refused("ResourceAlreadyExistsException", "Replay again already exists."):
        events.start_replay(ReplayName="again", EventSourceArn=archive, Destination={"Arn": bus_arn}, **times)
    with refused("ValidationException", "At most one filter"):
        events.list_replays(NamePrefix="a", State="COMPLETED")
