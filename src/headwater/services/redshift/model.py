"""A cluster, what its parameters may be, and how it is shown.

Easy to get wrong: the status. Kept is only what was asked for (available, paused, being deleted); what the process is really
doing is known to `warehouses.py`, and `describe` is told. Sentences are the API's as its clients report them.
Source: docs.aws.amazon.com/redshift/latest/APIReference/API_CreateCluster.html
"""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Literal

import msgspec
from msgspec.structs import replace

from headwater.aws.faults import Fault, fault
from headwater.kernel.store import Record, Table

Status = Literal["creating", "available", "paused", "pausing", "resuming", "rebooting", "modifying", "deleting"]

NODE_TYPES: Final = (
    "dc2.large",
    "dc2.8xlarge",
    "rg.large",
    "rg.xlarge",
    "rg.4xlarge",
    "rg.12xlarge",
    "ra3.large",
    "ra3.xlplus",
    "ra3.4xlarge",
    "ra3.16xlarge",
)
NODES_MAX: Final = 128
DEFAULT_PORT: Final = 5439
DEFAULT_DATABASE: Final = "dev"
DEFAULT_PARAMETER_GROUP: Final = "default.redshift-2.0"
ROLES_MAX: Final = 50
TAGS_MAX: Final = 50
PORTS: Final = (range(5431, 5456), range(8191, 8216))
PORTS_OF_DC2: Final = (range(1150, 65536),)
_IDENTIFIER: Final = re.compile(r"[a-z](?:[a-z0-9]|-(?!-|$)){0,62}")
_USER: Final = re.compile(r"[a-z][a-z0-9_+.@-]{0,127}")
_DATABASE: Final = re.compile(r"[a-z_][a-z0-9_$]{0,63}")
_ROLE: Final = re.compile(r"arn:aws(?:-[a-z]+)*:iam::\d{12}:role/\S+")
_PASSWORD_BANNED: Final = frozenset("'\"\\/@ ")


class Cluster(Record, frozen=True, kw_only=True):
    account: str
    region: str
    identifier: str
    folder: str
    """Its data's folder, and the name of its life: another cluster of the same identifier has another."""
    status: Status
    node_type: str
    nodes: int
    master_username: str
    sealed_verifier: bytes
    dbname: str
    host: str
    port: int
    created_at: datetime
    availability_zone: str
    subnet_group: str | None
    parameter_group: str
    vpc_security_groups: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    default_role: str | None = None
    maintenance_window: str = "sun:05:30-sun:06:00"
    retention_days: int = 1
    manual_retention_days: int = -1
    version_upgrade: bool = True
    publicly_accessible: bool = False
    encrypted: bool = False
    kms_key_id: str | None = None
    enhanced_vpc_routing: bool = False
    relocation: bool = False
    multi_az: bool = False
    tags: dict[str, str] = msgspec.field(default_factory=dict)


clusters: Final = Table("redshift", "clusters", Cluster, key=lambda cluster: (cluster.account, cluster.region, cluster.identifier))


class TemporaryLogin(Record, frozen=True, kw_only=True):
    """A database user's password for some minutes, as GetClusterCredentials gives it."""

    account: str
    region: str
    identifier: str
    user: str
    """As it logs in: `IAM:analyst`, `IAMA:analyst`, `IAMR:role`."""
    serial: str
    db_user: str
    sealed_verifier: bytes
    expires_at: datetime
    auto_create: bool = False
    groups: tuple[str, ...] = ()


temporary_logins: Final = Table(
    "redshift",
    "temporary_logins",
    TemporaryLogin,
    key=lambda login: (login.account, login.region, login.identifier, login.user, login.serial),
)


def cluster_not_found(identifier: str) -> Fault:
    return fault("ClusterNotFound", f"Cluster {identifier} not found.")


def invalid_state(identifier: str, status: str) -> Fault:
    return fault("InvalidClusterState", f"There is an operation running on the Cluster {identifier}. Its state is {status}.")


def invalid(message: str) -> Fault:
    return fault("InvalidParameterValue", message)


def check_identifier(identifier: str) -> None:
    if not _IDENTIFIER.fullmatch(identifier):
        raise invalid(
            "The parameter ClusterIdentifier is not a valid identifier. Identifiers must begin with a letter; must contain only "
            "lowercase ASCII letters, digits, and hyphens; and must not end with a hyphen or contain two consecutive hyphens."
        )


def check_user(user: str) -> None:
    if not _USER.fullmatch(user):
        raise invalid("The parameter MasterUsername is not a valid user name: it must begin with a letter and be lowercase.")
    if user == "public":
        raise invalid("MasterUsername public cannot be used as it is a reserved word.")


def check_database(name: str) -> None:
    if not _DATABASE.fullmatch(name):
        raise invalid(f"The parameter DBName is not a valid database name: {name}")


def check_password(password: str, member: str = "MasterUserPassword") -> None:
    if not 8 <= len(password) <= 64:
        raise invalid(f"The parameter {member} must be between 8 and 64 characters long.")
    if any(not "!" <= letter <= "~" or letter in _PASSWORD_BANNED for letter in password):
        raise invalid(
            f'The parameter {member} must contain only printable ASCII characters excluding slash(/), at(@), double quote("), '
            "space( ), backslash(\\) and single quote(')."
        )
    for kind, tells in (("upper case letter", str.isupper), ("lower case letter", str.islower), ("digit", str.isdigit)):
        if not any(tells(letter) for letter in password):
            raise invalid(f"The parameter {member} must contain at least one {kind}.")


def check_node_type(node_type: str) -> None:
    if node_type not in NODE_TYPES:
        raise invalid(f"Invalid node type: {node_type}")


