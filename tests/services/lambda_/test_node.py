"""Functions in JavaScript, on the Node.js of this machine; skipped where it has none.

Truth: "Building Lambda functions with Node.js" of the developer guide; recordings of TestLambdaRuntimesCommon and TestNodeJSRuntimes
(tests/recordings/test_lambda_nodes.py replays them).
"""

import contextlib
import io
import json
import time
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import botocore.exceptions
import pytest
import urllib3

from headwater.services.lambda_ import nodes

pytestmark = pytest.mark.skipif(nodes.node_for("nodejs22.x") is None, reason="no Node.js on this machine")


@pytest.fixture
def make(functions: Any, zip_of: Callable[[dict[str, str]], bytes]) -> Callable[..., None]:
    def made(files: dict[str, str], name: str = "f", **options: Any) -> None:
        settings = {"Runtime": "nodejs20.x", "Role": functions.role, "Handler": "index.handler", "Timeout": 10} | options
        functions.client.create_function(FunctionName=name, Code={"ZipFile": zip_of(files)}, **settings)

    return made


HANDLERS = {
    "a promise": ("index.js", "exports.handler = async (event) => ({got: event.n});"),
    "a callback": ("index.js", "exports.handler = (event, context, callback) => setTimeout(() => callback(null, {got: event.n}), 20);"),
    "a callback before the work is done": (
        "index.js",
        "let late = 0; exports.handler = (event, context, callback) => { callback(null, {got: event.n}); setTimeout(() => late++, 30); };",
    ),
    "an answer that waits for nothing": (
        "index.js",
        "exports.handler = (e, c, done) => { c.callbackWaitsForEmptyEventLoop =false; setInterval(() => 0, 9); done(null, {got: e.n}); };",
    ),
    "the context's own way": ("index.js", "exports.handler = (event, context) => context.succeed({got: event.n});"),
    "an ES module": ("index.mjs", "export const handler = async (event) => ({got: event.n});"),
    "a default export": ("index.mjs", "export default { handler: async (event) => ({got: event.n}) };"),
    "CommonJS by name": ("index.cjs", "exports.handler = async (event) => ({got: event.n});"),
}


@pytest.mark.parametrize(("file", "source"), HANDLERS.values(), ids=HANDLERS)
def test_what_a_handler_may_be(file: str, source: str, make: Any, functions: Any) -> None:
    make({file: source})
    assert functions.call("f", {"n": 1}) == {"got": 1}
    assert functions.call("f", {"n": 2}) == {"got": 2}


def test_a_module_by_its_manifest_and_a_handler_in_a_folder(make: Any, functions: Any) -> None:
    source = "import { twice } from './other.js'; export const api = { handler: async (event) => twice(event.n) };"
    files = {"package.json": '{"type": "module"}', "src/index.js": source, "src/other.js": "export const twice = (n) => 2 * n;"}
    make(files, Handler="src/index.api.handler")
    assert functions.call("f", {"n": 21}) == 42


@pytest.mark.parametrize(
    ("source", "answer"),
    [
        ("exports.handler = async () => undefined;", None),
        ("exports.handler = () => 'nobody hears this';", None),
        ("exports.handler = (event, context, callback) => { callback(new TypeError('no')); };", ("TypeError", "no")),
        ("exports.handler = async () => { throw 'words'; };", ("string", "words")),
        ("exports.handler = async () => { const own = new Error('x'); own.name = 'Mine'; throw own; };", ("Mine", "x")),
        ("exports.other = 1;", ("Runtime.HandlerNotFound", "index.handler is undefined or not exported")),
        ("exports.handler = async () => { const = 1; };", ("Runtime.UserCodeSyntaxError", "SyntaxError: Unexpected token '='")),
        ("exports.handler = () => { setTimeout(() => { throw new Error('late'); }, 1); };", ("Error", "late")),
    ],
)
def test_what_becomes_of_it(source: str, answer: Any, make: Any, functions: Any) -> None:
    make({"index.js": source})
    said = functions.call("f", {})
    assert (said if answer is None else (said["errorType"], said["errorMessage"])) == answer


def test_a_package_that_is_missing(make: Any, functions: Any) -> None:
    make({"index.mjs": "import 'nowhere'; export const handler = async () => 1;"})
    said = functions.call("f", {})
    assert said["errorType"] == "Runtime.ImportModuleError"
    assert said["errorMessage"].startswith("Error [ERR_MODULE_NOT_FOUND]: Cannot find package 'nowhere' imported from /var/task/index.mjs")


def test_layers_and_the_context(make: Any, functions: Any, zip_of: Any) -> None:
    layer = {"nodejs/node_modules/tools/index.js": "module.exports = {answer: 42};"}
    arn = functions.client.publish_layer_version(LayerName="tools", Content={"ZipFile": zip_of(layer)})["LayerVersionArn"]
    source = "exports.handler = async (e, c) => ({...c, left: c.getRemainingTimeInMillis(), answer: require('tools').answer});"
    make({"index.js": source}, Layers=[arn])
    said = functions.call("f", {})
    assert said["answer"] == 42
    assert 5_000 < said["left"] <= 10_000
    assert (said["functionName"], said["memoryLimitInMB"], said["functionVersion"]) == ("f", "128", "$LATEST")
    assert said["invokedFunctionArn"].endswith(":function:f")


