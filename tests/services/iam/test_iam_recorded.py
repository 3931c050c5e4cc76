"""IAM: the calls of recorded cases made again; each test names its case. Truth: the recorded answers of AWS."""

import json
from typing import Any

import pytest

from recorded import RECORDINGS, Recorded

pytestmark = pytest.mark.http
ENCODED = "arn%3Aaws%3Aapigateway%3Aus-east-1%3A%3A%2Frestapis%2Faaeeieije"


@pytest.fixture
def iam(aws: Any) -> Any:
    return aws.client("iam")


def trust(service: Any, action: Any = "sts:AssumeRole", **more: Any) -> str:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": action, **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_a_role_made_found_and_listed(iam: Any) -> None:
    with Recorded("iam", "TestIAMIntegrations::test_create_describe_role") as case:
        made = {"RoleName": "r", "Path": "/p/", "AssumeRolePolicyDocument": trust("ec2.amazonaws.com")}
        case.answers("create_role_result", iam.create_role, **made)
        case.answers("get_role_result", iam.get_role, RoleName="r")
        case.answers("list_roles_result", iam.list_roles, PathPrefix="/p/")


def test_a_trust_policy_made_anew(iam: Any) -> None:
    document = trust(["ec2.amazonaws.com"], ["sts:AssumeRole"])
    with Recorded("iam", "TestIAMIntegrations::test_update_assume_role_policy") as case:
        case.answers("created_role", iam.create_role, RoleName="r", AssumeRolePolicyDocument=document)
        case.answers("updated_policy", iam.update_assume_role_policy, RoleName="r", PolicyDocument=document)


def test_policies_that_can_and_cannot_be_attached(iam: Any) -> None:
    allowed = {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "arn:aws:s3:::*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    iam.create_user(UserName="u")
    with Recorded("iam", "TestIAMIntegrations::test_user_attach_policy") as case:
        arn = case.answers("create_policy_response", iam.create_policy, PolicyName="policy", PolicyDocument=document)["Policy"]["Arn"]
        attach = {"non_existent_malformed_policy_arn": "longpolicynamebutnoarn", "existing_policy_name_provided": "policy" * 4}
        for label, named in (attach | {"valid_arn_not_existent": f"{arn}123", "valid_policy_arn": arn}).items():
            case.answers(label, iam.attach_user_policy, UserName="u", PolicyArn=named)


def test_encoded_text_in_documents(iam: Any) -> None:
    condition = {"Condition": {"StringEquals": {"aws:SourceArn": ENCODED}}}
    allowed = {"Effect": "Allow", "Action": ["apigatway:PUT"], "Resource": [f"arn:aws:apigateway:us-east-1::/tags/{ENCODED}"]}
    with Recorded("iam", "TestIAMPolicyEncoding::test_put_role_policy_encoding") as case:
        made = {"RoleName": "r", "Path": "/encoded/", "AssumeRolePolicyDocument": trust("lambda.amazonaws.com", **condition)}
        case.answers("create-role-response", iam.create_role, **made)
        policy = {"RoleName": "r", "PolicyName": "p"}
        iam.put_role_policy(PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allowed]}), **policy)
        case.answers("get-policy-response", iam.get_role_policy, **policy)
        case.answers("get-role-response", iam.get_role, RoleName="r")
        case.answers("list-roles-response", iam.list_roles, PathPrefix="/encoded/")


def test_a_user_and_a_policy_as_they_are_described(iam: Any) -> None:
    iam.create_user(UserName="u")
    with Recorded("iam", "TestBasicCRD::test_black_box", left_out={"stack-outputs": "CloudFormation's"}) as case:
        case.answers("describe-resource", iam.get_user, UserName="u")
    with Recorded("iam", "test_iam_username_defaultname") as case:
        case.answers("get_iam_user", iam.get_user, UserName="u")
    allowed = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    arn = iam.create_policy(PolicyName="p", PolicyDocument=document)["Policy"]["Arn"]
    with Recorded("iam", "test_managed_policy_with_empty_resource", left_out={"outputs": "CloudFormation's"}) as case:
        case.answers("managed_policy", iam.get_policy, PolicyArn=arn)


