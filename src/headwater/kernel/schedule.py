"""When a schedule is due next: `rate(…)`, `cron(…)` with AWS's six fields, and `at(…)`. Pure: a moment in, a moment out.

Nothing polls: who has a schedule owes a job for its next moment. AWS's cron is Quartz's without seconds: `?`, `L`, `W` and `#`,
Sunday is 1, and one of the two day fields must be `?`. In a time zone that shifts its clock, a wall time that is left out is left
out, and one that comes twice counts once.
Source: "Cron expressions", "Rate expressions" of the EventBridge user guide, "Schedule types" of EventBridge Scheduler.
The package aws-croniter was looked at: it knows no time zones and gives up after ten steps, so it never finds 29 February 2104.
"""

from __future__ import annotations

import calendar
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final, Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

DAYS_OF_WEEK: Final = {name: number for number, name in enumerate(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"), 1)}
MONTHS: Final = {name.upper(): number for number, name in enumerate(calendar.month_abbr) if number}
YEARS: Final = (1970, 2199)
FIELDS: Final = 6
PARSED_MAX: Final = 4096
UNITS: Final = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}
_RATE: Final = re.compile(r"rate\((\d{1,9}) (minute|hour|day)(s?)\)")
_CRON: Final = re.compile(r"cron\(([^()]+)\)")
_AT: Final = re.compile(r"at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)")
_LAST_OF_WEEKDAY: Final = re.compile(r"([1-7]|[A-Z]{3})L")
_NUMBERED: Final = re.compile(r"([1-7]|[A-Z]{3})#([1-5])")
_BEFORE_LAST: Final = re.compile(r"L-(\d{1,2})")
_NEAREST_WEEKDAY: Final = re.compile(r"(\d{1,2})W")
SATURDAY: Final = 5
SUNDAY: Final = 6
Days = Callable[[int, int], set[int]]
"""(year, month) -> the days of the month."""


class InvalidSchedule(ValueError):
    """No schedule; its text says why."""


class Schedule(Protocol):
    """What can be asked of each kind."""

    def next_after(self, moment: datetime, *, start: datetime) -> datetime | None:
        """The first moment after this one, in UTC; None where there is none. `start` is what a rate counts from."""


class Rate:
    """Every so often, counted from its start."""

    def __init__(self, period: timedelta) -> None:
        self.period = period

    def next_after(self, moment: datetime, *, start: datetime) -> datetime | None:
        if moment < start:
            return start
        return start + ((moment - start) // self.period + 1) * self.period


class Once:
    """At one moment."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def next_after(self, moment: datetime, *, start: datetime) -> datetime | None:
        return self.at if self.at > moment else None


class Cron:
    """At wall times of a zone."""

    def __init__(self, expression: str, zone: ZoneInfo) -> None:
        fields = expression.split()
        if len(fields) != FIELDS:
            raise InvalidSchedule(f"cron has {FIELDS} fields, not {len(fields)}")
        minutes, hours, day, month, weekday, year = (field.upper() for field in fields)
        if (day == "?") == (weekday == "?"):
            raise InvalidSchedule("one of day-of-month and day-of-week must be ?, and the other not")
        self.hours = tuple(sorted(_numbers(hours, 0, 23)))
        self.minutes = tuple(sorted(_numbers(minutes, 0, 59)))
        self._times = [hour * 60 + minute for hour in self.hours for minute in self.minutes]
        self._months = sorted(_numbers(month, 1, 12, MONTHS))
        self._years = sorted(_numbers(year, *YEARS))
        self._days: list[Days] = [_weekday(part) for part in weekday.split(",")] if day == "?" else [_day(part) for part in day.split(",")]
        self._zone = zone

    def next_after(self, moment: datetime, *, start: datetime) -> datetime | None:
        wall = moment.astimezone(self._zone).replace(tzinfo=None)
        for wanted in self._walls(wall):
            local = wanted.replace(tzinfo=self._zone)
            found = local.astimezone(UTC)
            if found > moment and found.astimezone(self._zone).replace(tzinfo=None) == wanted:
                return found
        return None

    def _walls(self, wall: datetime) -> Iterator[datetime]:
        """Wall times in their order, beginning with the day of `wall`; of that day, those after `wall`'s minute."""
        first, passed = wall.date(), wall.hour * 60 + wall.minute
        for day in self._dates(first):
            times = self._times[bisect_right(self._times, passed) :] if day == first else self._times
            for time in times:
                yield datetime(day.year, day.month, day.day, time // 60, time % 60)  # noqa: DTZ001 - a wall time; its zone comes later

    def _dates(self, first: date) -> Iterator[date]:
        for year in self._years:
            if year < first.year:
                continue
            for month in self._months:
                if (year, month) < (first.year, first.month):
                    continue
                for number in sorted(set().union(*(days(year, month) for days in self._days))):
                    day = date(year, month, number)
                    if day >= first:
                        yield day


@lru_cache(PARSED_MAX)
def parse(expression: str, zone: str = "UTC") -> Schedule:
    """Raises InvalidSchedule."""
    rate = _RATE.fullmatch(expression)
    if rate is not None:
        return _rate(int(rate[1]), rate[2], plural=bool(rate[3]))
    try:
        known = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidSchedule(f"{zone} is no time zone") from None
    at = _AT.fullmatch(expression)
    if at is not None:
        try:
            return Once(datetime.fromisoformat(at[1]).replace(tzinfo=known).astimezone(UTC))
        except ValueError:
            raise InvalidSchedule(f"{at[1]} is no moment") from None
    cron = _CRON.fullmatch(expression)
    if cron is None:
        raise InvalidSchedule(f"{expression} is neither rate(...), cron(...) nor at(...)")
    return Cron(cron[1], known)


def _rate(number: int, unit: str, *, plural: bool) -> Rate:
    if number == 0 or plural != (number > 1):
        raise InvalidSchedule(f"a rate is 1 {unit}, or a greater number of {unit}s")
    return Rate(number * UNITS[unit])


def _numbers(field: str, low: int, high: int, names: dict[str, int] | None = None) -> set[int]:
    """The values of a field: `*`, `5`, `MON`, `1-5`, `*/2`, `3/10`, `10-50/5`, and lists of those."""
    found: set[int] = set()
    for part in field.split(","):
        span, slash, step = part.partition("/")
        if slash and (not step.isdecimal() or int(step) == 0):
            raise InvalidSchedule(f"{part} has no step")
        found.update(_span(span, low, high, names or {}, open_end=bool(slash))[:: int(step) if slash else 1])
    return found


def _span(span: str, low: int, high: int, names: dict[str, int], *, open_end: bool) -> list[int]:
    """A range may pass the end: FRI-MON."""
    if span == "*":
        return list(range(low, high + 1))
    first, dash, last = span.partition("-")
    begin = _number(first, low, high, names)
    if not dash:
        return list(range(begin, high + 1)) if open_end else [begin]
    end = _number(last, low, high, names)
    if begin <= end:
        return list(range(begin, end + 1))
    return [*range(begin, high + 1), *range(low, end + 1)]


def _number(text: str, low: int, high: int, names: dict[str, int]) -> int:
    if text in names:
        return names[text]
    if not text.isascii() or not text.isdecimal() or not low <= int(text) <= high:
        raise InvalidSchedule(f"{text or 'nothing'} is not between {low} and {high}")
    return int(text)


def _length(year: int, month: int) -> int:
    return calendar.monthrange(year, month)[1]


def _existing(days: Iterable[int], year: int, month: int) -> set[int]:
    last = _length(year, month)
    return {day for day in days if 1 <= day <= last}


def _day(part: str) -> Days:
    """One part of day-of-month."""
    if part == "L":
        return lambda year, month: {_length(year, month)}
    if part == "LW":
        return lambda year, month: {_nearest_weekday(year, month, _length(year, month))}
    before = _BEFORE_LAST.fullmatch(part)
    if before is not None:
        back = _number(before[1], 1, 30, {})
        return lambda year, month: _existing([_length(year, month) - back], year, month)
    nearest = _NEAREST_WEEKDAY.fullmatch(part)
    if nearest is not None:
        day = _number(nearest[1], 1, 31, {})
        return lambda year, month: {_nearest_weekday(year, month, each) for each in _existing([day], year, month)}
    numbers = _numbers(part, 1, 31)
    return lambda year, month: _existing(numbers, year, month)


def _nearest_weekday(year: int, month: int, day: int) -> int:
    """Monday to Friday, in the same month."""
    weekday = date(year, month, day).weekday()
    if weekday == SATURDAY:
        return day - 1 if day > 1 else day + 2
    if weekday == SUNDAY:
        return day + 1 if day < _length(year, month) else day - 2
    return day


def _weekday(part: str) -> Days:
    """One part of day-of-week."""
    last = _LAST_OF_WEEKDAY.fullmatch(part)
    if last is not None:
        wanted = _number(last[1], 1, 7, DAYS_OF_WEEK)
        return lambda year, month: {_days_that_are(year, month, {wanted})[-1]}
    numbered = _NUMBERED.fullmatch(part)
    if numbered is not None:
        wanted, which = _number(numbered[1], 1, 7, DAYS_OF_WEEK), int(numbered[2])
        return lambda year, month: set(_days_that_are(year, month, {wanted})[which - 1 : which])
    numbers = {7} if part == "L" else _numbers(part, 1, 7, DAYS_OF_WEEK)
    return lambda year, month: set(_days_that_are(year, month, numbers))


def _days_that_are(year: int, month: int, weekdays: set[int]) -> list[int]:
    """The days of the month on these days of the week, of which Sunday is 1."""
    first, length = calendar.monthrange(year, month)  # Monday is 0 here
    return [day for day in range(1, length + 1) if (first + day) % 7 + 1 in weekdays]
