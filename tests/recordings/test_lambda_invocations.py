"""Lambda's invocations of both kinds against what AWS answered: recordings/lambda.json. Each test names its case."""

import base64
import io
import json
import re
import time
import uuid
import zipfile
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from headwater.services.lambda_.destinations import entry_of, sentence_of
from headwater.services.lambda_.interpreters import interpreter_for

INSPECT = """
import json, logging
def handler(event, context):
    logging.getLogger().setLevel(logging.INFO)
    print("Lambda log message - print function")
    logging.getLogger().info("Lambda log message - logging module")
    members = ("invoked_function_arn", "function_version", "function_name", "memory_limit_in_mb", "aws_request_id", "log_group_name",
               "log_stream_name", "client_context")
    return {"event": event, "context": {name: getattr(context, name) for name in members}}
"""


def test_a_function_with_nothing_reserved_for_it(functions: Any, recorded: Any) -> None:
    case = recorded("lambda", "TestLambdaConcurrency::test_reserved_concurrency")
    client, name = functions.client, {"FunctionName": "f"}
    functions.created("f", Timeout=20)
    case.says("fn", client.get_function_configuration(**name, Qualifier="$LATEST"))
    case.says("put_reserved", client.put_function_concurrency(**name, ReservedConcurrentExecutions=0))
    case.refuses("exc_no_cap_requestresponse", client.invoke, **name)
    queue = {"DestinationConfig": {"OnFailure": {"Destination": f"arn:aws:sqs:us-east-1:{functions.aws.account}:q"}}}
    case.says("put_event_invoke_conf", client.put_function_event_invoke_config(**name, MaximumRetryAttempts=0, **queue))
    functions.told("f", MaximumRetryAttempts=0)
    case.says("invoke_result", functions.invoked("f", {}, InvocationType="Event"))
    only_body(case.recorded("msg"))
    case.says("msg", {"Body": functions.heard()})


def test_a_caller_beyond_what_is_reserved(functions: Any, recorded: Any) -> None:
    case = recorded("lambda", "TestLambdaConcurrency::test_reserved_concurrency_async_queue")
    client, name = functions.client, {"FunctionName": "f"}
    timeout = case.recorded("fn")["Timeout"]
    functions.created("f", source="import time\ndef handler(event, context):\n    time.sleep(event['wait'])\n", Timeout=timeout)
    case.says("fn", client.get_function_configuration(**name, Qualifier="$LATEST"))
    case.says("put_fn_concurrency", client.put_function_concurrency(**name, ReservedConcurrentExecutions=1))
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(functions.invoked, "f", {"wait": 1})
        time.sleep(0.4)
        case.refuses("too_many_requests_exc", client.invoke, **name, Payload=b'{"wait": 0}')
        first.result()


def only_body(message: dict[str, Any]) -> None:
    """A recorded SQS message is left with its body: a function hears the same record, and there is no SQS here yet."""
    for member in set(message) - {"Body"}:
        del message[member]


FAILS = """





def handler(event, context):
    raise Exception("intentional failure")
"""[1:]


def test_the_record_of_a_failed_event(functions: Any, recorded: Any) -> None:
    case = recorded("lambda", "TestLambdaDestinationSqs::test_assess_lambda_destination_invocation[payload1]")
    queue = {"Destination": f"arn:aws:sqs:us-east-1:{functions.aws.account}:q"}
    source = "\n" * 53 + 'def handler(event, context):\n    raise Exception("Test exception (this is intentional)")\n'
    functions.created("f", source=source)
    put = functions.client.put_function_event_invoke_config
    answer = put(FunctionName="f", MaximumRetryAttempts=0, DestinationConfig={"OnSuccess": queue, "OnFailure": queue})
    case.says("put_function_event_invoke_config", answer)
    functions.told("f", MaximumRetryAttempts=0)
    functions.invoked("f", {"raise_error": 1}, InvocationType="Event")
    message = case.recorded("receive_message_result")["Messages"][0]
    only_body(message)
    case.says("receive_message_result", {"Messages": [{"Body": functions.heard()}], "ResponseMetadata": {"HTTPStatusCode": 200}})


