"""The account as a whole: its alias, and what it has of everything beside what it may have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from headwater.aws.faults import fault
from headwater.kernel.permissions import requires

from .documents import INLINE_CHARACTERS_MAX, MANAGED_CHARACTERS_MAX, TRUST_CHARACTERS_MAX
from .model import GLOBAL, PER_ACCOUNT_MAX, Alias, aliases, attachments, groups, instance_profiles, policies, roles, users

if TYPE_CHECKING:
    from headwater.kernel.context import Context

QUOTAS: Final = {
    "UsersQuota": PER_ACCOUNT_MAX["users"],
    "GroupsQuota": PER_ACCOUNT_MAX["groups"],
    "RolesQuota": PER_ACCOUNT_MAX["roles"],
    "PoliciesQuota": PER_ACCOUNT_MAX["policies"],
    "InstanceProfilesQuota": PER_ACCOUNT_MAX["instance_profiles"],
    "GroupsPerUserQuota": 10,
    "AccessKeysPerUserQuota": 2,
    "AttachedPoliciesPerUserQuota": 10,
    "AttachedPoliciesPerGroupQuota": 10,
    "AttachedPoliciesPerRoleQuota": 10,
    "VersionsPerPolicyQuota": 5,
    "PolicySizeQuota": MANAGED_CHARACTERS_MAX,
    "UserPolicySizeQuota": INLINE_CHARACTERS_MAX["user"],
    "GroupPolicySizeQuota": INLINE_CHARACTERS_MAX["group"],
    "RolePolicySizeQuota": INLINE_CHARACTERS_MAX["role"],
    "AssumeRolePolicySizeQuota": TRUST_CHARACTERS_MAX,
}


@requires("iam:CreateAccountAlias")
async def create_account_alias(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """An account has one alias, and no two accounts have the same."""
    alias = request["AccountAlias"]
    if any(other.alias == alias for other in ctx.store.scan(aliases)):
        raise fault("EntityAlreadyExists", f"The account alias {alias} already exists.")
    async with ctx.store.transaction() as tx:
        tx.put(aliases, Alias(account=ctx.account, alias=alias))
    return {}


@requires("iam:ListAccountAliases")
async def list_account_aliases(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """The one, or none."""
    alias = ctx.store.get(aliases, ctx.account, GLOBAL)
    return {"AccountAliases": [] if alias is None else [alias.alias], "IsTruncated": False}


@requires("iam:DeleteAccountAlias")
async def delete_account_alias(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Give it up."""
    alias = ctx.store.get(aliases, ctx.account, GLOBAL)
    if alias is None or alias.alias != request["AccountAlias"]:
        raise fault("NoSuchEntity", f"The account alias {request['AccountAlias']} cannot be found.")
    async with ctx.store.transaction() as tx:
        tx.delete(aliases, ctx.account, GLOBAL)
    return {}


@requires("iam:GetAccountSummary")
async def get_account_summary(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Counts and quotas of what this room keeps."""
    place = (ctx.account, GLOBAL)
    own = ctx.store.scan(policies, *place)
    counted = {
        "Users": len(ctx.store.scan(users, *place)),
        "Groups": len(ctx.store.scan(groups, *place)),
        "Roles": len(ctx.store.scan(roles, *place)),
        "InstanceProfiles": len(ctx.store.scan(instance_profiles, *place)),
        "Policies": len(own),
        "PolicyVersionsInUse": len(own) + sum(arn.startswith("arn:aws:iam::aws:") for arn in attachments(ctx)),
        "MFADevices": 0,
        "AccountMFAEnabled": 0,
        "AccountAccessKeysPresent": 0,
    }
    return {"SummaryMap": counted | QUOTAS}
