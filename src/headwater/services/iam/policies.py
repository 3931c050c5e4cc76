"""Managed policies and their versions: at most five, one of them the default, numbers never given twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from headwater.aws.arn import parse_arn
from headwater.aws.faults import Fault, fault
from headwater.kernel.identity import new_unique_id
from headwater.kernel.permissions import requires

from . import arns, documents
from .aws_managed import AWS_MANAGED, aws_managed
from .model import (
    GLOBAL,
    Policy,
    PolicyVersion,
    attachments,
    boundary_uses,
    check_quota,
    describe_policy,
    describe_version,
    policies,
    tagged,
    taken,
)
from .paging import page, under

if TYPE_CHECKING:
    from headwater.kernel.context import Context

VERSIONS_MAX: Final = 5


def check_arn(arn: str) -> None:
    """Two blanks: AWS's own sentence (recorded)."""
    try:
        parse_arn(arn)
    except ValueError:
        raise fault("ValidationError", "Invalid ARN:  Could not be parsed!") from None


def _look_up(ctx: Context, arn: str) -> Policy | None:
    check_arn(arn)
    if arn.startswith(AWS_MANAGED):
        return aws_managed().get(arn)
    policy = ctx.store.get(policies, ctx.account, GLOBAL, arn.rpartition("/")[2])
    return policy if policy is not None and policy.arn == arn else None


def not_found(arn: str) -> Fault:
    return fault("NoSuchEntity", f"Policy {arn} was not found.")


def find_policy(ctx: Context, arn: str) -> Policy:
    policy = _look_up(ctx, arn)
    if policy is None:
        raise not_found(arn)
    return policy


def find_own_policy(ctx: Context, arn: str) -> Policy:
    """A policy of this account: AWS's own cannot be changed."""
    policy = find_policy(ctx, arn)
    if policy.account != ctx.account:
        raise fault("AccessDenied", f"User: {ctx.principal.arn} is not authorized to perform this action on resource: policy {arn}")
    return policy


def find_attachable(ctx: Context, arn: str) -> Policy:
    policy = _look_up(ctx, arn)
    if policy is None:
        raise fault("NoSuchEntity", f"Policy {arn} does not exist or is not attachable.")
    return policy


def checked_boundary(ctx: Context, arn: str | None) -> str | None:
    """A boundary that is to be set must be there."""
    if arn is not None and _look_up(ctx, arn) is None:
        raise fault("NoSuchEntity", f"Scope ARN: {arn} does not exist or is not attachable.")
    return arn


def _described(ctx: Context, policy: Policy) -> dict[str, Any]:
    return describe_policy(policy, attachments(ctx)[policy.arn], boundary_uses(ctx)[policy.arn])


