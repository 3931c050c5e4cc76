"""Log groups: made, listed, kept for so many days, tagged, deleted."""

from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from headwater.aws.faults import fault
from headwater.kernel.context import Context
from headwater.kernel.jobs import Job, handles
from headwater.kernel.permissions import requires

from .arns import ALL_GROUPS, group_arn
from .filters import METRIC_FILTERS, SUBSCRIPTIONS, metric_filters_of, subscriptions_of
from .model import BATCHES, DAY_MS, GROUPS, STREAMS, LogGroup, batch_key, describe_group, invalid, no_such_group

PAGE: Final = 50
ROWS: Final = 500
RETENTIONS: Final = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)
TAGS_MAX: Final = 50
NOT_BY_PATTERN: Final = {"storedBytes", "retentionInDays", "kmsKeyId"}

Parameters = dict[str, Any]


class Dropped(Job, frozen=True, kw_only=True, tag="logs/dropped/1"):
    """Streams that were deleted, whose events are still on the disk."""

    streams: list[str]


class Expiry(Job, frozen=True, kw_only=True, tag="logs/expiry/1"):
    """Once a day: what a group's retention no longer keeps leaves the disk. `subject` is the group."""


@requires("logs:CreateLogGroup", group_arn)
async def create_log_group(ctx: Context, request: Parameters) -> None:
    name = request["logGroupName"]
    if ctx.store.get(GROUPS, ctx.account, ctx.region, name) is not None:
        raise fault("ResourceAlreadyExistsException", "The specified log group already exists")
    group = LogGroup(
        account=ctx.account,
        region=ctx.region,
        name=name,
        created_ms=milliseconds(ctx.clock.now()),
        group_class=request.get("logGroupClass", "STANDARD"),
        kms_key=request.get("kmsKeyId"),
        tags=request.get("tags", {}),
    )
    async with ctx.store.transaction() as tx:
        tx.put(GROUPS, group)


@requires("logs:DeleteLogGroup", group_arn)
async def delete_log_group(ctx: Context, request: Parameters) -> None:
    group = find_group(ctx, request["logGroupName"])
    streams = ctx.store.scan(STREAMS, ctx.account, ctx.region, group.name)
    metric_filters, subscriptions = metric_filters_of(ctx, group.name), subscriptions_of(ctx, group.name)
    async with ctx.store.transaction() as tx:
        tx.delete(GROUPS, ctx.account, ctx.region, group.name)
        for metric_filter in metric_filters:
            tx.delete(METRIC_FILTERS, *METRIC_FILTERS.key(metric_filter))
        for subscription in subscriptions:
            tx.delete(SUBSCRIPTIONS, *SUBSCRIPTIONS.key(subscription))
        for stream in streams:
            tx.delete(STREAMS, ctx.account, ctx.region, group.name, stream.name)
        if streams:
            tx.owe(dropped(ctx, group.name, [stream.id for stream in streams]))


@requires("logs:DescribeLogGroups", ALL_GROUPS)
async def describe_log_groups(ctx: Context, request: Parameters) -> Parameters:
    prefix, pattern = request.get("logGroupNamePrefix"), request.get("logGroupNamePattern")
    if prefix is not None and pattern is not None:
        raise invalid("LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.")
    groups = [
        group
        for group in ctx.store.scan(GROUPS, ctx.account, ctx.region)
        if group.name.startswith(prefix or "")
        and (pattern is None or pattern.lower() in group.name.lower())
        and request.get("logGroupClass", group.group_class) == group.group_class
    ]
    shown, token = page(groups, request, lambda group: group.name)
    described = [describe_group(group, stored_bytes(ctx, group), len(metric_filters_of(ctx, group.name))) for group in shown]
    if pattern is not None:  # AWS says less of what a pattern finds (TestLogsGroups::test_describe_log_groups_with_pattern)
        described = [{name: said for name, said in group.items() if name not in NOT_BY_PATTERN} for group in described]
    return {"logGroups": described, "nextToken": token}


@requires("logs:ListLogGroups", ALL_GROUPS)
async def list_log_groups(ctx: Context, request: Parameters) -> Parameters:
    parts = request.get("logGroupNamePattern", "").split("|")  # AWS's small language: alternatives, and ^ for the beginning
    groups = [
        group
        for group in ctx.store.scan(GROUPS, ctx.account, ctx.region)
        if any(group.name.startswith(part[1:]) if part.startswith("^") else part in group.name for part in parts)
    ]
    shown, token = page(groups, request, lambda group: group.name)
    described = [{"logGroupName": group.name, "logGroupArn": group.arn, "logGroupClass": group.group_class} for group in shown]
    return {"logGroups": described, "nextToken": token}


@requires("logs:PutRetentionPolicy", group_arn)
async def put_retention_policy(ctx: Context, request: Parameters) -> None:
    group = find_group(ctx, request["logGroupName"])
    days = request["retentionInDays"]
    if days not in RETENTIONS:
        raise invalid(
            f"1 validation error detected: Value '{days}' at 'retentionInDays' failed to satisfy constraint: Member must satisfy enum"
            f" value set: [{', '.join(map(str, RETENTIONS))}]"
        )
    async with ctx.store.transaction() as tx:
        tx.put(GROUPS, msgspec.structs.replace(group, retention_days=days))
        tx.owe(expiry(ctx, group.name, ctx.clock.now() + timedelta(days=1)))


@requires("logs:DeleteRetentionPolicy", group_arn)
async def delete_retention_policy(ctx: Context, request: Parameters) -> None:
    group = find_group(ctx, request["logGroupName"])
    async with ctx.store.transaction() as tx:
        tx.put(GROUPS, msgspec.structs.replace(group, retention_days=None))


