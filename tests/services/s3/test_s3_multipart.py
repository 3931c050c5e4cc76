"""Uploads in parts. Truth: recorded answers of AWS (TestS3MultipartUploadChecksum, TestS3ListMultipartUploads, TestS3Multipart,
TestS3ObjectWritePrecondition::test_multipart_*, test_multipart_complete_multipart_too_small)."""

import hashlib
import os
from base64 import b64decode, b64encode
from typing import Any

import pytest

PART = os.urandom(5 * 1024 * 1024)
TAIL = b"the end"


def begin(s3: Any, bucket: str, key: str = "k", **asked: Any) -> dict[str, Any]:
    upload = s3.create_multipart_upload(Bucket=bucket, Key=key, **asked)
    return {"Bucket": bucket, "Key": key, "UploadId": upload["UploadId"]}


def add(s3: Any, upload: dict[str, Any], number: int, body: bytes, **asked: Any) -> dict[str, Any]:
    answer = s3.upload_part(**upload, PartNumber=number, Body=body, **asked)
    return {"PartNumber": number, "ETag": answer["ETag"]}


def complete(s3: Any, upload: dict[str, Any], parts: list[dict[str, Any]], **asked: Any) -> Any:
    return s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts}, **asked)


def test_parts_become_one_object(s3: Any, bucket: str) -> None:
    upload = begin(s3, bucket, ContentType="text/x", Metadata={"a": "b"}, Tagging="t=1", StorageClass="STANDARD_IA")
    tail = add(s3, upload, 7, TAIL)
    parts = [add(s3, upload, 3, PART), tail]
    done = complete(s3, upload, parts)
    digests = b"".join(hashlib.md5(body).digest() for body in (PART, TAIL))
    assert done["ETag"] == f'"{hashlib.md5(digests).hexdigest()}-2"'
    assert done["Location"].endswith(f"/{bucket}/k")
    got = s3.get_object(Bucket=bucket, Key="k")
    assert got["Body"].read() == PART + TAIL
    assert (got["ContentType"], got["Metadata"], got["TagCount"], got["StorageClass"]) == ("text/x", {"a": "b"}, 1, "STANDARD_IA")
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)


def test_a_part_can_be_read_alone(s3: Any, bucket: str) -> None:
    upload = begin(s3, bucket, ChecksumAlgorithm="SHA256")
    parts = []
    for number, body in enumerate((PART, TAIL), 1):
        answer = s3.upload_part(**upload, PartNumber=number, Body=body, ChecksumAlgorithm="SHA256")
        parts.append({"PartNumber": number, "ETag": answer["ETag"], "ChecksumSHA256": answer["ChecksumSHA256"]})
    done = complete(s3, upload, parts)
    sums = b"".join(hashlib.sha256(body).digest() for body in (PART, TAIL))
    assert done["ChecksumSHA256"] == b64encode(hashlib.sha256(sums).digest()).decode() + "-2"
    assert done["ChecksumType"] == "COMPOSITE"
    got = s3.get_object(Bucket=bucket, Key="k", PartNumber=2, ChecksumMode="ENABLED")
    assert got["Body"].read() == TAIL
    assert (got["ContentRange"], got["PartsCount"]) == (f"bytes {len(PART)}-{len(PART) + 6}/{len(PART) + 7}", 2)
    assert (got["ChecksumSHA256"], got["ChecksumType"]) == (parts[1]["ChecksumSHA256"], "COMPOSITE")
    attributes = s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=["ObjectParts", "Checksum"], MaxParts=1)
    assert attributes["Checksum"] == {"ChecksumSHA256": done["ChecksumSHA256"].removesuffix("-2"), "ChecksumType": "COMPOSITE"}
    assert attributes["ObjectParts"] == {
        "TotalPartsCount": 2,
        "PartNumberMarker": 0,
        "NextPartNumberMarker": 1,
        "MaxParts": 1,
        "IsTruncated": True,
        "Parts": [{"PartNumber": 1, "Size": len(PART), "ChecksumSHA256": parts[0]["ChecksumSHA256"]}],
    }


@pytest.mark.http
@pytest.mark.parametrize("algorithm", [None, "CRC32", "CRC32C", "CRC64NVME"])
def test_the_checksum_of_the_whole_follows_from_those_of_the_parts(s3: Any, bucket: str, algorithm: str | None) -> None:
    """FULL_OBJECT: the same as if the object had been put at once. Without an algorithm it is CRC64NVME."""
    upload = begin(s3, bucket, **({"ChecksumAlgorithm": algorithm, "ChecksumType": "FULL_OBJECT"} if algorithm else {}))
    asked = {"ChecksumAlgorithm": algorithm} if algorithm else {}
    done = complete(s3, upload, [add(s3, upload, 1, PART, **asked), add(s3, upload, 2, TAIL, **asked)])
    name = f"Checksum{algorithm or 'CRC64NVME'}"
    at_once = s3.put_object(Bucket=bucket, Key="at once", Body=PART + TAIL, ChecksumAlgorithm=algorithm or "CRC64NVME")
    assert (done[name], done["ChecksumType"]) == (at_once[name], "FULL_OBJECT")


