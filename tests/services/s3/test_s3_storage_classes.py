"""Storage classes: what is archived, how it is restored, how lifecycle rules move objects. Truth: "Restoring an archived object",
"Understanding archive retrieval options" and "Transitioning objects" of the user guide, the error table of the API reference, and
TestS3NotificationsToSQS::test_restore_object for the events.
"""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import requests

pytestmark = pytest.mark.http  # statuses are compared
BIG = b"x" * (128 * 1024)
READABLE = ("STANDARD", "STANDARD_IA", "GLACIER_IR")


def put(s3: Any, bucket: str, storage_class: str, body: bytes = b"cold") -> dict[str, str]:
    s3.put_object(Bucket=bucket, Key="k", Body=body, StorageClass=storage_class)
    return {"Bucket": bucket, "Key": "k"}


def restore(s3: Any, at: dict[str, str], days: int = 1, tier: str | None = None, **more: Any) -> int:
    parameters = {"GlacierJobParameters": {"Tier": tier}} if tier else {}
    status: int = s3.restore_object(RestoreRequest={"Days": days, **parameters}, **at, **more)["ResponseMetadata"]["HTTPStatusCode"]
    return status


def eventually(look: Callable[[], Any], expected: Any) -> None:
    """A job runs behind the Clock's move."""
    for _ in range(200):
        if look() == expected:
            return
        time.sleep(0.02)
    assert look() == expected


@pytest.mark.parametrize(
    ("storage_class", "tier", "hours"),
    [("GLACIER", None, 3), ("GLACIER", "Bulk", 5), ("DEEP_ARCHIVE", "Standard", 12), ("DEEP_ARCHIVE", "Bulk", 48)],
)
def test_a_restore_takes_its_hours(
    s3: Any, bucket: str, clock: Any, refused: Any, storage_class: str, tier: str | None, hours: int
) -> None:
    at = put(s3, bucket, storage_class)
    with refused("InvalidObjectState"):
        s3.get_object(**at)
    assert restore(s3, at, 2, tier) == 202
    assert s3.head_object(**at)["Restore"] == 'ongoing-request="true"'
    with refused("RestoreAlreadyInProgress"):
        restore(s3, at)
    clock.advance(timedelta(hours=hours) - timedelta(minutes=1))
    with refused("InvalidObjectState"):
        s3.get_object(**at)
    clock.advance(timedelta(minutes=2))
    found = s3.get_object(**at)
    assert (found["Body"].read(), found["StorageClass"]) == (b"cold", storage_class)
    assert found["Restore"].startswith('ongoing-request="false", expiry-date="')
    assert found["Restore"].endswith(' 00:00:00 GMT"')
    s3.copy_object(Bucket=bucket, Key="copy", CopySource=at)
    clock.advance(timedelta(days=3))
    with refused("InvalidObjectState"):
        s3.get_object(**at)
    with refused("InvalidObjectState"):
        s3.copy_object(Bucket=bucket, Key="copy", CopySource=at)
    assert "Restore" not in s3.head_object(**at)


def test_listings_tell_of_restores_to_who_asks(s3: Any, bucket: str) -> None:
    """Source: ListObjectsV2, OptionalObjectAttributes."""
    at = put(s3, bucket, "GLACIER")
    s3.put_object(Bucket=bucket, Key="warm", Body=b"x")

    def told() -> list[Any]:
        found = s3.list_objects_v2(Bucket=bucket, OptionalObjectAttributes=["RestoreStatus"])["Contents"]
        assert "RestoreStatus" not in s3.list_objects_v2(Bucket=bucket)["Contents"][0]
        return [one.get("RestoreStatus") for one in found]

    assert told() == [None, None]
    restore(s3, at, 1, "Expedited")
    status, none = told()
    assert (status["IsRestoreInProgress"], none) == (False, None)
    assert status["RestoreExpiryDate"].hour == 0


def test_what_is_archived_is_not_read_in_place(aws: Any, s3: Any, bucket: str) -> None:
    """Engines of the house ask for a path; of what is archived they get none."""
    url = s3.generate_presigned_url("head_object", put(s3, bucket, "GLACIER"))
    assert "x-headwater-file" not in requests.head(url, headers={"x-headwater-in-place": "1"}, timeout=10).headers
    url = s3.generate_presigned_url("head_object", put(s3, bucket, "STANDARD_IA"))
    assert "x-headwater-file" in requests.head(url, headers={"x-headwater-in-place": "1"}, timeout=10).headers


def test_what_is_restored_can_be_kept_longer(s3: Any, bucket: str, clock: Any) -> None:
    at = put(s3, bucket, "GLACIER")
    assert restore(s3, at, 1, "Expedited") == 202
    first = s3.head_object(**at)["Restore"]
    assert restore(s3, at, 5) == 200
    assert s3.head_object(**at)["Restore"] != first
    clock.advance(timedelta(days=4))
    assert s3.get_object(**at)["Body"].read() == b"cold"


