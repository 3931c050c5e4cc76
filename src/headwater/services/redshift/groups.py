"""Parameter groups and subnet groups: kept, shown and checked when a cluster names one; their values have no effect."""

from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from headwater.aws.faults import Fault, fault
from headwater.kernel.context import Context
from headwater.kernel.permissions import requires
from headwater.kernel.store import Record, Table

from . import arns
from .model import clusters, invalid, tag_list
from .paging import page
from .tagging import has_tags, tagged

FAMILIES: Final = ("redshift-1.0", "redshift-2.0")
# A default group's parameters: name, value, type, description. Source: Redshift's documentation, "Amazon Redshift parameter groups".
PARAMETERS: Final = (
    ("auto_analyze", "true", "boolean", "Use auto analyze"),
    ("datestyle", "ISO, MDY", "string", "Sets the display format for date and time values."),
    ("enable_case_sensitive_identifier", "false", "boolean", "Preserve case sensitivity for database identifiers."),
    ("enable_user_activity_logging", "false", "boolean", "parameter for audit logging purpose"),
    ("extra_float_digits", "0", "integer", "Sets the number of digits displayed for floating-point values"),
    ("max_concurrency_scaling_clusters", "1", "integer", "The maximum concurrency scaling clusters can be used."),
    ("query_group", "default", "string", "This parameter applies a user-defined label to a group of queries."),
    ("require_ssl", "false", "boolean", "require ssl for all databaseconnections"),
    ("search_path", "$user, public", "string", "Sets the schema search order for names that are not schema-qualified."),
    ("statement_timeout", "0", "integer", "Aborts any statement that takes over the specified number of milliseconds."),
    ("use_fips_ssl", "false", "boolean", "Use fips ssl library"),
    ("wlm_json_configuration", '[{"auto_wlm":true}]', "string", "wlm json configuration"),
)


class ParameterGroup(Record, frozen=True, kw_only=True):
    account: str
    region: str
    name: str
    family: str
    description: str
    values: dict[str, str] = msgspec.field(default_factory=dict)
    tags: dict[str, str] = msgspec.field(default_factory=dict)


class SubnetGroup(Record, frozen=True, kw_only=True):
    account: str
    region: str
    name: str
    description: str
    subnets: tuple[str, ...]
    created_at: datetime
    tags: dict[str, str] = msgspec.field(default_factory=dict)


parameter_groups: Final = Table("redshift", "parameter_groups", ParameterGroup, key=lambda group: (group.account, group.region, group.name))
subnet_groups: Final = Table("redshift", "subnet_groups", SubnetGroup, key=lambda group: (group.account, group.region, group.name))


def parameter_group_not_found(name: str) -> Fault:
    return fault("ClusterParameterGroupNotFound", f"ClusterParameterGroup not found: {name}")


def subnet_group_not_found(name: str) -> Fault:
    return fault("ClusterSubnetGroupNotFoundFault", f"Cluster subnet group {name} not found.")


def check_parameter_group(ctx: Context, name: str | None) -> None:
    if name is not None:
        find_parameter_group(ctx, name)


def check_subnet_group(ctx: Context, name: str | None) -> None:
    if name is not None:
        find_subnet_group(ctx, name)


def find_parameter_group(ctx: Context, name: str) -> ParameterGroup:
    group = ctx.store.get(parameter_groups, ctx.account, ctx.region, name.lower())
    if group is not None:
        return group
    for default in defaults(ctx):
        if default.name == name:
            return default
    raise parameter_group_not_found(name)


def defaults(ctx: Context) -> list[ParameterGroup]:
    """The groups that every account has and nobody made."""
    return [
        ParameterGroup(
            account=ctx.account,
            region=ctx.region,
            name=f"default.{family}",
            family=family,
            description=f"Default parameter group for {family}",
        )
        for family in FAMILIES
    ]


def find_subnet_group(ctx: Context, name: str) -> SubnetGroup:
    group = ctx.store.get(subnet_groups, ctx.account, ctx.region, name.lower())
    if group is None:
        raise subnet_group_not_found(name)
    return group


def describe_group(group: ParameterGroup) -> dict[str, Any]:
    return {
        "ParameterGroupName": group.name,
        "ParameterGroupFamily": group.family,
        "Description": group.description,
        "Tags": tag_list(group.tags),
    }


def describe_subnets(group: SubnetGroup) -> dict[str, Any]:
    return {
        "ClusterSubnetGroupName": group.name,
        "Description": group.description,
        "SubnetGroupStatus": "Complete",
        "Subnets": [{"SubnetIdentifier": subnet, "SubnetStatus": "Active"} for subnet in group.subnets],
        "Tags": tag_list(group.tags),
    }


