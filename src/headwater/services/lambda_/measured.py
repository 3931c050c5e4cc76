"""What Lambda tells the Bus for the metrics of its functions: plain facts, on the topic "metric".

Whoever keeps metrics makes of them what AWS publishes; this room knows no metric.
"""

from datetime import datetime
from typing import Any

from .invocation import Outcome
from .model import Version


def run(at: datetime, version: Version, took_ms: float, outcome: Outcome, running: int) -> dict[str, Any]:
    """One run has ended. `running` are the runs of the same version at that moment, this one among them."""
    account, region, name = version.key
    return {
        "of": "lambda/run",
        "account": account,
        "region": region,
        "at": at,
        "function": name,
        "took_ms": took_ms,
        "failed": outcome.error is not None,
        "running": max(running, 1),
    }


def throttle(at: datetime, key: tuple[str, str, str]) -> dict[str, Any]:
    """A caller was refused, because as many run as may."""
    account, region, name = key
    return {"of": "lambda/throttle", "account": account, "region": region, "at": at, "function": name}
