"""What Lambda tells the decision: its condition keys and the tags of functions.

Source: Service Authorization Reference, "Actions, resources, and condition keys for AWS Lambda".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from headwater.kernel.context import Context

from . import SERVICE
from .arns import arn_of, function_arn
from .model import FUNCTIONS, POLICIES
from .names import parts_of

if TYPE_CHECKING:
    from headwater.kernel.home import Home

Request = dict[str, Any]
Values = str | Iterable[str] | None


@SERVICE.condition_key("lambda:Layer")
def layers(ctx: Context, request: Request) -> Values:
    return request.get("Layers") or None


@SERVICE.condition_key("lambda:Principal")
def principal(ctx: Context, request: Request) -> Values:
    """Whom a permission is given to; when it is taken away, whom it was given to."""
    given: str | None = request.get("Principal")
    if given is not None or "StatementId" not in request:
        return given
    who = _statement(ctx, request).get("Principal")
    return next(iter(who.values())) if isinstance(who, dict) else who


@SERVICE.condition_key("lambda:FunctionUrlAuthType")
def url_auth_type(ctx: Context, request: Request) -> Values:
    """Of a permission that is given or taken away, and of a function's URL that is made."""
    given: str | None = request.get("FunctionUrlAuthType") or request.get("AuthType")
    if given is not None or "StatementId" not in request:
        return given
    found: str | None = _statement(ctx, request).get("Condition", {}).get("StringEquals", {}).get("lambda:FunctionUrlAuthType")
    return found


@SERVICE.condition_key("lambda:FunctionArn")
def event_function(ctx: Context, request: Request) -> Values:
    """The function that an event source mapping feeds; other requests have the function as their resource."""
    return function_arn(ctx, request) if "EventSourceArn" in request and "FunctionName" in request else None


@SERVICE.condition_key("lambda:SubnetIds")
def subnets(ctx: Context, request: Request) -> Values:
    return (request.get("VpcConfig") or {}).get("SubnetIds") or None


@SERVICE.condition_key("lambda:SecurityGroupIds")
def security_groups(ctx: Context, request: Request) -> Values:
    return (request.get("VpcConfig") or {}).get("SecurityGroupIds") or None


@SERVICE.condition_key("lambda:CodeSigningConfigArn")
def code_signing(ctx: Context, request: Request) -> Values:
    found: str | None = request.get("CodeSigningConfigArn")
    return found


@SERVICE.resource_tags
def tags_of(home: Home, resource: str, request: Request) -> Mapping[str, str]:
    """A function's tags are those of its versions and aliases too."""
    found = parts_of(resource)
    if found is None or ":function:" not in resource:
        return {}
    function = home.store.get(FUNCTIONS, found["account"] or "", found["region"] or "", found["name"])
    return {} if function is None else function.tags


def _statement(ctx: Context, request: Request) -> dict[str, Any]:
    """The statement of a permission that a request names by its id."""
    found = parts_of(arn_of(ctx, request["FunctionName"], request.get("Qualifier")))
    policy = None if found is None else ctx.store.get(POLICIES, found["account"], found["region"], found["name"], found["qualifier"] or "")
    statements = [] if policy is None else policy.statements
    return next((statement for statement in statements if statement["Sid"] == request["StatementId"]), {})
