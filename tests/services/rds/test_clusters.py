"""Aurora clusters over boto3, and the server that their instances share. Truth: the Aurora User Guide and the RDS API reference."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import psycopg
import pymysql
import pytest

PASSWORD = "secret99word"
WAIT = {"Delay": 0.05, "MaxAttempts": 400}
NEW = {"MasterUsername": "chief", "MasterUserPassword": PASSWORD}

pytestmark = pytest.mark.usefixtures("needs_mariadb")


def mysql(host: str, port: int, sql: str, **options: Any) -> list[tuple[Any, ...]]:
    login = {"user": "chief", "password": PASSWORD, "autocommit": True, "connect_timeout": 5} | options
    with pymysql.connect(host=host, port=port, **login) as connection, connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


def available(rds: Any, name: str) -> dict[str, Any]:
    rds.get_waiter("db_cluster_available").wait(DBClusterIdentifier=name, WaiterConfig=WAIT)
    found: dict[str, Any] = rds.describe_db_clusters(DBClusterIdentifier=name)["DBClusters"][0]
    return found


def add(rds: Any, name: str, cluster: str = "sales", **options: Any) -> dict[str, Any]:
    wanted = {"Engine": "aurora-mysql", "DBInstanceClass": "db.t3.small"} | options
    rds.create_db_instance(DBInstanceIdentifier=name, DBClusterIdentifier=cluster, **wanted)
    rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier=name, WaiterConfig=WAIT)
    found: dict[str, Any] = rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]
    return found


def test_a_cluster_and_its_instances_share_one_server(rds: Any, create_cluster: Callable[..., Any]) -> None:
    cluster = create_cluster(Port=33077)
    second = add(rds, "sales-2")
    assert (second["Endpoint"]["Address"], second["Endpoint"]["Port"]) == (cluster["Endpoint"], 33077)
    assert cluster["ReaderEndpoint"] == cluster["Endpoint"]
    mysql(cluster["Endpoint"], 33077, "CREATE TABLE t SELECT 7 AS seven", database="shop")
    assert mysql(second["Endpoint"]["Address"], 33077, "SELECT seven FROM t", database="shop") == [(7,)]
    members = {each["DBInstanceIdentifier"]: each["IsClusterWriter"] for each in available(rds, "sales")["DBClusterMembers"]}
    assert members == {"sales-1": True, "sales-2": False}
    by_filter = rds.describe_db_instances(Filters=[{"Name": "db-cluster-id", "Values": ["sales"]}])["DBInstances"]
    assert [each["DBInstanceIdentifier"] for each in by_filter] == ["sales-1", "sales-2"]


def test_failover_and_the_writers_deletion_make_another_instance_the_writer(rds: Any, create_cluster: Callable[..., Any]) -> None:
    create_cluster()
    add(rds, "sales-2")
    writer = lambda: next(each["DBInstanceIdentifier"] for each in available(rds, "sales")["DBClusterMembers"] if each["IsClusterWriter"])  # noqa: E731
    rds.failover_db_cluster(DBClusterIdentifier="sales", TargetDBInstanceIdentifier="sales-2")
    assert writer() == "sales-2"
    rds.delete_db_instance(DBInstanceIdentifier="sales-2")
    rds.get_waiter("db_instance_deleted").wait(DBInstanceIdentifier="sales-2", WaiterConfig=WAIT)
    assert writer() == "sales-1"


def test_modify_gives_the_cluster_a_new_password(rds: Any, create_cluster: Callable[..., Any]) -> None:
    cluster = create_cluster()
    rds.modify_db_cluster(DBClusterIdentifier="sales", MasterUserPassword="another99word", ApplyImmediately=True)
    available(rds, "sales")
    assert mysql(cluster["Endpoint"], cluster["Port"], "SELECT 1", password="another99word") == [(1,)]


def test_modify_renames_the_cluster_and_its_instances_follow(rds: Any, create_cluster: Callable[..., Any]) -> None:
    create_cluster()
    rds.modify_db_cluster(DBClusterIdentifier="sales", NewDBClusterIdentifier="Revenue", ApplyImmediately=True)
    assert available(rds, "revenue")["DBClusterMembers"][0]["DBInstanceIdentifier"] == "sales-1"
    assert rds.describe_db_instances(DBInstanceIdentifier="sales-1")["DBInstances"][0]["DBClusterIdentifier"] == "revenue"


def test_stop_start_and_reboot_take_the_instances_along(rds: Any, create_cluster: Callable[..., Any], refused: Any) -> None:
    cluster = create_cluster()
    mysql(cluster["Endpoint"], cluster["Port"], "CREATE TABLE t SELECT 7 AS seven", database="shop")
    rds.stop_db_cluster(DBClusterIdentifier="sales")
    for _ in range(200):  # boto3 has no waiter for a stopped cluster
        if rds.describe_db_clusters(DBClusterIdentifier="sales")["DBClusters"][0]["Status"] == "stopped":
            break
        time.sleep(0.05)
    assert rds.describe_db_instances(DBInstanceIdentifier="sales-1")["DBInstances"][0]["DBInstanceStatus"] == "stopped"
    with refused("InvalidDBClusterStateFault"):
        rds.stop_db_cluster(DBClusterIdentifier="sales")
    rds.start_db_cluster(DBClusterIdentifier="sales")
    available(rds, "sales")
    rds.reboot_db_cluster(DBClusterIdentifier="sales")
    available(rds, "sales")
    rds.reboot_db_instance(DBInstanceIdentifier="sales-1")
    rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier="sales-1", WaiterConfig=WAIT)
    assert mysql(cluster["Endpoint"], cluster["Port"], "SELECT seven FROM t", database="shop") == [(7,)]
    with refused("InvalidParameterCombination", "not eligible for stopping and starting"):
        rds.stop_db_instance(DBInstanceIdentifier="sales-1")


def test_a_cluster_with_instances_is_not_deleted(rds: Any, create_cluster: Callable[..., Any], refused: Any) -> None:
    create_cluster()
    with refused("InvalidParameterCombination", "SkipFinalSnapshot"):
        rds.delete_db_cluster(DBClusterIdentifier="sales")
    with refused("InvalidDBClusterStateFault", "still contains DB instances"):
        rds.delete_db_cluster(DBClusterIdentifier="sales", SkipFinalSnapshot=True)


def test_the_same_name_twice_is_refused(rds: Any, create_cluster: Callable[..., Any], refused: Any) -> None:
    create_cluster()
    with refused("DBClusterAlreadyExistsFault"):
        rds.create_db_cluster(DBClusterIdentifier="SALES", Engine="aurora-mysql", **NEW)


MEMBER_REFUSALS: dict[str, tuple[str, dict[str, Any]]] = {
    "another engine": ("doesn't match the engine name of your DB cluster (aurora-mysql)", {"Engine": "mysql"}),
    "a master user of its own": ("Set master user name for the DB Cluster.", {"MasterUsername": "other"}),
    "a password of its own": ("Set master user password for the DB Cluster.", {"MasterUserPassword": "another99word"}),
    "a port of its own": ("Set database endpoint port for the DB Cluster.", {"Port": 3307}),
    "another version": ("engine version", {"EngineVersion": "5.7.mysql_aurora.2.12.5"}),
}


def test_an_instance_that_does_not_fit_its_cluster_is_refused(rds: Any, create_cluster: Callable[..., Any], refused: Any) -> None:
    create_cluster()
    for words, changes in MEMBER_REFUSALS.values():
        with refused("InvalidParameterCombination", words):
            add(rds, "sales-2", **changes)
    with refused("InvalidParameterCombination", "master user password for the DB Cluster"):
        rds.modify_db_instance(DBInstanceIdentifier="sales-1", MasterUserPassword="another99word")


REFUSALS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "a bad name": ("InvalidParameterValue", "DBClusterIdentifier", {"DBClusterIdentifier": "-sales"}),
    "a Multi-AZ cluster of MySQL": ("NotImplemented", "Multi-AZ", {"Engine": "mysql"}),
    "the first serverless": ("NotImplemented", "EngineMode", {"EngineMode": "serverless"}),
    "an unknown version": ("InvalidParameterCombination", "Cannot find version", {"EngineVersion": "5.5"}),
    "a short password": ("InvalidParameterValue", "shorter than 8", {"MasterUserPassword": "short"}),
    "an unknown parameter group": (
        "DBParameterGroupNotFound",
        "DBClusterParameterGroup not found: nowhere",
        {"DBClusterParameterGroupName": "nowhere"},
    ),
    "a global cluster": ("NotImplemented", "GlobalClusterIdentifier", {"GlobalClusterIdentifier": "world"}),
}


@pytest.mark.parametrize(("code", "words", "changes"), REFUSALS.values(), ids=REFUSALS)
def test_create_db_cluster_refuses(rds: Any, refused: Any, code: str, words: str, changes: dict[str, Any]) -> None:
    with refused(code, words):
        rds.create_db_cluster(**({"DBClusterIdentifier": "sales", "Engine": "aurora-mysql"} | NEW | changes))
    assert rds.describe_db_clusters()["DBClusters"] == []


def test_an_unknown_cluster_is_not_found(rds: Any, refused: Any) -> None:
    for operation in (
        "describe_db_clusters",
        "modify_db_cluster",
        "start_db_cluster",
        "stop_db_cluster",
        "reboot_db_cluster",
        "failover_db_cluster",
    ):
        with refused("DBClusterNotFoundFault", "DBCluster nowhere not found."):
            getattr(rds, operation)(DBClusterIdentifier="Nowhere")


@pytest.mark.usefixtures("needs_postgres")
def test_an_aurora_postgresql_cluster_answers(create_cluster: Callable[..., Any]) -> None:
    cluster = create_cluster("ledger", "aurora-postgresql")
    place = {"host": cluster["Endpoint"], "port": cluster["Port"], "user": "chief", "password": PASSWORD, "dbname": "shop"}
    with psycopg.connect(**place) as connection:
        assert connection.execute("SELECT current_user::text").fetchall() == [("chief",)]
