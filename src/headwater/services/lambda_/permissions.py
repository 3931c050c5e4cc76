"""The resource policy of a function, a version or an alias: who else may call it. Kept and shown; enforced by the policy engine."""

from typing import Any

import msgspec

from headwater.aws.faults import Fault, fault
from headwater.kernel.context import Context

from .functions import Parameters, find
from .model import POLICIES, Policy
from .names import Reference, conflict, no_such_resource, wrong_revision


async def add_permission(ctx: Context, request: Parameters) -> Parameters:
    asked, _ = find(ctx, request)
    policy = _policy(ctx, asked)
    _check_revision(policy, request)
    sid = request["StatementId"]
    statements = [] if policy is None else policy.statements
    if any(statement["Sid"] == sid for statement in statements):
        raise conflict(
            f"The statement id ({sid}) provided already exists. Please provide a new statement id, or remove the existing statement."
        )
    statement = statement_of(asked, request)
    kept = Policy(
        account=ctx.account,
        region=ctx.region,
        function=asked.name,
        qualifier=asked.qualifier or "",
        statements=[*statements, statement],
        revision_id=ctx.new_id(),
    )
    async with ctx.store.transaction() as tx:
        tx.put(POLICIES, kept)
    return {"Statement": msgspec.json.encode(statement).decode()}


async def remove_permission(ctx: Context, request: Parameters) -> None:
    asked, _ = find(ctx, request)
    policy = _policy(ctx, asked)
    sid = request["StatementId"]
    if policy is None:
        raise _no_policy()
    if not any(statement["Sid"] == sid for statement in policy.statements):
        raise fault("ResourceNotFoundException", f"Statement {sid} is not found in resource policy.", Type="User")
    _check_revision(policy, request)
    statements = [statement for statement in policy.statements if statement["Sid"] != sid]
    async with ctx.store.transaction() as tx:
        if statements:
            tx.put(POLICIES, msgspec.structs.replace(policy, statements=statements, revision_id=ctx.new_id()))
        else:
            tx.delete(POLICIES, *asked.key, policy.qualifier)


async def get_policy(ctx: Context, request: Parameters) -> Parameters:
    asked, _ = find(ctx, request)
    policy = _policy(ctx, asked)
    if policy is None:
        raise no_such_resource()
    document = {"Version": "2012-10-17", "Id": "default", "Statement": policy.statements}
    return {"Policy": msgspec.json.encode(document).decode(), "RevisionId": policy.revision_id}


def statement_of(asked: Reference, request: Parameters) -> dict[str, Any]:
    """The statement that a permission means."""
    principal: str = request["Principal"]
    who: object = principal
    if principal != "*":
        account = principal.split(":")[4] if principal.startswith("arn:") else principal
        who = {"AWS": principal if principal.startswith("arn:") else f"arn:aws:iam::{account}:root"}
        if principal.endswith(".amazonaws.com"):
            who = {"Service": principal}
    statement: dict[str, Any] = {
        "Sid": request["StatementId"],
        "Effect": "Allow",
        "Principal": who,
        "Action": request["Action"],
        "Resource": asked.arn,
    }
    conditions: dict[str, dict[str, Any]] = {}
    for member, operator, key in _CONDITIONS:
        if request.get(member) is not None:
            conditions.setdefault(operator, {})[key] = request[member]
    if conditions:
        statement["Condition"] = conditions
    return statement


_CONDITIONS = (
    ("SourceAccount", "StringEquals", "AWS:SourceAccount"),
    ("PrincipalOrgID", "StringEquals", "aws:PrincipalOrgID"),
    ("FunctionUrlAuthType", "StringEquals", "lambda:FunctionUrlAuthType"),
    ("EventSourceToken", "StringEquals", "lambda:EventSourceToken"),
    ("SourceArn", "ArnLike", "AWS:SourceArn"),
)


def _policy(ctx: Context, asked: Reference) -> Policy | None:
    return ctx.store.get(POLICIES, *asked.key, asked.qualifier or "")


def _check_revision(policy: Policy | None, request: Parameters) -> None:
    if policy is not None and request.get("RevisionId", policy.revision_id) != policy.revision_id:
        raise wrong_revision()


def _no_policy() -> Fault:
    return fault("ResourceNotFoundException", "No policy is associated with the given resource.", Type="User")
