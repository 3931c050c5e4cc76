"""Hive's formats as DuckDB relations: what a value is that does not fit its column (NULL), and a field that is not there.

The rules are LazySimpleSerDe's (no quotes, `\\N` is NULL, short lines are filled up and long ones cut), OpenCSVSerde's
(quotes, everything text), the JSON SerDes' and Parquet's (columns by name). Types are converted with TRY_CAST: the same
value that Hive cannot read is NULL here.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from headwater.engines.warehouse.sql.catalog import quoted, text
from headwater.engines.warehouse.sql.errors import SqlError
from headwater.engines.warehouse.sql.files import LINE_LENGTH_MAX, READ_BUFFER, Spool, lines, path_list
from headwater.engines.warehouse.sql.lake import ExternalTable
from headwater.engines.warehouse.sql.types import SqlType, named, varchar

if TYPE_CHECKING:
    import duckdb

SIMPLE_TYPES: Final = {"string": varchar(65535), "tinyint": named("smallint"), "float": named("real"), "binary": named("varbyte")}


def sql_type(hive: str) -> SqlType:
    """The type that Redshift shows for a column of the data catalog."""
    name, _, rest = hive.strip().lower().partition("(")
    if name in SIMPLE_TYPES:
        return SIMPLE_TYPES[name]
    if name.startswith(("array<", "map<", "struct<")):
        return varchar(65535)
    sizes = [int(size) for size in rest.rstrip(")").split(",") if size.strip().isdigit()]
    return named(name, *sizes)


def from_text(value: str, kind: SqlType) -> str:
    """A field of text as a value of its column, NULL where it cannot be read as one."""
    if kind.name == "character varying":
        return f"hw_cut({value}, {kind.length})" if 0 < kind.length < 65535 else value
    if kind.name == "character":
        return f"rtrim(hw_cut({value}, {kind.length}), ' ')"
    return READERS.get(kind.name, "TRY_CAST({value} AS {native})").format(value=value, native=kind.duckdb)


WHOLE: Final = "CASE WHEN regexp_full_match({value}, '[-+]?[0-9]+') THEN TRY_CAST({value} AS {native}) END"
READERS: Final = {
    "smallint": WHOLE,
    "integer": WHOLE,
    "bigint": WHOLE,
    "boolean": "CASE lower({value}) WHEN 'true' THEN TRUE WHEN 'false' THEN FALSE END",
    "date": "CASE WHEN length({value}) >= 8 THEN TRY_CAST(left({value}, 10) AS DATE) END",
    "binary varying": "encode({value})",
}


class Reading:
    """One table's files as one relation, for the columns that are asked for."""

    def __init__(self, table: ExternalTable, connection: "duckdb.DuckDBPyConnection", spool: Spool) -> None:
        self.table = table
        self.connection = connection
        self.spool = spool
        self.serde = table.serde.rpartition(".")[2]
        self.skip = int(table.table_parameters.get("skip.header.line.count", "0") or 0)

    def relation(self, paths: Sequence[Path], compression: str, wanted: Sequence[str]) -> str:
        """SELECT <wanted>, filename FROM the files."""
        if "parquet" in self.table.serde.lower() or "parquet" in self.table.input_format.lower():
            return self.parquet(paths, wanted)
        if "orc" in self.serde.lower():
            return self.parquet([self.orc_as_parquet(path) for path in paths], wanted)
        readers = {"LazySimpleSerDe": self.delimited, "OpenCSVSerde": self.quoted_csv, "JsonSerDe": self.json}
        reader = readers.get(self.serde)
        if reader is None or self.table.input_format.rpartition(".")[2] not in ("TextInputFormat", ""):
            raise SqlError("0A000", f"the format {self.table.input_format} with {self.table.serde} is not supported")
        return reader(paths, compression, wanted)

    def kinds(self, wanted: Sequence[str]) -> list[tuple[int, str, SqlType]]:
        """(position, name, type) of the wanted columns."""
        return [(index, name, sql_type(hive)) for index, (name, hive) in enumerate(self.table.columns, 1) if name in wanted]

    def delimited(self, paths: Sequence[Path], compression: str, wanted: Sequence[str]) -> str:
        parameters = self.table.serde_parameters
        delimiter = parameters.get("field.delim") or {"1": "\x01"}.get(parameters.get("serialization.format", "1"), "\x01")
        null = parameters.get("serialization.null.format", "\\N")
        escape = parameters.get("escape.delim")
        line = "coalesce(line, '')"
        if escape:
            line = f"replace(replace({line}, {text(escape * 2)}, chr(3)), {text(escape + delimiter)}, chr(2))"
        columns = []
        for index, name, kind in self.kinds(wanted):
            field = f"nullif(fields[{index}], {text(null)})"
            if escape:
                field = f"replace(replace({field}, chr(2), {text(delimiter)}), chr(3), {text(escape)})"
            columns.append(f"{from_text(field, kind)} AS {quoted(name)}")
        inner = f"SELECT string_split({line}, {text(delimiter)}) AS fields, filename FROM {lines(paths, compression, self.skip)}"
        return f"SELECT {', '.join([*columns, 'filename'])} FROM ({inner})"

    def quoted_csv(self, paths: Sequence[Path], compression: str, wanted: Sequence[str]) -> str:
        parameters = self.table.serde_parameters
        names = ", ".join(f"{text(f'c{index}')}: 'VARCHAR'" for index in range(1, len(self.table.columns) + 1))
        reader = (
            f"read_csv({path_list(paths)}, auto_detect=false, header=false, columns={{{names}}}, "
            f"delim={text(parameters.get('separatorChar', ','))}, quote={text(parameters.get('quoteChar', chr(34)))}, "
            f"escape={text(parameters.get('quoteChar', chr(34)))}, null_padding=true, strict_mode=false, parallel=false, "
            f"nullstr='\x01', max_line_size={LINE_LENGTH_MAX}, buffer_size={READ_BUFFER}, "
            f"compression={text(compression)}, filename=true, skip={self.skip})"
        )
        columns = [f"{from_text(f'c{index}', kind)} AS {quoted(name)}" for index, name, kind in self.kinds(wanted)]
        return f"SELECT {', '.join([*columns, 'filename'])} FROM {reader}"

    def json(self, paths: Sequence[Path], compression: str, wanted: Sequence[str]) -> str:
        columns = []
        for _index, name, kind in self.kinds(wanted):
            key = self.table.serde_parameters.get(f"mapping.{name}", name)
            path = '$."' + key.replace('"', '\\"') + '"'
            columns.append(f"{from_text(f'json_extract_string(document, {text(path)})', kind)} AS {quoted(name)}")
        inner = f"SELECT CASE WHEN json_valid(line) THEN line::JSON END AS document, filename FROM {lines(paths, compression, self.skip)}"
        return f"SELECT {', '.join([*columns, 'filename'])} FROM ({inner} WHERE trim(coalesce(line, '')) <> '')"

    def parquet(self, paths: Sequence[Path], wanted: Sequence[str]) -> str:
        present = {
            row[0].lower(): row[0]
            for row in self.connection.execute(
                f"SELECT DISTINCT name FROM parquet_schema({path_list(paths)}) WHERE type IS NOT NULL"
            ).fetchall()
        }
        columns = []
        for _index, name, kind in self.kinds(wanted):
            value = f"CAST({quoted(present[name])} AS {kind.duckdb})" if name in present else f"CAST(NULL AS {kind.duckdb})"
            columns.append(f"{value} AS {quoted(name)}")
        return f"SELECT {', '.join([*columns, 'filename'])} FROM read_parquet({path_list(paths)}, union_by_name=true, filename=true)"

    def orc_as_parquet(self, path: Path) -> Path:
        """DuckDB reads no ORC; Arrow does."""
        from pyarrow import orc, parquet

        target = self.spool.path(".parquet")
        parquet.write_table(orc.ORCFile(str(path)).read(), str(target))
        return target

    def scanned(self, paths: Sequence[Path], sizes: Sequence[int], wanted: Sequence[str]) -> int:
        """The bytes that the query pays for: whole files of text, the wanted columns alone of Parquet."""
        if "parquet" not in self.table.serde.lower() or not paths:
            return sum(sizes)
        names = ", ".join(text(name) for name in wanted) or "''"
        row = self.connection.execute(
            f"SELECT coalesce(sum(total_compressed_size), 0) FROM parquet_metadata({path_list(paths)}) "
            f"WHERE lower(path_in_schema) IN ({names})"
        ).fetchone()
        assert row is not None
        return int(row[0])
