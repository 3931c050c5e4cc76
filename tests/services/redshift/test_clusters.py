"""Clusters by boto3, and the warehouses behind them by psycopg. Sentences: the API's documentation and its clients' reports."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import psycopg
import pytest

PASSWORD = "Secret99"
CLUSTER = {"ClusterIdentifier": "shop", "NodeType": "ra3.large", "MasterUsername": "awsuser", "MasterUserPassword": PASSWORD}
REFUSALS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "an identifier that ends with a hyphen": ("InvalidParameterValue", "ClusterIdentifier", {"ClusterIdentifier": "shop-"}),
    "two hyphens in a row": ("InvalidParameterValue", "ClusterIdentifier", {"ClusterIdentifier": "my--shop"}),
    "capitals": ("InvalidParameterValue", "ClusterIdentifier", {"ClusterIdentifier": "Shop"}),
    "an unknown node type": ("InvalidParameterValue", "Invalid node type: ds9.large", {"NodeType": "ds9.large"}),
    "a short password": ("InvalidParameterValue", "between 8 and 64", {"MasterUserPassword": "Ab1"}),
    "a password without a digit": ("InvalidParameterValue", "at least one digit", {"MasterUserPassword": "Secretsss"}),
    "a password without a capital": ("InvalidParameterValue", "at least one upper case letter", {"MasterUserPassword": "secret999"}),
    "a password with a slash": ("InvalidParameterValue", "printable ASCII", {"MasterUserPassword": "Secret/99"}),
    "a reserved user": ("InvalidParameterValue", "reserved", {"MasterUsername": "public"}),
    "a port outside of the ranges": ("InvalidParameterValue", "5431-5455", {"Port": 3306}),
    "two nodes in a single-node cluster": (
        "InvalidParameterCombination",
        "single-node",
        {"ClusterType": "single-node", "NumberOfNodes": 2},
    ),
    "one node in a multi-node cluster": ("InvalidParameterCombination", "equal to 2", {"ClusterType": "multi-node", "NumberOfNodes": 1}),
    "an unknown subnet group": ("ClusterSubnetGroupNotFoundFault", "nowhere", {"ClusterSubnetGroupName": "nowhere"}),
    "an unknown parameter group": ("ClusterParameterGroupNotFound", "nowhere", {"ClusterParameterGroupName": "nowhere"}),
    "a role that is no role": ("InvalidParameterValue", "Invalid IAM role ARN", {"IamRoles": ["me"]}),
    "a managed password": ("NotImplemented", "ManageMasterPassword", {"ManageMasterPassword": True}),
}
Refused = Callable[..., AbstractContextManager[Any]]


@pytest.fixture
def redshift(aws: Any) -> Iterator[Any]:
    """A client; whatever clusters the test leaves are deleted, processes and all."""
    client = aws.client("redshift")
    yield client
    for cluster in client.describe_clusters()["Clusters"]:
        if cluster["ClusterStatus"] != "deleting":
            client.delete_cluster(ClusterIdentifier=cluster["ClusterIdentifier"], SkipFinalClusterSnapshot=True)
        client.get_waiter("cluster_deleted").wait(ClusterIdentifier=cluster["ClusterIdentifier"])


@pytest.fixture
def shop(redshift: Any) -> dict[str, Any]:
    """A cluster that is available."""
    redshift.create_cluster(**CLUSTER)
    return settled(redshift)


def settled(redshift: Any, identifier: str = "shop") -> dict[str, Any]:
    redshift.get_waiter("cluster_available").wait(ClusterIdentifier=identifier)
    cluster: dict[str, Any] = redshift.describe_clusters(ClusterIdentifier=identifier)["Clusters"][0]
    return cluster


def connect(cluster: dict[str, Any], user: str = "awsuser", password: str = PASSWORD, **more: Any) -> psycopg.Connection:
    endpoint = cluster["Endpoint"]
    return psycopg.connect(
        host=endpoint["Address"], port=endpoint["Port"], user=user, password=password, dbname="dev", autocommit=True, **more
    )


@pytest.mark.parametrize(("code", "words", "change"), REFUSALS.values(), ids=REFUSALS)
def test_create_cluster_refuses(redshift: Any, refused: Refused, code: str, words: str, change: dict[str, Any]) -> None:
    with refused(code, words):
        redshift.create_cluster(**CLUSTER | change)


def test_a_cluster_comes_answers_at_its_endpoint_and_goes(redshift: Any, refused: Refused) -> None:
    created = redshift.create_cluster(**CLUSTER, Tags=[{"Key": "team", "Value": "bi"}])["Cluster"]
    assert (created["ClusterStatus"], "Endpoint" in created) == ("creating", False)
    cluster = settled(redshift)
    assert cluster["Endpoint"]["Port"] == 5439
    assert cluster["Endpoint"]["Address"].startswith("127.")
    assert (cluster["DBName"], cluster["NumberOfNodes"], cluster["ClusterAvailabilityStatus"]) == ("dev", 1, "Available")
    with connect(cluster, sslmode="require") as connection:
        assert connection.execute("SELECT 1 AS n").fetchone() == (1,)
        assert connection.pgconn.ssl_in_use
    with refused("ClusterAlreadyExists", "Cluster already exists"):
        redshift.create_cluster(**CLUSTER)
    assert redshift.delete_cluster(ClusterIdentifier="shop", SkipFinalClusterSnapshot=True)["Cluster"]["ClusterStatus"] == "deleting"
    redshift.get_waiter("cluster_deleted").wait(ClusterIdentifier="shop")
    with refused("ClusterNotFound", "Cluster shop not found."):
        redshift.describe_clusters(ClusterIdentifier="shop")
    with pytest.raises(psycopg.OperationalError, match="refused"):
        connect(cluster)


def test_a_changed_password_is_the_only_one_that_holds(redshift: Any, shop: dict[str, Any]) -> None:
    redshift.modify_cluster(ClusterIdentifier="shop", MasterUserPassword="Another99")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        connect(shop)
    connect(shop, password="Another99").close()


def test_data_outlives_pause_and_reboot(redshift: Any, refused: Refused, shop: dict[str, Any]) -> None:
    with connect(shop) as connection:
        connection.execute("CREATE TABLE kept (n INTEGER)")
        connection.execute("INSERT INTO kept VALUES (7)")
    redshift.pause_cluster(ClusterIdentifier="shop")
    paused = redshift.describe_clusters(ClusterIdentifier="shop")["Clusters"][0]
    assert paused["ClusterStatus"] == "paused"
    with pytest.raises(psycopg.OperationalError, match="refused"):
        connect(shop)
    with refused("InvalidClusterState"):
        redshift.modify_cluster(ClusterIdentifier="shop", MasterUserPassword="Another99")
    redshift.resume_cluster(ClusterIdentifier="shop")
    settled(redshift)
    redshift.reboot_cluster(ClusterIdentifier="shop")
    with connect(settled(redshift)) as connection:
        assert connection.execute("SELECT n FROM kept").fetchone() == (7,)


def test_a_cluster_moves_to_the_port_that_is_asked_for_and_takes_a_new_name(redshift: Any, refused: Refused, shop: dict[str, Any]) -> None:
    redshift.modify_cluster(ClusterIdentifier="shop", Port=5440, NewClusterIdentifier="store")
    moved = settled(redshift, "store")
    assert moved["Endpoint"]["Port"] == 5440
    connect(moved).close()
    with refused("ClusterNotFound"):
        redshift.describe_clusters(ClusterIdentifier="shop")


def test_temporary_credentials_log_in_until_they_expire(redshift: Any, clock: Any, shop: dict[str, Any]) -> None:
    from datetime import timedelta

    first = redshift.get_cluster_credentials(ClusterIdentifier="shop", DbUser="analyst", AutoCreate=True)
    second = redshift.get_cluster_credentials(ClusterIdentifier="shop", DbUser="analyst", AutoCreate=True, DurationSeconds=3600)
    assert first["DbUser"] == "IAMA:analyst"
    for one in (first, second):
        connect(shop, one["DbUser"], one["DbPassword"]).close()
    clock.advance(timedelta(minutes=20))
    with pytest.raises(psycopg.OperationalError, match='password authentication failed for user "IAMA:analyst"'):
        connect(shop, first["DbUser"], first["DbPassword"])
    connect(shop, second["DbUser"], second["DbPassword"]).close()


def test_a_user_whom_nobody_has_made_cannot_log_in(redshift: Any, shop: dict[str, Any]) -> None:
    answer = redshift.get_cluster_credentials(ClusterIdentifier="shop", DbUser="analyst")
    with pytest.raises(psycopg.OperationalError, match='user "IAM:analyst" does not exist'):
        connect(shop, answer["DbUser"], answer["DbPassword"])
    made = redshift.get_cluster_credentials(ClusterIdentifier="shop", DbUser="analyst", AutoCreate=True)
    connect(shop, made["DbUser"], made["DbPassword"]).close()
    connect(shop, answer["DbUser"], answer["DbPassword"]).close()


CREDENTIAL_REFUSALS: dict[str, tuple[str, dict[str, Any]]] = {
    "a cluster that is not there": ("ClusterNotFound", {"ClusterIdentifier": "nowhere", "DbUser": "a"}),
    "less than a quarter of an hour": ("InvalidParameterValue", {"ClusterIdentifier": "shop", "DbUser": "a", "DurationSeconds": 60}),
    "a name that SQL could not quote": ("InvalidParameterValue", {"ClusterIdentifier": "shop", "DbUser": "a b"}),
    "a custom domain": ("UnsupportedOperation", {"CustomDomainName": "db.example.com", "DbUser": "a"}),
}


def test_get_cluster_credentials_refuses(redshift: Any, refused: Refused, shop: dict[str, Any]) -> None:
    for code, request in CREDENTIAL_REFUSALS.values():
        with refused(code):
            redshift.get_cluster_credentials(**request)


def test_the_caller_s_own_identity_gets_credentials(redshift: Any, shop: dict[str, Any]) -> None:
    answer = redshift.get_cluster_credentials_with_iam(ClusterIdentifier="shop", DbName="dev")
    assert answer["DbUser"] == "IAM:root"
    assert answer["NextRefreshTime"] < answer["Expiration"]
    connect(shop, answer["DbUser"], answer["DbPassword"]).close()


def test_roles_are_associated_and_taken_away(redshift: Any, aws: Any, refused: Refused, shop: dict[str, Any]) -> None:
    first, second = (f"arn:aws:iam::{aws.account}:role/{name}" for name in ("one", "two"))
    redshift.modify_cluster_iam_roles(ClusterIdentifier="shop", AddIamRoles=[first, second], DefaultIamRoleArn=second)
    changed = redshift.modify_cluster_iam_roles(ClusterIdentifier="shop", RemoveIamRoles=[second])["Cluster"]
    assert changed["IamRoles"] == [{"IamRoleArn": first, "ApplyStatus": "in-sync"}]
    assert "DefaultIamRoleArn" not in changed
    with refused("InvalidParameterValue", "must be one of the cluster's IAM roles"):
        redshift.modify_cluster_iam_roles(ClusterIdentifier="shop", DefaultIamRoleArn=second)


def test_a_final_snapshot_is_not_pretended(redshift: Any, refused: Refused, shop: dict[str, Any]) -> None:
    with refused("InvalidParameterCombination", "FinalClusterSnapshotIdentifier is required"):
        redshift.delete_cluster(ClusterIdentifier="shop")
    with refused("NotImplemented", "snapshots"):
        redshift.delete_cluster(ClusterIdentifier="shop", FinalClusterSnapshotIdentifier="last")
