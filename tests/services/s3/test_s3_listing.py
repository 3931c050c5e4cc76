"""Listing: the walk against a naive model, and over the wire. Truth: "Listing object keys programmatically" and recorded answers."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.services.s3.listing import Page, Seek, encoded, rolled_up, walked


class Row(NamedTuple):
    key: str
    order: str = ""
    hidden: bool = False


def page_of(rows: list[Row], **asked: Any) -> tuple[Page[Row], int]:
    """One page, read from a sorted list as the store would read it; and how many rows were read for it."""
    walk = walked(shows=lambda row: not row.hidden, **asked)
    read = 0
    try:
        seek = next(walk)
        while True:
            found = list(behind(rows, seek))
            read += min(len(found), seek.limit)
            seek = walk.send((found[: seek.limit], len(found) > seek.limit))
    except StopIteration as end:
        return end.value, read


def behind(rows: list[Row], seek: Seek) -> Iterator[Row]:
    for row in rows:
        key = row.key.encode()
        if not key.startswith(seek.prefix.encode()):
            continue
        if seek.after is not None and key <= seek.after.encode():
            continue
        if seek.beyond is not None and (key < seek.beyond.encode() or key.startswith(seek.beyond.encode())):
            continue
        yield row


def naive(rows: list[Row], prefix: str, delimiter: str) -> list[str]:
    """Everything that a listing shows, in order, common prefixes once."""
    shown: list[str] = []
    for row in rows:
        if row.hidden or not row.key.startswith(prefix):
            continue
        name = rolled_up(row.key, prefix, delimiter) or row.key
        if name not in shown:
            shown.append(name)
    return shown


LETTERS = st.text(st.sampled_from("ab/é\U0001f600\uffff-"), min_size=1, max_size=6)


@given(
    st.dictionaries(LETTERS, st.booleans(), max_size=40),
    st.text(st.sampled_from("ab/"), max_size=2),
    st.sampled_from(["", "/", "a", "b/"]),
    st.integers(1, 5),
)
def test_pages_put_together_are_the_whole_listing(keys: dict[str, bool], prefix: str, delimiter: str, limit: int) -> None:
    rows = [Row(key, hidden=hidden) for key, hidden in sorted(keys.items(), key=lambda item: item[0].encode())]
    whole: list[str] = []
    after, beyond = "", ""
    for _ in range(len(rows) + 2):
        page, _read = page_of(rows, prefix=prefix, delimiter=delimiter, limit=limit, after=after, beyond=beyond)
        shown = sorted([*(row.key for row in page.rows), *page.prefixes], key=str.encode)
        assert len(shown) <= limit
        whole += shown
        if not page.truncated:
            break
        assert len(shown) == limit
        after, beyond = ("", page.last) if page.last in page.prefixes else (page.last, "")
    assert whole == naive(rows, prefix, delimiter)


def test_a_common_prefix_is_leapt_over_not_read() -> None:
    rows = [Row(f"{folder}/{number:06}") for folder in "abcde" for number in range(20_000)]
    page, read = page_of(rows, prefix="", delimiter="/", limit=1000)
    assert page.prefixes == ["a/", "b/", "c/", "d/", "e/"]
    assert read < 200


def test_many_small_prefixes_are_read_in_long_pages() -> None:
    rows = [Row(f"{folder:04}/{number}") for folder in range(1500) for number in range(10)]
    page, read = page_of(rows, prefix="", delimiter="/", limit=1000)
    assert (len(page.prefixes), page.truncated) == (1000, True)
    assert read < 12_000


def test_a_thousand_delete_markers_do_not_make_a_thousand_reads() -> None:
    rows = [Row(f"{number:05}", hidden=number < 5000) for number in range(5001)]
    seeks = 0
    walk = walked(prefix="", delimiter="", limit=1, shows=lambda row: not row.hidden)
    seek = next(walk)
    with pytest.raises(StopIteration) as end:
        while True:
            seeks += 1
            found = list(behind(rows, seek))
            seek = walk.send((found[: seek.limit], len(found) > seek.limit))
    assert [row.key for row in end.value.value.rows] == ["05000"]
    assert seeks < 15


def test_keys_are_url_encoded_as_aws_encodes_them() -> None:
    """Source: recorded answers, test_url_encoded_key, and the reference's `test_file(3).png` -> `test_file%283%29.png`."""
    assert encoded("test_file(3).png", "url") == "test_file%283%29.png"
    assert encoded("a b/ü", "url") == "a+b/%C3%BC"
    assert encoded("a b/ü", None) == "a b/ü"


# -- over the wire ---------------------------------------------------------------------------------------------------------

KEYS = ["a", "a/1", "a/2/x", "b c", "dir/", "dir/1", "dir/2", "é", "\U0001f600"]


