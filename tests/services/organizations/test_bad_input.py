"""What the model itself refuses, and strange values. Truth: the model's patterns and enums; the code is AWS's, the words the house's."""

from typing import Any

import pytest

BAD = {
    "an id that is none": ("list_parents", {"ChildId": "nobody"}),
    "a parent that is an account": ("list_accounts_for_parent", {"ParentId": "123456789012"}),
    "an account of eleven digits": ("describe_account", {"AccountId": "12345678901"}),
    "a policy's id with a hyphen too many": ("describe_policy", {"PolicyId": "p-1234-5678"}),
    "an unknown kind of child": ("list_children", {"ParentId": "r-abcd", "ChildType": "ROOM"}),
    "an unknown policy type": ("list_policies", {"Filter": "HOUSE_RULE"}),
    "twenty-one results": ("list_roots", {"MaxResults": 21}),
    "an address that is none": ("create_account", {"Email": "nobody at home", "AccountName": "dev"}),
    "a name of another alphabet": ("create_account", {"Email": "a@example.com", "AccountName": "Büro"}),
    "a handshake's id in capitals": ("describe_handshake", {"HandshakeId": "h-ABCDEFGH"}),
    "a long name": ("create_organizational_unit", {"ParentId": "r-abcd", "Name": "x" * 129}),
}


@pytest.mark.parametrize(("operation", "request_"), BAD.values(), ids=BAD)
def test_bad_input_is_an_invalid_input(org: Any, refused: Any, operation: str, request_: dict[str, Any]) -> None:
    with refused("InvalidInputException"):
        getattr(org.client, operation)(**request_)


def test_names_are_of_any_alphabet(org: Any) -> None:
    name = "Zweigstelle Zürich 🏔"
    unit = org.unit(name)
    assert org.client.describe_organizational_unit(OrganizationalUnitId=unit)["OrganizationalUnit"]["Name"] == name


def test_things_of_another_organization_are_not_there(org: Any, found: Any, refused: Any) -> None:
    stranger = found()
    unit, guard = stranger.unit("theirs"), stranger.policy()
    for code, operation, request in (
        ("OrganizationalUnitNotFoundException", "describe_organizational_unit", {"OrganizationalUnitId": unit}),
        ("ParentNotFoundException", "create_organizational_unit", {"ParentId": unit, "Name": "mine"}),
        ("ParentNotFoundException", "list_children", {"ParentId": stranger.root, "ChildType": "ACCOUNT"}),
        ("PolicyNotFoundException", "describe_policy", {"PolicyId": guard}),
        ("AccountNotFoundException", "describe_account", {"AccountId": stranger.account.account}),
        ("AccountNotFoundException", "remove_account_from_organization", {"AccountId": stranger.account.account}),
        ("ChildNotFoundException", "list_parents", {"ChildId": stranger.account.account}),
        ("TargetNotFoundException", "list_policies_for_target", {"TargetId": unit, "Filter": "SERVICE_CONTROL_POLICY"}),
        ("RootNotFoundException", "enable_policy_type", {"RootId": stranger.root, "PolicyType": "SERVICE_CONTROL_POLICY"}),
    ):
        with refused(code):
            getattr(org.client, operation)(**request)
