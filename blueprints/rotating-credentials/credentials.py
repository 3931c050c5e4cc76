"""Post 4's set-up, with plain boto3: a database, its secret, and the role of the application. Nothing here knows that it is not AWS."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import psycopg
import pymysql
from botocore.exceptions import ClientError

HERE = Path(__file__).parent
ACCOUNT = "123456789012"
REGION = "us-east-1"
INITIAL = "Initial-Passw0rd"
ROLE = "MyAppRole"
HOST_USER = "MyAppHost"
"""Who assumes the role: in the post that is an EC2 instance."""
DAYS = 60
FAMILY = "Applications/MyApp/"
POLL_S = 0.05
MOVES_WITHIN_S = 60


class Case(NamedTuple):
    """An engine, and whether one user changes his password or two take turns."""

    engine: str
    users: str

    @property
    def is_mysql(self) -> bool:
        return self.engine.endswith("mysql")

    @property
    def is_aurora(self) -> bool:
        return self.engine.startswith("aurora")

    @property
    def is_alternating(self) -> bool:
        return self.users == "alternating"

    @property
    def title(self) -> str:
        program = "MySQL" if self.is_mysql else "PostgreSQL"
        place = f"Aurora {program}" if self.is_aurora else f"RDS for {program}"
        return f"{place}, {'alternating users' if self.is_alternating else 'single user'}"

    @property
    def secret(self) -> str:
        return f"{FAMILY}{'MySQL' if self.is_mysql else 'PostgreSQL'}-{'Aurora' if self.is_aurora else 'RDS'}-Database"

    @property
    def superuser_secret(self) -> str:
        return f"{self.secret}-Superuser"

    @property
    def identifier(self) -> str:
        return f"{'mysql' if self.is_mysql else 'postgresql'}-{'aurora' if self.is_aurora else 'rds'}-database"

    @property
    def master(self) -> str:
        return "admin" if self.is_mysql else "administrator"  # PostgreSQL's instances know `admin` as their own


CASES = [
    Case(engine, users) for engine in ("mysql", "postgres", "aurora-mysql", "aurora-postgresql") for users in ("single", "alternating")
]


def session() -> boto3.session.Session:
    """The administrator: the account's root. The endpoint comes from AWS_ENDPOINT_URL."""
    return boto3.session.Session(aws_access_key_id=ACCOUNT, aws_secret_access_key="test", region_name=REGION)


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(actions: str | list[str], resource: str, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resource} | more


def least_privilege(secret: str, *, as_printed: bool = False) -> dict[str, Any]:
    """The post's policy. Its ARN lacks region, account and the six characters behind the name: as printed it matches no secret."""
    arn = f"arn:aws:secretsmanager:::secret:{secret}" if as_printed else f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{secret}-??????"
    statement = allow("secretsmanager:GetSecretValue", arn, Sid="RetrieveDbCredentialFromSecretsManager")
    return {"Version": "2012-10-17", "Statement": statement}


def build(aws: boto3.session.Session, case: Case) -> dict[str, Any]:
    """The database and its secrets; what is in the application's secret."""
    host, port = _database(aws, case)
    place = {"engine": case.engine, "host": host, "port": port, "dbname": "appdb", "dbInstanceIdentifier": case.identifier}
    superuser = place | {"username": case.master, "password": INITIAL}
    if not case.is_alternating:  # the post's case: it begins with the most powerful credential
        _store(aws, case.secret, "The superuser of the application's database", superuser)
        return superuser
    _store(aws, case.superuser_secret, "The superuser of the application's database", superuser)
    own = place | {"username": "myapp", "password": f"Own-{INITIAL}"}
    with connect(superuser) as database, database.cursor() as cursor:
        for statement in _own_user(case, own["password"]):
            cursor.execute(statement)
        database.commit()
    _store(aws, case.secret, "What the application logs in with", own)
    return own


def _own_user(case: Case, password: str) -> list[str]:
    if case.is_mysql:
        return [f"CREATE USER myapp@'%' IDENTIFIED BY '{password}'", "GRANT SELECT, INSERT, UPDATE, DELETE ON appdb.* TO myapp@'%'"]
    return [f"CREATE ROLE myapp LOGIN PASSWORD '{password}'", "GRANT CONNECT ON DATABASE appdb TO myapp"]


