"""Who calls, and where things stand: the caller's organization and the tree of its root, units and accounts.

Three sorts of callers: every account of an organization may ask for the organization; its management account may do everything; a
member that is a delegated administrator of any service may read what the management account may read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .model import (
    GLOBAL,
    Handshake,
    Member,
    Organization,
    Unit,
    delegations,
    handshakes,
    members,
    organizations,
    path_of,
    standing_alone,
    units,
)
from .refusals import constraint, denied, no_account, no_parent, no_target, not_in_use

if TYPE_CHECKING:
    from headwater.kernel.context import Context
    from headwater.kernel.store import Store

ACCOUNTS_MAX: Final = 10_000
"""What AWS grants at most: an organization begins with ten there and asks for more, and here is nobody to be asked."""
DEPTH_MAX: Final = 5
"""Units below the root: one in another, so deep and no deeper."""


def organization_of(store: Store, account: str) -> Organization | None:
    member = store.get(members, account, GLOBAL)
    if member is None or not member.management:
        return None
    return store.get(organizations, member.management, GLOBAL)


def belonging(ctx: Context) -> Organization:
    """The caller's organization, for what any of its accounts may do."""
    organization = organization_of(ctx.store, ctx.account)
    if organization is None:
        raise not_in_use()
    return organization


def managed(ctx: Context) -> Organization:
    """The caller's organization, for what only its management account may do."""
    organization = belonging(ctx)
    if organization.account != ctx.account:
        raise denied()
    return organization


def overseen(ctx: Context) -> Organization:
    """The caller's organization, for what its management account and delegated administrators may do."""
    organization = belonging(ctx)
    if organization.account != ctx.account and not ctx.store.scan(delegations, organization.account, GLOBAL, ctx.account):
        raise denied()
    return organization


def known(store: Store, account: str) -> Member:
    """What is known of an account, in an organization or not."""
    return store.get(members, account, GLOBAL) or standing_alone(account)


def members_of(ctx: Context, organization: Organization) -> list[Member]:
    return [member for member in ctx.store.scan(members) if member.management == organization.account]


def units_of(ctx: Context, organization: Organization) -> list[Unit]:
    return ctx.store.scan(units, organization.account, GLOBAL)


def open_invitations(ctx: Context, organization: Organization) -> list[Handshake]:
    now = ctx.clock.now()
    return [one for one in ctx.store.scan(handshakes) if one.organization_id == organization.id and one.state(now) == "OPEN"]


def check_room(ctx: Context, organization: Organization) -> None:
    """Refuse one account more than there may be. Those that are invited count."""
    if len(members_of(ctx, organization)) + len(open_invitations(ctx, organization)) >= ACCOUNTS_MAX:
        raise constraint("ACCOUNT_NUMBER_LIMIT_EXCEEDED")


def find_member(ctx: Context, organization: Organization, account: str) -> Member:
    member = ctx.store.get(members, account, GLOBAL)
    if member is None or member.management != organization.account:
        raise no_account()
    return member


def find_unit(ctx: Context, organization: Organization, unit_id: str) -> Unit | None:
    return ctx.store.get(units, organization.account, GLOBAL, unit_id)


def is_place(ctx: Context, organization: Organization, place_id: str) -> bool:
    """Whether accounts and units can stand there."""
    return place_id == organization.root_id or find_unit(ctx, organization, place_id) is not None


def check_parent(ctx: Context, organization: Organization, parent_id: str) -> None:
    if not is_place(ctx, organization, parent_id):
        raise no_parent()


def check_target(ctx: Context, organization: Organization, target_id: str) -> None:
    """Refuse what is neither the root nor a unit nor an account of the organization."""
    if not is_place(ctx, organization, target_id):
        member = ctx.store.get(members, target_id, GLOBAL)
        if member is None or member.management != organization.account:
            raise no_target()


def ancestors(store: Store, organization: Organization, place_id: str) -> list[str]:
    """The units from `place_id` (itself included) up, without the root."""
    found: list[str] = []
    while place_id != organization.root_id:
        unit = store.get(units, organization.account, GLOBAL, place_id)
        assert unit is not None, "a unit goes only when it is empty"
        found.append(place_id)
        place_id = unit.parent_id
    return found


def path_of_place(store: Store, organization: Organization, place_id: str) -> str:
    return path_of(organization, ancestors(store, organization, place_id))


def path_of_member(store: Store, organization: Organization, member: Member) -> str:
    return path_of(organization, ancestors(store, organization, member.parent_id), member.account)
