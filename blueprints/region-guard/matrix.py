"""The calls of scenario S2, each in several regions, with what AWS answers."""

from collections.abc import Callable
from typing import Any, NamedTuple

import boto3
import guard
from botocore.exceptions import ClientError

FRANKFURT, VIRGINIA, IRELAND, OREGON, PARIS = "eu-central-1", "us-east-1", "eu-west-1", "us-west-2", "eu-west-3"
PASSES = ""


class Answer(NamedTuple):
    """What came back: the error's code ("" for a success), its sentence, and the request's id."""

    code: str
    message: str
    request_id: str


class Row(NamedTuple):
    what: str
    call: Callable[[boto3.session.Session, str], Any]
    wanted: dict[str, str]
    """The error's code for each region."""


def answer(call: Callable[..., Any], *arguments: Any, **named: Any) -> Answer:
    try:
        given = call(*arguments, **named) or {}
    except ClientError as error:
        meta = error.response["ResponseMetadata"]
        return Answer(error.response["Error"]["Code"], error.response["Error"]["Message"], meta.get("RequestId", ""))
    return Answer(PASSES, "", given.get("ResponseMetadata", {}).get("RequestId", ""))


def run_instances(session: boto3.session.Session, region: str, *, dry: bool = False) -> Any:
    ec2 = guard.client(session, "ec2", region)
    return ec2.run_instances(ImageId="ami-0a1b2c3d4e5f67890", InstanceType="t2.micro", MinCount=1, MaxCount=1, DryRun=dry)


def _bucket(session: boto3.session.Session, region: str) -> Any:
    at = {"LocationConstraint": region}
    return guard.client(session, "s3", region).create_bucket(Bucket=f"region-guard-{guard.ACCOUNT}", CreateBucketConfiguration=at)


def _attach(session: boto3.session.Session, region: str) -> Any:
    arn = "arn:aws:iam::aws:policy/AdministratorAccess"
    return guard.client(session, "iam", region).attach_role_policy(RoleName=guard.ROLE, PolicyArn=arn)


ROWS = [
    Row(
        "ec2.run_instances",
        run_instances,
        {FRANKFURT: "NotImplemented", VIRGINIA: "UnauthorizedOperation", IRELAND: "UnauthorizedOperation"},
    ),
    Row(
        "ec2.run_instances, dry",
        lambda session, region: run_instances(session, region, dry=True),
        {FRANKFURT: "DryRunOperation", VIRGINIA: "UnauthorizedOperation"},
    ),
    Row(
        "rds.create_db_instance",
        guard.create_instance,
        {VIRGINIA: "AccessDenied", OREGON: "AccessDenied"},
    ),
    Row(
        "lambda.create_function",
        lambda session, region: guard.create_function(session, region=region),
        {VIRGINIA: "AccessDeniedException", PARIS: "AccessDeniedException"},
    ),
    Row(
        "ec2.describe_instances",
        lambda session, region: guard.client(session, "ec2", region).describe_instances(),
        {FRANKFURT: "NotImplemented", VIRGINIA: "NotImplemented"},
    ),
    Row(
        "rds.describe_db_instances",
        lambda session, region: guard.client(session, "rds", region).describe_db_instances(),
        {FRANKFURT: PASSES, VIRGINIA: PASSES, OREGON: PASSES},
    ),
    Row(
        "lambda.list_functions",
        lambda session, region: guard.client(session, "lambda", region).list_functions(),
        {FRANKFURT: PASSES, VIRGINIA: PASSES, PARIS: PASSES},
    ),
    Row("iam.list_roles", lambda session, region: guard.client(session, "iam", region).list_roles(), {FRANKFURT: PASSES, VIRGINIA: PASSES}),
    Row("s3.create_bucket", _bucket, {FRANKFURT: "AccessDenied"}),
    Row("iam.attach_role_policy", _attach, {FRANKFURT: "AccessDenied"}),
]
"""Where S2 says "instance", 501 NotImplemented after a successful authorization is right until EC2 has a room."""


class Operators(NamedTuple):
    """A condition, and the regions in which a dry run of ec2.run_instances passes and is refused."""

    what: str
    statements: list[dict[str, Any]]
    passes: tuple[str, ...]
    refused: tuple[str, ...]


def _where(operator: str, regions: Any, key: str = "aws:RequestedRegion") -> list[dict[str, Any]]:
    return [{"Effect": "Allow", "Action": "ec2:RunInstances", "Resource": "*", "Condition": {operator: {key: regions}}}]


def _but(operator: str, regions: Any) -> list[dict[str, Any]]:
    return [
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Effect": "Deny", "Action": "ec2:*", "Resource": "*", "Condition": {operator: {"aws:RequestedRegion": regions}}},
    ]


OPERATORS = [
    Operators("StringEquals, a list", _where("StringEquals", [FRANKFURT, IRELAND]), (FRANKFURT, IRELAND), (VIRGINIA,)),
    Operators("StringLike eu-*", _where("StringLike", "eu-*"), (FRANKFURT, "eu-north-1"), (VIRGINIA,)),
    Operators("Deny StringNotEquals", _but("StringNotEquals", [FRANKFURT]), (FRANKFURT,), (VIRGINIA, IRELAND)),
    Operators("StringEqualsIgnoreCase", _where("StringEqualsIgnoreCase", "EU-Central-1"), (FRANKFURT,), (VIRGINIA,)),
    Operators("StringEquals minds case", _where("StringEquals", "EU-Central-1"), (), (FRANKFURT,)),
    Operators("StringEqualsIfExists", _where("StringEqualsIfExists", FRANKFURT), (FRANKFURT,), (VIRGINIA,)),
    Operators("ForAnyValue:StringEquals", _where("ForAnyValue:StringEquals", [FRANKFURT]), (FRANKFURT,), (VIRGINIA,)),
    Operators("the key's case does not matter", _where("StringEquals", FRANKFURT, "AWS:RequestedRegion"), (FRANKFURT,), (VIRGINIA,)),
]
