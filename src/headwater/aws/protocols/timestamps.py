"""The three ways in which AWS writes a moment: ISO 8601, RFC 822 and seconds since 1970.

Reading is lenient, as AWS is: whatever a member's own format, any of the three is understood. Writing follows the member.
Moments are aware datetimes in UTC; the wire knows milliseconds, finer parts are cut.
"""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_RFC822: Final = re.compile(r"(?:\w{3}, )?(\d{1,2}) (\w{3}) (\d{4}) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,6})\d*)? (?:GMT|UTC|([+-])(\d\d)(\d\d))")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
WRITTEN_MAX: Final = 4096
"""Texts of moments that are kept: what is described has its dates for long, and is described often."""


def moment(text: str) -> datetime:
    """Raises ValueError where `text` is none of the three."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        try:
            return from_epoch(float(text))
        except ValueError:
            found = from_rfc822(text)
    if len(text) < len("2006-01-02"):
        return from_epoch(float(text))  # eight digits are seconds to AWS and a day to Python
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def from_epoch(seconds: float) -> datetime:
    """Raises ValueError beyond the years 1 to 9999."""
    try:
        return _EPOCH + timedelta(milliseconds=round(seconds * 1000))
    except OverflowError as beyond:
        raise ValueError(f"no such moment: {seconds}") from beyond


def epoch(when: datetime) -> float | int:
    """Seconds, whole where they are whole, as AWS's JSON has them."""
    seconds = round(when.timestamp(), 3)
    return int(seconds) if seconds.is_integer() else seconds


@lru_cache(WRITTEN_MAX)
def iso8601(when: datetime) -> str:
    """`2006-01-02T15:04:05Z`, with milliseconds where there are any."""
    text = when.astimezone(UTC).isoformat(timespec="milliseconds" if when.microsecond >= 1000 else "seconds")
    return text.removesuffix("+00:00") + "Z"


@lru_cache(WRITTEN_MAX)
def iso8601_milliseconds(when: datetime) -> str:
    """S3's form, which has them always."""
    return when.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def from_rfc822(text: str) -> datetime:
    """HTTP's dates. The standard library's reader would bring all of `email` with it, 40 ms at start."""
    found = _RFC822.fullmatch(text)
    if found is None or found.group(2) not in _MONTHS:
        raise ValueError(f"no such moment: {text}")
    day, month, year, hour, minute, second, fraction, sign, off_hours, off_minutes = found.groups()
    microsecond = int((fraction or "").ljust(6, "0"))
    when = datetime(int(year), _MONTHS.index(month) + 1, int(day), int(hour), int(minute), int(second), microsecond, UTC)
    offset = timedelta(hours=int(off_hours or 0), minutes=int(off_minutes or 0))
    return when + offset if sign == "-" else when - offset


@lru_cache(WRITTEN_MAX)
def rfc822(when: datetime) -> str:
    utc = when.astimezone(UTC)
    return f"{_DAYS[utc.weekday()]}, {utc.day:02} {_MONTHS[utc.month - 1]} {utc.year:04} {utc:%H:%M:%S} GMT"
