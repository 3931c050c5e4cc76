"""What a statistic is: from samples to one number. Pure.

The five plain ones come from the counts and sums alone; all others (`p99.9`, `tm90`, `TM(10%:90%)`, `PR(:300)`, `IQM`) need the values
themselves, so a period with a StatisticSet that hides its values has none. Percentiles are by nearest rank.
Source: "CloudWatch statistics definitions" of the user guide.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from headwater.aws.faults import Fault

from .model import Datum, Sample
from .refusals import invalid_value

_SHORT: Final = re.compile(r"(p|tm|wm|tc|ts)(\d{1,3}(?:\.\d{1,10})?)")
_LONG: Final = re.compile(r"(TM|WM|TC|TS|PR)\((?:(-?[\d.]+)(%?))?:(?:(-?[\d.]+)(%?))?\)")
PLAIN: Final = ("SampleCount", "Average", "Sum", "Minimum", "Maximum")


class Bucket:
    """All samples of one period and unit."""

    __slots__ = ("_is_hidden", "_values", "count", "maximum", "minimum", "sum")

    def __init__(self) -> None:
        self.count = 0.0
        self.sum = 0.0
        self.minimum = float("inf")
        self.maximum = float("-inf")
        self._values: dict[float, float] = {}
        self._is_hidden = False

    def add(self, sample: Sample | Datum) -> None:
        self.count += sample.count
        self.sum += sample.sum
        if sample.minimum < self.minimum:
            self.minimum = sample.minimum
        if sample.maximum > self.maximum:
            self.maximum = sample.maximum
        if not sample.values:
            self._is_hidden = True
        values = self._values
        for value, count in zip(sample.values, sample.counts, strict=True):
            values[value] = values.get(value, 0.0) + count

    def join(self, other: Bucket) -> None:
        """Take another's samples in."""
        self.count += other.count
        self.sum += other.sum
        self.minimum = min(self.minimum, other.minimum)
        self.maximum = max(self.maximum, other.maximum)
        self._is_hidden |= other._is_hidden
        for value, count in other._values.items():
            self._values[value] = self._values.get(value, 0.0) + count

    def values(self) -> list[tuple[float, float]] | None:
        """Each value and how often it came, in order; None where a set hides some."""
        return None if self._is_hidden else sorted(self._values.items())


Statistic = Callable[[Bucket], float | None]

_OF_SUMS: Final[dict[str, Statistic]] = {
    "SampleCount": lambda bucket: bucket.count,
    "Average": lambda bucket: bucket.sum / bucket.count,
    "Sum": lambda bucket: bucket.sum,
    "Minimum": lambda bucket: bucket.minimum,
    "Maximum": lambda bucket: bucket.maximum,
}


@lru_cache(maxsize=1024)
def statistic(name: str) -> Statistic:
    """The statistic of that name; refused where there is no such one."""
    plain = _OF_SUMS.get(name)
    if plain is not None:
        return plain
    if name == "IQM":
        return _of_values(lambda values: _trimmed("TM", values, (25.0, True), (75.0, True)))
    short = _SHORT.fullmatch(name)
    if short is not None and float(short[2]) <= 100:
        share = float(short[2])
        if short[1] == "p":
            return _of_values(lambda values: percentile(values, share))
        kind = short[1].upper()
        return _of_values(lambda values: _trimmed(kind, values, None, (share, True)))
    long = _LONG.fullmatch(name)
    if long is None or (long[2] is None and long[4] is None):
        raise invalid_value(f"The value {name} for parameter Stat is not supported.")
    low = (float(long[2]), long[3] == "%") if long[2] is not None else None
    high = (float(long[4]), long[5] == "%") if long[4] is not None else None
    if long[1] == "PR":
        return _of_values(lambda values: _rank(values, low, high))
    return _of_values(lambda values: _trimmed(long[1], values, low, high))


def is_known(name: str) -> bool:
    try:
        statistic(name)
    except Fault:
        return False
    return True


Values = list[tuple[float, float]]
Bound = tuple[float, bool] | None  # (a number, is it a percentage?)


def _of_values(work: Callable[[Values], float | None]) -> Statistic:
    def of(bucket: Bucket) -> float | None:
        values = bucket.values()
        return None if not values else work(values)

    return of


def percentile(values: Values, share: float) -> float:
    """The smallest value at or below which lie so many percent of the samples."""
    wanted = sum(count for _, count in values) * share / 100
    seen = 0.0
    for value, count in values:
        seen += count
        if seen >= wanted:
            return value
    return values[-1][0]


def _kept(values: Values, low: Bound, high: Bound) -> Values:
    """What lies between the bounds: by value, or by rank where they are percentages."""
    total = sum(count for _, count in values)
    from_rank = total * low[0] / 100 if low is not None and low[1] else 0.0
    to_rank = total * high[0] / 100 if high is not None and high[1] else total
    least = low[0] if low is not None and not low[1] else float("-inf")
    most = high[0] if high is not None and not high[1] else float("inf")
    kept: Values = []
    seen = 0.0
    for value, count in values:
        share = min(seen + count, to_rank) - max(seen, from_rank)
        seen += count
        if share > 0 and least < value <= most:
            kept.append((value, share))
    return kept


def _trimmed(kind: str, values: Values, low: Bound, high: Bound) -> float | None:
    kept = _kept(values, low, high)
    if not kept:
        return 0.0 if kind == "TC" else None
    count = sum(share for _, share in kept)
    total = sum(value * share for value, share in kept)
    if kind == "TC":
        return count
    if kind == "TS":
        return total
    if kind == "TM":
        return total / count
    below = sum(share for value, share in values if value < kept[0][0])
    everything = sum(share for _, share in values)
    above = everything - count - below  # winsorized: what is cut off counts as the outermost that is not
    return (total + below * kept[0][0] + above * kept[-1][0]) / everything


def _rank(values: Values, low: Bound, high: Bound) -> float:
    total = sum(count for _, count in values)
    return 100 * sum(count for _, count in _kept(values, low, high)) / total
