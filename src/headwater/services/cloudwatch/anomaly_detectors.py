"""Anomaly detectors: of which metric's statistic a band is to be known. bands.py has the model, which is worked out when it is asked for.

Source: "Using CloudWatch anomaly detection" of the user guide; the shapes are the recording of test_anomaly_detector_lifecycle.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from headwater.aws.faults import fault
from headwater.kernel.paging import page_by_name
from headwater.kernel.permissions import requires
from headwater.kernel.store import Record, Table

from .bands import HISTORY_S, TRAINED_S
from .model import HOUR_S, Dimensions, describe_dimensions, dimensions_of, metric_id
from .refusals import bad_token, invalid_combination, invalid_value, missing
from .series import Line, Series, Wanted, window
from .statistics import is_known

if TYPE_CHECKING:
    from headwater.kernel.context import Context

Parameters = dict[str, Any]

PAGE: Final = 50
SINGLE: Final = "SINGLE_METRIC"
NAMES: Final = ("Namespace", "MetricName", "Stat")


class AnomalyDetector(Record, frozen=True, kw_only=True):
    """`metric` is the metric's id; a metric has one for each statistic."""

    account: str
    region: str
    metric: str
    stat: str
    namespace: str
    name: str
    dimensions: Dimensions
    excluded: tuple[tuple[datetime, datetime], ...] = ()
    configuration: dict[str, Any]  # in the API's spelling, without the ranges
    has_spikes: bool | None = None

    def excludes(self, at_s: int) -> bool:
        return any(low.timestamp() <= at_s < high.timestamp() for low, high in self.excluded)

    @property
    def zone(self) -> tzinfo:
        name = self.configuration.get("MetricTimezone")
        return UTC if name is None else ZoneInfo(name)


ANOMALY_DETECTORS: Final = Table(
    "cloudwatch", "anomaly_detectors", AnomalyDetector, key=lambda each: (each.account, each.region, each.metric, each.stat)
)


def describe(detector: AnomalyDetector, state: str) -> Parameters:
    metric = {
        "Namespace": detector.namespace,
        "MetricName": detector.name,
        "Dimensions": describe_dimensions(detector.dimensions),
        "Stat": detector.stat,
    }
    ranges = [{"StartTime": low, "EndTime": high} for low, high in detector.excluded]
    return metric | {
        "Configuration": {"ExcludedTimeRanges": ranges} | detector.configuration,
        "StateValue": state,
        "MetricCharacteristics": None if detector.has_spikes is None else {"PeriodicSpikes": detector.has_spikes},
        "SingleMetricAnomalyDetector": metric | {"AccountId": detector.account},
    }


class History:
    """What a detector's metric was before a moment."""

    def __init__(self, ctx: Context, detector: AnomalyDetector) -> None:
        self._ctx = ctx
        self._detector = detector

    async def before(self, moment: datetime, period_s: int, unit: str | None = None) -> Series:
        line = Line(self._ctx, self._detector.metric, period_s)
        start = moment - timedelta(seconds=HISTORY_S)
        await line.read(window(start, moment, period_s, self._ctx.clock.now()), unit)
        found = line.series(self._detector.stat, unit or line.chosen())
        return {at_s: value for at_s, value in found.items() if not self._detector.excludes(at_s)}

    async def state(self) -> str:
        hours = await self.before(self._ctx.clock.now(), HOUR_S)
        if not hours:
            return "PENDING_TRAINING"
        return "TRAINED" if len(hours) * HOUR_S >= TRAINED_S else "TRAINED_INSUFFICIENT_DATA"


def detector_of(ctx: Context, wanted: Wanted) -> AnomalyDetector | None:
    return ctx.store.get(ANOMALY_DETECTORS, ctx.account, ctx.region, wanted.metric, wanted.stat)


def made_for(ctx: Context, wanted: Wanted) -> AnomalyDetector | None:
    """A new one for this metric and statistic, where there is none."""
    if detector_of(ctx, wanted) is not None:
        return None
    return AnomalyDetector(
        account=ctx.account,
        region=ctx.region,
        metric=wanted.metric,
        stat=wanted.stat,
        namespace=wanted.namespace,
        name=wanted.name,
        dimensions=wanted.dimensions,
        configuration={},
    )


