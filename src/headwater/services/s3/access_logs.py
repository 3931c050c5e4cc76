"""Server access logs: who asked what of a bucket, written as objects into another.

As on AWS they are delivered a little later, in batches, by `logging.s3.amazonaws.com`, whom the target bucket must let in, and as best
can be: what waits is lost with the process, and what may not be delivered is kept nowhere. Fields that are not known where calls are told
of (bytes and times of the answer, how the request was signed) are `-`, as the format has it. Deliveries themselves are not logged.
Source: "Amazon S3 server access log format" and "Enabling server access logging" of the user guide.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import structlog
from msgspec.structs import replace

from headwater.aws.codec import encode_fault
from headwater.aws.faults import Fault, fault
from headwater.kernel.context import Context
from headwater.kernel.identity import canonical_id
from headwater.kernel.jobs import Job, handles
from headwater.kernel.permissions import requires
from headwater.kernel.record import DATA, MANAGEMENT, Call

from . import SERVICE
from .access import bucket_of
from .arns import BUCKET
from .grants import MEMBERS, PERMISSIONS
from .records import BUCKETS, Bucket
from .refusals import malformed_xml

if TYPE_CHECKING:
    from headwater.kernel.home import Home

log = structlog.get_logger()

ROOM: Final = "s3/access-logs"
DELIVERER: Final = "logging.s3"
DELIVERED_AFTER: Final = timedelta(seconds=15)
PENDING_MAX: Final = 100_000
"""Of all buckets; what comes on top is lost."""
UNIQUE_LENGTH: Final = 16
UNKNOWN: Final = "-"
BATCH_DELETION: Final = "DeleteObjects"
OPERATIONS: Final = {
    "CopyObject": "REST.COPY.OBJECT",
    "UploadPartCopy": "REST.COPY.PART",
    "UploadPart": "REST.PUT.PART",
    "CreateMultipartUpload": "REST.POST.UPLOADS",
    "CompleteMultipartUpload": "REST.POST.UPLOAD",
    "AbortMultipartUpload": "REST.DELETE.UPLOAD",
    "ListParts": "REST.GET.UPLOAD",
    "ListMultipartUploads": "REST.GET.UPLOADS",
    "ListObjectVersions": "REST.GET.BUCKETVERSIONS",
    BATCH_DELETION: "REST.POST.MULTI_OBJECT_DELETE",
    "GetPublicAccessBlock": "REST.GET.PUBLIC_ACCESS_BLOCK",
    "PutPublicAccessBlock": "REST.PUT.PUBLIC_ACCESS_BLOCK",
    "DeletePublicAccessBlock": "REST.DELETE.PUBLIC_ACCESS_BLOCK",
}
SUB_RESOURCES: Final = {"policy": "BUCKETPOLICY", "requestPayment": "REQUEST_PAYMENT", "logging": "LOGGING_STATUS"}


class LogsDue(Job, frozen=True, kw_only=True, tag="s3/logs-due/1"):
    """What was asked of a bucket is to be delivered. The subject is its name."""


@requires("s3:GetBucketLogging", BUCKET)
async def get_bucket_logging(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    return {"LoggingEnabled": bucket_of(ctx, request).logging}


@requires("s3:PutBucketLogging", BUCKET)
async def put_bucket_logging(ctx: Context, request: dict[str, Any]) -> None:
    bucket = bucket_of(ctx, request)
    asked = request["BucketLoggingStatus"].get("LoggingEnabled")
    if asked is not None:
        check(ctx, bucket, asked)
    async with ctx.store.transaction() as tx:
        tx.put(BUCKETS, replace(bucket, logging=asked))
    AccessLogs.of(ctx.home).listen()


def check(ctx: Context, bucket: Bucket, asked: dict[str, Any]) -> None:
    """Raise for a target that S3 does not take."""
    target = ctx.store.get(BUCKETS, asked["TargetBucket"])
    if target is None:
        sentence = "The target bucket for logging does not exist"
        raise fault("InvalidTargetBucketForLogging", sentence, TargetBucket=asked["TargetBucket"])
    if target.account != bucket.account:
        sentence = "The owner for the bucket to be logged and the target bucket must be the same."
        raise fault("InvalidTargetBucketForLogging", sentence, TargetBucket=target.name)
    if target.region != bucket.region:
        sentence = "Cross S3 location logging not allowed. "
        raise fault("CrossLocationLoggingProhibitted", sentence, TargetBucketLocation=target.region)
    if len(asked.get("TargetObjectKeyFormat") or {"SimplePrefix": {}}) != 1:
        raise malformed_xml()
    if any(grant.get("Permission") not in PERMISSIONS for grant in asked.get("TargetGrants") or ()):
        raise malformed_xml()


# -- heard ----------------------------------------------------------------------------------------------------------------


class AccessLogs:
    """The lines that wait, by bucket. Nothing is heard while no bucket is logged."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._listens = False
        self._pending: dict[str, list[str]] = {}
        self._count = 0

    @classmethod
    def of(cls, home: Home) -> AccessLogs:
        found = home.rooms.setdefault(ROOM, None) or cls(home)
        assert isinstance(found, cls)
        home.rooms[ROOM] = found
        return found

    def listen(self) -> None:
        """Begin or stop to hear of calls, as buckets want it."""
        wanted = any(bucket.logging is not None for bucket in self._home.store.scan(BUCKETS))
        if wanted == self._listens:
            return
        self._listens = wanted
        for topic in (DATA, MANAGEMENT):
            (self._home.bus.subscribe if wanted else self._home.bus.unsubscribe)(topic, self._hear)

    def take(self, bucket: str) -> list[str]:
        lines = self._pending.pop(bucket, [])
        self._count -= len(lines)
        return lines

    def _hear(self, calls: list[Call]) -> None:
        for call in calls:
            name = call.request.get("Bucket") if call.service == "s3" else None
            bucket = self._home.store.get(BUCKETS, name) if name else None
            if bucket is None or bucket.logging is None or self._count >= PENDING_MAX or call.principal.arn.startswith(DELIVERER):
                continue
            if bucket.name not in self._pending:
                self._pending[bucket.name] = []
                self._home.tasks.create_task(self._owe(bucket), name=f"s3: logs of {bucket.name} are due")
            lines = list(lines_of(bucket, call))
            self._pending[bucket.name] += lines
            self._count += len(lines)

    async def _owe(self, bucket: Bucket) -> None:
        at = self._home.clock.now() + DELIVERED_AFTER
        async with self._home.store.transaction() as tx:
            tx.owe(LogsDue(account=bucket.account, region=bucket.region, subject=bucket.name, at=at))


