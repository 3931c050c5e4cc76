"""Roles that a database assumes: associate and dissociate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from headwater.aws.faults import fault
from headwater.kernel.permissions import requires

from . import arns
from .records import CLUSTERS, INSTANCES, Cluster, Instance, Role, cluster_named, instance_named

if TYPE_CHECKING:
    from headwater.kernel.context import Context

ROLES_MAX: Final = 5


@requires("rds:AddRoleToDBCluster", arns.of("DBClusterIdentifier"))
@requires("iam:PassRole", "{RoleArn}", passed_to="rds.amazonaws.com")
async def add_role_to_db_cluster(ctx: Context, request: dict[str, Any]) -> None:
    cluster = cluster_named(ctx, request["DBClusterIdentifier"])
    role = _role(request)
    if role.arn in {each.arn for each in cluster.roles}:
        raise fault(
            "DBClusterRoleAlreadyExists",
            f"Role ARN {role.arn} is already associated with DB Cluster: {cluster.name}. Verify your role ARN and try again.",
        )
    if len(cluster.roles) >= ROLES_MAX:
        raise fault("DBClusterRoleQuotaExceeded", f"DB cluster {cluster.name} has the maximum of {ROLES_MAX} roles.")
    await _keep(ctx, cluster, [*cluster.roles, role])


@requires("rds:RemoveRoleFromDBCluster", arns.of("DBClusterIdentifier"))
@requires("iam:PassRole", "{RoleArn}", passed_to="rds.amazonaws.com")
async def remove_role_from_db_cluster(ctx: Context, request: dict[str, Any]) -> None:
    cluster = cluster_named(ctx, request["DBClusterIdentifier"])
    left = [each for each in cluster.roles if each.arn != request["RoleArn"]]
    if len(left) == len(cluster.roles):
        raise fault(
            "DBClusterRoleNotFound",
            f"Role ARN {request['RoleArn']} cannot be found for DB Cluster: {cluster.name}. Verify your role ARN and try again.",
        )
    await _keep(ctx, cluster, left)


@requires("rds:AddRoleToDBInstance", arns.of("DBInstanceIdentifier"))
@requires("iam:PassRole", "{RoleArn}", passed_to="rds.amazonaws.com")
async def add_role_to_db_instance(ctx: Context, request: dict[str, Any]) -> None:
    instance = instance_named(ctx, request["DBInstanceIdentifier"])
    role = _role(request)
    if (role.arn, role.feature) in {(each.arn, each.feature) for each in instance.roles}:
        raise fault(
            "DBInstanceRoleAlreadyExists",
            f"Role ARN {role.arn} is already associated with DB instance: {instance.name}. Verify your role ARN and try again.",
        )
    if len(instance.roles) >= ROLES_MAX:
        raise fault("DBInstanceRoleQuotaExceeded", f"DB instance {instance.name} has the maximum of {ROLES_MAX} roles.")
    await _keep(ctx, instance, [*instance.roles, role])


@requires("rds:RemoveRoleFromDBInstance", arns.of("DBInstanceIdentifier"))
@requires("iam:PassRole", "{RoleArn}", passed_to="rds.amazonaws.com")
async def remove_role_from_db_instance(ctx: Context, request: dict[str, Any]) -> None:
    instance = instance_named(ctx, request["DBInstanceIdentifier"])
    wanted = (request["RoleArn"], request["FeatureName"])
    left = [each for each in instance.roles if (each.arn, each.feature) != wanted]
    if len(left) == len(instance.roles):
        raise fault(
            "DBInstanceRoleNotFound",
            f"Role ARN {request['RoleArn']} cannot be found for DB instance: {instance.name}. Verify your role ARN and try again.",
        )
    await _keep(ctx, instance, left)


def _role(request: dict[str, Any]) -> Role:
    return Role(arn=request["RoleArn"], feature=request.get("FeatureName", ""))


async def _keep(ctx: Context, resource: Instance | Cluster, roles: list[Role]) -> None:
    async with ctx.store.transaction() as tx:
        if isinstance(resource, Cluster):
            tx.put(CLUSTERS, replace(resource, roles=roles))
        else:
            tx.put(INSTANCES, replace(resource, roles=roles))
