"""How each kind of target is called: a small table from the service in its ARN to one in-process AWS call.

Lambda, SQS, SNS and CloudWatch Logs let EventBridge in by their own policies; the others, and any target that names a role, are called
under that role. A service whose room is not built refuses, which is a failed invocation.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from headwater.aws.faults import Fault, fault
from headwater.kernel.context import Context
from headwater.kernel.identity import root_of
from headwater.kernel.service import room

from .api_destinations import _call_endpoint, is_api_destination
from .finding import place_of_arn
from .model import Rule
from .transforming import at_path

if TYPE_CHECKING:
    from headwater.kernel.client import Client

Params = dict[str, Any]


class Failure(NamedTuple):
    code: str
    message: str
    is_final: bool
    wait_s: float = 0.0  # how long the target wants to be left in peace at least


class Invocation(NamedTuple):
    rule: Rule
    target: dict[str, Any]
    event: bytes
    payload: bytes
    is_relayed: bool
    has_place: bool = False  # among those that may call an API destination now

    @property
    def arn(self) -> str:
        return str(self.target["Arn"])

    @property
    def name(self) -> str:
        """The last of the ARN: `stream/NAME`, `NAME`."""
        return self.arn.split(":", 5)[5].rpartition("/")[2]

    @property
    def text(self) -> str:
        return self.payload.decode()

    def options(self, member: str) -> dict[str, Any]:
        found: dict[str, Any] = self.target.get(member, {})
        return found


class Call(NamedTuple):
    service: str
    operation: str
    params: Params


def queue_url(ctx: Context, arn: str) -> str:
    _, _, _, _, account, name = arn.split(":", 5)
    return f"{ctx.home.endpoint_url}/{account}/{name}"


async def _invoke(ctx: Context, invocation: Invocation) -> None:
    """Raises the target's refusal."""
    kind = invocation.arn.split(":")[2]
    if kind == "events" and is_api_destination(invocation.arn):
        await _call_endpoint(ctx, invocation, has_place=invocation.has_place)
    elif kind == "events":
        await _relay(ctx, invocation)
    elif kind == "logs":
        await _write_log(ctx, invocation)
    else:
        build = CALLS.get(kind)
        if build is None:
            raise fault("NotImplemented", f"Headwater's EventBridge cannot call {kind} yet.")
        call = build(ctx, invocation)
        client = _client(ctx, invocation, call.service)
        await getattr(client, call.operation)(**call.params)


def _client(ctx: Context, invocation: Invocation, service: str) -> Client:
    region = invocation.arn.split(":")[3] or ctx.region
    role = invocation.target.get("RoleArn")
    if role is not None and service != "lambda":
        return ctx.client(service, role=role, session_name=uuid.uuid4().hex, region=region, source_arn=invocation.rule.arn)
    return ctx.client(service, service_principal="events", source_arn=invocation.rule.arn, region=region)


# -- the table ---------------------------------------------------------------------------------------------------------


def _lambda(ctx: Context, invocation: Invocation) -> Call:
    return Call("lambda", "invoke", {"FunctionName": invocation.arn, "InvocationType": "Event", "Payload": invocation.payload})


def _firehose(ctx: Context, invocation: Invocation) -> Call:
    return Call("firehose", "put_record", {"DeliveryStreamName": invocation.name, "Record": {"Data": invocation.payload}})


def _sqs(ctx: Context, invocation: Invocation) -> Call:
    params = {"QueueUrl": queue_url(ctx, invocation.arn), "MessageBody": invocation.text}
    return Call("sqs", "send_message", params | invocation.options("SqsParameters"))


def _sns(ctx: Context, invocation: Invocation) -> Call:
    return Call("sns", "publish", {"TopicArn": invocation.arn, "Message": invocation.text})


def _kinesis(ctx: Context, invocation: Invocation) -> Call:
    event = msgspec.json.decode(invocation.event)
    path = invocation.options("KinesisParameters").get("PartitionKeyPath")
    key = event["id"] if path is None else at_path(event, path)
    params = {"StreamName": invocation.name, "Data": invocation.payload, "PartitionKey": key if isinstance(key, str) else event["id"]}
    return Call("kinesis", "put_record", params)


def _states(ctx: Context, invocation: Invocation) -> Call:
    return Call("stepfunctions", "start_execution", {"stateMachineArn": invocation.arn, "input": invocation.text})


def _ecs(ctx: Context, invocation: Invocation) -> Call:
    options = invocation.options("EcsParameters")
    params: Params = {"cluster": invocation.arn, "taskDefinition": options.get("TaskDefinitionArn"), "count": options.get("TaskCount", 1)}
    for member, name in (
        ("LaunchType", "launchType"),
        ("PlatformVersion", "platformVersion"),
        ("Group", "group"),
        ("ReferenceId", "referenceId"),
    ):
        if member in options:
            params[name] = options[member]
    network = options.get("NetworkConfiguration", {}).get("awsvpcConfiguration")
    if network is not None:
        spelled = {name[:1].lower() + name[1:]: value for name, value in network.items()}
        params["networkConfiguration"] = {"awsvpcConfiguration": spelled}
    if "Input" in invocation.target or "InputTransformer" in invocation.target:
        params["overrides"] = msgspec.json.decode(invocation.payload)
    return Call("ecs", "run_task", params)


