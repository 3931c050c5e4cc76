"""Functions for the tests: zips made of sources, and a client that makes and calls them."""

import base64
import io
import json
import time
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
    }
)
ALLOW_ALL = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})


def zipped(files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


class Functions:
    """`make` creates a function from the body of its module; `call` invokes it and reads the answer."""

    def __init__(self, aws: Any) -> None:
        self.aws = aws
        self.client = aws.client("lambda")
        self.role = self.role_of("worker", ALLOW_ALL)

    def role_of(self, name: str, *policies: str, trust: str = TRUST) -> str:
        """The ARN of a new role that Lambda may take on, with these policies."""
        iam = self.aws.client("iam")
        arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        for number, policy in enumerate(policies):
            iam.put_role_policy(RoleName=name, PolicyName=f"p{number}", PolicyDocument=policy)
        return arn

    def make(self, name: str, source: str, **options: Any) -> dict[str, Any]:
        settings = {"Runtime": "python3.11", "Role": self.role, "Handler": "index.handler"} | options
        return self.client.create_function(FunctionName=name, Code={"ZipFile": zipped({"index.py": source})}, **settings)

    def call(self, name: str, event: Any = None, **options: Any) -> Any:
        """The function's answer, or the error that it ended with."""
        answer = self.client.invoke(FunctionName=name, Payload=json.dumps(event), **options)
        return json.loads(answer["Payload"].read())

    def tail(self, name: str, event: Any = None) -> str:
        answer = self.client.invoke(FunctionName=name, Payload=json.dumps(event), LogType="Tail")
        return base64.b64decode(answer["LogResult"]).decode()

    def logged(self, name: str) -> list[str]:
        """All that stands in the function's log group."""
        try:
            events = self.aws.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
        except Exception as error:
            if "ResourceNotFoundException" in str(error):
                return []
            raise
        return [event["message"] for event in events]

    def logged_until(self, name: str, word: str) -> list[str]:
        """The function's log once a line with this word stands in it: lines are gathered for a moment before they are put."""
        for _ in range(100):
            lines = self.logged(name)
            if any(word in line for line in lines):
                return lines
            time.sleep(0.05)
        raise AssertionError(f"{word!r} is not in {lines}")


@pytest.fixture
def functions(aws: Any) -> Functions:
    return Functions(aws)


@pytest.fixture
def functions_of() -> Callable[[Any], Functions]:
    """`functions_of(account)`: for a test with a server of its own."""
    return Functions


@pytest.fixture
def zip_of() -> Callable[[dict[str, str]], bytes]:
    return zipped
