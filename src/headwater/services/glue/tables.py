"""Tables and their versions. An update is a new version; the one before is archived unless the caller says not to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from headwater.aws.faults import Fault, fault
from headwater.kernel.permissions import requires

from .arns import every_table, table_arns
from .model import (
    CatalogTable,
    check_catalog,
    describe_table,
    error_detail,
    find_database,
    find_table,
    tables,
    versions,
)
from .paging import page, position, token
from .pattern import matching
from .removal import Removal

if TYPE_CHECKING:
    from headwater.kernel.context import Context

LISTED: Final = 100
VERSIONS_READ: Final = 1000


def _definition(request: dict[str, Any]) -> dict[str, Any]:
    for member in ("OpenTableFormatInput", "UpdateOpenTableFormatInput", "PartitionIndexes"):
        if member in request:
            raise fault("NotImplemented", f"Headwater has not built {member} for Glue yet.")
    if "TableInput" not in request:
        raise fault("InvalidInputException", "TableInput must be specified.")
    definition: dict[str, Any] = request["TableInput"]
    columns = (definition.get("StorageDescriptor") or {}).get("Columns", []) + definition.get("PartitionKeys", [])
    names = [column["Name"].lower() for column in columns]
    if len(set(names)) != len(names):
        raise fault("InvalidInputException", "Duplicate column names are not allowed in a table.")
    return definition


@requires("glue:CreateTable", table_arns)
async def create_table(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Make a table, at version 0."""
    check_catalog(ctx, request)
    definition = _definition(request)
    database = find_database(ctx, request["DatabaseName"])
    name = definition["Name"].lower()
    if ctx.store.get(tables, ctx.account, ctx.region, database.name, name) is not None:
        raise fault("AlreadyExistsException", "Table already exists.")
    now = ctx.clock.now().replace(microsecond=0)
    table = CatalogTable(
        account=ctx.account,
        region=ctx.region,
        database=database.name,
        name=name,
        definition=definition,
        version=0,
        created_by=ctx.principal.arn,
        created_at=now,
        updated_at=now,
    )
    async with ctx.store.transaction() as tx:
        tx.put(tables, table)
        tx.put(versions, table)
    return {}


