"""Recorded cases of no one topic: hosts, regions, odd keys, many keys. Each test names its case. Truth: the recorded answers of AWS."""

import random
import re
from typing import Any

import boto3
import pytest
import requests
from botocore import UNSIGNED
from botocore.config import Config

from recorded import Recorded

pytestmark = pytest.mark.http


def test_settings_seen_from_another_region(aws: Any, s3: Any, bucket: str) -> None:
    far = aws.client("s3", region="eu-west-1")
    with Recorded("s3", "TestS3::test_bucket_operation_between_regions") as case:
        site = {"IndexDocument": {"Suffix": "index.html"}}
        case.answers("put-website-config-region-1", s3.put_bucket_website, Bucket=bucket, WebsiteConfiguration=site)
        rules = {"CORSRules": [{"AllowedOrigins": ["*"], "AllowedMethods": ["GET"]}]}
        case.answers("put-cors-config-region-1", s3.put_bucket_cors, Bucket=bucket, CORSConfiguration=rules)
        case.answers("get-website-config-region-2", far.get_bucket_website, Bucket=bucket)
        case.answers("get-cors-config-region-2", far.get_bucket_cors, Bucket=bucket)


def test_the_length_at_the_buckets_own_host(aws: Any, s3: Any, bucket: str) -> None:
    s3.delete_public_access_block(Bucket=bucket)
    s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]})
    s3.put_object(Bucket=bucket, Key="k", Body="123", ACL="public-read")
    answer = requests.get(f"{aws.endpoint_url}/k", headers={"Host": f"{bucket}.s3.localhost:4566"}, timeout=10)
    shown = {name.lower(): value for name, value in answer.headers.items() if name.lower() not in {"connection", "x-amz-id-2"}}
    with Recorded("s3", "TestS3::test_get_object_content_length_with_virtual_host[True]") as case:
        case.is_as("get-obj-content-len-headers", shown)


def test_nobody_reads_what_everybody_may(aws: Any, s3: Any, bucket: str) -> None:
    s3.delete_public_access_block(Bucket=bucket)
    s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]})
    s3.put_object(Bucket=bucket, Key="k", Body="body data", ACL="public-read")
    anonymous = boto3.client("s3", endpoint_url=aws.endpoint_url, region_name="us-east-1", config=Config(signature_version=UNSIGNED))
    with Recorded("s3", "TestS3::test_get_object_with_anon_credentials", apart=("Body",)) as case:
        case.answers("get_object", anonymous.get_object, Bucket=bucket, Key="k")
    anonymous.close()


ODD_KEYS = {"hash_prefix": ("#key-with-hash-prefix", b"test 123"), "utf8_key": ("Ā0Ä", b"abc123")}


@pytest.mark.parametrize(("named", "key", "body"), [(named, *rest) for named, rest in ODD_KEYS.items()])
def test_odd_keys(s3: Any, bucket: str, named: str, key: str, body: bytes) -> None:
    with Recorded("s3", f"TestS3::test_put_and_get_object_with_{named}", apart=("Body",)) as case:
        case.answers("put-object", s3.put_object, Bucket=bucket, Key=key, Body=body)
        case.answers("get-object", s3.get_object, Bucket=bucket, Key=key)


def test_a_key_of_many_parts(s3: Any, bucket: str) -> None:
    at = {"Bucket": bucket, "Key": "a/very/long/key/with/many/parts"}
    s3.put_object(Body="test", **at)
    with Recorded("s3", "TestS3::test_putobject_with_multiple_keys", apart=("Body",)) as case:
        case.answers("get_object", s3.get_object, **at)


@pytest.mark.slow
def test_more_than_a_thousand(s3: Any, bucket: str) -> None:
    for number in range(1010):
        s3.put_object(Bucket=bucket, Key=f"test-key-{number}", Body=f"test-{number}")
    with Recorded("s3", "TestS3::test_s3_put_more_than_1000_items", apart=("Body",)) as case:
        case.answers("get_object-1009", s3.get_object, Bucket=bucket, Key="test-key-1009")
        case.answers("get_object-0", s3.get_object, Bucket=bucket, Key="test-key-0")
        first = s3.list_objects(Bucket=bucket, Delimiter="/")
        case.is_as("list-objects", first | {"Contents": "<content>"})
        assert len(first["Contents"]) == 1000
        case.answers("list-objects-next_marker", s3.list_objects, Bucket=bucket, Marker=first["NextMarker"])


def test_big_files(s3: Any, bucket: str) -> None:
    """The recording's bytes are random, so their sums are not compared."""
    apart = ("ETag", "ChecksumCRC32")
    with Recorded("s3", "TestS3::test_upload_big_file", apart=apart) as case:
        for number in (1, 2):
            body = random.randbytes(10_000_000)
            case.answers(f"put_object_key{number}", s3.put_object, Bucket=bucket, Key=f"key{number}", Body=body)
            case.answers(f"head_object_key{number}", s3.head_object, Bucket=bucket, Key=f"key{number}")


def test_a_url_of_version_2_with_headers_of_version_4(aws: Any, bucket: str) -> None:
    iam = aws.client("iam")
    iam.create_user(UserName="signer")
    iam.attach_user_policy(UserName="signer", PolicyArn="arn:aws:iam::aws:policy/AmazonS3FullAccess")
    key = iam.create_access_key(UserName="signer")["AccessKey"]
    keys = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    config = Config(signature_version="s3", request_checksum_calculation="when_required")
    md5 = "pX8KKuGXS1f2VTcuJpqjkw=="
    named = {"ContentType": "application/octet-stream", "ContentMD5": md5}
    url = aws.client("s3", config=config, **keys).generate_presigned_url("put_object", {"Bucket": bucket, "Key": "k", **named})
    body = "test-runtime.properties"
    headers = {
        "Content-Md5": md5,
        "Content-Type": "application/octet-stream",
        "X-Amz-Content-Sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        "X-Amz-Date": "20211122T191045Z",
        "X-Amz-Decoded-Content-Length": str(len(body)),
    }
    suite = "TestS3PresignedUrl::test_put_object_with_md5_and_chunk_signature_bad_headers"
    with Recorded("s3", f"{suite}[s3-True]") as case:
        for label in ("with", "without"):
            answer = requests.put(url, data=body, headers=headers, timeout=10)
            inside = answer.text.partition("<Error>")[2]
            case.is_as(f"{label}-decoded-content-length", {"Error": dict(re.findall(r"<([\w-]+)>([^<]*)</\1>", inside))})
            headers.pop("X-Amz-Decoded-Content-Length", None)


def test_the_old_names_of_two_sub_resources(s3: Any, bucket: str) -> None:
    """On the wire they are the new ones. Source: the API reference, which calls them deprecated."""
    rule = {"ID": "r", "Prefix": "a/", "Status": "Enabled", "Expiration": {"Days": 3}}
    s3.put_bucket_lifecycle(Bucket=bucket, LifecycleConfiguration={"Rules": [rule]})
    assert s3.get_bucket_lifecycle(Bucket=bucket)["Rules"] == [rule]
    s3.put_bucket_notification(Bucket=bucket, NotificationConfiguration={})
    assert "TopicConfiguration" not in s3.get_bucket_notification(Bucket=bucket)
