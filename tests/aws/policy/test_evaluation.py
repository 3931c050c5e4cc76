"""The decision. Truth: "Policy evaluation for requests within a single account" (its table of resource-based policies and implicit
denies), "Cross-account policy evaluation logic", "Permissions boundaries for IAM entities", "AWS JSON policy elements: Principal"
and "NotPrincipal" of the user guide; "Key policies" of KMS's; George Angel's role
and user with one boundary, reported to AWS; for white space, commas and short ARNs the cases of cloud-copilot/iam-simulate.
"""

import json
from typing import Any

import pytest

from headwater.aws.policy.documents import PolicySet, parse
from headwater.aws.policy.evaluation import Decision, Policies, decide, explain
from headwater.aws.policy.question import Caller, Question

ACCOUNT = "111122223333"
OTHER = "444455556666"
BUCKET = "arn:aws:s3:::b/k"
USER = Caller(kind="user", arn=f"arn:aws:iam::{ACCOUNT}:user/dev", account=ACCOUNT, user_id="AIDAEXAMPLE")
ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role/path/worker"
SESSION = Caller(
    kind="role",
    arn=f"arn:aws:sts::{ACCOUNT}:assumed-role/worker/s1",
    account=ACCOUNT,
    role_arn=ROLE_ARN,
    user_id="AROAEXAMPLE:s1",
)
FEDERATED = Caller(
    kind="federated", arn=f"arn:aws:sts::{ACCOUNT}:federated-user/bob", account=ACCOUNT, role_arn=USER.arn, user_id=f"{ACCOUNT}:bob"
)
ROOT = Caller(kind="root", arn=f"arn:aws:iam::{ACCOUNT}:root", account=ACCOUNT)
SERVICE = Caller(kind="service", arn="firehose.amazonaws.com")
ANYBODY = Caller(kind="anonymous")
WEB = Caller(kind="federated", provider="accounts.google.com")

YES = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
NO = YES | {"Effect": "Deny"}
ELSE = YES | {"Action": "s3:PutObject"}


def policies(kind: Any, *statements: dict[str, Any], source: str = "") -> PolicySet:
    return PolicySet([parse(json.dumps({"Version": "2012-10-17", "Statement": list(statements)}), source=source, kind=kind)])


def to(principal: Any, **changed: Any) -> dict[str, Any]:
    return YES | {"Principal": principal if principal == "*" or isinstance(principal, dict) else {"AWS": principal}} | changed


def but(*excepted: str) -> dict[str, Any]:
    return NO | {"NotPrincipal": {"AWS": list(excepted)}}


def answer(caller: Caller, *, owner: str = "", alone: bool = False, **kinds: Any) -> Decision:
    """`kinds`: statements (or None) of each kind of policy; `control` is a list of levels."""
    given: dict[str, Any] = {
        kind: policies(kind, *([found] if isinstance(found, dict) else found)) for kind, found in kinds.items() if kind != "control"
    }
    given["control"] = tuple(policies("control", level) for level in kinds.get("control", ()))
    return decide(Question("s3:GetObject", BUCKET, caller, resource_account=owner), Policies(resource_alone=alone, **given))


