"""What AWS refuses when a policy is written, in its own words.

Kinds have different grammars: an identity or session policy has resources and no principal; a trust policy has a principal and
no resources, and only STS's actions make sense in it; a resource's policy and a key's have both; a service control policy is
Organizations', which has one sentence for everything. IAM looks at a document in passes (its shape, its version, what it calls
legacy parsing, then what is missing), and says what the first failing pass finds; the order here is that of its answers.
Whoever keeps policies under another error's name (S3's MalformedPolicy) turns the fault round.
Sources: "Grammar of the IAM JSON policy language" of the user guide; AWS's answers to broken documents as
tests/aws/policy/test_grammar.py holds them.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from headwater.aws.faults import Fault, fault

from .conditions import OPERATOR, texts
from .operators import NEGATED, POSITIVE, moment, number
from .statements import VERSION, Kind
from .wildcards import ANY_WILD

VERSIONS: Final = (VERSION, "2008-10-17")
MEMBERS: Final = frozenset(
    {"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"},
)
EXCLUSIVE: Final = (("Action", "NotAction"), ("Resource", "NotResource"), ("Principal", "NotPrincipal"))
OF_IAM: Final = frozenset({"identity", "session"})
SID: Final = re.compile(r"[0-9A-Za-z]*")
VENDOR: Final = re.compile(r"\*|[a-zA-Z0-9.-]+")
TRUST_ACTION: Final = re.compile(r"sts:.+", re.IGNORECASE)
PRINCIPALS: Final = frozenset({"AWS", "Service", "Federated", "CanonicalUser"})
NAMED: Final = re.compile(r"\*|\d{12}|arn:aws[\w-]*:(iam|sts)::(\d{12}|cloudfront):[^*?]+|A[A-Z0-9]{15,}")
IAM_PATHS: Final = (
    "user/", "federated-user/", "role/", "group/", "instance-profile/", "mfa/", "server-certificate/", "policy/", "sms-mfa/",
    "saml-provider/", "oidc-provider/", "report/", "access-report/",
)  # fmt: skip
ACCOUNT: Final = re.compile(r"[\d*?]*")
SYNTAX: Final = "Syntax errors in policy."
LEGACY: Final = "The policy failed legacy parsing"
CONTROL: Final = "The provided policy document does not meet the requirements of the specified policy type."
VENDOR_WANTED: Final = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
INT64: Final = 2**63
ARN_FIELDS: Final = 6
Statements = list[dict[str, Any]]


def malformed(sentence: str = SYNTAX) -> Fault:
    return fault("MalformedPolicyDocument", sentence)


def check(document: str, kind: Kind) -> None:
    """Refuse what AWS would refuse to write."""
    if kind == "control":
        try:
            _check_of_iam(document)
        except Fault:
            raise malformed(CONTROL) from None
    elif kind in OF_IAM:
        _check_of_iam(document)
    else:
        _check_with_principal(document, kind)


def _check_of_iam(document: str) -> None:
    policy, statements = _shaped(document, SYNTAX)
    for statement in statements:
        _shaped_statement(statement)
    if policy.get("Version") != VERSION:
        raise malformed(f"Policy document must be version {VERSION} or greater.")
    if any("Principal" in statement or "NotPrincipal" in statement for statement in statements):
        raise malformed("Policy document should not specify a principal.")
    misfits: list[str] = []
    for statement in statements:
        _parsed_as_before(statement)
        misfits += filter(None, map(_misfit, sorted(_several(statement, "Resource"), reverse=True)))
    if not misfits and not all(_whole_arn(one) for statement in statements for one in _several(statement, "Resource")):
        raise malformed(LEGACY)
    _check_sids(statements)
    if not all(_several(statement, "Action") for statement in statements):
        raise malformed("Policy statement must contain actions.")
    if misfits:
        raise malformed(misfits[-1])
    for statement in statements:
        _check_actions(statement)
    if not all(_several(statement, "Resource") for statement in statements):
        raise malformed("Policy statement must contain resources.")


def _shaped(document: str, no_json: str) -> tuple[dict[str, Any], Statements]:
    try:
        policy = json.loads(document)
    except (ValueError, RecursionError):
        raise malformed(no_json) from None
    if not isinstance(policy, dict) or not policy.keys() <= {"Version", "Id", "Statement"}:
        raise malformed()
    if policy.get("Version", VERSION) not in VERSIONS or not isinstance(policy.get("Id", ""), str):
        raise malformed()
    statements = policy.get("Statement")
    statements = statements if isinstance(statements, list) else [statements]
    if not statements or not all(isinstance(statement, dict) for statement in statements):
        raise malformed()
    return policy, statements


def _several(statement: dict[str, Any], member: str) -> list[str]:
    """Of an element or its Not…: one text or a list of them."""
    value = statement.get(member, statement.get(f"Not{member}", []))
    return value if isinstance(value, list) else [value]


def _is_texts(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, list) and all(isinstance(one, str) for one in value))


def _shaped_statement(statement: dict[str, Any]) -> None:
    """What the grammar says of a statement, whatever its words mean."""
    effect = statement.get("Effect")
    if not isinstance(effect, str) or effect.lower() not in {"allow", "deny"}:
        raise malformed()
    _shaped_members(statement)


def _shaped_members(statement: dict[str, Any]) -> None:
    if not statement.keys() <= MEMBERS or not isinstance(statement.get("Sid", ""), str):
        raise malformed()
    if any(one in statement and other in statement for one, other in EXCLUSIVE):
        raise malformed()
    if not all(_is_texts(statement.get(member, "")) for member in ("Action", "NotAction", "Resource", "NotResource")):
        raise malformed()
    for operator, _, _ in _conditions(statement):
        if operator is None:
            raise malformed()


def _conditions(statement: dict[str, Any]) -> Iterator[tuple[str | None, str, list[str]]]:
    """Each condition: its operator in lower case, without its surroundings (None: nothing that IAM knows), its key, its values."""
    block = statement.get("Condition", {})
    if not isinstance(block, dict):
        yield None, "", []
        return
    for name, keys in block.items():
        if not isinstance(keys, dict):
            yield None, "", []
            continue
        operator = _operator(name)
        for key, values in keys.items():
            several = values if isinstance(values, list) else [values]
            fits = all(isinstance(value, str | bool | int | float) for value in several)
            yield (operator if fits else None), key, texts(several)


def _operator(name: str) -> str | None:
    found = OPERATOR.fullmatch(name)
    if found is None:
        return None
    operator = found[2].lower()
    if operator == "null":
        return operator if found[3] is None else None
    return operator if operator in POSITIVE or operator in NEGATED else None


def _parsed_as_before(statement: dict[str, Any]) -> None:
    if statement["Effect"] not in {"Allow", "Deny"} or not all(
        _readable(operator, values) for operator, _, values in _conditions(statement)
    ):
        raise malformed(LEGACY)


def _readable(operator: str | None, values: list[str]) -> bool:
    """Whether an operator that measures can measure the policy's values."""
    if operator is None:
        return False
    for names, readable in MEASURED.items():
        if operator.startswith(names):
            return all(readable(value) for value in values)
    return True


