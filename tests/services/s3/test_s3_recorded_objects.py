"""Objects and copies: the calls of recorded cases made again; each test names its case. Truth: the recorded answers of AWS."""

import gzip
import json
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.config import Config

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


@pytest.fixture
def calm(aws: Any) -> Any:
    """A client that computes no checksum of its own accord."""
    return aws.client("s3", config=Config(request_checksum_calculation="when_required", response_checksum_validation="when_required"))


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


# -- copies ----------------------------------------------------------------------------------------------------------------


def test_a_copy_keeps_type_and_metadata(s3: Any, calm: Any, bucket: str) -> None:
    with Recorded("s3", "TestS3::test_s3_copy_content_type_and_metadata") as case:
        worn = {"ContentType": "application/json", "Metadata": {"key": "value"}}
        case.answers("put_object", s3.put_object, Bucket=bucket, Key="source", Body=JSON, **worn)
        case.answers("head_object", s3.head_object, Bucket=bucket, Key="source")
        case.answers("copy_object", s3.copy_object, Bucket=bucket, Key="copy", CopySource=f"{bucket}/source")
        case.answers("head_object_copy", s3.head_object, Bucket=bucket, Key="copy")
        again = {"MetadataDirective": "COPY", "Metadata": {"another": "one"}}
        case.answers("copy_object_second", s3.copy_object, Bucket=bucket, Key="copy", CopySource=f"{bucket}/source", **again)
        case.answers("head_object_second_copy", s3.head_object, Bucket=bucket, Key="copy")


def test_a_copy_in_place(s3: Any, bucket: str) -> None:
    s3.delete_bucket_ownership_controls(Bucket=bucket)  # as the case did, to speak of ACLs
    at = {"Bucket": bucket, "Key": "k"}
    source = {"CopySource": f"{bucket}/k", **at}
    attributes = {"ObjectAttributes": ["StorageClass"], **at}
    with Recorded("s3", "TestS3::test_s3_copy_object_in_place", left_out={"copy-object-in-place-with-acl": "ACLs are not built"}) as case:
        worn = {"ContentType": "application/json", "Metadata": {"key": "value"}}
        case.answers("put_object", s3.put_object, Body=JSON, **worn, **at)
        case.answers("head_object", s3.head_object, **at)
        case.answers("object-attrs", s3.get_object_attributes, **attributes)
        case.answers("copy-object-in-place-no-change", s3.copy_object, **source)
        changed = {"ChecksumAlgorithm": "SHA256", "StorageClass": "STANDARD"}
        case.answers("copy-object-in-place-with-storage-class", s3.copy_object, **changed, **source)
        case.answers("object-attrs-after-copy", s3.get_object_attributes, **attributes)
        case.answers("object-acl", s3.get_object_acl, **at)


def test_metadata_directives_in_place(s3: Any, bucket: str) -> None:
    at = {"Bucket": bucket, "Key": "k"}
    source = {"CopySource": f"{bucket}/k", **at}
    steps: list[tuple[str, dict[str, Any]]] = [
        ("replace-directive", {"Metadata": {"key2": "value2"}, "MetadataDirective": "REPLACE"}),
        ("copy-directive", {"MetadataDirective": "COPY", "StorageClass": "STANDARD"}),
        ("copy-directive-ignore", {"Metadata": {"key3": "v"}, "MetadataDirective": "COPY", "StorageClass": "STANDARD"}),
        ("replace-directive-empty", {"MetadataDirective": "REPLACE"}),
    ]
    with Recorded("s3", "TestS3::test_s3_copy_object_in_place_metadata_directive") as case:
        worn = {"ContentType": "application/json", "Metadata": {"key": "value"}}
        case.answers("put_object", s3.put_object, Body=JSON, **worn, **at)
        case.answers("head_object", s3.head_object, **at)
        case.answers("no-metadata-directive-fail", s3.copy_object, Metadata={"key": "other"}, **source)
        for name, change in steps:
            case.answers(f"copy-{name}", s3.copy_object, **change, **source)
            case.answers(f"head-{name}", s3.head_object, **at)


