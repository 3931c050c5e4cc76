"""The ARNs that a caller must be allowed to act on, from the ids in its request.

A caller without an organization has nothing to name: any ARN does, and the operation refuses it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .model import FULL_ACCESS, FULL_ACCESS_ID, GLOBAL, Organization, handshakes, policies, policy_arn
from .tree import organization_of

if TYPE_CHECKING:
    from headwater.kernel.context import Context

KINDS = {"r": "root", "ou": "ou"}


def arn_of(ctx: Context, organization: Organization, resource_id: str) -> str:
    """Of a root, unit, account or policy."""
    if resource_id == FULL_ACCESS_ID:
        return policy_arn(organization, FULL_ACCESS)
    prefix, dash, _ = resource_id.partition("-")
    if not dash:
        return organization.arn("account", resource_id)
    if prefix == "p":
        policy = ctx.store.get(policies, organization.account, GLOBAL, resource_id)
        return organization.arn("policy", "*", resource_id) if policy is None else policy_arn(organization, policy)
    return organization.arn(KINDS.get(prefix, prefix), resource_id)


def named(*names: str) -> Callable[[Context, dict[str, Any]], list[str]]:
    """The ARNs of what these members of the request name; the model requires each of them."""

    def arns(ctx: Context, request: dict[str, Any]) -> list[str]:
        organization = organization_of(ctx.store, ctx.account)
        if organization is None:
            return ["*"]
        return [arn_of(ctx, organization, request[name]) for name in names]

    return arns


def new(*path: str) -> Callable[[Context, dict[str, Any]], str]:
    """The ARN of what the request makes, whose id nobody knows yet: for its tags."""

    def arn(ctx: Context, request: dict[str, Any]) -> str:
        organization = organization_of(ctx.store, ctx.account)
        return "*" if organization is None else organization.arn(*path, "*")

    return arn


def handshake_arn(ctx: Context, request: dict[str, Any]) -> str:
    """A handshake's ARN names the organization that sent it, whoever asks."""
    handshake = ctx.store.get(handshakes, request["HandshakeId"])
    if handshake is None:
        return f"arn:aws:organizations::{ctx.account}:handshake/*/*/{request['HandshakeId']}"
    return f"arn:aws:organizations::{handshake.account}:handshake/{handshake.organization_id}/invite/{handshake.id}"


def invited_arn(ctx: Context, request: dict[str, Any]) -> str:
    """The account that is invited, where it is invited by its number."""
    organization = organization_of(ctx.store, ctx.account)
    target = request["Target"]
    return "*" if organization is None or target["Type"] != "ACCOUNT" else organization.arn("account", target["Id"])
