"""What the catalog keeps. A definition is the API's own shape (DatabaseInput, TableInput, PartitionInput), kept as it came.

Names of databases and tables are folded to lower case, as Hive does; a partition's name is the list of its values. Every table
is at a version; earlier ones are archived. Source: "Catalog API" of the AWS Glue developer guide.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec

from headwater.aws.faults import Fault, fault
from headwater.kernel.store import Record, Table

if TYPE_CHECKING:
    from headwater.kernel.context import Context

Definition = dict[str, Any]


class CatalogDatabase(Record, frozen=True, kw_only=True):
    account: str
    region: str
    name: str
    definition: Definition
    created_at: datetime
    tags: dict[str, str] = msgspec.field(default_factory=dict)


class CatalogTable(Record, frozen=True, kw_only=True):
    account: str
    region: str
    database: str
    name: str
    definition: Definition
    version: int
    created_by: str
    created_at: datetime
    updated_at: datetime

    @property
    def partition_keys(self) -> list[dict[str, str]]:
        return self.definition.get("PartitionKeys") or []


class CatalogPartition(Record, frozen=True, kw_only=True):
    account: str
    region: str
    database: str
    table: str
    values: tuple[str, ...]
    definition: Definition
    created_at: datetime


databases: Final = Table("glue", "databases", CatalogDatabase, key=lambda d: (d.account, d.region, d.name))
tables: Final = Table("glue", "tables", CatalogTable, key=lambda t: (t.account, t.region, t.database, t.name))
versions: Final = Table(
    "glue", "versions", CatalogTable, key=lambda t: (t.account, t.region, t.database, t.name, f"{t.version:010d}"), big=True
)
"""Every version of every table, the current one included."""
partitions: Final = Table("glue", "partitions", CatalogPartition, key=lambda p: (p.account, p.region, p.database, p.table, *p.values))


def check_catalog(ctx: Context, request: dict[str, Any]) -> None:
    """The default catalog is the account's; another account's is out of reach."""
    catalog = request.get("CatalogId", ctx.account)
    if catalog != ctx.account:
        raise fault("EntityNotFoundException", f"Catalog {catalog} not found.")


def no_such_database(name: str) -> Fault:
    return fault("EntityNotFoundException", f"Database {name} not found.")


def no_such_table(name: str) -> Fault:
    return fault("EntityNotFoundException", f"Table {name} not found.")


def find_database(ctx: Context, name: str) -> CatalogDatabase:
    database = ctx.store.get(databases, ctx.account, ctx.region, name.lower())
    if database is None:
        raise no_such_database(name)
    return database


def find_table(ctx: Context, database: str, name: str) -> CatalogTable:
    find_database(ctx, database)
    table = ctx.store.get(tables, ctx.account, ctx.region, database.lower(), name.lower())
    if table is None:
        raise no_such_table(name)
    return table


def error_detail(refusal: Fault) -> dict[str, str]:
    """How a batch says what one of its entries met."""
    return {"ErrorCode": refusal.code, "ErrorMessage": refusal.message}


def describe_database(database: CatalogDatabase) -> dict[str, Any]:
    return database.definition | {"Name": database.name, "CreateTime": database.created_at, "CatalogId": database.account}


def describe_table(table: CatalogTable) -> dict[str, Any]:
    described: Definition = {"Retention": 0, "PartitionKeys": []} | table.definition
    if "StorageDescriptor" in described:
        described["StorageDescriptor"] = _described_storage(described["StorageDescriptor"])
    return described | {
        "Name": table.name,
        "DatabaseName": table.database,
        "CreateTime": table.created_at,
        "UpdateTime": table.updated_at,
        "CreatedBy": table.created_by,
        "IsRegisteredWithLakeFormation": False,
        "IsMultiDialectView": False,
        "CatalogId": table.account,
        "VersionId": str(table.version),
    }


def _described_storage(storage: Definition) -> Definition:
    return {"Compressed": False, "NumberOfBuckets": 0, "SortColumns": [], "StoredAsSubDirectories": False} | storage


def describe_partition(partition: CatalogPartition, *, with_columns: bool = True) -> dict[str, Any]:
    described: Definition = dict(partition.definition)
    if "StorageDescriptor" in described:
        storage = _described_storage(described["StorageDescriptor"])
        if not with_columns:
            storage.pop("Columns", None)
        described["StorageDescriptor"] = storage
    return described | {
        "Values": list(partition.values),
        "DatabaseName": partition.database,
        "TableName": partition.table,
        "CreationTime": partition.created_at,
        "CatalogId": partition.account,
    }
