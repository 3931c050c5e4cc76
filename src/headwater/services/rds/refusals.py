"""What RDS says no with. One home for each sentence; what AWS says word for word where it is known, else our reading of its manner."""

from __future__ import annotations

from headwater.aws.faults import Fault, fault


def invalid(message: str) -> Fault:
    return fault("InvalidParameterValue", message)


def combination(message: str) -> Fault:
    return fault("InvalidParameterCombination", message)


def not_built(what: str) -> Fault:
    return fault("NotImplemented", f"Headwater has not built {what} for RDS yet.")


def blank(member: str) -> Fault:
    return invalid(f"The parameter {member} must be provided and must not be blank.")


def no_such_instance(name: str) -> Fault:
    return fault("DBInstanceNotFound", f"DBInstance {name} not found.")


def no_such_cluster(name: str) -> Fault:
    return fault("DBClusterNotFoundFault", f"DBCluster {name} not found.")


def no_such_parameter_group(name: str) -> Fault:
    return fault("DBParameterGroupNotFound", f"DBParameterGroup not found: {name}")


def no_such_cluster_parameter_group(name: str) -> Fault:
    return fault("DBParameterGroupNotFound", f"DBClusterParameterGroup not found: {name}")


def no_such_subnet_group(name: str) -> Fault:
    return fault("DBSubnetGroupNotFoundFault", f"DB subnet group '{name}' does not exist.")


def instance_state(message: str) -> Fault:
    return fault("InvalidDBInstanceState", message)


def cluster_state(message: str) -> Fault:
    return fault("InvalidDBClusterStateFault", message)
