"""Function URLs: their configuration, and HTTP at their address.

Truth: recordings of TestLambdaUrl and TestLambdaURL (tests/recordings/test_lambda_urls.py replays them), the developer guide's pages
"Invoking Lambda function URLs" and "Control access to Lambda function URLs".
"""

import base64
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import boto3.session
import botocore.auth
import botocore.awsrequest
import botocore.exceptions
import pytest
import urllib3

ECHO = "def handler(event, context):\n    return event\n"
PUBLIC = {"StatementId": "all", "Action": "lambda:InvokeFunctionUrl", "Principal": "*", "FunctionUrlAuthType": "NONE"}


class Url:
    """A function's URL, called as a browser or curl would."""

    def __init__(self, reported: str, endpoint_url: str) -> None:
        self.reported = reported
        self._endpoint = endpoint_url
        self._http = urllib3.PoolManager()

    def call(self, method: str = "GET", path: str = "", **options: Any) -> Any:
        return self._http.request(method, self.reported + path, **options)

    def by_host(self, domain: str, path: str = "/", **options: Any) -> Any:
        """As if the name of its host led to this machine."""
        name = f"{self.id}.lambda-url.us-east-1.{domain}"
        return self._http.request("GET", self._endpoint + path, headers={"Host": name}, **options)

    @property
    def id(self) -> str:
        split = urlsplit(self.reported)
        assert split.hostname
        return split.hostname.split(".")[0] if "lambda-url" in split.hostname else split.path.split("/")[3]

    def close(self) -> None:
        self._http.clear()


@pytest.fixture
def url_of(functions: Any, aws: Any) -> Any:
    """`url_of(source, **config)`: the URL of a new function; public where it asks for no signature."""
    made: list[Url] = []

    def make(source: str = ECHO, *, name: str = "f", public: bool = True, **config: Any) -> Url:
        functions.make(name, source)
        config = {"AuthType": "NONE"} | config
        reported = functions.client.create_function_url_config(FunctionName=name, **config)["FunctionUrl"]
        if public and config["AuthType"] == "NONE":
            functions.client.add_permission(FunctionName=name, **PUBLIC)
        made.append(Url(reported, aws.endpoint_url))
        return made[-1]

    yield make
    for url in made:
        url.close()


def refusal(call: Callable[..., Any], **request: Any) -> str:
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**request)
    error = caught.value.response["Error"]
    return f"{error['Code']}: {error['Message']}"


def test_a_url_lives_as_long_as_its_function(functions: Any) -> None:
    client = functions.client
    functions.make("f", ECHO)
    cors = {"AllowOrigins": ["https://example.com"], "MaxAge": 60}
    made = client.create_function_url_config(FunctionName="f", AuthType="AWS_IAM", Cors=cors)
    assert made["Cors"] == cors
    assert client.get_function_url_config(FunctionName="f")["FunctionUrl"] == made["FunctionUrl"]
    changed = client.update_function_url_config(FunctionName="f", AuthType="NONE", InvokeMode="RESPONSE_STREAM")
    assert (changed["AuthType"], changed["InvokeMode"], changed["FunctionUrl"]) == ("NONE", "RESPONSE_STREAM", made["FunctionUrl"])
    client.delete_function(FunctionName="f")
    functions.make("f", ECHO)
    assert refusal(client.get_function_url_config, FunctionName="f").startswith("ResourceNotFoundException")
    assert urllib3.request("GET", made["FunctionUrl"]).status == 403


def test_an_alias_has_a_url_of_its_own(functions: Any) -> None:
    client = functions.client
    functions.make("f", ECHO, Publish=True)
    client.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    for qualifier in ({}, {"Qualifier": "live"}):
        client.create_function_url_config(FunctionName="f", AuthType="NONE", **qualifier)
    listed = client.list_function_url_configs(FunctionName="f")["FunctionUrlConfigs"]
    assert [config["FunctionArn"].split(":function:")[1] for config in listed] == ["f", "f:live"]
    first = client.list_function_url_configs(FunctionName="f", MaxItems=1)
    assert len(first["FunctionUrlConfigs"]) == 1
    assert client.list_function_url_configs(FunctionName="f", Marker=first["NextMarker"])["FunctionUrlConfigs"] == listed[1:]
    client.delete_alias(FunctionName="f", Name="live")
    assert len(client.list_function_url_configs(FunctionName="f")["FunctionUrlConfigs"]) == 1
    client.delete_function_url_config(FunctionName="f")
    assert client.list_function_url_configs(FunctionName="f")["FunctionUrlConfigs"] == []


