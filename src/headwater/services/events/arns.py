"""Which ARNs a request means, for the lines of `requires`.

Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon EventBridge".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final

from .finding import place_of
from .model import API_DESTINATIONS

if TYPE_CHECKING:
    from headwater.kernel.context import Context

Request = dict[str, Any]


def arn_of_bus(account: str, region: str, name: str) -> str:
    return f"arn:aws:events:{region}:{account}:event-bus/{name}"


def bus_arn(member: str) -> Callable[[Context, Request], str]:
    return lambda ctx, request: arn_of_bus(*place_of(ctx, request.get(member)))


def rule_arn(member: str) -> Callable[[Context, Request], str]:
    def arn(ctx: Context, request: Request) -> str:
        account, region, bus = place_of(ctx, request.get("EventBusName"))
        path = request[member] if bus == "default" else f"{bus}/{request[member]}"
        return f"arn:aws:events:{region}:{account}:rule/{path}"

    return arn


def entry_arns(ctx: Context, request: Request) -> Iterable[str]:
    """The buses to which events are put."""
    return dict.fromkeys(arn_of_bus(*place_of(ctx, entry.get("EventBusName"))) for entry in request["Entries"])


def passed_roles(ctx: Context, request: Request) -> Iterable[str]:
    """The roles that a rule's targets are given."""
    return dict.fromkeys(target["RoleArn"] for target in request.get("Targets", ()) if "RoleArn" in target)


CONNECTION: Final = "arn:aws:events:{region}:{account}:connection/{Name}"
API_DESTINATION: Final = "arn:aws:events:{region}:{account}:api-destination/{Name}"


def connection_of_destination(ctx: Context, request: Request) -> str:
    """The connection that an API destination is to have, or has."""
    given: str | None = request.get("ConnectionArn")
    known = ctx.store.get(API_DESTINATIONS, ctx.account, ctx.region, request["Name"])
    return given or (f"arn:aws:events:{ctx.region}:{ctx.account}:connection/*" if known is None else known.connection_arn)
