"""Tags of parameters. The operations are for all resources of Systems Manager; only parameters are there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from headwater.aws.faults import fault
from headwater.kernel.permissions import requires

from .finding import read_name
from .model import Parameter, arn_of, parameters, path_of

if TYPE_CHECKING:
    from headwater.kernel.context import Context

Request = dict[str, Any]
TAGS_MAX: Final = 50
PARAMETER: Final = "Parameter"


def tagged(tags: dict[str, str], added: list[dict[str, str]]) -> dict[str, str]:
    """`tags` with these added."""
    keys = [tag["Key"] for tag in added]
    if len(set(keys)) != len(keys):
        raise fault("ValidationException", "Duplicate tag keys are not allowed.")
    if any(key.lower().startswith("aws:") for key in keys):
        raise fault("ValidationException", "Tag keys can't be prefixed with aws: (case-insensitive).")
    result = tags | {tag["Key"]: tag["Value"] for tag in added}
    if len(result) > TAGS_MAX:
        raise fault(
            "TooManyTagsError", f"The Targets parameter includes too many tags. Remove one or more tags and try again. Maximum: {TAGS_MAX}"
        )
    return result


def _bearer(ctx: Context, request: Request) -> Parameter:
    if request["ResourceType"] != PARAMETER:
        raise fault("NotImplemented", f"Headwater has not built {request['ResourceType']}s of Systems Manager: parameters are.")
    parameter = ctx.store.get(parameters, ctx.account, ctx.region, *path_of(read_name(ctx, request["ResourceId"]).name))
    if parameter is None:
        raise fault("InvalidResourceId", "The resource ID is not valid. Verify that you entered the correct ID and try again.")
    return parameter


def _arn(ctx: Context, request: Request) -> str:
    resource_id: str = request["ResourceId"]
    if request["ResourceType"] != PARAMETER or resource_id.startswith("arn:"):
        return resource_id if resource_id.startswith("arn:") else "*"
    return arn_of(ctx.account, ctx.region, resource_id)


async def _put(ctx: Context, parameter: Parameter, tags: dict[str, str]) -> dict[str, Any]:
    async with ctx.store.transaction() as tx:
        tx.put(parameters, msgspec.structs.replace(parameter, tags=tags))
    return {}


@requires("ssm:AddTagsToResource", _arn)
async def add_tags_to_resource(ctx: Context, request: Request) -> dict[str, Any]:
    """Add tags, or give them new values."""
    parameter = _bearer(ctx, request)
    return await _put(ctx, parameter, tagged(parameter.tags, request["Tags"]))


@requires("ssm:RemoveTagsFromResource", _arn)
async def remove_tags_from_resource(ctx: Context, request: Request) -> dict[str, Any]:
    """Take tags off; keys that are not there are no error."""
    parameter = _bearer(ctx, request)
    return await _put(ctx, parameter, {key: value for key, value in parameter.tags.items() if key not in request["TagKeys"]})


@requires("ssm:ListTagsForResource", _arn)
async def list_tags_for_resource(ctx: Context, request: Request) -> dict[str, Any]:
    """By key."""
    return {"TagList": [{"Key": key, "Value": value} for key, value in sorted(_bearer(ctx, request).tags.items())]}
