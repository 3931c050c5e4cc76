"""CREATE, DROP and COMMENT: the table in DuckDB and what the catalog says of it, in one transaction.

DuckDB's table has types and NOT NULL and nothing else: defaults, identity and lengths belong to INSERT (`dml.py`), keys
are kept and shown, not enforced, as Redshift does.
"""

from typing import TYPE_CHECKING

from headwater.engines.warehouse.sql import catalog as catalogs
from headwater.engines.warehouse.sql.answers import Result
from headwater.engines.warehouse.sql.binder import Binder
from headwater.engines.warehouse.sql.catalog import HIDDEN, RESERVED_SCHEMAS, CatalogColumn, Relation, Schema, quoted, text
from headwater.engines.warehouse.sql.errors import SqlError
from headwater.engines.warehouse.sql.planning import plan_query
from headwater.engines.warehouse.sql.queries import bind_query
from headwater.engines.warehouse.sql.scope import Scope
from headwater.engines.warehouse.sql.statements import (
    ColumnDefinition,
    CommentOn,
    Constraint,
    CreateSchema,
    CreateTable,
    CreateView,
    Drop,
    DropSchema,
    Maintain,
    Name,
    RenameSchema,
    TableAttributes,
)
from headwater.engines.warehouse.sql.types import INTEGERS, UNKNOWN, VARCHAR, VARCHAR_MAX, SqlType, varchar

if TYPE_CHECKING:
    from headwater.engines.warehouse.sql.session import Session

COLUMNS_MAX = 1600


def create_schema(session: "Session", statement: CreateSchema) -> Result:
    if statement.name in session.catalog.schemas:
        if statement.if_not_exists:
            return Result("CREATE SCHEMA", notices=[f'schema "{statement.name}" already exists, skipping'])
        raise SqlError("42P06", f'schema "{statement.name}" already exists')
    refuse_reserved(statement.name)
    with session.atomic():
        session.connection.execute(f"CREATE SCHEMA IF NOT EXISTS wh.{quoted(statement.name)}")
        oid = catalogs.next_oid(session.connection)
        catalogs.add_schema(session.connection, Schema(oid=oid, name=statement.name, owner=statement.owner or session.user))
        session.catalog_changed()
    return Result("CREATE SCHEMA")


def refuse_reserved(name: str) -> None:
    if name in RESERVED_SCHEMAS or name.startswith("pg_"):
        raise SqlError("42939", f'unacceptable schema name "{name}"', detail='The prefix "pg_" is reserved for system schemas.')


def drop_schema(session: "Session", statement: DropSchema) -> Result:
    notices = []
    with session.atomic():
        for name in statement.names:
            schema = session.catalog.schemas.get(name)
            if schema is None and statement.if_exists:
                notices.append(f'schema "{name}" does not exist, skipping')
                continue
            schema = session.catalog.schema(name)
            refuse_reserved(name)
            if statement.drops_external_database:
                raise SqlError("0A000", "DROP EXTERNAL DATABASE is not supported; drop it in the data catalog")
            members = [relation for relation in session.catalog.relations.values() if relation.schema == name]
            if members and not statement.cascade:
                raise SqlError(
                    "2BP01",
                    f"cannot drop schema {name} because other objects depend on it",
                    hint="Use DROP ... CASCADE to drop the dependent objects too.",
                )
            for relation in members:
                drop_relation(session, relation, cascade=True)
            session.connection.execute(f"DELETE FROM wh.{HIDDEN}.schemas WHERE oid = {schema.oid}")
            if schema.external_database is None and name != "main":
                session.connection.execute(f"DROP SCHEMA wh.{quoted(name)} CASCADE")
            session.catalog_changed()
    return Result("DROP SCHEMA", notices=notices)


def rename_schema(_session: "Session", _statement: RenameSchema) -> Result:
    raise SqlError("0A000", "ALTER SCHEMA RENAME is not supported")


# Tables