@requires("glue:GetTable", table_arns)
async def get_table(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """One table. GetTable has a sentence of its own for one that is not there."""
    check_catalog(ctx, request)
    database = find_database(ctx, request["DatabaseName"])
    table = ctx.store.get(tables, ctx.account, ctx.region, database.name, request["Name"].lower())
    if table is None:
        raise fault("EntityNotFoundException", "Entity Not Found")
    return {"Table": describe_table(table)}


@requires("glue:GetTables", every_table)
async def get_tables(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """A database's tables by name, those whose names match."""
    check_catalog(ctx, request)
    database = find_database(ctx, request["DatabaseName"])
    found = ctx.store.scan(tables, ctx.account, ctx.region, database.name)
    if request.get("Expression"):
        names = matching(request["Expression"], [table.name for table in found])
        found = [table for table in found if table.name in names]
    shown, more = page(found, request, LISTED)
    described = [describe_table(table) for table in shown]
    if request.get("AttributesToGet") == ["NAME"]:
        described = [{"Name": table["Name"]} for table in described]
    return {"TableList": described, **more}


@requires("glue:UpdateTable", table_arns)
async def update_table(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """The next version of a table."""
    check_catalog(ctx, request)
    definition = _definition(request)
    table = find_table(ctx, request["DatabaseName"], definition["Name"])
    if request.get("VersionId", str(table.version)) != str(table.version):
        raise fault("ConcurrentModificationException", "Update table failed due to concurrent modifications.")
    changed = msgspec.structs.replace(
        table, definition=definition, version=table.version + 1, updated_at=ctx.clock.now().replace(microsecond=0)
    )
    async with ctx.store.transaction() as tx:
        if request.get("SkipArchive"):
            tx.delete(versions, *versions.key(table))
        tx.put(tables, changed)
        tx.put(versions, changed)
    return {}


@requires("glue:DeleteTable", table_arns)
async def delete_table(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """With its versions and partitions; the files in S3 stay."""
    check_catalog(ctx, request)
    removal = await Removal.of(ctx, [find_table(ctx, request["DatabaseName"], request["Name"])])
    async with ctx.store.transaction() as tx:
        removal.write(tx)
    return {}


@requires("glue:BatchDeleteTable", table_arns)
async def batch_delete_table(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Several; what could not be deleted is listed."""
    check_catalog(ctx, request)
    find_database(ctx, request["DatabaseName"])
    going: dict[str, CatalogTable] = {}
    errors: list[dict[str, Any]] = []
    for name in request["TablesToDelete"]:
        try:
            going[name.lower()] = find_table(ctx, request["DatabaseName"], name)
        except Fault as refusal:
            errors.append({"TableName": name, "ErrorDetail": error_detail(refusal)})
    removal = await Removal.of(ctx, list(going.values()))
    async with ctx.store.transaction() as tx:
        removal.write(tx)
    return {"Errors": errors}


def _no_such_version(version: str) -> Fault:
    return fault("EntityNotFoundException", f"Table version {version} not found.")


def _archived(ctx: Context, table: CatalogTable, version: str) -> CatalogTable:
    if not version.isdecimal():
        raise fault("InvalidInputException", f"The version id {version} is not a number.")
    found = ctx.store.get(versions, table.account, table.region, table.database, table.name, f"{int(version):010d}")
    if found is None:
        raise _no_such_version(version)
    return found


def _described_version(table: CatalogTable) -> dict[str, Any]:
    return {"Table": describe_table(table), "VersionId": str(table.version)}


@requires("glue:GetTableVersion", table_arns)
async def get_table_version(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """One version, the current one unless another is named."""
    check_catalog(ctx, request)
    table = find_table(ctx, request["DatabaseName"], request["TableName"])
    if "VersionId" in request:
        table = _archived(ctx, table, request["VersionId"])
    return {"TableVersion": _described_version(table)}


@requires("glue:GetTableVersions", table_arns)
async def get_table_versions(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Newest first. The token counts from the newest version downwards."""
    check_catalog(ctx, request)
    table = find_table(ctx, request["DatabaseName"], request["TableName"])
    place = (table.account, table.region, table.database, table.name)
    found: list[CatalogTable] = []
    after: str | None = None
    while read := await ctx.store.range(versions, *place, after=after, limit=VERSIONS_READ):
        found += read
        after = f"{read[-1].version:010d}"
    below = position(request.get("NextToken")) or table.version + 1
    left = [version for version in reversed(found) if version.version < below]
    shown = left[: request.get("MaxResults", LISTED)]
    more = {"NextToken": token(shown[-1].version)} if len(shown) < len(left) else {}
    return {"TableVersions": [_described_version(version) for version in shown], **more}


@requires("glue:DeleteTableVersion", table_arns)
async def delete_table_version(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """An archived version; the current one is the table itself."""
    check_catalog(ctx, request)
    table = find_table(ctx, request["DatabaseName"], request["TableName"])
    going = _deletable(ctx, table, request["VersionId"])
    async with ctx.store.transaction() as tx:
        tx.delete(versions, *versions.key(going))
    return {}


def _deletable(ctx: Context, table: CatalogTable, version: str) -> CatalogTable:
    found = _archived(ctx, table, version)
    if found.version == table.version:
        raise fault("InvalidInputException", "The current version of a table cannot be deleted.")
    return found


@requires("glue:BatchDeleteTableVersion", table_arns)
async def batch_delete_table_version(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Several; what could not be deleted is listed."""
    check_catalog(ctx, request)
    table = find_table(ctx, request["DatabaseName"], request["TableName"])
    going: list[CatalogTable] = []
    errors: list[dict[str, Any]] = []
    for version in request["VersionIds"]:
        try:
            going.append(_deletable(ctx, table, version))
        except Fault as refusal:
            errors.append({"TableName": table.name, "VersionId": version, "ErrorDetail": error_detail(refusal)})
    async with ctx.store.transaction() as tx:
        for one in going:
            tx.delete(versions, *versions.key(one))
    return {"Errors": errors}
