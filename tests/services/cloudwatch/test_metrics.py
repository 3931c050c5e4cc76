"""Metrics put and read back. Truth: the API reference's pages of PutMetricData, GetMetricStatistics, GetMetricData and ListMetrics."""

from datetime import timedelta
from typing import Any

import pytest


def statistics(client: Any, now: Any, name: str = "latency", *, minutes: int = 10, period: int = 60, **request: Any) -> list[Any]:
    span = {"StartTime": now() - timedelta(minutes=minutes), "EndTime": now() + timedelta(minutes=1), "Period": period}
    found = client.get_metric_statistics(Namespace="app", MetricName=name, **(span | request))["Datapoints"]
    return sorted(found, key=lambda point: (point["Timestamp"], point["Unit"]))


def test_what_is_put_is_told_by_period(cloudwatch: Any, put: Any, now: Any) -> None:
    put("latency", {3: 10, 2: 20})
    put("latency", {2: 40})
    points = statistics(cloudwatch, now, Statistics=["Sum", "Average", "SampleCount", "Minimum", "Maximum"])
    assert [point["Sum"] for point in points] == [10, 60]
    assert points[1] | {"Timestamp": 0} == {
        "Timestamp": 0,
        "Unit": "None",
        "Sum": 60,
        "Average": 30,
        "SampleCount": 2,
        "Minimum": 20,
        "Maximum": 40,
    }


def test_percentiles_and_trimmed_means_come_from_the_values(cloudwatch: Any, now: Any) -> None:
    datum = {"MetricName": "latency", "Values": [float(value) for value in range(1, 101)], "Counts": [1.0] * 100}
    cloudwatch.put_metric_data(Namespace="app", MetricData=[datum])
    extended = ["p50", "p99.9", "tm90", "TM(10%:90%)", "TC(:50)", "TS(99:)", "PR(:25)", "wm98", "IQM"]
    (point,) = statistics(cloudwatch, now, ExtendedStatistics=extended)
    assert point["ExtendedStatistics"] == pytest.approx(
        {
            "p50": 50,
            "p99.9": 100,
            "tm90": 45.5,
            "TM(10%:90%)": 50.5,
            "TC(:50)": 50,
            "TS(99:)": 100,
            "PR(:25)": 25,
            "wm98": 50.47,
            "IQM": 50.5,
        }
    )


def test_a_statistic_set_hides_its_values_from_percentiles(cloudwatch: Any, now: Any) -> None:
    together = {"SampleCount": 4, "Sum": 100, "Minimum": 10, "Maximum": 40}
    cloudwatch.put_metric_data(Namespace="app", MetricData=[{"MetricName": "latency", "StatisticValues": together}])
    (point,) = statistics(cloudwatch, now, Statistics=["Average"], ExtendedStatistics=["p90"])
    assert point["Average"] == 25
    assert point.get("ExtendedStatistics", {}) == {}


def test_seconds_are_told_apart_only_where_they_were_put_so(cloudwatch: Any, put: Any, now: Any) -> None:
    at = now() - timedelta(minutes=2)
    for seconds in (0, 10):
        cloudwatch.put_metric_data(
            Namespace="app",
            MetricData=[{"MetricName": "fine", "Value": 1, "Timestamp": at + timedelta(seconds=seconds), "StorageResolution": 1}],
        )
        cloudwatch.put_metric_data(
            Namespace="app", MetricData=[{"MetricName": "coarse", "Value": 1, "Timestamp": at + timedelta(seconds=seconds)}]
        )
    assert [point["Sum"] for point in statistics(cloudwatch, now, "fine", period=10, Statistics=["Sum"])] == [1, 1]
    assert [point["Sum"] for point in statistics(cloudwatch, now, "coarse", period=10, Statistics=["Sum"])] == [2]


