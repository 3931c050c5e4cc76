"""Databases and credentials that rotate, for the tests of the command and of the functions that it makes."""

import contextlib
import io
import json
import secrets
import time
import zipfile
from collections.abc import Callable
from typing import Any

import psycopg
import pymysql

from headwater.cli.rotation_archive import archive
from headwater.cli.rotation_set_up import SetUp

INITIAL = "Initial-Passw0rd"
WITHIN_S = 30


class Database:
    """A real one, shared: each test has a user of its own in it."""

    def __init__(self, aws: Any, engine: str) -> None:
        self.aws = aws
        self.engine = engine
        self.name = f"{engine}-{secrets.token_hex(3)}"
        rds = aws.client("rds")
        master = "admin" if engine == "mysql" else "administrator"
        rds.create_db_instance(
            DBInstanceIdentifier=self.name,
            Engine=engine,
            DBInstanceClass="db.t3.micro",
            AllocatedStorage=20,
            DBName="appdb",
            MasterUsername=master,
            MasterUserPassword=INITIAL,
        )
        self.available()
        found = rds.describe_db_instances(DBInstanceIdentifier=self.name)["DBInstances"][0]["Endpoint"]
        place = {"engine": engine, "host": found["Address"], "port": found["Port"], "dbname": "appdb"}
        self.master: dict[str, Any] = place | {"username": master, "password": INITIAL}

    def available(self) -> None:
        waiter = self.aws.client("rds").get_waiter("db_instance_available")
        waiter.wait(DBInstanceIdentifier=self.name, WaiterConfig={"Delay": 1})

    def user(self, *grants: str, name: str = "") -> dict[str, Any]:
        """A new user's credential. `{}` in a grant stands for him."""
        user, password = name or f"u_{secrets.token_hex(3)}", secrets.token_hex(8)
        if self.engine == "mysql":
            who = quoted(user, "'") + "@'%'"
            made = f"CREATE USER {who} IDENTIFIED BY '{password}'"
            grants = grants or ("GRANT SELECT ON appdb.* TO {}",)
        else:
            who = quoted(user, '"')
            made = f"CREATE ROLE {who} LOGIN PASSWORD '{password}'"
        self.sql(made, *(grant.format(who) for grant in grants))
        return self.master | {"username": user, "password": password}

    def sql(self, *statements: str, **login: str) -> list[Any]:
        with connect(self.master | login) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            connection.commit()
            has_rows = cursor.description is not None
            return list(cursor.fetchall()) if has_rows else []


def quoted(word: str, quote: str) -> str:
    return quote + word.replace(quote, quote * 2) + quote


def connect(values: dict[str, Any]) -> Any:
    place = {"host": values["host"], "port": values["port"], "user": values["username"], "password": values["password"]}
    if values["engine"] == "mysql":
        return pymysql.connect(database=values["dbname"], ssl_disabled=True, **place)
    return psycopg.connect(dbname=values["dbname"], **place)


def logs_in(values: dict[str, Any]) -> bool:
    try:
        connect(values).close()
    except (pymysql.err.OperationalError, psycopg.OperationalError):
        return False
    return True


class Rotating:
    """A secret `db` of one account, and its rotation as the command sets it up."""

    def __init__(self, aws: Any, values: dict[str, Any], *, superuser: dict[str, Any] | None = None, **options: Any) -> None:
        self.aws = aws
        self.secrets = aws.client("secretsmanager")
        self.secrets.create_secret(Name="db", SecretString=json.dumps(values), **options)
        using = None
        if superuser is not None:
            self.secrets.create_secret(Name="superuser", SecretString=json.dumps(superuser))
            using = "superuser"
        self.set_up = SetUp(aws.client, "db", using=using)

    def build(self, change: str = "", *, timeout_s: int = 30, permitted: bool = True) -> None:
        """The function and all that it needs; `change` is Python that is put behind the module's own lines."""
        role, _ = self.set_up.role()
        self.set_up.function(role)
        if change:
            self.put_code(change)
        if timeout_s != 30:
            self.aws.client("lambda").update_function_configuration(FunctionName=self.set_up.function_name, Timeout=timeout_s)
        if permitted:
            self.set_up.permission()
        self.set_up.name_superuser()

    def put_code(self, change: str = "") -> None:
        functions = self.aws.client("lambda")
        functions.update_function_code(FunctionName=self.set_up.function_name, ZipFile=self._archive(change))
        functions.get_waiter("function_updated_v2").wait(FunctionName=self.set_up.function_name, WaiterConfig={"Delay": 1})

    def _archive(self, change: str) -> bytes:
        alternating = "masterarn" in self.set_up.values or self.set_up._superuser is not None
        ours = io.BytesIO(archive(self.set_up.kind, alternating=alternating))
        name = f"{self.set_up.kind.module}_{'alternating_users' if alternating else 'single_user'}.py"
        changed = io.BytesIO()
        with zipfile.ZipFile(ours) as source, zipfile.ZipFile(changed, "w") as target:
            for entry in source.namelist():
                target.writestr(entry, source.read(entry) + (f"\n{change}\n".encode() if entry == name else b""))
        return changed.getvalue()

    def rotate(self, **options: Any) -> str:
        rules = {"RotationLambdaARN": self.set_up.function_arn, "RotationRules": {"AutomaticallyAfterDays": 60}}
        return str(self.secrets.rotate_secret(SecretId="db", **(rules | options))["VersionId"])

    def rotated(self) -> dict[str, Any]:
        """Rotate, and wait until it is done; the values that are then current."""
        version = self.rotate()
        self.is_current(version)
        return self.values()

    def is_current(self, version: str) -> None:
        wait_until(lambda: "AWSCURRENT" in self.stages().get(version, []) and self._has_ended())

    def _has_ended(self) -> bool:
        """The job's last word: AWSCURRENT moves a little before it."""
        return "LastRotatedDate" in self.secrets.describe_secret(SecretId="db")

    def values(self, **version: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.secrets.get_secret_value(SecretId="db", **version)["SecretString"])
        return found

    def stages(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = self.secrets.describe_secret(SecretId="db")["VersionIdsToStages"]
        return found

    def current(self) -> str:
        return next(version for version, stages in self.stages().items() if "AWSCURRENT" in stages)

    def logged(self, words: str) -> bool:
        logs = self.aws.client("logs")
        with contextlib.suppress(logs.exceptions.ResourceNotFoundException):
            events = logs.filter_log_events(logGroupName=f"/aws/lambda/{self.set_up.function_name}")["events"]
            return any(words in event["message"] for event in events)
        return False

    def fails_with(self, words: str, **options: Any) -> str:
        """Begin a rotation that logs these words; its version. AWSCURRENT is where it was."""
        before = self.current()
        version = self.rotate(**options)
        wait_until(lambda: self.logged(words))
        assert self.current() == before
        return version


def wait_until(condition: Callable[[], Any], within_s: float = WITHIN_S) -> None:
    end = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)
