"""Function URLs against what AWS answered: recordings/lambda.json. Each test names its case."""

import base64
import contextlib
import json
import time
from typing import Any

import pytest
import urllib3

URL_FUNCTION = "import json\ndef handler(event, context):\n    return {'statusCode': 200, 'body': json.dumps({'event': event})}\n"
TRIMMED = """
import json
def handler(event, context):
    http, headers = event["requestContext"]["http"], event["headers"]
    trims = {trims}
    body = event.get("body", "")
    return {{"statusCode": 200, "body": json.dumps({{
        "args": event.get("queryStringParameters", {{}}),
        "data": body if event["isBase64Encoded"] else json.loads(body),
        "domain": event["requestContext"]["domainName"],
        "headers": {{name: value for name, value in headers.items() if not (trims and name.startswith("x-"))}},
        "method": http["method"], "origin": http["sourceIp"], "path": http["path"]}})}}
"""
LIKE_REQUESTS = {"Accept": "*/*", "Accept-Encoding": "gzip, deflate"}


def called(url: str, method: str = "POST", **options: Any) -> Any:
    return urllib3.request(method, url, **options)


def made(functions: Any, case: Any, source: str, **config: Any) -> str:
    """The URL of a new function that everybody may call."""
    functions.created("f", source=source)
    created = functions.client.create_function_url_config(FunctionName="f", AuthType="NONE", **config)
    permitted = permission(functions)
    if case is not None:
        case.says("create_lambda_url_config", created)
        case.says("add_permission", permitted)
    url: str = created["FunctionUrl"]
    return url


def permission(functions: Any) -> dict[str, Any]:
    answer: dict[str, Any] = functions.client.add_permission(
        FunctionName="f", StatementId="urlPermission", Action="lambda:InvokeFunctionUrl", Principal="*", FunctionUrlAuthType="NONE"
    )
    return answer | {"Statement": json.loads(answer["Statement"])}


def shown(answer: dict[str, Any]) -> dict[str, Any]:
    """These two cases have a word in the place of the address."""
    return answer | {"FunctionUrl": "lambda-url"}


def test_a_configuration_from_its_making_to_its_end(functions: Any, recorded: Any) -> None:
    case = recorded("lambda", "TestLambdaUrl::test_url_config_lifecycle")
    client, name = functions.client, {"FunctionName": "f"}
    functions.created("f")
    case.says("url_creation", shown(client.create_function_url_config(**name, AuthType="NONE")))
    case.refuses("failed_duplication", client.create_function_url_config, **name, AuthType="NONE")
    case.says("get_url_config", shown(client.get_function_url_config(**name)))
    case.says("updated_url_config", shown(client.update_function_url_config(**name, AuthType="AWS_IAM")))
    client.delete_function_url_config(**name)
    case.refuses("failed_getter", client.get_function_url_config, **name)


def test_one_url_is_deleted_and_the_alias_keeps_its_own(functions: Any, recorded: Any) -> None:
    case = recorded("lambda", "TestLambdaUrl::test_url_config_deletion_without_qualifier")
    client, name, alias = functions.client, {"FunctionName": "f"}, {"FunctionName": "f", "Qualifier": "test-alias"}
    functions.created("f", Publish=True)
    client.create_alias(**name, Name="test-alias", FunctionVersion="1")
    case.says("url_creation", shown(client.create_function_url_config(**name, AuthType="NONE")))
    case.says("url_with_alias_creation", shown(client.create_function_url_config(**alias, AuthType="NONE")))
    case.says("get_url_config", shown(client.get_function_url_config(**name)))
    case.says("get_url_config_with_alias", shown(client.get_function_url_config(**alias)))
    case.says("delete_function_url_config", client.delete_function_url_config(**name))
    case.refuses("get_url_config_after_deletion", client.get_function_url_config, **name)
    case.says("get_url_config_with_alias_after_deletion", shown(client.get_function_url_config(**alias)))


@pytest.mark.parametrize(("kind", "value"), [("dict", '{"hello": "world"}'), ("list-mixed", '["hello", 3, True]'), ("float", "3.1")])
def test_what_a_function_may_return(kind: str, value: str, functions: Any, recorded: Any) -> None:
    case = recorded("lambda", f"TestLambdaURL::test_lambda_url_invocation[{kind}]")
    url = made(functions, case, f"def handler(event, context):\n    return {value}\n")
    response = called(f"{url}custom_path/extend?test_param=test_value", body=b"{'key':'value'}")
    text = response.data.decode()
    content = json.loads(text) if text.startswith("{") else text
    headers = {name: response.headers[name] for name in ("Content-Type", "Content-Length")}
    assert text.replace(" ", "") == text
    case.says("lambda_url_invocation", {"statuscode": response.status, "headers": headers, "content": content})