@SERVICE.starts
async def _open(home: Home) -> None:
    AccessLogs.of(home).listen()


# -- delivered ------------------------------------------------------------------------------------------------------------


@handles(LogsDue)
async def _deliver(ctx: Context, due: LogsDue) -> None:
    lines = AccessLogs.of(ctx.home).take(due.subject)
    bucket = ctx.store.get(BUCKETS, due.subject)
    if bucket is None or bucket.logging is None or not lines:
        return
    asked = bucket.logging
    objects = ctx.client("s3", service_principal=DELIVERER, source_arn=f"arn:aws:s3:::{bucket.name}")
    key = f"{asked['TargetPrefix']}{_partition(ctx, bucket, asked)}{_stamp(ctx)}"
    body = "".join(f"{line}\n" for line in lines).encode()
    try:
        await objects.put_object(Bucket=asked["TargetBucket"], Key=key, Body=body, ContentType="text/plain", **_granted(ctx, asked))
    except Fault as refusal:  # what the target does not take is lost, as on AWS
        log.warning("access log lost", bucket=bucket.name, target=asked["TargetBucket"], lines=len(lines), code=refusal.code)


def _stamp(ctx: Context) -> str:
    return f"{ctx.clock.now():%Y-%m-%d-%H-%M-%S}-{ctx.new_id().replace('-', '')[:UNIQUE_LENGTH].upper()}"


