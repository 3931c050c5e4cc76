"""Metrics Insights: one SELECT over many metrics. The language is pure; Selection reads what it is about.

    SELECT AVG(CPU) FROM SCHEMA("AWS/EC2", InstanceId) WHERE InstanceId != 'i-1' GROUP BY InstanceId ORDER BY MAX() DESC LIMIT 5

All samples of a group's metrics come into one bucket for each period, so that an average is that of the values and not of averages.
Source: "Metrics Insights query components and syntax" of the user guide.
"""

from __future__ import annotations

import re
from collections import defaultdict
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NoReturn

import msgspec

from .arithmetic import Points
from .model import METRICS, Dimensions, Metric
from .refusals import invalid
from .series import Line, Window
from .statistics import Bucket, statistic

if TYPE_CHECKING:
    from headwater.kernel.context import Context

SELECTS: Final = re.compile(r"\s*SELECT\s", re.IGNORECASE)
STATISTICS: Final = {"AVG": "Average", "COUNT": "SampleCount", "MAX": "Maximum", "MIN": "Minimum", "SUM": "Sum"}
SERIES_MAX: Final = 500
METRICS_MAX: Final = 10_000
_TOKEN: Final = re.compile(r"""\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|(!=|<>|[=(),])|([A-Za-z_][\w.:/-]*|\d+))""")


class Test(msgspec.Struct, frozen=True):
    """A dimension has this value, or has another."""

    name: str
    value: str
    is_equal: bool

    def holds(self, dimensions: dict[str, str]) -> bool:
        return self.name in dimensions and (dimensions[self.name] == self.value) == self.is_equal


class Select(msgspec.Struct, frozen=True):
    """`tests`: all of them must hold. `schema`: exactly these dimensions, where it is given."""

    statistic: str
    metric: str
    namespace: str
    schema: frozenset[str] | None
    tests: tuple[Test, ...]
    group_by: tuple[str, ...]
    order_by: str | None
    is_descending: bool
    limit: int

    def means(self, metric: Metric) -> bool:
        dimensions = dict(metric.dimensions)
        return (
            metric.namespace == self.namespace
            and metric.name == self.metric
            and (self.schema is None or self.schema == dimensions.keys())
            and all(name in dimensions for name in self.group_by)
            and all(test.holds(dimensions) for test in self.tests)
        )

    def group_of(self, dimensions: Dimensions) -> tuple[str, ...]:
        values = dict(dimensions)
        return tuple(values[name] for name in self.group_by)


@lru_cache(256)
def select_of(text: str) -> Select:
    """The query; ValidationException where it can't be read."""
    return _Parser(text).whole()


