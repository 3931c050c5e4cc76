"""Managed policies attached to users, groups and roles, seen from both sides; and permissions boundaries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from headwater.aws.faults import fault
from headwater.kernel.permissions import requires

from . import arns
from .model import (
    KINDS,
    Bearer,
    Group,
    Role,
    User,
    bearers,
    changeable_role,
    find_group,
    find_role,
    find_user,
    roles,
    table_of,
    users,
)
from .paging import page, under
from .policies import check_arn, checked_boundary, find_attachable, find_policy, not_found

if TYPE_CHECKING:
    from headwater.kernel.context import Context

ATTACHED_MAX: Final = 10
FILTERS: Final[dict[str, type[Bearer]]] = {"User": User, "Group": Group, "Role": Role}


async def _attach(ctx: Context, bearer: Bearer, arn: str) -> dict[str, Any]:
    """Attaching twice is attaching once."""
    find_attachable(ctx, arn)
    if arn in bearer.attached:
        return {}
    if len(bearer.attached) >= ATTACHED_MAX:
        raise fault("LimitExceeded", f"Cannot exceed quota for PoliciesPer{type(bearer).__name__}: {ATTACHED_MAX}")
    async with ctx.store.transaction() as tx:
        tx.put(table_of(bearer), msgspec.structs.replace(bearer, attached=(*bearer.attached, arn)))
    return {}


async def _detach(ctx: Context, bearer: Bearer, arn: str) -> dict[str, Any]:
    check_arn(arn)
    if arn not in bearer.attached:
        raise not_found(arn)
    async with ctx.store.transaction() as tx:
        tx.put(table_of(bearer), msgspec.structs.replace(bearer, attached=tuple(one for one in bearer.attached if one != arn)))
    return {}


def _listed(bearer: Bearer, request: dict[str, Any]) -> dict[str, Any]:
    path_prefix = request.get("PathPrefix")
    arns = [arn for arn in bearer.attached if under(path_prefix, path_of(arn))]
    shown, more = page(arns, request, str)
    return {"AttachedPolicies": [{"PolicyName": arn.rpartition("/")[2], "PolicyArn": arn} for arn in shown], **more}


def path_of(policy_arn: str) -> str:
    """The path between `policy` and the name: `/` or `/a/b/`."""
    return policy_arn.partition(":policy")[2].rpartition("/")[0] + "/"


@requires("iam:AttachUserPolicy", arns.user)
async def attach_user_policy(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Attach a managed policy to a user."""
    return await _attach(ctx, find_user(ctx, request["UserName"]), request["PolicyArn"])


@requires("iam:DetachUserPolicy", arns.user)
async def detach_user_policy(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Detach it again."""
    return await _detach(ctx, find_user(ctx, request["UserName"]), request["PolicyArn"])


@requires("iam:ListAttachedUserPolicies", arns.user)
async def list_attached_user_policies(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """A user's managed policies; those of its groups are the groups'."""
    return _listed(find_user(ctx, request["UserName"]), request)


@requires("iam:AttachGroupPolicy", arns.group)
async def attach_group_policy(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Attach a managed policy to a group."""
    return await _attach(ctx, find_group(ctx, request["GroupName"]), request["PolicyArn"])


@requires("iam:DetachGroupPolicy", arns.group)
async def detach_group_policy(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Detach it again."""
    return await _detach(ctx, find_group(ctx, request["GroupName"]), request["PolicyArn"])


@requires("iam:ListAttachedGroupPolicies", arns.group)
async def list_attached_group_policies(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """A group's managed policies."""
    return _listed(find_group(ctx, request["GroupName"]), request)


@requires("iam:AttachRolePolicy", arns.role)
async def attach_role_policy(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Attach a managed policy to a role."""
    return await _attach(ctx, changeable_role(ctx, request["RoleName"]), request["PolicyArn"])


@requires("iam:DetachRolePolicy", arns.role)
async def detach_role_policy(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Detach it again."""
    return await _detach(ctx, changeable_role(ctx, request["RoleName"]), request["PolicyArn"])


@requires("iam:ListAttachedRolePolicies", arns.role)
async def list_attached_role_policies(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """A role's managed policies."""
    return _listed(find_role(ctx, request["RoleName"]), request)


@requires("iam:ListEntitiesForPolicy", arns.POLICY)
async def list_entities_for_policy(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Who bears the policy, or is bounded by it."""
    policy = find_policy(ctx, request["PolicyArn"])
    usage = request.get("PolicyUsageFilter")
    wanted = FILTERS.get(request.get("EntityFilter", ""), Bearer)

    def uses(bearer: Bearer) -> bool:
        attached = policy.arn in bearer.attached and usage != "PermissionsBoundary"
        bounds = isinstance(bearer, User | Role) and bearer.boundary == policy.arn and usage != "PermissionsPolicy"
        return attached or bounds

    found = [one for one in bearers(ctx) if isinstance(one, wanted) and uses(one) and under(request.get("PathPrefix"), one.path)]
    shown, more = page(found, request, lambda one: f"{KINDS[type(one)]}/{one.name}")
    listed: dict[str, Any] = {"PolicyGroups": [], "PolicyUsers": [], "PolicyRoles": []}
    for one in shown:
        kind = type(one).__name__
        listed[f"Policy{kind}s"].append({f"{kind}Name": one.name, f"{kind}Id": one.unique_id})
    return listed | more


@requires("iam:PutUserPermissionsBoundary", arns.user)
async def put_user_permissions_boundary(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """What the user can be allowed at most."""
    user = find_user(ctx, request["UserName"])
    changed = msgspec.structs.replace(user, boundary=checked_boundary(ctx, request["PermissionsBoundary"]))
    async with ctx.store.transaction() as tx:
        tx.put(users, changed)
    return {}


@requires("iam:DeleteUserPermissionsBoundary", arns.user)
async def delete_user_permissions_boundary(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """No boundary any more."""
    user = find_user(ctx, request["UserName"])
    if user.boundary is None:
        raise fault("NoSuchEntity", f"User {user.name} does not have a permission boundary")
    async with ctx.store.transaction() as tx:
        tx.put(users, msgspec.structs.replace(user, boundary=None))
    return {}


@requires("iam:PutRolePermissionsBoundary", arns.role)
async def put_role_permissions_boundary(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """What the role can be allowed at most."""
    role = changeable_role(ctx, request["RoleName"])
    changed = msgspec.structs.replace(role, boundary=checked_boundary(ctx, request["PermissionsBoundary"]))
    async with ctx.store.transaction() as tx:
        tx.put(roles, changed)
    return {}


@requires("iam:DeleteRolePermissionsBoundary", arns.role)
async def delete_role_permissions_boundary(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """No boundary any more."""
    role = changeable_role(ctx, request["RoleName"])
    if role.boundary is None:
        raise fault("NoSuchEntity", f"Role {role.name} does not have a permission boundary")
    async with ctx.store.transaction() as tx:
        tx.put(roles, msgspec.structs.replace(role, boundary=None))
    return {}
