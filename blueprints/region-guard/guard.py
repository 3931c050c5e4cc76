"""Post 2's set-up, with plain boto3: who the developers are and what they may do. Nothing here knows that it is not AWS."""

import io
import json
import time
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import pymysql
from botocore.config import Config
from botocore.exceptions import ClientError

HERE = Path(__file__).parent
ACCOUNT = "123456789012"
HOME_REGION = "eu-central-1"
POLICY = "FrankfurtOnly"
GROUP = "developers"
USER = "dev"
ROLE = "Developer"
EXECUTION_ROLE = "LambdaExec"
OTHER_ROLE = "AdminOfEverything"
INSTANCE = "towns"
FUNCTION = "read-towns"
PASSWORD = "Frankfurt-am-Main-19"
TOWNS = [("Frankfurt", "eu-central-1"), ("Dublin", "eu-west-1"), ("Ashburn", "us-east-1")]


class Developers(NamedTuple):
    """The two ways in which a developer works: with own keys, and as a session of the role."""

    user: boto3.session.Session
    role: boto3.session.Session


def client(session: boto3.session.Session, service: str, region: str = HOME_REGION) -> Any:
    """A client that does not try again: a refusal is what is looked for."""
    return session.client(service, region_name=region, config=Config(retries={"max_attempts": 0}))


def root() -> boto3.session.Session:
    """The security administrator: the account's root. The endpoint comes from AWS_ENDPOINT_URL."""
    return boto3.session.Session(aws_access_key_id=ACCOUNT, aws_secret_access_key="test", region_name=HOME_REGION)


def document(name: str) -> str:
    return (HERE / "policies" / f"{name}.json").read_text()


def build(aws: boto3.session.Session) -> Developers:
    """The policy, on a group with one user and on a role that the user may assume."""
    iam = aws.client("iam")
    arn = iam.create_policy(PolicyName=POLICY, PolicyDocument=document("frankfurt-only"))["Policy"]["Arn"]
    iam.create_group(GroupName=GROUP)
    iam.attach_group_policy(GroupName=GROUP, PolicyArn=arn)
    iam.create_user(UserName=USER)
    iam.add_user_to_group(GroupName=GROUP, UserName=USER)
    iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=trust({"AWS": f"arn:aws:iam::{ACCOUNT}:user/{USER}"}))
    iam.attach_role_policy(RoleName=ROLE, PolicyArn=arn)
    for name in (EXECUTION_ROLE, OTHER_ROLE):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust({"Service": "lambda.amazonaws.com"}))
    logs = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
    iam.attach_role_policy(RoleName=EXECUTION_ROLE, PolicyArn=logs)
    return developers(aws)


def trust(principal: dict[str, str]) -> str:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def developers(aws: boto3.session.Session) -> Developers:
    """A new key for the user, and a session of the role begun with it."""
    key = aws.client("iam").create_access_key(UserName=USER)["AccessKey"]
    user = boto3.session.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name=HOME_REGION)
    given = user.client("sts").assume_role(RoleArn=f"arn:aws:iam::{ACCOUNT}:role/{ROLE}", RoleSessionName="at-work")["Credentials"]
    role = boto3.session.Session(
        given["AccessKeyId"], given["SecretAccessKey"], aws_session_token=given["SessionToken"], region_name=HOME_REGION
    )
    return Developers(user, role)


def archive() -> bytes:
    """The function's zip: its module, and PyMySQL as pip installed it."""
    package = Path(pymysql.__file__).parent
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as file:
        file.write(HERE / "function" / "read_rows.py", "read_rows.py")
        for path in package.rglob("*.py"):
            file.write(path, str(Path("pymysql") / path.relative_to(package)))
    return content.getvalue()


def create_instance(developer: boto3.session.Session, region: str = HOME_REGION) -> None:
    client(developer, "rds", region).create_db_instance(
        DBInstanceIdentifier=INSTANCE,
        Engine="mysql",
        DBInstanceClass="db.t3.micro",
        AllocatedStorage=20,
        MasterUsername="admin",
        MasterUserPassword=PASSWORD,
    )


