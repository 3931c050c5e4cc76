"""DB instances: create, describe, modify, delete, start, stop, reboot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from headwater.aws.faults import fault
from headwater.kernel.permissions import requires

from . import arns, names
from .descriptions import instance as describe
from .paging import filtered, page
from .records import CLUSTERS, INSTANCES, Cluster, Instance, cluster_named, instance_named, members, tagged
from .refusals import combination, instance_state, not_built
from .requests import (
    address,
    moved,
    new_resource_id,
    parameter_group,
    refuse_unbuilt,
    refuse_without_program,
    remembered,
    storage,
    subnet_group,
)
from .servers import servers_of, settle
from .versions import Engine, engine_named, family, version_of

if TYPE_CHECKING:
    from headwater.kernel.context import Context

# Of an Aurora instance these are the cluster's, and AWS says so in these words.
OF_THE_CLUSTER: Final = {
    "MasterUsername": "Set master user name for the DB Cluster.",
    "MasterUserPassword": "Set master user password for the DB Cluster.",
    "DBName": "Set database name for the DB Cluster.",
    "Port": "Set database endpoint port for the DB Cluster.",
    "AllocatedStorage": "Set allocated storage for the DB Cluster.",
}
RETRIABLE: Final = frozenset({"available", "failed"})


@requires("rds:CreateDBInstance", arns.with_parts("DBInstanceIdentifier", arns.INSTANCE_PARTS))
@requires("rds:AddTagsToResource", arns.of("DBInstanceIdentifier"), when="Tags")
@requires("iam:PassRole", "{MonitoringRoleArn}", when="MonitoringRoleArn", passed_to="monitoring.rds.amazonaws.com")
async def create_db_instance(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """The record and the promise of a server; the server comes up behind."""
    name = names.identifier(request["DBInstanceIdentifier"], "DBInstanceIdentifier")
    engine = engine_named(request["Engine"])
    refuse_unbuilt(request)
    instance_class = names.instance_class(request["DBInstanceClass"])
    if ctx.store.get(INSTANCES, ctx.account, ctx.region, name) is not None:
        raise fault("DBInstanceAlreadyExists", "DB instance already exists")
    refuse_without_program(engine)
    if "DBClusterIdentifier" in request:
        instance = _member(ctx, request, name, engine, instance_class)
    elif engine.aurora:
        raise combination(f"The parameter DBClusterIdentifier must be provided for engine {engine.name}.")
    else:
        instance = _standing_alone(ctx, request, name, engine, instance_class)
    async with ctx.store.transaction() as tx:
        tx.put(INSTANCES, instance)
        settle(ctx, tx, instance)
    return {"DBInstance": describe(ctx, instance)}


def _standing_alone(ctx: Context, request: dict[str, Any], name: str, engine: Engine, instance_class: str) -> Instance:
    version = version_of(engine, request.get("EngineVersion"))
    master = names.master(request.get("MasterUsername"), engine)
    password = names.password(request.get("MasterUserPassword"), engine)
    resource_id = new_resource_id("db-")
    arn = ctx.arn("rds", f"db:{name}")
    database = names.database(request.get("DBName"), "DBName")
    kind = request.get("StorageType", "gp2")
    group = parameter_group(ctx, "instance", request.get("DBParameterGroupName"), family(engine, version))
    subnets = subnet_group(ctx, request.get("DBSubnetGroupName"))
    storage_gib = storage(request.get("AllocatedStorage"), engine, kind)
    host, port = address(ctx, arn, names.port(request.get("Port"), engine))
    return Instance(
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
        tags=tagged(request),
        instance_class=instance_class,
        storage_gib=storage_gib,
    )


def _member(ctx: Context, request: dict[str, Any], name: str, engine: Engine, instance_class: str) -> Instance:
    cluster = cluster_named(ctx, request["DBClusterIdentifier"])
    if engine.name != cluster.engine_name:
        raise combination(
            f"The engine name requested for your DB instance ({engine.name}) doesn't match the engine name of your DB cluster "
            f"({cluster.engine_name})."
        )
    for member, sentence in OF_THE_CLUSTER.items():
        if member in request:
            raise combination(f"The requested DB Instance will be a member of a DB Cluster. {sentence}")
    if "EngineVersion" in request and version_of(engine, request["EngineVersion"]) != cluster.version:
        raise combination(
            f"The engine version that you requested for your DB instance ({request['EngineVersion']}) does not match the engine version "
            f"of your DB cluster ({cluster.version})."
        )
    group = parameter_group(ctx, "instance", request.get("DBParameterGroupName"), cluster.family)
    return Instance(
        account=ctx.account,
        region=ctx.region,
        name=name,
        resource_id=new_resource_id("db-"),
        arn=ctx.arn("rds", f"db:{name}"),
        engine_name=engine.name,
        version=cluster.version,
        status="creating",
        created_at=ctx.clock.now(),
        master=cluster.master,
        sealed_password=b"",
        database=cluster.database,
        host=cluster.host,
        port=cluster.port,
        parameter_group=group,
        subnet_group=cluster.subnet_group,
        deletion_protection=request.get("DeletionProtection", False),
        attributes=remembered(request),
        tags=tagged(request),
        instance_class=instance_class,
        storage_gib=1,
        cluster=cluster.name,
        writer=not members(ctx.store, cluster),
    )


@requires("rds:DescribeDBInstances", arns.of("DBInstanceIdentifier"))
async def describe_db_instances(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    if "DBInstanceIdentifier" in request:
        await servers_of(ctx.home).settled(instance_named(ctx, request["DBInstanceIdentifier"]))
        found = [instance_named(ctx, request["DBInstanceIdentifier"])]
    else:
        found = ctx.store.scan(INSTANCES, ctx.account, ctx.region)
    known = {
        "db-instance-id": lambda each: each.name,
        "db-cluster-id": lambda each: each.cluster,
        "dbi-resource-id": lambda each: each.resource_id,
        "engine": lambda each: each.engine_name,
    }
    shown, marker = page(filtered(found, request, known), request, key=lambda each: each.name)
    return {"DBInstances": [describe(ctx, each) for each in shown], "Marker": marker}


@requires("rds:ModifyDBInstance", arns.with_parts("DBInstanceIdentifier", ("DBParameterGroupName", "DBSubnetGroupName", "OptionGroupName")))
@requires("iam:PassRole", "{MonitoringRoleArn}", when="MonitoringRoleArn", passed_to="monitoring.rds.amazonaws.com")
async def modify_db_instance(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """What the server must be told is done by the job; what is only remembered, at once, whatever ApplyImmediately says."""
    instance = instance_named(ctx, request["DBInstanceIdentifier"])
    refuse_unbuilt(request)
    _check_available(ctx, instance)
    changed = _modified(ctx, instance, request)
    renamed = _renamed(ctx, changed, request)
    works = bool(changed.sealed_password) or (changed.host, changed.port) != (instance.host, instance.port)
    if works:
        renamed = replace(renamed, status="modifying")
    async with ctx.store.transaction() as tx:
        if renamed.name != instance.name:
            tx.delete(INSTANCES, instance.account, instance.region, instance.name)
        tx.put(INSTANCES, renamed)
        if works:
            settle(ctx, tx, renamed)
    if changed.parameter_group != instance.parameter_group:
        await servers_of(ctx.home).apply_settings(_owner(ctx, renamed))
    return {"DBInstance": describe(ctx, renamed)}


def _modified(ctx: Context, instance: Instance, request: dict[str, Any]) -> Instance:
    changes: dict[str, Any] = {"attributes": instance.attributes | remembered(request)}
    if "MasterUserPassword" in request:
        if instance.cluster:
            raise combination("The DB instance is a member of a DB cluster. Set master user password for the DB Cluster.")
        password = names.password(request["MasterUserPassword"], instance.engine)
        changes["sealed_password"] = ctx.home.vault.seal(password.encode(), instance.resource_id)
    if "DBInstanceClass" in request:
        changes["instance_class"] = names.instance_class(request["DBInstanceClass"])
    if "AllocatedStorage" in request and not instance.cluster:
        changes["storage_gib"] = _grown(instance, request["AllocatedStorage"])
    if "EngineVersion" in request:
        changes["version"] = _upgraded(instance, request)
    if "DBParameterGroupName" in request:
        of_family = family(instance.engine, changes.get("version", instance.version))
        changes["parameter_group"] = parameter_group(ctx, "instance", request["DBParameterGroupName"], of_family)
    if "DBPortNumber" in request and not instance.cluster:
        changes["host"], changes["port"] = moved(ctx, instance, names.port(request["DBPortNumber"], instance.engine))
    if "DeletionProtection" in request:
        changes["deletion_protection"] = request["DeletionProtection"]
    return replace(instance, **changes)


def _grown(instance: Instance, wanted: int) -> int:
    if wanted < instance.storage_gib:
        raise combination(
            f"Invalid storage size for engine name {instance.engine_name} and storage type "
            f"{instance.attributes.get('StorageType', 'gp2')}: {wanted}"
        )
    return wanted


def _upgraded(instance: Instance, request: dict[str, Any]) -> str:
    """Only what the API says changes: the server is the machine's own, of whatever version that is."""
    version = version_of(instance.engine, request["EngineVersion"])
    if family(instance.engine, version) != instance.family and not request.get("AllowMajorVersionUpgrade"):
        raise combination(f"The AllowMajorVersionUpgrade flag must be present when upgrading to a new major version ({version}).")
    return version


