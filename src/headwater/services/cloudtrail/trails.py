"""Trails: made, changed, found and deleted. A trail of several regions is seen from all of them and changed from its home.

Whether CloudTrail may write to the bucket is tried when the trail is made, by writing: the bucket's policy decides, as for any other
caller. Source: CreateTrail of the API reference, "Amazon S3 bucket policy for CloudTrail" of the user guide.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from headwater.aws.faults import Fault, fault
from headwater.kernel.permissions import requires

from .model import Status, Trail, data_batches, shipments, statuses, trails
from .places import arn_in, log_group_of, log_stream_of, trail_arn, trail_folder
from .recording import recorder_of
from .refusals import no_bucket, not_built, unknown_trail, wrong_arn, wrong_home, wrong_name, wrong_policy
from .tagging import checked_tags

if TYPE_CHECKING:
    from headwater.kernel.context import Context

TRAILS_MAX: Final = 5
PREFIX_MAX: Final = 200
NAME_MIN: Final = 3
NAME_MAX: Final = 128
PRINCIPAL: Final = "cloudtrail"
SESSION: Final = "CLOUDTRAIL_LOGS"
SWEPT_AT_ONCE: Final = 500
_NAME: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
_ADDRESS: Final = re.compile(r"\d+\.\d+\.\d+\.\d+")
_UNBUILT: Final = {"SnsTopicName": "notices by SNS", "KmsKeyId": "encryption by KMS", "IsOrganizationTrail": "trails of an organization"}


@requires("cloudtrail:CreateTrail", trail_arn)
@requires("cloudtrail:AddTags", trail_arn, when="TagsList")
@requires("iam:PassRole", "{CloudWatchLogsRoleArn}", when="CloudWatchLogsRoleArn", passed_to="cloudtrail.amazonaws.com")
async def create_trail(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """It does not log yet: StartLogging begins."""
    _refuse_unbuilt(request)
    name = _checked_name(request["Name"])
    present = ctx.store.scan(trails, ctx.account, ctx.region)
    if any(trail.name == name for trail in present):
        raise fault("TrailAlreadyExistsException", f"Trail {name} already exists for customer: {ctx.account}")
    if len(present) >= TRAILS_MAX:
        raise fault("MaximumNumberOfTrailsExceededException", f"User: {ctx.account} already has {TRAILS_MAX} trails in {ctx.region}.")
    trail = _asked(Trail(account=ctx.account, region=ctx.region, name=name, bucket=""), request)
    trail = msgspec.structs.replace(trail, tags=checked_tags({}, request.get("TagsList", [])))
    await _try_bucket(ctx, trail)
    await _try_logs(ctx, trail)
    async with ctx.store.transaction() as tx:
        tx.put(trails, trail)
        tx.put(statuses, Status(account=trail.account, region=trail.region, name=trail.name))
    return _made(trail)


@requires("cloudtrail:UpdateTrail", trail_arn)
@requires("iam:PassRole", "{CloudWatchLogsRoleArn}", when="CloudWatchLogsRoleArn", passed_to="cloudtrail.amazonaws.com")
async def update_trail(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    _refuse_unbuilt(request)
    found = own_trail(ctx, request["Name"])
    trail = _asked(found, request)
    if (trail.bucket, trail.prefix) != (found.bucket, found.prefix):
        await _try_bucket(ctx, trail)
    if (trail.log_group_arn, trail.log_role_arn) != (found.log_group_arn, found.log_role_arn):
        await _try_logs(ctx, trail)
    await recorder_of(ctx.home).keep(trail)
    return _made(trail)


@requires("cloudtrail:DeleteTrail", trail_arn)
async def delete_trail(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """What it had not delivered is dropped; the event history has it still."""
    trail = own_trail(ctx, request["Name"])
    place = (trail.account, trail.region, trail.name)
    recorder = recorder_of(ctx.home)
    for shipment in recorder.open_shipments(trail):
        recorder.close_shipment(shipment)
    async with ctx.store.transaction() as tx:
        for shipment in ctx.store.scan(shipments, *place):
            tx.delete(shipments, *shipments.key(shipment))
        tx.delete(statuses, *place)
        tx.delete(trails, *place)
    recorder.look_at_trails()
    while rows := await ctx.store.range(data_batches, *place, limit=SWEPT_AT_ONCE):
        async with ctx.store.transaction() as tx:
            for batch in rows:
                tx.delete(data_batches, *data_batches.key(batch))
    return {}


@requires("cloudtrail:GetTrail", trail_arn)
async def get_trail(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    return {"Trail": describe(find_trail(ctx, request["Name"]))}


@requires("cloudtrail:DescribeTrails")
async def describe_trails(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Those that are named, of the names that are there; or all that are seen from here."""
    names = request.get("trailNameList") or []
    if names:
        found = [trail for name in names if (trail := _found(ctx, name)) is not None]
    else:
        found = [trail for trail in ctx.store.scan(trails, ctx.account) if _is_seen(ctx, trail, request.get("includeShadowTrails", True))]
    return {"trailList": [describe(trail) for trail in found]}


