"""Events that were put go on to who watches their group: at least once, each batch a job owed in the transaction that stores it.

A batch is read again when its job runs, so that a job holds no event; a destination that refuses is tried again for a day, as on AWS.
"""

from __future__ import annotations

import base64
import gzip
from collections import defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from headwater.aws.faults import Fault
from headwater.kernel.jobs import Job, handles

from .filters import METRIC_FILTERS, SUBSCRIPTIONS, MetricFilter, Subscription, metric_filters_of, subscriptions_of
from .model import BATCHES, Batch, LogStream, Position, batch_key
from .patterns import compiled, extractor, property_of

if TYPE_CHECKING:
    from headwater.kernel.context import Context

ATTEMPTS_MAX: Final = 290
"""With waits that grow to five minutes: a day."""
DATA_PER_PUT: Final = 500
CONTROL: Final = "CWL CONTROL MESSAGE: Checking health of destination "


class ForwardDue(Job, frozen=True, kw_only=True, tag="logs/forward-due/1"):
    """A batch for a subscription. `subject` names both."""

    group: str
    filter: str
    stream: str
    stream_id: str
    place: str


class MeasureDue(Job, frozen=True, kw_only=True, tag="logs/measure-due/1"):
    """A batch for the metric filters of its group."""

    group: str
    stream_id: str
    place: str


def owed_for(ctx: Context, stream: LogStream, batch: Batch) -> list[Job]:
    """What a new batch owes to who watches its group; nothing, where nobody does."""
    place = batch_key(batch.first_ms, batch.number)
    now = ctx.clock.now()
    owed: list[Job] = [
        ForwardDue(
            account=stream.account,
            region=stream.region,
            subject=f"{subscription.name}/{stream.id}/{place}",
            at=now,
            group=stream.group,
            filter=subscription.name,
            stream=stream.name,
            stream_id=stream.id,
            place=place,
        )
        for subscription in subscriptions_of(ctx, stream.group)
    ]
    if metric_filters_of(ctx, stream.group):
        owed.append(
            MeasureDue(
                account=stream.account,
                region=stream.region,
                subject=f"{stream.id}/{place}",
                at=now,
                group=stream.group,
                stream_id=stream.id,
                place=place,
            )
        )
    return owed


@handles(ForwardDue, attempts_max=ATTEMPTS_MAX)
async def _forward(ctx: Context, due: ForwardDue) -> None:
    subscription = ctx.store.get(SUBSCRIPTIONS, due.account, due.region, due.group, due.filter)
    batch = ctx.store.get(BATCHES, due.account, due.region, due.stream_id, due.place)
    if subscription is None or batch is None:
        return
    matches, extract = compiled(subscription.pattern), extractor(subscription.pattern)
    events = []
    for index, (at_ms, message) in enumerate(batch.events):
        if matches(message):
            event: dict[str, Any] = {"id": str(Position(at_ms, batch.number, index)), "timestamp": at_ms, "message": message}
            found = extract(message) if subscription.pattern.lstrip().startswith("[") else {}
            if found:
                event["extractedFields"] = {name.removeprefix("$"): value for name, value in found.items()}
            events.append(event)
    if events:
        content = {
            "messageType": "DATA_MESSAGE",
            "owner": due.account,
            "logGroup": due.group,
            "logStream": due.stream,
            "subscriptionFilters": [subscription.name],
            "logEvents": events,
        }
        route = route_of(ctx, subscription)
        if route is not None:
            await Destination(ctx, route).send(content, due.stream)


def route_of(ctx: Context, subscription: Subscription) -> Route | None:
    """A destination of CloudWatch Logs' own stands for its target. None: there is none any more."""
    from .destinations import destination_at

    source = f"arn:aws:logs:{subscription.region}:{subscription.account}:log-group:{subscription.group}:*"
    if not subscription.destination.startswith("arn:aws:logs:"):
        return Route(subscription.destination, subscription.role, source)
    through = destination_at(ctx.store, subscription.destination)
    return None if through is None else Route(through.target, through.role, source)


class Route(NamedTuple):
    """Where to send, under which role, and for what."""

    destination: str
    role: str | None
    source: str


