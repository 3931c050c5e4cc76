"""Verdicts on what a transforming function returned. Truth: "Required parameters for data transformation" in the developer guide."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.services.firehose.buffers import Allowance, Batch
from headwater.services.firehose.transform import DUPLICATED, FAILED, MISSING, UNREADABLE, Reply, Returned, Sent, batches, judged

SENT = [Sent(record_id="1", approximate_arrival_timestamp=0, data=b"one")]


def ok(record_id: str = "1", data: bytes | None = b"ONE") -> Returned:
    return Returned(record_id=record_id, result="Ok", data=data)


VERDICTS = {
    "ok": ([ok()], ok()),
    "dropped": ([Returned(record_id="1", result="Dropped")], Returned(record_id="1", result="Dropped")),
    "failed": ([Returned(record_id="1", result="ProcessingFailed", data=b"x")], FAILED),
    "nothing returned": ([], MISSING),
    "another record returned": ([ok("2")], MISSING),
    "returned twice": ([ok(), ok()], DUPLICATED),
    "ok without data": ([ok(data=None)], UNREADABLE),
    "a result that is none": ([Returned(record_id="1", result="Fine", data=b"x")], UNREADABLE),
}


@pytest.mark.parametrize(("returned", "verdict"), VERDICTS.values(), ids=VERDICTS)
def test_a_record_is_judged(returned: list[Returned], verdict: Returned | tuple[str, str]) -> None:
    assert judged(SENT, Reply(records=returned)) == [verdict]


@given(st.lists(st.integers(0, 400), max_size=30))
def test_every_record_is_sent_once_in_order_and_no_invocation_is_too_large(sizes: list[int]) -> None:
    batch = Batch()
    for number, size in enumerate(sizes):
        batch.add([bytes([number]) * size], size, number)
    invocations = list(batches(batch, 500))
    sent = [one for invocation in invocations for one in invocation]
    assert [one.data for one in sent] == batch.records
    assert len({one.record_id for one in sent}) == len(sent)
    assert all(sum(len(one.data) for one in invocation) <= 500 or len(invocation) == 1 for invocation in invocations)


def test_an_allowance_passes_a_second_s_worth_and_then_as_much_as_time_brings() -> None:
    allowance = Allowance(5000)
    assert allowance.take(20_000, 100.0) == 5000
    assert allowance.take(500, 100.0) == 0
    assert allowance.take(500, 100.0625) == 312
    assert allowance.take(20_000, 160.0) == 5000
