"""Schedule groups, and their tags. A group takes its schedules with it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from headwater.aws.faults import fault
from headwater.kernel.permissions import requires

from .arns import GROUP
from .finding import find_group
from .firing import ScheduleDue
from .model import DEFAULT, GROUPS, SCHEDULES, Group
from .paging import page

if TYPE_CHECKING:
    from headwater.kernel.context import Context

TAGS_MAX: Final = 50
_ARN: Final = re.compile(r"arn:aws:scheduler:([a-z0-9-]+):(\d{12}):schedule-group/([0-9a-zA-Z\-_.]+)")


def describe(group: Group) -> dict[str, Any]:
    return {
        "Arn": group.arn,
        "Name": group.name,
        "State": "ACTIVE",
        "CreationDate": group.created_at,
        "LastModificationDate": group.modified_at,
    }


@requires("scheduler:CreateScheduleGroup", GROUP)
@requires("scheduler:TagResource", GROUP, when="Tags")
async def create_schedule_group(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """The same request again, told by its token, is no other one."""
    name, token = request["Name"], request.get("ClientToken", "")
    known = ctx.store.get(GROUPS, ctx.account, ctx.region, name)
    if known is not None and token and known.token == token:
        return {"ScheduleGroupArn": known.arn}
    if known is not None or name == DEFAULT:
        raise fault("ConflictException", f"Schedule group {name} already exists.")
    now, tags = ctx.clock.now(), _tagged({}, request.get("Tags", []))
    group = Group(account=ctx.account, region=ctx.region, name=name, created_at=now, modified_at=now, token=token, tags=tags)
    async with ctx.store.transaction() as tx:
        tx.put(GROUPS, group)
    return {"ScheduleGroupArn": group.arn}


@requires("scheduler:GetScheduleGroup", GROUP)
async def get_schedule_group(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    return describe(find_group(ctx, request["Name"]))


@requires("scheduler:ListScheduleGroups")
async def list_schedule_groups(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    groups = [group for group in ctx.store.scan(GROUPS, ctx.account, ctx.region) if group.name != DEFAULT]
    groups.append(find_group(ctx, DEFAULT))
    shown, more = page(
        (group for group in groups if group.name.startswith(request.get("NamePrefix", ""))), request, lambda group: group.name
    )
    return {"ScheduleGroups": [describe(group) for group in shown], **more}


@requires("scheduler:DeleteScheduleGroup", GROUP)
async def delete_schedule_group(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    if request["Name"] == DEFAULT:
        raise fault("ValidationException", "The default schedule group can't be deleted.")
    group = find_group(ctx, request["Name"])
    schedules = ctx.store.scan(SCHEDULES, ctx.account, ctx.region, group.name)
    async with ctx.store.transaction() as tx:
        for schedule in schedules:
            tx.delete(SCHEDULES, *schedule.key)
            if schedule.due is not None:
                tx.forget(ScheduleDue.of(schedule))
        tx.delete(GROUPS, group.account, group.region, group.name)
    return {}


# -- tags --------------------------------------------------------------------------------------------------------------


def _tagged(tags: dict[str, str], added: list[dict[str, str]]) -> dict[str, str]:
    if any(tag["Key"].lower().startswith("aws:") for tag in added):
        raise fault("ValidationException", "Tag keys must not start with aws:.")
    tags = tags | {tag["Key"]: tag["Value"] for tag in added}
    if len(tags) > TAGS_MAX:
        raise fault("ValidationException", "A resource can have at most 50 tags.")
    return tags


def _named(ctx: Context, arn: str) -> Group:
    found = _ARN.fullmatch(arn)
    if found is None or (found[1], found[2]) != (ctx.region, ctx.account):
        raise fault("ResourceNotFoundException", f"Resource {arn} does not exist.")
    return find_group(ctx, found[3])


async def _keep(ctx: Context, group: Group, tags: dict[str, str]) -> None:
    async with ctx.store.transaction() as tx:
        tx.put(GROUPS, msgspec.structs.replace(group, tags=tags))


@requires("scheduler:TagResource", "{ResourceArn}")
async def tag_resource(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    group = _named(ctx, request["ResourceArn"])
    await _keep(ctx, group, _tagged(group.tags, request["Tags"]))
    return {}


@requires("scheduler:UntagResource", "{ResourceArn}")
async def untag_resource(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Keys that are not there are no error."""
    group = _named(ctx, request["ResourceArn"])
    await _keep(ctx, group, {name: value for name, value in group.tags.items() if name not in request["TagKeys"]})
    return {}


@requires("scheduler:ListTagsForResource", "{ResourceArn}")
async def list_tags_for_resource(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    tags = _named(ctx, request["ResourceArn"]).tags
    return {"Tags": [{"Key": name, "Value": value} for name, value in sorted(tags.items())]}
