"""API destinations and their connections, called for real: the API is an HTTP server of the test.

Truth: "API destinations as targets in Amazon EventBridge" and "Connections for HTTP endpoint targets" of the user guide, HttpParameters of
the API reference; the shapes and sentences are in tests/recordings/test_connections.py. That plain HTTP on loopback is taken is ours.
"""

import base64
import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from headwater.kernel.retry_policy import next_attempt
from headwater.services.events import outgoing
from headwater.services.events.api_destinations import patience_s
from headwater.services.events.transforming import text_at

BASIC = {"BasicAuthParameters": {"Username": "me", "Password": "pass-word"}}
API_KEY = {"ApiKeyAuthParameters": {"ApiKeyName": "X-Key", "ApiKeyValue": "key-value"}}
KINDS = {"BasicAuthParameters": "BASIC", "ApiKeyAuthParameters": "API_KEY", "OAuthParameters": "OAUTH_CLIENT_CREDENTIALS"}
TRUST = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sts:AssumeRole"}]}


class Api:
    """Somebody else's API. `answers` are (status, headers, body), the last one for good; `heard` is what it was asked."""

    def __init__(self) -> None:
        self.heard: list[dict[str, Any]] = []
        self.answers: list[tuple[int, dict[str, str], bytes]] = [(200, {}, b"{}")]
        self.delay_s = 0.0
        api = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                asked = urlsplit(self.path)
                api.heard.append(
                    {
                        "method": self.command,
                        "path": asked.path,
                        "query": {name: values[0] for name, values in parse_qs(asked.query).items()},
                        "headers": {name.lower(): value for name, value in self.headers.items()},
                        "body": body.decode(),
                    }
                )
                status, headers, said = api.answers.pop(0) if len(api.answers) > 1 else api.answers[0]
                time.sleep(api.delay_s)
                self.send_response(status)
                for name, value in ({"Content-Length": str(len(said))} | headers).items():
                    self.send_header(name, value)
                self.end_headers()
                with contextlib.suppress(BrokenPipeError):  # who asked has given up
                    self.wfile.write(said)

            do_GET = do_POST = do_PUT = answer  # noqa: N815 - the base class's names

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def wait(self, count: int, meanwhile: Callable[[], Any] = lambda: None) -> list[dict[str, Any]]:
        for _ in range(300):
            if len(self.heard) >= count:
                break
            meanwhile()
            time.sleep(0.02)
        assert len(self.heard) >= count, self.heard
        return self.heard

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def api() -> Iterator[Api]:
    api = Api()
    yield api
    api.close()


@pytest.fixture
def auth_api() -> Iterator[Api]:
    """An authorization endpoint."""
    api = Api()
    api.answers = [(200, {}, json.dumps({"access_token": "t1", "token_type": "bearer", "expires_in": 3600}).encode())]
    yield api
    api.close()


@pytest.fixture
def role(aws: Any) -> str:
    """What a target is called under."""
    iam = aws.client("iam")
    arn: str = iam.create_role(RoleName="caller", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", **TRUST}))["Role"]["Arn"]
    allowed = {"Effect": "Allow", "Action": "events:InvokeApiDestination", "Resource": "arn:aws:events:*:*:api-destination/orders/*"}
    iam.put_role_policy(RoleName="caller", PolicyName="own", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allowed]}))
    return arn


@pytest.fixture
def routed(events: Any, api: Api, role: str) -> Callable[..., str]:
    """A rule for events of "app" to the API, whose connection has these AuthParameters; the connection's name is "api"."""

    def routed(auth: dict[str, Any], *, path: str = "/orders", method: str = "POST", rate: int = 300, **target: Any) -> str:
        kind = next(KINDS[member] for member in auth if member in KINDS)
        connection = events.create_connection(Name="api", AuthorizationType=kind, AuthParameters=auth)["ConnectionArn"]
        destination: str = events.create_api_destination(
            Name="orders",
            ConnectionArn=connection,
            InvocationEndpoint=f"{api.url}{path}",
            HttpMethod=method,
            InvocationRateLimitPerSecond=rate,
        )["ApiDestinationArn"]
        events.put_rule(Name="on", EventPattern=json.dumps({"source": ["app"]}))
        events.put_targets(Rule="on", Targets=[{"Id": "1", "Arn": destination, "RoleArn": role} | target])
        return destination

    return routed


