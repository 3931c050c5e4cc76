"""What CloudWatch tells the decision: its condition keys and the tags of alarms and metric streams.

Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon CloudWatch".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from headwater.kernel.context import Context

from . import SERVICE
from .alarm_model import ACTIONS, ALARMS
from .metric_streams import METRIC_STREAMS

if TYPE_CHECKING:
    from headwater.kernel.home import Home

Request = dict[str, Any]


@SERVICE.condition_key("cloudwatch:namespace")
def namespace(ctx: Context, request: Request) -> str | None:
    """Of PutMetricData, and of it alone."""
    return request.get("Namespace") if "MetricData" in request or "EntityMetricData" in request else None


@SERVICE.condition_key("cloudwatch:AlarmActions")
def alarm_actions(ctx: Context, request: Request) -> Iterable[str] | None:
    """Whatever an alarm would do, in any of its states."""
    return [action for name in ACTIONS.values() for action in request.get(name, [])] or None


@SERVICE.resource_tags
def tags_of(home: Home, resource: str, request: Request) -> Mapping[str, str]:
    place, marked, name = resource.partition(":metric-stream/")
    if marked:
        _, _, _, region, account = place.split(":", 4)
        stream = home.store.get(METRIC_STREAMS, account, region, name)
        return {} if stream is None else stream.tags
    place, marked, name = resource.partition(":alarm:")
    if not marked:
        return {}
    _, _, _, region, account = place.split(":", 4)
    alarm = home.store.get(ALARMS, account, region, name)
    return {} if alarm is None else alarm.tags
