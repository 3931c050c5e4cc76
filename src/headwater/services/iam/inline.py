"""Inline policies: documents that belong to one user, group or role and go with it. The same four verbs for each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from headwater.aws.faults import fault
from headwater.kernel.permissions import requires

from . import arns, documents
from .model import KINDS, Bearer, Role, changeable_role, encoded, find_group, find_role, find_user, table_of
from .paging import page

if TYPE_CHECKING:
    from headwater.kernel.context import Context


def _missing(bearer: Bearer, policy: str) -> Exception:
    return fault("NoSuchEntity", f"The {KINDS[type(bearer)]} policy with name {policy} cannot be found.")


async def _put(ctx: Context, bearer: Bearer, request: dict[str, Any]) -> dict[str, Any]:
    inline = bearer.inline | {request["PolicyName"]: request["PolicyDocument"]}
    documents.check(request["PolicyDocument"], "identity")
    documents.check_inline_total(inline.values(), KINDS[type(bearer)], bearer.name)
    async with ctx.store.transaction() as tx:
        tx.put(table_of(bearer), msgspec.structs.replace(bearer, inline=inline))
    return {}


def _got(bearer: Bearer, request: dict[str, Any]) -> dict[str, Any]:
    name = request["PolicyName"]
    if name not in bearer.inline:
        raise _missing(bearer, name)
    whose = f"{type(bearer).__name__}Name"
    return {whose: bearer.name, "PolicyName": name, "PolicyDocument": encoded(bearer.inline[name])}


def _listed(bearer: Bearer, request: dict[str, Any]) -> dict[str, Any]:
    shown, more = page(bearer.inline, request, str)
    return {"PolicyNames": shown, **more}


async def _deleted(ctx: Context, bearer: Bearer, request: dict[str, Any]) -> dict[str, Any]:
    name = request["PolicyName"]
    if name not in bearer.inline:
        raise _missing(bearer, name)
    inline = {other: document for other, document in bearer.inline.items() if other != name}
    async with ctx.store.transaction() as tx:
        tx.put(table_of(bearer), msgspec.structs.replace(bearer, inline=inline))
    return {}


def _role(ctx: Context, request: dict[str, Any]) -> Role:
    return changeable_role(ctx, request["RoleName"])


@requires("iam:PutUserPolicy", arns.user)
async def put_user_policy(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Write a user's policy, new or changed."""
    return await _put(ctx, find_user(ctx, request["UserName"]), request)


@requires("iam:GetUserPolicy", arns.user)
async def get_user_policy(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """A user's policy as it was written."""
    return _got(find_user(ctx, request["UserName"]), request)


@requires("iam:ListUserPolicies", arns.user)
async def list_user_policies(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """The names of a user's policies."""
    return _listed(find_user(ctx, request["UserName"]), request)


@requires("iam:DeleteUserPolicy", arns.user)
async def delete_user_policy(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Take a user's policy away."""
    return await _deleted(ctx, find_user(ctx, request["UserName"]), request)


@requires("iam:PutGroupPolicy", arns.group)
async def put_group_policy(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Write a group's policy, new or changed."""
    return await _put(ctx, find_group(ctx, request["GroupName"]), request)


@requires("iam:GetGroupPolicy", arns.group)
async def get_group_policy(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """A group's policy as it was written."""
    return _got(find_group(ctx, request["GroupName"]), request)


@requires("iam:ListGroupPolicies", arns.group)
async def list_group_policies(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """The names of a group's policies."""
    return _listed(find_group(ctx, request["GroupName"]), request)


@requires("iam:DeleteGroupPolicy", arns.group)
async def delete_group_policy(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Take a group's policy away."""
    return await _deleted(ctx, find_group(ctx, request["GroupName"]), request)


@requires("iam:PutRolePolicy", arns.role)
async def put_role_policy(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Write a role's policy, new or changed."""
    return await _put(ctx, _role(ctx, request), request)


@requires("iam:GetRolePolicy", arns.role)
async def get_role_policy(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """A role's policy as it was written."""
    return _got(find_role(ctx, request["RoleName"]), request)


@requires("iam:ListRolePolicies", arns.role)
async def list_role_policies(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """The names of a role's policies."""
    return _listed(find_role(ctx, request["RoleName"]), request)


@requires("iam:DeleteRolePolicy", arns.role)
async def delete_role_policy(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Take a role's policy away."""
    return await _deleted(ctx, _role(ctx, request), request)
