"""What an IAM user needs for Redshift. Where no cluster is wanted, its absence, told after the decision, shows that it was passed.

Truth: the Service Authorization Reference of Amazon Redshift, and "Resource policies for GetClusterCredentials" of the management guide.
"""

from typing import Any

import pytest

from users import User, allow, role

pytestmark = pytest.mark.http


def test_credentials_are_for_a_user_and_a_database(aws: Any, refused: Any) -> None:
    arn = f"arn:aws:redshift:us-east-1:{aws.account}"
    user = User(aws, allow("redshift:GetClusterCredentials", [f"{arn}:dbuser:shop/${{aws:username}}", f"{arn}:dbname:shop/dev"]))
    redshift = user.client("redshift")
    with refused("ClusterNotFound"):
        redshift.get_cluster_credentials(ClusterIdentifier="Shop", DbUser="dev", DbName="dev")
    with refused("AccessDenied", f"redshift:GetClusterCredentials on resource: {arn}:dbuser:shop/awsuser"):
        redshift.get_cluster_credentials(ClusterIdentifier="shop", DbUser="awsuser", DbName="dev")
    with refused("AccessDenied", f"{arn}:dbname:shop/payroll"):
        redshift.get_cluster_credentials(ClusterIdentifier="shop", DbUser="dev", DbName="payroll")


def test_making_users_and_joining_groups_are_permissions_of_their_own(aws: Any, refused: Any) -> None:
    arn = f"arn:aws:redshift:us-east-1:{aws.account}"
    user = User(aws, allow("redshift:GetClusterCredentials"))
    redshift = user.client("redshift")
    asked = {"ClusterIdentifier": "shop", "DbUser": "dev", "AutoCreate": True, "DbGroups": ["readers"]}
    with refused("AccessDenied", "redshift:CreateClusterUser"):
        redshift.get_cluster_credentials(**asked)
    user.may(allow(["redshift:GetClusterCredentials", "redshift:CreateClusterUser"]))
    with refused("AccessDenied", f"redshift:JoinGroup on resource: {arn}:dbgroup:shop/readers"):
        redshift.get_cluster_credentials(**asked)
    user.may(allow(["redshift:GetClusterCredentials", "redshift:CreateClusterUser", "redshift:JoinGroup"]))
    with refused("ClusterNotFound"):
        redshift.get_cluster_credentials(**asked)
    with refused("ClusterNotFound"):
        redshift.get_cluster_credentials(**asked | {"AutoCreate": False})


def test_everybody_logs_in_as_themselves(aws: Any, refused: Any) -> None:
    """The user guide's example: the condition compares with the variable `${redshift:DbUser}`."""
    condition = {"StringEquals": {"aws:username": "${redshift:DbUser}"}, "NumericLessThanEquals": {"redshift:DurationSeconds": "900"}}
    redshift = User(aws, allow("redshift:GetClusterCredentials", "*", **condition)).client("redshift")
    with refused("ClusterNotFound"):
        redshift.get_cluster_credentials(ClusterIdentifier="shop", DbUser="dev")
    with refused("AccessDenied"):
        redshift.get_cluster_credentials(ClusterIdentifier="shop", DbUser="awsuser")
    with refused("AccessDenied"):
        redshift.get_cluster_credentials(ClusterIdentifier="shop", DbUser="dev", DurationSeconds=3600)


def test_credentials_with_iam_are_for_a_database(aws: Any, refused: Any) -> None:
    user = User(aws, allow("redshift:GetClusterCredentialsWithIAM", "*", StringEquals={"redshift:DbName": "dev"}))
    redshift = user.client("redshift")
    with refused("ClusterNotFound"):
        redshift.get_cluster_credentials_with_iam(ClusterIdentifier="shop", DbName="dev")
    with refused("AccessDenied", "dbname:shop/payroll"):
        redshift.get_cluster_credentials_with_iam(ClusterIdentifier="shop", DbName="payroll")


def test_a_cluster_s_roles_were_passed_to_redshift(aws: Any, refused: Any) -> None:
    reading = role(aws, "reading", "redshift.amazonaws.com")
    user = User(aws, allow("redshift:*"))
    redshift = user.client("redshift")
    wanted = {"ClusterIdentifier": "shop", "NodeType": "ra3.large", "MasterUsername": "awsuser", "MasterUserPassword": "short"}
    with refused("AccessDenied", f"iam:PassRole on resource: {reading}"):
        redshift.create_cluster(**wanted, IamRoles=[reading])
    with refused("AccessDenied", "iam:PassRole"):
        redshift.modify_cluster_iam_roles(ClusterIdentifier="shop", AddIamRoles=[reading])
    user.may(allow("redshift:*"), allow("iam:PassRole", reading, StringEquals={"iam:PassedToService": "redshift.amazonaws.com"}))
    with refused("InvalidParameterValue"):
        redshift.create_cluster(**wanted, IamRoles=[reading])
    with refused("ClusterNotFound"):
        redshift.modify_cluster_iam_roles(ClusterIdentifier="shop", AddIamRoles=[reading])


def test_the_tags_of_a_group_decide(aws: Any, refused: Any) -> None:
    root = aws.client("redshift")
    for name, team in (("ours", "web"), ("theirs", "ops")):
        root.create_cluster_parameter_group(
            ParameterGroupName=name, ParameterGroupFamily="redshift-1.0", Description="d", Tags=[{"Key": "team", "Value": team}]
        )
    user = User(aws, allow("redshift:DeleteClusterParameterGroup", "*", StringEquals={"aws:ResourceTag/team": "web"}))
    redshift = user.client("redshift")
    redshift.delete_cluster_parameter_group(ParameterGroupName="ours")
    with refused("AccessDenied"):
        redshift.delete_cluster_parameter_group(ParameterGroupName="theirs")
