"""The ARN that a request is about, for its permission line. A path is part of it, and only the record knows the path.

What isn't there (yet) has the path of the request, or none: whether the caller may ask comes before whether the thing exists.
Source: Service Authorization Reference, "Actions, resources, and condition keys for AWS IAM".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final

from headwater.kernel.identity import ACCESS_KEYS

from .model import GLOBAL, groups, instance_profiles, roles, users

if TYPE_CHECKING:
    from headwater.kernel.context import Context
    from headwater.kernel.store import Table

Request = dict[str, Any]
OwnArn = Callable[["Context", Request], str]

POLICY: Final = "{PolicyArn}"


def _arn(ctx: Context, kind: str, path: str, name: str) -> str:
    return f"arn:aws:iam::{ctx.account}:{kind}{path}{name}"


def _kept(kind: str, table: Table[Any], ctx: Context, name: str) -> str:
    record = ctx.store.get(table, ctx.account, GLOBAL, name)
    return _arn(ctx, kind, "/" if record is None else record.path, name)


def user(ctx: Context, request: Request) -> str:
    """The named user, or the caller where none is named."""
    name = request.get("UserName")
    return ctx.principal.arn if name is None else _kept("user", users, ctx, name)


def group(ctx: Context, request: Request) -> str:
    return _kept("group", groups, ctx, request["GroupName"])


def role(ctx: Context, request: Request) -> str:
    return _kept("role", roles, ctx, request["RoleName"])


def instance_profile(ctx: Context, request: Request) -> str:
    return _kept("instance-profile", instance_profiles, ctx, request["InstanceProfileName"])


def new(kind: str, member: str) -> OwnArn:
    """What a request makes, under the path that it names."""
    return lambda ctx, request: _arn(ctx, kind, request.get("Path", "/"), request[member])


def listed(kind: str) -> OwnArn:
    """A listing is about the path: `arn:aws:iam::123456789012:user/`, as AWS's refusals name it."""
    return lambda ctx, request: _arn(ctx, kind, request.get("PathPrefix", "/"), "")


def renamed_user(ctx: Context, request: Request) -> Iterable[str]:
    """What it is and what it becomes: a rename needs the permission on both."""
    return _renamed(user(ctx, request), request, "NewUserName")


def renamed_group(ctx: Context, request: Request) -> Iterable[str]:
    return _renamed(group(ctx, request), request, "NewGroupName")


def renamed_certificate(now: str, request: Request) -> Iterable[str]:
    return _renamed(now, request, "NewServerCertificateName")


def _renamed(now: str, request: Request, member: str) -> Iterable[str]:
    head, _, rest = now.partition("/")
    path, _, name = rest.rpartition("/")
    path = request.get("NewPath", f"/{path}/" if path else "/")
    return dict.fromkeys((now, f"{head}{path}{request.get(member, name)}"))


def bearer_of_key(ctx: Context, request: Request) -> str:
    """The user whose access key it is; of a stranger's key nothing is known."""
    key = ctx.store.get(ACCESS_KEYS, request["AccessKeyId"])
    return "*" if key is None or key.account != ctx.account else key.principal_arn


def role_of_deletion(ctx: Context, request: Request) -> str:
    """A task's id begins with the role's path and name: task/aws-service-role/SERVICE/ROLE/ID."""
    path, _, name = request["DeletionTaskId"].removeprefix("task").rpartition("/")[0].rpartition("/")
    return _arn(ctx, "role", f"{path}/", name)