PUT_REFUSALS: dict[str, tuple[str, dict[str, Any], timedelta]] = {
    "no data": ("MissingParameter", {}, timedelta()),
    "an infinite value": ("InvalidParameterValue", {"Value": float("inf")}, timedelta()),
    "a value beyond two to the 360": ("InvalidParameterValue", {"Value": 2.0**361}, timedelta()),
    "counts that do not fit": ("InvalidParameterValue", {"Values": [1.0, 2.0], "Counts": [1.0]}, timedelta()),
    "more values than 150": ("InvalidParameterValue", {"Values": [float(value) for value in range(151)]}, timedelta()),
    "older than two weeks": ("InvalidParameterValue", {"Value": 1.0}, -timedelta(days=14, hours=1)),
    "later than in two hours": ("InvalidParameterValue", {"Value": 1.0}, timedelta(hours=2, minutes=2)),
    "a set whose minimum is the larger": (
        "InvalidParameterValue",
        {"StatisticValues": {"SampleCount": 1, "Sum": 1, "Minimum": 2, "Maximum": 1}},
        timedelta(),
    ),
    "a resolution of seven seconds": ("InvalidParameterValue", {"Value": 1.0, "StorageResolution": 7}, timedelta()),
}


@pytest.mark.parametrize(("code", "datum", "moved"), PUT_REFUSALS.values(), ids=PUT_REFUSALS)
def test_put_metric_data_refuses(cloudwatch: Any, refused: Any, now: Any, code: str, datum: dict[str, Any], moved: timedelta) -> None:
    with refused(code):
        cloudwatch.put_metric_data(Namespace="app", MetricData=[{"MetricName": "m", "Timestamp": now() + moved, **datum}])
    assert cloudwatch.list_metrics(Namespace="app")["Metrics"] == []


def test_metrics_are_listed_by_what_they_have(cloudwatch: Any, put: Any) -> None:
    put("errors", {1: 1}, Dimensions=[{"Name": "Function", "Value": "a"}, {"Name": "Stage", "Value": "live"}])
    put("errors", {1: 1}, Dimensions=[{"Name": "Function", "Value": "b"}])
    put("calls", {300: 1}, namespace="other")
    listed = cloudwatch.list_metrics(Namespace="app", Dimensions=[{"Name": "Function"}])["Metrics"]
    assert sorted(len(metric["Dimensions"]) for metric in listed) == [1, 2]
    assert len(cloudwatch.list_metrics(Dimensions=[{"Name": "Function", "Value": "b"}])["Metrics"]) == 1
    assert cloudwatch.list_metrics(MetricName="calls", RecentlyActive="PT3H")["Metrics"] == []
    assert len(cloudwatch.list_metrics(RecentlyActive="PT3H")["Metrics"]) == 2


def query(identity: str, expression: str = "", *, name: str = "m", stat: str = "Sum", period: int = 60, **more: Any) -> dict[str, Any]:
    if expression:
        return {"Id": identity, "Expression": expression, **more}
    metric = {"Namespace": "app", "MetricName": name}
    return {"Id": identity, "MetricStat": {"Metric": metric, "Period": period, "Stat": stat}, **more}


EXPRESSIONS = {
    "sums": ("m1 + m2 * 2", [21, 42, 23]),
    "a division by zero is no point": ("m1 / (m2 - 10)", [0.2]),
    "powers before signs": ("-m2 ^ 2 + 0 * m1", [-100, -400, -100]),
    "a comparison": ("m1 > 1", [0, 1, 1]),
    "a choice": ("IF(m1 >= 2, m2, 0)", [0, 20, 10]),
    "both of two": ("IF(m1 > 1 AND m2 > 10, 1, 0)", [0, 1, 0]),
    "all metrics": ('SUM(METRICS("m"))', [11, 22, 13]),
    "the standard deviation of several": ("STDDEV([m1, m2])", [4.5, 9, 3.5]),
    "a number over a line": ("m1 - AVG(m1)", [-1, 0, 1]),
    "rates": ("RATE(m2)", [10 / 60, -10 / 60]),
    "running sums": ("RUNNING_SUM(m1)", [1, 3, 6]),
    "per second": ("m2 / PERIOD(m2) * 60", [10, 20, 10]),
}


@pytest.mark.parametrize(("expression", "values"), EXPRESSIONS.values(), ids=EXPRESSIONS)
def test_metric_math(cloudwatch: Any, put: Any, now: Any, expression: str, values: list[float]) -> None:
    put("m1", {5: 1, 4: 2, 3: 3})
    put("m2", {5: 10, 4: 20, 3: 10})
    queries = [query("m1", name="m1", ReturnData=False), query("m2", name="m2", ReturnData=False), query("e", expression)]
    span = {"StartTime": now() - timedelta(minutes=10), "EndTime": now(), "ScanBy": "TimestampAscending"}
    (result,) = cloudwatch.get_metric_data(MetricDataQueries=queries, **span)["MetricDataResults"]
    assert (result["Id"], result["Values"]) == ("e", pytest.approx(values))


