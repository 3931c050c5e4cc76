"""Presigned URLs of Signature Version 2. Truth: botocore's own signer, and recorded answers of AWS (TestS3PresignedUrl)."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.auth import HmacV1QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from headwater.aws import presigned_v2
from headwater.aws.faults import Fault
from headwater.aws.wire import Request

SECRET = "s3cret"


def presigned(method: str, url: str, headers: dict[str, str] | None = None, token: str | None = None, **options: Any) -> Request:
    """What a server receives when somebody follows a link that botocore made."""
    asked = AWSRequest(method, url, headers=headers)
    asked.auth_path = options.pop("auth_path", None)
    HmacV1QueryAuth(Credentials("AKID", SECRET, token), **options).add_auth(asked)
    link = urlsplit(asked.url)
    sent = {name.lower(): value for name, value in (headers or {}).items() if not name.lower().startswith("x-amz-")}
    return Request(method, link.path, link.query, {"host": link.netloc, **sent})


def verify(request: Request, secret: str = SECRET, bucket: str | None = "bucket", after: timedelta = timedelta()) -> None:
    authorization = presigned_v2.parse(request)
    assert authorization is not None
    presigned_v2.verify(request, authorization, secret, datetime.now(UTC) + after, bucket)


LINKS: dict[str, tuple[str, str, dict[str, str]]] = {
    "a get": ("GET", "http://h/bucket/key", {}),
    "a put with a type": ("PUT", "http://h/bucket/a%20b%2Bc", {"Content-Type": "text/plain"}),
    "a sub-resource": ("GET", "http://h/bucket/key?versionId=1%2F2&response-content-type=text%2Fx&unsigned=1", {}),
    "a sub-resource without a value": ("PUT", "http://h/bucket/key?tagging", {}),
    "metadata": ("PUT", "http://h/bucket/key", {"x-amz-meta-foo": "bar", "x-amz-acl": "private"}),
}


@pytest.mark.parametrize(("method", "url", "headers"), LINKS.values(), ids=LINKS)
def test_what_botocore_signs_is_accepted_and_nothing_else(method: str, url: str, headers: dict[str, str]) -> None:
    request = presigned(method, url, headers)
    verify(request)
    for changed in (
        Request("DELETE", request.path, request.query, request.headers),
        Request(method, "/bucket/other", request.query, request.headers),
    ):
        with pytest.raises(Fault) as caught:
            verify(changed)
        assert caught.value.code == "SignatureDoesNotMatch"
    with pytest.raises(Fault):
        verify(request, secret="wrong")


def test_a_bucket_in_the_host_is_part_of_what_is_signed() -> None:
    request = presigned("GET", "http://bucket.s3.localhost/key", auth_path="/bucket/key")
    verify(request)
    with pytest.raises(Fault):
        verify(request, bucket="other")


def test_a_session_token_stands_in_the_link() -> None:
    request = presigned("GET", "http://h/bucket/key", token="t/o+k=en")
    authorization = presigned_v2.parse(request)
    assert authorization is not None
    assert authorization.session_token == "t/o+k=en"
    verify(request)


def test_a_link_expires() -> None:
    request = presigned("GET", "http://h/bucket/key", expires=60)
    verify(request, after=timedelta(seconds=55))
    with pytest.raises(Fault) as caught:
        verify(request, after=timedelta(seconds=65))
    assert (caught.value.code, caught.value.message) == ("AccessDenied", "Request has expired")


def test_a_link_without_its_parts_is_refused() -> None:
    with pytest.raises(Fault) as caught:
        presigned_v2.parse(Request("GET", "/bucket/key", "AWSAccessKeyId=AKID&Expires=x&Signature=y", {}))
    assert caught.value.code == "AuthorizationQueryParametersError"
    assert presigned_v2.parse(Request("GET", "/bucket/key", "versionId=1", {})) is None


def test_headers_in_the_query_are_headers_but_not_those_of_the_signature() -> None:
    query = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=x&x-amz-meta-foo=b%20r&X-Amz-Tagging=a%3D1&other=2"
    assert presigned_v2.hoisted(Request("PUT", "/b/k", query, {})) == {"x-amz-meta-foo": "b r", "x-amz-tagging": "a=1"}
