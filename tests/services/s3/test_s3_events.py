"""What is told of objects, to functions and to EventBridge. Truth: recorded answers of AWS where a case is named, else "Event message
structure", "EventBridge event message structure" and "Supported event types" of the S3 user guide.
"""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from headwater.kernel.jobs import OWED
from recorded import Recorded
from users import allow

pytestmark = pytest.mark.http
PART = 5 * 1024 * 1024


Told = Callable[[int], list[dict[str, Any]]]


class Heard:
    """What one bucket tells EventBridge."""

    def __init__(self, server: Any, bucket: str) -> None:
        self._server = server
        self._events: list[dict[str, Any]] = []
        self._bucket = bucket
        self.take = self._events.extend

    def events(self) -> list[dict[str, Any]]:
        async def deliver() -> None:
            self._server.home.bus.deliver()

        self._server.call(deliver())
        found = [event for event in self._events if event["resources"] == [f"arn:aws:s3:::{self._bucket}"]]
        self._events.clear()
        return found

    def kinds(self) -> list[tuple[str, str, str]]:
        told = [(event["detail-type"], event["detail"]) for event in self.events()]
        return [(kind, detail["object"]["key"], detail.get("deletion-type") or detail.get("reason", "")) for kind, detail in told]


@pytest.fixture
def heard(server: Any, s3: Any, bucket: str) -> Iterator[Heard]:
    heard = Heard(server, bucket)

    async def listen(begin: bool) -> None:
        bus = server.home.bus
        (bus.subscribe if begin else bus.unsubscribe)("event", heard.take)

    server.call(listen(True))
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}})
    yield heard
    server.call(listen(False))


def as_recorded(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The version and the id of an event are given by EventBridge; a sequencer and a request's id are not compared."""
    for event in events:
        event |= {"version": "0", "id": "<uuid>"}
        if "sequencer" in event["detail"]["object"]:
            event["detail"]["object"]["sequencer"] = "object-sequencer"
        event["detail"]["request-id"] = "request-id"
    return events


def recorded(case: Recorded, label: str, found: Any) -> None:
    """Ids of EventBridge's own apart; dates are words in the recording."""
    case._apart |= {"id", "time"}
    case.is_as(label, found)


def test_eventbridge_is_told_as_it_is_recorded(s3: Any, bucket: str, heard: Heard) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"data")
    s3.delete_object(Bucket=bucket, Key="k")
    created, deleted = as_recorded(heard.events())
    with Recorded("s3", "TestS3NotificationsToEventBridge::test_object_created_put") as case:
        recorded(
            case,
            "object_created",
            created
            | {"detail": created["detail"] | {"object": created["detail"]["object"] | {"etag": "8d777f385d3dfec8815d20f7496026dc"}}},
        )
        recorded(case, "object_deleted", deleted)


def test_a_versioned_bucket_tells_of_versions_and_of_markers(s3: Any, versioned: str, heard: Heard) -> None:
    at = {"Bucket": versioned, "Key": "k"}
    first = s3.put_object(Body=b"1", **at)["VersionId"]
    marker = s3.delete_object(**at)["VersionId"]
    s3.delete_object(VersionId=marker, **at)
    s3.delete_object(VersionId=first, **at)
    told = heard.events()
    assert [event["detail"]["object"]["version-id"] for event in told] == [first, marker, marker, first]
    kinds = ["PutObject", "Delete Marker Created", "Permanently Deleted", "Permanently Deleted"]
    assert [event["detail"].get("deletion-type") or event["detail"]["reason"] for event in told] == kinds
    sequence = [event["detail"]["object"]["sequencer"] for event in told]
    assert sequence == sorted(set(sequence)), "the order of a key's events can be told"


