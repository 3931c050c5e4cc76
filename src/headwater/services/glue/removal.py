"""Removing a table: everything that hangs on it goes in the same transaction. What there is must be read before, since reading waits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

from .model import CatalogPartition, CatalogTable, partitions, tables, versions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headwater.kernel.context import Context
    from headwater.kernel.store import Transaction

PAGE: Final = 1000


class Removal:
    """Tables that are to go, with their versions and partitions."""

    def __init__(self, going: Sequence[CatalogTable], archived: list[CatalogTable], parts: list[CatalogPartition]) -> None:
        self._going = going
        self._archived = archived
        self._parts = parts

    @classmethod
    async def of(cls, ctx: Context, going: Sequence[CatalogTable]) -> Self:
        archived: list[CatalogTable] = []
        parts: list[CatalogPartition] = []
        for table in going:
            place = (table.account, table.region, table.database, table.name)
            after: str | None = None
            while found := await ctx.store.range(versions, *place, after=after, limit=PAGE):
                archived += found
                after = f"{found[-1].version:010d}"
        for table in going:  # memory, and nothing awaits from here to the transaction
            parts += ctx.store.scan(partitions, table.account, table.region, table.database, table.name)
        return cls(going, archived, parts)

    def write(self, tx: Transaction) -> None:
        for part in self._parts:
            tx.delete(partitions, *partitions.key(part))
        for version in self._archived:
            tx.delete(versions, *versions.key(version))
        for table in self._going:
            tx.delete(tables, *tables.key(table))
