"""Streams: create, describe, list, delete, change the destination, tags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from headwater.aws.faults import fault
from headwater.kernel.permissions import requires

from . import destination
from .arns import PRINCIPAL, STREAM, roles_given, roles_passed
from .buffers import buffers_of
from .delivery import SweepDue
from .model import DESTINATION_ID, STREAMS_MAX, TAGS_MAX, Stream, describe, no_such_stream, streams

if TYPE_CHECKING:
    from headwater.kernel.context import Context

LISTED: Final = 10
S3_CONFIGURATIONS: Final = ("ExtendedS3DestinationConfiguration", "S3DestinationConfiguration")
UNBUILT_SOURCES: Final = (
    "DirectPutSourceConfiguration",
    "KinesisStreamSourceConfiguration",
    "MSKSourceConfiguration",
    "DatabaseSourceConfiguration",
    "DeliveryStreamEncryptionConfigurationInput",
)


def find(ctx: Context, name: str) -> Stream:
    stream = ctx.store.get(streams, ctx.account, ctx.region, name)
    if stream is None:
        raise no_such_stream(ctx.account, name)
    return stream


@requires("firehose:CreateDeliveryStream", STREAM)
@requires("firehose:TagDeliveryStream", STREAM, when="Tags")
@requires("iam:PassRole", roles_passed, passed_to=PRINCIPAL)
async def create_delivery_stream(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Make a stream; it is ACTIVE at once."""
    name = request["DeliveryStreamName"]
    kind = request.get("DeliveryStreamType", "DirectPut")
    if kind != "DirectPut":
        raise destination.not_built(f"DeliveryStreamType {kind}")
    for member in UNBUILT_SOURCES:
        if member in request:
            raise destination.not_built(member)
    target = destination.parsed(_only_destination(request))
    if ctx.store.get(streams, ctx.account, ctx.region, name) is not None:
        raise fault("ResourceInUseException", f"Firehose {name} under accountId {ctx.account} already exists")
    if len(ctx.store.scan(streams, ctx.account, ctx.region)) >= STREAMS_MAX:
        raise fault("LimitExceededException", f"You have reached the limit of {STREAMS_MAX} Firehose streams in this region.")

    stream = Stream(
        account=ctx.account,
        region=ctx.region,
        name=name,
        stream_id=ctx.new_id().replace("-", ""),
        arn=ctx.arn("firehose", f"deliverystream/{name}"),
        version=1,
        created_at=ctx.clock.now(),
        updated_at=None,
        destination=target,
        tags=_tagged({}, request.get("Tags", [])),
    )
    await _check_roles(ctx, stream.arn, roles_given(ctx, request))
    async with ctx.store.transaction() as tx:
        tx.put(streams, stream)
    return {"DeliveryStreamARN": stream.arn}


async def _check_roles(ctx: Context, arn: str, roles: list[str]) -> None:
    for role in roles:
        if role.split(":")[4:5] != [ctx.account]:
            raise fault("AccessDeniedException", "Cross-account pass role is not allowed.")
        if not await ctx.home.authorization.trusts(role, "firehose", source_arn=arn, region=ctx.region):
            sentence = f"Firehose is unable to assume role {role}. Please check the role provided."
            raise fault("InvalidArgumentException", sentence)


def _only_destination(request: dict[str, Any]) -> dict[str, Any]:
    given = [member for member in request if member.endswith("DestinationConfiguration")]
    if len(given) != 1:
        raise fault("InvalidArgumentException", "Exactly one destination configuration is supported for a Firehose")
    if given[0] not in S3_CONFIGURATIONS:
        raise destination.not_built(given[0])
    configuration: dict[str, Any] = request[given[0]]
    return configuration