def _single(request: Parameters) -> Parameters:
    """The metric and statistic, which older clients write beside everything else."""
    if "MetricMathAnomalyDetector" in request:
        raise fault("NotImplemented", "Headwater has not built anomaly detectors of metric math.")
    single: Parameters | None = request.get("SingleMetricAnomalyDetector")
    if single is not None and any(name in request for name in (*NAMES, "Dimensions")):
        raise invalid_combination("The parameter SingleMetricAnomalyDetector cannot be used together with Namespace, MetricName or Stat.")
    given = request if single is None else single
    for name in NAMES:
        if name not in given:
            raise missing(f"The parameter {name} is required.")
    return given


def _key(ctx: Context, given: Parameters) -> tuple[str, str, str, str]:
    metric = metric_id(given["Namespace"], given["MetricName"], dimensions_of(given.get("Dimensions")))
    return ctx.account, ctx.region, metric, given["Stat"]


@requires("cloudwatch:PutAnomalyDetector")
async def put_anomaly_detector(ctx: Context, request: Parameters) -> Parameters:
    given, configuration = _single(request), dict(request.get("Configuration", {}))
    if not is_known(given["Stat"]):
        raise invalid_value(f"The value {given['Stat']} for parameter Stat is not supported.")
    excluded = tuple((one["StartTime"], one["EndTime"]) for one in configuration.pop("ExcludedTimeRanges", []))
    if any(low >= high for low, high in excluded):
        raise invalid_value("The StartTime of an excluded time range must be less than its EndTime.")
    try:
        ZoneInfo(configuration.get("MetricTimezone", "UTC"))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise invalid_value(f"The value {configuration['MetricTimezone']} for parameter MetricTimezone is not supported.") from None
    _, _, metric, stat = _key(ctx, given)
    detector = AnomalyDetector(
        account=ctx.account,
        region=ctx.region,
        metric=metric,
        stat=stat,
        namespace=given["Namespace"],
        name=given["MetricName"],
        dimensions=dimensions_of(given.get("Dimensions")),
        excluded=excluded,
        configuration=configuration,
        has_spikes=request.get("MetricCharacteristics", {}).get("PeriodicSpikes"),
    )
    async with ctx.store.transaction() as tx:
        tx.put(ANOMALY_DETECTORS, detector)
    return {}


@requires("cloudwatch:DescribeAnomalyDetectors")
async def describe_anomaly_detectors(ctx: Context, request: Parameters) -> Parameters:
    found = [one for one in ctx.store.scan(ANOMALY_DETECTORS, ctx.account, ctx.region) if _is_asked(one, request)]
    limit, token = request.get("MaxResults", PAGE), request.get("NextToken")
    shown, token = page_by_name(found, lambda one: f"{one.metric}/{one.stat}", limit, token, bad_token)
    return {"AnomalyDetectors": [describe(one, await History(ctx, one).state()) for one in shown], "NextToken": token}


def _is_asked(detector: AnomalyDetector, request: Parameters) -> bool:
    return (
        request.get("Namespace", detector.namespace) == detector.namespace
        and request.get("MetricName", detector.name) == detector.name
        and ("Dimensions" not in request or dimensions_of(request["Dimensions"]) == detector.dimensions)
        and SINGLE in request.get("AnomalyDetectorTypes", [SINGLE])
    )


@requires("cloudwatch:DeleteAnomalyDetector")
async def delete_anomaly_detector(ctx: Context, request: Parameters) -> Parameters:
    given = _single(request)
    key = _key(ctx, given)
    if ctx.store.get(ANOMALY_DETECTORS, *key) is None:
        sentence = "The anomaly detector does not exist."
        raise fault("ResourceNotFoundException", sentence, ResourceType="AnomalyDetector", ResourceId=given["MetricName"])
    async with ctx.store.transaction() as tx:
        tx.delete(ANOMALY_DETECTORS, *key)
    return {}
