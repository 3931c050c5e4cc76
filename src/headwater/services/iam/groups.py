"""Groups and who is in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from headwater.aws.faults import Fault, fault
from headwater.kernel.identity import new_unique_id
from headwater.kernel.permissions import requires

from . import arns
from .model import GLOBAL, Group, check_quota, describe_group, describe_user, find_group, find_user, groups, members_of, taken, users
from .paging import page, under

if TYPE_CHECKING:
    from headwater.kernel.context import Context

GROUPS_PER_USER_MAX: Final = 10


def name_taken(name: str) -> Fault:
    return fault("EntityAlreadyExists", f"Group with name {name} already exists.")


@requires("iam:CreateGroup", arns.new("group", "GroupName"))
async def create_group(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Make a group."""
    name = request["GroupName"]
    if taken(ctx, groups, name):
        raise name_taken(name)
    check_quota(ctx, groups)
    group = Group(
        account=ctx.account,
        name=name,
        path=request.get("Path", "/"),
        unique_id=new_unique_id("AGPA"),
        created_at=ctx.clock.now().replace(microsecond=0),
    )
    async with ctx.store.transaction() as tx:
        tx.put(groups, group)
    return {"Group": describe_group(group)}


@requires("iam:GetGroup", arns.group)
async def get_group(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """The group and a page of its members."""
    group = find_group(ctx, request["GroupName"])
    shown, more = page(members_of(ctx, group.name), request, lambda user: user.name)
    return {"Group": describe_group(group), "Users": [describe_user(user, whole=False) for user in shown], **more}


@requires("iam:ListGroups", arns.listed("group"))
async def list_groups(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """By name, under a path."""
    found = [group for group in ctx.store.scan(groups, ctx.account, GLOBAL) if under(request.get("PathPrefix"), group.path)]
    shown, more = page(found, request, lambda group: group.name)
    return {"Groups": [describe_group(group) for group in shown], **more}


@requires("iam:UpdateGroup", arns.renamed_group)
async def update_group(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Another name or path; its members follow."""
    group = find_group(ctx, request["GroupName"])
    name = request.get("NewGroupName", group.name)
    if name.casefold() != group.name.casefold() and taken(ctx, groups, name):
        raise name_taken(name)
    changed = msgspec.structs.replace(group, name=name, path=request.get("NewPath", group.path))
    members = members_of(ctx, group.name)
    async with ctx.store.transaction() as tx:
        tx.delete(groups, group.account, GLOBAL, group.name)
        tx.put(groups, changed)
        for user in members:
            renamed = tuple(name if one == group.name else one for one in user.groups)
            tx.put(users, msgspec.structs.replace(user, groups=renamed))
    return {}


@requires("iam:DeleteGroup", arns.group)
async def delete_group(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Only an empty group without policies can go."""
    group = find_group(ctx, request["GroupName"])
    if members_of(ctx, group.name):
        raise fault("DeleteConflict", "Cannot delete entity, must remove users from group first.")
    if group.attached:
        raise fault("DeleteConflict", "Cannot delete entity, must detach all policies first.")
    if group.inline:
        raise fault("DeleteConflict", "Cannot delete entity, must delete policies first.")
    async with ctx.store.transaction() as tx:
        tx.delete(groups, group.account, GLOBAL, group.name)
    return {}


@requires("iam:AddUserToGroup", arns.group)
async def add_user_to_group(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Adding twice is adding once."""
    group = find_group(ctx, request["GroupName"])
    user = find_user(ctx, request["UserName"])
    if group.name in user.groups:
        return {}
    if len(user.groups) >= GROUPS_PER_USER_MAX:
        raise fault("LimitExceeded", f"Cannot exceed quota for GroupsPerUser: {GROUPS_PER_USER_MAX}")
    async with ctx.store.transaction() as tx:
        tx.put(users, msgspec.structs.replace(user, groups=(*user.groups, group.name)))
    return {}


@requires("iam:RemoveUserFromGroup", arns.group)
async def remove_user_from_group(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Removing who is not in it changes nothing."""
    group = find_group(ctx, request["GroupName"])
    user = find_user(ctx, request["UserName"])
    async with ctx.store.transaction() as tx:
        tx.put(users, msgspec.structs.replace(user, groups=tuple(one for one in user.groups if one != group.name)))
    return {}


@requires("iam:ListGroupsForUser", arns.user)
async def list_groups_for_user(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """The groups that a user is in."""
    user = find_user(ctx, request["UserName"])
    shown, more = page([find_group(ctx, name) for name in user.groups], request, lambda group: group.name)
    return {"Groups": [describe_group(group) for group in shown], **more}
