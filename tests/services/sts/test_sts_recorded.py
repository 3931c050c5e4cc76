"""STS: the calls of the recorded case made again. Truth: the recorded answers of AWS."""

import json
from typing import Any

import pytest

from recorded import Recorded

pytestmark = pytest.mark.http


def test_tags_of_a_session(aws: Any) -> None:
    statement = {"Effect": "Allow", "Principal": {"AWS": aws.account}, "Action": ["sts:AssumeRole", "sts:TagSession"]}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    case_name = "TestSTSAssumeRoleTagging::test_assume_role_tag_validation"
    with Recorded("sts", case_name) as case:
        made = case.answers("role-1", aws.client("iam").create_role, RoleName="r", AssumeRolePolicyDocument=document)
        asked = {"RoleArn": made["Role"]["Arn"], "RoleSessionName": "session"}
        assume = aws.client("sts").assume_role
        tags = [{"Key": "a", "Value": "1"}]
        case.answers("invalid-transitive-tag-keys", assume, Tags=tags, TransitiveTagKeys=["b"], **asked)
        doubled = [*tags, {"Key": "A", "Value": "2"}]
        case.answers("duplicate-tag-keys-different-casing", assume, Tags=doubled, **asked)
