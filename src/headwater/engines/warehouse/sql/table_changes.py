"""ALTER TABLE. DuckDB changes what it can in place; the catalog's columns are written anew."""

from typing import TYPE_CHECKING

import msgspec

from headwater.engines.warehouse.sql import catalog as catalogs
from headwater.engines.warehouse.sql import ddl
from headwater.engines.warehouse.sql.answers import Result
from headwater.engines.warehouse.sql.binder import Binder
from headwater.engines.warehouse.sql.build import assigned
from headwater.engines.warehouse.sql.catalog import HIDDEN, CatalogColumn, Relation, quoted, text
from headwater.engines.warehouse.sql.errors import SqlError
from headwater.engines.warehouse.sql.native import sql as native_sql
from headwater.engines.warehouse.sql.scope import Scope
from headwater.engines.warehouse.sql.statements import (
    AddColumn,
    AddConstraint,
    AlterAttributes,
    AlterColumnType,
    ChangeOwner,
    DropColumn,
    DropConstraint,
    Name,
    RenameColumn,
    RenameRelation,
)

if TYPE_CHECKING:
    from headwater.engines.warehouse.sql.session import Session

ALTERED = "ALTER TABLE"


def changeable(session: "Session", name: Name) -> Relation:
    from headwater.engines.warehouse.sql import external_ddl

    if external_ddl.is_external(session, name):
        raise SqlError("0A000", "this ALTER TABLE on an external table is not supported")
    relation = ddl.found_table(session, name)
    session.check_privilege(relation, "ALTER")
    return relation


def saved(session: "Session", relation: Relation, columns: list[CatalogColumn]) -> None:
    """The relation's columns, written anew."""
    if relation.temporary:
        session.temporaries[relation.name] = msgspec.structs.replace(relation, columns=tuple(columns))
        return
    session.connection.execute(f"DELETE FROM wh.{HIDDEN}.columns WHERE relation = {relation.oid}")
    catalogs.add_columns(session.connection, relation.oid, columns)
    session.catalog_changed()


def refuse_viewed(session: "Session", relation: Relation, what: str) -> None:
    if relation.temporary:
        return
    row = session.connection.execute(f"SELECT view_oid FROM wh.{HIDDEN}.dependencies WHERE relation = {relation.oid}").fetchone()
    if row is not None:
        view = session.catalog.by_oid[row[0]].name
        raise SqlError("2BP01", f"cannot {what} because other objects depend on it", detail=f"view {view} depends on table {relation.name}")


def add_column(session: "Session", statement: AddColumn) -> Result:
    relation = changeable(session, statement.name)
    definition = statement.column
    if any(column.name == definition.name for column in relation.columns):
        raise SqlError("42701", f'column "{definition.name}" of relation "{relation.name}" already exists')
    if definition.not_null and definition.default is None:
        raise SqlError("0A000", "ALTER TABLE ADD COLUMN defined as NOT NULL must have a non-null default expression")
    column = ddl.catalog_column(session, definition)
    with session.atomic():
        session.connection.execute(f"ALTER TABLE {relation.physical} ADD COLUMN {quoted(column.name)} {column.type.duckdb}")
        if definition.default is not None:
            binder = Binder(session)
            bound = binder.expression(definition.default.copy(), Scope())
            value = native_sql(assigned(binder.coerced(bound, column.type), bound.type, column.type))
            session.tell_time()
            session.connection.execute(f"UPDATE {relation.physical} SET {quoted(column.name)} = {value}")
        if column.not_null:
            session.connection.execute(f"ALTER TABLE {relation.physical} ALTER COLUMN {quoted(column.name)} SET NOT NULL")
        saved(session, relation, [*relation.columns, column])
    return Result(ALTERED)


def drop_column(session: "Session", statement: DropColumn) -> Result:
    relation = changeable(session, statement.name)
    column = relation.column(statement.column)
    if column.name in relation.sortkeys or column.name == relation.distkey:
        raise SqlError("0A000", f'cannot drop column "{column.name}": it is the table\'s distribution or sort key')
    if len(relation.columns) == 1:
        raise SqlError("0A000", "cannot drop the only column of a table")
    refuse_viewed(session, relation, f"drop table {relation.name} column {column.name}")
    with session.atomic():
        session.connection.execute(f"ALTER TABLE {relation.physical} DROP COLUMN {quoted(column.name)}")
        if column.identity is not None:
            session.connection.execute(f"DROP SEQUENCE {ddl.sequence(relation, column)}")
        saved(session, relation, [each for each in relation.columns if each.name != column.name])
    return Result(ALTERED)


