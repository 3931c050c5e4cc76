"""How a function's lines become batches. Truth: PutLogEvents' limits in the API reference."""

from datetime import UTC, datetime, timedelta
from typing import Any

from headwater.services.lambda_.shipping import BATCH_BYTES_MAX, EVENT_BYTES_MAX, EVENTS_MAX, batches

AT = datetime(2026, 1, 1, tzinfo=UTC)


def test_a_batch_has_so_many_events_and_so_many_bytes() -> None:
    assert [len(batch) for batch in batches([(AT, "x")] * (EVENTS_MAX + 1))] == [EVENTS_MAX, 1]
    sizes = [sum(len(str(event["message"])) + 26 for event in batch) for batch in batches([(AT, "x" * 100_000)] * 25)]
    assert max(sizes) <= BATCH_BYTES_MAX
    assert len(sizes) == 3


def test_a_line_that_is_too_long_is_cut_at_a_character_and_an_empty_one_is_a_space() -> None:
    ((long, empty),) = batches([(AT, "é" * 200_000), (AT, "")])
    assert len(str(long["message"]).encode()) == EVENT_BYTES_MAX
    assert empty["message"] == " "


def test_times_never_go_back_and_a_batch_spans_a_day_at_most() -> None:
    first, second = batches([(AT, "a"), (AT - timedelta(seconds=1), "b"), (AT + timedelta(days=60), "c")])
    assert [event["timestamp"] for event in first] == [1_767_225_600_000] * 2
    assert [event["message"] for event in second] == ["c"]


def test_lines_are_kept_though_time_is_moved_right_behind_the_answer(aws: Any, functions: Any, clock: Any) -> None:
    """Logs takes nothing that is older than 14 days (PutLogEvents); our promise: moving time loses no line."""
    functions.make("teller", "def handler(event, context):\n    print('before the leap')\n")
    functions.call("teller")
    clock.advance(timedelta(days=30))
    told = aws.client("logs").filter_log_events(logGroupName="/aws/lambda/teller")["events"]
    assert "before the leap" in [event["message"] for event in told]
