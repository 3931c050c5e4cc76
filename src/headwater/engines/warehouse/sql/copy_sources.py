"""What COPY reads: each format as one relation of DuckDB's, with an expression for the raw text of each column."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from headwater.engines.warehouse.sql.catalog import CatalogColumn, quoted, text
from headwater.engines.warehouse.sql.copy_fields import EXTRA, NO_DELIMITER, Field, field, nulled
from headwater.engines.warehouse.sql.errors import SqlError
from headwater.engines.warehouse.sql.files import LINE_LENGTH_MAX, READ_BUFFER, asked, at_hand, lines, packing, path_list, s3_url, unpacked
from headwater.engines.warehouse.sql.grammar_external import unescaped
from headwater.engines.warehouse.sql.lake import LakeFile
from headwater.engines.warehouse.sql.statements import Copy

if TYPE_CHECKING:
    from headwater.engines.warehouse.sql.session import Session

COMPRESSIONS: Final = {"GZIP": "gzip", "ZSTD": "zstd", "BZIP2": "bzip2"}
COLUMNAR: Final = ("PARQUET", "ORC")


class Rows(msgspec.Struct, kw_only=True):
    """`relation` has a column `filename`; `fields` read from it; `line` is the row's own text."""

    relation: str
    fields: list[Field]
    structural: list[tuple[str, int, str]] = msgspec.field(default_factory=list)
    line: str = "NULL"
    skip: int = 0
    rejects: str | None = None
    unpacked: dict[str, str] = msgspec.field(default_factory=dict)

    @property
    def rejected(self) -> str:
        """What the CSV reader has put aside: (file, line, kind, text)."""
        return (
            f"SELECT s.file_path, r.line, r.error_type, r.csv_line FROM {self.rejects} AS r "
            "JOIN temp.main.__copy_scans AS s USING (scan_id, file_id) ORDER BY s.file_path, r.line"
        )


def rows_of(session: "Session", statement: Copy, targets: Sequence[CatalogColumn], files: Sequence[LakeFile]) -> Rows:
    options = statement.options
    formats = [name for name in ("CSV", "JSON", "PARQUET", "ORC") if name in options]
    if len(formats) > 1:
        raise SqlError("42601", f"conflicting formats: {' and '.join(formats)}")
    named: dict[str, str] = {}
    if formats and formats[0] in COLUMNAR:
        return columnar(session, targets, files, formats[0])
    how = next((COMPRESSIONS[name] for name in COMPRESSIONS if name in options), None)
    groups: dict[str, list[Path]] = {}
    for file in files:
        if not file.size:
            continue
        path, compression = unpacked(file, how or plain(file), session.spool)
        named[str(path)] = file.key
        groups.setdefault(compression, []).append(path)
    if len(groups) > 1:
        raise SqlError("XX000", "the files of one COPY must be compressed alike")
    compression, paths = next(iter(groups.items()), ("none", []))
    reader = {"CSV": quoted_rows, "JSON": json_rows}.get(formats[0] if formats else "", delimited_rows)
    found = reader(session, statement, targets, paths, compression) if paths else nothing(targets)
    found.unpacked = named
    return found


def plain(file: LakeFile) -> str:
    """COPY packs nothing out unless it is told to; a .zst or .gz without the word would be read as text."""
    if packing(file) != "none" and file.path.open("rb").read(2) == b"\x1f\x8b":
        raise SqlError("XX000", f"the file {file.key} is compressed; say GZIP", hint="COPY … GZIP")
    return "none"


def nothing(targets: Sequence[CatalogColumn]) -> Rows:
    fields = [Field(column=column, raw="NULL", value=f"NULL::{column.type.duckdb}", failures=()) for column in targets]
    return Rows(relation="SELECT NULL AS filename WHERE FALSE", fields=fields)


def header(options: Mapping[str, str | tuple[str, ...] | None]) -> int:
    return int(str(options.get("IGNOREHEADER", 0)))


def delimited_rows(session: "Session", statement: Copy, targets: Sequence[CatalogColumn], paths: Sequence[Path], compression: str) -> Rows:
    """Fields between delimiters, without CSV's quotes; ESCAPE and REMOVEQUOTES as asked."""
    del session
    options = statement.options
    delimiter = unescaped(str(options.get("DELIMITER", "|")))
    line = "coalesce(line, '')"
    guarded = line
    if "ESCAPE" in options:
        guarded = f"replace(replace({line}, '\\\\', chr(3)), {text(chr(92) + delimiter)}, chr(2))"
    source = lines(paths, compression, header(options))
    relation = f"SELECT string_split({guarded}, {text(delimiter)}) AS f, {line} AS line, filename FROM {source}"
    if "IGNOREBLANKLINES" in options:
        relation += f" WHERE trim({line}) <> ''"
    fields = [
        field(column, restored(nulled(f"f[{index}]", options, is_text=column.type.is_text), delimiter, statement), options)
        for index, column in enumerate(targets, 1)
    ]
    count = len(targets)
    structural = [(f"len(f) > {count + 1} OR (len(f) = {count + 1} AND f[{count + 1}] <> '')", *EXTRA)]
    if "FILLRECORD" not in options:
        structural.append((f"len(f) < {count}", *NO_DELIMITER))
    return Rows(relation=relation, fields=fields, structural=structural, line="line", skip=header(options))


def restored(raw: str, delimiter: str, statement: Copy) -> str:
    if "ESCAPE" in statement.options:
        raw = f"replace(regexp_replace(replace({raw}, chr(2), {text(delimiter)}), '\\\\(.)', '\\1', 'g'), chr(3), '\\')"
    if "REMOVEQUOTES" in statement.options:
        matching = f"length({raw}) >= 2 AND left({raw}, 1) IN ('''', '\"') AND right({raw}, 1) = left({raw}, 1)"
        raw = f"CASE WHEN {matching} THEN substring({raw}, 2, length({raw}) - 2) ELSE {raw} END"
    return raw


