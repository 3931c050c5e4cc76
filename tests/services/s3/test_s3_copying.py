"""Copies. Truth: recorded answers of AWS (test_s3_copy_object_in_place*, test_s3_copy_tagging_directive*, test_multipart_copy_object_etag,
test_copy_object_special_character)."""

import os
from pathlib import Path
from typing import Any

import pytest

BIG = os.urandom(300_000)


def test_a_copy_is_the_same_and_its_own(s3: Any, bucket: str) -> None:
    for body in (b"small", BIG):
        s3.put_object(Bucket=bucket, Key="k", Body=body, ContentType="text/x", Metadata={"a": "b"}, Tagging="t=1")
        copied = s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "k"})
        source = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
        kept = {name: value for name, value in source.items() if name == "ETag" or name.startswith("Checksum")}
        assert len(kept) == 3
        assert {name: copied["CopyObjectResult"][name] for name in kept} == kept
        s3.delete_object(Bucket=bucket, Key="k")
        got = s3.get_object(Bucket=bucket, Key="copy")
        assert got["Body"].read() == body
        assert (got["ContentType"], got["Metadata"], got["TagCount"]) == ("text/x", {"a": "b"}, 1)


def test_what_is_worn_may_be_replaced(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", ContentType="text/x", Metadata={"a": "b"}, Tagging="t=1", CacheControl="no-store")
    source = {"Bucket": bucket, "Key": "k"}
    s3.copy_object(
        Bucket=bucket, Key="new", CopySource=source, MetadataDirective="REPLACE", Metadata={"c": "d"}, StorageClass="STANDARD_IA"
    )
    head = s3.head_object(Bucket=bucket, Key="new")
    assert (head["ContentType"], head["Metadata"], head["StorageClass"]) == ("binary/octet-stream", {"c": "d"}, "STANDARD_IA")
    assert "CacheControl" not in head
    s3.copy_object(Bucket=bucket, Key="tags", CopySource=source, TaggingDirective="REPLACE", Tagging="u=2", Metadata={"ignored": "x"})
    assert s3.get_object_tagging(Bucket=bucket, Key="tags")["TagSet"] == [{"Key": "u", "Value": "2"}]
    assert s3.head_object(Bucket=bucket, Key="tags")["Metadata"] == {"a": "b"}


def test_a_copy_onto_itself_must_change_something(s3: Any, bucket: str, refused: Any) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=BIG)
    itself = {"Bucket": bucket, "Key": "k", "CopySource": f"{bucket}/k"}
    with refused("InvalidRequest", "without changing the object's metadata"):
        s3.copy_object(**itself)
    s3.copy_object(**itself, MetadataDirective="REPLACE", Metadata={"a": "b"})
    s3.copy_object(**itself, ChecksumAlgorithm="SHA256")
    got = s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert (got["Body"].read(), got["Metadata"]) == (BIG, {"a": "b"})
    assert "ChecksumSHA256" in got


def test_a_copy_of_parts_is_whole(s3: Any, bucket: str) -> None:
    """Its ETag is a plain MD5 again and its checksum FULL_OBJECT, recorded in test_complete_multipart_parts_checksum_composite."""
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k", ChecksumAlgorithm="CRC32C")["UploadId"]
    part = s3.upload_part(Bucket=bucket, Key="k", UploadId=upload, PartNumber=1, Body=b"test content 123", ChecksumAlgorithm="CRC32C")
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"], "ChecksumCRC32C": part["ChecksumCRC32C"]}]}
    done = s3.complete_multipart_upload(Bucket=bucket, Key="k", UploadId=upload, MultipartUpload=parts)
    assert (done["ETag"], done["ChecksumCRC32C"]) == ('"b972025bc34adf8d76d6d51e93c035cc-1"', "sZB91Q==-1")  # recorded
    copied = s3.copy_object(Bucket=bucket, Key="copy", CopySource=f"{bucket}/k")["CopyObjectResult"]
    assert copied["ETag"] == '"eee506dd7ada7ded524c77e359a0e7c6"'
    assert (copied["ChecksumCRC32C"], copied["ChecksumType"]) == ("fwuu0Q==", "FULL_OBJECT")


def test_a_version_is_copied_and_becomes_a_version(s3: Any, versioned: str) -> None:
    first = s3.put_object(Bucket=versioned, Key="k", Body=b"first")["VersionId"]
    s3.put_object(Bucket=versioned, Key="k", Body=b"second")
    source = {"Bucket": versioned, "Key": "k", "VersionId": first}
    copied = s3.copy_object(Bucket=versioned, Key="k", CopySource=source)
    assert copied["CopySourceVersionId"] == first
    assert s3.get_object(Bucket=versioned, Key="k")["Body"].read() == b"first"
    assert copied["VersionId"] == s3.head_object(Bucket=versioned, Key="k")["VersionId"] != first


@pytest.mark.parametrize("key", ["file%2Fname", "test key//", "a/%F0%9F%98%80/", "test+key", "é?versionId"])
def test_any_key_can_be_a_source(s3: Any, bucket: str, key: str) -> None:
    s3.put_object(Bucket=bucket, Key=key, Body=b"test")
    s3.copy_object(Bucket=bucket, Key=f"to {key}", CopySource={"Bucket": bucket, "Key": key})
    assert s3.get_object(Bucket=bucket, Key=f"to {key}")["Body"].read() == b"test"


REFUSALS = {
    "a source without a key": ("InvalidArgument", {"CopySource": "bucket-alone"}),
    "a key that is not": ("NoSuchKey", {"CopySource": "{bucket}/never"}),
    "a bucket that is not": ("NoSuchBucket", {"CopySource": "no-such-bucket-anywhere/k"}),
    "a directive that is none": ("InvalidArgument", {"CopySource": "{bucket}/k", "MetadataDirective": "KEEP"}),
    "a target that is there": ("PreconditionFailed", {"CopySource": "{bucket}/k", "Key": "there", "IfNoneMatch": "*"}),
}


@pytest.mark.parametrize(("code", "request_"), REFUSALS.values(), ids=REFUSALS)
def test_a_copy_is_refused(s3: Any, bucket: str, refused: Any, code: str, request_: dict[str, Any]) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    s3.put_object(Bucket=bucket, Key="there", Body=b"x")
    source = request_["CopySource"].format(bucket=bucket)
    with refused(code):
        s3.copy_object(**{"Bucket": bucket, "Key": "copy"} | request_ | {"CopySource": source})


def test_copies_of_a_long_body_share_its_bytes_on_the_disk(s3: Any, bucket: str, server: Any) -> None:
    before = _inodes(server)
    s3.put_object(Bucket=bucket, Key="k", Body=BIG)
    for number in range(3):
        s3.copy_object(Bucket=bucket, Key=f"copy {number}", CopySource=f"{bucket}/k")
    assert len(_inodes(server) - before) == 1


def _inodes(server: Any) -> set[int]:
    folder: Path = server.home.path / "s3" / "bodies"
    return {file.stat().st_ino for file in folder.glob("*/*")}
