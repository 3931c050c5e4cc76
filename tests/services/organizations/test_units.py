"""Organizational units and the tree. Truth: the API reference; five levels and a thousand units from "Quotas for AWS Organizations"."""

import re
from typing import Any


def test_a_unit_is_made_renamed_and_deleted(org: Any, refused: Any) -> None:
    made = org.client.create_organizational_unit(ParentId=org.root, Name="work", Tags=[{"Key": "k", "Value": "v"}])["OrganizationalUnit"]
    assert re.fullmatch(rf"ou-{org.root[2:]}-[a-z0-9]{{8,32}}", made["Id"])
    assert made == {
        "Id": made["Id"],
        "Arn": f"arn:aws:organizations::{org.account.account}:ou/{org.id}/{made['Id']}",
        "Name": "work",
        "Path": f"{org.id}/{org.root}/{made['Id']}/",
    }
    assert org.client.list_tags_for_resource(ResourceId=made["Id"])["Tags"] == [{"Key": "k", "Value": "v"}]
    renamed = org.client.update_organizational_unit(OrganizationalUnitId=made["Id"], Name="play")["OrganizationalUnit"]
    assert renamed == made | {"Name": "play"}
    assert org.client.describe_organizational_unit(OrganizationalUnitId=made["Id"])["OrganizationalUnit"] == renamed
    org.client.delete_organizational_unit(OrganizationalUnitId=made["Id"])
    for call in (org.client.describe_organizational_unit, org.client.delete_organizational_unit):
        with refused("OrganizationalUnitNotFoundException"):
            call(OrganizationalUnitId=made["Id"])


def test_siblings_have_different_names(org: Any, refused: Any) -> None:
    one, other = org.unit("one"), org.unit("other")
    with refused("DuplicateOrganizationalUnitException", "same name"):
        org.unit("one")
    with refused("DuplicateOrganizationalUnitException"):
        org.client.update_organizational_unit(OrganizationalUnitId=other, Name="one")
    assert org.unit("one", parent=one)


def test_the_tree_is_five_units_deep(org: Any, refused: Any) -> None:
    parent = org.root
    for level in range(5):
        parent = org.unit(f"level{level}", parent)
    with refused("ConstraintViolationException") as caught:
        org.unit("too deep", parent)
    assert caught.value.response["Reason"] == "OU_DEPTH_LIMIT_EXCEEDED"


def test_only_an_empty_unit_is_deleted(org: Any, refused: Any) -> None:
    unit = org.unit("work")
    inner = org.unit("inner", unit)
    with refused("OrganizationalUnitNotEmptyException"):
        org.client.delete_organizational_unit(OrganizationalUnitId=unit)
    org.client.delete_organizational_unit(OrganizationalUnitId=inner)
    org.client.move_account(AccountId=org.account.account, SourceParentId=org.root, DestinationParentId=unit)
    with refused("OrganizationalUnitNotEmptyException"):
        org.client.delete_organizational_unit(OrganizationalUnitId=unit)


def test_children_and_parents_are_two_views_of_one_tree(org: Any, refused: Any) -> None:
    unit = org.unit("work")
    inner = org.unit("inner", unit)
    number = org.account.account
    children = org.client.list_children(ParentId=org.root, ChildType="ORGANIZATIONAL_UNIT")["Children"]
    assert children == [{"Id": unit, "Type": "ORGANIZATIONAL_UNIT"}]
    assert org.client.list_children(ParentId=org.root, ChildType="ACCOUNT")["Children"] == [{"Id": number, "Type": "ACCOUNT"}]
    assert org.client.list_parents(ChildId=inner)["Parents"] == [{"Id": unit, "Type": "ORGANIZATIONAL_UNIT"}]
    assert org.client.list_parents(ChildId=number)["Parents"] == [{"Id": org.root, "Type": "ROOT"}]
    assert [each["Name"] for each in org.client.list_organizational_units_for_parent(ParentId=unit)["OrganizationalUnits"]] == ["inner"]
    with refused("ChildNotFoundException"):
        org.client.list_parents(ChildId="999999999999")
    for call in (org.client.list_accounts_for_parent, org.client.list_organizational_units_for_parent):
        with refused("ParentNotFoundException"):
            call(ParentId="r-zzzz")


def test_listings_come_in_pages(org: Any, refused: Any) -> None:
    made = {org.unit(f"unit{number}") for number in range(25)}
    first = org.client.list_organizational_units_for_parent(ParentId=org.root)
    assert len(first["OrganizationalUnits"]) == 20
    pages = org.client.get_paginator("list_organizational_units_for_parent")
    found = [unit["Id"] for page in pages.paginate(ParentId=org.root, MaxResults=7) for unit in page["OrganizationalUnits"]]
    assert (len(found), set(found)) == (25, made)
    with refused("InvalidInputException") as caught:
        org.client.list_accounts(NextToken="not one of ours!")
    assert caught.value.response["Reason"] == "INVALID_NEXT_TOKEN"
