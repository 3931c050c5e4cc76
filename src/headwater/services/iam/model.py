"""Users, groups, roles, managed policies and instance profiles as records, and each one's shape in the API.

A *bearer* is what policies are attached to: a user, a group or a role. Membership stands at the user, attachment at the
bearer, so that each fact is written once; who else it concerns is found by looking. Paths are part of an ARN but not of a name:
names are unique in the account whatever the path, and without regard to case.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import msgspec

from headwater.aws.faults import Fault, fault
from headwater.kernel.store import Record, Table

if TYPE_CHECKING:
    from headwater.kernel.context import Context

GLOBAL: Final = ""
"""The region of everything here."""
ROOT_SINCE: Final = datetime(2024, 1, 1, tzinfo=UTC)
"""An account is there without having been opened: its root has this date in every home."""
TAGS_MAX: Final = 50
PER_ACCOUNT_MAX: Final = {"users": 5000, "groups": 300, "roles": 1000, "policies": 1500, "instance_profiles": 1000}


class Bearer(Record, frozen=True, kw_only=True):
    """What users, groups and roles have in common."""

    account: str
    name: str
    path: str
    unique_id: str
    created_at: datetime
    inline: dict[str, str] = msgspec.field(default_factory=dict)
    """Policy documents by name, as they were written."""
    attached: tuple[str, ...] = ()
    """ARNs of managed policies, in the order of attachment."""


class User(Bearer, frozen=True, kw_only=True):
    groups: tuple[str, ...] = ()
    access_keys: tuple[str, ...] = ()
    boundary: str | None = None
    tags: dict[str, str] = msgspec.field(default_factory=dict)


class Group(Bearer, frozen=True, kw_only=True):
    pass


class Role(Bearer, frozen=True, kw_only=True):
    trust: str
    trusted: dict[str, str] = msgspec.field(default_factory=dict)
    """The ids of the users and roles that the trust policy names, by ARN."""
    description: str | None = None
    max_session_s: int = 3600
    boundary: str | None = None
    tags: dict[str, str] = msgspec.field(default_factory=dict)
    linked_to: str | None = None
    """The service that owns it: a service-linked role, which only that service changes."""


class PolicyVersion(msgspec.Struct, frozen=True, kw_only=True):
    number: int
    document: str
    created_at: datetime

    @property
    def version_id(self) -> str:
        return f"v{self.number}"


class Policy(Record, frozen=True, kw_only=True):
    account: str
    """"aws" for AWS's own, which stand in no table."""
    name: str
    path: str
    unique_id: str
    created_at: datetime
    updated_at: datetime
    description: str | None
    versions: tuple[PolicyVersion, ...]
    """Newest first."""
    default: int
    latest: int
    """The highest number ever given: numbers are not given twice."""
    tags: dict[str, str] = msgspec.field(default_factory=dict)

    @property
    def arn(self) -> str:
        return f"arn:aws:iam::{self.account}:policy{self.path}{self.name}"

    @property
    def document(self) -> str:
        return self.version(f"v{self.default}").document

    def version(self, version_id: str) -> PolicyVersion:
        for version in self.versions:
            if version.version_id == version_id:
                return version
        raise fault("NoSuchEntity", f"Policy {self.arn} version {version_id} does not exist or is not attachable.")


class InstanceProfile(Record, frozen=True, kw_only=True):
    account: str
    name: str
    path: str
    unique_id: str
    created_at: datetime
    role: str | None = None
    tags: dict[str, str] = msgspec.field(default_factory=dict)


class Alias(Record, frozen=True, kw_only=True):
    account: str
    alias: str


class LastUse(Record, frozen=True, kw_only=True):
    """When an access key or a role was last seen at work, and where."""

    account: str
    subject: str
    """An access key's id, or a role's unique id."""
    at: datetime
    service: str
    region: str


class Access(Record, frozen=True, kw_only=True):
    """When a user or role last asked for an action, be it allowed or not."""

    account: str
    subject: str
    """The user's or role's unique id."""
    action: str
    at: datetime
    region: str

    @property
    def namespace(self) -> str:
        return self.action.partition(":")[0]


