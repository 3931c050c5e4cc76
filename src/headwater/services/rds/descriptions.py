"""Instances and clusters in the API's shape. `status` and `pending` are the server's own word, which no record knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from .records import CLUSTERS, Cluster, Instance, Resource, members, tag_list
from .servers import parameters_pending, servers_of
from .versions import FAMILIES

if TYPE_CHECKING:
    from headwater.kernel.context import Context

CERTIFICATE: Final = "headwater-ca"
SECURITY_GROUP: Final = "sg-00000000000000000"
ZONES: Final = ("a", "b", "c")
WITHOUT_ENDPOINT: Final = frozenset({"creating"})


def instance(ctx: Context, record: Instance) -> dict[str, Any]:
    status = servers_of(ctx.home).status(record)
    cluster = ctx.store.get(CLUSTERS, record.account, record.region, record.cluster) if record.cluster else None
    owner: Instance | Cluster = cluster or record
    pending = {"MasterUserPassword": "****"} if record.sealed_password and record.status in ("creating", "modifying") else {}
    group = {"DBParameterGroupName": record.parameter_group, "ParameterApplyStatus": _apply_status(ctx, owner)}
    shown = {
        "DBInstanceIdentifier": record.name,
        "DBInstanceClass": record.instance_class,
        "DBInstanceStatus": status,
        "MasterUsername": owner.master,
        "DBName": owner.database,
        "Endpoint": None if status in WITHOUT_ENDPOINT else {"Address": owner.host, "Port": owner.port, "HostedZoneId": "Z2R2ITUGPM61AM"},
        "AllocatedStorage": record.storage_gib,
        "DBParameterGroups": [group],
        "AvailabilityZone": record.attributes.get("AvailabilityZone", f"{record.region}a"),
        "PendingModifiedValues": pending,
        "DbInstancePort": 0,
        "DBClusterIdentifier": record.cluster or None,
        "DbiResourceId": record.resource_id,
        "DBInstanceArn": record.arn,
        "InstanceCreateTime": None if status == "creating" else record.created_at,
        "DBSecurityGroups": [],
        "ReadReplicaDBInstanceIdentifiers": [],
        "EnabledCloudwatchLogsExports": None,
        "LicenseModel": record.engine.license_model,
        "StorageType": "aurora" if record.cluster else "gp2",
        "MultiAZ": False,
        "PubliclyAccessible": False,
        "PromotionTier": 1 if record.cluster else None,
        "OptionGroupMemberships": [{"OptionGroupName": f"default:{_option_group(record)}", "Status": "in-sync"}],
        "CACertificateIdentifier": CERTIFICATE,
        "CustomerOwnedIpEnabled": False,
        "BackupTarget": "region",
        "ActivityStreamStatus": "stopped",
        "PerformanceInsightsEnabled": False,
        "MonitoringInterval": 0,
    }
    return shown | _shared(record) | _kept(record)


def cluster(ctx: Context, record: Cluster) -> dict[str, Any]:
    status = servers_of(ctx.home).status(record)
    group_status = _apply_status(ctx, record)
    shown = {
        "DBClusterIdentifier": record.name,
        "Status": status,
        "AllocatedStorage": 1,
        "AvailabilityZones": [f"{record.region}{zone}" for zone in ZONES],
        "DatabaseName": record.database,
        "DBClusterParameterGroup": record.parameter_group,
        "DBSubnetGroup": record.subnet_group,
        "Endpoint": record.host,
        "ReaderEndpoint": record.host,
        "Port": record.port,
        "MasterUsername": record.master,
        "MultiAZ": len(members(ctx.store, record)) > 1,
        "DBClusterMembers": [
            {
                "DBInstanceIdentifier": each.name,
                "IsClusterWriter": each.writer,
                "DBClusterParameterGroupStatus": group_status,
                "PromotionTier": each.attributes.get("PromotionTier", 1),
            }
            for each in members(ctx.store, record)
        ],
        "ReadReplicaIdentifiers": [],
        "DbClusterResourceId": record.resource_id,
        "DBClusterArn": record.arn,
        "HostedZoneId": "Z2R2ITUGPM61AM",
        "ClusterCreateTime": record.created_at,
        "EngineMode": "provisioned",
        "HttpEndpointEnabled": False,
        "ActivityStreamStatus": "stopped",
        "CrossAccountClone": False,
        "LatestRestorableTime": None,
    }
    kept = _kept(record)
    return shown | _shared(record) | {"DBSubnetGroup": record.subnet_group} | kept


def _shared(record: Resource) -> dict[str, Any]:
    """Members that both have, under the same names."""
    return {
        "Engine": record.engine_name,
        "EngineVersion": record.version,
        "BackupRetentionPeriod": 1,
        "PreferredBackupWindow": "03:00-03:30",
        "PreferredMaintenanceWindow": "sun:05:00-sun:05:30",
        "StorageEncrypted": False,
        "AutoMinorVersionUpgrade": True,
        "CopyTagsToSnapshot": False,
        "DeletionProtection": record.deletion_protection,
        "IAMDatabaseAuthenticationEnabled": False,
        "DomainMemberships": [],
        "NetworkType": "IPV4",
        "TagList": tag_list(record.tags),
        "AssociatedRoles": [{"RoleArn": role.arn, "FeatureName": role.feature or None, "Status": "ACTIVE"} for role in record.roles],
        "VpcSecurityGroups": [
            {"VpcSecurityGroupId": group, "Status": "active"} for group in record.attributes.get("VpcSecurityGroupIds", [SECURITY_GROUP])
        ],
        "DBSubnetGroup": {
            "DBSubnetGroupName": record.subnet_group,
            "DBSubnetGroupDescription": record.subnet_group,
            "VpcId": "vpc-00000000000000000",
            "SubnetGroupStatus": "Complete",
            "Subnets": [],
        },
    }


def _kept(record: Resource) -> dict[str, Any]:
    return {name: value for name, value in record.attributes.items() if name != "VpcSecurityGroupIds"}


def _apply_status(ctx: Context, owner: Instance | Cluster) -> str:
    return "pending-reboot" if parameters_pending(ctx.home, owner) else "in-sync"


def _option_group(record: Resource) -> str:
    return record.family.replace(".", "-")


def family_of_default(name: str) -> str | None:
    """The family of "default.mysql8.0", or nothing when that is no default group's name."""
    prefix, _, found = name.partition(".")
    return found if prefix == "default" and found in FAMILIES else None
