"""Accounts of an organization: listed, moved, closed, and gone.

An account that was created in its organization can leave after four days; one that was invited, at once. A closed account stays in
sight for ninety days and leaves then.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import msgspec

from headwater.aws.faults import fault
from headwater.kernel.jobs import Job, handles
from headwater.kernel.permissions import requires

from .arns import named
from .control import changing
from .model import (
    CLOSED_FOR,
    GLOBAL,
    Member,
    Organization,
    attachments,
    delegations,
    describe_member,
    members,
    organizations,
)
from .paging import page
from .refusals import cannot_leave, constraint
from .tree import belonging, check_parent, find_member, is_place, managed, members_of, overseen, path_of_member

if TYPE_CHECKING:
    from headwater.kernel.context import Context
    from headwater.kernel.store import Transaction

WAIT: Final = timedelta(days=4)
CLOSINGS_WITHIN: Final = timedelta(days=30)
CLOSINGS_FEW: Final = 250
CLOSINGS_MANY: Final = 1000
CLOSINGS_SHARE: Final = 0.2
"""Within thirty days the larger of 250 and a fifth of the accounts may be closed, and never more than a thousand."""


class ClosureOver(Job, frozen=True, kw_only=True, tag="organizations/closure-over/1"):
    """The ninety days of a closed account have passed. `account` is the management account, `subject` the closed one."""


def _described(ctx: Context, organization: Organization, member: Member) -> dict[str, Any]:
    return describe_member(organization, member, path_of_member(ctx.store, organization, member))


@requires("organizations:ListAccounts")
async def list_accounts(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """All of the organization."""
    organization = overseen(ctx)
    shown, token = page(members_of(ctx, organization), request, lambda member: member.account)
    return {"Accounts": [_described(ctx, organization, member) for member in shown], "NextToken": token}


@requires("organizations:ListAccountsForParent", named("ParentId"))
async def list_accounts_for_parent(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Those directly below the root or a unit."""
    organization = overseen(ctx)
    check_parent(ctx, organization, request["ParentId"])
    below = [member for member in members_of(ctx, organization) if member.parent_id == request["ParentId"]]
    shown, token = page(below, request, lambda member: member.account)
    return {"Accounts": [_described(ctx, organization, member) for member in shown], "NextToken": token}


@requires("organizations:DescribeAccount", named("AccountId"))
async def describe_account(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """One account."""
    organization = overseen(ctx)
    return {"Account": _described(ctx, organization, find_member(ctx, organization, request["AccountId"]))}


@requires("organizations:MoveAccount", named("AccountId", "SourceParentId", "DestinationParentId"))
async def move_account(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Under another parent; what is attached to the account itself goes along."""
    organization = managed(ctx)
    member = find_member(ctx, organization, request["AccountId"])
    source, destination = request["SourceParentId"], request["DestinationParentId"]
    if not is_place(ctx, organization, source) or member.parent_id not in {source, destination}:
        raise fault("SourceParentNotFoundException", "You specified a source parent that doesn't exist.")
    if not is_place(ctx, organization, destination):
        raise fault("DestinationParentNotFoundException", "You specified a destination parent that doesn't exist.")
    if member.parent_id == destination:
        raise fault("DuplicateAccountException", "That account is already present in the specified destination.")
    async with changing(ctx) as tx:
        tx.put(members, msgspec.structs.replace(member, parent_id=destination))
    return {}


@requires("organizations:RemoveAccountFromOrganization", named("AccountId"))
async def remove_account_from_organization(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """The account stands alone again."""
    organization = managed(ctx)
    return await _depart(ctx, organization, find_member(ctx, organization, request["AccountId"]))


@requires("organizations:LeaveOrganization")
async def leave_organization(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """The same, by the account's own wish."""
    organization = belonging(ctx)
    return await _depart(ctx, organization, find_member(ctx, organization, ctx.account))


def check_departure(ctx: Context, organization: Organization, member: Member) -> None:
    """Refuse whom the organization does not let go."""
    if member.account == organization.account:
        raise cannot_leave()
    if ctx.store.scan(delegations, organization.account, GLOBAL, member.account):
        raise constraint("CANNOT_REMOVE_DELEGATED_ADMINISTRATOR_FROM_ORG")
    if member.created_at is not None and ctx.clock.now() < member.created_at + WAIT:
        raise constraint("WAIT_PERIOD_ACTIVE")


async def _depart(ctx: Context, organization: Organization, member: Member) -> dict[str, Any]:
    check_departure(ctx, organization, member)
    async with changing(ctx) as tx:
        _part(ctx, tx, organization, member)
    return {}


def forget_attachments(ctx: Context, tx: Transaction, organization: Organization, member: Member) -> None:
    for attachment in ctx.store.scan(attachments, organization.account, GLOBAL, member.account):
        tx.delete(attachments, *attachments.key(attachment))


def _part(ctx: Context, tx: Transaction, organization: Organization, member: Member) -> None:
    """Tags and attachments are the organization's, and end with the membership."""
    forget_attachments(ctx, tx, organization, member)
    for delegation in ctx.store.scan(delegations, organization.account, GLOBAL, member.account):
        tx.delete(delegations, *delegations.key(delegation))
    tx.put(members, msgspec.structs.replace(member, management="", parent_id="", joined_at=None, created_at=None, tags={}))


@requires("organizations:CloseAccount", named("AccountId"))
async def close_account(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Closed at once; it stays in sight for ninety days."""
    organization = managed(ctx)
    if not organization.has_all_features:
        raise constraint("ORGANIZATION_NOT_IN_ALL_FEATURES_MODE")
    member = find_member(ctx, organization, request["AccountId"])
    if member.account == organization.account:
        raise constraint("CANNOT_CLOSE_MANAGEMENT_ACCOUNT")
    if member.closed_at is not None:
        raise fault("AccountAlreadyClosedException", "You attempted to close an account that is already closed.")
    now = ctx.clock.now().replace(microsecond=0)
    present = members_of(ctx, organization)
    lately = sum(each.closed_at is not None and each.closed_at > now - CLOSINGS_WITHIN for each in present)
    if lately >= min(max(CLOSINGS_FEW, int(len(present) * CLOSINGS_SHARE)), CLOSINGS_MANY):
        raise constraint("CLOSE_ACCOUNT_QUOTA_EXCEEDED")
    async with changing(ctx) as tx:
        tx.put(members, msgspec.structs.replace(member, closed_at=now))
        tx.owe(ClosureOver(account=organization.account, region=ctx.region, subject=member.account, at=now + CLOSED_FOR))
    return {}


@handles(ClosureOver)
async def _end_closure(ctx: Context, due: ClosureOver) -> None:
    organization = ctx.store.get(organizations, due.account, GLOBAL)
    member = ctx.store.get(members, due.subject, GLOBAL)
    if organization is None or member is None or member.management != organization.account:
        return  # it left, or the organization was deleted
    if member.closed_at is not None and member.closed_at + CLOSED_FOR <= ctx.clock.now():
        async with changing(ctx) as tx:
            _part(ctx, tx, organization, member)
