"""Destinations: what other accounts' subscriptions may send to, by the leave of a policy, under a role of the destination's own.

Source: "Cross-account cross-Region subscriptions" of the user guide; the shapes are the recordings of TestDestinations.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from headwater.aws.faults import Fault, fault
from headwater.kernel.permissions import requires
from headwater.kernel.store import Record, Table

from .forwarding import Destination as Target
from .forwarding import Route
from .groups import milliseconds, page
from .model import invalid
from .subscribing import unreachable

if TYPE_CHECKING:
    from headwater.kernel.context import Context
    from headwater.kernel.store import Store

Parameters = dict[str, Any]

ARN: Final = "arn:aws:logs:{region}:{account}:destination:{destinationName}"
TARGETS: Final = frozenset({"kinesis", "firehose"})
_ARN: Final = re.compile(r"arn:aws:logs:([a-z0-9-]+):(\d{12}):destination:([^:*]+)")


class LogDestination(Record, frozen=True, kw_only=True):
    account: str
    region: str
    name: str
    target: str
    role: str
    created_ms: int
    policy: str | None = None
    tags: dict[str, str] = msgspec.field(default_factory=dict)

    @property
    def arn(self) -> str:
        return f"arn:aws:logs:{self.region}:{self.account}:destination:{self.name}"


DESTINATIONS: Final = Table("logs", "destinations", LogDestination, key=lambda each: (each.account, each.region, each.name))


def describe(destination: LogDestination) -> Parameters:
    return {
        "destinationName": destination.name,
        "targetArn": destination.target,
        "roleArn": destination.role,
        "accessPolicy": destination.policy,
        "arn": destination.arn,
        "creationTime": destination.created_ms,
    }


def destination_at(store: Store, arn: str) -> LogDestination | None:
    found = _ARN.fullmatch(arn)
    return None if found is None else store.get(DESTINATIONS, found[2], found[1], found[3])


def no_such_destination() -> Fault:
    return fault("ResourceNotFoundException", "The specified destination does not exist.")


def _find(ctx: Context, name: str) -> LogDestination:
    destination = ctx.store.get(DESTINATIONS, ctx.account, ctx.region, name)
    if destination is None:
        raise no_such_destination()
    return destination


@requires("logs:PutDestination", ARN)
@requires("iam:PassRole", "{roleArn}", passed_to="logs.amazonaws.com")
async def put_destination(ctx: Context, request: Parameters) -> Parameters:
    """Make or change one, once the target took a first message. What has a policy keeps it."""
    name, target = request["destinationName"], request["targetArn"]
    fields = target.split(":", 5)
    if len(fields) < 6 or fields[2] not in TARGETS:
        raise invalid(f"Invalid target ARN: {target}")
    before = ctx.store.get(DESTINATIONS, ctx.account, ctx.region, name)
    destination = LogDestination(
        account=ctx.account,
        region=ctx.region,
        name=name,
        target=target,
        role=request["roleArn"],
        created_ms=milliseconds(ctx.clock.now()) if before is None else before.created_ms,
        policy=None if before is None else before.policy,
        tags=request.get("tags", {}) if before is None else before.tags,
    )
    try:
        await Target(ctx, Route(target, destination.role, destination.arn)).check()
    except Fault as refusal:
        raise unreachable(fields[2], refusal) from None
    async with ctx.store.transaction() as tx:
        tx.put(DESTINATIONS, destination)
    return {"destination": describe(destination)}


@requires("logs:PutDestinationPolicy", ARN)
async def put_destination_policy(ctx: Context, request: Parameters) -> None:
    destination, policy = _find(ctx, request["destinationName"]), request["accessPolicy"]
    try:
        document = msgspec.json.decode(policy)
    except msgspec.DecodeError:
        document = None
    if not isinstance(document, dict) or "Statement" not in document:
        raise invalid("The access policy is not valid.")
    async with ctx.store.transaction() as tx:
        tx.put(DESTINATIONS, msgspec.structs.replace(destination, policy=policy))


@requires("logs:DescribeDestinations")
async def describe_destinations(ctx: Context, request: Parameters) -> Parameters:
    prefix = request.get("DestinationNamePrefix", "")
    found = [one for one in ctx.store.scan(DESTINATIONS, ctx.account, ctx.region) if one.name.startswith(prefix)]
    shown, token = page(found, request, lambda one: one.name)
    return {"destinations": [describe(one) for one in shown], "nextToken": token}


@requires("logs:DeleteDestination", ARN)
async def delete_destination(ctx: Context, request: Parameters) -> None:
    """Subscriptions that send to it send to nobody from now on."""
    destination = _find(ctx, request["destinationName"])
    async with ctx.store.transaction() as tx:
        tx.delete(DESTINATIONS, destination.account, destination.region, destination.name)
