"""Streams and events over boto3. Truth: the API reference of PutLogEvents, GetLogEvents, FilterLogEvents; recordings/logs.json."""

import itertools
from datetime import timedelta
from typing import Any

import pytest

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


class Stream:
    """A stream `s` of a group `g`, and the time by the server's clock."""

    def __init__(self, client: Any, now_ms: int) -> None:
        self.client = client
        self.now_ms = now_ms
        self.where = {"logGroupName": "g", "logStreamName": "s"}
        client.create_log_group(logGroupName="g")
        client.create_log_stream(**self.where)

    def put(self, *events: tuple[int, str], stream: str = "s") -> Any:
        """Events as (milliseconds before now, message)."""
        events_ = [{"timestamp": self.now_ms - before, "message": message} for before, message in events]
        return self.client.put_log_events(logGroupName="g", logStreamName=stream, logEvents=events_)

    def get(self, **options: Any) -> tuple[list[str], Any]:
        answer = self.client.get_log_events(**self.where, **options)
        return [event["message"] for event in answer["events"]], answer

    def search(self, pattern: str = "", **options: Any) -> list[str]:
        answer = self.client.filter_log_events(logGroupName="g", filterPattern=pattern, **options)
        return [event["message"] for event in answer["events"]]


@pytest.fixture
def stream(aws: Any, server: Any) -> Stream:
    return Stream(aws.client("logs"), int(server.home.clock.now().timestamp() * 1000))


def test_streams_are_listed_by_name_or_by_their_last_event(stream: Stream, refused: Any) -> None:
    for name in ("b", "a"):
        stream.client.create_log_stream(logGroupName="g", logStreamName=name)
    stream.put((10, "x"), stream="a")
    stream.put((5, "x"), stream="b")
    by_name = stream.client.describe_log_streams(logGroupName="g")["logStreams"]
    assert [s["logStreamName"] for s in by_name] == ["a", "b", "s"]
    latest = stream.client.describe_log_streams(logGroupName="g", orderBy="LastEventTime", descending=True, limit=2)
    assert [s["logStreamName"] for s in latest["logStreams"]] == ["b", "a"]
    rest = stream.client.describe_log_streams(logGroupName="g", orderBy="LastEventTime", descending=True, nextToken=latest["nextToken"])
    assert [s["logStreamName"] for s in rest["logStreams"]] == ["s"]
    assert latest["logStreams"][0]["lastEventTimestamp"] == stream.now_ms - 5
    with refused("InvalidParameterException", "Cannot order by LastEventTime"):
        stream.client.describe_log_streams(logGroupName="g", orderBy="LastEventTime", logStreamNamePrefix="a")


def test_a_stream_is_made_once_and_can_be_deleted(stream: Stream, refused: Any) -> None:
    with refused("ResourceAlreadyExistsException", "The specified log stream already exists"):
        stream.client.create_log_stream(**stream.where)
    stream.put((0, "gone"))
    stream.client.delete_log_stream(**stream.where)
    with refused("ResourceNotFoundException", "The specified log stream does not exist."):
        stream.get()
    stream.client.create_log_stream(**stream.where)
    assert stream.get()[0] == []


def test_events_come_back_in_the_order_of_time_from_overlapping_batches(stream: Stream) -> None:
    stream.put((1000, "1000"), (10, "10"))
    stream.put((500, "500"), (400, "400"))
    stream.put((2000, "2000"))
    assert stream.get(startFromHead=True)[0] == ["2000", "1000", "500", "400", "10"]
    assert stream.get(limit=2)[0] == ["400", "10"]
    assert stream.get(startTime=stream.now_ms - 1000, endTime=stream.now_ms - 400)[0] == ["1000", "500"]


