"""Reports of an account. Truth: "Generate credential reports", "Refine permissions using last accessed information", API references."""

import csv
import io
import json
from datetime import timedelta
from typing import Any

import pytest

from headwater.services.iam.last_accessed import granted
from headwater.services.iam.last_use import action_of
from users import User, allow

COLUMNS = (
    "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,password_next_rotation,mfa_active,"
    "access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,access_key_1_last_used_region,access_key_1_last_used_service,"
    "access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date,access_key_2_last_used_region,access_key_2_last_used_service,"
    "cert_1_active,cert_1_last_rotated,cert_2_active,cert_2_last_rotated"
)


@pytest.fixture
def iam(aws: Any) -> Any:
    return aws.client("iam")


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def settle(server: Any) -> None:
    """The Bus delivers what it gathered."""

    async def deliver() -> None:
        server.home.bus.deliver()

    server.call(deliver())


# -- the credential report ---------------------------------------------------------------------------------------------


def rows(iam: Any) -> dict[str, dict[str, str]]:
    content = iam.get_credential_report()["Content"].decode()
    assert not content.endswith("\n")
    assert content.partition("\n")[0] == COLUMNS
    return {row["user"]: row for row in csv.DictReader(io.StringIO(content))}


def test_the_credential_report_has_a_row_for_the_root_and_each_user(iam: Any, aws: Any, refused: Any) -> None:
    with refused("ReportNotPresent"):
        iam.get_credential_report()
    made = iam.create_user(UserName="Zoe")["User"]
    iam.create_user(UserName="adam")
    iam.update_account_password_policy(MaxPasswordAge=90)
    iam.create_login_profile(UserName="adam", Password="some-password")
    key = iam.create_access_key(UserName="adam")["AccessKey"]
    iam.update_access_key(UserName="adam", AccessKeyId=key["AccessKeyId"], Status="Inactive")
    started = iam.generate_credential_report()
    assert (started["State"], started["Description"]) == ("STARTED", "No report exists. Starting a new report generation task")
    found = rows(iam)
    assert list(found) == ["<root_account>", "adam", "Zoe"]
    root, adam, zoe = found.values()
    assert (root["arn"], root["password_enabled"], root["mfa_active"]) == (f"arn:aws:iam::{aws.account}:root", "not_supported", "false")
    assert zoe["user_creation_time"] == f"{made['CreateDate']:%Y-%m-%dT%H:%M:%SZ}"
    assert (zoe["password_enabled"], zoe["password_last_changed"], zoe["access_key_1_active"]) == ("false", "N/A", "false")
    assert (adam["password_enabled"], adam["password_last_used"]) == ("true", "no_information")
    assert adam["password_next_rotation"] > adam["password_last_changed"]
    assert (adam["access_key_1_active"], adam["access_key_1_last_used_date"], adam["cert_1_active"]) == ("false", "N/A", "false")
    assert adam["access_key_1_last_rotated"] == f"{key['CreateDate']:%Y-%m-%dT%H:%M:%SZ}"


def test_a_report_stays_as_it_is_for_four_hours_and_then_ends(iam: Any, clock: Any, refused: Any) -> None:
    assert iam.generate_credential_report()["State"] == "STARTED"
    iam.create_user(UserName="late")
    assert iam.generate_credential_report()["State"] == "COMPLETE"
    assert list(rows(iam)) == ["<root_account>"]
    clock.advance(timedelta(hours=4))
    with refused("ReportExpired"):
        iam.get_credential_report()
    assert iam.generate_credential_report()["State"] == "STARTED"
    assert list(rows(iam)) == ["<root_account>", "late"]


@pytest.mark.http
def test_the_report_knows_when_a_key_was_used_last(iam: Any, aws: Any, server: Any) -> None:
    User(aws, allow("sts:*")).client("sts").get_caller_identity()
    settle(server)
    iam.generate_credential_report()
    dev = rows(iam)["dev"]
    assert (dev["access_key_1_active"], dev["access_key_1_last_used_service"]) == ("true", "sts")
    assert dev["access_key_1_last_used_region"] == "us-east-1"


# -- account authorization details -------------------------------------------------------------------------------------


