"""The sentences. Truth: "Troubleshoot access denied error messages" of the user guide; for the ARN at the end the AWS Security
Blog's "Enhanced access denied error messages with policy ARNs"; for S3's quotation marks S3's "Troubleshoot access denied (403
Forbidden) errors"; for EC2, and for actions without a resource, the refusals that users quote.
"""

import pytest

from headwater.aws.policy.denial import sentence
from headwater.aws.policy.documents import parse
from headwater.aws.policy.evaluation import Decision
from headwater.aws.policy.question import Caller, Question

JOHN = Caller(kind="user", arn="arn:aws:iam::123456789012:user/JohnDoe", account="123456789012")
SCP = "arn:aws:organizations::987654321098:policy/o-qv5af4abcd/service_control_policy/p-2kgnabcd"
GROUP = "arn:aws:codedeploy:us-east-1:123456789012:deploymentgroup:*"
LIST = f"User: {JOHN.arn} is not authorized to perform: codedeploy:ListDeployments on resource: {GROUP}"


def denied(by: str, source: str | None = None) -> Decision:
    """An implicit denial, or an explicit one by a policy with this source."""
    if source is None:
        return Decision(False, False, by)  # type: ignore[arg-type]  # a str of the table below
    (statement,) = parse('{"Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}}', source=source).statements
    return Decision(False, True, by, statement)  # type: ignore[arg-type]  # likewise


BECAUSE = "because no {} allows the codedeploy:ListDeployments action"
EXPLICIT = "with an explicit deny in"
MANAGED = "arn:aws:iam::123456789012:policy/No"
SENTENCES = {
    "identity": (denied("identity"), BECAUSE.format("identity-based policy")),
    "boundary": (denied("boundary"), BECAUSE.format("permissions boundary")),
    "session": (denied("session"), BECAUSE.format("session policy")),
    "resource": (denied("resource"), BECAUSE.format("resource-based policy")),
    "control": (denied("control"), BECAUSE.format("service control policy")),
    "explicit, inline": (denied("identity", "inline:x"), f"{EXPLICIT} an identity-based policy"),
    "explicit, managed": (denied("identity", MANAGED), f"{EXPLICIT} an identity-based policy: {MANAGED}"),
    "explicit, boundary": (denied("boundary", MANAGED), f"{EXPLICIT} a permissions boundary: {MANAGED}"),
    "explicit, session": (denied("session", "inline:"), f"{EXPLICIT} a session policy"),
    "explicit, control": (denied("control", SCP), f"{EXPLICIT} a service control policy: {SCP}"),
    "explicit, resource": (denied("resource", "arn:aws:s3:::b"), f"{EXPLICIT} a resource-based policy"),
}


@pytest.mark.parametrize(("decision", "expected"), SENTENCES.values(), ids=SENTENCES)
def test_a_refusal_says(decision: Decision, expected: str) -> None:
    assert sentence(Question("codedeploy:ListDeployments", GROUP, JOHN), decision) == f"{LIST} {expected}"


def test_a_role_s_trust_has_its_own_name() -> None:
    question = Question("sts:AssumeRole", "arn:aws:iam::1:role/r", JOHN)
    asked = f"User: {JOHN.arn} is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::1:role/r"
    assert sentence(question, denied("resource")) == f"{asked} because no role trust policy allows the sts:AssumeRole action"
    assert sentence(question, denied("resource", "arn:aws:iam::1:role/r")) == f"{asked} {EXPLICIT} the role trust policy"


def test_s3_puts_its_resource_in_quotation_marks() -> None:
    found = sentence(Question("s3:GetObject", "arn:aws:s3:::b/k", JOHN), denied("identity"))
    assert found.endswith('on resource: "arn:aws:s3:::b/k" because no identity-based policy allows the s3:GetObject action')


def test_ec2_has_a_sentence_in_front() -> None:
    found = sentence(Question("ec2:RunInstances", "arn:aws:ec2:us-east-1:1:instance/*", JOHN), denied("identity"))
    assert found.startswith(
        f"You are not authorized to perform this operation. User: {JOHN.arn} is not authorized to perform: ec2:RunInstances"
    )


def test_a_resource_that_there_is_not_is_a_star_or_nothing() -> None:
    because = "because no identity-based policy allows the {} action"
    for action, resource in (("lambda:ListFunctions", " on resource: *"), ("s3:ListAllMyBuckets", ""), ("ec2:DescribeInstances", "")):
        found = sentence(Question(action, "*", JOHN), denied("identity"))
        assert found.endswith(f"is not authorized to perform: {action}{resource} {because.format(action)}")


def test_anybody_is_told_nothing() -> None:
    assert sentence(Question("s3:GetObject", "arn:aws:s3:::b/k", Caller(kind="anonymous")), denied("resource")) == "Access Denied"


@pytest.mark.parametrize(
    ("action", "resource", "shown"),
    [
        ("GetRole", "role/ops/deploy", "role deploy"),
        ("ListAccessKeys", "user/ada", "user ada"),
        ("GetGroup", "group/readers", "group readers"),
        ("GetInstanceProfile", "instance-profile/web", "instance profile web"),
        ("GetPolicy", "policy/ops/read", "policy arn:aws:iam::1:policy/ops/read"),
        ("CreatePolicy", "policy/ops/read", "policy read"),
        ("CreateRole", "role/ops/deploy", "arn:aws:iam::1:role/ops/deploy"),
        ("TagRole", "role/deploy", "arn:aws:iam::1:role/deploy"),
        ("PassRole", "role/deploy", "arn:aws:iam::1:role/deploy"),
        ("ListRoles", "role/", "arn:aws:iam::1:role/"),
    ],
)
def test_iam_calls_what_is_there_by_its_name(action: str, resource: str, shown: str) -> None:
    """Truth: refusals that users quote, such as aws-cdk issue 27067 (GetRole) and openshift/installer issue 1073 (TagRole)."""
    found = sentence(Question(f"iam:{action}", f"arn:aws:iam::1:{resource}", JOHN), denied("identity"))
    assert f"iam:{action} on resource: {shown} because" in found