def _database(aws: boto3.session.Session, case: Case) -> tuple[str, int]:
    rds = aws.client("rds")
    master = {"MasterUsername": case.master, "MasterUserPassword": INITIAL}
    instance = {"DBInstanceIdentifier": case.identifier, "Engine": case.engine, "DBInstanceClass": "db.t3.medium"}
    if case.is_aurora:
        cluster = f"{case.identifier}-cluster"
        rds.create_db_cluster(DBClusterIdentifier=cluster, Engine=case.engine, DatabaseName="appdb", **master)
        rds.create_db_instance(DBClusterIdentifier=cluster, **instance)
    else:
        rds.create_db_instance(AllocatedStorage=20, DBName="appdb", **instance, **master)
    rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier=case.identifier, WaiterConfig={"Delay": 1})
    found = rds.describe_db_instances(DBInstanceIdentifier=case.identifier)["DBInstances"][0]["Endpoint"]
    return found["Address"], found["Port"]


def _store(aws: boto3.session.Session, name: str, description: str, values: dict[str, Any]) -> None:
    tags = [{"Key": "application", "Value": "MyApp"}, {"Key": "environment", "Value": "production"}]
    aws.client("secretsmanager").create_secret(Name=name, Description=description, SecretString=json.dumps(values), Tags=tags)


def connect(values: dict[str, Any]) -> Any:
    place = {"host": values["host"], "port": values["port"], "user": values["username"], "password": values["password"]}
    if values["engine"].endswith("mysql"):
        return pymysql.connect(database=values["dbname"], connect_timeout=5, **place)
    return psycopg.connect(dbname=values["dbname"], connect_timeout=5, **place)


def logs_in(values: dict[str, Any]) -> bool:
    """Whether the database takes these. Anything but a refusal is an error."""
    try:
        connect(values).close()
    except (pymysql.err.OperationalError, psycopg.OperationalError) as error:
        if "Access denied" not in str(error) and "password authentication failed" not in str(error):
            raise
        return False
    return True


