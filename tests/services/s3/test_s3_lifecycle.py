"""Lifecycle rules: what they are, and what ends by them when the Clock passes. Truth: recorded answers of AWS where a case is named,
else "Lifecycle configuration elements" and "Expiring objects" of the S3 user guide and the API reference of
PutBucketLifecycleConfiguration.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.services.s3.expiry import after_days
from recorded import Recorded

DAY = timedelta(days=1)


def rule(**members: Any) -> dict[str, Any]:
    return {"ID": "rule", "Status": "Enabled", "Filter": {}} | members


def put(s3: Any, bucket: str, *rules: dict[str, Any]) -> Any:
    return s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": list(rules)})


def keys(s3: Any, bucket: str) -> list[str]:
    return [one["Key"] for one in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]


def versions(s3: Any, bucket: str) -> list[tuple[str, str]]:
    found = s3.list_object_versions(Bucket=bucket)
    kinds = [("version", one) for one in found.get("Versions", [])] + [("marker", one) for one in found.get("DeleteMarkers", [])]
    return sorted((kind, one["Key"]) for kind, one in kinds)


def eventually(look: Callable[[], Any], expected: Any) -> None:
    """A round is made behind the Clock's move."""
    for _ in range(200):
        if look() == expected:
            return
        time.sleep(0.02)
    assert look() == expected


