"""What happened to a resource, as DescribeEvents shows it and EventBridge is told it.

Kept for 14 days of the Clock, as AWS does, and no more than a bound.
Source: "Monitoring Amazon RDS events" and "Amazon RDS event categories and event messages" of the user guide.
"""

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
TOPIC: Final = "event"
"""Of the Bus: what every room tells EventBridge."""
KINDS: Final = {"db-instance": ("RDS DB Instance Event", "DB_INSTANCE"), "db-cluster": ("RDS DB Cluster Event", "CLUSTER")}
EVENT_IDS: Final = {
    "DB instance created": "RDS-EVENT-0005",
    "DB instance deleted": "RDS-EVENT-0003",
    "DB instance restarted": "RDS-EVENT-0006",
    "DB instance stopped": "RDS-EVENT-0087",
    "DB instance started": "RDS-EVENT-0088",
    "DB cluster created": "RDS-EVENT-0170",
    "DB cluster deleted": "RDS-EVENT-0171",
    "DB cluster stopped": "RDS-EVENT-0150",
    "DB cluster started": "RDS-EVENT-0151",
}
"""Of those messages that are AWS's own; what only happens here has no number there."""


class Happened(NamedTuple):
    message: str
    category: str


def event(ctx: Context, tx: Transaction, resource: Instance | Cluster, happened: Happened) -> None:
    """Remember it, and forget what is too old. The Bus delivers later than `tx` ends."""
    now = ctx.clock.now()
    known = ctx.store.scan(EVENTS, resource.account, resource.region)
    for old in known[: max(0, len(known) - EVENTS_MAX)] + [each for each in known if each.at < now - RETENTION]:
        tx.delete(EVENTS, *EVENTS.key(old))
    new = Event(
        account=resource.account,
        region=resource.region,
        at=now,
        number=ctx.new_id(),
        source=resource.name,
        source_type="db-cluster" if isinstance(resource, Cluster) else "db-instance",
        source_arn=resource.arn,
        message=happened.message[:MESSAGE_MAX],
        categories=[happened.category],
    )
    tx.put(EVENTS, new)
    ctx.bus.publish(TOPIC, bridged(new, resource.tags))


def bridged(event: Event, tags: dict[str, str]) -> dict[str, Any]:
    """As EventBridge gets it."""
    detail_type, source_type = KINDS[event.source_type]
    detail = {
        "EventCategories": event.categories,
        "SourceType": source_type,
        "SourceArn": event.source_arn,
        "Date": f"{event.at:%Y-%m-%dT%H:%M:%S}.{event.at.microsecond // 1000:03}Z",
        "Message": event.message,
        "SourceIdentifier": event.source,
        "Tags": tags,
    }
    if event.message in EVENT_IDS:
        detail["EventID"] = EVENT_IDS[event.message]
    return {
        "source": "aws.rds",
        "detail-type": detail_type,
        "account": event.account,
        "region": event.region,
        "time": f"{event.at:%Y-%m-%dT%H:%M:%SZ}",
        "resources": [event.source_arn],
        "detail": detail,
    }


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
