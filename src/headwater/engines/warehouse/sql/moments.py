"""Functions of dates and times: the parts a date may be asked for, and formats of TO_CHAR and TO_DATE.

Date parts have many spellings (d, day, days …); formats are read once, here, into DuckDB's own.
Sources: docs.aws.amazon.com/redshift/latest/dg/r_Dateparts_for_datetime_functions.html and r_FORMAT_strings.html
"""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from sqlglot import exp

from headwater.engines.warehouse.sql.build import call, cast, literal
from headwater.engines.warehouse.sql.errors import SqlError
from headwater.engines.warehouse.sql.numbers import number_text
from headwater.engines.warehouse.sql.scope import Scope
from headwater.engines.warehouse.sql.types import BIGINT, DATE, DOUBLE, INTEGER, TIMESTAMP, TIMESTAMPTZ, VARCHAR, SqlType

if TYPE_CHECKING:
    from headwater.engines.warehouse.sql.binder import Binder, Bound


def bound(node: exp.Expr, kind: SqlType) -> "Bound":
    from headwater.engines.warehouse.sql.binder import Bound

    return Bound(node, kind)


PARTS: Final = {
    spelling: part
    for part, spellings in {
        "millennium": "millennium millennia mil mils",
        "century": "century centuries c cent cents",
        "decade": "decade decades dec decs",
        "epoch": "epoch",
        "year": "year years y yr yrs",
        "quarter": "quarter quarters qtr qtrs",
        "month": "month months mon mons",
        "week": "week weeks w",
        "dow": "dayofweek dow dw weekday",
        "isodow": "isodow",
        "doy": "dayofyear doy dy yearday",
        "day": "day days d",
        "hour": "hour hours h hr hrs",
        "minute": "minute minutes m min mins",
        "second": "second seconds s sec secs",
        "millisecond": "millisecond milliseconds ms msec msecs msecond mseconds millisec millisecs millisecon",
        "microsecond": "microsecond microseconds microsec microsecs microsecond usecond useconds us usec usecs",
    }.items()
    for spelling in spellings.split()
}


def part_of(node: exp.Expr) -> str:
    part = PARTS.get(node.name.lower())
    if part is None:
        raise SqlError("22023", f'timestamp units "{node.name}" not recognized')
    return part


def moment(b: "Binder", node: exp.Expr, scope: Scope) -> "Bound":
    """An argument that is a date or a time; text is read as a timestamp."""
    found = b.expression(node, scope)
    if found.type.is_moment or found.type.name == "time without time zone":
        return found
    return bound(b.coerced(found, TIMESTAMP), TIMESTAMP)


STEPS: Final = {
    "millennium": "1000 years",
    "century": "100 years",
    "decade": "10 years",
    "quarter": "3 months",
    "dow": "1 day",
    "doy": "1 day",
}


def date_add(b: "Binder", node: exp.Expr, scope: Scope) -> "Bound":
    part, count, value = arguments(node, 3)
    unit = part_of(part)
    start = moment(b, value, scope)
    step = exp.Cast(this=literal(STEPS.get(unit, f"1 {unit}")), to=exp.DataType.build("INTERVAL"))
    amount = exp.Paren(this=exp.Mul(this=step, expression=exp.Paren(this=b.typed(count, scope, INTEGER))))
    kind = TIMESTAMP if start.type == DATE else start.type
    return bound(cast(exp.Paren(this=exp.Add(this=cast(start.node, kind), expression=amount)), kind), kind)


def date_diff(b: "Binder", node: exp.Expr, scope: Scope) -> "Bound":
    """How many boundaries of the part lie between the two. A week begins on Sunday here, unlike in DATE_TRUNC."""
    part, first, second = arguments(node, 3)
    unit = part_of(part)
    low, high = moment(b, first, scope), moment(b, second, scope)
    kind = DATE if low.type == high.type == DATE and unit not in ("hour", "minute", "second") else TIMESTAMP
    left, right = cast(low.node, kind), cast(high.node, kind)
    if unit == "week":
        day = exp.DataType.build("INTERVAL")
        one = exp.Cast(this=literal("1 day"), to=day)
        left, right = (exp.Paren(this=exp.Add(this=each, expression=one.copy())) for each in (left, right))
    unit = {"dow": "day", "doy": "day"}.get(unit, unit)
    return bound(call("date_diff", literal(unit), left, right), BIGINT)


