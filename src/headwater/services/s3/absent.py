"""What no bucket here can have yet, answered truthfully: it is not set, and taking away what is not there succeeds.

Setting any of these is not built and answered with 501, so these answers cannot become false. They are here because tools that
describe a bucket (Terraform and its like) ask for all of them.
"""

from __future__ import annotations

from typing import Any

from headwater.aws.faults import fault
from headwater.kernel.context import Context
from headwater.kernel.permissions import requires

from .access import bucket_of
from .arns import BUCKET
from .records import Bucket


@requires("s3:GetReplicationConfiguration", BUCKET)
async def get_bucket_replication(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    bucket = bucket_of(ctx, request)
    raise fault("ReplicationConfigurationNotFoundError", "The replication configuration was not found", BucketName=bucket.name)


@requires("s3:GetBucketLogging", BUCKET)
async def get_bucket_logging(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    return _nothing_set(bucket_of(ctx, request))


@requires("s3:GetAccelerateConfiguration", BUCKET)
async def get_bucket_accelerate_configuration(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    return _nothing_set(bucket_of(ctx, request))


@requires("s3:GetBucketRequestPayment", BUCKET)
async def get_bucket_request_payment(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    bucket_of(ctx, request)
    return {"Payer": "BucketOwner"}


@requires("s3:PutReplicationConfiguration", BUCKET)
async def delete_bucket_replication(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    return _nothing_set(bucket_of(ctx, request))


def _nothing_set(_: Bucket) -> dict[str, Any]:
    return {}