def test_all_permissions_of_an_account_come_in_one_listing(iam: Any) -> None:
    policy = document(allow("s3:*"))
    own = iam.create_policy(PolicyName="own", PolicyDocument=policy)["Policy"]["Arn"]
    iam.create_group(GroupName="g")
    iam.put_group_policy(GroupName="g", PolicyName="inline", PolicyDocument=policy)
    iam.create_user(UserName="u", Tags=[{"Key": "k", "Value": "v"}])
    iam.add_user_to_group(GroupName="g", UserName="u")
    iam.attach_user_policy(UserName="u", PolicyArn=own)
    trust = document({"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"})
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust)
    iam.attach_role_policy(RoleName="r", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    iam.create_instance_profile(InstanceProfileName="i")
    iam.add_role_to_instance_profile(InstanceProfileName="i", RoleName="r")

    found = iam.get_account_authorization_details()
    (user,), (group,), (role,) = found["UserDetailList"], found["GroupDetailList"], found["RoleDetailList"]
    assert (user["GroupList"], user["Tags"]) == (["g"], [{"Key": "k", "Value": "v"}])
    assert user["AttachedManagedPolicies"] == [{"PolicyName": "own", "PolicyArn": own}]
    assert group["GroupPolicyList"] == [{"PolicyName": "inline", "PolicyDocument": json.loads(policy)}]
    assert role["AssumeRolePolicyDocument"] == json.loads(trust)
    assert [profile["InstanceProfileName"] for profile in role["InstanceProfileList"]] == ["i"]
    policies = {one["PolicyName"]: one for one in found["Policies"]}
    assert sorted(policies) == ["ReadOnlyAccess", "own"]
    (version,) = policies["own"]["PolicyVersionList"]
    assert (version["VersionId"], version["Document"]) == ("v1", json.loads(policy))
    assert (policies["own"]["AttachmentCount"], found["IsTruncated"]) == (1, False)

    filtered = iam.get_account_authorization_details(Filter=["Group", "AWSManagedPolicy"])
    assert (filtered["UserDetailList"], filtered["RoleDetailList"]) == ([], [])
    assert [one["PolicyName"] for one in filtered["Policies"]] == ["ReadOnlyAccess"]
    pages = list(iam.get_paginator("get_account_authorization_details").paginate(PaginationConfig={"PageSize": 2}))
    assert [
        len(page["UserDetailList"]) + len(page["GroupDetailList"]) + len(page["RoleDetailList"]) + len(page["Policies"]) for page in pages
    ] == [2, 2, 1]


# -- what was used -----------------------------------------------------------------------------------------------------


def test_which_policies_grant_a_service(iam: Any, refused: Any) -> None:
    user = iam.create_user(UserName="u")["User"]["Arn"]
    iam.create_group(GroupName="g")
    iam.add_user_to_group(GroupName="g", UserName="u")
    iam.put_group_policy(GroupName="g", PolicyName="inline", PolicyDocument=document(allow("sqs:SendMessage")))
    iam.attach_user_policy(UserName="u", PolicyArn="arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")
    found = iam.list_policies_granting_service_access(Arn=user, ServiceNamespaces=["s3", "sqs", "kms"])["PoliciesGrantingServiceAccess"]
    assert found == [
        {
            "ServiceNamespace": "s3",
            "Policies": [
                {
                    "PolicyName": "AmazonS3ReadOnlyAccess",
                    "PolicyType": "MANAGED",
                    "PolicyArn": "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess",
                }
            ],
        },
        {
            "ServiceNamespace": "sqs",
            "Policies": [{"PolicyName": "inline", "PolicyType": "INLINE", "EntityType": "GROUP", "EntityName": "g"}],
        },
        {"ServiceNamespace": "kms", "Policies": []},
    ]
    with refused("InvalidInput", "nonsense"):
        iam.list_policies_granting_service_access(Arn=user, ServiceNamespaces=["nonsense"])


GRANTS = {
    "a star": ("*", {"s3", "sts"}),
    "one action": ("s3:GetObject", {"s3"}),
    "a pattern over services": ("s*:*", {"s3", "sts"}),
    "letters in any case": ("S3:getobject", {"s3"}),
}


@pytest.mark.parametrize(("action", "services"), GRANTS.values(), ids=GRANTS)
def test_a_service_is_granted_where_anything_of_it_is(action: str, services: set[str]) -> None:
    assert granted(document(allow(action)), ("s3", "sts", "kms")) - {"kms"} == services


def test_denials_grant_nothing_and_not_action_grants_the_rest() -> None:
    assert granted(document(allow("*") | {"Effect": "Deny"}), ("s3",)) == set()
    excepted = {"Effect": "Allow", "NotAction": ["iam:*", "s3:GetObject"], "Resource": "*"}
    assert granted(document(excepted), ("s3", "iam", "kms")) == {"s3", "kms"}


def test_the_action_of_an_operation_is_its_permission_line() -> None:
    assert action_of("s3", "ListObjectsV2") == "s3:ListBucket"
    assert action_of("iam", "GetCredentialReport") == "iam:GetCredentialReport"
    assert action_of("ec2", "RunInstances") == "ec2:RunInstances"
    assert action_of("stepfunctions", "StartExecution") == "states:StartExecution"


@pytest.mark.http
def test_last_accessed_details_come_from_real_calls(iam: Any, aws: Any, server: Any, refused: Any) -> None:
    dev = User(aws, allow(["s3:*", "sqs:*", "iam:ListUsers"]))
    dev.client("s3", region="eu-west-1").list_buckets()
    with refused("AccessDenied"):
        dev.client("iam").list_roles()
    settle(server)

    def details(arn: str, **more: Any) -> dict[str, dict[str, Any]]:
        job = iam.generate_service_last_accessed_details(Arn=arn, **more)["JobId"]
        found = iam.get_service_last_accessed_details(JobId=job)
        assert (found["JobStatus"], found["JobType"]) == ("COMPLETED", more.get("Granularity", "SERVICE_LEVEL"))
        return {one["ServiceNamespace"]: one for one in found["ServicesLastAccessed"]}

    services = details(dev.arn)
    assert sorted(services) == ["iam", "s3", "sqs"]
    s3, sqs = services["s3"], services["sqs"]
    assert (s3["ServiceName"], s3["LastAuthenticatedEntity"], s3["LastAuthenticatedRegion"]) == ("Amazon S3", dev.arn, "eu-west-1")
    assert (s3["TotalAuthenticatedEntities"], sqs["TotalAuthenticatedEntities"]) == (1, 0)
    assert "LastAuthenticated" not in sqs
    # an attempt that was refused counts as well
    assert services["iam"]["LastAuthenticatedEntity"] == dev.arn
    actions = details(dev.arn, Granularity="ACTION_LEVEL")
    assert [one["ActionName"] for one in actions["s3"]["TrackedActionsLastAccessed"]] == ["ListAllMyBuckets"]
    assert "TrackedActionsLastAccessed" not in actions["sqs"]


@pytest.mark.http
def test_the_entities_behind_a_group_and_a_policy_are_told_apart(iam: Any, aws: Any, server: Any, refused: Any) -> None:
    busy, idle = User(aws, allow("sts:*"), name="busy"), User(aws, name="idle")
    group = iam.create_group(GroupName="g")["Group"]["Arn"]
    policy = iam.create_policy(PolicyName="p", PolicyDocument=document(allow("s3:*")))["Policy"]["Arn"]
    iam.attach_group_policy(GroupName="g", PolicyArn=policy)
    for name in ("busy", "idle"):
        iam.add_user_to_group(GroupName="g", UserName=name)
    busy.client("s3").list_buckets()
    settle(server)
    for arn in (group, policy):
        job = iam.generate_service_last_accessed_details(Arn=arn)["JobId"]
        (service,) = iam.get_service_last_accessed_details(JobId=job)["ServicesLastAccessed"]
        assert (service["ServiceNamespace"], service["TotalAuthenticatedEntities"]) == ("s3", 1)
        found = iam.get_service_last_accessed_details_with_entities(JobId=job, ServiceNamespace="s3")["EntityDetailsList"]
        assert [(one["EntityInfo"]["Arn"], "LastAuthenticated" in one) for one in found] == [(busy.arn, True), (idle.arn, False)]
    with refused("NoSuchEntity"):
        iam.get_service_last_accessed_details(JobId="0" * 36)
    with refused("NoSuchEntity"):
        iam.generate_service_last_accessed_details(Arn=f"{policy}-not")
    with refused("InvalidInput"):
        iam.generate_service_last_accessed_details(Arn=f"arn:aws:iam::{aws.account}:root")
    with refused("InvalidInput"):
        iam.get_service_last_accessed_details_with_entities(JobId=job, ServiceNamespace="nonsense")


@pytest.mark.http
def test_accesses_survive_a_restart(start_server: Any, account_on: Any, tmp_path: Any) -> None:
    first = start_server(tmp_path / "home")
    account = account_on(first, "123456789012")
    dev = User(account, allow("s3:*"))
    dev.client("s3").list_buckets()
    settle(first)
    first.stop()
    iam = account_on(start_server(tmp_path / "home"), "123456789012").client("iam")
    job = iam.generate_service_last_accessed_details(Arn=dev.arn)["JobId"]
    (service,) = iam.get_service_last_accessed_details(JobId=job)["ServicesLastAccessed"]
    assert service["LastAuthenticatedEntity"] == dev.arn