@requires("cloudtrail:ListTrails")
async def list_trails(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Of all regions; there are too few of them for pages."""
    return {
        "Trails": [{"TrailARN": trail.arn, "Name": trail.name, "HomeRegion": trail.region} for trail in ctx.store.scan(trails, ctx.account)]
    }


def describe(trail: Trail) -> dict[str, Any]:
    return _made(trail) | {
        "HomeRegion": trail.region,
        "HasCustomEventSelectors": trail.is_selected,
        "HasInsightSelectors": False,
    }


def _made(trail: Trail) -> dict[str, Any]:
    return {
        "Name": trail.name,
        "S3BucketName": trail.bucket,
        "S3KeyPrefix": trail.prefix or None,
        "IncludeGlobalServiceEvents": trail.includes_global,
        "IsMultiRegionTrail": trail.is_multi_region,
        "TrailARN": trail.arn,
        "LogFileValidationEnabled": trail.validates,
        "CloudWatchLogsLogGroupArn": trail.log_group_arn or None,
        "CloudWatchLogsRoleArn": trail.log_role_arn or None,
        "IsOrganizationTrail": False,
    }


# -- finding ---------------------------------------------------------------------------------------------------------------


def find_trail(ctx: Context, name: str) -> Trail:
    """By its name, here or as a trail of several regions; or by its ARN."""
    found = _found(ctx, name)
    if found is None:
        raise unknown_trail(name)
    return found


def own_trail(ctx: Context, name: str) -> Trail:
    """A trail that may be changed from here."""
    trail = find_trail(ctx, name)
    if trail.region != ctx.region:
        raise wrong_home(trail.region)
    return trail


def _found(ctx: Context, name: str) -> Trail | None:
    if name.startswith("arn:"):
        place = arn_in(name)
        if place is None:
            raise wrong_arn(name)
        region, account, name = place
        return ctx.store.get(trails, account, region, name) if account == ctx.account else None
    name = _checked_name(name)
    own = ctx.store.get(trails, ctx.account, ctx.region, name)
    if own is not None:
        return own
    return next((trail for trail in ctx.store.scan(trails, ctx.account) if trail.name == name and trail.is_multi_region), None)


def _is_seen(ctx: Context, trail: Trail, with_shadows: bool) -> bool:
    return trail.region == ctx.region or (with_shadows and trail.is_multi_region)


# -- checking --------------------------------------------------------------------------------------------------------------


def _refuse_unbuilt(request: dict[str, Any]) -> None:
    for member, what in _UNBUILT.items():
        if request.get(member):
            raise not_built(what)


def _checked_name(name: str) -> str:
    if len(name) < NAME_MIN:
        raise wrong_name(f"Trail name too short. Minimum allowed length: {NAME_MIN} characters. Specified name length: {len(name)}")
    if len(name) > NAME_MAX:
        raise wrong_name(f"Trail name too long. Maximum allowed length: {NAME_MAX} characters. Specified name length: {len(name)}")
    if not name[0].isalnum():
        raise wrong_name("Trail name must starts with a letter or number.")
    if not name[-1].isalnum():
        raise wrong_name("Trail name must ends with a letter or number.")
    if not _NAME.fullmatch(name):
        raise wrong_name(
            "Trail name or ARN can only contain uppercase letters, lowercase letters, numbers, periods (.), hyphens (-), "
            "and underscores (_)."
        )
    if re.search(r"[._-]{2}", name) or _ADDRESS.fullmatch(name):
        raise wrong_name("Trail name must not have adjacent periods, hyphens or underscores, and must not be formatted as an IP address.")
    return name


def _asked(trail: Trail, request: dict[str, Any]) -> Trail:
    """The trail as the request wants it."""
    asked = msgspec.structs.replace(
        trail,
        bucket=request.get("S3BucketName", trail.bucket),
        prefix=request.get("S3KeyPrefix", trail.prefix).strip("/"),
        includes_global=request.get("IncludeGlobalServiceEvents", trail.includes_global),
        is_multi_region=request.get("IsMultiRegionTrail", trail.is_multi_region),
        validates=request.get("EnableLogFileValidation", trail.validates),
        log_group_arn=request.get("CloudWatchLogsLogGroupArn", trail.log_group_arn),
        log_role_arn=request.get("CloudWatchLogsRoleArn", trail.log_role_arn),
    )
    if asked.is_multi_region and not asked.includes_global:
        raise fault("InvalidParameterCombinationException", "Multi-Region trail must include global service events.")
    if len(asked.prefix) > PREFIX_MAX:
        raise fault("InvalidS3PrefixException", f"S3 prefix is longer than {PREFIX_MAX} characters.")
    if bool(asked.log_group_arn) != bool(asked.log_role_arn):
        raise fault("InvalidParameterCombinationException", "You must specify both a log group and a role for CloudWatch Logs.")
    return asked


async def _try_bucket(ctx: Context, trail: Trail) -> None:
    """Look at the bucket and put the folder of the logs into it, as CloudTrail itself."""
    client = ctx.client("s3", service_principal=PRINCIPAL, source_arn=trail.arn)
    folder = trail_folder(trail)
    try:
        await client.get_bucket_acl(Bucket=trail.bucket)
        await client.put_object(Bucket=trail.bucket, Key=f"{folder}/CloudTrail/", Body=b"", ACL="bucket-owner-full-control")
        if trail.validates:
            await client.put_object(Bucket=trail.bucket, Key=f"{folder}/CloudTrail-Digest/", Body=b"", ACL="bucket-owner-full-control")
    except Fault as refusal:
        raise no_bucket(trail.bucket) if refusal.code == "NoSuchBucket" else wrong_policy(trail.bucket) from refusal


async def _try_logs(ctx: Context, trail: Trail) -> None:
    """Make the stream for the events, under the role."""
    if not trail.log_group_arn:
        return
    group = log_group_of(trail.log_group_arn)
    if group is None:
        raise fault("InvalidCloudWatchLogsLogGroupArnException", "CloudTrail cannot validate the specified log group ARN.")
    if not await ctx.home.authorization.trusts(trail.log_role_arn, PRINCIPAL, source_arn=trail.arn, region=trail.region):
        raise fault("InvalidCloudWatchLogsRoleArnException", "Access denied. Check the trust relationships for your role.")
    client = ctx.client("logs", role=trail.log_role_arn, session_name=SESSION, source_arn=trail.arn)
    try:
        await client.create_log_stream(logGroupName=group, logStreamName=log_stream_of(trail))
    except Fault as refusal:
        if refusal.code == "ResourceNotFoundException":
            raise fault("InvalidCloudWatchLogsLogGroupArnException", "CloudWatch Logs log group does not exist.") from refusal
        if refusal.code != "ResourceAlreadyExistsException":
            raise fault(
                "InvalidCloudWatchLogsLogGroupArnException", "Access denied. Verify in IAM that the role has adequate permissions."
            ) from refusal