@requires("logs:TagLogGroup", group_arn)
async def tag_log_group(ctx: Context, request: Parameters) -> None:
    await _retag(ctx, find_group(ctx, request["logGroupName"]), request["tags"], [])


@requires("logs:UntagLogGroup", group_arn)
async def untag_log_group(ctx: Context, request: Parameters) -> None:
    await _retag(ctx, find_group(ctx, request["logGroupName"]), {}, request["tags"])


@requires("logs:ListTagsLogGroup", group_arn)
async def list_tags_log_group(ctx: Context, request: Parameters) -> Parameters:
    return {"tags": find_group(ctx, request["logGroupName"]).tags}


@requires("logs:TagResource", "{resourceArn}")
async def tag_resource(ctx: Context, request: Parameters) -> None:
    await _retag(ctx, _by_arn(ctx, request["resourceArn"]), request["tags"], [])


@requires("logs:UntagResource", "{resourceArn}")
async def untag_resource(ctx: Context, request: Parameters) -> None:
    await _retag(ctx, _by_arn(ctx, request["resourceArn"]), {}, request["tagKeys"])


@requires("logs:ListTagsForResource", "{resourceArn}")
async def list_tags_for_resource(ctx: Context, request: Parameters) -> Parameters:
    return {"tags": _by_arn(ctx, request["resourceArn"]).tags}


@handles(Dropped)
async def _drop(ctx: Context, due: Dropped) -> None:
    for stream in due.streams:
        while rows := await ctx.store.range(BATCHES, due.account, due.region, stream, limit=ROWS):
            async with ctx.store.transaction() as tx:
                for batch in rows:
                    tx.delete(BATCHES, due.account, due.region, stream, batch_key(batch.first_ms, batch.number))


@handles(Expiry)
async def _expire(ctx: Context, due: Expiry) -> None:
    group = ctx.store.get(GROUPS, due.account, due.region, due.subject)
    if group is None or group.retention_days is None:
        return
    before = milliseconds(ctx.clock.now()) - group.retention_days * DAY_MS
    for stream in ctx.store.scan(STREAMS, due.account, due.region, group.name):
        after = None
        while rows := await ctx.store.range(BATCHES, due.account, due.region, stream.id, after=after, limit=ROWS):
            async with ctx.store.transaction() as tx:
                for batch in rows:
                    if batch.events[-1][0] < before:
                        tx.delete(BATCHES, due.account, due.region, stream.id, batch_key(batch.first_ms, batch.number))
            after = batch_key(rows[-1].first_ms, rows[-1].number)
            if rows[-1].first_ms >= before:
                break
    async with ctx.store.transaction() as tx:
        tx.owe(expiry(ctx, group.name, max(due.at, ctx.clock.now() - timedelta(days=1)) + timedelta(days=1)))


# What operations on groups share.


def find_group(ctx: Context, name_or_arn: str | None) -> LogGroup:
    group = ctx.store.get(GROUPS, ctx.account, ctx.region, name_of_group(ctx, name_or_arn or ""))
    if group is None:
        raise no_such_group()
    return group


def name_of_group(ctx: Context, name_or_arn: str) -> str:
    """The name; an ARN must be of the caller's account and region, since what it says was decided on."""
    if not name_or_arn.startswith("arn:"):
        return name_or_arn
    head, found, name = name_or_arn.partition(":log-group:")
    if not found or head.split(":")[3:] != [ctx.region, ctx.account]:
        raise no_such_group()
    return name.removesuffix(":*")


def asked_group(ctx: Context, request: Parameters) -> LogGroup:
    """The group of a request that may name it in two ways."""
    if ("logGroupName" in request) == ("logGroupIdentifier" in request):
        raise invalid("Exactly one of logGroupName or logGroupIdentifier must be provided.")
    return find_group(ctx, request.get("logGroupName") or request.get("logGroupIdentifier"))


def page(items: list[Any], request: Parameters, name_of: Any) -> tuple[list[Any], str | None]:
    """One page of items that stand in the order of their names, and the token for the next."""
    token = request.get("nextToken")
    if token is not None:
        items = [item for item in items if name_of(item) > token]
    limit = request.get("limit", PAGE)
    return items[:limit], name_of(items[limit - 1]) if len(items) > limit else None


def stored_bytes(ctx: Context, group: LogGroup) -> int:
    return sum(stream.bytes for stream in ctx.store.scan(STREAMS, ctx.account, ctx.region, group.name))


def milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def dropped(ctx: Context, subject: str, streams: list[str]) -> Dropped:
    return Dropped(account=ctx.account, region=ctx.region, subject=subject, at=ctx.clock.now(), streams=streams)


def expiry(ctx: Context, group: str, at: datetime) -> Expiry:
    return Expiry(account=ctx.account, region=ctx.region, subject=group, at=at)


def _by_arn(ctx: Context, arn: str) -> LogGroup:
    if ":log-group:" not in arn:
        raise invalid("Specified Resource ARN is invalid.")
    return find_group(ctx, arn)


async def _retag(ctx: Context, group: LogGroup, put: dict[str, str], remove: list[str]) -> None:
    tags = {key: value for key, value in (group.tags | put).items() if key not in remove}
    if len(tags) > TAGS_MAX:
        raise invalid(f"The maximum number of tags for a resource is {TAGS_MAX}.")
    async with ctx.store.transaction() as tx:
        tx.put(GROUPS, msgspec.structs.replace(group, tags=tags))
