"""What a database holds, asked of the cluster's own system views: databases, schemas, tables, a table's columns."""

from typing import Any, Final

from headwater.aws.faults import fault
from headwater.engines.warehouse.type_names import TYPE_NAMES
from headwater.kernel.context import Context
from headwater.kernel.permissions import requires

from . import arns
from .asking import Outcome, answers, error_text
from .connecting import _connect, target_of
from .results import Row
from .running import running_of
from .statements import offset_of, token_of

PAGE: Final = 1000
TABLE_TYPES: Final = {"BASE TABLE": "TABLE", "LOCAL TEMPORARY": "TABLE"}


@requires("redshift-data:ListDatabases", arns.warehouse)
async def list_databases(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    rows, token = await _page(ctx, request, "SELECT datname FROM pg_database ORDER BY datname", [])
    return {"Databases": [row[0] for row in rows], "NextToken": token}


@requires("redshift-data:ListSchemas", arns.warehouse)
async def list_schemas(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    sql = "SELECT nspname FROM pg_namespace WHERE nspname LIKE $1 ORDER BY nspname"
    rows, token = await _page(ctx, request, sql, [request.get("SchemaPattern", "%")])
    return {"Schemas": [row[0] for row in rows], "NextToken": token}


@requires("redshift-data:ListTables", arns.warehouse)
async def list_tables(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    sql = (
        "SELECT table_schema, table_name, table_type FROM svv_tables "
        "WHERE table_schema LIKE $1 AND table_name LIKE $2 ORDER BY table_schema, table_name"
    )
    rows, token = await _page(ctx, request, sql, [request.get("SchemaPattern", "%"), request.get("TablePattern", "%")])
    tables = [{"schema": schema, "name": name, "type": TABLE_TYPES.get(str(kind), kind)} for schema, name, kind in rows]
    return {"Tables": tables, "NextToken": token}


@requires("redshift-data:DescribeTable", arns.warehouse)
async def describe_table(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    sql = (
        "SELECT column_name, data_type, is_nullable, column_default, character_maximum_length, numeric_precision, numeric_scale, "
        "table_schema, table_name FROM svv_columns WHERE table_schema LIKE $1 AND table_name = $2 ORDER BY table_schema, ordinal_position"
    )
    schema, table = request.get("Schema", "public"), request.get("Table", "")
    rows, token = await _page(ctx, request, sql, [schema, table])
    return {"TableName": table, "ColumnList": [described(row) for row in rows], "NextToken": token}


def described(row: Row) -> dict[str, Any]:
    name, kind, nullable, default, length, precision, scale, schema, table = row
    return {
        "name": name,
        "label": name,
        "typeName": TYPE_NAMES.get(str(kind), kind),
        "nullable": 0 if nullable == "NO" else 1,
        "columnDefault": default,
        "length": int(length or 0),
        "precision": int(precision or length or 0),
        "scale": int(scale or 0),
        "isCaseSensitive": kind in {"character varying", "character"},
        "isCurrency": False,
        "isSigned": kind in {"smallint", "integer", "bigint", "real", "double precision", "numeric"},
        "schemaName": schema,
        "tableName": table,
    }


async def _page(ctx: Context, request: dict[str, Any], sql: str, values: list[str]) -> tuple[list[Row], str | None]:
    rows = await _asked(ctx, request, sql, values)
    offset = offset_of(request.get("NextToken"))
    following = offset + (request.get("MaxResults") or PAGE)
    return rows[offset:following], token_of(following) if following < len(rows) else None


async def _asked(ctx: Context, request: dict[str, Any], sql: str, values: list[str]) -> list[Row]:
    import psycopg

    target = target_of(request)
    login = await running_of(ctx.home).logins.of(ctx, target)
    try:
        connection = await _connect(login, target.database)
        try:
            return [row async for rows in answers(connection, sql, values, Outcome()) for row in rows]
        finally:
            await connection.close()
    except psycopg.Error as error:
        raise fault("DatabaseConnectionException", error_text(error)) from error
