"""Tags of users, roles, policies and instance profiles: the same rules for all four."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from headwater.kernel.permissions import requires

from . import arns
from .model import (
    changeable_role,
    described_tags,
    find_instance_profile,
    find_role,
    find_user,
    instance_profiles,
    policies,
    roles,
    tagged,
    untagged,
    users,
)
from .paging import page
from .policies import find_own_policy, find_policy

if TYPE_CHECKING:
    from headwater.kernel.context import Context
    from headwater.kernel.store import Table


async def _put(ctx: Context, table: Table[Any], record: Any, tags: dict[str, str]) -> dict[str, Any]:
    async with ctx.store.transaction() as tx:
        tx.put(table, msgspec.structs.replace(record, tags=tags))
    return {}


def _listed(request: dict[str, Any], tags: dict[str, str]) -> dict[str, Any]:
    shown, more = page(described_tags(tags), request, lambda tag: tag["Key"])
    return {"Tags": shown, **more}


@requires("iam:TagUser", arns.user)
async def tag_user(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Add tags, or give them new values."""
    user = find_user(ctx, request["UserName"])
    return await _put(ctx, users, user, tagged(user.tags, request["Tags"]))


@requires("iam:UntagUser", arns.user)
async def untag_user(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Take tags off."""
    user = find_user(ctx, request["UserName"])
    return await _put(ctx, users, user, untagged(user.tags, request["TagKeys"]))


@requires("iam:ListUserTags", arns.user)
async def list_user_tags(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """By key."""
    return _listed(request, find_user(ctx, request["UserName"]).tags)


@requires("iam:TagRole", arns.role)
async def tag_role(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Add tags, or give them new values."""
    role = changeable_role(ctx, request["RoleName"])
    return await _put(ctx, roles, role, tagged(role.tags, request["Tags"]))


@requires("iam:UntagRole", arns.role)
async def untag_role(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Take tags off."""
    role = changeable_role(ctx, request["RoleName"])
    return await _put(ctx, roles, role, untagged(role.tags, request["TagKeys"]))


@requires("iam:ListRoleTags", arns.role)
async def list_role_tags(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """By key."""
    return _listed(request, find_role(ctx, request["RoleName"]).tags)


@requires("iam:TagPolicy", arns.POLICY)
async def tag_policy(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Add tags, or give them new values."""
    policy = find_own_policy(ctx, request["PolicyArn"])
    return await _put(ctx, policies, policy, tagged(policy.tags, request["Tags"]))


@requires("iam:UntagPolicy", arns.POLICY)
async def untag_policy(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Take tags off."""
    policy = find_own_policy(ctx, request["PolicyArn"])
    return await _put(ctx, policies, policy, untagged(policy.tags, request["TagKeys"]))


@requires("iam:ListPolicyTags", arns.POLICY)
async def list_policy_tags(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """By key."""
    return _listed(request, find_policy(ctx, request["PolicyArn"]).tags)


@requires("iam:TagInstanceProfile", arns.instance_profile)
async def tag_instance_profile(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Add tags, or give them new values."""
    profile = find_instance_profile(ctx, request["InstanceProfileName"])
    return await _put(ctx, instance_profiles, profile, tagged(profile.tags, request["Tags"]))


@requires("iam:UntagInstanceProfile", arns.instance_profile)
async def untag_instance_profile(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Take tags off."""
    profile = find_instance_profile(ctx, request["InstanceProfileName"])
    return await _put(ctx, instance_profiles, profile, untagged(profile.tags, request["TagKeys"]))


@requires("iam:ListInstanceProfileTags", arns.instance_profile)
async def list_instance_profile_tags(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """By key."""
    return _listed(request, find_instance_profile(ctx, request["InstanceProfileName"]).tags)
