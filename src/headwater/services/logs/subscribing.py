"""Subscription filters: put after the destination was asked whether it lets us, described, deleted."""

from typing import Any, Final

from headwater.aws.faults import Fault, fault
from headwater.kernel.context import Context
from headwater.kernel.permissions import requires

from .arns import group_arn
from .filters import SUBSCRIPTIONS, SUBSCRIPTIONS_MAX, Subscription, describe_subscription, subscriptions_of
from .forwarding import Destination, route_of
from .groups import find_group, milliseconds, page
from .model import invalid
from .patterns import compiled

Parameters = dict[str, Any]

VENDORS: Final = ("lambda", "firehose", "kinesis")
_PARTS: Final = 6


@requires("iam:PassRole", "{roleArn}", when="roleArn", passed_to="logs.amazonaws.com")
@requires("logs:PutSubscriptionFilter", group_arn)
@requires("logs:PutSubscriptionFilter", "{destinationArn}", when=lambda ctx, request: request["destinationArn"].startswith("arn:aws:logs:"))
async def put_subscription_filter(ctx: Context, request: Parameters) -> None:
    destination = request["destinationArn"]
    vendor = _check_destination(ctx, destination, request.get("roleArn"))
    group = find_group(ctx, request["logGroupName"])
    compiled(request["filterPattern"])
    before = subscriptions_of(ctx, group.name)
    same = next((one for one in before if one.name == request["filterName"]), None)
    if same is None and len(before) >= SUBSCRIPTIONS_MAX:
        raise fault("LimitExceededException", "Resource limit exceeded.")
    subscription = Subscription(
        account=ctx.account,
        region=ctx.region,
        group=group.name,
        name=request["filterName"],
        pattern=request["filterPattern"],
        destination=destination,
        role=request.get("roleArn"),
        distribution=request.get("distribution", "ByLogStream"),
        created_ms=milliseconds(ctx.clock.now()) if same is None else same.created_ms,
    )
    route = route_of(ctx, subscription)
    if route is None:
        raise fault("ResourceNotFoundException", "The specified destination does not exist.")
    try:
        await Destination(ctx, route).check()
    except Fault as refusal:
        raise unreachable(vendor, refusal) from None
    async with ctx.store.transaction() as tx:
        tx.put(SUBSCRIPTIONS, subscription)


@requires("logs:DescribeSubscriptionFilters", group_arn)
async def describe_subscription_filters(ctx: Context, request: Parameters) -> Parameters:
    group = find_group(ctx, request["logGroupName"])
    prefix = request.get("filterNamePrefix", "")
    found = [one for one in subscriptions_of(ctx, group.name) if one.name.startswith(prefix)]
    shown, token = page(found, request, lambda one: one.name)
    return {"subscriptionFilters": [describe_subscription(one) for one in shown], "nextToken": token}


@requires("logs:DeleteSubscriptionFilter", group_arn)
async def delete_subscription_filter(ctx: Context, request: Parameters) -> None:
    group = find_group(ctx, request["logGroupName"])
    if ctx.store.get(SUBSCRIPTIONS, ctx.account, ctx.region, group.name, request["filterName"]) is None:
        raise fault("ResourceNotFoundException", "The specified subscription filter does not exist.")
    async with ctx.store.transaction() as tx:
        tx.delete(SUBSCRIPTIONS, ctx.account, ctx.region, group.name, request["filterName"])


def _check_destination(ctx: Context, destination: str, role: str | None) -> str:
    """The service that it belongs to. What another account's is comes first (recorded: test_put_subscription_filter_errors)."""
    parts = destination.split(":", _PARTS - 1)
    if len(parts) < _PARTS or parts[0] != "arn":
        raise invalid(f"destinationArn {destination} is not a valid ARN")
    vendor, account = parts[2], parts[4]
    if vendor == "logs":
        return vendor
    if vendor not in VENDORS:
        raise invalid(f"PutSubscriptionFilter operation cannot work with destinationArn for vendor {vendor}")
    if vendor == "lambda":
        if account != ctx.account:
            raise fault(
                "AccessDeniedException",
                "Cross-account lambda invocation passing is not allowed."
                " You must use DestinationPolicies to create cross account lambda triggers.",
            )
    elif role is None:
        raise invalid(f"destinationArn for vendor {vendor} cannot be used without roleArn")
    return vendor


def unreachable(vendor: str, refusal: Fault) -> Fault:
    if refusal.code == "NotImplemented":
        return refusal
    if vendor == "lambda":
        return invalid(
            "Could not execute the lambda function. Make sure you have given CloudWatch Logs permission to execute your function."
        )
    what = "Firehose stream. Check if the given Firehose" if vendor == "firehose" else "Kinesis stream. Check if the given kinesis"
    return invalid(f"Could not deliver test message to specified {what} stream is in ACTIVE state.")
