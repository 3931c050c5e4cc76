"""An organization for the tests of this room: its management account's client, and what tests often ask of it."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

SCP = "SERVICE_CONTROL_POLICY"
PATIENCE_S = 10


class Founded:
    """An organization with service-control policies enabled, seen by its management account."""

    def __init__(self, account: Any) -> None:
        self.account = account
        self.client = account.client("organizations")
        self.organization = self.client.create_organization()["Organization"]
        self.id: str = self.organization["Id"]
        self.root: str = self.client.list_roots()["Roots"][0]["Id"]

    def enabled(self) -> "Founded":
        self.client.enable_policy_type(RootId=self.root, PolicyType=SCP)
        return self

    def unit(self, name: str, parent: str | None = None) -> str:
        made = self.client.create_organizational_unit(ParentId=parent or self.root, Name=name)
        return str(made["OrganizationalUnit"]["Id"])

    def create(self, name: str = "dev", **members: Any) -> dict[str, Any]:
        """Ask for an account and wait for what became of it."""
        request = {"Email": f"{name}-{self.id}@example.com", "AccountName": name} | members
        status: dict[str, Any] = self.client.create_account(**request)["CreateAccountStatus"]
        until = time.monotonic() + PATIENCE_S
        while status["State"] == "IN_PROGRESS":
            assert time.monotonic() < until, status
            status = self.client.describe_create_account_status(CreateAccountRequestId=status["Id"])["CreateAccountStatus"]
        return status

    def invite(self, number: str | None = None) -> Any:
        """Another account, as a member under the root."""
        other = self.account.other(number)
        handshake = self.client.invite_account_to_organization(Target={"Id": other.account, "Type": "ACCOUNT"})["Handshake"]
        client = other.client("organizations")
        client.accept_handshake(HandshakeId=handshake["Id"])
        return other

    def policy(self, name: str = "guard", **statement: Any) -> str:
        document = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "logs:*", "Resource": "*"} | statement]}
        made = self.client.create_policy(Name=name, Description="", Type=SCP, Content=json.dumps(document))
        return str(made["Policy"]["PolicySummary"]["Id"])

    def attach(self, policy_id: str, target_id: str) -> None:
        self.client.attach_policy(PolicyId=policy_id, TargetId=target_id)

    def detach(self, policy_id: str, target_id: str) -> None:
        self.client.detach_policy(PolicyId=policy_id, TargetId=target_id)


@pytest.fixture
def org(aws: Any) -> Founded:
    return Founded(aws)


@pytest.fixture
def found(aws: Any) -> Callable[[], Founded]:
    """Organizations of other accounts."""
    return lambda: Founded(aws.other())


@pytest.fixture
def founding() -> type[Founded]:
    """`founding(account)`: an organization of an account on a server of the test's own."""
    return Founded
