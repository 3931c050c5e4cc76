"""Users, groups, roles, keys, profiles and the account, over the wire with boto3.

Truth: the IAM API reference, iam.json of the recordings (role and policy answers, service-linked roles, sentences of errors),
else AWS's sentences as users meet them.
"""

import json
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
ALLOW = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}


@pytest.fixture
def iam(aws: Any) -> Any:
    return aws.client("iam")


def role(iam: Any, name: str = "worker", **members: Any) -> dict[str, Any]:
    made: dict[str, Any] = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST), **members)["Role"]
    return made


def test_a_user_is_made_renamed_and_deleted(iam: Any, aws: Any, refused: Any) -> None:
    made = iam.create_user(UserName="bob", Path="/team/", Tags=[{"Key": "who", "Value": "Bob"}])["User"]
    assert made["Arn"] == f"arn:aws:iam::{aws.account}:user/team/bob"
    assert made["UserId"].startswith("AIDA")
    assert iam.get_user(UserName="bob")["User"]["Tags"] == [{"Key": "who", "Value": "Bob"}]
    with refused("EntityAlreadyExists", "User with name BOB already exists."):
        iam.create_user(UserName="BOB")
    iam.update_user(UserName="bob", NewUserName="robert", NewPath="/")
    assert iam.get_user(UserName="robert")["User"]["UserId"] == made["UserId"]
    iam.delete_user(UserName="robert")
    with refused("NoSuchEntity", "The user with name robert cannot be found."):
        iam.get_user(UserName="robert")


def test_listings_come_in_pages_under_a_path(iam: Any) -> None:
    for number in range(5):
        iam.create_user(UserName=f"u{number}", Path="/a/" if number % 2 else "/")
    first = iam.list_users(MaxItems=3)
    assert ([user["UserName"] for user in first["Users"]], first["IsTruncated"]) == (["u0", "u1", "u2"], True)
    rest = iam.list_users(Marker=first["Marker"])
    assert ([user["UserName"] for user in rest["Users"]], rest["IsTruncated"]) == (["u3", "u4"], False)
    assert [user["UserName"] for user in iam.list_users(PathPrefix="/a/")["Users"]] == ["u1", "u3"]


def test_a_role_is_described_as_aws_describes_it(iam: Any, aws: Any) -> None:
    """Recorded: test_create_describe_role, test_update_assume_role_policy."""
    made = role(iam, Path="/p/")
    assert (made["Arn"], made["AssumeRolePolicyDocument"]) == (f"arn:aws:iam::{aws.account}:role/p/worker", TRUST)
    assert made.keys() == {"Arn", "AssumeRolePolicyDocument", "CreateDate", "Path", "RoleId", "RoleName"}
    got = iam.get_role(RoleName="worker")["Role"]
    assert got == made | {"MaxSessionDuration": 3600, "RoleLastUsed": {}}
    [listed] = iam.list_roles()["Roles"]
    assert listed == made | {"MaxSessionDuration": 3600}
    other = {"Version": "2012-10-17", "Statement": TRUST["Statement"][0] | {"Principal": {"AWS": aws.account}}}  # type: ignore[operator]  # a dict
    iam.update_assume_role_policy(RoleName="worker", PolicyDocument=json.dumps(other))
    assert iam.get_role(RoleName="worker")["Role"]["AssumeRolePolicyDocument"] == other


def test_documents_come_back_as_they_were_written(iam: Any) -> None:
    """Recorded: test_put_role_policy_encoding: percent signs inside survive the encoding outside."""
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "arn:aws:s3:::a%3Ab/+ é"}]}
    role(iam)
    iam.put_role_policy(RoleName="worker", PolicyName="p", PolicyDocument=json.dumps(document))
    got = iam.get_role_policy(RoleName="worker", PolicyName="p")
    assert (got["RoleName"], got["PolicyName"], got["PolicyDocument"]) == ("worker", "p", document)


class Verbs(NamedTuple):
    """What the API calls the same eight things for each kind of bearer."""

    put: Any
    get: Any
    names: Any
    drop: Any
    attach: Any
    detach: Any
    attached: Any
    delete: Any


