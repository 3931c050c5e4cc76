"""The Range header. Truth: recorded answers of AWS, TestS3ObjectCRUD::test_get_object_range, and RFC 9110 for the property."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.aws.faults import Fault
from headwater.services.s3 import ranges

RECORDED = {  # of the ten bytes 0123456789
    "bytes=0-8": (0, 8),
    "bytes=1-1": (1, 1),
    "bytes=1-0": None,
    "bytes=1-": (1, 9),
    "bytes=-1-": None,
    "bytes=-2": (8, 9),
    "bytes=-9": (1, 9),
    "bytes=-15": (0, 9),
    "bytes=0-100": (0, 9),
    "bytes=0-0": (0, 0),
    "bytes=0--1": None,
    "bytes=0-1,3-4,7-9": None,
    "0-2": None,
    "bytes=-": None,
}


@pytest.mark.parametrize(("header", "expected"), RECORDED.items(), ids=RECORDED)
def test_a_range_is_read_as_aws_reads_it(header: str, expected: tuple[int, int] | None) -> None:
    assert ranges.asked(header, 10) == expected


@pytest.mark.parametrize("header", ["bytes=-0", "bytes=100-200", "bytes=10-"])
def test_a_range_behind_the_end_is_refused(header: str) -> None:
    with pytest.raises(Fault) as caught:
        ranges.asked(header, 10)
    assert caught.value.code == "InvalidRange"
    assert caught.value.members == {"ActualObjectSize": "10", "RangeRequested": header}


@given(st.integers(0, 50), st.integers(0, 60), st.none() | st.integers(0, 60))
def test_a_range_selects_what_slicing_selects(size: int, first: int, last: int | None) -> None:
    body = bytes(range(size))
    header = f"bytes={first}-{'' if last is None else last}"
    if last is not None and last < first:
        assert ranges.asked(header, size) is None
    elif first >= size:
        with pytest.raises(Fault):
            ranges.asked(header, size)
    else:
        chosen = ranges.asked(header, size)
        assert chosen is not None
        assert body[chosen[0] : chosen[1] + 1] == body[first : None if last is None else last + 1]


@given(st.integers(1, 50), st.integers(1, 60))
def test_a_suffix_selects_the_last_bytes(size: int, suffix: int) -> None:
    body = bytes(range(size))
    chosen = ranges.asked(f"bytes=-{suffix}", size)
    assert chosen is not None
    assert body[chosen[0] : chosen[1] + 1] == body[-suffix:]
