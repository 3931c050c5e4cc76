"""Tags of alarms, metric streams and insight rules."""

from typing import Any, Final

import msgspec

from headwater.aws.faults import fault
from headwater.kernel.context import Context
from headwater.kernel.permissions import requires

from .alarm_model import ALARMS, Alarm
from .insight_rules import INSIGHT_RULES, InsightRule
from .metric_streams import METRIC_STREAMS, MetricStream
from .refusals import invalid_value

Parameters = dict[str, Any]

TAGS_MAX: Final = 50


@requires("cloudwatch:ListTagsForResource", "{ResourceARN}")
async def list_tags_for_resource(ctx: Context, request: Parameters) -> Parameters:
    """Of what is not there, none: AWS does not say that it is not (recorded: test_tagging_metric_alarm)."""
    found = find_tagged(ctx, request["ResourceARN"])
    return {"Tags": [{"Key": key, "Value": value} for key, value in (found.tags if found else {}).items()]}


@requires("cloudwatch:TagResource", "{ResourceARN}")
async def tag_resource(ctx: Context, request: Parameters) -> None:
    given = {tag["Key"]: tag["Value"] for tag in request["Tags"]}
    if any(key.lower().startswith("aws:") for key in given):
        raise invalid_value("Tag keys that begin with aws: are reserved.")
    await _retag(ctx, request["ResourceARN"], given, [])


@requires("cloudwatch:UntagResource", "{ResourceARN}")
async def untag_resource(ctx: Context, request: Parameters) -> None:
    await _retag(ctx, request["ResourceARN"], {}, request["TagKeys"])


async def _retag(ctx: Context, arn: str, put: dict[str, str], remove: list[str]) -> None:
    found = find_tagged(ctx, arn)
    if found is None:
        raise fault("ResourceNotFoundException", "", ResourceType="Alarm", ResourceId=arn)
    tags = {key: value for key, value in (found.tags | put).items() if key not in remove}
    if len(tags) > TAGS_MAX:
        raise invalid_value(f"The collection Tags must not have a size greater than {TAGS_MAX}.")
    async with ctx.store.transaction() as tx:
        if isinstance(found, MetricStream):
            tx.put(METRIC_STREAMS, msgspec.structs.replace(found, tags=tags))
        elif isinstance(found, InsightRule):
            tx.put(INSIGHT_RULES, msgspec.structs.replace(found, tags=tags))
        else:
            tx.put(ALARMS, msgspec.structs.replace(found, tags=tags))


def find_tagged(ctx: Context, arn: str) -> Alarm | MetricStream | InsightRule | None:
    parts = arn.split(":", 6)
    if len(parts) < 6 or parts[2] != "cloudwatch" or parts[4] != ctx.account:
        return None
    if parts[5].startswith("metric-stream/"):
        return ctx.store.get(METRIC_STREAMS, ctx.account, parts[3], parts[5].partition("/")[2])
    if parts[5].startswith("insight-rule/"):
        return ctx.store.get(INSIGHT_RULES, ctx.account, parts[3], arn.partition(":insight-rule/")[2])
    return ctx.store.get(ALARMS, ctx.account, parts[3], parts[6]) if parts[5] == "alarm" and len(parts) > 6 else None
