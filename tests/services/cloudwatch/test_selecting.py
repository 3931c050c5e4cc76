"""Metrics Insights. Truth: "Metrics Insights query components and syntax" of the user guide."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest


@pytest.fixture
def select(cloudwatch: Any, now: Any) -> Callable[..., Any]:
    """`select("SELECT …")`: {label: values}."""

    def select(expression: str, *others: dict[str, Any]) -> dict[str, list[float]]:
        queries = [{"Id": "q", "Expression": expression, "Period": 300, "ReturnData": not others}, *others]
        span = {"StartTime": now() - timedelta(minutes=30), "EndTime": now() + timedelta(minutes=30)}
        answer = cloudwatch.get_metric_data(MetricDataQueries=queries, **span)
        return {one["Label"]: one["Values"] for one in answer["MetricDataResults"]}

    return select


@pytest.fixture
def fleet(put: Any) -> None:
    """The loads of three machines, of one of them in two zones."""
    for machine, zone, values in (("a", "z1", (1, 3)), ("b", "z1", (10,)), ("c", "z2", (100,)), ("c", "z1", (2,))):
        for value in values:
            put("load", {0: float(value)}, Dimensions=[{"Name": "Machine", "Value": machine}, {"Name": "Zone", "Value": zone}])
    put("load", {0: 1000.0}, Dimensions=[{"Name": "Machine", "Value": "a"}])
    put("load", {0: 5.0}, namespace="Own/Space")


SELECTS = {
    "SELECT MAX(load) FROM app": {"q": [1000.0]},
    "SELECT SUM(load) FROM SCHEMA(app, Machine, Zone)": {"q": [116.0]},
    "select count(load) from schema(app, Zone, Machine) where Machine = 'a'": {"q": [2.0]},
    "SELECT AVG(load) FROM SCHEMA(app, Machine, Zone) WHERE Zone = 'z1' AND Machine != 'c'": {"q": [14 / 3]},
    "SELECT SUM(load) FROM SCHEMA(app, Machine, Zone) GROUP BY Zone": {"z1": [16.0], "z2": [100.0]},
    "SELECT MIN(load) FROM SCHEMA(app, Machine, Zone) GROUP BY Machine, Zone ORDER BY MAX() DESC LIMIT 2": {
        "c z2": [100.0],
        "b z1": [10.0],
    },
    'SELECT SUM("load") FROM "Own/Space"': {"q": [5.0]},
    "SELECT SUM(nothing) FROM app": {},
}


@pytest.mark.parametrize("expression", SELECTS)
def test_a_select_is_worth(fleet: None, select: Any, expression: str) -> None:
    found = select(expression)
    assert {label: values for label, values in found.items() if values} == SELECTS[expression]
    assert list(found)[: len(SELECTS[expression])] == list(SELECTS[expression]) or "ORDER" not in expression


def test_a_select_may_be_part_of_an_expression(fleet: None, select: Any) -> None:
    assert select("SELECT SUM(load) FROM SCHEMA(app, Machine, Zone)", {"Id": "e", "Expression": "q * 2", "Label": "twice"}) == {
        "twice": [232.0]
    }


@pytest.mark.parametrize(
    "wrong",
    [
        "SELECT load FROM app",
        "SELECT MEDIAN(load) FROM app",
        "SELECT AVG(load)",
        "SELECT AVG(load) FROM app LIMIT 501",
        "SELECT AVG(load) FROM app WHERE",
        "SELECT AVG(load) FROM app WHERE Zone > 'a'",
        "SELECT AVG(load) FROM app GROUP Zone",
        "SELECT AVG(load) FROM app; DROP",
    ],
)
def test_a_select_that_cannot_be_read(select: Any, refused: Any, wrong: str) -> None:
    with refused("ValidationError"):
        select(wrong)
