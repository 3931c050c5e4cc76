"""Parameter groups over boto3, and what the running server makes of them.

Truth: "Parameter groups for Amazon RDS" in the User Guide: dynamic parameters at once, static ones after a reboot.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pymysql
import pytest

PASSWORD = "secret99word"
WAIT = {"Delay": 0.05, "MaxAttempts": 400}

pytestmark = pytest.mark.usefixtures("needs_mariadb")


def parameter(name: str, value: str, method: str = "immediate") -> dict[str, str]:
    return {"ParameterName": name, "ParameterValue": value, "ApplyMethod": method}


def variable(instance: dict[str, Any], name: str) -> Any:
    place = {"host": instance["Endpoint"]["Address"], "port": instance["Endpoint"]["Port"], "user": "chief", "password": PASSWORD}
    with pymysql.connect(**place) as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT @@global.{name}")
        return cursor.fetchone()[0]


def status(rds: Any) -> str:
    instance = rds.describe_db_instances(DBInstanceIdentifier="orders")["DBInstances"][0]
    return str(instance["DBParameterGroups"][0]["ParameterApplyStatus"])


@pytest.fixture
def group(rds: Any) -> str:
    rds.create_db_parameter_group(DBParameterGroupName="Tuned", DBParameterGroupFamily="mysql8.0", Description="for tests")
    return "tuned"


def test_a_group_is_created_described_and_deleted(rds: Any, group: str, refused: Any) -> None:
    described = rds.describe_db_parameter_groups(DBParameterGroupName=group)["DBParameterGroups"][0]
    assert (described["DBParameterGroupFamily"], described["Description"]) == ("mysql8.0", "for tests")
    assert described["DBParameterGroupArn"].endswith(":pg:tuned")
    with refused("DBParameterGroupAlreadyExists"):
        rds.create_db_parameter_group(DBParameterGroupName="TUNED", DBParameterGroupFamily="mysql8.0", Description="again")
    rds.delete_db_parameter_group(DBParameterGroupName=group)
    with refused("DBParameterGroupNotFound", "DBParameterGroup not found: tuned"):
        rds.describe_db_parameter_groups(DBParameterGroupName=group)


def test_a_group_is_deleted_only_when_nothing_uses_it(rds: Any, group: str, create_instance: Callable[..., Any], refused: Any) -> None:
    create_instance(DBParameterGroupName=group)
    with refused("InvalidDBParameterGroupState", "tuned"):
        rds.delete_db_parameter_group(DBParameterGroupName=group)


def test_a_default_group_exists_and_cannot_be_changed(rds: Any, refused: Any) -> None:
    assert (
        rds.describe_db_parameter_groups(DBParameterGroupName="default.mysql8.0")["DBParameterGroups"][0]["DBParameterGroupFamily"]
        == "mysql8.0"
    )
    with refused("InvalidDBParameterGroupState"):
        rds.modify_db_parameter_group(DBParameterGroupName="default.mysql8.0", Parameters=[parameter("max_connections", "50")])
    with refused("InvalidDBParameterGroupState"):
        rds.delete_db_parameter_group(DBParameterGroupName="default.mysql8.0")


def test_a_dynamic_parameter_reaches_the_running_server_at_once_and_its_reset_too(
    rds: Any, group: str, create_instance: Callable[..., Any]
) -> None:
    instance = create_instance(DBParameterGroupName=group)
    before = variable(instance, "long_query_time")
    rds.modify_db_parameter_group(DBParameterGroupName=group, Parameters=[parameter("long_query_time", "3")])
    assert variable(instance, "long_query_time") == 3
    assert status(rds) == "in-sync"
    rds.reset_db_parameter_group(DBParameterGroupName=group, Parameters=[parameter("long_query_time", "0")])
    assert variable(instance, "long_query_time") == before


def test_a_static_parameter_waits_for_the_reboot(rds: Any, group: str, create_instance: Callable[..., Any]) -> None:
    instance = create_instance(DBParameterGroupName=group)
    rds.modify_db_parameter_group(DBParameterGroupName=group, Parameters=[parameter("back_log", "99", "pending-reboot")])
    assert status(rds) == "pending-reboot"
    rds.reboot_db_instance(DBInstanceIdentifier="orders")
    rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier="orders", WaiterConfig=WAIT)
    assert (variable(instance, "back_log"), status(rds)) == (99, "in-sync")
    rds.reset_db_parameter_group(DBParameterGroupName=group, ResetAllParameters=True)
    assert status(rds) == "pending-reboot"


def test_a_value_that_the_engine_refuses_is_told_among_the_events(rds: Any, group: str, create_instance: Callable[..., Any]) -> None:
    """Our reading: AWS knows each parameter's values; where only the engine knows, its own words are kept."""
    instance = create_instance(DBParameterGroupName=group)
    rds.modify_db_parameter_group(
        DBParameterGroupName=group, Parameters=[parameter("sql_mode", "SLOPPY"), parameter("max_connections", "55")]
    )
    messages = [each["Message"] for each in rds.describe_events(SourceIdentifier="orders", EventCategories=["failure"])["Events"]]
    assert any("SLOPPY" in message for message in messages)
    assert (variable(instance, "max_connections"), status(rds)) == (55, "pending-reboot")


