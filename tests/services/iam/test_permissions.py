"""What an IAM user needs for IAM itself: ARNs with their paths, its own user, boundaries, and roles that it passes on.

Truth: the Service Authorization Reference of IAM, "Allows IAM users to manage their own credentials", "Delegating responsibility to
others using permissions boundaries" and "Granting a user permissions to pass a role" of the user guide.
"""

import json
from typing import Any

import pytest

from users import User, allow, role

TRUST = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
)
POLICY = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]})

pytestmark = pytest.mark.http


def test_a_user_who_names_nobody_asks_for_itself(aws: Any, refused: Any) -> None:
    user = User(aws, allow(["iam:GetUser", "iam:*AccessKey*"], "arn:aws:iam::*:user/dev/${aws:username}"), path="/dev/")
    iam = user.client("iam")
    assert iam.get_user()["User"]["Arn"] == user.arn
    key = iam.create_access_key()["AccessKey"]
    assert len(iam.list_access_keys(UserName="dev")["AccessKeyMetadata"]) == 2
    assert iam.get_access_key_last_used(AccessKeyId=key["AccessKeyId"])["UserName"] == "dev"
    iam.delete_access_key(AccessKeyId=key["AccessKeyId"])
    aws.client("iam").create_user(UserName="other")
    with refused("AccessDenied", "iam:CreateAccessKey"):
        iam.create_access_key(UserName="other")


def test_the_path_belongs_to_the_arn_at_the_creation_and_after(aws: Any, refused: Any) -> None:
    under = f"arn:aws:iam::{aws.account}"
    iam = User(aws, allow("iam:*", [f"{under}:role/web/*", f"{under}:user/web/*", f"{under}:policy/web/*"])).client("iam")
    iam.create_role(RoleName="server", Path="/web/", AssumeRolePolicyDocument=TRUST)
    assert iam.get_role(RoleName="server")["Role"]["Path"] == "/web/"
    iam.create_policy(PolicyName="files", Path="/web/", PolicyDocument=POLICY)
    with refused("AccessDenied", f"iam:CreateRole on resource: {under}:role/server2"):
        iam.create_role(RoleName="server2", AssumeRolePolicyDocument=TRUST)
    aws.client("iam").create_role(RoleName="elsewhere", AssumeRolePolicyDocument=TRUST)
    with refused("AccessDenied"):
        iam.delete_role(RoleName="elsewhere")
    iam.create_user(UserName="ada", Path="/web/")
    with refused("AccessDenied", "iam:UpdateUser on resource: user ada"):  # a rename needs the permission on both
        iam.update_user(UserName="ada", NewPath="/")


def test_tags_at_a_creation_need_the_permission_to_tag(aws: Any, refused: Any) -> None:
    """Truth: openshift/installer issue 1073, CreateRole with tags."""
    user = User(aws, allow("iam:CreateRole"))
    wanted = {"RoleName": "server", "AssumeRolePolicyDocument": TRUST, "Tags": [{"Key": "team", "Value": "web"}]}
    with refused("AccessDenied", f"iam:TagRole on resource: arn:aws:iam::{aws.account}:role/server"):
        user.client("iam").create_role(**wanted)
    user.may(allow(["iam:CreateRole", "iam:TagRole"], "*", StringEquals={"aws:RequestTag/team": "web"}))
    user.client("iam").create_role(**wanted)


def test_listing_is_of_the_path_that_is_listed(aws: Any, refused: Any) -> None:
    iam = User(aws, allow("iam:ListUsers", f"arn:aws:iam::{aws.account}:user/*")).client("iam")
    assert [user["UserName"] for user in iam.list_users()["Users"]] == ["dev"]
    with refused("AccessDenied", f"iam:ListRoles on resource: arn:aws:iam::{aws.account}:role/"):
        iam.list_roles()


def test_only_a_certain_policy_may_be_attached(aws: Any, refused: Any) -> None:
    reading = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    iam = User(aws, allow("iam:AttachUserPolicy", "*", ArnEquals={"iam:PolicyARN": reading})).client("iam")
    with refused("AccessDenied"):
        iam.attach_user_policy(UserName="dev", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    iam.attach_user_policy(UserName="dev", PolicyArn=reading)


def test_who_makes_users_can_be_held_to_give_each_a_boundary(aws: Any, refused: Any) -> None:
    boundary = aws.client("iam").create_policy(PolicyName="boundary", PolicyDocument=POLICY)["Policy"]["Arn"]
    bounded = {"StringEquals": {"iam:PermissionsBoundary": boundary}}
    iam = User(aws, allow(["iam:CreateUser", "iam:AttachUserPolicy", "iam:DeleteUserPermissionsBoundary"], "*", **bounded)).client("iam")
    with refused("AccessDenied"):
        iam.create_user(UserName="free")
    iam.create_user(UserName="bound", PermissionsBoundary=boundary)
    iam.attach_user_policy(UserName="bound", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    with refused("AccessDenied"):
        iam.attach_user_policy(UserName="dev", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")


def test_a_service_linked_role_is_made_for_the_service_that_was_meant(aws: Any, refused: Any) -> None:
    arn = "arn:aws:iam::*:role/aws-service-role/rds.amazonaws.com/AWSServiceRoleForRDS*"
    user = User(aws, allow("iam:CreateServiceLinkedRole", arn, StringLike={"iam:AWSServiceName": "rds.amazonaws.com"}))
    iam = user.client("iam")
    with refused("AccessDenied"):
        iam.create_service_linked_role(AWSServiceName="redshift.amazonaws.com")
    iam.create_service_linked_role(AWSServiceName="rds.amazonaws.com")
    deletion = aws.client("iam").delete_service_linked_role(RoleName="AWSServiceRoleForRDS")["DeletionTaskId"]
    user.may(allow("iam:GetServiceLinkedRoleDeletionStatus", arn))
    assert iam.get_service_linked_role_deletion_status(DeletionTaskId=deletion)["Status"] == "SUCCEEDED"


def test_a_role_in_an_instance_profile_was_passed_to_ec2(aws: Any, refused: Any) -> None:
    server = role(aws, "server", "ec2.amazonaws.com")
    user = User(aws, allow(["iam:CreateInstanceProfile", "iam:AddRoleToInstanceProfile"]))
    iam = user.client("iam")
    iam.create_instance_profile(InstanceProfileName="web")
    with refused("AccessDenied", f"iam:PassRole on resource: {server}"):
        iam.add_role_to_instance_profile(InstanceProfileName="web", RoleName="server")
    passing = allow("iam:PassRole", server, StringEquals={"iam:PassedToService": "ec2.amazonaws.com"})
    user.may(allow("iam:AddRoleToInstanceProfile"), passing)
    iam.add_role_to_instance_profile(InstanceProfileName="web", RoleName="server")


def test_the_tags_of_a_role_decide_who_changes_it(aws: Any, refused: Any) -> None:
    root = aws.client("iam")
    for name, team in (("ours", "web"), ("theirs", "ops")):
        root.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST, Tags=[{"Key": "team", "Value": team}])
    iam = User(aws, allow("iam:DeleteRole", "*", StringEquals={"iam:ResourceTag/team": "web"})).client("iam")
    iam.delete_role(RoleName="ours")
    with refused("AccessDenied"):
        iam.delete_role(RoleName="theirs")
