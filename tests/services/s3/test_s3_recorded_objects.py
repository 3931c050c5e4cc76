"""Objects and copies: the calls of recorded cases made again; each test names its case. Truth: the recorded answers of AWS."""

import gzip
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from recorded import Recorded

pytestmark = pytest.mark.http
LOREM = "Lorem ipsum dolor sit amet, ... " * 30
JSON = '{"key": "value"}'
"""The bodies of the cases, found by their ETags."""


def read(call: Callable[..., Any]) -> Callable[..., Any]:
    """The answer with its body read, as the recordings show it."""

    def reading(**parameters: Any) -> Any:
        answer = call(**parameters)
        answer["Body"] = answer["Body"].read().decode("utf-8", "replace")
        return answer

    return reading


def test_a_body_comes_back_with_its_etag_whole_and_in_part(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=LOREM)
    with Recorded("s3", "TestS3::test_etag_on_get_object_call") as case:
        case.answers("get_object", read(s3.get_object), Bucket=bucket, Key="k")
        case.answers("get_object_range", read(s3.get_object), Bucket=bucket, Key="k", Range="bytes=0-16")


def test_attributes_follow_versions(s3: Any, versioned: str) -> None:
    at = {"Bucket": versioned, "Key": "key-attrs-versioned"}
    with Recorded("s3", "TestS3::test_get_object_attributes_versioned", apart=("ChecksumCRC32", "ETag")) as case:
        first = case.answers("put-obj-v1", s3.put_object, Body="1234567", **at)
        case.answers("put-obj-v2", s3.put_object, Body="version 2", **at)
        wanted = ["ETag", "ObjectSize", "StorageClass", "Checksum"]
        case.answers("object-attrs", s3.get_object_attributes, ObjectAttributes=wanted, **at)
        case.answers("delete-key", s3.delete_object, **at)
        case.answers("deleted-object-attrs", s3.get_object_attributes, ObjectAttributes=wanted, **at)
        of_first = {"VersionId": first["VersionId"], "ObjectAttributes": wanted[:3]}
        case.answers("get-object-attrs-v1", s3.get_object_attributes, **of_first, **at)


def test_the_headers_of_a_get(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body="123")
    headers = s3.get_object(Bucket=bucket, Key="k")["ResponseMetadata"]["HTTPHeaders"]
    shown = {name: value for name, value in headers.items() if not name.startswith("x-amz-checksum")}  # the case asked for none
    with Recorded("s3", "TestS3::test_get_object_content_length_with_virtual_host[False]") as case:
        case.is_as("get-obj-content-len-headers", shown)


def test_head_and_the_nothing_it_says_of_no_key(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body="12345678")
    with Recorded("s3", "TestS3::test_head_object_fields", apart=("ETag",)) as case:
        case.answers("head-object", s3.head_object, Bucket=bucket, Key="k")
        case.answers("head-object-404", s3.head_object, Bucket=bucket, Key="absent")


def test_a_range_behind_the_end(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body="12345678")
    with Recorded("s3", "TestS3::test_invalid_range_error") as case:
        case.answers("exc", s3.get_object, Bucket=bucket, Key="k", Range="bytes=1024-4096")


RANGES = {
    "0-8": "0-8", "1-1": "1-1", "1-0": "1-0", "1-": "1-", "-1-": "-1-", "-2": "-2", "-9": "-9", "-15": "-15", "0-100": "0-100",
    "0-0": "0-0", "0--1": "0--1", "multiple-ranges": "0-1,3-4,7-9", "-": "-", "-0": "-0", "100-200": "100-200",
}  # fmt: skip


