"""Resource policies of an account in a region: who else may write to its groups. `authorization.py` lets them count."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from headwater.aws.faults import Fault, fault
from headwater.aws.policy.documents import check
from headwater.kernel.context import Context
from headwater.kernel.permissions import requires
from headwater.kernel.store import Record, Table

from .groups import milliseconds, page
from .model import invalid

Parameters = dict[str, Any]

POLICIES_MAX: Final = 10
SCOPE: Final = "ACCOUNT"


class ResourcePolicy(Record, frozen=True, kw_only=True):
    account: str
    region: str
    name: str
    document: str
    changed_ms: int


POLICIES: Final = Table("logs", "resource_policies", ResourcePolicy, key=lambda p: (p.account, p.region, p.name))


@requires("logs:PutResourcePolicy")
async def put_resource_policy(ctx: Context, request: Parameters) -> Parameters:
    name, document = request.get("policyName"), request.get("policyDocument")
    if name is None or document is None:
        raise invalid("policyName and policyDocument are required.")
    if request.get("resourceArn") is not None:
        raise fault("NotImplemented", "Policies of a single log group are not built in this Headwater.")
    _check(document)
    before = ctx.store.scan(POLICIES, ctx.account, ctx.region)
    if len(before) >= POLICIES_MAX and name not in {one.name for one in before}:
        raise fault("LimitExceededException", "Resource limit exceeded.")
    policy = ResourcePolicy(account=ctx.account, region=ctx.region, name=name, document=document, changed_ms=milliseconds(ctx.clock.now()))
    async with ctx.store.transaction() as tx:
        tx.put(POLICIES, policy)
    return {"resourcePolicy": describe(policy)}


@requires("logs:DescribeResourcePolicies")
async def describe_resource_policies(ctx: Context, request: Parameters) -> Parameters:
    shown, token = page(ctx.store.scan(POLICIES, ctx.account, ctx.region), request, lambda policy: policy.name)
    return {"resourcePolicies": [describe(policy) for policy in shown], "nextToken": token}


@requires("logs:DeleteResourcePolicy")
async def delete_resource_policy(ctx: Context, request: Parameters) -> None:
    name = request.get("policyName", "")
    if ctx.store.get(POLICIES, ctx.account, ctx.region, name) is None:
        raise fault("ResourceNotFoundException", f"Policy with name [{name}] does not exist.")
    async with ctx.store.transaction() as tx:
        tx.delete(POLICIES, ctx.account, ctx.region, name)


def describe(policy: ResourcePolicy) -> Parameters:
    return {
        "policyName": policy.name,
        "policyDocument": policy.document,
        "lastUpdatedTime": policy.changed_ms,
        "policyScope": SCOPE,
    }


def _check(document: str) -> None:
    try:
        msgspec.json.decode(document)
    except msgspec.DecodeError:
        raise invalid("The policy document is not valid JSON.") from None
    try:
        check(document, "resource")
    except Fault as refusal:
        raise invalid(refusal.message) from None
