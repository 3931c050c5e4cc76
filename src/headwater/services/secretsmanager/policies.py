"""Resource policies: who else may use a secret. A secret has at most one that can be written, called "default".

That a policy is public is found by asking it: would it let an account in that it does not name? Source: the API reference
(PutResourcePolicy, ValidateResourcePolicy), "Block public access" of the user guide.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import msgspec

from headwater.aws.faults import Fault, fault
from headwater.aws.policy.documents import check, parse
from headwater.kernel.permissions import requires

from . import refusals
from .finding import changeable, find, readable, secret_arn
from .model import Secret
from .writing import put_secret

if TYPE_CHECKING:
    from headwater.kernel.context import Context

NAME: Final = "default"
FIXED_KEYS: Final = frozenset(
    {
        "aws:principalaccount",
        "aws:principalarn",
        "aws:principalorgid",
        "aws:principalorgpaths",
        "aws:sourceaccount",
        "aws:sourcearn",
        "aws:sourceorgid",
        "aws:sourceorgpaths",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "aws:sourceowner",
        "aws:userid",
        "aws:sourceip",
        "aws:calledvia",
        "aws:viaawsservice",
        "kms:calleraccount",
        "lambda:eventsourcetoken",
    }
)
"""Conditions that name who or whence: with one of them a wildcard principal is not everybody."""
PUBLIC: Final = "You can't use a resource policy that grants broad access to the secret, for example with a wildcard for the principal."


def is_public(document: str) -> bool:
    """Whether some statement lets everybody in."""
    statements = json.loads(document).get("Statement", [])
    several = statements if isinstance(statements, list) else [statements]
    return any(_lets_everybody_in(statement) for statement in several if isinstance(statement, dict))


def _lets_everybody_in(statement: dict[str, Any]) -> bool:
    if statement.get("Effect") != "Allow":
        return False
    if "NotPrincipal" in statement:
        return True
    named = statement.get("Principal")
    everybody = named == "*" or (isinstance(named, dict) and "*" in _several(named.get("AWS")))
    return everybody and not any(_fixes(operator, tests) for operator, tests in statement.get("Condition", {}).items())


def _fixes(operator: str, tests: Any) -> bool:
    """Whether the condition demands one of FIXED_KEYS to have some value. `IfExists` and negations demand nothing."""
    if "IfExists" in operator or "Not" in operator or not isinstance(tests, dict):
        return False
    return any(key.lower() in FIXED_KEYS and "*" not in _several(values) for key, values in tests.items())


def _several(values: Any) -> list[Any]:
    return values if isinstance(values, list) else [] if values is None else [values]


def _checked(document: str) -> None:
    try:
        check(document, "resource")
    except Fault as refusal:
        raise fault("MalformedPolicyDocumentException", refusal.message) from None


def _check_policy_name(request: dict[str, Any]) -> None:
    if request.get("PolicyName", NAME) != NAME:
        raise refusals.invalid(f"The only resource policy of a secret that is built is {NAME}.")


@requires("secretsmanager:PutResourcePolicy", secret_arn)
async def put_resource_policy(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Replace the policy."""
    secret = changeable(ctx, request["SecretId"])
    _check_policy_name(request)
    document: str = request["ResourcePolicy"]
    _checked(document)
    if request.get("BlockPublicPolicy", False) and is_public(document):
        raise fault("PublicPolicyException", PUBLIC)

    def change(found: Secret) -> Secret:
        return msgspec.structs.replace(found, policy=document, changed_at=ctx.clock.now())

    await put_secret(ctx, secret, change)
    return _answer(secret)


@requires("secretsmanager:GetResourcePolicy", secret_arn)
async def get_resource_policy(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """The policy as it was written, if there is one."""
    secret = readable(ctx, request["SecretId"])
    _check_policy_name(request)
    return _answer(secret) | {"ResourcePolicy": secret.policy}


@requires("secretsmanager:DeleteResourcePolicy", secret_arn)
async def delete_resource_policy(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """One that is not there is no error."""
    secret = changeable(ctx, request["SecretId"])
    _check_policy_name(request)

    def change(found: Secret) -> Secret:
        return msgspec.structs.replace(found, policy=None, changed_at=ctx.clock.now())

    await put_secret(ctx, secret, change)
    return _answer(secret)


@requires("secretsmanager:ListResourcePolicies", secret_arn)
async def list_resource_policies(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """The names of the policies: one, or none."""
    secret = readable(ctx, request["SecretId"])
    return {"ResourcePolicies": [] if secret.policy is None else [{"PolicyName": NAME}]}


def _answer(secret: Secret) -> dict[str, Any]:
    return {"ARN": secret.arn, "Name": secret.name}


@requires("secretsmanager:ValidateResourcePolicy", secret_arn, when="SecretId")
@requires("secretsmanager:ValidateResourcePolicy", when=lambda ctx, request: "SecretId" not in request)
async def validate_resource_policy(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """What PutResourcePolicy would say, and whether the caller would shut himself out; nothing is written."""
    if "SecretId" in request:
        find(ctx, request["SecretId"])
    document: str = request["ResourcePolicy"]
    _checked(document)
    found = []
    if is_public(document):
        found.append({"CheckName": "PublicPolicy", "ErrorMessage": PUBLIC})
    if _locks_out(ctx, document):
        sentence = "The resource policy would not let you change the resource policy in the future."
        found.append({"CheckName": "Lockout", "ErrorMessage": sentence})
    return {"PolicyValidationPassed": not found, "ValidationErrors": found}


def _locks_out(ctx: Context, document: str) -> bool:
    """Whether a Deny without a condition takes from the caller the right to write another."""
    from headwater.aws.policy.question import Caller, Question

    principal = ctx.principal
    caller = Caller(
        arn=principal.arn, account=principal.account, kind=principal.kind, role_arn=principal.role_arn, user_id=principal.user_id
    )
    question = Question("secretsmanager:PutResourcePolicy", ctx.arn("secretsmanager", "secret:*"), caller, resource_account=ctx.account)
    policy = parse(document, kind="resource")
    return any(statement.effect == "Deny" and statement.applies(question) for statement in policy.statements)
