"""Signatures made by botocore's own signers are accepted; whatever is changed afterwards is refused in the family's own words.

Truth: botocore.auth (what real clients send), and for codes and sentences recordings/s3.json and the services' "Common errors".
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.aws.faults import Fault
from headwater.aws.signature import Authorization, parse_authorization, verify
from headwater.aws.signing import Signer, presigned_query, sign_request
from headwater.aws.wire import Request

SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
CREDENTIALS = Credentials("AKIDEXAMPLE", SECRET)
JSON = {"X-Amz-Target": "Firehose_20150804.PutRecord", "Content-Type": "application/x-amz-json-1.1"}
FORM = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}


def received(signed: AWSRequest) -> Request:
    prepared = signed.prepare()
    parts = urlsplit(prepared.url)
    headers = {}
    for name, value in prepared.headers.items():
        headers[name.lower()] = value.decode() if isinstance(value, bytes) else value
    headers.setdefault("host", parts.netloc)
    body = prepared.body or b""
    return Request(prepared.method, parts.path or "/", parts.query, headers, body if isinstance(body, bytes) else body.encode())


def header_signed(service: str, method: str = "POST", url: str = "http://127.0.0.1:4566/", data: bytes = b"{}", **headers: str) -> Request:
    request = AWSRequest(method=method, url=url, data=data, headers=headers)
    if service == "s3":
        request.context["payload_signing_enabled"] = True
    auth = S3SigV4Auth if service == "s3" else SigV4Auth
    auth(CREDENTIALS, service, "eu-west-1").add_auth(request)
    return received(request)


def presigned(service: str, url: str, method: str = "GET", expires: int = 600, **headers: str) -> Request:
    request = AWSRequest(method=method, url=url, headers=headers)
    auth = S3SigV4QueryAuth if service == "s3" else SigV4QueryAuth
    auth(CREDENTIALS, service, "eu-west-1", expires=expires).add_auth(request)
    return received(request)


def accept(request: Request, secret: str = SECRET, now: datetime | None = None) -> Authorization:
    authorization = parse_authorization(request)
    assert authorization is not None
    verify(request, authorization, secret, now or datetime.now(UTC))
    return authorization


def refusal(request: Request, secret: str = SECRET, now: datetime | None = None) -> Fault:
    with pytest.raises(Fault) as caught:
        accept(request, secret, now)
    return caught.value


MADE_BY_BOTOCORE: dict[str, Callable[[], Request]] = {
    "a JSON call": lambda: header_signed("firehose", **JSON),
    "a query call": lambda: header_signed("iam", data=b"Action=GetUser&Version=2010-05-08", **FORM),
    "a REST path with an encoded ARN": lambda: header_signed(
        "lambda", "GET", "http://127.0.0.1:4566/2017-03-31/tags/arn%3Aaws%3Alambda%3Aeu-west-1%3A000000000000%3Afunction%3Af"
    ),
    "an S3 key with odd characters": lambda: header_signed(
        "s3", "PUT", "http://127.0.0.1:4566/b/a%20b/%C3%A9%2B%25/~x%21%27%28%29?x-id=PutObject", b"body"
    ),
    "an S3 key with dots and empty segments": lambda: header_signed("s3", "GET", "http://127.0.0.1:4566/b//a/../c/./d//"),
    "a query string to be sorted": lambda: header_signed(
        "s3", "GET", "http://127.0.0.1:4566/b?prefix=a%2Fb%20c&list-type=2&delimiter=%2F&encoding-type=url&uploads"
    ),
    "headers with spaces": lambda: header_signed("s3", "PUT", "http://127.0.0.1:4566/b/k", b"x", **{"x-amz-meta-a": "  two   words "}),
    "a presigned S3 link": lambda: presigned("s3", "http://127.0.0.1:4566/b/k%20k?response-content-type=text%2Fplain"),
    "a presigned S3 upload with its type": lambda: presigned("s3", "http://127.0.0.1:4566/b/k", "PUT", **{"Content-Type": "text/csv"}),
    "a presigned call of another service": lambda: presigned(
        "sts", "http://127.0.0.1:4566/?Action=GetCallerIdentity&Version=2011-06-15", expires=60
    ),
}


@pytest.mark.parametrize("make", MADE_BY_BOTOCORE.values(), ids=MADE_BY_BOTOCORE)
def test_what_botocore_signs_is_accepted_and_refused_under_another_secret(make: Callable[[], Request]) -> None:
    authorization = accept(make())
    assert authorization.access_key_id == "AKIDEXAMPLE"
    assert authorization.region == "eu-west-1"
    assert refusal(make(), "another secret").code in {"SignatureDoesNotMatch", "InvalidSignatureException"}


def with_body(request: Request) -> Request:
    request.body = b"{} "
    return request


def with_header(request: Request) -> Request:
    request.headers["x-amz-target"] = "Firehose_20150804.DeleteDeliveryStream"
    return request


def with_path(request: Request) -> Request:
    request.path += "x"
    return request


def with_query(request: Request) -> Request:
    request.query = f"{request.query}&versionId=1".lstrip("&")
    return request


TAMPERED: dict[str, tuple[str, Callable[[], Request]]] = {
    "another body": ("InvalidSignatureException", lambda: with_body(header_signed("firehose", **JSON))),
    "another operation": ("InvalidSignatureException", lambda: with_header(header_signed("firehose", **JSON))),
    "another body of a form": ("SignatureDoesNotMatch", lambda: with_body(header_signed("iam", data=b"Action=GetUser", **FORM))),
    "another key": ("SignatureDoesNotMatch", lambda: with_path(header_signed("s3", "GET", "http://127.0.0.1/b/k"))),
    "another version": ("SignatureDoesNotMatch", lambda: with_query(presigned("s3", "http://127.0.0.1/b/k"))),
}


@pytest.mark.parametrize(("code", "make"), TAMPERED.values(), ids=TAMPERED)
def test_a_signature_does_not_cover_what_was_changed(code: str, make: Callable[[], Request]) -> None:
    assert refusal(make()).code == code


def test_s3_shows_what_it_signed_so_that_a_client_can_find_its_mistake() -> None:
    found = refusal(header_signed("s3", "GET", "http://127.0.0.1/b/k"), "wrong")
    assert found.members["CanonicalRequest"].startswith("GET\n/b/k\n\nhost:127.0.0.1")
    assert found.members["StringToSign"].startswith("AWS4-HMAC-SHA256\n")


STALE: dict[str, tuple[str, str, Callable[[], Request]]] = {
    "S3": ("RequestTimeTooSkewed", "too large", lambda: header_signed("s3", "GET", "http://127.0.0.1/b/k")),
    "JSON": ("InvalidSignatureException", "Signature expired", lambda: header_signed("firehose", **JSON)),
    "query": ("SignatureDoesNotMatch", "Signature expired", lambda: header_signed("iam", data=b"Action=GetUser", **FORM)),
}


@pytest.mark.parametrize(("code", "sentence", "make"), STALE.values(), ids=STALE)
def test_a_signature_holds_for_fifteen_minutes_either_way(code: str, sentence: str, make: Callable[[], Request]) -> None:
    now = datetime.now(UTC)
    accept(make(), now=now + timedelta(minutes=14))
    found = refusal(make(), now=now + timedelta(minutes=16))
    assert found.code == code
    assert sentence in found.message
    assert refusal(make(), now=now - timedelta(minutes=16)).code == code


def test_a_presigned_link_holds_as_long_as_it_says() -> None:
    now = datetime.now(UTC)
    accept(presigned("s3", "http://127.0.0.1/b/k", expires=3600), now=now + timedelta(minutes=59))
    found = refusal(presigned("s3", "http://127.0.0.1/b/k", expires=3600), now=now + timedelta(minutes=61))
    assert (found.code, found.message) == ("AccessDenied", "Request has expired")


def test_a_presigned_link_may_not_live_longer_than_a_week() -> None:
    with pytest.raises(Fault, match="must be less than a week"):
        parse_authorization(presigned("s3", "http://127.0.0.1/b/k", expires=604_801))


def test_s3_refuses_amz_headers_that_nobody_signed() -> None:
    request = header_signed("s3", "PUT", "http://127.0.0.1/b/k", b"x")
    request.headers["x-amz-acl"] = "public-read"
    found = refusal(request)
    assert (found.code, found.members) == ("AccessDenied", {"HeadersNotSigned": "x-amz-acl"})


MALFORMED: dict[str, tuple[str, str, dict[str, str]]] = {
    "JSON without a signature": (
        "IncompleteSignatureException",
        "'Signature'",
        {"x-amz-target": "A.B", "authorization": "AWS4-HMAC-SHA256 Credential=a/20260101/r/s/aws4_request"},
    ),
    "a form without anything": (
        "IncompleteSignature",
        "'Credential'",
        {"content-type": FORM["Content-Type"], "authorization": "AWS4-HMAC-SHA256 x"},
    ),
    "S3 with basic authorization": ("AuthorizationHeaderMalformed", "mechanism", {"authorization": "Basic Zm9v"}),
    "S3 with a short credential": (
        "AuthorizationHeaderMalformed",
        "expecting",
        {"x-amz-date": "20260101T000000Z", "authorization": "AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=" + "0" * 64},
    ),
}


@pytest.mark.parametrize(("code", "sentence", "headers"), MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_authorization_says_what_is_missing(code: str, sentence: str, headers: dict[str, str]) -> None:
    with pytest.raises(Fault) as caught:
        parse_authorization(Request("POST", "/", "", headers))
    assert caught.value.code == code
    assert sentence in caught.value.message


def test_a_request_without_a_signature_has_no_authorization() -> None:
    assert parse_authorization(Request("GET", "/bucket/key", "versionId=1", {"host": "127.0.0.1"})) is None


KEYS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=20)


@settings(max_examples=100, deadline=None)
@given(key=KEYS, value=KEYS, service=st.sampled_from(["s3", "lambda"]))
def test_any_path_and_query_signs_as_botocore_signs_it(key: str, value: str, service: str) -> None:
    from botocore.utils import percent_encode

    url = f"http://127.0.0.1/b/{percent_encode(key, safe='/~')}?{percent_encode(value)}={percent_encode(key)}"
    accept(header_signed(service, "GET", url, b""))


@pytest.mark.parametrize("service", ["s3", "firehose"])
def test_our_own_signer_is_accepted(service: str) -> None:
    request = Request("PUT", "/b/a%20b", "uploads&x=%2F", {"host": "127.0.0.1:4566", "x-amz-meta-a": "1"}, b"content")
    signer = Signer("AKIDEXAMPLE", SECRET, "eu-west-1", service, "token")
    sign_request(request, signer, datetime.now(UTC))
    assert accept(request).session_token == "token"
    request.query = "x=%2F"
    assert refusal(request).code in {"SignatureDoesNotMatch", "InvalidSignatureException"}


def test_our_own_links_are_accepted_until_they_expire() -> None:
    now = datetime.now(UTC)
    request = Request("GET", "/b/a%20b", "versionId=1", {"host": "127.0.0.1:4566"})
    request.query = presigned_query(request, Signer("AKIDEXAMPLE", SECRET, "eu-west-1", "s3"), now, 600)
    accept(request, now=now + timedelta(minutes=9))
    assert refusal(request, now=now + timedelta(minutes=11)).message == "Request has expired"


def test_the_example_of_the_documentation_verifies() -> None:
    """docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html, "Example: GET Object"."""
    headers: dict[str, Any] = {
        "host": "examplebucket.s3.amazonaws.com",
        "range": "bytes=0-9",
        "x-amz-content-sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "x-amz-date": "20130524T000000Z",
        "authorization": "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
        "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
        "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
    }
    accept(Request("GET", "/test.txt", "", headers), now=datetime(2013, 5, 24, tzinfo=UTC))
