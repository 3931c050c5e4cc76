"""VALUES of nothing but literals, however many: written down as they stand, and converted column by column afterwards.

Programs insert thousands of rows in one statement; bound cell by cell that takes a hundred times as long as the insert. A
column whose literals are not all of one kind goes the long way (`dml.insertable`).
"""

from collections.abc import Sequence

from sqlglot import exp

from headwater.engines.warehouse.sql.catalog import CatalogColumn, text
from headwater.engines.warehouse.sql.scope import Output
from headwater.engines.warehouse.sql.types import BIGINT, BOOLEAN, DOUBLE, INTEGER, UNKNOWN, SqlType, common, numeric

INTEGER_MAX = 2**31 - 1
BIGINT_MAX = 2**63 - 1
DIGITS_MAX = 30


def plain_values(query: exp.Values, targets: Sequence[CatalogColumn]) -> tuple[exp.Expr, list[Output]] | None:
    """The rows as one piece of SQL, and the types of their columns; None when they are more than plain literals."""
    width = len(query.expressions[0].expressions)
    if not 0 < width <= len(targets):
        return None
    kinds: list[SqlType | None] = [None] * width
    lines = []
    for row in query.expressions:
        if not isinstance(row, exp.Tuple) or len(row.expressions) != width:
            return None
        cells = []
        for index, cell in enumerate(row.expressions):
            found = plain(cell)
            if found is None:
                return None
            written, kind = found
            cells.append(written)
            if kind is not None and kind is not kinds[index]:
                together = kind if kinds[index] is None else united(kinds[index] or kind, kind)
                if together is None:
                    return None
                kinds[index] = together
        lines.append(f"({', '.join(cells)})")
    if any(column.type.is_text and kind not in (None, UNKNOWN) for column, kind in zip(targets, kinds, strict=False)):
        return None  # a number as text keeps the digits that it was written with
    outputs = [Output(f"column{index}", kind or UNKNOWN) for index, kind in enumerate(kinds, 1)]
    return exp.Var(this=f"VALUES {', '.join(lines)}"), outputs


def united(left: SqlType, right: SqlType) -> SqlType | None:
    """The type of a column that holds both; None where text would meet something else."""
    if left == right:
        return left
    return common(left, right) if left.is_number and right.is_number else None


def plain(cell: exp.Expr) -> tuple[str, SqlType | None] | None:
    """A literal as DuckDB reads it, and its type (None: NULL)."""
    if isinstance(cell, exp.Literal):
        return (text(cell.name), UNKNOWN) if cell.is_string else number(cell.name)
    if isinstance(cell, exp.Null):
        return "NULL", None
    if isinstance(cell, exp.Boolean):
        return str(cell.this), BOOLEAN
    if isinstance(cell, exp.Neg) and isinstance(cell.this, exp.Literal) and not cell.this.is_string:
        found = number(cell.this.name)
        return None if found is None else (f"-{found[0]}", found[1])
    return None


def number(written: str) -> tuple[str, SqlType] | None:
    if written.isdigit():
        size = int(written)
        return None if size > BIGINT_MAX else (written, INTEGER if size <= INTEGER_MAX else BIGINT)
    if "e" in written.lower():
        return f"{written}::DOUBLE", DOUBLE
    whole, _, fraction = written.partition(".")
    digits = len(whole.lstrip("0")) + len(fraction)
    return None if digits > DIGITS_MAX else (written, numeric(max(digits, 1), len(fraction)))
