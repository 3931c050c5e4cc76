"""The three ways in which AWS writes a moment: ISO 8601, RFC 822 and seconds since 1970.

Reading is lenient, as AWS is: whatever a member's own format, any of the three is understood. Writing follows the member.
Moments are aware datetimes in UTC; the wire knows milliseconds, finer parts are cut.
"""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def moment(text: str) -> datetime:
    """Raises ValueError where `text` is none of the three."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        try:
            return from_epoch(float(text))
        except ValueError:
            found = parsedate_to_datetime(text)
    if len(text) < len("2006-01-02"):
        return from_epoch(float(text))  # eight digits are seconds to AWS and a day to Python
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def from_epoch(seconds: float) -> datetime:
    """Raises ValueError beyond the years 1 to 9999."""
    try:
        return _EPOCH + timedelta(seconds=seconds)
    except OverflowError as beyond:
        raise ValueError(f"no such moment: {seconds}") from beyond


def epoch(when: datetime) -> float | int:
    """Seconds, whole where they are whole, as AWS's JSON has them."""
    seconds = round(when.timestamp(), 3)
    return int(seconds) if seconds.is_integer() else seconds


def iso8601(when: datetime) -> str:
    """`2006-01-02T15:04:05Z`, with milliseconds where there are any."""
    text = when.astimezone(UTC).isoformat(timespec="milliseconds" if when.microsecond >= 1000 else "seconds")
    return text.removesuffix("+00:00") + "Z"


def iso8601_milliseconds(when: datetime) -> str:
    """S3's form, which has them always."""
    return when.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def rfc822(when: datetime) -> str:
    return format_datetime(when.astimezone(UTC), usegmt=True)
