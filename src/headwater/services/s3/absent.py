"""What no bucket here can have yet, answered truthfully: it is not set, and taking away what is not there succeeds.

Setting any of these is not built and answered with 501 (after what AWS would refuse too), so these answers cannot become false. They are
here because tools that describe a bucket (Terraform and its like) ask for all of them.
"""

from __future__ import annotations

from typing import Any

from headwater.aws.faults import fault
from headwater.kernel.context import Context
from headwater.kernel.permissions import requires

from .access import bucket_of
from .arns import BUCKET
from .records import BUCKETS, ENABLED, Bucket
from .refusals import invalid_request, malformed_xml


@requires("s3:GetReplicationConfiguration", BUCKET)
async def get_bucket_replication(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    bucket = bucket_of(ctx, request)
    raise fault("ReplicationConfigurationNotFoundError", "The replication configuration was not found", BucketName=bucket.name)


@requires("s3:PutReplicationConfiguration", BUCKET)
async def put_bucket_replication(ctx: Context, request: dict[str, Any]) -> None:
    """What could never be replicated is said to be so, before it is said that nothing is."""
    bucket = bucket_of(ctx, request)
    if bucket.versioning != ENABLED:
        raise invalid_request("Versioning must be 'Enabled' on the bucket to apply a replication configuration")
    rules = request["ReplicationConfiguration"]["Rules"]
    if not rules:
        raise malformed_xml()
    for rule in rules:
        target = ctx.store.get(BUCKETS, rule["Destination"]["Bucket"].rpartition(":")[2])
        if target is None or target.versioning != ENABLED:
            raise invalid_request("Destination bucket must have versioning enabled.")
    raise fault("NotImplemented", "Replication is not built.")


@requires("s3:PutReplicationConfiguration", BUCKET)
async def delete_bucket_replication(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    return _nothing_set(bucket_of(ctx, request))


def _nothing_set(_: Bucket) -> dict[str, Any]:
    return {}
