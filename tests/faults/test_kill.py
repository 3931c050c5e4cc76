"""What was acknowledged survives kill -9. Truth: our own promise (ARCHITECTURE.md, "The store, and what it guarantees")."""

import json
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import botocore.config
import botocore.exceptions
import pytest


def client(service: str, endpoint_url: str) -> Any:
    config = botocore.config.Config(retries={"max_attempts": 0})
    keys = {"aws_access_key_id": "123456789012", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    return boto3.session.Session().client(service, endpoint_url=endpoint_url, config=config, **keys)


TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "firehose.amazonaws.com"}, "Action": "sts:AssumeRole"}],
    }
)
WRITES = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::river/*"}]}
)


def until_cut_off(work: Callable[[int], None], kill: Callable[[], None], after: int) -> int:
    """Call `work(0)`, `work(1)` … until the server, killed from another thread, is gone; how many were acknowledged."""
    acknowledged = 0
    killer = threading.Thread(target=kill)
    try:
        while True:
            work(acknowledged)
            acknowledged += 1
            if acknowledged == after:
                killer.start()
    except (botocore.exceptions.BotoCoreError, OSError):
        killer.join()
        return acknowledged


@pytest.mark.parametrize("size", [1_000, 100_000], ids=["a small body", "a body with a file of its own"])
def test_objects_that_were_acknowledged_are_whole_after_a_kill(start_program: Callable[[], Any], size: int) -> None:
    program = start_program()
    s3 = client("s3", program.endpoint_url)
    s3.create_bucket(Bucket="survivors")

    def put(number: int) -> None:
        s3.put_object(Bucket="survivors", Key=f"{number:06d}", Body=bytes([number % 256]) * size)

    acknowledged = until_cut_off(put, program.kill, after=100)
    program.start()
    s3 = client("s3", program.endpoint_url)
    keys = [item["Key"] for page in s3.get_paginator("list_objects_v2").paginate(Bucket="survivors") for item in page["Contents"]]
    assert keys[:acknowledged] == [f"{number:06d}" for number in range(acknowledged)]
    assert len(keys) - acknowledged <= 1
    for number in (0, acknowledged - 1, len(keys) - 1):
        assert s3.get_object(Bucket="survivors", Key=f"{number:06d}")["Body"].read() == bytes([number % 256]) * size


def test_buffered_firehose_records_are_delivered_once_each_after_a_kill(start_program: Callable[[], Any]) -> None:
    program = start_program()
    client("s3", program.endpoint_url).create_bucket(Bucket="river")
    role = client("iam", program.endpoint_url).create_role(RoleName="delivery", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    client("iam", program.endpoint_url).put_role_policy(RoleName="delivery", PolicyName="river", PolicyDocument=WRITES)
    firehose = client("firehose", program.endpoint_url)
    firehose.create_delivery_stream(
        DeliveryStreamName="s",
        ExtendedS3DestinationConfiguration={
            "RoleARN": role,
            "BucketARN": "arn:aws:s3:::river",
            "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 2},
        },
    )

    def put(number: int) -> None:
        firehose.put_record(DeliveryStreamName="s", Record={"Data": f"{number:06d}\n".encode()})

    acknowledged = until_cut_off(put, program.kill, after=500)
    program.start()
    s3 = client("s3", program.endpoint_url)
    lines: list[str] = []
    deadline = time.monotonic() + 30
    while len(lines) < acknowledged and time.monotonic() < deadline:
        time.sleep(0.2)
        objects = s3.list_objects_v2(Bucket="river").get("Contents", [])
        lines = [line for item in objects for line in s3.get_object(Bucket="river", Key=item["Key"])["Body"].read().decode().split()]
    assert sorted(set(lines))[:acknowledged] == [f"{number:06d}" for number in range(acknowledged)]
    assert len(lines) == len(set(lines))


@pytest.mark.slow
def test_no_engine_is_orphaned_and_each_comes_back_with_its_rows(start_program: Callable[[], Any]) -> None:
    import pymysql

    program = start_program()
    rds = client("rds", program.endpoint_url)
    rds.create_db_instance(
        DBInstanceIdentifier="db",
        Engine="mysql",
        DBInstanceClass="db.t3.micro",
        AllocatedStorage=20,
        MasterUsername="admin",
        MasterUserPassword="a-password-1",
        DBName="shop",
    )
    rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier="db", WaiterConfig={"Delay": 1})
    endpoint = rds.describe_db_instances(DBInstanceIdentifier="db")["DBInstances"][0]["Endpoint"]

    def connection() -> Any:
        return pymysql.connect(
            host=endpoint["Address"], port=endpoint["Port"], user="admin", password="a-password-1", database="shop", autocommit=True
        )

    with connection() as database, database.cursor() as cursor:
        cursor.execute("CREATE TABLE t (id int primary key)")
        cursor.execute("INSERT INTO t VALUES (1), (2)")
    before = engines_of(program.home)
    assert before

    program.kill()
    deadline = time.monotonic() + 10
    while engines_of(program.home) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert engines_of(program.home) == set()

    program.start()
    client("rds", program.endpoint_url).get_waiter("db_instance_available").wait(DBInstanceIdentifier="db", WaiterConfig={"Delay": 1})
    with connection() as database, database.cursor() as cursor:
        cursor.execute("SELECT id FROM t ORDER BY id")
        assert cursor.fetchall() == ((1,), (2,))


def engines_of(home: Path) -> set[int]:
    """Processes, other than the server and this one, whose command names the home's folder."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if str(home) in command and "headwater\0up" not in command and int(folder.name) != os.getpid():
            found.add(int(folder.name))
    return found


def test_a_second_program_on_the_same_home_is_refused(start_program: Callable[[], Any], tmp_path: Path) -> None:
    import subprocess
    import sys

    program = start_program()
    second = subprocess.run(
        [sys.executable, "-m", "headwater", "up", "--home", str(program.home), "--port", "0"],
        capture_output=True,
        text=True,
        timeout=30,
        env={**os.environ, "PYTHONPATH": "src"},
        check=False,
    )
    assert second.returncode != 0
    assert "another Headwater runs on" in second.stderr
    os.kill(program.process.pid, signal.SIG_DFL)  # the first one is alive
