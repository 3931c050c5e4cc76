"""Organizations, their units, accounts and policies as records, with each one's id, ARN and shape in the API.

An organization is kept under the number of its management account, and so is everything that belongs to it. An account is kept under
its own number, once in the whole home: it belongs to one organization or to none, and keeps its name and its address when it leaves.
The tree is written from below: a unit or an account names its parent, so that moving is one change. An attachment stands under its
target, because the decision asks for the policies of a target, and hardly anybody for the targets of a policy.
"""

from __future__ import annotations

import secrets
import string
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from headwater.kernel.store import Record, Table

GLOBAL: Final = ""
"""The region of everything here."""
SCP: Final = "SERVICE_CONTROL_POLICY"
ALL_FEATURES: Final = "ALL"
FULL_ACCESS_ID: Final = "p-FullAWSAccess"
ID_ALPHABET: Final = string.ascii_lowercase + string.digits
CLOSED_FOR: Final = timedelta(days=90)
"""A closed account stays in its organization for so long."""


class Organization(Record, frozen=True, kw_only=True):
    account: str
    """The management account."""
    id: str
    root_id: str
    feature_set: str
    created_at: datetime
    policy_types: tuple[str, ...] = ()
    """The types enabled in the root."""
    services: dict[str, datetime] = msgspec.field(default_factory=dict)
    """The services with trusted access, and since when."""
    root_tags: dict[str, str] = msgspec.field(default_factory=dict)

    def arn(self, kind: str, *path: str) -> str:
        return ":".join(("arn:aws:organizations:", self.account, "/".join((kind, self.id, *path))))

    @property
    def has_all_features(self) -> bool:
        return self.feature_set == ALL_FEATURES


class Member(Record, frozen=True, kw_only=True):
    """An account. `management` is empty while it stands alone."""

    account: str
    name: str
    email: str
    management: str = ""
    parent_id: str = ""
    joined_at: datetime | None = None
    created_at: datetime | None = None
    """None: it was invited, or founded the organization."""
    closed_at: datetime | None = None
    tags: dict[str, str] = msgspec.field(default_factory=dict)


class Unit(Record, frozen=True, kw_only=True):
    account: str
    id: str
    name: str
    parent_id: str
    tags: dict[str, str] = msgspec.field(default_factory=dict)


class Policy(Record, frozen=True, kw_only=True):
    account: str
    """"aws" for AWS's own, which stands in no table."""
    id: str
    name: str
    description: str
    type: str
    content: str
    tags: dict[str, str] = msgspec.field(default_factory=dict)


class Attachment(Record, frozen=True, kw_only=True):
    account: str
    target_id: str
    policy_id: str


class Creation(Record, frozen=True, kw_only=True):
    """An account that was asked for."""

    account: str
    id: str
    new_account: str
    name: str
    email: str
    role_name: str
    requested_at: datetime
    completed_at: datetime | None = None
    failure: str = ""
    tags: dict[str, str] = msgspec.field(default_factory=dict)

    @property
    def state(self) -> str:
        if self.completed_at is None:
            return "IN_PROGRESS"
        return "FAILED" if self.failure else "SUCCEEDED"


class Handshake(Record, frozen=True, kw_only=True):
    """An invitation. `target` is an account's number or its address, as the invitation was written."""

    id: str
    account: str
    """The management account that sent it."""
    organization_id: str
    feature_set: str
    sender: str
    sender_email: str
    target: str
    target_type: str
    notes: str
    requested_at: datetime
    expires_at: datetime
    outcome: str = ""
    """ACCEPTED, DECLINED or CANCELED; empty while nobody answered."""
    settled_at: datetime | None = None
    tags: dict[str, str] = msgspec.field(default_factory=dict)

    def state(self, now: datetime) -> str:
        return self.outcome or ("OPEN" if now < self.expires_at else "EXPIRED")

    def invites(self, member: Member) -> bool:
        return self.target == member.account or self.target.casefold() == member.email.casefold()


class Delegation(Record, frozen=True, kw_only=True):
    account: str
    member: str
    service: str
    at: datetime


organizations: Final = Table("organizations", "organizations", Organization, key=lambda one: (one.account, GLOBAL))
members: Final = Table("organizations", "members", Member, key=lambda member: (member.account, GLOBAL))
units: Final = Table("organizations", "units", Unit, key=lambda unit: (unit.account, GLOBAL, unit.id))
policies: Final = Table("organizations", "policies", Policy, key=lambda policy: (policy.account, GLOBAL, policy.id))
attachments: Final = Table("organizations", "attachments", Attachment, key=lambda one: (one.account, GLOBAL, one.target_id, one.policy_id))
creations: Final = Table("organizations", "creations", Creation, key=lambda creation: (creation.account, GLOBAL, creation.id))
handshakes: Final = Table("organizations", "handshakes", Handshake, key=lambda handshake: (handshake.id,))
delegations: Final = Table("organizations", "delegations", Delegation, key=lambda one: (one.account, GLOBAL, one.member, one.service))

