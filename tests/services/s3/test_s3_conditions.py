"""Conditional requests. Truth: recorded answers of AWS, test_s3_get_object_preconditions and TestS3ObjectWritePrecondition."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

PAST = datetime(2001, 1, 1, tzinfo=UTC)
FAR = datetime(2999, 1, 1, tzinfo=UTC)


@pytest.fixture
def written(s3: Any, bucket: str) -> dict[str, Any]:
    s3.put_object(Bucket=bucket, Key="k", Body=b"data")
    head = s3.head_object(Bucket=bucket, Key="k")
    return {"Bucket": bucket, "Key": "k"} | {"etag": head["ETag"], "at": head["LastModified"]}


HOLDS = {
    "its own ETag": {"IfMatch": "etag"},
    "its own ETag among others, unquoted": {"IfMatch": "others"},
    "its own ETag, whatever the date says": {"IfMatch": "etag", "IfUnmodifiedSince": PAST},
    "another ETag": {"IfNoneMatch": '"other"'},
    "another ETag, whatever the date says": {"IfNoneMatch": '"other"', "IfModifiedSince": "at"},
    "unmodified since its own date": {"IfUnmodifiedSince": "at"},
    "modified since long ago": {"IfModifiedSince": PAST},
    "modified since a day that has not come": {"IfModifiedSince": FAR},
}
FAILS = {
    "another ETag wanted": ("PreconditionFailed", "If-Match", {"IfMatch": '"other"'}),
    "changed since long ago": ("PreconditionFailed", "If-Unmodified-Since", {"IfUnmodifiedSince": PAST}),
    "known already": ("304", None, {"IfNoneMatch": "etag"}),
    "known already, unquoted": ("304", None, {"IfNoneMatch": "others"}),
    "known already by its date": ("304", None, {"IfModifiedSince": "at"}),
}


def filled_in(conditions: dict[str, Any], written: dict[str, Any]) -> dict[str, Any]:
    bare = written["etag"].strip('"')
    words = {"etag": written["etag"], "at": written["at"], "others": f'"x", {bare}'}
    found = {name: words.get(value, value) if isinstance(value, str) else value for name, value in conditions.items()}
    return {"Bucket": written["Bucket"], "Key": written["Key"], **found}


@pytest.mark.parametrize("conditions", HOLDS.values(), ids=HOLDS)
def test_a_read_is_answered_when_its_conditions_hold(s3: Any, written: dict[str, Any], conditions: dict[str, Any]) -> None:
    assert s3.get_object(**filled_in(conditions, written))["Body"].read() == b"data"
    s3.head_object(**filled_in(conditions, written))


@pytest.mark.http
@pytest.mark.parametrize(("code", "condition", "conditions"), FAILS.values(), ids=FAILS)
def test_a_read_is_refused_when_they_do_not(
    s3: Any, wire: str, written: dict[str, Any], refused: Any, code: str, condition: str | None, conditions: dict[str, Any]
) -> None:
    with refused(code) as caught:
        s3.get_object(**filled_in(conditions, written))
    assert caught.value.response["Error"].get("Condition") == condition
    if code == "304" and wire == "http":
        assert caught.value.response["ResponseMetadata"]["HTTPHeaders"]["etag"] == written["etag"]
    with refused({"304": "304", "PreconditionFailed": "412"}[code]):
        s3.head_object(**filled_in(conditions, written))


def test_if_none_match_writes_only_where_nothing_is(s3: Any, bucket: str, refused: Any) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"first", IfNoneMatch="*")
    with refused("PreconditionFailed") as caught:
        s3.put_object(Bucket=bucket, Key="k", Body=b"second", IfNoneMatch="*")
    assert caught.value.response["Error"]["Condition"] == "If-None-Match"
    s3.delete_object(Bucket=bucket, Key="k")
    s3.put_object(Bucket=bucket, Key="k", Body=b"third", IfNoneMatch="*")
    with refused("NotImplemented"):
        s3.put_object(Bucket=bucket, Key="k", Body=b"x", IfNoneMatch='"etag"')


def test_if_match_writes_only_over_what_was_seen(s3: Any, bucket: str, refused: Any) -> None:
    with refused("NoSuchKey"):
        s3.put_object(Bucket=bucket, Key="k", Body=b"x", IfMatch='"any"')
    seen = s3.put_object(Bucket=bucket, Key="k", Body=b"first")["ETag"]
    s3.put_object(Bucket=bucket, Key="k", Body=b"second", IfMatch=seen)
    with refused("PreconditionFailed") as caught:
        s3.put_object(Bucket=bucket, Key="k", Body=b"third", IfMatch=seen)
    assert caught.value.response["Error"]["Condition"] == "If-Match"
    with refused("PreconditionFailed"):
        s3.delete_object(Bucket=bucket, Key="k", IfMatch=seen)
    s3.delete_object(Bucket=bucket, Key="k", IfMatch=s3.head_object(Bucket=bucket, Key="k")["ETag"])


def test_a_delete_marker_counts_as_nothing(s3: Any, versioned: str) -> None:
    s3.put_object(Bucket=versioned, Key="k", Body=b"first")
    s3.delete_object(Bucket=versioned, Key="k")
    s3.put_object(Bucket=versioned, Key="k", Body=b"second", IfNoneMatch="*")


COPY_FAILS = {
    "If-Match": {"CopySourceIfMatch": '"other"'},
    "If-None-Match": {"CopySourceIfNoneMatch": "etag"},
    "If-Unmodified-Since": {"CopySourceIfUnmodifiedSince": PAST},
    "If-Modified-Since": {"CopySourceIfModifiedSince": "at"},
}


@pytest.mark.parametrize(("name", "conditions"), COPY_FAILS.items(), ids=COPY_FAILS)
def test_a_copy_looks_at_its_source(s3: Any, written: dict[str, Any], refused: Any, name: str, conditions: dict[str, Any]) -> None:
    request = filled_in(conditions, written) | {"Key": "copy", "CopySource": {"Bucket": written["Bucket"], "Key": "k"}}
    with refused("PreconditionFailed") as caught:
        s3.copy_object(**request)
    assert caught.value.response["Error"]["Condition"] == f"x-amz-copy-source-{name}"


def test_dates_are_compared_by_the_clock_of_aws(s3: Any, bucket: str, clock: Any) -> None:
    """A day that the Clock has reached is no future day."""
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    at = s3.head_object(Bucket=bucket, Key="k")["LastModified"]
    clock.advance(timedelta(hours=2))
    s3.put_object(Bucket=bucket, Key="later", Body=b"x")
    assert s3.head_object(Bucket=bucket, Key="later")["LastModified"] - at >= timedelta(hours=2)


def test_of_many_that_write_at_once_if_nothing_is_there_one_wins(s3: Any, bucket: str) -> None:
    """The condition and the write are one: whatever the length of the body."""

    def attempt(number: int) -> str:
        try:
            s3.put_object(Bucket=bucket, Key="k", Body=bytes([number]) * (number * 20_000 + 1), IfNoneMatch="*")
        except s3.exceptions.ClientError as refusal:
            return str(refusal.response["Error"]["Code"])
        return "written"

    with ThreadPoolExecutor(8) as pool:
        assert Counter(pool.map(attempt, range(16))) == {"written": 1, "PreconditionFailed": 15}
