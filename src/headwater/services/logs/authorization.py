"""What CloudWatch Logs tells the decision: the account's resource policies, and the tags of log groups. There are no condition keys of its
own for what is built.

A service that writes under no role (EventBridge) needs such a policy: a group without one lets no service in.
Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon CloudWatch Logs".
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from headwater.aws.policy.documents import Policy, parse
from headwater.kernel.service import ResourcePolicy

from . import SERVICE
from .destinations import destination_at
from .model import GROUPS
from .resource_policies import POLICIES

if TYPE_CHECKING:
    from headwater.kernel.home import Home

_MARK = ":log-group:"


@SERVICE.resource_policy
def policy_of(home: Home, action: str, resource: str) -> ResourcePolicy | None:
    """Of a group, those of its account and region, each of which names the groups that it is about; of a destination, its own."""
    destination = destination_at(home.store, resource)
    if destination is not None:
        return ResourcePolicy(destination.account, () if destination.policy is None else (_parsed(destination.policy, destination.arn),))
    place, marked, group = resource.partition(_MARK)
    if not marked or group.startswith(":"):  # of no group in particular
        return None
    _, _, _, region, account = place.split(":", 4)
    kept = home.store.scan(POLICIES, account, region)
    return ResourcePolicy(account, tuple(_parsed(one.document, one.name) for one in kept)) if account else None


@lru_cache(256)
def _parsed(document: str, name: str) -> Policy:
    return parse(document, source=name, kind="resource")


@SERVICE.resource_tags
def tags_of(home: Home, resource: str, request: dict[str, Any]) -> Mapping[str, str]:
    """A stream's tags are its group's."""
    place, marked, rest = resource.partition(_MARK)
    if not marked:
        return {}
    _, _, _, region, account = place.split(":", 4)
    group = home.store.get(GROUPS, account, region, rest.split(":", 1)[0])
    return {} if group is None else group.tags
