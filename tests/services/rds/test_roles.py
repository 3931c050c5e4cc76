"""Roles of instances and clusters. Truth: AddRoleToDBCluster and its like in the RDS API reference; sentences in RDS's manner."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.usefixtures("needs_mariadb")


@pytest.fixture
def reach(aws: Any) -> str:
    """A role of the own account: another's is passed by nobody."""
    return f"arn:aws:iam::{aws.account}:role/reach"


def test_a_role_is_associated_with_a_cluster_once_and_taken_away(
    rds: Any, reach: str, create_cluster: Callable[..., Any], refused: Any
) -> None:
    create_cluster()
    rds.add_role_to_db_cluster(DBClusterIdentifier="sales", RoleArn=reach)
    roles = rds.describe_db_clusters(DBClusterIdentifier="sales")["DBClusters"][0]["AssociatedRoles"]
    assert roles == [{"RoleArn": reach, "Status": "ACTIVE"}]
    with refused("DBClusterRoleAlreadyExists", reach, "sales"):
        rds.add_role_to_db_cluster(DBClusterIdentifier="sales", RoleArn=reach)
    rds.remove_role_from_db_cluster(DBClusterIdentifier="sales", RoleArn=reach)
    assert rds.describe_db_clusters(DBClusterIdentifier="sales")["DBClusters"][0]["AssociatedRoles"] == []
    with refused("DBClusterRoleNotFound", reach):
        rds.remove_role_from_db_cluster(DBClusterIdentifier="sales", RoleArn=reach)
    with refused("InvalidParameterValue", "roleArn"):
        rds.add_role_to_db_cluster(DBClusterIdentifier="sales", RoleArn=reach.replace(":role/", ":user/"))


def test_a_role_is_associated_with_an_instance_for_a_feature(
    rds: Any, reach: str, create_instance: Callable[..., Any], refused: Any
) -> None:
    create_instance()
    for feature in ("Lambda", "s3Import"):
        rds.add_role_to_db_instance(DBInstanceIdentifier="orders", RoleArn=reach, FeatureName=feature)
    with refused("DBInstanceRoleAlreadyExists"):
        rds.add_role_to_db_instance(DBInstanceIdentifier="orders", RoleArn=reach, FeatureName="Lambda")
    rds.remove_role_from_db_instance(DBInstanceIdentifier="orders", RoleArn=reach, FeatureName="Lambda")
    roles = rds.describe_db_instances(DBInstanceIdentifier="orders")["DBInstances"][0]["AssociatedRoles"]
    assert [role["FeatureName"] for role in roles] == ["s3Import"]
    with refused("DBInstanceRoleNotFound"):
        rds.remove_role_from_db_instance(DBInstanceIdentifier="orders", RoleArn=reach, FeatureName="Lambda")


def test_a_resource_has_five_roles_at_most(rds: Any, reach: str, create_instance: Callable[..., Any], refused: Any) -> None:
    create_instance()
    for number in range(5):
        rds.add_role_to_db_instance(DBInstanceIdentifier="orders", RoleArn=f"{reach}{number}", FeatureName="Lambda")
    with refused("DBInstanceRoleQuotaExceeded"):
        rds.add_role_to_db_instance(DBInstanceIdentifier="orders", RoleArn=reach, FeatureName="Lambda")
