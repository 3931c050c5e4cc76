"""Which facts become which metrics of AWS's own, and the room's gauge, open as long as the house is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.kernel.context import Context

from . import SERVICE, events_metrics, firehose_metrics, lambda_metrics, rds_metrics
from .gauging import Gauge

if TYPE_CHECKING:
    from headwater.kernel.home import Home

SOURCES = {
    "lambda/run": lambda_metrics.of_run,
    "lambda/throttle": lambda_metrics.of_throttle,
    "events/put": events_metrics.of_put,
    "events/triggered": events_metrics.of_triggered,
    "events/attempted": events_metrics.of_attempted,
    "events/buried": events_metrics.of_buried,
    "firehose/taken": firehose_metrics.of_taken,
    "firehose/delivered": firehose_metrics.of_delivered,
    "firehose/refused": firehose_metrics.of_refused,
    "rds/found": rds_metrics.of_found,
}


def gauge_of(home: Home) -> Gauge:
    found: Gauge | None = home.rooms.get("cloudwatch")
    if found is None:
        found = home.rooms["cloudwatch"] = Gauge(home, SOURCES)
    return found


@SERVICE.starts
async def _listen(home: Home) -> None:
    gauge_of(home)


@SERVICE.stops
async def _write(home: Home) -> None:
    home.bus.deliver()
    await gauge_of(home).write()


async def _settled(ctx: Context, *namespaces: str) -> None:
    """What was measured until now can be read."""
    await gauge_of(ctx.home).settle(ctx.account, ctx.region, namespaces)
