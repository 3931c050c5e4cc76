"""What the tests of Secrets Manager share."""

import time
from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def secretsmanager(aws: Any) -> Any:
    return aws.client("secretsmanager")


@pytest.fixture
def settled() -> Callable[[Callable[[], Any]], Any]:
    """`settled(condition)`: wait for what jobs do behind the requests; answers what the condition gave."""

    def wait(condition: Callable[[], Any], within_s: float = 15) -> Any:
        ends = time.monotonic() + within_s
        while not (found := condition()):
            assert time.monotonic() < ends, "it did not happen"
            time.sleep(0.02)
        return found

    return wait