@given(st.integers(0, 10**15), st.integers(1, 500))
def test_an_end_is_the_first_midnight_that_is_not_too_early(microseconds: int, days: int) -> None:
    made = datetime(2000, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
    end = after_days(made, days)
    assert (end.hour, end.minute, end.second, end.microsecond) == (0, 0, 0, 0)
    assert timedelta(0) <= end - (made + days * DAY) < DAY


def test_rules_are_kept_as_they_were_put(s3: Any, bucket: str, refused: Any) -> None:
    at = datetime(2040, 1, 1, tzinfo=UTC)
    rules = [
        rule(ID="days", Expiration={"Days": 7}),
        rule(ID="date", Filter={"Prefix": "in/"}, Expiration={"Date": at}, Status="Disabled"),
        rule(ID="old", Filter={"And": {"Prefix": "a", "Tags": [{"Key": "k", "Value": "v"}], "ObjectSizeGreaterThan": 5}})
        | {"NoncurrentVersionExpiration": {"NoncurrentDays": 3, "NewerNoncurrentVersions": 2}},
        rule(ID="markers", Expiration={"ExpiredObjectDeleteMarker": True}, AbortIncompleteMultipartUpload={"DaysAfterInitiation": 2}),
    ]
    assert put(s3, bucket, *rules)["TransitionDefaultMinimumObjectSize"] == "all_storage_classes_128K"
    found = s3.get_bucket_lifecycle_configuration(Bucket=bucket)
    assert found["Rules"] == rules
    assert found["TransitionDefaultMinimumObjectSize"] == "all_storage_classes_128K"
    unnamed = {"Status": "Enabled", "Prefix": "logs/", "Expiration": {"Days": 1}}
    put(s3, bucket, unnamed)
    (only,) = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    assert only == unnamed | {"ID": only["ID"]}
    s3.delete_bucket_lifecycle(Bucket=bucket)
    with refused("NoSuchLifecycleConfiguration"):
        s3.get_bucket_lifecycle_configuration(Bucket=bucket)


REFUSED = {
    "no rules": ("MalformedXML", []),
    "no action": ("InvalidRequest", [rule()]),
    "no day": ("InvalidArgument", [rule(Expiration={"Days": 0})]),
    "noon": ("InvalidArgument", [rule(Expiration={"Date": datetime(2040, 1, 1, 12, tzinfo=UTC)})]),
    "days and a date": ("MalformedXML", [rule(Expiration={"Days": 1, "Date": datetime(2040, 1, 1, tzinfo=UTC)})]),
    "the same id twice": ("InvalidArgument", [rule(Expiration={"Days": 1}), rule(Expiration={"Days": 2})]),
    "a long id": ("InvalidArgument", [rule(ID="x" * 256, Expiration={"Days": 1})]),
    "two filters": ("MalformedXML", [rule(Filter={"Prefix": "a", "ObjectSizeLessThan": 9}, Expiration={"Days": 1})]),
    "a prefix beside a filter": ("MalformedXML", [rule(Prefix="a", Expiration={"Days": 1})]),
    "an And of one": ("MalformedXML", [rule(Filter={"And": {"Prefix": "a"}}, Expiration={"Days": 1})]),
    "uploads with tags": (
        "InvalidRequest",
        [rule(Filter={"Tag": {"Key": "k", "Value": "v"}}, AbortIncompleteMultipartUpload={"DaysAfterInitiation": 1})],
    ),
    "101 versions": ("InvalidArgument", [rule(NoncurrentVersionExpiration={"NoncurrentDays": 1, "NewerNoncurrentVersions": 101})]),
    "versions that are not old": ("InvalidArgument", [rule(NoncurrentVersionExpiration={"NoncurrentDays": 0})]),
    "a transition to nowhere": ("MalformedXML", [rule(Transitions=[{"Days": 1, "StorageClass": "STANDARD"}])]),
    "a transition without a time": ("MalformedXML", [rule(Transitions=[{"StorageClass": "GLACIER"}])]),
    "a transition before the past": ("InvalidArgument", [rule(Transitions=[{"Days": -1, "StorageClass": "GLACIER"}])]),
    "a transition to what is cheap too early": ("InvalidArgument", [rule(Transitions=[{"Days": 29, "StorageClass": "STANDARD_IA"}])]),
    "a transition behind the end": (
        "InvalidArgument",
        [rule(Transitions=[{"Days": 9, "StorageClass": "GLACIER"}], Expiration={"Days": 9})],
    ),
    "transitions by days and by dates": (
        "InvalidRequest",
        [rule(Transitions=[{"Days": 9, "StorageClass": "GLACIER"}], Expiration={"Date": datetime(2040, 1, 1, tzinfo=UTC)})],
    ),
    "two transitions to one class": (
        "InvalidRequest",
        [rule(Transitions=[{"Days": 9, "StorageClass": "GLACIER"}, {"Days": 10, "StorageClass": "GLACIER"}])],
    ),
    "an old version's transition without days": ("MalformedXML", [rule(NoncurrentVersionTransitions=[{"StorageClass": "GLACIER"}])]),
}


@pytest.mark.parametrize(("code", "rules"), REFUSED.values(), ids=REFUSED)
def test_rules_that_s3_does_not_take(s3: Any, bucket: str, refused: Any, code: str, rules: list[dict[str, Any]]) -> None:
    with refused(code):
        put(s3, bucket, *rules)
    with refused("NoSuchLifecycleConfiguration"):
        s3.get_bucket_lifecycle_configuration(Bucket=bucket)


def test_objects_end_by_their_age_prefix_size_and_tags(s3: Any, bucket: str, clock: Any) -> None:
    tagged = {"Filter": {"And": {"Tags": [{"Key": "keep", "Value": "no"}], "ObjectSizeGreaterThan": 3}}}
    put(s3, bucket, rule(Filter={"Prefix": "logs/"}, Expiration={"Days": 3}), rule(ID="tagged", **tagged, Expiration={"Days": 1}))
    s3.put_object(Bucket=bucket, Key="logs/a", Body=b"x" * 100_000)
    s3.put_object(Bucket=bucket, Key="other", Body=b"x")
    s3.put_object(Bucket=bucket, Key="tagged", Body=b"xxxx", Tagging="keep=no")
    s3.put_object(Bucket=bucket, Key="tagged-small", Body=b"x", Tagging="keep=no")
    clock.advance(2 * DAY)
    eventually(lambda: keys(s3, bucket), ["logs/a", "other", "tagged-small"])
    s3.put_object(Bucket=bucket, Key="logs/b", Body=b"x")
    clock.advance(2 * DAY)
    eventually(lambda: keys(s3, bucket), ["logs/b", "other", "tagged-small"])
    clock.advance(60 * DAY)
    eventually(lambda: keys(s3, bucket), ["other", "tagged-small"])


def test_a_rule_that_is_taken_away_ends_nothing(s3: Any, bucket: str, clock: Any) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    put(s3, bucket, rule(Expiration={"Days": 1}, Status="Disabled"))
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    clock.advance(3 * DAY)
    time.sleep(0.1)
    assert keys(s3, bucket) == ["k"]


def test_versions_end_one_after_the_other(s3: Any, versioned: str, clock: Any) -> None:
    """The newest is hidden by a marker, old ones go, and at last the marker, which hides nothing any more."""
    put(s3, versioned, rule(Expiration={"Days": 1}, NoncurrentVersionExpiration={"NoncurrentDays": 2}))
    s3.put_object(Bucket=versioned, Key="k", Body=b"1")
    s3.put_object(Bucket=versioned, Key="k", Body=b"2")
    clock.advance(2 * DAY)
    eventually(lambda: versions(s3, versioned), [("marker", "k"), ("version", "k"), ("version", "k")])
    clock.advance(DAY)
    eventually(lambda: versions(s3, versioned), [("marker", "k"), ("version", "k")])
    clock.advance(4 * DAY)
    eventually(lambda: versions(s3, versioned), [])


def test_the_newest_of_the_old_versions_may_stay(s3: Any, versioned: str, clock: Any) -> None:
    put(s3, versioned, rule(NoncurrentVersionExpiration={"NoncurrentDays": 1, "NewerNoncurrentVersions": 2}))
    made = [s3.put_object(Bucket=versioned, Key="k", Body=b"x")["VersionId"] for _ in range(5)]
    clock.advance(3 * DAY)

    def left() -> list[str]:
        return [one["VersionId"] for one in s3.list_object_versions(Bucket=versioned).get("Versions", [])]

    eventually(left, made[:1:-1])


def test_forgotten_uploads_are_aborted(s3: Any, bucket: str, clock: Any) -> None:
    put(s3, bucket, rule(AbortIncompleteMultipartUpload={"DaysAfterInitiation": 2}))
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    s3.upload_part(Bucket=bucket, Key="k", UploadId=upload, PartNumber=1, Body=b"x" * 100)
    clock.advance(DAY)
    assert len(s3.list_multipart_uploads(Bucket=bucket)["Uploads"]) == 1
    clock.advance(3 * DAY)
    eventually(lambda: s3.list_multipart_uploads(Bucket=bucket).get("Uploads"), None)


@pytest.mark.http
def test_ends_are_told(s3: Any, bucket: str, server: Any, clock: Any) -> None:
    """Truth: "Object Deleted (Lifecycle expiration)" of "Using EventBridge"."""
    told: list[dict[str, Any]] = []

    async def listen() -> None:
        server.home.bus.subscribe("event", told.extend)

    async def unlisten() -> None:
        server.home.bus.unsubscribe("event", told.extend)

    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}})
    put(s3, bucket, rule(Expiration={"Days": 1}))
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    server.call(listen())
    clock.advance(2 * DAY)

    def deletions() -> list[dict[str, Any]]:  # of this bucket: the putting may still be on its way when we begin to listen
        return [one["detail"] for one in told if one["detail-type"] == "Object Deleted" and bucket in one["resources"][0]]

    eventually(lambda: [one["reason"] for one in deletions()], ["Lifecycle Expiration"])
    server.call(unlisten())
    assert deletions()[0]["requester"] == "s3.amazonaws.com"


