"""Invitations to an account of one's own: a handshake that is open for fifteen days, and in sight for thirty after it was answered.

An account is invited by its number or by its address. Only the invited one accepts and declines; only the sender cancels.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from headwater.aws.faults import Fault, fault
from headwater.kernel.permissions import requires

from .accounts import check_departure, forget_attachments
from .arns import handshake_arn, invited_arn
from .control import changing
from .linked_role import LinkedRole
from .model import (
    GLOBAL,
    SCP,
    Handshake,
    Organization,
    attachments,
    describe_handshake_of,
    handshakes,
    members,
    new_id,
    organizations,
)
from .paging import page
from .policies import full_access_of
from .refusals import denied, invalid, no_handshake
from .tags import tagged
from .tree import check_room, find_member, known, managed, members_of, open_invitations, organization_of, overseen

if TYPE_CHECKING:
    from headwater.kernel.context import Context

OPEN_FOR: Final = timedelta(days=15)
IN_SIGHT_FOR: Final = timedelta(days=30)
ID_LENGTH: Final = 32


def already_in_an_organization() -> Fault:
    return fault(
        "HandshakeConstraintViolationException",
        "The provided account is already a member of an organization.",
        Reason="ALREADY_IN_AN_ORGANIZATION",
    )


def _find(ctx: Context, handshake_id: str) -> Handshake:
    handshake = ctx.store.get(handshakes, handshake_id)
    if handshake is None:
        raise no_handshake()
    return handshake


def _received(ctx: Context, handshake_id: str) -> Handshake:
    """One that was sent to the caller."""
    handshake = _find(ctx, handshake_id)
    if not handshake.invites(known(ctx.store, ctx.account)):
        raise denied()
    return handshake


def _settled(ctx: Context, handshake: Handshake, outcome: str) -> Handshake:
    now = ctx.clock.now().replace(microsecond=0)
    state = handshake.state(now)
    if state == outcome:
        raise fault("HandshakeAlreadyInStateException", f"The handshake is already in the {outcome} state.")
    if state != "OPEN":
        raise fault("InvalidHandshakeTransitionException", f"You can't change a handshake from {state} to {outcome}.")
    return msgspec.structs.replace(handshake, outcome=outcome, settled_at=now)


def _described(ctx: Context, handshake: Handshake) -> dict[str, Any]:
    return {"Handshake": describe_handshake_of(handshake, ctx.clock.now())}


@requires("organizations:InviteAccountToOrganization", invited_arn)
@requires("organizations:TagResource", invited_arn, when="Tags")
async def invite_account_to_organization(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Send an invitation."""
    organization = managed(ctx)
    target = request["Target"]
    if target["Type"] == "ORGANIZATION":
        raise invalid("INVALID_PARTY_TYPE_TARGET")
    if target["Type"] == "ACCOUNT" and not (len(target["Id"]) == 12 and target["Id"].isdecimal()):
        raise invalid("INVALID_PATTERN")
    if any(target["Id"].casefold() in {each.account, each.email.casefold()} for each in members_of(ctx, organization)):
        raise already_in_an_organization()
    if any(one.target == target["Id"] for one in open_invitations(ctx, organization)):
        raise fault("DuplicateHandshakeException", "A handshake with the same action and target already exists.")
    check_room(ctx, organization)
    now = ctx.clock.now().replace(microsecond=0)
    sender = known(ctx.store, organization.account)
    handshake = Handshake(
        id=new_id("h-", ID_LENGTH),
        account=organization.account,
        organization_id=organization.id,
        feature_set=organization.feature_set,
        sender=sender.name,
        sender_email=sender.email,
        target=target["Id"],
        target_type=target["Type"],
        notes=request.get("Notes", ""),
        requested_at=now,
        expires_at=now + OPEN_FOR,
        tags=tagged({}, request.get("Tags", [])),
    )
    async with ctx.store.transaction() as tx:
        tx.put(handshakes, handshake)
    return _described(ctx, handshake)


