"""How requests name parameters: by name, by ARN, and with a version or label behind a colon; and the sentences when there is none."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import msgspec

from headwater.aws.faults import Fault, fault

from .model import Parameter, Version, arn_of, numbered, parameters, path_of, versions

if TYPE_CHECKING:
    from headwater.kernel.context import Context


class Named(msgspec.Struct, frozen=True):
    """A parameter as a request names it. `selector` is the version or label asked for, or ""."""

    name: str
    selector: str = ""


def read_name(ctx: Context, text: str) -> Named:
    """Of an ARN, the name that belongs to it in this account and region: a parameter that was shared by another account is not there."""
    text = text.strip()
    if not text.startswith("arn:"):
        name, _, selector = text.partition(":")
        if ":" in selector:
            raise invalid_selector()
        return Named(name, selector)
    fields = text.split(":", 6)
    if len(fields) < 6 or not fields[5].startswith("parameter/"):
        raise fault("ValidationException", f"Invalid parameter ARN: {text}")
    name = fields[5].removeprefix("parameter/")
    if fields[3:5] != [ctx.region, ctx.account]:
        raise no_such_parameter(text)
    selector = fields[6] if len(fields) > 6 else ""
    spelled = (name, f"/{name}") if "/" not in name else (f"/{name}",)
    known = next((each for each in spelled if ctx.store.get(parameters, ctx.account, ctx.region, *path_of(each)) is not None), spelled[0])
    return Named(known, selector)


def find(ctx: Context, name: str) -> Parameter:
    parameter = ctx.store.get(parameters, ctx.account, ctx.region, *path_of(name))
    if parameter is None:
        raise no_such_parameter(name)
    return parameter


def version_of(ctx: Context, parameter: Parameter, number: int) -> Version:
    if number == parameter.current.number:
        return parameter.current
    version = ctx.store.get(versions, parameter.account, parameter.region, parameter.name, numbered(number))
    if version is None:
        raise no_such_version(parameter.name, str(number))
    return version


def selected(ctx: Context, parameter: Parameter, selector: str) -> Version:
    """The version with this number or label; the newest where nothing is asked for."""
    if not selector:
        return parameter.current
    number = int(selector) if selector.isascii() and selector.isdecimal() else parameter.labels.get(selector)
    if number is None:
        raise fault(
            "ParameterVersionNotFound",
            f"Systems Manager could not find version label {selector} of {parameter.name}. Verify the version label and try again.",
        )
    return version_of(ctx, parameter, number)


def no_such_parameter(name: str) -> Fault:
    return fault("ParameterNotFound", f"Parameter {name} not found.")


def no_such_version(name: str, number: str) -> Fault:
    return fault(
        "ParameterVersionNotFound", f"Systems Manager could not find version {number} of {name}. Verify the version and try again."
    )


def invalid_selector() -> Fault:
    return fault(
        "ValidationException", "Invalid parameter name. Please use correct syntax for referencing a version/label  <name>:<version/label>"
    )


def _arn(ctx: Context, text: str) -> str:
    """For policies a version or label says nothing."""
    text = text.strip()
    if text.startswith("arn:"):
        return ":".join(text.split(":", 6)[:6])
    return arn_of(ctx.account, ctx.region, text.partition(":")[0])


def parameter_arn(ctx: Context, request: dict[str, Any]) -> str:
    return _arn(ctx, request["Name"])


def parameter_arns(ctx: Context, request: dict[str, Any]) -> Iterable[str]:
    return [_arn(ctx, name) for name in request["Names"]]


def path_arn(ctx: Context, request: dict[str, Any]) -> str:
    return arn_of(ctx.account, ctx.region, request["Path"].rstrip("/"))
