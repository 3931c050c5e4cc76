"""A query of Insights at work: the events of its groups into an Arrow table, and DuckDB over it, all in a thread of the pool of engines.

Nothing of DuckDB or Arrow is imported before the first query; the loop only carries pages of batches. The connection sees no file
and no network.
"""

from __future__ import annotations

import asyncio
import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec

from .insights_language import Compiled
from .insights_values import Kind
from .model import BATCHES, STREAMS, Batch, LogStream, Position, batch_key

if TYPE_CHECKING:
    from headwater.kernel.context import Context

PAGE: Final = 256
BYTES_MAX: Final = 1 << 30
MEMORY: Final = "1GB"
_EVENTS: Final = 'CREATE VIEW events AS SELECT *, CASE WHEN json_valid("@message") THEN "@message" END AS "@json" FROM raw'


class TooMuch(Exception):
    """More was to be scanned than one query may."""


class Scanned(msgspec.Struct):
    events: int = 0
    bytes: int = 0
    matched: int = 0


class Run:
    """One query. `stop` may be called from the loop while its thread works."""

    def __init__(self, ctx: Context, compiled: Compiled, low_ms: int, high_ms: int) -> None:
        self._ctx = ctx
        self._compiled = compiled
        self._low_ms = low_ms
        self._high_ms = high_ms
        self._tables: list[Any] = []
        self._connection: Any = None
        self.stopped = False
        self.scanned = Scanned()

    async def rows(self, groups: list[str], limit: int) -> list[list[dict[str, str]]]:
        for group in groups:
            for stream in self._ctx.store.scan(STREAMS, self._ctx.account, self._ctx.region, group):
                await self._read(stream)
        rows: list[list[dict[str, str]]] = await self._in_thread(self._query, limit)
        return rows

    async def _in_thread(self, work: Any, *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._ctx.home.pools.engines, work, *arguments)

    async def _read(self, stream: LogStream) -> None:
        if stream.first_ms is None or stream.last_ms is None or stream.last_ms < self._low_ms or stream.first_ms > self._high_ms:
            return
        after = batch_key(self._low_ms - stream.span_ms)
        while not self.stopped:
            rows = await self._ctx.store.range(BATCHES, stream.account, stream.region, stream.id, after=after, limit=PAGE)
            meant = [row for row in rows if row.first_ms <= self._high_ms]
            if meant:
                await self._in_thread(self._add, stream, meant)
            if self.scanned.bytes > BYTES_MAX:
                raise TooMuch
            if len(rows) < PAGE or len(meant) < PAGE:
                return
            after = batch_key(rows[-1].first_ms, rows[-1].number)

    def _add(self, stream: LogStream, batches: list[Batch]) -> None:
        """A page as a table of Arrow."""
        import pyarrow as pa

        low, high = self._low_ms, self._high_ms
        found = [
            (at_ms, batch.ingested_ms, message, str(Position(at_ms, batch.number, index)))
            for batch in batches
            for index, (at_ms, message) in enumerate(batch.events)
            if low <= at_ms <= high
        ]
        if not found:
            return
        times, ingested, messages, pointers = zip(*found, strict=True)
        count = len(found)
        self.scanned.events += count
        self.scanned.bytes += sum(map(len, messages))
        self._tables.append(
            pa.table(
                {
                    "@timestamp": pa.array(times, pa.int64()),
                    "@ingestionTime": pa.array(ingested, pa.int64()),
                    "@message": pa.array(messages, pa.string()),
                    "@logStream": pa.array([stream.name] * count, pa.string()),
                    "@log": pa.array([f"{stream.account}:{stream.group}"] * count, pa.string()),
                    "@ptr": pa.array([f"{stream.id}/{pointer}" for pointer in pointers], pa.string()),
                }
            )
        )

    def _query(self, limit: int) -> list[list[dict[str, str]]]:
        import duckdb
        import pyarrow as pa

        if self.stopped:
            return []
        names = ("@message", "@logStream", "@log", "@ptr")
        schema = pa.schema([("@timestamp", pa.int64()), ("@ingestionTime", pa.int64()), *((name, pa.string()) for name in names)])
        raw = pa.concat_tables(self._tables) if self._tables else schema.empty_table()
        self._tables = []
        settings: dict[str, str | bool | int | float | list[str]] = {
            "threads": 1,
            "memory_limit": MEMORY,
            "enable_external_access": False,
            "autoinstall_known_extensions": False,
        }
        with duckdb.connect(config=settings) as connection:
            self._connection = connection
            connection.register("raw", raw)
            connection.execute(_EVENTS)
            counted = connection.execute(self._compiled.matched_sql).fetchone()
            self.scanned.matched = counted[0] if counted is not None else 0
            found = connection.execute(self._compiled.sql).fetchmany(limit)
            self._connection = None
        return [self._row(row) for row in found]

    def _row(self, row: tuple[Any, ...]) -> list[dict[str, str]]:
        told = [
            {"field": name, "value": spelled(value, kind)}
            for (name, kind), value in zip(self._compiled.shown, row, strict=False)
            if value is not None and name != "@ptr"
        ]
        if self._compiled.is_of_events:
            told.append({"field": "@ptr", "value": str(row[-1])})
        return told

    def stop(self) -> None:
        self.stopped = True
        connection = self._connection
        if connection is not None:
            connection.interrupt()


def spelled(value: Any, kind: Kind) -> str:
    """As Insights shows it: a moment with its milliseconds, a number without needless zeros."""
    if kind == "time":
        at = datetime.fromtimestamp(int(value) / 1000, UTC)
        return f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03d}"
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float) and math.isfinite(value):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else f"{round(value, 4):.15g}"
    return str(value)
