"""What a result of GetMetricData is called. Pure.

Without a label of its own a metric's result is called after what tells it apart from the request's others: its name, then, where they
differ, its statistic and period (recorded: test_label_generation). A label may hold `${MAX}` and other words that are filled in.
Source: "Using dynamic labels" of the user guide.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from .arithmetic import Points
from .series import Wanted

_WORD: Final = re.compile(r"\$\{\s*(?:(?P<word>[A-Z_]+)|PROP\('(?P<property>[^']+)'\))\s*\}")
_MOMENT: Final = re.compile(r"(MIN|MAX|FIRST|LAST)_TIME(_RELATIVE)?")


def generated(all_wanted: Sequence[Wanted]) -> list[str]:
    """The labels of a request's metrics."""
    dimensions = {wanted.dimensions for wanted in all_wanted}
    names = {wanted.name for wanted in all_wanted}
    stats = {wanted.stat for wanted in all_wanted} if len(names) == 1 else set()
    periods = {wanted.period_s for wanted in all_wanted} if len(names) == 1 else set()
    shared = set.intersection(*(set(one) for one in dimensions)) if dimensions else set()
    labels = []
    for wanted in all_wanted:
        words = [value for pair in wanted.dimensions if pair not in shared for value in pair[1:]] if len(names) == 1 else []
        words.append(wanted.name)
        words += [wanted.stat] if len(stats) > 1 else []
        words += [str(wanted.period_s)] if len(periods) > 1 else []
        labels.append(" ".join(words))
    return labels


def zone(text: str) -> timezone:
    """LabelOptions' Timezone: +0130."""
    minutes = int(text[1:3]) * 60 + int(text[3:5])
    return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes))


def filled_in(label: str, own: str, line: Points, where: timezone = UTC) -> str:
    """The label with its words filled in; `own` is what it would be without one."""
    if "${" not in label:
        return label

    def fill(found: re.Match[str]) -> str:
        if found["property"] is not None:
            return line.properties.get(found["property"], "")
        if found["word"] == "LABEL":
            return own
        return _of_points(found["word"], line, where)

    return _WORD.sub(fill, label)


def _of_points(word: str, line: Points, where: timezone) -> str:
    values = line.values
    if word == "DATAPOINT_COUNT":
        return str(len(values))
    if not values:
        return "--"
    ordered = sorted(values.items())
    ends = {
        "MIN": min(ordered, key=lambda point: point[1]),
        "MAX": max(ordered, key=lambda point: point[1]),
        "FIRST": ordered[0],
        "LAST": ordered[-1],
    }
    if word in ends:
        return f"{ends[word][1]:g}"
    if word in ("SUM", "AVG"):
        total = sum(values.values())
        return f"{total if word == 'SUM' else total / len(values):g}"
    moment = _MOMENT.fullmatch(word)
    return f"{datetime.fromtimestamp(ends[moment[1]][0], where):%Y-%m-%d %H:%M:%S}" if moment else ""