def _date(value: str) -> bool:
    whole = number(value)
    return moment(value) is not None and (not isinstance(whole, int) or abs(whole) < INT64)


def _ip(value: str) -> bool:
    try:
        ipaddress.ip_network(value, strict=False)
    except ValueError:
        return False
    return True


MEASURED: Final[dict[str, Callable[[str], bool]]] = {
    "date": _date,
    "numeric": lambda value: number(value) is not None,
    "ipaddress": _ip,
    "notipaddress": _ip,
    "null": lambda value: value.lower() in {"true", "false"},
}


def _misfit(resource: str) -> str | None:
    """IAM's complaint about a resource that cannot be one."""
    if resource == "*":
        return None
    fields = resource.split(":", ARN_FIELDS - 1)
    if len(fields) == 1:
        return f'Resource {resource} must be in ARN format or "*".'
    partition, *rest = fields[1:]
    if not partition.startswith("aws") and not ANY_WILD.search(partition):
        shown = ":".join([*rest, *"****"[len(rest) :]]) if any(rest) else "*:*:*:*"
        return f'Partition "{partition}" is not valid for resource "arn:{partition}:{shown}".'
    if not rest:
        return None if partition.endswith("*") else "Resource vendor must be fully qualified and cannot contain regexes."
    service, *rest = rest
    if ANY_WILD.search(service) and service != "*":
        return "Resource vendor must be fully qualified and cannot contain regexes."
    return _misfit_of_service(resource, service, [*rest, "", "", ""]) if len(rest) == ARN_FIELDS - 3 else None