@pytest.mark.http
def test_an_object_says_when_it_ends(s3: Any, versioned: str) -> None:
    conditions = rule(ID="rule2", Expiration={"Days": 7}, NoncurrentVersionExpiration={"NoncurrentDays": 1})
    put(s3, versioned, conditions)
    at = {"Bucket": versioned, "Key": "k"}
    with Recorded(
        "s3", "TestS3BucketLifecycle::test_bucket_lifecycle_configuration_object_expiry_versioned", apart=("Expiration",)
    ) as case:
        case.answers("get-bucket-lifecycle-conf", s3.get_bucket_lifecycle_configuration, Bucket=versioned)
        first = s3.put_object(Body="test", **at)
        said = case.answers("head-object-expiry", s3.head_object, **at)["Expiration"]
        second = s3.put_object(Body="test", **at)
        case.answers("head-object-expiry-noncurrent", s3.head_object, VersionId=first["VersionId"], **at)
        case.answers("head-object-expiry-current-with-version-id", s3.head_object, VersionId=second["VersionId"], **at)
        case.answers("head-object-expiry-current-without-version-id", s3.head_object, **at)
    made = s3.head_object(**at)["LastModified"]
    assert said == f'expiry-date="{after_days(made, 7):%a, %d %b %Y} 00:00:00 GMT", rule-id="rule2"'
    assert "Expiration" not in s3.head_object(VersionId=second["VersionId"], **at)
    assert s3.get_object(**at)["Expiration"] == second["Expiration"]