def oauth(auth_api: Api, **http: Any) -> dict[str, Any]:
    own = {
        "ClientParameters": {"ClientID": "id", "ClientSecret": "client-secret"},
        "AuthorizationEndpoint": f"{auth_api.url}/token",
        "HttpMethod": "POST",
    }
    return {"OAuthParameters": own | ({"OAuthHttpParameters": http} if http else {})}


def failures(server: Any, account: str, count: int = 1) -> list[Any]:
    from headwater.services.events.model import FAILED

    for _ in range(300):
        found: list[Any] = server.scan(FAILED, account)
        if len(found) >= count:
            return found
        time.sleep(0.02)
    raise AssertionError("nothing failed")


def test_an_event_is_posted_with_the_connections_credentials(api: Api, routed: Any, put: Any) -> None:
    routed(BASIC)
    event_id = put({"n": 1})
    [heard] = api.wait(1)
    assert (heard["method"], heard["path"], json.loads(heard["body"])["id"]) == ("POST", "/orders", event_id)
    assert heard["headers"]["authorization"] == f"Basic {base64.b64encode(b'me:pass-word').decode()}"
    assert heard["headers"]["user-agent"] == "Amazon/EventBridge/ApiDestinations"
    assert heard["headers"]["content-type"] == "application/json; charset=utf-8"
    assert heard["headers"]["range"] == "bytes=0-1048575"


def test_the_connections_parameters_win_over_the_targets(api: Api, routed: Any, put: Any) -> None:
    own = {
        "HeaderParameters": [{"Key": "X-Both", "Value": "connection"}, {"Key": "X-Hidden", "Value": "h", "IsValueSecret": True}],
        "QueryStringParameters": [{"Key": "both", "Value": "connection"}],
        "BodyParameters": [{"Key": "added", "Value": "connection"}],
    }
    routed(
        API_KEY | {"InvocationHttpParameters": own},
        path="/a/*/b/*?fixed=1",
        method="PUT",
        InputTransformer={"InputPathsMap": {"n": "$.detail.n"}, "InputTemplate": '{"n": <n>, "added": "target"}'},
        HttpParameters={
            "PathParameterValues": ["one two", "$.detail.id"],
            "HeaderParameters": {"x-both": "target", "X-Mine": "$.source", "User-Agent": "mine"},
            "QueryStringParameters": {"both": "target", "mine": "$.detail.n"},
        },
    )
    put({"n": 7, "id": "x/y"})
    [heard] = api.wait(1)
    assert (heard["method"], heard["path"]) == ("PUT", "/a/one%20two/b/x%2Fy")
    assert heard["query"] == {"fixed": "1", "both": "connection", "mine": "7"}
    assert json.loads(heard["body"]) == {"n": 7, "added": "connection"}
    said = {name: heard["headers"][name] for name in ("x-both", "x-hidden", "x-mine", "x-key", "user-agent")}
    assert said == {
        "x-both": "connection",
        "x-hidden": "h",
        "x-mine": "app",
        "x-key": "key-value",
        "user-agent": "Amazon/EventBridge/ApiDestinations",
    }


def test_a_get_has_no_body(api: Api, routed: Any, put: Any) -> None:
    routed(API_KEY, method="GET")
    put({"n": 1})
    [heard] = api.wait(1)
    assert (heard["method"], heard["body"]) == ("GET", "")


