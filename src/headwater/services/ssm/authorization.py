"""What Parameter Store tells the decision: the tags of parameters, and its condition keys.

Source: Service Authorization Reference, "Actions, resources, and condition keys for AWS Systems Manager".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from . import SERVICE
from .model import Parameter, parameters, path_of

if TYPE_CHECKING:
    from headwater.kernel.context import Context
    from headwater.kernel.home import Home

Request = dict[str, Any]


def _parameter_at(home: Home, arn: str) -> Parameter | None:
    """A name of one level is spelled with a slash or without, and its ARN does not say how."""
    fields = arn.split(":", 5)
    if len(fields) < 6 or not fields[5].startswith("parameter/"):
        return None
    name = fields[5].removeprefix("parameter")
    found = home.store.get(parameters, fields[4], fields[3], *path_of(name))
    return found if found is not None else home.store.get(parameters, fields[4], fields[3], *path_of(name.removeprefix("/")))


@SERVICE.resource_tags
def _tags(home: Home, resource: str, request: Request) -> Mapping[str, str]:
    parameter = _parameter_at(home, resource)
    return parameter.tags if parameter is not None else {}


@SERVICE.condition_key("ssm:resourceTag/")
def _resource_tag(ctx: Context, request: Request) -> str | None:
    tags = _tags(ctx.home, request["{resource}"], request)
    return next((value for key, value in tags.items() if key.lower() == request["{key}"]), None)


@SERVICE.condition_key("ssm:Overwrite")
def _overwrite(ctx: Context, request: Request) -> str:
    return "true" if request.get("Overwrite") else "false"


@SERVICE.condition_key("ssm:Recursive")
def _recursive(ctx: Context, request: Request) -> str:
    return "true" if request.get("Recursive") else "false"


@SERVICE.condition_key("ssm:Policies")
def _policies(ctx: Context, request: Request) -> str | None:
    policies: str | None = request.get("Policies")
    return policies
