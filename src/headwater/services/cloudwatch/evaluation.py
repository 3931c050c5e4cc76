"""Alarms are evaluated when a period ends: a job an alarm, due then. Nothing is looked at in between.

Standard alarms end a period each minute (a period of five minutes is a window that moves by one), high-resolution ones each ten seconds.
When the Clock is moved far, the period that was due is judged, and then the latest few before now: what came between had no data but
what was put before the jump.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from headwater.kernel.context import Context
from headwater.kernel.jobs import Job, handles

from .alarm_model import ALARM, ALARMS, COMPOSITE, METRIC, OK, Alarm, spelled
from .arithmetic import Points
from .judging import BANDED, FURTHER_BACK, Point, Rule, Verdict, judged, reason_of
from .model import MINUTE_S, dimensions_of, metric_id
from .published import _settled
from .queries import Worked, read_queries
from .rules import read_rule
from .series import Line, Window
from .statistics import statistic
from .transitions import Changes, ParentDue, moment_words, trigger_of

CAUGHT_UP: Final = 10
FINE_TICK_S: Final = 10
FEW: Final = 10
ENDS: Final = 2


class EvaluationDue(Job, frozen=True, kw_only=True, tag="cloudwatch/evaluation-due/1"):
    """A period of the alarm `subject` has ended."""


def period_of(alarm: Alarm) -> int:
    settings = alarm.settings
    if "Metrics" not in settings:
        period: int = settings["Period"]
        return period
    periods = [query["MetricStat"]["Period"] if "MetricStat" in query else query.get("Period", 0) for query in settings["Metrics"]]
    return max(periods) or MINUTE_S


def tick_of(alarm: Alarm) -> int:
    return MINUTE_S if period_of(alarm) >= MINUTE_S else FINE_TICK_S


def evaluation_due(alarm: Alarm, after: datetime) -> EvaluationDue:
    """The first that ends after this moment."""
    tick_s = tick_of(alarm)
    at_s = int(after.timestamp()) // tick_s * tick_s + tick_s
    return EvaluationDue(account=alarm.account, region=alarm.region, subject=alarm.name, at=datetime.fromtimestamp(at_s, UTC))


@handles(EvaluationDue, attempts_max=3)
async def _evaluate(ctx: Context, due: EvaluationDue) -> None:
    alarm = ctx.store.get(ALARMS, due.account, due.region, due.subject)
    if alarm is None or alarm.kind != METRIC:
        return
    verdict, rule, known = await _judge(ctx, alarm, int(due.at.timestamp()))
    current = ctx.store.get(ALARMS, due.account, due.region, due.subject)
    if current is None:
        return
    if current.configured_at == alarm.configured_at and verdict.state is not None and verdict.state != current.state:
        reason_data = msgspec.json.encode(_reason_data(current, rule, verdict, known, due.at)).decode()
        await Changes(ctx).move(current, verdict.state, reason_of(rule, verdict), reason_data, max(due.at, current.updated_at))
    earliest = ctx.clock.now() - timedelta(seconds=CAUGHT_UP * tick_of(current))
    async with ctx.store.transaction() as tx:
        tx.owe(evaluation_due(current, max(due.at, earliest)))


async def _judge(ctx: Context, alarm: Alarm, end_s: int) -> tuple[Verdict, Rule, list[Point]]:
    settings = alarm.settings
    last = settings["EvaluationPeriods"]
    rule = Rule(
        settings["ComparisonOperator"],
        settings.get("Threshold", 0.0),
        last,
        settings.get("DatapointsToAlarm", last),
        settings.get("TreatMissingData", "missing"),
    )
    period_s = period_of(alarm)
    low_s = end_s - (last + FURTHER_BACK) * period_s
    points = await (_worked if "Metrics" in settings else _plain)(ctx, alarm, low_s, end_s)
    by_time = {point.at_s: point for point in points}
    verdict = judged(rule, [by_time.get(at_s) for at_s in range(low_s, end_s, period_s)])
    if settings.get("EvaluateLowSampleCountPercentile") == "ignore" and _has_few(settings, verdict):
        verdict = Verdict(None, verdict.points)
    return verdict, rule, points


async def _plain(ctx: Context, alarm: Alarm, low_s: int, end_s: int) -> list[Point]:
    settings = alarm.settings
    identity = metric_id(settings["Namespace"], settings["MetricName"], dimensions_of(settings.get("Dimensions")))
    await _settled(ctx, settings["Namespace"])
    line = Line(ctx, identity, period_of(alarm))
    await line.read(Window(low_s, end_s, end_s), settings.get("Unit"))
    stat = settings.get("Statistic") or settings["ExtendedStatistic"]
    unit = settings.get("Unit") or line.chosen() or ""
    buckets = line.units.get(unit, {})
    values = [(at_s, statistic(stat)(bucket), bucket.count) for at_s, bucket in sorted(buckets.items())]
    return [Point(at_s, value, count) for at_s, value, count in values if value is not None]


async def _worked(ctx: Context, alarm: Alarm, low_s: int, end_s: int) -> list[Point]:
    queries = read_queries(alarm.settings["Metrics"])
    answers = await Worked(ctx, queries, datetime.fromtimestamp(low_s, UTC), datetime.fromtimestamp(end_s, UTC)).answers()
    expected = alarm.settings.get("ThresholdMetricId")
    told = next(answer for answer in answers if answer.query.is_told and answer.query.id != expected)
    if not isinstance(told.value, Points):
        return []
    if expected is None:
        return [Point(at_s, value) for at_s, value in sorted(told.value.values.items())]
    band = next(answer.value for answer in answers if answer.query.id == expected)
    if not isinstance(band, list) or len(band) != ENDS:
        return []
    upper, lower = (line.values for line in band)
    known = [(at_s, value) for at_s, value in sorted(told.value.values.items()) if at_s in upper and at_s in lower]
    return [Point(at_s, value, band=(lower[at_s], upper[at_s])) for at_s, value in known]


def _has_few(settings: dict[str, Any], verdict: Verdict) -> bool:
    """Too few samples for the percentile to mean something: fewer than ten beyond it."""
    stat = settings.get("ExtendedStatistic", "")
    if not stat.startswith("p"):
        return False
    share = float(stat[1:]) / 100
    beyond = 1 - share if share >= 0.5 else share
    counts = [point.count for point in verdict.points if point is not None and point.count is not None]
    return bool(counts) and (beyond == 0 or min(counts) < FEW / beyond)


def _reason_data(alarm: Alarm, rule: Rule, verdict: Verdict, known: list[Point], at: datetime) -> dict[str, Any]:
    """What was looked at, in AWS's order of members (recorded: test_put_metric_alarm, test_breaching_alarm_actions)."""
    settings = alarm.settings
    period_s = period_of(alarm)
    shown = [point for point in verdict.points if point is not None]
    data: dict[str, Any] = {"version": "1.0", "queryDate": spelled(at)}
    if shown:
        data["startDate"] = spelled(datetime.fromtimestamp(min(point.at_s for point in shown), UTC))
    if "Unit" in settings:
        data["unit"] = settings["Unit"]
    if "Statistic" in settings or "ExtendedStatistic" in settings:
        data["statistic"] = settings.get("Statistic") or settings["ExtendedStatistic"]
    data |= {
        "period": period_s,
        "recentDatapoints": [point.value for point in reversed(shown)],
        **_compared_with(rule, shown),
        "evaluatedDatapoints": [_looked_at(point, at, number, period_s) for number, point in enumerate(verdict.points, 1)],
    }
    return data


