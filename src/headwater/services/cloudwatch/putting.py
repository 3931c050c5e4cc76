"""PutMetricData: which data are accepted, and what each becomes. All of a request is, or none."""

import math
from datetime import datetime, timedelta
from typing import Any, Final

from headwater.aws.faults import Fault
from headwater.kernel.context import Context
from headwater.kernel.permissions import requires

from .keeping import Samples
from .model import MINUTE_S, NO_UNIT, Datum, dimensions_of
from .refusals import invalid_combination, invalid_value, missing

Parameters = dict[str, Any]

DATA_MAX: Final = 1000
VALUES_MAX: Final = 150
DIMENSIONS_MAX: Final = 30
LARGEST: Final = 2.0**360
OLDEST: Final = timedelta(days=14)
NEWEST: Final = timedelta(hours=2)


@requires("cloudwatch:PutMetricData")
async def put_metric_data(ctx: Context, request: Parameters) -> None:
    namespace = request["Namespace"]
    listed = [(f"MetricData.member.{number}", datum) for number, datum in enumerate(request.get("MetricData", ()), 1)]
    for outer, entity in enumerate(request.get("EntityMetricData", ()), 1):
        listed += [
            (f"EntityMetricData.member.{outer}.MetricData.member.{number}", datum)
            for number, datum in enumerate(entity.get("MetricData", ()), 1)
        ]
    if not listed:
        raise missing("The parameter MetricData is required.")
    if len(listed) > DATA_MAX:
        raise invalid_value(f"The collection MetricData must not have a size greater than {DATA_MAX}.")
    now = ctx.clock.now()
    await Samples(ctx).keep([_datum(namespace, where, datum, now) for where, datum in listed])


def _datum(namespace: str, where: str, datum: Parameters, now: datetime) -> Datum:
    dimensions = datum.get("Dimensions", [])
    if len(dimensions) > DIMENSIONS_MAX:
        raise invalid_value(f"The collection {where}.Dimensions must not have a size greater than {DIMENSIONS_MAX}.")
    at = datum.get("Timestamp", now)
    if at < now - OLDEST:
        raise invalid_value(f"The parameter {where}.Timestamp must specify a time no more than two weeks in the past.")
    if at > now + NEWEST:
        raise invalid_value(f"The parameter {where}.Timestamp must specify a time no more than two hours in the future.")
    resolution = datum.get("StorageResolution", MINUTE_S)
    if resolution not in (1, MINUTE_S):
        raise invalid_value(f"The parameter {where}.StorageResolution must be 1 or 60.")
    at_s = int(at.timestamp())
    count, total, low, high, values, counts = _amounts(where, datum)
    return Datum(
        namespace,
        datum["MetricName"],
        dimensions_of(dimensions),
        at_s - at_s % resolution,
        datum.get("Unit", NO_UNIT),
        count,
        total,
        low,
        high,
        values,
        counts,
        resolution,
    )


def _amounts(where: str, datum: Parameters) -> tuple[float, float, float, float, list[float], list[float]]:
    """Samples, sum, minimum, maximum; the values and how often each came."""
    value, values, together = datum.get("Value"), datum.get("Values"), datum.get("StatisticValues")
    if value is not None and values:
        raise _exclusive(where, "Value", "Values")
    if value is not None and together is not None:
        raise _exclusive(where, "Value", "StatisticValues")
    if values and together is not None:
        raise _exclusive(where, "Values", "StatisticValues")
    if together is not None:
        return _set(where, together)
    if value is not None:
        _check(f"{where}.Value", value)
        return 1.0, value, value, value, [value], [1.0]
    if values:
        return _several(where, values, datum.get("Counts"))
    if datum.get("Counts"):
        raise missing(f"The parameter {where}.Values is required.")
    raise missing(f"At least one of the parameters {where}.Value, {where}.Values or {where}.StatisticValues must be specified.")


def _several(where: str, values: list[float], given: list[float] | None) -> tuple[float, float, float, float, list[float], list[float]]:
    counts = given or [1.0] * len(values)
    if len(values) != len(counts):
        raise invalid_value(f"The parameters {where}.Values and {where}.Counts must be of the same size.")
    if len(values) > VALUES_MAX:
        raise invalid_value(f"The collection {where}.Values must not have a size greater than {VALUES_MAX}.")
    for number, (value, count) in enumerate(zip(values, counts, strict=True), 1):
        _check(f"{where}.Values.member.{number}", value)
        if not count > 0 or not math.isfinite(count):
            raise invalid_value(f"The value {count} for parameter {where}.Counts.member.{number} is invalid.")
    total = math.fsum(value * count for value, count in zip(values, counts, strict=True))
    return math.fsum(counts), total, min(values), max(values), list(values), list(counts)


def _set(where: str, given: Parameters) -> tuple[float, float, float, float, list[float], list[float]]:
    count, total, low, high = given["SampleCount"], given["Sum"], given["Minimum"], given["Maximum"]
    for name in ("SampleCount", "Sum", "Minimum", "Maximum"):
        _check(f"{where}.StatisticValues.{name}", given[name])
    if low > high:
        raise invalid_value(f"The parameter {where}.StatisticValues.Maximum must be greater than {where}.StatisticValues.Minimum.")
    if count <= 0:
        raise invalid_value(f"The parameter {where}.StatisticValues.SampleCount must be greater than 0.")
    is_one_value = low == high and total == low * count  # then, and only then, a set tells its values
    return count, total, low, high, [low] if is_one_value else [], [count] if is_one_value else []


def _check(where: str, value: float) -> None:
    if not math.isfinite(value) or abs(value) > LARGEST:
        raise invalid_value(f"The value {value} for parameter {where} is invalid.")


def _exclusive(where: str, one: str, other: str) -> Fault:
    return invalid_combination(f"The parameters {where}.{one} and {where}.{other} are mutually exclusive and you have specified both.")