NO_FUNCTION = "ResourceNotFoundException: Function does not exist"
NO_RESOURCE = "ResourceNotFoundException: The resource you requested does not exist."
REFUSALS = {
    "a URL of no function": ("create_function_url_config", {"FunctionName": "none", "AuthType": "NONE"}, NO_FUNCTION),
    "a URL of no alias": ("create_function_url_config", {"FunctionName": "f", "Qualifier": "none", "AuthType": "NONE"}, NO_FUNCTION),
    "an update of no function's": ("update_function_url_config", {"FunctionName": "none"}, NO_FUNCTION),
    "an update of none": ("update_function_url_config", {"FunctionName": "f"}, NO_RESOURCE),
    "the deletion of none": ("delete_function_url_config", {"FunctionName": "f"}, NO_RESOURCE),
    "none is shown": ("get_function_url_config", {"FunctionName": "f"}, NO_RESOURCE),
    "no function's are listed": ("list_function_url_configs", {"FunctionName": "none"}, NO_FUNCTION),
}


@pytest.mark.parametrize(("operation", "request_", "said"), REFUSALS.values(), ids=REFUSALS)
def test_what_a_url_cannot_be_asked_for(functions: Any, operation: str, request_: dict[str, Any], said: str) -> None:
    functions.make("f", ECHO)
    assert refusal(getattr(functions.client, operation), **request_) == said


def test_a_version_has_no_url(functions: Any) -> None:
    functions.make("f", ECHO, Publish=True)
    said = refusal(functions.client.create_function_url_config, FunctionName="f", Qualifier="1", AuthType="NONE")
    assert said.startswith("ValidationException: 1 validation error detected: Value '1' at 'qualifier' failed to satisfy constraint")


def test_what_a_function_is_told(url_of: Any) -> None:
    url = url_of()
    headers = {"X-Custom": "Value", "Cookie": "a=1; b=2", "Content-Type": "text/plain", "User-Agent": "tester"}
    event = json.loads(url.call("PUT", "a%20b/c?x=1&x=2&y=%C3%A4&z", body="text", headers=headers).data)
    context = event.pop("requestContext")
    assert context.pop("http") == {
        "method": "PUT",
        "path": "/a b/c",
        "protocol": "HTTP/1.1",
        "sourceIp": "127.0.0.1",
        "userAgent": "tester",
    }
    assert context["accountId"] == "anonymous"
    assert (context["apiId"], context["domainPrefix"]) == (url.id, url.id)
    assert context["domainName"] == event["headers"]["host"]
    assert isinstance(context["timeEpoch"], int)
    assert context["time"].endswith(" +0000")
    assert (event["version"], event["routeKey"], event["rawPath"]) == ("2.0", "$default", "/a%20b/c")
    assert event["rawQueryString"] == "x=1&x=2&y=%C3%A4&z"
    assert event["queryStringParameters"] == {"x": "1,2", "y": "ä", "z": ""}
    assert event["cookies"] == ["a=1", "b=2"]
    assert event["headers"]["x-custom"] == "Value"
    assert event["headers"]["x-forwarded-proto"] == "http"
    assert "connection" not in event["headers"]
    assert (event["body"], event["isBase64Encoded"]) == ("text", False)


def test_a_body_is_text_where_its_type_says_so(url_of: Any) -> None:
    url = url_of()

    def told(content_type: str | None, body: bytes) -> tuple[Any, Any]:
        headers = {"Content-Type": content_type} if content_type else {}
        event = json.loads(url.call("POST", "", body=body, headers=headers).data)
        return event.get("body"), event["isBase64Encoded"]

    assert told("application/json", b"{}") == ("{}", False)
    assert told("application/problem+json; charset=utf-8", b"{}") == ("{}", False)
    assert told("application/x-www-form-urlencoded", b"a=1") == (base64.b64encode(b"a=1").decode(), True)
    assert told(None, b"x") == ("eA==", True)
    assert told("text/plain", b"\xff") == ("/w==", True)
    assert told("text/plain", b"") == (None, False)


