"""What an object in S3 is called: prefix expressions, the default folders by the hour, and the suffix.

Easy to get wrong: the time in a name is the *arrival of the oldest record* in the object, not the time of delivery, and
one name uses one instant throughout. A prefix without any `!{timestamp:…}` gets the hour's folders appended; one with
an expression gets nothing appended. Pure: no clock, no store.
Source: "Understand custom prefixes for Amazon S3 objects" and "Configure Amazon S3 object name format" of the Firehose
developer guide; the patterns are those of Java's DateTimeFormatter.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from headwater.aws.faults import Fault, fault

HOURLY: Final = "!{timestamp:yyyy/MM/dd/HH/}"
ERROR_TYPE: Final = "!{firehose:error-output-type}"
EVALUATED_MAX: Final = 512
RANDOM_LENGTH: Final = 11
ANY_TIME: Final = datetime(2001, 1, 1, tzinfo=UTC)
"""What a prefix is tried with when a stream is made."""
EXTENSIONS: Final = {"UNCOMPRESSED": "", "GZIP": ".gz", "ZIP": ".zip"}

_EXPRESSION: Final = re.compile(r"!\{([^{}:]*):([^{}]*)\}")
_PATTERN_TOKEN: Final = re.compile(r"'(?P<quoted>(?:[^']|'')*)'|(?P<field>([A-Za-z])\3*)|(?P<literal>[^A-Za-z'])")
_MONTHS: Final = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December")
_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def _number(value: Callable[[datetime], int]) -> Callable[[datetime, int], str]:
    return lambda at, width: str(value(at)).zfill(width)


def _year(at: datetime, width: int) -> str:
    return f"{at.year % 100:02d}" if width == 2 else str(at.year).zfill(width)


def _month(at: datetime, width: int) -> str:
    name = _MONTHS[at.month - 1]
    return str(at.month).zfill(width) if width < 3 else name[:3] if width == 3 else name


def _weekday(at: datetime, width: int) -> str:
    name = _DAYS[at.weekday()]
    return name if width == 4 else name[:3]


# The letters of DateTimeFormatter that name a point in time; others (eras, zones by name) are refused when a stream is made.
_FIELDS: Final[dict[str, Callable[[datetime, int], str]]] = {
    "y": _year,
    "u": _year,
    "Y": lambda at, width: str(at.isocalendar().year).zfill(width),
    "M": _month,
    "L": _month,
    "d": _number(lambda at: at.day),
    "D": _number(lambda at: at.timetuple().tm_yday),
    "E": _weekday,
    "e": _number(lambda at: at.isoweekday() % 7 + 1),
    "w": _number(lambda at: at.isocalendar().week),
    "Q": _number(lambda at: (at.month + 2) // 3),
    "a": lambda at, _: "AM" if at.hour < 12 else "PM",
    "H": _number(lambda at: at.hour),
    "k": _number(lambda at: at.hour or 24),
    "h": _number(lambda at: at.hour % 12 or 12),
    "K": _number(lambda at: at.hour % 12),
    "m": _number(lambda at: at.minute),
    "s": _number(lambda at: at.second),
    "S": lambda at, width: f"{at.microsecond:06d}".ljust(width, "0")[:width],
}


def format_java(pattern: str, at: datetime) -> str:
    """`at` in a DateTimeFormatter pattern. Raises ValueError for a letter that is not built, or an open quote."""
    out: list[str] = []
    position = 0
    while position < len(pattern):
        token = _PATTERN_TOKEN.match(pattern, position)
        if token is None:
            raise ValueError(f"a quote is left open in {pattern!r}")
        position = token.end()
        if (field := token["field"]) is not None:
            if field[0] not in _FIELDS:
                raise ValueError(f"{field[0]!r} is no letter of a timestamp pattern")
            out.append(_FIELDS[field[0]](at, len(field)))
        elif (quoted := token["quoted"]) is not None:
            out.append(quoted.replace("''", "'") or "'")
        else:
            out.append(token["literal"])
    return "".join(out)


def zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        raise _invalid(f"CustomTimeZone {name} is not a supported time zone.") from None


def _invalid(message: str) -> Fault:
    return fault("InvalidArgumentException", message)


def has_expressions(prefix: str) -> bool:
    return "!{" in prefix


def check_prefixes(prefix: str, error_prefix: str | None) -> None:
    """The rules that hold between the two prefixes of a destination."""
    _check_expressions(prefix, "Prefix", ("random-string",))
    if error_prefix is None:
        if has_expressions(prefix):
            raise _invalid("ErrorOutputPrefix cannot be null or empty when Prefix contains expressions.")
        return
    _check_expressions(error_prefix, "ErrorOutputPrefix", ("random-string", "error-output-type"))
    if has_expressions(error_prefix) and ERROR_TYPE not in error_prefix:
        raise _invalid(
            "ErrorOutputPrefix should contain at least one instance of !{firehose:error-output-type} when expressions are specified."
        )
    for evaluated in (
        evaluate(prefix, ANY_TIME, "x" * RANDOM_LENGTH),
        evaluate(error_prefix, ANY_TIME, "x" * RANDOM_LENGTH, "processing-failed"),
    ):
        if len(evaluated) > EVALUATED_MAX:
            raise _invalid(f"A prefix must not be longer than {EVALUATED_MAX} characters after it is evaluated.")


def _check_expressions(prefix: str, member: str, values: tuple[str, ...]) -> None:
    if "!{" in _EXPRESSION.sub("", prefix):
        raise _invalid(f"{member} contains an expression that is not of the form !{{namespace:value}}.")
    for namespace, value in _EXPRESSION.findall(prefix):
        match namespace:
            case "timestamp":
                try:
                    format_java(value, ANY_TIME)
                except ValueError as error:
                    raise _invalid(f"{member} contains an invalid timestamp expression: {error}.") from None
            case "firehose":
                if value not in values:
                    raise _invalid(f"{member} cannot contain the expression !{{firehose:{value}}}.")
            case "partitionKeyFromQuery" | "partitionKeyFromLambda":
                raise _invalid(f"{member} contains !{{{namespace}:{value}}}, which requires dynamic partitioning to be enabled.")
            case _:
                raise _invalid(f"{member} contains an unknown namespace: {namespace}.")


def evaluate(prefix: str, at: datetime, random: str, error_type: str | None = None) -> str:
    """`prefix` at one instant. With `error_type` it is the prefix of what failed."""
    if error_type is not None and ERROR_TYPE not in prefix:
        prefix = f"{prefix}{error_type}/"
    if "!{timestamp:" not in prefix:
        prefix += HOURLY

    def value_of(expression: re.Match[str]) -> str:
        namespace, value = expression.groups()
        if namespace == "timestamp":
            return format_java(value, at)
        return random if value == "random-string" else (error_type or "")

    return _EXPRESSION.sub(value_of, prefix)


def suffix(stream: str, version: int, at: datetime, unique: str, extension: str) -> str:
    return f"{stream}-{version}-{at:%Y-%m-%d-%H-%M-%S}-{unique}{extension}"
