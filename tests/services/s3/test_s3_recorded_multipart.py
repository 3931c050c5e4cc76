"""Uploads in parts: the calls of recorded cases made again; each test names its case. Truth: the recorded answers of AWS."""

from datetime import timedelta
from typing import Any

import pytest

from headwater.aws.checksums import checksum
from recorded import Recorded

pytestmark = pytest.mark.http
PART = "a" * 5242881
"""The recorded parts: a little more than the least that a part may have."""
UNKNOWN = ("ETag", "ChecksumCRC32C", "ChecksumCRC64NVME")
"""What follows from a body that the recording does not show."""


@pytest.fixture
def calm(aws: Any) -> Any:
    """A client that computes no checksum of its own accord."""
    from botocore.config import Config

    return aws.client("s3", config=Config(request_checksum_calculation="when_required", response_checksum_validation="when_required"))


def listed(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"MultipartUpload": {"Parts": list(parts)}}


def body_apart(call: Any) -> Any:
    def reading(**parameters: Any) -> Any:
        answer = call(**parameters)
        answer["Body"] = answer["Body"].read().decode() if answer["ContentLength"] < 20 else ""
        return answer

    return reading


def test_parts_and_their_order(s3: Any, bucket: str) -> None:
    with Recorded("s3", "TestS3::test_complete_multipart_parts_order", apart=("ETag", "ChecksumCRC64NVME")) as case:
        at = {"Bucket": bucket, "Key": "test-order-parts"}
        upload = {"UploadId": s3.create_multipart_upload(**at)["UploadId"], **at}
        case.answers("upload-part-negative-part-number", s3.upload_part, PartNumber=-1, Body="x", **upload)
        parts = []
        for number, body in ((1, PART), (2, PART), (3, "x")):
            parts.append({"PartNumber": number, "ETag": s3.upload_part(PartNumber=number, Body=body, **upload)["ETag"]})
        case.answers("complete-multipart-unordered", s3.complete_multipart_upload, **listed(parts[1], parts[0], parts[2]), **upload)
        case.answers("complete-multipart-ordered", s3.complete_multipart_upload, **listed(*parts), **upload)
        at["Key"] = "key-sequence-with-step-2"
        upload = {"UploadId": s3.create_multipart_upload(**at)["UploadId"], **at}
        parts = []
        for number, body in ((2, PART), (4, PART), (6, "x")):
            parts.append({"PartNumber": number, "ETag": s3.upload_part(PartNumber=number, Body=body, **upload)["ETag"]})
        case.answers("complete-multipart-with-step-2", s3.complete_multipart_upload, **listed(*parts), **upload)


def test_parts_that_are_too_small(s3: Any, bucket: str) -> None:
    at = {"Bucket": bucket, "Key": "k"}
    with Recorded("s3", "TestS3::test_multipart_complete_multipart_too_small") as case:
        upload = {"UploadId": s3.create_multipart_upload(**at)["UploadId"], **at}
        parts = []
        for number in (1, 2):
            etag = case.answers(f"upload-part{number}", s3.upload_part, PartNumber=number, Body="data", **upload)["ETag"]
            parts.append({"PartNumber": number, "ETag": etag})
        case.answers("complete-exc-no-parts", s3.complete_multipart_upload, MultipartUpload={"Parts": []}, **upload)
        case.answers("complete-exc-too-small", s3.complete_multipart_upload, **listed(*parts), **upload)


def test_uploads_that_are_not_there(s3: Any, bucket: str) -> None:
    upload = {"Bucket": bucket, "Key": "k", "UploadId": "fakeid"}
    with Recorded("s3", "TestS3::test_multipart_no_such_upload") as case:
        case.answers("upload-exc", s3.upload_part, PartNumber=1, Body="data", **upload)
        case.answers("complete-exc", s3.complete_multipart_upload, **listed({"PartNumber": 1, "ETag": "x"}), **upload)
        case.answers("abort-exc", s3.abort_multipart_upload, **upload)