@pytest.mark.parametrize("domain", ["on.aws", "localhost:4566", "localhost.localstack.cloud:4566", "localhost"])
def test_every_name_of_the_host_is_the_functions(url_of: Any, domain: str) -> None:
    url = url_of()
    event = json.loads(url.by_host(domain, "/path?q=1").data)
    assert (event["rawPath"], event["rawQueryString"]) == ("/path", "q=1")
    assert event["requestContext"]["domainName"] == f"{url.id}.lambda-url.us-east-1.{domain}"


ANSWERS = {
    "None": ("null", 200, b"null"),
    "an empty dict": ("{}", 200, b"{}"),
    "a text": ("'hi'", 200, b"hi"),
    "a body that is no text": ("{'statusCode': 200, 'body': {'a': 1}}", 200, b'{"a":1}'),
    "a status alone": ("{'statusCode': 204}", 204, b""),
    "a status in words": ("{'statusCode': '418', 'body': 'tea'}", 418, b"tea"),
    "base64": ("{'statusCode': 200, 'body': '/w==', 'isBase64Encoded': True}", 200, b"\xff"),
    "a status that is none": ("{'statusCode': 'many'}", 502, b"Internal Server Error"),
    "base64 that is none": ("{'statusCode': 200, 'body': '?', 'isBase64Encoded': True}", 502, b"Internal Server Error"),
    "an exception": ("1 / 0", 502, b"Internal Server Error"),
}


@pytest.mark.parametrize(("answer", "status", "body"), ANSWERS.values(), ids=ANSWERS)
def test_what_an_answer_comes_to(url_of: Any, answer: str, status: int, body: bytes) -> None:
    response = url_of(f"null = None\ndef handler(event, context):\n    return {answer}\n").call()
    assert (response.status, response.data) == (status, body)
    assert response.headers["Content-Type"] == "application/json"


def test_headers_and_cookies_of_an_answer(url_of: Any) -> None:
    answer = {
        "statusCode": 201,
        "headers": {"content-type": "text/html", "X-Number": 3, "Content-Length": "999"},
        "cookies": ["a=1; Secure", "b=2"],
        "body": "<p>",
    }
    response = url_of(f"def handler(event, context):\n    return {answer}\n").call()
    assert response.status == 201
    assert response.headers.getlist("Set-Cookie") == ["a=1; Secure", "b=2"]
    assert (response.headers["content-type"], response.headers["x-number"], response.data) == ("text/html", "3", b"<p>")


def test_nobody_is_let_in_whom_the_policy_does_not_name(url_of: Any, functions: Any) -> None:
    url = url_of(public=False)
    assert url.call().status == 403
    functions.client.add_permission(FunctionName="f", **PUBLIC | {"FunctionUrlAuthType": "AWS_IAM"})
    assert url.call().status == 403, "the permission is for URLs that ask for a signature"
    functions.client.add_permission(FunctionName="f", **PUBLIC | {"StatementId": "none"})
    assert url.call().status == 200


def signed(url: Url, keys: Any, service: str = "lambda") -> Any:
    request = botocore.awsrequest.AWSRequest("POST", url.reported + "path?q=1", data=b"{}", headers={"Content-Type": "application/json"})
    botocore.auth.SigV4Auth(keys, service, "us-east-1").add_auth(request)
    return url.call("POST", "path?q=1", body=b"{}", headers=dict(request.headers))


def keys_of(client: Any) -> Any:
    return client._request_signer._credentials


def test_a_signature_for_lambda(url_of: Any, functions: Any, aws: Any) -> None:
    url = url_of(AuthType="AWS_IAM")
    unsigned = url.call()
    assert unsigned.status == 403
    assert json.loads(unsigned.data)["Message"].startswith("Forbidden.")
    may = aws.user({"Effect": "Allow", "Action": "lambda:InvokeFunctionUrl", "Resource": "*"}, name="may")
    event = json.loads(signed(url, keys_of(may.client("sts"))).data)
    caller = event["requestContext"]["authorizer"]["iam"]
    assert (caller["accountId"], caller["userArn"]) == (aws.account, may.arn)
    assert event["requestContext"]["accountId"] == aws.account
    assert event["rawPath"] == "/path"
    may_not = aws.user({"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": "*"}, name="may-not")
    assert signed(url, keys_of(may_not.client("sts"))).status == 403
    wrong = signed(url, keys_of(may.client("sts")), service="s3")
    assert (wrong.status, wrong.headers["x-amzn-ErrorType"]) == (403, "InvalidSignatureException")
    stranger = boto3.session.Session(keys_of(may.client("sts")).access_key, "not the secret").get_credentials()
    assert signed(url, stranger).status == 403


