"""What this room tells the decision: the policies of buses, tags, and the condition keys of EventBridge.

Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon EventBridge".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from headwater.aws.policy.documents import parse
from headwater.kernel.service import ResourcePolicy

from . import SERVICE
from .finding import bus_at, place_of_arn, rule_of_arn
from .model import RULES, Rule
from .policies import document
from .reading import InvalidPattern, Reader

if TYPE_CHECKING:
    from headwater.kernel.context import Context
    from headwater.kernel.home import Home

Request = dict[str, Any]
Values = str | Iterable[str] | None


@SERVICE.resource_policy
def policy_of(home: Home, action: str, resource: str) -> ResourcePolicy | None:
    place = place_of_arn(resource)
    if place is None:
        return None
    bus = bus_at(home.store, place)
    if bus is None or not bus.statements:
        return ResourcePolicy(owner=place[0])
    return ResourcePolicy(owner=place[0], policies=(parse(document(bus), source=resource, kind="resource"),))


@SERVICE.resource_tags
def tags_of(home: Home, resource: str, request: Request) -> Mapping[str, str]:
    place, key = place_of_arn(resource), rule_of_arn(resource)
    found = bus_at(home.store, place) if place is not None else home.store.get(RULES, *key) if key is not None else None
    return {} if found is None else found.tags


@SERVICE.condition_key("events:detail-type")
def detail_type(ctx: Context, request: Request) -> Values:
    return _said(request, "DetailType", "detail-type")


@SERVICE.condition_key("events:source")
def source(ctx: Context, request: Request) -> Values:
    return _said(request, "Source", "source")


@SERVICE.condition_key("events:detail.eventTypeCode")
def event_type_code(ctx: Context, request: Request) -> Values:
    return _asked(request, ("detail", "eventTypeCode"))


@SERVICE.condition_key("events:detail.service")
def detail_service(ctx: Context, request: Request) -> Values:
    return _asked(request, ("detail", "service"))


@SERVICE.condition_key("events:detail.userIdentity.principalId")
def principal_id(ctx: Context, request: Request) -> Values:
    return _asked(request, ("detail", "userIdentity", "principalId"))


@SERVICE.condition_key("events:eventBusInvocation")
def bus_invocation(ctx: Context, request: Request) -> Values:
    """Whether a rule puts the event, not a caller."""
    return "true" if ctx.source_arn and ":rule/" in ctx.source_arn else "false"


@SERVICE.condition_key("events:TargetArn")
def target_arn(ctx: Context, request: Request) -> Values:
    named: str | None = request.get("TargetArn")
    return named or [target["Arn"] for target in request.get("Targets", ())] or None


@SERVICE.condition_key("events:EventBusArn")
def event_bus_arn(ctx: Context, request: Request) -> Values:
    found: str | None = request.get("EventSourceArn")
    return found


@SERVICE.condition_key("events:creatorAccount")
def creator(ctx: Context, request: Request) -> Values:
    rule = _rule(ctx, request)
    return ctx.account if rule is None else rule.account


@SERVICE.condition_key("events:ManagedBy")
def manager(ctx: Context, request: Request) -> Values:
    rule = _rule(ctx, request)
    return None if rule is None else rule.managed_by


def _rule(ctx: Context, request: Request) -> Rule | None:
    from .finding import place_of

    name = request.get("Rule", request.get("Name"))
    return None if name is None else ctx.store.get(RULES, *place_of(ctx, request.get("EventBusName")), name)


def _said(request: Request, member: str, field: str) -> Values:
    """Of events that are put; or what a rule's pattern asks for."""
    if "Entries" in request:
        return [entry[member] for entry in request["Entries"] if member in entry] or None
    return _asked(request, (field,))


def _asked(request: Request, path: tuple[str, ...]) -> Values:
    """The plain values of a field of the pattern that a rule is written with."""
    text = request.get("EventPattern")
    if text is None:
        return None
    try:
        Reader(text)
    except InvalidPattern:
        return None
    found: Any = msgspec.json.decode(text)
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return [value for value in found if isinstance(value, str)] if isinstance(found, list) else None
