"""Who pays for requests, and for speed: requester pays, transfer acceleration.

Requester pays is obeyed as far as it can be without a bill: who is not of the bucket's account must say that he pays, and nobody in
particular cannot (`access` asks). Acceleration is kept without effect; its hosts are understood like all others.
Source: "Using Requester Pays general purpose buckets" of the user guide, and recorded answers of AWS (test_s3_request_payer).
"""

from __future__ import annotations

from typing import Any, Final

from msgspec.structs import replace

from headwater.kernel.context import Context
from headwater.kernel.permissions import requires

from .access import REQUESTER, bucket_of
from .arns import BUCKET
from .records import BUCKETS
from .refusals import invalid_request, malformed_xml

PAYERS: Final = ("BucketOwner", "Requester")
STATUSES: Final = ("Enabled", "Suspended")


@requires("s3:GetBucketRequestPayment", BUCKET)
async def get_bucket_request_payment(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    return {"Payer": PAYERS[bucket_of(ctx, request).requester_pays]}


@requires("s3:PutBucketRequestPayment", BUCKET)
async def put_bucket_request_payment(ctx: Context, request: dict[str, Any]) -> None:
    bucket = bucket_of(ctx, request)
    payer = request["RequestPaymentConfiguration"]["Payer"]
    if payer not in PAYERS:
        raise malformed_xml()
    async with ctx.store.transaction() as tx:
        tx.put(BUCKETS, replace(bucket, requester_pays=payer.lower() == REQUESTER))


@requires("s3:GetAccelerateConfiguration", BUCKET)
async def get_bucket_accelerate_configuration(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    return {"Status": bucket_of(ctx, request).acceleration or None}


@requires("s3:PutAccelerateConfiguration", BUCKET)
async def put_bucket_accelerate_configuration(ctx: Context, request: dict[str, Any]) -> None:
    bucket = bucket_of(ctx, request)
    if "." in bucket.name:
        raise invalid_request("S3 Transfer Acceleration is not supported for buckets with periods (.) in their names")
    status = request["AccelerateConfiguration"].get("Status")
    if status not in STATUSES:
        raise malformed_xml()
    async with ctx.store.transaction() as tx:
        tx.put(BUCKETS, replace(bucket, acceleration=status))
