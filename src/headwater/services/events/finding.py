"""What a request names: buses by name or ARN, rules on them; and the one sentence for each that is not there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from headwater.aws.faults import Fault, fault

from .model import ARCHIVES, BUSES, DEFAULT, DEFAULT_SINCE, RULES, Archive, Bus, Rule

if TYPE_CHECKING:
    from headwater.kernel.context import Context
    from headwater.kernel.store import Store

Place = tuple[str, str, str]
_BUS_ARN: Final = re.compile(r"arn:aws:events:([a-z0-9-]+):(\d{12}):event-bus/([/.\-_A-Za-z0-9]+)")
_RULE_ARN: Final = re.compile(r"arn:aws:events:([a-z0-9-]+):(\d{12}):rule/(?:([/.\-_A-Za-z0-9]+)/)?([.\-_A-Za-z0-9]+)")


def place_of(ctx: Context, named: str | None) -> Place:
    """(account, region, bus) of a name, an ARN or nothing, which is the default bus."""
    if named is None or not named.startswith("arn:"):
        return (ctx.account, ctx.region, named or DEFAULT)
    return place_of_arn(named) or (ctx.account, ctx.region, named)


def place_of_arn(arn: str) -> Place | None:
    found = _BUS_ARN.fullmatch(arn)
    return None if found is None else (found[2], found[1], found[3])


def rule_of_arn(arn: str) -> tuple[str, str, str, str] | None:
    """(account, region, bus, name)."""
    found = _RULE_ARN.fullmatch(arn)
    return None if found is None else (found[2], found[1], found[3] or DEFAULT, found[4])


def bus_at(store: Store, place: Place) -> Bus | None:
    account, region, name = place
    known = store.get(BUSES, account, region, name)
    if known is None and name == DEFAULT:
        return Bus(account=account, region=region, name=name, created_at=DEFAULT_SINCE, modified_at=DEFAULT_SINCE)
    return known


def no_such_bus(name: str) -> Fault:
    return fault("ResourceNotFoundException", f"Event bus {name} does not exist.")


def find_bus(ctx: Context, named: str | None) -> Bus:
    place = place_of(ctx, named)
    bus = bus_at(ctx.store, place)
    if bus is None:
        raise no_such_bus(place[2])
    return bus


def no_such_rule(place: Place, name: str) -> Fault:
    return fault("ResourceNotFoundException", f"Rule {name} does not exist on EventBus {place[2]}.")


def find_rule(ctx: Context, request: dict[str, Any], member: str = "Name") -> Rule:
    bus = find_bus(ctx, request.get("EventBusName"))
    rule = ctx.store.get(RULES, bus.account, bus.region, bus.name, request[member])
    if rule is None:
        raise no_such_rule((bus.account, bus.region, bus.name), request[member])
    return rule


def changeable_rule(ctx: Context, request: dict[str, Any], member: str = "Name") -> Rule:
    """A rule that a service manages is its own, unless the caller insists."""
    rule = find_rule(ctx, request, member)
    if rule.managed_by is not None and not request.get("Force"):
        raise managed(rule)
    return rule


def managed(rule: Rule) -> Fault:
    return fault("ManagedRuleException", f"Rule {rule.name} is managed by an AWS service and cannot be modified or deleted.")


def find_archive(ctx: Context, name: str) -> Archive:
    archive = ctx.store.get(ARCHIVES, ctx.account, ctx.region, name)
    if archive is None:
        raise fault("ResourceNotFoundException", f"Archive {name} does not exist.")
    return archive
