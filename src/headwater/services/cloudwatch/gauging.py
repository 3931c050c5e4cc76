"""The metrics that AWS itself publishes: facts of other rooms, gathered by the minute and written when one is over.

A fact is what happened in a room's own words, told on the Bus; a module for each source says which readings it means. Readings of a minute
become one row a metric, so that a busy function costs a few additions a run and one row a minute. Whoever asks for metrics gets what
was gathered until then. A crash loses the readings of the last minute: AWS publishes these as best it can, too.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec

from .model import MINUTE_S, Datum, Dimensions

if TYPE_CHECKING:
    from headwater.kernel.home import Home

WRITE_AFTER_S: Final = 60.0
AT_ONCE_MAX: Final = 500
"""Many thousand metrics of one minute must not stop everybody else while they are written."""
WANTED: Final = "metric/wanted"
"""Told when somebody asks for a namespace's metrics: who has something to measure measures it now, and tells."""


class Reading(msgspec.Struct, frozen=True, gc=False):
    namespace: str
    name: str
    dimensions: Dimensions
    value: float
    unit: str


_Place = tuple[str, str, int]  # (account, region, the minute)
_What = tuple[str, str, Dimensions, str]


class Gauge:
    """What has been read and is not written yet."""

    def __init__(self, home: Home, sources: Mapping[str, Callable[[dict[str, Any]], Iterable[Reading]]]) -> None:
        self._home = home
        self._sources = sources
        self._gathered: dict[_Place, dict[_What, dict[float, float]]] = {}
        self._timer: asyncio.TimerHandle | None = None
        home.bus.subscribe("metric", self._hear)

    def _hear(self, facts: list[dict[str, Any]]) -> None:
        for fact in facts:
            source = self._sources.get(fact["of"])
            if source is not None:
                self._add(fact["account"], fact["region"], fact["at"], source(fact))
        if self._gathered and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(WRITE_AFTER_S, self._write_soon)

    def _add(self, account: str, region: str, at: datetime, readings: Iterable[Reading]) -> None:
        at_s = int(at.timestamp())
        minute = self._gathered.setdefault((account, region, at_s - at_s % MINUTE_S), {})
        for reading in readings:
            what = (reading.namespace, reading.name, reading.dimensions, reading.unit)
            counts = minute.get(what)
            if counts is None:
                counts = minute[what] = defaultdict(float)
            counts[reading.value] += 1

    def _write_soon(self) -> None:
        self._home.tasks.create_task(self.write(), name="write metrics")

    async def write(self) -> None:
        """Write what has gathered."""
        from .keeping import Samples

        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        gathered, self._gathered = self._gathered, {}
        for (account, region, at_s), minute in gathered.items():
            ctx = self._home.context(account=account, region=region, service="cloudwatch")
            data = [_datum(at_s, what, counts) for what, counts in minute.items()]
            for start in range(0, len(data), AT_ONCE_MAX):
                await Samples(ctx).keep(data[start : start + AT_ONCE_MAX])

    async def settle(self, account: str, region: str, namespaces: Iterable[str]) -> None:
        """Before metrics are read: what was told is here, and what must be measured first is."""
        for namespace in set(namespaces):
            self._home.bus.publish(WANTED, {"namespace": namespace, "account": account, "region": region})
        self._home.bus.deliver()  # the question
        self._home.bus.deliver()  # the answers
        if self._gathered:
            await self.write()


def _datum(at_s: int, what: _What, counts: dict[float, float]) -> Datum:
    namespace, name, dimensions, unit = what
    total = sum(value * count for value, count in counts.items())
    return Datum(
        namespace, name, dimensions, at_s, unit, sum(counts.values()), total, min(counts), max(counts), list(counts), list(counts.values())
    )
