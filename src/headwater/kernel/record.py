"""What is told of each call: a line of the request log, and for the audit trail all that was said, bodies and secrets included.

The line is kept as it is. Of the rest only what the trail keeps after taking secrets out is ever written.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Self

import msgspec

from headwater.aws.faults import Fault
from headwater.kernel.identity import Principal

if TYPE_CHECKING:
    from headwater.aws.models import Operation
    from headwater.kernel.context import Context

MANAGEMENT: Final = "call/management"
DATA: Final = "call/data"
"""The topics of the Bus on which calls are told. AWS counts what happens to a resource as management, what happens in it as data."""
DATA_CALLS: Final[dict[str, frozenset[str]]] = {
    "s3": frozenset(
        [
            "GetObject",
            "HeadObject",
            "PutObject",
            "DeleteObject",
            "DeleteObjects",
            "CopyObject",
            "CreateMultipartUpload",
            "UploadPart",
            "UploadPartCopy",
            "CompleteMultipartUpload",
            "AbortMultipartUpload",
            "ListParts",
            "ListObjects",
            "ListObjectsV2",
            "ListObjectVersions",
            "ListMultipartUploads",
            "GetObjectAcl",
            "PutObjectAcl",
            "GetObjectTagging",
            "PutObjectTagging",
            "DeleteObjectTagging",
            "GetObjectAttributes",
            "HeadBucket",
            "GetObjectTorrent",
            "RestoreObject",
            "SelectObjectContent",
        ]
    ),
    "lambda": frozenset({"Invoke", "InvokeAsync", "InvokeWithResponseStream"}),
    "firehose": frozenset({"PutRecord", "PutRecordBatch"}),
    "kinesis": frozenset({"PutRecord", "PutRecords", "GetRecords", "GetShardIterator", "SubscribeToShard"}),
    "logs": frozenset({"PutLogEvents", "GetLogEvents", "FilterLogEvents"}),
    "dynamodb": frozenset(
        [
            "GetItem",
            "PutItem",
            "UpdateItem",
            "DeleteItem",
            "BatchGetItem",
            "BatchWriteItem",
            "Query",
            "Scan",
            "TransactGetItems",
            "TransactWriteItems",
        ]
    ),
    "sqs": frozenset({"SendMessage", "SendMessageBatch", "ReceiveMessage", "DeleteMessage", "DeleteMessageBatch"}),
    "sns": frozenset({"Publish", "PublishBatch"}),
    "events": frozenset({"PutEvents"}),
    "cloudwatch": frozenset({"PutMetricData", "GetMetricData", "GetMetricStatistics"}),
}


class RequestRecord(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One line of the request log, and later one event of the audit trail."""

    at: datetime
    request_id: str
    account: str
    region: str
    principal: str
    service: str
    operation: str
    error: str = ""
    status: int = 0
    duration_ms: float = 0.0
    source: str = ""
    access_key_id: str = ""

    @classmethod
    def of(
        cls, ctx: Context, service: str, operation: str, error: str = "", *, status: int = 0, duration_ms: float = 0.0, source: str = ""
    ) -> Self:
        return cls(
            ctx.clock.now(),
            ctx.request_id,
            ctx.account,
            ctx.region,
            ctx.principal.arn,
            service,
            operation,
            error,
            status,
            duration_ms,
            source,
            ctx.principal.access_key_id,
        )


class Call(msgspec.Struct, frozen=True, gc=False):
    """One call as it was made and answered. The request and the result are the operation's own: look, and let go."""

    at: datetime
    request_id: str
    principal: Principal
    region: str
    service: str
    operation: Operation
    request: dict[str, Any]
    result: dict[str, Any] | None
    refusal: Fault | None
    source_ip: str
    user_agent: str
    called_via: tuple[str, ...]
    invoked_by: str
    """The room that calls under a role which it took on."""

    @classmethod
    def of(cls, ctx: Context, operation: Operation, request: dict[str, Any], result: dict[str, Any] | None, refusal: Fault | None) -> Self:
        return cls(
            ctx.clock.now(),
            ctx.request_id,
            ctx.principal,
            ctx.region,
            ctx.service,
            operation,
            request,
            result,
            refusal,
            ctx.source_ip,
            ctx.headers.get("user-agent", ""),
            ctx.called_via,
            ctx.invoked_by,
        )


def tell(ctx: Context, operation: Operation, request: dict[str, Any], result: dict[str, Any] | None, refusal: Fault | None) -> None:
    """Tell the trail of a call, where a trail listens."""
    topic = DATA if operation.name in DATA_CALLS.get(ctx.service, ()) else MANAGEMENT
    if ctx.bus.has_listeners(topic):
        ctx.bus.publish(topic, Call.of(ctx, operation, request, result, refusal))
