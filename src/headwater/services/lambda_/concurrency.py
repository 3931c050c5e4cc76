"""How much of a function may run at once, and what the account may and does have."""

from typing import Final

import msgspec

from headwater.kernel.context import Context
from headwater.kernel.permissions import requires

from . import code
from .arns import function_arn
from .fleet import ACCOUNT_CONCURRENCY_MAX, fleet_of
from .functions import Parameters
from .model import FUNCTIONS, LAYERS, PROVISIONED, VERSIONS, Function
from .names import invalid, not_found, reference
from .provisioned import UNRESERVED_MIN, taken

TOTAL_CODE_BYTES_MAX: Final = 80_530_636_800


@requires("lambda:PutFunctionConcurrency", function_arn)
async def put_function_concurrency(ctx: Context, request: Parameters) -> Parameters:
    _check_unqualified(ctx, request)
    function = _function(ctx, request)
    reserved = request["ReservedConcurrentExecutions"]
    provisioned = sum(kept.wanted for kept in ctx.store.scan(PROVISIONED, function.account, function.region, function.name))
    if reserved < provisioned:
        raise invalid(
            f"ReservedConcurrentExecutions  {reserved} should not be lower than function's total provisioned concurrency [{provisioned}]."
        )
    others = sum(
        taken(ctx.store, other) for other in ctx.store.scan(FUNCTIONS, function.account, function.region) if other.name != function.name
    )
    if reserved > 0 and ACCOUNT_CONCURRENCY_MAX - others - reserved < UNRESERVED_MIN:  # none at all can always be had
        raise invalid(
            "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value"
            f" of [{UNRESERVED_MIN}]."
        )
    await _reserve(ctx, function, reserved)
    return {"ReservedConcurrentExecutions": reserved}


@requires("lambda:GetFunctionConcurrency", function_arn)
async def get_function_concurrency(ctx: Context, request: Parameters) -> Parameters:
    return {"ReservedConcurrentExecutions": _function(ctx, request).reserved}


@requires("lambda:DeleteFunctionConcurrency", function_arn)
async def delete_function_concurrency(ctx: Context, request: Parameters) -> None:
    _check_unqualified(ctx, request)
    await _reserve(ctx, _function(ctx, request), None)


@requires("lambda:GetAccountSettings")
async def get_account_settings(ctx: Context, request: Parameters) -> Parameters:
    functions = ctx.store.scan(FUNCTIONS, ctx.account, ctx.region)
    sizes = [version.code_bytes for version in ctx.store.scan(VERSIONS, ctx.account, ctx.region)]
    sizes += [layer.code_bytes for layer in ctx.store.scan(LAYERS, ctx.account, ctx.region)]
    return {
        "AccountLimit": {
            "TotalCodeSize": TOTAL_CODE_BYTES_MAX,
            "CodeSizeUnzipped": code.UNZIPPED_BYTES_MAX,
            "CodeSizeZipped": code.ZIP_BYTES_MAX,
            "ConcurrentExecutions": ACCOUNT_CONCURRENCY_MAX,
            "UnreservedConcurrentExecutions": ACCOUNT_CONCURRENCY_MAX - sum(taken(ctx.store, function) for function in functions),
        },
        "AccountUsage": {"TotalCodeSize": sum(sizes), "FunctionCount": len(functions)},
    }


async def _reserve(ctx: Context, function: Function, reserved: int | None) -> None:
    async with ctx.store.transaction() as tx:
        tx.put(FUNCTIONS, msgspec.structs.replace(function, reserved=reserved))
    fleet_of(ctx.home).crew((function.account, function.region, function.name)).look_again()


def _check_unqualified(ctx: Context, request: Parameters) -> None:
    if reference(ctx, request["FunctionName"]).qualifier is not None:
        raise invalid(
            "This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. Please specify"
            " either a function name or an unqualified function ARN."
        )


def _function(ctx: Context, request: Parameters) -> Function:
    asked = reference(ctx, request["FunctionName"])
    function = ctx.store.get(FUNCTIONS, *asked.key)
    if function is None:
        raise not_found(asked.function_arn)
    return function
