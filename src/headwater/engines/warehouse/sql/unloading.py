"""UNLOAD: a query's rows as files in S3, written by DuckDB and put there whole.

Redshift writes a file a slice, `prefix0000_part_00` and so on; this cluster has one slice, so there is one file, named as
the first would be. Without CSV or PARQUET the text has no quotes, as COPY reads it by default.
Source: docs.aws.amazon.com/redshift/latest/dg/r_UNLOAD.html
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlglot import exp

from headwater.engines.warehouse.sql.answers import Result
from headwater.engines.warehouse.sql.catalog import quoted, text
from headwater.engines.warehouse.sql.errors import SqlError
from headwater.engines.warehouse.sql.files import S3Url, asked, s3_error, s3_url
from headwater.engines.warehouse.sql.grammar import parse
from headwater.engines.warehouse.sql.grammar_external import unescaped
from headwater.engines.warehouse.sql.lake import LakeError
from headwater.engines.warehouse.sql.planning import Plan, plan_query
from headwater.engines.warehouse.sql.statements import Unload

if TYPE_CHECKING:
    from headwater.engines.warehouse.sql.session import Session

UNSUPPORTED: Final = ("JSON", "FIXEDWIDTH", "ENCRYPTED", "KMS_KEY_ID", "BZIP2", "CLEANPATH", "EXTENSION")
NOT_EMPTY: Final = (
    "Specified unload destination on S3 is not empty. Consider using a different bucket / prefix, manually removing the target "
    "files in S3, or using the ALLOWOVERWRITE option."
)


def unload(session: "Session", statement: Unload) -> Result:
    options = statement.options
    for name in UNSUPPORTED:
        if name in options:
            raise SqlError("0A000", f"UNLOAD with {name} is not supported")
    if "CSV" in options and "PARQUET" in options:
        raise SqlError("42601", "conflicting formats: CSV and PARQUET")
    url = s3_url(statement.target)
    if "ALLOWOVERWRITE" not in options and asked(session.lake, url.bucket, url.key, statement.role):
        raise SqlError("XX000", NOT_EMPTY)
    plan = planned(session, statement.query)
    file = session.spool.path(".unload")
    count = written(session, statement, plan, file)
    key = url.key + ("000" if options.get("PARALLEL") in ("off", "false") else "0000_part_00") + suffix(statement)
    put(session, statement, S3Url(url.bucket, key), file)
    if "MANIFEST" in options:
        manifest = session.spool.path(".manifest")
        manifest.write_text(json.dumps({"entries": [{"url": f"s3://{url.bucket}/{key}"}]}, indent=2))
        put(session, statement, S3Url(url.bucket, url.key + "manifest"), manifest)
    return Result("UNLOAD", notices=[f"UNLOAD completed, {count} record(s) unloaded successfully."])


def planned(session: "Session", sql: str) -> Plan:
    statements = parse(sql)
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        raise SqlError("42601", "UNLOAD takes one SELECT")
    plan = plan_query(session, statements[0], ())
    if plan.parameters:
        raise SqlError("42P02", "there is no parameter $1")
    if plan.uses_clock:
        session.tell_time()
    return plan


def suffix(statement: Unload) -> str:
    packed = {"GZIP": ".gz", "ZSTD": ".zst"}
    return ".parquet" if "PARQUET" in statement.options else next((packed[name] for name in packed if name in statement.options), "")


def written(session: "Session", statement: Unload, plan: Plan, file: Path) -> int:
    names = [output.name for output in plan.outputs]
    columns = ", ".join(f"c{index}" for index in range(len(names)))
    if "PARQUET" in statement.options:
        renamed = ", ".join(f"c{index} AS {quoted(name)}" for index, name in enumerate(names))
        query = f"SELECT {renamed} FROM ({plan.stored()}) AS q({columns})"
        form = "FORMAT parquet, COMPRESSION snappy"
    else:
        head = delimiter(statement).join(names) if "HEADER" in statement.options else "line"
        query = f"SELECT {line(statement, names)} AS {quoted(head)} FROM ({plan.final([True] * len(names))}) AS q({columns})"
        packed = "gzip" if "GZIP" in statement.options else "zstd" if "ZSTD" in statement.options else "uncompressed"
        heading = str("HEADER" in statement.options).lower()
        form = f"FORMAT csv, HEADER {heading}, DELIMITER '\x01', QUOTE '', ESCAPE '', COMPRESSION {packed}"
    row = session.connection.execute(f"COPY ({query}) TO {text(str(file))} ({form})").fetchone()
    return int(row[0]) if row else 0


def delimiter(statement: Unload) -> str:
    return unescaped(str(statement.options.get("DELIMITER", "," if "CSV" in statement.options else "|")))


def line(statement: Unload, names: list[str]) -> str:
    """One row as one text."""
    mark = delimiter(statement)
    null = text(str(statement.options.get("NULL", "")))
    fields = [f"coalesce({field(statement, f'c{index}', mark)}, {null})" for index in range(len(names))]
    return f" || {text(mark)} || ".join(fields)


def field(statement: Unload, column: str, mark: str) -> str:
    options = statement.options
    if "CSV" in options:
        doubled = f"'\"' || replace({column}, '\"', '\"\"') || '\"'"
        special = (
            f"contains({column}, {text(mark)}) OR contains({column}, '\"') OR contains({column}, chr(10)) OR contains({column}, chr(13))"
        )
        return f"CASE WHEN {special} THEN {doubled} ELSE {column} END"
    if "ADDQUOTES" in options:
        column = f"replace({column}, '\"', '\\\"')" if "ESCAPE" in options else column
        return f"'\"' || {column} || '\"'"
    if "ESCAPE" in options:
        slashed = f"replace({column}, '\\', '\\\\')"
        return f"replace(replace({slashed}, {text(mark)}, {text(chr(92) + mark)}), chr(10), '\\' || chr(10))"
    return column


def put(session: "Session", statement: Unload, target: S3Url, file: Path) -> None:
    try:
        session.lake.write(target.bucket, target.key, file, statement.role)
    except LakeError as error:
        raise s3_error(error) from error
