"""Provisioned concurrency. Truth: recordings of TestLambdaConcurrency (tests/recordings/test_lambda_settings.py), the developer guide's
"Configuring provisioned concurrency for a function"; sentences as AWS says them.
"""

import time
from collections.abc import Callable
from typing import Any

import botocore.exceptions
import pytest

KIND = """
import os, time
def handler(event, context):
    time.sleep((event or {}).get("sleep", 0))
    return os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"]
"""


def refusal(call: Callable[..., Any], **request: Any) -> str:
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**request)
    error = caught.value.response["Error"]
    return f"{error['Code']}: {error['Message']}"


def settled(functions: Any, qualifier: str) -> dict[str, Any]:
    for _ in range(200):
        config: dict[str, Any] = functions.client.get_provisioned_concurrency_config(FunctionName="f", Qualifier=qualifier)
        if config["Status"] != "IN_PROGRESS":
            return config
        time.sleep(0.05)
    raise AssertionError(config)


def provision(functions: Any, qualifier: str, number: int) -> dict[str, Any]:
    answer: dict[str, Any] = functions.client.put_provisioned_concurrency_config(
        FunctionName="f", Qualifier=qualifier, ProvisionedConcurrentExecutions=number
    )
    return answer


def test_workers_are_there_before_the_first_event(functions: Any) -> None:
    functions.make("f", KIND, Publish=True)
    assert provision(functions, "1", 2)["Status"] == "IN_PROGRESS"
    config = settled(functions, "1")
    assert (config["Status"], config["AllocatedProvisionedConcurrentExecutions"]) == ("READY", 2)
    assert functions.call("f", Qualifier="1") == "provisioned-concurrency"
    assert functions.call("f") == "on-demand"
    (listed,) = functions.client.list_provisioned_concurrency_configs(FunctionName="f")["ProvisionedConcurrencyConfigs"]
    assert listed["FunctionArn"].endswith(":function:f:1")
    functions.client.delete_provisioned_concurrency_config(FunctionName="f", Qualifier="1")
    assert functions.client.list_provisioned_concurrency_configs(FunctionName="f")["ProvisionedConcurrencyConfigs"] == []


def test_a_worker_that_dies_is_replaced(functions: Any) -> None:
    functions.make("f", "import os\ndef handler(event, context):\n    os._exit(1)\n", Publish=True)
    provision(functions, "1", 1)
    settled(functions, "1")
    functions.call("f", Qualifier="1")
    assert settled(functions, "1")["Status"] == "READY"


def test_what_does_not_start_is_said(functions: Any) -> None:
    functions.make("f", "raise Exception('no')\n", Publish=True)
    provision(functions, "1", 1)
    config = settled(functions, "1")
    assert (config["Status"], config["StatusReason"]) == ("FAILED", "FUNCTION_ERROR_INIT_FAILURE")


def test_they_move_with_the_alias(functions: Any, zip_of: Any) -> None:
    client = functions.client
    functions.make("f", KIND, Publish=True)
    client.update_function_configuration(FunctionName="f", Description="another")
    client.update_function_code(FunctionName="f", ZipFile=zip_of({"index.py": KIND + "# 2\n"}), Publish=True)
    client.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    provision(functions, "live", 1)
    settled(functions, "live")
    assert functions.call("f", Qualifier="1") == "provisioned-concurrency"
    client.update_alias(FunctionName="f", Name="live", FunctionVersion="2")
    for _ in range(100):
        if functions.call("f", Qualifier="2") == "provisioned-concurrency":
            break
        time.sleep(0.05)
    else:
        raise AssertionError("they stay")
    assert settled(functions, "live")["Status"] == "READY"


def test_what_is_reserved_is_the_provisioned_versions_first(functions: Any) -> None:
    """As the suite that the recordings are of asserts of AWS in TestLambdaConcurrency::test_lambda_concurrency_block."""
    functions.make("f", KIND, Publish=True)
    functions.client.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=1)
    assert functions.call("f", Qualifier="$LATEST") == "on-demand"
    provision(functions, "1", 1)
    settled(functions, "1")
    for _ in range(2):
        assert refusal(functions.client.invoke, FunctionName="f", Qualifier="$LATEST").startswith("TooManyRequestsException")
        assert functions.call("f", Qualifier="1") == "provisioned-concurrency"


def test_what_is_reserved_is_the_functions_not_a_versions(functions: Any) -> None:
    functions.make("f", KIND, Publish=True)
    said = refusal(functions.client.put_function_concurrency, FunctionName="f:1", ReservedConcurrentExecutions=1)
    assert said.startswith("InvalidParameterValueException: This operation is permitted on Lambda functions only.")
    assert refusal(functions.client.delete_function_concurrency, FunctionName="f:1").startswith("InvalidParameterValueException")


def test_what_cannot_be_provisioned(functions: Any) -> None:
    client = functions.client
    functions.make("f", KIND, Publish=True)
    client.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    arn = f"arn:aws:lambda:us-east-1:{functions.aws.account}:function:f"

    def put(qualifier: str, number: int = 1) -> str:
        what = {"FunctionName": "f", "Qualifier": qualifier, "ProvisionedConcurrentExecutions": number}
        return refusal(client.put_provisioned_concurrency_config, **what)

    unpublished = "InvalidParameterValueException: Provisioned Concurrency Configs cannot be applied to unpublished function versions."
    assert put("$LATEST") == unpublished
    assert put("2") == f"ResourceNotFoundException: Function not found: {arn}:2"
    assert put("none") == f"ResourceNotFoundException: Cannot find alias arn: {arn}:none"
    greater = "InvalidParameterValueException: Specified ConcurrentExecutions for function is greater than account's unreserved concurrency"
    assert put("1", 1001) == f"{greater} [1000]."
    assert put("1", 901).endswith("decreases account's UnreservedConcurrentExecution below its minimum value of [100].")
    provision(functions, "1", 2)
    already = "ResourceConflictException: Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version"
    assert put("live") == already
    assert "[2]" in refusal(client.put_function_concurrency, FunctionName="f", ReservedConcurrentExecutions=1)
    assert client.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"] == 998
    client.delete_provisioned_concurrency_config(FunctionName="f", Qualifier="1")
    provision(functions, "live", 1)
    assert put("1") == "ResourceConflictException: Version is pointed by a Provisioned Concurrency alias"
    client.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=1)
    assert "should not be greater than the reservedConcurrentExecution for function" in put("live", 2)
    latest = {"FunctionName": "f", "Qualifier": "$LATEST"}
    sentence = "InvalidParameterValueException: The function resource provided must be an alias or a published version."
    assert refusal(client.get_provisioned_concurrency_config, **latest) == sentence
    assert refusal(client.delete_provisioned_concurrency_config, **latest) == sentence


@pytest.mark.slow
def test_they_come_back_with_the_house(start_server: Any, functions_of: Any, account_on: Any) -> None:
    server = start_server()
    functions = functions_of(account_on(server, "123456789012"))
    functions.make("f", KIND, Publish=True)
    provision(functions, "1", 1)
    settled(functions, "1")
    server.stop()
    again = start_server(server.settings.home)
    client = account_on(again, "123456789012").client("lambda")
    for _ in range(200):
        config = client.get_provisioned_concurrency_config(FunctionName="f", Qualifier="1")
        if config["Status"] == "READY":
            return
        time.sleep(0.05)
    raise AssertionError(config)
