"""Metrics and samples: what is kept of what was put, and what a metric is. Pure.

A metric is its namespace, its name and its dimensions, no more: the unit belongs to the sample, so that one metric can hold several.
Samples are only ever appended, one row for each datum of a put; a statistic is worked out when it is asked for. That is what makes
a put cheap, and percentiles exact: CloudWatch's own are approximations of what the values and their counts say.
"""

from __future__ import annotations

import hashlib
from typing import Any, Final

import msgspec
from msgspec import field

from headwater.kernel.store import Record, Table

Dimensions = tuple[tuple[str, str], ...]

MINUTE_S: Final = 60
HOUR_S: Final = 3600
DAY_S: Final = 86_400
NO_UNIT: Final = "None"
_ID_LENGTH: Final = 24


class Metric(Record, frozen=True, kw_only=True):
    """`active_s`: when it last was known to get samples, to within a quarter of an hour."""

    account: str
    region: str
    id: str
    namespace: str
    name: str
    dimensions: Dimensions
    active_s: int


class Sample(Record, frozen=True, kw_only=True):
    """One datum: so many values of one unit in one second or minute. `values` is empty where a StatisticSet hides them."""

    account: str
    region: str
    metric: str  # the metric's id
    at_s: int  # the beginning of its minute, or of its second where the resolution is one
    number: str  # tells samples of one moment apart, in the order in which they came
    unit: str
    count: float
    sum: float
    minimum: float
    maximum: float
    values: list[float] = field(default_factory=list)
    counts: list[float] = field(default_factory=list)
    resolution: int = MINUTE_S

    @property
    def place(self) -> str:
        return place(self.at_s, self.number)


METRICS: Final = Table("cloudwatch", "metrics", Metric, key=lambda m: (m.account, m.region, m.id))
SAMPLES: Final = Table("cloudwatch", "samples", Sample, key=lambda s: (s.account, s.region, s.metric, s.place), big=True)


class Datum(msgspec.Struct, frozen=True):
    """What is to be added to a metric, before it has a place."""

    namespace: str
    name: str
    dimensions: Dimensions
    at_s: int
    unit: str
    count: float
    sum: float
    minimum: float
    maximum: float
    values: list[float]
    counts: list[float]
    resolution: int = MINUTE_S


def place(at_s: int, number: str = "") -> str:
    """Where a sample stands among its metric's: by time. Without a number, the text before all of that moment."""
    return f"{max(at_s, 0):012d}{number}"


def metric_id(namespace: str, name: str, dimensions: Dimensions) -> str:
    text = "\0".join([namespace, name, *(f"{key}\1{value}" for key, value in sorted(dimensions))])
    return hashlib.sha256(text.encode()).hexdigest()[:_ID_LENGTH]


def dimensions_of(listed: list[dict[str, str]] | None) -> Dimensions:
    """In the order of their names: a metric does not depend on how its dimensions were written down."""
    return tuple(sorted((one["Name"], one["Value"]) for one in listed or ()))


def describe_dimensions(dimensions: Dimensions) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in dimensions]


def describe_metric(metric: Metric) -> dict[str, Any]:
    return {"Namespace": metric.namespace, "MetricName": metric.name, "Dimensions": describe_dimensions(metric.dimensions)}
