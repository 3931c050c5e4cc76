"""Tags of trails, the one kind of resource here that has some."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from headwater.aws.faults import fault
from headwater.kernel.permissions import requires

from .model import Trail, trails
from .places import arn_in
from .refusals import wrong_arn

if TYPE_CHECKING:
    from headwater.kernel.context import Context

TAGS_MAX: Final = 50


def _named(ctx: Context, request: dict[str, Any]) -> list[str]:
    return list(request["ResourceIdList"])


@requires("cloudtrail:AddTags", "{ResourceId}")
async def add_tags(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    trail = _trail_of(ctx, request["ResourceId"])
    tagged = msgspec.structs.replace(trail, tags=checked_tags(trail.tags, request["TagsList"]))
    async with ctx.store.transaction() as tx:
        tx.put(trails, tagged)
    return {}


@requires("cloudtrail:RemoveTags", "{ResourceId}")
async def remove_tags(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """A tag is named by its key; a value, where one is said, must be the tag's."""
    trail = _trail_of(ctx, request["ResourceId"])
    gone = {tag["Key"] for tag in request["TagsList"] if tag.get("Value") in (None, trail.tags.get(tag["Key"]))}
    left = {key: value for key, value in trail.tags.items() if key not in gone}
    async with ctx.store.transaction() as tx:
        tx.put(trails, msgspec.structs.replace(trail, tags=left))
    return {}


@requires("cloudtrail:ListTags", _named)
async def list_tags(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    found = [_trail_of(ctx, arn) for arn in request["ResourceIdList"]]
    return {
        "ResourceTagList": [
            {"ResourceId": trail.arn, "TagsList": [{"Key": key, "Value": value} for key, value in trail.tags.items()]} for trail in found
        ]
    }


def checked_tags(present: dict[str, str], added: list[dict[str, str]]) -> dict[str, str]:
    keys = [tag["Key"] for tag in added]
    if len(set(keys)) < len(keys):
        raise fault("InvalidTagParameterException", "Tag keys must be unique.")
    if any(key.lower().startswith("aws:") for key in keys):
        raise fault("InvalidTagParameterException", "Tag keys must not begin with aws:.")
    tags = present | {tag["Key"]: tag.get("Value", "") for tag in added}
    if len(tags) > TAGS_MAX:
        raise fault("TagsLimitExceededException", f"A trail has at most {TAGS_MAX} tags.")
    return tags


def _trail_of(ctx: Context, arn: str) -> Trail:
    place = arn_in(arn)
    if place is None:
        raise wrong_arn(arn)
    region, account, name = place
    trail = ctx.store.get(trails, account, region, name) if account == ctx.account else None
    if trail is None:
        raise fault("ResourceNotFoundException", f"Resource not found: {arn}")
    return trail
