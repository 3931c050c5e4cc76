"""Synchronous invocation over boto3. Truth: recordings/lambda.json (TestLambdaErrors, -Features, -Behavior)."""

import json
import re
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from headwater.services.lambda_.interpreters import interpreter_for

ECHO = "def handler(event, context):\n    return event\n"
ABOUT = """
import os, sys
def handler(event, context):
    return {
        "arn": context.invoked_function_arn, "name": context.function_name, "version": context.function_version,
        "memory": context.memory_limit_in_mb, "id": context.aws_request_id, "group": context.log_group_name,
        "left": context.get_remaining_time_in_millis(), "env": dict(os.environ), "path": sys.path, "cwd": os.getcwd(),
    }
"""


def test_an_event_goes_in_and_an_answer_comes_out(functions: Any) -> None:
    functions.make("echo", ECHO)
    event = {"text": "bar with 'quotes\"", "number": 1.5, "list": [None, True]}
    answer = functions.client.invoke(FunctionName="echo", Payload=json.dumps(event))
    assert answer["StatusCode"] == 200
    assert answer["ExecutedVersion"] == "$LATEST"
    assert "FunctionError" not in answer
    assert json.loads(answer["Payload"].read()) == event


def test_no_payload_is_an_empty_event(functions: Any) -> None:
    functions.make("echo", ECHO)
    assert json.loads(functions.client.invoke(FunctionName="echo")["Payload"].read()) == {}


def test_a_function_finds_the_world_that_aws_gives_it(functions: Any, server: Any) -> None:
    functions.make("about", ABOUT, Environment={"Variables": {"TEST_KEY": "TEST_VAL"}}, MemorySize=256, Timeout=10)
    about = functions.call("about")
    arn = f"arn:aws:lambda:us-east-1:{functions.aws.account}:function:about"
    assert (about["arn"], about["name"], about["version"], about["memory"]) == (arn, "about", "$LATEST", "256")
    assert about["group"] == "/aws/lambda/about"
    assert 9000 < about["left"] <= 10_000
    expected = {
        "TEST_KEY": "TEST_VAL",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_LAMBDA_FUNCTION_NAME": "about",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/about",
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.11",
        "AWS_ENDPOINT_URL": server.endpoint_url,
        "_HANDLER": "index.handler",
        "TZ": ":UTC",
    }
    assert {name: about["env"].get(name) for name in expected} == expected
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", about["env"]["AWS_LAMBDA_LOG_STREAM_NAME"])


def test_boto3_in_a_function_acts_as_its_role(functions: Any) -> None:
    functions.make(
        "who", "import boto3\ndef handler(event, context):\n    return boto3.client('logs').describe_log_groups()['logGroups']\n"
    )
    functions.aws.client("logs").create_log_group(logGroupName="mine")
    assert "mine" in [group["logGroupName"] for group in functions.call("who")]


def test_the_file_system_is_the_functions_own(functions: Any, server: Any) -> None:
    source = f"""
import os
def handler(event, context):
    tried = {{}}
    for path in ("/var/task/x", "/x", "/opt/x", "/var/runtime/x"):
        try:
            open(path, "w")
            tried[path] = "written"
        except OSError as error:
            tried[path] = type(error).__name__
    open("/tmp/x", "w").write("mine")
    certificates = open("/etc/pki/tls/cert.pem").read().count("BEGIN CERTIFICATE")
    return {{"root": sorted(os.listdir("/")), "task": os.listdir("/var/task"), "tried": tried,
            "home": os.path.exists({str(server.home.path)!r}), "tmp": os.listdir("/tmp"), "certificates": certificates}}
"""
    functions.make("look", source)
    seen = functions.call("look")
    assert seen["task"] == ["index.py"]
    assert set(seen["tried"].values()) <= {"OSError", "PermissionError", "FileNotFoundError"}
    assert seen["home"] is False
    assert seen["tmp"] == ["x"]
    assert not {"work", "home", "mnt"} & set(seen["root"])
    assert seen["certificates"] > 10


def test_only_the_packages_of_awss_runtime_are_importable(functions: Any) -> None:
    functions.make("imports", "import boto3\ndef handler(event, context):\n    import duckdb\n")
    error = functions.call("imports")
    assert (error["errorType"], error["errorMessage"]) == ("ModuleNotFoundError", "No module named 'duckdb'")


