"""COPY, field by field: how a text becomes a column's value, and what stl_load_errors says when it does not.

Everything is an expression of DuckDB's: a load never walks its rows in Python. The numbers are those of "Load error
reference" (docs.aws.amazon.com/redshift/latest/dg/r_Load_Error_Reference.html).
"""

from collections.abc import Mapping
from typing import Final

import msgspec
from sqlglot import exp

from headwater.engines.warehouse.sql.catalog import CatalogColumn, text
from headwater.engines.warehouse.sql.errors import SqlError
from headwater.engines.warehouse.sql.moments import readable
from headwater.engines.warehouse.sql.native import sql as native_sql

Options = Mapping[str, str | tuple[str, ...] | None]

EXTRA: Final = (1202, "Extra column(s) found")
TOO_LONG: Final = (1204, "String length exceeds DDL length")
MISSING: Final = (1213, "Missing data for not-null field")
NO_DELIMITER: Final = (1214, "Delimiter not found")
BAD: Final[dict[str, tuple[int, str]]] = {
    "date": (1205, "Invalid Date Format"),
    "timestamp without time zone": (1206, "Invalid timestamp format or value"),
    "timestamp with time zone": (1206, "Invalid timestamp format or value"),
    "time without time zone": (1206, "Invalid time format or value"),
    "smallint": (1207, "Invalid digit"),
    "integer": (1207, "Invalid digit"),
    "bigint": (1207, "Invalid digit"),
    "real": (1208, "Invalid float format"),
    "double precision": (1208, "Invalid float format"),
    "numeric": (1209, "Invalid numeric format"),
    "boolean": (1210, "Unknown boolean format"),
}


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One column of a load, in DuckDB's SQL: the raw text, its value, and (when it fails, code, reason) in order."""

    column: CatalogColumn
    raw: str
    value: str
    failures: tuple[tuple[str, int, str], ...]


def field(column: CatalogColumn, raw: str, options: Options) -> Field:
    """`raw` is the field's text, NULL where COPY's rules of NULL have made it so."""
    kind = column.type
    failures: list[tuple[str, int, str]] = []
    if kind.is_text:
        value = raw
        if "TRUNCATECOLUMNS" in options:
            value = f"hw_cut({raw}, {kind.length})"
        elif kind.length:
            counted = f"rtrim({raw}, ' ')" if kind.name == "character" else raw
            failures.append((f"strlen({counted}) > {kind.length}", *TOO_LONG))
        if kind.name == "character":
            value = f"rtrim({value}, ' ')"
    else:
        value = converted(column, raw, options)
        code, reason = BAD.get(kind.name, (1200, "Unknown parse error"))
        if kind.name in ("date", "timestamp without time zone") and "ACCEPTANYDATE" in options:
            failures = []
        else:
            failures.append((f"{raw} IS NOT NULL AND ({value}) IS NULL", code, detailed(column, raw, code, reason)))
    if column.not_null:
        failures.append((f"({value}) IS NULL", *MISSING))
    return Field(column=column, raw=raw, value=value, failures=tuple(failures))


def detailed(column: CatalogColumn, raw: str, code: int, reason: str) -> str:
    """A reason that names the value is an expression; it is told from a plain one by its leading `=`."""
    if code == 1207:
        shown = {"integer": "Integer", "bigint": "Long", "smallint": "Short"}[column.type.name]
        return f"='Invalid digit, Value ''' || left({raw}, 1) || ''', Pos 0, Type: {shown}'"
    return reason


def converted(column: CatalogColumn, raw: str, options: Options) -> str:
    kind = column.type
    trimmed = f"nullif(trim({raw}), '')"
    if kind.name in CONVERSIONS:
        return CONVERSIONS[kind.name].format(raw=raw, native=kind.duckdb)
    if kind.name == "date":
        return date_value(trimmed, options.get("DATEFORMAT"))
    if kind.is_moment:
        return time_value(trimmed, options.get("TIMEFORMAT"), kind.duckdb)
    if kind.name == "numeric" and "ROUNDEC" not in options:
        places = f"length(regexp_extract({raw}, '\\.([0-9]*)', 1))"
        cut = f"CASE WHEN {places} > {kind.scale} THEN left({raw}, length({raw}) - ({places} - {kind.scale})) ELSE {raw} END"
        return f"TRY_CAST(CASE WHEN contains(lower({raw}), 'e') THEN {raw} ELSE {cut} END AS {kind.duckdb})"
    return f"TRY_CAST({raw} AS {kind.duckdb})"


