"""Whom a role trusts. Truth: "AWS JSON policy elements: Principal" of the user guide: names become ids when the policy is saved."""

import json
from typing import Any

import pytest

from users import User, allow

pytestmark = pytest.mark.http


def trusting(*principals: str) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": list(principals) if len(principals) > 1 else principals[0]},
        "Action": "sts:AssumeRole",
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture
def iam(aws: Any) -> Any:
    return aws.client("iam")


def named(iam: Any) -> Any:
    return iam.get_role(RoleName="r")["Role"]["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]["AWS"]


def test_only_who_is_there_can_be_named(iam: Any, aws: Any, refused: Any) -> None:
    nobody = f"arn:aws:iam::{aws.account}:user/nobody"
    with refused("MalformedPolicyDocument", f'Invalid principal in policy: "AWS":"{nobody}"'):
        iam.create_role(RoleName="r", AssumeRolePolicyDocument=trusting(nobody))
    for principal in ("*", aws.account, f"arn:aws:iam::{aws.account}:root", "arn:aws:iam::999999999999:role/elsewhere"):
        iam.create_role(RoleName="r", AssumeRolePolicyDocument=trusting(principal))
        assert named(iam) == principal
        iam.delete_role(RoleName="r")
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=trusting("*"))
    with refused("MalformedPolicyDocument", "Invalid principal in policy"):
        iam.update_assume_role_policy(RoleName="r", PolicyDocument=trusting("*", nobody.replace(":user/", ":role/")))


def test_a_user_made_again_under_the_trusted_name_is_not_trusted(iam: Any, aws: Any, refused: Any) -> None:
    first = User(aws)
    unique_id = iam.get_user(UserName="dev")["User"]["UserId"]
    role = iam.create_role(RoleName="r", AssumeRolePolicyDocument=trusting(first.arn, aws.account))["Role"]["Arn"]
    iam.update_assume_role_policy(RoleName="r", PolicyDocument=trusting(first.arn))
    taken = {"RoleArn": role, "RoleSessionName": "session"}
    first.client("sts").assume_role(**taken)
    (key,) = iam.list_access_keys(UserName="dev")["AccessKeyMetadata"]
    iam.delete_access_key(UserName="dev", AccessKeyId=key["AccessKeyId"])
    iam.delete_user(UserName="dev")
    assert named(iam) == unique_id
    second = User(aws, allow("sts:AssumeRole"))
    assert second.arn == first.arn
    with refused("AccessDenied", "sts:AssumeRole"):
        second.client("sts").assume_role(**taken)
    assert named(iam) == unique_id
    (listed,) = iam.list_roles()["Roles"]
    assert listed["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]["AWS"] == unique_id
    iam.update_assume_role_policy(RoleName="r", PolicyDocument=trusting(second.arn))
    second.client("sts").assume_role(**taken)


def test_a_user_with_a_new_name_is_still_trusted(iam: Any, aws: Any) -> None:
    dev = User(aws)
    role = iam.create_role(RoleName="r", AssumeRolePolicyDocument=trusting(dev.arn))["Role"]["Arn"]
    iam.update_user(UserName="dev", NewUserName="developer")
    assert named(iam) == f"arn:aws:iam::{aws.account}:user/developer"
    dev.client("sts").assume_role(RoleArn=role, RoleSessionName="session")


def test_a_role_made_again_under_the_trusted_name_is_not_trusted(iam: Any, aws: Any, refused: Any) -> None:
    def make() -> tuple[str, Any]:
        middle = iam.create_role(RoleName="middle", AssumeRolePolicyDocument=trusting(aws.account))["Role"]["Arn"]
        iam.put_role_policy(
            RoleName="middle",
            PolicyName="p",
            PolicyDocument='{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sts:*","Resource":"*"}}',
        )
        session = aws.client("sts").assume_role(RoleArn=middle, RoleSessionName="session")["Credentials"]
        keys = {"aws_access_key_id": session["AccessKeyId"], "aws_secret_access_key": session["SecretAccessKey"]}
        return middle, aws.client("sts", aws_session_token=session["SessionToken"], **keys)

    middle, sts = make()
    role = iam.create_role(RoleName="r", AssumeRolePolicyDocument=trusting(middle))["Role"]["Arn"]
    sts.assume_role(RoleArn=role, RoleSessionName="session")
    iam.delete_role_policy(RoleName="middle", PolicyName="p")
    iam.delete_role(RoleName="middle")
    _, sts = make()
    with refused("AccessDenied"):
        sts.assume_role(RoleArn=role, RoleSessionName="session")