def test_an_exception_is_the_functions_error(functions: Any) -> None:
    functions.make("fails", "def handler(event, context):\n    raise Exception('Failed: ' + event)\n")
    answer = functions.client.invoke(FunctionName="fails", Payload='"some_error_msg"')
    assert answer["StatusCode"] == 200
    assert answer["FunctionError"] == "Unhandled"
    error = json.loads(answer["Payload"].read())
    assert (error["errorType"], error["errorMessage"]) == ("Exception", "Failed: some_error_msg")
    assert error["stackTrace"] == ["  File \"/var/task/index.py\", line 2, in handler\n    raise Exception('Failed: ' + event)\n"]


BROKEN = {
    "a module that is not there": (
        "nothing.handler",
        "",
        "Runtime.ImportModuleError",
        "Unable to import module 'nothing': No module named 'nothing'",
    ),
    "a function that is not there": ("index.nothing", "", "Runtime.HandlerNotFound", "Handler 'nothing' missing on module 'index'"),
    "a syntax error": ("index.handler", "def (", "Runtime.UserCodeSyntaxError", "Syntax error in module 'index'"),
    "an exception at the import": ("index.handler", "raise Exception('Runtime startup fails')", "Exception", "Runtime startup fails"),
    "an exit at the import": ("index.handler", "import sys\nsys.exit(3)", "Runtime.ExitError", "Runtime exited with error: exit status 3"),
}


@pytest.mark.parametrize(("handler", "source", "kind", "words"), BROKEN.values(), ids=BROKEN)
def test_code_that_does_not_start_says_why(functions: Any, handler: str, source: str, kind: str, words: str) -> None:
    functions.make("broken", source, Handler=handler)
    answer = functions.client.invoke(FunctionName="broken")
    assert answer["FunctionError"] == "Unhandled"
    error = json.loads(answer["Payload"].read())
    assert error["errorType"] == kind
    assert words in error["errorMessage"]


def test_a_function_that_takes_too_long_is_ended_and_the_next_runs(functions: Any) -> None:
    functions.make("slow", "import time\ndef handler(event, context):\n    time.sleep(event)\n    return 'done'\n", Timeout=1)
    assert functions.call("slow", 0) == "done"
    began = time.monotonic()
    error = functions.call("slow", 30)
    assert time.monotonic() - began < 3
    assert error["errorType"] == "Sandbox.Timedout"
    assert re.fullmatch(r"RequestId: [0-9a-f-]{36} Error: Task timed out after 1.00 seconds", error["errorMessage"])
    assert functions.call("slow", 0) == "done"


EXITS = {
    "an exit": ("import os; os._exit(0)", "Runtime exited without providing a reason"),
    "an exit with a status": ("import os; os._exit(7)", "Runtime exited with error: exit status 7"),
    "a crash": ("import ctypes; ctypes.string_at(0)", "Runtime exited with error: signal: segmentation fault"),
}


@pytest.mark.parametrize(("statement", "words"), EXITS.values(), ids=EXITS)
def test_a_runtime_that_ends_is_an_error_and_the_next_call_has_a_new_one(functions: Any, statement: str, words: str) -> None:
    functions.make("ends", f"def handler(event, context):\n    if event: {statement}\n    return 'lives'\n")
    error = functions.call("ends", True)
    assert error["errorType"] == "Runtime.ExitError"
    assert re.fullmatch(rf"RequestId: [0-9a-f-]{{36}} Error: {words}", error["errorMessage"])
    assert functions.call("ends", False) == "lives"


def test_a_function_that_takes_more_memory_than_it_has_is_killed(functions: Any) -> None:
    source = "import time\ndef handler(event, context):\n    kept = b'x' * (event << 20)\n    time.sleep(1)\n    return len(kept)\n"
    functions.make("greedy", source, MemorySize=128, Timeout=10)
    assert functions.call("greedy", 10) == 10 << 20
    error = functions.call("greedy", 300)
    assert error["errorType"] == "Runtime.ExitError"
    assert error["errorMessage"].endswith("Runtime exited with error: signal: killed")


def test_an_answer_that_is_too_large_is_an_error(functions: Any) -> None:
    functions.make("large", "def handler(event, context):\n    return 'x' * event\n", Timeout=20)
    assert len(functions.call("large", 6_000_000)) == 6_000_000
    error = functions.call("large", 7_000_000)
    assert error["errorType"] == "Function.ResponseSizeTooLarge"
    assert "exceeded maximum allowed payload size (6291556 bytes)" in error["errorMessage"]
    assert functions.call("large", 1) == "x"


