"""Users: who may have long-lived keys. A rename reaches the keys too, in the same transaction."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import msgspec

from headwater.aws.faults import Fault, fault
from headwater.kernel.identity import ACCESS_KEYS, new_unique_id
from headwater.kernel.permissions import requires
from headwater.kernel.store import Table

from . import arns
from .certificates import signing_certificates
from .mfa_devices import devices_of
from .model import GLOBAL, ROOT_SINCE, User, arn_of, calling_user, check_quota, describe_user, find_user, tagged, taken, users
from .paging import page, under
from .passwords import login_profiles
from .policies import checked_boundary
from .service_credentials import service_credentials
from .ssh_keys import ssh_keys

if TYPE_CHECKING:
    from headwater.kernel.context import Context

OWNED: Final[dict[Table[Any], str]] = {
    signing_certificates: "delete signing certificates",
    ssh_keys: "delete SSH public keys",
    service_credentials: "delete service specific credentials",
}
"""What else is a user's, by the user's id."""


def name_taken(name: str) -> Fault:
    return fault("EntityAlreadyExists", f"User with name {name} already exists.")


@requires("iam:CreateUser", arns.new("user", "UserName"))
@requires("iam:TagUser", arns.new("user", "UserName"), when="Tags")
async def create_user(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Make a user."""
    name = request["UserName"]
    if taken(ctx, users, name):
        raise name_taken(name)
    check_quota(ctx, users)
    user = User(
        account=ctx.account,
        name=name,
        path=request.get("Path", "/"),
        unique_id=new_unique_id("AIDA"),
        created_at=ctx.clock.now().replace(microsecond=0),
        boundary=checked_boundary(ctx, request.get("PermissionsBoundary")),
        tags=tagged({}, request.get("Tags", [])),
    )
    async with ctx.store.transaction() as tx:
        tx.put(users, user)
    return {"User": describe_user(user)}


@requires("iam:GetUser", arns.user)
async def get_user(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """The named user, or the caller."""
    if "UserName" not in request and ctx.principal.kind == "root":
        root = {"Path": "/", "UserId": ctx.account, "Arn": ctx.principal.arn, "CreateDate": ROOT_SINCE}
        return {"User": root}
    return {"User": describe_user(calling_user(ctx, request.get("UserName")))}


@requires("iam:ListUsers", arns.listed("user"))
async def list_users(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """By name, under a path."""
    found = [user for user in ctx.store.scan(users, ctx.account, GLOBAL) if under(request.get("PathPrefix"), user.path)]
    shown, more = page(found, request, lambda user: user.name)
    return {"Users": [describe_user(user, whole=False) for user in shown], **more}


@requires("iam:UpdateUser", arns.renamed_user)
async def update_user(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Another name or path: the ARN changes, the id stays."""
    user = find_user(ctx, request["UserName"])
    name = request.get("NewUserName", user.name)
    if name.casefold() != user.name.casefold() and taken(ctx, users, name):
        raise name_taken(name)
    changed = msgspec.structs.replace(user, name=name, path=request.get("NewPath", user.path))
    async with ctx.store.transaction() as tx:
        tx.delete(users, user.account, GLOBAL, user.name)
        tx.put(users, changed)
        for key_id in user.access_keys:
            key = ctx.store.get(ACCESS_KEYS, key_id)
            assert key is not None, "a user's keys stand in the kernel's table"
            tx.put(ACCESS_KEYS, msgspec.structs.replace(key, principal_arn=arn_of(changed), user_name=name))
    return {}


@requires("iam:DeleteUser", arns.user)
async def delete_user(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Only a user that has nothing left can go."""
    user = find_user(ctx, request["UserName"])
    for left in _left(ctx, user):
        raise fault("DeleteConflict", f"Cannot delete entity, must {left} first.")
    async with ctx.store.transaction() as tx:
        tx.delete(users, user.account, GLOBAL, user.name)
    return {}


def _left(ctx: Context, user: User) -> Iterator[str]:
    """What stands in the way of a user's end."""
    possessions = {
        "detach all policies": user.attached,
        "delete policies": user.inline,
        "remove users from group": user.groups,
        "delete access keys": user.access_keys,
        "delete login profile": ctx.store.get(login_profiles, user.account, GLOBAL, user.unique_id),
        "delete MFA device": devices_of(ctx, user),
    }
    for table, what in OWNED.items():
        possessions[what] = ctx.store.scan(table, user.account, GLOBAL, user.unique_id)
    yield from (what for what, found in possessions.items() if found)