@pytest.mark.parametrize("storage_class", READABLE)
def test_what_is_not_archived_is_not_restored(s3: Any, bucket: str, refused: Any, storage_class: str) -> None:
    at = put(s3, bucket, storage_class)
    with refused("InvalidObjectState", "Restore is not allowed for the object's current storage class") as caught:
        restore(s3, at)
    assert caught.value.response["Error"]["StorageClass"] == storage_class
    assert s3.get_object(**at)["Body"].read() == b"cold"


def test_restores_that_cannot_be(s3: Any, bucket: str, refused: Any) -> None:
    at = put(s3, bucket, "DEEP_ARCHIVE")
    with refused("InvalidArgument", "Retrieval option is not supported by this storage class"):
        restore(s3, at, 1, "Expedited")
    with refused("MalformedXML"):
        s3.restore_object(RestoreRequest={}, **at)
    with refused("InvalidArgument"):
        restore(s3, at, 0)
    with refused("NoSuchKey"):
        restore(s3, at | {"Key": "never"})


def test_the_older_version_is_restored(s3: Any, versioned: str, refused: Any) -> None:
    at = put(s3, versioned, "GLACIER")
    old = s3.head_object(**at)["VersionId"]
    s3.put_object(Body=b"new", **at)
    assert restore(s3, at, 1, "Expedited", VersionId=old) == 202
    assert s3.get_object(VersionId=old, **at)["Body"].read() == b"cold"


def test_rules_move_objects_to_where_it_is_colder(s3: Any, bucket: str, clock: Any) -> None:
    transitions = [{"Days": 30, "StorageClass": "STANDARD_IA"}, {"Days": 60, "StorageClass": "GLACIER"}]
    rule = {"ID": "colder", "Status": "Enabled", "Filter": {}, "Transitions": transitions, "Expiration": {"Days": 90}}
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": [rule]})
    assert s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"] == [rule]
    s3.put_object(Bucket=bucket, Key="big", Body=BIG)
    s3.put_object(Bucket=bucket, Key="small", Body=b"x")
    s3.put_object(Bucket=bucket, Key="already", Body=BIG, StorageClass="DEEP_ARCHIVE")

    def classes() -> dict[str, str]:
        return {one["Key"]: one["StorageClass"] for one in s3.list_objects_v2(Bucket=bucket).get("Contents", [])}

    for days, of_big in ((29, "STANDARD"), (3, "STANDARD_IA"), (30, "GLACIER")):
        clock.advance(timedelta(days=days))
        eventually(classes, {"big": of_big, "small": "STANDARD", "already": "DEEP_ARCHIVE"})
    clock.advance(timedelta(days=30))
    eventually(classes, {})


def test_a_rule_that_names_sizes_moves_small_ones_too(s3: Any, versioned: str, clock: Any) -> None:
    rule = {
        "ID": "small",
        "Status": "Enabled",
        "Filter": {"ObjectSizeGreaterThan": 0},
        "NoncurrentVersionTransitions": [{"NoncurrentDays": 1, "StorageClass": "GLACIER"}],
        "Transitions": [{"Days": 0, "StorageClass": "GLACIER_IR"}],
    }
    s3.put_bucket_lifecycle_configuration(Bucket=versioned, LifecycleConfiguration={"Rules": [rule]})
    for body in (b"old", b"new"):
        s3.put_object(Bucket=versioned, Key="k", Body=body)
    clock.advance(timedelta(days=2))

    def classes() -> list[str]:
        return [one["StorageClass"] for one in s3.list_object_versions(Bucket=versioned)["Versions"]]

    eventually(classes, ["GLACIER_IR", "GLACIER"])


def test_what_is_stored_elsewhere_is_told(server: Any, s3: Any, bucket: str, clock: Any) -> None:
    told: list[dict[str, Any]] = []

    async def listen(begin: bool) -> None:
        (server.home.bus.subscribe if begin else server.home.bus.unsubscribe)("event", told.extend)

    server.call(listen(True))
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}})
    restore(s3, put(s3, bucket, "GLACIER"), 1, "Standard")
    clock.advance(timedelta(hours=4))

    def kinds() -> list[str]:
        async def deliver() -> None:
            server.home.bus.deliver()

        server.call(deliver())
        return [event["detail-type"] for event in told if event["resources"] == [f"arn:aws:s3:::{bucket}"]]

    begun = ["Object Created", "Object Restore Initiated", "Object Restore Completed"]
    eventually(kinds, begun)
    completed = next(event["detail"] for event in told if event["detail-type"] == "Object Restore Completed")
    assert completed["source-storage-class"] == "GLACIER"
    assert completed["restore-expiry-time"].endswith("T00:00:00Z")
    clock.advance(timedelta(days=2))
    eventually(kinds, [*begun, "Object Restore Expired"])
    server.call(listen(False))
