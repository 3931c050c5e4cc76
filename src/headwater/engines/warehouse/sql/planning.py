"""From a bound query to what runs: DuckDB's text, the columns with the types that a client is told, and their form.

The binder says what type Redshift gives each column; DuckDB says what it really makes of it. Where the two differ the
column is cast, so that what goes over the wire is always of the type that was announced.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import msgspec
from sqlglot import exp

from headwater.engines.warehouse.sql.answers import Column
from headwater.engines.warehouse.sql.binder import Binder
from headwater.engines.warehouse.sql.build import call, literal, native, wire_text
from headwater.engines.warehouse.sql.native import sql as native_sql
from headwater.engines.warehouse.sql.queries import bind_query
from headwater.engines.warehouse.sql.scope import Output
from headwater.engines.warehouse.sql.types import KINDS, UNKNOWN, VARCHAR, SqlType, numeric, parsed

if TYPE_CHECKING:
    from headwater.engines.warehouse.sql.session import Session


class Plan(msgspec.Struct, kw_only=True):
    """A query ready to run. `casts` has DuckDB's type for each column that must be cast, else None."""

    sql: str
    outputs: list[Output]
    casts: list[str | None]
    parameters: list[SqlType]
    used: list[int]
    uses_clock: bool
    cacheable: bool
    relations: frozenset[int] = frozenset()
    finals: dict[tuple[bool, ...], str] = msgspec.field(default_factory=dict)  # writing SQL costs as much as running it

    @property
    def columns(self) -> list[Column]:
        return [Column(output.name, output.type.oid, output.type.typmod, output.type.typlen) for output in self.outputs]

    def stored(self) -> str:
        """The query with its columns cast, for a table to keep."""
        return self._final([False] * len(self.outputs), pads=False) if any(self.casts) else self.sql

    def final(self, text: Sequence[bool]) -> str:
        """The query for a client: its columns cast, chars filled up with blanks, and what is wanted as text made text."""
        form = tuple(text)
        if form not in self.finals:
            self.finals[form] = self._final(form, pads=True)
        return self.finals[form]

    def _final(self, text: Sequence[bool], *, pads: bool) -> str:
        names = [f"c{index}" for index in range(len(self.outputs))]
        columns = [
            exp.alias_(self.shown(exp.column(name), index, as_text=as_text, pads=pads), name)
            for index, (name, as_text) in enumerate(zip(names, text, strict=True))
        ]
        chosen = ", ".join(native_sql(column) for column in columns)
        return f"SELECT {chosen} FROM ({self.sql}) AS q({', '.join(names)})"

    def shown(self, node: exp.Expr, index: int, *, as_text: bool, pads: bool) -> exp.Expr:
        wanted = self.casts[index]
        value: exp.Expr = exp.Cast(this=node, to=native(wanted)) if wanted else node
        kind = self.outputs[index].type
        if pads and kind.name == "character" and kind.length:
            value = call("hw_pad", value, literal(kind.length))
        return wire_text(value, self.outputs[index].type) if as_text else value


def plan_query(session: "Session", query: exp.Expr, parameters: Sequence[SqlType | None]) -> Plan:
    binder = Binder(session, parameters)
    node, outputs = bind_query(binder, query, None)
    return settled(session, binder, binder.text(node), outputs)


def settled(session: "Session", binder: Binder, sql: str, outputs: Sequence[Output]) -> Plan:
    used = sorted(used_parameters(sql, len(binder.parameters)))
    described = session.native_columns(sql, used)
    known, casts = [], []
    for output, kind in zip(outputs, described, strict=True):
        said = announced(output.type, kind)
        known.append(Output(output.name, said))
        casts.append(None if kind == said.duckdb.replace(", ", ",") else said.duckdb)
    return Plan(
        sql=sql,
        outputs=known,
        casts=casts,
        parameters=[kind or VARCHAR for kind in binder.parameters],
        used=used,
        uses_clock=binder.uses_clock,
        cacheable=binder.cacheable,
        relations=frozenset(binder.relations),
    )


def announced(kind: SqlType, actual: str) -> SqlType:
    """The type that a client is told: the binder's, made definite."""
    if kind == UNKNOWN:
        return VARCHAR
    if kind.name == "numeric" and not kind.length:
        found = parsed(actual)
        return found if found.name == "numeric" else numeric(38, 0)
    return kind


def used_parameters(sql: str, count: int) -> list[int]:
    return [index for index in range(1, count + 1) if mentions(sql, index)]


def mentions(sql: str, index: int) -> bool:
    mark = f"${index}"
    start = sql.find(mark)
    while start >= 0:
        if not sql[start + len(mark) : start + len(mark) + 1].isdigit():
            return True
        start = sql.find(mark, start + 1)
    return False


BY_OID: Final = {oid: SqlType(name) for name, (oid, _length, _native) in KINDS.items()}


def parameter_type(oid: int) -> SqlType | None:
    """The type that a client has declared. Drivers declare every string as text, so text is as good as nothing."""
    kind = BY_OID.get(oid)
    if kind is None or kind.is_text:
        return None
    return SqlType("numeric", 38, 10) if kind.name == "numeric" else kind
