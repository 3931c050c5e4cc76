"""What is measured: each operation's preparation with boto3, and the signed requests that are replayed."""

import io
import json
import time
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from bench.policies import documents
from bench.signing import client, signed

KIB = b"x" * 1024
KEYS = 64
RECORD = json.dumps({"customer": 4711, "item": "CD", "price": "14.99", "at": "2016-07-04 12:00:00", "note": "n" * 40}).encode() + b"\n"
BATCH = 500
BUCKET = "bench-bucket"
STREAM = "bench-stream"
ROLE = "arn:aws:iam::{account}:role/bench-role"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": ["lambda.amazonaws.com", "firehose.amazonaws.com"]}, "Action": "sts:AssumeRole"}
    ],
}
FUNCTION = b"def handler(event, context):\n    return event\n"


class Account:
    """Clients of one running program: as its administrator, with a key that it issued where it issues keys, or as its root.

    The administrator's calls are signed with a key that is checked, and decided by policies, where the program does either. The root's
    are signed with a session of its own, so that the signature is checked, and nothing is decided.
    """

    def __init__(self, endpoint_url: str, *, issued: bool) -> None:
        self._endpoint_url = endpoint_url
        self._key = ("test", "test")
        self.account = "000000000000"
        self.issued = False
        if issued:
            with suppress(ClientError):
                iam = self.client("iam")
                iam.create_user(UserName="bench")
                iam.attach_user_policy(UserName="bench", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
                key = iam.create_access_key(UserName="bench")["AccessKey"]
                self._key = (key["AccessKeyId"], key["SecretAccessKey"])
                self.issued = True

    def client(self, service: str) -> Any:
        return client(service, self._endpoint_url, *self._key)

    def root(self, service: str) -> Any:
        given = client("sts", self._endpoint_url, "test", "test").get_session_token()["Credentials"]
        return client(service, self._endpoint_url, given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])

    def user(self, service: str, documents: list[str]) -> Any:
        """A user with these policies, and a new key."""
        iam = client("iam", self._endpoint_url, "test", "test")
        with suppress(iam.exceptions.EntityAlreadyExistsException):
            iam.create_user(UserName="bound")
        for number, document in enumerate(documents):
            name = f"bench-{number}"
            arn = f"arn:aws:iam::{self.account}:policy/{name}"
            with suppress(iam.exceptions.EntityAlreadyExistsException):
                iam.create_policy(PolicyName=name, PolicyDocument=document)
            iam.attach_user_policy(UserName="bound", PolicyArn=arn)
        key = iam.create_access_key(UserName="bound")["AccessKey"]
        return client(service, self._endpoint_url, key["AccessKeyId"], key["SecretAccessKey"])

    @property
    def role(self) -> str:
        return ROLE.format(account=self.account)


@dataclass(frozen=True)
class Workload:
    """`prepare` runs once for each program; `requests` makes the bytes to be replayed."""

    name: str
    what: str
    prepare: Callable[[Account], None]
    requests: Callable[[Account], list[bytes]]
    least: tuple[float, float]
    """The ratio to MiniStack below which the house misses its own mark, with one connection and with 16."""


def nothing(account: Account) -> None:
    pass


def bucket(account: Account) -> None:
    account.client("s3").create_bucket(Bucket=BUCKET)


def objects(account: Account) -> None:
    with suppress(ClientError):
        bucket(account)
    s3 = account.client("s3")
    for number in range(KEYS):
        s3.put_object(Bucket=BUCKET, Key=f"get/{number}", Body=KIB)


def puts(account: Account) -> list[bytes]:
    s3 = account.client("s3")
    return [signed(s3, lambda s3, n=n: s3.put_object(Bucket=BUCKET, Key=f"put/{n}", Body=KIB)) for n in range(KEYS)]


def gets(account: Account) -> list[bytes]:
    s3 = account.client("s3")
    return [signed(s3, lambda s3, n=n: s3.get_object(Bucket=BUCKET, Key=f"get/{n}")) for n in range(KEYS)]


def role(account: Account) -> None:
    with suppress(ClientError):  # it is there already
        account.client("iam").create_role(RoleName="bench-role", AssumeRolePolicyDocument=json.dumps(TRUST))
    allowed = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:*", "logs:*"], "Resource": "*"}]}
    account.client("iam").put_role_policy(RoleName="bench-role", PolicyName="all", PolicyDocument=json.dumps(allowed))


