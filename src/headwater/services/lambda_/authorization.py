"""What Lambda tells the decision: the resource policies of functions, the tags of functions, and its condition keys.

A function's policy, a version's and an alias's are apart: who asks for `function:f:PROD` is let in by what was permitted on the
alias PROD, not by what was permitted on the function. A permission on the function itself is for its ARN without a qualifier,
and for `$LATEST`, by which name AWS means the same.
Source: Service Authorization Reference, "Actions, resources, and condition keys for AWS Lambda".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec

from headwater.aws.policy.documents import Policy as Compiled
from headwater.aws.policy.documents import parse
from headwater.kernel.context import Context
from headwater.kernel.service import ResourcePolicy

from . import SERVICE
from .arns import arn_of, function_arn
from .model import CODE_SIGNING, FUNCTIONS, LATEST, LAYER_POLICIES, POLICIES, LayerPolicy, Policy, padded
from .names import parts_of

if TYPE_CHECKING:
    from headwater.kernel.home import Home

Request = dict[str, Any]
Values = str | Iterable[str] | None
COMPILED_MAX: Final = 4096
LAYER_VERSION_FIELDS: Final = len(["arn", "aws", "lambda", "region", "account", "layer", "name", "version"])


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


@SERVICE.resource_policy
def policy_of(home: Home, action: str, resource: str) -> ResourcePolicy | None:
    if ":layer:" in resource:
        return _policy_of_layer(home, resource)
    found = parts_of(resource)
    if found is None or not found["account"] or ":function:" not in resource:
        return None
    qualifier = found["qualifier"] or ""
    own = home.store.get(POLICIES, found["account"], found["region"], found["name"], "" if qualifier == LATEST else qualifier)
    policies = () if own is None else (_compiled(own, resource),)
    return ResourcePolicy(owner=found["account"], policies=policies)


def _policy_of_layer(home: Home, resource: str) -> ResourcePolicy | None:
    """A version's. Layers themselves have none."""
    fields = resource.split(":")
    if len(fields) != LAYER_VERSION_FIELDS:
        return None
    own = home.store.get(LAYER_POLICIES, fields[4], fields[3], fields[6], padded(fields[7]))
    return ResourcePolicy(owner=fields[4], policies=() if own is None else (_compiled(own, resource),))


_COMPILED: Final[dict[str, tuple[Policy | LayerPolicy, Compiled]]] = {}


def _compiled(own: Policy | LayerPolicy, resource: str) -> Compiled:
    """Compiled anew where the record is another one than the last time."""
    known = _COMPILED.get(resource)
    if known is None or known[0] is not own:
        if len(_COMPILED) >= COMPILED_MAX:
            _COMPILED.clear()
        statements = [statement | {"Resource": resource} for statement in own.statements]
        document = msgspec.json.encode({"Version": "2012-10-17", "Statement": statements}).decode()
        known = _COMPILED[resource] = (own, parse(document, source=resource, kind="resource"))
    return known[1]


@SERVICE.resource_tags
def tags_of(home: Home, resource: str, request: Request) -> Mapping[str, str]:
    """A function's tags are those of its versions and aliases too."""
    if ":code-signing-config:" in resource:
        _, _, _, region, account, _, name = resource.split(":", 6)
        config = home.store.get(CODE_SIGNING, account, region, name)
        return {} if config is None else config.tags
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