ALLOWED: dict[str, tuple[Caller, dict[str, Any], str]] = {
    "identity alone": (USER, {"identity": YES}, "identity"),
    "identity within its boundary": (USER, {"identity": YES, "boundary": YES}, "identity"),
    "identity within boundary and session": (SESSION, {"identity": YES, "boundary": YES, "session": YES}, "identity"),
    "identity under three levels": (USER, {"identity": YES, "control": [YES, YES, YES]}, "identity"),
    "a resource that names the user": (USER, {"resource": to(USER.arn)}, "resource"),
    "a resource that names the user, past the boundary": (USER, {"resource": to(USER.arn), "boundary": ELSE}, "resource"),
    "a resource that names the user's id": (USER, {"resource": to("AIDAEXAMPLE")}, "resource"),
    "a resource for everyone": (USER, {"resource": to("*"), "boundary": ELSE}, "resource"),
    "a resource for every AWS caller": (USER, {"resource": to({"AWS": "*"})}, "resource"),
    "a resource that names the session, past everything": (
        SESSION,
        {"resource": to(SESSION.arn), "boundary": ELSE, "session": ELSE},
        "resource",
    ),
    "a resource that names the role": (SESSION, {"resource": to(ROLE_ARN)}, "resource"),
    "a resource that names the role's id": (SESSION, {"resource": to("AROAEXAMPLE")}, "resource"),
    "a resource that names the role, within limits": (SESSION, {"resource": to(ROLE_ARN), "boundary": YES, "session": YES}, "resource"),
    "a federated user named": (FEDERATED, {"resource": to(FEDERATED.arn), "session": ELSE}, "resource"),
    "a federated user's user named, within the session": (FEDERATED, {"resource": to(USER.arn), "session": YES}, "resource"),
    "an account named, and identity": (USER, {"resource": to(ACCOUNT), "identity": YES}, "identity"),
    "a service named": (SERVICE, {"resource": to({"Service": "firehose.amazonaws.com"})}, "resource"),
    "a service in a list": (SERVICE, {"resource": to({"Service": ["lambda.amazonaws.com", "firehose.amazonaws.com"]})}, "resource"),
    "anybody, of a resource for everyone": (ANYBODY, {"resource": to("*")}, "resource"),
    "a provider named": (WEB, {"resource": to({"Federated": "accounts.google.com"})}, "resource"),
    "root without any policy": (ROOT, {}, "identity"),
    "root, whatever identity policies say": (ROOT, {"identity": NO}, "identity"),
    "root under levels that allow": (ROOT, {"control": [YES]}, "identity"),
    "from another account, both": (USER, {"owner": OTHER, "identity": YES, "resource": to(USER.arn)}, "resource"),
    "from another account, its account named": (USER, {"owner": OTHER, "identity": YES, "resource": to(ROOT.arn)}, "resource"),
    "a session from another account": (SESSION, {"owner": OTHER, "identity": YES, "resource": to(ROLE_ARN)}, "resource"),
    "root from another account": (ROOT, {"owner": OTHER, "resource": to(ACCOUNT)}, "resource"),
    "a key that names the user": (USER, {"alone": True, "resource": to(USER.arn)}, "resource"),
    "a key that names the account, and identity": (USER, {"alone": True, "resource": to(ACCOUNT), "identity": YES}, "identity"),
    "root of a key that names the account": (ROOT, {"alone": True, "resource": to(ROOT.arn)}, "identity"),
    "denied to everybody but the user": (USER, {"identity": YES, "resource": but(USER.arn)}, "identity"),
    "denied to everybody but role and session": (SESSION, {"identity": YES, "resource": but(ROLE_ARN, SESSION.arn)}, "identity"),
    "denied to somebody else": (USER, {"identity": YES, "resource": to(ROLE_ARN, Effect="Deny")}, "identity"),
}  # fmt: skip


@pytest.mark.parametrize(("caller", "given", "by"), ALLOWED.values(), ids=ALLOWED)
def test_allowed(caller: Caller, given: dict[str, Any], by: str) -> None:
    found = answer(caller, **given)
    assert (found.allowed, found.explicit, found.by) == (True, False, by)


