"""Tags, subnet groups, events, and what can be had. Truth: the RDS API reference; the lists of versions are from memory of AWS's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

WAIT = {"Delay": 0.05, "MaxAttempts": 400}


def test_tags_are_kept_on_everything_that_has_an_arn(rds: Any, refused: Any) -> None:
    made = rds.create_db_parameter_group(
        DBParameterGroupName="tuned", DBParameterGroupFamily="mysql8.0", Description="d", Tags=[{"Key": "team", "Value": "sales"}]
    )
    arn = made["DBParameterGroup"]["DBParameterGroupArn"]
    rds.add_tags_to_resource(ResourceName=arn, Tags=[{"Key": "team", "Value": "data"}, {"Key": "cost", "Value": "42"}])
    assert rds.list_tags_for_resource(ResourceName=arn)["TagList"] == [{"Key": "team", "Value": "data"}, {"Key": "cost", "Value": "42"}]
    rds.remove_tags_from_resource(ResourceName=arn, TagKeys=["team", "unknown"])
    assert rds.list_tags_for_resource(ResourceName=arn)["TagList"] == [{"Key": "cost", "Value": "42"}]
    with refused("InvalidParameterValue"):
        rds.add_tags_to_resource(ResourceName=arn, Tags=[{"Key": "aws:own", "Value": ""}])
    with refused("InvalidParameterValue", "Invalid resource name"):
        rds.list_tags_for_resource(ResourceName="orders")
    with refused("DBInstanceNotFound"):
        rds.list_tags_for_resource(ResourceName=arn.replace(":pg:tuned", ":db:orders"))


def test_a_subnet_group_is_created_changed_and_deleted(rds: Any, refused: Any) -> None:
    made = rds.create_db_subnet_group(DBSubnetGroupName="Inner", DBSubnetGroupDescription="d", SubnetIds=["subnet-1", "subnet-2"])
    assert made["DBSubnetGroup"]["DBSubnetGroupName"] == "inner"
    zones = {each["SubnetAvailabilityZone"]["Name"] for each in made["DBSubnetGroup"]["Subnets"]}
    assert zones == {"us-east-1a", "us-east-1b"}
    with refused("DBSubnetGroupAlreadyExists"):
        rds.create_db_subnet_group(DBSubnetGroupName="inner", DBSubnetGroupDescription="d", SubnetIds=["subnet-1", "subnet-2"])
    with refused("DBSubnetGroupDoesNotCoverEnoughAZs"):
        rds.modify_db_subnet_group(DBSubnetGroupName="inner", SubnetIds=["subnet-1"])
    changed = rds.modify_db_subnet_group(DBSubnetGroupName="inner", SubnetIds=["subnet-1", "subnet-3"])
    assert [each["SubnetIdentifier"] for each in changed["DBSubnetGroup"]["Subnets"]] == ["subnet-1", "subnet-3"]
    assert len(rds.describe_db_subnet_groups()["DBSubnetGroups"]) == 1
    rds.delete_db_subnet_group(DBSubnetGroupName="inner")
    with refused("DBSubnetGroupNotFoundFault"):
        rds.describe_db_subnet_groups(DBSubnetGroupName="inner")


@pytest.mark.usefixtures("needs_mariadb")
def test_a_subnet_group_in_use_is_not_deleted(rds: Any, create_instance: Callable[..., Any], refused: Any) -> None:
    rds.create_db_subnet_group(DBSubnetGroupName="inner", DBSubnetGroupDescription="d", SubnetIds=["subnet-1", "subnet-2"])
    assert create_instance(DBSubnetGroupName="inner")["DBSubnetGroup"]["DBSubnetGroupName"] == "inner"
    with refused("InvalidDBSubnetGroupStateFault"):
        rds.delete_db_subnet_group(DBSubnetGroupName="inner")


@pytest.mark.usefixtures("needs_mariadb")
def test_events_tell_what_happened(server: Any, aws: Any, rds: Any, create_instance: Callable[..., Any]) -> None:
    """EventBridge is told in the form of "Overview of events for Amazon RDS", with the numbers of "event categories and event messages"."""
    told: list[Any] = []

    async def listen() -> None:
        server.home.bus.subscribe("event", told.extend)

    async def told_by_now() -> list[Any]:
        server.home.bus.deliver()
        server.home.bus.unsubscribe("event", told.extend)
        return [event for event in told if event["account"] == aws.account]

    server.call(listen())
    create_instance()
    rds.reboot_db_instance(DBInstanceIdentifier="orders")
    rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier="orders", WaiterConfig=WAIT)
    events = rds.describe_events(SourceIdentifier="orders", SourceType="db-instance", Duration=10)["Events"]
    assert [each["Message"] for each in events] == ["DB instance created", "DB instance restarted"]
    created, restarted = server.call(told_by_now())
    arn = rds.describe_db_instances()["DBInstances"][0]["DBInstanceArn"]
    assert (created["source"], created["detail-type"], created["resources"]) == ("aws.rds", "RDS DB Instance Event", [arn])
    assert created["detail"] == {
        "EventCategories": ["creation"],
        "SourceType": "DB_INSTANCE",
        "SourceArn": arn,
        "Date": created["detail"]["Date"],
        "Message": "DB instance created",
        "SourceIdentifier": "orders",
        "Tags": {},
        "EventID": "RDS-EVENT-0005",
    }
    assert restarted["detail"]["EventID"] == "RDS-EVENT-0006"
    assert rds.describe_events(SourceIdentifier="orders", EventCategories=["failure"])["Events"] == []


def test_engine_versions_are_listed_by_engine_line_and_default(rds: Any, refused: Any) -> None:
    everything = rds.get_paginator("describe_db_engine_versions").paginate().build_full_result()["DBEngineVersions"]
    assert {each["Engine"] for each in everything} == {"mysql", "mariadb", "postgres", "aurora-mysql", "aurora-postgresql"}
    of_line = rds.describe_db_engine_versions(Engine="mysql", EngineVersion="8.0")["DBEngineVersions"]
    assert {each["DBParameterGroupFamily"] for each in of_line} == {"mysql8.0"}
    (default,) = rds.describe_db_engine_versions(Engine="aurora-mysql", DefaultOnly=True)["DBEngineVersions"]
    assert default["DBParameterGroupFamily"] == "aurora-mysql8.0"
    with refused("InvalidParameterValue", "Invalid DB engine"):
        rds.describe_db_engine_versions(Engine="dbase")


def test_orderable_options_name_classes_for_a_version(rds: Any) -> None:
    options = rds.describe_orderable_db_instance_options(Engine="mysql", EngineVersion="8.0")["OrderableDBInstanceOptions"]
    assert "db.t3.micro" in {each["DBInstanceClass"] for each in options}


def test_the_authority_behind_the_certificates_is_the_homes_own(rds: Any, refused: Any) -> None:
    answer = rds.describe_certificates()
    assert answer["Certificates"][0]["CertificateIdentifier"] == answer["DefaultCertificateForNewLaunches"] == "headwater-ca"
    with refused("CertificateNotFound"):
        rds.describe_certificates(CertificateIdentifier="rds-ca-2019")