@requires("iam:CreatePolicy", arns.new("policy", "PolicyName"))
@requires("iam:TagPolicy", arns.new("policy", "PolicyName"), when="Tags")
async def create_policy(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Make a policy; its document is version v1 and the default."""
    name = request["PolicyName"]
    documents.check_managed(request["PolicyDocument"])
    if taken(ctx, policies, name):
        raise fault("EntityAlreadyExists", f"A policy called {name} already exists. Duplicate names are not allowed.")
    check_quota(ctx, policies)
    now = ctx.clock.now().replace(microsecond=0)
    policy = Policy(
        account=ctx.account,
        name=name,
        path=request.get("Path", "/"),
        unique_id=new_unique_id("ANPA"),
        created_at=now,
        updated_at=now,
        description=request.get("Description"),
        versions=(PolicyVersion(number=1, document=request["PolicyDocument"], created_at=now),),
        default=1,
        latest=1,
        tags=tagged({}, request.get("Tags", [])),
    )
    async with ctx.store.transaction() as tx:
        tx.put(policies, policy)
    described = describe_policy(policy, 0, 0, whole=False)
    if policy.tags:
        described["Tags"] = request["Tags"]
    return {"Policy": described}


@requires("iam:GetPolicy", arns.POLICY)
async def get_policy(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """The policy without its document, which is a version's."""
    return {"Policy": _described(ctx, find_policy(ctx, request["PolicyArn"]))}


@requires("iam:ListPolicies")
async def list_policies(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """AWS's own and the account's, or either."""
    scope = request.get("Scope", "All")
    found = list(aws_managed().values()) if scope in {"All", "AWS"} else []
    if scope in {"All", "Local"}:
        found += ctx.store.scan(policies, ctx.account, GLOBAL)
    attached, bounding = attachments(ctx), boundary_uses(ctx)
    used = bounding if request.get("PolicyUsageFilter") == "PermissionsBoundary" else attached
    if request.get("OnlyAttached") or "PolicyUsageFilter" in request:
        found = [policy for policy in found if used[policy.arn]]
    found = [policy for policy in found if under(request.get("PathPrefix"), policy.path)]
    shown, more = page(found, request, lambda policy: policy.arn)
    described = [describe_policy(policy, attached[policy.arn], bounding[policy.arn], whole=False) for policy in shown]
    return {"Policies": described, **more}


@requires("iam:DeletePolicy", arns.POLICY)
async def delete_policy(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Only a policy that nothing uses and that has one version left can go."""
    policy = find_own_policy(ctx, request["PolicyArn"])
    if attachments(ctx)[policy.arn] or boundary_uses(ctx)[policy.arn]:
        raise fault("DeleteConflict", "Cannot delete a policy attached to entities.")
    if len(policy.versions) > 1:
        raise fault(
            "DeleteConflict",
            "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. "
            "The default version is deleted with the policy.",
        )
    async with ctx.store.transaction() as tx:
        tx.delete(policies, policy.account, GLOBAL, policy.name)
    return {}


@requires("iam:CreatePolicyVersion", arns.POLICY)
async def create_policy_version(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """A new document, the default if so asked."""
    policy = find_own_policy(ctx, request["PolicyArn"])
    documents.check_managed(request["PolicyDocument"])
    if len(policy.versions) >= VERSIONS_MAX:
        sentence = f"A managed policy can have up to {VERSIONS_MAX} versions. "
        sentence += "Before you create a new version, you must delete an existing version."
        raise fault("LimitExceeded", sentence)
    now = ctx.clock.now().replace(microsecond=0)
    version = PolicyVersion(number=policy.latest + 1, document=request["PolicyDocument"], created_at=now)
    changed = msgspec.structs.replace(
        policy,
        versions=(version, *policy.versions),
        latest=version.number,
        default=version.number if request.get("SetAsDefault") else policy.default,
        updated_at=now,
    )
    async with ctx.store.transaction() as tx:
        tx.put(policies, changed)
    return {"PolicyVersion": describe_version(changed, version, whole=False)}


@requires("iam:GetPolicyVersion", arns.POLICY)
async def get_policy_version(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """One version with its document."""
    policy = find_policy(ctx, request["PolicyArn"])
    return {"PolicyVersion": describe_version(policy, policy.version(request["VersionId"]))}


@requires("iam:ListPolicyVersions", arns.POLICY)
async def list_policy_versions(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Newest first, without documents. There are at most five: one page."""
    policy = find_policy(ctx, request["PolicyArn"])
    return {"Versions": [describe_version(policy, version, whole=False) for version in policy.versions], "IsTruncated": False}


@requires("iam:SetDefaultPolicyVersion", arns.POLICY)
async def set_default_policy_version(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Which version is in force."""
    policy = find_own_policy(ctx, request["PolicyArn"])
    version = policy.version(request["VersionId"])
    changed = msgspec.structs.replace(policy, default=version.number, updated_at=ctx.clock.now().replace(microsecond=0))
    async with ctx.store.transaction() as tx:
        tx.put(policies, changed)
    return {}


@requires("iam:DeletePolicyVersion", arns.POLICY)
async def delete_policy_version(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Any but the default."""
    policy = find_own_policy(ctx, request["PolicyArn"])
    version = policy.version(request["VersionId"])
    if version.number == policy.default:
        raise fault("DeleteConflict", "Cannot delete the default version of a policy.")
    left = tuple(one for one in policy.versions if one.number != version.number)
    async with ctx.store.transaction() as tx:
        tx.put(policies, msgspec.structs.replace(policy, versions=left))
    return {}
