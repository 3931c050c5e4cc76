"""Asynchronous invocation: durable, at least once, retried, told. Truth: the developer guide's "Asynchronous invocation" pages and
recordings/lambda.json (TestLambdaEventInvokeConfig, TestLambdaDestinationSqs, TestLambdaConcurrency)."""

import json
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from headwater.services.lambda_.invocation import PENDING, Pending

LISTS = """
import json, os
def handler(event, context):
    print("got", json.dumps(event))
    if event == "bad": raise Exception("intentional")
"""


def eventually(check: Callable[[], Any], seconds: float = 10) -> Any:
    ends = time.monotonic() + seconds
    while not (found := check()):
        assert time.monotonic() < ends, "it did not happen"
        time.sleep(0.05)
    return found


def got(functions: Any, name: str) -> list[Any]:
    return [json.loads(line.removeprefix("got ")) for line in functions.logged(name) if line.startswith("got ")]


def pending(server: Any, functions: Any, name: str) -> list[Pending]:
    """The function's events that are still in the store."""
    return list(server.call(server.home.store.range(PENDING, functions.aws.account, "us-east-1", name, limit=10_000)))


def send(functions: Any, name: str, event: Any, **options: Any) -> None:
    answer = functions.client.invoke(FunctionName=name, InvocationType="Event", Payload=json.dumps(event), **options)
    assert answer["StatusCode"] == 202
    assert answer["Payload"].read() == b""


def test_an_event_is_accepted_and_runs_once(functions: Any, server: Any) -> None:
    functions.make("f", LISTS)
    for number in range(20):
        send(functions, "f", number)
    assert sorted(eventually(lambda: len(found := got(functions, "f")) >= 20 and found)) == list(range(20))
    eventually(lambda: not pending(server, functions, "f"))
    assert len(got(functions, "f")) == 20


def test_the_old_operation_for_events_still_works(functions: Any) -> None:
    functions.make("f", LISTS)
    answer = functions.client.invoke_async(FunctionName="f", InvokeArgs=b'"old"')
    assert answer["Status"] == 202
    assert eventually(lambda: got(functions, "f")) == ["old"]


def test_an_event_for_nobody_is_refused(functions: Any, refused: Any) -> None:
    with refused("ResourceNotFoundException"):
        functions.client.invoke(FunctionName="nowhere", InvocationType="Event")


def test_a_function_error_is_tried_twice_more_after_one_and_two_minutes(functions: Any, clock: Any, server: Any) -> None:
    functions.make("f", LISTS)
    send(functions, "f", "bad")
    eventually(lambda: len(got(functions, "f")) == 1)
    clock.advance(timedelta(seconds=61))
    eventually(lambda: len(got(functions, "f")) == 2)
    clock.advance(timedelta(seconds=61))
    time.sleep(0.3)
    assert len(got(functions, "f")) == 2
    clock.advance(timedelta(seconds=61))
    eventually(lambda: len(got(functions, "f")) == 3)
    eventually(lambda: not pending(server, functions, "f"))


