"""The organization itself. Truth: the API reference (ids and ARNs by the model's patterns); AWS's sentences as users of SDKs meet them."""

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest


def test_an_organization_is_founded_described_and_deleted(org: Any, refused: Any) -> None:
    number = org.account.account
    assert re.fullmatch(r"o-[a-z0-9]{10,32}", org.id)
    assert org.organization == {
        "Id": org.id,
        "Arn": f"arn:aws:organizations::{number}:organization/{org.id}",
        "FeatureSet": "ALL",
        "MasterAccountArn": f"arn:aws:organizations::{number}:account/{org.id}/{number}",
        "MasterAccountId": number,
        "MasterAccountEmail": f"account-{number}@example.com",
        "AvailablePolicyTypes": [{"Type": "SERVICE_CONTROL_POLICY", "Status": "ENABLED"}],
    }
    assert org.client.describe_organization()["Organization"] == org.organization
    with refused("AlreadyInOrganizationException"):
        org.client.create_organization()
    org.client.delete_organization()
    with refused("AWSOrganizationsNotInUseException", "Your account is not a member of an organization."):
        org.client.describe_organization()
    assert org.client.create_organization()["Organization"]["Id"] != org.id


def test_an_account_that_founds_twice_at_once_has_one_organization(aws: Any) -> None:
    client = aws.client("organizations")

    def found(_: int) -> str:
        try:
            return str(client.create_organization()["Organization"]["Id"])
        except client.exceptions.AlreadyInOrganizationException:
            return ""

    with ThreadPoolExecutor(4) as threads:
        founded = {each for each in threads.map(found, range(4)) if each}
    assert founded == {client.describe_organization()["Organization"]["Id"]}


def test_the_founder_gets_the_role_of_the_service(org: Any) -> None:
    role = org.account.client("iam").get_role(RoleName="AWSServiceRoleForOrganizations")["Role"]
    assert role["Path"] == "/aws-service-role/organizations.amazonaws.com/"


def test_a_new_organization_has_one_root_and_its_founder_under_it(org: Any) -> None:
    (root,) = org.client.list_roots()["Roots"]
    number = org.account.account
    assert re.fullmatch(r"r-[0-9a-z]{4,32}", root["Id"])
    assert root == {
        "Id": root["Id"],
        "Arn": f"arn:aws:organizations::{number}:root/{org.id}/{root['Id']}",
        "Name": "Root",
        "PolicyTypes": [],
    }
    (founder,) = org.client.list_accounts()["Accounts"]
    assert founder.pop("JoinedTimestamp") is not None
    assert founder == {
        "Id": number,
        "Arn": f"arn:aws:organizations::{number}:account/{org.id}/{number}",
        "Email": f"account-{number}@example.com",
        "Name": f"account-{number}",
        "Status": "ACTIVE",
        "State": "ACTIVE",
        "Paths": [f"{org.id}/{root['Id']}/{number}/"],
        "JoinedMethod": "INVITED",
    }


def test_consolidated_billing_has_no_policies(aws: Any, refused: Any) -> None:
    client = aws.client("organizations")
    made = client.create_organization(FeatureSet="CONSOLIDATED_BILLING")["Organization"]
    assert (made["FeatureSet"], made["AvailablePolicyTypes"]) == ("CONSOLIDATED_BILLING", [])
    root = client.list_roots()["Roots"][0]["Id"]
    with refused("PolicyTypeNotAvailableForOrganizationException"):
        client.enable_policy_type(RootId=root, PolicyType="SERVICE_CONTROL_POLICY")
    assert client.list_policies(Filter="SERVICE_CONTROL_POLICY")["Policies"] == []
    with refused("ConstraintViolationException", "all features"):
        client.enable_aws_service_access(ServicePrincipal="config.amazonaws.com")


def test_only_an_empty_organization_is_deleted(org: Any, refused: Any) -> None:
    org.invite()
    with refused("OrganizationNotEmptyException"):
        org.client.delete_organization()


def test_a_deleted_organization_takes_its_invitations_along(org: Any, aws: Any) -> None:
    guest = aws.other()
    sent = org.client.invite_account_to_organization(Target={"Id": guest.account, "Type": "ACCOUNT"})["Handshake"]
    org.client.delete_organization()
    assert guest.client("organizations").describe_handshake(HandshakeId=sent["Id"])["Handshake"]["State"] == "CANCELED"


def test_a_member_sees_the_organization_and_nothing_else(org: Any, refused: Any) -> None:
    member = org.invite().client("organizations")
    assert member.describe_organization()["Organization"] == org.organization
    for call in (member.list_accounts, member.list_roots, member.delete_organization, member.list_create_account_status):
        with refused("AccessDeniedException", "You don't have permissions to access this resource."):
            call()


@pytest.mark.parametrize("operation", ["list_accounts", "list_roots", "leave_organization", "delete_organization"])
def test_an_account_without_an_organization_is_told_so(aws: Any, refused: Any, operation: str) -> None:
    with refused("AWSOrganizationsNotInUseException", "Your account is not a member of an organization."):
        getattr(aws.client("organizations"), operation)()