def _compared_with(rule: Rule, shown: list[Point]) -> dict[str, Any]:
    if rule.comparison not in BANDED:
        return {"threshold": rule.threshold}
    bands = [point.band for point in reversed(shown) if point.band is not None]
    return {"recentLowerThresholds": [low for low, _ in bands], "recentUpperThresholds": [high for _, high in bands]}


def _looked_at(point: Point | None, at: datetime, number: int, period_s: int) -> dict[str, Any]:
    if point is None:
        return {"timestamp": spelled(at - timedelta(seconds=number * period_s))}
    said = {"timestamp": spelled(datetime.fromtimestamp(point.at_s, UTC)), "sampleCount": point.count, "value": point.value}
    return {name: value for name, value in said.items() if value is not None}


@handles(ParentDue)
async def _evaluate_parent(ctx: Context, due: ParentDue) -> None:
    """A composite alarm looks at the states as they are now; `child` is what its reason names."""
    alarm = ctx.store.get(ALARMS, due.account, due.region, due.subject)
    if alarm is None or alarm.kind != COMPOSITE:
        return
    children = {child.name: child for child in ctx.store.scan(ALARMS, due.account, due.region)}

    def state_of(name: str) -> str | None:
        child = children.get(name)
        return None if child is None else child.state

    rule = read_rule(alarm.settings["AlarmRule"])
    state = ALARM if rule.holds(state_of) else OK
    if state == alarm.state:
        return
    child = children.get(due.child)
    reason, data = f"Alarm rule evaluated to {state} at {moment_words(due.at)}", "{}"
    if child is not None:
        reason = f"{child.arn} transitioned to {child.state} at {moment_words(child.transitioned_at)}"
        data = msgspec.json.encode({"triggeringAlarms": [trigger_of(child)]}).decode()
    await Changes(ctx).move(alarm, state, reason, data, max(due.at, alarm.updated_at))
