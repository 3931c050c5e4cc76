"""External schemas and tables: the schema is kept here, its tables in the data catalog.

What goes to the data catalog can't be rolled back, so Redshift refuses it in a transaction block, and so do we.
"""

from typing import TYPE_CHECKING

from headwater.engines.warehouse.sql import catalog as catalogs
from headwater.engines.warehouse.sql.answers import Result
from headwater.engines.warehouse.sql.catalog import Schema
from headwater.engines.warehouse.sql.ddl import refuse_reserved
from headwater.engines.warehouse.sql.errors import SqlError
from headwater.engines.warehouse.sql.files import s3_url
from headwater.engines.warehouse.sql.lake import ExternalTable, Lake, Partition
from headwater.engines.warehouse.sql.statements import AddPartitions, CreateExternalSchema, CreateExternalTable, DropPartition, Name
from headwater.engines.warehouse.sql.transactions import refuse_in_block

if TYPE_CHECKING:
    from headwater.engines.warehouse.sql.session import Session


def create_schema(session: "Session", statement: CreateExternalSchema) -> Result:
    notices = []
    lake = session.lake.under(statement.role or "default")
    if statement.creates_database:
        if session.from_lake(lambda: lake.database(statement.database)):
            notices.append(f'External database "{statement.database}" already exists')
        else:
            session.from_lake(lambda: lake.create_database(statement.database))
            notices.append(f'New external database "{statement.database}" created')
    elif not session.from_lake(lambda: lake.database(statement.database)):
        raise SqlError("XX000", f'External Catalog Error. Detail: external database "{statement.database}" does not exist')
    if statement.name in session.catalog.schemas:
        if statement.if_not_exists:
            return Result("CREATE SCHEMA", notices=[*notices, f'schema "{statement.name}" already exists, skipping'])
        raise SqlError("42P06", f'schema "{statement.name}" already exists')
    refuse_reserved(statement.name)
    with session.atomic():
        schema = Schema(
            oid=catalogs.next_oid(session.connection),
            name=statement.name,
            owner=session.user,
            external_database=statement.database,
            role=statement.role,
            region=statement.region,
        )
        catalogs.add_schema(session.connection, schema)
        session.catalog_changed()
    return Result("CREATE SCHEMA", notices=notices)


def external_schema(session: "Session", name: Name) -> Schema | None:
    schema = session.catalog.schemas.get(name.schema or "")
    return schema if schema is not None and schema.external_database is not None else None


def is_external(session: "Session", name: Name) -> bool:
    return external_schema(session, name) is not None


def catalog_of(session: "Session", name: Name) -> tuple[Lake, str]:
    """The lake under the role of the table's schema, and the schema's database in the data catalog."""
    schema = external_schema(session, name)
    if schema is None:
        if name.schema is not None:
            session.catalog.schema(name.schema)
        raise SqlError("42601", f'"{name}" is not in an external schema')
    return session.lake_of(schema), schema.external_database or ""


def existing(session: "Session", name: Name) -> ExternalTable:
    lake, database = catalog_of(session, name)
    table: ExternalTable | None = session.from_lake(lambda: lake.table(database, name.name))
    if table is None:
        raise SqlError("42P01", f'relation "{name}" does not exist')
    return table


def create_table(session: "Session", statement: CreateExternalTable) -> Result:
    refuse_in_block(session, "CREATE EXTERNAL TABLE")
    lake, database = catalog_of(session, statement.name)
    s3_url(statement.location)
    names = [name for name, _ in (*statement.columns, *statement.partition_keys)]
    if len(set(names)) != len(names):
        raise SqlError("42701", "a column is specified more than once")
    if session.from_lake(lambda: lake.table(database, statement.name.name)) is not None:
        if statement.if_not_exists:
            return Result("CREATE EXTERNAL TABLE", notices=[f'relation "{statement.name.name}" already exists, skipping'])
        raise SqlError("42P07", f'Relation "{statement.name.name}" already exists')
    table = ExternalTable(
        name=statement.name.name,
        columns=statement.columns,
        partition_keys=statement.partition_keys,
        location=statement.location,
        input_format=statement.input_format,
        output_format=statement.output_format,
        serde=statement.serde,
        serde_parameters=statement.serde_parameters,
        table_parameters=statement.table_parameters,
    )
    session.from_lake(lambda: lake.create_table(database, table))
    return Result("CREATE EXTERNAL TABLE")


def drop_table(session: "Session", name: Name, *, if_exists: bool) -> list[str]:
    lake, database = catalog_of(session, name)
    if session.from_lake(lambda: lake.table(database, name.name)) is None:
        if if_exists:
            return [f'table "{name}" does not exist, skipping']
        raise SqlError("42P01", f'Table "{name}" does not exist')
    session.from_lake(lambda: lake.drop_table(database, name.name))
    return []


def add_partitions(session: "Session", statement: AddPartitions) -> Result:
    refuse_in_block(session, "ALTER EXTERNAL TABLE")
    table = existing(session, statement.name)
    lake, database = catalog_of(session, statement.name)
    known = {each.values for each in session.from_lake(lambda: lake.partitions(database, table.name))}
    for values, location in statement.partitions:
        s3_url(location)
        partition = Partition(values=ordered_values(table, dict(values)), location=location)
        if partition.values in known:
            if statement.if_not_exists:
                continue
            raise SqlError(
                "XX000", f"External Catalog Error. Detail: AlreadyExistsException: Partition already exists: {list(partition.values)}"
            )
        session.from_lake(lambda each=partition: lake.add_partition(database, table.name, each))
    return Result("ALTER TABLE")


def drop_partition(session: "Session", statement: DropPartition) -> Result:
    refuse_in_block(session, "ALTER EXTERNAL TABLE")
    table = existing(session, statement.name)
    lake, database = catalog_of(session, statement.name)
    values = ordered_values(table, dict(statement.values))
    session.from_lake(lambda: lake.drop_partition(database, table.name, values))
    return Result("ALTER TABLE")


def ordered_values(table: ExternalTable, values: dict[str, str]) -> tuple[str, ...]:
    keys = [name for name, _ in table.partition_keys]
    if set(keys) != set(values):
        raise SqlError("42601", f"the partition keys of {table.name} are {', '.join(keys) or 'none'}")
    return tuple(values[key] for key in keys)
