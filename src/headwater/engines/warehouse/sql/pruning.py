"""Which conditions of a WHERE an external table may use to leave partitions unread."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sqlglot import exp

from headwater.engines.warehouse.sql.scope import Scope

if TYPE_CHECKING:
    from headwater.engines.warehouse.sql.binder import Binder


def conjuncts(node: exp.Expr) -> Iterator[exp.Expr]:
    if isinstance(node, exp.And):
        yield from conjuncts(node.this)
        yield from conjuncts(node.expression)
    elif isinstance(node, exp.Paren):
        yield from conjuncts(node.this)
    else:
        yield node


def restrict_scans(b: "Binder", scope: Scope, condition: exp.Expr) -> None:
    """Hand each condition that speaks of one external table alone to that table's scan."""
    if not b.scans:
        return
    here = {source.alias for source in scope.sources}
    for part in conjuncts(condition):
        columns = list(part.find_all(exp.Column))
        tables = {column.table for column in columns}
        if len(tables) != 1 or part.find(exp.Query) or part.find(exp.Parameter):
            continue
        (alias,) = tables
        scan = b.scans.get(alias)
        if scan is None or alias not in here:
            continue
        bare = part.copy()
        for column in bare.find_all(exp.Column):
            column.set("table", None)
        scan.restrict(bare, [column.name for column in columns])
