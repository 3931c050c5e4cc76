"""Managed policies and their versions, over the wire. Truth: the IAM API reference; test_user_attach_policy of the recordings."""

import json
from typing import Any

import pytest


@pytest.fixture
def iam(aws: Any) -> Any:
    return aws.client("iam")


def document(action: str = "s3:GetObject") -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]})


def test_a_policy_is_described_as_aws_describes_it(iam: Any, aws: Any, refused: Any) -> None:
    made = iam.create_policy(PolicyName="read", PolicyDocument=document())["Policy"]
    assert made | {"CreateDate": 0, "UpdateDate": 0, "PolicyId": made["PolicyId"][:4]} == {
        "Arn": f"arn:aws:iam::{aws.account}:policy/read",
        "AttachmentCount": 0,
        "CreateDate": 0,
        "DefaultVersionId": "v1",
        "IsAttachable": True,
        "Path": "/",
        "PermissionsBoundaryUsageCount": 0,
        "PolicyId": "ANPA",
        "PolicyName": "read",
        "UpdateDate": 0,
    }
    with refused("EntityAlreadyExists", "A policy called read already exists. Duplicate names are not allowed."):
        iam.create_policy(PolicyName="read", PolicyDocument=document())


def test_versions_are_numbered_once_and_five_at_most(iam: Any, refused: Any) -> None:
    arn = iam.create_policy(PolicyName="read", PolicyDocument=document())["Policy"]["Arn"]
    for number in range(2, 6):
        made = iam.create_policy_version(PolicyArn=arn, PolicyDocument=document(f"s3:Get{number}"), SetAsDefault=number == 3)
        assert made["PolicyVersion"]["VersionId"] == f"v{number}"
    with refused("LimitExceeded", "A managed policy can have up to 5 versions."):
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=document())
    assert iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"] == "v3"
    got = iam.get_policy_version(PolicyArn=arn, VersionId="v2")["PolicyVersion"]
    assert (got["Document"]["Statement"][0]["Action"], got["IsDefaultVersion"]) == ("s3:Get2", False)
    with refused("DeleteConflict", "Cannot delete the default version of a policy."):
        iam.delete_policy_version(PolicyArn=arn, VersionId="v3")
    with refused("DeleteConflict", "This policy has more than one version."):
        iam.delete_policy(PolicyArn=arn)
    iam.set_default_policy_version(PolicyArn=arn, VersionId="v5")
    for number in range(1, 5):
        iam.delete_policy_version(PolicyArn=arn, VersionId=f"v{number}")
    assert [version["VersionId"] for version in iam.list_policy_versions(PolicyArn=arn)["Versions"]] == ["v5"]
    assert iam.create_policy_version(PolicyArn=arn, PolicyDocument=document())["PolicyVersion"]["VersionId"] == "v6"
    with refused("NoSuchEntity"):
        iam.get_policy_version(PolicyArn=arn, VersionId="v1")


def test_a_policy_in_use_stays(iam: Any, refused: Any) -> None:
    arn = iam.create_policy(PolicyName="read", PolicyDocument=document(), Path="/team/")["Policy"]["Arn"]
    assert arn.endswith(":policy/team/read")
    iam.create_user(UserName="bob")
    iam.attach_user_policy(UserName="bob", PolicyArn=arn)
    assert iam.get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"] == 1
    assert [policy["PolicyName"] for policy in iam.list_policies(Scope="Local", OnlyAttached=True)["Policies"]] == ["read"]
    with refused("DeleteConflict", "Cannot delete a policy attached to entities."):
        iam.delete_policy(PolicyArn=arn)
    iam.detach_user_policy(UserName="bob", PolicyArn=arn)
    iam.delete_policy(PolicyArn=arn)
    with refused("NoSuchEntity", f"Policy {arn} was not found."):
        iam.get_policy(PolicyArn=arn)


def test_aws_s_own_policies_are_there_and_stay_as_they_are(iam: Any, refused: Any) -> None:
    arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
    got = iam.get_policy(PolicyArn=arn)["Policy"]
    assert (got["PolicyName"], got["Path"]) == ("AWSLambdaBasicExecutionRole", "/service-role/")
    version = iam.get_policy_version(PolicyArn=arn, VersionId=got["DefaultVersionId"])["PolicyVersion"]
    assert version["Document"]["Statement"][0]["Action"] == ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]
    with refused("AccessDenied"):
        iam.delete_policy(PolicyArn=arn)
    names = [
        policy["PolicyName"]
        for page in iam.get_paginator("list_policies").paginate(Scope="AWS", MaxItems=20)
        for policy in page["Policies"]
    ]
    assert len(names) == len(set(names)) > 60


def test_a_policy_has_tags(iam: Any) -> None:
    arn = iam.create_policy(PolicyName="read", PolicyDocument=document(), Tags=[{"Key": "a", "Value": "1"}])["Policy"]["Arn"]
    iam.tag_policy(PolicyArn=arn, Tags=[{"Key": "b", "Value": "2"}])
    assert [tag["Key"] for tag in iam.list_policy_tags(PolicyArn=arn)["Tags"]] == ["a", "b"]
    iam.untag_policy(PolicyArn=arn, TagKeys=["a", "b"])


def test_sizes_are_limited(iam: Any, refused: Any) -> None:
    iam.create_user(UserName="bob")
    with refused("LimitExceeded", "Cannot exceed quota for PolicySize: 6144"):
        iam.create_policy(PolicyName="large", PolicyDocument=document("s3:" + "x" * 6200))
    with refused("LimitExceeded", "Maximum policy size of 2048 bytes exceeded for user bob"):
        iam.put_user_policy(UserName="bob", PolicyName="large", PolicyDocument=document("s3:" + "x" * 2048))
    with refused("MalformedPolicyDocument", "Syntax errors in policy."):
        iam.put_user_policy(UserName="bob", PolicyName="broken", PolicyDocument="[]")