def test_copies_in_place_where_versioning_is_suspended(s3: Any, bucket: str) -> None:
    at = {"Bucket": bucket, "Key": "k"}
    source = {"CopySource": f"{bucket}/k", "MetadataDirective": "REPLACE", **at}
    with Recorded("s3", "TestS3::test_s3_copy_object_in_place_suspended_only", apart=("Body",)) as case:
        worn = {"ContentType": "application/json", "Metadata": {"key": "value"}}
        case.answers("put_object", s3.put_object, Body=JSON, **worn, **at)
        case.answers("head_object", s3.head_object, **at)
        case.answers("copy-in-place-non-versioned", s3.copy_object, **source)
        case.answers("head-object-copied", s3.head_object, **at)
        case.answers("get-object-copied", s3.get_object, **at)
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
        case.answers("copy-in-place-versioned-suspended", s3.copy_object, **source)
        case.answers("head-object-copied-suspended", s3.head_object, **at)
        case.answers("get-object-copied-suspended", s3.get_object, **at)
        case.answers("copy-in-place-versioned-suspended-twice", s3.copy_object, **source)


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC64NVME", "SHA1", "SHA256"])
def test_a_copy_keeps_the_checksum(s3: Any, bucket: str, algorithm: str) -> None:
    at = {"Bucket": bucket, "Key": "k"}
    attributes = {"Bucket": bucket, "ObjectAttributes": ["Checksum"]}
    source = f"{bucket}/k"
    with Recorded("s3", f"TestS3::test_s3_copy_object_with_default_checksum[{algorithm}]") as case:
        case.answers("put-object-no-checksum", s3.put_object, Body=JSON, ChecksumAlgorithm=algorithm, **at)
        case.answers("object-attrs", s3.get_object_attributes, Key="k", **attributes)
        changed = {"MetadataDirective": "REPLACE"}
        case.answers("copy-object-in-place-with-no-checksum", s3.copy_object, CopySource=source, **changed, **at)
        case.answers("object-attrs-after-copy", s3.get_object_attributes, Key="k", **attributes)
        case.answers("copy-object-to-dest-keep-checksum", s3.copy_object, Bucket=bucket, Key="dest", CopySource=source)
        case.answers("dest-object-attrs-after-copy", s3.get_object_attributes, Key="dest", **attributes)


@pytest.mark.parametrize("algorithm", ["CRC32C", "SHA1"])
def test_a_copy_takes_the_checksum_that_it_asks_for(s3: Any, bucket: str, algorithm: str) -> None:
    at = {"Bucket": bucket, "Key": "k"}
    attributes = {"ObjectAttributes": ["Checksum"], **at}
    with Recorded("s3", f"TestS3::test_s3_copy_object_with_checksum[{algorithm}]") as case:
        case.answers("put-object-no-checksum", s3.put_object, Body=JSON, **at)
        case.answers("object-attrs", s3.get_object_attributes, **attributes)
        asked = {"CopySource": f"{bucket}/k", "ChecksumAlgorithm": algorithm}
        case.answers("copy-object-in-place-with-checksum", s3.copy_object, **asked, **at)
        case.answers("object-attrs-after-copy", s3.get_object_attributes, **attributes)
        case.answers("copy-object-to-dest-keep-checksum", s3.copy_object, Bucket=bucket, Key="dest", CopySource=f"{bucket}/k")


def test_a_copy_source_without_a_key(s3: Any, bucket: str) -> None:
    with Recorded("s3", "TestS3::test_s3_copy_object_wrong_format") as case:
        case.answers("copy-object-wrong-copy-source", s3.copy_object, Bucket=bucket, Key="k", CopySource="wrongformat")