TYPES = {
    "COMPOSITE with CRC64NVME": ("COMPOSITE", "CRC64NVME", False),
    "FULL_OBJECT with SHA1": ("FULL_OBJECT", "SHA1", False),
    "FULL_OBJECT with SHA256": ("FULL_OBJECT", "SHA256", False),
    "COMPOSITE with CRC32": ("COMPOSITE", "CRC32", True),
    "FULL_OBJECT with CRC32C": ("FULL_OBJECT", "CRC32C", True),
    "a type without an algorithm": ("FULL_OBJECT", None, False),
    "an algorithm that is none": (None, "TEST", False),
}


@pytest.mark.parametrize(("kind", "algorithm", "fits"), TYPES.values(), ids=TYPES)
def test_algorithm_and_type_must_go_together(
    s3: Any, bucket: str, refused: Any, kind: str | None, algorithm: str | None, fits: bool
) -> None:
    asked = {name: value for name, value in {"ChecksumType": kind, "ChecksumAlgorithm": algorithm}.items() if value}
    if fits:
        assert s3.create_multipart_upload(Bucket=bucket, Key="k", **asked)["ChecksumType"] == kind
        return
    with refused("InvalidRequest"):
        s3.create_multipart_upload(Bucket=bucket, Key="k", **asked)


@pytest.mark.http
def test_a_part_with_another_checksum_than_the_uploads_is_refused(s3: Any, bucket: str, refused: Any) -> None:
    upload = begin(s3, bucket, ChecksumAlgorithm="SHA256")
    with refused("InvalidRequest", "expected checksum Type: sha256, actual checksum Type: crc32"):
        add(s3, upload, 1, TAIL, ChecksumAlgorithm="CRC32")
    assert "Parts" not in s3.list_parts(**upload)


def test_completing_refuses(s3: Any, bucket: str, refused: Any) -> None:
    upload = begin(s3, bucket)
    first, second = add(s3, upload, 1, TAIL), add(s3, upload, 2, TAIL)
    with refused("InvalidPartOrder"):
        complete(s3, upload, [second, first])
    with refused("InvalidRequest", "at least one part"):
        complete(s3, upload, [])
    with refused("InvalidPart") as caught:
        complete(s3, upload, [first, {"PartNumber": 3, "ETag": '"00000000000000000000000000000000"'}])
    assert caught.value.response["Error"]["PartNumber"] == "3"
    with refused("EntityTooSmall") as caught:
        complete(s3, upload, [first, second])
    assert {name: caught.value.response["Error"][name] for name in ("MinSizeAllowed", "ProposedSize", "PartNumber")} == {
        "MinSizeAllowed": "5242880",
        "ProposedSize": "7",
        "PartNumber": "1",
    }
    with refused("InvalidRequest", "null checksum mode"):
        complete(s3, upload, [first], ChecksumType="FULL_OBJECT")
    with refused("InvalidRequest", "x-amz-mp-object-size"):
        complete(s3, upload, [first], MpuObjectSize=3)
    with refused("BadDigest"):
        complete(s3, upload, [first], ChecksumCRC64NVME="AAAAAAAAAAA=")
    complete(s3, upload, [first], MpuObjectSize=7)


def test_a_composite_upload_wants_the_checksum_of_each_part(s3: Any, bucket: str, refused: Any) -> None:
    upload = begin(s3, bucket, ChecksumAlgorithm="CRC32")
    part = add(s3, upload, 1, TAIL)
    with refused("InvalidRequest", "using a crc32 checksum"):
        complete(s3, upload, [part])
    with refused("InvalidPart"):
        complete(s3, upload, [part | {"ChecksumCRC32": "AAAAAA=="}])
    with refused("BadDigest", "The sha256 you specified for part 1"):
        complete(s3, upload, [part | {"ChecksumSHA256": b64encode(bytes(32)).decode()}])


@pytest.mark.parametrize("number", [-1, 0, 10_001])
def test_part_numbers_run_from_1_to_10000(s3: Any, bucket: str, refused: Any, number: int) -> None:
    with refused("InvalidArgument", "between 1 and 10000"):
        add(s3, begin(s3, bucket), number, TAIL)


def test_an_upload_that_is_not_there_is_refused(s3: Any, bucket: str, refused: Any) -> None:
    upload = {"Bucket": bucket, "Key": "k", "UploadId": "fakeid"}
    with refused("NoSuchUpload"):
        add(s3, upload, 1, TAIL)
    with refused("NoSuchUpload"):
        complete(s3, upload, [{"PartNumber": 1, "ETag": '"x"'}])
    with refused("NoSuchUpload"):
        s3.abort_multipart_upload(**upload)