IMPLICITLY: dict[str, tuple[Caller, dict[str, Any], str]] = {
    "nothing at all": (USER, {}, "identity"),
    "another action": (USER, {"identity": ELSE}, "identity"),
    "another resource": (USER, {"identity": YES | {"Resource": "arn:aws:s3:::c/*"}}, "identity"),
    "a boundary that does not allow": (USER, {"identity": YES, "boundary": ELSE}, "boundary"),
    "a boundary alone": (USER, {"boundary": YES}, "identity"),
    "a session policy that does not allow": (SESSION, {"identity": YES, "session": ELSE}, "session"),
    "a session policy that would widen": (SESSION, {"identity": ELSE, "session": YES}, "identity"),
    "one level that does not allow": (USER, {"identity": YES, "control": [YES, ELSE, YES]}, "control"),
    "a level that does not allow, and a resource that does": (USER, {"resource": to(USER.arn), "control": [ELSE]}, "control"),
    "root under a level that does not allow": (ROOT, {"control": [ELSE]}, "control"),
    "an account named, no identity": (USER, {"resource": to(ACCOUNT)}, "identity"),
    "another user named": (USER, {"resource": to(f"arn:aws:iam::{ACCOUNT}:user/other")}, "identity"),
    "the role named, past the boundary": (SESSION, {"resource": to(ROLE_ARN), "boundary": ELSE}, "boundary"),
    "the role named, past the session": (SESSION, {"resource": to(ROLE_ARN), "session": ELSE}, "session"),
    "everyone, past a role's session policy": (SESSION, {"resource": to("*"), "session": ELSE}, "session"),
    "the user named, past a federated session": (FEDERATED, {"resource": to(USER.arn), "session": ELSE}, "session"),
    "a service that is not named": (SERVICE, {"resource": to({"Service": "lambda.amazonaws.com"}), "identity": YES}, "resource"),
    "a service and an account": (SERVICE, {"resource": to(ACCOUNT)}, "resource"),
    "anybody, of a resource for an account": (ANYBODY, {"resource": to(ACCOUNT)}, "resource"),
    "anybody, of a resource without a policy": (ANYBODY, {}, "resource"),
    "another provider": (WEB, {"resource": to({"Federated": "www.amazon.com"})}, "resource"),
    "from another account, identity alone": (USER, {"owner": OTHER, "identity": YES}, "resource"),
    "from another account, resource alone": (USER, {"owner": OTHER, "resource": to(USER.arn)}, "identity"),
    "from another account, past the boundary": (
        USER,
        {"owner": OTHER, "identity": YES, "boundary": ELSE, "resource": to(USER.arn)},
        "boundary",
    ),
    "a named session from another account": (SESSION, {"owner": OTHER, "resource": to(SESSION.arn)}, "identity"),
    "root from another account, unnamed": (ROOT, {"owner": OTHER, "resource": to(OTHER)}, "resource"),
    "a key that names nobody": (USER, {"alone": True, "identity": YES}, "resource"),
    "a key that names another": (USER, {"alone": True, "identity": YES, "resource": to(ROLE_ARN)}, "resource"),
    "root of a key that names a role": (ROOT, {"alone": True, "resource": to(ROLE_ARN)}, "resource"),
    "a resource's policy without a principal": (USER, {"resource": YES}, "identity"),
}  # fmt: skip


@pytest.mark.parametrize(("caller", "given", "by"), IMPLICITLY.values(), ids=IMPLICITLY)
def test_denied_because_nothing_allows(caller: Caller, given: dict[str, Any], by: str) -> None:
    found = answer(caller, **given)
    assert (found.allowed, found.explicit, found.by) == (False, False, by)


EXPLICITLY: dict[str, tuple[Caller, dict[str, Any], str]] = {
    "identity": (USER, {"identity": [YES, NO]}, "identity"),
    "boundary, and a resource that names the user": (USER, {"resource": to(USER.arn), "boundary": NO}, "boundary"),
    "session, and a resource that names the session": (SESSION, {"resource": to(SESSION.arn), "session": NO}, "session"),
    "a level": (USER, {"identity": YES, "control": [YES, NO]}, "control"),
    "a level, for root": (ROOT, {"control": [NO]}, "control"),
    "the resource, for the user": (USER, {"identity": YES, "resource": to(USER.arn, Effect="Deny")}, "resource"),
    "the resource, for the account": (USER, {"identity": YES, "resource": to(ACCOUNT, Effect="Deny")}, "resource"),
    "the resource, for everyone": (SESSION, {"identity": YES, "resource": to("*", Effect="Deny")}, "resource"),
    "the resource, for root": (ROOT, {"resource": to(ROOT.arn, Effect="Deny")}, "resource"),
    "the resource, for a service": (SERVICE, {"resource": [to("*"), to("*", Effect="Deny")]}, "resource"),
    "the resource, for anybody": (ANYBODY, {"resource": [to("*"), to("*", Effect="Deny")]}, "resource"),
    "from another account": (USER, {"owner": OTHER, "identity": YES, "resource": [to(USER.arn), to("*", Effect="Deny")]}, "resource"),
    "everybody but another user": (USER, {"identity": YES, "resource": but(f"arn:aws:iam::{ACCOUNT}:user/o")}, "resource"),
    "everybody but the account": (USER, {"identity": YES, "resource": but(ACCOUNT)}, "resource"),
    "everybody but the role, for its session": (SESSION, {"identity": YES, "resource": but(ROLE_ARN)}, "resource"),
    "whoever has a boundary, though excepted": (USER, {"identity": YES, "boundary": YES, "resource": but(USER.arn)}, "resource"),
}  # fmt: skip


