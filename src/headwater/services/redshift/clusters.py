"""Clusters: create, describe, modify, delete, pause, resume, reboot."""

import asyncio
from functools import partial
from typing import Any, Final

from msgspec.structs import replace

from headwater.aws.faults import fault
from headwater.engines.addresses import NoAddress, free_address
from headwater.engines.warehouse.authentication import verifier
from headwater.kernel.context import Context
from headwater.kernel.permissions import requires

from . import arns, model
from .groups import check_parameter_group, check_subnet_group
from .model import (
    DEFAULT_DATABASE,
    DEFAULT_PARAMETER_GROUP,
    DEFAULT_PORT,
    Cluster,
    cluster_not_found,
    clusters,
    describe,
    invalid_state,
    temporary_logins,
)
from .paging import page
from .settling import _begin, _until_settled
from .tagging import has_tags, tagged
from .warehouses import warehouses_of

NOT_BUILT: Final = (
    "ManageMasterPassword",
    "HsmClientCertificateIdentifier",
    "HsmConfigurationIdentifier",
    "SnapshotScheduleIdentifier",
    "LoadSampleData",
    "RedshiftIdcApplicationArn",
    "CatalogName",
)
# Members that are kept and shown as they were given: the API's name and ours.
KEPT: Final = {
    "AutomatedSnapshotRetentionPeriod": "retention_days",
    "ManualSnapshotRetentionPeriod": "manual_retention_days",
    "PreferredMaintenanceWindow": "maintenance_window",
    "AllowVersionUpgrade": "version_upgrade",
    "PubliclyAccessible": "publicly_accessible",
    "Encrypted": "encrypted",
    "KmsKeyId": "kms_key_id",
    "EnhancedVpcRouting": "enhanced_vpc_routing",
    "AvailabilityZone": "availability_zone",
    "AvailabilityZoneRelocation": "relocation",
    "MultiAZ": "multi_az",
}


def find(ctx: Context, identifier: str) -> Cluster:
    cluster = ctx.store.get(clusters, ctx.account, ctx.region, identifier.lower())
    if cluster is None:
        raise cluster_not_found(identifier)
    return cluster


def find_available(ctx: Context, identifier: str) -> Cluster:
    cluster = find(ctx, identifier)
    if cluster.status != "available":
        raise invalid_state(identifier, cluster.status)
    return cluster


def shown(ctx: Context, cluster: Cluster) -> dict[str, Any]:
    return {"Cluster": describe(cluster, lost=warehouses_of(ctx.home).lost(cluster))}


