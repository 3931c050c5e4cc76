"""Buckets as websites. Truth: recorded answers of AWS (each such test names its case), "Hosting a static website" of the user guide."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import requests

from recorded import Recorded

pytestmark = pytest.mark.http
INDEX = {"IndexDocument": {"Suffix": "index.html"}}
WITH_ERRORS = INDEX | {"ErrorDocument": {"Key": "error.html"}}
Ask = Callable[..., requests.Response]


@pytest.fixture
def public(s3: Any, bucket: str) -> str:
    """A bucket whose objects everybody may read, and list."""
    s3.delete_public_access_block(Bucket=bucket)
    arns = [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]
    statement = {"Effect": "Allow", "Principal": "*", "Action": ["s3:GetObject", "s3:ListBucket"], "Resource": arns}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    return bucket


@pytest.fixture
def ask(aws: Any, bucket: str) -> Ask:
    """`ask(path)`: what the website answers to nobody in particular."""

    def asked(path: str, method: str = "GET", host: str = "{}.s3-website.localhost:4566", **headers: str) -> requests.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()} | {"Host": host.format(bucket)}
        return requests.request(method, f"{aws.endpoint_url}{path}", headers=named, timeout=10, allow_redirects=False)

    return asked


def site(s3: Any, bucket: str, configuration: dict[str, Any], **objects: str) -> None:
    s3.put_bucket_website(Bucket=bucket, WebsiteConfiguration=configuration)
    for name, body in objects.items():
        key = name.replace("__", "/").replace("_html", ".html")
        s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType="text/html")


def test_what_is_no_configuration(s3: Any, bucket: str) -> None:
    redirect = {"HostName": "example.com"}
    wrong = [
        {"IndexDocument": {"Suffix": "/index.html"}},
        {"IndexDocument": {"Suffix": ""}},
        {"RedirectAllRequestsTo": redirect, **INDEX},
        {"ErrorDocument": {"Key": "error.html"}},
        INDEX | {"RoutingRules": [{"Redirect": {"Protocol": "protocol"}}]},
        INDEX | {"RoutingRules": [{"Redirect": {"ReplaceKeyPrefixWith": "a", "ReplaceKeyWith": "b"}}]},
        INDEX | {"RoutingRules": [{"Redirect": {"ReplaceKeyWith": "b"}, "Condition": {}}]},
        INDEX | {"RoutingRules": []},
    ]
    with Recorded("s3", "TestS3StaticWebsiteHosting::test_validate_website_configuration") as case:
        for number, configuration in enumerate(wrong):
            case.answers(f"invalid-website-conf-{number}", s3.put_bucket_website, Bucket=bucket, WebsiteConfiguration=configuration)


def test_a_configuration_comes_and_goes(s3: Any, bucket: str, refused: Any) -> None:
    rules = [{"Condition": {"KeyPrefixEquals": "a/"}, "Redirect": {"ReplaceKeyPrefixWith": "b/", "HttpRedirectCode": "307"}}]
    s3.put_bucket_website(Bucket=bucket, WebsiteConfiguration=WITH_ERRORS | {"RoutingRules": rules})
    found = s3.get_bucket_website(Bucket=bucket)
    assert {name: found[name] for name in found if name != "ResponseMetadata"} == WITH_ERRORS | {"RoutingRules": rules}
    s3.delete_bucket_website(Bucket=bucket)
    with refused("NoSuchWebsiteConfiguration"):
        s3.get_bucket_website(Bucket=bucket)


def test_pages_that_are_not_there(s3: Any, public: str, ask: Ask) -> None:
    with Recorded("s3", "TestS3StaticWebsiteHosting::test_website_hosting_404") as case:
        site(s3, public, INDEX)
        answer = ask("/")
        case.is_as("404-no-such-key", answer.text)
        assert (answer.status_code, answer.headers["x-amz-error-code"]) == (404, "NoSuchKey")
        site(s3, public, WITH_ERRORS)
        case.is_as("404-no-such-key-nor-custom", ask("/").text)
    s3.put_object(Bucket=public, Key="error.html", Body="custom", ContentType="text/html")
    answer = ask("/nowhere")
    assert (answer.status_code, answer.text, answer.headers["Content-Type"]) == (404, "custom", "text/html")
    assert (answer.headers["x-amz-error-code"], answer.headers["x-amz-error-detail-Key"]) == ("NoSuchKey", "nowhere")


def test_methods_that_sites_do_not_have(s3: Any, public: str, ask: Ask) -> None:
    site(s3, public, INDEX)
    with Recorded("s3", "TestS3StaticWebsiteHosting::test_website_hosting_http_methods") as case:
        for method in ("POST", "DELETE"):
            answer = ask("/index.html", method)
            case.is_as(f"not-allowed-{method.lower()}", {"content": answer.text})
            assert answer.status_code == 405


def test_hosts_without_a_site(public: str, ask: Ask) -> None:
    with Recorded("s3", "TestS3StaticWebsiteHosting::test_website_hosting_no_such_website") as case:
        case.is_as("no-such-bucket", ask("/", host="never-there-at-all.s3-website.localhost").text)
        case.is_as("no-such-website-config", ask("/").text)
        case.is_as("no-such-website-config-key", ask("/key").text)


@pytest.mark.parametrize(
    "host",
    ["{}.s3-website-us-east-1.amazonaws.com", "{}.s3-website.us-east-1.amazonaws.com", "{}.s3-website.localhost:4566",
     "{}.s3-website.localhost.localstack.cloud:4566"],
)  # fmt: skip
def test_pages_at_every_host(s3: Any, public: str, ask: Ask, host: str) -> None:
    site(s3, public, INDEX, index_html="home", docs__index_html="docs")
    answer = ask("/", host=host)
    assert (answer.status_code, answer.text, answer.headers["Content-Type"]) == (200, "home", "text/html")
    assert ask("/docs/", host=host).text == "docs"
    assert ask("/docs/index.html", host=host).text == "docs"


def test_a_folder_without_its_slash(s3: Any, public: str, ask: Ask) -> None:
    site(s3, public, INDEX, docs__index_html="docs")
    answer = ask("/docs")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/docs/")


def test_conditions_ranges_and_heads(s3: Any, public: str, ask: Ask) -> None:
    site(s3, public, WITH_ERRORS, index_html="home", error_html="custom")
    answer = ask("/", "HEAD")
    assert (answer.status_code, answer.text, answer.headers["Content-Length"]) == (200, "", "4")
    assert ask("/", If_None_Match=answer.headers["ETag"]).status_code == 304
    part = ask("/", Range="bytes=1-2")
    assert (part.status_code, part.text) == (206, "om")
    assert ask("/nowhere", "HEAD").status_code == 404


def test_a_private_page_is_refused_as_a_page(s3: Any, bucket: str, ask: Ask) -> None:
    """Nobody in particular asks: no signature opens a website, and what may not be listed is not said to be absent."""
    site(s3, bucket, INDEX, index_html="home")
    answer = ask("/")
    assert (answer.status_code, answer.headers["Content-Type"]) == (403, "text/html; charset=utf-8")
    assert "<li>Code: AccessDenied</li>\n<li>Message: Access Denied</li>\n<li>RequestId:" in answer.text
    url = s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "index.html"})
    assert ask("/index.html?" + url.partition("?")[2]).status_code == 403
    assert ask("/nowhere").status_code == 403


def test_names_are_not_markup(s3: Any, public: str, ask: Ask) -> None:
    site(s3, public, INDEX)
    assert "<li>Key: &lt;script&gt;</li>" in ask("/<script>").text


def test_everything_elsewhere(s3: Any, public: str, ask: Ask) -> None:
    site(s3, public, {"RedirectAllRequestsTo": {"HostName": "example.com", "Protocol": "https"}})
    answer = ask("/a/b%20c?d=e")
    assert (answer.status_code, answer.headers["Location"], answer.text) == (301, "https://example.com/a/b%20c?d=e", "")
    site(s3, public, {"RedirectAllRequestsTo": {"HostName": "example.com"}})
    assert ask("/").headers["Location"] == "http://example.com/"


def test_an_object_that_is_elsewhere(s3: Any, public: str, ask: Ask) -> None:
    site(s3, public, INDEX)
    s3.put_object(Bucket=public, Key="old", WebsiteRedirectLocation="/new")
    answer = ask("/old")
    assert (answer.status_code, answer.headers["Location"]) == (301, "/new")


ROUTED: dict[str, tuple[dict[str, Any], str, int, str]] = {
    "a prefix for another": ({"Condition": {"KeyPrefixEquals": "docs/"}, "Redirect": {"ReplaceKeyPrefixWith": "documents/"}}, "/docs/a", 301, "http://{}/documents/a"),  # noqa: E501
    "a prefix for one page": ({"Condition": {"KeyPrefixEquals": "images/"}, "Redirect": {"ReplaceKeyWith": "gone.html", "HttpRedirectCode": "307"}}, "/images/a", 307, "http://{}/gone.html"),  # noqa: E501
    "an error elsewhere": ({"Condition": {"HttpErrorCodeReturnedEquals": "404"}, "Redirect": {"HostName": "example.com", "ReplaceKeyPrefixWith": "report-404/"}}, "/x.html", 301, "http://example.com/report-404/x.html"),  # noqa: E501
    "an error under a prefix": ({"Condition": {"HttpErrorCodeReturnedEquals": "404", "KeyPrefixEquals": "a/"}, "Redirect": {"Protocol": "https"}}, "/a/x?y=z", 301, "https://{}/a/x?y=z"),  # noqa: E501
    "no condition": ({"Redirect": {"HostName": "example.com"}}, "/index.html", 301, "http://example.com/index.html"),
}  # fmt: skip


@pytest.mark.parametrize(("rule", "path", "status", "location"), ROUTED.values(), ids=ROUTED)
def test_routing_rules(s3: Any, public: str, ask: Ask, rule: dict[str, Any], path: str, status: int, location: str) -> None:
    """The guide's own examples."""
    site(s3, public, INDEX | {"RoutingRules": [rule]}, index_html="home")
    answer = ask(path)
    assert (answer.status_code, answer.headers["Location"]) == (status, location.format(f"{public}.s3-website.localhost:4566"))


def test_a_rule_that_does_not_fit_changes_nothing(s3: Any, public: str, ask: Ask) -> None:
    rule = {"Condition": {"HttpErrorCodeReturnedEquals": "404", "KeyPrefixEquals": "a/"}, "Redirect": {"HostName": "example.com"}}
    site(s3, public, INDEX | {"RoutingRules": [rule]}, index_html="home")
    assert (ask("/").text, ask("/b").status_code) == ("home", 404)


def test_pages_for_other_sites(s3: Any, public: str, ask: Ask) -> None:
    """The bucket's own CORS rules hold at its website too, and are the only way in for another site's page."""
    site(s3, public, INDEX, index_html="home")
    assert ask("/", Origin="https://app.example.com").status_code == 403
    rule = {"AllowedOrigins": ["https://app.example.com"], "AllowedMethods": ["GET"]}
    s3.put_bucket_cors(Bucket=public, CORSConfiguration={"CORSRules": [rule]})
    answer = ask("/", Origin="https://app.example.com")
    assert (answer.text, answer.headers["Access-Control-Allow-Origin"]) == ("home", "https://app.example.com")
    assert ask("/", "OPTIONS", Origin="https://app.example.com", Access_Control_Request_Method="GET").status_code == 200
