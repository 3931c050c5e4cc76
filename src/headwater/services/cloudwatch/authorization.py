"""What CloudWatch tells the decision: its condition keys and the tags of alarms, metric streams and insight rules.

Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon CloudWatch".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from headwater.kernel.context import Context

from . import SERVICE
from .alarm_model import ACTIONS, ALARMS
from .insight_rules import INSIGHT_RULES
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


@SERVICE.condition_key("cloudwatch:requestInsightRuleLogGroups")
def rule_log_groups(ctx: Context, request: Request) -> Iterable[str] | None:
    """The groups that a rule is to be about, as it names them."""
    try:
        definition = msgspec.json.decode(request.get("RuleDefinition", "{}"))
    except msgspec.DecodeError:
        return None
    return definition.get("LogGroupNames") if isinstance(definition, dict) else None


@SERVICE.resource_tags
def tags_of(home: Home, resource: str, request: Request) -> Mapping[str, str]:
    place, marked, name = resource.partition(":metric-stream/")
    if marked:
        _, _, _, region, account = place.split(":", 4)
        stream = home.store.get(METRIC_STREAMS, account, region, name)
        return {} if stream is None else stream.tags
    place, marked, name = resource.partition(":insight-rule/")
    if marked:
        _, _, _, region, account = place.split(":", 4)
        rule = home.store.get(INSIGHT_RULES, account, region, name)
        return {} if rule is None else rule.tags
    place, marked, name = resource.partition(":alarm:")
    if not marked:
        return {}
    _, _, _, region, account = place.split(":", 4)
    alarm = home.store.get(ALARMS, account, region, name)
    return {} if alarm is None else alarm.tags
