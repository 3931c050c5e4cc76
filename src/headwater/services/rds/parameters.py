"""Parameter groups of instances and of clusters: their operations come in pairs that differ in the names of members only.

A default group ("default.mysql8.0") is never stored: it exists for every family, sets nothing and cannot be changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from msgspec.structs import replace

from headwater.aws.faults import Fault, fault
from headwater.engines.database import Variable
from headwater.kernel.permissions import requires

from . import arns, names
from .descriptions import family_of_default
from .paging import page
from .records import GROUPS, Group, Setting, plain_name, tagged, uses
from .refusals import invalid, no_such_cluster_parameter_group, no_such_parameter_group
from .servers import servers_of
from .settings import UNMODIFIABLE, checked, users_of
from .versions import FAMILIES

if TYPE_CHECKING:
    from headwater.kernel.context import Context

GROUPS_MAX: Final = 50
PARAMETERS_A_CALL_MAX: Final = 20


class Scope(NamedTuple):
    """How the two kinds of groups are spelled."""

    scope: str
    noun: str  # DBParameterGroup or DBClusterParameterGroup
    arn: str

    @property
    def name(self) -> str:
        return f"{self.noun}Name"

    def missing(self, name: str) -> Fault:
        return no_such_parameter_group(name) if self.scope == "instance" else no_such_cluster_parameter_group(name)


INSTANCE: Final = Scope("instance", "DBParameterGroup", "pg")
CLUSTER: Final = Scope("cluster", "DBClusterParameterGroup", "cluster-pg")


def describe(ctx: Context, scope: Scope, group: Group) -> dict[str, Any]:
    return {
        scope.name: group.name,
        "DBParameterGroupFamily": group.family,
        "Description": group.description,
        f"{scope.noun}Arn": ctx.arn("rds", f"{scope.arn}:{group.name}"),
    }


@requires("rds:CreateDBParameterGroup", arns.of("DBParameterGroupName"))
@requires("rds:AddTagsToResource", arns.of("DBParameterGroupName"), when="Tags")
async def create_db_parameter_group(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    return await _create(ctx, INSTANCE, request)


@requires("rds:CreateDBClusterParameterGroup", arns.of("DBClusterParameterGroupName"))
@requires("rds:AddTagsToResource", arns.of("DBClusterParameterGroupName"), when="Tags")
async def create_db_cluster_parameter_group(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    return await _create(ctx, CLUSTER, request)


@requires("rds:DescribeDBParameterGroups", arns.of("DBParameterGroupName"))
async def describe_db_parameter_groups(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    return _list(ctx, INSTANCE, request)


@requires("rds:DescribeDBClusterParameterGroups", arns.of("DBClusterParameterGroupName"))
async def describe_db_cluster_parameter_groups(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    return _list(ctx, CLUSTER, request)


@requires("rds:DescribeDBParameters", arns.of("DBParameterGroupName"))
async def describe_db_parameters(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    return await _parameters(ctx, INSTANCE, request)


@requires("rds:DescribeDBClusterParameters", arns.of("DBClusterParameterGroupName"))
async def describe_db_cluster_parameters(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    return await _parameters(ctx, CLUSTER, request)


@requires("rds:ModifyDBParameterGroup", arns.of("DBParameterGroupName"))
async def modify_db_parameter_group(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    return await _modify(ctx, INSTANCE, request)


@requires("rds:ModifyDBClusterParameterGroup", arns.of("DBClusterParameterGroupName"))
async def modify_db_cluster_parameter_group(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    return await _modify(ctx, CLUSTER, request)


@requires("rds:ResetDBParameterGroup", arns.of("DBParameterGroupName"))
async def reset_db_parameter_group(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    return await _reset(ctx, INSTANCE, request)


@requires("rds:ResetDBClusterParameterGroup", arns.of("DBClusterParameterGroupName"))
async def reset_db_cluster_parameter_group(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    return await _reset(ctx, CLUSTER, request)


@requires("rds:DeleteDBParameterGroup", arns.of("DBParameterGroupName"))
async def delete_db_parameter_group(ctx: Context, request: dict[str, Any]) -> None:
    await _delete(ctx, INSTANCE, request)


@requires("rds:DeleteDBClusterParameterGroup", arns.of("DBClusterParameterGroupName"))
async def delete_db_cluster_parameter_group(ctx: Context, request: dict[str, Any]) -> None:
    await _delete(ctx, CLUSTER, request)


@requires("rds:DescribeEngineDefaultParameters")
async def describe_engine_default_parameters(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    return await _defaults(ctx, request)


@requires("rds:DescribeEngineDefaultClusterParameters")
async def describe_engine_default_cluster_parameters(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    return await _defaults(ctx, request)


async def _create(ctx: Context, scope: Scope, request: dict[str, Any]) -> dict[str, Any]:
    name = names.group_name(request[scope.name], scope.name)
    of_family = request["DBParameterGroupFamily"]
    if of_family not in FAMILIES:
        raise invalid(f"ParameterGroupFamily {of_family} is not a valid parameter group family")
    if ctx.store.get(GROUPS, ctx.account, ctx.region, scope.scope, name) is not None:
        raise fault("DBParameterGroupAlreadyExists", f"Parameter group {name} already exists")
    if len(ctx.store.scan(GROUPS, ctx.account, ctx.region, scope.scope)) >= GROUPS_MAX:
        raise fault("DBParameterGroupQuotaExceeded", f"The quota of {GROUPS_MAX} parameter groups has been reached.")
    group = Group(
        account=ctx.account,
        region=ctx.region,
        scope=scope.scope,
        name=name,
        family=of_family,
        description=request["Description"],
        tags=tagged(request),
    )
    async with ctx.store.transaction() as tx:
        tx.put(GROUPS, group)
    return {scope.noun: describe(ctx, scope, group)}


def _list(ctx: Context, scope: Scope, request: dict[str, Any]) -> dict[str, Any]:
    if scope.name in request:
        groups = [_found(ctx, scope, request)]
    else:
        groups = [*ctx.store.scan(GROUPS, ctx.account, ctx.region, scope.scope), *_defaults_in_use(ctx, scope)]
    shown, marker = page(groups, request, key=lambda group: group.name)
    return {f"{scope.noun}s": [describe(ctx, scope, group) for group in shown], "Marker": marker}


def _defaults_in_use(ctx: Context, scope: Scope) -> list[Group]:
    """RDS makes a default group when something first uses it."""
    families = {found for name in uses(ctx.store, ctx.account, ctx.region, scope.scope) if (found := family_of_default(name)) is not None}
    return [_default(ctx, scope, each) for each in families]


def _default(ctx: Context, scope: Scope, of_family: str) -> Group:
    return Group(
        account=ctx.account,
        region=ctx.region,
        scope=scope.scope,
        name=f"default.{of_family}",
        family=of_family,
        description=f"Default {'cluster ' if scope is CLUSTER else ''}parameter group for {of_family}",
    )


def _found(ctx: Context, scope: Scope, request: dict[str, Any]) -> Group:
    name = plain_name(ctx, scope.arn, request[scope.name])
    of_family = family_of_default(name)
    group = _default(ctx, scope, of_family) if of_family else ctx.store.get(GROUPS, ctx.account, ctx.region, scope.scope, name)
    if group is None:
        raise scope.missing(name)
    return group


def _changeable(ctx: Context, scope: Scope, request: dict[str, Any]) -> Group:
    group = _found(ctx, scope, request)
    if family_of_default(group.name):
        raise fault("InvalidDBParameterGroupState", f"The default parameter group {group.name} cannot be modified or deleted.")
    return group


async def _parameters(ctx: Context, scope: Scope, request: dict[str, Any]) -> dict[str, Any]:
    group = _found(ctx, scope, request)
    known = await servers_of(ctx.home).parameters(group.family)
    shown = [_parameter(variable, group.settings.get(name)) for name, variable in known.items()]
    if "Source" in request:
        shown = [each for each in shown if each["Source"] == request["Source"]]
    parameters, marker = page(shown, request, key=lambda each: str(each["ParameterName"]))
    return {"Parameters": parameters, "Marker": marker}


async def _defaults(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    of_family = request["DBParameterGroupFamily"]
    if of_family not in FAMILIES:
        raise invalid(f"ParameterGroupFamily {of_family} is not a valid parameter group family")
    shown = [_parameter(variable, None) for variable in (await servers_of(ctx.home).parameters(of_family)).values()]
    parameters, marker = page(shown, request, key=lambda each: str(each["ParameterName"]))
    return {"EngineDefaults": {"DBParameterGroupFamily": of_family, "Parameters": parameters, "Marker": marker}}


def _parameter(variable: Variable, setting: Setting | None) -> dict[str, Any]:
    value = variable.default if setting is None else setting.value
    return {
        "ParameterName": variable.name,
        "ParameterValue": value,
        "Description": variable.description,
        "Source": "user" if setting is not None else "engine-default",
        "ApplyType": "dynamic" if variable.dynamic else "static",
        "DataType": variable.kind,
        "AllowedValues": "0,1" if variable.kind == "boolean" else variable.allowed or None,
        "IsModifiable": variable.name not in UNMODIFIABLE,
        "ApplyMethod": "immediate" if setting is not None and setting.immediate else "pending-reboot",
    }


async def _modify(ctx: Context, scope: Scope, request: dict[str, Any]) -> dict[str, Any]:
    """All or nothing: one parameter that is refused leaves the group as it was."""
    group = _changeable(ctx, scope, request)
    if len(request["Parameters"]) > PARAMETERS_A_CALL_MAX:
        raise invalid(f"A maximum of {PARAMETERS_A_CALL_MAX} parameters can be modified in a single request.")
    known = await servers_of(ctx.home).parameters(group.family)
    settings = dict(group.settings)
    for each in request["Parameters"]:
        if not {"ParameterName", "ParameterValue", "ApplyMethod"} <= each.keys():
            raise invalid("ParameterName, ParameterValue and ApplyMethod must be provided for each parameter.")
        settings[each["ParameterName"]] = checked(each["ParameterName"], each["ParameterValue"], each["ApplyMethod"], known)
    await _keep(ctx, replace(group, settings=settings))
    return {scope.name: group.name}


async def _reset(ctx: Context, scope: Scope, request: dict[str, Any]) -> dict[str, Any]:
    group = _changeable(ctx, scope, request)
    listed = {each.get("ParameterName") for each in request.get("Parameters", [])}
    if bool(listed) == request.get("ResetAllParameters", not listed):
        raise invalid("Either ResetAllParameters or a list of parameters must be given, and not both.")
    left = {name: value for name, value in group.settings.items() if listed and name not in listed}
    await _keep(ctx, replace(group, settings=left))
    return {scope.name: group.name}


async def _keep(ctx: Context, group: Group) -> None:
    async with ctx.store.transaction() as tx:
        tx.put(GROUPS, group)
    for owner in users_of(ctx.store, group):
        await servers_of(ctx.home).apply_settings(owner)


async def _delete(ctx: Context, scope: Scope, request: dict[str, Any]) -> None:
    group = _changeable(ctx, scope, request)
    if group.name in uses(ctx.store, ctx.account, ctx.region, scope.scope):
        raise fault(
            "InvalidDBParameterGroupState",
            f"One or more database instances are still members of this parameter group {group.name}, so the group cannot be deleted",
        )
    async with ctx.store.transaction() as tx:
        tx.delete(GROUPS, group.account, group.region, group.scope, group.name)