def test_another_account_needs_the_functions_own_permission(url_of: Any, functions: Any, aws: Any) -> None:
    url = url_of(AuthType="AWS_IAM")
    other = aws.other()
    assert signed(url, keys_of(other.client("sts"))).status == 403
    functions.client.add_permission(FunctionName="f", **PUBLIC | {"Principal": other.account, "FunctionUrlAuthType": "AWS_IAM"})
    assert signed(url, keys_of(other.client("sts"))).status == 200


CORS = {
    "AllowOrigins": ["http://page.localhost"],
    "AllowMethods": ["GET", "PUT"],
    "AllowHeaders": ["x-custom"],
    "ExposeHeaders": ["x-shown"],
    "MaxAge": 300,
}


def test_a_preflight_is_answered_by_the_url(url_of: Any) -> None:
    url = url_of("def handler(event, context):\n    raise Exception('never asked')\n", Cors=CORS)
    asks = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "x-custom"}
    allowed = url.call("OPTIONS", headers=asks | {"Origin": "http://page.localhost"})
    assert allowed.status == 200
    assert allowed.headers["Access-Control-Allow-Origin"] == "http://page.localhost"
    assert allowed.headers["Access-Control-Allow-Methods"] == "GET,PUT"
    assert allowed.headers["Access-Control-Allow-Headers"] == "x-custom"
    assert allowed.headers["Access-Control-Max-Age"] == "300"
    other = url.call("OPTIONS", headers=asks | {"Origin": "http://other.localhost"})
    assert "Access-Control-Allow-Origin" not in other.headers


def test_the_urls_cors_wins_over_the_functions(url_of: Any) -> None:
    said = "{'statusCode': 200, 'headers': {'Access-Control-Allow-Origin': '*', 'X-Shown': '1'}}"
    url = url_of(f"def handler(event, context):\n    return {said}\n", Cors=CORS)
    answer = url.call(headers={"Origin": "http://page.localhost"})
    assert answer.headers.getlist("Access-Control-Allow-Origin") == ["http://page.localhost"]
    assert answer.headers["Access-Control-Expose-Headers"] == "x-shown"
    assert "Access-Control-Allow-Origin" not in url.call(headers={"Origin": "http://other.localhost"}).headers


def test_a_page_of_another_site_calls_where_it_is_let_in(url_of: Any) -> None:
    page = {"Origin": "https://example.com", "Sec-Fetch-Site": "cross-site"}
    url = url_of(Cors={"AllowOrigins": ["https://example.com"]})
    allowed = url.call(headers=page)
    assert (allowed.status, allowed.headers["Access-Control-Allow-Origin"]) == (200, "https://example.com")
    assert url.call(headers=page | {"Origin": "https://elsewhere.com"}).status == 403
    its_own = "{'statusCode': 200, 'headers': {'Access-Control-Allow-Origin': '*'}}"
    own = url_of(f"def handler(event, context):\n    return {its_own}\n", name="g")
    assert own.call(headers=page).headers["Access-Control-Allow-Origin"] == "*"


def test_a_key_that_nobody_issued_is_worth_nothing_on_a_page_of_another_site(url_of: Any, aws: Any) -> None:
    url = url_of(AuthType="AWS_IAM")
    request = botocore.awsrequest.AWSRequest("GET", url.reported)
    botocore.auth.SigV4Auth(keys_of(aws.client("sts")), "lambda", "us-east-1").add_auth(request)
    assert url.call(headers=dict(request.headers)).status == 200
    assert url.call(headers=dict(request.headers) | {"Origin": "https://example.com"}).status == 403


def test_a_function_that_may_not_run_at_all_answers_429(url_of: Any, functions: Any) -> None:
    url = url_of()
    functions.client.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=0)
    assert url.call().status == 429


def test_an_event_that_is_too_large(url_of: Any) -> None:
    assert url_of().call("POST", body=b"x" * 6_400_000).status == 413
