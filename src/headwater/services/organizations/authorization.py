"""What this room tells the decision: whose its resources are, their tags, and its condition keys.

Everything of an organization has an ARN of the management account's, and other accounts of the organization act on it too: a
delegated administrator reads, an invited account answers. Their own policies say whether they may; that only the management account
may change things is no policy, and is asked by the operations.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from headwater.aws.policy.documents import Policy, parse
from headwater.kernel.service import ResourcePolicy

from . import SERVICE
from .model import FULL_ACCESS_ID, GLOBAL, SCP, members, organizations, policies, units
from .tree import organization_of

if TYPE_CHECKING:
    from headwater.kernel.context import Context
    from headwater.kernel.home import Home


@lru_cache(maxsize=1024)
def _left_to_others(management: str) -> Policy:
    """Any other account may, as far as the owner is concerned."""
    others = {"StringNotEquals": {"aws:PrincipalAccount": management}}
    statement = {"Effect": "Allow", "Principal": "*", "Action": "organizations:*", "Resource": "*", "Condition": others}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    return parse(json.dumps(document), source=f"the organization of {management}", kind="resource")


@SERVICE.resource_policy
def policy_of(home: Home, action: str, resource: str) -> ResourcePolicy | None:
    """AWS's own policies belong to nobody here."""
    owner = resource.split(":", 5)[4]
    return ResourcePolicy(owner, (_left_to_others(owner),)) if owner.isdigit() else None


@SERVICE.resource_tags
def tags_of(home: Home, resource: str, request: dict[str, Any]) -> Mapping[str, str]:
    """Of a root, a unit, a policy or an account."""
    _, _, _, _, management, path = resource.split(":", 5)
    kind, resource_id = path.partition("/")[0], path.rpartition("/")[2]
    if kind == "root":
        organization = home.store.get(organizations, management, GLOBAL)
        return organization.root_tags if organization is not None else {}
    if kind == "account":
        member = home.store.get(members, resource_id, GLOBAL)
        return member.tags if member is not None and member.management == management else {}
    record = home.store.get(units, management, GLOBAL, resource_id) or home.store.get(policies, management, GLOBAL, resource_id)
    return record.tags if record is not None else {}


@SERVICE.condition_key("organizations:PolicyType")
def policy_type(ctx: Context, request: dict[str, Any]) -> str | None:
    """The type that the request names, or that of the policy that it names."""
    named: str | None = request.get("PolicyType") or request.get("Type") or request.get("Filter")
    if named is not None or "PolicyId" not in request:
        return named
    if request["PolicyId"] == FULL_ACCESS_ID:
        return SCP
    organization = organization_of(ctx.store, ctx.account)
    policy = ctx.store.get(policies, organization.account, GLOBAL, request["PolicyId"]) if organization is not None else None
    return policy.type if policy is not None else None


@SERVICE.condition_key("organizations:ServicePrincipal")
def service_principal(ctx: Context, request: dict[str, Any]) -> str | None:
    """The service that is to be trusted, or administered."""
    service: str | None = request.get("ServicePrincipal")
    return service