@pytest.mark.parametrize(("caller", "given", "by"), EXPLICITLY.values(), ids=EXPLICITLY)
def test_denied_by_a_statement(caller: Caller, given: dict[str, Any], by: str) -> None:
    found = answer(caller, **given)
    assert (found.allowed, found.explicit, found.by) == (False, True, by)
    assert found.statement is not None
    assert found.statement.effect == "Deny"


ELEMENTS = [
    # a statement's element and what it names, the action and the resource asked, whether it applies
    ({"Action": "s3:*"}, "s3:GetObject", BUCKET, True),
    ({"Action": "S3:getobject"}, "s3:GetObject", BUCKET, True),
    ({"Action": "s3:Get*"}, "s3:PutObject", BUCKET, False),
    ({"Action": "s3:G?tObject"}, "s3:GetObject", BUCKET, True),
    ({"Action": "*:GetObject"}, "s3:GetObject", BUCKET, True),
    ({"Action": "s3:NoSuchAction"}, "s3:GetObject", BUCKET, False),
    ({"Action": []}, "s3:GetObject", BUCKET, False),
    ({"Action": "s3:GetObject   "}, "s3:GetObject", BUCKET, False),
    ({"Action": "s3:GetObject,PutObject"}, "s3:GetObject", BUCKET, False),
    ({"NotAction": "s3:   GetObject"}, "s3:GetObject", BUCKET, True),
    ({"NotAction": "s3:Delete*"}, "s3:GetObject", BUCKET, True),
    ({"NotAction": ["iam:*", "s3:GET*"]}, "s3:GetObject", BUCKET, False),
    ({"Resource": "arn:aws:s3:::b/*"}, "s3:GetObject", "arn:aws:s3:::b/k/deep:er", True),
    ({"Resource": "arn:aws:s3:::b*"}, "s3:GetObject", "arn:aws:s3:::bucket/k", True),
    ({"Resource": "arn:aws:s3:::B/*"}, "s3:GetObject", BUCKET, False),
    ({"Resource": "arn:aws:*"}, "s3:GetObject", BUCKET, True),
    ({"Resource": "arn:aws:lambda:*:function:f"}, "lambda:Invoke", "arn:aws:lambda:eu-west-1:1:function:f", True),
    ({"Resource": ["arn:aws:s3:::c", "arn:aws:s3:::?/k"]}, "s3:GetObject", BUCKET, True),
    ({"Resource": "arn:aws:s3:::b/*"}, "s3:ListAllMyBuckets", "*", False),
    ({"Resource": "*"}, "s3:ListAllMyBuckets", "*", True),
    ({"Resource": "arn:aws:s3"}, "s3:GetObject", BUCKET, True),
    ({"Resource": "arn:aws:sqs:us-east-1"}, "sqs:SendMessage", "arn:aws:sqs:us-east-1:111111111111:q", True),
    ({"Resource": "arn:aws:sqs:us-west-2"}, "sqs:SendMessage", "arn:aws:sqs:us-east-1:111111111111:q", False),
    ({"Resource": "arn:aws:sqs:us-east-1:222222222222"}, "sqs:SendMessage", "arn:aws:sqs:us-east-1:111111111111:q", False),
    ({"NotResource": "arn:aws:sqs"}, "sqs:SendMessage", "arn:aws:sqs:us-east-1:111111111111:q", False),
    ({"NotResource": "arn:aws:s3:::b/*"}, "s3:GetObject", BUCKET, False),
    ({"NotResource": ["arn:aws:s3:::c/*", "arn:aws:s3:::d/*"]}, "s3:GetObject", BUCKET, True),
    ({"Resource": "arn:aws:s3:::b/${aws:username}/*"}, "s3:GetObject", "arn:aws:s3:::b/dev/k", True),
    ({"Resource": "arn:aws:s3:::b/${aws:username}/*"}, "s3:GetObject", "arn:aws:s3:::b/other/k", False),
    ({"Resource": "arn:aws:s3:::b/${aws:userid}/*"}, "s3:GetObject", "arn:aws:s3:::b//k", False),
    ({"Resource": ["arn:aws:s3:::b/${aws:userid}", "arn:aws:s3:::b/k"]}, "s3:GetObject", BUCKET, True),
    ({"NotResource": "arn:aws:s3:::b/${aws:username}/*"}, "s3:GetObject", "arn:aws:s3:::b/dev/k", False),
    ({"NotResource": "arn:aws:s3:::b/${aws:username}/*"}, "s3:GetObject", BUCKET, True),
    ({"NotResource": "arn:aws:s3:::b/${aws:userid}/*"}, "s3:GetObject", BUCKET, False),
    ({"Resource": "arn:aws:s3:::b/${aws:team, 'k'}"}, "s3:GetObject", BUCKET, True),
    ({"Resource": "arn:aws:s3:::b/${*}"}, "s3:GetObject", BUCKET, False),
    ({"Resource": "arn:aws:iam::${aws:account}:role/*"}, "iam:GetRole", "arn:aws:iam::1:role/x", False),
    ({"Resource": "*", "Principal": {"AWS": OTHER}}, "s3:GetObject", BUCKET, True),
]


