"""Subnet groups: remembered and described. There is no network here for them to stand in, so subnets are taken at their word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from headwater.aws.faults import fault
from headwater.kernel.permissions import requires

from . import arns, names
from .paging import page
from .records import CLUSTERS, INSTANCES, SUBNET_GROUPS, SubnetGroup, tagged
from .refusals import invalid, no_such_subnet_group

if TYPE_CHECKING:
    from headwater.kernel.context import Context


def describe(ctx: Context, group: SubnetGroup) -> dict[str, Any]:
    zones = "abc"
    return {
        "DBSubnetGroupName": group.name,
        "DBSubnetGroupDescription": group.description,
        "VpcId": "vpc-00000000000000000",
        "SubnetGroupStatus": "Complete",
        "Subnets": [
            {
                "SubnetIdentifier": subnet,
                "SubnetAvailabilityZone": {"Name": f"{group.region}{zones[number % len(zones)]}"},
                "SubnetStatus": "Active",
            }
            for number, subnet in enumerate(group.subnets)
        ],
        "DBSubnetGroupArn": ctx.arn("rds", f"subgrp:{group.name}"),
        "SupportedNetworkTypes": ["IPV4"],
    }


@requires("rds:CreateDBSubnetGroup", arns.of("DBSubnetGroupName"))
@requires("rds:AddTagsToResource", arns.of("DBSubnetGroupName"), when="Tags")
async def create_db_subnet_group(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    name = names.group_name(request["DBSubnetGroupName"], "DBSubnetGroupName")
    if name == "default":
        raise invalid("The DB subnet group name default is reserved.")
    if ctx.store.get(SUBNET_GROUPS, ctx.account, ctx.region, name) is not None:
        raise fault("DBSubnetGroupAlreadyExists", f"The DB subnet group '{name}' already exists.")
    group = SubnetGroup(
        account=ctx.account,
        region=ctx.region,
        name=name,
        description=request["DBSubnetGroupDescription"],
        subnets=_subnets(request),
        tags=tagged(request),
    )
    async with ctx.store.transaction() as tx:
        tx.put(SUBNET_GROUPS, group)
    return {"DBSubnetGroup": describe(ctx, group)}


@requires("rds:DescribeDBSubnetGroups", arns.of("DBSubnetGroupName"))
async def describe_db_subnet_groups(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    if "DBSubnetGroupName" in request:
        groups = [_found(ctx, request)]
    else:
        groups = ctx.store.scan(SUBNET_GROUPS, ctx.account, ctx.region)
    shown, marker = page(groups, request, key=lambda group: group.name)
    return {"DBSubnetGroups": [describe(ctx, group) for group in shown], "Marker": marker}


@requires("rds:ModifyDBSubnetGroup", arns.of("DBSubnetGroupName"))
async def modify_db_subnet_group(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    group = _found(ctx, request)
    changed = replace(group, subnets=_subnets(request), description=request.get("DBSubnetGroupDescription", group.description))
    async with ctx.store.transaction() as tx:
        tx.put(SUBNET_GROUPS, changed)
    return {"DBSubnetGroup": describe(ctx, changed)}


@requires("rds:DeleteDBSubnetGroup", arns.of("DBSubnetGroupName"))
async def delete_db_subnet_group(ctx: Context, request: dict[str, Any]) -> None:
    group = _found(ctx, request)
    users = [*ctx.store.scan(INSTANCES, ctx.account, ctx.region), *ctx.store.scan(CLUSTERS, ctx.account, ctx.region)]
    if any(each.subnet_group == group.name for each in users):
        raise fault(
            "InvalidDBSubnetGroupStateFault",
            f"Cannot delete the subnet group '{group.name}' because at least one database instance is still using it.",
        )
    async with ctx.store.transaction() as tx:
        tx.delete(SUBNET_GROUPS, ctx.account, ctx.region, group.name)


def _found(ctx: Context, request: dict[str, Any]) -> SubnetGroup:
    name = request["DBSubnetGroupName"].lower()
    group = ctx.store.get(SUBNET_GROUPS, ctx.account, ctx.region, name)
    if group is None:
        raise no_such_subnet_group(name)
    return group


def _subnets(request: dict[str, Any]) -> list[str]:
    """AWS wants two availability zones; two subnets are as near as one can tell without a network."""
    subnets: list[str] = request["SubnetIds"]
    if len(set(subnets)) < 2:
        raise fault(
            "DBSubnetGroupDoesNotCoverEnoughAZs",
            "The DB subnet group doesn't meet Availability Zone (AZ) coverage requirement. Add subnets to cover at least 2 AZs.",
        )
    return subnets
