"""An Insights query as SQL: its commands one after another, each a table made of the one before. Pure.

    filter @message like /ERROR/ | parse @message "user=*," as user | stats count(*) as n by user, bin(5m) | sort n desc | limit 20

Source: "CloudWatch Logs Insights query syntax" of the guide. Not here: pattern, diff, anomaly, unmask, lookup, SOURCE.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from .insights_values import Expression, Fields, Kind, Value, literal, quoted
from .insights_words import Scanner, malformed

LIMIT_MAX: Final = 10_000
EVENTS: Final[dict[str, Kind]] = {
    "@timestamp": "time",
    "@ingestionTime": "time",
    "@message": "text",
    "@logStream": "text",
    "@log": "text",
    "@ptr": "text",
}
"""The columns of the table `events`; `@json` beside them is the message where it is JSON."""
COMMANDS: Final = ("fields", "filter", "stats", "sort", "limit", "parse", "dedup", "display")


class Compiled(msgspec.Struct, frozen=True):
    """`shown`: the columns of the answer, in order, each with what it is. `is_of_events`: not the result of `stats`."""

    sql: str
    matched_sql: str  # how many events there are before they are counted or cut off
    shown: list[tuple[str, Kind]]
    is_of_events: bool


def compile_query(text: str) -> Compiled:
    """MalformedQueryException where it can't be read."""
    return _Compiler(text).whole()