def test_a_token_is_fetched_once_and_anew_when_it_is_refused(
    api: Api, auth_api: Api, routed: Any, put: Any, clock: Any, events: Any
) -> None:
    http = {
        "HeaderParameters": [{"Key": "X-Tenant", "Value": "t"}],
        "QueryStringParameters": [{"Key": "q", "Value": "1"}],
        "BodyParameters": [{"Key": "scope", "Value": "write"}],
    }
    auth_api.answers.append((200, {}, b'{"access_token": "t2", "token_type": "Bearer"}'))
    routed(oauth(auth_api, **http))
    for _ in range(200):
        if events.describe_connection(Name="api")["ConnectionState"] == "AUTHORIZED":
            break
        time.sleep(0.02)
    assert events.describe_api_destination(Name="orders")["ApiDestinationState"] == "ACTIVE"
    [asked] = auth_api.heard
    assert (asked["path"], asked["query"], asked["headers"]["x-tenant"]) == ("/token", {"q": "1"}, "t")
    assert parse_qs(asked["body"]) == {
        "grant_type": ["client_credentials"],
        "client_id": ["id"],
        "client_secret": ["client-secret"],
        "scope": ["write"],
    }
    put({"n": 1})
    api.wait(1)
    api.answers = [(401, {}, b""), (200, {}, b"")]
    put({"n": 2})
    heard = api.wait(3, lambda: clock.advance(timedelta(seconds=1)))
    assert [each["headers"]["authorization"] for each in heard] == ["Bearer t1", "Bearer t1", "Bearer t2"]
    assert len(auth_api.heard) == 2


def test_a_token_request_may_be_json() -> None:
    """Where the connection's own header says so: our reading."""
    from headwater.services.events.oauth import token_request

    document = {
        "client_id": "id",
        "client_secret": "s",
        "authorization_endpoint": "https://a/token",
        "http_method": "POST",
        "oauth_http_parameters": {"header_parameters": [{"key": "content-type", "value": "application/json", "is_value_secret": False}]},
    }
    assert json.loads(token_request(document).body) == {"grant_type": "client_credentials", "client_id": "id", "client_secret": "s"}
    assert token_request(document | {"http_method": "GET"}).url.startswith("https://a/token?grant_type=client_credentials&client_id=id")


def test_a_connection_whose_client_is_refused_is_deauthorized_and_says_why(events: Any, auth_api: Api) -> None:
    auth_api.answers = [(403, {}, b"no")]
    created = events.create_connection(Name="api", AuthorizationType="OAUTH_CLIENT_CREDENTIALS", AuthParameters=oauth(auth_api))
    assert created["ConnectionState"] == "AUTHORIZING"
    for _ in range(200):
        found = events.describe_connection(Name="api")
        if found["ConnectionState"] != "AUTHORIZING":
            break
        time.sleep(0.02)
    assert (found["ConnectionState"], found["StateReason"]) == ("DEAUTHORIZED", "The authorization endpoint answered with status 403")
    assert "client-secret" not in json.dumps(found, default=str)


AGAIN = {"a conflict": (409, {}), "too many": (429, {"Retry-After": "2"}), "a broken server": (503, {})}


@pytest.mark.parametrize(("status", "headers"), AGAIN.values(), ids=AGAIN)
def test_what_may_pass_is_tried_again(api: Api, routed: Any, put: Any, clock: Any, status: int, headers: dict[str, str]) -> None:
    routed(BASIC)
    api.answers = [(status, headers, b""), (200, {}, b"")]
    put({"n": 1})
    api.wait(1)
    api.wait(2, lambda: clock.advance(timedelta(seconds=1)))


FINAL = {"a wrong request": (400, {}), "a redirect": (302, {"Location": "/elsewhere"}), "no patience": (503, {"Retry-After": "-1"})}


@pytest.mark.parametrize(("status", "headers"), FINAL.values(), ids=FINAL)
def test_what_will_not_pass_is_not_tried_again(
    server: Any, aws: Any, api: Api, routed: Any, put: Any, status: int, headers: dict[str, str]
) -> None:
    destination = routed(BASIC)
    api.answers = [(status, headers, b"")]
    put({"n": 1})
    [failed] = failures(server, aws.account)
    assert (failed.target_arn, failed.attempts, len(api.heard)) == (destination, 1, 1)
    assert f"status {status}" in failed.message
    assert "pass-word" not in failed.message


def test_the_role_must_be_allowed_to_invoke(server: Any, aws: Any, api: Api, routed: Any, put: Any) -> None:
    routed(BASIC)
    aws.client("iam").delete_role_policy(RoleName="caller", PolicyName="own")
    put({"n": 1})
    [failed] = failures(server, aws.account)
    assert failed.code == "AccessDeniedException"
    assert "events:InvokeApiDestination" in failed.message
    assert api.heard == []