def test_the_end_is_told_to_a_destination(functions: Any) -> None:
    functions.make("f", LISTS)
    told = functions.make("told", LISTS)["FunctionArn"]
    destinations = {"OnFailure": {"Destination": told}, "OnSuccess": {"Destination": told}}
    functions.client.put_function_event_invoke_config(FunctionName="f", MaximumRetryAttempts=0, DestinationConfig=destinations)
    send(functions, "f", "bad")
    (failure,) = eventually(lambda: got(functions, "told"))
    assert failure["version"] == "1.0"
    context = failure["requestContext"]
    assert context["functionArn"].endswith(":function:f:$LATEST")
    assert (context["condition"], context["approximateInvokeCount"]) == ("RetriesExhausted", 1)
    assert failure["requestPayload"] == "bad"
    assert failure["responseContext"] == {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"}
    assert failure["responsePayload"]["errorMessage"] == "intentional"
    send(functions, "f", "good")
    success = eventually(lambda: [record for record in got(functions, "told") if record["requestPayload"] == "good"])[0]
    assert success["requestContext"]["condition"] == "Success"
    assert success["responsePayload"] is None


def test_an_event_that_would_be_too_old_is_given_up(functions: Any, clock: Any) -> None:
    functions.make("f", LISTS)
    told = functions.make("told", LISTS)["FunctionArn"]
    destinations = {"OnFailure": {"Destination": told}}
    functions.client.put_function_event_invoke_config(FunctionName="f", MaximumEventAgeInSeconds=60, DestinationConfig=destinations)
    send(functions, "f", "bad")
    (record,) = eventually(lambda: got(functions, "told"))
    assert record["requestContext"]["condition"] in ("EventAgeExceeded", "RetriesExhausted")


def test_a_dead_letter_queue_that_cannot_be_told_is_said_in_the_log(functions: Any) -> None:
    queue = f"arn:aws:sqs:us-east-1:{functions.aws.account}:dead"
    functions.make("f", LISTS, DeadLetterConfig={"TargetArn": queue})
    functions.client.put_function_event_invoke_config(FunctionName="f", MaximumRetryAttempts=0)
    send(functions, "f", "bad")
    lines = functions.logged_until("f", "could not be told to")
    assert any(queue in line for line in lines)


def test_no_reserved_concurrency_throttles_callers_and_gives_events_up(functions: Any, refused: Any) -> None:
    functions.make("f", LISTS)
    told = functions.make("told", LISTS)["FunctionArn"]
    functions.client.put_function_event_invoke_config(FunctionName="f", DestinationConfig={"OnFailure": {"Destination": told}})
    assert functions.client.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=0)["ReservedConcurrentExecutions"] == 0
    with refused("TooManyRequestsException", "Rate Exceeded."):
        functions.call("f")
    send(functions, "f", "x")
    (record,) = eventually(lambda: got(functions, "told"))
    assert record["requestContext"]["condition"] == "ZeroReservedConcurrency"
    assert record["requestContext"]["approximateInvokeCount"] == 0
    assert functions.client.get_function_concurrency(FunctionName="f")["ReservedConcurrentExecutions"] == 0
    assert functions.client.get_function(FunctionName="f")["Concurrency"] == {"ReservedConcurrentExecutions": 0}
    functions.client.delete_function_concurrency(FunctionName="f")
    assert functions.call("f") is None
    with refused("InvalidParameterValueException", "below its minimum value of [100]"):
        functions.client.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=901)


def test_event_configs_are_kept_for_each_qualifier(functions: Any, refused: Any) -> None:
    arn = functions.make("f", LISTS)["FunctionArn"]
    functions.client.publish_version(FunctionName="f")
    client = functions.client
    with refused("ResourceNotFoundException", f"The function {arn}:$LATEST doesn't have an EventInvokeConfig"):
        client.get_function_event_invoke_config(FunctionName="f")
    with refused("InvalidParameterValueException", "You must specify at least one of error handling or destination setting."):
        client.put_function_event_invoke_config(FunctionName="f")
    client.put_function_event_invoke_config(FunctionName="f", MaximumRetryAttempts=1)
    client.put_function_event_invoke_config(FunctionName="f", MaximumEventAgeInSeconds=60)
    kept = client.update_function_event_invoke_config(FunctionName="f", MaximumRetryAttempts=0)
    assert (kept["MaximumRetryAttempts"], kept["MaximumEventAgeInSeconds"]) == (0, 60)
    assert kept["DestinationConfig"] == {"OnSuccess": {}, "OnFailure": {}}
    client.put_function_event_invoke_config(FunctionName="f", Qualifier="1", MaximumRetryAttempts=2)
    listed = client.list_function_event_invoke_configs(FunctionName="f")["FunctionEventInvokeConfigs"]
    assert [config["FunctionArn"] for config in listed] == [f"{arn}:$LATEST", f"{arn}:1"]
    client.delete_function_event_invoke_config(FunctionName="f")
    assert len(client.list_function_event_invoke_configs(FunctionName="f")["FunctionEventInvokeConfigs"]) == 1