class _Compiler:
    def __init__(self, text: str) -> None:
        self._scanner = Scanner(text)
        self._tables: list[str] = []
        self._fields = Fields(dict(EVENTS))
        self._shown: list[str] = []
        self._order: list[str] = []
        self._limit = LIMIT_MAX
        self._is_of_events = True
        self._matched = -1  # the number of the last table of events

    def whole(self) -> Compiled:
        scanner = self._scanner
        scanner.sign("|")
        if not scanner.ended:
            self._command()
        while scanner.sign("|"):
            self._command()
        if not scanner.ended:
            raise scanner.unexpected()
        shown = self._shown or (["@timestamp", "@message"] if self._is_of_events else list(self._fields.columns))
        kinds = [(name, self._fields.find(name).kind) for name in shown]
        extra = ', "@ptr"' if self._is_of_events else ""
        columns = ", ".join(f"{self._fields.find(name).sql} AS {quoted(name)}" for name in shown)
        sql = f"SELECT {columns}{extra} FROM {self._last}{self._ordered()} LIMIT {self._limit}"  # noqa: S608 - every name and text is quoted
        tables = ", ".join(f"t{number} AS ({table})" for number, table in enumerate(self._tables))
        with_tables = f"WITH {tables} " if tables else ""
        matched = (self._last if self._is_of_events else f"t{self._matched}") if self._is_of_events or self._matched >= 0 else "events"
        return Compiled(f"{with_tables}{sql}", f"{with_tables}SELECT count(*) FROM {matched}", kinds, self._is_of_events)  # noqa: S608 - quoted

    @property
    def _last(self) -> str:
        return f"t{len(self._tables) - 1}" if self._tables else "events"

    def _ordered(self) -> str:
        order = self._order or (['"@timestamp" DESC', '"@ptr" DESC'] if self._is_of_events else [])
        return f" ORDER BY {', '.join(order)}" if order else ""

    def _expression(self) -> Expression:
        return Expression(self._scanner, self._fields)

    def _command(self) -> None:
        at = self._scanner.at
        command = self._scanner.word(*COMMANDS)
        if command is None:
            raise malformed("unexpected command: only " + ", ".join(COMMANDS) + " are known here", at)
        {
            "fields": self._show,
            "display": self._display,
            "filter": self._filter,
            "stats": self._stats,
            "sort": self._sort,
            "limit": self._cut,
            "parse": self._parse,
            "dedup": self._dedup,
        }[command]()

    def _named(self) -> tuple[Value, str, bool]:
        """A value, what it is called, and whether it was given that name."""
        start = self._scanner.at
        value = self._expression().read()
        text = self._scanner.text[start : self._scanner.at].strip().strip("`")
        if self._scanner.word("as"):
            name = self._scanner.name()
            if name is None:
                raise self._scanner.unexpected()
            return value, name, True
        return value, text, False

    def _add(self, columns: list[tuple[str, Value]]) -> None:
        """The table with further columns; one of the same name is replaced."""
        fresh = [(name, value) for name, value in columns if self._fields.find(name) != value]
        if not fresh:
            return
        same = [quoted(name) for name, _ in fresh if name in self._fields.columns]
        kept = f"* EXCLUDE ({', '.join(same)})" if same else "*"
        added = ", ".join(f"{value.sql} AS {quoted(name)}" for name, value in fresh)
        self._tables.append(f"SELECT {kept}, {added} FROM {self._last}")  # noqa: S608 - every name and text is quoted
        columns_now = self._fields.columns | {name: value.kind for name, value in fresh}
        self._fields = Fields(columns_now, discovers=self._fields.discovers)

    def _show(self) -> None:
        columns = self._list()
        self._add([(name, value) for name, value in columns])
        self._shown += [name for name, _ in columns if name not in self._shown]

    def _display(self) -> None:
        columns = self._list()
        self._add([(name, value) for name, value in columns])
        self._shown = [name for name, _ in columns]

    def _list(self) -> list[tuple[str, Value]]:
        columns = []
        while True:
            value, name, _ = self._named()
            columns.append((name, value))
            if not self._scanner.sign(","):
                return columns

    def _filter(self) -> None:
        condition = self._expression().read()
        self._tables.append(f"SELECT * FROM {self._last} WHERE {condition.truth}")  # noqa: S608 - every name and text is quoted

    def _stats(self) -> None:
        aggregates = [self._aggregate()]
        while self._scanner.sign(","):
            aggregates.append(self._aggregate())
        groups: list[tuple[str, Value]] = []
        if self._scanner.word("by"):
            groups = self._list()
        columns = [*groups, *aggregates]
        if self._is_of_events:
            self._matched = len(self._tables) - 1
        selected = ", ".join(f"{value.sql} AS {quoted(name)}" for name, value in columns)
        by = f" GROUP BY {', '.join(value.sql for _, value in groups)}" if groups else ""
        self._tables.append(f"SELECT {selected} FROM {self._last}{by}")  # noqa: S608 - every name and text is quoted
        self._fields = Fields({name: value.kind for name, value in columns}, discovers=False)
        self._shown = []
        self._order = [f"{quoted(name)} DESC" for name, value in groups if value.kind == "time"]
        self._is_of_events = False

    def _aggregate(self) -> tuple[str, Value]:
        scanner = self._scanner
        start = scanner.at
        function = scanner.name()
        if function is None:
            raise scanner.unexpected()
        scanner.expect("(")
        value = self._aggregated(function.lower(), start)
        text = scanner.text[start : scanner.at].strip()
        if scanner.word("as"):
            name = scanner.name()
            if name is None:
                raise scanner.unexpected()
            return name, value
        return text, value

    def _aggregated(self, function: str, start: int) -> Value:
        scanner = self._scanner
        if function == "count" and (scanner.sign("*") or _is_at(scanner, ")")):
            scanner.expect(")")
            return Value("CAST(count(*) AS DOUBLE)", "number")
        argument = self._expression().read()
        if function in ("pct", "percentile"):
            scanner.expect(",")
            share = scanner.number()
            scanner.expect(")")
            if share is None or share > 100:
                raise malformed("pct takes a field and a percentage", start)
            return Value(f"quantile_cont({argument.number}, {share / 100!r})", "number")
        scanner.expect(")")
        if function in _OF_NUMBERS:
            kind: Kind = "time" if argument.kind == "time" and function in ("min", "max") else "number"
            return Value(_OF_NUMBERS[function].format(argument.number), kind)
        if function in _OF_ANYTHING:
            kind = "number" if function.startswith("count") else argument.kind
            return Value(_OF_ANYTHING[function].format(argument.sql), kind)
        raise malformed(f"unknown function {function}", start)

    def _sort(self) -> None:
        order = []
        while True:
            value, _, _ = self._named()
            way = (self._scanner.word("asc", "desc") or "asc").upper()
            if value.kind == "any":
                order.append(f"TRY_CAST({value.sql} AS DOUBLE) {way} NULLS LAST")
            order.append(f"{value.sql} {way} NULLS LAST")
            if not self._scanner.sign(","):
                break
        self._order = order

    def _cut(self) -> None:
        number = self._scanner.number()
        if number is None or not 1 <= number <= LIMIT_MAX:
            raise malformed(f"limit takes a number from 1 to {LIMIT_MAX}", self._scanner.at)
        self._limit = min(self._limit, int(number))
        if not self._scanner.ended:  # what follows sees no more than that
            self._tables.append(f"SELECT * FROM {self._last}{self._ordered()} LIMIT {self._limit}")  # noqa: S608 - quoted

    def _dedup(self) -> None:
        keys = [value.sql for _, value in self._list()]
        order = self._ordered()
        numbered = f"ROW_NUMBER() OVER (PARTITION BY {', '.join(keys)}{order}) = 1"
        present = " AND ".join(f"{key} IS NOT NULL" for key in keys)
        self._tables.append(f"SELECT * FROM {self._last} WHERE {present} QUALIFY {numbered}")  # noqa: S608 - quoted

    def _parse(self) -> None:
        scanner = self._scanner
        text = Value('"@message"', "text")
        expression = scanner.regex()
        glob = scanner.quoted() if expression is None else None
        if expression is None and glob is None:
            text = self._expression()._atom()  # noqa: SLF001 - the same language, one value of it
            expression = scanner.regex()
            glob = scanner.quoted() if expression is None else None
        if expression is not None:
            names = re.findall(r"\(\?P?<([A-Za-z_]\w*)>", expression)
            plain = re.sub(r"\(\?P?<[A-Za-z_]\w*>", "(", expression)
            numbers = _numbers_of_named(expression)
        elif glob is not None:
            plain = _of_glob(glob)
            names = self._aliases()
            numbers = list(range(1, len(names) + 1))
            if len(names) != glob.count("*"):
                raise malformed("parse needs a name for each * of its pattern", scanner.at)
        else:
            raise scanner.unexpected()
        if not names:
            raise malformed("parse needs named groups", scanner.at)
        matches = f"regexp_matches({text.text}, {literal(plain)})"
        self._add(
            [
                (name, Value(f"CASE WHEN {matches} THEN regexp_extract({text.text}, {literal(plain)}, {number}) END", "any"))
                for name, number in zip(names, numbers, strict=True)
            ]
        )
        self._shown += [name for name in names if self._shown and name not in self._shown]

    def _aliases(self) -> list[str]:
        names = []
        if self._scanner.word("as"):
            while (name := self._scanner.name()) is not None:
                names.append(name)
                if not self._scanner.sign(","):
                    break
        return names


