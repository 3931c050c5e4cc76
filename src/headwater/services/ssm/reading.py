"""Parameters read: one, several, those under a path, and all versions of one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from headwater.aws.faults import Fault, fault
from headwater.kernel.permissions import requires

from . import public, references
from .filters import BY_PATH, PATH_RULE, checked, is_below, is_path, suits
from .finding import find, parameter_arn, parameter_arns, path_arn, read_name, selected, version_of
from .model import Parameter, Version, numbered, parameters, path_of
from .paging import page
from .policies import described as policies_of
from .sealing import value_of

if TYPE_CHECKING:
    from headwater.kernel.context import Context

Request = dict[str, Any]
PATH_RESULTS: Final = 10
HISTORY_RESULTS: Final = 50
ABSENT: Final = frozenset({"ParameterNotFound", "ParameterVersionNotFound"})


async def _describe(ctx: Context, parameter: Parameter, version: Version, *, opened: bool, selector: str = "") -> dict[str, Any]:
    """A parameter with its value."""
    described = {
        "Name": parameter.name,
        "Type": version.type,
        "Value": await value_of(ctx, version, opened=opened),
        "Version": version.number,
        "LastModifiedDate": version.modified_at,
        "ARN": parameter.arn,
        "DataType": version.data_type,
    }
    return described | ({"Selector": f":{selector}"} if selector else {})


async def _read(ctx: Context, text: str, *, opened: bool) -> dict[str, Any]:
    """What a name stands for: a parameter here, one of AWS's own, or a secret elsewhere."""
    if references.is_reference(text):
        return await references.read(ctx, text, opened=opened)
    if public.is_public(text):
        return public.read(ctx, text)
    named = read_name(ctx, text)
    parameter = find(ctx, named.name)
    return await _describe(ctx, parameter, selected(ctx, parameter, named.selector), opened=opened, selector=named.selector)


@requires("ssm:GetParameter", parameter_arn)
async def get_parameter(ctx: Context, request: Request) -> dict[str, Any]:
    """One, in its newest version or in that which the name asks for."""
    return {"Parameter": await _read(ctx, request["Name"], opened=request.get("WithDecryption", False))}


@requires("ssm:GetParameters", parameter_arns)
async def get_parameters(ctx: Context, request: Request) -> dict[str, Any]:
    """Those that are there; the others are named."""
    found: list[dict[str, Any]] = []
    missing: list[str] = []
    for name in dict.fromkeys(request["Names"]):
        try:
            found.append(await _read(ctx, name, opened=request.get("WithDecryption", False)))
        except Fault as refusal:
            if refusal.code not in ABSENT:
                raise
            missing.append(name)
    return {"Parameters": found, "InvalidParameters": missing}


@requires("ssm:GetParametersByPath", path_arn)
async def get_parameters_by_path(ctx: Context, request: Request) -> dict[str, Any]:
    """Those directly under a path, or anywhere under it."""
    path, recursive, opened = request["Path"], request.get("Recursive", False), request.get("WithDecryption", False)
    if public.is_public(path):
        shown, token = page(public.below(ctx, path, recursive=recursive), request, lambda one: str(one["Name"]), PATH_RESULTS)
        return {"Parameters": shown, "NextToken": token}
    if not is_path(path):
        raise fault("ValidationException", PATH_RULE)
    filters = checked(request.get("ParameterFilters", []), BY_PATH)
    base = path_of(path.rstrip("/")) if path != "/" else ()
    there = ctx.store.scan(parameters, ctx.account, ctx.region, *base)
    wanted = [one for one in there if is_below(one.name, path, recursive=recursive) and all(suits(each, one) for each in filters)]
    few, token = page(wanted, request, lambda one: one.name, PATH_RESULTS)
    labels: list[str] = next((each["Values"] for each in filters if each["Key"] == "Label"), [])
    found = []
    for one in few:
        label = next((each for each in labels if each in one.labels), "")
        found.append(await _describe(ctx, one, selected(ctx, one, label), opened=opened, selector=label))
    return {"Parameters": found, "NextToken": token}


@requires("ssm:GetParameterHistory", parameter_arn)
async def get_parameter_history(ctx: Context, request: Request) -> dict[str, Any]:
    """All versions that are left, the oldest first."""
    parameter = find(ctx, read_name(ctx, request["Name"]).name)
    numbers = range(parameter.oldest, parameter.current.number + 1)
    shown, token = page(numbers, request, numbered, HISTORY_RESULTS)
    opened = request.get("WithDecryption", False)
    return {
        "Parameters": [await _past(ctx, parameter, version_of(ctx, parameter, each), opened=opened) for each in shown],
        "NextToken": token,
    }


async def _past(ctx: Context, parameter: Parameter, version: Version, *, opened: bool) -> dict[str, Any]:
    return metadata(version) | {"Value": await value_of(ctx, version, opened=opened), "Labels": parameter.labels_of(version.number)}


def metadata(version: Version) -> dict[str, Any]:
    """All but the value."""
    return {
        "Name": version.name,
        "Type": version.type,
        "KeyId": version.key_id,
        "LastModifiedDate": version.modified_at,
        "LastModifiedUser": version.modified_by,
        "Description": version.description,
        "AllowedPattern": version.allowed_pattern,
        "Version": version.number,
        "Tier": version.tier,
        "Policies": policies_of(version.policies),
        "DataType": version.data_type,
    }
