"""Virtual MFA devices: a seed, shown once, and codes that are really checked.

Codes follow the machine's time, as the authenticator in somebody's hand does, and not the Clock, which can be moved. A code is good
once. A device that runs ahead or behind is brought into step by ResyncMFADevice, which looks further than a check does.
Source: "Assign a virtual MFA device" of the user guide; API reference of VirtualMFADevice for the address in the QR code.
"""

from __future__ import annotations

import base64
import hmac
import io
import secrets
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import msgspec

from headwater.aws.faults import Fault, fault
from headwater.kernel.permissions import requires
from headwater.kernel.store import Record, Table
from headwater.kernel.store.table import encode_key

from . import arns
from .model import GLOBAL, User, calling_user, describe_user, described_tags, find_user, tagged, untagged, users
from .paging import page
from .totp import code_at, pair_at, step_at

if TYPE_CHECKING:
    from headwater.kernel.context import Context
    from headwater.kernel.home import Home

SEED_BYTES: Final = 40
PER_USER_MAX: Final = 8
ENABLE_REACH: Final = 2
RESYNC_REACH: Final = 120
"""An hour to either side."""
QR_SCALE: Final = 4


class Device(Record, frozen=True, kw_only=True):
    account: str
    name: str
    path: str
    sealed_seed: bytes
    user_id: str | None = None
    enabled_at: datetime | None = None
    drift: int = 0
    """How many steps the device is ahead."""
    last_step: int = 0
    """Of the last code that was accepted: it and those before are good no more."""
    tags: dict[str, str] = msgspec.field(default_factory=dict)

    @property
    def serial(self) -> str:
        return f"arn:aws:iam::{self.account}:mfa{self.path}{self.name}"


devices: Final = Table("iam", "mfa_devices", Device, key=lambda device: (device.account, GLOBAL, device.serial))


def no_such_device(serial: str) -> Fault:
    return fault("NoSuchEntity", f"VirtualMFADevice with serial number {serial} does not exist.")


def _find(ctx: Context, serial: str) -> Device:
    device = ctx.store.get(devices, ctx.account, GLOBAL, serial)
    if device is None:
        raise no_such_device(serial)
    return device


def devices_of(ctx: Context, user: User) -> list[Device]:
    return [device for device in ctx.store.scan(devices, ctx.account, GLOBAL) if device.user_id == user.unique_id]


def _find_of(ctx: Context, user: User, serial: str) -> Device:
    device = _find(ctx, serial)
    if device.user_id != user.unique_id:
        raise fault("NoSuchEntity", "MFA Device invalid for user.")
    return device


def _seed(home: Home, device: Device) -> bytes:
    return home.vault.open(device.sealed_seed, device.serial)


# -- the check ---------------------------------------------------------------------------------------------------------


def check_code(home: Home, account: str, serial: str, code: str) -> bool:
    """Whether the device shows this code now, give or take one step, and has not been asked with it before."""
    device = home.store.get(devices, account, GLOBAL, serial)
    if device is None or device.user_id is None:
        return False
    seed, now = _seed(home, device), step_at(home.clock.machine()) + device.drift
    for step in (now, now - 1, now + 1):
        if step > device.last_step and hmac.compare_digest(code_at(seed, step), code):
            used = msgspec.structs.replace(device, last_step=step)
            home.store.commit_now([(devices, encode_key(devices.key(used)), used)], [])
            return True
    return False


# -- the operations ----------------------------------------------------------------------------------------------------