@requires("redshift:CreateClusterParameterGroup", arns.parameter_group)
async def create_cluster_parameter_group(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    name, family = request["ParameterGroupName"].lower(), request["ParameterGroupFamily"]
    if family not in FAMILIES:
        raise invalid(f"Invalid parameter group family: {family}")
    if ctx.store.get(parameter_groups, ctx.account, ctx.region, name) is not None or name.startswith("default."):
        raise fault("ClusterParameterGroupAlreadyExists", f"ClusterParameterGroup already exists: {name}")
    group = ParameterGroup(
        account=ctx.account,
        region=ctx.region,
        name=name,
        family=family,
        description=request["Description"],
        tags=tagged({}, request.get("Tags", [])),
    )
    async with ctx.store.transaction() as tx:
        tx.put(parameter_groups, group)
    return {"ClusterParameterGroup": describe_group(group)}


@requires("redshift:DescribeClusterParameterGroups")
async def describe_cluster_parameter_groups(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    name = request.get("ParameterGroupName")
    if name is not None:
        return {"ParameterGroups": [describe_group(find_parameter_group(ctx, name))]}
    known = sorted([*defaults(ctx), *ctx.store.scan(parameter_groups, ctx.account, ctx.region)], key=lambda group: group.name)
    found = [one for one in known if has_tags(one.tags, request.get("TagKeys", ()), request.get("TagValues", ()))]
    shown, marker = page(found, request, lambda group: group.name)
    return {"ParameterGroups": [describe_group(one) for one in shown], "Marker": marker}


@requires("redshift:DescribeClusterParameters", arns.parameter_group)
async def describe_cluster_parameters(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    group = find_parameter_group(ctx, request["ParameterGroupName"])
    parameters = [
        {
            "ParameterName": name,
            "ParameterValue": group.values.get(name, value),
            "Description": description,
            "Source": "user" if name in group.values else "engine-default",
            "DataType": kind,
            "ApplyType": "static",
            "IsModifiable": True,
        }
        for name, value, kind, description in PARAMETERS
    ]
    wanted = request.get("Source")
    shown, marker = page(
        [one for one in parameters if wanted is None or one["Source"] == wanted], request, lambda one: str(one["ParameterName"])
    )
    return {"Parameters": shown, "Marker": marker}


@requires("redshift:ModifyClusterParameterGroup", arns.parameter_group)
async def modify_cluster_parameter_group(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    group = find_parameter_group(ctx, request["ParameterGroupName"])
    if group.name.startswith("default."):
        raise fault("InvalidClusterParameterGroupState", f"The default parameter group {group.name} cannot be modified.")
    values = dict(group.values)
    for parameter in request["Parameters"]:
        name = parameter.get("ParameterName", "")
        if name not in {known for known, *_ in PARAMETERS}:
            raise invalid(f"Could not find parameter with name: {name}")
        values[name] = parameter.get("ParameterValue", "")
    async with ctx.store.transaction() as tx:
        tx.put(parameter_groups, replace(group, values=values))
    return {
        "ParameterGroupName": group.name,
        "ParameterGroupStatus": "Your parameter group has been updated. The values have no effect on Headwater's warehouses.",
    }


@requires("redshift:DeleteClusterParameterGroup", arns.parameter_group)
async def delete_cluster_parameter_group(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    group = find_parameter_group(ctx, request["ParameterGroupName"])
    used = any(one.parameter_group == group.name for one in ctx.store.scan(clusters, ctx.account, ctx.region))
    if used or group.name.startswith("default."):
        raise fault("InvalidClusterParameterGroupState", f"Cluster parameter group {group.name} is in use or is a default group.")
    async with ctx.store.transaction() as tx:
        tx.delete(parameter_groups, ctx.account, ctx.region, group.name)
    return {}


@requires("redshift:CreateClusterSubnetGroup", arns.subnet_group)
async def create_cluster_subnet_group(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    name = request["ClusterSubnetGroupName"].lower()
    if name == "default":
        raise invalid("The cluster subnet group name default is reserved.")
    if ctx.store.get(subnet_groups, ctx.account, ctx.region, name) is not None:
        raise fault("ClusterSubnetGroupAlreadyExists", f"Cluster subnet group {name} already exists.")
    group = SubnetGroup(
        account=ctx.account,
        region=ctx.region,
        name=name,
        description=request["Description"],
        subnets=tuple(request["SubnetIds"]),
        created_at=ctx.clock.now(),
        tags=tagged({}, request.get("Tags", [])),
    )
    async with ctx.store.transaction() as tx:
        tx.put(subnet_groups, group)
    return {"ClusterSubnetGroup": describe_subnets(group)}


@requires("redshift:ModifyClusterSubnetGroup", arns.subnet_group)
async def modify_cluster_subnet_group(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    group = find_subnet_group(ctx, request["ClusterSubnetGroupName"])
    changed = replace(group, subnets=tuple(request["SubnetIds"]), description=request.get("Description", group.description))
    async with ctx.store.transaction() as tx:
        tx.put(subnet_groups, changed)
    return {"ClusterSubnetGroup": describe_subnets(changed)}


@requires("redshift:DescribeClusterSubnetGroups")
async def describe_cluster_subnet_groups(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    name = request.get("ClusterSubnetGroupName")
    if name is not None:
        return {"ClusterSubnetGroups": [describe_subnets(find_subnet_group(ctx, name))]}
    known = ctx.store.scan(subnet_groups, ctx.account, ctx.region)
    found = [one for one in known if has_tags(one.tags, request.get("TagKeys", ()), request.get("TagValues", ()))]
    shown, marker = page(found, request, lambda group: group.name)
    return {"ClusterSubnetGroups": [describe_subnets(one) for one in shown], "Marker": marker}


@requires("redshift:DeleteClusterSubnetGroup", arns.subnet_group)
async def delete_cluster_subnet_group(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    group = find_subnet_group(ctx, request["ClusterSubnetGroupName"])
    if any(one.subnet_group == group.name for one in ctx.store.scan(clusters, ctx.account, ctx.region)):
        raise fault("InvalidClusterSubnetGroupStateFault", f"Cluster subnet group {group.name} is in use by a cluster.")
    async with ctx.store.transaction() as tx:
        tx.delete(subnet_groups, ctx.account, ctx.region, group.name)
    return {}
