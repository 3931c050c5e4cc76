"""Binding: from a query as Redshift reads it to the same query as DuckDB must read it, with the types of its columns.

One walk does both, because neither can be done alone: whether `/` truncates, what `avg` gives and what a varchar holds
depend on types, and types depend on what the names mean. What a node means stands in the rules of `expressions.py`,
`calls.py` and `queries.py`; the binder holds what they share. A node without a rule is refused, never passed on by luck.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Final, NamedTuple, Protocol

from sqlglot import exp

from headwater.engines.warehouse.sql.build import call, cast
from headwater.engines.warehouse.sql.catalog import Catalog, Relation, Schema
from headwater.engines.warehouse.sql.errors import SqlError
from headwater.engines.warehouse.sql.native import sql as native_sql
from headwater.engines.warehouse.sql.scope import Output, Scope, Source
from headwater.engines.warehouse.sql.statements import Name
from headwater.engines.warehouse.sql.types import UNKNOWN, VARCHAR, SqlType

VIEW_DEPTH_MAX: Final = 64


class Bound(NamedTuple):
    """A node as DuckDB reads it, and its type as Redshift has it."""

    node: exp.Expr
    type: SqlType


class ExternalScan(Protocol):
    """An external table in a query: what it needs is known only when the whole query has been read."""

    columns: dict[str, SqlType]
    hidden: frozenset[str]

    def use(self, column: str) -> None: ...

    def restrict(self, condition: exp.Expr, columns: Sequence[str]) -> None:
        """A condition that holds for every row wanted, on these columns alone (written without their table)."""
        ...

    @property
    def place(self) -> str:
        """The word that stands in the query where the reading of the table belongs."""
        ...

    @property
    def sql(self) -> str:
        """The reading. Asked for when everything is known: the files are found now."""
        ...


class World(Protocol):
    """What the binder asks of the session."""

    @property
    def dbname(self) -> str: ...

    @property
    def catalog(self) -> Catalog: ...

    def search_path(self) -> Sequence[str]: ...

    def temporary(self, name: str) -> Relation | None: ...

    def system(self, schema: str, name: str) -> Mapping[str, SqlType] | None:
        """The columns of a system view, or None."""
        ...

    def is_external_view(self, name: str) -> bool:
        """Whether a system view looks into the data catalog; such a view is in the session's temporary space."""
        ...

    def external(self, schema: Schema, name: str) -> ExternalScan | None: ...

    def check_privilege(self, relation: Relation, privilege: str) -> None: ...


Rule = Callable[["Binder", exp.Expr, Scope], Bound]


class Binder:
    """Binds one statement. `parameters` are the types of $1, $2 …, None where still unknown."""

    def __init__(self, world: World, parameters: Sequence[SqlType | None] = ()) -> None:
        self.world = world
        self.parameters: list[SqlType | None] = list(parameters)
        self.scans: dict[str, ExternalScan] = {}  # by the source's alias; of two with one alias only the inner is in reach
        self.every_scan: list[ExternalScan] = []
        self.relations: set[int] = set()  # OIDs of what the statement reads
        self.uses_clock = False
        self.cacheable = True
        self.view_depth = 0

    def expression(self, node: exp.Expr, scope: Scope) -> Bound:
        rule = rules().get(type(node))
        if rule is None:
            raise SqlError("0A000", f"{type(node).__name__} is not supported: {node.sql(dialect='redshift')[:80]}")
        return rule(self, node, scope)

    def query(self, node: exp.Expr, parent: Scope | None) -> tuple[exp.Expr, list[Output]]:
        """A query in DuckDB's words, and its columns."""
        from headwater.engines.warehouse.sql.queries import bind_query

        return bind_query(self, node, parent)

    def typed(self, node: exp.Expr, scope: Scope, wanted: SqlType) -> exp.Expr:
        """`node` bound, and made a `wanted` if it is of unknown type or of another kind."""
        return self.coerced(self.expression(node, scope), wanted)

    def coerced(self, bound: Bound, wanted: SqlType) -> exp.Expr:
        from headwater.engines.warehouse.sql.coercion import coerced

        return coerced(self, bound, wanted)

    def parameter(self, index: int, kind: SqlType | None = None) -> SqlType:
        """The type of $index, which `kind` settles if nothing has yet."""
        while len(self.parameters) < index:
            self.parameters.append(None)
        known = self.parameters[index - 1]
        if known is None and kind is not None and kind.name != "unknown":
            self.parameters[index - 1] = known = kind
        return known or UNKNOWN

    def column_used(self, source: Source, name: str) -> None:
        scan = self.scans.get(source.alias)
        if scan is not None:
            scan.use(name)

    def finish(self, node: exp.Expr) -> exp.Expr:
        """Settle what could be known only at the end: parameters of no certain type are text."""
        for parameter in list(node.find_all(exp.Parameter)):
            index = int(parameter.name)
            kind = self.parameter(index)
            if parameter.meta.get("settled"):
                continue
            value: exp.Expr = exp.Parameter(this=parameter.this)
            if kind.name.endswith("[]"):
                value = call("hw_array", cast(value, VARCHAR))
            settled = cast(value, VARCHAR if kind.name == "unknown" else kind)
            for each in settled.find_all(exp.Parameter):
                each.meta["settled"] = True
            if parameter is node:
                return settled
            parameter.replace(settled)
        return node

    def text(self, node: exp.Expr) -> str:
        """A bound node as DuckDB's text. Asked for when the whole statement is bound: external tables find their files now."""
        text = native_sql(self.finish(node))
        for scan in self.every_scan:
            if scan.place in text:
                text = text.replace(scan.place, scan.sql)
        return text

    def check_database(self, name: str) -> None:
        """database.schema.table may name the session's own database only."""
        if name != self.world.dbname:
            raise SqlError("0A000", f"cross-database references are not supported: {name}")

    def relation(self, name: Name) -> Relation | None:
        if name.schema is None:
            temporary = self.world.temporary(name.name)
            if temporary is not None:
                self.cacheable = False
                return temporary
        return self.world.catalog.find(name, self.world.search_path())


def undefined_relation(name: Name) -> SqlError:
    return SqlError("42P01", f'relation "{name}" does not exist')


@cache
def rules() -> dict[type[exp.Expr], Rule]:
    """What each kind of node means. Put together at the first question, for the rules need the names above."""
    from headwater.engines.warehouse.sql import arithmetic, calls, expressions, queries

    return {**expressions.RULES, **arithmetic.RULES, **calls.RULES, **queries.RULES}
