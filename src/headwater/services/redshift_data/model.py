"""A statement, what became of it, and how both are shown.

A batch is one record with several parts; a single statement is a batch of one, shown without its parts.
Source: docs.aws.amazon.com/redshift-data/latest/APIReference/
"""

import re
from datetime import datetime, timedelta
from typing import Any, Final, Literal

import msgspec

from headwater.aws.faults import Fault, fault
from headwater.kernel.store import Record, Table

Status = Literal["SUBMITTED", "PICKED", "STARTED", "FINISHED", "FAILED", "ABORTED"]
ENDED: Final = frozenset({"FINISHED", "FAILED", "ABORTED"})
KEPT: Final = timedelta(hours=24)
ACTIVE_MAX: Final = 500
SQL_BYTES_MAX: Final = 100_000


class Column(msgspec.Struct, frozen=True):
    """A result's column; `oid` is PostgreSQL's number of its type."""

    name: str
    oid: int
    length: int
    precision: int
    scale: int


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One SQL statement and its outcome."""

    sql: str
    status: Status = "SUBMITTED"
    updated_at: datetime
    duration_ns: int = -1
    error: str = ""
    result_rows: int = -1
    result_size: int = -1
    columns: tuple[Column, ...] | None = None


class Parameter(msgspec.Struct, frozen=True):
    name: str
    value: str


class Statement(Record, frozen=True, kw_only=True):
    account: str
    region: str
    id: str
    cluster: str
    database: str
    db_user: str
    secret_arn: str
    name: str
    parts: tuple[Part, ...]
    is_batch: bool
    auto_commit: bool = False
    """Of a batch: each part is committed by itself."""
    parameters: tuple[Parameter, ...]
    result_format: str
    client_token: str
    principal: str
    owner: str = ""
    """The caller's user id, as `aws:userid` has it; of statements from before it was kept, nobody's."""
    session_id: str
    keep_alive_s: int
    status: Status
    created_at: datetime
    updated_at: datetime
    duration_ns: int = -1
    error: str = ""
    pid: int = 0


statements: Final = Table(
    "redshift-data", "statements", Statement, key=lambda statement: (statement.account, statement.region, statement.id)
)

TYPE_NAMES: Final = {
    16: "bool",
    17: "bytea",
    18: "char",
    19: "name",
    20: "int8",
    21: "int2",
    23: "int4",
    25: "text",
    26: "oid",
    700: "float4",
    701: "float8",
    1042: "bpchar",
    1043: "varchar",
    1082: "date",
    1083: "time",
    1114: "timestamp",
    1184: "timestamptz",
    1186: "interval",
    1266: "timetz",
    1700: "numeric",
    4000: "super",
    6551: "varbyte",
}
LONGS: Final = frozenset({20, 21, 23, 26})
DOUBLES: Final = frozenset({700, 701})
BOOLEAN: Final = 16
SIGNED: Final = LONGS | DOUBLES | {1700}


def query_not_found() -> Fault:
    return fault("ResourceNotFoundException", "Query does not exist.", ResourceId="")


def refused(message: str) -> Fault:
    return fault("ValidationException", message)


def describe(statement: Statement) -> dict[str, Any]:
    """DescribeStatement's answer."""
    last = statement.parts[-1]
    shown: dict[str, Any] = {
        "Id": statement.id,
        "ClusterIdentifier": statement.cluster,
        "Database": statement.database,
        "DbUser": statement.db_user or None,
        "SecretArn": statement.secret_arn or None,
        "Status": statement.status,
        "CreatedAt": statement.created_at,
        "UpdatedAt": statement.updated_at,
        "Duration": statement.duration_ns,
        "Error": statement.error or None,
        "RedshiftPid": statement.pid,
        "RedshiftQueryId": 0,
        "HasResultSet": any(part.columns is not None for part in statement.parts),
        "ResultFormat": statement.result_format,
        "ResultRows": last.result_rows,
        "ResultSize": last.result_size,
        "QueryParameters": _parameters(statement),
        "SessionId": statement.session_id or None,
    }
    if statement.is_batch:
        shown["SubStatements"] = [_described_part(statement, number) for number in range(1, len(statement.parts) + 1)]
        shown["ExecutionMode"] = "AUTO_COMMIT" if statement.auto_commit else "TRANSACTION"
    else:
        shown["QueryString"] = last.sql
    return shown


