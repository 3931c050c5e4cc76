"""Who else may do what with a bus: its resource policy, statement by statement or as a whole document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from headwater.aws.faults import fault
from headwater.aws.policy.documents import check
from headwater.kernel.permissions import requires

from .finding import find_bus
from .model import BUSES, Bus

if TYPE_CHECKING:
    from headwater.kernel.context import Context

BYTES_MAX: Final = 10_240


def document(bus: Bus) -> str:
    return msgspec.json.encode({"Version": "2012-10-17", "Statement": list(bus.statements)}).decode()


@requires("events:PutPermission")
async def put_permission(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """A statement of the old form, made of its parts; or a policy as a whole, which replaces all."""
    bus = find_bus(ctx, request.get("EventBusName"))
    statements = _whole(request["Policy"]) if "Policy" in request else _added(bus, request)
    bus = msgspec.structs.replace(bus, statements=tuple(statements), modified_at=ctx.clock.now())
    if len(document(bus).encode()) > BYTES_MAX:
        raise fault("PolicyLengthExceededException", "The policy is too long.")
    async with ctx.store.transaction() as tx:
        tx.put(BUSES, bus)
    return {}


def _whole(text: str) -> list[dict[str, Any]]:
    try:
        check(text, "resource")
        statements = msgspec.json.decode(text)["Statement"]
    except Exception as error:  # noqa: BLE001 - whatever the language refuses with, AWS answers one sentence
        raise fault("ValidationException", f"Parameter Policy is not valid. Reason: {getattr(error, 'message', error)}") from None
    return [statements] if isinstance(statements, dict) else list(statements)


def _added(bus: Bus, request: dict[str, Any]) -> list[dict[str, Any]]:
    for member in ("StatementId", "Action", "Principal"):
        if member not in request:
            raise fault("ValidationException", f"Parameter {member} must be specified.")
    if request["Action"] != "events:PutEvents":
        raise fault("ValidationException", "Provided value in parameter 'action' is not supported.")
    principal = request["Principal"]
    statement: dict[str, Any] = {
        "Sid": request["StatementId"],
        "Effect": "Allow",
        "Principal": "*" if principal == "*" else {"AWS": f"arn:aws:iam::{principal}:root"},
        "Action": request["Action"],
        "Resource": bus.arn,
    }
    if "Condition" in request:
        condition = request["Condition"]
        statement["Condition"] = {condition["Type"]: {condition["Key"]: condition["Value"]}}
    return [*(each for each in bus.statements if each.get("Sid") != statement["Sid"]), statement]


@requires("events:RemovePermission")
async def remove_permission(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    bus = find_bus(ctx, request.get("EventBusName"))
    left: list[dict[str, Any]] = []
    if not request.get("RemoveAllPermissions"):
        if "StatementId" not in request:
            raise fault("ValidationException", "Parameter StatementId must be specified.")
        left = [statement for statement in bus.statements if statement.get("Sid") != request["StatementId"]]
        if not bus.statements:
            raise fault("ResourceNotFoundException", "EventBus does not have a policy.")
        if len(left) == len(bus.statements):
            raise fault("ResourceNotFoundException", "Statement with the provided id does not exist.")
    async with ctx.store.transaction() as tx:
        tx.put(BUSES, msgspec.structs.replace(bus, statements=tuple(left), modified_at=ctx.clock.now()))
    return {}