def test_users_as_they_are_described_after_more(iam: Any) -> None:
    outputs = {"stack-outputs": "CloudFormation's", "stack_resource": "CloudFormation's"}
    iam.create_user(UserName="u")
    with Recorded("iam", "TestBasicCRD::test_getatt", left_out=outputs) as case:
        case.answers("describe-resource", iam.get_user, UserName="u")
    outputs = {f"stack-outputs-{when}-update": "CloudFormation's" for when in ("before", "after")}
    with Recorded("iam", "TestUpdates::test_update_without_replacement", left_out=outputs) as case:
        case.answers("describe-resource-before-update", iam.get_user, UserName="u")
        # the template's update makes another user under the new name
        iam.create_user(UserName="u-updated")
        case.answers("describe-resource-after-update", iam.get_user, UserName="u-updated")


def test_documents_come_back_as_they_were_given(iam: Any) -> None:
    def reading(bucket: str) -> str:
        allowed = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
        return json.dumps({"Version": "2012-10-17", "Statement": [allowed]})

    iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust("lambda.amazonaws.com"))
    iam.put_role_policy(RoleName="r", PolicyName="p", PolicyDocument=reading("my-bucket-us-east-1"))
    with Recorded("iam", "test_inline_policy_with_fn_sub_json_string") as case:
        case.is_as("inline_policy_document", iam.get_role_policy(RoleName="r", PolicyName="p")["PolicyDocument"])
    arn = iam.create_policy(PolicyName="p", PolicyDocument=reading("bucket-my-cluster-us-east-1"))["Policy"]["Arn"]
    with Recorded("iam", "test_managedpolicy_with_fn_sub_json_string") as case:
        case.is_as("policy_document", iam.get_policy_version(PolicyArn=arn, VersionId="v1")["PolicyVersion"]["Document"])


def test_a_groups_policy_simulated(iam: Any) -> None:
    allowed = {"Sid": "", "Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": allowed})
    policy = iam.create_policy(PolicyName="p", PolicyDocument=document)["Policy"]["Arn"]
    group = iam.create_group(GroupName="g")["Group"]["Arn"]
    iam.attach_group_policy(GroupName="g", PolicyArn=policy)
    asked = {"PolicySourceArn": group, "ActionNames": ["s3:PutObject", "s3:GetObjectVersion"], "ResourceArns": ["arn:aws:s3:::bucket"]}
    # the recording account is in an organization
    apart = ("OrganizationsDecisionDetail",)
    with Recorded("iam", "TestIAMIntegrations::test_simulate_principle_policy[group]", apart=apart) as case:
        case.answers("response", iam.simulate_principal_policy, **asked)


def recorded_services(case: str) -> list[str]:
    """The services that the cases of that name were recorded for; none where the recordings are not."""
    path = RECORDINGS / "iam.json"
    names = json.loads(path.read_bytes()) if path.exists() else {}
    return [name.partition("[")[2][:-1] for name in names if name.startswith(f"TestIAMServiceRoles::{case}[")]


USED = {"kafka.amazonaws.com", "rds.amazonaws.com", "resource-explorer-2.amazonaws.com", "sso.amazonaws.com"}


@pytest.mark.parametrize("service", recorded_services("test_service_role_lifecycle"))
def test_a_service_linked_role(iam: Any, service: str) -> None:
    # in the recording account some roles had been made and used by their services before
    apart = ("Description", "RoleLastUsed") if service in USED else ()
    with Recorded("iam", f"TestIAMServiceRoles::test_service_role_lifecycle[{service}]", apart=apart) as case:
        name = iam.create_service_linked_role(AWSServiceName=service)["Role"]["RoleName"]
        case.answers("describe-response", iam.get_role, RoleName=name)
        case.answers("inline-role-policies", iam.list_role_policies, RoleName=name)
        case.answers("attached-role-policies", iam.list_attached_role_policies, RoleName=name)


@pytest.mark.parametrize("service", recorded_services("test_service_role_lifecycle_custom_suffix_not_allowed"))
def test_a_suffix_that_a_service_does_not_take(iam: Any, service: str) -> None:
    with Recorded("iam", f"TestIAMServiceRoles::test_service_role_lifecycle_custom_suffix_not_allowed[{service}]") as case:
        case.answers("custom-suffix-not-allowed", iam.create_service_linked_role, AWSServiceName=service, CustomSuffix="x")


def test_a_service_linked_role_that_is_there(iam: Any) -> None:
    iam.create_service_linked_role(AWSServiceName="batch.amazonaws.com")
    with Recorded("iam", "TestIAMServiceRoles::test_service_role_already_exists") as case:
        case.answers("role-already-exists-error", iam.create_service_linked_role, AWSServiceName="batch.amazonaws.com")
