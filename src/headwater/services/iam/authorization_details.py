"""The whole of an account's permissions in one listing: users, groups, roles and policies with all that is in and on them.

Of AWS's own policies it shows those that are in use. Source: API reference of GetAccountAuthorizationDetails.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from headwater.kernel.permissions import requires
from headwater.kernel.store import Table

from .aws_managed import aws_managed
from .last_use import last_use_of
from .model import (
    GLOBAL,
    Bearer,
    Group,
    Policy,
    Role,
    User,
    attachments,
    boundary_uses,
    describe_group,
    describe_instance_profile,
    describe_policy,
    describe_role,
    describe_user,
    describe_version,
    encoded,
    groups,
    instance_profiles,
    policies,
    roles,
    users,
)
from .paging import page_in_order
from .trust import as_it_is

if TYPE_CHECKING:
    from headwater.kernel.context import Context

TABLES: Final[dict[str, Table[Any]]] = {"User": users, "Group": groups, "Role": roles, "LocalManagedPolicy": policies}
LISTS: Final = ("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies")


class Uses(NamedTuple):
    """How often each policy is attached, and how often it bounds, by ARN."""

    attached: Counter[str]
    bounding: Counter[str]


@requires("iam:GetAccountAuthorizationDetails")
async def get_account_authorization_details(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Users first, then groups, roles and policies; a page may hold some of each."""
    wanted = frozenset(request.get("Filter") or (*TABLES, "AWSManagedPolicy"))
    found: list[Bearer | Policy] = []
    for kind, table in TABLES.items():
        if kind in wanted:
            found += ctx.store.scan(table, ctx.account, GLOBAL)
    uses = Uses(attachments(ctx), boundary_uses(ctx))
    if "AWSManagedPolicy" in wanted:
        found += [policy for arn, policy in aws_managed().items() if uses.attached[arn] or uses.bounding[arn]]
    shown, more = page_in_order(found, request)
    listed: dict[str, Any] = {name: [] for name in LISTS}
    for one in shown:
        listed[_list_of(one)].append(_described(ctx, one, uses))
    return listed | more


def _list_of(one: Bearer | Policy) -> str:
    return "Policies" if isinstance(one, Policy) else f"{type(one).__name__}DetailList"


def _described(ctx: Context, one: Bearer | Policy, uses: Uses) -> dict[str, Any]:
    match one:
        case Policy():
            versions = [describe_version(one, version) for version in one.versions]
            described = describe_policy(one, uses.attached[one.arn], uses.bounding[one.arn], whole=False)
            return described | {"Description": one.description or None, "PolicyVersionList": versions}
        case User():
            described = describe_user(one)
            return described | {"UserPolicyList": _inline(one), "GroupList": list(one.groups), "AttachedManagedPolicies": _attached(one)}
        case Group():
            return describe_group(one) | {"GroupPolicyList": _inline(one), "AttachedManagedPolicies": _attached(one)}
        case Role():
            return _described_role(ctx, one)
        case _:
            raise AssertionError(one)


def _described_role(ctx: Context, role: Role) -> dict[str, Any]:
    described = describe_role(as_it_is(ctx, role), last_use_of(ctx, role.unique_id))
    del described["Description"], described["MaxSessionDuration"]  # this listing's role has them not
    profiles = [profile for profile in ctx.store.scan(instance_profiles, ctx.account, GLOBAL) if profile.role == role.name]
    return described | {
        "InstanceProfileList": [describe_instance_profile(profile, role) for profile in profiles],
        "RolePolicyList": _inline(role),
        "AttachedManagedPolicies": _attached(role),
    }


def _inline(bearer: Bearer) -> list[dict[str, str]]:
    return [{"PolicyName": name, "PolicyDocument": encoded(document)} for name, document in sorted(bearer.inline.items())]


def _attached(bearer: Bearer) -> list[dict[str, str]]:
    return [{"PolicyName": arn.rpartition("/")[2], "PolicyArn": arn} for arn in bearer.attached]
