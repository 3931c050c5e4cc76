"""Where a rotation fails: the credential that is current stays valid, and it is said why.

Truth: scenario S4, "Failure cases"; "Troubleshoot AWS Secrets Manager rotation" of the user guide.
"""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from rotations import Database, Rotating, logs_in, wait_until

pytestmark = pytest.mark.slow  # nearly each has a function of its own, which has to start
TOKEN = "t" * 32
NOTHING_SET = "mysql.set_own_password = lambda *given: None"
RAISES = """
def refuse(*given):
    raise RuntimeError("the database said no")
mysql.set_own_password = refuse
"""
HANGS = """
import time
mysql.set_own_password = lambda *given: time.sleep(600)
"""
STOPS_BEFORE_THE_END = """
import rotation
def stop(secret):
    raise RuntimeError("cut off")
rotation.Secret.make_current = stop
"""


@pytest.fixture
def credential(mysql: Database, aws: Any) -> Rotating:
    """A credential of MySQL that has not rotated yet."""
    return Rotating(aws, mysql.user())


@pytest.mark.parametrize(
    ("change", "timeout_s", "says"),
    [
        (RAISES, 30, "RuntimeError: the database said no"),
        (HANGS, 3, "Task timed out after 3.00 seconds"),
        (NOTHING_SET, 30, "testSecret: Unable to log into database with the pending version"),
    ],
    ids=["raises", "hangs", "sets a password that does not work"],
)
def test_the_application_goes_on_with_the_old_password_where_the_function(
    credential: Rotating, refused: Any, change: str, timeout_s: int, says: str
) -> None:
    credential.build(change, timeout_s=timeout_s)
    version = credential.fails_with(says)
    assert logs_in(credential.values())
    assert credential.stages()[version] == ["AWSPENDING"]
    assert "LastRotatedDate" not in credential.secrets.describe_secret(SecretId="db")
    with refused("InvalidRequestException", "A previous rotation isn't complete"):
        credential.rotate()


def test_a_wrong_password_in_the_secret_is_told(mysql: Database, aws: Any) -> None:
    credential = Rotating(aws, mysql.user() | {"password": "mistyped"})
    credential.build()
    credential.fails_with("setSecret: Unable to log into database with the previous, current or pending version")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"host": None}, "host key is missing from secret JSON"),
        ({"username": None}, "username key is missing from secret JSON"),
        ({"engine": "oracle"}, "Database engine must be one of mysql, aurora-mysql, mariadb; the secret has oracle"),
    ],
    ids=["no host", "no user", "another engine"],
)
def test_a_secret_that_is_no_credential_is_told(credential: Rotating, change: dict[str, Any], says: str) -> None:
    credential.build()
    values = {name: value for name, value in (credential.values() | change).items() if value is not None}
    credential.secrets.put_secret_value(SecretId="db", SecretString=json.dumps(values))
    credential.fails_with(says)


@pytest.mark.parametrize(
    ("change", "says"),
    [({"username": "admin"}, "the pending username admin is not the current"), ({"host": "127.0.0.9"}, "is not the current host")],
    ids=["another user", "another host"],
)
def test_a_pending_version_that_somebody_put_must_not_lead_elsewhere(credential: Rotating, change: dict[str, Any], says: str) -> None:
    credential.build()
    values = credential.rotated() | {"password": "guessed"} | change
    credential.secrets.put_secret_value(
        SecretId="db", SecretString=json.dumps(values), ClientRequestToken=TOKEN, VersionStages=["AWSPENDING"]
    )
    if "host" in change:  # nobody answers there, and then nobody is asked to set a password
        says = "Can't connect to MySQL server on '127.0.0.9'"
    credential.fails_with(says, ClientRequestToken=TOKEN)


def test_without_permission_the_function_is_not_invoked(credential: Rotating, refused: Any) -> None:
    credential.build(permitted=False)
    with refused("AccessDeniedException", "Secrets Manager cannot invoke the specified Lambda function."):
        credential.rotate()
    assert "RotationEnabled" not in credential.secrets.describe_secret(SecretId="db")


