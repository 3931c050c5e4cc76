"""RDS for the tests: a client, and databases that are deleted at the end, since each is a running server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from headwater.engines import mariadb, postgres

PASSWORD = "secret99word"
WAIT = {"Delay": 0.05, "MaxAttempts": 400}


@pytest.fixture
def needs_mariadb() -> None:
    sentence = mariadb.missing()
    if sentence is not None:
        pytest.skip(sentence)


@pytest.fixture
def needs_postgres() -> None:
    sentence = postgres.missing()
    if sentence is not None:
        pytest.skip(sentence)


@pytest.fixture
def rds(aws: Any) -> Iterator[Any]:
    client = aws.client("rds")
    yield client
    for instance in client.describe_db_instances()["DBInstances"]:
        if instance["DBInstanceStatus"] != "deleting":
            name = instance["DBInstanceIdentifier"]
            client.modify_db_instance(DBInstanceIdentifier=name, DeletionProtection=False) if instance["DeletionProtection"] else None
            client.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)
        client.get_waiter("db_instance_deleted").wait(DBInstanceIdentifier=instance["DBInstanceIdentifier"], WaiterConfig=WAIT)
    for cluster in client.describe_db_clusters()["DBClusters"]:
        if cluster["Status"] != "deleting":
            client.delete_db_cluster(DBClusterIdentifier=cluster["DBClusterIdentifier"], SkipFinalSnapshot=True)
        client.get_waiter("db_cluster_deleted").wait(DBClusterIdentifier=cluster["DBClusterIdentifier"], WaiterConfig=WAIT)


@pytest.fixture
def create_instance(rds: Any) -> Callable[..., dict[str, Any]]:
    """An available instance; keywords as of create_db_instance."""

    def create(name: str = "orders", engine: str = "mysql", **options: Any) -> dict[str, Any]:
        wanted = {
            "DBInstanceClass": "db.t3.micro",
            "AllocatedStorage": 20,
            "MasterUsername": "chief",
            "MasterUserPassword": PASSWORD,
        } | options
        rds.create_db_instance(DBInstanceIdentifier=name, Engine=engine, **wanted)
        rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier=name, WaiterConfig=WAIT)
        found: dict[str, Any] = rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]
        return found

    return create


@pytest.fixture
def create_cluster(rds: Any) -> Callable[..., dict[str, Any]]:
    """An available Aurora cluster with one instance, `<name>-1`; keywords as of create_db_cluster."""

    def create(name: str = "sales", engine: str = "aurora-mysql", **options: Any) -> dict[str, Any]:
        wanted = {"MasterUsername": "chief", "MasterUserPassword": PASSWORD, "DatabaseName": "shop"} | options
        rds.create_db_cluster(DBClusterIdentifier=name, Engine=engine, **wanted)
        rds.create_db_instance(DBInstanceIdentifier=f"{name}-1", DBClusterIdentifier=name, Engine=engine, DBInstanceClass="db.t3.small")
        rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier=f"{name}-1", WaiterConfig=WAIT)
        found: dict[str, Any] = rds.describe_db_clusters(DBClusterIdentifier=name)["DBClusters"][0]
        return found

    return create
