"""How samples are kept, read back and, by AWS's table of retention, forgotten: the only module that touches their table.

1-second samples are there for three hours, 1-minute for 15 days, 5-minute for 63 and 1-hour for 455: once a day what is older is
rolled up into the next coarser rows. A question about an old time at a fine period finds nothing, whether or not that has run.
Source: "Metrics retention" of the CloudWatch concepts page.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import uuid4

import msgspec

from headwater.kernel.context import Context
from headwater.kernel.jobs import Job, handles

from .model import DAY_S, HOUR_S, METRICS, MINUTE_S, SAMPLES, Datum, Metric, Sample, metric_id, place
from .streaming import STREAMED, kept_for_streams

ROWS: Final = 1000
ACTIVE_EVERY_S: Final = 900
GONE_S: Final = 455 * DAY_S
BANDS: Final = ((63 * DAY_S, HOUR_S), (15 * DAY_S, 5 * MINUTE_S), (3 * HOUR_S, MINUTE_S))
"""From this age on, samples are no finer than so many seconds; the oldest band first."""


class Rollup(Job, frozen=True, kw_only=True, tag="cloudwatch/rollup/1"):
    """Once a day, for the metrics of an account in a region. `last_s`: when it was done before."""

    last_s: int


class Samples:
    """The samples of an account in a region."""

    __slots__ = ("_ctx",)

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    async def keep(self, data: Iterable[Datum]) -> None:
        """Append the data, durably when this returns."""
        ctx = self._ctx
        now_s = int(ctx.clock.now().timestamp())
        known: dict[str, Metric] = {}
        samples = []
        is_first = not ctx.store.scan(METRICS, ctx.account, ctx.region)
        data = list(data)
        for datum in data:
            identity = metric_id(datum.namespace, datum.name, datum.dimensions)
            metric = known.get(identity) or ctx.store.get(METRICS, ctx.account, ctx.region, identity)
            if metric is None or (metric.active_s + ACTIVE_EVERY_S <= datum.at_s and metric.active_s + ACTIVE_EVERY_S <= now_s):
                known[identity] = _of(ctx, identity, datum, now_s)
            samples.append(_sample(ctx, identity, datum))
        streamed = list(kept_for_streams(ctx, data))
        async with ctx.store.transaction() as tx:
            for metric in known.values():
                tx.put(METRICS, metric)
            for sample in samples:
                tx.put(SAMPLES, sample)
            for row, due in streamed:
                tx.put(STREAMED, row)
                tx.owe(due)
            if is_first and samples:
                tx.owe(_due(ctx.account, ctx.region, now_s, now_s))

    async def read(self, metric: str, low_s: int, high_s: int) -> AsyncIterator[list[Sample]]:
        """The metric's samples of [low, high), in order of time, a page at a time."""
        after: str | None = place(low_s)
        while True:
            rows = await self._ctx.store.range(SAMPLES, self._ctx.account, self._ctx.region, metric, after=after, limit=ROWS)
            if rows and rows[-1].at_s < high_s:
                yield rows
                if len(rows) == ROWS:
                    after = rows[-1].place
                    continue
                return
            yield [row for row in rows if row.at_s < high_s]
            return


def _of(ctx: Context, identity: str, datum: Datum, now_s: int) -> Metric:
    return Metric(
        account=ctx.account,
        region=ctx.region,
        id=identity,
        namespace=datum.namespace,
        name=datum.name,
        dimensions=datum.dimensions,
        active_s=min(datum.at_s, now_s),
    )


def _sample(ctx: Context, identity: str, datum: Datum) -> Sample:
    return Sample(
        account=ctx.account,
        region=ctx.region,
        metric=identity,
        at_s=datum.at_s,
        number=uuid4().hex,
        unit=datum.unit,
        count=datum.count,
        sum=datum.sum,
        minimum=datum.minimum,
        maximum=datum.maximum,
        values=datum.values,
        counts=datum.counts,
        resolution=datum.resolution,
    )


def finest_s(age_s: float) -> int:
    """The finest period at which samples of that age are still told; 0 where they are gone."""
    if age_s >= GONE_S:
        return 0
    return next((period for age, period in BANDS if age_s >= age), 1)


# Forgetting.


def _due(account: str, region: str, last_s: int, now_s: int) -> Rollup:
    at = datetime.fromtimestamp(now_s, UTC) + timedelta(days=1)
    return Rollup(account=account, region=region, subject="metrics", at=at, last_s=last_s)


@handles(Rollup, timeout=timedelta(hours=1))
async def _roll_up(ctx: Context, due: Rollup) -> None:
    """What has grown old since the last time becomes coarser, or goes; a metric without samples goes too."""
    now_s = int(ctx.clock.now().timestamp())
    for metric in ctx.store.scan(METRICS, ctx.account, ctx.region):
        await _forget(ctx, metric, now_s - GONE_S)
        for age_s, period_s in BANDS:
            await _coarsen(ctx, metric.id, max(due.last_s - age_s, now_s - GONE_S), now_s - age_s, period_s)
    async with ctx.store.transaction() as tx:
        if ctx.store.scan(METRICS, ctx.account, ctx.region):
            tx.owe(_due(ctx.account, ctx.region, now_s, now_s))


async def _forget(ctx: Context, metric: Metric, before_s: int) -> None:
    async for rows in Samples(ctx).read(metric.id, 0, before_s):
        async with ctx.store.transaction() as tx:
            for row in rows:
                if row.at_s < before_s:
                    tx.delete(SAMPLES, *SAMPLES.key(row))
    if metric.active_s < before_s:
        async with ctx.store.transaction() as tx:
            tx.delete(METRICS, *METRICS.key(metric))


async def _coarsen(ctx: Context, metric: str, low_s: int, high_s: int, period_s: int) -> None:
    low_s, high_s = low_s - low_s % period_s, high_s - high_s % period_s
    if low_s >= high_s:
        return
    async for rows in Samples(ctx).read(metric, low_s, high_s):
        together: dict[tuple[int, str, bool], list[Sample]] = defaultdict(list)
        for row in rows:
            if row.resolution < period_s and row.at_s < high_s:
                together[row.at_s - row.at_s % period_s, row.unit, bool(row.values)].append(row)
        async with ctx.store.transaction() as tx:
            for (at_s, _, _), samples in together.items():
                for sample in samples:
                    tx.delete(SAMPLES, *SAMPLES.key(sample))
                tx.put(SAMPLES, _merged(samples, at_s, period_s))


def _merged(samples: list[Sample], at_s: int, period_s: int) -> Sample:
    """One sample for several: those with values and those that hide them are not mixed, so that percentiles stay what they were."""
    counts: dict[float, float] = defaultdict(float)
    for sample in samples:
        for value, count in zip(sample.values, sample.counts, strict=True):
            counts[value] += count
    return msgspec.structs.replace(
        samples[0],
        at_s=at_s,
        count=sum(sample.count for sample in samples),
        sum=sum(sample.sum for sample in samples),
        minimum=min(sample.minimum for sample in samples),
        maximum=max(sample.maximum for sample in samples),
        values=list(counts),
        counts=list(counts.values()),
        resolution=period_s,
    )
