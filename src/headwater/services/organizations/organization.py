"""The organization itself: founded by its management account, described to every member, deleted when only the founder is left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from headwater.aws.faults import fault
from headwater.kernel.permissions import requires

from .control import changing
from .linked_role import LinkedRole
from .model import (
    ALL_FEATURES,
    GLOBAL,
    Organization,
    attachments,
    creations,
    delegations,
    describe_organization_of,
    describe_root,
    handshakes,
    members,
    new_id,
    organizations,
    policies,
    units,
)
from .paging import page
from .tree import belonging, known, managed, members_of, open_invitations, organization_of, overseen

if TYPE_CHECKING:
    from headwater.kernel.context import Context
    from headwater.kernel.store import Table


def _check_alone(ctx: Context) -> None:
    if organization_of(ctx.store, ctx.account) is not None:
        raise fault("AlreadyInOrganizationException", "The AWS account is already a member of an organization.")


@requires("organizations:CreateOrganization")
async def create_organization(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """The caller's account becomes the management account."""
    _check_alone(ctx)
    if request.get("FeatureSet", ALL_FEATURES) == ALL_FEATURES:
        await LinkedRole(ctx.client("iam")).make_as_caller()
        _check_alone(ctx)  # again: another call may have been quicker meanwhile
    now = ctx.clock.now().replace(microsecond=0)
    founded = Organization(
        account=ctx.account,
        id=new_id("o-", 10),
        root_id=new_id("r-", 4),
        feature_set=request.get("FeatureSet", ALL_FEATURES),
        created_at=now,
    )
    founder = msgspec.structs.replace(
        known(ctx.store, ctx.account), management=ctx.account, parent_id=founded.root_id, joined_at=now, created_at=None
    )
    async with changing(ctx) as tx:
        tx.put(organizations, founded)
        tx.put(members, founder)
    return {"Organization": describe_organization_of(founded, founder)}


@requires("organizations:DescribeOrganization")
async def describe_organization(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """To any of its accounts."""
    organization = belonging(ctx)
    return {"Organization": describe_organization_of(organization, known(ctx.store, organization.account))}


@requires("organizations:DeleteOrganization")
async def delete_organization(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """With everything that belongs to it; invitations that were not answered are cancelled."""
    organization = managed(ctx)
    present = members_of(ctx, organization)
    if len(present) > 1:
        raise fault(
            "OrganizationNotEmptyException",
            "To delete an organization, you must first remove all accounts except the management account.",
        )
    now = ctx.clock.now().replace(microsecond=0)
    async with changing(ctx) as tx:
        tables: tuple[Table[Any], ...] = (units, policies, attachments, creations, delegations)
        for table in tables:
            for record in ctx.store.scan(table, organization.account, GLOBAL):
                tx.delete(table, *table.key(record))
        for handshake in open_invitations(ctx, organization):
            tx.put(handshakes, msgspec.structs.replace(handshake, outcome="CANCELED", settled_at=now))
        founder = present[0]
        tx.put(members, msgspec.structs.replace(founder, management="", parent_id="", joined_at=None, tags={}))
        tx.delete(organizations, organization.account, GLOBAL)
    return {}


@requires("organizations:ListRoots")
async def list_roots(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """There is one."""
    shown, token = page([overseen(ctx)], request, lambda organization: organization.root_id)
    return {"Roots": [describe_root(organization) for organization in shown], "NextToken": token}