FULL_ACCESS: Final = Policy(
    account="aws",
    id=FULL_ACCESS_ID,
    name="FullAWSAccess",
    description="Allows access to every operation",
    type=SCP,
    content=(
        '{\n  "Version": "2012-10-17",\n  "Statement": [\n    {\n      "Effect": "Allow",\n      "Action": "*",\n'
        '      "Resource": "*"\n    }\n  ]\n}'
    ),
)
"""What is attached to everything when service-control policies are enabled, so that enabling forbids nothing."""


def new_id(prefix: str, length: int) -> str:
    return prefix + "".join(secrets.choice(ID_ALPHABET) for _ in range(length))


def new_account_number() -> str:
    return str(secrets.randbelow(9 * 10**11) + 10**11)


def standing_alone(account: str) -> Member:
    """An account of which nothing is known yet: Headwater's accounts are there without having been opened, and need an address."""
    return Member(account=account, name=f"account-{account}", email=f"account-{account}@example.com")


def policy_arn(organization: Organization, policy: Policy) -> str:
    kind = policy.type.lower()
    if policy.account == "aws":
        return f"arn:aws:organizations::aws:policy/{kind}/{policy.id}"
    return organization.arn("policy", kind, policy.id)


def path_of(organization: Organization, ancestors: list[str], *below: str) -> str:
    """`o-…/r-…/ou-…/`: from the root down. `ancestors` are the units from below."""
    return "/".join((organization.id, organization.root_id, *reversed(ancestors), *below, ""))


def available_types(organization: Organization) -> list[dict[str, str]]:
    return [{"Type": SCP, "Status": "ENABLED"}] if organization.has_all_features else []


def describe_organization_of(organization: Organization, management: Member) -> dict[str, Any]:
    return {
        "Id": organization.id,
        "Arn": organization.arn("organization"),
        "FeatureSet": organization.feature_set,
        "MasterAccountArn": organization.arn("account", organization.account),
        "MasterAccountId": organization.account,
        "MasterAccountEmail": management.email,
        "AvailablePolicyTypes": available_types(organization),
    }


def describe_root(organization: Organization) -> dict[str, Any]:
    return {
        "Id": organization.root_id,
        "Arn": organization.arn("root", organization.root_id),
        "Name": "Root",
        "PolicyTypes": [{"Type": each, "Status": "ENABLED"} for each in organization.policy_types],
    }


def describe_unit(organization: Organization, unit: Unit, path: str) -> dict[str, Any]:
    return {"Id": unit.id, "Arn": organization.arn("ou", unit.id), "Name": unit.name, "Path": path}


def describe_member(organization: Organization, member: Member, path: str) -> dict[str, Any]:
    """`path`: of the account, from the root down."""
    return {
        "Id": member.account,
        "Arn": organization.arn("account", member.account),
        "Email": member.email,
        "Name": member.name,
        "Status": "ACTIVE" if member.closed_at is None else "SUSPENDED",
        "State": "ACTIVE" if member.closed_at is None else "CLOSED",
        "Paths": [path],
        "JoinedMethod": "INVITED" if member.created_at is None else "CREATED",
        "JoinedTimestamp": member.joined_at,
    }


def describe_summary(organization: Organization, policy: Policy) -> dict[str, Any]:
    return {
        "Id": policy.id,
        "Arn": policy_arn(organization, policy),
        "Name": policy.name,
        "Description": policy.description,
        "Type": policy.type,
        "AwsManaged": policy.account == "aws",
    }


def describe_creation(creation: Creation) -> dict[str, Any]:
    return {
        "Id": creation.id,
        "AccountName": creation.name,
        "State": creation.state,
        "RequestedTimestamp": creation.requested_at,
        "CompletedTimestamp": creation.completed_at,
        "AccountId": creation.new_account if creation.state == "SUCCEEDED" else None,
        "FailureReason": creation.failure or None,
    }


def describe_handshake_of(handshake: Handshake, now: datetime) -> dict[str, Any]:
    sender = [
        {"Type": "MASTER_EMAIL", "Value": handshake.sender_email},
        {"Type": "MASTER_NAME", "Value": handshake.sender},
        {"Type": "ORGANIZATION_FEATURE_SET", "Value": "FULL" if handshake.feature_set == ALL_FEATURES else handshake.feature_set},
    ]
    resources: list[dict[str, Any]] = [
        {"Type": "ORGANIZATION", "Value": handshake.organization_id, "Resources": sender},
        {"Type": handshake.target_type, "Value": handshake.target},
    ]
    if handshake.notes:
        resources.append({"Type": "NOTES", "Value": handshake.notes})
    return {
        "Id": handshake.id,
        "Arn": f"arn:aws:organizations::{handshake.account}:handshake/{handshake.organization_id}/invite/{handshake.id}",
        "Parties": [
            {"Id": handshake.organization_id, "Type": "ORGANIZATION"},
            {"Id": handshake.target, "Type": handshake.target_type},
        ],
        "State": handshake.state(now),
        "RequestedTimestamp": handshake.requested_at,
        "ExpirationTimestamp": handshake.expires_at,
        "Action": "INVITE",
        "Resources": resources,
    }