@pytest.mark.parametrize("directive", ["COPY", "REPLACE"])
def test_tagging_directives(s3: Any, bucket: str, directive: str) -> None:
    asked = {"Bucket": bucket, "CopySource": f"{bucket}/k", "TaggingDirective": directive}
    with Recorded("s3", f"TestS3::test_s3_copy_tagging_directive[{directive}]") as case:
        case.answers("put-object", s3.put_object, Bucket=bucket, Key="k", Body="test", Tagging="key1=value1")
        case.answers("get-object-tag", s3.get_object_tagging, Bucket=bucket, Key="k")
        case.answers("copy-object", s3.copy_object, Key="one", Tagging="key2=value2", **asked)
        case.answers("get-copy-object-tag", s3.get_object_tagging, Bucket=bucket, Key="one")
        case.answers("copy-object-tag-empty", s3.copy_object, Key="two", **asked)
        case.answers("get-copy-object-tag-empty", s3.get_object_tagging, Bucket=bucket, Key="two")


def test_tagging_directives_among_versions(s3: Any, versioned: str) -> None:
    at = {"Bucket": versioned, "Key": "k"}
    case_name = "TestS3::test_s3_copy_tagging_directive_versioned[REPLACE]"
    with Recorded("s3", case_name, apart=("ETag", "ChecksumCRC32")) as case:
        first = case.answers("put-object", s3.put_object, Body="test", Tagging="key1=value1", **at)["VersionId"]
        case.answers("put-object-v2", s3.put_object, Body="test v2", Tagging="key1=value1-v2", **at)
        case.answers("get-object-tag", s3.get_object_tagging, **at)
        case.answers("get-object-tag-v1", s3.get_object_tagging, VersionId=first, **at)
        for suffix, source in (("", f"{versioned}/k"), ("-v1", f"{versioned}/k?versionId={first}")):
            asked = {"Bucket": versioned, "Key": "copy", "CopySource": source, "TaggingDirective": "REPLACE"}
            case.answers(f"copy-object{suffix}", s3.copy_object, Tagging="key2=value2", **asked)
            case.answers(f"get-copy-object-tag{suffix}", s3.get_object_tagging, Bucket=versioned, Key="copy")
            case.answers(f"copy-object-tag-empty{suffix}", s3.copy_object, **asked)
            case.answers(f"get-copy-object-tag-empty{suffix}", s3.get_object_tagging, Bucket=versioned, Key="copy")


def test_a_copy_of_what_came_in_parts(s3: Any, bucket: str) -> None:
    at = {"Bucket": bucket, "Key": "test.file"}
    with Recorded("s3", "TestS3::test_multipart_copy_object_etag") as case:
        upload = s3.create_multipart_upload(**at)["UploadId"]
        part = s3.upload_part(UploadId=upload, PartNumber=1, Body="test content 123", **at)["ETag"]
        parts = {"Parts": [{"ETag": part, "PartNumber": 1}]}
        case.answers("multipart-upload", s3.complete_multipart_upload, UploadId=upload, MultipartUpload=parts, **at)
        case.answers("copy-object", s3.copy_object, Bucket=bucket, Key="copy", CopySource=f"{bucket}/test.file")
        in_place = {"CopySource": f"{bucket}/test.file", "MetadataDirective": "REPLACE"}
        case.answers("copy-object-in-place", s3.copy_object, **in_place, **at)
        case.answers("head-obj", s3.head_object, ChecksumMode="ENABLED", **at)


# -- conditions on writes --------------------------------------------------------------------------------------------------


