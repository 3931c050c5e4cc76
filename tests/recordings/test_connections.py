"""EventBridge's connections and API destinations against what AWS answered: recordings/events.json. Each test names its case."""

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest

BASIC = {"BasicAuthParameters": {"Username": "user", "Password": "pass"}}
API_KEY = {"ApiKeyAuthParameters": {"ApiKeyName": "ApiKey", "ApiKeyValue": "secret"}}


@pytest.fixture
def events(aws: Any) -> Any:
    return aws.client("events")


@pytest.fixture
def silent() -> Iterator[str]:
    """An authorization endpoint that never answers: the connection stays AUTHORIZING, as it was recorded."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/oauth"


def secret_of(aws: Any, events: Any) -> dict[str, Any]:
    arn = events.describe_connection(Name="one")["SecretArn"]
    answer: dict[str, Any] = aws.client("secretsmanager").get_secret_value(SecretId=arn)
    return answer | {"SecretString": json.loads(answer["SecretString"])}


def test_a_connection_with_a_key(events: Any, recorded: Any) -> None:
    case = recorded("events", "TestEventBridgeConnections::test_create_connection")
    case.means({"connection-name": "one"})
    auth = API_KEY | {"InvocationHttpParameters": {}}
    case.says("create-connection", events.create_connection(Name="one", AuthorizationType="API_KEY", AuthParameters=auth))
    case.says("describe-connection", events.describe_connection(Name="one"))


def test_a_connection_with_a_key_alone(events: Any, recorded: Any) -> None:
    case = recorded("events", "TestEventBridgeConnections::test_create_connection_with_auth[auth_params1]")
    case.means({"connection-name": "one"})
    case.says("create-connection-auth", events.create_connection(Name="one", AuthorizationType="API_KEY", AuthParameters=API_KEY))
    case.says("describe-connection-auth", events.describe_connection(Name="one"))


def test_a_connection_of_oauth(events: Any, recorded: Any, silent: str) -> None:
    case = recorded("events", "TestEventBridgeConnections::test_create_connection_with_auth[auth_params2]")
    case.means({"connection-name": "one"})
    own = {"ClientParameters": {"ClientID": "client_id", "ClientSecret": "s"}, "AuthorizationEndpoint": silent, "HttpMethod": "POST"}
    answer = events.create_connection(Name="one", AuthorizationType="OAUTH_CLIENT_CREDENTIALS", AuthParameters={"OAuthParameters": own})
    case.says("create-connection-auth", answer)
    case.recorded("describe-connection-auth")["AuthParameters"]["OAuthParameters"]["AuthorizationEndpoint"] = silent
    case.says("describe-connection-auth", events.describe_connection(Name="one"))
    events.delete_connection(Name="one")


def test_the_secret_of_a_connection(aws: Any, events: Any, recorded: Any) -> None:
    case = recorded("events", "TestEventBridgeConnections::test_connection_secrets[basic]")
    case.means({"connection-name": "one"})
    case.says("create-connection-auth", events.create_connection(Name="one", AuthorizationType="BASIC", AuthParameters=BASIC))
    case.says("describe-connection-auth", events.describe_connection(Name="one"))
    case.says("connection-secret", secret_of(aws, events))


def test_connections_are_listed(events: Any, recorded: Any) -> None:
    case = recorded("events", "TestEventBridgeConnections::test_list_connections")
    case.means({"connection-name": "one"})
    events.create_connection(Name="one", AuthorizationType="BASIC", AuthParameters=BASIC)
    case.says("list-connections", events.list_connections(NamePrefix="one"))


def test_a_connection_is_changed_and_its_secret_with_it(aws: Any, events: Any, recorded: Any) -> None:
    case = recorded("events", "TestEventBridgeConnections::test_update_connection")
    case.means({"connection-name": "one"})
    auth = BASIC | {"InvocationHttpParameters": {}}
    case.says("create-connection", events.create_connection(Name="one", AuthorizationType="BASIC", AuthParameters=auth))
    case.says("describe-created-connection", events.describe_connection(Name="one"))
    case.says("connection-secret-before-update", secret_of(aws, events))
    auth = {"BasicAuthParameters": {"Username": "new_user", "Password": "new_pass"}, "InvocationHttpParameters": {}}
    case.says("update-connection", events.update_connection(Name="one", AuthorizationType="BASIC", AuthParameters=auth))
    case.says("describe-updated-connection", events.describe_connection(Name="one"))
    case.says("connection-secret-after-update", secret_of(aws, events))


WRONG = {
    "TestEventBridgeConnections::test_create_connection_invalid_parameters": (
        "create-connection-invalid-auth-error",
        {"Name": "one", "AuthorizationType": "INVALID_AUTH_TYPE", "AuthParameters": {}},
    ),
    "TestEventBridgeConnections::test_create_connection_name_validation": (
        "create-connection-invalid-name-error",
        {"Name": "Invalid Name With Spaces!", "AuthorizationType": "API_KEY", "AuthParameters": API_KEY},
    ),
    "TestEvents::test_create_connection_validations": (
        "create_connection_exc",
        {
            "Name": "This should fail with two errors 123467890123412341234123412341234",
            "AuthorizationType": "INVALID",
            "AuthParameters": BASIC,
        },
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_connection_that_cannot_be(events: Any, recorded: Any, name: str) -> None:
    answer, request = WRONG[name]
    recorded("events", name).refuses(answer, events.create_connection, **request)


def test_an_api_destination_from_its_making_to_its_end(events: Any, recorded: Any) -> None:
    case = recorded("events", "TestEventBridgeApiDestinations::test_api_destinations[auth1]")
    case.means({"destination-name": "orders"})
    connection = events.create_connection(Name="one", AuthorizationType="API_KEY", AuthParameters=API_KEY)["ConnectionArn"]
    answers = {
        "create-api-destination": events.create_api_destination(
            Name="orders",
            ConnectionArn=connection,
            HttpMethod="POST",
            InvocationEndpoint="https://example.com/api",
            Description="Test API destination",
        ),
        "describe-api-destination": events.describe_api_destination(Name="orders"),
        "list-api-destinations": events.list_api_destinations(NamePrefix="orders"),
        "update-api-destination": events.update_api_destination(
            Name="orders", InvocationEndpoint="https://example.com/api/v2", Description="Updated API destination", HttpMethod="PUT"
        ),
        "describe-updated-api-destination": events.describe_api_destination(Name="orders"),
        "delete-api-destination": events.delete_api_destination(Name="orders"),
    }
    for answer, ours in answers.items():
        case.says(answer, _with_bare_arns(ours))
    case.refuses("describe-api-destination-not-found-error", events.describe_api_destination, Name="orders")


def _with_bare_arns(answer: dict[str, Any]) -> dict[str, Any]:
    """As this case keeps them: a word in the place of each ARN."""
    words = {"ApiDestinationArn": "api-destination-arn", "ConnectionArn": "connection-arn"}
    answer |= {member: word for member, word in words.items() if member in answer}
    return answer | ({"ApiDestinations": [each | words for each in answer["ApiDestinations"]]} if "ApiDestinations" in answer else {})


def test_an_api_destination_of_a_wrong_name(aws: Any, events: Any, recorded: Any) -> None:
    case = recorded("events", "TestEventBridgeApiDestinations::test_create_api_destination_name_validation")
    case.refuses(
        "create-api-destination-invalid-name-error",
        events.create_api_destination,
        Name="Invalid Name With Spaces!",
        ConnectionArn=f"arn:aws:events:us-east-1:{aws.account}:connection/one/1",
        HttpMethod="POST",
        InvocationEndpoint="https://example.com/api",
    )