def _renamed(ctx: Context, instance: Instance, request: dict[str, Any]) -> Instance:
    if "NewDBInstanceIdentifier" not in request:
        return instance
    name = names.identifier(request["NewDBInstanceIdentifier"], "NewDBInstanceIdentifier")
    if name != instance.name and ctx.store.get(INSTANCES, ctx.account, ctx.region, name) is not None:
        raise fault("DBInstanceAlreadyExists", "DB instance already exists")
    return replace(instance, name=name, arn=ctx.arn("rds", f"db:{name}"))


@requires("rds:DeleteDBInstance", arns.of("DBInstanceIdentifier"))
@requires("rds:CreateDBSnapshot", arns.with_final_snapshot("DBInstanceIdentifier", "snapshot"), when=arns.FINAL)
async def delete_db_instance(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    instance = instance_named(ctx, request["DBInstanceIdentifier"])
    if instance.status == "deleting":
        raise instance_state(f"Instance {instance.name} is already being deleted.")
    if not instance.cluster:
        refuse_final_snapshot(request, "FinalDBSnapshotIdentifier", "instance")
    if instance.deletion_protection:
        raise combination("Cannot delete protected DB Instance, please disable deletion protection and try again.")
    deleting = replace(instance, status="deleting")
    async with ctx.store.transaction() as tx:
        tx.put(INSTANCES, deleting)
        settle(ctx, tx, deleting)
        if instance.cluster and instance.writer:
            _promote_another(ctx, tx, instance)
    return {"DBInstance": describe(ctx, deleting)}


def _promote_another(ctx: Context, tx: Any, writer: Instance) -> None:
    cluster = ctx.store.get(CLUSTERS, writer.account, writer.region, writer.cluster)
    others = [each for each in members(ctx.store, cluster) if each.name != writer.name and each.status != "deleting"] if cluster else []
    if others:
        first = min(others, key=lambda each: (each.attributes.get("PromotionTier", 1), each.created_at))
        tx.put(INSTANCES, replace(first, writer=True))


def refuse_final_snapshot(request: dict[str, Any], member: str, noun: str) -> None:
    """RDS wants to know what becomes of the data; Headwater has no snapshots yet and says so, rather than lose it."""
    skip, identifier = request.get("SkipFinalSnapshot", False), request.get("FinalDBSnapshotIdentifier")
    if skip and identifier:
        raise combination(f"{member} can not be specified when deleting a {noun} with SkipFinalSnapshot.")
    if not skip and not identifier:
        raise combination(f"{member} is required unless SkipFinalSnapshot is specified.")
    if identifier:
        raise not_built("final snapshots; to delete without one, set SkipFinalSnapshot,")


@requires("rds:StartDBInstance", arns.of("DBInstanceIdentifier"))
async def start_db_instance(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    instance = _not_of_a_cluster(instance_named(ctx, request["DBInstanceIdentifier"]))
    if instance.status != "stopped":
        raise instance_state(f"Instance {instance.name} cannot be started as it is not in one of the following statuses: 'stopped'.")
    return await _sent(ctx, instance, "starting")


@requires("rds:StopDBInstance", arns.with_parts("DBInstanceIdentifier", ("DBSnapshotIdentifier",)))
@requires("rds:CreateDBSnapshot", arns.with_parts("DBInstanceIdentifier", ("DBSnapshotIdentifier",)), when="DBSnapshotIdentifier")
async def stop_db_instance(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    instance = _not_of_a_cluster(instance_named(ctx, request["DBInstanceIdentifier"]))
    if "DBSnapshotIdentifier" in request:
        raise not_built("DBSnapshotIdentifier")
    _check_available(ctx, instance)
    return await _sent(ctx, instance, "stopping")


@requires("rds:RebootDBInstance", arns.of("DBInstanceIdentifier"))
async def reboot_db_instance(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """An Aurora instance's server is its cluster's; a reboot of its writer restarts that."""
    instance = instance_named(ctx, request["DBInstanceIdentifier"])
    _check_available(ctx, instance)
    if instance.cluster and instance.writer:
        cluster = cluster_named(ctx, instance.cluster)
        async with ctx.store.transaction() as tx:
            tx.put(CLUSTERS, replace(cluster, status="rebooting"))
            settle(ctx, tx, cluster)
    return await _sent(ctx, instance, "rebooting")


async def _sent(ctx: Context, instance: Instance, status: str) -> dict[str, Any]:
    changed = replace(instance, status=status)
    async with ctx.store.transaction() as tx:
        tx.put(INSTANCES, changed)
        settle(ctx, tx, changed)
    return {"DBInstance": describe(ctx, changed)}


def _owner(ctx: Context, instance: Instance) -> Instance | Cluster:
    return cluster_named(ctx, instance.cluster) if instance.cluster else instance


def _check_available(ctx: Context, instance: Instance) -> None:
    if servers_of(ctx.home).status(instance) not in RETRIABLE:
        raise instance_state(f"Database instance is not in available state: {instance.name}.")


def _not_of_a_cluster(instance: Instance) -> Instance:
    if instance.cluster:
        raise combination(f"{instance.engine_name} DB instances are not eligible for stopping and starting.")
    return instance