@pytest.mark.parametrize("mode", ["None", "BUFFERED", "RESPONSE_STREAM"])
def test_the_event_is_echoed(mode: str, functions: Any, recorded: Any) -> None:
    case = recorded("lambda", f"TestLambdaURL::test_lambda_url_echo_invoke[{mode}]")
    url = made(functions, case, URL_FUNCTION, **({} if mode == "None" else {"InvokeMode": mode}))
    said = json.loads(called(f"{url}custom_path/extend?test_param=test_value", body="text", headers={"Content-Type": "text/plain"}).data)
    event = json.loads(said["body"])["event"] if mode == "RESPONSE_STREAM" else said["event"]
    assert (event["body"], event["isBase64Encoded"]) == ("text", False)


def test_a_mode_that_there_is_not(functions: Any, recorded: Any) -> None:
    case = recorded("lambda", "TestLambdaURL::test_lambda_url_invalid_invoke_mode")
    functions.created("f")
    create = functions.client.create_function_url_config
    case.refuses("invoke_function_invalid_invoke_type", create, FunctionName="f", AuthType="NONE", InvokeMode="UNKNOWN")


def test_a_function_that_fails(functions: Any, recorded: Any) -> None:
    """The status and the sentence: asserted beside the recording, in the suite that it is of."""
    case = recorded("lambda", "TestLambdaURL::test_lambda_url_invocation_exception")
    url = made(functions, None, "def handler(event, context):\n    raise Exception('x')\n")
    case.says("get_fn_result", functions.client.get_function(FunctionName="f"))
    functions.client.delete_function_url_config(FunctionName="f")
    created = functions.client.create_function_url_config(FunctionName="f", AuthType="NONE")
    case.says("create_lambda_url_config", created)
    functions.client.remove_permission(FunctionName="f", StatementId="urlPermission")
    case.says("add_permission", permission(functions))
    assert called(url).status == 403, "that URL is gone"
    response = called(created["FunctionUrl"], body=b"{}")
    assert (response.status, response.data) == (502, b"Internal Server Error")


def test_a_url_of_nothing(aws: Any, recorded: Any) -> None:
    """What the suite asserts of AWS beside its (empty) recording."""
    recorded("lambda", "TestLambdaURL::test_lambda_url_non_existing_url")
    host = f"{'0123456789abcdefghijklmnopqrstuv'}.lambda-url.us-east-1.localhost:4566"
    response = called(aws.endpoint_url, "GET", headers={"Host": host})
    assert (response.status, response.data) == (403, b'{"Message":null}')
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["x-amzn-ErrorType"] == "AccessDeniedException"


def test_nobody_was_let_in(functions: Any, recorded: Any) -> None:
    case = recorded("lambda", "TestLambdaPermissions::test_lambda_permission_url_invocation")
    functions.created("f")
    url = functions.client.create_function_url_config(FunctionName="f", AuthType="NONE")["FunctionUrl"]
    response = called(url, body="text", headers={"Content-Type": "text/plain"})
    assert response.status == 403
    case.says("lambda_url_invocation_missing_permission", json.loads(response.data))


@pytest.mark.parametrize("trims", [False, True])
def test_what_of_a_request_arrives(trims: bool, functions: Any, recorded: Any) -> None:
    case = recorded("lambda", f"TestLambdaURL::test_lambda_url_echo_http_fixture_{'trim_x_headers' if trims else 'default'}")
    url = made(functions, None, TRIMMED.format(trims=trims))
    path = "path/1?q=query" if trims else "pa2%Fth/1?q=query&multiQuery=foo&multiQuery=%2Fbar"
    headers = LIKE_REQUESTS | {"content-type": "application/json", "ExTrA-HeadErs": "With WeiRd CapS", "user-agent": "test/echo"}
    case.says("url_response", json.loads(called(url + path, body=b'{"foo": "bar"}', headers=headers).data))


def test_a_form(functions: Any, recorded: Any) -> None:
    case = recorded("lambda", "TestLambdaURL::test_lambda_url_form_payload")
    url = made(functions, None, TRIMMED.format(trims=True))
    body = base64.b64decode(case.recorded("url_response")["data"])
    headers = {"Content-Type": case.recorded("url_response")["headers"]["content-type"], "User-Agent": "python/test-request"}
    case.says("url_response", json.loads(called(f"{url}test/value", body=body, headers=LIKE_REQUESTS | headers).data))


def test_the_id_of_a_request_is_that_of_its_run(functions: Any, recorded: Any) -> None:
    case = recorded("lambda", "TestRequestIdHandling::test_request_id_invoke_url")
    url = made(functions, case, "def handler(event, context):\n    return 'hi'\n")
    response = called(url)
    id_ = response.headers["x-amzn-RequestId"]
    said = {"content": response.data.decode(), "headers": {"x-amzn-RequestId": id_}, "statuscode": response.status}
    case.says("lambda_url_invocation", said)
    case.says("end_log_entries", logged(functions, "END"))


def logged(functions: Any, word: str) -> list[str]:
    logs = functions.aws.client("logs")
    for _ in range(100):
        with contextlib.suppress(logs.exceptions.ResourceNotFoundException):
            events = logs.filter_log_events(logGroupName="/aws/lambda/f")["events"]
            found = [event["message"] for event in events if event["message"].startswith(word)]
            if found:
                return found
        time.sleep(0.05)
    raise AssertionError(f"no {word} in the log")