def test_another_group_is_given_to_a_running_instance(rds: Any, group: str, create_instance: Callable[..., Any]) -> None:
    rds.modify_db_parameter_group(DBParameterGroupName=group, Parameters=[parameter("max_connections", "55")])
    instance = create_instance()
    rds.modify_db_instance(DBInstanceIdentifier="orders", DBParameterGroupName=group, ApplyImmediately=True)
    assert variable(instance, "max_connections") == 55


def test_the_instances_group_has_the_last_word_over_the_clusters(rds: Any, create_cluster: Callable[..., Any]) -> None:
    rds.create_db_cluster_parameter_group(DBClusterParameterGroupName="all", DBParameterGroupFamily="aurora-mysql8.0", Description="d")
    rds.create_db_parameter_group(DBParameterGroupName="one", DBParameterGroupFamily="aurora-mysql8.0", Description="d")
    both = [parameter("max_connections", "55"), parameter("long_query_time", "5")]
    rds.modify_db_cluster_parameter_group(DBClusterParameterGroupName="all", Parameters=both)
    rds.modify_db_parameter_group(DBParameterGroupName="one", Parameters=[parameter("max_connections", "66")])
    cluster = create_cluster(DBClusterParameterGroupName="all")
    rds.modify_db_instance(DBInstanceIdentifier="sales-1", DBParameterGroupName="one")
    place = {"Endpoint": {"Address": cluster["Endpoint"], "Port": cluster["Port"]}}
    assert (variable(place, "max_connections"), variable(place, "long_query_time")) == (66, 5)
    rds.reset_db_cluster_parameter_group(DBClusterParameterGroupName="all", ResetAllParameters=True)
    assert (variable(place, "max_connections"), variable(place, "long_query_time")) == (66, 10)
    with pytest.raises(rds.exceptions.InvalidDBParameterGroupStateFault):
        rds.delete_db_cluster_parameter_group(DBClusterParameterGroupName="all")


def test_parameters_are_described_from_the_engine_with_what_the_user_set(rds: Any, group: str) -> None:
    rds.modify_db_parameter_group(DBParameterGroupName=group, Parameters=[parameter("max_connections", "55")])
    pages = rds.get_paginator("describe_db_parameters").paginate(DBParameterGroupName=group)
    described = {each["ParameterName"]: each for page in pages for each in page["Parameters"]}
    assert len(described) > 300
    own = described["max_connections"]
    assert (own["ParameterValue"], own["Source"], own["ApplyType"], own["DataType"]) == ("55", "user", "dynamic", "integer")
    assert described["back_log"]["ApplyType"] == "static"
    assert not described["port"]["IsModifiable"]
    only = rds.describe_db_parameters(DBParameterGroupName=group, Source="user")["Parameters"]
    assert [each["ParameterName"] for each in only] == ["max_connections"]


def test_cluster_groups_have_auroras_own_parameters(rds: Any) -> None:
    rds.create_db_cluster_parameter_group(DBClusterParameterGroupName="mine", DBParameterGroupFamily="aurora-mysql8.0", Description="d")
    role = "arn:aws:iam::123456789012:role/lambda"
    rds.modify_db_cluster_parameter_group(DBClusterParameterGroupName="mine", Parameters=[parameter("aws_default_lambda_role", role)])
    only = rds.describe_db_cluster_parameters(DBClusterParameterGroupName="mine", Source="user")["Parameters"]
    assert [(each["ParameterName"], each["ParameterValue"]) for each in only] == [("aws_default_lambda_role", role)]
    listed = rds.describe_db_cluster_parameter_groups()["DBClusterParameterGroups"]
    assert [each["DBClusterParameterGroupName"] for each in listed] == ["mine"]
    rds.delete_db_cluster_parameter_group(DBClusterParameterGroupName="mine")


def test_engine_defaults_are_described_for_a_family(rds: Any, refused: Any) -> None:
    defaults = rds.describe_engine_default_parameters(DBParameterGroupFamily="mysql8.0")["EngineDefaults"]
    assert defaults["Parameters"]
    assert rds.describe_engine_default_cluster_parameters(DBParameterGroupFamily="aurora-mysql8.0")["EngineDefaults"]["Parameters"]
    with refused("InvalidParameterValue", "oracle"):
        rds.describe_engine_default_parameters(DBParameterGroupFamily="oracle")


