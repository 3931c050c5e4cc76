"""What would be decided: the simulator, asking the very evaluation that decides real calls.

Context keys have only the values that the request gives. A real caller's keys are not guessed: what a policy names and nobody gave
is told as missing. Source: the API reference of SimulateCustomPolicy and SimulatePrincipalPolicy; a recorded answer for the shape.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from headwater.aws.arn import parse_arn
from headwater.aws.faults import Fault, fault
from headwater.aws.policy import operators
from headwater.aws.policy.documents import Kind, PolicySet, Statement, check, context_keys, parse
from headwater.aws.policy.evaluation import Considered, Decision, Policies, decide, explain
from headwater.aws.policy.question import Caller, Question
from headwater.aws.policy.wildcards import glob, tokens
from headwater.kernel.permissions import requires

from .grants import INLINE, Reading, Written, identity_documents, managed_policies
from .model import Bearer, Role, User, arn_of, find_group, find_role, find_user
from .paging import page_in_order
from .places import places, position

if TYPE_CHECKING:
    from headwater.kernel.context import Context

ACTION: Final = re.compile(r"[\w-]+:\w+")
ANY: Final = "*"
RESOURCE_POLICY: Final = "ResourcePolicy"
EVERYTHING: Final = PolicySet([parse('{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}')])
MACHINE: Final = frozenset({"instance", "image", "security-group", "network-interface"})
HANDLING: Final = {
    "EC2-VPC-InstanceStore": MACHINE,
    "EC2-VPC-InstanceStore-Subnet": MACHINE | {"subnet"},
    "EC2-VPC-EBS": MACHINE | {"volume"},
    "EC2-VPC-EBS-Subnet": MACHINE | {"subnet", "volume"},
}
"""What a simulation of EC2's has to name, by the ResourceHandlingOption that it asks to be held to."""
FINDERS: Final[dict[str, Callable[[Context, str], Bearer]]] = {"user": find_user, "group": find_group, "role": find_role}


def invalid(sentence: str) -> Fault:
    return fault("InvalidInput", sentence)


class Scenario(NamedTuple):
    """Everything that stays the same from action to action."""

    policies: Policies
    documents: dict[str, str]
    """By source: where a statement stands can be shown."""
    caller: Caller
    owner: str
    across: bool
    """Whether it matters to whom a resource belongs: only with its policy, or where its owner is said."""
    context: dict[str, tuple[str, ...]]
    resources: list[str]


# -- the operations ----------------------------------------------------------------------------------------------------


