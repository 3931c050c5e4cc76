"""Tags, trusted services and delegated administrators. Truth: the API reference."""

from typing import Any

import pytest

CONFIG = "config.amazonaws.com"


def tags(**pairs: str) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in pairs.items()]


def test_roots_units_accounts_and_policies_bear_tags(org: Any) -> None:
    for resource in (org.root, org.unit("work"), org.account.account, org.policy()):
        org.client.tag_resource(ResourceId=resource, Tags=tags(b="1", a="2"))
        org.client.tag_resource(ResourceId=resource, Tags=tags(b="3"))
        assert org.client.list_tags_for_resource(ResourceId=resource)["Tags"] == tags(a="2", b="3")
        org.client.untag_resource(ResourceId=resource, TagKeys=["a", "never"])
        assert org.client.list_tags_for_resource(ResourceId=resource)["Tags"] == tags(b="3")


REFUSED_TAGS = {
    "the same key twice": ([*tags(a="1"), *tags(a="2")], "InvalidInputException", "DUPLICATE_TAG_KEY"),
    "a key of AWS's": (tags(**{"aws:made": "1"}), "InvalidInputException", "INVALID_SYSTEM_TAGS_PARAMETER"),
    "more than fifty": (tags(**{f"k{number}": "" for number in range(51)}), "ConstraintViolationException", "MAX_TAG_LIMIT_EXCEEDED"),
}


@pytest.mark.parametrize(("given", "code", "reason"), REFUSED_TAGS.values(), ids=REFUSED_TAGS)
def test_tags_are_refused(org: Any, refused: Any, given: list[dict[str, str]], code: str, reason: str) -> None:
    with refused(code) as caught:
        org.client.tag_resource(ResourceId=org.root, Tags=given)
    assert caught.value.response["Reason"] == reason


def test_what_is_not_there_bears_no_tags(org: Any, found: Any, refused: Any) -> None:
    stranger = found()
    for resource in ("ou-zzzz-zzzzzzzz", "p-12345678", "123456789012", stranger.root, stranger.account.account):
        with refused("TargetNotFoundException"):
            org.client.list_tags_for_resource(ResourceId=resource)


def test_a_service_is_trusted_and_no_more(org: Any, refused: Any) -> None:
    org.client.enable_aws_service_access(ServicePrincipal=CONFIG)
    (first,) = org.client.list_aws_service_access_for_organization()["EnabledServicePrincipals"]
    assert first["ServicePrincipal"] == CONFIG
    org.client.enable_aws_service_access(ServicePrincipal=CONFIG)
    assert org.client.list_aws_service_access_for_organization()["EnabledServicePrincipals"] == [first]
    org.client.disable_aws_service_access(ServicePrincipal=CONFIG)
    assert org.client.list_aws_service_access_for_organization()["EnabledServicePrincipals"] == []
    with refused("InvalidInputException", "unrecognized service principal"):
        org.client.enable_aws_service_access(ServicePrincipal="config")


def test_a_delegated_administrator_reads_what_its_management_account_reads(org: Any, refused: Any) -> None:
    org.client.enable_aws_service_access(ServicePrincipal=CONFIG)
    member = org.invite()
    client = member.client("organizations")
    delegation = {"AccountId": member.account, "ServicePrincipal": CONFIG}
    org.client.register_delegated_administrator(**delegation)
    assert len(client.list_accounts()["Accounts"]) == 2
    assert client.describe_account(AccountId=member.account)["Account"]["Id"] == member.account
    with refused("AccessDeniedException"):
        client.create_organizational_unit(ParentId=org.root, Name="mine")
    (listed,) = org.client.list_delegated_administrators(ServicePrincipal=CONFIG)["DelegatedAdministrators"]
    assert (listed["Id"], listed["JoinedMethod"]) == (member.account, "INVITED")
    assert org.client.list_delegated_administrators(ServicePrincipal="guardduty.amazonaws.com")["DelegatedAdministrators"] == []
    (service,) = org.client.list_delegated_services_for_account(AccountId=member.account)["DelegatedServices"]
    assert service == {"ServicePrincipal": CONFIG, "DelegationEnabledDate": listed["DelegationEnabledDate"]}
    with refused("AccountAlreadyRegisteredException"):
        org.client.register_delegated_administrator(**delegation)
    with refused("ConstraintViolationException") as caught:
        org.client.remove_account_from_organization(AccountId=member.account)
    assert caught.value.response["Reason"] == "CANNOT_REMOVE_DELEGATED_ADMINISTRATOR_FROM_ORG"
    org.client.deregister_delegated_administrator(**delegation)
    with refused("AccountNotRegisteredException"):
        org.client.deregister_delegated_administrator(**delegation)
    with refused("AccountNotRegisteredException"):
        org.client.list_delegated_services_for_account(AccountId=member.account)
    with refused("AccessDeniedException"):
        client.list_accounts()


def test_not_everybody_can_be_a_delegated_administrator(org: Any, refused: Any) -> None:
    member = org.invite()
    closed = org.create()["AccountId"]
    org.client.close_account(AccountId=closed)
    for account, reason in (
        (org.account.account, "CANNOT_REGISTER_MASTER_AS_DELEGATED_ADMINISTRATOR"),
        (closed, "CANNOT_REGISTER_SUSPENDED_ACCOUNT_AS_DELEGATED_ADMINISTRATOR"),
        (member.account, "SERVICE_ACCESS_NOT_ENABLED"),
    ):
        with refused("ConstraintViolationException") as caught:
            org.client.register_delegated_administrator(AccountId=account, ServicePrincipal=CONFIG)
        assert caught.value.response["Reason"] == reason
