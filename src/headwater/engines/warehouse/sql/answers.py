"""What goes into and comes out of a statement, in PostgreSQL's terms (type OIDs, typmods), whatever the wire."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    import pyarrow as pa


class Parameter(msgspec.Struct, frozen=True):
    """One value for `$n`: the text form, or None for NULL. `oid` 0 (or 705) leaves the type to be inferred."""

    value: bytes | None
    oid: int = 0


class Column(msgspec.Struct, frozen=True):
    """One column of a result, as RowDescription has it. `typlen` is -1 for variable length."""

    name: str
    oid: int
    typmod: int = -1
    typlen: int = -1


class Description(msgspec.Struct, frozen=True):
    """What a prepared statement takes and gives; `columns` is None for a statement without rows."""

    parameter_oids: list[int]
    columns: list[Column] | None


class Result:
    """The answer to one statement. `batches` may be read once, before the next result is asked for.

    The tag of a statement without rows is final at once (`INSERT 0 3`). A SELECT's tag is `SELECT`, as Redshift sends it.
    """

    def __init__(
        self,
        tag: str,
        columns: list[Column] | None = None,
        batches: "Iterator[pa.RecordBatch] | None" = None,
        notices: list[str] | None = None,
    ) -> None:
        self.tag = tag
        self.columns = columns
        self.batches = batches
        self.notices = [] if notices is None else notices
