"""What this room tells the decision: identity policies, whom a role trusts, and the tags of its own resources.

A role's trust is its resource policy for the actions of STS that take the role on, and stands alone: no identity policy makes up for it.
For IAM's own actions on the role there is none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from headwater.aws.arn import parse_arn
from headwater.aws.policy.documents import parse
from headwater.kernel.service import ResourcePolicy

from . import SERVICE
from .grants import Grants, role_at
from .model import GLOBAL, instance_profiles, policies, roles, users

if TYPE_CHECKING:
    from headwater.kernel.home import Home
    from headwater.kernel.store import Table

TRUST_ACTIONS: Final = frozenset({"sts:tagsession", "sts:setsourceidentity", "sts:setcontext"})
TAGGED: Final[dict[str, Table[Any]]] = {"user": users, "role": roles, "policy": policies, "instance-profile": instance_profiles}


@SERVICE.starts
async def _give(home: Home) -> None:
    home.authorization.identity = Grants(home.store)


@SERVICE.resource_policy
def _trust(home: Home, action: str, resource: str) -> ResourcePolicy | None:
    action = action.lower()
    if not action.startswith("sts:assumerole") and action not in TRUST_ACTIONS:
        return None
    role = role_at(home.store, resource)
    if role is None:
        return None
    return ResourcePolicy(owner=role.account, policies=(parse(role.trust, source=resource, kind="trust"),), alone=True)


@SERVICE.resource_tags
def _tags(home: Home, resource: str, request: dict[str, Any]) -> Mapping[str, str]:
    try:
        arn = parse_arn(resource)
    except ValueError:
        return {}
    table = TAGGED.get(arn.kind)
    record = None if table is None else home.store.get(table, arn.account, GLOBAL, arn.name.rpartition("/")[2])
    tags: Mapping[str, str] = {} if record is None else record.tags
    return tags