def build_role(aws: boto3.session.Session, secret: str) -> dict[str, str]:
    """MyAppRole under the post's policy; the keys of the machine that assumes it."""
    iam = aws.client("iam")
    _gone(lambda: iam.create_user(UserName=HOST_USER))
    principals = {"Service": "ec2.amazonaws.com", "AWS": f"arn:aws:iam::{ACCOUNT}:user/{HOST_USER}"}
    trust = document({"Effect": "Allow", "Principal": principals, "Action": "sts:AssumeRole"})
    _gone(lambda: iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=trust))
    iam.put_role_policy(RoleName=ROLE, PolicyName="read-own-credential", PolicyDocument=json.dumps(least_privilege(secret)))
    key = iam.create_access_key(UserName=HOST_USER)["AccessKey"]
    return {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"], "AWS_DEFAULT_REGION": REGION}


def as_application(keys: dict[str, str]) -> boto3.session.Session:
    """A session of MyAppRole."""
    host = boto3.session.Session(keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"], region_name=REGION)
    given = host.client("sts").assume_role(RoleArn=f"arn:aws:iam::{ACCOUNT}:role/{ROLE}", RoleSessionName="check")["Credentials"]
    return boto3.session.Session(
        given["AccessKeyId"], given["SecretAccessKey"], aws_session_token=given["SessionToken"], region_name=REGION
    )


def headwater(*words: str) -> tuple[int, str]:
    """A command of Headwater's, as the administrator; its exit code and what it said."""
    keys = {"AWS_ACCESS_KEY_ID": ACCOUNT, "AWS_SECRET_ACCESS_KEY": "test", "COLUMNS": "200"}
    command = [sys.executable, "-m", "headwater", *words]
    ended = subprocess.run(command, env=os.environ | keys, capture_output=True, text=True, check=False)
    return ended.returncode, (ended.stdout + ended.stderr).strip()


def clock(advance_s: float | None = None) -> float:
    """How many seconds AWS time is ahead of the machine's; moved first, if that is asked for."""
    body = None if advance_s is None else json.dumps({"advance_s": advance_s}).encode()
    with urllib.request.urlopen(f"{os.environ['AWS_ENDPOINT_URL']}/_headwater/clock", data=body) as answer:
        return float(json.load(answer)["offset_s"])


def values_of(aws: boto3.session.Session, secret: str) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(aws.client("secretsmanager").get_secret_value(SecretId=secret)["SecretString"])
    return values


def moved(aws: boto3.session.Session, secret: str, before: str) -> dict[str, Any]:
    """What describe_secret says once AWSCURRENT is another version than before, and the rotation has ended."""
    secrets = aws.client("secretsmanager")
    end = time.monotonic() + MOVES_WITHIN_S
    rotated_before = secrets.describe_secret(SecretId=secret).get("LastRotatedDate")
    while True:
        found: dict[str, Any] = secrets.describe_secret(SecretId=secret)
        current = current_version(found)
        if current != before and (found.get("LastRotatedDate") != rotated_before or pending_version(found) in (None, current)):
            return found
        if time.monotonic() > end:
            raise TimeoutError(f"AWSCURRENT of {secret} has not moved within {MOVES_WITHIN_S} s")
        time.sleep(POLL_S)


def current_version(described: dict[str, Any]) -> str:
    return next(version for version, stages in described["VersionIdsToStages"].items() if "AWSCURRENT" in stages)


def pending_version(described: dict[str, Any]) -> str | None:
    return next((version for version, stages in described["VersionIdsToStages"].items() if "AWSPENDING" in stages), None)


def tear_down(aws: boto3.session.Session, case: Case) -> None:
    """Delete what an earlier run left, whatever of it there is."""
    rds = aws.client("rds")
    if _gone(lambda: rds.delete_db_instance(DBInstanceIdentifier=case.identifier, SkipFinalSnapshot=True)):
        rds.get_waiter("db_instance_deleted").wait(DBInstanceIdentifier=case.identifier, WaiterConfig={"Delay": 1})
    cluster = f"{case.identifier}-cluster"
    if case.is_aurora and _gone(lambda: rds.delete_db_cluster(DBClusterIdentifier=cluster, SkipFinalSnapshot=True)):
        rds.get_waiter("db_cluster_deleted").wait(DBClusterIdentifier=cluster, WaiterConfig={"Delay": 1})
    for name in (case.secret, case.superuser_secret):
        forget_secret(aws, name)
    forget_role(aws)


def forget_secret(aws: boto3.session.Session, name: str) -> None:
    """The secret, and the function that rotated it with its role and its log."""
    secrets = aws.client("secretsmanager")
    found: dict[str, Any] = {}
    _gone(lambda: found.update(secrets.describe_secret(SecretId=name)))
    _gone(lambda: secrets.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True))
    if "RotationLambdaARN" in found:
        forget_function(aws, found["RotationLambdaARN"].rpartition(":")[2])


def forget_function(aws: boto3.session.Session, function: str) -> None:
    iam, functions, logs = aws.client("iam"), aws.client("lambda"), aws.client("logs")
    _gone(lambda: functions.delete_function(FunctionName=function))
    _gone(lambda: logs.delete_log_group(logGroupName=f"/aws/lambda/{function}"))
    role = f"{function}-role"
    names: list[str] = []
    attached: list[str] = []
    _gone(lambda: names.extend(iam.list_role_policies(RoleName=role)["PolicyNames"]))
    _gone(lambda: attached.extend(each["PolicyArn"] for each in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]))
    for name in names:
        iam.delete_role_policy(RoleName=role, PolicyName=name)
    for arn in attached:
        iam.detach_role_policy(RoleName=role, PolicyArn=arn)
    _gone(lambda: iam.delete_role(RoleName=role))


def forget_role(aws: boto3.session.Session) -> None:
    iam = aws.client("iam")
    _gone(lambda: iam.delete_role_policy(RoleName=ROLE, PolicyName="read-own-credential"))
    _gone(lambda: iam.delete_role(RoleName=ROLE))
    keys: list[str] = []
    _gone(lambda: keys.extend(key["AccessKeyId"] for key in iam.list_access_keys(UserName=HOST_USER)["AccessKeyMetadata"]))
    for key in keys:
        iam.delete_access_key(UserName=HOST_USER, AccessKeyId=key)
    _gone(lambda: iam.delete_user(UserName=HOST_USER))


def _gone(work: Callable[[], Any]) -> bool:
    """Do it unless it is done already: nothing there to delete, or there already."""
    try:
        work()
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if not any(word in code for word in ("NotFound", "NoSuchEntity", "EntityAlreadyExists")):
            raise
        return False
    return True