def target_schema(session: "Session", name: Name) -> Schema:
    """Where a new relation goes: the schema it names, or the first of the search path that is there."""
    if name.schema is not None:
        schema = session.catalog.schema(name.schema)
    else:
        found = [session.catalog.schemas[part] for part in session.search_path() if part in session.catalog.schemas]
        if not found:
            raise SqlError("3F000", "no schema has been selected to create in")
        schema = found[0]
    if schema.external_database is not None:
        raise SqlError("0A000", f'Operations on local objects in external schema are not enabled: "{schema.name}"')
    refuse_reserved(schema.name)
    return schema


def exists(session: "Session", schema: str, name: Name, *, temporary: bool) -> bool:
    return name.name in session.temporaries if temporary else (schema, name.name) in session.catalog.relations


def create_table(session: "Session", statement: CreateTable) -> Result:
    temporary = statement.temporary
    schema = "pg_temp" if temporary else target_schema(session, statement.name).name
    if exists(session, schema, statement.name, temporary=temporary):
        if statement.if_not_exists:
            return Result(statement.tag, notices=[f'relation "{statement.name.name}" already exists, skipping'])
        raise SqlError("42P07", f'Relation "{statement.name.name}" already exists')
    with session.atomic():
        if statement.query is not None:
            create_from_query(session, statement, schema)
        else:
            create_defined(session, statement, schema)
    return Result(statement.tag)


def create_defined(session: "Session", statement: CreateTable, schema: str) -> None:
    columns = [catalog_column(session, column) for column in statement.columns]
    attributes = statement.attributes
    if statement.like is not None:
        model = found_table(session, statement.like)
        columns += [like_column(column, defaults=statement.like_defaults) for column in model.columns]
        attributes = attributes if attributes.diststyle or attributes.sortkeys else attributes_of(model)
    keyed = {name for constraint in statement.constraints if constraint.kind == "p" for name in constraint.columns}
    columns = [with_not_null(column) if column.name in keyed else column for column in columns]
    check_columns([column.name for column in columns], attributes, statement.constraints)
    relation = new_relation(session, statement, schema, columns, attributes)
    make_physical(session, relation)
    for column in relation.columns:
        if column.identity is not None:
            seed, step = column.identity
            session.connection.execute(f"CREATE SEQUENCE {sequence(relation, column)} START {seed} INCREMENT {step} {bounds(seed, step)}")
    register(session, relation)
    for constraint in statement.constraints:
        add_constraint(session, relation, constraint)


def bounds(seed: int, step: int) -> str:
    return f"MINVALUE {min(seed, 1)}" if step > 0 else f"MINVALUE {-(2**63) + 1} MAXVALUE {max(seed, 1)}"


def sequence(relation: Relation, column: CatalogColumn) -> str:
    home = "temp.main" if relation.temporary else f"wh.{HIDDEN}"
    return f"{home}.{quoted(f'identity_{relation.oid}_{column.name}')}"


def catalog_column(session: "Session", column: ColumnDefinition) -> CatalogColumn:
    default = None
    if column.default is not None:
        binder = Binder(session)
        binder.expression(column.default.copy(), Scope())  # a default that means nothing is refused now
        default = column.default_text
    if column.identity is not None and column.type.name not in INTEGERS:
        raise SqlError("42611", "identity column type must be integer or bigint")
    return CatalogColumn(
        name=column.name,
        type=column.type,
        not_null=column.not_null,
        default=default,
        identity=column.identity,
        identity_by_default=column.identity_by_default,
        encoding=column.encoding or automatic_encoding(column),
    )


def automatic_encoding(column: ColumnDefinition) -> str:
    """What Redshift chooses: sort keys, booleans and floats raw, numbers and dates az64, text lzo."""
    if column.sortkey or column.type.name in ("boolean", "real", "double precision"):
        return "none"
    return "lzo" if column.type.is_text else "az64"


