"""How long samples are told, and at which periods. Truth: "Metrics retention" of the CloudWatch concepts page."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any


def sums(cloudwatch: Any, at: datetime, period: int) -> list[float]:
    span = {"StartTime": at.replace(minute=0), "EndTime": at.replace(minute=0) + timedelta(hours=1), "Period": period}
    points = cloudwatch.get_metric_statistics(Namespace="app", MetricName="m", Statistics=["Sum", "Maximum"], **span)["Datapoints"]
    return sorted(point["Sum"] for point in points)


def test_samples_grow_coarse_and_go(cloudwatch: Any, put: Any, now: Callable[[], datetime], clock: Any) -> None:
    clock.advance(now().replace(minute=30) + timedelta(hours=1) - now())  # half past: all of it in one hour
    put("m", {4: 1, 3: 2, 2: 4})
    at = now() - timedelta(minutes=4)
    at -= timedelta(minutes=at.minute % 5)
    assert sums(cloudwatch, at, 60) == [1, 2, 4]
    clock.advance(timedelta(days=16))
    assert sums(cloudwatch, at, 60) == []
    assert sum(sums(cloudwatch, at, 300)) == 7
    clock.advance(timedelta(days=48))
    assert sums(cloudwatch, at, 300) == []
    assert sums(cloudwatch, at, 3600) == [7]
    assert len(cloudwatch.list_metrics(Namespace="app")["Metrics"]) == 1
    clock.advance(timedelta(days=400))
    assert sums(cloudwatch, at, 3600) == []
    for _ in range(200):
        if not cloudwatch.list_metrics(Namespace="app")["Metrics"]:
            return
        time.sleep(0.02)
    raise AssertionError("a metric without samples is still listed")


def test_rolled_up_rows_are_fewer_and_percentiles_stay(
    cloudwatch: Any, server: Any, aws: Any, now: Callable[[], datetime], clock: Any
) -> None:
    from headwater.services.cloudwatch.keeping import Samples
    from headwater.services.cloudwatch.model import metric_id

    at = now() - timedelta(minutes=20)
    data = [{"MetricName": "m", "Timestamp": at + timedelta(minutes=n), "Value": float(n)} for n in range(10)]
    cloudwatch.put_metric_data(Namespace="app", MetricData=data)

    def rows() -> int:
        async def count() -> int:
            ctx = server.home.context(account=aws.account, region="us-east-1", service="cloudwatch")
            return sum([len(page) async for page in Samples(ctx).read(metric_id("app", "m", ()), 0, 10**10)])

        return int(server.call(count()))

    assert rows() == 10
    clock.advance(timedelta(days=17))
    for _ in range(200):
        if rows() <= 3:
            break
        time.sleep(0.02)
    assert rows() <= 3
    span = {"StartTime": at - timedelta(hours=1), "EndTime": at + timedelta(hours=2), "Period": 3600 * 3}
    (point,) = cloudwatch.get_metric_statistics(Namespace="app", MetricName="m", ExtendedStatistics=["p50"], **span)["Datapoints"]
    assert point["ExtendedStatistics"]["p50"] == 4
