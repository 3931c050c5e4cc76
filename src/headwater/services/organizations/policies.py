"""Service-control policies as documents: written, changed, listed. What they are attached to is `attachments.py`'s."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from headwater.aws.faults import Fault, fault
from headwater.kernel.permissions import requires

from .arns import named, new
from .control import changing
from .documents import check
from .model import (
    FULL_ACCESS,
    FULL_ACCESS_ID,
    GLOBAL,
    SCP,
    Attachment,
    Organization,
    Policy,
    attachments,
    describe_summary,
    new_id,
    policies,
)
from .paging import page
from .refusals import constraint, invalid, no_policy, type_not_available, type_not_built
from .tags import tagged
from .tree import managed, overseen

if TYPE_CHECKING:
    from headwater.kernel.context import Context

RCP: Final = "RESOURCE_CONTROL_POLICY"
CHARACTERS_MAX: Final = 5120
POLICIES_MAX: Final = 1000
ID_LENGTH: Final = 8


def full_access_of(organization: Organization, target_id: str) -> Attachment:
    """What a root, a unit or an account has from the beginning where service-control policies are enabled."""
    return Attachment(account=organization.account, target_id=target_id, policy_id=FULL_ACCESS_ID)


def name_taken() -> Fault:
    return fault("DuplicatePolicyException", "A policy with the same name and type already exists.")


def find_policy(ctx: Context, organization: Organization, policy_id: str) -> Policy:
    if policy_id == FULL_ACCESS_ID and organization.has_all_features:
        return FULL_ACCESS
    policy = ctx.store.get(policies, organization.account, GLOBAL, policy_id)
    if policy is None:
        raise no_policy()
    return policy


def _own(ctx: Context, organization: Organization, policy_id: str) -> Policy:
    """One that can be changed."""
    policy = find_policy(ctx, organization, policy_id)
    if policy is FULL_ACCESS:
        raise invalid("IMMUTABLE_POLICY")
    return policy


def check_type(organization: Organization, policy_type: str) -> None:
    if not organization.has_all_features:
        raise type_not_available()
    if policy_type != SCP:
        raise type_not_built(policy_type)


def policies_of(ctx: Context, organization: Organization, policy_type: str) -> list[Policy]:
    """All of a type, AWS's own first; of the types that are not built there are none, but AWS's own of one of them."""
    if not organization.has_all_features:
        return []
    if policy_type == RCP:
        raise type_not_built(policy_type)
    return [FULL_ACCESS, *ctx.store.scan(policies, organization.account, GLOBAL)] if policy_type == SCP else []


def _check_content(content: str) -> None:
    if len(content) > CHARACTERS_MAX:
        raise constraint("POLICY_CONTENT_LIMIT_EXCEEDED")
    check(content)


def _described(organization: Organization, policy: Policy) -> dict[str, Any]:
    return {"Policy": {"PolicySummary": describe_summary(organization, policy), "Content": policy.content}}


def _name_is_taken(ctx: Context, organization: Organization, policy: Policy) -> bool:
    others = [FULL_ACCESS, *ctx.store.scan(policies, organization.account, GLOBAL)]
    return any(other.name == policy.name and other.id != policy.id for other in others)


@requires("organizations:CreatePolicy")
@requires("organizations:TagResource", new("policy", SCP.lower()), when="Tags")
async def create_policy(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """A policy forbids nothing until it is attached."""
    organization = managed(ctx)
    check_type(organization, request["Type"])
    _check_content(request["Content"])
    policy = Policy(
        account=organization.account,
        id=new_id("p-", ID_LENGTH),
        name=request["Name"],
        description=request["Description"],
        type=request["Type"],
        content=request["Content"],
        tags=tagged({}, request.get("Tags", [])),
    )
    if _name_is_taken(ctx, organization, policy):
        raise name_taken()
    if len(ctx.store.scan(policies, organization.account, GLOBAL)) >= POLICIES_MAX:
        raise constraint("POLICY_NUMBER_LIMIT_EXCEEDED")
    async with ctx.store.transaction() as tx:
        tx.put(policies, policy)
    return _described(organization, policy)


@requires("organizations:DescribePolicy", named("PolicyId"))
async def describe_policy(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """With its document, as it was written."""
    organization = overseen(ctx)
    return _described(organization, find_policy(ctx, organization, request["PolicyId"]))


@requires("organizations:UpdatePolicy", named("PolicyId"))
async def update_policy(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """What is not given stays."""
    organization = managed(ctx)
    policy = _own(ctx, organization, request["PolicyId"])
    if "Content" in request:
        _check_content(request["Content"])
    changed = msgspec.structs.replace(
        policy,
        name=request.get("Name", policy.name),
        description=request.get("Description", policy.description),
        content=request.get("Content", policy.content),
    )
    if _name_is_taken(ctx, organization, changed):
        raise name_taken()
    async with changing(ctx) as tx:
        tx.put(policies, changed)
    return _described(organization, changed)


@requires("organizations:DeletePolicy", named("PolicyId"))
async def delete_policy(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Only one that is attached to nothing."""
    organization = managed(ctx)
    policy = _own(ctx, organization, request["PolicyId"])
    if any(one.policy_id == policy.id for one in ctx.store.scan(attachments, organization.account, GLOBAL)):
        raise fault("PolicyInUseException", "The policy is attached to one or more entities: detach it from them first.")
    async with ctx.store.transaction() as tx:
        tx.delete(policies, organization.account, GLOBAL, policy.id)
    return {}


@requires("organizations:ListPolicies")
async def list_policies(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """All of a type, AWS's own included."""
    organization = overseen(ctx)
    shown, token = page(policies_of(ctx, organization, request["Filter"]), request, lambda policy: policy.id)
    return {"Policies": [describe_summary(organization, policy) for policy in shown], "NextToken": token}