def test_a_copy_behind_a_condition_among_versions(s3: Any, versioned: str) -> None:
    at = {"Bucket": versioned, "Key": "dest-object"}
    source = {"CopySource": f"{versioned}/source-object"}
    apart = ("ETag", "ChecksumCRC32", "Size")
    with Recorded("s3", "TestS3ObjectWritePrecondition::test_copy_object_if_match_versioned_bucket", apart=apart) as case:
        s3.put_object(Bucket=versioned, Key="source-object", Body="source content")
        first = case.answers("put-obj", s3.put_object, Body="dest content", **at)["ETag"]
        case.answers("copy-obj-if-match-wrong-etag", s3.copy_object, IfMatch="0" * 32, **source, **at)
        case.answers("del-obj", s3.delete_object, **at)
        case.answers("copy-obj-after-del-exc", s3.copy_object, IfMatch=first, **source, **at)
        second = case.answers("put-obj-after-del", s3.put_object, Body="dest content after del", **at)["ETag"]
        case.answers("copy-obj-if-match", s3.copy_object, IfMatch=second, **source, **at)
        case.answers("list-object-versions", s3.list_object_versions, Bucket=versioned)
    at["Key"] = "fresh-object"
    with Recorded("s3", "TestS3ObjectWritePrecondition::test_copy_object_if_none_match_versioned_bucket", apart=apart,
                  left_out={"list-object-versions": "the bucket here holds another key"}) as case:  # fmt: skip
        case.answers("copy-obj", s3.copy_object, IfNoneMatch="*", **source, **at)
        case.answers("copy-obj-if-none-match-fail", s3.copy_object, IfNoneMatch="*", **source, **at)
        case.answers("del-obj", s3.delete_object, **at)
        case.answers("copy-obj-after-del", s3.copy_object, IfNoneMatch="*", **source, **at)


def test_an_object_that_appears_during_an_upload(s3: Any, bucket: str) -> None:
    at = {"Bucket": bucket, "Key": "test-precondition"}

    def begun(label: str, case: Recorded) -> tuple[str, dict[str, Any]]:
        upload = case.answers(label, s3.create_multipart_upload, **at)["UploadId"]
        etag = s3.upload_part(UploadId=upload, PartNumber=1, Body="test", **at)["ETag"]
        return upload, {"UploadId": upload, "MultipartUpload": {"Parts": [{"ETag": etag, "PartNumber": 1}]}, **at}

    apart = ("ETag", "ChecksumCRC32", "ChecksumCRC64NVME")
    with Recorded("s3", "TestS3ObjectWritePrecondition::test_multipart_if_match_with_put", apart=apart) as case:
        before = case.answers("put-obj", s3.put_object, Body="test", **at)["ETag"]
        _, complete = begun("create-multipart", case)
        during = case.answers("put-obj-during", s3.put_object, Body="test2", **at)["ETag"]
        case.answers("complete-multipart-if-match-put-before", s3.complete_multipart_upload, IfMatch=before, **complete)
        case.answers("complete-multipart-if-match-put-during", s3.complete_multipart_upload, IfMatch=during, **complete)
        _, again = begun("create-multipart-again", case)
        case.answers("complete-multipart-if-match-put-before-restart", s3.complete_multipart_upload, IfMatch=during, **again)
    s3.delete_object(**at)
    with Recorded("s3", "TestS3ObjectWritePrecondition::test_multipart_if_match_with_delete") as case:
        before = case.answers("put-obj", s3.put_object, Body="test", **at)["ETag"]
        _, complete = begun("create-multipart", case)
        case.answers("del-obj", s3.delete_object, **at)
        case.answers("complete-multipart-after-del", s3.complete_multipart_upload, IfMatch=before, **complete)
        case.answers("put-obj-2", s3.put_object, Body="test", **at)
        case.answers("complete-multipart-if-match-after-put", s3.complete_multipart_upload, IfMatch=before, **complete)
    s3.delete_object(**at)
    with Recorded("s3", "TestS3ObjectWritePrecondition::test_multipart_if_none_match_with_put") as case:
        _, complete = begun("create-multipart", case)
        case.answers("put-obj", s3.put_object, **at)
        case.answers("complete-multipart-if-none-match-put-during", s3.complete_multipart_upload, IfNoneMatch="*", **complete)


def test_conditions_on_a_copy_in_place(s3: Any, bucket: str) -> None:
    at = {"Bucket": bucket, "Key": "k"}
    etag = s3.put_object(Body="source content", **at)["ETag"]
    changed = {"CopySource": f"{bucket}/k", "MetadataDirective": "REPLACE", **at}
    with Recorded("s3", "TestS3ObjectWritePrecondition::test_copy_object_if_match_in_place", apart=("ETag", "ChecksumCRC32")) as case:
        case.answers("copy-obj-if-match-in-place", s3.copy_object, IfMatch=etag, **changed)
    with Recorded("s3", "TestS3ObjectWritePrecondition::test_copy_object_if_none_match_in_place") as case:
        case.answers("copy-obj-if-none-match-fail", s3.copy_object, IfNoneMatch="*", **changed)


