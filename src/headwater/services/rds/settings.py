"""From parameter groups to a server's settings, and which parameters a family has.

The parameters of a family are those of the engine that really runs, as it describes itself, and the few of AWS's own that mean something
here. A parameter that MySQL has and MariaDB has not is unknown: better refused than remembered without effect.
Values in braces are RDS's formulas over the instance's memory; they are kept, and the engine stays at its own default.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headwater.engines import mariadb, postgres
from headwater.engines.database import Variable, in_thread
from headwater.kernel.store import Store

from .records import CLUSTERS, GROUPS, INSTANCES, Cluster, Group, Instance, Setting, members
from .refusals import combination, invalid
from .versions import Engine

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping

LAMBDA_ROLE: Final = "aws_default_lambda_role"
_ROLE: Final = "The role that the cluster assumes for this feature when it is called from SQL; it must be associated with the cluster."

FORCE_SSL: Final = "rds.force_ssl"
TLS_FORCED_FROM: Final = {"postgres": 15, "aurora-postgresql": 17}
"""The major version from which a default parameter group refuses connections without TLS. Source: "Using SSL with a PostgreSQL DB
instance" of the RDS user guide and "Securing Aurora PostgreSQL data with SSL/TLS" of Aurora's.
"""
NOT_THE_ENGINES: Final = frozenset({LAMBDA_ROLE})
UNMODIFIABLE: Final = mariadb.FIXED | postgres.FIXED
BOOLEANS: Final = {"0": "OFF", "1": "ON", "false": "OFF", "true": "ON", "off": "OFF", "on": "ON"}


def described(engine: Engine) -> Awaitable[list[Variable]]:
    """What the engine's program says of itself."""
    return mariadb.variables() if engine.program == "mariadb" else in_thread(postgres.variables)


def of_aws(of_family: str, engine: Engine) -> list[Variable]:
    """The parameters that RDS adds to the engine's; of these only rds.force_ssl is the engine adapter's business."""
    if engine.name == "aurora-mysql":
        return [Variable(LAMBDA_ROLE, None, "", "string", True, _ROLE)]
    if engine.program == "postgres":
        return [Variable(FORCE_SSL, "1" if _forces_tls(of_family) else "0", "0,1", "boolean", True, "Force TLS connections.")]
    return []


def _forces_tls(of_family: str) -> bool:
    name = of_family.rstrip("0123456789")
    return name in TLS_FORCED_FROM and int(of_family.removeprefix(name)) >= TLS_FORCED_FROM[name]


def checked(name: str, value: str, method: str, known: Mapping[str, Variable]) -> Setting:
    """One parameter of a ModifyDBParameterGroup, or the fault that it earns."""
    variable = known.get(name)
    if variable is None:
        raise invalid(f"Could not find parameter with name: {name}")
    if name in UNMODIFIABLE:
        raise invalid(f"The parameter {name} cannot be modified.")
    immediate = method == "immediate"
    if immediate and not variable.dynamic:
        raise combination("cannot use immediate apply method for static parameter")
    if not value.startswith("{"):
        _check_value(variable, value)
    return Setting(value=value, immediate=immediate)


def _check_value(variable: Variable, value: str) -> None:
    match variable.kind:
        case "boolean":
            if value.lower() not in BOOLEANS:
                raise invalid(f"Value: {value} is invalid for parameter: {variable.name} allowed values are: 0,1")
        case "integer" if variable.allowed:
            least, _, most = variable.allowed[1:].partition("-")
            low, high = int(variable.allowed[0] + least), int(most)
            if not value.lstrip("-").isdigit() or not low <= int(value) <= high:
                raise invalid(f"Value: {value} is outside of range: {variable.allowed} for parameter: {variable.name}")
        case "string" if variable.allowed and "," in variable.allowed:
            allowed = [each.lower() for each in variable.allowed.split(",")]
            if value.lower() not in allowed:
                raise invalid(f"Value: {value} is invalid for parameter: {variable.name} allowed values are: {variable.allowed}")


def chosen(store: Store, owner: Instance | Cluster) -> dict[str, Setting]:
    """The parameters that the server's groups set: a cluster's, then those of its instances, whose word is the later one."""
    if isinstance(owner, Instance):
        return _of_group(store, owner, "instance", owner.parameter_group)
    merged = dict(_of_group(store, owner, "cluster", owner.parameter_group))
    for member in reversed(members(store, owner)):  # the writer last
        merged |= _of_group(store, owner, "instance", member.parameter_group)
    return merged


def _of_group(store: Store, owner: Instance | Cluster, scope: str, name: str) -> dict[str, Setting]:
    group = store.get(GROUPS, owner.account, owner.region, scope, name)
    return group.settings if group is not None else {}  # a default group sets nothing


def for_engine(settings: Mapping[str, Setting], of_family: str) -> dict[str, str]:
    """What the engine is told."""
    told = {FORCE_SSL: postgres.WHERE_OFFERED} if _forces_tls(of_family) else {}
    return told | {name: each.value for name, each in settings.items() if name not in NOT_THE_ENGINES and not each.value.startswith("{")}


def users_of(store: Store, group: Group) -> list[Instance | Cluster]:
    """The servers' owners whose settings depend on the group."""
    owners: dict[str, Instance | Cluster] = {}
    if group.scope == "cluster":
        return [each for each in store.scan(CLUSTERS, group.account, group.region) if each.parameter_group == group.name]
    for instance in store.scan(INSTANCES, group.account, group.region):
        if instance.parameter_group != group.name:
            continue
        owner = store.get(CLUSTERS, group.account, group.region, instance.cluster) if instance.cluster else instance
        if owner is not None:
            owners[owner.resource_id] = owner
    return list(owners.values())
