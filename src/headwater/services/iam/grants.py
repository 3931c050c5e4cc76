"""What each principal may do by what this room keeps: the source of identity policies for the decision.

A principal's policies are compiled once and remembered. What was worked out at one generation of the tables holds at the same
generation; at another it still holds where the very records that it came from still stand (a change makes a new record), so that one
user's change costs the others a look, and nothing more.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final, Generic, NamedTuple, TypeVar

from headwater.aws.policy.documents import Policy as Compiled
from headwater.aws.policy.documents import PolicySet, parse
from headwater.kernel.standing import Holdings

from .aws_managed import AWS_MANAGED, aws_managed
from .mfa_devices import check_code
from .model import GLOBAL, KINDS, Bearer, Policy, Role, User, arn_of, groups, policies, roles, users
from .passwords import password_policies

if TYPE_CHECKING:
    from headwater.kernel.home import Home
    from headwater.kernel.identity import Principal
    from headwater.kernel.store import Store, Table

EVERYTHING: Final = f"{AWS_MANAGED}AdministratorAccess"
"""What a root may do, as a policy: a federated user whom a root vouches for has it, within the session's policies."""
OWN_PASSWORD: Final = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "iam:ChangePassword", "Resource": "arn:aws:iam::*:user/${aws:username}"},
            {"Effect": "Allow", "Action": "iam:GetAccountPasswordPolicy", "Resource": "*"},
        ],
    }
)
"""What every user may in an account whose password policy says AllowUsersToChangePassword."""
INLINE: Final = "inline:"
UNIQUE_ID_LENGTH: Final = 21
REMEMBERED_MAX: Final = 10_000
Answer = TypeVar("Answer")


class Read(NamedTuple):
    """One look at a table, and what was found: None where nothing stood."""

    table: Table[Any]
    key: tuple[str, ...]
    record: Any


class Reading:
    """The store, keeping account of what it was asked."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.reads: list[Read] = []

    def get(self, table: Table[Any], *key: str) -> Any:
        record = self._store.get(table, *key)
        self.reads.append(Read(table, key, record))
        return record

    def find(self, table: Table[Any], wanted: Callable[[Any], bool], *key: str) -> Any:
        found = next(filter(wanted, self._store.scan(table, *key)), None)
        if found is not None:
            self.reads.append(Read(table, table.key(found), found))
        return found


class Remembered(Generic[Answer]):
    """Answers by name, each thrown away when a record that it came from has changed."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._answers: dict[Any, tuple[int, Answer, list[Read]]] = {}

    def get(self, name: Any, work_out: Callable[[Reading], Answer]) -> Answer:
        generation = self._store.changes("iam")
        known = self._answers.get(name)
        if known is not None and known[0] == generation:
            return known[1]
        if known is not None and all(self._store.get(read.table, *read.key) is read.record for read in known[2]):
            answer, reads = known[1], known[2]
        else:
            reading = Reading(self._store)
            answer, reads = work_out(reading), reading.reads
        if len(self._answers) >= REMEMBERED_MAX:
            self._answers.clear()
        self._answers[name] = (generation, answer, reads)
        return answer


class Grants:
    """The kernel's PolicySource, and what STS asks of MFA devices."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._store = store = home.store
        self._holdings: Remembered[Holdings | None] = Remembered(store)
        self._managed: Remembered[PolicySet] = Remembered(store)

    def holdings(self, principal: Principal) -> Holdings | None:
        """None where the user or role is gone, and for whom no identity policy exists: services and strangers."""
        bearer = principal.role_arn or principal.arn  # a federated user's role_arn is who vouches for it
        vouched_by = principal.session.vouched_by if principal.session is not None else ""
        unique_id = vouched_by or principal.user_id[:UNIQUE_ID_LENGTH]
        return self._holdings.get((bearer, unique_id), lambda reading: _holdings(reading, bearer, unique_id))

    def role_id(self, role_arn: str) -> str | None:
        """The unique id of the role that has this ARN now."""
        role = role_at(self._store, role_arn)
        return None if role is None else role.unique_id

    def is_there(self, arn: str) -> bool:
        """Whether a user or role bears this ARN."""
        user = _user_at(self._store, arn)
        return user is not None or role_at(self._store, arn) is not None

    def check_mfa(self, account: str, serial: str, code: str) -> bool:
        """Whether the device, which is somebody's, shows this code now. A code is good once."""
        return check_code(self._home, account, serial, code)

    def managed(self, account: str, arns: tuple[str, ...]) -> PolicySet:
        """Managed policies by ARN, as a session is given them; one that is not there allows nothing."""
        return self._managed.get((account, arns), lambda reading: PolicySet(_managed(reading, account, arns)))