def fill(developer: boto3.session.Session) -> tuple[str, int]:
    """Wait for the instance and give it rows; its endpoint."""
    rds = developer.client("rds")
    rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier=INSTANCE, WaiterConfig={"Delay": 1})
    found = rds.describe_db_instances(DBInstanceIdentifier=INSTANCE)["DBInstances"][0]["Endpoint"]
    with pymysql.connect(host=found["Address"], port=found["Port"], user="admin", password=PASSWORD, autocommit=True) as database:
        cursor = database.cursor()
        cursor.execute("CREATE DATABASE towns")
        cursor.execute("CREATE TABLE towns.towns (city VARCHAR(40), region VARCHAR(20))")
        cursor.executemany("INSERT INTO towns.towns VALUES (%s, %s)", TOWNS)
    return found["Address"], found["Port"]


def create_function(
    developer: boto3.session.Session, name: str = FUNCTION, *, region: str = HOME_REGION, role: str = EXECUTION_ROLE, **variables: str
) -> None:
    client(developer, "lambda", region).create_function(
        FunctionName=name,
        Runtime="python3.12",
        Role=f"arn:aws:iam::{ACCOUNT}:role/{role}",
        Handler="read_rows.handler",
        Code={"ZipFile": archive()},
        Timeout=30,
        Environment={"Variables": variables},
    )


def rows_read(developer: boto3.session.Session, endpoint: tuple[str, int]) -> list[list[str]]:
    """What the developer's own function reads from the developer's own instance."""
    host, port = endpoint
    create_function(developer, DB_HOST=host, DB_PORT=str(port), DB_USER="admin", DB_PASSWORD=PASSWORD)
    functions = client(developer, "lambda")
    while functions.get_function(FunctionName=FUNCTION)["Configuration"]["State"] != "Active":
        time.sleep(0.1)
    answer = functions.invoke(FunctionName=FUNCTION)
    found: list[list[str]] = json.load(answer["Payload"])
    return found


def tear_down(aws: boto3.session.Session) -> None:
    """Delete what an earlier run left, whatever of it there is."""
    rds, iam = aws.client("rds"), aws.client("iam")
    if _gone(lambda: rds.delete_db_instance(DBInstanceIdentifier=INSTANCE, SkipFinalSnapshot=True)):
        rds.get_waiter("db_instance_deleted").wait(DBInstanceIdentifier=INSTANCE, WaiterConfig={"Delay": 1})
    for name in (FUNCTION, f"{FUNCTION}-again"):
        _gone(lambda name=name: aws.client("lambda").delete_function(FunctionName=name))
    for role in (ROLE, EXECUTION_ROLE, OTHER_ROLE):
        if _there(lambda role=role: iam.get_role(RoleName=role)):
            for each in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
                iam.detach_role_policy(RoleName=role, PolicyArn=each["PolicyArn"])
            iam.delete_role(RoleName=role)
    if _there(lambda: iam.get_user(UserName=USER)):
        for key in iam.list_access_keys(UserName=USER)["AccessKeyMetadata"]:
            iam.delete_access_key(UserName=USER, AccessKeyId=key["AccessKeyId"])
        for name in iam.list_user_policies(UserName=USER)["PolicyNames"]:
            iam.delete_user_policy(UserName=USER, PolicyName=name)
        _gone(lambda: iam.remove_user_from_group(GroupName=GROUP, UserName=USER))
        iam.delete_user(UserName=USER)
    arn = f"arn:aws:iam::{ACCOUNT}:policy/{POLICY}"
    if _there(lambda: iam.get_group(GroupName=GROUP)):
        _gone(lambda: iam.detach_group_policy(GroupName=GROUP, PolicyArn=arn))
        iam.delete_group(GroupName=GROUP)
    _gone(lambda: iam.delete_policy(PolicyArn=arn))


def _there(look: Any) -> bool:
    try:
        look()
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchEntity":
            raise
        return False
    return True


def _gone(delete: Any) -> bool:
    """Whether there was something to delete."""
    try:
        delete()
    except ClientError as error:
        if not {"NotFound", "NoSuchEntity"} & {word for word in ("NotFound", "NoSuchEntity") if word in error.response["Error"]["Code"]}:
            raise
        return False
    return True