def test_versions_are_told_as_they_are_recorded(s3: Any, versioned: str, heard: Heard) -> None:
    """The recording has the later of its two lists of messages twice."""
    at = {"Bucket": versioned, "Key": "k"}
    apart = ("ETag", "ChecksumCRC32", "etag", "size")
    with Recorded("s3", "TestS3NotificationsToEventBridge::test_object_created_put_versioned", apart=apart) as case:
        first = case.answers("obj-ver1", s3.put_object, Body=b"data", **at)["VersionId"]
        case.answers("obj-ver2", s3.put_object, Body=b"data-version2", **at)
        marker = case.answers("delete-marker", s3.delete_object, **at)["VersionId"]
        case.answers("delete-version", s3.delete_object, VersionId=first, **at)
        heard.events()
        s3.put_bucket_versioning(Bucket=versioned, VersioningConfiguration={"Status": "Suspended"})
        case.answers("add-null-version", s3.put_object, Body=b"data-version3", **at)
        case.answers("del-delete-marker", s3.delete_object, VersionId=marker, **at)
        told = as_recorded(heard.events())
        for label in ("active", "suspended"):
            recorded(case, f"message-versioning-{label}", told)


def test_all_that_happens_to_an_object_is_told(s3: Any, bucket: str, heard: Heard) -> None:
    at = {"Bucket": bucket, "Key": "k"}
    s3.put_object(Body=b"1", **at)
    s3.copy_object(Bucket=bucket, Key="copy", CopySource=at)
    upload = s3.create_multipart_upload(Bucket=bucket, Key="parts")["UploadId"]
    of = {"Bucket": bucket, "Key": "parts", "UploadId": upload}
    etag = s3.upload_part(PartNumber=1, Body=b"x", **of)["ETag"]
    s3.complete_multipart_upload(MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": etag}]}, **of)
    s3.put_object_tagging(Tagging={"TagSet": [{"Key": "a", "Value": "b"}]}, **at)
    s3.delete_object_tagging(**at)
    s3.delete_public_access_block(Bucket=bucket)
    s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]})
    s3.put_object_acl(ACL="authenticated-read", **at)
    s3.put_object_acl(ACL="authenticated-read", **at)
    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "k"}, {"Key": "absent"}]})
    assert heard.kinds() == [
        ("Object Created", "k", "PutObject"),
        ("Object Created", "copy", "CopyObject"),
        ("Object Created", "parts", "CompleteMultipartUpload"),
        ("Object Tags Added", "k", ""),
        ("Object Tags Deleted", "k", ""),
        ("Object ACL Updated", "k", ""),
        ("Object Deleted", "k", "Permanently Deleted"),
    ]
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
    s3.put_object(Body=b"1", **at)
    assert heard.kinds() == []


# -- functions -------------------------------------------------------------------------------------------------------------

TELLS = """
import json
def handler(event, context):
    print("HEARD", json.dumps(event))
"""


@pytest.fixture
def told(aws: Any, s3: Any, bucket: str, new_function: Callable[..., str], let_in: Callable[[str], None]) -> Told:
    """Asks what a function was told of the bucket, once it was told so much."""
    function = new_function(TELLS, allow("logs:*"))
    let_in(bucket)
    asked = {"LambdaFunctionArn": function, "Id": "all", "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*", "s3:ObjectTagging:Put"]}
    asked["Filter"] = {"Key": {"FilterRules": [{"Name": "prefix", "Value": "in/"}]}}
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"LambdaFunctionConfigurations": [asked]})
    logs = aws.client("logs")

    def heard(count: int) -> list[dict[str, Any]]:
        found: list[str] = []
        for _ in range(200):
            time.sleep(0.05)
            if logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/told")["logGroups"]:
                events = logs.filter_log_events(logGroupName="/aws/lambda/told")["events"]
                found = [event["message"] for event in events if event["message"].startswith("HEARD")]
            if len(found) >= count:
                break
        records = [json.loads(line.removeprefix("HEARD"))["Records"][0] for line in found]
        return sorted(records, key=lambda record: (record["eventTime"], record["eventName"]))

    return heard


