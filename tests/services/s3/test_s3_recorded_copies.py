"""Copies, conditions and deletes: the calls of recorded cases made again; each test names its case. Truth: the recorded answers of AWS."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from recorded import Recorded

pytestmark = pytest.mark.http
JSON = '{"key": "value"}'


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
    s3.delete_public_access_block(Bucket=bucket)
    at = {"Bucket": bucket, "Key": "k"}
    source = {"CopySource": f"{bucket}/k", **at}
    attributes = {"ObjectAttributes": ["StorageClass"], **at}
    with Recorded("s3", "TestS3::test_s3_copy_object_in_place") as case:
        worn = {"ContentType": "application/json", "Metadata": {"key": "value"}}
        case.answers("put_object", s3.put_object, Body=JSON, **worn, **at)
        case.answers("head_object", s3.head_object, **at)
        case.answers("object-attrs", s3.get_object_attributes, **attributes)
        case.answers("copy-object-in-place-no-change", s3.copy_object, **source)
        changed = {"ChecksumAlgorithm": "SHA256", "StorageClass": "STANDARD"}
        case.answers("copy-object-in-place-with-storage-class", s3.copy_object, **changed, **source)
        case.answers("object-attrs-after-copy", s3.get_object_attributes, **attributes)
        case.answers("object-acl", s3.get_object_acl, **at)
        case.answers("copy-object-in-place-with-acl", s3.copy_object, ACL="public-read", **source)


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


def test_a_copy_in_place_to_another_class(s3: Any, bucket: str) -> None:
    at = {"Bucket": bucket, "Key": "k"}
    attributes = {"ObjectAttributes": ["StorageClass"], **at}
    with Recorded("s3", "TestS3::test_s3_copy_object_in_place_storage_class", apart=("StorageClass",)) as case:
        case.answers("put-object", s3.put_object, Body="test", StorageClass="STANDARD_IA", **at)
        case.answers("head-object", s3.head_object, **at)
        case.answers("object-attrs", s3.get_object_attributes, **attributes)
        changed = {"StorageClass": "STANDARD", "CopySource": f"{bucket}/k"}
        case.answers("copy-object-in-place-with-storage-class", s3.copy_object, **changed, **at)
        assert case.answers("object-attrs-after-copy", s3.get_object_attributes, **attributes)["StorageClass"] == "STANDARD"


def test_a_copy_in_place_to_another_location(s3: Any, bucket: str) -> None:
    at = {"Bucket": bucket, "Key": "k"}
    with Recorded("s3", "TestS3::test_s3_copy_object_in_place_website_redirect_location") as case:
        case.answers("put-object", s3.put_object, Body="test", WebsiteRedirectLocation="/test/direct", **at)
        case.answers("head-object", s3.head_object, **at)
        changed = {"WebsiteRedirectLocation": "/test/direct", "CopySource": f"{bucket}/k"}
        case.answers("copy-object-in-place-with-website-redirection", s3.copy_object, **changed, **at)
        case.answers("head-object-after-copy", s3.head_object, **at)


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