VERBS = {
    "user": Verbs(
        "put_user_policy",
        "get_user_policy",
        "list_user_policies",
        "delete_user_policy",
        "attach_user_policy",
        "detach_user_policy",
        "list_attached_user_policies",
        "delete_user",
    ),
    "group": Verbs(
        "put_group_policy",
        "get_group_policy",
        "list_group_policies",
        "delete_group_policy",
        "attach_group_policy",
        "detach_group_policy",
        "list_attached_group_policies",
        "delete_group",
    ),
    "role": Verbs(
        "put_role_policy",
        "get_role_policy",
        "list_role_policies",
        "delete_role_policy",
        "attach_role_policy",
        "detach_role_policy",
        "list_attached_role_policies",
        "delete_role",
    ),
}
MAKE: dict[str, Callable[[Any], Any]] = {
    "user": lambda iam: iam.create_user(UserName="x"),
    "group": lambda iam: iam.create_group(GroupName="x"),
    "role": lambda iam: role(iam, "x"),
}


@pytest.mark.parametrize("kind", VERBS)
def test_policies_are_put_attached_and_taken_away(iam: Any, refused: Any, kind: str) -> None:
    MAKE[kind](iam)
    verbs = Verbs(*(getattr(iam, name) for name in VERBS[kind]))
    bearer = {f"{kind.title()}Name": "x"}
    managed = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
    verbs.put(PolicyName="inline", PolicyDocument=json.dumps(ALLOW), **bearer)
    assert verbs.names(**bearer)["PolicyNames"] == ["inline"]
    for _ in range(2):
        verbs.attach(PolicyArn=managed, **bearer)
    attached = verbs.attached(**bearer)
    assert attached["AttachedPolicies"] == [{"PolicyName": "AmazonS3ReadOnlyAccess", "PolicyArn": managed}]
    assert attached["IsTruncated"] is False
    entities = iam.list_entities_for_policy(PolicyArn=managed)
    assert [one[f"{kind.title()}Name"] for one in entities[f"Policy{kind.title()}s"]] == ["x"]
    with refused("DeleteConflict", "Cannot delete entity, must detach all policies first."):
        verbs.delete(**bearer)
    verbs.detach(PolicyArn=managed, **bearer)
    with refused("NoSuchEntity", f"Policy {managed} was not found."):
        verbs.detach(PolicyArn=managed, **bearer)
    with refused("DeleteConflict", "Cannot delete entity, must delete policies first."):
        verbs.delete(**bearer)
    verbs.drop(PolicyName="inline", **bearer)
    with refused("NoSuchEntity", f"The {kind} policy with name inline cannot be found."):
        verbs.get(PolicyName="inline", **bearer)
    verbs.delete(**bearer)


def test_a_policy_that_is_not_there_cannot_be_attached(iam: Any, aws: Any, refused: Any) -> None:
    """Recorded: test_user_attach_policy."""
    iam.create_user(UserName="bob")
    with refused("ValidationError", "Invalid ARN:  Could not be parsed!"):
        iam.attach_user_policy(UserName="bob", PolicyArn="longpolicynamebutnoarn")
    arn = f"arn:aws:iam::{aws.account}:policy/absent"
    with refused("NoSuchEntity", f"Policy {arn} does not exist or is not attachable."):
        iam.attach_user_policy(UserName="bob", PolicyArn=arn)
    for name in ("AmazonS3FullAccess", "AmazonSQSFullAccess", "AmazonSNSFullAccess", "IAMFullAccess", "AmazonKinesisFullAccess"):
        iam.attach_user_policy(UserName="bob", PolicyArn=f"arn:aws:iam::aws:policy/{name}")
    for name in ("AmazonEC2FullAccess", "AmazonRDSFullAccess", "PowerUserAccess", "ReadOnlyAccess", "AdministratorAccess"):
        iam.attach_user_policy(UserName="bob", PolicyArn=f"arn:aws:iam::aws:policy/{name}")
    with refused("LimitExceeded", "Cannot exceed quota for PoliciesPerUser: 10"):
        iam.attach_user_policy(UserName="bob", PolicyArn="arn:aws:iam::aws:policy/AmazonRedshiftFullAccess")


