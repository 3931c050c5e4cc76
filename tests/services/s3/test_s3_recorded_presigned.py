"""Presigned requests: recorded cases made again; each test names its case. Truth: the recorded answers of AWS."""

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
import requests
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.handlers import validate_ascii_metadata

from recorded import Recorded

pytestmark = pytest.mark.http
VERSIONS = ["s3", "s3v4"]


@pytest.fixture
def signing(aws: Any) -> Callable[[str], Any]:
    """A client that presigns with a version of the signature and with a key of Headwater's own, whose signatures are verified."""
    iam = aws.client("iam")
    iam.create_user(UserName="signer")
    iam.attach_user_policy(UserName="signer", PolicyArn="arn:aws:iam::aws:policy/AmazonS3FullAccess")
    key = iam.create_access_key(UserName="signer")["AccessKey"]
    options = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}

    def client(version: str) -> Any:
        return aws.client("s3", config=Config(signature_version=version, request_checksum_calculation="when_required"), **options)

    return client


def error(answer: requests.Response, *, with_status: bool = False) -> dict[str, Any]:
    """An error's XML as the recordings show it."""
    found: dict[str, Any] = {}
    if answer.content:
        inside = re.sub(r"^.*<Error>|</Error>$", "", answer.text, flags=re.DOTALL)
        found["Error"] = dict(re.findall(r"<([\w-]+)>([^<]*)</\1>", inside))
    return found | ({"StatusCode": answer.status_code} if with_status else {})


@pytest.mark.parametrize("version", VERSIONS)
def test_a_signature_that_does_not_match(signing: Any, bucket: str, version: str) -> None:
    s3 = signing(version)
    at = {"Bucket": bucket, "Key": "k"}
    with Recorded("s3", f"TestS3PresignedUrl::test_presigned_url_signature_authentication[{version}-False]") as case:
        for label, operation in (("get", "get_object"), ("put", "put_object")):
            url = s3.generate_presigned_url(operation, at)
            wrong = re.sub(r"(Signature=)[^&]{4}", r"\1aaaa", url)
            case.is_as(f"invalid-{label}-1", error(requests.request(label, wrong, timeout=10)))


@pytest.mark.parametrize("version", VERSIONS)
def test_a_url_that_expired(signing: Any, bucket: str, version: str) -> None:
    s3 = signing(version)
    url = s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "k"}, ExpiresIn=2 if version == "s3v4" else -2)
    if version == "s3v4":
        url = re.sub(r"X-Amz-Date=\d{8}T", "X-Amz-Date=20200101T", url).replace(re.findall(r"%2F(\d{8})%2F", url)[0], "20200101")
    with Recorded("s3", f"TestS3PresignedUrl::test_s3_presigned_url_expired[{version}]") as case:
        case.is_as("expired-exception", error(requests.get(url, timeout=10)))


def test_a_url_that_lacks_a_parameter(signing: Any, bucket: str) -> None:
    url = signing("s3v4").generate_presigned_url("put_object", {"Bucket": bucket, "Key": "k"})
    with Recorded("s3", "TestS3PresignedUrl::test_s3_put_presigned_url_missing_sig_param[s3v4]") as case:
        answer = requests.put(re.sub(r"&X-Amz-Signature=[^&]*", "", url), data="x", timeout=10)
        case.is_as("missing-param-exception", error(answer, with_status=True))


@pytest.mark.parametrize("version", VERSIONS)
def test_headers_beside_a_url(signing: Any, bucket: str, version: str) -> None:
    s3 = signing(version)
    at = {"Bucket": bucket, "Key": "key-double-header-param"}

    def put(url: str, **headers: str) -> requests.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return requests.put(url, data="test_data", headers=named, timeout=10)

    with Recorded("s3", f"TestS3PresignedUrl::test_s3_put_presigned_url_with_different_headers[{version}]") as case:
        url = s3.generate_presigned_url("put_object", {"ContentType": "text/plain", **at})
        assert put(url, content_type="text/plain").status_code == 200
        case.is_as("content-type-exception", error(put(url, content_type="text/xml"), with_status=True))
        url = s3.generate_presigned_url("put_object", {"ContentEncoding": "identity", **at}, ExpiresIn=1234)
        assert put(url, content_encoding="identity").status_code == 200
        other = put(url, content_encoding="identity", content_type="text/xml")
        case.is_as("content-type-response", error(other, with_status=True))
        case.is_as("wrong-content-encoding-response", error(put(url, content_encoding="gzip"), with_status=True))


def test_a_body_put_with_a_url(s3: Any, signing: Any, bucket: str) -> None:
    at = {"Bucket": bucket, "Key": "k"}
    assert requests.put(signing("s3v4").generate_presigned_url("put_object", at), data="something", timeout=10).status_code == 200
    with Recorded("s3", "TestS3PresignedUrl::test_put_object", apart=("Body",)) as case:
        case.answers("get_object", s3.get_object, **at)


