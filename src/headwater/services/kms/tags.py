"""Tags of keys, and the rules of TagException."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from headwater.aws.faults import fault
from headwater.kernel.permissions import requires

from .arns import key_arn
from .finding import changeable, find_by_id
from .model import keys
from .paging import page

if TYPE_CHECKING:
    from headwater.kernel.context import Context

TAGS_MAX: Final = 50
LISTED: Final = 50


def tagged(tags: dict[str, str], added: list[dict[str, str]]) -> dict[str, str]:
    names = [tag["TagKey"] for tag in added]
    if len(set(names)) != len(names):
        raise fault("TagException", "Duplicate tag keys")
    if any(name.lower().startswith("aws:") for name in names):
        raise fault("TagException", "Tags beginning with aws: are reserved")
    tags = tags | {tag["TagKey"]: tag["TagValue"] for tag in added}
    if len(tags) > TAGS_MAX:
        raise fault("TagException", "Too many tags")
    return tags


@requires("kms:TagResource", key_arn)
async def tag_resource(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Add tags, or overwrite their values."""
    key = changeable(ctx, request["KeyId"], "TagResource")
    tags = tagged(key.tags, request["Tags"])
    async with ctx.store.transaction() as tx:
        tx.put(keys, msgspec.structs.replace(key, tags=tags))
    return {}


@requires("kms:UntagResource", key_arn)
async def untag_resource(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Take tags off; keys that are not there are no error."""
    key = changeable(ctx, request["KeyId"], "UntagResource")
    left = {name: value for name, value in key.tags.items() if name not in request["TagKeys"]}
    async with ctx.store.transaction() as tx:
        tx.put(keys, msgspec.structs.replace(key, tags=left))
    return {}


@requires("kms:ListResourceTags", key_arn)
async def list_resource_tags(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Tags in the order of their keys."""
    key = find_by_id(ctx, request["KeyId"])
    shown, more = page(key.tags, request, str, LISTED)
    return {"Tags": [{"TagKey": name, "TagValue": key.tags[name]} for name in shown], **more}
