"""A CloudWatch client of a fresh account, and moments that are the same for a whole test."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest


@pytest.fixture
def cloudwatch(aws: Any) -> Any:
    return aws.client("cloudwatch")


@pytest.fixture
def now(server: Any) -> Callable[[], datetime]:
    """AWS time, to the minute."""
    return lambda: server.home.clock.now().astimezone(UTC).replace(second=0, microsecond=0)


@pytest.fixture
def put(cloudwatch: Any, now: Callable[[], datetime]) -> Callable[..., None]:
    """`put("name", {minutes ago: value})`"""

    def put(name: str, values: dict[float, float], *, namespace: str = "app", **datum: Any) -> None:
        data = [{"MetricName": name, "Timestamp": now() - timedelta(minutes=ago), "Value": value, **datum} for ago, value in values.items()]
        cloudwatch.put_metric_data(Namespace=namespace, MetricData=data)

    return put
