"""Objects over the wire: put, get, head, delete, and what is refused. Truth: recorded answers of AWS (TestS3, TestS3ObjectCRUD),
and the API reference where it says so."""

import hashlib
import os
from datetime import UTC, datetime
from typing import Any

import pytest

BIG = os.urandom(3 * 1024 * 1024 + 17)


def body_of(answer: Any) -> bytes:
    body: bytes = answer["Body"].read()
    return body


def shown(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name not in {"ResponseMetadata", "LastModified", "Body"}}


def test_an_object_comes_back_as_it_went(s3: Any, bucket: str) -> None:
    put = s3.put_object(Bucket=bucket, Key="k", Body=b"test", Metadata={"Some": "thing"})
    assert shown(put) == {
        "ETag": '"098f6bcd4621d373cade4e832627b4f6"',
        "ChecksumCRC32": "2H9+DA==",
        "ChecksumType": "FULL_OBJECT",
        "ServerSideEncryption": "AES256",
    }
    got = s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert body_of(got) == b"test"
    assert shown(got) == {
        "AcceptRanges": "bytes",
        "ContentLength": 4,
        "ContentType": "binary/octet-stream",
        "ETag": '"098f6bcd4621d373cade4e832627b4f6"',
        "ChecksumCRC32": "2H9+DA==",
        "ChecksumType": "FULL_OBJECT",
        "Metadata": {"some": "thing"},
        "ServerSideEncryption": "AES256",
    }


@pytest.mark.parametrize("size", [0, 1, 16 * 1024, 16 * 1024 + 1, 256 * 1024, 256 * 1024 + 1, len(BIG)])
def test_bodies_of_every_length_come_back(s3: Any, bucket: str, size: int) -> None:
    """At the borders of what stands in the record, what is read at once and what is streamed."""
    s3.put_object(Bucket=bucket, Key="k", Body=BIG[:size])
    got = s3.get_object(Bucket=bucket, Key="k")
    assert body_of(got) == BIG[:size]
    assert got["ETag"] == f'"{hashlib.md5(BIG[:size]).hexdigest()}"'
    if size > 10:
        partial = s3.get_object(Bucket=bucket, Key="k", Range=f"bytes=5-{size - 3}")
        assert body_of(partial) == BIG[5 : size - 2]
        assert partial["ContentRange"] == f"bytes 5-{size - 3}/{size}"


@pytest.mark.http
def test_a_part_of_an_object_is_a_206(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"0123456789")
    for operation in (s3.get_object, s3.head_object):
        for asked, status in (({"Range": "bytes=2-3"}, 206), ({"PartNumber": 1}, 206), ({"Range": "bytes=3-2"}, 200), ({}, 200)):
            assert operation(Bucket=bucket, Key="k", **asked)["ResponseMetadata"]["HTTPStatusCode"] == status


def test_system_headers_and_storage_class_are_kept(s3: Any, bucket: str) -> None:
    worn = {
        "CacheControl": "max-age=74",
        "ContentDisposition": 'attachment; filename="foo.jpg"',
        "ContentEncoding": "gzip",
        "ContentLanguage": "de-DE",
        "ContentType": "image/jpeg",
        "StorageClass": "STANDARD_IA",
        "WebsiteRedirectLocation": "/elsewhere",
    }
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", Expires=datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC), **worn)
    head = s3.head_object(Bucket=bucket, Key="k")
    assert {name: head[name] for name in worn} == worn
    assert head["Expires"] == datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_the_caller_may_say_what_the_answers_headers_are(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"something", ContentType="text/plain")
    got = s3.get_object(
        Bucket=bucket,
        Key="k",
        ResponseCacheControl="max-age=74",
        ResponseContentDisposition="attachment",
        ResponseContentEncoding="identity",
        ResponseContentLanguage="de-DE",
        ResponseContentType="image/jpeg",
        ResponseExpires=datetime(2015, 10, 21, 7, 28, tzinfo=UTC),
    )
    assert got["ContentType"] == "image/jpeg"
    assert got["ContentDisposition"] == "attachment"
    assert (got["CacheControl"], got["ContentEncoding"], got["ContentLanguage"]) == ("max-age=74", "identity", "de-DE")
    assert got["Expires"] == datetime(2015, 10, 21, 7, 28, tzinfo=UTC)