def test_ranges(s3: Any, bucket: str) -> None:
    at = {"Bucket": bucket, "Key": "k"}
    s3.put_object(Body="0123456789", **at)
    with Recorded("s3", "TestS3ObjectCRUD::test_get_object_range", left_out={"put-after-failed": "its body is not known"}) as case:
        for label, asked in RANGES.items():
            case.answers(f"get-{label}", read(s3.get_object), Range=f"bytes={asked}", **at)
        case.answers("get-0-8-checksum", read(s3.get_object), Range="bytes=0-8", ChecksumMode="ENABLED", **at)
        case.answers("get-wrong-format", read(s3.get_object), Range="0-1", **at)


def test_metadata_names_keep_their_underscores(calm: Any, bucket: str) -> None:
    calm.put_object(Bucket=bucket, Key="k", Body="foo", Metadata={"TEST_META_1": "foo", "__meta_2": "bar"})
    with Recorded("s3", "TestS3::test_metadata_header_character_decoding") as case:
        case.answers("head-object", calm.head_object, Bucket=bucket, Key="k")


@pytest.mark.parametrize("key", ["a/%F0%9F%98%80/", "test key//", "test key/", "test%123", "test%percent"])
def test_keys_of_special_characters(s3: Any, bucket: str, key: str) -> None:
    with Recorded("s3", f"TestS3::test_put_get_object_special_character[{key}]") as case:
        case.answers("put-object-special-char", s3.put_object, Bucket=bucket, Key=key, Body="test")
        case.answers("list-object-special-char", s3.list_objects_v2, Bucket=bucket)
        case.answers("get-object-special-char", read(s3.get_object), Bucket=bucket, Key=key)
        case.answers("del-object-special-char", s3.delete_object, Bucket=bucket, Key=key)


def test_copies_of_special_characters(s3: Any, bucket: str) -> None:
    with Recorded("s3", "TestS3::test_copy_object_special_character") as case:
        other = f"b-{secrets.token_hex(8)}"
        s3.create_bucket(Bucket=other)
        for key in ("file%2Fname", "test@key/", "test key/", "test key//", "a/%F0%9F%98%80/", "test+key"):
            case.answers(f"put-object-src-special-char-{key}", s3.put_object, Bucket=bucket, Key=key, Body="test")
            source = {"Bucket": bucket, "Key": key}
            case.answers(f"copy-object-special-char-{key}", s3.copy_object, Bucket=other, Key=key, CopySource=source)
        case.answers("list-object-copy-dest-special-char", s3.list_objects_v2, Bucket=other)


def test_keys_of_one_letter_and_a_slash(s3: Any, bucket: str) -> None:
    with Recorded("s3", "TestS3::test_put_get_object_single_character_trailing_slash") as case:
        for key in ("a/", "t/", "u/"):
            case.answers(f"put-object-single-char-{key}", s3.put_object, Bucket=bucket, Key=key, Body="test")
            case.answers(f"get-object-single-char-{key}", read(s3.get_object), Bucket=bucket, Key=key)
        case.answers("list-objects-single-char", s3.list_objects_v2, Bucket=bucket)


@pytest.mark.parametrize("prefixed", [True, False])
def test_encoded_keys_stay_apart(s3: Any, bucket: str, prefixed: bool) -> None:
    for key, size in (("test@key/", 16), ("test%40key", 24), ("test%40key/", 12)):
        s3.put_object(Bucket=bucket, Key=key, Body="x" * size)
    with Recorded("s3", f"TestS3::test_url_encoded_key[{prefixed}]", apart=("ETag",)) as case:
        case.answers("list-object-encoded-char", s3.list_objects_v2, Bucket=bucket)


@pytest.mark.parametrize(("case_name", "key", "body"), [("hash_prefix", "#key", "test 123"), ("utf8_key", "Ā0Ä", "abc123")])
def test_keys_beyond_plain_text(s3: Any, bucket: str, case_name: str, key: str, body: str) -> None:
    with Recorded("s3", f"TestS3::test_put_and_get_object_with_{case_name}", apart=("Body",)) as case:
        case.answers("put-object", s3.put_object, Bucket=bucket, Key=key, Body=body)
        case.answers("get-object", s3.get_object, Bucket=bucket, Key=key)