def test_a_target_that_is_an_api_destination_needs_a_role(events: Any, routed: Any, refused: Any) -> None:
    destination = routed(BASIC)
    with refused("ValidationException", "RoleArn is required"):
        events.put_targets(Rule="on", Targets=[{"Id": "2", "Arn": destination}])


def test_no_more_calls_go_out_in_a_second_than_may(api: Api, routed: Any, put: Any, clock: Any) -> None:
    routed(BASIC, rate=2)
    for number in range(6):
        put({"n": number})
    api.wait(2)
    time.sleep(0.3)
    assert len(api.heard) <= 3  # two at once, and one whose half second is over
    api.wait(6, lambda: clock.advance(timedelta(seconds=1)))


def test_an_endpoint_that_is_not_there_is_tried_again(server: Any, aws: Any, api: Api, events: Any, routed: Any, put: Any) -> None:
    routed(BASIC, RetryPolicy={"MaximumRetryAttempts": 0})
    events.update_api_destination(Name="orders", InvocationEndpoint="http://127.0.0.1:1/", HttpMethod="POST")
    put({"n": 1})
    [failed] = failures(server, aws.account)
    assert (failed.code, failed.condition) == ("SDK_CLIENT_ERROR", "MaximumRetryAttempts")


def test_a_slow_endpoint_is_given_up_after_five_seconds(
    server: Any, aws: Any, api: Api, routed: Any, put: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert outgoing.ANSWER_S == 5.0
    monkeypatch.setattr(outgoing, "ANSWER_S", 0.1)
    api.delay_s = 0.3
    routed(BASIC, RetryPolicy={"MaximumRetryAttempts": 0})
    put({"n": 1})
    [failed] = failures(server, aws.account)
    assert "did not answer within 5 seconds" in failed.message


def test_without_its_connection_a_destination_is_inactive_and_not_called(
    server: Any, aws: Any, events: Any, api: Api, routed: Any, put: Any
) -> None:
    destination = routed(BASIC)
    answer = events.deauthorize_connection(Name="api")
    assert answer["ConnectionState"] == "DEAUTHORIZING"
    described = events.describe_connection(Name="api")
    assert described["ConnectionState"] == "DEAUTHORIZED"
    assert "AuthParameters" not in described
    assert events.list_api_destinations(ConnectionArn=described["ConnectionArn"])["ApiDestinations"][0]["ApiDestinationState"] == "INACTIVE"
    put({"n": 1})
    failures(server, aws.account)
    events.update_connection(Name="api", AuthParameters=API_KEY, AuthorizationType="API_KEY")
    assert events.describe_api_destination(Name="orders")["ApiDestinationState"] == "ACTIVE"
    put({"n": 2})
    [heard] = api.wait(1)
    assert heard["headers"]["x-key"] == "key-value"
    assert events.delete_connection(Name="api")["ConnectionState"] == "DELETING"
    assert events.describe_api_destination(Name="orders")["ApiDestinationArn"] == destination
    events.delete_api_destination(Name="orders")
    secrets = aws.client("secretsmanager")
    for _ in range(200):
        if not secrets.list_secrets()["SecretList"]:
            break
        time.sleep(0.02)
    assert secrets.list_secrets()["SecretList"] == []


def test_a_part_of_the_credentials_can_be_changed(aws: Any, events: Any) -> None:
    events.create_connection(Name="api", AuthorizationType="BASIC", AuthParameters=BASIC)
    events.update_connection(Name="api", AuthParameters={"BasicAuthParameters": {"Password": "other"}})
    found = events.describe_connection(Name="api")
    assert found["AuthParameters"] == {"BasicAuthParameters": {"Username": "me"}}
    secret = aws.client("secretsmanager").get_secret_value(SecretId=found["SecretArn"])
    assert json.loads(secret["SecretString"]) == {"username": "me", "password": "other"}
    assert aws.client("secretsmanager").describe_secret(SecretId=found["SecretArn"])["OwningService"].startswith("events")


def test_secret_parameters_are_not_shown_and_others_are(events: Any) -> None:
    parameters = [{"Key": "a", "Value": "1", "IsValueSecret": False}, {"Key": "b", "Value": "2", "IsValueSecret": True}]
    auth = API_KEY | {"InvocationHttpParameters": {"QueryStringParameters": parameters}}
    events.create_connection(Name="api", AuthorizationType="API_KEY", AuthParameters=auth)
    shown = events.describe_connection(Name="api")["AuthParameters"]
    assert shown["InvocationHttpParameters"] == {
        "QueryStringParameters": [{"Key": "a", "Value": "1", "IsValueSecret": False}, {"Key": "b", "IsValueSecret": True}]
    }
    assert shown["ApiKeyAuthParameters"] == {"ApiKeyName": "X-Key"}
    [listed] = events.list_connections(NamePrefix="a", ConnectionState="AUTHORIZED")["Connections"]
    assert listed["Name"] == "api"
    assert events.list_connections(ConnectionState="DEAUTHORIZED")["Connections"] == []


def test_no_secret_is_in_the_trail(aws: Any, events: Any) -> None:
    events.create_connection(Name="api", AuthorizationType="BASIC", AuthParameters=BASIC)
    trail = aws.client("cloudtrail")
    for _ in range(200):
        found = trail.lookup_events()["Events"]
        if {"CreateConnection", "CreateSecret"} <= {each["EventName"] for each in found}:
            break
        time.sleep(0.02)
    text = json.dumps(found, default=str)
    assert "CreateConnection" in text
    assert "pass-word" not in text


REFUSALS = {
    "plain HTTP to somebody else": ("create_api_destination", {"InvocationEndpoint": "http://example.com/"}, "ValidationException"),
    "a connection that is not there": (
        "create_api_destination",
        {"ConnectionArn": "arn:aws:events:us-east-1:{account}:connection/none/0"},
        "ResourceNotFoundException",
    ),
    "credentials of another kind": ("create_connection", {"AuthParameters": API_KEY}, "ValidationException"),
    "a name that is taken": ("create_connection", {"Name": "api"}, "ResourceAlreadyExistsException"),
    "a destination's name that is taken": ("create_api_destination", {"Name": "orders"}, "ResourceAlreadyExistsException"),
}


@pytest.mark.parametrize("refusal", REFUSALS)
def test_what_is_refused(aws: Any, events: Any, routed: Any, refused: Any, refusal: str) -> None:
    operation, changed, code = REFUSALS[refusal]
    routed(BASIC)
    request = {
        "create_connection": {"Name": "other", "AuthorizationType": "BASIC", "AuthParameters": BASIC},
        "create_api_destination": {
            "Name": "other",
            "ConnectionArn": events.describe_connection(Name="api")["ConnectionArn"],
            "InvocationEndpoint": "https://example.com/",
            "HttpMethod": "POST",
        },
    }[operation]
    with refused(code):
        getattr(events, operation)(
            **request | {name: value.format(account=aws.account) if isinstance(value, str) else value for name, value in changed.items()}
        )


def test_a_path_into_the_event_is_what_stands_there() -> None:
    event = {"detail": {"id": "a", "n": 1, "list": [1, "b"]}}
    assert [text_at(event, value) for value in ("$.detail.id", "$.detail.n", "$.detail.list", "$.none", "plain", "$ 5")] == [
        "a",
        "1",
        '[1,"b"]',
        "",
        "plain",
        "$ 5",
    ]


def test_patience_is_a_number_of_seconds_or_a_date() -> None:
    now = datetime(2030, 1, 1, tzinfo=UTC)
    said = [patience_s(text, now) for text in ("7", "Tue, 01 Jan 2030 00:01:00 GMT", "-1", "soon", "")]
    assert said == [7.0, 60.0, -1.0, 0.0, 0.0]
    assert next_attempt(now, 1, now, {}, wait_s=100)[0] == now + timedelta(seconds=100)
    assert next_attempt(now, 1, now, {"MaximumEventAgeInSeconds": 60}, wait_s=100)[1] == "MaximumEventAgeInSeconds"


def test_only_what_is_asked_for_is_called() -> None:
    urls = ("https://example.com/a", "http://127.0.0.1:80/", "http://localhost/", "http://10.0.0.1/", "ftp://localhost/", "https:///x", "a")
    assert [outgoing.may_be_called(url) for url in urls] == [True, True, True, False, False, False, False]
