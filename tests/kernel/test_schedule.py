"""Schedules. Truth: the examples of the EventBridge and Secrets Manager user guides; and for cron a search minute by minute."""

import calendar
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.kernel.schedule import InvalidSchedule, parse

MOMENTS = st.integers(0, 4 * 365 * 86_400).map(lambda seconds: datetime(2023, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds))
START = datetime(2024, 2, 27, 9, 30, 15, tzinfo=UTC)  # a Tuesday


def following(expression: str, after: datetime = START, zone: str = "UTC") -> str | None:
    found = parse(expression, zone).next_after(after, start=after)
    return None if found is None else found.strftime("%Y-%m-%d %H:%M")


EXAMPLES = {
    "cron(0 10 * * ? *)": "2024-02-27 10:00",
    "cron(15 12 * * ? *)": "2024-02-27 12:15",
    "cron(0 18 ? * MON-FRI *)": "2024-02-27 18:00",
    "cron(0 8 1 * ? *)": "2024-03-01 08:00",
    "cron(0/15 * * * ? *)": "2024-02-27 09:45",
    "cron(0/10 * ? * MON-FRI *)": "2024-02-27 09:40",
    "cron(0/5 8-17 ? * MON-FRI *)": "2024-02-27 09:35",
    "cron(0/30 20-2 ? * MON-FRI *)": "2024-02-27 20:00",
    "cron(0 0 L * ? *)": "2024-02-29 00:00",
    "cron(0 0 L-2 * ? *)": "2024-03-29 00:00",
    "cron(0 0 LW * ? *)": "2024-02-29 00:00",
    "cron(0 0 2W * ? *)": "2024-03-01 00:00",
    "cron(0 0 3W,9 * ? *)": "2024-03-04 00:00",
    "cron(0 0 1W 6 ? *)": "2024-06-03 00:00",
    "cron(0 0 31W 3 ? *)": "2024-03-29 00:00",
    "cron(0 0 ? * 6L *)": "2024-03-29 00:00",
    "cron(0 0 ? * FRIL *)": "2024-03-29 00:00",
    "cron(0 0 ? * L *)": "2024-03-02 00:00",
    "cron(0 1 ? 1/3 SUN#1 *)": "2024-04-07 01:00",
    "cron(0 0 ? * 2#5 *)": "2024-04-29 00:00",
    "cron(0 0 29 2 ? *)": "2024-02-29 00:00",
    "cron(0 0 29 FEB ? 2097-2199)": "2104-02-29 00:00",
    "cron(0 0 30 2 ? *)": None,
    "cron(0 0 1 1 ? 2020)": None,
    "cron(30 9 27 2 ? *)": "2025-02-27 09:30",
    "rate(1 minute)": "2024-02-27 09:31",
    "rate(60 days)": "2024-04-27 09:30",
    "at(2024-03-01T08:00:00)": "2024-03-01 08:00",
    "at(2024-02-27T09:30:15)": None,
}


@pytest.mark.parametrize(("expression", "expected"), EXAMPLES.items(), ids=EXAMPLES)
def test_when_a_schedule_is_due_next(expression: str, expected: str | None) -> None:
    assert following(expression) == expected


BAD = [
    "",
    "rate(0 days)",
    "rate(1 days)",
    "rate(2 day)",
    "rate(5 weeks)",
    "rate(-1 day)",
    "at(yesterday)",
    "at(2024-13-01T00:00:00)",
    "cron(0 10 * * ?)",
    "cron(0 10 * * * *)",
    "cron(0 10 ? * ? *)",
    "cron(60 10 * * ? *)",
    "cron(0 24 * * ? *)",
    "cron(0 10 0 * ? *)",
    "cron(0 10 32 * ? *)",
    "cron(0 10 * 13 ? *)",
    "cron(0 10 ? * 8 *)",
    "cron(0 10 ? * MON#6 *)",
    "cron(0 10 ? * XYZ *)",
    "cron(0 10 ? * XYZL *)",
    "cron(0 10 * * ? 1969)",
    "cron(0/0 10 * * ? *)",
    "cron(0/x 10 * * ? *)",
    "cron(,1 10 * * ? *)",
    "cron(² 10 * * ? *)",
    "cron(5- 10 * * ? *)",
]


@pytest.mark.parametrize("expression", BAD)
def test_what_is_no_schedule(expression: str) -> None:
    with pytest.raises(InvalidSchedule):
        parse(expression)


def test_a_zone_that_is_none() -> None:
    with pytest.raises(InvalidSchedule, match="time zone"):
        parse("cron(0 10 * * ? *)", "Europe/Atlantis")