def _partition(ctx: Context, bucket: Bucket, asked: dict[str, Any]) -> str:
    """[account]/[region]/[bucket]/[year]/[month]/[day]/, where it is asked for."""
    if "PartitionedPrefix" not in (asked.get("TargetObjectKeyFormat") or {}):
        return ""
    return f"{bucket.account}/{bucket.region}/{bucket.name}/{ctx.clock.now():%Y/%m/%d}/"


def _granted(ctx: Context, asked: dict[str, Any]) -> dict[str, str]:
    """The grants on each log, where the target still obeys lists."""
    target = ctx.store.get(BUCKETS, asked["TargetBucket"])
    if target is None or target.ownership == "BucketOwnerEnforced":
        return {}
    found: dict[str, str] = {}
    for member, (permission, _) in MEMBERS.items():
        grantees = [grant["Grantee"] for grant in asked.get("TargetGrants") or () if grant.get("Permission") == permission]
        named = [f'uri="{one["URI"]}"' if "URI" in one else f'id="{one["ID"]}"' for one in grantees if "URI" in one or "ID" in one]
        if named and permission != "WRITE":  # which an object does not have
            found[member] = ", ".join(named)
    return found


# -- the format -----------------------------------------------------------------------------------------------------------


def lines_of(bucket: Bucket, call: Call) -> list[str]:
    """One line for a call; of a list of deletions one more for each."""
    lines = [_line(bucket, call, operation_of(call), call.request.get("Key"), call.request.get("VersionId"))]
    if call.operation.name == BATCH_DELETION:
        each = (call.request.get("Delete") or {}).get("Objects") or ()
        lines += [_line(bucket, call, "BATCH.DELETE.OBJECT", one.get("Key"), one.get("VersionId")) for one in each]
    return lines


def operation_of(call: Call) -> str:
    """REST.METHOD.RESOURCE."""
    operation = call.operation
    if operation.name in OPERATIONS:
        return OPERATIONS[operation.name]
    path, _, query = operation.uri.partition("?")
    kind = "OBJECT" if "{Key" in path else "BUCKET"
    sub = query.partition("&")[0].partition("=")[0]
    if not sub or sub in {"list-type", "x-id"}:
        return f"REST.{operation.method}.{kind}"
    word = SUB_RESOURCES.get(sub, sub.upper().replace("-", "_"))
    return f"REST.{operation.method}.{'OBJECT_TAGGING' if (kind, sub) == ('OBJECT', 'tagging') else word}"


def _line(bucket: Bucket, call: Call, operation: str, key: str | None, version: str | None) -> str:
    result = call.result or {}
    status = call.operation.status
    if call.refusal is not None:
        status = encode_fault("s3", "rest-xml", call.refusal, "").status
    elif "ContentRange" in result:
        status = 206
    length = result.get("ContentLength")
    fields = [
        canonical_id(bucket.account),
        bucket.name,
        f"[{call.at:%d/%b/%Y:%H:%M:%S +0000}]",
        call.source_ip or UNKNOWN,
        _requester(call),
        call.request_id,
        operation,
        quote(key, safe="/") if key else UNKNOWN,
        f'"{call.operation.method} {_uri(call)} HTTP/1.1"',
        str(status),
        call.refusal.code if call.refusal is not None else UNKNOWN,
        str(length) if length is not None and call.operation.method == "GET" else UNKNOWN,
        str(length) if length is not None and "ContentRange" not in result else UNKNOWN,
        UNKNOWN,  # total time
        UNKNOWN,  # turn-around time
        UNKNOWN,  # referer
        f'"{call.user_agent}"' if call.user_agent else UNKNOWN,
        version or UNKNOWN,
        call.request_id,
        *(UNKNOWN for _ in range(7)),  # signature, cipher, authentication, host, TLS, access point, whether a list was needed
    ]
    return " ".join(fields)


def _requester(call: Call) -> str:
    principal = call.principal
    if principal.kind == "anonymous":
        return UNKNOWN
    return canonical_id(principal.account) if principal.kind == "root" else principal.arn


def _uri(call: Call) -> str:
    path, _, query = call.operation.uri.partition("?")
    filled = path.replace("{Bucket}", str(call.request["Bucket"])).replace("{Key+}", quote(str(call.request.get("Key", ""))))
    return f"{filled}?{query}" if query else filled
