"""Dashboards: a name and a JSON body that is checked. They are the account's, in no region.

A body that is no dashboard is refused with a message for each fault; what is only odd (a widget without a size) is stored and reported.
Source: "Dashboard body structure and syntax" of the API reference.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Final

import msgspec

from headwater.aws.faults import Fault, fault
from headwater.kernel.context import Context
from headwater.kernel.permissions import requires
from headwater.kernel.store import Record, Table

from .arns import dashboard_arn, dashboard_arns
from .refusals import invalid_value

Parameters = dict[str, Any]

BODY_BYTES_MAX: Final = 1_048_576
WIDGETS_MAX: Final = 500
TYPES: Final = ("metric", "text", "log", "alarm", "explorer", "custom")
_NAME: Final = re.compile(r"[\w-]{1,255}", re.ASCII)
WIDTH: Final = 24
HEIGHT_MAX: Final = 1000


class Dashboard(Record, frozen=True, kw_only=True):
    account: str
    name: str
    body: str
    changed_at: datetime

    @property
    def arn(self) -> str:
        return f"arn:aws:cloudwatch::{self.account}:dashboard/{self.name}"


DASHBOARDS: Final = Table("cloudwatch", "dashboards", Dashboard, key=lambda d: (d.account, d.name))


@requires("cloudwatch:PutDashboard", dashboard_arn)
async def put_dashboard(ctx: Context, request: Parameters) -> Parameters:
    name, body = request["DashboardName"], request["DashboardBody"]
    if not _NAME.fullmatch(name):
        raise invalid_value(
            "The value for field DashboardName contains invalid characters."
            " It can only contain alphanumerics, dash (-) and underscore (_).\n"
        )
    warnings = _checked(body)
    async with ctx.store.transaction() as tx:
        tx.put(DASHBOARDS, Dashboard(account=ctx.account, name=name, body=body, changed_at=ctx.clock.now()))
    return {"DashboardValidationMessages": warnings}


@requires("cloudwatch:GetDashboard", dashboard_arn)
async def get_dashboard(ctx: Context, request: Parameters) -> Parameters:
    dashboard = ctx.store.get(DASHBOARDS, ctx.account, request["DashboardName"])
    if dashboard is None:
        raise _no_such(request["DashboardName"])
    return {"DashboardArn": dashboard.arn, "DashboardBody": dashboard.body, "DashboardName": dashboard.name}


@requires("cloudwatch:ListDashboards", dashboard_arn)
async def list_dashboards(ctx: Context, request: Parameters) -> Parameters:
    prefix = request.get("DashboardNamePrefix", "")
    found = [dashboard for dashboard in ctx.store.scan(DASHBOARDS, ctx.account) if dashboard.name.startswith(prefix)]
    return {"DashboardEntries": [_entry(dashboard) for dashboard in found]}


@requires("cloudwatch:DeleteDashboards", dashboard_arns)
async def delete_dashboards(ctx: Context, request: Parameters) -> None:
    """All or none: one that is not there keeps the others."""
    for name in request["DashboardNames"]:
        if ctx.store.get(DASHBOARDS, ctx.account, name) is None:
            raise _no_such(name)
    async with ctx.store.transaction() as tx:
        for name in request["DashboardNames"]:
            tx.delete(DASHBOARDS, ctx.account, name)


def _entry(dashboard: Dashboard) -> Parameters:
    return {
        "DashboardName": dashboard.name,
        "DashboardArn": dashboard.arn,
        "LastModified": dashboard.changed_at,
        "Size": len(dashboard.body.encode()),
    }


def _no_such(name: str) -> Fault:
    return fault("DashboardNotFoundError", f"Dashboard {name} does not exist")


def _message(path: str, text: str) -> Parameters:
    return {"DataPath": path, "Message": text}


def _refused(messages: list[Parameters]) -> Fault:
    return fault(
        "DashboardInvalidInputError", "The dashboard body is invalid, there are validation errors", dashboardValidationMessages=messages
    )


def _checked(text: str) -> list[Parameters]:
    """What is odd in a body; raises where it is no dashboard."""
    if len(text.encode()) > BODY_BYTES_MAX:
        raise _refused([_message("/", f"The field DashboardBody must be at most {BODY_BYTES_MAX} bytes")])
    try:
        body = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        raise _refused([_message("/", "The field DashboardBody must be a valid JSON object")]) from None
    if not isinstance(body, dict):
        raise _refused([_message("/", "The field DashboardBody must be a valid JSON object")])
    widgets = body.get("widgets")
    if not isinstance(widgets, list):
        raise _refused([_message("/widgets", "Should be array")] if "widgets" in body else [_message("/", "Should have property widgets")])
    if len(widgets) > WIDGETS_MAX:
        raise _refused([_message("/widgets", f"Should NOT have more than {WIDGETS_MAX} items")])
    errors = [message for number, widget in enumerate(widgets) for message in _errors(f"/widgets/{number}", widget)]
    if errors:
        raise _refused(errors)
    return [message for number, widget in enumerate(widgets) for message in _warnings(f"/widgets/{number}", widget)]


def _errors(path: str, widget: Any) -> list[Parameters]:
    if not isinstance(widget, dict):
        return [_message(path, "Should be object")]
    if "type" not in widget:
        return [_message(path, "Should have property type")]
    found = (
        [] if widget["type"] in TYPES else [_message(f"{path}/type", f"Should be equal to one of the allowed values: {', '.join(TYPES)}")]
    )
    properties = widget.get("properties")
    if not isinstance(properties, dict):
        found.append(
            _message(path, "Should have property properties") if properties is None else _message(f"{path}/properties", "Should be object")
        )
    elif widget["type"] == "text" and not isinstance(properties.get("markdown"), str):
        found.append(_message(f"{path}/properties", "Should have property markdown"))
    elif widget["type"] == "metric" and "metrics" in properties and not isinstance(properties["metrics"], list):
        found.append(_message(f"{path}/properties/metrics", "Should be array"))
    found += [
        _message(f"{path}/{name}", f"Should be integer from 0 to {most}")
        for name, most in (("x", WIDTH - 1), ("width", WIDTH), ("height", HEIGHT_MAX))
        if name in widget and not (isinstance(widget[name], int) and 0 <= widget[name] <= most)
    ]
    return found


def _warnings(path: str, widget: dict[str, Any]) -> list[Parameters]:
    properties = widget["properties"]
    if widget["type"] == "metric" and "region" not in properties:
        return [_message(f"{path}/properties", "Should have property region")]
    return []
