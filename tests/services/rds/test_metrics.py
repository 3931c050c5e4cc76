"""What RDS's servers use, as CloudWatch tells it. Truth: "Amazon CloudWatch metrics for Amazon RDS" of RDS's guide."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pymysql
import pytest

from services.rds.conftest import PASSWORD


@pytest.mark.slow
def test_a_real_process_is_measured_when_somebody_asks(aws: Any, create_instance: Callable[..., dict[str, Any]], server: Any) -> None:
    found = create_instance("measured", "mariadb")
    cloudwatch = aws.client("cloudwatch")

    def latest(name: str) -> float | None:
        now = server.home.clock.now()
        asked = {"Namespace": "AWS/RDS", "MetricName": name, "Dimensions": [{"Name": "DBInstanceIdentifier", "Value": "measured"}]}
        span = {"StartTime": now - timedelta(minutes=5), "EndTime": now + timedelta(minutes=1), "Period": 600}
        points = cloudwatch.get_metric_statistics(**asked, Statistics=["Maximum"], **span)["Datapoints"]
        return points[0]["Maximum"] if points else None

    assert latest("FreeableMemory") > 1_000_000
    assert latest("DatabaseConnections") == 0
    endpoint = found["Endpoint"]
    with pymysql.connect(host=endpoint["Address"], port=endpoint["Port"], user="chief", password=PASSWORD):
        assert latest("DatabaseConnections") == 1
    assert 0 <= latest("CPUUtilization") <= 100
