"""The resource policy of a function, a version or an alias: who else may call it. Kept and shown; enforced by the policy engine.

A policy has no revision of its own: it is part of what it stands on, whose revision it says and changes.
Source: recordings of TestLambdaPermissions (publishing changes the RevisionId of the policy of `$LATEST`).
"""

import re
from typing import Any, Final

import msgspec

from headwater.aws.faults import Fault, fault
from headwater.kernel.context import Context
from headwater.kernel.permissions import requires
from headwater.kernel.store import Transaction

from .arns import function_arn
from .configuration import Parameters
from .fleet import version_of
from .model import ALIASES, FUNCTIONS, LATEST, POLICIES, VERSIONS, Alias, Policy, Version, padded
from .names import Reference, conflict, invalid, no_such_alias, no_such_resource, not_found, reference

SERVICES_END: Final = (".amazonaws.com", ".amazon.com")
_ACCOUNT: Final = re.compile(r"\d{12}")


@requires("lambda:AddPermission", function_arn)
async def add_permission(ctx: Context, request: Parameters) -> Parameters:
    asked = _asked(ctx, request)
    if asked.qualifier == LATEST:
        raise invalid("We currently do not support adding policies for $LATEST.")
    policy = _policy(ctx, asked)
    bearer = _bearer(ctx, asked)
    _check_revision(bearer, request)
    sid = request["StatementId"]
    statements = [] if policy is None else policy.statements
    if any(statement["Sid"] == sid for statement in statements):
        raise conflict(
            f"The statement id ({sid}) provided already exists. Please provide a new statement id, or remove the existing statement."
        )
    statement = statement_of(asked, request)
    kept = Policy(
        account=asked.account,
        region=asked.region,
        function=asked.name,
        qualifier=asked.qualifier or "",
        statements=[*statements, statement],
    )
    async with ctx.store.transaction() as tx:
        tx.put(POLICIES, kept)
        _revise(ctx, tx, bearer)
    return {"Statement": msgspec.json.encode(statement).decode()}


@requires("lambda:RemovePermission", function_arn)
async def remove_permission(ctx: Context, request: Parameters) -> None:
    named = reference(ctx, request["FunctionName"])
    if ctx.store.get(FUNCTIONS, *named.key) is None:
        raise fault("ResourceNotFoundException", f"No policy found for: {named.function_arn}", Type="User")
    asked = _asked(ctx, request)
    policy = _policy(ctx, asked)
    sid = request["StatementId"]
    if policy is None:
        raise _no_policy()
    if not any(statement["Sid"] == sid for statement in policy.statements):
        raise fault("ResourceNotFoundException", f"Statement {sid} is not found in resource policy.", Type="User")
    bearer = _bearer(ctx, asked)
    _check_revision(bearer, request)
    statements = [statement for statement in policy.statements if statement["Sid"] != sid]
    async with ctx.store.transaction() as tx:
        if statements:
            tx.put(POLICIES, msgspec.structs.replace(policy, statements=statements))
        else:
            tx.delete(POLICIES, *asked.key, policy.qualifier)
        _revise(ctx, tx, bearer)


@requires("lambda:GetPolicy", function_arn)
async def get_policy(ctx: Context, request: Parameters) -> Parameters:
    asked = reference(ctx, request["FunctionName"], request.get("Qualifier"))
    if ctx.store.get(FUNCTIONS, *asked.key) is None:
        raise not_found(asked.function_arn)
    policy = _policy(ctx, asked)
    if policy is None:
        raise no_such_resource()
    document = {"Version": "2012-10-17", "Id": "default", "Statement": policy.statements}
    return {"Policy": msgspec.json.encode(document).decode(), "RevisionId": _bearer(ctx, asked).revision_id}


def statement_of(asked: Reference, request: Parameters) -> dict[str, Any]:
    """The statement that a permission means."""
    principal: str = request["Principal"]
    who: object = principal
    if principal != "*":
        who = _who(principal)
    statement: dict[str, Any] = {
        "Sid": request["StatementId"],
        "Effect": "Allow",
        "Principal": who,
        "Action": request["Action"],
        "Resource": asked.arn,
    }
    conditions: dict[str, dict[str, Any]] = {}
    for member, operator, key in _CONDITIONS:
        value = request.get(member)
        if value is not None:
            conditions.setdefault(operator, {})[key] = str(value).lower() if isinstance(value, bool) else value
    if conditions:
        statement["Condition"] = conditions
    return statement


def _who(principal: str) -> dict[str, str]:
    """An account, somebody in one, or a service."""
    if principal.startswith("arn:"):
        return {"AWS": principal}
    if _ACCOUNT.fullmatch(principal):
        return {"AWS": f"arn:aws:iam::{principal}:root"}
    if principal.endswith(SERVICES_END):
        return {"Service": principal}
    raise invalid("The provided principal was invalid. Please check the principal and try again.")


def _asked(ctx: Context, request: Parameters) -> Reference:
    """What a permission is given on, or taken from; it must be there."""
    asked = reference(ctx, request["FunctionName"], request.get("Qualifier"))
    if ctx.store.get(FUNCTIONS, *asked.key) is None:
        raise not_found(asked.function_arn)
    qualifier = asked.qualifier
    if qualifier is not None and version_of(ctx.store, asked.key, qualifier) is None:
        raise not_found(asked.arn) if qualifier.isdecimal() else no_such_alias(asked.arn)
    return asked


_CONDITIONS = (
    ("SourceAccount", "StringEquals", "AWS:SourceAccount"),
    ("PrincipalOrgID", "StringEquals", "aws:PrincipalOrgID"),
    ("FunctionUrlAuthType", "StringEquals", "lambda:FunctionUrlAuthType"),
    ("InvokedViaFunctionUrl", "Bool", "lambda:InvokedViaFunctionUrl"),
    ("EventSourceToken", "StringEquals", "lambda:EventSourceToken"),
    ("SourceArn", "ArnLike", "AWS:SourceArn"),
)


def _policy(ctx: Context, asked: Reference) -> Policy | None:
    return ctx.store.get(POLICIES, *asked.key, asked.qualifier or "")


def _bearer(ctx: Context, asked: Reference) -> Version | Alias:
    """What the policy stands on; `find` has found it."""
    qualifier = asked.qualifier or LATEST
    is_version = qualifier == LATEST or qualifier.isdecimal()
    bearer = ctx.store.get(VERSIONS, *asked.key, padded(qualifier)) if is_version else ctx.store.get(ALIASES, *asked.key, qualifier)
    assert bearer is not None
    return bearer


def _revise(ctx: Context, tx: Transaction, bearer: Version | Alias) -> None:
    if isinstance(bearer, Alias):
        tx.put(ALIASES, msgspec.structs.replace(bearer, revision_id=ctx.new_id()))
    else:
        tx.put(VERSIONS, msgspec.structs.replace(bearer, revision_id=ctx.new_id()))


def _check_revision(bearer: Version | Alias, request: Parameters) -> None:
    if request.get("RevisionId", bearer.revision_id) != bearer.revision_id:
        sentence = (
            "The Revision Id provided does not match the latest Revision Id. Call the GetPolicy API to retrieve the latest Revision Id"
        )
        raise fault("PreconditionFailedException", sentence, Type="User")


def _no_policy() -> Fault:
    return fault("ResourceNotFoundException", "No policy is associated with the given resource.", Type="User")
