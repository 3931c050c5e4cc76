"""What a statement asks for, once read: one frozen record per kind. Queries and DML stay sqlglot expressions.

These are the words that the grammar says to the executors; neither side knows tokens of the other.
"""

from typing import Literal

import msgspec
from sqlglot import exp

from headwater.engines.warehouse.sql.types import SqlType


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """Base of every statement that is not a query or DML."""


class Name(msgspec.Struct, frozen=True):
    """A relation's name as written: perhaps with its schema."""

    name: str
    schema: str | None = None

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}" if self.schema else self.name


# Transactions and settings
class Begin(Statement, frozen=True, kw_only=True):
    read_only: bool = False


class Commit(Statement, frozen=True, kw_only=True):
    tag: str = "COMMIT"


class Rollback(Statement, frozen=True, kw_only=True):
    pass


class SetParameter(Statement, frozen=True, kw_only=True):
    name: str
    values: tuple[str, ...] | None  # None: DEFAULT
    local: bool = False


class ResetParameter(Statement, frozen=True, kw_only=True):
    name: str | None  # None: ALL


class ShowParameter(Statement, frozen=True, kw_only=True):
    name: str


# Schemas
class CreateSchema(Statement, frozen=True, kw_only=True):
    name: str
    if_not_exists: bool = False
    owner: str | None = None


class CreateExternalSchema(Statement, frozen=True, kw_only=True):
    name: str
    database: str
    role: str
    if_not_exists: bool = False
    region: str | None = None
    creates_database: bool = False


class DropSchema(Statement, frozen=True, kw_only=True):
    names: tuple[str, ...]
    if_exists: bool = False
    cascade: bool = False
    drops_external_database: bool = False


class RenameSchema(Statement, frozen=True, kw_only=True):
    name: str
    to: str


# Tables and views
class ColumnDefinition(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    type: SqlType
    not_null: bool = False
    default: exp.Expr | None = None
    default_text: str | None = None
    identity: tuple[int, int] | None = None  # seed, step
    identity_by_default: bool = False
    encoding: str | None = None
    distkey: bool = False
    sortkey: bool = False


class Constraint(msgspec.Struct, frozen=True, kw_only=True):
    """A primary key, unique or foreign key: kept and shown, not enforced, as in Redshift."""

    kind: Literal["p", "u", "f"]
    columns: tuple[str, ...]
    name: str | None = None
    references: Name | None = None
    referenced_columns: tuple[str, ...] = ()


class TableAttributes(msgspec.Struct, frozen=True, kw_only=True):
    diststyle: Literal["EVEN", "KEY", "ALL", "AUTO"] | None = None
    distkey: str | None = None
    sortkeys: tuple[str, ...] = ()
    interleaved: bool = False
    backup: bool = True


class CreateTable(Statement, frozen=True, kw_only=True):
    name: Name
    columns: tuple[ColumnDefinition, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    attributes: TableAttributes = TableAttributes()
    if_not_exists: bool = False
    temporary: bool = False
    like: Name | None = None
    like_defaults: bool = False
    query: exp.Expr | None = None
    column_names: tuple[str, ...] = ()
    tag: str = "CREATE TABLE"


class CreateExternalTable(Statement, frozen=True, kw_only=True):
    name: Name
    columns: tuple[tuple[str, str], ...]  # (name, Hive's type)
    partition_keys: tuple[tuple[str, str], ...] = ()
    location: str
    input_format: str
    output_format: str
    serde: str
    serde_parameters: dict[str, str]
    table_parameters: dict[str, str]
    if_not_exists: bool = False


class AddPartitions(Statement, frozen=True, kw_only=True):
    name: Name
    partitions: tuple[tuple[tuple[tuple[str, str], ...], str], ...]  # ((key, value) …), location
    if_not_exists: bool = False


class DropPartition(Statement, frozen=True, kw_only=True):
    name: Name
    values: tuple[tuple[str, str], ...]


class CreateView(Statement, frozen=True, kw_only=True):
    name: Name
    text: str  # the query as written
    query: exp.Expr
    column_names: tuple[str, ...] = ()
    or_replace: bool = False
    late_binding: bool = False


class Drop(Statement, frozen=True, kw_only=True):
    kind: Literal["table", "view"]
    names: tuple[Name, ...]
    if_exists: bool = False
    cascade: bool = False


class AddColumn(Statement, frozen=True, kw_only=True):
    name: Name
    column: ColumnDefinition


class DropColumn(Statement, frozen=True, kw_only=True):
    name: Name
    column: str
    cascade: bool = False


class RenameColumn(Statement, frozen=True, kw_only=True):
    name: Name
    column: str
    to: str


class RenameRelation(Statement, frozen=True, kw_only=True):
    name: Name
    to: str


class AlterColumnType(Statement, frozen=True, kw_only=True):
    name: Name
    column: str
    type: SqlType


class AlterAttributes(Statement, frozen=True, kw_only=True):
    """ALTER TABLE … ALTER DISTKEY/SORTKEY/DISTSTYLE/ENCODE."""

    name: Name
    attributes: TableAttributes
    encodings: tuple[tuple[str, str], ...] = ()


class AddConstraint(Statement, frozen=True, kw_only=True):
    name: Name
    constraint: Constraint


class DropConstraint(Statement, frozen=True, kw_only=True):
    name: Name
    constraint: str


class ChangeOwner(Statement, frozen=True, kw_only=True):
    name: Name
    owner: str


class Truncate(Statement, frozen=True, kw_only=True):
    name: Name


class Maintain(Statement, frozen=True, kw_only=True):
    """VACUUM or ANALYZE: DuckDB keeps its own house, so nothing is left to do but to see that the table is there."""

    verb: Literal["VACUUM", "ANALYZE"]
    name: Name | None = None


class CommentOn(Statement, frozen=True, kw_only=True):
    kind: str
    name: Name
    column: str | None = None
    text: str | None = None


# Loading and unloading
class Copy(Statement, frozen=True, kw_only=True):
    name: Name
    columns: tuple[str, ...]
    source: str
    role: str
    options: dict[str, str | tuple[str, ...] | None]


class Unload(Statement, frozen=True, kw_only=True):
    query: str
    target: str
    role: str
    options: dict[str, str | tuple[str, ...] | None]


# What holds another statement
class Explain(Statement, frozen=True, kw_only=True):
    statement: "exp.Expr | Statement"
    verbose: bool = False


class Prepare(Statement, frozen=True, kw_only=True):
    name: str
    types: tuple[SqlType, ...]
    text: str
    statement: "exp.Expr | Statement"


class Execute(Statement, frozen=True, kw_only=True):
    name: str
    arguments: tuple[exp.Expr, ...] = ()


class Deallocate(Statement, frozen=True, kw_only=True):
    name: str | None  # None: ALL


class DeclareCursor(Statement, frozen=True, kw_only=True):
    name: str
    query: exp.Expr


class Fetch(Statement, frozen=True, kw_only=True):
    name: str
    count: int | None  # None: ALL


class CloseCursor(Statement, frozen=True, kw_only=True):
    name: str | None  # None: ALL


# Rights
class Grant(Statement, frozen=True, kw_only=True):
    privileges: tuple[str, ...]
    kind: Literal["table", "schema", "database"]
    names: tuple[Name, ...]
    grantees: tuple[str, ...]
    revokes: bool = False


Parsed = exp.Expr | Statement