def secrets(account: Account) -> None:
    secretsmanager = account.client("secretsmanager")
    for number in range(KEYS):
        with suppress(secretsmanager.exceptions.ResourceExistsException):
            secretsmanager.create_secret(Name=f"bench/{number}", SecretString=KIB.decode())


def secret_reads(account: Account) -> list[bytes]:
    secretsmanager = account.client("secretsmanager")
    return [signed(secretsmanager, lambda client, n=n: client.get_secret_value(SecretId=f"bench/{n}")) for n in range(KEYS)]


def stream(account: Account) -> None:
    with suppress(ClientError):
        bucket(account)
    role(account)
    firehose = account.client("firehose")
    with suppress(firehose.exceptions.ResourceInUseException):
        destination = {
            "RoleARN": account.role,
            "BucketARN": f"arn:aws:s3:::{BUCKET}",
            "Prefix": "stream/",
            "CompressionFormat": "GZIP",
            "BufferingHints": {"SizeInMBs": 64, "IntervalInSeconds": 60},
        }
        firehose.create_delivery_stream(DeliveryStreamName=STREAM, ExtendedS3DestinationConfiguration=destination)


def records(account: Account) -> list[bytes]:
    return [signed(account.client("firehose"), lambda firehose: firehose.put_record(DeliveryStreamName=STREAM, Record={"Data": RECORD}))]


def records_of_root(account: Account) -> list[bytes]:
    return [signed(account.root("firehose"), lambda firehose: firehose.put_record(DeliveryStreamName=STREAM, Record={"Data": RECORD}))]


def records_of_a_user(account: Account) -> list[bytes]:
    """Ten policies of five statements, as in "policy decision"; one of them allows it."""
    bound = account.user("firehose", documents(and_allow="firehose:PutRecord"))
    return [signed(bound, lambda firehose: firehose.put_record(DeliveryStreamName=STREAM, Record={"Data": RECORD}))]


def batches(account: Account) -> list[bytes]:
    records = [{"Data": RECORD}] * BATCH
    return [signed(account.client("firehose"), lambda firehose: firehose.put_record_batch(DeliveryStreamName=STREAM, Records=records))]


def reads(account: Account) -> list[bytes]:
    return [signed(account.client("iam"), lambda iam: iam.get_role(RoleName="bench-role"))]


def function(account: Account) -> None:
    with suppress(ClientError):
        role(account)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("app.py", FUNCTION)
    functions = account.client("lambda")
    functions.create_function(
        FunctionName="bench",
        Runtime="python3.11",
        Role=account.role,
        Handler="app.handler",
        Code={"ZipFile": packed.getvalue()},
        Timeout=10,
    )
    deadline = time.monotonic() + 30
    while functions.get_function_configuration(FunctionName="bench").get("State", "Active") != "Active" and time.monotonic() < deadline:
        time.sleep(0.05)
    answer = functions.invoke(FunctionName="bench", Payload=b'{"warm": true}')
    said = answer["Payload"].read()
    if answer.get("FunctionError") or json.loads(said) != {"warm": True}:
        raise RuntimeError(f"the function does not run: {said[:200].decode('latin-1')}")


def invocations(account: Account) -> list[bytes]:
    return [signed(account.client("lambda"), lambda functions: functions.invoke(FunctionName="bench", Payload=b'{"order": 4711}'))]


def first_request(endpoint_url: str) -> bytes:
    """What a fresh program is asked until it answers."""
    return signed(client("s3", endpoint_url, "test", "test"), lambda s3: s3.list_buckets())


BARE = [
    Workload("bare walk", "firehose.PutRecord with an empty operation, as root: nothing is decided", nothing, records_of_root, (0, 0)),
    Workload("bare walk, decided", "the same by a user with 10 policies of 5 statements", nothing, records_of_a_user, (0, 0)),
]
WORKLOADS = [
    Workload("s3 put", "PutObject, 1 KiB, 64 keys", bucket, puts, (2, 4)),
    Workload("s3 get", "GetObject, 1 KiB, 64 keys", objects, gets, (2, 4)),
    Workload("firehose put", f"PutRecord, {len(RECORD)} bytes", stream, records, (2, 4)),
    Workload("firehose batch", f"PutRecordBatch, {BATCH} x {len(RECORD)} bytes", stream, batches, (20, 20)),
    Workload("iam read", "GetRole", role, reads, (2, 4)),
    Workload("secret get", "GetSecretValue, 1 KiB, 64 secrets, each opened by KMS", secrets, secret_reads, (2, 4)),
    Workload("lambda invoke", "Invoke, warm, a Python function that returns its event", function, invocations, (50, 10)),
]
