"""Functions that call each other in circles are stopped after sixteen rounds, unless they say that they mean it.

Who has been called on the way here stands in the trace header, which AWS's SDKs pass on from a function's environment to all that
it calls: `Lineage=1:FUNCTION:ROUNDS|…`. What the function is called through (its own code, a destination, a queue) does not matter
as long as that header is passed on.
Source: "Use Lambda recursive loop detection to prevent infinite loops" of the developer guide.
"""

import hashlib
from functools import lru_cache
from typing import Final

import msgspec

from headwater.aws.faults import Fault, fault
from headwater.kernel.context import Context
from headwater.kernel.permissions import requires
from headwater.kernel.store import Store

from .arns import function_arn
from .configuration import Parameters
from .model import FUNCTIONS, TERMINATE, Function
from .names import not_found, reference

ROUNDS_MAX: Final = 16
HEADER: Final = "x-amzn-trace-id"
_FIELD: Final = "Lineage="
_VERSION: Final = "1"
_NAMES_MAX: Final = 10
"""Of functions on the way; a longer way is another loop's."""


@requires("lambda:PutFunctionRecursionConfig", function_arn)
async def put_function_recursion_config(ctx: Context, request: Parameters) -> Parameters:
    function = _function(ctx, request)
    changed = msgspec.structs.replace(function, recursive_loop=request["RecursiveLoop"])
    async with ctx.store.transaction() as tx:
        tx.put(FUNCTIONS, changed)
    return {"RecursiveLoop": changed.recursive_loop}


@requires("lambda:GetFunctionRecursionConfig", function_arn)
async def get_function_recursion_config(ctx: Context, request: Parameters) -> Parameters:
    return {"RecursiveLoop": _function(ctx, request).recursive_loop}


def further_lineage(store: Store, key: tuple[str, str, str], trace: str | None) -> str:
    """What the function that is called now passes on. Raises where it has come round too often."""
    name = _name(key)
    if trace is None or _FIELD not in trace:
        return f"{_FIELD}{_VERSION}:{name}:1"
    rounds = rounds_in(trace)
    count = rounds.pop(name, 0) + 1
    if count > ROUNDS_MAX:
        function = store.get(FUNCTIONS, *key)
        if function is None or function.recursive_loop == TERMINATE:
            raise _in_a_loop()
    rounds[name] = min(count, ROUNDS_MAX)  # of one that may go on, no more need be known
    kept = list(rounds.items())[-_NAMES_MAX:]
    return _FIELD + "|".join(f"{_VERSION}:{each}:{number}" for each, number in kept)


@lru_cache(maxsize=4096)
def _name(key: tuple[str, str, str]) -> str:
    return hashlib.sha256(":".join(key).encode()).hexdigest()[:8]


def rounds_in(trace: str | None) -> dict[str, int]:
    """How often each function has been called on the way, as far as the header can be read; the last called stands last."""
    field = next((part for part in (trace or "").split(";") if part.startswith(_FIELD)), _FIELD)
    found: dict[str, int] = {}
    for entry in field.removeprefix(_FIELD).split("|"):
        parts = entry.split(":")
        if len(parts) == len(("version", "name", "rounds")) and parts[2].isdecimal():
            found[parts[1]] = int(parts[2])
    return found


def _in_a_loop() -> Fault:
    sentence = (
        "Lambda has detected your function being invoked in a recursive loop with other Lambda resources and stopped your function's"
        " invocation. See https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html for more information on this error."
    )
    return fault("RecursiveInvocationException", sentence, Type="User")


def _function(ctx: Context, request: Parameters) -> Function:
    asked = reference(ctx, request["FunctionName"])
    function = ctx.store.get(FUNCTIONS, *asked.key)
    if function is None:
        raise not_found(asked.function_arn)
    return function
