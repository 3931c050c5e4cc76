"""Parameter groups, subnet groups and tags by boto3. They are kept and shown; nothing in them changes a warehouse."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

Refused = Callable[..., AbstractContextManager[Any]]


@pytest.fixture
def redshift(aws: Any) -> Any:
    return aws.client("redshift")


def test_a_parameter_group_is_made_changed_shown_and_deleted(redshift: Any, refused: Refused) -> None:
    group = {"ParameterGroupName": "mine", "ParameterGroupFamily": "redshift-2.0", "Description": "d"}
    redshift.create_cluster_parameter_group(**group)
    with refused("ClusterParameterGroupAlreadyExists"):
        redshift.create_cluster_parameter_group(**group)
    changed = [{"ParameterName": "statement_timeout", "ParameterValue": "1000"}]
    redshift.modify_cluster_parameter_group(ParameterGroupName="mine", Parameters=changed)
    shown = redshift.describe_cluster_parameters(ParameterGroupName="mine", Source="user")["Parameters"]
    assert [(one["ParameterName"], one["ParameterValue"]) for one in shown] == [("statement_timeout", "1000")]
    names = [one["ParameterGroupName"] for one in redshift.describe_cluster_parameter_groups()["ParameterGroups"]]
    assert names == ["default.redshift-1.0", "default.redshift-2.0", "mine"]
    redshift.delete_cluster_parameter_group(ParameterGroupName="mine")
    with refused("ClusterParameterGroupNotFound"):
        redshift.describe_cluster_parameter_groups(ParameterGroupName="mine")


REFUSALS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "an unknown family": (
        "InvalidParameterValue",
        "create_cluster_parameter_group",
        {"ParameterGroupName": "a", "ParameterGroupFamily": "oracle", "Description": "d"},
    ),
    "a change of a default group": (
        "InvalidClusterParameterGroupState",
        "modify_cluster_parameter_group",
        {"ParameterGroupName": "default.redshift-2.0", "Parameters": [{"ParameterName": "datestyle"}]},
    ),
    "the deletion of a default group": (
        "InvalidClusterParameterGroupState",
        "delete_cluster_parameter_group",
        {"ParameterGroupName": "default.redshift-2.0"},
    ),
    "an unknown subnet group": (
        "ClusterSubnetGroupNotFoundFault",
        "describe_cluster_subnet_groups",
        {"ClusterSubnetGroupName": "nowhere"},
    ),
    "the reserved subnet group": (
        "InvalidParameterValue",
        "create_cluster_subnet_group",
        {"ClusterSubnetGroupName": "default", "Description": "d", "SubnetIds": ["subnet-1"]},
    ),
    "tags on what is not there": (
        "ResourceNotFoundFault",
        "create_tags",
        {"ResourceName": "arn:aws:redshift:us-east-1:{account}:cluster:nowhere", "Tags": [{"Key": "a", "Value": "b"}]},
    ),
    "a name that is no ARN": ("InvalidParameterValue", "create_tags", {"ResourceName": "shop", "Tags": [{"Key": "a", "Value": "b"}]}),
    "a page of five": ("InvalidParameterValue", "describe_clusters", {"MaxRecords": 5}),
    "a marker of nobody's": ("InvalidParameterValue", "describe_clusters", {"Marker": "%%%"}),
    "an unknown cluster": ("ClusterNotFound", "describe_logging_status", {"ClusterIdentifier": "nowhere"}),
    "to reboot an unknown cluster": ("ClusterNotFound", "reboot_cluster", {"ClusterIdentifier": "nowhere"}),
    "to resume an unknown cluster": ("ClusterNotFound", "resume_cluster", {"ClusterIdentifier": "nowhere"}),
}


@pytest.mark.parametrize(("code", "operation", "request_"), REFUSALS.values(), ids=REFUSALS)
def test_it_refuses(redshift: Any, aws: Any, refused: Refused, code: str, operation: str, request_: dict[str, Any]) -> None:
    filled = {key: value.format(account=aws.account) if key == "ResourceName" else value for key, value in request_.items()}
    with refused(code):
        getattr(redshift, operation)(**filled)


def test_a_subnet_group_is_made_changed_and_deleted(redshift: Any, refused: Refused) -> None:
    redshift.create_cluster_subnet_group(ClusterSubnetGroupName="net", Description="d", SubnetIds=["subnet-1", "subnet-2"])
    redshift.modify_cluster_subnet_group(ClusterSubnetGroupName="net", SubnetIds=["subnet-3"])
    (group,) = redshift.describe_cluster_subnet_groups()["ClusterSubnetGroups"]
    assert [one["SubnetIdentifier"] for one in group["Subnets"]] == ["subnet-3"]
    redshift.delete_cluster_subnet_group(ClusterSubnetGroupName="net")
    assert redshift.describe_cluster_subnet_groups()["ClusterSubnetGroups"] == []


def test_tags_are_put_on_filtered_by_and_taken_off(redshift: Any, aws: Any) -> None:
    redshift.create_cluster_subnet_group(ClusterSubnetGroupName="net", Description="d", SubnetIds=["subnet-1"])
    arn = f"arn:aws:redshift:us-east-1:{aws.account}:subnetgroup:net"
    redshift.create_tags(ResourceName=arn, Tags=[{"Key": "team", "Value": "bi"}, {"Key": "cost", "Value": "7"}])
    assert [one["Tag"] for one in redshift.describe_tags(TagKeys=["team"])["TaggedResources"]] == [{"Key": "team", "Value": "bi"}]
    assert len(redshift.describe_cluster_subnet_groups(TagValues=["7"])["ClusterSubnetGroups"]) == 1
    assert redshift.describe_cluster_subnet_groups(TagKeys=["other"])["ClusterSubnetGroups"] == []
    redshift.delete_tags(ResourceName=arn, TagKeys=["team"])
    assert [one["Tag"]["Key"] for one in redshift.describe_tags(ResourceName=arn)["TaggedResources"]] == ["cost"]
    assert redshift.describe_tags(ResourceType="cluster")["TaggedResources"] == []