BAD_DESTINATIONS = {
    "the function itself": ("You can't specify the function as a destination for itself.", "lambda", "f"),
    "a function that is not there": ("is invalid.", "lambda", "doesnotexist"),
    "a service that is none": ("The provided destination config DestinationConfig(onSuccess=OnSuccess(destination=", "iam", "x"),
}


@pytest.mark.parametrize(("words", "service", "name"), BAD_DESTINATIONS.values(), ids=BAD_DESTINATIONS)
def test_a_destination_is_refused(functions: Any, refused: Any, words: str, service: str, name: str) -> None:
    functions.make("f", LISTS)
    arn = f"arn:aws:{service}:us-east-1:{functions.aws.account}:function:{name}"
    with refused("InvalidParameterValueException", words):
        functions.client.put_function_event_invoke_config(FunctionName="f", DestinationConfig={"OnSuccess": {"Destination": arn}})


def test_events_of_a_broken_function_are_kept_for_their_retries(functions: Any, server: Any, zip_of: Any, clock: Any) -> None:
    functions.make("f", "import nothing_at_all")
    send(functions, "f", "later")
    eventually(lambda: [event.attempts for event in pending(server, functions, "f")] == [1])
    functions.client.update_function_code(FunctionName="f", ZipFile=zip_of({"index.py": LISTS}))
    clock.advance(timedelta(seconds=61))
    assert eventually(lambda: got(functions, "f")) == ["later"]


def test_more_events_than_fit_in_memory_wait_in_the_store_and_run_once(
    functions: Any, monkeypatch: pytest.MonkeyPatch, server: Any
) -> None:
    for name, value in {"QUEUED_MAX": 6, "QUEUED_LOW": 3, "PAGE": 4}.items():
        monkeypatch.setattr(f"headwater.services.lambda_.queue.{name}", value)
    functions.make("f", LISTS.replace("print", "import time; time.sleep(0.01); print"))
    functions.client.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=1)
    for number in range(60):
        send(functions, "f", number)
    eventually(lambda: not pending(server, functions, "f"), 20)
    assert sorted(eventually(lambda: len(found := got(functions, "f")) >= 60 and found)) == list(range(60))


def test_an_event_that_waits_too_long_for_its_turn_is_given_up(functions: Any, clock: Any) -> None:
    functions.make("f", "import time\ndef handler(event, context):\n    print('got', event)\n    time.sleep(2.5)\n", Timeout=20)
    told = functions.make("told", LISTS)["FunctionArn"]
    functions.client.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=1)
    functions.client.put_function_event_invoke_config(
        FunctionName="f", MaximumEventAgeInSeconds=60, DestinationConfig={"OnFailure": {"Destination": told}}
    )
    send(functions, "f", 1)
    functions.logged_until("f", "START")
    send(functions, "f", 2)
    clock.advance(timedelta(seconds=61))
    records = eventually(lambda: got(functions, "told"))
    assert len(records) == 1, records
    (record,) = records
    assert record["requestContext"]["condition"] == "EventAgeExceeded"
    assert record["requestPayload"] == 2
    assert got(functions, "f") == [1]


def test_an_update_reaches_events_that_wait(functions: Any, zip_of: Any) -> None:
    functions.make("f", "import time\ndef handler(event, context):\n    time.sleep(2.5)\n    print('old', event)\n", Timeout=20)
    functions.client.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=1)
    send(functions, "f", 1)
    functions.logged_until("f", "START")
    send(functions, "f", 2)
    functions.client.update_function_code(FunctionName="f", ZipFile=zip_of({"index.py": LISTS}))
    assert eventually(lambda: got(functions, "f")) == [2]
    functions.logged_until("f", "old 1")
