"""What happened to a resource, as DescribeEvents shows it. Kept for 14 days of the Clock, as AWS does, and no more than a bound."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from headwater.kernel.permissions import requires

from .paging import page
from .records import EVENTS, Cluster, Event, Instance

if TYPE_CHECKING:
    from headwater.kernel.context import Context
    from headwater.kernel.store import Transaction

RETENTION: Final = timedelta(days=14)
EVENTS_MAX: Final = 1000
SHOWN: Final = timedelta(minutes=60)
MESSAGE_MAX: Final = 2000


class Happened(NamedTuple):
    message: str
    category: str


def event(ctx: Context, tx: Transaction, resource: Instance | Cluster, happened: Happened) -> None:
    """Remember it, and forget what is too old."""
    now = ctx.clock.now()
    known = ctx.store.scan(EVENTS, resource.account, resource.region)
    for old in known[: max(0, len(known) - EVENTS_MAX)] + [each for each in known if each.at < now - RETENTION]:
        tx.delete(EVENTS, *EVENTS.key(old))
    tx.put(
        EVENTS,
        Event(
            account=resource.account,
            region=resource.region,
            at=now,
            number=ctx.new_id(),
            source=resource.name,
            source_type="db-cluster" if isinstance(resource, Cluster) else "db-instance",
            source_arn=resource.arn,
            message=happened.message[:MESSAGE_MAX],
            categories=[happened.category],
        ),
    )


def describe(event: Event) -> dict[str, Any]:
    return {
        "SourceIdentifier": event.source,
        "SourceType": event.source_type,
        "Message": event.message,
        "EventCategories": event.categories,
        "Date": event.at,
        "SourceArn": event.source_arn,
    }


@requires("rds:DescribeEvents")
async def describe_events(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    now: datetime = ctx.clock.now()
    end = request.get("EndTime", now)
    start = request.get("StartTime", end - timedelta(minutes=request["Duration"]) if "Duration" in request else end - SHOWN)
    found = [each for each in ctx.store.scan(EVENTS, ctx.account, ctx.region) if start <= each.at <= end]
    if "SourceIdentifier" in request:
        found = [each for each in found if each.source == request["SourceIdentifier"].lower()]
    if "SourceType" in request:
        found = [each for each in found if each.source_type == request["SourceType"]]
    if wanted := set(request.get("EventCategories", [])):
        found = [each for each in found if wanted & set(each.categories)]
    shown, marker = page(found, request, key=lambda each: f"{each.at.isoformat()}{each.number}")
    return {"Events": [describe(each) for each in shown], "Marker": marker}