def test_conditions_on_a_delete(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body="data")
    with Recorded("s3", "TestS3DeletePrecondition::test_delete_object_if_match_modified_non_express") as case:
        since = {"IfMatchLastModifiedTime": datetime(2025, 1, 1, tzinfo=UTC)}
        case.answers("delete-obj-if-match-last-modified", s3.delete_object, Bucket=bucket, Key="k", **since)


def test_conditions_on_a_copys_source(s3: Any, versioned: str) -> None:
    s3.put_object(Bucket=versioned, Key="k", Body="data")
    asked = {"Bucket": versioned, "Key": "copy", "CopySource": f"{versioned}/k"}
    with Recorded("s3", "TestS3CopySourcePreconditions::test_s3_copy_object_if_source_unmodified_since_versioned") as case:
        modified = case.answers("head-object", s3.head_object, Bucket=versioned, Key="k")["LastModified"]
        case.answers("copy-if-unmodified-since", s3.copy_object, CopySourceIfUnmodifiedSince=modified, **asked)
        before = modified - timedelta(days=1)
        case.answers("copy-past-if-unmodified-since", s3.copy_object, CopySourceIfUnmodifiedSince=before, **asked)


# -- deleting --------------------------------------------------------------------------------------------------------------


def said_of(*keys: str, version: str | None = None) -> dict[str, Any]:
    return {"Objects": [{"Key": key} | ({"VersionId": version} if version else {}) for key in keys]}


def by_key(answer: dict[str, Any]) -> dict[str, Any]:
    """The recordings sort what was deleted."""
    return {name: sorted(value, key=json.dumps) if isinstance(value, list) else value for name, value in answer.items()}


def test_deleting_many(s3: Any, bucket: str) -> None:
    def delete(**parameters: Any) -> dict[str, Any]:
        return by_key(s3.delete_objects(Bucket=bucket, **parameters))

    with Recorded("s3", "TestS3::test_delete_non_existing_keys") as case:
        case.answers("deleted-resp", delete, Delete=said_of("test-key-nonexistent", "dummy1", "dummy2"))
    with Recorded("s3", "TestS3ObjectCRUD::test_delete_objects") as case:
        case.answers("put-object", s3.put_object, Bucket=bucket, Key="test-delete", Body="test-delete")
        wrong = said_of("test-delete", version="HPniJFCxqTsMuIH9KX8K8wEjNUgmABCD")
        case.answers("delete-object-wrong-version-id", delete, Delete=wrong)
        case.answers("delete-objects", delete, Delete=said_of("test-delete", "a-wrong-key", "c-wrong-key"))


def test_deleting_many_among_versions(s3: Any, versioned: str) -> None:
    def delete(**parameters: Any) -> dict[str, Any]:
        return by_key(s3.delete_objects(Bucket=versioned, **parameters))

    with Recorded("s3", "TestS3ObjectCRUD::test_delete_objects_versioned") as case:
        first = case.answers("put-object", s3.put_object, Bucket=versioned, Key="test-delete", Body="test-delete")["VersionId"]
        gone = case.answers("delete-objects-no-version-id", delete, Delete=said_of("test-delete", "wrongkey", "wrongkey-x"))
        marker = next(one["DeleteMarkerVersionId"] for one in gone["Deleted"] if one["Key"] == "test-delete")
        case.answers("delete-objects-marker", delete, Delete=said_of("test-delete", version=marker))
        wrong = said_of("test-delete", "wrong-key-2", version="HPniJFCxqTsMuIH9KX8K8wEjNUgmABCD")
        case.answers("delete-objects-wrong-version-id", delete, Delete=wrong)
        case.answers("delete-objects-version-id", delete, Delete=said_of("test-delete", version=first))