def test_groups_have_members(iam: Any, refused: Any) -> None:
    iam.create_group(GroupName="devs")
    iam.create_user(UserName="bob")
    for _ in range(2):
        iam.add_user_to_group(GroupName="devs", UserName="bob")
    assert [user["UserName"] for user in iam.get_group(GroupName="devs")["Users"]] == ["bob"]
    iam.update_group(GroupName="devs", NewGroupName="makers")
    assert [group["GroupName"] for group in iam.list_groups_for_user(UserName="bob")["Groups"]] == ["makers"]
    with refused("DeleteConflict", "Cannot delete entity, must remove users from group first."):
        iam.delete_group(GroupName="makers")
    with refused("DeleteConflict", "Cannot delete entity, must remove users from group first."):
        iam.delete_user(UserName="bob")
    iam.remove_user_from_group(GroupName="makers", UserName="bob")
    iam.delete_group(GroupName="makers")
    assert iam.list_groups()["Groups"] == []


def test_a_new_key_signs_at_once_and_an_inactive_one_does_not(iam: Any, aws: Any, refused: Any) -> None:
    iam.create_user(UserName="bob")
    key = iam.create_access_key(UserName="bob")["AccessKey"]
    assert key["AccessKeyId"].startswith("AKIA")
    assert (len(key["AccessKeyId"]), len(key["SecretAccessKey"])) == (20, 40)
    keys = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    mine = aws.client("sts", **keys)
    assert mine.get_caller_identity()["Arn"] == f"arn:aws:iam::{aws.account}:user/bob"
    assert aws.client("sts").get_access_key_info(AccessKeyId=key["AccessKeyId"])["Account"] == aws.account
    own = aws.client("iam", **keys)
    with refused("AccessDenied", "no identity-based policy allows the iam:GetUser action"):
        own.get_user()
    iam.attach_user_policy(UserName="bob", PolicyArn="arn:aws:iam::aws:policy/IAMReadOnlyAccess")
    assert own.get_user()["User"]["UserName"] == "bob"
    assert [one["AccessKeyId"] for one in own.list_access_keys()["AccessKeyMetadata"]] == [key["AccessKeyId"]]
    wrong = aws.client("sts", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key="x" * 40)
    with refused("SignatureDoesNotMatch"):
        wrong.get_caller_identity()

    iam.update_user(UserName="bob", NewUserName="robert")
    assert mine.get_caller_identity()["Arn"].endswith(":user/robert")
    iam.update_access_key(UserName="robert", AccessKeyId=key["AccessKeyId"], Status="Inactive")
    with refused("InvalidClientTokenId"):
        mine.get_caller_identity()
    iam.detach_user_policy(UserName="robert", PolicyArn="arn:aws:iam::aws:policy/IAMReadOnlyAccess")
    with refused("DeleteConflict", "Cannot delete entity, must delete access keys first."):
        iam.delete_user(UserName="robert")
    iam.create_access_key(UserName="robert")
    with refused("LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2"):
        iam.create_access_key(UserName="robert")
    iam.delete_access_key(UserName="robert", AccessKeyId=key["AccessKeyId"])
    with refused("NoSuchEntity", f"The Access Key with id {key['AccessKeyId']} cannot be found."):
        iam.delete_access_key(UserName="robert", AccessKeyId=key["AccessKeyId"])


def test_the_secret_is_sealed_at_rest(server: Any, iam: Any) -> None:
    iam.create_user(UserName="bob")
    secret = iam.create_access_key(UserName="bob")["AccessKey"]["SecretAccessKey"].encode()
    for path in server.home.path.rglob("*"):
        if path.is_file():
            assert secret not in path.read_bytes(), path


def test_the_root_is_its_own_user(iam: Any, aws: Any) -> None:
    assert iam.get_user()["User"]["Arn"] == f"arn:aws:iam::{aws.account}:root"


def test_an_instance_profile_holds_one_role(iam: Any, refused: Any) -> None:
    role(iam)
    role(iam, "other")
    made = iam.create_instance_profile(InstanceProfileName="machines", Tags=[{"Key": "a", "Value": "b"}])["InstanceProfile"]
    assert (made["InstanceProfileId"][:4], made["Roles"]) == ("AIPA", [])
    iam.add_role_to_instance_profile(InstanceProfileName="machines", RoleName="worker")
    with refused("LimitExceeded", "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1"):
        iam.add_role_to_instance_profile(InstanceProfileName="machines", RoleName="other")
    assert [one["RoleName"] for one in iam.get_instance_profile(InstanceProfileName="machines")["InstanceProfile"]["Roles"]] == ["worker"]
    assert len(iam.list_instance_profiles()["InstanceProfiles"]) == 1
    assert len(iam.list_instance_profiles_for_role(RoleName="worker")["InstanceProfiles"]) == 1
    with refused("DeleteConflict", "Cannot delete entity, must remove roles from instance profile first."):
        iam.delete_role(RoleName="worker")
    with refused("DeleteConflict"):
        iam.delete_instance_profile(InstanceProfileName="machines")
    iam.remove_role_from_instance_profile(InstanceProfileName="machines", RoleName="worker")
    iam.delete_instance_profile(InstanceProfileName="machines")
    with refused("NoSuchEntity", "Instance Profile machines cannot be found."):
        iam.get_instance_profile(InstanceProfileName="machines")


