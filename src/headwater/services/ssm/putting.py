"""PutParameter and the deletions: a parameter is made, gets its next version, or goes with all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
import regex

from headwater.aws.faults import fault
from headwater.kernel.permissions import requires

from . import policies
from .events import tell_change
from .finding import find, parameter_arn, parameter_arns, read_name
from .model import (
    ADVANCED,
    AMI,
    DATA_TYPES,
    INTELLIGENT,
    PARAMETERS_MAX,
    SECURE,
    STANDARD,
    TEXT,
    VALUE_BYTES_MAX,
    VERSIONS_MAX,
    Parameter,
    Policy,
    Version,
    check_name,
    numbered,
    parameters,
    path_of,
    versions,
)
from .sealing import DEFAULT_KEY, seal
from .settings import DEFAULT_TIER, setting_of
from .tags import tagged

if TYPE_CHECKING:
    from headwater.kernel.context import Context

Request = dict[str, Any]
PATTERN_S: Final = 1.0
ADVANCED_PAGE: Final = "https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html"
"""Where AWS's sentences send the reader."""


@requires("ssm:PutParameter", parameter_arn)
@requires("ssm:AddTagsToResource", parameter_arn, when="Tags")
async def put_parameter(ctx: Context, request: Request) -> dict[str, Any]:
    """A new parameter, or its next version."""
    request["Name"] = request["Name"].strip()
    check_name(request["Name"])
    before = ctx.store.get(parameters, ctx.account, ctx.region, *path_of(request["Name"]))
    _check_request(request, before)
    version = await _version(ctx, request, before)
    now = ctx.store.get(parameters, ctx.account, ctx.region, *path_of(request["Name"]))
    if now is not before:
        raise fault("TooManyUpdates", "There are concurrent updates for a resource that supports one update at a time.")
    if before is None:
        tags = tagged({}, request.get("Tags", []))
        parameter = Parameter(account=ctx.account, region=ctx.region, name=version.name, current=version, oldest=1, labels={}, tags=tags)
    else:
        parameter = msgspec.structs.replace(before, current=version, oldest=_oldest(before))
    async with ctx.store.transaction() as tx:
        tx.put(parameters, parameter)
        tx.put(versions, version)
        if before is not None and before.oldest < parameter.oldest:
            tx.delete(versions, before.account, before.region, before.name, numbered(before.oldest))
        policies.owe(tx, parameter)
    tell_change(ctx, parameter, "Create" if before is None else "Update")
    return {"Version": version.number, "Tier": version.tier}


def _check_request(request: Request, before: Parameter | None) -> None:
    if not request["Value"]:
        raise fault(
            "ValidationException",
            "1 validation error detected: Value '' at 'value' failed to satisfy constraint: Member must have length greater than or "
            "equal to 1.",
        )
    if request.get("Overwrite") and request.get("Tags"):
        raise fault(
            "ValidationException",
            "Invalid request: tags and overwrite can't be used together. To create a parameter with tags, please remove overwrite flag. To "
            "update tags for an existing parameter, please use AddTagsToResource or RemoveTagsFromResource.",
        )
    if before is None and "Type" not in request:
        raise fault("ValidationException", "A parameter type is required when you create a parameter.")
    if before is not None and not request.get("Overwrite"):
        raise fault(
            "ParameterAlreadyExists",
            "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.",
        )
    if before is not None and request.get("Type", before.current.type) != before.current.type:
        raise fault(
            "HierarchyTypeMismatchException",
            f"Parameter Store doesn't support changing a parameter type: {before.name} is a {before.current.type}. You must create a new, "
            "unique parameter.",
        )
    _check_pattern(request)
    _check_data_type(request)


def _check_pattern(request: Request) -> None:
    pattern = request.get("AllowedPattern")
    if not pattern:
        return
    try:
        matched = regex.fullmatch(pattern, request["Value"], timeout=PATTERN_S)
    except regex.error:
        raise fault("InvalidAllowedPatternException", "The request doesn't meet the regular expression requirement.") from None
    except TimeoutError:
        matched = None
    if matched is None:
        raise fault("ParameterPatternMismatchException", f"Parameter value, cannot be validated against allowedPattern: {pattern}")


def _check_data_type(request: Request) -> None:
    named = request.get("DataType", TEXT)
    if named not in DATA_TYPES:
        raise fault("ValidationException", f"The following data type is not supported: {named} (Data type names are all lowercase.)")
    if named == AMI:
        raise fault("NotImplemented", "Headwater has no images, so it cannot validate a parameter of the data type aws:ec2:image.")


