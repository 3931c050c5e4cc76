"""Tags of the root, of units, accounts and policies: the same rules for all four, in the record of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from headwater.kernel.permissions import requires

from .arns import named
from .model import GLOBAL, Organization, members, organizations, policies, units
from .paging import page
from .refusals import constraint, invalid, no_target
from .tree import managed, overseen

if TYPE_CHECKING:
    from headwater.kernel.context import Context
    from headwater.kernel.store import Table

TAGS_MAX: Final = 50


def tagged(tags: dict[str, str], added: list[dict[str, str]]) -> dict[str, str]:
    """`tags` with these added."""
    keys = [tag["Key"] for tag in added]
    if len(set(keys)) != len(keys):
        raise invalid("DUPLICATE_TAG_KEY")
    if any(key.lower().startswith("aws:") for key in keys):
        raise invalid("INVALID_SYSTEM_TAGS_PARAMETER")
    result = tags | {tag["Key"]: tag["Value"] for tag in added}
    if len(result) > TAGS_MAX:
        raise constraint("MAX_TAG_LIMIT_EXCEEDED")
    return result


def _bearer(ctx: Context, organization: Organization, resource_id: str) -> tuple[Table[Any], Any]:
    """The table and the record of what bears the tags."""
    if resource_id == organization.root_id:
        return organizations, organization
    own: tuple[Table[Any], ...] = (units, policies)
    for table in own:
        record = ctx.store.get(table, organization.account, GLOBAL, resource_id)
        if record is not None:
            return table, record
    member = ctx.store.get(members, resource_id, GLOBAL)
    if member is None or member.management != organization.account:
        raise no_target()
    return members, member


def tags_of(record: Any) -> dict[str, str]:
    tags: dict[str, str] = record.root_tags if isinstance(record, Organization) else record.tags
    return tags


async def _put(ctx: Context, table: Table[Any], record: Any, tags: dict[str, str]) -> dict[str, Any]:
    member = "root_tags" if isinstance(record, Organization) else "tags"
    async with ctx.store.transaction() as tx:
        tx.put(table, msgspec.structs.replace(record, **{member: tags}))
    return {}


@requires("organizations:TagResource", named("ResourceId"))
async def tag_resource(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Add tags, or give them new values."""
    table, record = _bearer(ctx, managed(ctx), request["ResourceId"])
    return await _put(ctx, table, record, tagged(tags_of(record), request["Tags"]))


@requires("organizations:UntagResource", named("ResourceId"))
async def untag_resource(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Take tags off."""
    table, record = _bearer(ctx, managed(ctx), request["ResourceId"])
    gone = set(request["TagKeys"])
    return await _put(ctx, table, record, {key: value for key, value in tags_of(record).items() if key not in gone})


@requires("organizations:ListTagsForResource", named("ResourceId"))
async def list_tags_for_resource(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """By key."""
    _, record = _bearer(ctx, overseen(ctx), request["ResourceId"])
    shown, token = page(tags_of(record).items(), request, lambda tag: tag[0])
    return {"Tags": [{"Key": key, "Value": value} for key, value in shown], "NextToken": token}
