"""What an organization's policies say of an account, handed to the one place where permissions are decided.

An account is under levels: the root, each unit down to it, and the account itself; every level must allow, and any may deny. Bound by
none are the management account, an account that stands alone, and everybody while service-control policies are not enabled in the root.
Levels are compiled once and remembered until anything changes that they depend on: such changes go through `changing`.
Source: "SCP evaluation" of the Organizations user guide; "AWS global condition context keys" for the form of a path.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from headwater.aws.policy.documents import PolicySet, parse

from . import SERVICE
from .model import FULL_ACCESS, FULL_ACCESS_ID, GLOBAL, SCP, Organization, attachments, members, policies, policy_arn
from .tree import ancestors, organization_of, path_of_place

if TYPE_CHECKING:
    from headwater.kernel.context import Context
    from headwater.kernel.home import Home
    from headwater.kernel.store import Store, Transaction


class Control:
    """Of one home: what the decision asks about accounts."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._levels: dict[str, tuple[PolicySet, ...]] = {}
        self._places: dict[str, tuple[str, tuple[str, ...]] | None] = {}
        self._targets: dict[tuple[str, str], PolicySet] = {}

    def forget(self) -> None:
        self._levels.clear()
        self._places.clear()
        self._targets.clear()

    def levels(self, account: str) -> tuple[PolicySet, ...]:
        """The policies above the account, root first; () where none bind it."""
        known = self._levels.get(account)
        if known is None:
            known = self._levels[account] = self._compiled(account)
        return known

    def organization(self, account: str) -> tuple[str, tuple[str, ...]] | None:
        """The id of the account's organization and the account's path in it: aws:PrincipalOrgID and aws:PrincipalOrgPaths."""
        if account not in self._places:
            self._places[account] = self._place(account)
        return self._places[account]

    def _place(self, account: str) -> tuple[str, tuple[str, ...]] | None:
        organization = organization_of(self._store, account)
        member = self._store.get(members, account, GLOBAL)
        if organization is None or member is None:
            return None
        return organization.id, (path_of_place(self._store, organization, member.parent_id),)

    def _compiled(self, account: str) -> tuple[PolicySet, ...]:
        organization = organization_of(self._store, account)
        member = self._store.get(members, account, GLOBAL)
        if organization is None or member is None or account == organization.account or SCP not in organization.policy_types:
            return ()
        units = reversed(ancestors(self._store, organization, member.parent_id))
        return tuple(self._target(organization, target_id) for target_id in (organization.root_id, *units, account))

    def _target(self, organization: Organization, target_id: str) -> PolicySet:
        """What is attached to one target; accounts share what is above them."""
        key = (organization.account, target_id)
        if key not in self._targets:
            attached = self._store.scan(attachments, organization.account, GLOBAL, target_id)
            found = [
                FULL_ACCESS if one.policy_id == FULL_ACCESS_ID else self._store.get(policies, organization.account, GLOBAL, one.policy_id)
                for one in attached
            ]
            self._targets[key] = PolicySet(
                [
                    parse(policy.content, source=policy_arn(organization, policy), kind="control")
                    for policy in found
                    if policy is not None and policy.type == SCP
                ]
            )
        return self._targets[key]


@SERVICE.starts
async def _take_place(home: Home) -> None:
    control = Control(home.store)
    home.rooms[SERVICE.name] = control
    home.authorization.control = control


@asynccontextmanager
async def changing(ctx: Context) -> AsyncIterator[Transaction]:
    """A transaction of something that the decision depends on: trees, attachments, and what attached policies say."""
    async with ctx.store.transaction() as tx:
        yield tx
    control: Control = ctx.home.rooms[SERVICE.name]
    control.forget()