def test_a_location_of_unicode(s3: Any, bucket: str) -> None:
    at = {"Bucket": bucket, "Key": "test-unicode_\u2014_file"}
    with Recorded("s3", "TestS3::test_multipart_with_unicode_character_location", apart=("ETag", "ChecksumCRC64NVME")) as case:
        upload = {"UploadId": case.answers("create-multipart", s3.create_multipart_upload, **at)["UploadId"], **at}
        etag = s3.upload_part(PartNumber=1, Body="x", **upload)["ETag"]
        case.answers("complete-multipart", s3.complete_multipart_upload, **listed({"PartNumber": 1, "ETag": etag}), **upload)


def test_an_upload_of_the_sdk(s3: Any, bucket: str, tmp_path: Any) -> None:
    from boto3.s3.transfer import TransferConfig

    (tmp_path / "file").write_bytes(b"x" * 6144)
    s3.upload_file(Bucket=bucket, Key="k", Filename=str(tmp_path / "file"), Config=TransferConfig(multipart_threshold=1024))
    with Recorded("s3", "TestS3::test_upload_file_multipart", apart=("ETag", "ChecksumCRC32", "Body")) as case:
        case.answers("get_object", s3.get_object, Bucket=bucket, Key="k")


def test_a_part_of_an_object(s3: Any, bucket: str) -> None:
    at = {"Bucket": bucket, "Key": "test-multipart-checksum"}
    with Recorded("s3", "TestS3::test_get_object_part_checksum[COMPOSITE]") as case:
        begun = case.answers("create-mpu-checksum", s3.create_multipart_upload, ChecksumAlgorithm="CRC32C", ChecksumType="COMPOSITE", **at)
        upload = {"UploadId": begun["UploadId"], **at}
        one = {"PartNumber": 1, "Body": "test content 123", "ChecksumAlgorithm": "CRC32C"}
        part = case.answers("upload-part", s3.upload_part, **one, **upload)
        parts = listed({"PartNumber": 1, "ETag": part["ETag"], "ChecksumCRC32C": part["ChecksumCRC32C"]})
        case.answers("complete-multipart-checksum", s3.complete_multipart_upload, **parts, **upload)
        asked = {"PartNumber": 1, "ChecksumMode": "ENABLED", **at}
        case.answers("head-object-part", s3.head_object, **asked)
        case.answers("get-object-part", body_apart(s3.get_object), **asked)


def test_uploads_page_by_page(s3: Any, bucket: str) -> None:
    at = {"Bucket": bucket}
    keys = ["z-key", "m-key", "a-key", "a-key", "a-key"]  # as the case: five uploads, three of them of the key that sorts first
    asked = {"MaxUploads": 1, **at}

    def listing(**parameters: Any) -> Any:
        return s3.list_multipart_uploads(**parameters)

    with Recorded("s3", "TestS3ListMultipartUploads::test_list_multiparts_next_marker") as case:
        case.answers("list-multiparts-empty", listing, **at)
        ids = [s3.create_multipart_upload(Key=key, **at)["UploadId"] for key in keys]
        case.is_as("upload-ids-order", {"UploadIds": [{"UploadId": upload} for upload in ids]})
        case.answers("list-multiparts-all", listing, **at)
        case.answers("list-multiparts-max-1", listing, **asked)
        case.answers("list-multiparts-next-key-only", listing, KeyMarker="a-key", **asked)
        case.answers("list-multiparts-next-key-last", listing, KeyMarker="z-key", **asked)
        case.answers("list-multiparts-next-upload-only", listing, UploadIdMarker=ids[2], **asked)
        case.answers("list-multiparts-both-markers", listing, KeyMarker="a-key", UploadIdMarker=ids[2], **asked)
        case.answers("list-multiparts-both-markers-2", listing, KeyMarker="a-key", UploadIdMarker=ids[4], **asked)
        case.answers("list-multiparts-get-last-upload-no-truncate", listing, KeyMarker="m-key", UploadIdMarker=ids[1], **asked)
        case.answers("list-multiparts-wrong-id-for-key", listing, KeyMarker="a-key", UploadIdMarker=ids[1], **asked)
        case.answers("list-multiparts-next-key-empty", listing, KeyMarker="", **asked)


