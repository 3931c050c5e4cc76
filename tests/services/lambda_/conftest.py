"""Functions for the tests: zips made of sources, and a client that makes and calls them."""

import base64
import io
import json
import time
import zipfile
from collections.abc import Callable
from typing import Any

import pytest


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
        self.role = f"arn:aws:iam::{aws.account}:role/worker"

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
def zip_of() -> Callable[[dict[str, str]], bytes]:
    return zipped