@requires("iam:CreateVirtualMFADevice", arns.new("mfa", "VirtualMFADeviceName"))
@requires("iam:TagMFADevice", arns.new("mfa", "VirtualMFADeviceName"), when="Tags")
async def create_virtual_mfa_device(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """A new seed, as text and as a picture for an authenticator's camera. It is never shown again."""
    seed = secrets.token_bytes(SEED_BYTES)
    name = request["VirtualMFADeviceName"]
    device = Device(
        account=ctx.account, name=name, path=request.get("Path", "/"), sealed_seed=b"", tags=tagged({}, request.get("Tags", []))
    )
    if ctx.store.get(devices, ctx.account, GLOBAL, device.serial) is not None:
        raise fault("EntityAlreadyExists", "MFADevice entity at the same path and name already exists.")
    device = msgspec.structs.replace(device, sealed_seed=ctx.home.vault.seal(seed, device.serial))
    async with ctx.store.transaction() as tx:
        tx.put(devices, device)
    text = base64.b32encode(seed).decode()
    return {
        "VirtualMFADevice": {
            "SerialNumber": device.serial,
            "Base32StringSeed": text.encode(),
            "QRCodePNG": _picture(f"otpauth://totp/{quote(f'{name}@{ctx.account}', safe='@')}?secret={text}"),
            "Tags": described_tags(device.tags) or None,
        }
    }


def _picture(address: str) -> bytes:
    import segno  # not before somebody makes a device

    drawn = io.BytesIO()
    segno.make(address, micro=False).save(drawn, kind="png", scale=QR_SCALE)
    return drawn.getvalue()


@requires("iam:EnableMFADevice", arns.user)
async def enable_mfa_device(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Give the device to a user: two codes, one after the other, prove that the user holds it."""
    user = find_user(ctx, request["UserName"])
    device = _find(ctx, request["SerialNumber"])
    if device.user_id is not None:
        raise fault("EntityAlreadyExists", "MFA Device is already in use.")
    if len(devices_of(ctx, user)) >= PER_USER_MAX:
        raise fault("LimitExceeded", f"Cannot exceed quota for MFADevicesPerUser: {PER_USER_MAX}")
    step = _proved(ctx, device, request, ENABLE_REACH)
    enabled_at = ctx.clock.now().replace(microsecond=0)
    async with ctx.store.transaction() as tx:
        tx.put(devices, msgspec.structs.replace(device, user_id=user.unique_id, enabled_at=enabled_at, last_step=step, drift=0))
    return {}


def _proved(ctx: Context, device: Device, request: dict[str, Any], reach: int) -> int:
    """The step of the second code."""
    first, second = request["AuthenticationCode1"], request["AuthenticationCode2"]
    step = pair_at(_seed(ctx.home, device), first, second, step_at(ctx.clock.machine()), reach)
    if step is None:
        raise fault("InvalidAuthenticationCode", "Authentication code for device is not valid.")
    return step


@requires("iam:ResyncMFADevice", arns.user)
async def resync_mfa_device(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Learn how far the device is off."""
    device = _find_of(ctx, find_user(ctx, request["UserName"]), request["SerialNumber"])
    step = _proved(ctx, device, request, RESYNC_REACH)
    drift = step - step_at(ctx.clock.machine())
    async with ctx.store.transaction() as tx:
        tx.put(devices, msgspec.structs.replace(device, drift=drift, last_step=step))
    return {}


@requires("iam:DeactivateMFADevice", arns.user)
async def deactivate_mfa_device(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Take it from its user; the device itself stays."""
    device = _find_of(ctx, calling_user(ctx, request.get("UserName")), request["SerialNumber"])
    async with ctx.store.transaction() as tx:
        tx.put(devices, msgspec.structs.replace(device, user_id=None, enabled_at=None))
    return {}


@requires("iam:DeleteVirtualMFADevice", "{SerialNumber}")
async def delete_virtual_mfa_device(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Only one that nobody uses can go."""
    device = _find(ctx, request["SerialNumber"])
    if device.user_id is not None:
        raise fault("DeleteConflict", "MFA VirtualDevice in use. Must deactivate first.")
    async with ctx.store.transaction() as tx:
        tx.delete(devices, device.account, GLOBAL, device.serial)
    return {}


@requires("iam:ListMFADevices", arns.user)
async def list_mfa_devices(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """A user's devices."""
    user = calling_user(ctx, request.get("UserName"))
    shown, more = page(devices_of(ctx, user), request, lambda device: device.serial)
    listed = [{"UserName": user.name, "SerialNumber": device.serial, "EnableDate": device.enabled_at} for device in shown]
    return {"MFADevices": listed, **more}


@requires("iam:GetMFADevice", arns.user)
async def get_mfa_device(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """One device, and since when it is whose."""
    user = calling_user(ctx, request.get("UserName"))
    device = _find_of(ctx, user, request["SerialNumber"])
    return {"UserName": user.name, "SerialNumber": device.serial, "EnableDate": device.enabled_at}


@requires("iam:ListVirtualMFADevices")
async def list_virtual_mfa_devices(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """The account's devices, without seeds."""
    status = request.get("AssignmentStatus", "Any")
    found = ctx.store.scan(devices, ctx.account, GLOBAL)
    if status != "Any":
        found = [device for device in found if (device.user_id is not None) is (status == "Assigned")]
    shown, more = page(found, request, lambda device: device.serial)
    by_id = {user.unique_id: user for user in ctx.store.scan(users, ctx.account, GLOBAL)}
    listed = []
    for device in shown:
        user = by_id.get(device.user_id or "")
        described = None if user is None else describe_user(user, whole=False)
        listed.append({"SerialNumber": device.serial, "User": described, "EnableDate": device.enabled_at})
    return {"VirtualMFADevices": listed, **more}


@requires("iam:TagMFADevice", "{SerialNumber}")
async def tag_mfa_device(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Add tags, or give them new values."""
    device = _find(ctx, request["SerialNumber"])
    async with ctx.store.transaction() as tx:
        tx.put(devices, msgspec.structs.replace(device, tags=tagged(device.tags, request["Tags"])))
    return {}


@requires("iam:UntagMFADevice", "{SerialNumber}")
async def untag_mfa_device(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """Take tags off."""
    device = _find(ctx, request["SerialNumber"])
    async with ctx.store.transaction() as tx:
        tx.put(devices, msgspec.structs.replace(device, tags=untagged(device.tags, request["TagKeys"])))
    return {}


@requires("iam:ListMFADeviceTags", "{SerialNumber}")
async def list_mfa_device_tags(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    """By key."""
    shown, more = page(described_tags(_find(ctx, request["SerialNumber"]).tags), request, lambda tag: tag["Key"])
    return {"Tags": shown, **more}
