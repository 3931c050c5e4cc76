"""Secrets and bodies never appear: not in the store, not in the journal, not in what a trail delivers.

A call of every operation that is built is told with a mark in each member that must not be seen, in the request and in the answer, and then
every file of the home is searched for the mark. What must not be seen is said here once more, apart from the room's own lists.
Truth: issue 4, item 7; for the texts that stand in their place, the user guide's examples.
"""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from headwater.aws.models import Member, Operation, Shape
from headwater.kernel.identity import root_of
from headwater.kernel.record import DATA, DATA_CALLS, MANAGEMENT, Call
from headwater.kernel.service import room, room_names
from headwater.services.cloudtrail import model
from headwater.services.cloudtrail.masks import HIDDEN, mask_of

MARK = "m4rk-of-a-secret"
ACCOUNT = "123456789012"
AT = datetime(2026, 1, 1, tzinfo=UTC)
NEVER_SEEN = re.compile(
    r"password$|passphrase$|secret(string|binary|accesskey|key)$|^plaintext|^privatekey$|session_?token$|^webidentitytoken$|samlassertion$"
    r"|authtoken$|tokencode$|authenticationcode\d$|base32stringseed$|^sqls?$|^logevents$|^payload$",
    re.IGNORECASE,
)
DEPTH_MAX = 6
PLAIN: dict[str, Any] = {"boolean": True, "integer": 1, "long": 1, "float": 1.0, "double": 1.0, "timestamp": AT}


def must_not_be_seen(name: str, shape: Shape) -> bool:
    return shape.sensitive or shape.type == "blob" or (NEVER_SEEN.search(name) is not None and shape.type not in PLAIN)


def marked(shape: Shape, depth: int = 0) -> Any:
    """A value of this shape whose every leaf is the mark, of those types that can hold one."""
    match shape.type:
        case "structure":
            return {name: marked(member.shape, depth + 1) for name, member in shape.members.items()} if depth < DEPTH_MAX else {}
        case "list":
            return [marked(shape.element.shape, depth + 1)] if depth < DEPTH_MAX else []
        case "map":
            return {"key": marked(shape.value.shape, depth + 1)} if depth < DEPTH_MAX else {}
        case "blob":
            return MARK.encode()
        case kind:
            return PLAIN.get(kind, MARK)


def filled(name: str, member: Member, depth: int) -> Any:
    shape = member.shape
    if must_not_be_seen(name, shape):
        return marked(shape, depth)
    if shape.type in {"structure", "list", "map"}:
        return cleaned(shape, depth)
    return PLAIN.get(shape.type, "seen")


def cleaned(shape: Shape, depth: int = 0) -> Any:
    """A value that has the mark only where it must not be seen."""
    if depth >= DEPTH_MAX:
        return [] if shape.type == "list" else {}
    match shape.type:
        case "structure":
            return {name: filled(name, member, depth + 1) for name, member in shape.members.items()}
        case "list":
            return [filled("", shape.element, depth + 1)]
        case _:
            return {"key": filled("", shape.value, depth + 1)}


def built() -> list[Operation]:
    return [room(name).model.operations[operation] for name in sorted(room_names()) for operation in sorted(room(name).functions)]


def call_of(operation: Operation) -> Call:
    return Call(
        at=AT,
        request_id=f"{operation.service.name}.{operation.name}",
        principal=root_of(ACCOUNT, ACCOUNT),
        region="us-east-1",
        service=operation.service.name,
        operation=operation,
        request=cleaned(operation.input) if operation.input is not None else {},
        result=cleaned(operation.output) if operation.output is not None else {},
        refusal=None,
        source_ip="127.0.0.1",
        user_agent="test",
        called_via=(),
        invoked_by="",
    )


def test_the_marks_are_there_before_they_are_taken_out() -> None:
    calls = [call_of(operation) for operation in built()]
    with_marks = {call.request_id for call in calls if MARK in repr((call.request, call.result))}
    assert {
        "iam.CreateAccessKey",
        "iam.CreateLoginProfile",
        "rds.CreateDBInstance",
        "sts.AssumeRole",
        "lambda.CreateFunction",
    } <= with_marks
    assert {"s3.PutObject", "lambda.Invoke", "redshift-data.ExecuteStatement", "logs.PutLogEvents"} <= with_marks