@requires("redshift:CreateCluster", arns.cluster)
@requires("iam:PassRole", arns.passed_roles("IamRoles"), passed_to="redshift.amazonaws.com")
async def create_cluster(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Its process is started behind the answer; `describe_clusters` shows it available once it answers."""
    refuse_not_built(request)
    identifier = request["ClusterIdentifier"]
    model.check_identifier(identifier)
    model.check_node_type(request["NodeType"])
    model.check_user(request["MasterUsername"])
    if "MasterUserPassword" not in request:
        raise fault(
            "InvalidParameterCombination", "You must specify MasterUserPassword: a password managed by Secrets Manager is not built."
        )
    model.check_password(request["MasterUserPassword"])
    dbname = request.get("DBName", DEFAULT_DATABASE)
    model.check_database(dbname)
    port = request.get("Port", DEFAULT_PORT)
    model.check_port(port, request["NodeType"])
    nodes = model.node_count(request.get("ClusterType"), request.get("NumberOfNodes"))
    check_subnet_group(ctx, request.get("ClusterSubnetGroupName"))
    check_parameter_group(ctx, request.get("ClusterParameterGroupName"))
    roles = model.checked_roles((), request.get("IamRoles", []), [])
    tags = tagged({}, request.get("Tags", []))
    if ctx.store.get(clusters, ctx.account, ctx.region, identifier) is not None:
        raise fault("ClusterAlreadyExists", f"Cluster already exists: {identifier}")

    host, port = await _address(ctx, identifier, port)
    folder = ctx.new_id()
    kept = verifier(request["MasterUsername"], request["MasterUserPassword"])
    cluster = Cluster(
        account=ctx.account,
        region=ctx.region,
        identifier=identifier,
        folder=folder,
        status="creating",
        node_type=request["NodeType"],
        nodes=nodes,
        master_username=request["MasterUsername"],
        sealed_verifier=ctx.home.vault.seal(kept.encode(), folder),
        dbname=dbname,
        host=host,
        port=port,
        created_at=ctx.clock.now(),
        availability_zone=f"{ctx.region}a",
        subnet_group=request.get("ClusterSubnetGroupName"),
        parameter_group=request.get("ClusterParameterGroupName", DEFAULT_PARAMETER_GROUP),
        vpc_security_groups=tuple(request.get("VpcSecurityGroupIds", ())),
        roles=roles,
        tags=tags,
    )
    cluster = model.with_default_role(_with_kept(cluster, request), request.get("DefaultIamRoleArn"))
    return shown(ctx, await _begin(ctx, cluster, "creating"))


@requires("redshift:DescribeClusters", arns.cluster)
async def describe_clusters(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    live = warehouses_of(ctx.home)
    identifier = request.get("ClusterIdentifier")
    if identifier is not None:
        await _until_settled(ctx, identifier.lower())
        cluster = find(ctx, identifier)
        await live.settled(cluster)
        return {"Clusters": [describe(cluster, lost=live.lost(cluster))]}
    found = [
        one
        for one in ctx.store.scan(clusters, ctx.account, ctx.region)
        if has_tags(one.tags, request.get("TagKeys", ()), request.get("TagValues", ()))
    ]
    shown_now, marker = page(found, request, lambda one: one.identifier)
    return {"Clusters": [describe(one, lost=live.lost(one)) for one in shown_now], "Marker": marker}


@requires("redshift:ModifyCluster", arns.cluster)
async def modify_cluster(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """A new port restarts the process; everything else holds at once."""
    refuse_not_built(request)
    cluster = find_available(ctx, request["ClusterIdentifier"])
    changed = _with_kept(cluster, request)
    node_type = request.get("NodeType", cluster.node_type)
    model.check_node_type(node_type)
    if "NumberOfNodes" in request or "ClusterType" in request:
        changed = replace(changed, nodes=model.node_count(request.get("ClusterType"), request.get("NumberOfNodes")))
    if "ClusterParameterGroupName" in request:
        check_parameter_group(ctx, request["ClusterParameterGroupName"])
        changed = replace(changed, parameter_group=request["ClusterParameterGroupName"])
    if "VpcSecurityGroupIds" in request:
        changed = replace(changed, vpc_security_groups=tuple(request["VpcSecurityGroupIds"]))
    changed = replace(changed, node_type=node_type)
    if "MasterUserPassword" in request:
        model.check_password(request["MasterUserPassword"])
        kept = verifier(cluster.master_username, request["MasterUserPassword"])
        changed = replace(changed, sealed_verifier=ctx.home.vault.seal(kept.encode(), cluster.folder))
    if "NewClusterIdentifier" in request:
        changed = replace(changed, identifier=_free_identifier(ctx, request["NewClusterIdentifier"]))
    return await _modify(ctx, cluster, changed, request.get("Port", cluster.port))


async def _modify(ctx: Context, cluster: Cluster, changed: Cluster, port: int) -> dict[str, Any]:
    renamed = changed.identifier != cluster.identifier
    if port != cluster.port:
        model.check_port(port, changed.node_type)
        host, port = await _address(ctx, cluster.identifier, port, cluster)
        changed = replace(changed, host=host, port=port)
        return shown(ctx, await _begin(ctx, changed, "modifying", replaces=cluster if renamed else None))
    logins = ctx.store.scan(temporary_logins, ctx.account, ctx.region, cluster.identifier) if renamed else []
    async with ctx.store.transaction() as tx:
        if renamed:
            tx.delete(clusters, cluster.account, cluster.region, cluster.identifier)
        for login in logins:
            tx.delete(temporary_logins, login.account, login.region, login.identifier, login.user, login.serial)
            tx.put(temporary_logins, replace(login, identifier=changed.identifier))
        tx.put(clusters, changed)
    await warehouses_of(ctx.home).inform(changed)
    return shown(ctx, changed)


@requires("redshift:DeleteCluster", arns.cluster)
async def delete_cluster(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """The cluster and all its data, once nothing else is running on it."""
    cluster = find(ctx, request["ClusterIdentifier"])
    skips, final = request.get("SkipFinalClusterSnapshot", False), request.get("FinalClusterSnapshotIdentifier")
    if skips and final is not None:
        raise fault(
            "InvalidParameterCombination", "FinalClusterSnapshotIdentifier cannot be specified when SkipFinalClusterSnapshot is true."
        )
    if not skips and final is None:
        raise fault(
            "InvalidParameterCombination", "FinalClusterSnapshotIdentifier is required unless SkipFinalClusterSnapshot is specified."
        )
    if not skips:
        raise fault("NotImplemented", "Headwater has not built Redshift's snapshots yet: delete with SkipFinalClusterSnapshot.")
    if cluster.status not in {"available", "paused", "creating"}:
        raise invalid_state(cluster.identifier, cluster.status)
    return shown(ctx, await _begin(ctx, cluster, "deleting"))


@requires("redshift:PauseCluster", arns.cluster)
async def pause_cluster(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    return shown(ctx, await _begin(ctx, find_available(ctx, request["ClusterIdentifier"]), "pausing"))


@requires("redshift:ResumeCluster", arns.cluster)
async def resume_cluster(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    cluster = find(ctx, request["ClusterIdentifier"])
    if cluster.status != "paused":
        raise fault("InvalidClusterState", f"You can't resume cluster {cluster.identifier} because it is not paused.")
    return shown(ctx, await _begin(ctx, cluster, "resuming"))


@requires("redshift:RebootCluster", arns.cluster)
async def reboot_cluster(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    return shown(ctx, await _begin(ctx, find_available(ctx, request["ClusterIdentifier"]), "rebooting"))


@requires("redshift:DescribeLoggingStatus", arns.cluster)
async def describe_logging_status(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Audit logging is not built, so it is off."""
    find(ctx, request["ClusterIdentifier"])
    return {"LoggingEnabled": False}


def refuse_not_built(request: dict[str, Any]) -> None:
    for member in NOT_BUILT:
        if request.get(member):
            raise fault("NotImplemented", f"Headwater has not built {member} of Redshift's clusters yet.")


def _with_kept(cluster: Cluster, request: dict[str, Any]) -> Cluster:
    return replace(cluster, **{ours: request[member] for member, ours in KEPT.items() if member in request})


def _free_identifier(ctx: Context, identifier: str) -> str:
    model.check_identifier(identifier)
    if ctx.store.get(clusters, ctx.account, ctx.region, identifier) is not None:
        raise fault("ClusterAlreadyExists", f"Cluster already exists: {identifier}")
    return identifier


async def _address(ctx: Context, identifier: str, port: int, mover: Cluster | None = None) -> tuple[str, int]:
    """An address of its own; those of clusters that do not run at the moment stay theirs. `mover` may keep its host."""
    others = [one for one in ctx.store.scan(clusters) if mover is None or one.folder != mover.folder]
    taken = {one.host for one in others} | {f"{one.host}:{one.port}" for one in others}
    seed = f"redshift:{ctx.account}:{ctx.region}:{identifier}"
    try:
        return await asyncio.get_running_loop().run_in_executor(ctx.home.pools.engines, partial(free_address, seed, port, taken))
    except NoAddress as none:
        raise fault("InsufficientClusterCapacity", str(none)) from none
