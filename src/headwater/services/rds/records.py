"""What RDS remembers: instances, clusters, parameter groups, subnet groups, events; where they are found, how they are described.

A resource with a server of its own (a cluster, or an instance outside any) has an address; an Aurora instance has its cluster's.
`status` is what the API says while nothing is wrong with the server; servers.py puts the server's own state over it.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec

from headwater.kernel.store import Record, Store, Table

from .refusals import no_such_cluster, no_such_instance
from .versions import ENGINES, Engine, family

if TYPE_CHECKING:
    from headwater.kernel.context import Context


class Role(msgspec.Struct, frozen=True, kw_only=True):
    arn: str
    feature: str


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    value: str
    immediate: bool


class Resource(Record, frozen=True, kw_only=True):
    """What an instance and a cluster have in common."""

    account: str
    region: str
    name: str
    resource_id: str
    arn: str
    engine_name: str
    version: str
    status: str
    created_at: datetime
    master: str
    sealed_password: bytes  # one that the server does not have yet; empty once it has
    database: str | None
    host: str
    port: int
    parameter_group: str
    subnet_group: str
    deletion_protection: bool
    attributes: dict[str, Any]  # members that are remembered and described, and change nothing here
    roles: list[Role] = msgspec.field(default_factory=list)
    tags: dict[str, str] = msgspec.field(default_factory=dict)

    @property
    def engine(self) -> Engine:
        return ENGINES[self.engine_name]

    @property
    def family(self) -> str:
        return family(self.engine, self.version)


class Instance(Resource, frozen=True, kw_only=True):
    """A DB instance. `cluster` names the Aurora cluster whose server it shares."""

    instance_class: str
    storage_gib: int
    cluster: str = ""
    writer: bool = True


class Cluster(Resource, frozen=True, kw_only=True):
    """An Aurora cluster, with its server."""


class Group(Record, frozen=True, kw_only=True):
    """A parameter group; `scope` is "instance" or "cluster"."""

    account: str
    region: str
    scope: str
    name: str
    family: str
    description: str
    settings: dict[str, Setting] = msgspec.field(default_factory=dict)
    tags: dict[str, str] = msgspec.field(default_factory=dict)


class SubnetGroup(Record, frozen=True, kw_only=True):
    account: str
    region: str
    name: str
    description: str
    subnets: list[str]
    tags: dict[str, str] = msgspec.field(default_factory=dict)


class Event(Record, frozen=True, kw_only=True):
    """Something that happened to a resource. `number` keeps those of one moment apart."""

    account: str
    region: str
    at: datetime
    number: str
    source: str
    source_type: str
    source_arn: str
    message: str
    categories: list[str]


INSTANCES: Final = Table("rds", "instances", Instance, key=lambda each: (each.account, each.region, each.name))
CLUSTERS: Final = Table("rds", "clusters", Cluster, key=lambda each: (each.account, each.region, each.name))
GROUPS: Final = Table("rds", "parameter_groups", Group, key=lambda each: (each.account, each.region, each.scope, each.name))
SUBNET_GROUPS: Final = Table("rds", "subnet_groups", SubnetGroup, key=lambda each: (each.account, each.region, each.name))
EVENTS: Final = Table("rds", "events", Event, key=lambda each: (each.account, each.region, each.at.isoformat(), each.number))


def plain_name(ctx: Context, kind: str, name: str) -> str:
    """The identifier in a name of any case, or in an ARN. The ARN of another kind, account or region names nothing here, and stays one:
    what is decided of an ARN must be what is done to it.
    """
    return name.lower().removeprefix(ctx.arn("rds", f"{kind}:"))


def instance_named(ctx: Context, name: str) -> Instance:
    """By identifier, in any case, or by ARN."""
    plain = plain_name(ctx, "db", name)
    instance = ctx.store.get(INSTANCES, ctx.account, ctx.region, plain)
    if instance is None:
        raise no_such_instance(plain)
    return instance


def cluster_named(ctx: Context, name: str) -> Cluster:
    plain = plain_name(ctx, "cluster", name)
    cluster = ctx.store.get(CLUSTERS, ctx.account, ctx.region, plain)
    if cluster is None:
        raise no_such_cluster(plain)
    return cluster


def members(store: Store, cluster: Cluster) -> list[Instance]:
    """The cluster's instances, the writer first."""
    found = [each for each in store.scan(INSTANCES, cluster.account, cluster.region) if each.cluster == cluster.name]
    return sorted(found, key=lambda each: (not each.writer, each.created_at))


def by_id(store: Store, account: str, region: str, resource_id: str) -> Instance | Cluster | None:
    """By the id that a resource keeps when it is renamed."""
    everything: list[Instance | Cluster] = [*store.scan(INSTANCES, account, region), *store.scan(CLUSTERS, account, region)]
    return next((each for each in everything if each.resource_id == resource_id), None)


def table_of(resource: Instance | Cluster) -> Table[Any]:
    return INSTANCES if isinstance(resource, Instance) else CLUSTERS


def with_servers(store: Store) -> list[Instance | Cluster]:
    """All that have a server of their own, in every account and region."""
    return [*store.scan(CLUSTERS), *(each for each in store.scan(INSTANCES) if not each.cluster)]


def addresses_taken(store: Store) -> set[str]:
    """Every address promised to a server of this home, running or not, in both spellings that free_address understands."""
    return {spelling for each in with_servers(store) for spelling in (each.host, f"{each.host}:{each.port}")}


def uses(store: Store, account: str, region: str, scope: str) -> list[str]:
    """The parameter groups in use, by the instances or by the clusters."""
    if scope == "instance":
        return [each.parameter_group for each in store.scan(INSTANCES, account, region)]
    return [each.parameter_group for each in store.scan(CLUSTERS, account, region)]


def tag_list(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def tagged(request: dict[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag.get("Value", "") for tag in request.get("Tags", [])}