def test_the_record_of_an_event_that_got_too_old(functions: Any, recorded: Any, clock: Any) -> None:
    case = recorded("lambda", "TestLambdaDestinationSqs::test_maxeventage")
    case.means({"test-msg-id": "m"})
    functions.created("f", source=FAILS)
    functions.told("f", MaximumEventAgeInSeconds=60)
    functions.invoked("f", {"message": "m"}, InvocationType="Event")
    only_body(case.recorded("no_retry_failure_message"))
    case.says("no_retry_failure_message", {"Body": functions.heard()})
    functions.told("f", MaximumEventAgeInSeconds=150)
    functions.invoked("f", {"message": "m"}, InvocationType="Event")
    only_body(case.recorded("single_retry_failure_message"))
    case.says("single_retry_failure_message", {"Body": functions.heard(lambda: clock.advance(timedelta(seconds=61)))})


def test_the_record_of_an_event_that_was_tried_thrice(functions: Any, recorded: Any, clock: Any) -> None:
    case = recorded("lambda", "TestLambdaDestinationSqs::test_retries")
    case.means({"test-msg-id": "m"})
    functions.created("f", source=FAILS)
    functions.told("f")
    functions.invoked("f", {"message": "m"}, InvocationType="Event")
    only_body(case.recorded("queue_destination_payload")["Messages"][0])
    heard = functions.heard(lambda: clock.advance(timedelta(seconds=61)))
    case.says("queue_destination_payload", {"Messages": [{"Body": heard}], "ResponseMetadata": {"HTTPStatusCode": 200}})


def test_the_record_as_an_event(functions: Any, recorded: Any) -> None:
    """There is no EventBridge here yet that could be asked: what it would be given is compared."""
    case = recorded("lambda", "TestLambdaDestinationEventbridge::test_invoke_lambda_eventbridge")
    answers = {"success": {"hello": "world", "test": "abc", "val": 5, "success": True}}
    source = f"def handler(event, context):\n    if event['mode'] == 'success':\n        return {answers['success']}\n"
    source += '    raise Exception("intentional failure!")\n'
    request = functions.request("f", Handler="index.handler", Code={"ZipFile": functions.zipped(source, "index.py")})
    functions.client.create_function(**request)
    case.means({"input-fn-name": "f", "event-bus-name": "b"})
    for mode in ("success", "failure"):
        functions.told("f", MaximumRetryAttempts=0)
        functions.invoked("f", {"mode": mode}, InvocationType="Event")
        entry = entry_of(f"arn:aws:events:us-east-1:{functions.aws.account}:event-bus/b", json.dumps(functions.heard()))
        wanted = case.recorded(f"lambda_destination_event_bus_{mode}")
        for member in ("account", "id", "region", "time", "version"):  # the bus adds these
            del wanted[member]
        ours = {"source": entry["Source"], "detail-type": entry["DetailType"], "resources": entry["Resources"]}
        case.says(f"lambda_destination_event_bus_{mode}", ours | {"detail": json.loads(entry["Detail"])})


def test_a_function_that_is_not_there_is_invoked(functions: Any, recorded: Any) -> None:
    case = recorded("lambda", "TestLambdaFeatures::test_invoke_exceptions")
    case.refuses("invoke_function_doesnotexist", functions.client.invoke, FunctionName="doesnotexist")


def test_an_invocation_of_each_kind(functions: Any, recorded: Any) -> None:
    functions.created("f")
    case = recorded("lambda", "TestLambdaFeatures::test_invocation_type_request_response[python3.9]")
    case.says("invoke-result", functions.invoked("f", {}))
    case = recorded("lambda", "TestLambdaFeatures::test_invocation_type_event[python3.9]")
    case.says("invoke-result", functions.invoked("f", {}, InvocationType="Event"))
    functions.created("silent", source="def handler(event, context): pass\n")
    case = recorded("lambda", "TestLambdaBehavior::test_lambda_invoke_no_timeout")
    case.says("create-result", functions.created("timely", Timeout=2))
    case.says("invoke-result", functions.invoked("silent"))


def lines(tail: str) -> list[str]:
    """The tail of the log as the recordings have it: without times and without the report."""
    said = [line for line in tail.split("\n") if line and not line.startswith("REPORT")]
    return [re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "date", line) for line in said]


