"""What RDS tells the decision: its own condition keys and the tags of its resources.

A key about the database is worth what the request says, and where the request is about a database that is there, what that one has.
What was left out counts as it would be made: not encrypted, one zone, no provisioned IOPS; policies that forbid an unencrypted
database rely on it.
Source: Service Authorization Reference, "Condition keys for Amazon RDS"; "Using tags for access control" in the RDS User Guide.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from . import SERVICE
from .records import CLUSTERS, GROUPS, INSTANCES, SUBNET_GROUPS, Cluster, Instance, plain_name, tagged

if TYPE_CHECKING:
    from headwater.kernel.context import Context
    from headwater.kernel.home import Home
    from headwater.kernel.store import Table

Request = dict[str, Any]
Place = tuple["Table[Any]", tuple[str, ...]]

PLACES: Final[dict[str, Place]] = {
    "db": (INSTANCES, ()),
    "cluster": (CLUSTERS, ()),
    "pg": (GROUPS, ("instance",)),
    "cluster-pg": (GROUPS, ("cluster",)),
    "subgrp": (SUBNET_GROUPS, ()),
}
"""Where the record of a kind of resource is found, by the kind's word in ARNs."""
NAMED_BY: Final = {
    "db": "DBInstanceIdentifier",
    "cluster": "DBClusterIdentifier",
    "pg": "DBParameterGroupName",
    "cluster-pg": "DBClusterParameterGroupName",
    "subgrp": "DBSubnetGroupName",
}
NO_TAGS: Final[Mapping[str, str]] = {}


@SERVICE.resource_tags
def tags_of(home: Home, resource: str, request: Request) -> Mapping[str, str]:
    fields = resource.split(":")
    if len(fields) != 7 or fields[5] not in PLACES:
        return NO_TAGS
    table, scope = PLACES[fields[5]]
    record = home.store.get(table, fields[4], fields[3], *scope, fields[6].lower())
    return NO_TAGS if record is None else dict(record.tags)


def _tag(ctx: Context, request: Request, kind: str) -> str | None:
    """A tag of the resource of this kind that the request names, whether by name or by ARN."""
    named = request.get(NAMED_BY[kind]) or request.get("ResourceName", "")
    arn = named if named.startswith("arn:") else ctx.arn("rds", f"{kind}:{named}")
    tags = tags_of(ctx.home, arn, request) if arn.split(":")[5:6] == [kind] else NO_TAGS
    return _without_case(tags, request["{key}"])


def _without_case(tags: Mapping[str, str], wanted: str) -> str | None:
    return next((value for key, value in tags.items() if key.lower() == wanted), None)


@SERVICE.condition_key("rds:db-tag/")
def db_tag(ctx: Context, request: Request) -> str | None:
    return _tag(ctx, request, "db")


@SERVICE.condition_key("rds:cluster-tag/")
def cluster_tag(ctx: Context, request: Request) -> str | None:
    return _tag(ctx, request, "cluster")


@SERVICE.condition_key("rds:pg-tag/")
def parameter_group_tag(ctx: Context, request: Request) -> str | None:
    return _tag(ctx, request, "pg")


@SERVICE.condition_key("rds:cluster-pg-tag/")
def cluster_parameter_group_tag(ctx: Context, request: Request) -> str | None:
    return _tag(ctx, request, "cluster-pg")


@SERVICE.condition_key("rds:subgrp-tag/")
def subnet_group_tag(ctx: Context, request: Request) -> str | None:
    return _tag(ctx, request, "subgrp")


@SERVICE.condition_key("rds:req-tag/")
def requested_tag(ctx: Context, request: Request) -> str | None:
    return _without_case(tagged(request), request["{key}"])


@SERVICE.condition_key("rds:TagsFromRequest")
def tags_from_request(ctx: Context, request: Request) -> str:
    return _bool(bool(request.get("Tags")))


# -- what the database is ----------------------------------------------------------------------------------------------------


def _subject(ctx: Context, request: Request) -> Instance | Cluster | None:
    """The database that the request is about, if it is there; of one that will be a cluster's, the cluster."""
    for kind in ("db", "cluster"):
        name = plain_name(ctx, kind, request.get(NAMED_BY[kind], ""))
        found: Instance | Cluster | None = ctx.store.get(PLACES[kind][0], ctx.account, ctx.region, name) if name else None
        if found is not None:
            return found
    return None


def _attribute(ctx: Context, request: Request, member: str, unless: object) -> Any:
    if member in request:
        return request[member]
    subject = _subject(ctx, request)
    return unless if subject is None else subject.attributes.get(member, unless)


def _bool(value: object) -> str:
    return "true" if value else "false"


@SERVICE.condition_key("rds:DatabaseEngine")
def database_engine(ctx: Context, request: Request) -> str | None:
    subject = _subject(ctx, request)
    return request.get("Engine") or (None if subject is None else subject.engine_name)


@SERVICE.condition_key("rds:DatabaseClass")
def database_class(ctx: Context, request: Request) -> str | None:
    subject = _subject(ctx, request)
    asked: str | None = request.get("DBInstanceClass") or request.get("DBClusterInstanceClass")
    return asked or (subject.instance_class if isinstance(subject, Instance) else None)


@SERVICE.condition_key("rds:DatabaseName")
def database_name(ctx: Context, request: Request) -> str | None:
    subject = _subject(ctx, request)
    return request.get("DBName") or request.get("DatabaseName") or (None if subject is None else subject.database)


@SERVICE.condition_key("rds:StorageSize")
def storage_size(ctx: Context, request: Request) -> str | None:
    subject = _subject(ctx, request)
    size = request.get("AllocatedStorage") or (subject.storage_gib if isinstance(subject, Instance) else None)
    return None if size is None else str(size)


@SERVICE.condition_key("rds:Piops")
def provisioned_iops(ctx: Context, request: Request) -> str:
    return str(_attribute(ctx, request, "Iops", 0))


@SERVICE.condition_key("rds:MultiAz")
def multi_az(ctx: Context, request: Request) -> str:
    return _bool(_attribute(ctx, request, "MultiAZ", False))


@SERVICE.condition_key("rds:StorageEncrypted")
def storage_encrypted(ctx: Context, request: Request) -> str:
    return _bool(_attribute(ctx, request, "StorageEncrypted", False))


@SERVICE.condition_key("rds:PubliclyAccessible")
def publicly_accessible(ctx: Context, request: Request) -> str:
    return _bool(_attribute(ctx, request, "PubliclyAccessible", False))


@SERVICE.condition_key("rds:Vpc")
def vpc(ctx: Context, request: Request) -> str:
    """Outside a VPC AWS has made no database since 2013."""
    return "true"


@SERVICE.condition_key("rds:ManageMasterUserPassword")
def manage_master_user_password(ctx: Context, request: Request) -> str:
    return _bool(request.get("ManageMasterUserPassword"))


@SERVICE.condition_key("rds:BackupTarget")
def backup_target(ctx: Context, request: Request) -> str:
    return str(_attribute(ctx, request, "BackupTarget", "region"))