class Destination:
    """Where a subscription sends to."""

    def __init__(self, ctx: Context, route: Route) -> None:
        self._ctx = ctx
        self._route = route
        self.vendor = route.destination.split(":")[2]

    async def send(self, content: dict[str, Any], key: str) -> None:
        data = gzip.compress(msgspec.json.encode(content), 6, mtime=0)
        if self.vendor == "lambda":
            await self.invoke("Event", msgspec.json.encode({"awslogs": {"data": base64.b64encode(data).decode()}}))
            return
        client = self._ctx.client(
            self.vendor,
            role=self._route.role,
            session_name="logs",
            source_arn=self._route.source,
            region=self._route.destination.split(":")[3],
        )
        name = self._route.destination.rpartition("/")[2]
        if self.vendor == "firehose":
            await client.put_record(DeliveryStreamName=name, Record={"Data": data})
        else:
            await client.put_record(StreamName=name, PartitionKey=key, Data=data)

    async def invoke(self, kind: str, payload: bytes) -> None:
        """Under either name by which policies know the service: the region's, or the one of all regions."""
        for principal in (f"logs.{self._ctx.region}", "logs"):
            functions = self._ctx.client("lambda", service_principal=principal, source_arn=self._route.source)
            try:
                await functions.invoke(FunctionName=self._route.destination, InvocationType=kind, Payload=payload)
            except Fault as refusal:
                if principal == "logs" or refusal.code != "AccessDeniedException":
                    raise
            else:
                return

    async def check(self) -> None:
        """The first message: that the destination lets us. A function is only asked, others get a message of their own."""
        if self.vendor == "lambda":
            await self.invoke("DryRun", b"{}")
            return
        event = {
            "id": "",
            "timestamp": int(self._ctx.clock.now().timestamp() * 1000),
            "message": f"{CONTROL}{self.vendor.capitalize()}.",
        }
        content = {
            "messageType": "CONTROL_MESSAGE",
            "owner": "CloudwatchLogs",
            "logGroup": "",
            "logStream": "",
            "subscriptionFilters": [],
            "logEvents": [event],
        }
        await self.send(content, "control")


@handles(MeasureDue, attempts_max=5)
async def _measure(ctx: Context, due: MeasureDue) -> None:
    batch = ctx.store.get(BATCHES, due.account, due.region, due.stream_id, due.place)
    if batch is None:
        return
    by_namespace: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for metric_filter in ctx.store.scan(METRIC_FILTERS, due.account, due.region, due.group):
        by_namespace[metric_filter.transformation["metricNamespace"]] += _data(metric_filter, batch)
    metrics = ctx.client("cloudwatch", service_principal="logs")
    for namespace, data in by_namespace.items():
        for start in range(0, len(data), DATA_PER_PUT):
            await metrics.put_metric_data(Namespace=namespace, MetricData=data[start : start + DATA_PER_PUT])


def _data(metric_filter: MetricFilter, batch: Batch) -> list[dict[str, Any]]:
    """What a filter makes of a batch; its default value where nothing in a minute is meant."""
    transformation = metric_filter.transformation
    matches, extract = compiled(metric_filter.pattern), extractor(metric_filter.pattern)
    datum: dict[str, Any] = {"MetricName": transformation["metricName"], "Unit": transformation.get("unit", "None")}
    data: list[dict[str, Any]] = []
    silent: dict[int, datetime] = {}
    loud: set[int] = set()
    for at_ms, message in batch.events:
        at, minute = datetime.fromtimestamp(at_ms / 1000, UTC), at_ms // 60_000
        if not matches(message):
            silent.setdefault(minute, at)
            continue
        loud.add(minute)
        found = extract(message)
        value = _value(transformation["metricValue"], message, found)
        if value is not None:
            dimensions = _dimensions(transformation.get("dimensions", {}), message, found)
            data.append(datum | {"Timestamp": at, "Value": value} | ({"Dimensions": dimensions} if dimensions else {}))
    default = transformation.get("defaultValue")
    if default is not None:
        data += [datum | {"Timestamp": at, "Value": default} for minute, at in silent.items() if minute not in loud]
    return data


def _value(text: str, message: str, found: dict[str, str]) -> float | None:
    said = _selected(text, message, found) if text.startswith("$") else text
    try:
        return None if said is None else float(said)
    except ValueError:
        return None  # AWS passes over a value that is no number


def _selected(selector: str, message: str, found: dict[str, str]) -> str | None:
    return property_of(message, selector) if selector.startswith("$.") else found.get(selector)


def _dimensions(wanted: dict[str, str], message: str, found: dict[str, str]) -> list[dict[str, str]]:
    values = {name: _selected(selector, message, found) for name, selector in wanted.items()}
    return [{"Name": name, "Value": value} for name, value in values.items() if value]
