"""What is to be expected of a metric, from what it was: the band of anomaly detection. Pure.

AWS does not tell its model; this one is ours. A moment is compared with the same hour of the week in the two weeks before, where that hour
came at least twice, else with the same hour of the day, else with all there is: the mean, and so many standard deviations around it.
"""

from __future__ import annotations

import math
from collections import defaultdict
from datetime import UTC, datetime, tzinfo
from typing import Final

from .model import DAY_S, HOUR_S
from .series import Series

HISTORY_S: Final = 14 * DAY_S
POINTS_MIN: Final = 2
TRAINED_S: Final = DAY_S
"""So much of a metric's time must be known before a model counts as trained."""


class _Spread:
    """Mean and deviation of numbers, added one by one (Welford)."""

    __slots__ = ("_squares", "count", "mean")

    def __init__(self) -> None:
        self.count = 0
        self.mean = 0.0
        self._squares = 0.0

    def add(self, value: float) -> None:
        self.count += 1
        before = value - self.mean
        self.mean += before / self.count
        self._squares += before * (value - self.mean)

    @property
    def deviation(self) -> float:
        return math.sqrt(self._squares / self.count)


class Model:
    """`zone`: whose hours of the day count."""

    def __init__(self, history: Series, zone: tzinfo = UTC) -> None:
        self._zone = zone
        self._all = _Spread()
        self._hours: dict[int, _Spread] = defaultdict(_Spread)
        self._week: dict[tuple[int, int], _Spread] = defaultdict(_Spread)
        self._weeks: dict[tuple[int, int], set[int]] = defaultdict(set)
        for at_s, value in history.items():
            place = self._place(at_s)
            for spread in (self._all, self._hours[place[1]], self._week[place]):
                spread.add(value)
            self._weeks[place].add(at_s // HOUR_S)

    def _place(self, at_s: int) -> tuple[int, int]:
        moment = datetime.fromtimestamp(at_s, self._zone)
        return moment.weekday(), moment.hour

    def band(self, at_s: int, width: float) -> tuple[float, float] | None:
        """The lower and the upper end; None where too little is known."""
        place = self._place(at_s)
        for spread, is_enough in (
            (self._week.get(place), len(self._weeks.get(place, ())) >= POINTS_MIN),
            (self._hours.get(place[1]), True),
            (self._all, True),
        ):
            if spread is not None and is_enough and spread.count >= POINTS_MIN:
                return spread.mean - width * spread.deviation, spread.mean + width * spread.deviation
        return None
