"""The three ways of writing a moment, read and written."""

from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.aws.protocols import timestamps

SECONDS = st.integers(-(10**10), 10**11)


@given(SECONDS)
def test_http_dates_are_those_of_the_standard_library(seconds: int) -> None:
    when = timestamps.from_epoch(seconds)
    if when.year < 1000:  # years that HTTP does not know
        return
    assert timestamps.rfc822(when) == format_datetime(when, usegmt=True)
    assert timestamps.from_rfc822(timestamps.rfc822(when)) == parsedate_to_datetime(timestamps.rfc822(when)) == when


@given(SECONDS, st.integers(0, 999))
def test_each_form_reads_back_to_the_millisecond(seconds: int, millisecond: int) -> None:
    when = timestamps.from_epoch(seconds).replace(microsecond=millisecond * 1000)
    assert timestamps.moment(timestamps.iso8601(when)) == when
    assert timestamps.moment(timestamps.iso8601_milliseconds(when)) == when
    assert timestamps.from_epoch(timestamps.epoch(when)) == when


READ = {
    "2015-01-25T08:00:00Z": datetime(2015, 1, 25, 8, tzinfo=UTC),
    "2015-01-25T08:00:00.123Z": datetime(2015, 1, 25, 8, 0, 0, 123000, tzinfo=UTC),
    "2015-01-25T08:00:00+02:00": datetime(2015, 1, 25, 6, tzinfo=UTC),
    "2015-01-25": datetime(2015, 1, 25, tzinfo=UTC),
    "20150125T080000Z": datetime(2015, 1, 25, 8, tzinfo=UTC),
    "Sun, 25 Jan 2015 08:00:00 GMT": datetime(2015, 1, 25, 8, tzinfo=UTC),
    "25 Jan 2015 08:00:00 -0130": datetime(2015, 1, 25, 9, 30, tzinfo=UTC),
    "1422172800": datetime(2015, 1, 25, 8, tzinfo=UTC),
    "1422172800.5": datetime(2015, 1, 25, 8, 0, 0, 500000, tzinfo=UTC),
    "14221728": datetime(1970, 6, 14, 14, 28, 48, tzinfo=UTC),
}


@pytest.mark.parametrize(("text", "when"), READ.items())
def test_a_moment_is_read_from(text: str, when: datetime) -> None:
    assert timestamps.moment(text) == when


@pytest.mark.parametrize("text", ["", "yesterday", "2015-13-01", "Sun, 25 Foo 2015 08:00:00 GMT", "99999999999999999", "nan", "inf"])
def test_what_is_no_moment_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # whichever of the three readers says it
        timestamps.moment(text)
