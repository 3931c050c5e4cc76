"""Tags of buses and rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from headwater.aws.faults import fault
from headwater.kernel.permissions import requires

from .finding import bus_at, no_such_bus, no_such_rule, place_of_arn, rule_of_arn
from .model import BUSES, RULES, Bus, Rule

if TYPE_CHECKING:
    from headwater.kernel.context import Context

TAGS_MAX: Final = 50


def tags_given(tags: dict[str, str], added: list[dict[str, str]]) -> dict[str, str]:
    names = [tag["Key"] for tag in added]
    if len(set(names)) != len(names):
        raise fault("ValidationException", "Cannot provide multiple Tags with the same key")
    if any(name.lower().startswith("aws:") for name in names):
        raise fault("ValidationException", "Tag keys must not start with aws:")
    tags = tags | {tag["Key"]: tag["Value"] for tag in added}
    if len(tags) > TAGS_MAX:
        raise fault("LimitExceededException", "The requested resource exceeds the maximum number allowed.")
    return tags


def _tagged(ctx: Context, arn: str) -> Bus | Rule:
    place = place_of_arn(arn)
    if place is not None:
        bus = bus_at(ctx.store, place)
        if bus is None:
            raise no_such_bus(place[2])
        return bus
    key = rule_of_arn(arn)
    if key is None:
        raise fault("ValidationException", "Parameter ResourceARN is not valid. Reason: Provided Arn is not in correct format.")
    rule = ctx.store.get(RULES, *key)
    if rule is None:
        raise no_such_rule(key[:3], key[3])
    return rule


async def _keep(ctx: Context, resource: Bus | Rule, tags: dict[str, str]) -> None:
    async with ctx.store.transaction() as tx:
        if isinstance(resource, Bus):
            tx.put(BUSES, msgspec.structs.replace(resource, tags=tags))
        else:
            tx.put(RULES, msgspec.structs.replace(resource, tags=tags))


@requires("events:TagResource", "{ResourceARN}")
async def tag_resource(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    resource = _tagged(ctx, request["ResourceARN"])
    await _keep(ctx, resource, tags_given(resource.tags, request["Tags"]))
    return {}


@requires("events:UntagResource", "{ResourceARN}")
async def untag_resource(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Keys that are not there are no error."""
    resource = _tagged(ctx, request["ResourceARN"])
    await _keep(ctx, resource, {name: value for name, value in resource.tags.items() if name not in request["TagKeys"]})
    return {}


@requires("events:ListTagsForResource", "{ResourceARN}")
async def list_tags_for_resource(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    tags = _tagged(ctx, request["ResourceARN"]).tags
    return {"Tags": [{"Key": name, "Value": value} for name, value in sorted(tags.items())]}