def test_a_database_that_is_down_is_told_and_tried_again(server: Any, account_on: Any, aws: Any, clock: Any) -> None:
    database = Database(account_on(server, "444455556667"), "mysql")
    credential = Rotating(aws, database.user())
    credential.build()
    rds = database.aws.client("rds")
    rds.stop_db_instance(DBInstanceIdentifier=database.name)
    wait_until(lambda: rds.describe_db_instances(DBInstanceIdentifier=database.name)["DBInstances"][0]["DBInstanceStatus"] == "stopped")
    version = credential.fails_with("Can't connect to MySQL server")
    rds.start_db_instance(DBInstanceIdentifier=database.name)
    database.available()
    assert logs_in(credential.values())
    until_current(credential, version, clock)
    assert logs_in(credential.values())
    rds.delete_db_instance(DBInstanceIdentifier=database.name, SkipFinalSnapshot=True)


def until_current(credential: Rotating, version: str, clock: Any) -> None:
    """A rotation that failed is tried again by itself, after a while that grows."""
    for _ in range(5):
        clock.advance(timedelta(minutes=5))
        try:
            wait_until(lambda: "AWSCURRENT" in credential.stages()[version], within_s=5)
        except AssertionError:
            continue
        return
    raise AssertionError("it was not tried again")


def test_a_rotation_that_was_cut_off_with_the_new_password_set_is_finished_by_the_next_attempt(credential: Rotating, clock: Any) -> None:
    credential.build(STOPS_BEFORE_THE_END)
    version = credential.fails_with("RuntimeError: cut off")
    assert not logs_in(credential.values())  # as on AWS: the database has the new one already
    assert logs_in(credential.values(VersionId=version))
    credential.put_code()
    until_current(credential, version, clock)
    assert logs_in(credential.values())


def test_the_previous_password_is_tried_where_the_current_one_is_refused(mysql: Database, credential: Rotating) -> None:
    before = credential.values()
    credential.build()
    after = credential.rotated()
    mysql.sql(f"SET PASSWORD FOR '{before['username']}'@'%' = PASSWORD('{before['password']}')")  # a restored backup does so
    assert not logs_in(after)
    version = credential.rotate()
    credential.is_current(version)
    assert logs_in(credential.values())


def test_what_a_user_may_do_his_double_may_do(mysql: Database, aws: Any) -> None:
    """Grants of each kind, and the TLS that is asked of him."""
    grants = (
        "GRANT SELECT, INSERT ON appdb.* TO {} WITH GRANT OPTION",
        "GRANT CREATE USER ON *.* TO {}",
        "GRANT SELECT, EXECUTE ON `od``d%`.* TO {}",
        "ALTER USER {} REQUIRE SSL",
    )
    own = mysql.user(*grants, name="o'dd")
    credential = Rotating(aws, own, superuser=mysql.master)
    credential.build()
    after = credential.rotated()
    assert after["username"] == "o'dd_clone"

    def may(user: str) -> set[str]:
        rows = mysql.sql(f"""SHOW GRANTS FOR "{user}"@'%'""")
        return {row.partition(" IDENTIFIED BY ")[0].replace(user, "him") + ("REQUIRE SSL" * ("REQUIRE SSL" in row)) for (row,) in rows}

    assert may("o'dd_clone") == may("o'dd")
    assert len(may("o'dd")) == 4 - 1  # CREATE USER and REQUIRE SSL stand in one line
    credential.secrets.delete_secret(SecretId="db", ForceDeleteWithoutRecovery=True)
    mysql.sql("""DROP USER "o'dd"@'%', "o'dd_clone"@'%'""")


