"""Policy documents: what IAM refuses when one is written, in its own words. What a document means is not decided here.

Three kinds, with different grammars: an identity policy has resources and no principal, a trust policy has a principal and no
resources, and in a trust policy only STS's actions make sense. The text is kept as written: versions of one meaning may
differ, and users get back what they gave. Pure.
Source: "IAM JSON policy elements reference" of the user guide; the sentences are those of AWS's own answers.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final, Literal

from headwater.aws.faults import Fault, fault

Kind = Literal["identity", "trust", "resource", "session", "control", "key"]
VERSIONS: Final = ("2012-10-17", "2008-10-17")
SID: Final = re.compile(r"[0-9A-Za-z]*")
ACTION: Final = re.compile(r"\*|[a-zA-Z0-9*?-]+:[a-zA-Z0-9*?_-]+")
RESOURCE: Final = re.compile(r"\*|arn:[^:]*:[^:]*:[^:]*:[^:]*:.+|arn:\*", re.DOTALL)
TRUST_ACTION: Final = re.compile(r"sts:.+", re.IGNORECASE)
MEMBERS: Final = frozenset(
    {"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"},
)
OPERATOR: Final = re.compile(
    r"(ForAllValues:|ForAnyValue:)?"
    r"(String(Not)?(Equals|EqualsIgnoreCase|Like)|Numeric((Not)?Equals|(Less|Greater)Than(Equals)?)|Date((Not)?Equals|(Less|Greater)Than(Equals)?)"
    r"|Bool|BinaryEquals|(Not)?IpAddress|Arn(Not)?(Equals|Like)|Null)(IfExists)?",
    re.IGNORECASE,
)


def malformed(sentence: str = "Syntax errors in policy.") -> Fault:
    return fault("MalformedPolicyDocument", sentence)


def check(document: str, kind: Kind) -> None:
    """Refuse what IAM would refuse to write."""
    try:
        policy = json.loads(document)
    except (ValueError, RecursionError):
        raise malformed("This policy contains invalid Json" if kind == "trust" else "Syntax errors in policy.") from None
    if not isinstance(policy, dict) or not policy.keys() <= {"Version", "Id", "Statement"}:
        raise malformed()
    if policy.get("Version", VERSIONS[0]) not in VERSIONS:
        raise malformed("The policy failed legacy parsing")
    if "Version" not in policy and kind == "identity":
        raise malformed("Policy document must be version 2012-10-17 or greater.")
    statements = _several(policy.get("Statement"))
    if not statements or not all(isinstance(statement, dict) for statement in statements):
        raise malformed()
    for statement in statements:
        _check_statement(statement, kind)
    sids = [statement["Sid"] for statement in statements if statement.get("Sid")]
    if len(set(sids)) != len(sids):
        raise malformed("Statement IDs (SID) in a single policy must be unique.")


def _several(value: Any) -> list[Any]:
    """An element that may be one thing or a list of them."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _check_statement(statement: dict[str, Any], kind: Kind) -> None:
    if not statement.keys() <= MEMBERS:
        raise malformed()
    sid = statement.get("Sid", "")
    if not isinstance(sid, str) or SID.fullmatch(sid) is None:
        raise malformed("Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*")
    if "Effect" not in statement:
        raise malformed("Missing required field Effect")
    if statement["Effect"] not in {"Allow", "Deny"}:
        raise malformed(f"Invalid effect: {statement['Effect']}")
    _check_actions(statement, kind)
    if kind == "trust":
        _check_trust(statement)
    else:
        _check_resources(statement)
    _check_condition(statement.get("Condition", {}))


def _check_actions(statement: dict[str, Any], kind: Kind) -> None:
    if "Action" in statement and "NotAction" in statement:
        raise malformed()
    actions = _several(statement.get("Action", statement.get("NotAction")))
    if not actions:
        raise malformed("Missing required field Action" if kind == "trust" else "Policy statement must contain actions.")
    for action in actions:
        if not isinstance(action, str) or ACTION.fullmatch(action) is None:
            raise malformed("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")


def _check_trust(statement: dict[str, Any]) -> None:
    for prohibited in ("Resource", "NotResource"):
        if prohibited in statement:
            raise malformed(f"Has prohibited field {prohibited}")
    if "Principal" not in statement and "NotPrincipal" not in statement:
        raise malformed("Missing required field Principal")
    if not all(TRUST_ACTION.fullmatch(action) for action in _several(statement.get("Action"))):
        raise malformed("AssumeRole policy may only specify STS AssumeRole actions.")
    _check_principal(statement.get("Principal", statement.get("NotPrincipal")))


def _check_principal(principal: Any) -> None:
    if principal == "*":
        return
    if not isinstance(principal, dict) or not principal:
        raise malformed("Invalid principal in policy.")
    for kind, named in principal.items():
        if kind not in {"AWS", "Service", "Federated", "CanonicalUser"}:
            raise malformed(f'Invalid principal in policy: "{kind.upper()}"')
        for one in _several(named):
            if not isinstance(one, str) or not one:
                raise malformed(f'Invalid principal in policy: "{kind.upper()}":"{one}"')


def _check_resources(statement: dict[str, Any]) -> None:
    if "Principal" in statement or "NotPrincipal" in statement:
        raise malformed("Policy document should not specify a principal.")
    if "Resource" in statement and "NotResource" in statement:
        raise malformed()
    resources = _several(statement.get("Resource", statement.get("NotResource")))
    if not resources:
        raise malformed("Policy statement must contain resources.")
    for resource in resources:
        if not isinstance(resource, str) or RESOURCE.fullmatch(resource) is None:
            raise malformed(f'Resource {resource} must be in ARN format or "*".')


def _check_condition(condition: Any) -> None:
    if not isinstance(condition, dict):
        raise malformed()
    for operator, keys in condition.items():
        if OPERATOR.fullmatch(operator) is None:
            raise malformed(f"Invalid Condition type : {operator}.")
        if not isinstance(keys, dict) or not keys:
            raise malformed()
