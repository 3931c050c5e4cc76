"""DescribeAlarmHistory: what happened to alarms, of the last 30 days."""

from typing import Any, Final

from headwater.kernel.context import Context
from headwater.kernel.permissions import requires

from .alarm_model import HISTORY, Happened, describe_happened, microseconds
from .arns import history_arn
from .refusals import bad_token

Parameters = dict[str, Any]

PAGE: Final = 100
ROWS: Final = 1000


@requires("cloudwatch:DescribeAlarmHistory", history_arn)
async def describe_alarm_history(ctx: Context, request: Parameters) -> Parameters:
    found = [happened for happened in await _all(ctx) if _is_meant(happened, request)]
    if request.get("ScanBy", "TimestampDescending") == "TimestampDescending":
        found.reverse()
    places = [happened.place for happened in found]
    token = request.get("NextToken")
    if token is not None:
        if token not in places:
            raise bad_token()
        found = found[places.index(token) + 1 :]
    limit = request.get("MaxRecords", PAGE)
    return {
        "AlarmHistoryItems": [describe_happened(happened) for happened in found[:limit]],
        "NextToken": found[limit - 1].place if len(found) > limit else None,
    }


async def _all(ctx: Context) -> list[Happened]:
    found: list[Happened] = []
    after = None
    while rows := await ctx.store.range(HISTORY, ctx.account, ctx.region, after=after, limit=ROWS):
        found += rows
        after = rows[-1].place
        if len(rows) < ROWS:
            break
    return found


def _is_meant(happened: Happened, request: Parameters) -> bool:
    start, end = request.get("StartDate"), request.get("EndDate")
    return (
        request.get("AlarmName", happened.alarm) == happened.alarm
        and happened.kind in request.get("AlarmTypes", ["MetricAlarm"])
        and request.get("HistoryItemType", happened.what) == happened.what
        and (start is None or happened.at_us >= microseconds(start))
        and (end is None or happened.at_us <= microseconds(end))
    )
