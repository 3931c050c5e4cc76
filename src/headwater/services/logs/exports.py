"""Export tasks: a group's events of a time as gzip files in a bucket, a file a stream.

S3 is written to as the service `logs.REGION.amazonaws.com`, which the bucket's policy must let in, as AWS asks. One task at a time.
"""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from headwater.aws.faults import Fault, fault
from headwater.kernel.context import Context
from headwater.kernel.jobs import Job, handles
from headwater.kernel.permissions import requires
from headwater.kernel.store import Record, Table

from .arns import group_arn
from .events import Reader
from .groups import find_group, milliseconds, page
from .model import STREAMS, LogStream

Parameters = dict[str, Any]

OPEN: Final = ("PENDING", "RUNNING")
LINES: Final = 10_000
STARTS_AFTER: Final = timedelta(seconds=0.5)
"""Who asks straight after finds the task PENDING, as on AWS, where it takes minutes (recorded: TestExportTasksWithLogs)."""
TEST_OBJECT: Final = "aws-logs-write-test"


class Export(Record, frozen=True, kw_only=True):
    account: str
    region: str
    id: str
    name: str | None
    group: str
    prefix: str  # of the streams that are meant
    low_ms: int
    high_ms: int
    bucket: str
    folder: str
    created_ms: int
    status: str = "PENDING"
    message: str | None = None
    ended_ms: int | None = None


class ExportDue(Job, frozen=True, kw_only=True, tag="logs/export/1"):
    """The task `subject` is to be done."""


EXPORTS: Final = Table("logs", "exports", Export, key=lambda e: (e.account, e.region, e.id))


@requires("logs:CreateExportTask", group_arn)
async def create_export_task(ctx: Context, request: Parameters) -> Parameters:
    group = find_group(ctx, request["logGroupName"])
    if any(one.status in OPEN for one in ctx.store.scan(EXPORTS, ctx.account, ctx.region)):
        raise fault("LimitExceededException", "Resource limit exceeded.")
    now = ctx.clock.now()
    export = Export(
        account=ctx.account,
        region=ctx.region,
        id=ctx.new_id(),
        name=request.get("taskName"),
        group=group.name,
        prefix=request.get("logStreamNamePrefix", ""),
        low_ms=request["from"],
        high_ms=request["to"],
        bucket=request["destination"],
        folder=request.get("destinationPrefix", "exportedlogs"),
        created_ms=milliseconds(now),
    )
    await _try_out(ctx, export)
    async with ctx.store.transaction() as tx:
        tx.put(EXPORTS, export)
        tx.owe(ExportDue(account=ctx.account, region=ctx.region, subject=export.id, at=now + STARTS_AFTER))
    return {"taskId": export.id}


@requires("logs:DescribeExportTasks")
async def describe_export_tasks(ctx: Context, request: Parameters) -> Parameters:
    found = [
        one
        for one in ctx.store.scan(EXPORTS, ctx.account, ctx.region)
        if request.get("taskId", one.id) == one.id and request.get("statusCode", one.status) == one.status
    ]
    shown, token = page(found, request, lambda one: one.id)
    return {"exportTasks": [_describe(one) for one in shown], "nextToken": token}


@requires("logs:CancelExportTask")
async def cancel_export_task(ctx: Context, request: Parameters) -> None:
    export = ctx.store.get(EXPORTS, ctx.account, ctx.region, request["taskId"])
    if export is None:
        raise fault("ResourceNotFoundException", "The specified export task does not exist.")
    if export.status not in OPEN:
        raise fault("InvalidOperationException", "The specified export task has already finished.")
    async with ctx.store.transaction() as tx:
        tx.put(EXPORTS, msgspec.structs.replace(export, status="CANCELLED", ended_ms=milliseconds(ctx.clock.now())))


def _describe(export: Export) -> Parameters:
    info = {"creationTime": export.created_ms, "completionTime": export.ended_ms}
    return {
        "taskId": export.id,
        "taskName": export.name,
        "logGroupName": export.group,
        "from": export.low_ms,
        "to": export.high_ms,
        "destination": export.bucket,
        "destinationPrefix": export.folder,
        "status": {"code": export.status, "message": export.message},
        "executionInfo": info,
    }


async def _try_out(ctx: Context, export: Export) -> None:
    """AWS writes a small object first, and says at once where it may not."""
    try:
        await _put(ctx, export, TEST_OBJECT, b"Permission Check Successful")
    except Fault as refusal:
        may = "Please check if CloudWatch Logs has been granted permission to perform this operation."
        words = f"PutObject call on the given bucket failed. {may}"
        if refusal.code == "NoSuchBucket":
            words = "The given bucket does not exist. Please make sure the bucket exists."
        raise fault("InvalidParameterException", words) from None


async def _put(ctx: Context, export: Export, name: str, body: bytes) -> None:
    source = f"arn:aws:logs:{ctx.region}:{ctx.account}:log-group:{export.group}:*"
    s3 = ctx.client("s3", service_principal=f"logs.{ctx.region}", source_arn=source)
    await s3.put_object(Bucket=export.bucket, Key=f"{export.folder}/{name}", Body=body)


@handles(ExportDue, attempts_max=3)
async def _export(ctx: Context, due: ExportDue) -> None:
    export = ctx.store.get(EXPORTS, due.account, due.region, due.subject)
    if export is None or export.status not in OPEN:
        return
    status, message = "COMPLETED", "Completed successfully"
    try:
        for stream in ctx.store.scan(STREAMS, due.account, due.region, export.group):
            if stream.name.startswith(export.prefix):
                await _write(ctx, export, stream)
    except Fault as refusal:
        status, message = "FAILED", refusal.message
    current = ctx.store.get(EXPORTS, due.account, due.region, due.subject)
    if current is not None and current.status in OPEN:
        async with ctx.store.transaction() as tx:
            tx.put(EXPORTS, msgspec.structs.replace(current, status=status, message=message, ended_ms=milliseconds(ctx.clock.now())))


async def _write(ctx: Context, export: Export, stream: LogStream) -> None:
    """Files of so many lines: `FOLDER/TASK/STREAM/000000.gz`."""
    lines: list[str] = []
    number = 0
    async for event in Reader(ctx, stream).forward(export.low_ms, export.high_ms + 1):
        at = datetime.fromtimestamp(event.position.at_ms / 1000, UTC)
        lines.append(f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z {event.message}\n")
        if len(lines) == LINES:
            await _file(ctx, export, stream, number, lines)
            number, lines = number + 1, []
    if lines:
        await _file(ctx, export, stream, number, lines)


async def _file(ctx: Context, export: Export, stream: LogStream, number: int, lines: list[str]) -> None:
    content = gzip.compress("".join(lines).encode(), 6, mtime=0)
    await _put(ctx, export, f"{export.id}/{stream.name.replace('/', '-')}/{number:06d}.gz", content)
