"""The catalog: what schemas, tables and views there are, with all that DuckDB has no place for.

It lives in the hidden schema `_headwater` of the same DuckDB file as the data, so that a CREATE TABLE and what the catalog
says of it are one transaction. A `Catalog` is a picture of it at one moment, read whole: sessions share the picture of the
committed state until somebody commits a change; a session that has changed the catalog reads its own.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from headwater.engines.warehouse.sql.errors import SqlError
from headwater.engines.warehouse.sql.statements import Name
from headwater.engines.warehouse.sql.types import SqlType, parsed

if TYPE_CHECKING:
    import duckdb

FIRST_OID: Final = 100_000
PUBLIC_OID: Final = 2200
CATALOG_OID: Final = 11
HIDDEN: Final = "_headwater"
RESERVED_SCHEMAS: Final = frozenset({"pg_catalog", "information_schema", "pg_internal", HIDDEN, "temp", "system"})

DEFINITIONS: Final = f"""
CREATE SCHEMA IF NOT EXISTS wh.{HIDDEN};
CREATE SCHEMA IF NOT EXISTS wh.public;
CREATE SEQUENCE IF NOT EXISTS wh.{HIDDEN}.oids START {FIRST_OID};
CREATE TABLE IF NOT EXISTS wh.{HIDDEN}.layout (version INTEGER);
CREATE TABLE IF NOT EXISTS wh.{HIDDEN}.schemas (
  oid BIGINT, name VARCHAR, owner VARCHAR, external_database VARCHAR, role VARCHAR, region VARCHAR);
CREATE TABLE IF NOT EXISTS wh.{HIDDEN}.relations (
  oid BIGINT, schema VARCHAR, name VARCHAR, kind VARCHAR, owner VARCHAR, diststyle VARCHAR, distkey VARCHAR,
  sortkeys VARCHAR[], interleaved BOOLEAN, backup BOOLEAN, definition VARCHAR, created TIMESTAMP);
CREATE TABLE IF NOT EXISTS wh.{HIDDEN}.columns (
  relation BIGINT, number INTEGER, name VARCHAR, type VARCHAR, not_null BOOLEAN, default_sql VARCHAR,
  identity_seed BIGINT, identity_step BIGINT, identity_by_default BOOLEAN, encoding VARCHAR,
  oid INTEGER, typmod INTEGER, typlen INTEGER);
CREATE TABLE IF NOT EXISTS wh.{HIDDEN}.constraints (
  oid BIGINT, relation BIGINT, name VARCHAR, kind VARCHAR, columns VARCHAR[], target BIGINT, target_columns VARCHAR[]);
CREATE TABLE IF NOT EXISTS wh.{HIDDEN}.dependencies (view_oid BIGINT, relation BIGINT);
CREATE TABLE IF NOT EXISTS wh.{HIDDEN}.comments (oid BIGINT, number INTEGER, text VARCHAR);
CREATE TABLE IF NOT EXISTS wh.{HIDDEN}.privileges (kind VARCHAR, oid BIGINT, grantee VARCHAR, privilege VARCHAR, grantor VARCHAR);
CREATE TABLE IF NOT EXISTS wh.{HIDDEN}.load_errors (
  userid INTEGER, slice INTEGER, tbl BIGINT, starttime TIMESTAMP, session INTEGER, query INTEGER, filename VARCHAR,
  line_number BIGINT, colname VARCHAR, type VARCHAR, col_length VARCHAR, position INTEGER, raw_line VARCHAR,
  raw_field_value VARCHAR, err_code INTEGER, err_reason VARCHAR);
"""
LAYOUT_VERSION: Final = 1


class CatalogColumn(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    type: SqlType
    not_null: bool = False
    default: str | None = None
    identity: tuple[int, int] | None = None
    identity_by_default: bool = False
    encoding: str | None = None


class Relation(msgspec.Struct, frozen=True, kw_only=True):
    """A table or a view. `kind` is PostgreSQL's letter; a late-binding view's columns are found when it is used."""

    oid: int
    schema: str
    name: str
    kind: Literal["r", "v"]
    columns: tuple[CatalogColumn, ...] = ()
    owner: str = ""
    diststyle: str | None = None
    distkey: str | None = None
    sortkeys: tuple[str, ...] = ()
    interleaved: bool = False
    backup: bool = True
    definition: str | None = None
    late_binding: bool = False
    temporary: bool = False

    @property
    def physical(self) -> str:
        """The table's name in DuckDB."""
        if self.temporary:
            return f"temp.main.{quoted(self.name)}"
        return f"wh.{quoted(self.schema)}.{quoted(self.name)}"

    def column(self, name: str) -> CatalogColumn:
        for column in self.columns:
            if column.name == name:
                return column
        raise SqlError("42703", f'column "{name}" of relation "{self.name}" does not exist')


class Schema(msgspec.Struct, frozen=True, kw_only=True):
    oid: int
    name: str
    owner: str
    external_database: str | None = None
    role: str | None = None
    region: str | None = None


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def text(value: str | None) -> str:
    """A string literal for DuckDB."""
    return "NULL" if value is None else "'" + value.replace("'", "''") + "'"


