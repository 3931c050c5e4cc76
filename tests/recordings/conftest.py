"""`recorded("logs", "TestLogsGroups::…")`: a case of the recordings, whose end asserts that nothing differed."""

import contextlib
import io
import json
import time
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from recordings.replaying import Case, refusal


@pytest.fixture
def recorded(aws: Any) -> Iterator[Callable[[str, str], Case]]:
    cases: list[Case] = []

    def case(service: str, name: str) -> Case:
        cases.append(Case(service, name, aws.account, aws.region))
        return cases[-1]

    yield case
    for each in cases:
        each.ends()


TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
    }
)
ALLOW_ALL = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})


class Functions:
    """Functions as the recorded ones were made: `handler.py`, its `handler`, python3.12."""

    def __init__(self, aws: Any) -> None:
        self.aws = aws
        self.client = aws.client("lambda")
        self.role = self.role_of("worker")
        self._made: set[str] = set()
        self._heard = 0

    def role_of(self, name: str) -> str:
        """The ARN of a new role that Lambda may take on, and that may do everything."""
        iam = self.aws.client("iam")
        arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
        iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=ALLOW_ALL)
        return arn

    def zipped(self, source: str, file: str = "handler.py") -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr(zipfile.ZipInfo(file), source)
        return buffer.getvalue()

    def request(self, name: str, source: str = "def handler(event, context):\n    return event\n", **options: Any) -> dict[str, Any]:
        code = {"ZipFile": self.zipped(source)}
        return {"FunctionName": name, "Role": self.role, "Code": code, "Runtime": "python3.12", "Handler": "handler.handler"} | options

    def created(self, name: str, **options: Any) -> dict[str, Any]:
        """The answer in the envelope in which the recordings keep it; with an environment and half a minute, as all of theirs."""
        options = {"Environment": {"Variables": {}}, "Timeout": 30} | options
        answer = self.client.create_function(**self.request(name, **options))
        return {"CreateFunctionResponse": answer, "CreateEventSourceMappingResponse": None}

    def refusal(self, call: Callable[[], Any]) -> Any:
        return refusal(call)

    def told(self, name: str, **config: Any) -> None:
        """From now on the function `hearer` is told of the end of each of this one's events."""
        if "hearer" not in self._made:
            self.created("hearer", source="import json\ndef handler(event, context):\n    print('heard', json.dumps(event))\n")
            self._made.add("hearer")
        hearer = {"Destination": f"arn:aws:lambda:us-east-1:{self.aws.account}:function:hearer"}
        to = {"OnSuccess": hearer, "OnFailure": hearer}
        self.client.put_function_event_invoke_config(FunctionName=name, DestinationConfig=to, **config)

    def heard(self, meanwhile: Callable[[], Any] = lambda: None) -> Any:
        """The next record that `hearer` was told."""
        logs = self.aws.client("logs")
        for _ in range(200):
            with contextlib.suppress(logs.exceptions.ResourceNotFoundException):
                events = logs.filter_log_events(logGroupName="/aws/lambda/hearer", filterPattern="heard")["events"]
                if len(events) > self._heard:
                    self._heard += 1
                    return json.loads(events[self._heard - 1]["message"].removeprefix("heard "))
            meanwhile()
            time.sleep(0.05)
        raise AssertionError("nobody was told")

    def invoked(self, name: str, event: Any = None, **options: Any) -> dict[str, Any]:
        """The answer with its payload read, as the recordings have it."""
        payload = {} if event is None else {"Payload": json.dumps(event)}
        answer = self.client.invoke(FunctionName=name, **payload, **options)
        text = answer["Payload"].read().decode()
        return answer | {"Payload": json.loads(text) if text.startswith("{") else text}


@pytest.fixture
def functions(aws: Any) -> Functions:
    return Functions(aws)