CLASSES = [
    "DEEP_ARCHIVE-False", "GLACIER-False", "GLACIER_IR-True", "INTELLIGENT_TIERING-True", "ONEZONE_IA-True", "STANDARD-True",
    "STANDARD_IA-True",
]  # fmt: skip


@pytest.mark.parametrize("named", CLASSES)
def test_storage_classes(s3: Any, bucket: str, named: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body="body-test", StorageClass=named.partition("-")[0])
    with Recorded("s3", f"TestS3::test_put_object_storage_class[{named}]") as case:
        case.answers("get-object-storage-class", s3.get_object_attributes, Bucket=bucket, Key="k", ObjectAttributes=["StorageClass"])
        case.answers("get-object", read(s3.get_object), Bucket=bucket, Key="k")


def test_headers_that_a_get_overrides(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body="something")
    wanted = {
        "ResponseCacheControl": "max-age=74",
        "ResponseContentDisposition": 'attachment; filename="foo.jpg"',
        "ResponseContentEncoding": "identity",
        "ResponseContentLanguage": "de-DE",
        "ResponseContentType": "image/jpeg",
        "ResponseExpires": datetime(2015, 10, 21, 7, 28, tzinfo=UTC),
    }
    with Recorded("s3", "TestS3::test_s3_get_object_header_overrides") as case:
        case.answers("get-object", read(s3.get_object), Bucket=bucket, Key="k", **wanted)


def test_conditions_on_a_get(s3: Any, bucket: str) -> None:
    at = {"Bucket": bucket, "Key": "k"}
    etag = s3.put_object(Body="data", **at)["ETag"]
    modified = s3.head_object(**at)["LastModified"]
    day = timedelta(days=1)
    asked = {
        "precondition-if-match": {"IfMatch": '"' + "0" * 32 + '"'},
        "precondition-if-unmodified-since": {"IfUnmodifiedSince": modified - day},
        "precondition-if-none-match": {"IfNoneMatch": etag},
        "copy-precondition-if-modified-since": {"IfModifiedSince": modified},
        "obj-ignore-future-modified-since": {"IfModifiedSince": modified + day * 1000},
        "etag-missing-quotes": {"IfNoneMatch": etag.strip('"')},
        "precondition-if-unmodified-since-is-object": {"IfUnmodifiedSince": modified},
        "precondition-if-modified-since-is-object": {"IfModifiedSince": modified},
        "obj-success": {"IfMatch": etag, "IfNoneMatch": "other", "IfModifiedSince": modified - day, "IfUnmodifiedSince": modified},
    }
    with Recorded("s3", "TestS3::test_s3_get_object_preconditions[get_object]") as case:
        for label, conditions in asked.items():
            case.answers(label, read(s3.get_object), **conditions, **at)


def test_expires(s3: Any, bucket: str) -> None:
    at = {"Bucket": bucket, "Key": "k"}
    with Recorded("s3", "TestS3::test_s3_object_expires", apart=("ExpiresString",)) as case:
        for when, expires in (("future", datetime(2037, 1, 1, tzinfo=UTC)), ("past", datetime(2001, 1, 1, tzinfo=UTC))):
            case.answers(f"put-object-expires-{when}", s3.put_object, Body="foo", Expires=expires, **at)
            head = case.answers(f"head-object-expires-{when}", s3.head_object, **at)
            assert head["Expires"] == expires
            case.answers(f"get-object-expires-{when}", read(s3.get_object), **at)


def test_letter_case_of_keys(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="CamelCaseKey", Body="something")
    with Recorded("s3", "TestS3::test_s3_uppercase_key_names") as case:
        case.answers("response", read(s3.get_object), Bucket=bucket, Key="CamelCaseKey")
        case.answers("wrong-case-key", s3.get_object, Bucket=bucket, Key="camelcasekey")