def test_from_node_24_on_a_handler_does_not_call_back(make: Any, functions: Any) -> None:
    """As "Define Lambda function handler in Node.js" says; the sentence is ours."""
    make({"index.js": "exports.handler = (event, context, callback) => callback(null, 1);"}, Runtime="nodejs24.x")
    assert functions.call("f", {})["errorType"] == "Runtime.CallbackHandlerDeprecated"
    make({"index.js": "exports.handler = async (event, context) => typeof context.done;"}, name="g", Runtime="nodejs24.x")
    assert functions.call("g", {}) == "undefined"


def test_what_is_logged(make: Any, functions: Any) -> None:
    make({"index.js": "exports.handler = async (e) => { console.warn('careful', e); console.log('two\\nlines'); throw new Error('x'); };"})
    lines = functions.tail("f", {"a": 1}).split("\n")
    warned = next(line for line in lines if "careful" in line).split("\t")
    assert warned[2:] == ["WARN", "careful { a: 1 }"]
    failed = next(line for line in lines if "Invoke Error" in line)
    assert json.loads(failed.split("\t")[-1])["errorMessage"] == "x"
    assert any(message.endswith("two\nlines") for message in functions.logged_until("f", "two"))


def test_the_log_as_json(make: Any, functions: Any) -> None:
    logging = {"LogFormat": "JSON", "ApplicationLogLevel": "WARN"}
    make({"index.js": "exports.handler = async () => { console.log('not this'); console.error({a: 1}); };"}, LoggingConfig=logging)
    lines = [json.loads(line) for line in functions.tail("f").split("\n") if line]
    said = [line for line in lines if "level" in line]
    assert [(line["level"], line["message"]) for line in said] == [("ERROR", {"a": 1})]


def test_a_function_for_another_version_runs_and_its_log_says_on_which(make: Any, functions: Any) -> None:
    found = nodes.node_for("nodejs16.x")
    assert found is not None
    if found.notice is None:
        pytest.skip("there is a Node.js 16 here")
    make({"index.js": "exports.handler = async () => process.env.AWS_EXECUTION_ENV;"}, Runtime="nodejs16.x")
    assert functions.call("f") == "AWS_Lambda_nodejs16.x"
    assert f"HEADWATER nodejs16.x is not on this machine; the function runs on Node.js {found.version}" in functions.logged_until(
        "f", "HEADWATER"
    )


