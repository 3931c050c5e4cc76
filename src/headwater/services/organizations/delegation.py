"""Services that an organization trusts, and the members that administer them for it.

A member that administers any service may read what the management account may read, in Organizations itself too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from headwater.aws.faults import Fault, fault
from headwater.kernel.permissions import requires

from .arns import named
from .model import GLOBAL, Delegation, Organization, delegations, describe_member, organizations
from .paging import page
from .refusals import constraint, invalid
from .tree import find_member, managed, overseen, path_of_member

if TYPE_CHECKING:
    from headwater.kernel.context import Context

DOMAIN: Final = ".amazonaws.com"


def not_registered() -> Fault:
    return fault("AccountNotRegisteredException", "The provided account is not a registered delegated administrator for your organization.")


def _service(organization: Organization, request: dict[str, Any]) -> str:
    if not organization.has_all_features:
        raise constraint("ORGANIZATION_NOT_IN_ALL_FEATURES_MODE")
    service: str = request["ServicePrincipal"]
    if not service.endswith(DOMAIN):
        raise invalid("UNRECOGNIZED_SERVICE_PRINCIPAL")
    return service


@requires("organizations:EnableAWSServiceAccess")
async def enable_aws_service_access(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Trust a service. Twice is once."""
    organization = managed(ctx)
    service = _service(organization, request)
    since = organization.services.get(service, ctx.clock.now().replace(microsecond=0))
    async with ctx.store.transaction() as tx:
        tx.put(organizations, msgspec.structs.replace(organization, services=organization.services | {service: since}))
    return {}


@requires("organizations:DisableAWSServiceAccess")
async def disable_aws_service_access(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Trust it no more."""
    organization = managed(ctx)
    service = _service(organization, request)
    left = {name: since for name, since in organization.services.items() if name != service}
    async with ctx.store.transaction() as tx:
        tx.put(organizations, msgspec.structs.replace(organization, services=left))
    return {}


@requires("organizations:ListAWSServiceAccessForOrganization")
async def list_aws_service_access_for_organization(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Those that are trusted."""
    shown, token = page(overseen(ctx).services.items(), request, lambda service: service[0])
    return {"EnabledServicePrincipals": [{"ServicePrincipal": name, "DateEnabled": since} for name, since in shown], "NextToken": token}


@requires("organizations:RegisterDelegatedAdministrator", named("AccountId"))
async def register_delegated_administrator(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Let a member administer a service."""
    organization = managed(ctx)
    member = find_member(ctx, organization, request["AccountId"])
    service = _service(organization, request)
    if member.account == organization.account:
        raise constraint("CANNOT_REGISTER_MASTER_AS_DELEGATED_ADMINISTRATOR")
    if member.closed_at is not None:
        raise constraint("CANNOT_REGISTER_SUSPENDED_ACCOUNT_AS_DELEGATED_ADMINISTRATOR")
    if service not in organization.services:
        raise constraint("SERVICE_ACCESS_NOT_ENABLED")
    if ctx.store.get(delegations, organization.account, GLOBAL, member.account, service) is not None:
        raise fault("AccountAlreadyRegisteredException", "The provided account is already a delegated administrator for your organization.")
    now = ctx.clock.now().replace(microsecond=0)
    async with ctx.store.transaction() as tx:
        tx.put(delegations, Delegation(account=organization.account, member=member.account, service=service, at=now))
    return {}


@requires("organizations:DeregisterDelegatedAdministrator", named("AccountId"))
async def deregister_delegated_administrator(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Let it no more."""
    organization = managed(ctx)
    member = find_member(ctx, organization, request["AccountId"])
    service = _service(organization, request)
    if ctx.store.get(delegations, organization.account, GLOBAL, member.account, service) is None:
        raise not_registered()
    async with ctx.store.transaction() as tx:
        tx.delete(delegations, organization.account, GLOBAL, member.account, service)
    return {}


@requires("organizations:ListDelegatedAdministrators")
async def list_delegated_administrators(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Of a service, or of any."""
    organization = overseen(ctx)
    service = request.get("ServicePrincipal")
    since: dict[str, Any] = {}
    for one in ctx.store.scan(delegations, organization.account, GLOBAL):
        if service in {None, one.service}:
            since[one.member] = min(one.at, since.get(one.member, one.at))
    shown, token = page(since, request, str)
    listed = []
    for account in shown:
        member = find_member(ctx, organization, account)
        described = describe_member(organization, member, path_of_member(ctx.store, organization, member))
        del described["Paths"]
        listed.append(described | {"DelegationEnabledDate": since[account]})
    return {"DelegatedAdministrators": listed, "NextToken": token}


@requires("organizations:ListDelegatedServicesForAccount", named("AccountId"))
async def list_delegated_services_for_account(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """What a member administers."""
    organization = overseen(ctx)
    member = find_member(ctx, organization, request["AccountId"])
    found = ctx.store.scan(delegations, organization.account, GLOBAL, member.account)
    if not found:
        raise not_registered()
    shown, token = page(found, request, lambda one: one.service)
    listed = [{"ServicePrincipal": one.service, "DelegationEnabledDate": one.at} for one in shown]
    return {"DelegatedServices": listed, "NextToken": token}