async def _version(ctx: Context, request: Request, before: Parameter | None) -> Version:
    """What the request makes of the parameter. What it does not say stays, but for the pattern and the key, which each value has anew."""
    was = before.current if before is not None else None
    given = _policies(ctx, request, was)
    tier = _tier(ctx, request, was, given)
    if before is None:
        _check_count(ctx, tier)
    kind: str = request["Type"] if was is None else was.type
    value, sealed, data_key, key_id = request["Value"], b"", b"", None
    if kind == SECURE:
        key_id = request.get("KeyId", DEFAULT_KEY)
        sealed, data_key = await seal(ctx, request["Name"], value, key_id, tier)
        value = ""
    elif "KeyId" in request:
        raise fault("ValidationException", f"KeyId is not valid for a parameter of type {kind}.")
    return Version(
        account=ctx.account,
        region=ctx.region,
        name=request["Name"],
        number=1 if was is None else was.number + 1,
        type=kind,
        value=value,
        sealed=sealed,
        data_key=data_key,
        key_id=key_id,
        description=request.get("Description", was.description if was is not None else None),
        allowed_pattern=request.get("AllowedPattern") or None,
        data_type=request.get("DataType", was.data_type if was is not None else TEXT),
        tier=tier,
        policies=given,
        modified_at=ctx.clock.now(),
        modified_by=ctx.principal.arn,
    )


def _policies(ctx: Context, request: Request, was: Version | None) -> tuple[Policy, ...]:
    """Those of the request, else those that were; the time without a change begins anew."""
    if "Policies" in request:
        return policies.read(request["Policies"], ctx.clock.now())
    kept = was.policies if was is not None else ()
    return tuple(msgspec.structs.replace(each, finished=False) if each.kind == policies.UNCHANGED else each for each in kept)


def _tier(ctx: Context, request: Request, was: Version | None, given: tuple[Policy, ...]) -> str:
    """The tier that the parameter gets. Up is possible, down is not; Intelligent-Tiering goes up where it must."""
    asked: str = request.get("Tier") or (was.tier if was is not None else setting_of(ctx, DEFAULT_TIER))
    size = len(request["Value"].encode())
    if asked == INTELLIGENT:
        needs_more = size > VALUE_BYTES_MAX[STANDARD] or bool(given) or (was is not None and was.tier == ADVANCED)
        asked = ADVANCED if needs_more else STANDARD
    if asked == STANDARD and was is not None and was.tier == ADVANCED:
        raise fault(
            "ValidationException",
            "This parameter uses the advanced-parameter tier. You can't downgrade a parameter from the advanced-parameter tier to the "
            "standard-parameter tier. If necessary, you can delete the advanced parameter and recreate it as a standard parameter. "
            f"For more information, see {ADVANCED_PAGE}",
        )
    if size > VALUE_BYTES_MAX[asked]:
        more = (
            " To create a larger parameter value, upgrade the parameter to use the advanced-parameter tier. For more information, see "
            + ADVANCED_PAGE
        )
        raise fault(
            "ValidationException",
            f"{asked} tier parameters support a maximum parameter value of {VALUE_BYTES_MAX[asked]} characters."
            + (more if asked == STANDARD else ""),
        )
    if given and asked == STANDARD:
        raise fault("ValidationException", "Parameter policies are available for advanced parameters only.")
    return asked


def _check_count(ctx: Context, tier: str) -> None:
    there = sum(each.current.tier == tier for each in ctx.store.scan(parameters, ctx.account, ctx.region))
    if there >= PARAMETERS_MAX[tier]:
        raise fault(
            "ParameterLimitExceeded",
            f"You have exceeded the number of {tier.lower()} parameters for this Amazon Web Services account. "
            "Delete one or more parameters and try again.",
        )


def _oldest(before: Parameter) -> int:
    """The oldest version once there is one more: a hundred stay, and one that bears a label is not given up."""
    if before.current.number + 1 - before.oldest < VERSIONS_MAX:
        return before.oldest
    if before.labels_of(before.oldest):
        raise fault(
            "ParameterMaxVersionLimitExceeded",
            f"You attempted to create a new version of {before.name} by calling the PutParameter API with the overwrite flag. Version "
            f"{before.oldest}, the oldest version, can't be deleted because it has a label associated with it. Move the label to another "
            "version of the parameter, and try again.",
        )
    return before.oldest + 1


@requires("ssm:DeleteParameter", parameter_arn)
async def delete_parameter(ctx: Context, request: Request) -> dict[str, Any]:
    """It, and its history."""
    parameter = find(ctx, read_name(ctx, request["Name"]).name)
    async with ctx.store.transaction() as tx:
        policies.drop(tx, parameter)
    tell_change(ctx, parameter, "Delete")
    return {}


@requires("ssm:DeleteParameters", parameter_arns)
async def delete_parameters(ctx: Context, request: Request) -> dict[str, Any]:
    """Those that are there; the others are named."""
    found = {name: ctx.store.get(parameters, ctx.account, ctx.region, *path_of(name)) for name in dict.fromkeys(request["Names"])}
    there = [parameter for parameter in found.values() if parameter is not None]
    async with ctx.store.transaction() as tx:
        for parameter in there:
            policies.drop(tx, parameter)
    for parameter in there:
        tell_change(ctx, parameter, "Delete")
    missing = [name for name, parameter in found.items() if parameter is None]
    return {"DeletedParameters": [parameter.name for parameter in there], "InvalidParameters": missing}