users: Final = Table("iam", "users", User, key=lambda user: (user.account, GLOBAL, user.name))
groups: Final = Table("iam", "groups", Group, key=lambda group: (group.account, GLOBAL, group.name))
roles: Final = Table("iam", "roles", Role, key=lambda role: (role.account, GLOBAL, role.name))
policies: Final = Table("iam", "policies", Policy, key=lambda policy: (policy.account, GLOBAL, policy.name))
instance_profiles: Final = Table("iam", "instance_profiles", InstanceProfile, key=lambda p: (p.account, GLOBAL, p.name))
last_uses: Final = Table("iam", "last_uses", LastUse, key=lambda use: (use.account, GLOBAL, use.subject))
accesses: Final = Table("iam", "accesses", Access, key=lambda one: (one.account, GLOBAL, one.subject, one.action))
aliases: Final = Table("iam", "aliases", Alias, key=lambda alias: (alias.account, GLOBAL))

KINDS: Final[dict[type[Bearer], str]] = {User: "user", Group: "group", Role: "role"}


def arn_of(bearer: Bearer) -> str:
    return f"arn:aws:iam::{bearer.account}:{KINDS[type(bearer)]}{bearer.path}{bearer.name}"


def table_of(bearer: Bearer) -> Table[Any]:
    return {User: users, Group: groups, Role: roles}[type(bearer)]  # type: ignore[return-value]  # one table for each kind


def _missing(kind: str, name: str) -> Fault:
    return fault("NoSuchEntity", f"The {kind} with name {name} cannot be found.")


def find_user(ctx: Context, name: str) -> User:
    user = ctx.store.get(users, ctx.account, GLOBAL, name)
    if user is None:
        raise _missing("user", name)
    return user


def find_group(ctx: Context, name: str) -> Group:
    group = ctx.store.get(groups, ctx.account, GLOBAL, name)
    if group is None:
        raise _missing("group", name)
    return group


def find_role(ctx: Context, name: str) -> Role:
    role = ctx.store.get(roles, ctx.account, GLOBAL, name)
    if role is None:
        raise _missing("role", name)
    return role


def changeable_role(ctx: Context, name: str) -> Role:
    role = find_role(ctx, name)
    if role.linked_to is not None:
        raise fault(
            "UnmodifiableEntity", f"Cannot perform the operation on the protected role '{name}' - this role is only modifiable by AWS"
        )
    return role


def find_instance_profile(ctx: Context, name: str) -> InstanceProfile:
    profile = ctx.store.get(instance_profiles, ctx.account, GLOBAL, name)
    if profile is None:
        raise fault("NoSuchEntity", f"Instance Profile {name} cannot be found.")
    return profile


def calling_user(ctx: Context, name: str | None) -> User:
    """The named user, or the caller where none is named."""
    if name is not None:
        return find_user(ctx, name)
    if ctx.principal.kind != "user":
        raise fault("ValidationError", "Must specify userName when calling with non-User credentials")
    return find_user(ctx, ctx.principal.arn.rpartition("/")[2])


def members_of(ctx: Context, group: str) -> list[User]:
    return [user for user in ctx.store.scan(users, ctx.account, GLOBAL) if group in user.groups]


def bearers(ctx: Context) -> list[Bearer]:
    place = (ctx.account, GLOBAL)
    return [*ctx.store.scan(groups, *place), *ctx.store.scan(users, *place), *ctx.store.scan(roles, *place)]


def attachments(ctx: Context) -> Counter[str]:
    """How many bearers each managed policy is attached to, by ARN."""
    return Counter(arn for bearer in bearers(ctx) for arn in bearer.attached)


def boundary_uses(ctx: Context) -> Counter[str]:
    return Counter(bearer.boundary for bearer in bearers(ctx) if isinstance(bearer, User | Role) and bearer.boundary is not None)


def check_quota(ctx: Context, table: Table[Any]) -> None:
    """Room for one more of what this table holds?"""
    quota = PER_ACCOUNT_MAX[table.name]
    if len(ctx.store.scan(table, ctx.account, GLOBAL)) >= quota:
        what = table.name.replace("_", " ").title().replace(" ", "")
        raise fault("LimitExceeded", f"Cannot exceed quota for {what}PerAccount: {quota}")


def taken(ctx: Context, table: Table[Any], name: str) -> bool:
    """Names are not distinguished by case."""
    folded = name.casefold()
    return any(record.name.casefold() == folded for record in ctx.store.scan(table, ctx.account, GLOBAL))


