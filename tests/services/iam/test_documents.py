"""Policy documents that IAM refuses. Truth: AWS's own sentences as users meet them, and the grammar of IAM's JSON policies."""

import json
from typing import Any

import pytest

from headwater.aws.faults import Fault
from headwater.services.iam.aws_managed import aws_managed
from headwater.services.iam.documents import check

GOOD = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}
TRUST = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}


def without(statement: dict[str, Any], member: str) -> dict[str, Any]:
    return {name: value for name, value in statement.items() if name != member}


def policy(*statements: Any, **members: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)} | members)


IDENTITY = {
    "no JSON": ("{not json", "Syntax errors in policy."),
    "no statement": (json.dumps({"Version": "2012-10-17"}), "Syntax errors in policy."),
    "an unknown member": (policy(GOOD, Colour="red"), "Syntax errors in policy."),
    "an unknown version": (policy(GOOD, Version="2020-01-01"), "Syntax errors in policy."),
    "a principal": (policy(GOOD | {"Principal": "*"}), "Policy document should not specify a principal."),
    "no action": (policy(without(GOOD, "Action")), "Policy statement must contain actions."),
    "no resource": (policy(without(GOOD, "Resource")), "Policy statement must contain resources."),
    "no effect": (policy(without(GOOD, "Effect")), "Syntax errors in policy."),
    "an action without a service": (policy(GOOD | {"Action": "GetObject"}), "Actions/Conditions must be prefaced by a vendor"),
    "a resource that is no ARN": (policy(GOOD | {"Resource": "bucket"}), 'Resource bucket must be in ARN format or "*".'),
    "a Sid twice": (policy(GOOD | {"Sid": "a"}, GOOD | {"Sid": "a"}), "Statement IDs (SID) in a single policy must be unique."),
    "a Sid with a blank": (policy(GOOD | {"Sid": "a b"}), "must be alpha-numeric"),
    "an unknown operator": (policy(GOOD | {"Condition": {"Sounds": {"a": "b"}}}), "Syntax errors in policy."),
}


@pytest.mark.parametrize(("document", "sentence"), IDENTITY.values(), ids=IDENTITY)
def test_an_identity_policy_is_refused(document: str, sentence: str) -> None:
    with pytest.raises(Fault) as refused:
        check(document, "identity")
    assert refused.value.code == "MalformedPolicyDocument"
    assert sentence in refused.value.message


TRUSTS = {
    "no JSON": ("{not json", "This policy contains invalid Json"),
    "a resource": (policy(TRUST | {"Resource": "*"}), "Has prohibited field Resource"),
    "no principal": (policy(without(TRUST, "Principal")), "Missing required field Principal"),
    "another service's action": (policy(TRUST | {"Action": "s3:GetObject"}), "AssumeRole policy may only specify STS AssumeRole actions."),
    "an unknown kind of principal": (policy(TRUST | {"Principal": {"Robot": "x"}}), "Invalid principal in policy"),
}


@pytest.mark.parametrize(("document", "sentence"), TRUSTS.values(), ids=TRUSTS)
def test_a_trust_policy_is_refused(document: str, sentence: str) -> None:
    with pytest.raises(Fault) as refused:
        check(document, "trust")
    assert refused.value.code == "MalformedPolicyDocument"
    assert sentence in refused.value.message


def test_what_the_grammar_allows_passes() -> None:
    check(policy(GOOD), "identity")
    check(policy(GOOD | {"Condition": {"ForAllValues:StringLikeIfExists": {"aws:TagKeys": ["a*"]}}}), "identity")
    check(json.dumps({"Version": "2012-10-17", "Statement": GOOD | {"Action": ["s3:*", "*"], "Resource": ["*"]}}), "identity")
    check(policy(TRUST, TRUST | {"Principal": {"AWS": ["123456789012", "*"]}, "Action": ["sts:AssumeRole", "sts:TagSession"]}), "trust")


def test_aws_s_own_policies_are_well_formed_and_have_their_known_arns() -> None:
    found = aws_managed()
    for one in found.values():
        check(one.document, "identity")
    for arn in (
        "AdministratorAccess",
        "SecretsManagerReadWrite",
        "IAMFullAccess",
        "AmazonS3FullAccess",
        "AWSLambda_FullAccess",
        "service-role/AWSLambdaBasicExecutionRole",
        "service-role/AWSGlueServiceRole",
        "job-function/ViewOnlyAccess",
    ):
        assert f"arn:aws:iam::aws:policy/{arn}" in found