@requires("firehose:DescribeDeliveryStream", STREAM)
async def describe_delivery_stream(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """A stream has one destination: a page that begins behind it is empty."""
    description = describe(find(ctx, request["DeliveryStreamName"]))
    if request.get("ExclusiveStartDestinationId", "") >= DESTINATION_ID:
        description["Destinations"] = []
    return {"DeliveryStreamDescription": description}


@requires("firehose:ListDeliveryStreams")
async def list_delivery_streams(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Names in alphabetical order."""
    start = request.get("ExclusiveStartDeliveryStreamName", "")
    wanted = request.get("DeliveryStreamType", "DirectPut") == "DirectPut"
    names = [stream.name for stream in ctx.store.scan(streams, ctx.account, ctx.region) if stream.name > start] if wanted else []
    limit = request.get("Limit", LISTED)
    return {"DeliveryStreamNames": names[:limit], "HasMoreDeliveryStreams": len(names) > limit}


@requires("firehose:DeleteDeliveryStream", STREAM)
async def delete_delivery_stream(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Delete a stream, and with it what it has not delivered, as AWS says it may."""
    stream = find(ctx, request["DeliveryStreamName"])
    sweep = SweepDue(account=stream.account, region=stream.region, subject=stream.stream_id, at=ctx.clock.now())
    buffers_of(ctx.home).forget(stream.stream_id)
    async with ctx.store.transaction() as tx:
        tx.delete(streams, stream.account, stream.region, stream.name)
        tx.owe(sweep)
    return {}


@requires("firehose:UpdateDestination", STREAM)
@requires("iam:PassRole", roles_passed, passed_to=PRINCIPAL)
async def update_destination(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Change where the stream delivers from now on; what is already sealed keeps the name it was given."""
    name = request["DeliveryStreamName"]
    stream = find(ctx, name)
    given = request["CurrentDeliveryStreamVersionId"]
    if given != str(stream.version):
        sentence = (
            f"Cannot update firehose: {name} since the current version id: {stream.version} and specified version id: {given} do not match"
        )
        raise fault("ConcurrentModificationException", sentence)
    if request["DestinationId"] != DESTINATION_ID:
        raise fault("InvalidArgumentException", f"Destination Id {request['DestinationId']} not found")
    updates = [member for member in request if member.endswith("DestinationUpdate")]
    if len(updates) != 1:
        raise fault("InvalidArgumentException", "Exactly one destination configuration is supported for a Firehose")
    if updates[0] not in {"ExtendedS3DestinationUpdate", "S3DestinationUpdate"}:
        raise destination.not_built(updates[0])

    target = destination.updated(stream.destination, request[updates[0]])
    await _check_roles(ctx, stream.arn, roles_given(ctx, request))
    changed = msgspec.structs.replace(stream, destination=target, version=stream.version + 1, updated_at=ctx.clock.now())
    async with ctx.store.transaction() as tx:
        tx.put(streams, changed)
    return {}


def _tagged(tags: dict[str, str], added: list[dict[str, str]]) -> dict[str, str]:
    tags = tags | {tag["Key"]: tag.get("Value", "") for tag in added}
    if any(key.lower().startswith("aws:") for key in tags):
        raise fault("InvalidArgumentException", "Tag keys starting with 'aws:' are reserved for system use")
    if len(tags) > TAGS_MAX:
        raise fault("LimitExceededException", f"A Firehose stream cannot have more than {TAGS_MAX} tags.")
    return tags


@requires("firehose:TagDeliveryStream", STREAM)
async def tag_delivery_stream(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Add tags, or overwrite their values."""
    stream = find(ctx, request["DeliveryStreamName"])
    async with ctx.store.transaction() as tx:
        tx.put(streams, msgspec.structs.replace(stream, tags=_tagged(stream.tags, request["Tags"])))
    return {}


@requires("firehose:UntagDeliveryStream", STREAM)
async def untag_delivery_stream(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Take tags off; keys that are not there are no error."""
    stream = find(ctx, request["DeliveryStreamName"])
    left = {key: value for key, value in stream.tags.items() if key not in request["TagKeys"]}
    async with ctx.store.transaction() as tx:
        tx.put(streams, msgspec.structs.replace(stream, tags=left))
    return {}


@requires("firehose:ListTagsForDeliveryStream", STREAM)
async def list_tags_for_delivery_stream(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Tags in the order of their keys."""
    stream = find(ctx, request["DeliveryStreamName"])
    start = request.get("ExclusiveStartTagKey", "")
    tags = [{"Key": key, "Value": value} for key, value in sorted(stream.tags.items()) if key > start]
    limit = request.get("Limit", TAGS_MAX)
    return {"Tags": tags[:limit], "HasMoreTags": len(tags) > limit}