def test_parts_page_by_page_as_attributes(s3: Any, bucket: str) -> None:
    at = {"Bucket": bucket, "Key": "test-object-attrs-pagination"}
    upload = {"UploadId": s3.create_multipart_upload(ChecksumAlgorithm="SHA256", **at)["UploadId"], **at}
    parts = []
    for number in (1, 2):
        part = s3.upload_part(PartNumber=number, Body=PART, ChecksumAlgorithm="SHA256", **upload)
        parts.append({"PartNumber": number, "ETag": part["ETag"], "ChecksumSHA256": part["ChecksumSHA256"]})
    asked = {"ObjectAttributes": ["ObjectParts"], **at}
    pages: dict[str, dict[str, Any]] = {
        "all": {},
        "1": {"PartNumberMarker": 0},
        "next": {"PartNumberMarker": 1, "MaxParts": 1},
        "wrong-part": {"PartNumberMarker": 10, "MaxParts": 1},
    }
    with Recorded("s3", "TestS3ListParts::test_list_parts_via_object_attrs_pagination") as case:
        case.answers("list-parts", s3.list_parts, **upload)
        case.answers("complete-mpu", s3.complete_multipart_upload, **listed(*parts), **upload)
        for label, page in pages.items():
            case.answers(f"get-object-attrs-{label}", s3.get_object_attributes, **page, **asked)


DAY = timedelta(days=1)
COPY_CONDITIONS = {
    "match_and_if_unmodified_since_match": ("", lambda etag, at: {"IfMatch": etag, "IfUnmodifiedSince": at - DAY}),
    "match_none_success": ("-if-none-match", lambda _etag, _at: {"IfNoneMatch": "other"}),
    "match_success": ("-if-match", lambda etag, _at: {"IfMatch": etag}),
    "modified_since_success": ("-if-modified-since", lambda _etag, at: {"IfModifiedSince": at - DAY}),
    "unmodified_since_success": ("-if-unmodified-since", lambda _etag, at: {"IfUnmodifiedSince": at + DAY}),
    "match_failed": ("-source-if-match", lambda _etag, _at: {"IfMatch": "other"}),
    "none_match_and_if_unmodified_since_match_failed": (
        "-source-unmodified-since-and-if-none-match",
        lambda etag, at: {"IfNoneMatch": etag, "IfUnmodifiedSince": at - DAY},
    ),
    "none_match_failed": ("-source-if-none-match", lambda etag, _at: {"IfNoneMatch": etag}),
    "if_modified_since_failed": ("-source-modified-since-match", lambda _etag, at: {"IfModifiedSince": at}),
}


@pytest.mark.parametrize("named", COPY_CONDITIONS)
def test_conditions_on_the_source_of_a_part(s3: Any, bucket: str, named: str) -> None:
    label, conditions = COPY_CONDITIONS[named]
    etag = s3.put_object(Bucket=bucket, Key="source", Body="0123456789")["ETag"]
    modified = s3.head_object(Bucket=bucket, Key="source")["LastModified"]
    at = {"Bucket": bucket, "Key": "destination_file.txt"}
    upload = {"UploadId": s3.create_multipart_upload(**at)["UploadId"], **at}
    asked = {f"CopySource{name}": value for name, value in conditions(etag, modified).items()}
    prefix = "" if named.startswith("if_") else "copy_source_if_"
    with Recorded("s3", f"TestS3Multipart::test_upload_part_copy_with_{prefix}{named}") as case:
        case.answers(f"upload-part-copy{label}", s3.upload_part_copy, PartNumber=1, CopySource=f"{bucket}/source", **asked, **upload)
        if not named.endswith("failed"):
            case.answers("list-parts", s3.list_parts, **upload)