def test_a_published_version_by_its_number(functions: Any, recorded: Any) -> None:
    case = recorded("lambda", "TestLambdaFeatures::test_invocation_with_qualifier")
    wanted = case.recorded("creation-response")
    request = functions.request("f", source=INSPECT, Handler=wanted["Handler"], Timeout=wanted["Timeout"], Publish=True)
    request["Code"] = {"ZipFile": functions.zipped(INSPECT, wanted["Handler"].partition(".")[0] + ".py")}
    case.says("creation-response", functions.client.create_function(**request))
    answer = functions.invoked("f", {"foo": "bar with 'quotes\""}, Qualifier="1", LogType="Tail")
    case.says("invocation-response", answer)
    case.says("log_result", {"log_result": lines(base64.b64decode(answer["LogResult"]).decode())})


def test_code_from_s3(functions: Any, recorded: Any) -> None:
    case = recorded("lambda", "TestLambdaFeatures::test_upload_lambda_from_s3")
    wanted = case.recorded("creation-response")
    s3, place = functions.aws.client("s3"), {"Bucket": f"code-{functions.aws.account}", "Key": "code.zip"}
    s3.create_bucket(Bucket=place["Bucket"])
    s3.put_object(**place, Body=functions.zipped(INSPECT, wanted["Handler"].partition(".")[0] + ".py"))
    code = {"Code": {"S3Bucket": place["Bucket"], "S3Key": place["Key"]}}
    request = functions.request("f", Handler=wanted["Handler"], Timeout=wanted["Timeout"], **code)
    case.says("creation-response", functions.client.create_function(**request))
    case.says("invocation-response", functions.invoked("f", {"foo": "bar with 'quotes\""}))


def test_a_runtime_that_exits(functions: Any, recorded: Any) -> None:
    case = recorded("lambda", "TestLambdaErrors::test_lambda_runtime_exit")
    functions.created("f", source="import sys\ndef handler(event, context):\n    sys.exit(0)\n")
    case.says("invocation_error", functions.invoked("f"))


def test_an_exception_that_nobody_catches(functions: Any, recorded: Any) -> None:
    case = recorded("lambda", "TestLambdaRuntimesCommon::test_uncaught_exception_invoke[python3.13]")
    wanted = case.recorded("create_function_result")
    source = "def handler(event, context):\n    raise Exception('Failed: ' + event['error_msg'])\n"
    request = functions.request("f", source=source, Runtime="python3.13", Timeout=wanted["Timeout"], MemorySize=wanted["MemorySize"])
    case.says("create_function_result", functions.client.create_function(**request))
    case.says("error_result", functions.invoked("f", {"error_msg": "some_error_msg"}))


def test_a_function_that_fails_when_it_is_loaded(functions: Any, recorded: Any) -> None:
    case = recorded("lambda", "TestLambdaErrors::test_lambda_runtime_error")
    functions.created("f", source='raise Exception("Runtime startup fails")\n')
    answer = functions.invoked("f")
    wanted = case.recorded("invocation_error")
    assert answer["Payload"]["stackTrace"][-1] == wanted["Payload"]["stackTrace"][-1].replace("lambda_runtime_error.py", "handler.py")
    answer["Payload"]["stackTrace"] = wanted["Payload"]["stackTrace"]  # the others are lines of their Python's own files
    case.says("invocation_error", answer)