@pytest.mark.parametrize("algorithm", ["None", "CRC32", "CRC32C", "SHA1", "SHA256"])
def test_an_object_shows_the_checksum_that_it_was_put_with(s3: Any, bucket: str, algorithm: str) -> None:
    at = {"Bucket": bucket, "Key": "k"}
    asked = {} if algorithm == "None" else {"ChecksumAlgorithm": algorithm}
    with Recorded("s3", f"TestS3PutObjectChecksum::test_s3_get_object_checksum[{algorithm}]") as case:
        case.answers("put-object", s3.put_object, Body="test-checksum", **asked, **at)
        case.answers("get-object", read(s3.get_object), **at)
        case.answers("get-object-with-checksum", read(s3.get_object), ChecksumMode="ENABLED", **at)
        case.answers("head-object-with-checksum", read(s3.get_object), ChecksumMode="ENABLED", **at)  # so it is recorded
        case.answers("get-object-attrs", s3.get_object_attributes, ObjectAttributes=["Checksum"], **at)


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "SHA256"])
def test_wrong_checksums(s3: Any, bucket: str, algorithm: str) -> None:
    at = {"Bucket": bucket, "Key": "k"}
    body, member = "test data..", f"Checksum{algorithm}"
    right = s3.put_object(Bucket=bucket, Key="other", Body=body, ChecksumAlgorithm=algorithm)[member]
    wrong = s3.put_object(Bucket=bucket, Key="other", Body="another", ChecksumAlgorithm=algorithm)[member]
    attributes = {"ObjectAttributes": ["ETag", "Checksum"], **at}
    with Recorded("s3", f"TestS3PutObjectChecksum::test_put_object_checksum[{algorithm}]") as case:
        case.answers("put-wrong-checksum-no-b64", s3.put_object, Body=body, **{member: "test"}, **at)
        case.answers("put-wrong-checksum-value", s3.put_object, Body=body, **{member: wrong}, **at)
        case.answers("put-object-generated", s3.put_object, Body=body, **{member: right}, **at)
        case.answers("get-object-attrs-generated", s3.get_object_attributes, **attributes)
        case.answers("put-object-autogenerated", s3.put_object, Body=body, ChecksumAlgorithm=algorithm, **at)
        case.answers("get-object-attrs-auto-generated", s3.get_object_attributes, **attributes)
        case.answers("head-object-with-checksum", s3.head_object, ChecksumMode="ENABLED", **at)


def test_without_a_checksum_of_the_sdk(calm: Any, bucket: str) -> None:
    at, body = {"Bucket": bucket, "Key": "k"}, "test data.."
    attributes = {"Bucket": bucket, "ObjectAttributes": ["Checksum"]}
    shown = {"ChecksumMode": "ENABLED", **at}
    left_out = {
        "wrong-checksum": "recorded of raw HTTP; test_wrong_checksums",
        "head-obj-right-checksum": "the same as test_wrong_checksums'",
        "head-obj-only-checksum-algo": "needs a header that boto3 turns into a trailer",
        "head-obj-diff-checksum-algo": "the same",
    }
    with Recorded("s3", "TestS3PutObjectChecksum::test_s3_checksum_no_automatic_sdk_calculation", left_out=left_out) as case:
        calm.put_object(Body=body, **at)
        case.answers("head-obj-no-checksum", calm.head_object, **shown)
        case.answers("get-obj-attrs-no-checksum", calm.get_object_attributes, Key="k", **attributes)
        case.answers("copy-obj-default-checksum", calm.copy_object, Bucket=bucket, Key="copy", CopySource=f"{bucket}/k")
        case.answers("get-copy-obj-attrs-no-checksum", calm.get_object_attributes, Key="copy", **attributes)


