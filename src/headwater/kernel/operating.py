"""The heart of every call, from outside or from another room: proven, decided, run, told.

What is proven is what the request itself says of its caller beyond the signature: an identity token, the code of a second factor.
What comes before (signature, decoding, validation) and after (encoding) belongs to the wire, and in-process calls have none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headwater.aws.faults import Fault, fault
from headwater.aws.models import Operation
from headwater.kernel.record import tell
from headwater.kernel.service import built_room

if TYPE_CHECKING:
    from headwater.kernel.context import Context


async def operate(ctx: Context, operation: Operation, request: dict[str, Any]) -> dict[str, Any]:
    """The operation's answer; raises the refusal of the decision, or the operation's own."""
    result: dict[str, Any] | None = None
    refused: Fault | None = None
    try:
        service = built_room(ctx.service)
        if service is not None and (proof := service.proof_of(operation.name)) is not None:
            await proof(ctx, request)
        await ctx.home.authorization.authorize(ctx, operation, request)
        function = service.functions.get(operation.name) if service is not None else None
        if function is None:
            raise not_built(ctx.service, operation, request)
        if not ctx.home.is_open(ctx.service):
            await ctx.home.open_room(ctx.service)
        result = await function(ctx, request) or {}
    except Fault as refusal:
        refused = refusal
        raise
    finally:
        tell(ctx, operation, request, result, refused)
    return result


def not_built(service: str, operation: Operation, request: dict[str, Any]) -> Fault:
    """501, by name: an operation that is not built never answers a success. EC2's dry run asks for the decision alone, and has it."""
    if service == "ec2" and request.get("DryRun") is True:
        return fault("DryRunOperation", "Request would have succeeded, but DryRun flag is set.")
    return fault(
        "NotImplemented", f"Headwater has not built {service}.{operation.name} yet. `headwater coverage {service}` lists what is built."
    )
