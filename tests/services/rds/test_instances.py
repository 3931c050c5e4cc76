"""DB instances over boto3, and the databases behind them over their own wires.

Truth: the RDS API reference and User Guide; sentences as RDS was seen to answer them, unless "our reading" is said.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from typing import Any

import psycopg
import pymysql
import pytest
from botocore.exceptions import WaiterError

PASSWORD = "secret99word"
WAIT = {"Delay": 0.05, "MaxAttempts": 400}
NEW = {"DBInstanceClass": "db.t3.micro", "AllocatedStorage": 20, "MasterUsername": "chief", "MasterUserPassword": PASSWORD}


def mysql(instance: dict[str, Any], sql: str, **options: Any) -> list[tuple[Any, ...]]:
    place = {"host": instance["Endpoint"]["Address"], "port": instance["Endpoint"]["Port"]}
    login = {"user": "chief", "password": PASSWORD, "autocommit": True, "connect_timeout": 5} | options
    with pymysql.connect(**place, **login) as connection, connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


def postgres(instance: dict[str, Any], sql: str, **options: Any) -> list[tuple[Any, ...]]:
    place = {"host": instance["Endpoint"]["Address"], "port": instance["Endpoint"]["Port"]}
    login = {"user": "chief", "password": PASSWORD, "dbname": "postgres", "autocommit": True, "connect_timeout": 5} | options
    with psycopg.connect(**place, **login) as connection:
        cursor = connection.execute(sql)
        return cursor.fetchall() if cursor.description else []


def available(rds: Any, name: str) -> dict[str, Any]:
    rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier=name, WaiterConfig=WAIT)
    found: dict[str, Any] = rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]
    return found


def wait_for(rds: Any, name: str, status: str) -> None:
    """boto3 has no waiter for a stopped instance."""
    for _ in range(200):
        if rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]["DBInstanceStatus"] == status:
            return
        time.sleep(0.05)
    pytest.fail(f"{name} is not {status}")


@pytest.mark.usefixtures("needs_mariadb")
class TestMySQL:
    def test_an_instance_is_creating_then_available_and_answers_at_its_endpoint(self, rds: Any) -> None:
        created = rds.create_db_instance(DBInstanceIdentifier="Orders", Engine="mysql", DBName="shop", **NEW)["DBInstance"]
        assert created["DBInstanceStatus"] == "creating"
        assert "Endpoint" not in created
        instance = available(rds, "orders")
        assert instance["DBInstanceIdentifier"] == "orders"
        assert instance["Endpoint"]["Port"] == 3306
        assert mysql(instance, "SELECT CURRENT_USER(), DATABASE()", database="shop") == [("chief@%", "shop")]

    @pytest.mark.parametrize("engine", ["mysql", "mariadb"])
    def test_two_instances_have_the_same_port_at_addresses_of_their_own(self, create_instance: Callable[..., Any], engine: str) -> None:
        first, second = create_instance("one", engine, Port=33061), create_instance("two", engine, Port=33061)
        assert first["Endpoint"]["Port"] == second["Endpoint"]["Port"] == 33061
        assert first["Endpoint"]["Address"] != second["Endpoint"]["Address"]
        mysql(first, "CREATE DATABASE mine")
        assert mysql(second, "SHOW DATABASES LIKE 'mine'") == []

    def test_modify_changes_the_password_of_the_running_server(self, rds: Any, create_instance: Callable[..., Any]) -> None:
        create_instance()
        answer = rds.modify_db_instance(DBInstanceIdentifier="orders", MasterUserPassword="another99word", ApplyImmediately=True)
        assert answer["DBInstance"]["PendingModifiedValues"] == {"MasterUserPassword": "****"}
        instance = available(rds, "orders")
        assert instance["PendingModifiedValues"] == {}
        with pytest.raises(pymysql.err.OperationalError):
            mysql(instance, "SELECT 1")
        assert mysql(instance, "SELECT 1", password="another99word") == [(1,)]

    def test_modify_moves_the_server_to_another_port_at_the_same_address(self, rds: Any, create_instance: Callable[..., Any]) -> None:
        before = create_instance()
        rds.modify_db_instance(DBInstanceIdentifier="orders", DBPortNumber=33099, ApplyImmediately=True)
        after = available(rds, "orders")
        assert after["Endpoint"] == before["Endpoint"] | {"Port": 33099}
        assert mysql(after, "SELECT @@port") == [(33099,)]

    def test_modify_remembers_what_has_no_effect_here_and_renames(self, rds: Any, create_instance: Callable[..., Any]) -> None:
        before = create_instance()
        rds.modify_db_instance(
            DBInstanceIdentifier="orders",
            NewDBInstanceIdentifier="Ledger",
            DBInstanceClass="db.r6g.large",
            AllocatedStorage=40,
            BackupRetentionPeriod=7,
            ApplyImmediately=True,
        )
        instance = available(rds, "ledger")
        assert (instance["DBInstanceClass"], instance["AllocatedStorage"], instance["BackupRetentionPeriod"]) == ("db.r6g.large", 40, 7)
        assert instance["DBInstanceArn"].endswith(":db:ledger")
        assert instance["Endpoint"] == before["Endpoint"]
        assert rds.describe_db_instances()["DBInstances"] == [instance]
        assert mysql(instance, "SELECT 1") == [(1,)]

    def test_stop_start_and_reboot_keep_data_and_address(self, rds: Any, create_instance: Callable[..., Any], refused: Any) -> None:
        before = create_instance(DBName="shop")
        mysql(before, "CREATE TABLE t SELECT 7 AS seven", database="shop")
        rds.stop_db_instance(DBInstanceIdentifier="orders")
        wait_for(rds, "orders", "stopped")
        with refused("InvalidDBInstanceState"):
            rds.reboot_db_instance(DBInstanceIdentifier="orders")
        with pytest.raises(pymysql.err.OperationalError):
            mysql(before, "SELECT 1")
        rds.start_db_instance(DBInstanceIdentifier="orders")
        after = available(rds, "orders")
        assert after["Endpoint"] == before["Endpoint"]
        rds.reboot_db_instance(DBInstanceIdentifier="orders")
        assert mysql(available(rds, "orders"), "SELECT seven FROM t", database="shop") == [(7,)]
        with refused("InvalidDBInstanceState", "stopped"):
            rds.start_db_instance(DBInstanceIdentifier="orders")

    def test_a_client_that_checks_the_certificate_connects_with_tls(self, create_instance: Callable[..., Any], server: Any) -> None:
        instance = create_instance()
        context = ssl.create_default_context(cafile=str(server.home.path / "tls" / "authority.pem"))
        ((_, cipher),) = mysql(instance, "SHOW STATUS LIKE 'Ssl_cipher'", ssl=context)
        assert cipher

    def test_delete_ends_the_server_and_its_data_and_the_waiter_sees_it(
        self, rds: Any, create_instance: Callable[..., Any], server: Any
    ) -> None:
        instance = create_instance()
        folder = server.home.path / "rds" / instance["DbiResourceId"]
        assert folder.exists()
        answer = rds.delete_db_instance(DBInstanceIdentifier="orders", SkipFinalSnapshot=True)
        assert answer["DBInstance"]["DBInstanceStatus"] == "deleting"
        rds.get_waiter("db_instance_deleted").wait(DBInstanceIdentifier="orders", WaiterConfig=WAIT)
        assert not folder.exists()
        with pytest.raises(pymysql.err.OperationalError):
            mysql(instance, "SELECT 1")

    def test_a_protected_instance_is_not_deleted(self, rds: Any, create_instance: Callable[..., Any], refused: Any) -> None:
        create_instance(DeletionProtection=True)
        with refused("InvalidParameterCombination", "deletion protection"):
            rds.delete_db_instance(DBInstanceIdentifier="orders", SkipFinalSnapshot=True)

    def test_what_becomes_of_the_data_must_be_said_and_a_snapshot_is_not_built(
        self, rds: Any, create_instance: Callable[..., Any], refused: Any
    ) -> None:
        create_instance()
        with refused("InvalidParameterCombination", "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified."):
            rds.delete_db_instance(DBInstanceIdentifier="orders")
        with refused("InvalidParameterCombination"):
            rds.delete_db_instance(DBInstanceIdentifier="orders", SkipFinalSnapshot=True, FinalDBSnapshotIdentifier="last")
        with refused("NotImplemented", "snapshot"):
            rds.delete_db_instance(DBInstanceIdentifier="orders", FinalDBSnapshotIdentifier="last")
        assert mysql(available(rds, "orders"), "SELECT 1") == [(1,)]

    def test_the_same_name_twice_is_refused(self, rds: Any, create_instance: Callable[..., Any], refused: Any) -> None:
        create_instance()
        with refused("DBInstanceAlreadyExists", "DB instance already exists"):
            rds.create_db_instance(DBInstanceIdentifier="ORDERS", Engine="mysql", **NEW)

    def test_a_setting_that_the_server_refuses_shows_as_failed_with_its_words_among_the_events(self, rds: Any, monkeypatch: Any) -> None:
        from headwater.engines import process

        monkeypatch.setattr(process, "BACKOFF_FIRST_S", 0.001)
        rds.create_db_parameter_group(DBParameterGroupName="broken", DBParameterGroupFamily="mysql8.0", Description="d")
        # our reading: MariaDB starts only with a character set that it has, and the parameter is a free text
        parameter = {"ParameterName": "character_set_server", "ParameterValue": "klingon", "ApplyMethod": "pending-reboot"}
        rds.modify_db_parameter_group(DBParameterGroupName="broken", Parameters=[parameter])
        rds.create_db_instance(DBInstanceIdentifier="orders", Engine="mysql", DBParameterGroupName="broken", **NEW)
        with pytest.raises(WaiterError, match="failed"):
            available(rds, "orders")
        messages = [event["Message"] for event in rds.describe_events(SourceIdentifier="orders")["Events"]]
        assert any("klingon" in message for message in messages)


@pytest.mark.usefixtures("needs_postgres")
class TestPostgres:
    def test_an_instance_answers_at_its_endpoint_and_takes_a_new_password(self, rds: Any, create_instance: Callable[..., Any]) -> None:
        instance = create_instance("ledger", "postgres", DBName="books", Port=54329)
        assert instance["Endpoint"]["Port"] == 54329
        assert postgres(instance, "SELECT current_user::text, current_database()::text", dbname="books") == [("chief", "books")]
        rds.modify_db_instance(DBInstanceIdentifier="ledger", MasterUserPassword="another99word", ApplyImmediately=True)
        instance = available(rds, "ledger")
        assert postgres(instance, "SELECT 1", password="another99word") == [(1,)]

    def test_stop_and_start_keep_the_data(self, rds: Any, create_instance: Callable[..., Any]) -> None:
        instance = create_instance("ledger", "postgres")
        postgres(instance, "CREATE TABLE t AS SELECT 7 AS seven")
        rds.reboot_db_instance(DBInstanceIdentifier="ledger")
        assert postgres(available(rds, "ledger"), "SELECT seven FROM t") == [(7,)]


REFUSALS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "a name that begins with a digit": (
        "InvalidParameterValue",
        "DBInstanceIdentifier is not a valid identifier",
        {"DBInstanceIdentifier": "1st"},
    ),
    "a name with two hyphens in a row": ("InvalidParameterValue", "DBInstanceIdentifier", {"DBInstanceIdentifier": "a--b"}),
    "a name that ends with a hyphen": ("InvalidParameterValue", "DBInstanceIdentifier", {"DBInstanceIdentifier": "a-"}),
    "an unknown engine": ("InvalidParameterValue", "Invalid DB engine", {"Engine": "dbase"}),
    "an unknown version": ("InvalidParameterCombination", "Cannot find version 3.23 for mysql", {"EngineVersion": "3.23"}),
    "an unknown class": ("InvalidParameterValue", "Invalid DB Instance class: huge", {"DBInstanceClass": "huge"}),
    "no master user": ("InvalidParameterValue", "MasterUsername must be provided", {"MasterUsername": None}),
    "a reserved master user": ("InvalidParameterValue", "reserved word", {"MasterUsername": "rdsadmin"}),
    "no password": ("InvalidParameterValue", "MasterUserPassword must be provided", {"MasterUserPassword": None}),
    "a short password": ("InvalidParameterValue", "shorter than 8 characters", {"MasterUserPassword": "seven77"}),
    "a long password": ("InvalidParameterValue", "longer than 41 characters", {"MasterUserPassword": "x" * 42}),
    "a password with an @": ("InvalidParameterValue", "Only printable ASCII characters", {"MasterUserPassword": "secret@99"}),
    "a port below 1150": ("InvalidParameterValue", "port", {"Port": 80}),
    "no storage": ("InvalidParameterValue", "AllocatedStorage", {"AllocatedStorage": None}),
    "too little storage": ("InvalidParameterCombination", "Invalid storage size for engine name mysql", {"AllocatedStorage": 1}),
    "an unknown parameter group": ("DBParameterGroupNotFound", "nowhere", {"DBParameterGroupName": "nowhere"}),
    "a parameter group of another family": ("InvalidParameterCombination", "postgres16", {"DBParameterGroupName": "default.postgres16"}),
    "an unknown subnet group": ("DBSubnetGroupNotFoundFault", "nowhere", {"DBSubnetGroupName": "nowhere"}),
    "an unknown cluster": ("DBClusterNotFoundFault", "nowhere", {"DBClusterIdentifier": "nowhere", "Engine": "aurora-mysql"}),
    "Aurora without a cluster": ("InvalidParameterCombination", "DBClusterIdentifier", {"Engine": "aurora-mysql"}),
    "a password kept by Secrets Manager": ("NotImplemented", "ManageMasterUserPassword", {"ManageMasterUserPassword": True}),
    "IAM authentication": ("NotImplemented", "EnableIAMDatabaseAuthentication", {"EnableIAMDatabaseAuthentication": True}),
}


@pytest.mark.usefixtures("needs_mariadb")
@pytest.mark.parametrize(("code", "words", "changes"), REFUSALS.values(), ids=REFUSALS)
def test_create_db_instance_refuses(rds: Any, refused: Any, code: str, words: str, changes: dict[str, Any]) -> None:
    request = {"DBInstanceIdentifier": "orders", "Engine": "mysql"} | NEW | changes
    with refused(code, words):
        rds.create_db_instance(**{member: value for member, value in request.items() if value is not None})
    assert rds.describe_db_instances()["DBInstances"] == []


def test_an_unknown_instance_is_not_found_by_any_operation(rds: Any, refused: Any) -> None:
    name = {"DBInstanceIdentifier": "Nowhere"}
    for operation in ("describe_db_instances", "modify_db_instance", "start_db_instance", "stop_db_instance", "reboot_db_instance"):
        with refused("DBInstanceNotFound", "DBInstance nowhere not found."):
            getattr(rds, operation)(**name)
    with refused("DBInstanceNotFound"):
        rds.delete_db_instance(**name, SkipFinalSnapshot=True)


def test_describe_refuses_filters_and_pages_that_it_does_not_know(rds: Any, refused: Any) -> None:
    with refused("InvalidParameterValue", "Unrecognized filter name: colour"):
        rds.describe_db_instances(Filters=[{"Name": "colour", "Values": ["red"]}])
    with refused("InvalidParameterValue", "MaxRecords"):
        rds.describe_db_instances(MaxRecords=5)
    with refused("InvalidParameterValue", "marker"):
        rds.describe_db_instances(Marker="?")


def test_a_snapshot_is_not_built_and_says_so(rds: Any, refused: Any) -> None:
    with refused("NotImplemented", "CreateDBSnapshot"):
        rds.create_db_snapshot(DBSnapshotIdentifier="s", DBInstanceIdentifier="orders")


@pytest.mark.usefixtures("needs_mariadb", "needs_postgres")
def test_after_a_restart_the_databases_are_back_at_their_addresses_with_their_data(start_server: Callable[..., Any]) -> None:
    from tests.conftest import Account  # type: ignore[import-not-found]  # pytest's importlib mode knows the folder as a package

    first = start_server()
    account = Account(first.endpoint_url, "111122223333")
    rds = account.client("rds")
    for name, engine in (("orders", "mysql"), ("ledger", "postgres")):
        rds.create_db_instance(DBInstanceIdentifier=name, Engine=engine, **NEW)
    instances = {name: available(rds, name) for name in ("orders", "ledger")}
    mysql(instances["orders"], "CREATE DATABASE shop")
    postgres(instances["ledger"], "CREATE TABLE t AS SELECT 7 AS seven")
    account.close()
    first.stop()

    second = start_server(first.settings.home)
    account = Account(second.endpoint_url, "111122223333")
    rds = account.client("rds")
    for name, before in instances.items():
        assert available(rds, name)["Endpoint"] == before["Endpoint"]
    assert mysql(instances["orders"], "SHOW DATABASES LIKE 'shop'") == [("shop",)]
    assert postgres(instances["ledger"], "SELECT seven FROM t") == [(7,)]
    account.close()


@pytest.mark.slow
def test_the_first_question_of_a_waiter_is_held_until_the_instance_is_there(rds: Any, needs_mariadb: None) -> None:
    """Our reading: boto3's waiter asks again after 30 s only, and an instance is there in one or two."""
    login = {"MasterUsername": "chief", "MasterUserPassword": "secret99word"}
    rds.create_db_instance(DBInstanceIdentifier="held", Engine="mysql", DBInstanceClass="db.t3.micro", AllocatedStorage=20, **login)
    rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier="held", WaiterConfig={"MaxAttempts": 1})
    rds.delete_db_instance(DBInstanceIdentifier="held", SkipFinalSnapshot=True)
    rds.get_waiter("db_instance_deleted").wait(DBInstanceIdentifier="held", WaiterConfig={"MaxAttempts": 1})