@pytest.mark.parametrize("python", ["python3.10", "python3.11", "python3.13", "python3.14"])
def test_what_a_function_finds_around_it(python: str, functions: Any, recorded: Any) -> None:
    case = recorded("lambda", f"TestLambdaRuntimesCommon::test_introspection_invoke[{python}]")
    wanted = case.recorded("create_function_result")
    source = """
import os
MEMBERS = ("aws_request_id", "function_name", "function_version", "invoked_function_arn", "log_group_name", "log_stream_name",
           "memory_limit_in_mb")
def handler(event, context):
    about = {name: getattr(context, name) for name in MEMBERS}
    return {"environment": dict(os.environ), "packages": [],
            "ctx": about | {"remaining_time_in_millis": context.get_remaining_time_in_millis()}}
"""
    request = functions.request("f", source=source, Runtime=python, Timeout=wanted["Timeout"], MemorySize=wanted["MemorySize"])
    answer = functions.client.create_function(**request | {"Environment": {"Variables": {"TEST_KEY": "TEST_VAL"}}})
    case.says("create_function_result", answer)
    ours = {"AWS_ENDPOINT_URL"}  # how a function reaches this AWS and not the other
    # Addresses are this machine's; and whether Python has to set LC_CTYPE depends on the machine's locales, on AWS from 3.12 on.
    elsewhere = {"LC_CTYPE", "AWS_LAMBDA_RUNTIME_API", "AWS_XRAY_DAEMON_ADDRESS", "_AWS_XRAY_DAEMON_ADDRESS", "_AWS_XRAY_DAEMON_PORT"}
    for which, options in (("invocation_result_payload", {}), ("invocation_result_payload_qualified", {"Qualifier": "$LATEST"})):
        said = functions.invoked("f", **options)["Payload"]
        assert "environment" in said, said
        assert said["environment"].keys() >= ours
        theirs = case.recorded(which)
        theirs["environment"] = {name: value for name, value in theirs["environment"].items() if name not in elsewhere}
        said["environment"] = {name: value for name, value in said["environment"].items() if name not in ours | elsewhere}
        case.says(which, said)


def test_a_timeout_ends_the_process(functions: Any, recorded: Any) -> None:
    case = recorded("lambda", "TestLambdaBehavior::test_lambda_invoke_timed_out_environment_reuse")
    source = """
import pathlib, time
number = 0
def handler(event, context):
    global number
    if "write" in event:
        pathlib.Path("/tmp/f").write_text(event["write"])
    if "read" in event:
        return {"content": pathlib.Path("/tmp/f").read_text()}
    if "set" in event:
        number = event["set"]
    if "get" in event:
        return {"number": number}
    time.sleep(event.get("sleep", 0))
"""
    case.says("create-result", functions.created("f", source=source, Timeout=1))
    case.says("invoke-result-file-write", functions.invoked("f", {"write": "some-content"}))
    case.says("invoke-result-file-read", functions.invoked("f", {"read": 1}))
    case.says("invoke-result-set-number", functions.invoked("f", {"set": 42}))
    case.says("invoke-result-read-number", functions.invoked("f", {"get": 1}))
    late = functions.invoked("f", {"sleep": 3})
    case.leaves("invoke-result-timed-out", because="it is of 2024; since 2025 AWS has another sentence (test_lambda_runtime_exit_segfault)")
    again = recorded("lambda", "TestLambdaErrors::test_lambda_runtime_exit_segfault")
    wanted = again.recorded("invocation_error")["Payload"]
    wanted["errorMessage"] = wanted["errorMessage"].replace("30.00", "1.00")
    again.says("invocation_error", late)
    case.leaves(
        "invoke-result-file-read-after-timeout", because="a worker's /tmp ends with it; AWS starts the next process in the same one"
    )
    case.says("invoke-result-read-number-after-timeout", functions.invoked("f", {"get": 1}))


@pytest.mark.parametrize("letters", [1, 2])
def test_whom_a_function_acts_as(letters: int, functions: Any, recorded: Any) -> None:
    case = recorded("lambda", f"TestLambdaBaseFeatures::test_assume_role[{letters}]")
    source = "import boto3\ndef handler(event, context):\n    return boto3.client('sts').get_caller_identity()['Arn']\n"
    role = functions.role_of("lambda-autogenerated-1")
    name = "f" * letters
    case.means({"function-name": name})
    functions.client.create_function(**functions.request(name, source=source, Role=role, Timeout=30))
    case.says("invoke-result-assumed-role-arn", json.loads(functions.invoked(name)["Payload"]))