def test_a_zipped_body(s3: Any, bucket: str) -> None:
    at = {"Bucket": bucket, "Key": "k"}
    body = gzip.compress(b"x", mtime=0)
    apart = ("ETag", "ChecksumCRC32", "Body", "ContentLength")
    with Recorded("s3", "TestS3::test_s3_upload_download_gzip", apart=apart) as case:
        case.answers("put-object", s3.put_object, ContentEncoding="gzip", Body=body, **at)
        case.answers("get-object", s3.get_object, **at)


# -- headers ---------------------------------------------------------------------------------------------------------------


def test_system_metadata_of_unicode(s3: Any, bucket: str) -> None:
    at = {"Bucket": bucket, "Key": "k"}
    worn = {
        "CacheControl": "ÄMÄZÕÑ S3",
        "ContentDisposition": 'attachment; filename="test_—_file%E2%80%94_é_2.pdf"',
        "ContentLanguage": "de",
    }
    with Recorded("s3", "TestS3::test_system_metadata_with_unicode") as case:
        case.answers("put-object", s3.put_object, **worn, **at)
        case.answers("get-object", read(s3.get_object), **at)


def test_an_encoding_beside_a_checksum(s3: Any, bucket: str) -> None:
    at = {"Bucket": bucket, "Key": "k"}
    apart = ("ETag", "ChecksumSHA256", "Body", "ContentLength")
    with Recorded("s3", "TestS3PutObjectChecksum::test_s3_checksum_with_content_encoding", apart=apart) as case:
        body = gzip.compress(b"x", mtime=0)
        case.answers("put-object", s3.put_object, ContentEncoding="gzip", Body=body, ChecksumAlgorithm="SHA256", **at)
        case.answers("get-object", s3.get_object, **at)
        case.answers("get-object-with-checksum", s3.get_object, ChecksumMode="ENABLED", **at)
        case.answers("get-object-attrs", s3.get_object_attributes, ObjectAttributes=["Checksum"], **at)


def test_conditions_as_they_fail_and_hold(s3: Any, bucket: str) -> None:
    at = {"Bucket": bucket, "Key": "k"}
    etag = s3.put_object(Body="123", **at)["ETag"]

    def error(**conditions: Any) -> Any:
        with pytest.raises(ClientError) as caught:
            s3.get_object(**conditions, **at)
        return caught.value.response["Error"]

    def status(**conditions: Any) -> Any:
        return s3.get_object(**conditions, **at)["ResponseMetadata"]["HTTPStatusCode"]

    with Recorded("s3", "TestS3::test_s3_get_object_headers") as case:
        case.is_as("if_none_match_err_1", error(IfNoneMatch=etag))
        case.is_as("if_none_match_err_2", error(IfNoneMatch=etag.strip('"')))
        case.is_as("if_none_match_1", status(IfNoneMatch="etag"))
        case.is_as("if_match_1", status(IfMatch=etag))
        case.is_as("if_match_2", status(IfMatch=etag.strip('"')))
        case.is_as("if_match_err_1", error(IfMatch="etag"))


def test_deleting_a_version_among_many(s3: Any, versioned: str) -> None:
    with Recorded("s3", "TestS3::test_s3_delete_object_with_version_id") as case:
        case.answers("get_bucket_versioning", s3.get_bucket_versioning, Bucket=versioned)
        first, _ = (s3.put_object(Bucket=versioned, Key=f"aws/s3/testkey{number}.txt", Body=LOREM)["VersionId"] for number in (1, 2))
        gone = {"Objects": [{"Key": "aws/s3/testkey1.txt", "VersionId": first}]}
        case.answers("delete_objects", s3.delete_objects, Bucket=versioned, Delete=gone)
        case.answers("list_object_versions_after_delete", s3.list_object_versions, Bucket=versioned)
        s3.put_bucket_versioning(Bucket=versioned, VersioningConfiguration={"Status": "Suspended"})
        case.answers("get_bucket_versioning_suspended", s3.get_bucket_versioning, Bucket=versioned)
