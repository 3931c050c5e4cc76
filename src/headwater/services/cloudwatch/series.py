"""Lines of numbers over time: a metric's statistic by period, read from its samples.

Periods begin at the start that was asked for, itself rounded down: to the minute for what is less than 15 days old, to five minutes
up to 63 days, then to the hour. What a period is too fine for, at its age, is not told. Source: GetMetricData of the API reference.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Final

import msgspec

from headwater.kernel.context import Context

from .keeping import Samples, finest_s
from .model import DAY_S, HOUR_S, METRICS, MINUTE_S, Dimensions, metric_id
from .statistics import Bucket, statistic

Series = dict[int, float]
"""Values by the beginning of their period, in epoch seconds, in order of time."""

FINE: Final = (1, 5, 10, 20, 30)


class Wanted(msgspec.Struct, frozen=True):
    """One statistic of one metric."""

    namespace: str
    name: str
    dimensions: Dimensions
    stat: str
    period_s: int
    unit: str | None = None

    @property
    def metric(self) -> str:
        return metric_id(self.namespace, self.name, self.dimensions)


class Window(msgspec.Struct, frozen=True):
    """[low, high) in epoch seconds; `now_s` says how old that is."""

    low_s: int
    high_s: int
    now_s: int


def window(start: datetime, end: datetime, period_s: int, now: datetime) -> Window:
    age_s = (now - start).total_seconds()
    if period_s < MINUTE_S:
        step = period_s
    else:
        step = HOUR_S if age_s >= 63 * DAY_S else 5 * MINUTE_S if age_s >= 15 * DAY_S else MINUTE_S
    low_s = int(start.timestamp())
    return Window(low_s - low_s % step, _up(end), int(now.timestamp()))


def _up(moment: datetime) -> int:
    whole = int(moment.timestamp())
    return whole + 1 if moment.microsecond else whole


class Line:
    """Buckets by unit, then by period."""

    __slots__ = ("_ctx", "_metric", "_period_s", "units")

    def __init__(self, ctx: Context, metric: str, period_s: int) -> None:
        self._ctx = ctx
        self._metric = metric
        self._period_s = period_s
        self.units: dict[str, dict[int, Bucket]] = defaultdict(dict)

    async def read(self, span: Window, unit: str | None) -> None:
        known = self._ctx.store.get(METRICS, self._ctx.account, self._ctx.region, self._metric)
        if known is None:
            return
        period_s, low_s, units = self._period_s, span.low_s, self.units
        async for rows in Samples(self._ctx).read(self._metric, low_s, span.high_s):
            if not rows:
                continue
            finest = finest_s(span.now_s - rows[0].at_s)
            is_told = [finest and period_s % finest == 0] if finest == finest_s(span.now_s - rows[-1].at_s) else None
            for row in rows:
                if (unit is not None and row.unit != unit) or not (is_told[0] if is_told else self._is_told(span, row.at_s)):
                    continue
                at_s = low_s + (row.at_s - low_s) // period_s * period_s
                buckets = units[row.unit]
                bucket = buckets.get(at_s)
                if bucket is None:
                    bucket = buckets[at_s] = Bucket()
                bucket.add(row)

    def _is_told(self, span: Window, at_s: int) -> bool:
        finest = finest_s(span.now_s - at_s)
        return finest != 0 and self._period_s % finest == 0

    def chosen(self) -> str | None:
        """Where samples have several units and none was asked for, AWS tells the first by name (recorded: different_units)."""
        return min(self.units, default=None)

    def series(self, stat: str, unit: str | None) -> Series:
        work = statistic(stat)
        found = {at_s: work(bucket) for at_s, bucket in sorted(self.units.get(unit or "", {}).items())}
        return {at_s: value for at_s, value in found.items() if value is not None}