def quoted_rows(session: "Session", statement: Copy, targets: Sequence[CatalogColumn], paths: Sequence[Path], compression: str) -> Rows:
    """CSV by DuckDB's reader, for a quoted field may hold line ends. Rows of another width are put aside by it."""
    options = statement.options
    delimiter = unescaped(str(options.get("DELIMITER", ",")))
    quote = str(options.get("QUOTE", '"'))
    names = ", ".join(f"'c{index}': 'VARCHAR'" for index in range(1, len(targets) + 1))
    for table in ("__copy_errors", "__copy_scans"):
        session.connection.execute(f"DROP TABLE IF EXISTS temp.main.{table}")
    padding = ", null_padding=true" if "FILLRECORD" in options else ""
    relation = (
        f"SELECT * FROM read_csv({path_list(paths)}, auto_detect=false, header=false, columns={{{names}}}, delim={text(delimiter)}, "
        f"quote={text(quote)}, escape={text(quote)}, nullstr='\x01', max_line_size={LINE_LENGTH_MAX}, buffer_size={READ_BUFFER}, "
        f"compression={text(compression)}, filename=true, skip={header(options)}, store_rejects=true, "
        f"rejects_table='__copy_errors', rejects_scan='__copy_scans'{padding})"
    )
    fields = [field(column, nulled(f"c{index}", options, is_text=column.type.is_text), options) for index, column in enumerate(targets, 1)]
    joined = ", ".join(f"coalesce(c{index}, '')" for index in range(1, len(targets) + 1))
    line = f"concat_ws({text(delimiter)}, {joined})"
    return Rows(relation=relation, fields=fields, line=line, skip=header(options), rejects="temp.main.__copy_errors")


def json_rows(session: "Session", statement: Copy, targets: Sequence[CatalogColumn], paths: Sequence[Path], compression: str) -> Rows:
    """JSON documents one after the other; by the columns' names, or by a file of paths."""
    options = statement.options
    how = str(options["JSON"])
    relation = (
        f"SELECT json AS j, filename FROM read_json_objects({path_list(paths)}, format='unstructured', filename=true, "
        f"compression={text('uncompressed' if compression == 'none' else compression)}, maximum_object_size={LINE_LENGTH_MAX})"
    )
    if how.lower() in ("auto", "noshred"):
        if how.lower() == "noshred":
            raise SqlError("0A000", "COPY JSON 'noshred' is not supported")
        raws = [f"json_extract_string(j, {text(json_key(column.name))})" for column in targets]
    elif how.lower() == "auto ignorecase":
        found = "list_filter(json_keys(j), k -> lower(k) = {name})[1]"
        raws = [f"json_extract_string(j, '$.\"' || {found.format(name=text(column.name))} || '\"')" for column in targets]
    else:
        paths_wanted = json_paths(session, statement, how)
        if len(paths_wanted) != len(targets):
            raise SqlError("XX000", "Number of jsonpaths and the number of columns should match")
        raws = [f"json_extract_string(j, {text(path)})" for path in paths_wanted]
    fields = [field(column, nulled(raw, options, is_text=column.type.is_text), options) for column, raw in zip(targets, raws, strict=True)]
    return Rows(relation=relation, fields=fields, line="j::VARCHAR")


def json_key(name: str) -> str:
    return '$."' + name.replace('"', '\\"') + '"'


def json_paths(session: "Session", statement: Copy, location: str) -> list[str]:
    url = s3_url(location)
    found = [file for file in asked(session.lake, url.bucket, url.key, statement.role) if file.key == url.key]
    found = at_hand(found, session.spool)
    if not found:
        raise SqlError("XX000", f"The specified S3 prefix '{url.key}' does not exist")
    try:
        paths = json.loads(found[0].path.read_bytes())["jsonpaths"]
    except (ValueError, KeyError, TypeError) as error:
        raise SqlError("XX000", "The jsonpaths file is not valid JSON with a list of jsonpaths") from error
    return [str(path).replace("['", '."').replace("']", '"') for path in paths]


def columnar(session: "Session", targets: Sequence[CatalogColumn], files: Sequence[LakeFile], name: str) -> Rows:
    """Parquet and ORC, whose columns are taken by their order."""
    paths = [file.path for file in files]
    if name == "ORC":
        paths = [orc_as_parquet(session, path) for path in paths]
    described = session.connection.execute(f"DESCRIBE SELECT * FROM read_parquet({path_list(paths)})").fetchall()
    if len(described) != len(targets):
        raise SqlError("XX000", f"Spectrum Scan Error: the files have {len(described)} columns, the table {len(targets)}")
    relation = f"SELECT * FROM read_parquet({path_list(paths)}, filename=true)"
    fields = []
    for (source, *_), column in zip(described, targets, strict=True):
        raw = quoted(source)
        kind = column.type
        failures = []
        if kind.is_text and kind.length:
            failures.append((f"strlen({raw}::VARCHAR) > {kind.length}", 1204, "String length exceeds DDL length"))
        if column.not_null:
            failures.append((f"{raw} IS NULL", 1213, "Missing data for not-null field"))
        value = f"CAST({raw} AS {kind.duckdb})"
        fields.append(Field(column=column, raw=f"CAST({raw} AS VARCHAR)", value=value, failures=tuple(failures)))
    return Rows(relation=relation, fields=fields)


def orc_as_parquet(session: "Session", path: Path) -> Path:
    from pyarrow import orc, parquet

    target = session.spool.path(".parquet")
    parquet.write_table(orc.ORCFile(str(path)).read(), str(target))
    return target
