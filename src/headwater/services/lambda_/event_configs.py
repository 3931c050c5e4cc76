"""How asynchronous events of a function are retried, and who hears of their end. queue.py does as this says."""

from typing import Any, Final

import msgspec

from headwater.aws.faults import Fault, fault
from headwater.kernel.context import Context
from headwater.kernel.permissions import requires

from .arns import function_arn
from .fleet import version_of
from .functions import Parameters
from .listing import PAGE, page
from .model import EVENT_CONFIGS, FUNCTIONS, LATEST, EventConfig
from .names import Reference, invalid, reference

DESTINATIONS: Final = ("lambda", "sqs", "sns", "events", "s3")


@requires("lambda:PutFunctionEventInvokeConfig", function_arn)
async def put_function_event_invoke_config(ctx: Context, request: Parameters) -> Parameters:
    asked = _configurable(ctx, request)
    if not {"MaximumRetryAttempts", "MaximumEventAgeInSeconds", "DestinationConfig"} & set(request):
        raise invalid("You must specify at least one of error handling or destination setting.")
    return await _configure(ctx, asked, _blank(ctx, asked), request)


@requires("lambda:UpdateFunctionEventInvokeConfig", function_arn)
async def update_function_event_invoke_config(ctx: Context, request: Parameters) -> Parameters:
    asked = _configurable(ctx, request)
    if not {"MaximumRetryAttempts", "MaximumEventAgeInSeconds", "DestinationConfig"} & set(request):
        raise invalid("You must specify at least one of error handling or destination setting.")
    return await _configure(ctx, asked, _config(ctx, asked), request)


@requires("lambda:GetFunctionEventInvokeConfig", function_arn)
async def get_function_event_invoke_config(ctx: Context, request: Parameters) -> Parameters:
    asked = reference(ctx, request["FunctionName"], request.get("Qualifier"))
    return describe_config(_config(ctx, asked))


@requires("lambda:DeleteFunctionEventInvokeConfig", function_arn)
async def delete_function_event_invoke_config(ctx: Context, request: Parameters) -> None:
    asked = reference(ctx, request["FunctionName"], request.get("Qualifier"))
    config = _config(ctx, asked)
    async with ctx.store.transaction() as tx:
        tx.delete(EVENT_CONFIGS, *asked.key, config.qualifier)


@requires("lambda:ListFunctionEventInvokeConfigs", function_arn)
async def list_function_event_invoke_configs(ctx: Context, request: Parameters) -> Parameters:
    asked = reference(ctx, request["FunctionName"])
    if ctx.store.get(FUNCTIONS, *asked.key) is None:
        raise _no_function()
    configs = [(config.qualifier, describe_config(config)) for config in ctx.store.scan(EVENT_CONFIGS, *asked.key)]
    return page(configs, request, "FunctionEventInvokeConfigs", PAGE)


def describe_config(config: EventConfig) -> dict[str, Any]:
    return {
        "LastModified": config.modified_at,
        "FunctionArn": f"arn:aws:lambda:{config.region}:{config.account}:function:{config.function}:{config.qualifier}",
        "MaximumRetryAttempts": config.retries_max,
        "MaximumEventAgeInSeconds": config.age_max_s,
        "DestinationConfig": {
            "OnSuccess": {"Destination": config.on_success} if config.on_success else {},
            "OnFailure": {"Destination": config.on_failure} if config.on_failure else {},
        },
    }


def _configurable(ctx: Context, request: Parameters) -> Reference:
    asked = reference(ctx, request["FunctionName"], request.get("Qualifier"))
    if version_of(ctx.store, asked.key, asked.qualifier) is None:
        raise _no_function()
    return asked


async def _configure(ctx: Context, asked: Reference, config: EventConfig, request: Parameters) -> Parameters:
    changes: dict[str, Any] = {"modified_at": ctx.clock.now()}
    for member, name in (("MaximumRetryAttempts", "retries_max"), ("MaximumEventAgeInSeconds", "age_max_s")):
        if member in request:
            changes[name] = request[member]
    for member, name in (("OnSuccess", "on_success"), ("OnFailure", "on_failure")):
        target = request.get("DestinationConfig", {}).get(member)
        if target is not None:
            changes[name] = _destination(ctx, asked, target.get("Destination"), member)
    config = msgspec.structs.replace(config, **changes)
    async with ctx.store.transaction() as tx:
        tx.put(EVENT_CONFIGS, config)
    return describe_config(config)


def _destination(ctx: Context, asked: Reference, arn: str | None, member: str) -> str | None:
    if not arn:
        return None
    service = arn.split(":")[2]
    if service not in DESTINATIONS:
        success, failure = (f"OnSuccess(destination={arn})", "null") if member == "OnSuccess" else ("null", f"OnFailure(destination={arn})")
        raise invalid(f"The provided destination config DestinationConfig(onSuccess={success}, onFailure={failure}) is invalid.")
    if service == "lambda":
        target = reference(ctx, arn)
        if target.name == asked.name:
            raise invalid("You can't specify the function as a destination for itself.")
        if version_of(ctx.store, target.key, target.qualifier) is None:
            raise invalid(f"The destination ARN {arn} is invalid.")
    return arn


def _blank(ctx: Context, asked: Reference) -> EventConfig:
    qualifier = asked.qualifier or LATEST
    return EventConfig(account=asked.account, region=asked.region, function=asked.name, qualifier=qualifier, modified_at=ctx.clock.now())


def _config(ctx: Context, asked: Reference) -> EventConfig:
    config = ctx.store.get(EVENT_CONFIGS, *asked.key, asked.qualifier or LATEST)
    if config is None:
        raise fault(
            "ResourceNotFoundException",
            f"The function {asked.qualified(asked.qualifier or LATEST)} doesn't have an EventInvokeConfig",
            Type="User",
        )
    return config


def _no_function() -> Fault:
    return fault("ResourceNotFoundException", "The function doesn't exist.", Type="User")