def test_wall_times_of_a_zone_that_shifts_its_clock() -> None:
    """As EventBridge Scheduler: what the clock leaves out is left out, what comes twice counts once."""
    before = datetime(2024, 3, 30, 12, tzinfo=UTC)
    assert following("cron(0 8 * * ? *)", before, "Europe/Berlin") == "2024-03-31 06:00"  # 7:00 the day before
    assert following("cron(30 2 * * ? *)", before, "Europe/Berlin") == "2024-04-01 00:30"
    autumn = datetime(2024, 10, 27, 0, tzinfo=UTC)
    first = parse("cron(30 2 * * ? *)", "Europe/Berlin").next_after(autumn, start=autumn)
    assert first == datetime(2024, 10, 27, 0, 30, tzinfo=UTC)
    assert following("cron(30 2 * * ? *)", first, "Europe/Berlin") == "2024-10-28 01:30"
    assert following("at(2024-07-01T08:00:00)", before, "America/New_York") == "2024-07-01 12:00"


def test_a_rate_counts_from_its_start() -> None:
    rate = parse("rate(12 hours)")
    assert rate.next_after(START, start=START) == START + timedelta(hours=12)
    assert rate.next_after(START + timedelta(hours=12), start=START) == START + timedelta(hours=24)
    assert rate.next_after(START + timedelta(days=400, hours=1), start=START) == START + timedelta(days=400, hours=12)
    assert rate.next_after(START - timedelta(days=1), start=START) == START


def fields(low: int, high: int) -> st.SearchStrategy[str]:
    number = st.integers(low, high)
    span = st.tuples(number, number).map(lambda two: f"{two[0]}-{two[1]}")
    step = st.tuples(number, st.integers(1, 9)).map(lambda two: f"{two[0]}/{two[1]}")
    part = st.one_of(number.map(str), span, step)
    return st.one_of(st.just("*"), st.lists(part, min_size=1, max_size=3).map(",".join))


def values(field: str, low: int, high: int) -> set[int]:
    """A second reading of a field, the slow way."""
    found = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        begin, _, end = span.partition("-")
        first = low if span == "*" else int(begin)
        last = high if span == "*" or (step and not end) else int(end or begin)
        number, count = first, 0
        while True:
            if count % int(step or 1) == 0:
                found.add(number)
            if number == last:
                break
            number, count = (low if number == high else number + 1), count + 1
    return found


@settings(deadline=None)
@given(
    fields(0, 59),
    fields(0, 23),
    st.one_of(st.tuples(fields(1, 31), st.just("?")), st.tuples(st.just("?"), fields(1, 7))),
    fields(1, 12),
    MOMENTS,
)
def test_nothing_is_skipped_and_nothing_is_wrong(minute: str, hour: str, days: tuple[str, str], month: str, after: datetime) -> None:
    day, weekday = days
    found = parse(f"cron({minute} {hour} {day} {month} {weekday} *)").next_after(after, start=after)
    minutes, hours, months = values(minute, 0, 59), values(hour, 0, 23), values(month, 1, 12)

    def is_day(moment: datetime) -> bool:
        if moment.month not in months:
            return False
        if day == "?":
            return moment.isoweekday() % 7 + 1 in values(weekday, 1, 7)
        return moment.day in values(day, 1, 31)

    if found is None:
        longest = max(calendar.monthrange(2024, each)[1] for each in months)
        assert min(values(day, 1, 31)) > longest
        return
    assert found > after
    assert is_day(found)
    assert found.minute in minutes
    assert found.hour in hours
    moment = (after + timedelta(minutes=1)).replace(second=0, microsecond=0)
    while moment.date() < found.date():  # no earlier day would have done
        assert not is_day(moment) or not any(hour * 60 + minute >= moment.hour * 60 + moment.minute for hour in hours for minute in minutes)
        moment = (moment + timedelta(days=1)).replace(hour=0, minute=0)
    while moment < found:
        assert not (moment.minute in minutes and moment.hour in hours)
        moment += timedelta(minutes=1)


@settings(deadline=None)
@given(
    MOMENTS,
    st.sampled_from(["Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe"]),
)
def test_in_every_zone_the_wall_says_what_was_asked_for(after: datetime, zone: str) -> None:
    found = parse("cron(10 2 * * ? *)", zone).next_after(after, start=after)
    assert found is not None
    assert after < found < after + timedelta(days=3)
    assert found.astimezone(ZoneInfo(zone)).strftime("%H:%M") == "02:10"