def tagged(tags: dict[str, str], added: list[dict[str, str]]) -> dict[str, str]:
    """`tags` with these added; keys differ without regard to case, and the newer spelling stands."""
    keys = [tag["Key"].casefold() for tag in added]
    if len(set(keys)) != len(keys):
        raise fault("InvalidInput", "Duplicate tag keys found. Please note that Tag keys are case insensitive.")
    if any(key.startswith("aws:") for key in keys):
        raise fault("InvalidInput", "The tag key prefix aws: is reserved for system use.")
    kept = {key: value for key, value in tags.items() if key.casefold() not in keys}
    result = kept | {tag["Key"]: tag["Value"] for tag in added}
    if len(result) > TAGS_MAX:
        raise fault("LimitExceeded", f"The number of tags has reached the maximum limit: {TAGS_MAX}.")
    return result


def untagged(tags: dict[str, str], keys: list[str]) -> dict[str, str]:
    gone = {key.casefold() for key in keys}
    return {key: value for key, value in tags.items() if key.casefold() not in gone}


@lru_cache(maxsize=1024)
def encoded(document: str) -> str:
    """IAM returns documents percent-encoded (RFC 3986), and SDKs undo it."""
    return quote(document, safe="-_.~")


def described_tags(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _described_boundary(arn: str | None) -> dict[str, str] | None:
    return None if arn is None else {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn}


def describe_user(user: User, *, whole: bool = True) -> dict[str, Any]:
    """`whole`: with tags and boundary, which listings leave out."""
    described: dict[str, Any] = {
        "Path": user.path,
        "UserName": user.name,
        "UserId": user.unique_id,
        "Arn": arn_of(user),
        "CreateDate": user.created_at,
    }
    if whole:
        described |= {"PermissionsBoundary": _described_boundary(user.boundary), "Tags": described_tags(user.tags) or None}
    return described


def describe_group(group: Group) -> dict[str, Any]:
    return {
        "Path": group.path,
        "GroupName": group.name,
        "GroupId": group.unique_id,
        "Arn": arn_of(group),
        "CreateDate": group.created_at,
    }


def describe_role(role: Role, last_use: LastUse | None = None, *, whole: bool = True) -> dict[str, Any]:
    described: dict[str, Any] = {
        "Path": role.path,
        "RoleName": role.name,
        "RoleId": role.unique_id,
        "Arn": arn_of(role),
        "CreateDate": role.created_at,
        "AssumeRolePolicyDocument": encoded(role.trust),
        "Description": role.description or None,
        "MaxSessionDuration": role.max_session_s,
    }
    if whole:
        described |= {
            "PermissionsBoundary": _described_boundary(role.boundary),
            "Tags": described_tags(role.tags) or None,
            "RoleLastUsed": {} if last_use is None else {"LastUsedDate": last_use.at, "Region": last_use.region},
        }
    return described


def describe_policy(policy: Policy, attached: int, bounding: int, *, whole: bool = True) -> dict[str, Any]:
    described: dict[str, Any] = {
        "PolicyName": policy.name,
        "PolicyId": policy.unique_id,
        "Arn": policy.arn,
        "Path": policy.path,
        "DefaultVersionId": f"v{policy.default}",
        "AttachmentCount": attached,
        "PermissionsBoundaryUsageCount": bounding,
        "IsAttachable": True,
        "CreateDate": policy.created_at,
        "UpdateDate": policy.updated_at,
    }
    if whole:
        described |= {"Description": policy.description or None, "Tags": described_tags(policy.tags)}
    return described


def describe_version(policy: Policy, version: PolicyVersion, *, whole: bool = True) -> dict[str, Any]:
    return {
        "Document": encoded(version.document) if whole else None,
        "VersionId": version.version_id,
        "IsDefaultVersion": version.number == policy.default,
        "CreateDate": version.created_at,
    }


def describe_instance_profile(profile: InstanceProfile, role: Role | None) -> dict[str, Any]:
    return {
        "Path": profile.path,
        "InstanceProfileName": profile.name,
        "InstanceProfileId": profile.unique_id,
        "Arn": f"arn:aws:iam::{profile.account}:instance-profile{profile.path}{profile.name}",
        "CreateDate": profile.created_at,
        "Roles": [] if role is None else [describe_role(role, whole=False)],
        "Tags": described_tags(profile.tags) or None,
    }
