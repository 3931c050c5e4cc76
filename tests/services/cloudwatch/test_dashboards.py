"""Dashboards and tags. Truth: the API reference's pages of PutDashboard and TagResource."""

import json
from typing import Any

import pytest

BODY = {"widgets": [{"type": "text", "x": 0, "y": 0, "width": 6, "height": 3, "properties": {"markdown": "# hello"}}]}


def test_a_dashboard_comes_and_goes(cloudwatch: Any, refused: Any) -> None:
    assert cloudwatch.put_dashboard(DashboardName="main", DashboardBody=json.dumps(BODY))["DashboardValidationMessages"] == []
    assert json.loads(cloudwatch.get_dashboard(DashboardName="main")["DashboardBody"]) == BODY
    assert [entry["DashboardName"] for entry in cloudwatch.list_dashboards(DashboardNamePrefix="m")["DashboardEntries"]] == ["main"]
    with refused("ResourceNotFound"):
        cloudwatch.delete_dashboards(DashboardNames=["main", "other"])
    cloudwatch.delete_dashboards(DashboardNames=["main"])
    with refused("ResourceNotFound", "main"):
        cloudwatch.get_dashboard(DashboardName="main")


BODIES = {
    "no JSON": "{",
    "a list": "[]",
    "no widgets": "{}",
    "a widget without a type": '{"widgets": [{"properties": {}}]}',
    "a widget of a strange type": '{"widgets": [{"type": "rocket", "properties": {}}]}',
    "a text without text": '{"widgets": [{"type": "text", "properties": {}}]}',
    "a widget too wide": '{"widgets": [{"type": "metric", "width": 25, "properties": {}}]}',
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_body_that_is_no_dashboard_is_refused(cloudwatch: Any, refused: Any, body: str) -> None:
    with refused("InvalidParameterInput", "validation errors"):
        cloudwatch.put_dashboard(DashboardName="main", DashboardBody=body)


def test_a_widget_without_a_region_is_stored_and_reported(cloudwatch: Any) -> None:
    body = json.dumps({"widgets": [{"type": "metric", "properties": {"metrics": [["AWS/EC2", "CPUUtilization"]]}}]})
    (message,) = cloudwatch.put_dashboard(DashboardName="main", DashboardBody=body)["DashboardValidationMessages"]
    assert message["DataPath"] == "/widgets/0/properties"