def test_gaps_are_filled(cloudwatch: Any, put: Any, now: Any) -> None:
    put("m", {4: 1, 2: 3})
    queries = [
        query("m", ReturnData=False),
        query("zero", "FILL(m, 0)"),
        query("last", "FILL(m, REPEAT)"),
        query("line", "FILL(m, LINEAR)"),
    ]
    span = {"StartTime": now() - timedelta(minutes=4), "EndTime": now(), "ScanBy": "TimestampAscending"}
    results = cloudwatch.get_metric_data(MetricDataQueries=queries, **span)["MetricDataResults"]
    assert [result["Values"] for result in results] == [[1, 0, 3, 0], [1, 1, 3, 3], [1, 2, 3]]


def test_a_search_finds_metrics_and_its_results_share_an_id(cloudwatch: Any, put: Any, now: Any) -> None:
    for function in ("pay-live", "pay-test", "ship-live"):
        put("Errors", {2: 1}, Dimensions=[{"Name": "FunctionName", "Value": function}])
    text = "SEARCH('{app,FunctionName} MetricName=\"Errors\" live', 'Sum', 60)"
    span = {"StartTime": now() - timedelta(minutes=5), "EndTime": now()}
    results = cloudwatch.get_metric_data(MetricDataQueries=[query("e", text)], **span)["MetricDataResults"]
    assert [(result["Id"], result["Label"], result["Values"]) for result in results] == [
        ("e", "pay-live Errors", [1]),
        ("e", "ship-live Errors", [1]),
    ]
    summed = cloudwatch.get_metric_data(MetricDataQueries=[query("e", f"SUM({text})")], **span)["MetricDataResults"]
    assert summed[0]["Values"] == [2]


def test_labels_with_words_are_filled_in(cloudwatch: Any, put: Any, now: Any) -> None:
    put("m", {3: 1, 2: 5})
    label = "${LABEL}: at most ${MAX}, last ${LAST}, ${PROP('MetricName')} at ${MAX_TIME}"
    span = {"StartTime": now() - timedelta(minutes=5), "EndTime": now(), "LabelOptions": {"Timezone": "+0100"}}
    (result,) = cloudwatch.get_metric_data(MetricDataQueries=[query("m", Label=label)], **span)["MetricDataResults"]
    at = now() - timedelta(minutes=2) + timedelta(hours=1)
    assert result["Label"] == f"m: at most 5, last 5, m at {at:%Y-%m-%d %H:%M:%S}"


def test_data_come_in_pages_newest_first(cloudwatch: Any, put: Any, now: Any) -> None:
    put("m", {ago: ago for ago in range(1, 8)})
    span = {"StartTime": now() - timedelta(minutes=10), "EndTime": now(), "MaxDatapoints": 3}
    pages = list(cloudwatch.get_paginator("get_metric_data").paginate(MetricDataQueries=[query("m")], **span))
    assert [page["MetricDataResults"][0]["Values"] for page in pages] == [[1, 2, 3], [4, 5, 6], [7]]
    assert [page["MetricDataResults"][0]["StatusCode"] for page in pages] == ["PartialData", "PartialData", "Complete"]


DATA_REFUSALS: dict[str, list[dict[str, Any]]] = {
    "an id twice": [query("m"), query("m")],
    "an id in upper case": [query("M")],
    "neither metric nor expression": [{"Id": "m"}],
    "an expression that ends early": [query("e", "1 +")],
    "an unknown name": [query("e", "m9 + 1")],
    "an unknown function": [query("e", "EVAL(m)"), query("m")],
    "itself": [query("e", "f + 1"), query("f", "e + 1")],
    "a number": [query("e", "AVG(m)"), query("m")],
    "an unknown statistic": [query("m", stat="p101")],
    "a depth beyond sense": [query("e", "(" * 500 + "m" + ")" * 500), query("m")],
}


@pytest.mark.parametrize("queries", DATA_REFUSALS.values(), ids=DATA_REFUSALS)
def test_get_metric_data_refuses(cloudwatch: Any, refused: Any, now: Any, queries: list[dict[str, Any]]) -> None:
    with refused("ValidationError"):
        cloudwatch.get_metric_data(MetricDataQueries=queries, StartTime=now() - timedelta(hours=1), EndTime=now())