def like_column(column: CatalogColumn, *, defaults: bool) -> CatalogColumn:
    return CatalogColumn(
        name=column.name, type=column.type, not_null=column.not_null, default=column.default if defaults else None, encoding=column.encoding
    )


def with_not_null(column: CatalogColumn) -> CatalogColumn:
    return CatalogColumn(
        name=column.name,
        type=column.type,
        not_null=True,
        default=column.default,
        identity=column.identity,
        identity_by_default=column.identity_by_default,
        encoding=column.encoding,
    )


def attributes_of(relation: Relation) -> TableAttributes:
    return TableAttributes(
        diststyle=relation.diststyle,  # type: ignore[arg-type]  # the catalog holds one of the four
        distkey=relation.distkey,
        sortkeys=relation.sortkeys,
        interleaved=relation.interleaved,
        backup=relation.backup,
    )


def check_columns(names: list[str], attributes: TableAttributes, constraints: tuple[Constraint, ...]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise SqlError("42701", f'column "{name}" duplicated')
        seen.add(name)
    if not names:
        raise SqlError("42601", "a table must have at least one column")
    if len(names) > COLUMNS_MAX:
        raise SqlError("54011", f"tables can have at most {COLUMNS_MAX} columns")
    wanted = [*attributes.sortkeys, *([attributes.distkey] if attributes.distkey else [])]
    wanted += [name for constraint in constraints for name in constraint.columns]
    for name in wanted:
        if name not in seen:
            raise SqlError("42703", f'column "{name}" named in key does not exist')
    if attributes.diststyle == "KEY" and attributes.distkey is None:
        raise SqlError("42601", "DISTSTYLE KEY requires a DISTKEY column")
    if attributes.distkey is not None and attributes.diststyle not in ("KEY", None):
        raise SqlError("42601", f"cannot specify DISTKEY with DISTSTYLE {attributes.diststyle}")


def new_relation(
    session: "Session", statement: CreateTable, schema: str, columns: list[CatalogColumn], attributes: TableAttributes
) -> Relation:
    return Relation(
        oid=catalogs.next_oid(session.connection),
        schema=schema,
        name=statement.name.name,
        kind="r",
        columns=tuple(columns),
        owner=session.user,
        diststyle=attributes.diststyle or "AUTO",
        distkey=attributes.distkey,
        sortkeys=attributes.sortkeys,
        interleaved=attributes.interleaved,
        backup=attributes.backup,
        temporary=statement.temporary,
    )


def make_physical(session: "Session", relation: Relation) -> None:
    columns = ", ".join(
        f"{quoted(column.name)} {column.type.duckdb}{' NOT NULL' if column.not_null else ''}" for column in relation.columns
    )
    session.connection.execute(f"CREATE {'TEMP ' if relation.temporary else ''}TABLE {relation.physical} ({columns})")


def register(session: "Session", relation: Relation) -> None:
    if relation.temporary:
        session.temporaries[relation.name] = relation
        return
    catalogs.add_relation(session.connection, relation, session.now().replace(tzinfo=None))
    session.catalog_changed()


def create_from_query(session: "Session", statement: CreateTable, schema: str) -> None:
    assert statement.query is not None
    plan = plan_query(session, statement.query, ())
    if plan.parameters:
        raise SqlError("42P02", "there is no parameter $1")
    names = list(statement.column_names) or [output.name for output in plan.outputs]
    if len(names) != len(plan.outputs):
        raise SqlError("42601", "CREATE TABLE AS specifies too many column names")
    columns = [CatalogColumn(name=name, type=stored(output.type)) for name, output in zip(names, plan.outputs, strict=True)]
    check_columns(names, statement.attributes, ())
    relation = new_relation(session, statement, schema, columns, statement.attributes)
    if plan.uses_clock:
        session.tell_time()
    make_physical(session, relation)
    session.connection.execute(f"INSERT INTO {relation.physical} {plan.stored()}")
    register(session, relation)


def stored(kind: SqlType) -> SqlType:
    """The type of a new column that holds such values."""
    if kind in (VARCHAR, UNKNOWN) or kind.name in ("text", "name"):
        return varchar(VARCHAR_MAX) if kind == VARCHAR else varchar(256)
    return kind


def add_constraint(session: "Session", relation: Relation, constraint: Constraint) -> None:
    if relation.temporary:
        return
    target, columns = None, constraint.referenced_columns
    if constraint.references is not None:
        model = relation if constraint.references.name == relation.name else found_table(session, constraint.references)
        target = model.oid
    suffix = {"p": "pkey", "u": f"{'_'.join(constraint.columns)}_key", "f": f"{'_'.join(constraint.columns)}_fkey"}[constraint.kind]
    name = constraint.name or f"{relation.name}_{suffix}"
    session.connection.execute(
        f"INSERT INTO wh.{HIDDEN}.constraints VALUES (?, ?, ?, ?, ?, ?, ?)",
        [catalogs.next_oid(session.connection), relation.oid, name, constraint.kind, list(constraint.columns), target, list(columns)],
    )


def found_table(session: "Session", name: Name) -> Relation:
    relation = found(session, name)
    if relation.kind != "r":
        raise SqlError("42809", f'"{name.name}" is not a table')
    return relation


def found(session: "Session", name: Name) -> Relation:
    relation = Binder(session).relation(name)
    if relation is None:
        raise SqlError("42P01", f'relation "{name}" does not exist')
    return relation


# Views


def create_view(session: "Session", statement: CreateView) -> Result:
    schema = target_schema(session, statement.name).name
    known = session.catalog.relations.get((schema, statement.name.name))
    if known is not None and not (statement.or_replace and known.kind == "v"):
        raise SqlError("42P07", f'Relation "{statement.name.name}" already exists')
    columns, reads = view_columns(session, statement)
    with session.atomic():
        if known is not None:
            check_replacement(known, columns)
            catalogs.remove_relation(session.connection, known.oid)
        oid = known.oid if known is not None else catalogs.next_oid(session.connection)
        relation = Relation(
            oid=oid,
            schema=schema,
            name=statement.name.name,
            kind="v",
            columns=tuple(columns),
            owner=session.user,
            definition=statement.text,
            late_binding=statement.late_binding,
        )
        register(session, relation)
        for other in reads:
            session.connection.execute(f"INSERT INTO wh.{HIDDEN}.dependencies VALUES ({oid}, {other})")
    return Result("CREATE VIEW")


def view_columns(session: "Session", statement: CreateView) -> tuple[list[CatalogColumn], frozenset[int]]:
    """The columns of a view that is bound now, and what it reads. A late-binding view is not even looked at."""
    if statement.late_binding:
        return [CatalogColumn(name=name, type=VARCHAR) for name in statement.column_names], frozenset()
    binder = Binder(session)
    _, outputs = bind_query(binder, statement.query.copy(), None)
    if binder.scans:
        raise SqlError("0A000", "Views on external tables must be created WITH NO SCHEMA BINDING")
    if any(relation.temporary for relation in session.temporaries.values() if relation.oid in binder.relations):
        raise SqlError("0A000", "a view cannot read a temporary table")
    if binder.parameters:
        raise SqlError("42P02", "there is no parameter $1")
    plan = plan_query(session, statement.query, ())
    names = list(statement.column_names) or [output.name for output in outputs]
    if len(names) > len(outputs):
        raise SqlError("42601", "CREATE VIEW specifies more column names than columns")
    names += [output.name for output in outputs[len(names) :]]
    check_columns(names, TableAttributes(), ())
    return [CatalogColumn(name=name, type=stored(output.type)) for name, output in zip(names, plan.outputs, strict=True)], plan.relations


def check_replacement(known: Relation, columns: list[CatalogColumn]) -> None:
    if known.late_binding:
        return
    for old, new in zip(known.columns, columns, strict=False):
        if old.name != new.name:
            raise SqlError("42P16", f'cannot change name of view column "{old.name}" to "{new.name}"')
    if len(columns) < len(known.columns):
        raise SqlError("42P16", "cannot drop columns from view")


# DROP and the rest


def drop(session: "Session", statement: Drop) -> Result:
    from headwater.engines.warehouse.sql import external_ddl

    notices = []
    tag = f"DROP {statement.kind.upper()}"
    with session.atomic():
        for name in statement.names:
            if statement.kind == "table" and external_ddl.is_external(session, name):
                notices += external_ddl.drop_table(session, name, if_exists=statement.if_exists)
                continue
            relation = Binder(session).relation(name)
            if relation is None and statement.if_exists:
                notices.append(f'{statement.kind} "{name}" does not exist, skipping')
                continue
            if relation is None:
                raise SqlError("42P01", f'{statement.kind.capitalize()} "{name}" does not exist')
            if relation.kind != {"table": "r", "view": "v"}[statement.kind]:
                raise SqlError("42809", f'"{name.name}" is not a {statement.kind}')
            session.check_privilege(relation, "DROP")
            drop_relation(session, relation, cascade=statement.cascade)
    return Result(tag, notices=notices)


def drop_relation(session: "Session", relation: Relation, *, cascade: bool) -> None:
    if relation.temporary:
        session.connection.execute(f"DROP TABLE {relation.physical}")
        session.temporaries.pop(relation.name)
        return
    if relation.oid not in session.catalog.by_oid:
        return  # dropped a moment ago, with what it stood on
    views = session.connection.execute(f"SELECT view_oid FROM wh.{HIDDEN}.dependencies WHERE relation = {relation.oid}").fetchall()
    if views and not cascade:
        names = [session.catalog.by_oid[oid].name for (oid,) in views if oid in session.catalog.by_oid]
        detail = "\n".join(f"view {name} depends on {'table' if relation.kind == 'r' else 'view'} {relation.name}" for name in names)
        raise SqlError(
            "2BP01",
            f"cannot drop {'table' if relation.kind == 'r' else 'view'} {relation.name} because other objects depend on it",
            detail=detail,
            hint="Use DROP ... CASCADE to drop the dependent objects too.",
        )
    for (oid,) in views:
        if oid in session.catalog.by_oid:
            drop_relation(session, session.catalog.by_oid[oid], cascade=True)
    if relation.kind == "r":
        session.connection.execute(f"DROP TABLE {relation.physical}")
        for column in relation.columns:
            if column.identity is not None:
                session.connection.execute(f"DROP SEQUENCE {sequence(relation, column)}")
    catalogs.remove_relation(session.connection, relation.oid)
    session.catalog_changed()


def comment(session: "Session", statement: CommentOn) -> Result:
    if statement.kind in ("database", "constraint"):
        raise SqlError("0A000", f"COMMENT ON {statement.kind.upper()} is not supported")
    number = 0
    if statement.kind == "schema":
        oid = session.catalog.schema(statement.name.name).oid
    else:
        relation = found(session, statement.name)
        oid = relation.oid
        if statement.column is not None:
            number = relation.columns.index(relation.column(statement.column)) + 1
    with session.atomic():
        session.connection.execute(f"DELETE FROM wh.{HIDDEN}.comments WHERE oid = {oid} AND number = {number}")
        if statement.text is not None:
            session.connection.execute(f"INSERT INTO wh.{HIDDEN}.comments VALUES ({oid}, {number}, {text(statement.text)})")
    return Result("COMMENT")


def maintain(session: "Session", statement: Maintain) -> Result:
    if statement.verb == "VACUUM" and session.transaction_status == "T":
        raise SqlError("25001", "VACUUM cannot run inside a transaction block")
    if statement.name is not None:
        found_table(session, statement.name)
    return Result(statement.verb)
