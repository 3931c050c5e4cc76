"""What an IAM user needs for RDS. Where no server is wanted, a request that is refused after the decision shows that it was passed.

Truth: the Service Authorization Reference of Amazon RDS, and "Identity-based policy examples" of the RDS User Guide.
"""

from typing import Any

import pytest

from users import User, allow, role

WANTED = {
    "DBInstanceIdentifier": "Orders",
    "Engine": "mysql",
    "DBInstanceClass": "db.t3.micro",
    "AllocatedStorage": 20,
    "MasterUsername": "chief",
    "MasterUserPassword": "short",  # refused by RDS itself, after the decision
}
CONDITIONS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "an engine": ({"StringEquals": {"rds:DatabaseEngine": "mysql"}}, {"Engine": "postgres"}),
    "a class": ({"StringLike": {"rds:DatabaseClass": "db.t3.*"}}, {"DBInstanceClass": "db.r5.large"}),
    "a size": ({"NumericLessThanEquals": {"rds:StorageSize": "100"}}, {"AllocatedStorage": 200}),
    "one zone": ({"Bool": {"rds:MultiAz": "false"}}, {"MultiAZ": True}),
    "no provisioned iops": ({"NumericEquals": {"rds:Piops": "0"}}, {"Iops": 3000}),
    "an unencrypted storage": ({"Bool": {"rds:StorageEncrypted": "false"}}, {"StorageEncrypted": True}),
    "no public address": ({"Bool": {"rds:PubliclyAccessible": "false"}}, {"PubliclyAccessible": True}),
    "a password of one's own": ({"Bool": {"rds:ManageMasterUserPassword": "false"}}, {"ManageMasterUserPassword": True}),
    "a region as the target of backups": ({"StringEquals": {"rds:BackupTarget": "region"}}, {"BackupTarget": "outposts"}),
    "a network": ({"Bool": {"rds:Vpc": "true"}, "StringEquals": {"rds:DatabaseClass": "db.t3.micro"}}, {"DBInstanceClass": "db.m5.large"}),
}


@pytest.mark.parametrize(("condition", "other"), CONDITIONS.values(), ids=CONDITIONS)
@pytest.mark.http
def test_a_policy_may_ask_for(aws: Any, refused: Any, condition: dict[str, Any], other: dict[str, Any]) -> None:
    rds = User(aws, allow("rds:CreateDBInstance", "*", **condition)).client("rds")
    with refused("InvalidParameterValue", "MasterUserPassword"):
        rds.create_db_instance(**WANTED)
    with refused("AccessDenied", "rds:CreateDBInstance", f"arn:aws:rds:us-east-1:{aws.account}:db:orders"):
        rds.create_db_instance(**WANTED | other)


@pytest.mark.http
def test_a_database_name_may_be_asked_for(aws: Any, refused: Any) -> None:
    rds = User(aws, allow("rds:CreateDBInstance", "*", StringEquals={"rds:DatabaseName": "shop"})).client("rds")
    with refused("InvalidParameterValue"):
        rds.create_db_instance(**WANTED, DBName="shop")
    with refused("AccessDenied"):
        rds.create_db_instance(**WANTED)


@pytest.mark.http
def test_a_creation_needs_the_permission_on_each_resource_that_it_names(aws: Any, refused: Any) -> None:
    arn = f"arn:aws:rds:us-east-1:{aws.account}"
    user = User(aws, allow("rds:CreateDBInstance", f"{arn}:db:orders"))
    rds = user.client("rds")
    with refused("AccessDenied", f"rds:CreateDBInstance on resource: {arn}:pg:quick"):
        rds.create_db_instance(**WANTED, DBParameterGroupName="Quick")
    user.may(allow("rds:CreateDBInstance", [f"{arn}:db:orders", f"{arn}:pg:quick", f"{arn}:subgrp:private"]))
    with refused("InvalidParameterValue"):
        rds.create_db_instance(**WANTED, DBParameterGroupName="Quick", DBSubnetGroupName="private")