def _batch(ctx: Context, invocation: Invocation) -> Call:
    options = invocation.options("BatchParameters")
    params = {"jobQueue": invocation.arn, "jobDefinition": options.get("JobDefinition"), "jobName": options.get("JobName")}
    return Call("batch", "submit_job", params)


def _codebuild(ctx: Context, invocation: Invocation) -> Call:
    return Call("codebuild", "start_build", {"projectName": invocation.name})


def _codepipeline(ctx: Context, invocation: Invocation) -> Call:
    return Call("codepipeline", "start_pipeline_execution", {"name": invocation.name})


def _redshift(ctx: Context, invocation: Invocation) -> Call:
    options = invocation.options("RedshiftDataParameters")
    params: Params = {"ClusterIdentifier": invocation.arn.rpartition(":")[2], "Database": options.get("Database")}
    for member, name in (
        ("DbUser", "DbUser"),
        ("SecretManagerArn", "SecretArn"),
        ("StatementName", "StatementName"),
        ("WithEvent", "WithEvent"),
    ):
        if member in options:
            params[name] = options[member]
    if "Sqls" in options:
        return Call("redshift-data", "batch_execute_statement", params | {"Sqls": options["Sqls"]})
    return Call("redshift-data", "execute_statement", params | {"Sql": options.get("Sql")})


CALLS: Final[dict[str, Callable[[Context, Invocation], Call]]] = {
    "lambda": _lambda,
    "firehose": _firehose,
    "sqs": _sqs,
    "sns": _sns,
    "kinesis": _kinesis,
    "states": _states,
    "ecs": _ecs,
    "batch": _batch,
    "codebuild": _codebuild,
    "codepipeline": _codepipeline,
    "redshift": _redshift,
}


# -- those that are more than one call ---------------------------------------------------------------------------------


async def _write_log(ctx: Context, invocation: Invocation) -> None:
    """One stream a rule, made when it is first written to."""
    group = invocation.arn.split(":log-group:", 1)[1].removesuffix(":*")
    stream = str(uuid.uuid3(uuid.NAMESPACE_URL, invocation.rule.arn))
    at = ctx.clock.now()
    entry = {"timestamp": int(at.timestamp() * 1000), "message": invocation.text}
    client = _client(ctx, invocation, "logs")
    try:
        await client.put_log_events(logGroupName=group, logStreamName=stream, logEvents=[entry])
    except Fault as refusal:
        if refusal.code != "ResourceNotFoundException" or "stream" not in refusal.message:
            raise
        await client.create_log_stream(logGroupName=group, logStreamName=stream)
        await client.put_log_events(logGroupName=group, logStreamName=stream, logEvents=[entry])


async def _relay(ctx: Context, invocation: Invocation) -> None:
    """To another bus, which sees whose event it was. From there it goes to no third one."""
    from .delivery import accept

    place = place_of_arn(invocation.arn)
    if place is None:
        raise fault("ValidationException", f"{invocation.arn} is no event bus.")
    if invocation.is_relayed:
        raise fault("AccessDeniedException", "An event that came from another event bus cannot be sent to a third one.")
    event = msgspec.json.decode(invocation.event)
    await _authorize(ctx, invocation, place, event)
    if place[1] != invocation.rule.region:
        event["id"] = ctx.new_id()  # as recorded: another region names it anew
    await accept(ctx.home, place, event, is_relayed=True).keep(ctx.store)


async def _authorize(ctx: Context, invocation: Invocation, place: tuple[str, str, str], event: dict[str, Any]) -> None:
    """The role may put events there; without a role the account itself puts them, which another account's bus must allow."""
    authorization, role, rule = ctx.home.authorization, invocation.target.get("RoleArn"), invocation.rule
    if role is None:
        principal = root_of(rule.account)
    else:
        if not await authorization.trusts(role, "events", source_arn=rule.arn, region=rule.region):
            raise fault("AccessDenied", f"events is not authorized to perform: sts:AssumeRole on resource: {role}")
        principal = await authorization.session_of(role, uuid.uuid4().hex)
    caller = Context(ctx.home, account=rule.account, region=place[1], principal=principal, service="events", source_arn=rule.arn)
    entry = {"Source": event["source"], "DetailType": event["detail-type"], "Detail": "{}", "EventBusName": invocation.arn}
    await authorization.authorize(caller, room("events").model.operations["PutEvents"], {"Entries": [entry]})
