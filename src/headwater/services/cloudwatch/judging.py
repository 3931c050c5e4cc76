"""Whether points breach, and what state that makes: an alarm's verdict. Pure.

CloudWatch looks a little further back than the evaluation periods. Where enough points are there, the latest decide and nothing is
"missing"; only where there are fewer are missing ones filled in, as the alarm says, and no more of them than needed.
Source: "Configuring how CloudWatch alarms treat missing data" of the user guide; its tables are tests/services/cloudwatch/test_judging.py.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import msgspec

from .alarm_model import ALARM, INSUFFICIENT, OK

FURTHER_BACK: Final = 2
"""Periods before the evaluation periods that are looked at too; AWS's tables show a range of five for three."""
COMPARISONS: Final[dict[str, tuple[Callable[[float, float], bool], str]]] = {
    "GreaterThanOrEqualToThreshold": (operator.ge, "greater than or equal to"),
    "GreaterThanThreshold": (operator.gt, "greater than"),
    "LessThanThreshold": (operator.lt, "less than"),
    "LessThanOrEqualToThreshold": (operator.le, "less than or equal to"),
}
UPPER: Final = "greater than the upper thresholds"
LOWER: Final = "less than the lower thresholds"
BANDED: Final = {
    "LessThanLowerOrGreaterThanUpperThreshold": (True, True),
    "LessThanLowerThreshold": (True, False),
    "GreaterThanUpperThreshold": (False, True),
}
"""Comparisons with a band: whether its lower and its upper end count."""
TREATED: Final = {"breaching": "Breaching", "notBreaching": "NonBreaching", "missing": "Missing", "ignore": "Ignore"}


class Point(msgspec.Struct, frozen=True):
    at_s: int
    value: float
    count: float | None = None  # of samples, where that is known
    band: tuple[float, float] | None = None  # what was to be expected, where an alarm compares with that


class Rule(msgspec.Struct, frozen=True):
    """`last` periods are looked at, `needed` of them make an alarm."""

    comparison: str
    threshold: float
    last: int
    needed: int
    treats: str = "missing"

    def breaches(self, point: Point) -> bool:
        ends = BANDED.get(self.comparison)
        if ends is None:
            return COMPARISONS[self.comparison][0](point.value, self.threshold)
        assert point.band is not None
        return (ends[0] and point.value < point.band[0]) or (ends[1] and point.value > point.band[1])


class Verdict(msgspec.Struct, frozen=True):
    """`state` is None where the alarm stays as it is. `points`: the latest first, None where one is missing."""

    state: str | None
    points: list[Point | None]
    filled: int = 0


def judged(rule: Rule, moments: list[Point | None]) -> Verdict:
    """`moments` are the periods of the whole range, the oldest first."""
    real = [point for point in moments if point is not None]
    if len(real) >= rule.last:
        used: list[Point | None] = list(reversed(real[-rule.last :]))
        return Verdict(_state(rule, sum(rule.breaches(point) for point in real[-rule.last :])), used)
    filled = rule.last - len(real)
    breaching = sum(rule.breaches(point) for point in real)
    points: list[Point | None] = []
    for point in reversed(moments):  # every real one, and as many missing ones as are filled in
        if point is not None or points.count(None) < filled:
            points.append(point)
    return Verdict(_filled(rule, moments, real, breaching, filled), points, filled)


def _state(rule: Rule, breaching: int) -> str:
    return ALARM if breaching >= rule.needed else OK


def _filled(rule: Rule, moments: list[Point | None], real: list[Point], breaching: int, filled: int) -> str | None:
    if rule.treats == "breaching":
        return _state(rule, breaching + filled)
    if rule.treats == "notBreaching" or breaching >= rule.needed:
        return _state(rule, breaching)
    if rule.treats == "ignore":
        return None if breaching == len(real) else OK  # one point within the threshold is enough to know
    if not real:
        return INSUFFICIENT
    return ALARM if _only_breaches(rule, moments, real, breaching) else OK


def _only_breaches(rule: Rule, moments: list[Point | None], real: list[Point], breaching: int) -> bool:
    """Nothing speaks against an alarm: all that is there breaches, and the oldest of it is as old as so many periods."""
    if breaching < len(real):
        return False
    oldest = next(index for index, point in enumerate(moments) if point is not None)
    return len(moments) - oldest >= rule.needed


def reason_of(rule: Rule, verdict: Verdict) -> str:
    """The sentence that stands at a state."""
    real = [point for point in verdict.points if point is not None]
    if verdict.state == INSUFFICIENT:
        return f"Insufficient Data: {rule.last} {'datapoint was' if rule.last == 1 else 'datapoints were'} unknown."
    sentence = "Threshold Crossed: "
    if not real:
        periods = "period" if rule.last == 1 else "periods"
        missing = "missing datapoint was" if verdict.filled == 1 else "missing datapoints were"
        received = f"no datapoints were received for {rule.last} {periods}"
        return f"{sentence}{received} and {verdict.filled} {missing} treated as [{TREATED[rule.treats]}]."
    is_alarm = verdict.state == ALARM
    meant = [point for point in real if rule.breaches(point) == is_alarm] or real
    shown = ", ".join(f"{point.value} ({datetime.fromtimestamp(point.at_s, UTC):%d/%m/%y %H:%M:%S})" for point in meant)
    negated = "" if is_alarm else "not "
    if rule.comparison in BANDED:
        return _banded_reason(rule, meant, shown, negated)
    words = COMPARISONS[rule.comparison][1]
    were = "were" if len(meant) > 1 else "was"
    if rule.needed < rule.last:
        change = "OK -> ALARM" if is_alarm else "ALARM -> OK"
        return (
            f"{sentence}{len(meant)} out of the last {rule.last} datapoints [{shown}] {were} {negated}{words} the threshold"
            f" ({rule.threshold}) (minimum {rule.needed} datapoint{'s' if rule.needed > 1 else ''} for {change} transition)."
        )
    plural = "datapoints" if len(meant) > 1 else "datapoint"
    return f"{sentence}{len(meant)} {plural} [{shown}] {were} {negated}{words} the threshold ({rule.threshold})."


def _banded_reason(rule: Rule, meant: list[Point], shown: str, negated: str) -> str:
    bands = [point.band for point in meant if point.band is not None]
    lower, upper = BANDED[rule.comparison]
    sides = [f"{LOWER} [{', '.join(str(low) for low, _ in bands)}]"] if lower else []
    sides += [f"{UPPER} [{', '.join(str(high) for _, high in bands)}]"] if upper else []
    were, change = "were" if len(meant) > 1 else "was", "ALARM -> OK" if negated else "OK -> ALARM"
    return (
        f"Thresholds Crossed: {len(meant)} out of the last {rule.last} datapoints [{shown}] {were} {negated}{' or '.join(sides)}"
        f" (minimum {rule.needed} datapoint{'s' if rule.needed > 1 else ''} for {change} transition)."
    )
