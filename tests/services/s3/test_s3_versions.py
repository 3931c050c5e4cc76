"""Versions. Truth: "Using versioning in S3 buckets" in the user guide, and recorded answers of AWS
(test_delete_objects_versioned, TestS3ObjectLockRetention::test_object_lock_delete_markers, TestS3ListObjectVersions)."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.services.s3 import succession
from headwater.services.s3.ordering import Orders, is_version_id, version_id
from headwater.services.s3.records import NULL, ObjectVersion

# -- the rule, against a naive model ---------------------------------------------------------------------------------------

NOW = datetime(2026, 1, 1, tzinfo=UTC)
STEPS = st.lists(st.tuples(st.sampled_from(["put", "delete", "delete version", "Enabled", "Suspended"]), st.integers(0, 5)), max_size=30)


class Shelf:
    """What the keeper does, on two dicts."""

    def __init__(self) -> None:
        self.newest: ObjectVersion | None = None
        self.older: dict[str, ObjectVersion] = {}
        self.dropped: list[str] = []

    def apply(self, change: succession.Change) -> None:
        for version in change.older_gone:
            del self.older[version.order]
        for version in change.older:
            assert version.order not in self.older
            self.older[version.order] = version
        if change.newest is not None:
            self.newest = change.newest
        if change.newest_gone is not None:
            self.newest = None
        self.dropped += [version.order for version in change.dropped]

    def all(self) -> list[ObjectVersion]:
        return [*([self.newest] if self.newest else []), *(self.older[order] for order in sorted(self.older))]


@given(STEPS)
def test_after_any_history_the_versions_are_those_of_the_naive_model(steps: list[tuple[str, int]]) -> None:
    shelf, model, orders, versioning = Shelf(), list[tuple[str, str]](), Orders(0), ""
    made = 0
    for step, number in steps:
        if step in {"Enabled", "Suspended"}:
            versioning = step
        elif step == "delete version":
            found = shelf.all()
            if number < len(found):
                gone = found[number]
                assert shelf.newest is not None
                following = found[1] if len(found) > 1 else None
                shelf.apply(succession.removed(gone, shelf.newest, following if number == 0 else None))
                del model[number]
        elif step == "delete" and not versioning:
            if shelf.newest is not None:
                shelf.apply(succession.Change(newest_gone=shelf.newest, dropped=[shelf.newest]))
            model = []
        else:
            order = orders.next()
            made += 1
            name = version_id(order) if versioning == "Enabled" else NULL
            new = ObjectVersion(bucket="b", key="k", order=order, version_id=name, modified_at=NOW, marker=step == "delete")
            old_null = shelf.older.get(shelf.newest.null_order) if shelf.newest is not None and name == NULL else None
            shelf.apply(succession.written(versioning, new, shelf.newest, old_null))
            kept = [version for version in model if name != NULL or version[1] != NULL]
            model = [(order, name), *kept]
        assert [(version.order, version.version_id) for version in shelf.all()] == model
        pointer = [version.order for version in shelf.all()[1:] if version.version_id == NULL]
        assert [shelf.newest.null_order] == (pointer or [""]) if shelf.newest is not None else not pointer
    assert len(shelf.dropped) == len(set(shelf.dropped)) == made - len(model)


@given(st.integers(0, 2**62), st.integers(0, 2**62))
def test_each_order_sorts_before_those_before_it_whatever_the_clock_does(first_life: int, second_life: int) -> None:
    orders = Orders(first_life)
    given_out = [orders.next() for _ in range(5)]
    assert given_out == sorted(set(given_out), reverse=True)
    again = Orders(second_life).next(before=given_out[-1])
    assert again < given_out[-1]
    assert is_version_id(version_id(again))


# -- over the wire ---------------------------------------------------------------------------------------------------------


def put(s3: Any, bucket: str, body: bytes, key: str = "k") -> str:
    name: str = s3.put_object(Bucket=bucket, Key=key, Body=body)["VersionId"]
    return name


def read(s3: Any, bucket: str, version: str | None = None) -> bytes:
    body: bytes = s3.get_object(Bucket=bucket, Key="k", **({"VersionId": version} if version else {}))["Body"].read()
    return body


def history(s3: Any, bucket: str) -> list[tuple[str, bool]]:
    """(version id, is latest) of all versions and markers, newest first."""
    answer = s3.list_object_versions(Bucket=bucket)
    found = answer.get("Versions", []) + answer.get("DeleteMarkers", [])
    return sorted(((one["VersionId"], one["IsLatest"]) for one in found), key=lambda one: not one[1])


def test_every_put_is_a_version_that_stays(s3: Any, versioned: str) -> None:
    first, second = put(s3, versioned, b"first"), put(s3, versioned, b"x" * 50_000)
    assert read(s3, versioned) == b"x" * 50_000
    assert read(s3, versioned, first) == b"first"
    assert s3.head_object(Bucket=versioned, Key="k", VersionId=first)["ContentLength"] == 5
    answer = s3.list_object_versions(Bucket=versioned)
    assert [(one["VersionId"], one["IsLatest"], one["Size"]) for one in answer["Versions"]] == [(second, True, 50_000), (first, False, 5)]


def test_what_was_there_before_versioning_is_the_null_version(s3: Any, bucket: str) -> None:
    assert "VersionId" not in s3.put_object(Bucket=bucket, Key="k", Body=b"before")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    put(s3, bucket, b"after")
    assert read(s3, bucket, "null") == b"before"


@pytest.mark.http
def test_a_delete_puts_a_marker_that_can_be_taken_away(s3: Any, versioned: str, refused: Any) -> None:
    version = put(s3, versioned, b"body")
    marker = s3.delete_object(Bucket=versioned, Key="k")
    assert marker["DeleteMarker"] is True
    with refused("NoSuchKey") as caught:
        s3.get_object(Bucket=versioned, Key="k")
    headers = caught.value.response["ResponseMetadata"]["HTTPHeaders"]
    assert (headers["x-amz-delete-marker"], headers["x-amz-version-id"]) == ("true", marker["VersionId"])
    with refused("MethodNotAllowed") as caught:
        s3.get_object(Bucket=versioned, Key="k", VersionId=marker["VersionId"])
    assert caught.value.response["Error"]["ResourceType"] == "DeleteMarker"
    assert caught.value.response["ResponseMetadata"]["HTTPHeaders"]["allow"] == "DELETE"
    with refused("405"):
        s3.head_object(Bucket=versioned, Key="k", VersionId=marker["VersionId"])
    assert "Contents" not in s3.list_objects_v2(Bucket=versioned)
    gone = s3.delete_object(Bucket=versioned, Key="k", VersionId=marker["VersionId"])
    assert (gone["DeleteMarker"], gone["VersionId"]) == (True, marker["VersionId"])
    assert read(s3, versioned) == b"body"
    assert history(s3, versioned) == [(version, True)]


def test_deleting_the_newest_version_brings_the_one_before_back(s3: Any, versioned: str) -> None:
    first, second, third = (put(s3, versioned, body) for body in (b"1", b"2", b"3"))
    s3.delete_object(Bucket=versioned, Key="k", VersionId=third)
    assert read(s3, versioned) == b"2"
    s3.delete_object(Bucket=versioned, Key="k", VersionId=first)
    assert history(s3, versioned) == [(second, True)]
    s3.delete_object(Bucket=versioned, Key="k", VersionId=second)
    assert history(s3, versioned) == []
    s3.delete_bucket(Bucket=versioned)


def test_while_suspended_there_is_one_null_version(s3: Any, versioned: str) -> None:
    kept = put(s3, versioned, b"kept")
    s3.put_bucket_versioning(Bucket=versioned, VersioningConfiguration={"Status": "Suspended"})
    for body in (b"null 1", b"null 2"):
        assert "VersionId" not in s3.put_object(Bucket=versioned, Key="k", Body=body)  # recorded: test_object_created_put_versioned
    assert s3.head_object(Bucket=versioned, Key="k")["VersionId"] == "null"
    assert history(s3, versioned) == [("null", True), (kept, False)]
    s3.put_bucket_versioning(Bucket=versioned, VersioningConfiguration={"Status": "Enabled"})
    latest = put(s3, versioned, b"latest")
    s3.put_bucket_versioning(Bucket=versioned, VersioningConfiguration={"Status": "Suspended"})
    s3.put_object(Bucket=versioned, Key="k", Body=b"null 3")  # takes the place of the null version that stood below
    assert sorted(history(s3, versioned)) == sorted([("null", True), (latest, False), (kept, False)])
    assert read(s3, versioned, "null") == b"null 3"
    marker = s3.delete_object(Bucket=versioned, Key="k")
    assert (marker["DeleteMarker"], marker["VersionId"]) == (True, "null")
    assert sorted(history(s3, versioned)) == sorted([("null", True), (latest, False), (kept, False)])


def test_many_are_deleted_at_once_by_version(s3: Any, versioned: str) -> None:
    """test_delete_objects_versioned: a marker for each key, absent ones too; taking a marker away says so."""
    version = put(s3, versioned, b"x")
    answer = s3.delete_objects(Bucket=versioned, Delete={"Objects": [{"Key": "k"}, {"Key": "never"}]})
    assert [(one["Key"], one["DeleteMarker"]) for one in answer["Deleted"]] == [("k", True), ("never", True)]
    marker = answer["Deleted"][0]["DeleteMarkerVersionId"]
    wanted = {"Objects": [{"Key": "k", "VersionId": marker}, {"Key": "k", "VersionId": version}]}
    assert s3.delete_objects(Bucket=versioned, Delete=wanted)["Deleted"] == [
        {"Key": "k", "VersionId": marker, "DeleteMarker": True, "DeleteMarkerVersionId": marker},
        {"Key": "k", "VersionId": version},
    ]


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
@pytest.mark.parametrize("delimiter", ["", "/"])
def test_versions_are_listed_in_pages(s3: Any, versioned: str, size: int, delimiter: str) -> None:
    expected = []
    for key in ("a", "b/1", "b/2", "c"):
        ids = [put(s3, versioned, b"x", key) for _ in range(3)]
        ids.append(s3.delete_object(Bucket=versioned, Key=key)["VersionId"])
        if not delimiter or "/" not in key:
            expected += [(key, name) for name in reversed(ids)]
    found, prefixes = [], []
    for page in s3.get_paginator("list_object_versions").paginate(
        Bucket=versioned, Delimiter=delimiter, PaginationConfig={"PageSize": size}
    ):
        found += [(one["Key"], one["VersionId"]) for one in page.get("Versions", []) + page.get("DeleteMarkers", [])]
        prefixes += [one["Prefix"] for one in page.get("CommonPrefixes", [])]
    assert sorted(found) == sorted(expected)
    assert len(found) == len(expected)
    assert prefixes == (["b/"] if delimiter else [])


def test_tags_belong_to_a_version(s3: Any, versioned: str) -> None:
    first, second = put(s3, versioned, b"1"), put(s3, versioned, b"2")
    tags = {"TagSet": [{"Key": "a", "Value": "b"}]}
    assert s3.put_object_tagging(Bucket=versioned, Key="k", VersionId=first, Tagging=tags)["VersionId"] == first
    assert s3.get_object_tagging(Bucket=versioned, Key="k", VersionId=first)["TagSet"] == tags["TagSet"]
    newest = s3.get_object_tagging(Bucket=versioned, Key="k")
    assert (newest["TagSet"], newest["VersionId"]) == ([], second)


REFUSALS = {
    "a status in lower case": ("MalformedXML", {"Status": "enabled"}),
    "a status that is none": ("MalformedXML", {"Status": "Disabled"}),
    "no status": ("IllegalVersioningConfigurationException", {}),
}


@pytest.mark.parametrize(("code", "configuration"), REFUSALS.values(), ids=REFUSALS)
def test_a_versioning_configuration_is_refused(s3: Any, bucket: str, refused: Any, code: str, configuration: dict[str, str]) -> None:
    """TestS3BucketVersioning::test_bucket_versioning_crud."""
    assert "Status" not in s3.get_bucket_versioning(Bucket=bucket)
    with refused(code):
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration=configuration)
