"""DescribeParameters: which parameters there are, without their values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from headwater.aws.faults import fault
from headwater.kernel.permissions import requires

from .filters import BEGINS, EQUALS, LISTED, checked, suits
from .model import parameters
from .paging import page
from .reading import metadata

if TYPE_CHECKING:
    from headwater.kernel.context import Context

RESULTS: Final = 50


@requires("ssm:DescribeParameters")
async def describe_parameters(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """By name. The older form of filters is that of the console: a name's beginning, a type, a key."""
    older, filters = request.get("Filters"), request.get("ParameterFilters")
    if older and filters:
        raise fault("ValidationException", "You can use either Filters or ParameterFilters in a single request.")
    if older:
        filters = [{"Option": BEGINS if each["Key"] == "Name" else EQUALS} | each for each in older]
    asked = checked(filters or [], LISTED)
    there = [] if request.get("Shared") else ctx.store.scan(parameters, ctx.account, ctx.region)
    wanted = [one for one in there if all(suits(each, one) for each in asked)]
    shown, token = page(wanted, request, lambda one: one.name, RESULTS)
    return {"Parameters": [metadata(one.current) | {"ARN": one.arn} for one in shown], "NextToken": token}
