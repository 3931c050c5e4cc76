"""What this room tells the decision: identity policies, whom a role trusts, and the tags of its own resources.

A role's trust is its resource policy for the actions of STS that take the role on, and stands alone: no identity policy makes up for it.
For IAM's own actions on the role there is none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from headwater.aws.arn import Arn, parse_arn
from headwater.aws.policy.documents import parse
from headwater.kernel.service import ResourcePolicy

from . import SERVICE
from .certificates import server_certificates
from .grants import Grants, role_at
from .mfa_devices import devices
from .model import GLOBAL, instance_profiles, policies, roles, users
from .openid_providers import openid_providers
from .saml_providers import saml_providers
from .trust import in_force

if TYPE_CHECKING:
    from headwater.kernel.home import Home
    from headwater.kernel.store import Table

TRUST_ACTIONS: Final = frozenset({"sts:tagsession", "sts:setsourceidentity", "sts:setcontext"})


def _last(arn: Arn) -> str:
    return arn.name.rpartition("/")[2]


TAGGED: Final[dict[str, tuple[Table[Any], Callable[[Arn], str]]]] = {
    "user": (users, _last),
    "role": (roles, _last),
    "policy": (policies, _last),
    "instance-profile": (instance_profiles, _last),
    "server-certificate": (server_certificates, _last),
    "saml-provider": (saml_providers, _last),
    "oidc-provider": (openid_providers, lambda arn: arn.name),
    "mfa": (devices, str),
}
"""By the kind in the ARN: the table, and what of the ARN is the record's name in it."""


@SERVICE.starts
async def _give(home: Home) -> None:
    home.authorization.identity = Grants(home)


@SERVICE.resource_policy
def _trust(home: Home, action: str, resource: str) -> ResourcePolicy | None:
    action = action.lower()
    if not action.startswith("sts:assumerole") and action not in TRUST_ACTIONS:
        return None
    role = role_at(home.store, resource)
    if role is None:
        return None
    return ResourcePolicy(owner=role.account, policies=(parse(in_force(home.store, role), source=resource, kind="trust"),), alone=True)


@SERVICE.resource_tags
def _tags(home: Home, resource: str, request: dict[str, Any]) -> Mapping[str, str]:
    try:
        arn = parse_arn(resource)
    except ValueError:
        return {}
    table, name_of = TAGGED.get(arn.kind, (None, None))
    if table is None or name_of is None:
        return {}
    record = home.store.get(table, arn.account, GLOBAL, name_of(arn))
    tags: Mapping[str, str] = {} if record is None else record.tags
    return tags