@pytest.mark.http
def test_of_several_rules_the_earliest_end_is_told(s3: Any, bucket: str) -> None:
    ends = {"rule_one": 7, "rule_two": 1, "rule_three": 3}
    prefixes = {"rule_one": "testobject", "rule_two": "test", "rule_three": "t"}
    put(s3, bucket, *(rule(ID=name, Filter={"Prefix": prefixes[name]}, Expiration={"Days": days}) for name, days in ends.items()))
    with Recorded("s3", "TestS3BucketLifecycle::test_bucket_lifecycle_multiple_rules", apart=("Expiration",)) as case:
        case.answers("get-bucket-lifecycle-conf", s3.get_bucket_lifecycle_configuration, Bucket=bucket)
        both = case.answers("put-object-match-both-rules", s3.put_object, Bucket=bucket, Key="testobject-1", Body="test")
        second = case.answers("put-object-match-rule-2", s3.put_object, Bucket=bucket, Key="test-1", Body="test")
        case.answers("put-object-no-match", s3.put_object, Bucket=bucket, Key="no-match", Body="test")
    assert 'rule-id="rule_two"' in both["Expiration"]
    assert both["Expiration"] == second["Expiration"]


@pytest.mark.http
def test_rules_about_markers_say_nothing_of_objects_and_end_with_the_bucket(s3: Any, bucket: str) -> None:
    put(s3, bucket, rule(ID="rule-marker", Expiration={"ExpiredObjectDeleteMarker": True}))
    with Recorded("s3", "TestS3BucketLifecycle::test_lifecycle_expired_object_delete_marker", apart=("Expiration",)) as case:
        case.answers("get-bucket-lifecycle-conf", s3.get_bucket_lifecycle_configuration, Bucket=bucket)
        case.answers("put-object", s3.put_object, Bucket=bucket, Key="k", Body="test")
        case.answers("head-object", s3.head_object, Bucket=bucket, Key="k")
    s3.delete_object(Bucket=bucket, Key="k")
    put(s3, bucket, rule(ID="wholebucket", Filter={"Prefix": ""}, Expiration={"Days": 7}))
    with Recorded("s3", "TestS3BucketLifecycle::test_delete_lifecycle_configuration_on_bucket_deletion") as case:
        case.answers("get-bucket-lifecycle-conf", s3.get_bucket_lifecycle_configuration, Bucket=bucket)
        s3.delete_bucket(Bucket=bucket)
        s3.create_bucket(Bucket=bucket)
        case.answers("get-bucket-lifecycle-exc", s3.get_bucket_lifecycle_configuration, Bucket=bucket)