def date_trunc(b: "Binder", node: exp.Expr, scope: Scope) -> "Bound":
    part, value = arguments(node, 2)
    start = moment(b, value, scope)
    kind = TIMESTAMPTZ if start.type == TIMESTAMPTZ else TIMESTAMP
    return bound(cast(call("date_trunc", literal(part_of(part)), cast(start.node, kind)), kind), kind)


def date_part(b: "Binder", node: exp.Expr, scope: Scope) -> "Bound":
    part, value = arguments(node, 2)
    return part_value(b, part, value, scope)


def extracted(b: "Binder", node: exp.Expr, scope: Scope) -> "Bound":
    return part_value(b, node.this, node.expression, scope)


def part_value(b: "Binder", part: exp.Expr, value: exp.Expr, scope: Scope) -> "Bound":
    unit = part_of(part)
    start = moment(b, value, scope)
    if unit == "second":
        return bound(cast(call("date_part", literal("second"), start.node), INTEGER), INTEGER)
    if unit in ("millisecond", "microsecond"):
        divided = call("mod", call("date_part", literal(unit), start.node), literal(1000 if unit == "millisecond" else 1_000_000))
        return bound(cast(divided, INTEGER), INTEGER)
    if unit == "epoch":
        return bound(cast(call("epoch", start.node), BIGINT if start.type == DATE else DOUBLE), BIGINT if start.type == DATE else DOUBLE)
    return bound(cast(call("date_part", literal(unit), start.node), INTEGER), INTEGER)


def arguments(node: exp.Expr, count: int) -> list[exp.Expr]:
    if len(node.expressions) != count:
        raise SqlError("42883", f"function {str(node.this).lower()} takes {count} arguments")
    return list(node.expressions)


# Formats: Redshift's pattern -> (strftime's code, for reading and writing). The longest stands first.
CODES: Final[dict[str, str]] = {
    "YYYY": "%Y",
    "YY": "%y",
    "MONTH": "%B",
    "MON": "%b",
    "MM": "%m",
    "HH24": "%H",
    "HH12": "%I",
    "HH": "%I",
    "MI": "%M",
    "SS": "%S",
    "MS": "%g",
    "US": "%f",
    "DDD": "%j",
    "DD": "%d",
    "DAY": "%A",
    "DY": "%a",
    "AM": "%p",
    "PM": "%p",
    "A.M.": "%p",
    "P.M.": "%p",
    "IW": "%V",
    "IYYY": "%G",
    "TZ": "%Z",
    "OF": "%z",
}
COMPUTED: Final[dict[str, str]] = {
    "Q": "quarter",
    "WW": "ww",
    "W": "w",
    "CC": "century",
    "D": "d",
    "J": "julian",
    "SSSSS": "seconds",
    "SSSS": "seconds",
}
TOKEN: Final = re.compile(
    r"FM|\"[^\"]*\"|" + "|".join(re.escape(word) for word in sorted([*CODES, *COMPUTED], key=len, reverse=True)) + r"|.",
    re.IGNORECASE | re.DOTALL,
)
FILL_MODE: Final = "FM"  # no padding for what follows
PADDED: Final = {"MONTH", "DAY"}


def to_char(b: "Binder", node: exp.Expr, scope: Scope) -> "Bound":
    value, pattern = arguments(node, 2)
    source = b.expression(value, scope)
    if not pattern.is_string:
        raise SqlError("0A000", "TO_CHAR with a format that is not a literal is not supported")
    if source.type.is_number:
        return bound(number_text(source.node, source.type, pattern.name), VARCHAR)
    start = source if source.type.is_moment else bound(b.coerced(source, TIMESTAMP), TIMESTAMP)
    stamp = start.node if start.type != DATE else cast(start.node, TIMESTAMP)
    pieces = written(pattern.name, stamp)
    result = pieces[0]
    for piece in pieces[1:]:
        result = exp.DPipe(this=result, expression=piece)
    return bound(exp.Paren(this=result), VARCHAR)