# -- checksums -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["composite[CRC32]", "composite[CRC32C]", "full_object[CRC32C]", "full_object[CRC64NVME]"])
def test_checksums_of_parts_and_of_the_whole(s3: Any, bucket: str, kind: str) -> None:
    at = {"Bucket": bucket, "Key": "test-multipart-checksum"}
    checksum_type, _, algorithm = kind.removesuffix("]").partition("[")
    member = f"Checksum{algorithm}"
    with Recorded("s3", f"TestS3MultipartUploadChecksum::test_complete_multipart_parts_checksum_{kind}") as case:
        made = {"ChecksumAlgorithm": algorithm, "ChecksumType": checksum_type.upper()}
        upload = {"UploadId": case.answers("create-mpu-checksum", s3.create_multipart_upload, **made, **at)["UploadId"], **at}
        parts: list[dict[str, Any]] = []
        for number, body in enumerate((PART, PART, "a" * 10)):
            sent = {"PartNumber": number + 1, "Body": body, "ChecksumAlgorithm": algorithm}
            part = case.answers(f"upload-part-{number}", s3.upload_part, **sent, **upload)
            parts.append({"PartNumber": number + 1, "ETag": part["ETag"], member: part[member]})
        case.answers("list-parts", s3.list_parts, **upload)
        wrong = [dict(part) for part in parts]
        first_wrong = 1 if kind == "composite[CRC32C]" else 0
        wrong[first_wrong][member] = checksum(algorithm, b"another")
        complete = s3.complete_multipart_upload
        case.answers("complete-multipart-wrong-parts-checksum", complete, **listed(*wrong), **upload)
        if checksum_type == "composite":
            bare = [{"PartNumber": part["PartNumber"], "ETag": part["ETag"]} for part in parts]
            case.answers("complete-multipart-no-checksum", complete, **listed(*bare), **upload)
        case.answers("complete-multipart-checksum", complete, **listed(*parts), **upload)
        case.answers("get-object-with-checksum", body_apart(s3.get_object), ChecksumMode="ENABLED", **at)
        case.answers("head-object-with-checksum", s3.head_object, ChecksumMode="ENABLED", **at)
        attributes = ["Checksum", "ETag", "ObjectParts"]
        case.answers("get-object-attrs", s3.get_object_attributes, ObjectAttributes=attributes, **at)
        copy = {"Bucket": bucket, "Key": "copy"}
        case.answers("copy-obj-checksum", s3.copy_object, CopySource=f"{bucket}/{at['Key']}", **copy)
        case.answers("get-copy-object-attrs", s3.get_object_attributes, ObjectAttributes=attributes, **copy)
        case.answers("get-object-part-checksum", body_apart(s3.get_object), PartNumber=3, ChecksumMode="ENABLED", **at)


def test_an_upload_without_a_checksum(s3: Any, bucket: str) -> None:
    at = {"Bucket": bucket, "Key": "test-multipart-checksum"}
    with Recorded("s3", "TestS3MultipartUploadChecksum::test_complete_multipart_parts_checksum_default", apart=UNKNOWN) as case:
        upload = {"UploadId": case.answers("create-mpu-no-checksum", s3.create_multipart_upload, **at)["UploadId"], **at}
        case.answers("list-multiparts", s3.list_multipart_uploads, Bucket=bucket)
        sent = {"PartNumber": 1, "Body": "abc", "ChecksumAlgorithm": "CRC32C"}
        part = case.answers("upload-part-different-checksum-than-default", s3.upload_part, **sent, **upload)
        case.answers("list-parts", s3.list_parts, **upload)
        one = {"PartNumber": 1, "ETag": part["ETag"]}
        complete = s3.complete_multipart_upload
        case.answers("complete-multipart-parts-checksum", complete, **listed(one | {"ChecksumCRC32C": part["ChecksumCRC32C"]}), **upload)
        wrong = listed(one | {"ChecksumSHA256": checksum("SHA256", b"abc")})
        case.answers("complete-multipart-wrong-parts-checksum", complete, **wrong, **upload)
        case.answers("complete-multipart-full-object-type", complete, ChecksumType="FULL_OBJECT", **listed(one), **upload)
        case.answers("complete-multipart-composite-type", complete, ChecksumType="COMPOSITE", **listed(one), **upload)
        case.answers("complete-multipart-checksum", complete, **listed(one), **upload)
        case.answers("get-object-with-checksum", apart_of_body(s3.get_object), ChecksumMode="ENABLED", **at)
        case.answers("head-object-with-checksum", s3.head_object, ChecksumMode="ENABLED", **at)
        attributes = ["Checksum", "ETag", "ObjectParts"]
        case.answers("get-object-attrs", s3.get_object_attributes, ObjectAttributes=attributes, **at)
        copy = {"Bucket": bucket, "Key": "copy"}
        case.answers("copy-obj-checksum", s3.copy_object, CopySource=f"{bucket}/{at['Key']}", **copy)
        case.answers("get-copy-object-attrs", s3.get_object_attributes, ObjectAttributes=attributes, **copy)


