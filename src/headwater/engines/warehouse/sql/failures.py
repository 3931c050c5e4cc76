"""DuckDB's errors in PostgreSQL's codes and Redshift's words.

Our own macros raise errors that begin with an SQLSTATE. The rest is told apart by DuckDB's class of error and its words;
what nobody foresaw is an internal error that keeps DuckDB's sentence, never a wrong code.
"""

import re
from collections.abc import Callable
from typing import Final

from headwater.engines.warehouse.sql.errors import SqlError

Pattern = tuple[re.Pattern[str], Callable[[re.Match[str]], SqlError]]


def rule(pattern: str, build: Callable[[re.Match[str]], SqlError]) -> Pattern:
    return re.compile(pattern, re.DOTALL), build


RULES: Final[list[Pattern]] = [
    rule(r"(?:Invalid Input|Conversion) Error: ([0-9A-Z]{5}):([^\n]*)", lambda m: SqlError(m[1], m[2])),
    rule(r"INTERRUPT Error|Interrupted", lambda _m: SqlError("57014", "Query cancelled on user's request")),
    rule(
        r"Out of Memory Error: ([^\n]*)",
        lambda m: SqlError("53200", "out of memory", detail=m[1], hint="The query needs more memory than this cluster has."),
    ),
    rule(
        r"NOT NULL constraint failed: [^.]*?\.?([^.\s]+)$",
        lambda m: SqlError("23502", f"Cannot insert a NULL value into column {m[1]}"),
    ),
    rule(
        r"TransactionContext Error|Transaction conflict|Conflict on|write-write conflict",
        lambda _m: SqlError("40001", "1023", detail="Serializable isolation violation: another transaction changed the same data."),
    ),
    rule(r"Referenced (?:column|table) \"([^\"]+)\" not found", lambda m: SqlError("42703", f'column "{m[1]}" does not exist')),
    rule(r"column \"?([^\" ]+)\"? must appear in the GROUP BY", lambda m: grouped(m[1])),
    rule(
        r"aggregate(?:s| function calls)? (?:cannot|can not) contain|cannot be nested",
        lambda _m: SqlError("42803", "aggregate function calls may not have nested aggregate or window function"),
    ),
    rule(r"WHERE clause cannot contain aggregates", lambda _m: SqlError("42803", "aggregates not allowed in WHERE clause")),
    rule(r"WHERE clause cannot contain window", lambda _m: SqlError("42P20", "window functions not allowed in WHERE clause")),
    rule(r"More than one row returned by a subquery", lambda _m: SqlError("21000", "single-row subquery returns more than one row")),
    rule(r"Overflow in (\w+)", lambda m: SqlError("22003", f"integer out of range ({m[1]})")),
    rule(r"Type (\w+) with value (\S+) can't be cast.*?destination type (\w+)", lambda m: SqlError("22003", f"{said(m[3])} out of range")),
    rule(r"Casting value .* to type DECIMAL", lambda _m: SqlError("22003", "numeric field overflow")),
    rule(r"Could not cast value (\S+) to DECIMAL|DECIMAL\(\d+,\d+\): value", lambda _m: SqlError("22003", "numeric field overflow")),
    rule(r"Could not convert string [\"'](.*?)[\"'] to (\w+)", lambda m: invalid_text(m[1], m[2])),
    rule(
        r"invalid (date|timestamp) field format: \"(.*?)\"", lambda m: SqlError("22007", f'invalid input syntax for type {m[1]}: "{m[2]}"')
    ),
    rule(
        r"(?:date|timestamp) field value out of range: \"(.*?)\"",
        lambda m: SqlError("22008", f'date/time field value out of range: "{m[1]}"'),
    ),
    rule(r"Table with name (\S+) does not exist", lambda m: SqlError("42P01", f'relation "{m[1]}" does not exist')),
    rule(r"Out of Range Error: ([^\n]*)", lambda m: SqlError("22003", m[1])),
    rule(r"Conversion Error: ([^\n]*)", lambda m: SqlError("22P02", m[1])),
    rule(
        r"No function matches|Could not choose a best candidate",
        lambda m: SqlError("42883", f"operator does not exist: {m.string.splitlines()[0][-120:]}"),
    ),
    rule(r"IO Error: ([^\n]*)", lambda m: SqlError("58030", m[1])),
    rule(r"CSV Error[^\n]*\n?(?:Original Line[^\n]*\n)?([^\n]*)", lambda m: SqlError("XX000", f"a file cannot be read: {m[1]}")),
    rule(r"Binder Error: ([^\n]*)", lambda m: SqlError("42601", m[1])),
    rule(r"Invalid Input Error: ([^\n]*)", lambda m: SqlError("22023", m[1])),
]


def grouped(name: str) -> SqlError:
    return SqlError("42803", f'column "{name}" must appear in the GROUP BY clause or be used in an aggregate function')


def said(native: str) -> str:
    return {"INT8": "tinyint", "INT16": "smallint", "INT32": "integer", "INT64": "bigint", "INT128": "numeric"}.get(native, native.lower())


def invalid_text(value: str, native: str) -> SqlError:
    kind = {
        "INT32": "integer",
        "INT64": "bigint",
        "INT16": "smallint",
        "DOUBLE": "double precision",
        "FLOAT": "real",
        "BOOL": "boolean",
    }.get(native, "numeric" if native.startswith("DECIMAL") else native.lower())
    return SqlError("22P02", f'invalid input syntax for type {kind}: "{value}"')


def is_fatal(error: BaseException) -> bool:
    """Whether DuckDB has given up the whole instance, and with it every session's connection."""
    return type(error).__name__ in ("FatalException", "InternalException") or "FATAL Error" in str(error)[:200]


def translated(error: BaseException) -> SqlError:
    """What to tell the client of an error that DuckDB, or a stream of its results, has raised."""
    if isinstance(error, SqlError):
        return error
    words = str(error)
    for pattern, build in RULES:
        match = pattern.search(words)
        if match is not None:
            return build(match)
    if isinstance(error, MemoryError):
        return SqlError("53200", "out of memory")
    return SqlError("XX000", words.splitlines()[0] if words else type(error).__name__)