WHOLE: Final = "CASE WHEN regexp_full_match(trim({raw}), '[-+]?[0-9]+') THEN TRY_CAST(trim({raw}) AS {native}) END"
CONVERSIONS: Final = {
    "smallint": WHOLE,
    "integer": WHOLE,
    "bigint": WHOLE,
    "boolean": "hw_try_bool({raw})",
    "binary varying": "CASE WHEN regexp_full_match({raw}, '([0-9A-Fa-f]{{2}})*') THEN unhex({raw}) END",
}


def date_value(raw: str, format_: str | tuple[str, ...] | None) -> str:
    if format_ is None:
        return f"CASE WHEN regexp_full_match({raw}, '[0-9]{{4}}-[0-9]{{1,2}}-[0-9]{{1,2}}') THEN TRY_CAST({raw} AS DATE) END"
    if str(format_).lower() == "auto":
        return f"hw_try_date({raw})"
    return f"CAST(try_strptime({raw}, {pattern(str(format_))}) AS DATE)"


def time_value(raw: str, format_: str | tuple[str, ...] | None, native: str) -> str:
    word = str(format_ or "").lower()
    if format_ is None:
        return f"TRY_CAST({raw} AS {native})"
    if word == "auto":
        return f"CAST(hw_try_timestamp({raw}) AS {native})" if native == "TIMESTAMP" else f"TRY_CAST({raw} AS {native})"
    if word in ("epochsecs", "epochmillisecs"):
        micros = 1_000_000 if word == "epochsecs" else 1_000
        return f"make_timestamp(CAST(TRY_CAST({raw} AS DECIMAL(28,6)) * {micros} AS BIGINT))"
    return f"CAST(try_strptime({raw}, {pattern(str(format_))}) AS {native})"


def pattern(format_: str) -> str:
    """A format of Redshift's as strptime's, as a literal."""
    return native_sql(readable(exp.Literal.string(format_)))


def nulled(raw: str, options: Options, *, is_text: bool) -> str:
    """COPY's rules of NULL: NULL AS, EMPTYASNULL, BLANKSASNULL; an empty field of another type than text is NULL anyway."""
    marker = str(options.get("NULL") or "\\N")
    if marker in ("\\0", "\0"):
        raise SqlError("0A000", "NULL AS '\\0' is not supported")
    result = f"nullif({raw}, {text(marker)})"
    if "TRIMBLANKS" in options and is_text:
        result = f"rtrim({result}, ' ')"
    if "BLANKSASNULL" in options:
        return f"CASE WHEN trim({result}) <> '' THEN {result} END" if is_text else f"nullif(trim({result}), '')"
    return f"nullif({result}, '')" if "EMPTYASNULL" in options or not is_text else result


def failure(fields: list[Field], structural: list[tuple[str, int, str]]) -> str:
    """The first thing wrong with a row, as a struct, or NULL. `structural` comes before the columns."""
    cases = [f"WHEN {condition} THEN {wrong('', '', '', 'NULL', code, reason)}" for condition, code, reason in structural]
    for each in fields:
        kind = each.column.type
        for condition, code, reason in each.failures:
            length = str(kind.length or "")
            cases.append(f"WHEN {condition} THEN {wrong(each.column.name, str(kind).partition('(')[0], length, each.raw, code, reason)}")
    return f"CASE {' '.join(cases)} END" if cases else "NULL::STRUCT(c VARCHAR, t VARCHAR, l VARCHAR, v VARCHAR, n INTEGER, r VARCHAR)"


def wrong(column: str, kind: str, length: str, raw: str, code: int, reason: str) -> str:
    said = reason[1:] if reason.startswith("=") else text(reason)
    return f"{{'c': {text(column)}, 't': {text(kind)}, 'l': {text(length)}, 'v': {raw}, 'n': {code}, 'r': {said}}}"