@pytest.mark.parametrize(
    "key", ["file%2Fname", "test@key/", "test key//", "a/%F0%9F%98%80/", "test+key", "/lead", "é—漢", "a//b", "..", "."]
)
def test_any_key_is_a_key(s3: Any, bucket: str, key: str) -> None:
    s3.put_object(Bucket=bucket, Key=key, Body=b"test")
    assert body_of(s3.get_object(Bucket=bucket, Key=key)) == b"test"
    assert [found["Key"] for found in s3.list_objects_v2(Bucket=bucket)["Contents"]] == [key]
    s3.delete_object(Bucket=bucket, Key=key)
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


def test_what_is_deleted_is_gone_and_deleting_again_succeeds(s3: Any, bucket: str, refused: Any) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=BIG)
    assert "DeleteMarker" not in s3.delete_object(Bucket=bucket, Key="k")
    s3.delete_object(Bucket=bucket, Key="k")
    with refused("NoSuchKey") as caught:
        s3.get_object(Bucket=bucket, Key="k")
    assert caught.value.response["Error"]["Key"] == "k"


def test_many_are_deleted_at_once(s3: Any, bucket: str) -> None:
    """TestS3ObjectCRUD::test_delete_objects: absent keys count as deleted, an unknown version is an error."""
    s3.put_object(Bucket=bucket, Key="there", Body=b"x")
    wrong = {"Key": "there", "VersionId": "HPniJFCxqTsMuIH9KX8K8wEjNUgmABCD"}
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": [wrong, {"Key": "there"}, {"Key": "never"}]})
    assert answer["Deleted"] == [{"Key": "there"}, {"Key": "never"}]
    assert answer["Errors"] == [{**wrong, "Code": "NoSuchVersion", "Message": "The specified version does not exist."}]
    quiet = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "there"}], "Quiet": True})
    assert "Deleted" not in quiet


def test_a_thousand_keys_are_deleted_in_one_call_and_no_more(s3: Any, bucket: str, refused: Any) -> None:
    with refused("MalformedXML"):
        s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": str(number)} for number in range(1001)]})
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": str(number)} for number in range(1000)]})
    assert len(answer["Deleted"]) == 1000


def test_archived_objects_are_kept_but_not_handed_out(s3: Any, bucket: str, refused: Any) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", StorageClass="GLACIER")
    assert s3.head_object(Bucket=bucket, Key="k")["StorageClass"] == "GLACIER"
    with refused("InvalidObjectState") as caught:
        s3.get_object(Bucket=bucket, Key="k")
    assert caught.value.response["Error"]["StorageClass"] == "GLACIER"


PUT_REFUSALS = {
    "a key of 1025 bytes": ("KeyTooLongError", {"Key": "é" * 513}),
    "3 KiB of metadata": ("MetadataTooLarge", {"Metadata": {"a": "b" * 3000}}),
    "an unknown storage class": ("InvalidStorageClass", {"StorageClass": "WRONG"}),
    "twice the same tag": ("InvalidArgument", {"Tagging": "key1=val1&key1=val2"}),
    "a comma in a tag": ("InvalidArgument", {"Tagging": "key1=val1,key2=val2"}),
    "eleven tags": ("BadRequest", {"Tagging": "&".join(f"k{number}=v" for number in range(11))}),
    "another body's MD5": ("BadDigest", {"ContentMD5": "1B2M2Y8AsgTpgAmY7PhCfg=="}),
    "an MD5 that is none": ("InvalidDigest", {"ContentMD5": "nonsense"}),
    "another body's checksum": ("BadDigest", {"ChecksumSHA256": "2l26x0trnT0r2AvakoFk2MB7eKVKzYESLMxSAKAzoik="}),
    "a checksum of the wrong length": ("InvalidRequest", {"ChecksumCRC32": "AAAA"}),
    "a canned list, where lists are disabled": ("AccessControlListNotSupported", {"ACL": "public-read"}),
    "a hold in a bucket without a lock": ("InvalidRequest", {"ObjectLockLegalHoldStatus": "ON"}),
}