def as_in_queue(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    for record in records:
        if "sequencer" in record["s3"]["object"]:
            record["s3"]["object"]["sequencer"] = "sequencer"
        record["responseElements"] = {"x-amz-id-2": "amz-id", "x-amz-request-id": "amz-request-id"}
        record["eventTime"] = "date"
    return records


def test_a_function_is_told_of_what_its_rule_names(aws: Any, s3: Any, bucket: str, told: Told) -> None:
    at = {"Bucket": bucket, "Key": "in/a@b c"}
    s3.put_object(Bucket=bucket, Key="out/k", Body=b"other")
    written = s3.put_object(Body=b"test data", **at)
    s3.put_object_tagging(Tagging={"TagSet": []}, **at)
    s3.delete_object(**at)
    records = {record["eventName"]: record for record in told(3)}
    assert set(records) == {"ObjectCreated:Put", "ObjectTagging:Put", "ObjectRemoved:Delete"}
    created, removed = records["ObjectCreated:Put"]["s3"]["object"], records["ObjectRemoved:Delete"]["s3"]["object"]
    assert (created["key"], created["size"], created["eTag"]) == ("in/a%40b+c", 9, written["ETag"].strip('"'))
    assert created["sequencer"] < removed["sequencer"]
    assert records["ObjectCreated:Put"]["userIdentity"] == {"principalId": f"AWS:{aws.account}"}
    like = {"key": "a%40b", "eTag": "437b930db84b8079c2dd804a71936b5f"}
    (put,) = as_in_queue([records["ObjectCreated:Put"]])
    put["s3"]["object"] |= like
    with Recorded("s3", "TestS3NotificationsToSQS::test_key_encoding") as case:
        case.is_as("receive_messages", {"messages": [put]})
    (tagged,) = as_in_queue([records["ObjectTagging:Put"]])
    tagged["s3"]["object"]["eTag"] = "f3e6da48d914f3f04f6bd9cb092c044d"
    with Recorded("s3", "TestS3NotificationsToSQS::test_object_tagging_put_event") as case:
        case.is_as("receive_messages", {"messages": [tagged]})


def test_a_function_that_cannot_be_told_is_told_later(
    aws: Any, s3: Any, bucket: str, server: Any, let_in: Callable[[str], None], told: Told
) -> None:
    """At least once, as S3 promises: what is owed stands in the store until Lambda has taken it."""
    functions = aws.client("lambda")
    functions.remove_permission(FunctionName="told", StatementId="s3")
    s3.put_object(Bucket=bucket, Key="in/k", Body=b"x")

    async def owed() -> list[Any]:
        return [one for one in server.home.store.scan(OWED) if one.tag == "s3/event-due/1" and bucket in one.key[4] and one.attempts]

    for _ in range(100):
        if found := server.call(owed()):
            break
        time.sleep(0.02)
    assert "AccessDenied" in found[0].last_error
    let_in(bucket)
    assert [record["eventName"] for record in told(1)] == ["ObjectCreated:Put"]


def test_a_rule_of_eventbridge_hears_of_objects(aws: Any, s3: Any, bucket: str, told: Told) -> None:
    """From the bucket to the target of a rule, with an input transformer that makes of it what the function shows."""
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}})
    events, functions = aws.client("events"), aws.client("lambda")
    wanted = {"source": ["aws.s3"], "detail-type": ["Object Created"], "detail": {"object": {"key": [{"prefix": "in/"}]}}}
    arn = events.put_rule(Name="created", EventPattern=json.dumps(wanted))["RuleArn"]
    permission = {"Action": "lambda:InvokeFunction", "Principal": "events.amazonaws.com", "SourceArn": arn}
    functions.add_permission(FunctionName="told", StatementId="events", **permission)
    target = functions.get_function(FunctionName="told")["Configuration"]["FunctionArn"]
    paths = {"key": "$.detail.object.key", "time": "$.time"}
    shown = '{"Records": [{"eventName": "bridged", "eventTime": <time>, "key": <key>}]}'
    transformer = {"InputPathsMap": paths, "InputTemplate": shown}
    events.put_targets(Rule="created", Targets=[{"Id": "f", "Arn": target, "InputTransformer": transformer}])
    for key in ("out/k", "in/k"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    assert [record["key"] for record in told(1)] == ["in/k"]