class _Parser:
    """Words have no case unless they are quoted; a quoted one is never a word of the language."""

    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        at = 0
        text = text.rstrip()
        while at < len(text):
            found = _TOKEN.match(text, at)
            if found is None:
                self._fail(text[at : at + 10])
            kind = ("name", "text", "sign", "word")[next(number for number, each in enumerate(found.groups()) if each is not None)]
            self._tokens.append((kind, next(each for each in found.groups() if each is not None)))
            at = found.end()
        self._at = 0

    def _fail(self, near: str) -> NoReturn:
        raise invalid(f"Error in Metrics Insights query near {near!r}.")

    def _next(self) -> tuple[str, str]:
        if self._at == len(self._tokens):
            self._fail("the end")
        self._at += 1
        return self._tokens[self._at - 1]

    def _takes(self, *words: str) -> bool:
        """Whether these come next, and they are taken."""
        ahead = self._tokens[self._at : self._at + len(words)]
        if len(ahead) == len(words) and all(
            kind in {"word", "sign"} and text.upper() == word for (kind, text), word in zip(ahead, words, strict=True)
        ):
            self._at += len(words)
            return True
        return False

    def _needs(self, *words: str) -> None:
        if not self._takes(*words):
            self._fail(self._next()[1])

    def _name(self) -> str:
        kind, text = self._next()
        if kind not in {"name", "word"}:
            self._fail(text)
        return text

    def _statistic(self) -> str:
        found = STATISTICS.get(self._name().upper())
        if found is None:
            self._fail(self._tokens[self._at - 1][1])
        return found

    def _names(self) -> list[str]:
        names = [self._name()]
        while self._takes(","):
            names.append(self._name())
        return names

    def whole(self) -> Select:
        self._needs("SELECT")
        statistic = self._statistic()
        self._needs("(")
        metric = self._name()
        self._needs(")")
        self._needs("FROM")
        namespace, schema = self._from()
        tests = self._where() if self._takes("WHERE") else ()
        group_by = tuple(self._names()) if self._takes("GROUP", "BY") else ()
        order_by, is_descending = self._order() if self._takes("ORDER", "BY") else (None, False)
        limit = self._limit() if self._takes("LIMIT") else SERIES_MAX
        if self._at != len(self._tokens):
            self._fail(self._next()[1])
        return Select(statistic, metric, namespace, schema, tests, group_by, order_by, is_descending, limit)

    def _from(self) -> tuple[str, frozenset[str] | None]:
        if not self._takes("SCHEMA", "("):
            return self._name(), None
        namespace, *dimensions = self._names()
        self._needs(")")
        return namespace, frozenset(dimensions)

    def _where(self) -> tuple[Test, ...]:
        tests = [self._test()]
        while self._takes("AND"):
            tests.append(self._test())
        return tuple(tests)

    def _test(self) -> Test:
        name, (_, sign), (kind, value) = self._name(), self._next(), self._next()
        if sign not in {"=", "!=", "<>"} or kind not in {"text", "word"}:
            self._fail(sign)
        return Test(name, value, sign == "=")

    def _order(self) -> tuple[str, bool]:
        statistic = self._statistic()
        self._needs("(")
        self._needs(")")
        return statistic, self._takes("DESC") or (self._takes("ASC") and False)

    def _limit(self) -> int:
        _, text = self._next()
        if not text.isdigit() or not 1 <= int(text) <= SERIES_MAX:
            self._fail(text)
        return int(text)


class Selection:
    """What a SELECT is worth over a time."""

    def __init__(self, ctx: Context, select: Select, period_s: int, span: Window) -> None:
        self._ctx = ctx
        self._select = select
        self._period_s = period_s
        self._span = span

    async def lines(self, label: str) -> list[Points]:
        """One for each group, or one for all, which is called `label`."""
        select, ctx = self._select, self._ctx
        metrics = [metric for metric in ctx.store.scan(METRICS, ctx.account, ctx.region) if select.means(metric)]
        if len(metrics) > METRICS_MAX:
            raise invalid(f"The query is about more than {METRICS_MAX} metrics.")
        groups: dict[tuple[str, ...], dict[int, Bucket]] = defaultdict(dict)
        for metric in metrics:
            await self._gather(metric, groups[select.group_of(metric.dimensions)])
        work = statistic(select.statistic)
        found = []
        for group, buckets in self._ordered({group: buckets for group, buckets in groups.items() if buckets}):
            values = {at_s: value for at_s, bucket in sorted(buckets.items()) if (value := work(bucket)) is not None}
            found.append(Points(values, self._period_s, " ".join(group) or label))
        return found

    async def _gather(self, metric: Metric, buckets: dict[int, Bucket]) -> None:
        line = Line(self._ctx, metric.id, self._period_s)
        await line.read(self._span, None)
        for of_unit in line.units.values():
            for at_s, bucket in of_unit.items():
                buckets.setdefault(at_s, Bucket()).join(bucket)

    def _ordered(self, groups: dict[tuple[str, ...], dict[int, Bucket]]) -> list[tuple[tuple[str, ...], dict[int, Bucket]]]:
        """By what the order's statistic says of the whole time."""
        found = sorted(groups.items())
        if self._select.order_by is not None:
            work = statistic(self._select.order_by)

            def worth(item: tuple[tuple[str, ...], dict[int, Bucket]]) -> float:
                together = Bucket()
                for bucket in item[1].values():
                    together.join(bucket)
                return work(together) or 0.0

            found.sort(key=worth, reverse=self._select.is_descending)
        return found[: self._select.limit]
