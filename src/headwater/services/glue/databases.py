"""Databases. Deleting one deletes what is in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from headwater.aws.faults import fault
from headwater.kernel.permissions import requires

from .arns import database_arns, database_with_contents, every_database
from .model import CatalogDatabase, check_catalog, databases, describe_database, find_database, tables
from .paging import page
from .removal import Removal

if TYPE_CHECKING:
    from headwater.kernel.context import Context

LISTED: Final = 100


@requires("glue:CreateDatabase", database_arns)
async def create_database(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Make a database."""
    check_catalog(ctx, request)
    definition = request["DatabaseInput"]
    name = definition["Name"].lower()
    if ctx.store.get(databases, ctx.account, ctx.region, name) is not None:
        raise fault("AlreadyExistsException", "Database already exists.")
    now = ctx.clock.now().replace(microsecond=0)
    database = CatalogDatabase(
        account=ctx.account, region=ctx.region, name=name, definition=definition, created_at=now, tags=request.get("Tags", {})
    )
    async with ctx.store.transaction() as tx:
        tx.put(databases, database)
    return {}


@requires("glue:GetDatabase", database_arns)
async def get_database(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """One database."""
    check_catalog(ctx, request)
    return {"Database": describe_database(find_database(ctx, request["Name"]))}


@requires("glue:GetDatabases", every_database)
async def get_databases(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """All, by name."""
    check_catalog(ctx, request)
    shown, more = page(ctx.store.scan(databases, ctx.account, ctx.region), request, LISTED)
    return {"DatabaseList": [describe_database(database) for database in shown], **more}


@requires("glue:UpdateDatabase", database_arns)
async def update_database(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Another definition under the same name."""
    check_catalog(ctx, request)
    database = find_database(ctx, request["Name"])
    definition = request["DatabaseInput"]
    if definition["Name"].lower() != database.name:
        raise fault("InvalidInputException", "The name of a database cannot be changed.")
    async with ctx.store.transaction() as tx:
        tx.put(databases, msgspec.structs.replace(database, definition=definition))
    return {}


@requires("glue:DeleteDatabase", database_with_contents)
async def delete_database(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """With its tables, their versions and partitions."""
    check_catalog(ctx, request)
    database = find_database(ctx, request["Name"])
    removal = await Removal.of(ctx, ctx.store.scan(tables, ctx.account, ctx.region, database.name))
    async with ctx.store.transaction() as tx:
        removal.write(tx)
        tx.delete(databases, database.account, database.region, database.name)
    return {}