REFUSED_EVENTS = {
    "more than 6 MB": ("RequestTooLargeException", {"Payload": b'"' + b"x" * 6_291_455 + b'"'}),
    "more than 1 MB to an asynchronous call": (
        "RequestTooLargeException",
        {"Payload": b'"' + b"x" * 1_048_575 + b'"', "InvocationType": "Event"},
    ),
    "not JSON": ("InvalidRequestContentException", {"Payload": b"abc"}),
    "a client context that is none": ("InvalidRequestContentException", {"ClientContext": "!"}),
}


@pytest.mark.parametrize(("code", "request_"), REFUSED_EVENTS.values(), ids=REFUSED_EVENTS)
def test_an_event_is_refused(functions: Any, refused: Any, code: str, request_: dict[str, Any]) -> None:
    functions.make("echo", ECHO)
    with refused(code):
        functions.client.invoke(FunctionName="echo", **request_)


def test_a_function_that_is_not_there_is_not_found(functions: Any, refused: Any) -> None:
    arn = f"arn:aws:lambda:us-east-1:{functions.aws.account}:function:nowhere"
    with refused("ResourceNotFoundException", f"Function not found: {arn}:$LATEST"):
        functions.client.invoke(FunctionName="nowhere")
    with refused("ResourceNotFoundException", "are not reachable in this region"):
        functions.client.invoke(FunctionName=arn.replace("us-east-1", "us-west-2"))


def test_a_dry_run_runs_nothing(functions: Any) -> None:
    functions.make("echo", "raise Exception('ran')")
    assert functions.client.invoke(FunctionName="echo", InvocationType="DryRun")["StatusCode"] == 204


def test_a_client_context_reaches_the_function(functions: Any) -> None:
    functions.make("context", "def handler(event, context):\n    return context.client_context.custom\n")
    assert functions.call("context", ClientContext="eyJjdXN0b20iOiB7ImsiOiAidiJ9fQ==") == {"k": "v"}


def test_state_outside_the_handler_lives_as_long_as_the_worker(functions: Any) -> None:
    functions.make("counts", "n = 0\ndef handler(event, context):\n    global n\n    n += 1\n    return n\n")
    assert [functions.call("counts") for _ in range(4)] == [1, 2, 3, 4]


