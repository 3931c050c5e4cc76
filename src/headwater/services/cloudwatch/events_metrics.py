"""AWS/Events: what becomes of events and of the rules that they match, as metrics. Pure.

A rule's are published for the rule (with its bus, where that is not the default one) and over all; how the calls of targets went is
published over all alone. Invocations counts what has ended: retries until they fail for good are attempts.
Source: "Monitoring Amazon EventBridge" of its guide.
"""

from collections.abc import Iterator
from typing import Any, Final

from .gauging import Reading

NAMESPACE: Final = "AWS/Events"
DEFAULT: Final = "default"
COUNT: Final = "Count"
MILLISECONDS: Final = "Milliseconds"
_Readings = list[tuple[str, float, str]]


def _over_all(readings: _Readings) -> Iterator[Reading]:
    return (Reading(NAMESPACE, name, (), value, unit) for name, value, unit in readings)


def _of_rule(fact: dict[str, Any], readings: _Readings) -> Iterator[Reading]:
    rule, bus = ("RuleName", fact["rule"]), ("EventBusName", fact["bus"])
    dimensions = (rule,) if fact["bus"] == DEFAULT else (bus, rule)
    for name, value, unit in readings:
        yield Reading(NAMESPACE, name, (), value, unit)
        yield Reading(NAMESPACE, name, dimensions, value, unit)


def of_put(fact: dict[str, Any]) -> Iterator[Reading]:
    took = fact["entries"] - fact["failed"]
    readings = [
        ("PutEventsApproximateCallCount", 1.0, COUNT),
        ("PutEventsApproximateSuccessCount", float(took > 0), COUNT),
        ("PutEventsApproximateFailedCount", float(took == 0), COUNT),
        ("PutEventsEntriesCount", float(fact["entries"]), COUNT),
        ("PutEventsFailedEntriesCount", float(fact["failed"]), COUNT),
        ("PutEventsRequestSize", float(fact["bytes"]), "Bytes"),
    ]
    return _over_all(readings)


def of_triggered(fact: dict[str, Any]) -> Iterator[Reading]:
    readings: _Readings = [("TriggeredRules", 1.0, COUNT)]
    if fact["by_event"]:
        readings.append(("MatchedEvents", 1.0, COUNT))
    yield from _of_rule(fact, readings)
    if fact["targets"]:
        yield from _over_all([("InvocationsCreated", float(fact["targets"]), COUNT)])


def of_attempted(fact: dict[str, Any]) -> Iterator[Reading]:
    outcome = fact["outcome"]
    calls: _Readings = [("InvocationAttempts", 1.0, COUNT)]
    readings: _Readings = []
    if fact["is_retry"]:
        calls.append(("RetryInvocationAttempts", 1.0, COUNT))
    else:
        readings.append(("IngestionToInvocationStartLatency", fact["age_ms"], MILLISECONDS))
    if outcome != "again":
        readings.append(("Invocations", 1.0, COUNT))
        readings.append(("IngestionToInvocationCompleteLatency", fact["age_ms"], MILLISECONDS))
    if outcome == "succeeded":
        calls.append(("SuccessfulInvocationAttempts", 1.0, COUNT))
        readings.append(("IngestionToInvocationSuccessLatency", fact["age_ms"], MILLISECONDS))
    if outcome == "failed":
        readings.append(("FailedInvocations", 1.0, COUNT))
    yield from _over_all(calls)
    yield from _of_rule(fact, readings)


def of_buried(fact: dict[str, Any]) -> Iterator[Reading]:
    name = "InvocationsSentToDlq" if fact["sent"] else "InvocationsFailedToBeSentToDlq"
    return _of_rule(fact, [(name, 1.0, COUNT)])
