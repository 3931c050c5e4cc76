"""The ARN that a request is about, for its permission line.

RDS keeps names in lower case, and takes an ARN where it takes a name. Where a call may name several resources (an instance, its
parameter group, its subnet group), the caller needs the action on each that it names.
Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon RDS".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final

from .records import CLUSTERS, members, plain_name

if TYPE_CHECKING:
    from headwater.kernel.context import Context

Request = dict[str, Any]

KINDS: Final = {
    "DBInstanceIdentifier": "db",
    "DBClusterIdentifier": "cluster",
    "DBParameterGroupName": "pg",
    "DBClusterParameterGroupName": "cluster-pg",
    "DBSubnetGroupName": "subgrp",
    "OptionGroupName": "og",
    "DBSnapshotIdentifier": "snapshot",
}
INSTANCE_PARTS: Final = ("DBClusterIdentifier", "DBParameterGroupName", "DBSubnetGroupName", "OptionGroupName")
CLUSTER_PARTS: Final = ("DBClusterParameterGroupName", "DBSubnetGroupName", "OptionGroupName")
FINAL: Final = "FinalDBSnapshotIdentifier"


def _arn(ctx: Context, kind: str, name: str | None) -> str:
    plain = "*" if name is None else plain_name(ctx, kind, name)
    return plain if plain.startswith("arn:") else ctx.arn("rds", f"{kind}:{plain}")


def of(member: str) -> Callable[[Context, Request], str]:
    """What the member names; all of its kind where it is absent."""
    kind = KINDS[member]
    return lambda ctx, request: _arn(ctx, kind, request.get(member))


def tagged_resource(ctx: Context, request: Request) -> str:
    """What is tagged is named by its ARN, in any case as well."""
    name: str = request["ResourceName"]
    return name.lower()


def with_parts(member: str, parts: tuple[str, ...]) -> Callable[[Context, Request], Iterable[str]]:
    """What the member names, and each of the parts that the request names as well."""

    def found(ctx: Context, request: Request) -> Iterable[str]:
        named = [each for each in parts if each in request]
        return [_arn(ctx, KINDS[each], request.get(each)) for each in (member, *named)]

    return found


def final_snapshot(kind: str) -> Callable[[Context, Request], str]:
    return lambda ctx, request: _arn(ctx, kind, request.get(FINAL))


def with_final_snapshot(member: str, kind: str) -> Callable[[Context, Request], Iterable[str]]:
    """To make a snapshot one needs the permission on what it is of, and on the snapshot."""
    source, snapshot = of(member), final_snapshot(kind)
    return lambda ctx, request: (source(ctx, request), snapshot(ctx, request))


def members_of_cluster(ctx: Context, request: Request) -> Iterable[str]:
    name = plain_name(ctx, "cluster", request["DBClusterIdentifier"])
    cluster = ctx.store.get(CLUSTERS, ctx.account, ctx.region, name)
    return [] if cluster is None else [each.arn for each in members(ctx.store, cluster)]


def associated_roles(ctx: Context, request: Request) -> Iterable[str]:
    return [each["RoleArn"] for each in request.get("AssociatedRoles", [])]