def test_callers_at_the_same_time_have_a_worker_each_where_the_function_takes_long(functions: Any) -> None:
    functions.make(
        "sleeps",
        "import os, time\ndef handler(event, context):\n    time.sleep(1.2)\n    return os.environ['AWS_LAMBDA_LOG_STREAM_NAME']\n",
    )
    clients = [functions.aws.client("lambda") for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        streams = list(threads.map(lambda client: client.invoke(FunctionName="sleeps")["Payload"].read(), clients))
    assert len(set(streams)) >= 3


def test_the_tail_of_the_log_comes_with_the_answer_as_aws_writes_it(functions: Any) -> None:
    source = """
import logging
logging.getLogger().setLevel("INFO")
def handler(event, context):
    print("Lambda log message - print function")
    logging.info("Lambda log message - logging module")
    if event: raise Exception("Test exception (this is intentional)")
"""
    functions.make("talks", source)
    lines = functions.tail("talks", True).split("\n")
    request_id = lines[0].removeprefix("START RequestId: ").removesuffix(" Version: $LATEST")
    assert lines[1] == "Lambda log message - print function"
    assert re.fullmatch(rf"\[INFO\]\t\S+Z\t{request_id}\tLambda log message - logging module", lines[2])
    assert lines[3:5] == ["[ERROR] Exception: Test exception (this is intentional)", "Traceback (most recent call last):"]
    assert lines[5] == '\u00a0\u00a0File "/var/task/index.py", line 7, in handler'
    assert f"END RequestId: {request_id}" in lines
    figures = r"Duration: [\d.]+ ms\tBilled Duration: \d+ ms\tMemory Size: 128 MB\tMax Memory Used: \d+ MB\tInit Duration: [\d.]+ ms\t"
    assert re.fullmatch(rf"REPORT RequestId: {request_id}\t{figures}", lines[-2])


def test_the_log_group_has_all_that_was_printed(functions: Any) -> None:
    functions.make("talks", "import sys\ndef handler(event, context):\n    print('out')\n    print('err', file=sys.stderr)\n")
    functions.call("talks")
    lines = functions.logged_until("talks", "REPORT")
    assert [line.split()[0] for line in lines] == ["INIT_START", "START", "out", "err", "END", "REPORT"]
    (stream,) = functions.aws.client("logs").describe_log_streams(logGroupName="/aws/lambda/talks")["logStreams"]
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", stream["logStreamName"])


def test_a_log_in_json_is_json_throughout(functions: Any) -> None:
    source = """
import logging
def handler(event, context):
    logging.getLogger().warning("careful", extra={"n": 1})
    if event: raise ValueError("no")
"""
    functions.make("structured", source, LoggingConfig={"LogFormat": "JSON"})
    events = [json.loads(line) for line in functions.tail("structured", True).splitlines()]
    assert [event.get("type") or event["level"] for event in events] == ["platform.start", "WARNING", "ERROR", "platform.report"]
    start, warning, error, report = events
    assert start["record"]["version"] == "$LATEST"
    assert (warning["message"], warning["n"], warning["requestId"]) == ("careful", 1, start["record"]["requestId"])
    assert (error["errorType"], error["errorMessage"]) == ("ValueError", "no")
    assert report["record"]["status"] == "error"
    assert report["record"]["metrics"]["memorySizeMB"] == 128


def test_a_runtime_that_the_machine_lacks_runs_on_headwaters_own_and_says_so(functions: Any) -> None:
    functions.make("old", "import sys\ndef handler(event, context):\n    return list(sys.version_info[:2])\n", Runtime="python3.8")
    assert functions.call("old") == list(sys.version_info[:2])
    functions.logged_until("old", "HEADWATER python3.8 is older than AWS's own boto3 supports; the function runs on Python 3.")


@pytest.mark.parametrize("version", ["3.10", "3.12", "3.13", "3.14"])
def test_a_runtime_that_the_machine_has_runs_on_it(functions: Any, version: str) -> None:
    if interpreter_for(f"python{version}").notice is not None:
        pytest.skip(f"this machine has no Python {version}")
    source = """
import sys, boto3
def handler(event, context):
    if event == "fail": raise ValueError("told")
    print("printed")
    left = context.get_remaining_time_in_millis()
    return [list(sys.version_info[:2]), event, left, boto3.client("logs").describe_log_groups()["logGroups"]]
"""
    functions.make("f", source, Runtime=f"python{version}", Timeout=20)
    found, event, left, _ = functions.call("f", {"a": 1})
    assert (found, event) == ([int(part) for part in version.split(".")], {"a": 1})
    assert 0 < left <= 20_000
    assert functions.call("f", "fail")["errorMessage"] == "told"
    assert functions.call("f", "again")[1] == "again"
    functions.logged_until("f", "printed")


def test_without_bubblewrap_functions_run_all_the_same_and_say_so(functions: Any, monkeypatch: pytest.MonkeyPatch, zip_of: Any) -> None:
    monkeypatch.setattr("headwater.engines.sandbox.missing", lambda: "bubblewrap is refused by this system")
    layer = functions.client.publish_layer_version(LayerName="l", Content={"ZipFile": zip_of({"python/layered.py": "x = 5"})})
    source = "import boto3, layered, os\ndef handler(event, context):\n    return [event, layered.x, os.listdir()]\n"
    functions.make("bare", source, Layers=[layer["LayerVersionArn"]])
    assert functions.call("bare", 1) == [1, 5, ["index.py"]]
    functions.logged_until("bare", "HEADWATER bubblewrap is refused by this system")


AUTHORITIES = """
def handler(event, context):
    return open("/etc/pki/tls/cert.pem").read()
"""


@pytest.mark.slow
def test_a_function_that_ran_before_the_first_database_believes_its_certificate(
    start_server: Any, account_on: Any, functions_of: Any
) -> None:
    """Truth: our own promise. The bundle is written once, and a database may be made later."""
    server = start_server()
    functions = functions_of(account_on(server, "111122223333"))
    functions.make("reads", AUTHORITIES)
    assert (server.home.path / "tls" / "authority.pem").read_text() in functions.call("reads")