@pytest.fixture
def filled(s3: Any, bucket: str) -> str:
    for key in reversed(KEYS):
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    return bucket


@pytest.mark.http
def test_keys_come_in_the_order_of_their_utf8_bytes(s3: Any, filled: str) -> None:
    answer = s3.list_objects_v2(Bucket=filled)
    assert [found["Key"] for found in answer["Contents"]] == KEYS
    assert answer["KeyCount"] == len(KEYS)
    assert not answer["IsTruncated"]
    assert answer["Contents"][0] | {"LastModified": None} == {
        "Key": "a",
        "LastModified": None,
        "ETag": '"0cc175b9c0f1b6a831c399e269772661"',
        "Size": 1,
        "StorageClass": "STANDARD",
        "ChecksumAlgorithm": ["CRC32"],
        "ChecksumType": "FULL_OBJECT",
    }


@pytest.mark.parametrize("size", [1, 2, 3, 100])
@pytest.mark.parametrize("operation", ["list_objects", "list_objects_v2"])
def test_paging_shows_everything_once(s3: Any, filled: str, operation: str, size: int) -> None:
    shown: list[str] = []
    for page in s3.get_paginator(operation).paginate(Bucket=filled, Delimiter="/", PaginationConfig={"PageSize": size}):
        shown += [found["Key"] for found in page.get("Contents", [])]
        shown += [found["Prefix"] for found in page.get("CommonPrefixes", [])]
    assert sorted(shown) == ["a", "a/", "b c", "dir/", "é", "\U0001f600"]


def test_a_prefix_a_delimiter_and_a_start_narrow_the_listing(s3: Any, filled: str) -> None:
    answer = s3.list_objects_v2(Bucket=filled, Prefix="dir/", Delimiter="/", StartAfter="dir/1")
    assert [found["Key"] for found in answer["Contents"]] == ["dir/2"]
    assert (answer["Prefix"], answer["Delimiter"], answer["StartAfter"]) == ("dir/", "/", "dir/1")
    assert "CommonPrefixes" not in answer


def test_the_owner_is_shown_when_asked_for(s3: Any, filled: str) -> None:
    assert "Owner" not in s3.list_objects_v2(Bucket=filled, MaxKeys=1)["Contents"][0]
    owner = s3.list_buckets()["Owner"]
    assert s3.list_objects_v2(Bucket=filled, MaxKeys=1, FetchOwner=True)["Contents"][0]["Owner"] == owner
    assert s3.list_objects(Bucket=filled, MaxKeys=1)["Contents"][0]["Owner"] == owner


def test_no_keys_at_all_are_not_a_truncated_listing(s3: Any, filled: str) -> None:
    answer = s3.list_objects_v2(Bucket=filled, MaxKeys=0)
    assert (answer["KeyCount"], answer["IsTruncated"], answer["MaxKeys"]) == (0, False, 0)


REFUSALS = {
    "a token that is none of ours": ("list_objects_v2", "InvalidArgument", {"ContinuationToken": "nonsense"}),
    "another encoding": ("list_objects", "InvalidArgument", {"EncodingType": "value"}),
    "a version marker without a key marker": ("list_object_versions", "InvalidArgument", {"VersionIdMarker": "x"}),
    "a negative number of keys": ("list_objects_v2", "InvalidArgument", {"MaxKeys": -1}),
}


@pytest.mark.parametrize(("operation", "code", "request_"), REFUSALS.values(), ids=REFUSALS)
def test_a_listing_refuses(s3: Any, bucket: str, refused: Any, operation: str, code: str, request_: dict[str, Any]) -> None:
    with refused(code):
        getattr(s3, operation)(Bucket=bucket, **request_)


def test_the_listing_shows_a_thousand_and_goes_on(s3: Any, bucket: str) -> None:
    for number in range(1010):
        s3.put_object(Bucket=bucket, Key=f"{number:04}", Body=b"")
    first = s3.list_objects_v2(Bucket=bucket)
    assert (first["KeyCount"], first["IsTruncated"]) == (1000, True)
    second = s3.list_objects_v2(Bucket=bucket, ContinuationToken=first["NextContinuationToken"])
    assert [found["Key"] for found in second["Contents"]] == [f"{number:04}" for number in range(1000, 1010)]


def test_a_key_may_hold_control_characters_and_even_zero(s3: Any, bucket: str) -> None:
    keys = ["a", "a\x00b", "a\x01", "a\x01b", "a\x02", "ab"]
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    assert [found["Key"] for found in s3.list_objects_v2(Bucket=bucket)["Contents"]] == keys
    assert s3.get_object(Bucket=bucket, Key="a\x00b")["Body"].read() == b"a\x00b"