def _holdings(reading: Reading, arn: str, unique_id: str) -> Holdings | None:
    account, _, resource = arn.partition(":iam::")[2].partition(":")
    kind, _, path = resource.partition("/")
    name = path.rpartition("/")[2]
    if kind == "root":
        return Holdings(identity=PolicySet([_compiled(aws_managed()[EVERYTHING])]), unique_id=account)
    bearer: Bearer | None
    if kind == "user":
        bearer = _user(reading, account, name, unique_id)
        known = True
    elif kind == "role":
        bearer = role_at(reading, arn)
        known = bearer is not None and unique_id == bearer.unique_id
    else:
        return None
    return held(reading, bearer) if bearer is not None and known else None


def _user(reading: Reading, account: str, name: str, unique_id: str) -> User | None:
    """By name; by id where the name is another's now: a user's session outlives a new name, but never the user."""
    user: User | None = reading.get(users, account, GLOBAL, name)
    if user is not None and user.unique_id == unique_id:
        return user
    renamed: User | None = reading.find(users, lambda one: one.unique_id == unique_id, account, GLOBAL)
    return renamed


def role_at(store: Store | Reading, arn: str) -> Role | None:
    """The role with exactly this ARN: one of the same name under another path is another."""
    account, _, path = arn.partition(":iam::")[2].partition(":role/")
    role: Role | None = store.get(roles, account, GLOBAL, path.rpartition("/")[2])
    return role if role is not None and arn_of(role) == arn else None


def _user_at(store: Store, arn: str) -> User | None:
    account, _, path = arn.partition(":iam::")[2].partition(":user/")
    user: User | None = store.get(users, account, GLOBAL, path.rpartition("/")[2])
    return user if user is not None and arn_of(user) == arn else None


def held(reading: Reading, bearer: Bearer) -> Holdings:
    """Everything that a user, group or role has, a user's groups included."""
    boundary = bearer.boundary if isinstance(bearer, User | Role) else None
    return Holdings(
        identity=PolicySet(_compiled_policies(reading, bearer)),
        boundary=None if boundary is None else PolicySet(_managed(reading, bearer.account, (boundary,))),
        tags=bearer.tags if isinstance(bearer, User | Role) else {},
        unique_id=bearer.unique_id,
    )


def _compiled_policies(reading: Reading, bearer: Bearer) -> Iterator[Compiled]:
    for written in identity_documents(reading, bearer):
        yield parse(written.document, source=written.source)
    if isinstance(bearer, User):
        rules = reading.get(password_policies, bearer.account, GLOBAL)
        if rules is not None and rules.users_may_change:
            yield parse(OWN_PASSWORD, source="password policy")


class Written(NamedTuple):
    """A policy as it was written, and the source by which its statements know it."""

    source: str
    document: str
    name: str
    bearer: Bearer

    @property
    def arn(self) -> str | None:
        """None for an inline policy, which belongs to its bearer."""
        return None if self.source.startswith(INLINE) else self.source


def identity_documents(reading: Reading, bearer: Bearer) -> Iterator[Written]:
    """The bearer's own policies, then those of a user's groups."""
    bearers = [bearer]
    if isinstance(bearer, User):
        found = (reading.get(groups, bearer.account, GLOBAL, name) for name in bearer.groups)
        bearers += [group for group in found if group is not None]
    for one in bearers:
        for name, document in one.inline.items():
            yield Written(f"{INLINE}{KINDS[type(one)]}/{one.name}/{name}", document, name, one)
        for policy in managed_policies(reading, bearer.account, one.attached):
            yield Written(policy.arn, policy.document, policy.name, one)


def managed_policies(reading: Reading, account: str, arns: Iterable[str]) -> Iterator[Policy]:
    """One that is not there (a service-linked role's, which AWS keeps) is passed over."""
    for arn in arns:
        policy = _policy(reading, account, arn)
        if policy is not None:
            yield policy


def _managed(reading: Reading, account: str, arns: Iterable[str]) -> Iterator[Compiled]:
    return (_compiled(policy) for policy in managed_policies(reading, account, arns))


def _policy(reading: Reading, account: str, arn: str) -> Policy | None:
    if arn.startswith(AWS_MANAGED):
        return aws_managed().get(arn)
    policy: Policy | None = reading.get(policies, account, GLOBAL, arn.rpartition("/")[2])
    return policy if policy is not None and policy.arn == arn else None


def _compiled(policy: Policy) -> Compiled:
    return parse(policy.document, source=policy.arn)
