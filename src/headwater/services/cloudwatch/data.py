"""GetMetricData: the answers of a list of queries, labelled, ordered, and in pages."""

import re
from datetime import UTC, datetime, timezone
from typing import Any, Final

from headwater.kernel.context import Context
from headwater.kernel.permissions import requires

from .arithmetic import Points
from .labels import filled_in, zone
from .queries import Answer, Worked, read_queries
from .refusals import bad_token, invalid

Parameters = dict[str, Any]

DATAPOINTS_MAX: Final = 100_800
_ZONE: Final = re.compile(r"[+-]\d{4}")
_TOKEN: Final = re.compile(r"(\d{1,9})/(\d{1,9})")


@requires("cloudwatch:GetMetricData")
async def get_metric_data(ctx: Context, request: Parameters) -> Parameters:
    start, end = request["StartTime"], request["EndTime"]
    if start >= end:
        raise invalid("The parameter StartTime must be less than the parameter EndTime.")
    where = _zone(request)
    answers = await Worked(ctx, read_queries(request["MetricDataQueries"]), start, end).answers()
    results = [result for answer in answers if answer.query.is_told for result in _results(answer, where)]
    if request.get("ScanBy", "TimestampDescending") == "TimestampDescending":
        for result in results:
            result["Timestamps"].reverse()
            result["Values"].reverse()
    told, token = _page(results, request.get("MaxDatapoints") or DATAPOINTS_MAX, request.get("NextToken"))
    return {"MetricDataResults": told, "Messages": [], "NextToken": token}


def _zone(request: Parameters) -> timezone:
    text = request.get("LabelOptions", {}).get("Timezone")
    if text is None:
        return UTC
    if not _ZONE.fullmatch(text):
        raise invalid(f"The value {text} for parameter LabelOptions.Timezone is invalid.")
    return zone(text)


def _results(answer: Answer, where: timezone) -> list[Parameters]:
    value = answer.value
    if isinstance(value, float | str):
        raise invalid(f"Error in expression {answer.query.id!r}: The result must be a time series or an array of them, not a scalar.")
    lines = value if isinstance(value, list) else [value]
    return [_result(answer, line, line.label or answer.own if isinstance(value, list) else answer.own, where) for line in lines]


def _result(answer: Answer, line: Points, own: str, where: timezone) -> Parameters:
    ordered = sorted(line.values.items())
    label = answer.query.label
    result: Parameters = {
        "Id": answer.query.id,
        "Label": filled_in(label, own, line, where) if label else own,
        "Timestamps": [datetime.fromtimestamp(at, UTC) for at, _ in ordered],
        "Values": [value for _, value in ordered],
        "StatusCode": "Complete",
    }
    if len(answer.units) > 1:
        result["Messages"] = [{"Code": "MultipleUnits", "Value": f"Multiple units returned: '[{', '.join(answer.units)}]'"}]
    return result


def _page(results: list[Parameters], limit: int, token: str | None) -> tuple[list[Parameters], str | None]:
    """So many points from where the token says: a number of the result and of its point."""
    first, skipped = 0, 0
    if token is not None:
        found = _TOKEN.fullmatch(token)
        if found is None or int(found[1]) >= len(results):
            raise bad_token()
        first, skipped = int(found[1]), int(found[2])
    told: list[Parameters] = []
    for number in range(first, len(results)):
        result = results[number]
        left = len(result["Values"]) - skipped
        taken = min(left, limit)
        told.append(
            result
            | {name: result[name][skipped : skipped + taken] for name in ("Timestamps", "Values")}
            | {"StatusCode": "Complete" if taken == left else "PartialData"}
        )
        if taken < left:
            return told, f"{number}/{skipped + taken}"
        limit -= taken
        skipped = 0
    return told, None
