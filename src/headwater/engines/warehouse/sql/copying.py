"""COPY from S3: all or nothing, or as much as MAXERROR lets pass; what was refused is in stl_load_errors.

DuckDB reads the files and converts the fields in one statement. That statement stops at the first bad row; only then are
the bad rows looked up with their places, so a clean load costs one pass.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from headwater.engines.warehouse.sql.answers import Result
from headwater.engines.warehouse.sql.binder import Binder
from headwater.engines.warehouse.sql.catalog import HIDDEN, CatalogColumn, Relation, quoted, text
from headwater.engines.warehouse.sql.copy_fields import failure
from headwater.engines.warehouse.sql.copy_sources import Rows, rows_of
from headwater.engines.warehouse.sql.dml import filler
from headwater.engines.warehouse.sql.errors import SqlError
from headwater.engines.warehouse.sql.failures import translated
from headwater.engines.warehouse.sql.files import asked, at_hand, s3_error, s3_url
from headwater.engines.warehouse.sql.lake import LakeError, LakeFile
from headwater.engines.warehouse.sql.statements import Copy

if TYPE_CHECKING:
    from headwater.engines.warehouse.sql.session import Session

BAD_ROW: Final = "a row of COPY is bad"
MAXERROR_MAX: Final = 100_000
ERRORS_KEPT: Final = 100
UNSUPPORTED: Final = (
    "AVRO",
    "SHAPEFILE",
    "FIXEDWIDTH",
    "LZOP",
    "ENCRYPTED",
    "SSH",
    "MASTER_SYMMETRIC_KEY",
    "SERIALIZETOJSON",
    "IGNOREALLERRORS",
)


class Load(msgspec.Struct, kw_only=True):
    """One COPY on its way."""

    statement: Copy
    relation: Relation
    targets: list[CatalogColumn]
    files: list[LakeFile]
    rows: Rows
    maxerror: int

    @property
    def bucket(self) -> str:
        return s3_url(self.statement.source).bucket


def copy(session: "Session", statement: Copy) -> Result:
    load = prepared(session, statement)
    bad = []
    if load.maxerror > 0:
        bad = bad_rows(session, load, load.maxerror + 1)
        report(session, load, bad)
        if len(bad) > load.maxerror:
            raise failed(load)
    count = 0 if "NOLOAD" in statement.options else insert(session, load)
    session.connection.execute(f"SET VARIABLE hw_copied = {count}")
    notices = [f"Load into table '{load.relation.name}' completed, {count} record(s) loaded successfully."]
    if bad:
        left_out = f"Load into table '{load.relation.name}' completed, {len(bad)} record(s) could not be loaded."
        notices.append(f"{left_out}  Check 'stl_load_errors' system table for details.")
    return Result("COPY", notices=notices)


def prepared(session: "Session", statement: Copy) -> Load:
    from headwater.engines.warehouse.sql.ddl import found_table

    relation = found_table(session, statement.name)
    session.check_privilege(relation, "INSERT")
    options = statement.options
    for name in UNSUPPORTED:
        if name in options:
            raise SqlError("0A000", f"COPY with {name} is not supported")
    if str(options.get("ENCODING", "utf8")).lower() not in ("utf8", "auto"):
        raise SqlError("0A000", f"COPY with ENCODING {options['ENCODING']} is not supported")
    targets = [relation.column(name) for name in statement.columns] or [column for column in relation.columns if column.identity is None]
    if "EXPLICIT_IDS" in options and not statement.columns:
        targets = list(relation.columns)
    for column in targets:
        if column.identity is not None and not column.identity_by_default and "EXPLICIT_IDS" not in options:
            raise SqlError("42601", f'cannot set an identity column to a value: "{column.name}"')
    maxerror = int(str(options.get("MAXERROR", 0)))
    if not 0 <= maxerror <= MAXERROR_MAX:
        raise SqlError("22023", f"MAXERROR must be between 0 and {MAXERROR_MAX}")
    files = source_files(session, statement)
    rows = rows_of(session, statement, targets, files)
    return Load(statement=statement, relation=relation, targets=targets, files=files, rows=rows, maxerror=maxerror)


def source_files(session: "Session", statement: Copy) -> list[LakeFile]:
    """The files that the prefix, or the manifest, names."""
    url = s3_url(statement.source)
    found = [file for file in asked(session.lake, url.bucket, url.key, statement.role) if not file.key.endswith("/")]
    if not found:
        raise SqlError("XX000", f"The specified S3 prefix '{url.key}' does not exist")
    if "MANIFEST" not in statement.options:
        return at_hand(found, session.spool)
    files: list[LakeFile] = []
    (manifest, *_) = at_hand(found[:1], session.spool)
    for entry in manifest_entries(manifest.path):
        one = s3_url(str(entry.get("url", "")))
        named = [file for file in asked(session.lake, one.bucket, one.key, statement.role) if file.key == one.key]
        if not named and entry.get("mandatory"):
            raise s3_error(LakeError("NoSuchKey", f"The specified key does not exist: {entry['url']}", 404))
        files += at_hand(named, session.spool)
    return files


def manifest_entries(path: Path) -> list[dict[str, Any]]:
    try:
        entries = json.loads(path.read_bytes())["entries"]
    except (ValueError, KeyError, TypeError) as error:
        raise SqlError("XX000", "The manifest is not valid JSON with a list of entries") from error
    return [dict(entry) for entry in entries]


def insert(session: "Session", load: Load) -> int:
    """The load itself. At the first bad row it stops, and the bad rows are reported instead."""
    binder = Binder(session)
    given = {each.column.name: each for each in load.rows.fields}
    columns = []
    for column in load.relation.columns:
        known = given.get(column.name)
        value = known.value if known is not None else binder.text(filler(binder, load.relation, column))
        columns.append(f"{value} AS {quoted(column.name)}")
    wrong = failure(load.rows.fields, load.rows.structural)
    guard = f"CASE WHEN __e IS NULL THEN TRUE ELSE error({text(BAD_ROW)}) END" if load.maxerror == 0 else "__e IS NULL"
    chosen = ", ".join(quoted(column.name) for column in load.relation.columns)
    sql = (
        f"INSERT INTO {load.relation.physical} SELECT {chosen} FROM "
        f"(SELECT {', '.join(columns)}, {wrong} AS __e FROM ({load.rows.relation})) WHERE {guard}"
    )
    if binder.uses_clock:
        session.tell_time()
    try:
        with session.atomic():
            row = session.connection.execute(sql).fetchone()
            refuse_rejected(session, load)
    except Exception as error:
        if BAD_ROW not in str(error):
            raise translated(error) from error
        session.fail()
        report(session, load, bad_rows(session, load, 1))
        raise failed(load) from error
    return int(row[0]) if row else 0


def refuse_rejected(session: "Session", load: Load) -> None:
    """Rows that the CSV reader itself could not read are kept aside by it; without MAXERROR one is too many."""
    if load.rows.rejects is None or load.maxerror > 0:
        return
    if session.connection.execute(f"SELECT 1 FROM {load.rows.rejects} LIMIT 1").fetchone() is not None:
        raise SqlError("XX000", BAD_ROW)


def bad_rows(session: "Session", load: Load, limit: int) -> list[dict[str, Any]]:
    """The bad rows, each with its file, its line and what is wrong."""
    wrong = failure(load.rows.fields, load.rows.structural)
    sql = (
        f"SELECT filename, {load.rows.line} AS line, number, __e.c, __e.t, __e.l, __e.v, __e.n, __e.r FROM ("
        f"SELECT *, {wrong} AS __e, row_number() OVER (PARTITION BY filename) AS number FROM ({load.rows.relation})) WHERE __e IS NOT NULL "
        f"ORDER BY filename, number LIMIT {min(limit, MAXERROR_MAX)}"
    )
    names = ("file", "line", "number", "column", "type", "length", "value", "code", "reason")
    found = [dict(zip(names, row, strict=True)) for row in session.connection.execute(sql).fetchall()]
    if load.rows.rejects is not None:
        found += rejected_rows(session, load.rows)
    return found[:limit]


def rejected_rows(session: "Session", rows: Rows) -> list[dict[str, Any]]:
    codes = {
        "MISSING COLUMNS": (1214, "Delimiter not found"),
        "TOO MANY COLUMNS": (1202, "Extra column(s) found"),
        "INVALID ENCODING": (1220, "String contains invalid or unsupported UTF8 codepoints"),
    }
    found = []
    for path, line, kind, content in session.connection.execute(rows.rejected).fetchall():
        code, reason = codes.get(kind, (1216, "Invalid quote formatting for CSV"))
        found.append(
            {
                "file": path,
                "line": content,
                "number": line,
                "column": "",
                "type": "",
                "length": "",
                "value": "",
                "code": code,
                "reason": reason,
            }
        )
    return found


def report(session: "Session", load: Load, bad: Sequence[dict[str, Any]]) -> None:
    """Into stl_load_errors, in a transaction of its own: the load's is rolled back."""
    keys = {str(file.path): file.key for file in load.files} | load.rows.unpacked
    skip = load.rows.skip
    separate = session.store.connect()
    try:
        for row in bad[:ERRORS_KEPT]:
            separate.execute(
                f"INSERT INTO wh.{HIDDEN}.load_errors VALUES (100, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    load.relation.oid,
                    session.now().replace(tzinfo=None),
                    session.pid,
                    session.query,
                    f"s3://{load.bucket}/{keys.get(row['file'], row['file'])}",
                    row["number"] + skip,
                    row["column"],
                    row["type"],
                    row["length"],
                    0,
                    (row["line"] or "")[:1024],
                    (row["value"] or "")[:1024],
                    row["code"],
                    row["reason"],
                ],
            )
    finally:
        separate.close()


def failed(load: Load) -> SqlError:
    return SqlError("XX000", f"Load into table '{load.relation.name}' failed.  Check 'stl_load_errors' system table for details.")