@pytest.mark.parametrize("python", ["python3.9", "python3.11", "python3.13"])
def test_a_script_that_starts_the_runtime(python: str, functions: Any, recorded: Any) -> None:
    case = recorded("lambda", f"TestLambdaRuntimesCommon::test_runtime_wrapper_invoke[{python}]")
    wrapper = {"Environment": {"Variables": {"AWS_LAMBDA_EXEC_WRAPPER": "/var/task/environment_wrapper"}}}
    case.says(
        "create_function_result", functions.client.create_function(**functions.request("f", Runtime=python, MemorySize=1024, **wrapper))
    )


def test_an_event_that_fails_and_has_a_dead_letter_queue(functions: Any, recorded: Any) -> None:
    case = recorded("lambda", "TestLambdaDLQ::test_dead_letter_queue")
    trace = case.recorded("invoke_result")["Payload"]["stackTrace"]
    line = int(re.search(r"line (\d+)", trace[0])[1])  # type: ignore[index]
    body = [
        "import logging",
        "logging.getLogger().setLevel(logging.INFO)",
        "def handler(event, context):",
        '    print("Lambda log message - print function")',
        '    logging.getLogger().info("Lambda log message - logging module")',
    ]
    source = "\n" * (line - len(body) - 1) + "\n".join(body) + '\n    raise Exception("Test exception (this is intentional)")\n'
    queue = {"TargetArn": f"arn:aws:sqs:us-east-1:{functions.aws.account}:q"}
    case.says("create_lambda_with_dlq", functions.created("f", source=source, DeadLetterConfig=queue))
    case.leaves("receive_result", because="there is no SQS here yet that could be asked for the message; its error's sentence is below")
    assert sentence_of(json.dumps(case.recorded("invoke_result")["Payload"]).encode()) == "Test exception (this is intentional)"
    case.says("delete_dlq", functions.client.update_function_configuration(FunctionName="f", DeadLetterConfig={}))
    answer = functions.invoked("f", {"raise_error": 1}, LogType="Tail")
    case.says("invoke_result", answer)
    case.says("log_result", {"result": lines(base64.b64decode(answer["LogResult"]).decode())})


def test_an_archive_in_s3_may_be_larger_than_one_in_a_request(functions: Any, recorded: Any) -> None:
    case = recorded("lambda", "TestLambdaSizeLimits::test_large_lambda")
    s3, place = functions.aws.client("s3"), {"Bucket": f"code-{functions.aws.account}", "Key": "code.zip"}
    s3.create_bucket(Bucket=place["Bucket"])
    s3.put_object(**place, Body=functions.zipped("# " + "x" * 52_428_800))  # stored, not deflated
    request = functions.request("f", Timeout=10, Code={"S3Bucket": place["Bucket"], "S3Key": place["Key"]})
    case.says("create_function_large_zip", functions.client.create_function(**request))


@pytest.mark.parametrize("python", ["python3.9", "python3.10", "python3.11", "python3.12"])
def test_a_handler_in_a_folder(python: str, functions: Any, recorded: Any) -> None:
    recorded("lambda", f"TestPythonRuntimes::test_handler_in_submodule[{python}]")
    code = {"ZipFile": functions.zipped("def handler(event, context):\n    return event\n", "localstack_sub/echo.py")}
    functions.client.create_function(**functions.request("f", Runtime=python, Handler="localstack_sub.echo.handler", Code=code))
    assert functions.invoked("f", {"a": 1})["Payload"] == {"a": 1}


@pytest.mark.parametrize("python", ["python3.11", "python3.12", "python3.13"])
def test_the_version_of_python(python: str, functions: Any, recorded: Any) -> None:
    recorded("lambda", f"TestPythonRuntimes::test_python_runtime_correct_versions[{python}]")
    interpreter = interpreter_for(python)
    if interpreter.notice is not None:
        pytest.skip(f"no {python} on this machine")
    source = "import platform\ndef handler(event, context):\n    return {'version': platform.python_version()}\n"
    functions.client.create_function(**functions.request("f", source=source, Runtime=python))
    assert functions.invoked("f")["Payload"] == {"version": interpreter.version}
    assert interpreter.version.startswith(f"{python.removeprefix('python')}.")


