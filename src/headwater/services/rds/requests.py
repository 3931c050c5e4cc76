"""What the creations and modifications of instances and clusters have in common: what is remembered, and what is refused by name."""

from __future__ import annotations

import secrets
import string
from typing import TYPE_CHECKING, Any, Final

from headwater.aws.faults import fault
from headwater.engines import mariadb, postgres
from headwater.engines.addresses import NoAddress, bindable, free_address

from .descriptions import family_of_default
from .records import GROUPS, SUBNET_GROUPS, Cluster, Instance, addresses_taken
from .refusals import invalid, no_such_cluster_parameter_group, no_such_parameter_group, no_such_subnet_group, not_built
from .versions import Engine

if TYPE_CHECKING:
    from headwater.kernel.context import Context

REMEMBERED: Final = frozenset(
    {
        "AutoMinorVersionUpgrade",
        "AvailabilityZone",
        "AvailabilityZones",
        "BackupRetentionPeriod",
        "BackupTarget",
        "CopyTagsToSnapshot",
        "DBClusterInstanceClass",
        "DBSecurityGroups",
        "DatabaseInsightsMode",
        "EngineLifecycleSupport",
        "Iops",
        "KmsKeyId",
        "LicenseModel",
        "MaxAllocatedStorage",
        "MonitoringInterval",
        "MonitoringRoleArn",
        "MultiAZ",
        "NetworkType",
        "PreferredBackupWindow",
        "PreferredMaintenanceWindow",
        "PromotionTier",
        "PubliclyAccessible",
        "StorageEncrypted",
        "StorageThroughput",
        "StorageType",
        "VpcSecurityGroupIds",
    }
)
"""Described as they were given. They say where and on what AWS would run the database, and here it runs on this machine."""

UNBUILT: Final = frozenset(
    {
        "ActivityStreamMode",
        "CustomIamInstanceProfile",
        "Domain",
        "EnableGlobalWriteForwarding",
        "EnableHttpEndpoint",
        "EnableIAMDatabaseAuthentication",
        "EnableLimitlessDatabase",
        "EnableLocalWriteForwarding",
        "GlobalClusterIdentifier",
        "ManageMasterUserPassword",
        "MultiTenant",
        "OptionGroupName",
        "ReplicaMode",
        "ReplicationSourceIdentifier",
        "RotateMasterUserPassword",
        "ScalingConfiguration",
        "TdeCredentialArn",
        "WithExpressConfiguration",
    }
)
"""Asked for, these would change what a client sees, and nothing here does that."""

ID_ALPHABET: Final = string.ascii_uppercase + string.digits
ID_LENGTH: Final = 26
STORAGE_MIN_GIB: Final = 20
STORAGE_MAX_GIB: Final = 65_536


def refuse_unbuilt(request: dict[str, Any]) -> None:
    for member in sorted(UNBUILT & request.keys()):
        if request[member]:
            raise not_built(member)
    if request.get("EngineMode", "provisioned") != "provisioned":
        raise not_built(f"EngineMode {request['EngineMode']}")


def remembered(request: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in request.items() if name in REMEMBERED}


def refuse_without_program(engine: Engine) -> None:
    """Before anything is written: a machine that lacks the program has no capacity for the engine, and the sentence says what brings it."""
    sentence = mariadb.missing() if engine.program == "mariadb" else postgres.missing()
    if sentence is not None:
        raise fault("InsufficientDBInstanceCapacity", sentence)


def new_resource_id(prefix: str) -> str:
    """db-ABC… or cluster-ABC…, as RDS makes them."""
    return prefix + "".join(secrets.choice(ID_ALPHABET) for _ in range(ID_LENGTH))


def address(ctx: Context, seed: str, port: int) -> tuple[str, int]:
    try:
        return free_address(seed, port, addresses_taken(ctx.store))
    except NoAddress as error:
        raise fault("InsufficientDBInstanceCapacity", str(error)) from None


def moved(ctx: Context, resource: Instance | Cluster, port: int) -> tuple[str, int]:
    """Another port at the same address, as on AWS; another address only where somebody has that port there."""
    return (resource.host, port) if port == resource.port or bindable(resource.host, port) else address(ctx, resource.arn, port)


def parameter_group(ctx: Context, scope: str, asked: str | None, family: str) -> str:
    """The group's name, which must exist and be of the family."""
    if asked is None:
        return f"default.{family}"
    name = asked.lower()
    group = ctx.store.get(GROUPS, ctx.account, ctx.region, scope, name)
    found = group.family if group is not None else family_of_default(name)
    if found is None:
        raise no_such_parameter_group(name) if scope == "instance" else no_such_cluster_parameter_group(name)
    if found != family:
        raise fault(
            "InvalidParameterCombination",
            f"The parameter group {name} with DBParameterGroupFamily {found} cannot be used for this instance. "
            f"Please use a parameter group with DBParameterGroupFamily {family}",
        )
    return name


def subnet_group(ctx: Context, asked: str | None) -> str:
    if asked is None:
        return "default"
    name = asked.lower()
    if name != "default" and ctx.store.get(SUBNET_GROUPS, ctx.account, ctx.region, name) is None:
        raise no_such_subnet_group(name)
    return name


def storage(value: int | None, engine: Engine, kind: str) -> int:
    """In GiB. Aurora's grows by itself and is always said to be 1."""
    if engine.aurora:
        return 1
    if value is None:
        raise invalid("The parameter AllocatedStorage must be provided and must not be blank.")
    if not STORAGE_MIN_GIB <= value <= STORAGE_MAX_GIB and not (kind in ("gp2", "standard") and 5 <= value <= STORAGE_MAX_GIB):
        raise fault("InvalidParameterCombination", f"Invalid storage size for engine name {engine.name} and storage type {kind}: {value}")
    return value
