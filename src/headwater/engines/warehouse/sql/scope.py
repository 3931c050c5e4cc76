"""What a name in a query means: the relations that a FROM has brought in, with the types of their columns.

Every relation gets a name of its own in the DuckDB query, so that `schema.table.column`, two tables of one name from two
schemas, and pseudo-columns all become a plain `name.column` there.
"""

import msgspec
from sqlglot import exp

from headwater.engines.warehouse.sql.errors import SqlError
from headwater.engines.warehouse.sql.types import SqlType


class Output(msgspec.Struct, frozen=True):
    """One column that a query gives."""

    name: str
    type: SqlType


class Source(msgspec.Struct, kw_only=True):
    """One relation in a FROM."""

    name: str  # as the query may call it
    alias: str  # its name in the DuckDB query
    columns: dict[str, SqlType]
    schema: str | None = None
    hidden: frozenset[str] = frozenset()  # pseudo-columns, which a star leaves out
    merged: frozenset[str] = frozenset()  # columns that a USING has merged into an earlier source's


class Found(msgspec.Struct, frozen=True):
    """Where a column name leads. Without a source, it is a merged column or a name of the select list."""

    source: Source | None
    type: SqlType
    label: "Label | None" = None


class Label(msgspec.Struct, frozen=True):
    """A name of the select list: what stands under it, bound, and its place."""

    node: exp.Expr
    type: SqlType
    place: int


class Scope:
    """The names that an expression may use, and those of the query around it."""

    def __init__(self, parent: "Scope | None" = None) -> None:
        self.parent = parent
        self.sources: list[Source] = []
        self.merged: dict[str, SqlType] = {}
        self.labels: dict[str, Label] = {}  # the select list's names, usable further on
        self.ctes: dict[str, list[Output]] = {}

    def add(self, source: Source) -> None:
        if any(known.name == source.name and known.schema == source.schema for known in self.sources):
            raise SqlError("42712", f'table name "{source.name}" specified more than once')
        self.sources.append(source)

    def cte(self, name: str) -> list[Output] | None:
        scope: Scope | None = self
        while scope is not None:
            if name in scope.ctes:
                return scope.ctes[name]
            scope = scope.parent
        return None

    def aliases(self) -> set[str]:
        taken: set[str] = set()
        scope: Scope | None = self
        while scope is not None:
            taken |= {source.alias for source in scope.sources}
            scope = scope.parent
        return taken

    def fresh(self, name: str) -> str:
        """A name for a relation that no other in reach has."""
        taken = self.aliases()
        alias, number = name, 1
        while alias in taken:
            number += 1
            alias = f"{name}__{number}"
        return alias

    def column(self, name: str, table: str | None = None, schema: str | None = None) -> Found:
        scope: Scope | None = self
        while scope is not None:
            found = scope.here(name, table, schema)
            if found is not None:
                return found
            scope = scope.parent
        raise self.unknown(name, table, schema)

    def here(self, name: str, table: str | None, schema: str | None) -> Found | None:
        if table is not None:
            named = [source for source in self.sources if source.name == table and schema in (None, source.schema)]
            if not named:
                return None
            holding = [source for source in named if name in source.columns]
            if not holding:
                raise SqlError("42703", f'column "{name}" does not exist in {table}')
            return Found(holding[0], holding[0].columns[name])
        if name in self.merged:
            return Found(None, self.merged[name])
        holding = [source for source in self.sources if name in source.columns]
        if len(holding) > 1:
            raise SqlError("42702", f'column reference "{name}" is ambiguous')
        if holding:
            return Found(holding[0], holding[0].columns[name])
        label = self.labels.get(name)
        return Found(None, label.type, label) if label is not None else None

    def unknown(self, name: str, table: str | None, schema: str | None) -> SqlError:
        if table is not None:
            return SqlError("42P01", f'missing FROM-clause entry for table "{table}"')
        names = ", ".join(dict.fromkeys(source.name for source in self.sources if not source.name.startswith("__")))
        return SqlError("42703", f'column "{name}" does not exist' + (f" in {names}" if names else ""))

    def parent_for_derived(self) -> "Scope":
        """What a subquery in FROM sees: the WITH of its query and the queries around it, not its neighbours."""
        seen = Scope(self.parent)
        seen.ctes = self.ctes
        return seen


def renamed(outputs: list[Output], names: list[str], what: str) -> list[Output]:
    if len(names) > len(outputs):
        raise SqlError("42P10", f'table "{what}" has {len(outputs)} columns available but {len(names)} columns specified')
    return [Output(name, output.type) for name, output in zip(names, outputs, strict=False)] + outputs[len(names) :]