@pytest.mark.parametrize(("code", "request_"), PUT_REFUSALS.values(), ids=PUT_REFUSALS)
def test_put_object_refuses_and_keeps_nothing(s3: Any, bucket: str, refused: Any, code: str, request_: dict[str, Any]) -> None:
    with refused(code):
        s3.put_object(**{"Bucket": bucket, "Key": "k", "Body": b"x" * 20_000} | request_)
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


GET_REFUSALS = {
    "a range behind the end": ("InvalidRange", {"Range": "bytes=1024-4096"}),
    "a part that is not": ("InvalidPartNumber", {"PartNumber": 2}),
    "a part and a range": ("InvalidRequest", {"PartNumber": 1, "Range": "bytes=0-1"}),
    "a version id that is none": ("InvalidArgument", {"VersionId": "nonsense"}),
    "a version that is not": ("NoSuchVersion", {"VersionId": "HPniJFCxqTsMuIH9KX8K8wEjNUgmABCD"}),
    "an unknown key": ("NoSuchKey", {"Key": "camelcasekey"}),
}


@pytest.mark.parametrize(("code", "request_"), GET_REFUSALS.values(), ids=GET_REFUSALS)
def test_get_object_refuses(s3: Any, bucket: str, refused: Any, code: str, request_: dict[str, Any]) -> None:
    s3.put_object(Bucket=bucket, Key="CamelCaseKey", Body=b"contents")
    with refused(code):
        s3.get_object(**{"Bucket": bucket, "Key": "CamelCaseKey"} | request_)


@pytest.mark.parametrize("version", [None, "s3v4"], ids=["as boto3 makes them by default", "version 4"])
def test_a_presigned_url_is_enough(aws: Any, bucket: str, version: str | None) -> None:
    import requests
    from botocore.config import Config

    s3 = aws.client("s3", config=Config(signature_version=version))
    link = s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "a b"})
    assert requests.put(link, data=b"by link", timeout=5).status_code == 200
    link = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "a b", "ResponseContentType": "text/x"})
    got = requests.get(link, timeout=5)
    assert (got.content, got.headers["content-type"]) == (b"by link", "text/x")
    if version is None:  # the signer of version 4 makes no such links
        late = requests.get(s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "a b"}, ExpiresIn=-100), timeout=5)
        assert (late.status_code, "Request has expired" in late.text) == (403, True)


def test_headers_in_a_presigned_urls_query_count(aws: Any, bucket: str) -> None:
    """TestS3PresignedUrl::test_presigned_url_v4_x_amz_in_qs."""
    import requests

    s3 = aws.client("s3")
    link = s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "k", "Metadata": {"foo": "bar"}})
    assert "x-amz-meta-foo=bar" in link
    assert requests.put(link, data=b"x", timeout=5).status_code == 200
    assert s3.head_object(Bucket=bucket, Key="k")["Metadata"] == {"foo": "bar"}


def test_the_attributes_of_an_object(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"contents")
    wanted = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"]
    assert shown(s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=wanted)) == {
        "ETag": "98bf7d8c15784f0a3d63204441e1e2aa",
        "Checksum": {"ChecksumCRC32": "tPoRdw==", "ChecksumType": "FULL_OBJECT"},
        "StorageClass": "STANDARD",
        "ObjectSize": 8,
    }
    assert shown(s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=["ObjectSize"])) == {"ObjectSize": 8}