class Catalog:
    """One picture of the catalog."""

    def __init__(self, schemas: Iterable[Schema], relations: Iterable[Relation]) -> None:
        self.schemas = {schema.name: schema for schema in schemas}
        self.relations = {(relation.schema, relation.name): relation for relation in relations}
        self.by_oid = {relation.oid: relation for relation in self.relations.values()}

    def schema(self, name: str) -> Schema:
        found = self.schemas.get(name)
        if found is None:
            raise SqlError("3F000", f'schema "{name}" does not exist')
        return found

    def find(self, name: Name, path: Iterable[str]) -> Relation | None:
        if name.schema is not None:
            return self.relations.get((name.schema, name.name))
        for schema in path:
            found = self.relations.get((schema, name.name))
            if found is not None:
                return found
        return None


def read(connection: "duckdb.DuckDBPyConnection") -> Catalog:
    """The catalog as this connection sees it."""
    rows = connection.execute(f"SELECT oid, name, owner, external_database, role, region FROM wh.{HIDDEN}.schemas").fetchall()
    schemas = [
        Schema(oid=oid, name=name, owner=owner, external_database=database, role=role, region=region)
        for oid, name, owner, database, role, region in rows
    ]
    columns: dict[int, list[CatalogColumn]] = {}
    for row in connection.execute(
        "SELECT relation, name, type, not_null, default_sql, identity_seed, identity_step, identity_by_default, encoding "
        f"FROM wh.{HIDDEN}.columns ORDER BY relation, number"
    ).fetchall():
        columns.setdefault(row[0], []).append(column_of(row[1:]))
    relations = [
        Relation(
            oid=oid,
            schema=schema,
            name=name,
            kind="r" if kind == "r" else "v",
            columns=tuple(columns.get(oid, ())),
            owner=owner,
            diststyle=diststyle,
            distkey=distkey,
            sortkeys=tuple(sortkeys),
            interleaved=interleaved,
            backup=backup,
            definition=definition,
            late_binding=kind == "l",
        )
        for oid, schema, name, kind, owner, diststyle, distkey, sortkeys, interleaved, backup, definition in connection.execute(
            "SELECT oid, schema, name, kind, owner, diststyle, distkey, sortkeys, interleaved, backup, definition "
            f"FROM wh.{HIDDEN}.relations"
        ).fetchall()
    ]
    return Catalog(schemas, relations)


def column_of(row: tuple[Any, ...]) -> CatalogColumn:
    name, kind, not_null, default, seed, step, by_default, encoding = row
    return CatalogColumn(
        name=name,
        type=parsed(kind),
        not_null=not_null,
        default=default,
        identity=None if seed is None else (seed, step),
        identity_by_default=bool(by_default),
        encoding=encoding,
    )


def next_oid(connection: "duckdb.DuckDBPyConnection") -> int:
    row = connection.execute(f"SELECT nextval('wh.{HIDDEN}.oids')").fetchone()
    assert row is not None
    return int(row[0])


def add_schema(connection: "duckdb.DuckDBPyConnection", schema: Schema) -> None:
    connection.execute(
        f"INSERT INTO wh.{HIDDEN}.schemas VALUES (?, ?, ?, ?, ?, ?)",
        [schema.oid, schema.name, schema.owner, schema.external_database, schema.role, schema.region],
    )


def add_relation(connection: "duckdb.DuckDBPyConnection", relation: Relation, now: Any) -> None:
    kind = "l" if relation.late_binding else relation.kind
    connection.execute(
        f"INSERT INTO wh.{HIDDEN}.relations VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            relation.oid,
            relation.schema,
            relation.name,
            kind,
            relation.owner,
            relation.diststyle,
            relation.distkey,
            list(relation.sortkeys),
            relation.interleaved,
            relation.backup,
            relation.definition,
            now,
        ],
    )
    add_columns(connection, relation.oid, relation.columns)


def add_columns(connection: "duckdb.DuckDBPyConnection", oid: int, columns: Iterable[CatalogColumn], first: int = 1) -> None:
    rows = []
    for number, column in enumerate(columns, first):
        seed, step = column.identity or (None, None)
        kind = column.type
        values = (
            str(oid), str(number), text(column.name), text(str(kind)), str(column.not_null), text(column.default),
            "NULL" if seed is None else str(seed), "NULL" if step is None else str(step), str(column.identity_by_default),
            text(column.encoding), str(kind.oid), str(kind.typmod), str(kind.typlen),
        )  # fmt: skip  # one row
        rows.append(f"({', '.join(values)})")
    if rows:
        connection.execute(f"INSERT INTO wh.{HIDDEN}.columns VALUES {', '.join(rows)}")


def remove_relation(connection: "duckdb.DuckDBPyConnection", oid: int) -> None:
    for table, key in (
        ("relations", "oid"),
        ("columns", "relation"),
        ("constraints", "relation"),
        ("dependencies", "view_oid"),
        ("comments", "oid"),
        ("privileges", "oid"),
    ):
        connection.execute(f"DELETE FROM wh.{HIDDEN}.{table} WHERE {key} = {oid}")


def set_of(names: Iterable[str]) -> str:
    """`('a', 'b')`, for IN."""
    return "(" + ", ".join(text(name) for name in names) + ")"
