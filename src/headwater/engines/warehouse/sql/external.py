"""An external table in a query: read in place, only the partitions and columns that the query needs.

What is needed is known when the whole query has been bound, so a word that occurs nowhere else stands in it for the scan
until then. `$path` and `$size` are there when asked for and hidden from `*`.
"""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import uuid4

import msgspec
from sqlglot import exp

from headwater.engines.warehouse.sql.catalog import Schema, quoted, text
from headwater.engines.warehouse.sql.files import Spool, at_hand, folder, packing, unpacked
from headwater.engines.warehouse.sql.hive import Reading, from_text, sql_type
from headwater.engines.warehouse.sql.lake import ExternalTable, Lake, LakeFile, Partition
from headwater.engines.warehouse.sql.native import sql as native_sql
from headwater.engines.warehouse.sql.types import BIGINT, VARCHAR, SqlType

if TYPE_CHECKING:
    import duckdb

PSEUDO: Final[dict[str, SqlType]] = {"$path": VARCHAR, "$size": BIGINT}


class ScanReport(msgspec.Struct, frozen=True):
    """What a scan has cost, for svl_s3query_summary."""

    table: str
    files: int
    scanned_bytes: int
    format: str
    partitions: int


class Scan:
    """One external table in one statement."""

    hidden = frozenset(PSEUDO)

    def __init__(self, schema: Schema, table: ExternalTable, lake: Lake, connection: "duckdb.DuckDBPyConnection", spool: Spool) -> None:
        self.schema = schema
        self.table = table
        self.lake = lake
        self.connection = connection
        self.spool = spool
        self.columns: dict[str, SqlType] = {name: sql_type(kind) for name, kind in (*table.columns, *table.partition_keys)} | PSEUDO
        self.place = f"__scan_{uuid4().hex}"
        self.used: set[str] = set()
        self.conditions: list[str] = []
        self.report: ScanReport | None = None

    def use(self, column: str) -> None:
        self.used.add(column)

    def restrict(self, condition: exp.Expr, columns: Sequence[str]) -> None:
        if set(columns) <= {name for name, _ in self.table.partition_keys}:
            self.conditions.append(native_sql(condition))

    @cached_property
    def sql(self) -> str:
        """The reading of the files, which are found now."""
        reading = Reading(self.table, self.connection, self.spool)
        wanted = [name for name, _ in self.table.columns if name in self.used]
        parts: list[str] = []
        paths: list[Path] = []
        files = 0
        total = 0
        chosen = self.partitions()
        for partition in chosen:
            found = at_hand(folder(self.lake, partition.location, self.schema.role or "default"), self.spool)
            files += len(found)
            for group, compression, members in self.readable(found):
                parts.append(self.part(reading.relation(group, compression, wanted), partition, group, members, wanted))
                paths += group
                total += reading.scanned(group, [file.size for file in members], wanted)
        self.report = ScanReport(f"{self.schema.name}.{self.table.name}", files, total, reading.serde, len(chosen))
        return " UNION ALL ".join(parts) or self.nothing(wanted)

    def readable(self, files: Sequence[LakeFile]) -> list[tuple[list[Path], str, list[LakeFile]]]:
        """The files by the compression that DuckDB is to undo."""
        groups: dict[str, tuple[list[Path], list[LakeFile]]] = {}
        columnar = any(word in self.table.serde.lower() for word in ("parquet", "orc"))
        for file in files:
            path, compression = (file.path, "none") if columnar else unpacked(file, packing(file), self.spool)
            paths, members = groups.setdefault(compression, ([], []))
            paths.append(path)
            members.append(file)
        return [(paths, compression, members) for compression, (paths, members) in groups.items()]

    def part(self, relation: str, partition: Partition, paths: Sequence[Path], files: Sequence[LakeFile], wanted: Sequence[str]) -> str:
        """One partition's rows, with its keys' values and the pseudo-columns."""
        columns = [f"r.{quoted(name)}" for name in wanted]
        for (name, hive), value in zip(self.table.partition_keys, partition.values, strict=False):
            if name in self.used:
                columns.append(f"{partition_value(value, hive)} AS {quoted(name)}")
        if not self.used & set(PSEUDO):
            return f"SELECT {', '.join(columns) or '1'} FROM ({relation}) AS r"
        bucket = partition.location.partition("://")[2].partition("/")[0]
        rows = ", ".join(
            f"({text(str(path))}, {text(f's3://{bucket}/{file.key}')}, {file.size})" for path, file in zip(paths, files, strict=True)
        )
        columns += [f"f.{source} AS {quoted(name)}" for name, source in (("$path", "path"), ("$size", "size")) if name in self.used]
        return f"SELECT {', '.join(columns)} FROM ({relation}) AS r JOIN (VALUES {rows}) AS f(name, path, size) ON r.filename = f.name"

    def nothing(self, wanted: Sequence[str]) -> str:
        keys = [name for name, _ in self.table.partition_keys if name in self.used]
        names = [*wanted, *keys, *(name for name in PSEUDO if name in self.used)]
        columns = [f"CAST(NULL AS {self.columns[name].duckdb}) AS {quoted(name)}" for name in names]
        return f"SELECT {', '.join(columns) or '1'} WHERE FALSE"

    def partitions(self) -> list[Partition]:
        """The partitions that the query's conditions leave; a table without keys is one partition."""
        if not self.table.partition_keys:
            return [Partition(values=(), location=self.table.location)]
        known = list(self.lake.partitions(self.schema.external_database or "", self.table.name))
        if not known or not self.conditions:
            return known
        columns = ", ".join(["n", *(quoted(name) for name, _ in self.table.partition_keys)])
        rows = ", ".join(
            "("
            + ", ".join(
                [
                    str(index),
                    *(partition_value(value, hive) for value, (_, hive) in zip(each.values, self.table.partition_keys, strict=False)),
                ]
            )
            + ")"
            for index, each in enumerate(known)
        )
        where = " AND ".join(f"({condition})" for condition in self.conditions)
        kept = self.connection.execute(f"SELECT n FROM (VALUES {rows}) AS p({columns}) WHERE {where}").fetchall()
        return [known[index] for (index,) in sorted(kept)]


def partition_value(value: str, hive: str) -> str:
    kind = sql_type(hive)
    if value == "__HIVE_DEFAULT_PARTITION__":
        return f"CAST(NULL AS {kind.duckdb})"
    return f"CAST({from_text(text(value), kind)} AS {kind.duckdb})"
