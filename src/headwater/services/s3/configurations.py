"""Four kinds of configuration by id: analytics, inventory, metrics, intelligent tiering. Kept and shown, without effect.

Nothing here makes a report or moves an object between tiers; the bill that these exist for is not one that Headwater writes.
Sentences from recorded answers of AWS (test_s3_analytics_configurations, test_s3_inventory_report_crud, TestS3MetricsConfiguration).
"""

from __future__ import annotations

import re
from typing import Any, Final

from headwater.aws.faults import fault
from headwater.aws.models import Shape
from headwater.kernel.context import Context
from headwater.kernel.permissions import requires

from . import SERVICE
from .access import bucket_of
from .arns import BUCKET
from .records import CONFIGURATIONS, Configuration
from .refusals import malformed_xml

ANALYTICS: Final = "Analytics"
INVENTORY: Final = "Inventory"
METRICS: Final = "Metrics"
TIERING: Final = "IntelligentTiering"
PAGE: Final = 100
EACH_MAX: Final = 1000
NO_CONTENT: Final = 204
BUCKET_ARN: Final = re.compile(r"arn:aws[\w-]*:s3:::[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
Request = dict[str, Any]


@requires("s3:PutAnalyticsConfiguration", BUCKET)
async def put_bucket_analytics_configuration(ctx: Context, request: Request) -> None:
    await _put(ctx, request, ANALYTICS)


@requires("s3:GetAnalyticsConfiguration", BUCKET)
async def get_bucket_analytics_configuration(ctx: Context, request: Request) -> Request:
    return _got(ctx, request, ANALYTICS)


@requires("s3:GetAnalyticsConfiguration", BUCKET)
async def list_bucket_analytics_configurations(ctx: Context, request: Request) -> Request:
    return _listed(ctx, request, ANALYTICS)


@requires("s3:PutAnalyticsConfiguration", BUCKET)
async def delete_bucket_analytics_configuration(ctx: Context, request: Request) -> None:
    await _delete(ctx, request, ANALYTICS)


@requires("s3:PutInventoryConfiguration", BUCKET)
async def put_bucket_inventory_configuration(ctx: Context, request: Request) -> None:
    destination = request["InventoryConfiguration"]["Destination"]["S3BucketDestination"]["Bucket"]
    if BUCKET_ARN.fullmatch(destination) is None:
        raise fault("InvalidS3DestinationBucket", "Invalid bucket ARN.")
    await _put(ctx, request, INVENTORY)


@requires("s3:GetInventoryConfiguration", BUCKET)
async def get_bucket_inventory_configuration(ctx: Context, request: Request) -> Request:
    return _got(ctx, request, INVENTORY)


@requires("s3:GetInventoryConfiguration", BUCKET)
async def list_bucket_inventory_configurations(ctx: Context, request: Request) -> Request:
    return _listed(ctx, request, INVENTORY)


@requires("s3:PutInventoryConfiguration", BUCKET)
async def delete_bucket_inventory_configuration(ctx: Context, request: Request) -> None:
    await _delete(ctx, request, INVENTORY)


@requires("s3:PutMetricsConfiguration", BUCKET)
async def put_bucket_metrics_configuration(ctx: Context, request: Request) -> None:
    await _put(ctx, request, METRICS)


@requires("s3:GetMetricsConfiguration", BUCKET)
async def get_bucket_metrics_configuration(ctx: Context, request: Request) -> Request:
    return _got(ctx, request, METRICS)


@requires("s3:GetMetricsConfiguration", BUCKET)
async def list_bucket_metrics_configurations(ctx: Context, request: Request) -> Request:
    return _listed(ctx, request, METRICS)


@requires("s3:PutMetricsConfiguration", BUCKET)
async def delete_bucket_metrics_configuration(ctx: Context, request: Request) -> None:
    await _delete(ctx, request, METRICS)


@requires("s3:PutIntelligentTieringConfiguration", BUCKET)
async def put_bucket_intelligent_tiering_configuration(ctx: Context, request: Request) -> None:
    if not request["IntelligentTieringConfiguration"]["Tierings"]:
        raise malformed_xml()
    await _put(ctx, request, TIERING)


@requires("s3:GetIntelligentTieringConfiguration", BUCKET)
async def get_bucket_intelligent_tiering_configuration(ctx: Context, request: Request) -> Request:
    return _got(ctx, request, TIERING)


@requires("s3:GetIntelligentTieringConfiguration", BUCKET)
async def list_bucket_intelligent_tiering_configurations(ctx: Context, request: Request) -> Request:
    return _listed(ctx, request, TIERING)


@requires("s3:PutIntelligentTieringConfiguration", BUCKET)
async def delete_bucket_intelligent_tiering_configuration(ctx: Context, request: Request) -> None:
    await _delete(ctx, request, TIERING)


# -- what is the same for all ---------------------------------------------------------------------------------------------


async def _put(ctx: Context, request: Request, kind: str) -> None:
    bucket = bucket_of(ctx, request)
    asked = request[f"{kind}Configuration"]
    if asked["Id"] != request["Id"]:
        raise malformed_xml()
    check_words(SERVICE.model.shape(f"{kind}Configuration"), asked)
    kept = ctx.store.scan(CONFIGURATIONS, bucket.name, kind)
    if len(kept) >= EACH_MAX and all(one.id != asked["Id"] for one in kept):
        sentence = "You are attempting to create a new configuration but have already reached the 1,000-configuration limit."
        raise fault("TooManyConfigurations", sentence)
    async with ctx.store.transaction() as tx:
        tx.put(CONFIGURATIONS, Configuration(bucket=bucket.name, kind=kind, id=asked["Id"], said=asked))
    ctx.reply_status = 0 if kind == TIERING else NO_CONTENT


def _got(ctx: Context, request: Request, kind: str) -> Request:
    return {f"{kind}Configuration": _found(ctx, request, kind).said}


def _found(ctx: Context, request: Request, kind: str) -> Configuration:
    found = ctx.store.get(CONFIGURATIONS, bucket_of(ctx, request).name, kind, request["Id"])
    if found is None:
        raise fault("NoSuchConfiguration", "The specified configuration does not exist.")
    return found


def _listed(ctx: Context, request: Request, kind: str) -> Request:
    after = request.get("ContinuationToken", "")
    following = [one for one in ctx.store.scan(CONFIGURATIONS, bucket_of(ctx, request).name, kind) if one.id > after]
    shown = following[:PAGE]
    return {
        f"{kind}ConfigurationList": [one.said for one in shown] or None,
        "IsTruncated": len(following) > PAGE,
        "ContinuationToken": after or None,
        "NextContinuationToken": shown[-1].id if len(following) > PAGE else None,
    }


async def _delete(ctx: Context, request: Request, kind: str) -> None:
    found = _found(ctx, request, kind)
    async with ctx.store.transaction() as tx:
        tx.delete(CONFIGURATIONS, found.bucket, kind, found.id)


def check_words(shape: Shape, value: Any) -> None:
    """Raise for a word that is none of those the model has in its place."""
    if shape.enum is not None and value not in shape.enum:
        raise malformed_xml()
    if shape.type == "structure":
        for name, inner in value.items():
            check_words(shape.members[name].shape, inner)
    elif shape.type == "list":
        assert shape.element is not None
        for inner in value:
            check_words(shape.element.shape, inner)
