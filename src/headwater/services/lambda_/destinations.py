"""Who hears of the end of an asynchronous invocation: a destination, or a dead-letter queue.

A destination gets a record of the whole invocation, a dead-letter queue only the event. Both are told under the function's
role. A room that this Headwater has not built yet, or one that refuses, is said in the function's own log: on AWS it would be
the metric DestinationDeliveryFailures.
Source: docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html, recordings of TestLambdaDestinationSqs.
"""

import uuid
from typing import TYPE_CHECKING, Any

import msgspec

from headwater.aws.faults import Fault
from headwater.kernel.client import Client

from .fleet import fleet_of, version_of
from .invocation import Outcome, Pending, stream_name
from .model import LATEST, Version, timestamp
from .roles import client_under
from .shipping import Stream

if TYPE_CHECKING:
    from headwater.kernel.home import Home


async def _deliver(home: "Home", pending: Pending, outcome: Outcome | None, condition: str, destination: str | None) -> None:
    """Tell the destination, or (where that is None) the version's dead-letter queue. Never raises: a refusal is logged."""
    version = version_of(home.store, pending.key[:3], pending.qualifier)
    if version is None:
        return
    target = destination or version.dead_letter_arn
    assert target is not None
    try:
        room = target.split(":")[2]
        client = client_under(home, version, room)
        if destination is not None:
            record = record_of(pending, outcome, condition, timestamp(home.clock.now()), version)
            await _send(client, room, target, msgspec.json.encode(record))
        else:
            await _send(client, room, target, pending.payload, attributes_of(pending, outcome))
    except Fault as refusal:
        what = f"HEADWATER event {pending.request_id} ({condition}) could not be told to {target}: {refusal.code}: {refusal.message}"
        _say(home, version, what)


async def _send(client: Client, room: str, target: str, body: bytes, attributes: dict[str, Any] | None = None) -> None:
    text = body.decode("utf-8", "replace")
    match room:
        case "lambda":
            await client.invoke(FunctionName=target, InvocationType="Event", Payload=body)
        case "sqs":
            _, _, _, _, account, name = target.split(":", 5)
            url = await client.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=account)
            more = {"MessageAttributes": attributes} if attributes else {}
            await client.send_message(QueueUrl=url["QueueUrl"], MessageBody=text, **more)
        case "sns":
            more = {"MessageAttributes": attributes} if attributes else {}
            await client.publish(TopicArn=target, Message=text, **more)
        case "events":
            await client.put_events(Entries=[entry_of(target, text)])
        case _:
            raise Fault("NotImplemented", f"{room} cannot be told")


def record_of(pending: Pending, outcome: Outcome | None, condition: str, now: str, version: Version) -> dict[str, Any]:
    """The invocation record, as AWS sends it."""
    record: dict[str, Any] = {
        "version": "1.0",
        "timestamp": now.replace("+0000", "Z"),
        "requestContext": {
            "requestId": pending.request_id,
            "functionArn": f"{pending.function_arn}:{pending.qualifier or LATEST}",
            "condition": condition,
            "approximateInvokeCount": pending.attempts + (1 if condition == "Success" else 0),
        },
        "requestPayload": msgspec.Raw(pending.payload),
    }
    if outcome is not None:
        context: dict[str, Any] = {"statusCode": 200, "executedVersion": version.version}
        if outcome.error is not None:
            context["functionError"] = outcome.error
        record |= {"responseContext": context, "responsePayload": msgspec.Raw(outcome.payload or b"null")}
    return record


def entry_of(bus: str, record: str) -> dict[str, Any]:
    """The record as an event (recordings, TestLambdaDestinationEventbridge): it is about the bus and about the function."""
    context = msgspec.json.decode(record)["requestContext"]
    return {
        "Source": "lambda",
        "DetailType": f"Lambda Function Invocation Result - {'Success' if context['condition'] == 'Success' else 'Failure'}",
        "Resources": [bus, context["functionArn"]],
        "Detail": record,
        "EventBusName": bus,
    }


def attributes_of(pending: Pending, outcome: Outcome | None) -> dict[str, Any]:
    """Of the error only its sentence, as far as it is one (recordings, TestLambdaDLQ)."""
    message = "" if outcome is None else sentence_of(outcome.payload)
    return {
        "RequestID": {"DataType": "String", "StringValue": pending.request_id},
        "ErrorCode": {"DataType": "Number", "StringValue": "429" if outcome is None else "200"},
        "ErrorMessage": {"DataType": "String", "StringValue": message[:1024] or "Rate Exceeded."},
    }


def sentence_of(error: bytes) -> str:
    """The errorMessage of what a run ended with; all of it where a function's own runtime said something else."""
    try:
        said = msgspec.json.decode(error)
    except msgspec.DecodeError:
        said = None
    if isinstance(said, dict) and isinstance(said.get("errorMessage"), str):
        return str(said["errorMessage"])
    return error.decode("utf-8", "replace")


def _say(home: "Home", version: Version, sentence: str) -> None:
    name = stream_name(home.clock.now(), version.version, uuid.uuid4().hex)
    Stream(fleet_of(home).shipper, client_under(home, version, "logs"), version.log_group, name).write(home.clock.now(), sentence)