_OF_NUMBERS: Final = {
    "sum": "sum({0})",
    "avg": "avg({0})",
    "min": "min({0})",
    "max": "max({0})",
    "stddev": "stddev_pop({0})",
    "median": "median({0})",
}
_OF_ANYTHING: Final = {
    "count": "CAST(count({0}) AS DOUBLE)",
    "count_distinct": "CAST(count(DISTINCT {0}) AS DOUBLE)",
    "earliest": 'arg_min({0}, "@timestamp")',
    "latest": 'arg_max({0}, "@timestamp")',
    "sortsfirst": "min({0})",
    "sortslast": "max({0})",
}


def _is_at(scanner: Scanner, sign: str) -> bool:
    return scanner.text[scanner.at : scanner.at + 1] == sign


def _of_glob(glob: str) -> str:
    parts = glob.split("*")
    body = "(.*?)".join(re.escape(part) for part in parts)
    return f"(?s){body}$" if glob.endswith("*") else f"(?s){body}"


def _numbers_of_named(expression: str) -> list[int]:
    """Which of the groups have names: others may stand between them."""
    numbers, number = [], 0
    for found in re.finditer(r"\\.|\[(?:[^\]\\]|\\.)*\]|\((?!\?)|\(\?P?<[A-Za-z_]", expression):
        if found[0].startswith("("):
            number += 1
            if found[0].startswith("(?"):
                numbers.append(number)
    return numbers
