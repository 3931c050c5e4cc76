"""What EventBridge tells the Bus for the metrics of its rules: plain facts, on the topic "metric".

Whoever keeps metrics makes of them what AWS publishes; this room knows no metric.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headwater.kernel.context import Context

    from .delivery import Redelivery
    from .model import Rule


def put(ctx: Context, entries: int, failed: int, size: int) -> dict[str, Any]:
    """A call of PutEvents was answered."""
    where = {"account": ctx.account, "region": ctx.region, "at": ctx.clock.now()}
    return {"of": "events/put", "entries": entries, "failed": failed, "bytes": size} | where


def triggered(rule: Rule, at: datetime, *, by_event: bool) -> dict[str, Any]:
    """A rule is to call its targets: an event matched it, or its time has come."""
    return _fact("events/triggered", rule, at) | {"by_event": by_event, "targets": len(rule.targets)}


def attempted(rule: Rule, at: datetime, due: Redelivery, outcome: str) -> dict[str, Any]:
    """A target was called: "succeeded", "failed" for good, or "again". `due` as it was before."""
    age_ms = max((at - due.ingested).total_seconds() * 1000, 0.0)
    return _fact("events/attempted", rule, at) | {"outcome": outcome, "is_retry": due.attempts > 0, "age_ms": age_ms}


def buried(rule: Rule, at: datetime, *, sent: bool) -> dict[str, Any]:
    """An event was to go to a dead-letter queue."""
    return _fact("events/buried", rule, at) | {"sent": sent}


def _fact(of: str, rule: Rule, at: datetime) -> dict[str, Any]:
    return {"of": of, "account": rule.account, "region": rule.region, "at": at, "rule": rule.name, "bus": rule.bus}