@pytest.mark.parametrize(
    ("change", "superuser", "says"),
    [
        ({"masterarn": None}, {}, "masterarn key is missing from secret JSON"),
        ({}, {"password": "mistyped"}, "Unable to log into database with the superuser's secret"),
        ({}, {"host": "127.0.0.9"}, "is not the superuser's host 127.0.0.9"),
        ({"password": "mistyped"}, {}, "Unable to log into database with the current version"),
        ({"username": "u" * 30}, {}, "is longer than the 32 characters of a user's name"),
    ],
    ids=["no superuser named", "superuser's password wrong", "superuser of another database", "own password wrong", "name too long"],
)
def test_alternating_users_fail_in_words(mysql: Database, aws: Any, change: dict[str, Any], superuser: dict[str, Any], says: str) -> None:
    credential = Rotating(aws, mysql.user(), superuser=mysql.master)
    credential.build()
    credential.secrets.put_secret_value(SecretId="superuser", SecretString=json.dumps(mysql.master | superuser))
    values = {name: value for name, value in (credential.values() | change).items() if value is not None}
    credential.secrets.put_secret_value(SecretId="db", SecretString=json.dumps(values))
    credential.fails_with(says)


@pytest.mark.parametrize("alternating", [False, True], ids=["single user", "alternating users"])
def test_postgresql_tells_a_wrong_password_in_the_same_words(postgres: Database, aws: Any, alternating: bool) -> None:
    credential = Rotating(aws, postgres.user() | {"password": "mistyped"}, superuser=postgres.master if alternating else None)
    credential.build()
    credential.fails_with("setSecret: Unable to log into database with the")


def test_postgresqls_double_is_a_member_of_the_user(postgres: Database, aws: Any) -> None:
    own = postgres.user("CREATE TABLE things (name text)", "GRANT SELECT ON things TO {}", name="o\"dd's")
    credential = Rotating(aws, own, superuser=postgres.master)
    credential.build()
    after = credential.rotated()
    assert postgres.sql("SELECT * FROM things", username=after["username"], password=after["password"]) == []


def test_a_key_of_ones_own_without_a_grant_keeps_the_secret_shut(mysql: Database, aws: Any, refused: Callable[..., Any]) -> None:
    """And the function's role gets what it needs of the key."""
    key = aws.client("kms").create_key()["KeyMetadata"]["Arn"]
    credential = Rotating(aws, mysql.user(), KmsKeyId=key)
    reader = aws.user({"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": "*"})
    with refused("AccessDeniedException"):
        reader.client("secretsmanager").get_secret_value(SecretId="db")
    credential.build()
    assert logs_in(credential.rotated())


@pytest.mark.parametrize(
    ("code", "operation", "request_"),
    [
        ("InvalidRequestException", "get_secret_value", {"SecretId": "leaving"}),
        ("InvalidRequestException", "rotate_secret", {"SecretId": "leaving"}),
        ("InvalidRequestException", "create_secret", {"Name": "leaving", "SecretString": "again"}),
        ("ResourceNotFoundException", "get_secret_value", {"SecretId": "gone"}),
        ("ResourceNotFoundException", "rotate_secret", {"SecretId": "gone"}),
        ("InvalidParameterException", "create_secret", {"Name": "both", "SecretString": "text", "SecretBinary": b"bytes"}),
        ("InvalidRequestException", "rotate_secret", {"SecretId": "there"}),
    ],
)
def test_what_cannot_be_done_to_a_secret(aws: Any, refused: Any, code: str, operation: str, request_: dict[str, Any]) -> None:
    secrets = aws.client("secretsmanager")
    for name in ("there", "leaving", "gone"):
        secrets.create_secret(Name=name, SecretString="value")
    secrets.delete_secret(SecretId="leaving", RecoveryWindowInDays=7)
    secrets.delete_secret(SecretId="gone", ForceDeleteWithoutRecovery=True)
    with refused(code):
        getattr(secrets, operation)(**request_)
    secrets.restore_secret(SecretId="leaving")
    assert secrets.get_secret_value(SecretId="leaving")["SecretString"] == "value"
