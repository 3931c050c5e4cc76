"""Functions in JavaScript, and those in languages that Headwater does not run, against what AWS answered: recordings/lambda.json."""

import base64
import io
import json
import re
import zipfile
from typing import Any

import pytest
import urllib3

from headwater.services.lambda_ import nodes

needs_node = pytest.mark.skipif(nodes.missing() is not None, reason="no Node.js on this machine")

INSPECT = """
exports.handler = async (event, context) => ({
  environment: process.env, packages: [],
  ctx: {
    aws_request_id: context.awsRequestId, function_name: context.functionName, function_version: context.functionVersion,
    invoked_function_arn: context.invokedFunctionArn, log_group_name: context.logGroupName, log_stream_name: context.logStreamName,
    remaining_time_in_millis: context.getRemainingTimeInMillis(),
  },
});
"""


def request_of(functions: Any, wanted: dict[str, Any], files: dict[str, str], **options: Any) -> dict[str, Any]:
    """A creation like the recorded one."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    like = {name: wanted[name] for name in ("Runtime", "Handler", "Timeout", "MemorySize")}
    return {"FunctionName": "f", "Role": functions.role, "Code": {"ZipFile": buffer.getvalue()}} | like | options


@needs_node
@pytest.mark.parametrize("node", ["nodejs18.x", "nodejs22.x"])
def test_an_error_that_nobody_catches(node: str, functions: Any, recorded: Any) -> None:
    case = recorded("lambda", f"TestLambdaRuntimesCommon::test_uncaught_exception_invoke[{node}]")
    source = "exports.handler = async (event) => { throw new Error(`Error: ${event.error_msg}`); };"
    request = request_of(functions, case.recorded("create_function_result"), {"index.js": source})
    case.says("create_function_result", functions.client.create_function(**request))
    case.says("error_result", functions.invoked("f", {"error_msg": "some_error_msg"}))


@needs_node
@pytest.mark.parametrize("node", ["nodejs16.x", "nodejs20.x"])
def test_what_a_function_finds_around_it(node: str, functions: Any, recorded: Any) -> None:
    case = recorded("lambda", f"TestLambdaRuntimesCommon::test_introspection_invoke[{node}]")
    variables = {"Environment": {"Variables": {"TEST_KEY": "TEST_VAL"}}}
    request = request_of(functions, case.recorded("create_function_result"), {"index.js": INSPECT}, **variables)
    case.says("create_function_result", functions.client.create_function(**request))
    ours = {"AWS_ENDPOINT_URL"}  # how a function reaches this AWS and not the other
    elsewhere = {"AWS_LAMBDA_RUNTIME_API", "AWS_XRAY_DAEMON_ADDRESS", "_AWS_XRAY_DAEMON_ADDRESS", "_AWS_XRAY_DAEMON_PORT"}
    for which, options in (("invocation_result_payload", {}), ("invocation_result_payload_qualified", {"Qualifier": "$LATEST"})):
        said = functions.invoked("f", **options)["Payload"]
        for each in (said, case.recorded(which)):
            each["environment"] = {name: value for name, value in each["environment"].items() if name not in ours | elsewhere}
        case.says(which, said)


@needs_node
@pytest.mark.parametrize("node", ["nodejs18.x", "nodejs20.x"])
def test_an_es_module(node: str, functions: Any, recorded: Any) -> None:
    case = recorded("lambda", f"TestNodeJSRuntimes::test_invoke_nodejs_es6_lambda[{node}]")
    source = """
export const handler = async (event) => ({
  statusCode: 200, body: JSON.stringify(`response from localstack lambda: ${JSON.stringify(event)}`)});
"""
    wanted = case.recorded("creation-result")["CreateFunctionResponse"]
    wanted["CodeSha256"] = "<code-sha256:1>"  # AWS's stands in brackets twice
    request = request_of(functions, wanted, {"lambda_handler_es6.mjs": source}, Environment={"Variables": {}})
    answer = functions.client.create_function(**request)
    case.says("creation-result", {"CreateFunctionResponse": answer, "CreateEventSourceMappingResponse": None})
    case.says("invocation-result", functions.invoked("f", {"event_type": "test_lambda"}))


@needs_node
def test_a_function_that_says_nothing(functions: Any, recorded: Any) -> None:
    case = recorded("lambda", "TestLambdaFeatures::test_invocation_type_no_return_payload[nodejs-RequestResponse]")
    wanted = {"Runtime": "nodejs20.x", "Handler": "index.handler", "Timeout": 30, "MemorySize": 128}
    functions.client.create_function(**request_of(functions, wanted, {"index.js": "exports.handler = async () => {};"}))
    case.says("invoke-result", functions.invoked("f", {}, InvocationType="RequestResponse"))


@needs_node
def test_the_tail_of_the_log(functions: Any, recorded: Any) -> None:
    case = recorded("lambda", "TestLambdaFeatures::test_invocation_with_logs[nodejs16.x]")
    wanted = {"Runtime": "nodejs16.x", "Handler": "index.handler", "Timeout": 30, "MemorySize": 128}
    source = "exports.handler = async (event) => { console.log(JSON.stringify(event)); return event; };"
    functions.client.create_function(**request_of(functions, wanted, {"index.js": source}))
    answer = functions.invoked("f", {}, LogType="Tail")
    lines = base64.b64decode(answer["LogResult"]).decode().splitlines(keepends=True)
    case.says("invoke", answer | {"LogResult": "log-result"})
    said = [re.sub(r"^\d{4}-\d\d-\d\dT[\d:.]+Z", "date", line) for line in lines]
    said = [re.sub(r"(Duration: )[\d.]+", r"\1<duration>", re.sub(r"(Used: )\d+", r"\1<memory>", line)) for line in said]
    request_id = re.search(r"RequestId: (\S+)", said[0])
    assert request_id is not None
    case.says("logs", {"logs": [line.replace(request_id[1], "<request-id>") for line in said]})


@needs_node
def test_a_url_that_streams(functions: Any, recorded: Any) -> None:
    case = recorded("lambda", "TestLambdaURL::test_function_url_with_response_streaming")
    source = """
