"""AWS/Lambda: what runs of functions come to as metrics. Pure.

Each metric is published twice, for the function and over all of them. Source: "Types of metrics for Lambda functions" of Lambda's guide.
"""

from collections.abc import Iterator
from typing import Any, Final

from .gauging import Reading

NAMESPACE: Final = "AWS/Lambda"


def _for_each(function: str, readings: list[tuple[str, float, str]]) -> Iterator[Reading]:
    for dimensions in ((), (("FunctionName", function), ("Resource", function)), (("FunctionName", function),)):
        for name, value, unit in readings:
            yield Reading(NAMESPACE, name, dimensions, value, unit)


def of_run(fact: dict[str, Any]) -> Iterator[Reading]:
    readings = [
        ("Invocations", 1.0, "Count"),
        ("Errors", float(fact["failed"]), "Count"),
        ("Throttles", 0.0, "Count"),
        ("Duration", round(fact["took_ms"], 2), "Milliseconds"),
        ("ConcurrentExecutions", float(fact["running"]), "Count"),
    ]
    return _for_each(fact["function"], readings)


def of_throttle(fact: dict[str, Any]) -> Iterator[Reading]:
    return _for_each(fact["function"], [("Throttles", 1.0, "Count")])
