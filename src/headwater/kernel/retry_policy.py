"""How a target that could not be called is tried again: the same for EventBridge and for Scheduler.

Source: "How EventBridge retries delivering events" and "Configuring a schedule's retry policy": up to 185 times in up to 24 hours, with
a wait that grows and is spread at random. Which refusals may pass is read off the services' own error lists.
"""

import random
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

ATTEMPTS_MAX: Final = 185
AGE_MAX_S: Final = 86_400
FIRST_WAIT_S: Final = 1.0
LAST_WAIT_S: Final = 600.0
WAIT_DOUBLINGS_MAX: Final = 20
PASSING: Final = frozenset(
    {
        "ConcurrentModificationException",
        "InternalError",
        "InternalException",
        "InternalFailure",
        "InternalServerError",
        "InternalServerException",
        "KMSThrottlingException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ServiceException",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
"""Refusals that may pass. Others (no permission, no such resource, a wrong request) are not tried again."""
_JITTER: Final = random.Random()  # noqa: S311 - not a secret


def next_attempt(now: datetime, attempts: int, began: datetime, policy: Mapping[str, Any], *, wait_s: float = 0.0) -> tuple[datetime, str]:
    """When to try again after so many attempts, and which limit of the target's RetryPolicy forbids it ("": none).

    `wait_s`: how long the target asks to wait at least; the longer of the two waits holds.
    """
    own_s = min(FIRST_WAIT_S * 2 ** min(attempts - 1, WAIT_DOUBLINGS_MAX), LAST_WAIT_S) * _JITTER.uniform(0.75, 1.25)
    at = now + timedelta(seconds=max(own_s, min(wait_s, AGE_MAX_S + 1)))
    if attempts > policy.get("MaximumRetryAttempts", ATTEMPTS_MAX):
        return at, "MaximumRetryAttempts"
    if at - began > timedelta(seconds=policy.get("MaximumEventAgeInSeconds", AGE_MAX_S)):
        return at, "MaximumEventAgeInSeconds"
    return at, ""
