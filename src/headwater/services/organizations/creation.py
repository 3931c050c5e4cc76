"""Accounts that are made: asked for at once, there a moment later, with a role that the management account may assume."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import msgspec

from headwater.aws.faults import Fault, fault
from headwater.kernel.jobs import Job, handles
from headwater.kernel.permissions import requires

from .arns import new
from .control import changing
from .linked_role import LinkedRole
from .model import (
    GLOBAL,
    SCP,
    Creation,
    Member,
    Organization,
    attachments,
    creations,
    describe_creation,
    members,
    new_account_number,
    new_id,
    organizations,
)
from .paging import page
from .policies import full_access_of
from .tags import tagged
from .tree import check_room, managed, overseen

if TYPE_CHECKING:
    from headwater.kernel.context import Context

ACCESS_ROLE: Final = "OrganizationAccountAccessRole"
ADMINISTRATOR: Final = "arn:aws:iam::aws:policy/AdministratorAccess"
ID_LENGTH: Final = 32


class AccountDue(Job, frozen=True, kw_only=True, tag="organizations/account-due/1"):
    """An account was asked for. `account` is the management account, `subject` the request's id."""


@requires("organizations:CreateAccount")
@requires("organizations:TagResource", new("account"), when="Tags")
async def create_account(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Ask for an account; DescribeCreateAccountStatus tells when it is there."""
    organization = managed(ctx)
    check_room(ctx, organization)
    creation = Creation(
        account=organization.account,
        id=new_id("car-", ID_LENGTH),
        new_account=new_account_number(),
        name=request["AccountName"],
        email=request["Email"],
        role_name=request.get("RoleName", ACCESS_ROLE),
        requested_at=ctx.clock.now().replace(microsecond=0),
        tags=tagged({}, request.get("Tags", [])),
    )
    async with ctx.store.transaction() as tx:
        tx.put(creations, creation)
        tx.owe(AccountDue(account=creation.account, region=ctx.region, subject=creation.id, at=creation.requested_at))
    return {"CreateAccountStatus": describe_creation(creation)}


@requires("organizations:DescribeCreateAccountStatus")
async def describe_create_account_status(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Whether it is there, and its number."""
    organization = overseen(ctx)
    creation = ctx.store.get(creations, organization.account, GLOBAL, request["CreateAccountRequestId"])
    if creation is None:
        raise fault("CreateAccountStatusNotFoundException", "You specified a create account request that doesn't exist.")
    return {"CreateAccountStatus": describe_creation(creation)}


@requires("organizations:ListCreateAccountStatus")
async def list_create_account_status(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Everything that was asked for, in some states or in all."""
    organization = overseen(ctx)
    states = request.get("States") or ["IN_PROGRESS", "SUCCEEDED", "FAILED"]
    found = [creation for creation in ctx.store.scan(creations, organization.account, GLOBAL) if creation.state in states]
    shown, token = page(found, request, lambda creation: creation.id)
    return {"CreateAccountStatuses": [describe_creation(creation) for creation in shown], "NextToken": token}


@handles(AccountDue)
async def _make(ctx: Context, due: AccountDue) -> None:
    """First the roles, which may be made twice, then the membership: who sees the account can assume its role."""
    organization, creation = _wanted(ctx, due)
    if organization is not None and creation is not None and not _is_taken(ctx, creation):
        await _make_roles(ctx, organization, creation)
    organization, creation = _wanted(ctx, due)  # again: the organization may have changed meanwhile
    if organization is None or creation is None:
        return
    now = ctx.clock.now().replace(microsecond=0)
    if _is_taken(ctx, creation):
        async with ctx.store.transaction() as tx:
            tx.put(creations, msgspec.structs.replace(creation, completed_at=now, failure="EMAIL_ALREADY_EXISTS"))
        return
    made = Member(
        account=creation.new_account,
        name=creation.name,
        email=creation.email,
        management=organization.account,
        parent_id=organization.root_id,
        joined_at=now,
        created_at=now,
        tags=creation.tags,
    )
    async with changing(ctx) as tx:
        tx.put(members, made)
        if SCP in organization.policy_types:
            tx.put(attachments, full_access_of(organization, made.account))
        tx.put(creations, msgspec.structs.replace(creation, completed_at=now))


def _wanted(ctx: Context, due: AccountDue) -> tuple[Organization | None, Creation | None]:
    """What is asked for and by whom; no creation where the account is there already."""
    creation = ctx.store.get(creations, due.account, GLOBAL, due.subject)
    pending = creation if creation is not None and creation.completed_at is None else None
    return ctx.store.get(organizations, due.account, GLOBAL), pending


def _is_taken(ctx: Context, creation: Creation) -> bool:
    """An address is of one account."""
    return any(member.email.casefold() == creation.email.casefold() for member in ctx.store.scan(members))


async def _make_roles(ctx: Context, organization: Organization, creation: Creation) -> None:
    iam = ctx.home.context(account=creation.new_account, region=ctx.region, service="organizations").client("iam")
    principal = {"AWS": f"arn:aws:iam::{organization.account}:root"}
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}]}
    try:
        await iam.create_role(RoleName=creation.role_name, AssumeRolePolicyDocument=json.dumps(trust))
    except Fault as refusal:
        if refusal.code != "EntityAlreadyExists":
            raise
    await iam.attach_role_policy(RoleName=creation.role_name, PolicyArn=ADMINISTRATOR)
    if organization.has_all_features:
        await LinkedRole(iam).make()
