"""How AWS says no: who, what, to what, and which kind of policy was against it.

An explicit deny by a policy that has an ARN of its own ends with that ARN: AWS's form since January 2026 (AWS Security Blog,
"Enhanced access denied error messages with policy ARNs"; before, the sentence ended with the policy's kind, and users quote both).
Inline policies have no ARN, and resource-based ones are not in that change. S3 alone puts its resource in quotation marks (S3
user guide, "Troubleshoot access denied (403 Forbidden) errors"), EC2 alone has a sentence in front (and the encoded message
behind, which is not made here), and some services say nothing of a resource where there is none. IAM calls what is there by its
kind and name ("role deploy", "policy arn:…"), and what is made, tagged, listed or passed on by its ARN, as users quote it
(aws-cdk issue 27067 for iam:GetRole, openshift/installer issue 1073 for iam:TagRole).
Source of the rest: "Troubleshoot access denied error messages" of the user guide.
"""

from __future__ import annotations

import re
from typing import Final

from .evaluation import By, Decision
from .question import Question

NOUN: Final[dict[By, str]] = {
    "identity": "identity-based policy",
    "resource": "resource-based policy",
    "boundary": "permissions boundary",
    "session": "session policy",
    "control": "service control policy",
}
UNSIGNED: Final = frozenset({"sts:AssumeRoleWithWebIdentity", "sts:AssumeRoleWithSAML"})
"""Who calls these has no name yet, and is told nothing of the trust policy."""
SILENT_OF_NO_RESOURCE: Final = frozenset({"s3", "ec2", "cloudwatch", "codecommit", "sagemaker", "secretsmanager"})
"""As users quote them; Lambda, ECR, KMS, SSM, IAM and others say "on resource: *"."""
NAMED_IN_IAM: Final = frozenset({"user", "group", "role", "policy", "instance-profile"})
BY_ARN: Final = re.compile(r"iam:(Create(User|Group|Role|InstanceProfile|ServiceLinkedRole)$|Tag|Untag|PassRole$)", re.IGNORECASE)
FRONT: Final = {"ec2": "You are not authorized to perform this operation. "}


def sentence(question: Question, decision: Decision) -> str:
    """What the one who was refused is told; the decision must be a refusal."""
    if question.caller.kind == "anonymous":
        return "Access Denied"
    if question.action in UNSIGNED:
        return f"Not authorized to perform {question.action}"
    service = question.action.partition(":")[0]
    asked = f"User: {question.caller.arn} is not authorized to perform: {question.action}{_resource(question, service)}"
    return f"{FRONT.get(service, '')}{asked} {reason(question, decision)}"


def _resource(question: Question, service: str) -> str:
    if question.resource == "*" and service in SILENT_OF_NO_RESOURCE:
        return ""
    if service == "iam" and not BY_ARN.match(question.action):
        return f" on resource: {_by_name(question)}"
    return f' on resource: "{question.resource}"' if service == "s3" else f" on resource: {question.resource}"


def _by_name(question: Question) -> str:
    arn = question.resource
    kind, _, path = arn.rpartition(":")[2].partition("/")
    name = path.rpartition("/")[2]
    if not name or kind not in NAMED_IN_IAM:
        return arn
    if kind == "policy" and question.action.lower() != "iam:createpolicy":
        return f"policy {arn}"
    return f"{kind.replace('-', ' ')} {name}"


def reason(question: Question, decision: Decision) -> str:
    noun = _noun(question, decision)
    if not decision.explicit:
        return f"because no {noun} allows the {question.action} action"
    article = "the" if noun == ROLE_TRUST else "an" if noun[0] in "aeiou" else "a"
    return f"with an explicit deny in {article} {noun}{_arn(decision)}"


ROLE_TRUST: Final = "role trust policy"


def _noun(question: Question, decision: Decision) -> str:
    if decision.by == "resource" and question.action.lower().startswith("sts:"):
        return ROLE_TRUST
    return NOUN.get(decision.by, NOUN["identity"])


def _arn(decision: Decision) -> str:
    source = decision.statement.source if decision.statement is not None and decision.by != "resource" else ""
    return f": {source}" if source.startswith("arn:") else ""
