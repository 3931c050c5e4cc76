"""Aurora clusters: create, describe, modify, delete, start, stop, reboot, fail over.

The cluster starts the server that its instances share.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from headwater.aws.faults import fault
from headwater.kernel.permissions import requires

from . import arns, names
from .descriptions import cluster as describe
from .instances import refuse_final_snapshot
from .paging import filtered, page
from .records import CLUSTERS, INSTANCES, Cluster, Role, cluster_named, instance_named, members, tagged
from .refusals import cluster_state, combination, no_such_instance, not_built
from .requests import address, moved, new_resource_id, parameter_group, refuse_unbuilt, refuse_without_program, remembered, subnet_group
from .servers import servers_of, settle
from .versions import engine_named, family, version_of

if TYPE_CHECKING:
    from headwater.kernel.context import Context

RETRIABLE: Final = frozenset({"available", "failed"})


@requires("rds:CreateDBCluster", arns.with_parts("DBClusterIdentifier", arns.CLUSTER_PARTS))
@requires("rds:AddTagsToResource", arns.of("DBClusterIdentifier"), when="Tags")
@requires("iam:PassRole", arns.associated_roles, when="AssociatedRoles", passed_to="rds.amazonaws.com")
@requires("iam:PassRole", "{MonitoringRoleArn}", when="MonitoringRoleArn", passed_to="monitoring.rds.amazonaws.com")
async def create_db_cluster(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    name = names.identifier(request["DBClusterIdentifier"], "DBClusterIdentifier")
    engine = engine_named(request["Engine"])
    refuse_unbuilt(request)
    if not engine.aurora:
        raise not_built(f"Multi-AZ clusters of engine {engine.name}")
    version = version_of(engine, request.get("EngineVersion"))
    master = names.master(request.get("MasterUsername"), engine)
    password = names.password(request.get("MasterUserPassword"), engine)
    database = names.database(request.get("DatabaseName"), "DatabaseName")
    group = parameter_group(ctx, "cluster", request.get("DBClusterParameterGroupName"), family(engine, version))
    subnets = subnet_group(ctx, request.get("DBSubnetGroupName"))
    wanted_port = names.port(request.get("Port"), engine)
    if ctx.store.get(CLUSTERS, ctx.account, ctx.region, name) is not None:
        raise fault("DBClusterAlreadyExistsFault", "DB Cluster already exists")
    refuse_without_program(engine)
    resource_id = new_resource_id("cluster-")
    arn = ctx.arn("rds", f"cluster:{name}")
    host, port = address(ctx, arn, wanted_port)
    cluster = Cluster(
        account=ctx.account,
        region=ctx.region,
        name=name,
        resource_id=resource_id,
        arn=arn,
        engine_name=engine.name,
        version=version,
        status="creating",
        created_at=ctx.clock.now(),
        master=master,
        sealed_password=ctx.home.vault.seal(password.encode(), resource_id),
        database=database,
        host=host,
        port=port,
        parameter_group=group,
        subnet_group=subnets,
        deletion_protection=request.get("DeletionProtection", False),
        attributes=remembered(request),
        roles=[Role(arn=each["RoleArn"], feature=each.get("FeatureName", "")) for each in request.get("AssociatedRoles", [])],
        tags=tagged(request),
    )
    async with ctx.store.transaction() as tx:
        tx.put(CLUSTERS, cluster)
        settle(ctx, tx, cluster)
    return {"DBCluster": describe(ctx, cluster)}


@requires("rds:DescribeDBClusters", arns.of("DBClusterIdentifier"))
async def describe_db_clusters(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    if "DBClusterIdentifier" in request:
        await servers_of(ctx.home).settled(cluster_named(ctx, request["DBClusterIdentifier"]))
        found = [cluster_named(ctx, request["DBClusterIdentifier"])]
    else:
        found = ctx.store.scan(CLUSTERS, ctx.account, ctx.region)
    known = {
        "db-cluster-id": lambda each: each.name,
        "db-cluster-resource-id": lambda each: each.resource_id,
        "engine": lambda each: each.engine_name,
    }
    shown, marker = page(filtered(found, request, known), request, key=lambda each: each.name)
    return {"DBClusters": [describe(ctx, each) for each in shown], "Marker": marker}


@requires("rds:ModifyDBCluster", arns.with_parts("DBClusterIdentifier", ("DBClusterParameterGroupName", "OptionGroupName")))
@requires("iam:PassRole", "{MonitoringRoleArn}", when="MonitoringRoleArn", passed_to="monitoring.rds.amazonaws.com")
async def modify_db_cluster(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    cluster = cluster_named(ctx, request["DBClusterIdentifier"])
    refuse_unbuilt(request)
    _check_available(ctx, cluster)
    changed = _modified(ctx, cluster, request)
    renamed = _renamed(ctx, changed, request)
    works = bool(changed.sealed_password) or (changed.host, changed.port) != (cluster.host, cluster.port)
    if works:
        renamed = replace(renamed, status="modifying")
    async with ctx.store.transaction() as tx:
        if renamed.name != cluster.name:
            tx.delete(CLUSTERS, cluster.account, cluster.region, cluster.name)
        for member in members(ctx.store, cluster):
            tx.put(INSTANCES, replace(member, cluster=renamed.name, version=renamed.version, host=renamed.host, port=renamed.port))
        tx.put(CLUSTERS, renamed)
        if works:
            settle(ctx, tx, renamed)
    if changed.parameter_group != cluster.parameter_group:
        await servers_of(ctx.home).apply_settings(renamed)
    return {"DBCluster": describe(ctx, renamed)}


def _modified(ctx: Context, cluster: Cluster, request: dict[str, Any]) -> Cluster:
    changes: dict[str, Any] = {"attributes": cluster.attributes | remembered(request)}
    if "MasterUserPassword" in request:
        password = names.password(request["MasterUserPassword"], cluster.engine)
        changes["sealed_password"] = ctx.home.vault.seal(password.encode(), cluster.resource_id)
    if "EngineVersion" in request:
        version = version_of(cluster.engine, request["EngineVersion"])
        if family(cluster.engine, version) != cluster.family and not request.get("AllowMajorVersionUpgrade"):
            raise combination(f"The AllowMajorVersionUpgrade flag must be present when upgrading to a new major version ({version}).")
        changes["version"] = version
    if "DBClusterParameterGroupName" in request:
        of_family = family(cluster.engine, changes.get("version", cluster.version))
        changes["parameter_group"] = parameter_group(ctx, "cluster", request["DBClusterParameterGroupName"], of_family)
    if "Port" in request:
        changes["host"], changes["port"] = moved(ctx, cluster, names.port(request["Port"], cluster.engine))
    if "DeletionProtection" in request:
        changes["deletion_protection"] = request["DeletionProtection"]
    return replace(cluster, **changes)


def _renamed(ctx: Context, cluster: Cluster, request: dict[str, Any]) -> Cluster:
    if "NewDBClusterIdentifier" not in request:
        return cluster
    name = names.identifier(request["NewDBClusterIdentifier"], "NewDBClusterIdentifier")
    if name != cluster.name and ctx.store.get(CLUSTERS, ctx.account, ctx.region, name) is not None:
        raise fault("DBClusterAlreadyExistsFault", "DB Cluster already exists")
    return replace(cluster, name=name, arn=ctx.arn("rds", f"cluster:{name}"))


@requires("rds:DeleteDBCluster", arns.of("DBClusterIdentifier"))
@requires("rds:DeleteDBCluster", arns.final_snapshot("cluster-snapshot"), when=arns.FINAL)
@requires("rds:CreateDBClusterSnapshot", arns.with_final_snapshot("DBClusterIdentifier", "cluster-snapshot"), when=arns.FINAL)
async def delete_db_cluster(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    cluster = cluster_named(ctx, request["DBClusterIdentifier"])
    if cluster.status == "deleting":
        raise cluster_state(f"DB cluster {cluster.name} is already being deleted.")
    refuse_final_snapshot(request, "FinalDBSnapshotIdentifier", "cluster")
    if cluster.deletion_protection:
        raise combination("Cannot delete protected Cluster, please disable deletion protection and try again.")
    if any(each.status != "deleting" for each in members(ctx.store, cluster)):
        raise cluster_state("Cluster cannot be deleted, it still contains DB instances in non-deleting state.")
    return await _sent(ctx, cluster, "deleting")


@requires("rds:StartDBCluster", arns.of("DBClusterIdentifier"))
async def start_db_cluster(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    cluster = cluster_named(ctx, request["DBClusterIdentifier"])
    if cluster.status != "stopped":
        raise cluster_state(f"DbCluster {cluster.name} is in {cluster.status} state but expected it to be one of stopped.")
    return await _sent(ctx, cluster, "starting")


@requires("rds:StopDBCluster", arns.of("DBClusterIdentifier"))
async def stop_db_cluster(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    cluster = cluster_named(ctx, request["DBClusterIdentifier"])
    _check_available(ctx, cluster)
    return await _sent(ctx, cluster, "stopping")


@requires("rds:RebootDBCluster", arns.of("DBClusterIdentifier"))
@requires("rds:RebootDBInstance", arns.members_of_cluster)
async def reboot_db_cluster(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    cluster = cluster_named(ctx, request["DBClusterIdentifier"])
    _check_available(ctx, cluster)
    return await _sent(ctx, cluster, "rebooting")


@requires("rds:FailoverDBCluster", arns.of("DBClusterIdentifier"))
async def failover_db_cluster(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Another instance becomes the writer. They share one server, so only the roles change hands."""
    cluster = cluster_named(ctx, request["DBClusterIdentifier"])
    _check_available(ctx, cluster)
    readers = [each for each in members(ctx.store, cluster) if not each.writer]
    if "TargetDBInstanceIdentifier" in request:
        target = instance_named(ctx, request["TargetDBInstanceIdentifier"])
        if target.cluster != cluster.name:
            raise no_such_instance(target.name)
    elif not readers:
        raise cluster_state("Cluster does not have a reader instance to fail over to.")
    else:
        target = min(readers, key=lambda each: (each.attributes.get("PromotionTier", 1), each.created_at))
    async with ctx.store.transaction() as tx:
        for member in members(ctx.store, cluster):
            tx.put(INSTANCES, replace(member, writer=member.name == target.name))
    return {"DBCluster": describe(ctx, cluster)}


async def _sent(ctx: Context, cluster: Cluster, status: str) -> dict[str, Any]:
    changed = replace(cluster, status=status)
    async with ctx.store.transaction() as tx:
        tx.put(CLUSTERS, changed)
        settle(ctx, tx, changed)
    return {"DBCluster": describe(ctx, changed)}


def _check_available(ctx: Context, cluster: Cluster) -> None:
    status = servers_of(ctx.home).status(cluster)
    if status not in RETRIABLE:
        raise cluster_state(f"DbCluster {cluster.name} is in {status} state but expected it to be one of available.")
