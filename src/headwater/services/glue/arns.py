"""Which ARNs a request to the Glue catalog means, for the lines of `requires`.

Whoever touches a table must be allowed to do so on the table, on its database and on the catalog: Glue asks about the whole way
down. What lists or deletes all that is in a database asks about `table/DB/*`.
Source: "Specifying AWS Glue resource ARNs", part "Access control for the Data Catalog", of the developer guide.
"""

from __future__ import annotations

from typing import Any

from headwater.kernel.context import Context

Request = dict[str, Any]


def every_database(ctx: Context, request: Request) -> list[str]:
    return _way(ctx, request, "*")


def database_arns(ctx: Context, request: Request) -> list[str]:
    name = request["Name"] if "Name" in request else request["DatabaseInput"]["Name"]
    return _way(ctx, request, name)


def database_with_contents(ctx: Context, request: Request) -> list[str]:
    way = _way(ctx, request, request["Name"], "*")
    return [*way, way[-1].replace(":table/", ":userDefinedFunction/")]


def every_table(ctx: Context, request: Request) -> list[str]:
    return _way(ctx, request, request["DatabaseName"], "*")


def table_arns(ctx: Context, request: Request) -> list[str]:
    """Most requests say TableName; those about a table itself say Name, or name it in its definition; a batch names several."""
    tables = request.get("TablesToDelete")
    if tables is None:
        tables = [request.get("TableName") or request.get("Name") or (request.get("TableInput") or {}).get("Name", "*")]
    return _way(ctx, request, request["DatabaseName"], *tables)


def _way(ctx: Context, request: Request, database: str, *tables: str) -> list[str]:
    here = f"arn:aws:glue:{ctx.region}:{request.get('CatalogId', ctx.account)}"
    database = database.lower()
    return [f"{here}:catalog", f"{here}:database/{database}", *[f"{here}:table/{database}/{name.lower()}" for name in tables]]
