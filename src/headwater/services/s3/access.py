"""Which bucket a request means, whose it is said to be, and from which region: the checks that every operation on a bucket begins with.

Who may touch it has been decided before (kernel/authorization.py, with this room's `authorization`). A request that was
signed for another region is sent on as AWS sends it on; in-process calls carry no headers and are not.
"""

from __future__ import annotations

from typing import Any, Final

from headwater.aws.faults import Fault, fault
from headwater.kernel.context import Context
from headwater.kernel.identity import canonical_id

from .records import BUCKETS, Bucket
from .refusals import access_denied, no_such_bucket

ACCOUNT_DIGITS: Final = 12
KEY_BYTES_MAX: Final = 1024
REQUESTER: Final = "requester"


def bucket_of(ctx: Context, request: dict[str, Any], member: str = "Bucket", owner: str = "ExpectedBucketOwner") -> Bucket:
    """The bucket that a request names, or what S3 says instead."""
    bucket = ctx.store.get(BUCKETS, request[member])
    if owner in request:
        check_account(request[owner])
    if bucket is None:
        raise no_such_bucket(request[member])
    if ctx.region != bucket.region and ctx.headers:
        raise elsewhere(ctx, bucket)
    if request.get(owner, bucket.account) != bucket.account:
        raise access_denied()
    if bucket.requester_pays and ctx.account != bucket.account:
        _check_pays(ctx, request)
    return bucket


def _check_pays(ctx: Context, request: dict[str, Any]) -> None:
    """Raise unless a stranger says that he pays; nobody in particular cannot."""
    says = request.get("RequestPayer") or ctx.headers.get("x-amz-request-payer")
    if says != REQUESTER or ctx.principal.kind == "anonymous":
        raise access_denied()
    ctx.reply_headers["x-amz-request-charged"] = REQUESTER


def check_account(account: str) -> None:
    if len(account) != ACCOUNT_DIGITS or not account.isdigit():
        sentence = f"The value of the expected bucket owner parameter must be an AWS Account ID... [{account}]"
        raise fault("InvalidBucketOwnerAWSAccountID", sentence)


def elsewhere(ctx: Context, bucket: Bucket) -> Fault:
    """301: the SDKs read the region from the header and sign anew."""
    ctx.reply_headers["x-amz-bucket-region"] = bucket.region
    return fault(
        "PermanentRedirect",
        "The bucket you are attempting to access must be addressed using the specified endpoint. "
        "Please send all future requests to this endpoint.",
        Endpoint=f"{bucket.name}.s3.{bucket.region}.amazonaws.com",
        Bucket=bucket.name,
    )


def key_of(request: dict[str, Any]) -> str:
    key: str = request["Key"]
    if len(key) * 4 > KEY_BYTES_MAX and (size := len(key.encode("utf-8", "surrogatepass"))) > KEY_BYTES_MAX:
        raise fault("KeyTooLongError", "Your key is too long", Size=str(size), MaxSizeAllowed=str(KEY_BYTES_MAX))
    return key


def owner_of(bucket: Bucket) -> dict[str, str]:
    return {"ID": canonical_id(bucket.account)}