@pytest.mark.parametrize(("element", "action", "resource", "expected"), ELEMENTS)
def test_an_element_of_a_statement(element: dict[str, Any], action: str, resource: str, expected: bool) -> None:
    statement = (
        {"Effect": "Allow"} | ({} if "NotAction" in element else {"Action": "*"}) | ({} if "NotResource" in element else {"Resource": "*"})
    )
    values = {"aws:username": "dev", "aws:account": "1"}
    question = Question(action, resource, USER, look_up=values.get)
    assert decide(question, Policies(identity=policies("identity", statement | element))).allowed is expected


def test_the_deny_of_todays_documents_leaves_the_global_services_alone() -> None:
    """S2: `NotAction` with `StringNotEquals` on aws:RequestedRegion; with `Action "*"` it blocks every IAM call."""
    condition = {"StringNotEquals": {"aws:RequestedRegion": ["eu-central-1"]}}
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    careful = {"Effect": "Deny", "NotAction": ["cloudfront:*", "iam:*"], "Resource": "*", "Condition": condition}
    trap = {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition}

    def allowed(action: str, region: str, *statements: dict[str, Any]) -> bool:
        question = Question(action, "*", USER, look_up={"aws:requestedregion": region}.get)
        return decide(question, Policies(identity=policies("identity", *statements))).allowed

    assert allowed("iam:ListRoles", "us-east-1", everything, careful)
    assert allowed("ec2:RunInstances", "eu-central-1", everything, careful)
    assert not allowed("ec2:RunInstances", "us-east-1", everything, careful)
    assert not allowed("iam:ListRoles", "us-east-1", everything, trap)


def test_candidates_are_those_that_have_the_action_those_that_deny_first() -> None:
    several = policies("identity", YES, ELSE, NO | {"Action": "*"}, YES | {"NotAction": "iam:*"})
    assert [statement.index for statement in several.candidates("s3:GetObject")] == [2, 0, 3]
    assert several.candidates("s3:GetObject") == several.candidates("S3:GETOBJECT")


def test_every_statement_is_explained_with_the_first_thing_that_did_not_fit() -> None:
    identity = policies(
        "identity",
        ELSE,
        YES | {"Resource": "arn:aws:s3:::c"},
        YES | {"Condition": {"StringEquals": {"aws:RequestedRegion": "eu-central-1"}}},
        YES | {"Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}},
        YES | {"Sid": "First"},
        YES | {"Sid": "Second"},
        YES | {"Effect": "allow"},
        source="inline:mine",
    )
    question = Question("s3:GetObject", BUCKET, USER, look_up={"aws:requestedregion": "us-east-1"}.get)
    resource = policies("resource", to(ROLE_ARN), source="arn:aws:s3:::b")
    found = explain(question, Policies(identity=identity, resource=resource))
    assert [(one.by, one.verdict, one.found, one.decided) for one in found] == [
        ("resource", "principal", None, False),
        ("identity", "action", None, False),
        ("identity", "resource", None, False),
        ("identity", "StringEquals aws:RequestedRegion", ("us-east-1",), False),
        ("identity", "Bool aws:MultiFactorAuthPresent", None, False),
        ("identity", "matched", None, True),
        ("identity", "matched", None, False),
        ("identity", "effect", None, False),
    ]
    assert {one.statement.source for one in found} == {"arn:aws:s3:::b", "inline:mine"}
    assert question.missing == {"aws:multifactorauthpresent"}