def apart_of_body(call: Any) -> Any:
    return lambda **parameters: call(**parameters) | {"Body": ""}


def test_an_upload_of_the_default_algorithm(s3: Any, bucket: str) -> None:
    at = {"Bucket": bucket, "Key": "test-multipart-checksum"}
    case_name = "TestS3MultipartUploadChecksum::test_complete_multipart_parts_checksum_full_object_default"
    with Recorded("s3", case_name, apart=("ETag", "ChecksumCRC64NVME")) as case:
        made = {"ChecksumAlgorithm": "CRC64NVME"}
        upload = {"UploadId": case.answers("create-mpu-checksum-crc64", s3.create_multipart_upload, **made, **at)["UploadId"], **at}
        part = case.answers("upload-part", s3.upload_part, PartNumber=1, Body="abc", ChecksumAlgorithm="CRC64NVME", **upload)
        one = listed({"PartNumber": 1, "ETag": part["ETag"]})
        case.answers("complete-multipart-checksum", s3.complete_multipart_upload, **one, **upload)
        case.answers("get-object-with-checksum", apart_of_body(s3.get_object), ChecksumMode="ENABLED", **at)
        case.answers("head-object-with-checksum", s3.head_object, ChecksumMode="ENABLED", **at)
        attributes = ["Checksum", "ETag", "ObjectParts"]
        case.answers("get-object-attrs", s3.get_object_attributes, ObjectAttributes=attributes, **at)


COMPATIBLE = ["COMPOSITE-CRC32", "COMPOSITE-SHA1", "COMPOSITE-SHA256", "FULL_OBJECT-CRC32C", "FULL_OBJECT-CRC32"]
INCOMPATIBLE = ["COMPOSITE-CRC64NVME", "FULL_OBJECT-SHA1", "FULL_OBJECT-SHA256"]


@pytest.mark.parametrize("named", COMPATIBLE + INCOMPATIBLE)
def test_types_and_algorithms(s3: Any, bucket: str, named: str) -> None:
    checksum_type, _, algorithm = named.partition("-")
    asked = {"Bucket": bucket, "Key": "test-multipart-checksum-compat", "ChecksumType": checksum_type, "ChecksumAlgorithm": algorithm}
    with Recorded("s3", f"TestS3MultipartUploadChecksum::test_multipart_checksum_type_compatibility[{named}]") as case:
        case.answers("create-mpu-checksum" + ("-exc" if named in INCOMPATIBLE else ""), s3.create_multipart_upload, **asked)


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "CRC64NVME", "SHA256"])
def test_the_type_that_an_algorithm_has(s3: Any, bucket: str, algorithm: str) -> None:
    asked = {"Bucket": bucket, "Key": "test-multipart-checksum-default", "ChecksumAlgorithm": algorithm}
    with Recorded("s3", f"TestS3MultipartUploadChecksum::test_multipart_checksum_type_default_for_checksum[{algorithm}]") as case:
        case.answers("create-mpu-default-checksum-type", s3.create_multipart_upload, **asked)


@pytest.mark.parametrize("algorithm", ["CRC32C", "CRC64NVME", "SHA1", "SHA256"])
def test_wrong_checksums_of_a_part(s3: Any, bucket: str, algorithm: str) -> None:
    at = {"Bucket": bucket, "Key": "k"}
    upload = {"UploadId": s3.create_multipart_upload(ChecksumAlgorithm=algorithm, **at)["UploadId"], **at}
    member = f"Checksum{algorithm}"
    with Recorded("s3", f"TestS3MultipartUploadChecksum::test_multipart_upload_part_checksum_exception[{algorithm}]") as case:
        sent = {"PartNumber": 1, "Body": "test data..", "ChecksumAlgorithm": algorithm, **upload}
        case.answers("put-wrong-checksum-no-b64", s3.upload_part, **{member: "test"}, **sent)
        case.answers("put-wrong-checksum-value", s3.upload_part, **{member: checksum(algorithm, b"another")}, **sent)


