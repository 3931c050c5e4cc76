"""PutRecord and PutRecordBatch: a record is in the journal before its put is answered."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from headwater.aws.faults import Fault, fault
from headwater.kernel.permissions import requires

from .arns import STREAM
from .buffers import buffers_of
from .model import no_such_stream, streams

if TYPE_CHECKING:
    from headwater.kernel.context import Context

BATCH_BYTES_MAX: Final = 4 * 1024 * 1024
SLOW_DOWN: Final = {"ErrorCode": "ServiceUnavailableException", "ErrorMessage": "Slow down."}


def slow_down() -> Fault:
    return fault("ServiceUnavailableException", "Slow down.")


@requires("firehose:PutRecord", STREAM)
async def put_record(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Take one record."""
    stream = ctx.store.get(streams, ctx.account, ctx.region, request["DeliveryStreamName"])
    if stream is None:
        raise no_such_stream(ctx.account, request["DeliveryStreamName"])
    buffers = buffers_of(ctx.home)
    buffer = buffers.get(stream) or await buffers.load(ctx, stream)
    if not buffer.allowance.take(1, asyncio.get_running_loop().time()):
        raise slow_down()

    data: bytes = request["Record"]["Data"]
    number = await buffers.keep(ctx, stream, buffer, [data], len(data))
    return {"RecordId": f"{buffer.record_stem}{number:016x}0000", "Encrypted": False}


@requires("firehose:PutRecordBatch", STREAM)
async def put_record_batch(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Take a batch, or as much of it as the stream's allowance lets pass: the rest is answered record by record."""
    stream = ctx.store.get(streams, ctx.account, ctx.region, request["DeliveryStreamName"])
    if stream is None:
        raise no_such_stream(ctx.account, request["DeliveryStreamName"])
    records: list[bytes] = [record["Data"] for record in request["Records"]]
    size = sum(map(len, records))
    if size > BATCH_BYTES_MAX:
        raise fault("InvalidArgumentException", "Records size exceeds 4 MB limit")

    buffers = buffers_of(ctx.home)
    buffer = buffers.get(stream) or await buffers.load(ctx, stream)
    granted = buffer.allowance.take(len(records), asyncio.get_running_loop().time())
    refused = len(records) - granted
    if refused:
        records = records[:granted]
        size = sum(map(len, records))
    responses: list[dict[str, str]] = []
    if granted:
        number = await buffers.keep(ctx, stream, buffer, records, size)
        stem = f"{buffer.record_stem}{number:016x}"
        responses = [{"RecordId": f"{stem}{index:04x}"} for index in range(granted)]
    return {"FailedPutCount": refused, "Encrypted": False, "RequestResponses": responses + [SLOW_DOWN] * refused}
