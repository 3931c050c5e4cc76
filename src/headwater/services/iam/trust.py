"""Whom a role trusts, by id: a user or role that is deleted and made again under its name is another, and is not trusted.

AWS keeps the unique id of each user and role that a trust policy names, shows the ARN as long as somebody bears it, and the id afterwards.
Here the text stays as it was written, and beside it stand the ids that it meant. Who is not there cannot be named, in this account at
least: other accounts may be ones that this home has never heard of.
Source: "AWS JSON policy elements: Principal" of the user guide, "IAM role principals" and "IAM user principals".
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from headwater.aws.arn import parse_arn
from headwater.aws.policy.grammar import malformed

from .grants import Reading, role_at
from .model import GLOBAL, Role, User, arn_of, users

if TYPE_CHECKING:
    from headwater.kernel.context import Context
    from headwater.kernel.store import Store


def bound(ctx: Context, document: str) -> dict[str, str]:
    """The ids of the users and roles that the trust policy names, by ARN; refuses one of this account that is not there."""
    ids = {}
    for element in _elements(json.loads(document)):
        for named in _several(element.get("AWS")):
            kind, account = _kind(named)
            if kind not in {"user", "role"}:
                continue
            entity = _at(ctx.store, named)
            if entity is not None:
                ids[named] = entity.unique_id
            elif account == ctx.account:
                raise malformed(f'Invalid principal in policy: "AWS":"{named}"')
    return ids


def in_force(store: Store, role: Role) -> str:
    """The trust policy as it counts now: whoever is gone stands there with an id that nobody has any more."""
    changed = {}
    for arn, unique_id in role.trusted.items():
        entity = _at(store, arn)
        if entity is None or entity.unique_id != unique_id:
            changed[arn] = _now(store, arn, unique_id)
    return _rewritten(role.trust, changed) if changed else role.trust


def as_it_is(ctx: Context, role: Role) -> Role:
    """The role as it is shown."""
    return msgspec.structs.replace(role, trust=in_force(ctx.store, role)) if role.trusted else role


def _now(store: Store, arn: str, unique_id: str) -> str:
    """A renamed user's ARN of today, or the id of who is gone."""
    account = arn.split(":")[4]
    renamed: User | None = Reading(store).find(users, lambda user: user.unique_id == unique_id, account, GLOBAL)
    return unique_id if renamed is None else arn_of(renamed)


def _at(store: Store, arn: str) -> User | Role | None:
    kind, account = _kind(arn)
    if kind == "role":
        return role_at(store, arn)
    user = store.get(users, account, GLOBAL, arn.rpartition("/")[2]) if kind == "user" else None
    return user if user is not None and arn_of(user) == arn else None


def _kind(principal: str) -> tuple[str, str]:
    """("user", account) of a user's ARN; sessions, accounts and ids are neither user nor role."""
    try:
        arn = parse_arn(principal)
    except ValueError:
        return "", ""
    return (arn.kind, arn.account) if arn.service == "iam" else ("", "")


def _several(value: Any) -> list[str]:
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str)]


def _elements(policy: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Each Principal and NotPrincipal that is more than a star."""
    statements = policy["Statement"]
    for statement in statements if isinstance(statements, list) else [statements]:
        for name in ("Principal", "NotPrincipal"):
            if isinstance(statement.get(name), dict):
                yield statement[name]


def _rewritten(document: str, changed: dict[str, str]) -> str:
    policy = json.loads(document)
    for element in _elements(policy):
        if "AWS" in element:
            now = [changed.get(one, one) for one in _several(element["AWS"])]
            element["AWS"] = now if isinstance(element["AWS"], list) else now[0]
    return json.dumps(policy)