def test_roles_are_updated(iam: Any, refused: Any) -> None:
    role(iam)
    iam.update_role(RoleName="worker", Description="works", MaxSessionDuration=7200)
    got = iam.get_role(RoleName="worker")["Role"]
    assert (got["Description"], got["MaxSessionDuration"]) == ("works", 7200)
    assert iam.update_role_description(RoleName="worker", Description="rests")["Role"]["Description"] == "rests"
    with refused("EntityAlreadyExists", "Role with name worker already exists."):
        role(iam)
    with refused("MalformedPolicyDocument", "This policy contains invalid Json"):
        iam.create_role(RoleName="broken", AssumeRolePolicyDocument="{")
    with refused("NoSuchEntity", "The role with name broken cannot be found."):
        iam.get_role(RoleName="broken")


def test_a_service_linked_role_belongs_to_its_service(iam: Any, aws: Any, refused: Any) -> None:
    """Recorded: test_service_role_lifecycle, test_service_role_already_exists, …custom_suffix_not_allowed."""
    made = iam.create_service_linked_role(AWSServiceName="rds.amazonaws.com")["Role"]
    assert made["Arn"] == f"arn:aws:iam::{aws.account}:role/aws-service-role/rds.amazonaws.com/AWSServiceRoleForRDS"
    attached = iam.list_attached_role_policies(RoleName="AWSServiceRoleForRDS")["AttachedPolicies"]
    assert [one["PolicyName"] for one in attached] == ["AmazonRDSServiceRolePolicy"]
    with refused("InvalidInput", "Service role name AWSServiceRoleForRDS has been taken in this account, please try a different suffix."):
        iam.create_service_linked_role(AWSServiceName="rds.amazonaws.com")
    with refused("InvalidInput", "Custom suffix is not allowed for eks.amazonaws.com"):
        iam.create_service_linked_role(AWSServiceName="eks.amazonaws.com", CustomSuffix="mine")
    with refused("UnmodifiableEntity"):
        iam.delete_role(RoleName="AWSServiceRoleForRDS")
    task = iam.delete_service_linked_role(RoleName="AWSServiceRoleForRDS")["DeletionTaskId"]
    assert iam.get_service_linked_role_deletion_status(DeletionTaskId=task)["Status"] == "SUCCEEDED"
    assert iam.list_roles()["Roles"] == []


def test_tags_are_told_apart_without_regard_to_case(iam: Any, refused: Any) -> None:
    role(iam, Tags=[{"Key": "Team", "Value": "a"}])
    iam.tag_role(RoleName="worker", Tags=[{"Key": "team", "Value": "b"}])
    assert iam.list_role_tags(RoleName="worker")["Tags"] == [{"Key": "team", "Value": "b"}]
    with refused("InvalidInput", "Duplicate tag keys found."):
        iam.tag_role(RoleName="worker", Tags=[{"Key": "x", "Value": "1"}, {"Key": "X", "Value": "2"}])
    iam.untag_role(RoleName="worker", TagKeys=["TEAM"])
    assert iam.list_role_tags(RoleName="worker")["Tags"] == []
    iam.create_user(UserName="bob")
    iam.tag_user(UserName="bob", Tags=[{"Key": "a", "Value": "1"}])
    assert iam.list_user_tags(UserName="bob")["Tags"] == [{"Key": "a", "Value": "1"}]
    iam.untag_user(UserName="bob", TagKeys=["a"])
    iam.create_instance_profile(InstanceProfileName="machines")
    iam.tag_instance_profile(InstanceProfileName="machines", Tags=[{"Key": "a", "Value": "1"}])
    assert iam.list_instance_profile_tags(InstanceProfileName="machines")["Tags"] == [{"Key": "a", "Value": "1"}]
    iam.untag_instance_profile(InstanceProfileName="machines", TagKeys=["a"])


