"""What stops when a function's role may no longer: taking it on, its log, its destinations, its own calls.

Truth: "Defining Lambda function permissions with an execution role" of the developer guide; AWS's sentence of CreateFunction.
"""

import json
import time
from typing import Any

import pytest

pytestmark = pytest.mark.http

SAYS = "def handler(event, context):\n    print('said', event)\n    return event\n"
FOR_EC2 = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
)
CANNOT = "The role defined for the function cannot be assumed by Lambda."


def allowing(*actions: str) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]})


def test_a_role_must_be_there_and_trust_lambda(functions: Any, refused: Any) -> None:
    nowhere = f"arn:aws:iam::{functions.aws.account}:role/nowhere"
    for role in (nowhere, functions.role_of("machine", trust=FOR_EC2)):
        with refused("InvalidParameterValueException", CANNOT):
            functions.make("f", SAYS, Role=role)
    functions.make("f", SAYS)
    with refused("InvalidParameterValueException", CANNOT):
        functions.client.update_function_configuration(FunctionName="f", Role=nowhere)


def test_a_trust_taken_away_stops_new_workers(functions: Any, refused: Any) -> None:
    functions.make("f", SAYS, Role=functions.role_of("fickle"))
    functions.aws.client("iam").update_assume_role_policy(RoleName="fickle", PolicyDocument=FOR_EC2)
    with refused("AccessDeniedException", CANNOT):
        functions.client.invoke(FunctionName="f")


def test_without_permission_there_is_no_log_and_the_function_runs(functions: Any) -> None:
    functions.make("mute", SAYS, Role=functions.role_of("mute"))
    assert functions.call("mute", 1) == 1
    time.sleep(0.6)  # more than the moment for which lines are gathered
    assert functions.aws.client("logs").describe_log_groups(logGroupNamePrefix="/aws/lambda/mute")["logGroups"] == []


def test_a_role_that_may_make_streams_only_logs_where_the_group_is(functions: Any) -> None:
    functions.aws.client("logs").create_log_group(logGroupName="/aws/lambda/f")
    functions.make("f", SAYS, Role=functions.role_of("streams", allowing("logs:CreateLogStream", "logs:PutLogEvents")))
    functions.call("f", 1)
    functions.logged_until("f", "said 1")


def test_a_log_is_written_under_the_role_and_read_with_leave(functions: Any) -> None:
    role = functions.role_of("basic")
    functions.aws.client("iam").attach_role_policy(
        RoleName="basic", PolicyArn="arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
    )
    functions.make("f", SAYS, Role=role)
    functions.call("f", 1)
    functions.logged_until("f", "said 1")


def test_code_calls_with_the_permissions_of_the_role(functions: Any) -> None:
    source = (
        "import boto3, botocore.exceptions\n"
        "def handler(event, context):\n"
        "    try:\n"
        "        return boto3.client('logs').describe_log_groups()['ResponseMetadata']['HTTPStatusCode']\n"
        "    except botocore.exceptions.ClientError as error:\n"
        "        return error.response['Error']['Message']\n"
    )
    functions.make("may", source, Role=functions.role_of("may", allowing("logs:DescribeLogGroups")), Timeout=30)
    functions.make("may-not", source, Role=functions.role_of("may-not"), Timeout=30)
    assert functions.call("may") == 200
    session = f"arn:aws:sts::{functions.aws.account}:assumed-role/may-not/may-not"
    assert functions.call("may-not").startswith(f"User: {session} is not authorized to perform: logs:DescribeLogGroups")


def test_a_destination_is_told_with_the_permissions_of_the_role(functions: Any) -> None:
    hearer = functions.make("hearer", SAYS)["FunctionArn"]
    for name, policies in (("free", ["lambda:InvokeFunction", "logs:*"]), ("bound", ["logs:*"])):
        functions.make(name, SAYS, Role=functions.role_of(name, allowing(*policies)))
        functions.client.put_function_event_invoke_config(FunctionName=name, DestinationConfig={"OnSuccess": {"Destination": hearer}})
        functions.client.invoke(FunctionName=name, InvocationType="Event", Payload=json.dumps(name))
    lines = functions.logged_until("bound", "could not be told")
    assert any("AccessDeniedException" in line and "lambda:InvokeFunction" in line for line in lines)
    heard = [line for line in functions.logged_until("hearer", "said") if "said" in line]
    assert len(heard) == 1
    assert "'requestPayload': 'free'" in heard[0]
