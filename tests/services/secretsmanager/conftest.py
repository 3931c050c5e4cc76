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


class Heard:
    """What is told on the Bus of one account's secrets."""

    def __init__(self, account: str) -> None:
        self._account = account
        self._told: list[tuple[str, dict[str, Any]]] = []

    def listen(self, told: list[dict[str, Any]]) -> None:
        for each in told:
            arn = each["secret"] if "secret" in each else each["additionalEventData"]["SecretId"]
            if arn.split(":")[4] == self._account:
                self._told.append((each.get("eventName", ""), each))

    @property
    def names(self) -> list[str]:
        """The events that CloudTrail has."""
        return [name for name, _ in self._told if name]

    @property
    def events(self) -> list[dict[str, Any]]:
        return [each for name, each in self._told if name]

    @property
    def outcomes(self) -> list[dict[str, Any]]:
        """How rotations ended."""
        return [each for name, each in self._told if not name]


@pytest.fixture
def events(server: Any, aws: Any) -> Any:
    heard = Heard(aws.account)
    listen = heard.listen

    async def subscribe() -> None:
        for topic in ("secretsmanager/event", "secretsmanager/rotation"):
            server.home.bus.subscribe(topic, listen)

    async def unsubscribe() -> None:
        for topic in ("secretsmanager/event", "secretsmanager/rotation"):
            server.home.bus.unsubscribe(topic, listen)

    server.call(subscribe())
    yield heard
    server.call(unsubscribe())
