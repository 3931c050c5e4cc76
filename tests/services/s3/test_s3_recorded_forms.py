"""Browsers' uploads: recorded cases made again; each test names its case. Truth: the recorded answers of AWS."""

import re
from datetime import UTC, datetime
from html import unescape
from typing import Any

import pytest
import requests
from botocore.config import Config

from recorded import Recorded

pytestmark = pytest.mark.http
VERSIONS = ["s3", "s3v4"]


def error(answer: requests.Response, *, with_status: bool = False) -> dict[str, Any]:
    inside = re.sub(r"^.*<Error>|</Error>$", "", answer.text, flags=re.DOTALL)
    found: dict[str, Any] = {name: unescape(value) or None for name, value in re.findall(r"<([\w-]+)>([^<]*)</\1>", inside)}
    return {"Error": found} | ({"StatusCode": answer.status_code} if with_status else {})


def send(made: dict[str, Any], content: Any = "something", **headers: str) -> requests.Response:
    return requests.post(
        made["url"], data=made["fields"], files={"file": content}, headers=headers or None, timeout=10, allow_redirects=False
    )


@pytest.fixture
def post(aws: Any, bucket: str) -> Any:
    """`post(fields, *conditions)`: a form for the key `k`."""
    s3 = aws.client("s3", config=Config(signature_version="s3v4"))

    def made(fields: dict[str, str] | None = None, *conditions: Any) -> dict[str, Any]:
        form: dict[str, Any] = s3.generate_presigned_post(bucket, "k", Fields=fields or {}, Conditions=list(conditions), ExpiresIn=60)
        return form

    return made


def test_starts_with(s3: Any, bucket: str, post: Any) -> None:
    at = {"Bucket": bucket, "Key": "k"}
    condition = ["starts-with", "$success_action_redirect", "http://localhost"]
    with Recorded("s3", "TestS3PresignedPost::test_post_object_policy_conditions_validation_starts_with", apart=("Body",)) as case:
        for label, redirect in (("", "http://wrong.test"), ("-casing", "HTTP://localhost.test/random")):
            answer = send(post({"success_action_redirect": redirect}, condition), "abcdef")
            case.is_as(f"invalid-condition-starts-with{label}", error(answer))
        assert send(post({"success_action_redirect": "http://localhost.test/random"}, condition), "abcdef").status_code == 303
        case.answers("get-object-1", s3.get_object, ChecksumMode="ENABLED", **at)
        anywhere = post({"success_action_redirect": "http://any"}, ["starts-with", "$success_action_redirect", ""])
        assert send(anywhere, "manual value to change ETag").status_code == 303
        case.answers("get-object-2", s3.get_object, ChecksumMode="ENABLED", **at)


def test_sizes(s3: Any, bucket: str, post: Any) -> None:
    condition = ["content-length-range", 5, 10]
    with Recorded("s3", "TestS3PresignedPost::test_post_object_policy_validation_size", apart=("Body",)) as case:
        case.is_as("invalid-content-length-too-big", error(send(post({}, condition), "a" * 12)))
        case.is_as("invalid-content-length-too-small", error(send(post({}, condition), "a")))
        assert send(post({}, condition), "a" * 5).status_code == 204
        assert send(post({}, ["content-length-range", "5", "10"]), "a" * 10).status_code == 204
        case.answers("final-object", s3.get_object, ChecksumMode="ENABLED", Bucket=bucket, Key="k")
        case.is_as("invalid-content-length-wrong-type", error(send(post({}, ["content-length-range", "test", "10"]), "a" * 10)))


def test_metadata(s3: Any, bucket: str, post: Any) -> None:
    expires = f"{datetime(2099, 1, 1, tzinfo=UTC):%a, %d %b %Y %H:%M:%S GMT}"
    fields = {"x-amz-meta-test-1": "test-meta-1", "x-amz-meta-TEST-2": "test-meta-2", "Content-Type": "text/plain", "Expires": expires}
    made = post(fields, *({name: value} for name, value in fields.items()))
    with Recorded("s3", "TestS3PresignedPost::test_post_object_with_metadata", apart=("ETag", "ContentLength")) as case:
        assert send(made).status_code == 204
        case.answers("head-object", s3.head_object, Bucket=bucket, Key="k")


ONE = "<Tagging><TagSet><Tag><Key>TagName</Key><Value>TagValue</Value></Tag></TagSet></Tagging>"
SEVERAL = "<Tagging><TagSet><Tag><Key>a</Key><Value>1</Value></Tag><Tag><Key>b</Key><Value>2</Value></Tag></TagSet></Tagging>"


def test_tags(s3: Any, bucket: str, post: Any) -> None:
    """The siblings `list` and `invalidxml` were read in LocalStack's public suite: the first is stored, the second stores none."""
    any_tags = ["starts-with", "$tagging", ""]
    with Recorded("s3", "TestS3PresignedPost::test_post_object_with_tags[single]") as case:
        assert send(post({"tagging": ONE}, any_tags)).status_code == 204
        case.answers("get-tagging", s3.get_object_tagging, Bucket=bucket, Key="k")
    with Recorded("s3", "TestS3PresignedPost::test_post_object_with_tags[notxml]") as case:
        case.is_as("tagging-error", error(send(post({"tagging": "not-xml"}, any_tags))))
    assert send(post({"tagging": SEVERAL}, any_tags)).status_code == 204
    assert len(s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"]) == 2
    assert send(post({"tagging": "<InvalidXmlTagging></InvalidXmlTagging>"}, any_tags)).status_code == 204
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == []


def test_another_type(post: Any) -> None:
    with Recorded("s3", "TestS3PresignedPost::test_post_object_with_wrong_content_type") as case:
        answer = send(post(), **{"Content-Type": "text/html; charset=UTF-8"})
        case.is_as("invalid-content-type-error", error(answer))
        assert answer.status_code == 412


@pytest.mark.parametrize("version", VERSIONS)
def test_a_policy_that_is_cut_off(aws: Any, bucket: str, version: str) -> None:
    """The recorded case is of version 4; that of version 2 says the same in LocalStack's public suite."""
    made = aws.client("s3", config=Config(signature_version=version)).generate_presigned_post(bucket, "k")
    made["fields"]["policy"] = made["fields"]["policy"][:-2]
    with Recorded("s3", "TestS3PresignedPost::test_post_request_malformed_policy[s3v4]") as case:
        case.is_as("exception-policy", error(send(made), with_status=True))


@pytest.mark.parametrize("version", VERSIONS)
def test_fields_of_the_signature(aws: Any, bucket: str, version: str) -> None:
    made = aws.client("s3", config=Config(signature_version=version)).generate_presigned_post(bucket, "k")
    fields = dict(made["fields"])
    with Recorded("s3", f"TestS3PresignedPost::test_post_request_missing_fields[{version}]") as case:
        for name in {"s3": ["AWSAccessKeyId"], "s3v4": ["x-amz-algorithm", "x-amz-credential"]}[version]:
            del made["fields"][name]
        case.is_as("exception-missing-fields", error(send(made), with_status=True))
        made["fields"] = {name: fields[name] for name in ("key", "policy")}
        case.is_as("exception-no-sig-related-fields", error(send(made), with_status=True))


def test_no_signature(post: Any) -> None:
    made = post()
    del made["fields"]["x-amz-signature"]
    with Recorded("s3", "TestS3PresignedPost::test_post_request_missing_signature[s3v4]") as case:
        case.is_as("exception-missing-signature", error(send(made), with_status=True))
