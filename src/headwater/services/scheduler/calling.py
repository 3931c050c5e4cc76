"""What a schedule calls: a few targets that it knows by their ARN, and any operation of any service, by name.

`arn:aws:scheduler:::aws-sdk:sqs:purgeQueue` is such a name; the input is the operation's parameters. Services have there the names that
AWS's Java SDK gives them. Source: "Managing targets" and "Using universal targets" of the EventBridge Scheduler user guide.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import Any, Final, NamedTuple

import msgspec

from headwater.aws.faults import Fault, fault
from headwater.aws.models import Operation, Shape, data_folder, service_model

Params = dict[str, Any]
_ARN: Final = re.compile(r"arn:[\w-]+:[\w-]+:[^:]*:[^:]*:.+", re.DOTALL)
_UNIVERSAL: Final = re.compile(r"arn:aws:scheduler:::aws-sdk:([a-z0-9]+):([A-Za-z0-9]+)")
READING: Final = ("get", "describe", "list", "poll", "receive", "search", "scan", "query", "select", "read", "filter", "lookup", "batchGet")
"""Operations that only answer are none for a schedule, which nobody answers."""
SDK_NAMES: Final = {
    "eventbridge": "events",
    "sfn": "stepfunctions",
    "cloudwatchlogs": "logs",
    "costexplorer": "ce",
    "elasticloadbalancing": "elb",
}


class Call(NamedTuple):
    service: str
    operation: str
    params: Params


def check_target(target: dict[str, Any]) -> None:
    """Raises AWS's refusal of a target that could never be called."""
    arn = target["Arn"]
    universal = _UNIVERSAL.fullmatch(arn)
    if universal is not None:
        operation = _operation(universal[1], universal[2])
        if operation is None or universal[2].startswith(READING):
            raise _wrong(f"{arn} is not supported.")
        if not isinstance(_json(target.get("Input", "{}")), dict):
            raise _wrong("Invalid RequestJson provided. Reason: The Input must be a JSON object.")
        return
    kind = arn.split(":")[2] if _ARN.fullmatch(arn) else ""
    if kind not in CALLS:
        raise _wrong("Provided Arn is not in correct format.")
    member = NEEDED.get(kind)
    if member is not None and member not in target:
        raise _wrong(f"Parameter {member} must be specified for target {arn}.")
    if kind == "events" and not isinstance(_json(target.get("Input", "{}")), dict):
        raise _wrong("Invalid Input provided. Reason: The Input of an event bus must be a JSON object.")


def _wrong(sentence: str) -> Fault:
    return fault("ValidationException", sentence)