def check_port(port: int, node_type: str) -> None:
    allowed = PORTS_OF_DC2 if node_type.startswith("dc2.") else PORTS
    if not any(port in ports for ports in allowed):
        spans = " or ".join(f"{ports.start}-{ports.stop - 1}" for ports in allowed)
        raise invalid(f"Invalid port number: {port}. Valid ports for {node_type} are {spans}.")


def node_count(cluster_type: str | None, nodes: int | None) -> int:
    """How many nodes a request means."""
    match cluster_type:
        case "single-node":
            if nodes not in {None, 1}:
                raise fault("InvalidParameterCombination", "Number of nodes for cluster type single-node must be 1.")
            return 1
        case "multi-node":
            if nodes is None or nodes < 2:
                raise fault("InvalidParameterCombination", "Number of nodes for cluster type multi-node must be greater than or equal to 2")
        case None:
            nodes = 1 if nodes is None else nodes
        case _:
            raise invalid(f"Invalid cluster type: {cluster_type}")
    if not 1 <= nodes <= NODES_MAX:
        raise fault("NumberOfNodesPerClusterLimitExceeded", f"The number of nodes must be between 1 and {NODES_MAX}.")
    return nodes


def checked_roles(before: tuple[str, ...], added: Sequence[str], removed: Sequence[str]) -> tuple[str, ...]:
    """The associated roles after adding and removing, in the order in which they came."""
    for role in (*added, *removed):
        if not _ROLE.fullmatch(role):
            raise invalid(f"Invalid IAM role ARN: {role}")
    roles = tuple(dict.fromkeys([*(role for role in before if role not in removed), *added]))
    if len(roles) > ROLES_MAX:
        raise fault("LimitExceededFault", f"You can associate at most {ROLES_MAX} IAM roles with a cluster.")
    return roles


def with_default_role(cluster: Cluster, asked: str | None) -> Cluster:
    """`asked` is None where the request leaves it; a default that is no longer associated is none."""
    if asked is None:
        return cluster if cluster.default_role in cluster.roles else replace(cluster, default_role=None)
    if asked and asked not in cluster.roles:
        raise invalid(f"The default IAM role {asked} must be one of the cluster's IAM roles.")
    return replace(cluster, default_role=asked or None)


def arn_of(cluster: Cluster) -> str:
    return f"arn:aws:redshift:{cluster.region}:{cluster.account}:cluster:{cluster.identifier}"


def describe(cluster: Cluster, *, lost: bool = False) -> dict[str, Any]:
    """`lost`: its process does not stay up."""
    status = "hardware-failure" if lost and cluster.status == "available" else cluster.status
    reachable = status not in {"creating", "deleting"}
    return {
        "ClusterIdentifier": cluster.identifier,
        "NodeType": cluster.node_type,
        "ClusterStatus": status,
        "ClusterAvailabilityStatus": _availability(status),
        "MasterUsername": cluster.master_username,
        "DBName": cluster.dbname,
        "Endpoint": {"Address": cluster.host, "Port": cluster.port} if reachable else None,
        "ClusterCreateTime": cluster.created_at if reachable else None,
        "AutomatedSnapshotRetentionPeriod": cluster.retention_days,
        "ManualSnapshotRetentionPeriod": cluster.manual_retention_days,
        "ClusterSecurityGroups": [],
        "VpcSecurityGroups": [{"VpcSecurityGroupId": group, "Status": "active"} for group in cluster.vpc_security_groups],
        "ClusterParameterGroups": [{"ParameterGroupName": cluster.parameter_group, "ParameterApplyStatus": "in-sync"}],
        "ClusterSubnetGroupName": cluster.subnet_group,
        "AvailabilityZone": cluster.availability_zone,
        "PreferredMaintenanceWindow": cluster.maintenance_window,
        "PendingModifiedValues": {"MasterUserPassword": "****"} if status == "creating" else {},
        "ClusterVersion": "1.0",
        "AllowVersionUpgrade": cluster.version_upgrade,
        "NumberOfNodes": cluster.nodes,
        "ClusterNodes": _nodes(cluster) if reachable else [],
        "PubliclyAccessible": cluster.publicly_accessible,
        "Encrypted": cluster.encrypted,
        "KmsKeyId": cluster.kms_key_id,
        "EnhancedVpcRouting": cluster.enhanced_vpc_routing,
        "Tags": tag_list(cluster.tags),
        "IamRoles": [{"IamRoleArn": role, "ApplyStatus": "in-sync"} for role in cluster.roles],
        "DefaultIamRoleArn": cluster.default_role,
        "MaintenanceTrackName": "current",
        "AvailabilityZoneRelocationStatus": "enabled" if cluster.relocation else "disabled",
        "ClusterNamespaceArn": f"arn:aws:redshift:{cluster.region}:{cluster.account}:namespace:{cluster.folder}",
        "MultiAZ": "Enabled" if cluster.multi_az else "Disabled",
    }


def _availability(status: str) -> str:
    match status:
        case "available":
            return "Available"
        case "paused":
            return "Paused"
        case "hardware-failure":
            return "Failed"
        case "rebooting" | "deleting":
            return "Unavailable"
        case _:
            return "Modifying"


def _nodes(cluster: Cluster) -> list[dict[str, Any]]:
    """One process does the work of all; each node is shown at its address."""
    roles = ["SHARED"] if cluster.nodes == 1 else ["LEADER", *(f"COMPUTE-{number}" for number in range(cluster.nodes))]
    return [{"NodeRole": role, "PrivateIPAddress": cluster.host, "PublicIPAddress": cluster.host} for role in roles]


def tag_list(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
