"""Service settings of Parameter Store: the tier of parameters that name none, and the higher throughput, which here is always there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from headwater.aws.faults import fault
from headwater.kernel.permissions import requires

from .model import ADVANCED, INTELLIGENT, STANDARD, Setting, settings

if TYPE_CHECKING:
    from headwater.kernel.context import Context

Request = dict[str, Any]
DEFAULT_TIER: Final = "/ssm/parameter-store/default-parameter-tier"
THROUGHPUT: Final = "/ssm/parameter-store/high-throughput-enabled"
VALUES: Final = {DEFAULT_TIER: (STANDARD, ADVANCED, INTELLIGENT), THROUGHPUT: ("false", "true")}
"""What each may be; first what it is unless changed."""
_MARK: Final = ":servicesetting"


def _name(setting_id: str) -> str:
    name = setting_id.partition(_MARK)[2] if setting_id.startswith("arn:") else setting_id
    if name in VALUES:
        return name
    if name.startswith("/ssm/"):
        raise fault("NotImplemented", f"Headwater has not built the setting {name}: those of Parameter Store are.")
    raise fault("ServiceSettingNotFound", f"Service setting {setting_id} was not found.")


def _arn(ctx: Context, request: Request) -> str:
    setting_id: str = request["SettingId"]
    return setting_id if setting_id.startswith("arn:") else ctx.arn("ssm", f"servicesetting{setting_id}")


def setting_of(ctx: Context, name: str) -> str:
    """What the setting is for the caller's account and region."""
    changed = ctx.store.get(settings, ctx.account, ctx.region, name)
    return VALUES[name][0] if changed is None else changed.value


def _describe(ctx: Context, name: str) -> dict[str, Any]:
    changed = ctx.store.get(settings, ctx.account, ctx.region, name)
    described = {
        "SettingId": name,
        "SettingValue": setting_of(ctx, name),
        "ARN": ctx.arn("ssm", f"servicesetting{name}"),
        "Status": "Default" if changed is None else "Customized",
    }
    if changed is None:
        return described | {"LastModifiedUser": "System"}
    return described | {"LastModifiedDate": changed.modified_at, "LastModifiedUser": changed.modified_by}


@requires("ssm:GetServiceSetting", _arn)
async def get_service_setting(ctx: Context, request: Request) -> dict[str, Any]:
    """As it is, and who changed it."""
    return {"ServiceSetting": _describe(ctx, _name(request["SettingId"]))}


@requires("ssm:UpdateServiceSetting", _arn)
async def update_service_setting(ctx: Context, request: Request) -> dict[str, Any]:
    """For the account, in this region."""
    name = _name(request["SettingId"])
    if request["SettingValue"] not in VALUES[name]:
        raise fault("ValidationException", f"Value {request['SettingValue']} is not one of {', '.join(VALUES[name])}.")
    setting = Setting(
        account=ctx.account,
        region=ctx.region,
        name=name,
        value=request["SettingValue"],
        modified_at=ctx.clock.now(),
        modified_by=ctx.principal.arn,
    )
    async with ctx.store.transaction() as tx:
        tx.put(settings, setting)
    return {}


@requires("ssm:ResetServiceSetting", _arn)
async def reset_service_setting(ctx: Context, request: Request) -> dict[str, Any]:
    """Back to the default."""
    name = _name(request["SettingId"])
    async with ctx.store.transaction() as tx:
        tx.delete(settings, ctx.account, ctx.region, name)
    return {"ServiceSetting": _describe(ctx, name)}