def test_tokens_walk_forward_and_back_and_stand_still_at_the_ends(stream: Stream) -> None:
    stream.put(*((100 - number, f"{number}") for number in range(10)))
    messages, answer = stream.get(startFromHead=True, limit=4)
    assert messages == ["0", "1", "2", "3"]
    messages, answer = stream.get(nextToken=answer["nextForwardToken"], limit=4)
    assert messages == ["4", "5", "6", "7"]
    assert stream.get(nextToken=answer["nextBackwardToken"], limit=3)[0] == ["1", "2", "3"]
    messages, answer = stream.get(nextToken=answer["nextForwardToken"], limit=4)
    assert messages == ["8", "9"]
    messages, end = stream.get(nextToken=answer["nextForwardToken"])
    assert messages == []
    assert end["nextForwardToken"] == answer["nextForwardToken"]
    stream.put((0, "later"))
    assert stream.get(nextToken=end["nextForwardToken"])[0] == ["later"]


@pytest.mark.parametrize("token", ["nonsense", "f/1/s", "x/" + "3" * 56 + "/s"])
def test_a_token_that_is_none_is_refused(stream: Stream, refused: Any, token: str) -> None:
    with refused("InvalidParameterException", "The specified nextToken is invalid."):
        stream.get(nextToken=token)
    with refused("InvalidParameterException", "The specified nextToken is invalid."):
        stream.search(nextToken="nonsense")


def test_batches_that_break_a_rule_are_refused_whole(stream: Stream, refused: Any) -> None:
    with refused("InvalidParameterException", "must be in chronological order"):
        stream.put((0, "b"), (5, "a"))
    with refused("InvalidParameterException", "cannot span more than 24 hours"):
        stream.put((25 * HOUR_MS, "a"), (0, "b"))
    with refused("InvalidParameterException", "Upload too large: 1048630 bytes exceeds limit of 1048576"):
        stream.put(*((0, "x" * 104_837) for _ in range(10)))
    assert stream.get()[0] == []


def test_events_too_old_or_too_new_are_left_out_and_said(stream: Stream) -> None:
    answer = stream.put((15 * DAY_MS, "old"))
    assert answer["rejectedLogEventsInfo"] == {"tooOldLogEventEndIndex": 1}
    answer = stream.put((0, "now"), (-3 * HOUR_MS, "new"))
    assert answer["rejectedLogEventsInfo"] == {"tooNewLogEventStartIndex": 1}
    assert stream.get()[0] == ["now"]


def test_a_search_interleaves_streams_and_goes_on_behind_its_token(stream: Stream) -> None:
    stream.client.create_log_stream(logGroupName="g", logStreamName="t")
    for number in range(20):
        stream.put((100 - number, f"event {number}"), stream="st"[number % 2])
    pages = stream.client.get_paginator("filter_log_events").paginate(logGroupName="g", PaginationConfig={"PageSize": 6})
    events = list(itertools.chain.from_iterable(page["events"] for page in pages))
    assert [event["message"] for event in events] == [f"event {number}" for number in range(20)]
    assert len({event["eventId"] + event["logStreamName"] for event in events}) == 20
    assert stream.search(logStreamNames=["t"], limit=2) == ["event 1", "event 3"]
    assert stream.search(logStreamNamePrefix="s", startTime=stream.now_ms - 84) == ["event 16", "event 18"]


def test_a_search_finds_what_its_pattern_means(stream: Stream) -> None:
    stream.put((3, "ERROR one"), (2, '{"level": "warn", "n": 3}'), (1, "fine"))
    assert stream.search("ERROR") == ["ERROR one"]
    assert stream.search("{ $.n > 2 }") == ['{"level": "warn", "n": 3}']
    assert stream.search("-ERROR -level") == ["fine"]


def test_the_last_events_are_found_across_long_silences(stream: Stream) -> None:
    stream.put((13 * DAY_MS, "first"))
    stream.put((5, "second"))
    assert stream.get(limit=2)[0] == ["first", "second"]


def test_time_moved_a_day_does_not_hide_events(stream: Stream, clock: Any) -> None:
    stream.put((0, "before"))
    clock.advance(timedelta(days=1))
    assert stream.get()[0] == ["before"]
