"""IAM's own condition keys, looked up where a policy names them.

`iam:PassedToService` is of the permission to pass a role and stands beside each room's line; `iam:ResourceTag/`, which other services
are asked about too, is among the kernel's.
Source: Service Authorization Reference, "Condition keys for AWS Identity and Access Management".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import SERVICE
from .grants import role_at
from .model import GLOBAL, Role, User, roles, users

if TYPE_CHECKING:
    from headwater.kernel.context import Context


@SERVICE.condition_key("iam:PolicyARN")
def policy_arn(ctx: Context, request: dict[str, Any]) -> str | None:
    """The managed policy that is attached or detached."""
    return request.get("PolicyArn")


@SERVICE.condition_key("iam:AWSServiceName")
def service_name(ctx: Context, request: dict[str, Any]) -> str | None:
    return request.get("AWSServiceName")


@SERVICE.condition_key("iam:ServiceSpecificCredentialServiceName")
def credential_service(ctx: Context, request: dict[str, Any]) -> str | None:
    return request.get("ServiceName")


@SERVICE.condition_key("iam:ServiceSpecificCredentialAgeDays")
def credential_days(ctx: Context, request: dict[str, Any]) -> str | None:
    days = request.get("CredentialAgeDays")
    return None if days is None else str(days)


@SERVICE.condition_key("iam:PermissionsBoundary")
def permissions_boundary(ctx: Context, request: dict[str, Any]) -> str | None:
    """The boundary that the request sets; otherwise the one that the user or role has."""
    asked: str | None = request.get("PermissionsBoundary")
    if asked is not None:
        return asked
    entity = _entity(ctx, request)
    return None if entity is None else entity.boundary


def _entity(ctx: Context, request: dict[str, Any]) -> User | Role | None:
    """The user or role that the request is about."""
    if "RoleArn" in request:
        return role_at(ctx.store, request["RoleArn"])
    if "RoleName" in request:
        return ctx.store.get(roles, ctx.account, GLOBAL, request["RoleName"])
    if "UserName" in request:
        return ctx.store.get(users, ctx.account, GLOBAL, request["UserName"])
    name = ctx.principal.arn.rpartition("/")[2]
    return ctx.store.get(users, ctx.account, GLOBAL, name) if ctx.principal.kind == "user" else None
