"""A list of metric queries, as GetMetricData and alarms have it: what each is worth over a time.

The lines are read first (all that any query or SEARCH names), then the expressions are worked out, each after those that it names.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Final

import msgspec

from headwater.kernel.context import Context

from .anomaly_detectors import History, detector_of
from .arithmetic import BAND, FUNCTIONS, Points, Scope, Value, band_key, search_key, worth
from .bands import Model
from .expressions import Call, Many, Node, Number, Text, functions_in, names_in, parsed
from .labels import generated
from .model import METRICS, MINUTE_S, Metric, dimensions_of
from .published import _settled
from .refusals import invalid
from .searching import metrics_of
from .selecting import SELECTS, Select, Selection, select_of
from .series import FINE, Line, Wanted, window
from .statistics import is_known

Parameters = dict[str, Any]

QUERIES_MAX: Final = 500
_ID: Final = re.compile(r"[a-z]\w*")


class Query(msgspec.Struct, frozen=True):
    """`wanted`, `tree` or `select`; `is_told` is ReturnData."""

    id: str
    label: str
    is_told: bool
    wanted: Wanted | None
    tree: Node | None
    period_s: int | None
    select: Select | None = None


class Answer(msgspec.Struct):
    """What a query is worth. `own` is the label it has without being given one."""

    query: Query
    value: Value
    own: str
    units: tuple[str, ...] = ()


def read_queries(listed: list[Parameters]) -> list[Query]:
    """The queries, checked."""
    queries = [_query(one) for one in listed]
    identities = [query.id for query in queries]
    if len(queries) > QUERIES_MAX:
        raise invalid(f"The collection MetricDataQueries must not have a size greater than {QUERIES_MAX}.")
    twice = next((one for one in identities if identities.count(one) > 1), None)
    if twice is not None:
        raise invalid(f"The values for parameter id in MetricDataQueries is not unique: {twice}.")
    for query in queries:
        if query.tree is not None:
            unknown = functions_in(query.tree) - FUNCTIONS - _SIGNS
            if unknown:
                raise invalid(f"Error in expression {query.id!r}: Unsupported function {min(unknown)!r}.")
    return queries


_SIGNS: Final = frozenset({"+", "-", "*", "/", "^", "==", "!=", "<", ">", "<=", ">=", "&&", "||"})


def _query(one: Parameters) -> Query:
    identity, stat, expression = one["Id"], one.get("MetricStat"), one.get("Expression")
    if not _ID.fullmatch(identity):
        raise invalid(f"The value {identity} for parameter Id is invalid: an Id begins with a lower-case letter.")
    if (stat is None) == (expression is None):
        raise invalid("Each MetricDataQuery must have exactly one of the parameters MetricStat and Expression.")
    if one.get("AccountId") is not None and one["AccountId"] == "":
        raise invalid("The parameter AccountId is empty.")
    period_s = one.get("Period")
    if stat is None:
        assert expression is not None
        if SELECTS.match(expression):
            return Query(identity, one.get("Label", ""), one.get("ReturnData", True), None, None, period_s, select_of(expression))
        return Query(identity, one.get("Label", ""), one.get("ReturnData", True), None, parsed(expression), period_s)
    metric = stat["Metric"]
    if "Namespace" not in metric or "MetricName" not in metric:
        raise invalid("The parameters MetricStat.Metric.Namespace and MetricStat.Metric.MetricName are required.")
    if not is_known(stat["Stat"]):
        raise invalid(f"The value {stat['Stat']} for parameter Stat is not supported.")
    _check_period(stat["Period"])
    wanted = Wanted(
        metric["Namespace"], metric["MetricName"], dimensions_of(metric.get("Dimensions")), stat["Stat"], stat["Period"], stat.get("Unit")
    )
    return Query(identity, one.get("Label", ""), one.get("ReturnData", True), wanted, None, stat["Period"])


def _check_period(period_s: int) -> None:
    if period_s < 1 or (period_s % MINUTE_S and period_s not in FINE):
        raise invalid("Period must be 1, 5, 10, 20, 30 or a multiple of 60.")


class Worked:
    """The work on one list of queries over one time."""

    def __init__(self, ctx: Context, queries: list[Query], start: datetime, end: datetime) -> None:
        self._ctx = ctx
        self._queries = {query.id: query for query in queries}
        self._start = start
        self._end = end
        self._now = ctx.clock.now()
        self._found: dict[str, list[Points]] = {}
        self._answers: dict[str, Answer] = {}
        self._models: dict[str, Model] = {}

    async def answers(self) -> list[Answer]:
        """In the order of the queries."""
        asked = [query.wanted or query.select for query in self._queries.values()]
        await _settled(self._ctx, *{one.namespace for one in asked if one is not None})
        stats = [query for query in self._queries.values() if query.wanted is not None]
        labels = generated([query.wanted for query in stats if query.wanted is not None])
        for query, label in zip(stats, labels, strict=True):
            assert query.wanted is not None
            line, units = await self._line(query.wanted, label)
            self._answers[query.id] = Answer(query, line, label, units)
        if any(query.tree is not None and BAND in functions_in(query.tree) for query in self._queries.values()):
            await self._learn([query.wanted for query in stats if query.wanted is not None])
        for query in self._queries.values():
            if query.select is not None:
                period_s = query.period_s or MINUTE_S
                span = window(self._start, self._end, period_s, self._now)
                lines = await Selection(self._ctx, query.select, period_s, span).lines(query.id)
                self._answers[query.id] = Answer(query, lines if query.select.group_by or not lines else lines[0], query.id)
        for query in self._queries.values():
            if query.tree is not None:
                await self._search(query.tree, self._period_of(query, set()))
        for query in self._queries.values():
            self._work(query, set())
        return [self._answers[identity] for identity in self._queries]

    async def _line(self, wanted: Wanted, label: str) -> tuple[Points, tuple[str, ...]]:
        line = Line(self._ctx, wanted.metric, wanted.period_s)
        await line.read(window(self._start, self._end, wanted.period_s, self._now), wanted.unit)
        values = line.series(wanted.stat, wanted.unit or line.chosen())
        return Points(values, wanted.period_s, label, self._properties(wanted)), tuple(sorted(line.units))

    async def _learn(self, all_wanted: list[Wanted]) -> None:
        """What the anomaly detectors of these metrics expect, from what was before the time that is asked about."""
        for wanted in all_wanted:
            detector = detector_of(self._ctx, wanted)
            if detector is not None:
                history = await History(self._ctx, detector).before(self._start, wanted.period_s, wanted.unit)
                self._models[band_key(self._properties(wanted))] = Model(history, detector.zone)

    def _properties(self, wanted: Wanted) -> dict[str, str]:
        return {
            "Namespace": wanted.namespace,
            "MetricName": wanted.name,
            "Stat": wanted.stat,
            "Period": str(wanted.period_s),
            "Region": self._ctx.region,
            "AccountId": self._ctx.account,
        } | {f"Dim.{name}": value for name, value in wanted.dimensions}

    async def _search(self, node: Node, period_s: int) -> None:
        """Read what every SEARCH in the tree finds; its arguments are plain texts and a number."""
        for inner in _inner(node):
            await self._search(inner, period_s)
        if not isinstance(node, Call) or node.name.upper() != "SEARCH":
            return
        arguments = [one.value for one in node.arguments if isinstance(one, Text | Number)]
        key = search_key(list(arguments))
        if len(arguments) < 2 or not isinstance(arguments[0], str) or not isinstance(arguments[1], str) or not is_known(arguments[1]):
            raise invalid("Error in expression: SEARCH takes a search, a statistic and a period.")
        period_s = int(arguments[2]) if len(arguments) > 2 else period_s
        metrics: list[Metric] = metrics_of(arguments[0], self._ctx.store.scan(METRICS, self._ctx.account, self._ctx.region))
        all_wanted = [Wanted(one.namespace, one.name, one.dimensions, arguments[1], period_s) for one in metrics]
        self._found[key] = [(await self._line(one, label))[0] for one, label in zip(all_wanted, generated(all_wanted), strict=True)]

    def _work(self, query: Query, above: set[str]) -> Value:
        known = self._answers.get(query.id)
        if known is not None:
            return known.value
        if query.id in above:
            raise invalid(f"Error in expression {query.id!r}: it refers to itself.")
        assert query.tree is not None
        names = names_in(query.tree) & self._queries.keys()
        inner = {name: self._work(self._queries[name], above | {query.id}) for name in names}
        metrics = {one.query.id: [one.value] for one in self._answers.values() if one.query.wanted and isinstance(one.value, Points)}
        period_s = self._period_of(query, set())
        span = window(self._start, self._end, period_s, self._now)
        scope = Scope(list(range(span.low_s, span.high_s, period_s)), period_s, inner, metrics, self._found)
        scope.models = self._models
        value = worth(query.tree, scope)
        self._answers[query.id] = Answer(query, value, query.id)
        return value

    def _period_of(self, query: Query, above: set[str]) -> int:
        """An expression's own period, or the longest of those that it names."""
        if query.period_s is not None:
            return query.period_s
        if query.tree is None or query.id in above:
            return MINUTE_S
        is_of_all = "METRICS" in functions_in(query.tree)
        names = [name for name, one in self._queries.items() if name in names_in(query.tree) or (is_of_all and one.wanted)]
        return max((self._period_of(self._queries[name], above | {query.id}) for name in names), default=MINUTE_S)


def _inner(node: Node) -> tuple[Node, ...]:
    return node.arguments if isinstance(node, Call) else node.items if isinstance(node, Many) else ()
