"""Instance profiles: a name for at most one role, by which machines are given it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from headwater.aws.faults import fault
from headwater.kernel.identity import new_unique_id
from headwater.kernel.permissions import requires

from . import arns
from .model import (
    GLOBAL,
    InstanceProfile,
    Role,
    check_quota,
    describe_instance_profile,
    find_instance_profile,
    find_role,
    instance_profiles,
    roles,
    tagged,
    taken,
)
from .paging import page, under

if TYPE_CHECKING:
    from headwater.kernel.context import Context


def _described(ctx: Context, profile: InstanceProfile) -> dict[str, Any]:
    role: Role | None = None if profile.role is None else ctx.store.get(roles, ctx.account, GLOBAL, profile.role)
    return describe_instance_profile(profile, role)


@requires("iam:CreateInstanceProfile", arns.new("instance-profile", "InstanceProfileName"))
@requires("iam:TagInstanceProfile", arns.new("instance-profile", "InstanceProfileName"), when="Tags")
async def create_instance_profile(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Make an empty profile."""
    name = request["InstanceProfileName"]
    if taken(ctx, instance_profiles, name):
        raise fault("EntityAlreadyExists", f"Instance Profile {name} already exists.")
    check_quota(ctx, instance_profiles)
    profile = InstanceProfile(
        account=ctx.account,
        name=name,
        path=request.get("Path", "/"),
        unique_id=new_unique_id("AIPA"),
        created_at=ctx.clock.now().replace(microsecond=0),
        tags=tagged({}, request.get("Tags", [])),
    )
    async with ctx.store.transaction() as tx:
        tx.put(instance_profiles, profile)
    return {"InstanceProfile": _described(ctx, profile)}


@requires("iam:GetInstanceProfile", arns.instance_profile)
async def get_instance_profile(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """The profile and its role."""
    return {"InstanceProfile": _described(ctx, find_instance_profile(ctx, request["InstanceProfileName"]))}


@requires("iam:ListInstanceProfiles", arns.listed("instance-profile"))
async def list_instance_profiles(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """By name, under a path."""
    found = [one for one in ctx.store.scan(instance_profiles, ctx.account, GLOBAL) if under(request.get("PathPrefix"), one.path)]
    shown, more = page(found, request, lambda profile: profile.name)
    return {"InstanceProfiles": [_described(ctx, profile) for profile in shown], **more}


@requires("iam:ListInstanceProfilesForRole", arns.role)
async def list_instance_profiles_for_role(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """The profiles that hold a role."""
    role = find_role(ctx, request["RoleName"])
    found = [profile for profile in ctx.store.scan(instance_profiles, ctx.account, GLOBAL) if profile.role == role.name]
    shown, more = page(found, request, lambda profile: profile.name)
    return {"InstanceProfiles": [_described(ctx, profile) for profile in shown], **more}


@requires("iam:AddRoleToInstanceProfile", arns.instance_profile)
@requires("iam:PassRole", arns.role, passed_to="ec2.amazonaws.com")
async def add_role_to_instance_profile(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """A profile holds one role."""
    profile = find_instance_profile(ctx, request["InstanceProfileName"])
    role = find_role(ctx, request["RoleName"])
    if profile.role is not None:
        raise fault("LimitExceeded", "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1")
    async with ctx.store.transaction() as tx:
        tx.put(instance_profiles, msgspec.structs.replace(profile, role=role.name))
    return {}


@requires("iam:RemoveRoleFromInstanceProfile", arns.instance_profile)
async def remove_role_from_instance_profile(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Empty it again."""
    profile = find_instance_profile(ctx, request["InstanceProfileName"])
    if profile.role != request["RoleName"]:
        raise fault("NoSuchEntity", f"The role with name {request['RoleName']} cannot be found.")
    async with ctx.store.transaction() as tx:
        tx.put(instance_profiles, msgspec.structs.replace(profile, role=None))
    return {}


@requires("iam:DeleteInstanceProfile", arns.instance_profile)
async def delete_instance_profile(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Only an empty profile can go."""
    profile = find_instance_profile(ctx, request["InstanceProfileName"])
    if profile.role is not None:
        raise fault("DeleteConflict", "Cannot delete entity, must remove roles from instance profile first.")
    async with ctx.store.transaction() as tx:
        tx.delete(instance_profiles, profile.account, GLOBAL, profile.name)
    return {}
