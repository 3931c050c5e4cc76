"""The account as a whole: its alias, and what it has of everything beside what it may have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from headwater.aws.faults import fault
from headwater.kernel.permissions import requires

from .certificates import SERVER_MAX, SIGNING_MAX, server_certificates
from .documents import INLINE_CHARACTERS_MAX, MANAGED_CHARACTERS_MAX, TRUST_CHARACTERS_MAX
from .mfa_devices import devices
from .model import GLOBAL, PER_ACCOUNT_MAX, Alias, aliases, attachments, groups, instance_profiles, policies, roles, users
from .openid_providers import openid_providers
from .saml_providers import saml_providers

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
    "SigningCertificatesPerUserQuota": SIGNING_MAX,
    "ServerCertificatesQuota": SERVER_MAX,
    "PolicyVersionsInUseQuota": 10_000,
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
    devices_made = ctx.store.scan(devices, *place)
    providers = len(ctx.store.scan(openid_providers, *place)) + len(ctx.store.scan(saml_providers, *place))
    counted = {
        "Users": len(ctx.store.scan(users, *place)),
        "Groups": len(ctx.store.scan(groups, *place)),
        "Roles": len(ctx.store.scan(roles, *place)),
        "InstanceProfiles": len(ctx.store.scan(instance_profiles, *place)),
        "Policies": len(own),
        "PolicyVersionsInUse": len(own) + sum(arn.startswith("arn:aws:iam::aws:") for arn in attachments(ctx)),
        "MFADevices": len(devices_made),
        "MFADevicesInUse": sum(device.user_id is not None for device in devices_made),
        "ServerCertificates": len(ctx.store.scan(server_certificates, *place)),
        "Providers": providers,
        "AccountMFAEnabled": 0,
        "AccountAccessKeysPresent": 0,
        "AccountSigningCertificatesPresent": 0,
        "AccountPasswordPresent": 0,
        "GlobalEndpointTokenVersion": 1,
    }
    return {"SummaryMap": counted | QUOTAS}
