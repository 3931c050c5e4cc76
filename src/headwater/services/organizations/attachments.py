"""What is attached to what: policies to the root, to units and to accounts; and the policy types of the root.

While a type is enabled every target has at least one policy of it, AWS's own that allows everything to begin with: so that enabling
forbids nothing, and nothing is ever without a policy and thereby forbidden by an oversight.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from headwater.aws.faults import fault
from headwater.kernel.permissions import requires

from .arns import named
from .control import changing
from .model import (
    GLOBAL,
    Attachment,
    Organization,
    attachments,
    describe_root,
    describe_summary,
    organizations,
)
from .paging import page
from .policies import check_type, find_policy, full_access_of, policies_of
from .refusals import constraint, no_root, type_not_enabled
from .tree import check_target, find_unit, known, managed, members_of, overseen, units_of

if TYPE_CHECKING:
    from headwater.kernel.context import Context

ATTACHED_MAX: Final = 5


@requires("organizations:AttachPolicy", named("PolicyId", "TargetId"))
async def attach_policy(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """To a root, a unit or an account."""
    organization = managed(ctx)
    policy = find_policy(ctx, organization, request["PolicyId"])
    target_id = request["TargetId"]
    check_target(ctx, organization, target_id)
    if policy.type not in organization.policy_types:
        raise type_not_enabled()
    attached = ctx.store.scan(attachments, organization.account, GLOBAL, target_id)
    if any(one.policy_id == policy.id for one in attached):
        raise fault("DuplicatePolicyAttachmentException", "A policy with the specified name and type already exists.")
    if len(attached) >= ATTACHED_MAX:
        raise constraint("MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED")
    async with changing(ctx) as tx:
        tx.put(attachments, Attachment(account=organization.account, target_id=target_id, policy_id=policy.id))
    return {}


@requires("organizations:DetachPolicy", named("PolicyId", "TargetId"))
async def detach_policy(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Never the last one."""
    organization = managed(ctx)
    policy = find_policy(ctx, organization, request["PolicyId"])
    target_id = request["TargetId"]
    check_target(ctx, organization, target_id)
    attached = ctx.store.scan(attachments, organization.account, GLOBAL, target_id)
    if all(one.policy_id != policy.id for one in attached):
        raise fault("PolicyNotAttachedException", "The policy isn't attached to the specified target in the specified root.")
    if len(attached) == 1:
        raise constraint("MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED")
    async with changing(ctx) as tx:
        tx.delete(attachments, organization.account, GLOBAL, target_id, policy.id)
    return {}


@requires("organizations:ListPoliciesForTarget", named("TargetId"))
async def list_policies_for_target(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """What is attached to it directly; what it has from above is attached there."""
    organization = overseen(ctx)
    check_target(ctx, organization, request["TargetId"])
    attached = {one.policy_id for one in ctx.store.scan(attachments, organization.account, GLOBAL, request["TargetId"])}
    found = [policy for policy in policies_of(ctx, organization, request["Filter"]) if policy.id in attached]
    shown, token = page(found, request, lambda policy: policy.id)
    return {"Policies": [describe_summary(organization, policy) for policy in shown], "NextToken": token}


@requires("organizations:ListTargetsForPolicy", named("PolicyId"))
async def list_targets_for_policy(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Everything that the policy is attached to, by id."""
    organization = overseen(ctx)
    policy = find_policy(ctx, organization, request["PolicyId"])
    found = [one.target_id for one in ctx.store.scan(attachments, organization.account, GLOBAL) if one.policy_id == policy.id]
    shown, token = page(found, request, str)
    return {"Targets": [_described(ctx, organization, target_id) for target_id in shown], "NextToken": token}


def _described(ctx: Context, organization: Organization, target_id: str) -> dict[str, Any]:
    if target_id == organization.root_id:
        return {"TargetId": target_id, "Arn": organization.arn("root", target_id), "Name": "Root", "Type": "ROOT"}
    unit = find_unit(ctx, organization, target_id)
    if unit is not None:
        return {"TargetId": unit.id, "Arn": organization.arn("ou", unit.id), "Name": unit.name, "Type": "ORGANIZATIONAL_UNIT"}
    member = known(ctx.store, target_id)
    return {"TargetId": target_id, "Arn": organization.arn("account", target_id), "Name": member.name, "Type": "ACCOUNT"}


def _root(ctx: Context, request: dict[str, Any]) -> Organization:
    organization = managed(ctx)
    if request["RootId"] != organization.root_id:
        raise no_root()
    return organization


@requires("organizations:EnablePolicyType", named("RootId"))
async def enable_policy_type(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """From now on every target has a policy: AWS's, which allows everything."""
    organization = _root(ctx, request)
    policy_type = request["PolicyType"]
    check_type(organization, policy_type)
    if policy_type in organization.policy_types:
        raise fault("PolicyTypeAlreadyEnabledException", "The specified policy type is already enabled.")
    enabled = msgspec.structs.replace(organization, policy_types=(*organization.policy_types, policy_type))
    targets = [
        organization.root_id,
        *(unit.id for unit in units_of(ctx, organization)),
        *(member.account for member in members_of(ctx, organization)),
    ]
    async with changing(ctx) as tx:
        tx.put(organizations, enabled)
        for target_id in targets:
            tx.put(attachments, full_access_of(organization, target_id))
    return {"Root": describe_root(enabled)}


@requires("organizations:DisablePolicyType", named("RootId"))
async def disable_policy_type(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Nothing is attached to anything any more, and enabling does not bring it back."""
    organization = _root(ctx, request)
    policy_type = request["PolicyType"]
    if policy_type not in organization.policy_types:
        raise type_not_enabled()
    left = tuple(each for each in organization.policy_types if each != policy_type)
    disabled = msgspec.structs.replace(organization, policy_types=left)
    async with changing(ctx) as tx:
        tx.put(organizations, disabled)
        for attachment in ctx.store.scan(attachments, organization.account, GLOBAL):
            tx.delete(attachments, *attachments.key(attachment))
    return {"Root": describe_root(disabled)}
