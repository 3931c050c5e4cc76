"""Accounts: made, described, moved, closed and gone. Truth: the API reference, with its periods of four, thirty and ninety days."""

import time
from datetime import timedelta
from typing import Any

import pytest


def test_an_account_is_made_with_a_role_for_its_management(org: Any) -> None:
    status = org.create("dev", Tags=[{"Key": "team", "Value": "data"}])
    assert (status["State"], status["AccountName"]) == ("SUCCEEDED", "dev")
    assert status["CompletedTimestamp"] >= status["RequestedTimestamp"]
    number = status["AccountId"]
    account = org.client.describe_account(AccountId=number)["Account"]
    assert account.pop("JoinedTimestamp") is not None
    assert account == {
        "Id": number,
        "Arn": f"arn:aws:organizations::{org.account.account}:account/{org.id}/{number}",
        "Email": f"dev-{org.id}@example.com",
        "Name": "dev",
        "Status": "ACTIVE",
        "State": "ACTIVE",
        "Paths": [f"{org.id}/{org.root}/{number}/"],
        "JoinedMethod": "CREATED",
    }
    assert org.client.list_tags_for_resource(ResourceId=number)["Tags"] == [{"Key": "team", "Value": "data"}]
    iam = org.account.other(number).client("iam")
    role = iam.get_role(RoleName="OrganizationAccountAccessRole")["Role"]
    (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"] == {"AWS": f"arn:aws:iam::{org.account.account}:root"}
    assert iam.get_role(RoleName="AWSServiceRoleForOrganizations")


@pytest.mark.http
def test_the_management_account_works_in_a_created_account_through_its_role(org: Any) -> None:
    number = org.create(RoleName="entry")["AccountId"]
    user = org.account.client("iam")
    user.create_user(UserName="admin")
    user.attach_user_policy(UserName="admin", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    key = user.create_access_key(UserName="admin")["AccessKey"]
    sts = org.account.client("sts", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])
    session = sts.assume_role(RoleArn=f"arn:aws:iam::{number}:role/entry", RoleSessionName="admin")["Credentials"]
    inside = org.account.client(
        "iam",
        aws_access_key_id=session["AccessKeyId"],
        aws_secret_access_key=session["SecretAccessKey"],
        aws_session_token=session["SessionToken"],
    )
    assert inside.create_user(UserName="made-from-outside")["User"]["Arn"] == f"arn:aws:iam::{number}:user/made-from-outside"


def test_an_address_is_of_one_account(org: Any) -> None:
    org.create("dev")
    status = org.create("dev")
    assert (status["State"], status["FailureReason"]) == ("FAILED", "EMAIL_ALREADY_EXISTS")
    assert "AccountId" not in status
    failed = org.client.list_create_account_status(States=["FAILED"])["CreateAccountStatuses"]
    assert [each["Id"] for each in failed] == [status["Id"]]
    assert len(org.client.list_create_account_status()["CreateAccountStatuses"]) == 2


def test_an_unknown_request_for_an_account_is_told(org: Any, refused: Any) -> None:
    with refused("CreateAccountStatusNotFoundException"):
        org.client.describe_create_account_status(CreateAccountRequestId="car-12345678")
    with refused("AccountNotFoundException", "You specified an account that doesn't exist."):
        org.client.describe_account(AccountId="123456789012")


def test_an_account_moves(org: Any, refused: Any) -> None:
    unit, other = org.unit("work"), org.unit("other")
    number = org.invite().account
    org.client.move_account(AccountId=number, SourceParentId=org.root, DestinationParentId=unit)
    assert [each["Id"] for each in org.client.list_accounts_for_parent(ParentId=unit)["Accounts"]] == [number]
    assert org.client.describe_account(AccountId=number)["Account"]["Paths"] == [f"{org.id}/{org.root}/{unit}/{number}/"]
    with refused("DuplicateAccountException"):
        org.client.move_account(AccountId=number, SourceParentId=org.root, DestinationParentId=unit)
    with refused("SourceParentNotFoundException"):
        org.client.move_account(AccountId=number, SourceParentId=org.root, DestinationParentId=other)
    with refused("DestinationParentNotFoundException"):
        org.client.move_account(AccountId=number, SourceParentId=unit, DestinationParentId="ou-zzzz-zzzzzzzz")
    with refused("AccountNotFoundException"):
        org.client.move_account(AccountId="123456789012", SourceParentId=unit, DestinationParentId=org.root)


def test_an_invited_account_leaves_or_is_removed(org: Any, refused: Any) -> None:
    leaving, removed = org.invite(), org.invite()
    leaving.client("organizations").leave_organization()
    with refused("AWSOrganizationsNotInUseException"):
        leaving.client("organizations").describe_organization()
    org.client.remove_account_from_organization(AccountId=removed.account)
    assert [each["Id"] for each in org.client.list_accounts()["Accounts"]] == [org.account.account]
    with refused("MasterCannotLeaveOrganizationException"):
        org.client.leave_organization()
    with refused("MasterCannotLeaveOrganizationException"):
        org.client.remove_account_from_organization(AccountId=org.account.account)


def test_a_created_account_waits_four_days_before_it_leaves(org: Any, refused: Any, clock: Any) -> None:
    number = org.create()["AccountId"]
    with refused("ConstraintViolationException") as caught:
        org.client.remove_account_from_organization(AccountId=number)
    assert caught.value.response["Reason"] == "WAIT_PERIOD_ACTIVE"
    clock.advance(timedelta(days=4, seconds=1))
    org.client.remove_account_from_organization(AccountId=number)
    assert org.account.other(number).client("organizations").create_organization()["Organization"]["MasterAccountId"] == number


def test_a_closed_account_is_in_sight_for_ninety_days(org: Any, refused: Any, clock: Any) -> None:
    number = org.create()["AccountId"]
    org.client.close_account(AccountId=number)
    closed = org.client.describe_account(AccountId=number)["Account"]
    assert (closed["Status"], closed["State"]) == ("SUSPENDED", "CLOSED")
    with refused("AccountAlreadyClosedException"):
        org.client.close_account(AccountId=number)
    with refused("ConstraintViolationException") as caught:
        org.client.close_account(AccountId=org.account.account)
    assert caught.value.response["Reason"] == "CANNOT_CLOSE_MANAGEMENT_ACCOUNT"
    clock.advance(timedelta(days=90, seconds=1))
    until = time.monotonic() + 10
    while len(org.client.list_accounts()["Accounts"]) > 1:
        assert time.monotonic() < until
    with refused("AccountNotFoundException"):
        org.client.describe_account(AccountId=number)


def test_an_account_that_was_asked_for_is_there_after_a_restart(start_server: Any, account_on: Any, founding: Any) -> None:
    server = start_server()
    founded = founding(account_on(server, "111111111111"))
    asked = founded.client.create_account(Email="dev@example.com", AccountName="dev")["CreateAccountStatus"]["Id"]
    server.stop()
    client = account_on(start_server(server.settings.home), "111111111111").client("organizations")
    until = time.monotonic() + 10
    while client.describe_create_account_status(CreateAccountRequestId=asked)["CreateAccountStatus"]["State"] != "SUCCEEDED":
        assert time.monotonic() < until
    assert len(client.list_accounts()["Accounts"]) == 2