def rename_column(session: "Session", statement: RenameColumn) -> Result:
    relation = changeable(session, statement.name)
    column = relation.column(statement.column)
    if any(each.name == statement.to for each in relation.columns):
        raise SqlError("42701", f'column "{statement.to}" of relation "{relation.name}" already exists')
    if column.identity is not None:
        raise SqlError("0A000", "renaming an identity column is not supported")
    refuse_viewed(session, relation, f"rename column {column.name} of table {relation.name}")
    with session.atomic():
        session.connection.execute(f"ALTER TABLE {relation.physical} RENAME COLUMN {quoted(column.name)} TO {quoted(statement.to)}")
        renamed = [msgspec.structs.replace(each, name=statement.to) if each is column else each for each in relation.columns]
        keys = [statement.to if key == column.name else key for key in relation.sortkeys]
        saved(session, relation, renamed)
        if not relation.temporary:
            distkey = statement.to if relation.distkey == column.name else relation.distkey
            session.connection.execute(
                f"UPDATE wh.{HIDDEN}.relations SET distkey = ?, sortkeys = ? WHERE oid = ?", [distkey, keys, relation.oid]
            )
    return Result(ALTERED)


def rename(session: "Session", statement: RenameRelation) -> Result:
    relation = ddl.found(session, statement.name)
    if (relation.schema, statement.to) in session.catalog.relations:
        raise SqlError("42P07", f'Relation "{statement.to}" already exists')
    refuse_viewed(session, relation, f"rename {relation.name}")
    with session.atomic():
        if relation.kind == "r":
            session.connection.execute(f"ALTER TABLE {relation.physical} RENAME TO {quoted(statement.to)}")
        if relation.temporary:
            session.temporaries.pop(relation.name)
            session.temporaries[statement.to] = msgspec.structs.replace(relation, name=statement.to)
        else:
            session.connection.execute(f"UPDATE wh.{HIDDEN}.relations SET name = {text(statement.to)} WHERE oid = {relation.oid}")
            session.catalog_changed()
    return Result(ALTERED)


def alter_type(session: "Session", statement: AlterColumnType) -> Result:
    """Redshift changes only the length of a varchar; it may not become too short for what is there."""
    relation = changeable(session, statement.name)
    column = relation.column(statement.column)
    if not (column.type.name == statement.type.name == "character varying"):
        raise SqlError("0A000", f'cannot alter column "{column.name}" of type {column.type} to {statement.type}')
    longest = session.connection.execute(f"SELECT coalesce(max(strlen({quoted(column.name)})), 0) FROM {relation.physical}").fetchone()
    assert longest is not None
    if longest[0] > statement.type.length:
        raise SqlError("22001", f'target data type "{statement.type}" has size less than the size of the data in column "{column.name}"')
    with session.atomic():
        saved(
            session, relation, [msgspec.structs.replace(each, type=statement.type) if each is column else each for each in relation.columns]
        )
    return Result(ALTERED)


def alter_attributes(session: "Session", statement: AlterAttributes) -> Result:
    relation = changeable(session, statement.name)
    if relation.temporary:
        raise SqlError("0A000", "changing the keys of a temporary table is not supported")
    wanted = statement.attributes
    for name in (*wanted.sortkeys, *([wanted.distkey] if wanted.distkey else [])):
        relation.column(name)
    with session.atomic():
        if statement.encodings:
            encodings = dict(statement.encodings)
            columns = [
                msgspec.structs.replace(each, encoding=encodings[each.name]) if each.name in encodings else each
                for each in relation.columns
            ]
            relation.column(statement.encodings[0][0])
            saved(session, relation, columns)
        elif wanted.diststyle:
            session.connection.execute(
                f"UPDATE wh.{HIDDEN}.relations SET diststyle = ?, distkey = ? WHERE oid = ?",
                [wanted.diststyle, wanted.distkey, relation.oid],
            )
        else:
            session.connection.execute(
                f"UPDATE wh.{HIDDEN}.relations SET sortkeys = ?, interleaved = ? WHERE oid = ?",
                [list(wanted.sortkeys), wanted.interleaved, relation.oid],
            )
        session.catalog_changed()
    return Result(ALTERED)


def add_constraint(session: "Session", statement: AddConstraint) -> Result:
    relation = changeable(session, statement.name)
    for name in statement.constraint.columns:
        relation.column(name)
    with session.atomic():
        ddl.add_constraint(session, relation, statement.constraint)
    return Result(ALTERED)


def drop_constraint(session: "Session", statement: DropConstraint) -> Result:
    relation = changeable(session, statement.name)
    where = f"relation = {relation.oid} AND name = {text(statement.constraint)}"
    if session.connection.execute(f"SELECT 1 FROM wh.{HIDDEN}.constraints WHERE {where}").fetchone() is None:
        raise SqlError("42704", f'constraint "{statement.constraint}" does not exist')
    with session.atomic():
        session.connection.execute(f"DELETE FROM wh.{HIDDEN}.constraints WHERE {where}")
    return Result(ALTERED)


def change_owner(session: "Session", statement: ChangeOwner) -> Result:
    relation = ddl.found(session, statement.name)
    if statement.owner not in session.store.users():
        raise SqlError("42704", f'user "{statement.owner}" does not exist')
    with session.atomic():
        session.connection.execute(f"UPDATE wh.{HIDDEN}.relations SET owner = {text(statement.owner)} WHERE oid = {relation.oid}")
        session.catalog_changed()
    return Result(ALTERED)
