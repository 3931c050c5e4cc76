"""The views on the data catalog (svv_external_tables and its kin): asked of the lake when a query names one of them."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec

from headwater.engines.warehouse.sql import system
from headwater.engines.warehouse.sql.catalog import text
from headwater.engines.warehouse.sql.hive import sql_type
from headwater.engines.warehouse.sql.lake import ExternalTable, Partition

if TYPE_CHECKING:
    from headwater.engines.warehouse.sql.session import Session


def refresh(session: "Session") -> None:
    tables: list[list[str | int | None]] = []
    columns: list[list[str | int | None]] = []
    partitions: list[list[str | int | None]] = []
    for schema in session.catalog.schemas.values():
        database = schema.external_database
        if database is None:
            continue
        lake = session.lake_of(schema)
        for table in session.from_lake(lambda lake=lake, name=database: lake.tables(name)):
            tables.append([schema.name, table.name, table.location, *storage(table), "EXTERNAL_TABLE"])
            columns += column_rows(schema.name, table)
            if table.partition_keys:
                known = session.from_lake(lambda lake=lake, name=database, of=table.name: lake.partitions(name, of))
                partitions += [partition_row(schema.name, table, each) for each in known]
    session.connection.execute(system.text(system.EXTERNAL_TABLES))
    fill(session, "hw_tables", tables)
    fill(session, "hw_columns", columns)
    fill(session, "hw_partitions", partitions)
    session.connection.execute(system.text(system.EXTERNAL))


def storage(table: ExternalTable) -> list[str | int | None]:
    return [
        table.input_format,
        table.output_format,
        table.serde,
        msgspec.json.encode(table.serde_parameters).decode(),
        int(table.compressed),
        msgspec.json.encode(table.table_parameters).decode(),
    ]


def column_rows(schema: str, table: ExternalTable) -> Iterable[list[str | int | None]]:
    keys = {name: place for place, (name, _) in enumerate(table.partition_keys, 1)}
    for place, (name, hive) in enumerate((*table.columns, *table.partition_keys), 1):
        kind = sql_type(hive)
        length = kind.length if kind.is_text else None
        precision = kind.length if kind.name == "numeric" else None
        yield [schema, table.name, name, hive, place, keys.get(name, 0), kind.name, length, precision, kind.scale if precision else None]


def partition_row(schema: str, table: ExternalTable, partition: Partition) -> list[str | int | None]:
    values = msgspec.json.encode(partition.values).decode()
    return [schema, table.name, values, partition.location, *storage(table)]


def fill(session: "Session", table: str, rows: Iterable[list[str | int | None]]) -> None:
    values = ", ".join("(" + ", ".join(shown(value) for value in row) + ")" for row in rows)
    if values:
        session.connection.execute(f"INSERT INTO temp.main.{table} VALUES {values}")


def shown(value: str | int | None) -> str:
    return text(value) if isinstance(value, str) else "NULL" if value is None else str(value)
