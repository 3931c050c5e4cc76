"""AWS's own policies. Truth: the Service Authorization Reference for the actions; AWS's managed policy reference for what each is for."""

import json

import pytest

from headwater.aws.policy.actions import service_actions
from headwater.aws.policy.documents import PolicySet, parse
from headwater.aws.policy.evaluation import Policies, decide
from headwater.aws.policy.question import Caller, Question
from headwater.aws.policy.wildcards import glob, tokens
from headwater.services.iam.aws_managed import AWS_MANAGED, aws_managed

DEV = Caller(arn="arn:aws:iam::123456789012:user/dev", account="123456789012", kind="user")
OLDER = {"rds-data:ExecuteSql"}
"""Actions that the reference lists no more."""


def patterns() -> set[str]:
    found = set()
    for policy in aws_managed().values():
        for statement in json.loads(policy.document)["Statement"]:
            actions = statement.get("Action", statement.get("NotAction"))
            found |= set(actions if isinstance(actions, list) else [actions])
    return found


def test_every_plain_action_of_a_policy_is_one_that_aws_has() -> None:
    wrong = set()
    for pattern in patterns() - {"*"}:
        prefix, _, name = pattern.partition(":")
        service = service_actions(prefix)
        matches = glob(tokens(name.lower()))
        if service is None or ("*" not in name and not any(matches(one) for one in service.actions)):
            wrong.add(pattern)
    assert wrong - OLDER == set()


def allowed(name: str, action: str, resource: str = "*", **keys: str) -> bool:
    policy = aws_managed()[f"{AWS_MANAGED}{name}"]
    question = Question(action, resource, DEV, look_up=keys.get)
    return decide(question, Policies(identity=PolicySet([parse(policy.document, source=policy.arn)]))).allowed


CASES = {
    "a reader reads": ("ReadOnlyAccess", "s3:GetObject", True),
    "a reader does not write": ("ReadOnlyAccess", "s3:PutObject", False),
    "a reader gets no cluster's credentials": ("ReadOnlyAccess", "redshift:GetClusterCredentials", False),
    "a reader gets no secret": ("ReadOnlyAccess", "secretsmanager:GetSecretValue", False),
    "a viewer sees no content": ("job-function/ViewOnlyAccess", "s3:GetObject", False),
    "an auditor sees policies": ("SecurityAudit", "lambda:GetPolicy", True),
    "a power user writes": ("PowerUserAccess", "rds:CreateDBInstance", True),
    "a power user makes no users": ("PowerUserAccess", "iam:CreateUser", False),
    "a power user lets services make their roles": ("PowerUserAccess", "iam:CreateServiceLinkedRole", True),
    "a function writes its logs": ("service-role/AWSLambdaBasicExecutionRole", "logs:PutLogEvents", True),
    "a function reads no logs": ("service-role/AWSLambdaBasicExecutionRole", "logs:GetLogEvents", False),
    "IAM's administrator makes users": ("IAMFullAccess", "iam:CreateUser", True),
    "IAM's administrator reads no buckets": ("IAMFullAccess", "s3:ListAllMyBuckets", False),
    "secrets can be read and written": ("SecretsManagerReadWrite", "secretsmanager:PutSecretValue", True),
}


@pytest.mark.parametrize(("name", "action", "expected"), CASES.values(), ids=CASES)
def test_a_policy_grants_what_its_name_promises(name: str, action: str, expected: bool) -> None:
    assert allowed(name, action) is expected


def test_lambdas_administrator_passes_roles_to_lambda_alone_and_reads_its_logs_alone() -> None:
    role = "arn:aws:iam::123456789012:role/r"
    to = "iam:passedtoservice"
    assert allowed("AWSLambda_FullAccess", "iam:PassRole", role, **{to: "lambda.amazonaws.com"})
    assert not allowed("AWSLambda_FullAccess", "iam:PassRole", role, **{to: "glue.amazonaws.com"})
    logs = "arn:aws:logs:us-east-1:123456789012:log-group:"
    assert allowed("AWSLambda_FullAccess", "logs:FilterLogEvents", f"{logs}/aws/lambda/f:*")
    assert not allowed("AWSLambda_FullAccess", "logs:FilterLogEvents", f"{logs}other:*")


def test_no_policy_for_reading_changes_permissions() -> None:
    for name in ("ReadOnlyAccess", "job-function/ViewOnlyAccess", "SecurityAudit", "AmazonS3ReadOnlyAccess", "IAMReadOnlyAccess"):
        for prefix in ("s3", "iam", "kms", "lambda", "sqs", "sns", "secretsmanager", "redshift", "rds", "logs"):
            service = service_actions(prefix)
            assert service is not None
            changing = [one.name for one in service.actions.values() if one.access_level == "Permissions management"]
            assert [action for action in changing if allowed(name, action)] == []