def written(pattern: str, stamp: exp.Expr) -> list[exp.Expr]:
    """The pieces of a formatted time; strftime does runs of plain codes in one go."""
    pieces: list[exp.Expr] = []
    run = ""
    fill = True

    def flush() -> None:
        nonlocal run
        if run:
            pieces.append(call("strftime", stamp.copy(), literal(run)))
            run = ""

    for token in TOKEN.findall(pattern):
        word = token.upper()
        if word == FILL_MODE:
            fill = False
        elif word in COMPUTED:
            flush()
            pieces.append(call(f"hw_format_{COMPUTED[word]}", stamp.copy()))
        elif word in CODES and (word in ("MONTH", "MON", "DAY", "DY") or word in ("AM", "PM", "A.M.", "P.M.") or not fill):
            flush()
            pieces.append(named_piece(token, word, stamp, fill=fill))
            fill = fill or word not in PADDED
        elif word in CODES:
            run += CODES[word]
        else:
            run += token.strip('"').replace("%", "%%") if len(token) > 1 else token
    flush()
    return pieces or [literal("")]


def named_piece(token: str, word: str, stamp: exp.Expr, *, fill: bool) -> exp.Expr:
    """A month's or a day's name in the letters' case of the pattern, or a number without its leading zeros (FM)."""
    text = call("strftime", stamp.copy(), literal(CODES[word]))
    if word in ("AM", "PM"):
        return call("lower" if token.islower() else "upper", text)
    if word in ("A.M.", "P.M."):
        dotted = call("regexp_replace", text, literal("(.)(.)"), literal("\\1.\\2."))
        return call("lower" if token.islower() else "upper", dotted)
    if word in ("MONTH", "MON", "DAY", "DY"):
        cased = call("upper", text) if token.isupper() else call("lower", text) if token.islower() else text
        return call("rpad", cased, literal(9), literal(" ")) if word in PADDED and fill else cased
    return call("regexp_replace", text, literal("^0+(.)"), literal("\\1"))


def readable(node: exp.Expr) -> exp.Expr:
    if not node.is_string:
        raise SqlError("0A000", "a date format that is not a literal is not supported")
    pattern = "".join(
        CODES[token.upper()] if token.upper() in CODES else refused_or_literal(token)
        for token in TOKEN.findall(node.name)
        if token.upper() != "FM"
    )
    return literal(pattern)


def refused_or_literal(token: str) -> str:
    if token.upper() in COMPUTED:
        raise SqlError("0A000", f"reading a date by {token} is not supported")
    return token.strip('"').replace("%", "%%")


def to_date(b: "Binder", node: exp.Expr, scope: Scope) -> "Bound":
    value, pattern, *_strict = node.expressions
    return bound(cast(call("hw_parse_time", b.typed(value, scope, VARCHAR), readable(pattern)), DATE), DATE)


def to_timestamp(b: "Binder", node: exp.Expr, scope: Scope) -> "Bound":
    value, pattern, *_strict = node.expressions
    parsed = call("hw_parse_time", b.typed(value, scope, VARCHAR), readable(pattern))
    return bound(call("timezone", literal("UTC"), cast(parsed, TIMESTAMP)), TIMESTAMPTZ)


CALLS: Final[dict[str, Callable[["Binder", exp.Expr, Scope], "Bound"]]] = {
    "dateadd": date_add,
    "date_add": date_add,
    "datediff": date_diff,
    "date_diff": date_diff,
    "date_trunc": date_trunc,
    "date_part": date_part,
    "pgdate_part": date_part,
    "to_char": to_char,
    "to_date": to_date,
    "to_timestamp": to_timestamp,
}