def _json(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return None


def call_of(target: dict[str, Any], text: str, endpoint_url: str) -> Call:
    """The one AWS call that the target means. `text` is its input."""
    universal = _UNIVERSAL.fullmatch(target["Arn"])
    if universal is None:
        return CALLS[target["Arn"].split(":")[2]](target, text, endpoint_url)
    operation = _operation(universal[1], universal[2])
    params = _json(text)
    if operation is None or not isinstance(params, dict):
        raise _wrong("Invalid RequestJson provided.")
    shape = operation.input
    return Call(operation.service.name, operation.snake_name, {} if shape is None else _structure(shape, params))


# -- universal targets -------------------------------------------------------------------------------------------------


@lru_cache(1024)
def _operation(service: str, action: str) -> Operation | None:
    for name in dict.fromkeys((SDK_NAMES.get(service, service), service)):
        try:
            model = service_model(_directory(name))
        except KeyError:
            continue
        return model.operations.get(action[:1].upper() + action[1:])
    return None


@lru_cache(1024)
def _directory(service: str) -> str:
    """`redshiftdata` is `redshift-data`: the SDK's names have no hyphens."""
    return _directories().get(service, service)


@cache
def _directories() -> dict[str, str]:
    return {path.name.replace("-", ""): path.name for path in data_folder().iterdir() if path.is_dir()}


def _value(shape: Shape, value: Any) -> Any:
    """JSON's value as the operation takes it: blobs as bytes, moments as moments."""
    match shape.type:
        case "structure" if isinstance(value, dict):
            return _structure(shape, value)
        case "list" if isinstance(value, list):
            return [_value(shape.element.shape, each) for each in value]
        case "map" if isinstance(value, dict):
            return {key: _value(shape.value.shape, each) for key, each in value.items()}
        case "blob" if isinstance(value, str):
            return _blob(value)
        case "timestamp":
            return _moment(value)
        case _:
            return value


def _structure(shape: Shape, value: dict[str, Any]) -> Params:
    members = shape.members
    return {name: _value(members[name].shape, each) if name in members else each for name, each in value.items()}


def _blob(text: str) -> bytes:
    """Base64 where it is such, else the text itself."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return text.encode()


def _moment(value: Any) -> Any:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return datetime.fromtimestamp(value, UTC)
    try:
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return value
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


# -- the targets that are known by their ARN ---------------------------------------------------------------------------


def _name(arn: str) -> str:
    return arn.split(":", 5)[5].rpartition("/")[2]


def _lambda(target: dict[str, Any], text: str, endpoint_url: str) -> Call:
    return Call("lambda", "invoke", {"FunctionName": target["Arn"], "InvocationType": "Event", "Payload": text.encode()})


def _firehose(target: dict[str, Any], text: str, endpoint_url: str) -> Call:
    return Call("firehose", "put_record", {"DeliveryStreamName": _name(target["Arn"]), "Record": {"Data": text.encode()}})


def _events(target: dict[str, Any], text: str, endpoint_url: str) -> Call:
    entry = {"EventBusName": target["Arn"], "Detail": text} | target["EventBridgeParameters"]
    return Call("events", "put_events", {"Entries": [entry]})


def _sqs(target: dict[str, Any], text: str, endpoint_url: str) -> Call:
    _, _, _, _, account, name = target["Arn"].split(":", 5)
    params = {"QueueUrl": f"{endpoint_url}/{account}/{name}", "MessageBody": text}
    return Call("sqs", "send_message", params | target.get("SqsParameters", {}))


def _sns(target: dict[str, Any], text: str, endpoint_url: str) -> Call:
    return Call("sns", "publish", {"TopicArn": target["Arn"], "Message": text})


def _kinesis(target: dict[str, Any], text: str, endpoint_url: str) -> Call:
    key = target["KinesisParameters"]["PartitionKey"]
    return Call("kinesis", "put_record", {"StreamName": _name(target["Arn"]), "Data": text.encode(), "PartitionKey": key})


def _states(target: dict[str, Any], text: str, endpoint_url: str) -> Call:
    return Call("stepfunctions", "start_execution", {"stateMachineArn": target["Arn"], "input": text})


def _codebuild(target: dict[str, Any], text: str, endpoint_url: str) -> Call:
    return Call("codebuild", "start_build", {"projectName": _name(target["Arn"])})


def _codepipeline(target: dict[str, Any], text: str, endpoint_url: str) -> Call:
    return Call("codepipeline", "start_pipeline_execution", {"name": target["Arn"].rpartition(":")[2]})


def _ecs(target: dict[str, Any], text: str, endpoint_url: str) -> Call:
    options = target["EcsParameters"]
    params: Params = {"cluster": target["Arn"], "taskDefinition": options["TaskDefinitionArn"], "count": options.get("TaskCount", 1)}
    for member in ("LaunchType", "PlatformVersion", "Group", "ReferenceId"):
        if member in options:
            params[member[:1].lower() + member[1:]] = options[member]
    network = options.get("NetworkConfiguration", {}).get("awsvpcConfiguration")
    if network is not None:
        spelled = {name[:1].lower() + name[1:]: value for name, value in network.items()}
        params["networkConfiguration"] = {"awsvpcConfiguration": spelled}
    if "Input" in target:
        params["overrides"] = _json(text)
    return Call("ecs", "run_task", params)


NEEDED: Final = {"events": "EventBridgeParameters", "kinesis": "KinesisParameters", "ecs": "EcsParameters"}
CALLS: Final[dict[str, Callable[[dict[str, Any], str, str], Call]]] = {
    "lambda": _lambda,
    "firehose": _firehose,
    "events": _events,
    "sqs": _sqs,
    "sns": _sns,
    "kinesis": _kinesis,
    "states": _states,
    "ecs": _ecs,
    "codebuild": _codebuild,
    "codepipeline": _codepipeline,
}