def test_boundaries_are_kept(iam: Any, refused: Any) -> None:
    boundary = "arn:aws:iam::aws:policy/PowerUserAccess"
    iam.create_user(UserName="bob", PermissionsBoundary=boundary)
    assert iam.get_user(UserName="bob")["User"]["PermissionsBoundary"] == {
        "PermissionsBoundaryType": "Policy",
        "PermissionsBoundaryArn": boundary,
    }
    assert iam.get_policy(PolicyArn=boundary)["Policy"]["PermissionsBoundaryUsageCount"] == 1
    listed = iam.list_entities_for_policy(PolicyArn=boundary, PolicyUsageFilter="PermissionsBoundary")
    assert [user["UserName"] for user in listed["PolicyUsers"]] == ["bob"]
    iam.delete_user_permissions_boundary(UserName="bob")
    iam.put_user_permissions_boundary(UserName="bob", PermissionsBoundary=boundary)
    role(iam)
    iam.put_role_permissions_boundary(RoleName="worker", PermissionsBoundary=boundary)
    iam.delete_role_permissions_boundary(RoleName="worker")
    assert "PermissionsBoundary" not in iam.get_role(RoleName="worker")["Role"]
    with refused("NoSuchEntity"):
        iam.put_role_permissions_boundary(RoleName="worker", PermissionsBoundary="arn:aws:iam::aws:policy/Absent")


def test_the_account_has_an_alias_and_a_summary(iam: Any, aws: Any, refused: Any) -> None:
    alias = f"alias-{aws.account}"
    iam.create_account_alias(AccountAlias=alias)
    assert iam.list_account_aliases()["AccountAliases"] == [alias]
    with refused("EntityAlreadyExists"):
        iam.create_account_alias(AccountAlias=alias)
    iam.delete_account_alias(AccountAlias=alias)
    assert iam.list_account_aliases()["AccountAliases"] == []
    iam.create_user(UserName="bob")
    summary = iam.get_account_summary()["SummaryMap"]
    assert (summary["Users"], summary["UsersQuota"]) == (1, 5000)


def test_iam_is_the_same_in_every_region(iam: Any, aws: Any) -> None:
    iam.create_user(UserName="bob")
    assert aws.client("iam", region="eu-central-1").get_user(UserName="bob")["User"]["UserName"] == "bob"


def test_the_last_use_of_a_key_and_of_a_role_is_known(iam: Any, aws: Any, refused: Any) -> None:
    iam.create_user(UserName="bob")
    key = iam.create_access_key(UserName="bob")["AccessKey"]
    unused = iam.get_access_key_last_used(AccessKeyId=key["AccessKeyId"])
    assert (unused["UserName"], unused["AccessKeyLastUsed"]) == ("bob", {"ServiceName": "N/A", "Region": "N/A"})
    keys = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    aws.client("sts", region="eu-central-1", **keys).get_caller_identity()
    time.sleep(0.2)
    used = iam.get_access_key_last_used(AccessKeyId=key["AccessKeyId"])["AccessKeyLastUsed"]
    assert (used["ServiceName"], used["Region"]) == ("sts", "eu-central-1")
    assert "LastUsedDate" in used
    with refused("NoSuchEntity"):
        iam.get_access_key_last_used(AccessKeyId="AKIAABSENT0000000000")

    made = role(iam)
    own = TRUST["Statement"][0] | {"Principal": {"AWS": aws.account}}  # type: ignore[operator]  # a dict
    iam.update_assume_role_policy(RoleName="worker", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": own}))
    assert iam.get_role(RoleName="worker")["Role"]["RoleLastUsed"] == {}
    session = aws.client("sts").assume_role(RoleArn=made["Arn"], RoleSessionName="once")["Credentials"]
    aws.client(
        "sts",
        aws_access_key_id=session["AccessKeyId"],
        aws_secret_access_key=session["SecretAccessKey"],
        aws_session_token=session["SessionToken"],
    ).get_caller_identity()
    time.sleep(0.2)
    assert iam.get_role(RoleName="worker")["Role"]["RoleLastUsed"]["Region"] == "us-east-1"