def test_metadata_in_the_query(s3: Any, signing: Any, bucket: str) -> None:
    at = {"Bucket": bucket, "Key": "k"}
    url = signing("s3v4").generate_presigned_url("put_object", {"Metadata": {"foo": "bar-complicated-no-random"}, **at})
    assert "x-amz-meta-foo" in url
    answer = requests.put(url, data="123456", timeout=10)
    assert answer.status_code in {200, 403}, answer.text
    if answer.status_code == 403:  # boto3 signs the header by name: then it must be sent
        assert requests.put(url, data="123456", headers={"x-amz-meta-foo": "bar-complicated-no-random"}, timeout=10).status_code == 200
    with Recorded("s3", "TestS3PresignedUrl::test_presigned_url_v4_x_amz_in_qs") as case:
        case.answers("head-object", s3.head_object, ChecksumMode="ENABLED", **at)


def test_metadata_of_version_2(s3: Any, signing: Any, bucket: str) -> None:
    at = {"Bucket": bucket, "Key": "k"}
    url = signing("s3").generate_presigned_url("put_object", {"Metadata": {"foo": "bar"}, **at})
    with Recorded("s3", "TestS3PresignedUrl::test_put_url_metadata_with_sig_s3[True]") as case:
        answer = requests.put(url, data="content 123", headers={"x-amz-meta-foo": "bar"}, timeout=10)
        if answer.status_code != 200:
            answer = requests.put(url, data="content 123", timeout=10)
        assert answer.status_code == 200, answer.text
        case.answers("head_object", s3.head_object, **at)
        case.is_as("wrong-meta-headers", error(requests.put(url, data="x", headers={"x-amz-meta-wrong": "wrong"}, timeout=10)))


def test_a_scope_of_no_region(s3: Any) -> None:
    request = AWSRequest("PUT", f"{s3.meta.endpoint_url}/b-of-nowhere", {"x-amz-content-sha256": "UNSIGNED-PAYLOAD"})
    S3SigV4Auth(Credentials("123456789012", "test"), "s3", "aws-global").add_auth(request)
    others = ["create-bucket-global", "head-bucket-global", "get-location-1", "list-buckets"]
    left_out = dict.fromkeys(others, "test_head_and_list_of_a_bucket")
    with Recorded("s3", "TestS3::test_create_bucket_aws_global", left_out=left_out) as case:
        case.is_as("xml-error-create-bucket", error(requests.put(request.url, headers=dict(request.headers), timeout=10)))


def test_a_credential_encoded_twice(signing: Any, bucket: str) -> None:
    url = signing("s3v4").generate_presigned_url("get_object", {"Bucket": bucket, "Key": "k"})
    credential = re.findall(r"X-Amz-Credential=([^&]*)", url)[0]
    with Recorded("s3", "TestS3PresignedUrl::test_presigned_double_encoded_credentials") as case:
        answer = requests.get(url.replace(credential, credential.replace("%", "%25")), timeout=10)
        found = error(answer)
        found["Error"]["Message"] = unescape(found["Error"]["Message"])
        case.is_as("error-malformed", found)


def test_metadata_of_unicode_in_the_query(s3: Any, signing: Any, bucket: str) -> None:
    at = {"Bucket": bucket, "Key": "k"}
    client = signing("s3")
    client.meta.events.unregister("before-parameter-build.s3.PutObject", validate_ascii_metadata)
    url = client.generate_presigned_url("put_object", {"Metadata": {"foo": "non-ascii-%E2%80%94_—_é_"}, **at})
    assert requests.put(url, timeout=10).status_code == 200
    with Recorded("s3", "TestS3PresignedUrl::test_put_unicode_metadata_with_sig_s3") as case:
        case.answers("head_object", s3.head_object, **at)


def test_metadata_that_is_mostly_not_ascii(aws: Any, bucket: str) -> None:
    """The documentation's example ("Working with object metadata"): the bytes of a header are read one by one, and come back in base64."""
    url = f"{aws.endpoint_url}/{bucket}/k"
    request = AWSRequest("PUT", url, {"x-amz-content-sha256": "UNSIGNED-PAYLOAD"})
    S3SigV4Auth(Credentials(aws.account, "test"), "s3", "us-east-1").add_auth(request)
    headers = {**dict(request.headers), "x-amz-meta-nonascii": "ÄMÄZÕÑ S3".encode(), "x-amz-meta-ascii": "AMAZONS3"}
    assert requests.put(url, headers=headers, timeout=10).status_code == 200
    assert aws.client("s3").head_object(Bucket=bucket, Key="k")["Metadata"] == {
        "ascii": "AMAZONS3",
        "nonascii": "=?UTF-8?B?w4PChE3Dg8KEWsODwpXDg8KRIFMz?=",
    }
