"""When a function gets a newer build of its runtime. Kept and shown, without effect: there is one build here, that of the machine.

Source: "Controlling Lambda runtime update permissions" and "Runtime version updates" of the developer guide.
"""

from typing import Final

from headwater.kernel.context import Context
from headwater.kernel.permissions import requires

from .arns import function_arn
from .functions import Parameters, find
from .model import LATEST, RUNTIME_UPDATES, RuntimeUpdate
from .names import invalid

AUTO: Final = "Auto"
MANUAL: Final = "Manual"


@requires("lambda:PutRuntimeManagementConfig", function_arn)
async def put_runtime_management_config(ctx: Context, request: Parameters) -> Parameters:
    asked, version = find(ctx, request)
    on, pinned = request["UpdateRuntimeOn"], request.get("RuntimeVersionArn")
    if on == MANUAL and pinned is None:
        raise invalid("RuntimeVersionArn is required when UpdateRuntimeOn is set to Manual.")
    if on != MANUAL and pinned is not None:
        raise invalid(f"RuntimeVersionArn must not be provided when UpdateRuntimeOn is set to {on}.")
    kept = RuntimeUpdate(account=asked.account, region=asked.region, function=asked.name, qualifier=version.version, on=on, pinned=pinned)
    async with ctx.store.transaction() as tx:
        tx.put(RUNTIME_UPDATES, kept)
    return {"FunctionArn": asked.qualified(asked.qualifier or LATEST), "UpdateRuntimeOn": on, "RuntimeVersionArn": pinned}


@requires("lambda:GetRuntimeManagementConfig", function_arn)
async def get_runtime_management_config(ctx: Context, request: Parameters) -> Parameters:
    asked, version = find(ctx, request)
    kept = ctx.store.get(RUNTIME_UPDATES, *asked.key, version.version)
    return {
        "FunctionArn": asked.qualified(asked.qualifier or LATEST),
        "UpdateRuntimeOn": AUTO if kept is None else kept.on,
        "RuntimeVersionArn": None if kept is None else kept.pinned,
    }