@pytest.mark.http
def test_no_secret_of_any_operation_is_written_anywhere(
    start_server: Callable[..., Any], account_on: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model, "PACKED_FROM_BYTES", 10**12)  # so that a search of the files sees everything
    server = start_server(home=tmp_path / "home", trail_delivery_s=0.1)
    aws = account_on(server, ACCOUNT)
    s3, cloudtrail = aws.client("s3"), aws.client("cloudtrail")
    s3.create_bucket(Bucket="the-trail")
    allow = {"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}, "Action": "s3:*"}
    policy = {"Version": "2012-10-17", "Statement": [allow | {"Resource": ["arn:aws:s3:::the-trail", "arn:aws:s3:::the-trail/*"]}]}
    s3.put_bucket_policy(Bucket="the-trail", Policy=json.dumps(policy))
    cloudtrail.create_trail(Name="audit", S3BucketName="the-trail")
    everything = [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3"]}, {"Type": "AWS::Lambda::Function", "Values": ["arn:aws:lambda"]}]
    cloudtrail.put_event_selectors(TrailName="audit", EventSelectors=[{"DataResources": everything}])
    cloudtrail.start_logging(Name="audit")
    told: list[dict[str, Any]] = []

    async def tell() -> None:
        server.home.bus.subscribe("cloudtrail/event", told.extend)
        for operation in built():
            topic = DATA if operation.name in DATA_CALLS.get(operation.service.name, ()) else MANAGEMENT
            server.home.bus.publish(topic, call_of(operation))
        server.home.bus.deliver()
        server.home.bus.deliver()

    server.call(tell())
    cloudtrail.stop_logging(Name="audit")
    delivered = _delivered(s3)
    assert {"CreateAccessKey", "CreateDBInstance", "PutObject", "Invoke"} <= {event["eventName"] for event in delivered}
    assert {"CreateAccessKey", "CreateDBInstance"} <= {event["eventName"] for event in told}
    assert MARK not in json.dumps(told)
    assert MARK not in json.dumps(delivered)
    server.stop()
    holding = [path.name for path in (tmp_path / "home").rglob("*") if path.is_file() and MARK.encode() in path.read_bytes()]
    assert holding == []


def _delivered(s3: Any) -> list[dict[str, Any]]:
    import gzip
    import time

    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        listed = s3.list_objects_v2(Bucket="the-trail").get("Contents", [])
        keys = [item["Key"] for item in listed if item["Key"].endswith(".json.gz")]
        bodies = [json.loads(gzip.decompress(s3.get_object(Bucket="the-trail", Key=key)["Body"].read())) for key in keys]
        events = [event for body in bodies for event in body["Records"]]
        if any(event["eventCategory"] == "Data" for event in events) and any(event["eventName"] == "StopLogging" for event in events):
            return events
        time.sleep(0.05)
    raise AssertionError(f"nothing was delivered, only {keys}")


SHOWN: dict[str, tuple[str, str, dict[str, Any], dict[str, Any]]] = {
    "a password": ("rds", "CreateDBInstance", {"DBInstanceIdentifier": "db", "MasterUserPassword": MARK}, {"masterUserPassword": HIDDEN}),
    "a statement of SQL": ("redshift-data", "ExecuteStatement", {"Sql": f"select '{MARK}'"}, {"sql": "***OMITTED***"}),
    "code": ("lambda", "CreateFunction", {"FunctionName": "f", "Code": {"ZipFile": MARK.encode()}}, {"functionName": "f", "code": {}}),
    "an environment": ("lambda", "CreateFunction", {"Environment": {"Variables": {"KEY": MARK}}}, {"environment": {}}),
}


@pytest.mark.parametrize(("service", "name", "request_", "shown"), SHOWN.values(), ids=SHOWN)
def test_in_its_place_stands_what_aws_shows_of(service: str, name: str, request_: dict[str, Any], shown: dict[str, Any]) -> None:
    operation = room(service).model.operations[name]
    from headwater.services.cloudtrail.spelling import spelled_request

    spelled = spelled_request(service, name, mask_of(operation).of_request(request_))
    assert spelled is not None
    assert MARK not in repr(spelled)
    assert shown.items() <= spelled.items()