@pytest.mark.http
def test_tags_at_a_creation_need_the_permission_to_tag(aws: Any, refused: Any) -> None:
    user = User(aws, allow("rds:CreateDBParameterGroup"))
    rds = user.client("rds")
    wanted = {"DBParameterGroupName": "quick", "DBParameterGroupFamily": "mysql8.0", "Description": "d"}
    tags = [{"Key": "team", "Value": "web"}]
    with refused("AccessDenied", "rds:AddTagsToResource"):
        rds.create_db_parameter_group(**wanted, Tags=tags)
    user.may(allow(["rds:CreateDBParameterGroup", "rds:AddTagsToResource"], "*", StringEquals={"rds:req-tag/Team": "web"}))
    rds.create_db_parameter_group(**wanted, Tags=tags)
    with refused("AccessDenied"):
        rds.create_db_parameter_group(**wanted | {"DBParameterGroupName": "slow"}, Tags=[{"Key": "team", "Value": "ops"}])


@pytest.mark.parametrize("key", ["rds:pg-tag/team", "aws:ResourceTag/team"])
@pytest.mark.http
def test_what_a_resource_is_tagged_decides(aws: Any, refused: Any, key: str) -> None:
    root = aws.client("rds")
    for name, team in (("ours", "web"), ("theirs", "ops")):
        root.create_db_parameter_group(
            DBParameterGroupName=name, DBParameterGroupFamily="mysql8.0", Description="d", Tags=[{"Key": "team", "Value": team}]
        )
    user = User(aws, allow(["rds:DeleteDBParameterGroup", "rds:ListTagsForResource"], "*", StringEquals={key: "web"}))
    rds = user.client("rds")
    assert rds.list_tags_for_resource(ResourceName=f"arn:aws:rds:us-east-1:{aws.account}:pg:ours")["TagList"]
    with refused("AccessDenied"):
        rds.list_tags_for_resource(ResourceName=f"arn:aws:rds:us-east-1:{aws.account}:pg:theirs")
    rds.delete_db_parameter_group(DBParameterGroupName="ours")
    with refused("AccessDenied"):
        rds.delete_db_parameter_group(DBParameterGroupName="theirs")


@pytest.mark.parametrize(
    ("operation", "subject"),
    [("add_role_to_db_cluster", {"DBClusterIdentifier": "gone"}), ("add_role_to_db_instance", {"DBInstanceIdentifier": "gone"})],
)
@pytest.mark.http
def test_a_role_is_handed_over_only_by_who_may_pass_it_to_rds(aws: Any, refused: Any, operation: str, subject: dict[str, str]) -> None:
    calls = role(aws, "calls", "rds.amazonaws.com")
    user = User(aws, allow("rds:*"))
    hand_over = getattr(user.client("rds"), operation)
    with refused("AccessDenied", f"iam:PassRole on resource: {calls}"):
        hand_over(**subject, RoleArn=calls, FeatureName="Lambda")
    user.may(allow("rds:*"), allow("iam:PassRole", calls, StringEquals={"iam:PassedToService": "lambda.amazonaws.com"}))
    with refused("AccessDenied", "iam:PassRole"):
        hand_over(**subject, RoleArn=calls, FeatureName="Lambda")
    user.may(allow("rds:*"), allow("iam:PassRole", calls, StringEquals={"iam:PassedToService": "rds.amazonaws.com"}))
    with pytest.raises(Exception, match="gone"):
        hand_over(**subject, RoleArn=calls, FeatureName="Lambda")


@pytest.mark.http
def test_reading_one_is_not_reading_all(aws: Any, refused: Any) -> None:
    user = User(aws, allow("rds:DescribeDBClusters", f"arn:aws:rds:us-east-1:{aws.account}:cluster:sales"))
    rds = user.client("rds")
    with refused("DBClusterNotFoundFault"):
        rds.describe_db_clusters(DBClusterIdentifier="Sales")
    with refused("AccessDenied", f"on resource: arn:aws:rds:us-east-1:{aws.account}:cluster:*"):
        rds.describe_db_clusters()