def _described_part(statement: Statement, number: int) -> dict[str, Any]:
    part = statement.parts[number - 1]
    return {
        "Id": f"{statement.id}:{number}",
        "QueryString": part.sql,
        "Status": part.status,
        "CreatedAt": statement.created_at,
        "UpdatedAt": part.updated_at,
        "Duration": part.duration_ns,
        "Error": part.error or None,
        "RedshiftQueryId": 0,
        "HasResultSet": part.columns is not None,
        "ResultRows": part.result_rows,
        "ResultSize": part.result_size,
    }


def list_item(statement: Statement) -> dict[str, Any]:
    """A line of ListStatements."""
    texts = [part.sql for part in statement.parts]
    return {
        "Id": statement.id,
        "QueryString": None if statement.is_batch else texts[0],
        "QueryStrings": texts if statement.is_batch else None,
        "SecretArn": statement.secret_arn or None,
        "Status": statement.status,
        "StatementName": statement.name or None,
        "CreatedAt": statement.created_at,
        "UpdatedAt": statement.updated_at,
        "QueryParameters": _parameters(statement),
        "IsBatchStatement": statement.is_batch,
        "ResultFormat": statement.result_format,
        "SessionId": statement.session_id or None,
    }


def _parameters(statement: Statement) -> list[dict[str, str]] | None:
    return [{"name": one.name, "value": one.value} for one in statement.parameters] or None


def submitted(statement: Statement) -> dict[str, Any]:
    """ExecuteStatement's answer."""
    return {
        "Id": statement.id,
        "CreatedAt": statement.created_at,
        "ClusterIdentifier": statement.cluster,
        "Database": statement.database,
        "DbUser": statement.db_user or None,
        "SecretArn": statement.secret_arn or None,
        "SessionId": statement.session_id or None,
    }


def column_metadata(column: Column) -> dict[str, Any]:
    return {
        "name": column.name,
        "label": column.name,
        "typeName": TYPE_NAMES.get(column.oid, "varchar"),
        "length": column.length,
        "precision": column.precision,
        "scale": column.scale,
        "nullable": 1,
        "isCaseSensitive": column.oid in {25, 1042, 1043},
        "isCurrency": False,
        "isSigned": column.oid in SIGNED,
        "schemaName": "",
        "tableName": "",
        "columnDefault": "",
    }


def field(value: str | None, oid: int) -> dict[str, Any]:
    """A value as it was sent in text, in the API's union."""
    if value is None:
        return {"isNull": True}
    if oid in LONGS:
        return {"longValue": int(value)}
    if oid in DOUBLES:
        return {"doubleValue": float(value)}
    if oid == BOOLEAN:
        return {"booleanValue": value == "t"}
    return {"stringValue": value}


# Quoted text, comments and casts are passed over; what is left of `:name` is a parameter.
_TOKENS: Final = re.compile(r"'(?:[^'\\]|\\.|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/|::|:([0-9a-zA-Z_]+)", re.DOTALL)


def numbered(sql: str, parameters: tuple[Parameter, ...]) -> tuple[str, list[str]]:
    """The SQL with `$1`, `$2` … for its `:names`, and the values in that order."""
    values = {parameter.name: parameter.value for parameter in parameters}
    used: list[str] = []

    def place(found: re.Match[str]) -> str:
        name = found.group(1)
        if name is None or name not in values:
            return found.group(0)
        if name not in used:
            used.append(name)
        return f"${used.index(name) + 1}"

    return _TOKENS.sub(place, sql), [values[name] for name in used]


def check_sql(sql: str) -> None:
    if not sql.strip():
        raise refused("SQL statement cannot be empty.")
    if len(sql.encode()) > SQL_BYTES_MAX:
        raise refused("SQL statement exceeds the maximum length of 100 KB.")


def check_parameters(sqls: list[str], parameters: tuple[Parameter, ...]) -> None:
    names = [parameter.name for parameter in parameters]
    if len(set(names)) != len(names):
        raise refused("Parameter names must be unique.")
    used = {found.group(1) for sql in sqls for found in _TOKENS.finditer(sql) if found.group(1) is not None}
    unused = [name for name in names if name not in used]
    if unused:
        raise refused(f"Parameters list contains unused parameters. Unused parameters: {unused}")
