"""Invitations. Truth: the API reference of the handshakes, and its examples for what a handshake tells."""

from datetime import timedelta
from typing import Any


def invite(org: Any, guest: Any, **members: Any) -> dict[str, Any]:
    sent: dict[str, Any] = org.client.invite_account_to_organization(Target={"Id": guest.account, "Type": "ACCOUNT"}, **members)
    return sent["Handshake"]  # type: ignore[no-any-return]  # boto3's answers are untyped


def test_an_invitation_tells_who_invites_whom(org: Any, aws: Any) -> None:
    guest = aws.other()
    sent = invite(org, guest, Notes="come in")
    assert sent["Arn"] == f"arn:aws:organizations::{org.account.account}:handshake/{org.id}/invite/{sent['Id']}"
    assert (sent["State"], sent["Action"]) == ("OPEN", "INVITE")
    assert sent["ExpirationTimestamp"] - sent["RequestedTimestamp"] == timedelta(days=15)
    assert sent["Parties"] == [{"Id": org.id, "Type": "ORGANIZATION"}, {"Id": guest.account, "Type": "ACCOUNT"}]
    organization, account, notes = sent["Resources"]
    assert (organization["Type"], organization["Value"]) == ("ORGANIZATION", org.id)
    assert {each["Type"]: each["Value"] for each in organization["Resources"]} == {
        "MASTER_EMAIL": f"account-{org.account.account}@example.com",
        "MASTER_NAME": f"account-{org.account.account}",
        "ORGANIZATION_FEATURE_SET": "FULL",
    }
    assert (account, notes) == ({"Type": "ACCOUNT", "Value": guest.account}, {"Type": "NOTES", "Value": "come in"})
    received = guest.client("organizations")
    assert received.describe_handshake(HandshakeId=sent["Id"])["Handshake"] == sent
    assert received.list_handshakes_for_account()["Handshakes"] == [sent]
    assert org.client.list_handshakes_for_organization()["Handshakes"] == [sent]
    assert org.client.list_handshakes_for_organization(Filter={"ActionType": "ENABLE_ALL_FEATURES"})["Handshakes"] == []


def test_who_accepts_is_a_member_with_the_tags_of_the_invitation(org: Any, aws: Any, refused: Any) -> None:
    guest = aws.other()
    sent = invite(org, guest, Tags=[{"Key": "team", "Value": "data"}])
    accepted = guest.client("organizations").accept_handshake(HandshakeId=sent["Id"])["Handshake"]
    assert accepted["State"] == "ACCEPTED"
    assert org.client.describe_account(AccountId=guest.account)["Account"]["JoinedMethod"] == "INVITED"
    assert org.client.list_tags_for_resource(ResourceId=guest.account)["Tags"] == [{"Key": "team", "Value": "data"}]
    with refused("HandshakeAlreadyInStateException"):
        guest.client("organizations").accept_handshake(HandshakeId=sent["Id"])
    with refused("HandshakeConstraintViolationException") as caught:
        invite(org, guest)
    assert caught.value.response["Reason"] == "ALREADY_IN_AN_ORGANIZATION"


def test_an_invitation_is_declined_by_the_guest_and_cancelled_by_the_host(org: Any, aws: Any, refused: Any) -> None:
    guest = aws.other()
    client = guest.client("organizations")
    sent = invite(org, guest)
    with refused("DuplicateHandshakeException"):
        invite(org, guest)
    with refused("AccessDeniedException"):
        client.cancel_handshake(HandshakeId=sent["Id"])
    with refused("AccessDeniedException"):
        org.client.decline_handshake(HandshakeId=sent["Id"])
    assert client.decline_handshake(HandshakeId=sent["Id"])["Handshake"]["State"] == "DECLINED"
    again = invite(org, guest)
    assert org.client.cancel_handshake(HandshakeId=again["Id"])["Handshake"]["State"] == "CANCELED"
    with refused("InvalidHandshakeTransitionException"):
        client.accept_handshake(HandshakeId=again["Id"])
    with refused("AccessDeniedException"):
        aws.other().client("organizations").describe_handshake(HandshakeId=again["Id"])
    with refused("HandshakeNotFoundException"):
        client.accept_handshake(HandshakeId="h-12345678")


def test_an_account_is_invited_by_its_address_too(org: Any, aws: Any, refused: Any) -> None:
    guest = aws.other()
    target = {"Id": f"account-{guest.account}@example.com", "Type": "EMAIL"}
    sent = org.client.invite_account_to_organization(Target=target)["Handshake"]
    guest.client("organizations").accept_handshake(HandshakeId=sent["Id"])
    assert org.client.describe_account(AccountId=guest.account)
    with refused("HandshakeConstraintViolationException"):
        org.client.invite_account_to_organization(Target=target)
    for target, reason in (
        ({"Id": "o-1234567890", "Type": "ORGANIZATION"}, "INVALID_PARTY_TYPE_TARGET"),
        ({"Id": "12345", "Type": "ACCOUNT"}, "INVALID_PATTERN"),
    ):
        with refused("InvalidInputException") as caught:
            org.client.invite_account_to_organization(Target=target)
        assert caught.value.response["Reason"] == reason


def test_a_member_goes_over_to_another_organization(org: Any, found: Any, aws: Any, refused: Any) -> None:
    """AcceptHandshake: an account that "departed one organization and joined another", if the first lets it go."""
    guest, rival = aws.other(), found()
    client = guest.client("organizations")
    for host in (org, rival):
        client.accept_handshake(HandshakeId=invite(host, guest)["Id"])
        assert client.describe_organization()["Organization"]["Id"] == host.id
    assert [each["Id"] for each in org.client.list_accounts()["Accounts"]] == [org.account.account]
    with refused("MasterCannotLeaveOrganizationException"):
        rival.client.accept_handshake(HandshakeId=invite(org, rival.account)["Id"])
    created = org.account.other(org.create()["AccountId"])
    with refused("ConstraintViolationException") as caught:
        created.client("organizations").accept_handshake(HandshakeId=invite(rival, created)["Id"])
    assert caught.value.response["Reason"] == "WAIT_PERIOD_ACTIVE"


def test_an_invitation_expires_after_fifteen_days(org: Any, aws: Any, refused: Any, clock: Any) -> None:
    guest = aws.other()
    sent = invite(org, guest)
    clock.advance(timedelta(days=15, seconds=1))
    with refused("InvalidHandshakeTransitionException", "EXPIRED"):
        guest.client("organizations").accept_handshake(HandshakeId=sent["Id"])
    assert org.client.list_handshakes_for_organization()["Handshakes"][0]["State"] == "EXPIRED"
    clock.advance(timedelta(days=30))
    assert org.client.list_handshakes_for_organization()["Handshakes"] == []
