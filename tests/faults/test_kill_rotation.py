"""A rotation through kill -9: before and after the work of each of its four steps. The current secret is never lost, and the rotation ends.

Truth: issue 5 ("kill -9 between any two of the four steps"), and what AWS says of a step: it may be made twice with the same token.
"""

import io
import json
import time
import zipfile
from collections.abc import Callable
from typing import Any

import boto3
import botocore.config
import botocore.exceptions
import pytest

STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
PLACES = [f"{step}/{phase}" for step in STEPS for phase in ("before", "after")]
SOURCE = """
import json
import time
import boto3

secrets, s3 = boto3.client("secretsmanager"), boto3.client("s3")

def reach(place):
    try:
        s3.head_object(Bucket="places", Key=place)
    except s3.exceptions.ClientError:
        s3.put_object(Bucket="places", Key=place, Body=b"")
        time.sleep(60)

def handler(event, context):
    arn, token, step = event["SecretId"], event["ClientRequestToken"], event["Step"]
    reach(step + "/before")
    stages = secrets.describe_secret(SecretId=arn)["VersionIdsToStages"]
    if "AWSCURRENT" not in stages[token]:
        work(arn, token, step, stages)
    reach(step + "/after")

def work(arn, token, step, stages):
    if step == "createSecret":
        try:
            secrets.get_secret_value(SecretId=arn, VersionId=token, VersionStage="AWSPENDING")
        except secrets.exceptions.ResourceNotFoundException:
            text = secrets.get_random_password()["RandomPassword"]
            secrets.put_secret_value(SecretId=arn, ClientRequestToken=token, SecretString=text, VersionStages=["AWSPENDING"])
    if step == "finishSecret":
        now = next(version for version in stages if "AWSCURRENT" in stages[version])
        secrets.update_secret_version_stage(SecretId=arn, VersionStage="AWSCURRENT", MoveToVersionId=token, RemoveFromVersionId=now)
"""
TOKEN = "k" * 32
WITHIN_S = 30


def client(service: str, endpoint_url: str) -> Any:
    config = botocore.config.Config(retries={"max_attempts": 0})
    keys = {"aws_access_key_id": "123456789012", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    return boto3.session.Session().client(service, endpoint_url=endpoint_url, config=config, **keys)


def archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as opened:
        opened.writestr("index.py", SOURCE)
    return buffer.getvalue()


def rotator(endpoint_url: str) -> str:
    iam, functions = client("iam", endpoint_url), client("lambda", endpoint_url)
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    allow = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    role = iam.create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": trust}))["Role"]
    iam.put_role_policy(RoleName="r", PolicyName="all", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": allow}))
    code = {"ZipFile": archive()}
    arn: str = functions.create_function(
        FunctionName="rotator", Runtime="python3.11", Role=role["Arn"], Handler="index.handler", Code=code, Timeout=90
    )["FunctionArn"]
    principal = "secretsmanager.amazonaws.com"
    functions.add_permission(FunctionName="rotator", StatementId="rotate", Principal=principal, Action="lambda:InvokeFunction")
    return arn


def wait(condition: Callable[[], bool], what: str) -> None:
    ends = time.monotonic() + WITHIN_S
    while not condition():
        assert time.monotonic() < ends, what
        time.sleep(0.05)


def is_reached(s3: Any, place: str) -> bool:
    try:
        s3.head_object(Bucket="places", Key=place)
    except botocore.exceptions.ClientError:
        return False
    return True


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_rotation_goes_on_after_a_kill_at_any_step(start_program: Callable[[], Any]) -> None:
    program = start_program()
    client("s3", program.endpoint_url).create_bucket(Bucket="places")
    secrets = client("secretsmanager", program.endpoint_url)
    first = secrets.create_secret(Name="db", SecretString="first")["VersionId"]
    function = rotator(program.endpoint_url)
    rules = {"AutomaticallyAfterDays": 60}
    secrets.rotate_secret(SecretId="db", RotationLambdaARN=function, RotationRules=rules, ClientRequestToken=TOKEN)
    for place in PLACES:
        s3 = client("s3", program.endpoint_url)
        wait(lambda s3=s3, place=place: is_reached(s3, place), f"{place} was not reached")  # type: ignore[misc] - mypy infers no lambda with defaults
        program.kill()
        program.start()
        secrets = client("secretsmanager", program.endpoint_url)
        current = secrets.get_secret_value(SecretId="db")
        assert (current["VersionId"] == first) is (place != "finishSecret/after")
        assert (current["SecretString"] == "first") is (place != "finishSecret/after")
        assert "LastRotatedDate" not in secrets.describe_secret(SecretId="db") or place == "finishSecret/after"
    wait(lambda: "LastRotatedDate" in secrets.describe_secret(SecretId="db"), "the rotation did not end")
    described = secrets.describe_secret(SecretId="db")
    assert described["VersionIdsToStages"][first] == ["AWSPREVIOUS"]
    assert "AWSCURRENT" in described["VersionIdsToStages"][TOKEN]
    assert set(described["VersionIdsToStages"]) == {first, TOKEN}
    assert len(secrets.get_secret_value(SecretId="db")["SecretString"]) == 32
