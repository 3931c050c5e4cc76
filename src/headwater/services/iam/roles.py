"""Roles: what they are called and whom they trust."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from headwater.aws.faults import fault
from headwater.kernel.identity import new_unique_id
from headwater.kernel.permissions import requires

from . import arns, documents
from .last_use import last_use_of
from .model import GLOBAL, Role, changeable_role, check_quota, describe_role, find_role, instance_profiles, roles, tagged, taken
from .paging import page, under
from .policies import checked_boundary
from .trust import as_it_is, bound

if TYPE_CHECKING:
    from headwater.kernel.context import Context

LINKED_PATH: Final = "/aws-service-role/"


@requires("iam:CreateRole", arns.new("role", "RoleName"))
@requires("iam:TagRole", arns.new("role", "RoleName"), when="Tags")
async def create_role(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Make a role."""
    name = request["RoleName"]
    if request.get("Path", "/").startswith(LINKED_PATH):  # no organization binds what stands there
        raise fault("InvalidInput", f"Path prefix '{LINKED_PATH}' can only be used for AWS Service linked Roles")
    documents.check_trust(request["AssumeRolePolicyDocument"])
    if taken(ctx, roles, name):
        raise fault("EntityAlreadyExists", f"Role with name {name} already exists.")
    check_quota(ctx, roles)
    role = Role(
        account=ctx.account,
        name=name,
        path=request.get("Path", "/"),
        unique_id=new_unique_id("AROA"),
        created_at=ctx.clock.now().replace(microsecond=0),
        trust=request["AssumeRolePolicyDocument"],
        trusted=bound(ctx, request["AssumeRolePolicyDocument"]),
        description=request.get("Description"),
        max_session_s=request.get("MaxSessionDuration", 3600),
        boundary=checked_boundary(ctx, request.get("PermissionsBoundary")),
        tags=tagged({}, request.get("Tags", [])),
    )
    async with ctx.store.transaction() as tx:
        tx.put(roles, role)
    described = describe_role(role)
    del described["RoleLastUsed"]
    if "MaxSessionDuration" not in request:
        del described["MaxSessionDuration"]  # recorded: a new role's answer has only what was asked for
    return {"Role": described}


@requires("iam:GetRole", arns.role)
async def get_role(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """The role, its trust policy included."""
    role = find_role(ctx, request["RoleName"])
    return {"Role": describe_role(as_it_is(ctx, role), last_use_of(ctx, role.unique_id))}


@requires("iam:ListRoles", arns.listed("role"))
async def list_roles(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """By name, under a path."""
    found = [role for role in ctx.store.scan(roles, ctx.account, GLOBAL) if under(request.get("PathPrefix"), role.path)]
    shown, more = page(found, request, lambda role: role.name)
    return {"Roles": [describe_role(as_it_is(ctx, role), whole=False) for role in shown], **more}


@requires("iam:UpdateRole", arns.role)
async def update_role(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Description and longest session; what is not named takes its default, as the API says."""
    role = changeable_role(ctx, request["RoleName"])
    changed = msgspec.structs.replace(
        role,
        description=request.get("Description", role.description),
        max_session_s=request.get("MaxSessionDuration", 3600),
    )
    async with ctx.store.transaction() as tx:
        tx.put(roles, changed)
    return {}


@requires("iam:UpdateRoleDescription", arns.role)
async def update_role_description(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """The older way to change a description."""
    changed = msgspec.structs.replace(changeable_role(ctx, request["RoleName"]), description=request["Description"])
    async with ctx.store.transaction() as tx:
        tx.put(roles, changed)
    return {"Role": describe_role(changed)}


@requires("iam:UpdateAssumeRolePolicy", arns.role)
async def update_assume_role_policy(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Whom the role trusts from now on."""
    role = changeable_role(ctx, request["RoleName"])
    documents.check_trust(request["PolicyDocument"])
    document = request["PolicyDocument"]
    async with ctx.store.transaction() as tx:
        tx.put(roles, msgspec.structs.replace(role, trust=document, trusted=bound(ctx, document)))
    return {}


@requires("iam:DeleteRole", arns.role)
async def delete_role(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Only a role that has nothing left and stands in no instance profile can go."""
    role = changeable_role(ctx, request["RoleName"])
    if any(profile.role == role.name for profile in ctx.store.scan(instance_profiles, ctx.account, GLOBAL)):
        raise fault("DeleteConflict", "Cannot delete entity, must remove roles from instance profile first.")
    if role.attached:
        raise fault("DeleteConflict", "Cannot delete entity, must detach all policies first.")
    if role.inline:
        raise fault("DeleteConflict", "Cannot delete entity, must delete policies first.")
    async with ctx.store.transaction() as tx:
        tx.delete(roles, role.account, GLOBAL, role.name)
    return {}
