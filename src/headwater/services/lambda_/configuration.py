"""What a create or an update says about a function, checked and turned into the version's record: one row a member."""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from headwater.aws.faults import fault
from headwater.kernel.context import Context

from . import runtimes
from .fleet import layer_of
from .model import Version, variables_of
from .names import invalid

ENVIRONMENT_BYTES_MAX: Final = 4_096
LAYERS_MAX: Final = 5
TAGS_MAX: Final = 50

Parameters = dict[str, Any]


def configured(ctx: Context, version: Version, request: Parameters) -> Version:
    """The version with what a create or an update says about it."""
    not_built = sorted(_NOT_BUILT & {member for member, value in request.items() if value})
    if not_built:
        raise invalid(f"Headwater has not built these members of a function yet: {', '.join(not_built)}.")
    changes: Parameters = {}
    for member, (field, checked) in _MEMBERS.items():
        if member in request:
            changes[field] = checked(ctx, request[member])
    if "Environment" in request:
        changes["sealed_environment"] = _sealed(ctx, version, _checked_environment(request["Environment"].get("Variables", {})))
    if "Layers" in request:
        changes["layer_bytes"] = [layer_of(ctx.store, arn).code_bytes for arn in request["Layers"]]
    for member, inner, field in _NESTED:
        if request.get(member, {}).get(inner) is not None:
            changes[field] = request[member][inner]
    changes |= _logging(version, request) | _dead_letter(request)
    extras = dict(version.extras)
    if request.get("KMSKeyArn"):
        extras["KMSKeyArn"] = request["KMSKeyArn"]
    if "VpcConfig" in request:
        wanted = {"SubnetIds": [], "SecurityGroupIds": [], "VpcId": "", "Ipv6AllowedForDualStack": False}
        extras["VpcConfig"] = wanted | request["VpcConfig"]
    return msgspec.structs.replace(version, **changes, extras=extras)


def _logging(version: Version, request: Parameters) -> Parameters:
    wanted = request.get("LoggingConfig", {})
    log_format = wanted.get("LogFormat", version.log_format)
    if log_format != "JSON":
        return {"log_format": log_format, "application_log_level": None, "system_log_level": None}
    return {
        "log_format": log_format,
        "application_log_level": wanted.get("ApplicationLogLevel", version.application_log_level or "INFO"),
        "system_log_level": wanted.get("SystemLogLevel", version.system_log_level or "INFO"),
    }


def _dead_letter(request: Parameters) -> Parameters:
    """An empty ARN takes the queue away; a configuration that names none changes nothing (recordings, TestLambdaDLQ)."""
    target = request.get("DeadLetterConfig", {}).get("TargetArn")
    return {} if target is None else {"dead_letter_arn": target or None}


def _as_it_is(_: Context, value: Any) -> Any:
    return value


def _checked_runtime(_: Context, runtime: str) -> str:
    runtimes.check(runtime)
    return runtime


def _checked_role(ctx: Context, role: str) -> str:
    if role.split(":")[4] != ctx.account:
        raise fault("AccessDeniedException", "Cross-account pass role is not allowed.")
    return role


def _sealed(ctx: Context, version: Version, variables: dict[str, str]) -> bytes:
    """The same variables stay sealed as they are: publishing compares."""
    if version.sealed_environment is not None and variables_of(version, ctx.home.vault) == variables:
        return version.sealed_environment
    return ctx.home.vault.seal(msgspec.json.encode(variables), version.function_arn)


def _checked_environment(variables: dict[str, str]) -> dict[str, str]:
    reserved = sorted(set(variables) & runtimes.RESERVED_VARIABLES)
    if reserved:
        raise invalid(
            "Lambda was unable to configure your environment variables because the environment variables you have provided contains"
            f" reserved keys that are currently not supported for modification. Reserved keys used in this request: {', '.join(reserved)}"
        )
    measured = msgspec.json.encode(variables)
    if len(measured) > ENVIRONMENT_BYTES_MAX:
        raise invalid(
            "Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the"
            f" 4KB limit. String measured: {measured.decode()}"
        )
    return variables


def _checked_layers(ctx: Context, arns: list[str]) -> list[str]:
    if len(arns) > LAYERS_MAX:
        raise invalid(f"Cannot reference more than {LAYERS_MAX} layers.")
    seen: dict[str, str] = {}
    for arn in arns:
        layer, _, _ = arn.rpartition(":")
        if arn.split(":")[3] != ctx.region:
            raise invalid(f"Layers are not in the same region as the function. Layers are expected to be in region {ctx.region}.")
        if layer in seen:
            raise invalid(
                f"Two different versions of the same layer are not allowed to be referenced in the same function. {seen[layer]} and {arn}."
            )
        seen[layer] = arn
        layer_of(ctx.store, arn, new=True)
    return arns


_MEMBERS: Final[dict[str, tuple[str, Callable[[Context, Any], Any]]]] = {
    "Role": ("role", _checked_role),
    "Runtime": ("runtime", _checked_runtime),
    "Handler": ("handler", _as_it_is),
    "Description": ("description", _as_it_is),
    "Timeout": ("timeout_s", _as_it_is),
    "MemorySize": ("memory_mb", _as_it_is),
    "Layers": ("layers", _checked_layers),
    "Architectures": ("architectures", lambda _, names: tuple(names)),
}
_NOT_BUILT: Final = frozenset({"AcceleratorConfig", "CapacityProviderConfig", "DurableConfig", "FileSystemConfigs", "TenancyConfig"})
_NESTED: Final = (
    ("EphemeralStorage", "Size", "tmp_mb"),
    ("TracingConfig", "Mode", "tracing"),
    ("SnapStart", "ApplyOn", "snap_start"),
    ("LoggingConfig", "LogGroup", "log_group"),
)