exports.handler = awslambda.streamifyResponse(async (event, stream) => {
  stream = awslambda.HttpResponseStream.from(stream, {statusCode: 200});
  stream.write("Hello, "); stream.end("world!");
});
"""
    wanted = {"Runtime": "nodejs20.x", "Handler": "index.handler", "Timeout": 30, "MemorySize": 128}
    functions.client.create_function(**request_of(functions, wanted, {"index.js": source}))
    url = functions.client.create_function_url_config(FunctionName="f", AuthType="NONE", InvokeMode="RESPONSE_STREAM")["FunctionUrl"]
    functions.client.add_permission(
        FunctionName="f", StatementId="s", Action="lambda:InvokeFunctionUrl", Principal="*", FunctionUrlAuthType="NONE"
    )
    response = urllib3.request("GET", url)
    case.says("response_status", response.status)
    case.says("response_data", response.data.decode())


ECHOES = ["nodejs16.x", "nodejs18.x", "nodejs20.x", "provided.al2023", "python3.10", "python3.12"]


@pytest.mark.parametrize("runtime", [pytest.param(each, marks=needs_node if "node" in each else ()) for each in ECHOES])
def test_whatever_is_sent_comes_back(runtime: str, functions: Any, recorded: Any) -> None:
    """What the suite asserts of AWS beside its (empty) recordings."""
    recorded("lambda", f"TestLambdaRuntimesCommon::test_echo_invoke[{runtime}]")
    bootstrap = """#!/bin/sh
api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation"
while true; do
  event=$(curl -sS -D /tmp/head "$api/next")
  id=$(grep -i request-id /tmp/head | tr -d '[:space:]' | cut -d: -f2)
  printf '%s' "$event" | curl -sS -o /dev/null -X POST --data-binary @- "$api/$id/response"
done
"""
    files = {
        "index.js": "exports.handler = async (event) => event;",
        "index.py": "def handler(event, context):\n    return event\n",
    }
    wanted = {"Runtime": runtime, "Handler": "index.handler", "Timeout": 30, "MemorySize": 128}
    request = request_of(functions, wanted, files)
    if runtime.startswith("provided"):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            entry = zipfile.ZipInfo("bootstrap")
            entry.external_attr = 0o755 << 16
            archive.writestr(entry, bootstrap)
        request["Code"] = {"ZipFile": buffer.getvalue()}
    functions.client.create_function(**request)
    for event in ('{"foo":"bar"}', '[1,2,"3"]', '"hello"', "true", "null", "12.5", "12345678901"):
        answer = functions.client.invoke(FunctionName="f", Payload=event.encode())
        assert "FunctionError" not in answer
        assert json.loads(answer["Payload"].read()) == json.loads(event)


CREATED = [
    ("TestLambdaRuntimesCommon::test_introspection_invoke", ["dotnet8", "java11", "java17", "java8.al2", "ruby3.2"]),
    (
        "TestLambdaRuntimesCommon::test_runtime_wrapper_invoke",
        ["dotnet6", "dotnet8", "java11", "java25", "java8.al2", "nodejs24.x", "ruby3.2", "ruby3.3", "ruby3.4"],
    ),
    ("TestLambdaRuntimesCommon::test_uncaught_exception_invoke", ["dotnet6", "java17", "java25", "java8.al2", "ruby3.4"]),
]


@pytest.mark.parametrize("name", [f"{stem}[{runtime}]" for stem, runtimes in CREATED for runtime in runtimes])
def test_a_function_in_another_language_is_created(name: str, functions: Any, recorded: Any) -> None:
    case = recorded("lambda", name)
    wanted = case.recorded("create_function_result")
    options = {"Environment": wanted["Environment"]} if "Environment" in wanted else {}
    options |= {"Architectures": wanted["Architectures"], "PackageType": wanted["PackageType"]}
    answer = functions.client.create_function(**request_of(functions, wanted, {"index.js": ""}, **options))
    case.says("create_function_result", answer)
    rest = set(case._left)
    if rest:
        case.leaves(*rest, because="Headwater runs no code in that language")


@pytest.mark.parametrize("runtime", ["dotnet8", "java11", "java17"])
def test_a_snapshot_is_asked_for(runtime: str, functions: Any, recorded: Any) -> None:
    case = recorded("lambda", f"TestLambdaSnapStart::test_snapstart_lifecycle[{runtime}]")
    wanted = case.recorded("create_function_response")
    client = functions.client
    case.says("create_function_response", client.create_function(**request_of(functions, wanted, {"x": ""})))
    client.publish_version(FunctionName="f", Description="version1")
    case.says("get_function_response_version_1", client.get_function(FunctionName="f", Qualifier="1"))
    case.says("get_function_response_latest", client.get_function(FunctionName="f"))


@pytest.mark.parametrize("runtime", ["dotnet10", "dotnet8", "java17"])
def test_snap_start_is_switched_on(runtime: str, functions: Any, recorded: Any) -> None:
    case = recorded("lambda", f"TestLambdaSnapStart::test_snapstart_update_function_configuration[{runtime}]")
    wanted = case.recorded("create_function_response")
    case.says("create_function_response", functions.client.create_function(**request_of(functions, wanted, {"x": ""})))
    answer = functions.client.update_function_configuration(FunctionName="f", SnapStart={"ApplyOn": "PublishedVersions"})
    case.says("update_function_response", answer)