def test_a_request_id_is_a_uuid_and_known_everywhere(functions: Any, recorded: Any) -> None:
    recorded("lambda", "TestRequestIdHandling::test_request_id_format")
    functions.created("f", source="def handler(event, context):\n    return context.aws_request_id\n")
    answer = functions.client.invoke(FunctionName="f")
    said = answer["ResponseMetadata"].get("RequestId") or json.loads(answer["Payload"].read())
    assert str(uuid.UUID(said)) == said


def test_a_large_event_and_a_large_answer(functions: Any, recorded: Any) -> None:
    recorded("lambda", "TestLambdaBaseFeatures::test_large_payloads")
    recorded("lambda", "TestLambdaBaseFeatures::test_lambda_large_response")
    functions.created("f")
    event = {"payload": "a" * (6 * 1024 * 1024 - 100)}
    assert functions.invoked("f", event)["Payload"] == event
    functions.created("g", source="def handler(event, context):\n    return 'x' * 5_000_000\n")
    answer = functions.client.invoke(FunctionName="g")
    assert "FunctionError" not in answer
    assert json.loads(answer["Payload"].read()) == "x" * 5_000_000


def test_an_update_while_the_function_runs(functions: Any, recorded: Any) -> None:
    """Who runs ends his run as what he began as; who comes after runs the new."""
    case = recorded("lambda", "TestLambdaVersions::test_function_update_during_invoke")
    source = """
import os, time
def handler(event, context):
    time.sleep(event.get("sleep", 0))
    return {"function_version": context.function_version, "request_id": context.aws_request_id,
            "request_prefix": event["request_prefix"], "function_variant": os.environ["VARIANT"]}
"""
    functions.created("f", source=source, Environment={"Variables": {"VARIANT": "variant-1"}})
    functions.invoked("f", {"request_prefix": "0"})
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(functions.invoked, "f", {"sleep": 1, "request_prefix": "1-sleep"})
        time.sleep(0.3)
        functions.client.update_function_configuration(FunctionName="f", Environment={"Variables": {"VARIANT": "variant-2"}})
        assert functions.invoked("f", {"request_prefix": "2"})["Payload"]["function_variant"] == "variant-2"
        case.says("invoke_response_before", running.result())


def test_a_bootstrap_that_reports_an_error(functions: Any, recorded: Any) -> None:
    case = recorded("lambda", "TestGoProvidedRuntimes::test_uncaught_exception_invoke[provided.al2]")
    wanted = case.recorded("create_function_result")
    wanted["CodeSha256"] = "<code-sha256:1>"  # AWS's stands in brackets twice
    bootstrap = """#!/bin/sh
api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation"
while true; do
  curl -sS -D /tmp/head -o /tmp/event "$api/next"
  id=$(grep -i request-id /tmp/head | tr -d '[:space:]' | cut -d: -f2)
  curl -sS -o /dev/null -X POST -d '{"errorMessage":"Error: some_error_msg","errorType":"errorString"}' "$api/$id/error"
done
"""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        entry = zipfile.ZipInfo("bootstrap")
        entry.external_attr = 0o755 << 16
        archive.writestr(entry, bootstrap)
    like = {name: wanted[name] for name in ("Runtime", "Handler", "Timeout", "MemorySize")}
    request = functions.request("f", **like) | {"Code": {"ZipFile": buffer.getvalue()}}
    case.says("create_function_result", functions.client.create_function(**request))
    case.says("error_result", functions.invoked("f", {"error_msg": "some_error_msg"}))


@pytest.mark.parametrize("python", ["python3.10", "python3.13", "python3.9"])
def test_a_function_calls_this_aws(python: str, functions: Any, recorded: Any) -> None:
    """The suite's function makes its client of AWS_ENDPOINT_URL by hand and lists the functions."""
    recorded("lambda", f"TestLambdaCallingLocalstack::test_manual_endpoint_injection[{python}]")
    source = """
import os, boto3
def handler(event, context):
    client = boto3.client("lambda", endpoint_url=os.environ["AWS_ENDPOINT_URL"], region_name=os.environ["AWS_REGION"])
    return {"functions": [each["FunctionName"] for each in client.list_functions()["Functions"]]}
"""
    functions.client.create_function(**functions.request("f", source=source, Runtime=python, Timeout=30))
    assert functions.invoked("f")["Payload"] == {"functions": ["f"]}
