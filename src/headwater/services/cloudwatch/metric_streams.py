"""Metric streams: what is put of the metrics that a stream wants goes on to Firehose, as JSON, once their minute is over.

The operations; streaming.py carries. Source: "Use metric streams" of the user guide.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec

from headwater.aws.faults import Fault, fault
from headwater.kernel.paging import page_by_name
from headwater.kernel.permissions import requires
from headwater.kernel.store import Record, Table

from .refusals import bad_token, invalid_combination, invalid_value
from .statistics import statistic

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headwater.kernel.context import Context

Parameters = dict[str, Any]

RUNNING: Final = "running"
STOPPED: Final = "stopped"
JSON: Final = "json"
PAGE: Final = 500
ARN: Final = "arn:aws:cloudwatch:{region}:{account}:metric-stream/{Name}"
LISTS: Final = {"IncludeFilters": "include", "ExcludeFilters": "exclude", "StatisticsConfigurations": "statistics"}


class MetricStream(Record, frozen=True, kw_only=True):
    """Filters and statistics are in the API's spelling. `id` is of this stream alone, whatever another of its name has left."""

    account: str
    region: str
    name: str
    id: str
    firehose: str
    role: str
    output: str
    state: str
    created_at: datetime
    changed_at: datetime
    include: tuple[dict[str, Any], ...] = ()
    exclude: tuple[dict[str, Any], ...] = ()
    statistics: tuple[dict[str, Any], ...] = ()
    linked: bool = False
    tags: dict[str, str] = msgspec.field(default_factory=dict)

    @property
    def arn(self) -> str:
        return f"arn:aws:cloudwatch:{self.region}:{self.account}:metric-stream/{self.name}"

    def wants(self, namespace: str, name: str) -> bool:
        if self.include:
            return _names(self.include, namespace, name)
        return not _names(self.exclude, namespace, name)

    def added(self, namespace: str, name: str) -> list[str]:
        """The statistics that are told of this metric besides the plain ones."""
        wanted = {"Namespace": namespace, "MetricName": name}
        return [stat for one in self.statistics if wanted in one["IncludeMetrics"] for stat in one["AdditionalStatistics"]]


def _names(filters: Iterable[dict[str, Any]], namespace: str, name: str) -> bool:
    """A filter without names is for the whole namespace."""
    return any(one.get("Namespace") == namespace and (not one.get("MetricNames") or name in one["MetricNames"]) for one in filters)


METRIC_STREAMS: Final = Table("cloudwatch", "metric_streams", MetricStream, key=lambda each: (each.account, each.region, each.name))


def describe(stream: MetricStream) -> Parameters:
    """As ListMetricStreams has it."""
    return {
        "Arn": stream.arn,
        "Name": stream.name,
        "FirehoseArn": stream.firehose,
        "State": stream.state,
        "OutputFormat": stream.output,
        "CreationDate": stream.created_at,
        "LastUpdateDate": stream.changed_at,
    }


def no_such_stream(name: str) -> Fault:
    return fault("ResourceNotFoundException", f"Metric stream '{name}' does not exist.", ResourceType="MetricStream", ResourceId=name)


def _names_arns(ctx: Context, request: Parameters) -> list[str]:
    return [f"arn:aws:cloudwatch:{ctx.region}:{ctx.account}:metric-stream/{name}" for name in request["Names"]]


@requires("cloudwatch:PutMetricStream", ARN)
@requires("iam:PassRole", "{RoleArn}", passed_to="streams.metrics.cloudwatch.amazonaws.com")
async def put_metric_stream(ctx: Context, request: Parameters) -> Parameters:
    """Make one, which runs, or change one, which goes on as it is."""
    if request.get("IncludeFilters") and request.get("ExcludeFilters"):
        raise invalid_combination("The parameters IncludeFilters and ExcludeFilters cannot be used together.")
    if request["OutputFormat"] != JSON:
        raise fault("NotImplemented", "Headwater has not built the OpenTelemetry formats of metric streams.")
    for one in request.get("StatisticsConfigurations", []):
        for name in one["AdditionalStatistics"]:
            statistic(name)
    before, now = ctx.store.get(METRIC_STREAMS, ctx.account, ctx.region, request["Name"]), ctx.clock.now()
    stream = MetricStream(
        account=ctx.account,
        region=ctx.region,
        name=request["Name"],
        id=ctx.new_id() if before is None else before.id,
        firehose=request["FirehoseArn"],
        role=request["RoleArn"],
        output=request["OutputFormat"],
        state=RUNNING if before is None else before.state,
        created_at=now if before is None else before.created_at,
        changed_at=now,
        linked=request.get("IncludeLinkedAccountsMetrics", False),
        tags={tag["Key"]: tag["Value"] for tag in request.get("Tags", [])} if before is None else before.tags,
        **{name: tuple(request.get(member, ())) for member, name in LISTS.items()},
    )
    async with ctx.store.transaction() as tx:
        tx.put(METRIC_STREAMS, stream)
    return {"Arn": stream.arn}


@requires("cloudwatch:GetMetricStream", ARN)
async def get_metric_stream(ctx: Context, request: Parameters) -> Parameters:
    stream = ctx.store.get(METRIC_STREAMS, ctx.account, ctx.region, request["Name"])
    if stream is None:
        raise no_such_stream(request["Name"])
    lists = {member: list(value) or None for member, name in LISTS.items() if (value := getattr(stream, name)) is not None}
    return describe(stream) | {"RoleArn": stream.role, "IncludeLinkedAccountsMetrics": stream.linked} | lists


@requires("cloudwatch:ListMetricStreams")
async def list_metric_streams(ctx: Context, request: Parameters) -> Parameters:
    found = ctx.store.scan(METRIC_STREAMS, ctx.account, ctx.region)
    limit, token = request.get("MaxResults", PAGE), request.get("NextToken")
    shown, token = page_by_name(found, lambda stream: stream.name, limit, token, bad_token)
    return {"Entries": [describe(stream) for stream in shown], "NextToken": token}


@requires("cloudwatch:DeleteMetricStream", ARN)
async def delete_metric_stream(ctx: Context, request: Parameters) -> Parameters:
    """One that is not there is no error. What waits to be carried is thrown away when its minute is over."""
    async with ctx.store.transaction() as tx:
        tx.delete(METRIC_STREAMS, ctx.account, ctx.region, request["Name"])
    return {}


async def _set_state(ctx: Context, names: list[str], state: str) -> Parameters:
    streams = []
    for name in names:
        stream = ctx.store.get(METRIC_STREAMS, ctx.account, ctx.region, name)
        if stream is None:
            raise invalid_value(f"Metric stream '{name}' does not exist.")
        streams.append(msgspec.structs.replace(stream, state=state, changed_at=ctx.clock.now()))
    async with ctx.store.transaction() as tx:
        for stream in streams:
            tx.put(METRIC_STREAMS, stream)
    return {}


@requires("cloudwatch:StartMetricStreams", _names_arns)
async def start_metric_streams(ctx: Context, request: Parameters) -> Parameters:
    return await _set_state(ctx, request["Names"], RUNNING)


@requires("cloudwatch:StopMetricStreams", _names_arns)
async def stop_metric_streams(ctx: Context, request: Parameters) -> Parameters:
    """What comes while it is stopped is not carried later."""
    return await _set_state(ctx, request["Names"], STOPPED)