def test_composite_uploads_that_are_refused(s3: Any, calm: Any, bucket: str) -> None:
    at = {"Bucket": bucket, "Key": "test-multipart-checksum-exc"}
    with Recorded("s3", "TestS3MultipartUploadChecksum::test_multipart_parts_checksum_exceptions_composite") as case:
        create = s3.create_multipart_upload
        case.answers("create-mpu-wrong-checksum-algo", create, ChecksumAlgorithm="TEST", **at)
        case.answers("create-mpu-no-checksum-algo-with-type", calm.create_multipart_upload, ChecksumType="COMPOSITE", **at)
        made = {"ChecksumAlgorithm": "CRC32", "ChecksumType": "COMPOSITE"}
        upload = {"UploadId": case.answers("create-mpu-composite-checksum", create, **made, **at)["UploadId"], **at}
        case.answers("list-multiparts", s3.list_multipart_uploads, Bucket=bucket)
        part = case.answers("upload-part-no-checksum-ok", s3.upload_part, PartNumber=1, Body="abc", **upload)
        one = {"PartNumber": 1, "ETag": part["ETag"]}
        other = listed(one | {"ChecksumSHA256": checksum("SHA256", b"abc")})
        case.answers("complete-part-with-checksum", s3.complete_multipart_upload, **other, **upload)
        own = listed(one | {"ChecksumCRC32": part["ChecksumCRC32"]})
        case.answers("complete-part-with-bad-checksum-type", s3.complete_multipart_upload, ChecksumType="FULL_OBJECT", **own, **upload)
        upload["UploadId"] = case.answers("create-mpu-with-checksum", create, ChecksumAlgorithm="SHA256", **at)["UploadId"]
        sent = {"PartNumber": 1, "Body": "abc", "ChecksumAlgorithm": "CRC32"}
        case.answers("upload-part-different-checksum-exc", s3.upload_part, **sent, **upload)


def test_full_object_uploads_that_are_refused(s3: Any, calm: Any, bucket: str) -> None:
    at = {"Bucket": bucket, "Key": "test-multipart-checksum-exc"}
    case_name = "TestS3MultipartUploadChecksum::test_multipart_parts_checksum_exceptions_full_object"
    with Recorded("s3", case_name) as case:
        create, complete = s3.create_multipart_upload, s3.complete_multipart_upload
        case.answers("create-mpu-no-checksum-algo-with-type", calm.create_multipart_upload, ChecksumType="FULL_OBJECT", **at)
        made = {"ChecksumAlgorithm": "CRC32C", "ChecksumType": "FULL_OBJECT"}
        upload = {"UploadId": case.answers("create-mpu-checksum-crc32c", create, **made, **at)["UploadId"], **at}
        case.answers("list-multiparts", s3.list_multipart_uploads, Bucket=bucket)
        part = case.answers("upload-part-no-checksum-ok", calm.upload_part, PartNumber=1, Body="abc", **upload)
        one = listed({"PartNumber": 1, "ETag": part["ETag"]})
        wrong = {"ChecksumCRC32C": checksum("CRC32C", b"another")}
        case.answers("complete-part-bad-checksum-type", complete, ChecksumType="COMPOSITE", **one, **upload)
        case.answers("complete-part-good-checksum-no-type", complete, **wrong, **one, **upload)
        other = {"ChecksumSHA256": checksum("SHA256", b"abc")}
        case.answers("complete-part-only-checksum-algo", complete, **wrong, **one, **upload)
        case.answers("complete-part-only-checksum-algo-diff", complete, **other, **one, **upload)
        case.answers("complete-part-bad-checksum", complete, ChecksumType="FULL_OBJECT", **wrong, **one, **upload)
        case.answers("complete-part-bad-checksum-algo", complete, ChecksumType="FULL_OBJECT", **other, **one, **upload)
        right = {"ChecksumCRC32C": part["ChecksumCRC32C"], "ChecksumType": "FULL_OBJECT"}
        case.answers("complete-success", complete, **right, **one, **upload)
        upload["UploadId"] = case.answers("create-mpu-with-checksum", create, **made, **at)["UploadId"]
        sent = {"PartNumber": 1, "Body": "abc", "ChecksumAlgorithm": "CRC32"}
        case.answers("upload-part-different-checksum-exc", s3.upload_part, **sent, **upload)