@requires("organizations:AcceptHandshake", handshake_arn)
async def accept_handshake(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """The caller's account joins, under the root; from another organization, if it may leave that."""
    joining = _joining(ctx, request["HandshakeId"])
    if joining.organization.has_all_features:
        await LinkedRole(ctx.client("iam")).make_as_caller()
        joining = _joining(ctx, request["HandshakeId"])  # again: the invitation may have been cancelled meanwhile
    joined = msgspec.structs.replace(
        known(ctx.store, ctx.account),
        management=joining.organization.account,
        parent_id=joining.organization.root_id,
        joined_at=joining.accepted.settled_at,
        created_at=None,
        tags=joining.accepted.tags,
    )
    async with changing(ctx) as tx:
        tx.put(handshakes, joining.accepted)
        if joining.before is not None:
            forget_attachments(ctx, tx, joining.before, joined)
        tx.put(members, joined)
        if SCP in joining.organization.policy_types:
            tx.put(attachments, full_access_of(joining.organization, joined.account))
    return _described(ctx, joining.accepted)


class _Joining(NamedTuple):
    accepted: Handshake
    organization: Organization
    before: Organization | None
    """The organization that the account leaves for it."""


def _joining(ctx: Context, handshake_id: str) -> _Joining:
    accepted = _settled(ctx, _received(ctx, handshake_id), "ACCEPTED")
    organization = ctx.store.get(organizations, accepted.account, GLOBAL)
    assert organization is not None, "its invitations are cancelled before an organization goes"
    before = organization_of(ctx.store, ctx.account)
    if before is not None:
        if before.id == organization.id:
            raise already_in_an_organization()
        check_departure(ctx, before, find_member(ctx, before, ctx.account))
    return _Joining(accepted, organization, before)


async def _settle(ctx: Context, handshake: Handshake, outcome: str) -> dict[str, Any]:
    settled = _settled(ctx, handshake, outcome)
    async with ctx.store.transaction() as tx:
        tx.put(handshakes, settled)
    return _described(ctx, settled)


@requires("organizations:DeclineHandshake", handshake_arn)
async def decline_handshake(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """No, thank you."""
    return await _settle(ctx, _received(ctx, request["HandshakeId"]), "DECLINED")


@requires("organizations:CancelHandshake", handshake_arn)
async def cancel_handshake(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Taken back by who sent it."""
    handshake = _find(ctx, request["HandshakeId"])
    if handshake.account != ctx.account:
        raise denied()
    return await _settle(ctx, handshake, "CANCELED")


@requires("organizations:DescribeHandshake", handshake_arn)
async def describe_handshake(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """To either side."""
    handshake = _find(ctx, request["HandshakeId"])
    if handshake.account != ctx.account and not handshake.invites(known(ctx.store, ctx.account)):
        raise denied()
    return _described(ctx, handshake)


def _listed(ctx: Context, found: list[Handshake], request: dict[str, Any]) -> dict[str, Any]:
    """Every handshake here is an invitation, and none has a parent."""
    wanted = request.get("Filter", {})
    if wanted.get("ActionType", "INVITE") != "INVITE" or "ParentHandshakeId" in wanted:
        found = []
    now = ctx.clock.now()
    in_sight = [one for one in found if now < (one.settled_at or one.expires_at) + IN_SIGHT_FOR]
    shown, token = page(in_sight, request, lambda handshake: handshake.id)
    return {"Handshakes": [describe_handshake_of(handshake, now) for handshake in shown], "NextToken": token}


@requires("organizations:ListHandshakesForAccount")
async def list_handshakes_for_account(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """What the caller's account was sent."""
    receiver = known(ctx.store, ctx.account)
    return _listed(ctx, [one for one in ctx.store.scan(handshakes) if one.invites(receiver)], request)


@requires("organizations:ListHandshakesForOrganization")
async def list_handshakes_for_organization(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """What the organization sent."""
    organization: Organization = overseen(ctx)
    return _listed(ctx, [one for one in ctx.store.scan(handshakes) if one.organization_id == organization.id], request)