@requires("iam:SimulateCustomPolicy")
async def simulate_custom_policy(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Policies that are nowhere attached."""
    if "ResourcePolicy" in request and "CallerArn" not in request:
        raise invalid("CallerArn must be provided when a ResourcePolicy is provided.")
    levels = [
        _set(level.get("ServiceControlPolicyInputList", []), f"OrderedOrganizationPolicyInputList.{number}", "control")
        for number, level in enumerate(request.get("OrderedOrganizationPolicyInputList", []), 1)
    ]
    caller = request.get("CallerArn", f"arn:aws:iam::{ctx.account}:user/simulated")
    return _simulated(request, _scenario(request, _inputs(request), caller, levels=tuple(levels)))


@requires("iam:SimulatePrincipalPolicy", "{PolicySourceArn}")
async def simulate_principal_policy(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """What a user, group or role has, and more if given."""
    bearer = bearer_at(ctx, request["PolicySourceArn"])
    excluded = [_exclusion(one) for one in request.get("PolicyExclusionList", [])]
    reading = Reading(ctx.store)
    held = [written for written in identity_documents(reading, bearer) if not any(out(written) for out in excluded)]
    documents = {written.source: written.document for written in held} | _inputs(request)
    types = {one.get("PolicyType") for one in request.get("PolicyExclusionList", [])}
    boundary = None
    if isinstance(bearer, User | Role) and bearer.boundary is not None and "permission-boundary" not in types:
        found = managed_policies(reading, bearer.account, (bearer.boundary,))
        boundary = PolicySet([parse(policy.document, source=policy.arn) for policy in found])
    control = ctx.home.authorization.control
    levels = control.levels(ctx.account) if control is not None and "scp" not in types else ()
    caller = request.get("CallerArn", request["PolicySourceArn"])
    return _simulated(request, _scenario(request, documents, caller, boundary=boundary, levels=levels))


@requires("iam:GetContextKeysForCustomPolicy")
async def get_context_keys_for_custom_policy(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """The keys that policies name, in conditions and as variables."""
    return {"ContextKeyNames": _keys(_inputs(request))}


@requires("iam:GetContextKeysForPrincipalPolicy", "{PolicySourceArn}")
async def get_context_keys_for_principal_policy(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """The keys that the policies of a user, group or role name."""
    held = identity_documents(Reading(ctx.store), bearer_at(ctx, request["PolicySourceArn"]))
    return {"ContextKeyNames": _keys({written.source: written.document for written in held} | _inputs(request))}


# -- what is asked -----------------------------------------------------------------------------------------------------


def bearer_at(ctx: Context, arn: str) -> Bearer:
    """The user, group or role with this ARN."""
    try:
        parsed = parse_arn(arn)
    except ValueError:
        raise fault("ValidationError", "Invalid ARN:  Could not be parsed!") from None
    find = FINDERS.get(parsed.kind) if parsed.service == "iam" else None
    if find is None:
        raise invalid(f"Invalid Entity Arn: {arn} does not clearly define entity type and name.")
    name = parsed.name.rpartition("/")[2]
    bearer = find(ctx, name) if parsed.account == ctx.account else None
    if bearer is None or arn_of(bearer) != arn:  # another path or partition names another one
        raise fault("NoSuchEntity", f"The {parsed.kind} with name {name} cannot be found.")
    return bearer


def _inputs(request: dict[str, Any]) -> dict[str, str]:
    given = request.get("PolicyInputList", [])
    for document in given:
        _check(document, "identity")
    return {f"PolicyInputList.{number}": document for number, document in enumerate(given, 1)}


def _check(document: str, kind: Kind) -> None:
    """A simulation has its own name for what is wrong with a policy."""
    try:
        check(document, kind)
    except Fault as refusal:
        raise invalid(refusal.message) from None


def _set(given: Iterable[str], name: str, kind: Kind) -> PolicySet:
    compiled = []
    for number, document in enumerate(given, 1):
        _check(document, kind)
        compiled.append(parse(document, source=f"{name}.{number}", kind=kind))
    return PolicySet(compiled)


def _keys(documents: dict[str, str]) -> list[str]:
    return context_keys(*[parse(document, source=source) for source, document in documents.items()])


def _scenario(
    request: dict[str, Any],
    documents: dict[str, str],
    caller_arn: str,
    *,
    boundary: PolicySet | None = None,
    levels: tuple[PolicySet, ...] = (),
) -> Scenario:
    for action in request["ActionNames"]:
        if ACTION.fullmatch(action) is None:
            raise invalid(f"Invalid Action: {action}. An action is a service and an operation, such as iam:CreateUser.")
    _check_handling(request)
    limits = request.get("PermissionsBoundaryPolicyInputList", [])
    if len(limits) > 1:
        raise invalid("Only one permissions boundary can be simulated.")
    if limits:
        boundary = _set(limits, "PermissionsBoundaryPolicyInputList", "identity")
    resource = None
    if "ResourcePolicy" in request:
        _check(request["ResourcePolicy"], "resource")
        documents = documents | {RESOURCE_POLICY: request["ResourcePolicy"]}
        resource = PolicySet([parse(request["ResourcePolicy"], source=RESOURCE_POLICY, kind="resource")])
    identity = PolicySet([parse(document, source=source) for source, document in documents.items() if source != RESOURCE_POLICY])
    caller = _caller(caller_arn)
    return Scenario(
        policies=Policies(identity=identity, boundary=boundary, control=levels, resource=resource),
        documents=documents,
        caller=caller,
        owner=_account(request["ResourceOwner"]) if "ResourceOwner" in request else caller.account,
        across="ResourcePolicy" in request or "ResourceOwner" in request,
        context=_context(request.get("ContextEntries", [])),
        resources=request.get("ResourceArns") or [ANY],
    )


def _check_handling(request: dict[str, Any]) -> None:
    option = request.get("ResourceHandlingOption")
    if option is None:
        return
    if option not in HANDLING:
        raise invalid(f"Invalid ResourceHandlingOption: {option}")
    missing = HANDLING[option] - {arn.rpartition(":")[2].partition("/")[0] for arn in request.get("ResourceArns", [])}
    if missing:
        raise invalid(f"{option} needs resources of these types too: {', '.join(sorted(missing))}")


def _caller(arn: str) -> Caller:
    try:
        parsed = parse_arn(arn)
    except ValueError:
        raise invalid(f"Invalid CallerArn: {arn}") from None
    if parsed.service != "iam" or parsed.kind not in FINDERS:
        raise invalid(f"Invalid Entity Arn: {arn} does not clearly define entity type and name.")
    if parsed.kind == "role":
        return Caller(arn=arn, account=parsed.account, kind="role", role_arn=arn)
    return Caller(arn=arn, account=parsed.account, kind="user")


def _account(arn: str) -> str:
    try:
        return parse_arn(arn).account
    except ValueError:
        raise invalid(f"Invalid ResourceOwner: {arn}") from None


def _exclusion(said: dict[str, Any]) -> Callable[[Written], bool]:
    """A test of what the simulation is to leave out: all of a type, one ARN, or one inline policy."""
    inline = said.get("InlinePolicyIdentifier")
    if inline is not None:
        source = f"{INLINE}{inline['AttachmentType']}/{inline['AttachmentName']}/{inline['PolicyName']}"
        return lambda written: written.source == source
    if "PolicyArn" in said:
        matches = glob(tokens(said["PolicyArn"]))
        return lambda written: matches(written.source)
    kind = said.get("PolicyType")
    return lambda written: _type_of(written) == kind


def _type_of(written: Written) -> str:
    if written.arn is None:
        return "inline"
    return "aws-managed" if written.arn.startswith("arn:aws:iam::aws:") else "user-managed"


# -- context entries ---------------------------------------------------------------------------------------------------


def _is_binary(value: str) -> bool:
    try:
        base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


TYPES: Final[dict[str, Callable[[str], bool]]] = {
    "string": lambda value: True,
    "numeric": lambda value: operators.number(value) is not None,
    "boolean": lambda value: value.lower() in {"true", "false"},
    "ip": lambda value: operators.network(value) is not None,
    "binary": _is_binary,
    "date": lambda value: operators.moment(value) is not None,
}


def _context(entries: list[dict[str, Any]]) -> dict[str, tuple[str, ...]]:
    """Values by key in lower case, each as its type promises."""
    context = {}
    for entry in entries:
        name, values, kind = entry.get("ContextKeyName", ""), entry.get("ContextKeyValues", []), entry.get("ContextKeyType", "string")
        single = kind.removesuffix("List")
        if kind == single and len(values) > 1:
            raise invalid(f"Context key {name} of type {kind} must have exactly one value.")
        if not all(TYPES[single](value) for value in values):
            raise invalid(f"Invalid value for context key {name} of type {kind}.")
        context[name.lower()] = tuple(values)
    return context


# -- what comes of it --------------------------------------------------------------------------------------------------


class Verdict(NamedTuple):
    decision: str
    matched: list[dict[str, Any]]
    missing: list[str]
    allowed_by_boundary: bool | None
    allowed_by_organization: bool | None
    details: dict[str, str]


def _simulated(request: dict[str, Any], scenario: Scenario) -> dict[str, Any]:
    shown, more = page_in_order(request["ActionNames"], request)
    return {"EvaluationResults": [_result(scenario, action) for action in shown], **more}


def _result(scenario: Scenario, action: str) -> dict[str, Any]:
    verdicts = {resource: _verdict(scenario, action, resource) for resource in scenario.resources}
    worst = min(verdicts.values(), key=lambda verdict: SEVERITY[verdict.decision])
    said: dict[str, Any] = {
        "EvalActionName": action,
        "EvalResourceName": scenario.resources[0] if len(scenario.resources) == 1 else ANY,
        "EvalDecision": worst.decision,
        "MatchedStatements": _without_doubles(verdict.matched for verdict in verdicts.values() if verdict.decision == worst.decision),
        "MissingContextValues": _without_doubles(verdict.missing for verdict in verdicts.values()),
    }
    if worst.allowed_by_organization is not None:
        said["OrganizationsDecisionDetail"] = {"AllowedByOrganizations": worst.allowed_by_organization}
    if worst.allowed_by_boundary is not None:
        said["PermissionsBoundaryDecisionDetail"] = {"AllowedByPermissionsBoundary": worst.allowed_by_boundary}
    if scenario.resources != [ANY]:
        said["EvalDecisionDetails"] = worst.details
        said["ResourceSpecificResults"] = [_specific(resource, verdict) for resource, verdict in verdicts.items()]
    return said


SEVERITY: Final = {"explicitDeny": 0, "implicitDeny": 1, "allowed": 2}


def _specific(resource: str, verdict: Verdict) -> dict[str, Any]:
    said: dict[str, Any] = {
        "EvalResourceName": resource,
        "EvalResourceDecision": verdict.decision,
        "MatchedStatements": verdict.matched,
        "MissingContextValues": verdict.missing,
    }
    if verdict.details:
        said["EvalDecisionDetails"] = verdict.details
    if verdict.allowed_by_boundary is not None:
        said["PermissionsBoundaryDecisionDetail"] = {"AllowedByPermissionsBoundary": verdict.allowed_by_boundary}
    return said


def _without_doubles(lists: Iterable[list[Any]]) -> list[Any]:
    found: list[Any] = []
    for items in lists:
        found += [item for item in items if item not in found]
    return found


def _verdict(scenario: Scenario, action: str, resource: str) -> Verdict:
    owner = scenario.owner
    if resource != ANY:
        named = _owner(resource)
        owner = (named or owner) if scenario.across else owner
    question = Question(action, resource, scenario.caller, resource_account=owner, look_up=scenario.context.get)
    decision = decide(question, scenario.policies)
    considered = [one for one in explain(question, scenario.policies) if one.by in {"identity", "resource"}]
    said = _said(decision)
    return Verdict(
        decision=said,
        matched=_matched(scenario, said, considered),
        missing=_missing(question, considered),
        allowed_by_boundary=_alone(question, scenario.policies.boundary),
        allowed_by_organization=decision.by != "control" if scenario.policies.control else None,
        details=_details(question, scenario) if owner != scenario.caller.account else {},
    )


def _owner(resource: str) -> str:
    try:
        return parse_arn(resource).account
    except ValueError:
        raise invalid(f"Invalid resource ARN: {resource}") from None


def _said(decision: Decision) -> str:
    if decision.allowed:
        return "allowed"
    return "explicitDeny" if decision.explicit else "implicitDeny"


def _matched(scenario: Scenario, said: str, considered: list[Considered]) -> list[dict[str, Any]]:
    """The statements that made the decision; where nothing allowed, none did."""
    effect = {"allowed": "Allow", "explicitDeny": "Deny"}.get(said)
    matched = [one.statement for one in considered if one.verdict == "matched" and one.statement.effect == effect]
    return [_shown(scenario.documents[statement.source], statement) for statement in matched]


def _shown(document: str, statement: Statement) -> dict[str, Any]:
    place = places(document)[statement.index]
    return {
        "SourcePolicyId": statement.source.rpartition("/")[2],
        "SourcePolicyType": "Resource Policy" if statement.source == RESOURCE_POLICY else "IAM Policy",
        "StartPosition": position(document, place.start + 1),
        "EndPosition": position(document, place.end),
    }


def _missing(question: Question, considered: list[Considered]) -> list[str]:
    """What the statements for this action name and nobody gave, in their spelling."""
    named = dict.fromkeys(key for one in considered if one.verdict not in {"action", "principal"} for key in one.statement.keys)
    return [key for key in named if question.values(key.lower()) is None]


def _alone(question: Question, several: PolicySet | None) -> bool | None:
    if several is None:
        return None
    own = Question(question.action, question.resource, question.caller, look_up=question.values)
    return decide(own, Policies(identity=several)).allowed


def _details(question: Question, scenario: Scenario) -> dict[str, str]:
    """What each side of a call across accounts says, as if the other one allowed everything."""
    own = Question(question.action, question.resource, question.caller, look_up=question.values)
    theirs = Policies(identity=EVERYTHING, resource=scenario.policies.resource)
    return {
        "IAM Policy": _said(decide(own, Policies(identity=scenario.policies.identity))),
        "Resource Policy": _said(decide(question, theirs)),
    }
