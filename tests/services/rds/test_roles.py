"""Roles of instances and clusters. Truth: AddRoleToDBCluster and its like in the RDS API reference; sentences in RDS's manner."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

ROLE = "arn:aws:iam::123456789012:role/reach"

pytestmark = pytest.mark.usefixtures("needs_mariadb")


def test_a_role_is_associated_with_a_cluster_once_and_taken_away(rds: Any, create_cluster: Callable[..., Any], refused: Any) -> None:
    create_cluster()
    rds.add_role_to_db_cluster(DBClusterIdentifier="sales", RoleArn=ROLE)
    roles = rds.describe_db_clusters(DBClusterIdentifier="sales")["DBClusters"][0]["AssociatedRoles"]
    assert roles == [{"RoleArn": ROLE, "Status": "ACTIVE"}]
    with refused("DBClusterRoleAlreadyExists", ROLE, "sales"):
        rds.add_role_to_db_cluster(DBClusterIdentifier="sales", RoleArn=ROLE)
    rds.remove_role_from_db_cluster(DBClusterIdentifier="sales", RoleArn=ROLE)
    assert rds.describe_db_clusters(DBClusterIdentifier="sales")["DBClusters"][0]["AssociatedRoles"] == []
    with refused("DBClusterRoleNotFound", ROLE):
        rds.remove_role_from_db_cluster(DBClusterIdentifier="sales", RoleArn=ROLE)
    with refused("InvalidParameterValue", "roleArn"):
        rds.add_role_to_db_cluster(DBClusterIdentifier="sales", RoleArn="arn:aws:iam::123456789012:user/somebody")


def test_a_role_is_associated_with_an_instance_for_a_feature(rds: Any, create_instance: Callable[..., Any], refused: Any) -> None:
    create_instance()
    for feature in ("Lambda", "s3Import"):
        rds.add_role_to_db_instance(DBInstanceIdentifier="orders", RoleArn=ROLE, FeatureName=feature)
    with refused("DBInstanceRoleAlreadyExists"):
        rds.add_role_to_db_instance(DBInstanceIdentifier="orders", RoleArn=ROLE, FeatureName="Lambda")
    rds.remove_role_from_db_instance(DBInstanceIdentifier="orders", RoleArn=ROLE, FeatureName="Lambda")
    roles = rds.describe_db_instances(DBInstanceIdentifier="orders")["DBInstances"][0]["AssociatedRoles"]
    assert [role["FeatureName"] for role in roles] == ["s3Import"]
    with refused("DBInstanceRoleNotFound"):
        rds.remove_role_from_db_instance(DBInstanceIdentifier="orders", RoleArn=ROLE, FeatureName="Lambda")


def test_a_resource_has_five_roles_at_most(rds: Any, create_instance: Callable[..., Any], refused: Any) -> None:
    create_instance()
    for number in range(5):
        rds.add_role_to_db_instance(DBInstanceIdentifier="orders", RoleArn=f"{ROLE}{number}", FeatureName="Lambda")
    with refused("DBInstanceRoleQuotaExceeded"):
        rds.add_role_to_db_instance(DBInstanceIdentifier="orders", RoleArn=ROLE, FeatureName="Lambda")