def _misfit_of_service(resource: str, service: str, rest: list[str]) -> str | None:
    region, account, name = rest[:3]
    if service == "iam":
        if region not in {"", "*"}:
            return f"IAM resource {resource} cannot contain region information."
        if not name.startswith((*IAM_PATHS, "${")) and not ANY_WILD.search(name.partition("/")[0]):
            return f'IAM resource path must either be "*" or start with {", ".join(IAM_PATHS)}.'
    if service == "s3" and region not in {"", "*"} and not account:
        return f"Resource {resource} can not contain region information."
    return None


def _whole_arn(resource: str) -> bool:
    """Whether IAM's older reader sees an ARN: an end that is missing is anything, but what stands last must fit its place."""
    if resource == "*":
        return True
    service, *rest = resource.split(":", ARN_FIELDS - 1)[2:] or ["*"]
    whole = len(rest) == ARN_FIELDS - 3
    return service != "" and (rest[-1] != "" if whole else ACCOUNT.fullmatch("".join(rest[1:2])) is not None)


def _check_sids(statements: Statements) -> None:
    sids = [statement["Sid"] for statement in statements if statement.get("Sid")]
    if not all(SID.fullmatch(sid) for sid in sids):
        raise malformed("Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*")
    _check_unique(sids)


def _check_unique(sids: list[str]) -> None:
    if len(set(sids)) != len(sids):
        raise malformed("Statement IDs (SID) in a single policy must be unique.")


def _check_actions(statement: dict[str, Any]) -> None:
    for action in _several(statement, "Action"):
        vendor, *names = action.split(":")
        if action == "*":
            continue
        if len(names) > 1:
            raise malformed("Actions/Condition can contain only one colon.")
        if not names:
            raise malformed(VENDOR_WANTED)
        if VENDOR.fullmatch(vendor) is None:
            raise malformed(f"Vendor {vendor} is not valid")


def _check_with_principal(document: str, kind: Kind) -> None:
    """Trust, resource and key policies: here the sentence names the field."""
    _, statements = _shaped(document, "This policy contains invalid Json")
    for statement in statements:
        _shaped_members(statement | {"Condition": {}})
        effect = statement.get("Effect")
        if effect is None:
            raise malformed("Missing required field Effect")
        if effect != "Allow" and effect != "Deny":
            raise malformed(f"Invalid effect: {effect}")
        _check_fields(statement, kind)
        _check_principal(statement)
        _check_actions(statement)
        if kind == "trust" and not all(TRUST_ACTION.fullmatch(action) for action in _several(statement, "Action")):
            raise malformed("AssumeRole policy may only specify STS AssumeRole actions.")
        _check_condition(statement)
    if kind == "trust":
        _check_sids(statements)
    else:
        _check_unique([statement["Sid"] for statement in statements if statement.get("Sid")])


def _check_fields(statement: dict[str, Any], kind: Kind) -> None:
    if kind == "trust":
        for prohibited in ("Resource", "NotResource"):
            if prohibited in statement:
                raise malformed(f"Has prohibited field {prohibited}")
    wanted = ("Principal", "Action") if kind == "trust" else ("Principal", "Action", "Resource")
    for member in wanted:
        if member not in statement and f"Not{member}" not in statement:
            raise malformed(f"Missing required field {member}")
        if _several(statement, member) == []:
            raise malformed(f"Missing required field {member} cannot be empty!")
    if kind != "trust":
        for resource in _several(statement, "Resource"):
            misfit = _misfit(resource)
            if misfit is not None:
                raise malformed(misfit)


def _check_principal(statement: dict[str, Any]) -> None:
    if "NotPrincipal" in statement and statement["Effect"] == "Allow":
        raise malformed("Allow with NotPrincipal is not allowed.")
    principal = statement.get("Principal", statement.get("NotPrincipal"))
    if principal == "*":
        return
    if not isinstance(principal, dict) or not principal:
        raise malformed("Invalid principal in policy.")
    for kind, named in principal.items():
        if kind not in PRINCIPALS:
            raise malformed(f'Invalid principal in policy: "{kind.upper()}"')
        for one in named if isinstance(named, list) else [named]:
            if not isinstance(one, str) or not one or (kind == "AWS" and NAMED.fullmatch(one) is None):
                raise malformed(f'Invalid principal in policy: "{kind.upper()}":"{one}"')


def _check_condition(statement: dict[str, Any]) -> None:
    block = statement.get("Condition", {})
    for name in block if isinstance(block, dict) else ():
        if _operator(name) is None and block[name] != {}:
            raise malformed(f"Invalid Condition type : {name}.")
    for operator, _, values in _conditions(statement):
        if operator is None:
            raise malformed()
        if not _readable(operator, values):
            raise malformed(LEGACY)