REFUSED = {
    "an unknown parameter": ("InvalidParameterValue", "Could not find parameter with name: warp", parameter("warp", "9")),
    "a value out of range": ("InvalidParameterValue", "outside of range", parameter("max_connections", "1")),
    "a word for a number": ("InvalidParameterValue", "outside of range", parameter("max_connections", "many")),
    "a word that is not allowed": ("InvalidParameterValue", "allowed values", parameter("binlog_format", "PICTURES")),
    "a flag that is neither": ("InvalidParameterValue", "allowed values", parameter("local_infile", "maybe")),
    "a static one at once": ("InvalidParameterCombination", "static parameter", parameter("back_log", "99")),
    "one that is RDS's own": ("InvalidParameterValue", "cannot be modified", parameter("port", "3307", "pending-reboot")),
    "one without a value": ("InvalidParameterValue", "must be provided", {"ParameterName": "max_connections"}),
}


@pytest.mark.parametrize(("code", "words", "wrong"), REFUSED.values(), ids=REFUSED)
def test_modify_refuses_all_or_nothing(rds: Any, group: str, refused: Any, code: str, words: str, wrong: dict[str, str]) -> None:
    with refused(code, words):
        rds.modify_db_parameter_group(DBParameterGroupName=group, Parameters=[parameter("long_query_time", "3"), wrong])
    assert rds.describe_db_parameters(DBParameterGroupName=group, Source="user")["Parameters"] == []


def test_a_group_of_an_unknown_family_is_refused(rds: Any, refused: Any) -> None:
    with refused("InvalidParameterValue", "mysql4.1"):
        rds.create_db_parameter_group(DBParameterGroupName="old", DBParameterGroupFamily="mysql4.1", Description="d")


@pytest.mark.usefixtures("needs_postgres")
def test_a_postgres_instance_takes_parameters_and_may_demand_tls(rds: Any, create_instance: Callable[..., Any]) -> None:
    rds.create_db_parameter_group(DBParameterGroupName="pg", DBParameterGroupFamily="postgres17", Description="d")
    rds.modify_db_parameter_group(DBParameterGroupName="pg", Parameters=[parameter("work_mem", "5120"), parameter("rds.force_ssl", "1")])
    instance = create_instance(engine="postgres", DBParameterGroupName="pg")
    place = {"host": instance["Endpoint"]["Address"], "port": instance["Endpoint"]["Port"], "user": "chief", "password": PASSWORD}
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(**place, dbname="postgres", sslmode="disable")
    rds.modify_db_parameter_group(DBParameterGroupName="pg", Parameters=[parameter("rds.force_ssl", "0")])
    for _ in range(100):
        try:
            with psycopg.connect(**place, dbname="postgres", sslmode="disable") as connection:
                assert connection.execute("SHOW work_mem").fetchone() == ("5MB",)
                return
        except psycopg.OperationalError:
            continue  # a reload is a signal, and takes a moment
    pytest.fail("the server still demands TLS")


@pytest.mark.usefixtures("needs_postgres")
@pytest.mark.parametrize(("version", "forced"), [("14.19", "0"), ("17.6", "1")])
def test_from_postgres_15_on_tls_is_demanded_unless_a_group_says_otherwise(
    rds: Any, create_instance: Callable[..., Any], version: str, forced: str
) -> None:
    """Truth: "Using SSL with a PostgreSQL DB instance" of the user guide: rds.force_ssl is on by default from version 15 on."""
    instance = create_instance(engine="postgres", EngineVersion=version)
    group = instance["DBParameterGroups"][0]["DBParameterGroupName"]
    pages = rds.get_paginator("describe_db_parameters").paginate(DBParameterGroupName=group)
    known = {each["ParameterName"]: each.get("ParameterValue") for page in pages for each in page["Parameters"]}
    assert known["rds.force_ssl"] == forced
    place = {"host": instance["Endpoint"]["Address"], "port": instance["Endpoint"]["Port"], "user": "chief", "password": PASSWORD}
    with psycopg.connect(**place, dbname="postgres") as connection:  # libpq prefers TLS, as most clients do
        encrypted = connection.pgconn.ssl_in_use
    if forced == "1" and encrypted:
        with pytest.raises(psycopg.OperationalError, match=r"pg_hba|encryption"):
            psycopg.connect(**place, dbname="postgres", sslmode="disable")
    else:
        psycopg.connect(**place, dbname="postgres", sslmode="disable").close()