def test_an_aborted_upload_leaves_nothing(s3: Any, bucket: str, refused: Any) -> None:
    upload = begin(s3, bucket)
    add(s3, upload, 1, PART)
    s3.abort_multipart_upload(**upload)
    with refused("NoSuchUpload"):
        s3.list_parts(**upload)
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


def test_parts_are_listed_and_one_of_the_same_number_takes_the_place(s3: Any, bucket: str) -> None:
    upload = begin(s3, bucket, ChecksumAlgorithm="CRC32C")
    for number in (2, 1, 3, 2):
        add(s3, upload, number, str(number).encode() * number, ChecksumAlgorithm="CRC32C")
    answer = s3.list_parts(**upload, MaxParts=2)
    assert [(part["PartNumber"], part["Size"]) for part in answer["Parts"]] == [(1, 1), (2, 2)]
    assert (answer["IsTruncated"], answer["NextPartNumberMarker"], answer["ChecksumAlgorithm"]) == (True, 2, "CRC32C")
    assert len(b64decode(answer["Parts"][0]["ChecksumCRC32C"])) == 4
    rest = s3.list_parts(**upload, PartNumberMarker=2)
    assert [part["PartNumber"] for part in rest["Parts"]] == [3]


def test_uploads_are_listed_by_key_and_age(s3: Any, bucket: str, refused: Any) -> None:
    """TestS3ListMultipartUploads::test_list_multiparts_next_marker."""
    uploads = [begin(s3, bucket, key) for key in ("b", "a", "a", "c/1", "c/2")]
    expected = [(upload["Key"], upload["UploadId"]) for upload in (uploads[1], uploads[2], uploads[0], uploads[3], uploads[4])]
    found = []
    for page in s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket, PaginationConfig={"PageSize": 2}):
        found += [(upload["Key"], upload["UploadId"]) for upload in page.get("Uploads", [])]
    assert found == expected
    rolled = s3.list_multipart_uploads(Bucket=bucket, Delimiter="/")
    assert [one["Prefix"] for one in rolled["CommonPrefixes"]] == ["c/"]
    behind = s3.list_multipart_uploads(Bucket=bucket, KeyMarker="a", MaxUploads=1)
    assert (behind["Uploads"][0]["Key"], behind["NextKeyMarker"], behind["IsTruncated"]) == ("b", "b", True)
    with refused("InvalidArgument", "Invalid uploadId marker"):
        s3.list_multipart_uploads(Bucket=bucket, KeyMarker="b", UploadIdMarker=uploads[1]["UploadId"])


def test_completing_looks_at_what_happened_meanwhile(s3: Any, bucket: str, refused: Any) -> None:
    """test_multipart_if_match_with_put, test_multipart_if_match_with_delete, test_multipart_if_none_match_with_put."""
    before = s3.put_object(Bucket=bucket, Key="k", Body=b"test")["ETag"]
    upload = begin(s3, bucket)
    part = add(s3, upload, 1, TAIL)
    during = s3.put_object(Bucket=bucket, Key="k", Body=b"meanwhile")["ETag"]
    with refused("PreconditionFailed"):
        complete(s3, upload, [part], IfMatch=before)
    with refused("ConditionalRequestConflict"):
        complete(s3, upload, [part], IfMatch=during)
    with refused("PreconditionFailed"):
        complete(s3, upload, [part], IfNoneMatch="*")
    s3.delete_object(Bucket=bucket, Key="k")
    with refused("NoSuchKey"):
        complete(s3, upload, [part], IfMatch=before)
    complete(s3, upload, [part], IfNoneMatch="*")


def test_a_part_may_be_copied(s3: Any, bucket: str, refused: Any) -> None:
    s3.put_object(Bucket=bucket, Key="source", Body=PART + TAIL)
    upload = begin(s3, bucket)
    source = {"Bucket": bucket, "Key": "source"}
    parts = []
    for number, span in ((1, f"bytes=0-{len(PART) - 1}"), (2, f"bytes={len(PART)}-{len(PART) + 6}")):
        answer = s3.upload_part_copy(**upload, PartNumber=number, CopySource=source, CopySourceRange=span)
        parts.append({"PartNumber": number, "ETag": answer["CopyPartResult"]["ETag"]})
    complete(s3, upload, parts)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == PART + TAIL
    upload = begin(s3, bucket)
    for span in ("bytes=0-99999999", "bytes=5-", "0-5"):
        with refused("InvalidArgument"):
            s3.upload_part_copy(**upload, PartNumber=1, CopySource=source, CopySourceRange=span)


def test_boto3_uploads_and_downloads_long_files_in_parts(s3: Any, bucket: str, tmp_path: Any) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(PART * 4)
    s3.upload_file(str(source), bucket, "long")
    assert s3.head_object(Bucket=bucket, Key="long")["ETag"].endswith('-3"')
    s3.download_file(bucket, "long", str(target))
    assert target.read_bytes() == source.read_bytes()