def test_where_nothing_is_isolated_it_runs_all_the_same(make: Any, functions: Any, zip_of: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("headwater.engines.sandbox.missing", lambda: "bubblewrap is refused by this system")
    layer = {"nodejs/node_modules/tools/index.js": "module.exports = {answer: 42};"}
    arn = functions.client.publish_layer_version(LayerName="tools", Content={"ZipFile": zip_of(layer)})["LayerVersionArn"]
    make({"index.js": "exports.handler = async () => require('tools').answer;"}, Layers=[arn])
    assert functions.call("f") == 42
    assert "HEADWATER bubblewrap is refused by this system" in functions.logged_until("f", "bubblewrap")


def test_where_there_is_no_node_its_invocation_says_how_to_bring_one(make: Any, functions: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(nodes, "_found", dict)
    make({"index.js": "exports.handler = async () => 1;"})
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        functions.call("f")
    assert caught.value.response["Error"]["Code"] == "InvalidRuntimeException"
    assert "`nvm install 22`" in caught.value.response["Error"]["Message"]
    assert nodes.missing() is not None


def test_a_kind_that_cannot_run_here_can_be_created_and_says_so_when_it_is_invoked(make: Any, functions: Any) -> None:
    make({"x.class": ""}, Runtime="java21", Handler="x.Y::z")
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        functions.call("f")
    assert caught.value.response["Error"]["Code"] == "InvalidRuntimeException"
    assert "java21 is of a kind that Headwater does not run" in caught.value.response["Error"]["Message"]


STREAMS = """
exports.handler = awslambda.streamifyResponse(async (event, stream, context) => {
  stream.setContentType("text/plain");
  stream.write("first ");
  await new Promise((resolve) => setTimeout(resolve, event.wait || 0));
  if (event.fail) throw new Error("midway");
  stream.write(context.functionName);
  stream.end();
});
"""


def streamed(functions: Any, **request: Any) -> tuple[dict[str, Any], Iterator[dict[str, Any]]]:
    """The answer, and its events; a stream that is not closed keeps its connection."""
    answer = functions.client.invoke_with_response_stream(FunctionName="f", **request)

    def events() -> Iterator[dict[str, Any]]:
        with contextlib.closing(answer["EventStream"]) as stream:
            yield from stream

    return answer, events()


@pytest.mark.http
def test_an_answer_that_streams(make: Any, functions: Any) -> None:
    make({"index.js": STREAMS})
    answer, events = streamed(functions, Payload=b'{"wait": 500}', LogType="Tail")
    assert answer["ResponseStreamContentType"] == "text/plain"
    arrived, complete = [], None
    for event in events:
        if "PayloadChunk" in event:
            arrived.append((time.monotonic(), event["PayloadChunk"]["Payload"]))
        else:
            complete = event["InvokeComplete"]
    assert [piece for _, piece in arrived] == [b"first ", b"f"]
    assert arrived[1][0] - arrived[0][0] > 0.3, "the first piece was there long before the second was written"
    assert complete is not None
    assert "LogResult" in complete
    assert functions.client.invoke(FunctionName="f")["Payload"].read() == b"first f"


@pytest.mark.http
def test_an_answer_that_breaks_off(make: Any, functions: Any) -> None:
    make({"index.js": STREAMS})
    events = list(streamed(functions, Payload=b'{"fail": true}')[1])
    assert events[0] == {"PayloadChunk": {"Payload": b"first "}}
    assert events[-1]["InvokeComplete"]["ErrorCode"] == "Unhandled"
    assert json.loads(events[-1]["InvokeComplete"]["ErrorDetails"])["errorMessage"] == "midway"
    assert json.loads(functions.client.invoke(FunctionName="f", Payload=b'{"fail": true}')["Payload"].read())["errorMessage"] == "midway"


@pytest.mark.http
def test_a_bootstrap_of_the_functions_own_streams(functions: Any) -> None:
    bootstrap = """#!/bin/sh
api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation"
while true; do
  curl -sS -D /tmp/head -o /dev/null "$api/next"
  id=$(grep -i request-id /tmp/head | tr -d '[:space:]' | cut -d: -f2)
  (printf one; sleep 0.3; printf two) | curl -sS -N -o /dev/null -X POST -T - -H "Content-Type: text/plain" \
    -H "Lambda-Runtime-Function-Response-Mode: streaming" "$api/$id/response"
done
"""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        entry = zipfile.ZipInfo("bootstrap")
        entry.external_attr = 0o755 << 16
        archive.writestr(entry, bootstrap)
    settings = {"Runtime": "provided.al2023", "Role": functions.role, "Handler": "x", "Timeout": 10}
    functions.client.create_function(FunctionName="f", Code={"ZipFile": buffer.getvalue()}, **settings)
    answer, events = streamed(functions)
    assert answer["ResponseStreamContentType"] == "text/plain"
    assert [event["PayloadChunk"]["Payload"] for event in events if "PayloadChunk" in event] == [b"one", b"two"]


@pytest.mark.http
def test_a_whole_answer_through_a_stream(functions: Any) -> None:
    functions.make("f", "def handler(event, context):\n    return event\n")
    assert [*streamed(functions, Payload=b'{"a": 1}')[1]] == [{"PayloadChunk": {"Payload": b'{"a": 1}'}}, {"InvokeComplete": {}}]
    answer, events = streamed(functions, InvocationType="DryRun")
    assert (answer["StatusCode"], list(events)) == (204, [])


PAGE = """
exports.handler = awslambda.streamifyResponse(async (event, stream) => {
  stream = awslambda.HttpResponseStream.from(stream, {statusCode: 201, headers: {"X-Own": "1"}, cookies: ["a=1"]});
  stream.write("x".repeat(%d));
  await new Promise((resolve) => setTimeout(resolve, 500));
  stream.end("done");
});
"""


def public_url(functions: Any, **config: Any) -> str:
    url: str = functions.client.create_function_url_config(FunctionName="f", AuthType="NONE", **config)["FunctionUrl"]
    permission = {"StatementId": "all", "Action": "lambda:InvokeFunctionUrl", "Principal": "*", "FunctionUrlAuthType": "NONE"}
    functions.client.add_permission(FunctionName="f", **permission)
    return url


@pytest.mark.http
@pytest.mark.parametrize("mode", ["RESPONSE_STREAM", "BUFFERED"])
def test_a_url_that_streams(mode: str, make: Any, functions: Any) -> None:
    make({"index.js": PAGE % 3_000_000})
    response = urllib3.request("GET", public_url(functions, InvokeMode=mode), preload_content=False)
    assert (response.status, response.headers["X-Own"], response.headers["Set-Cookie"]) == (201, "1", "a=1")
    first = response.read(1000)
    began = time.monotonic()
    rest = response.read()
    waited = time.monotonic() - began
    response.release_conn()
    assert first + rest == b"x" * 3_000_000 + b"done"
    assert (waited > 0.3) == (mode == "RESPONSE_STREAM"), "what is written first arrives first"


@pytest.mark.http
def test_a_url_whose_reader_goes_away_holds_nobody_up(make: Any, functions: Any) -> None:
    make({"index.js": PAGE % 30_000_000})
    url = public_url(functions, InvokeMode="RESPONSE_STREAM")
    response = urllib3.request("GET", url, preload_content=False)
    assert response.read(10) == b"x" * 10
    response.close()
    response.release_conn()
    assert "REPORT" in "".join(functions.logged_until("f", "REPORT"))
