"""The second factor in a request: the code is checked before the decision, so that policies can ask for it.

In a session of GetSessionToken it lasts; in one of AssumeRole it counts for the trust policy alone, and the role's credentials know
nothing of it. Source: "Secure API access with MFA" of IAM's user guide.
The devices are IAM's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from headwater.aws.faults import Fault, fault
from headwater.kernel.identity import Principal, Session

from . import SERVICE
from .directory import Directory

if TYPE_CHECKING:
    from headwater.kernel.context import Context
    from headwater.kernel.standing import PolicySource


@SERVICE.proof("AssumeRole", "GetSessionToken")
async def _prove_second_factor(ctx: Context, request: dict[str, Any]) -> None:
    serial, code = request.get("SerialNumber"), request.get("TokenCode")
    if serial is None and code is None:
        return
    if serial is None or code is None:
        raise _failed(", must provide both MFA serial number and one time pass code.")
    if ctx.principal.kind == "user" and not await Directory(ctx, ctx.principal.account).has_device(ctx.principal.arn, serial):
        raise _failed(_NOT_YOURS)
    await ctx.home.open_room("iam")
    devices = ctx.home.authorization.identity
    assert devices is not None  # the open room of IAM gave itself
    check_code(devices, ctx.principal, serial, code)
    session = ctx.principal.session or Session()
    ctx.principal = msgspec.structs.replace(ctx.principal, session=msgspec.structs.replace(session, mfa_at=ctx.clock.now()))


_NOT_YOURS: Final = ", unable to validate MFA code.  Please verify your MFA serial number is valid and associated with this user."


def check_code(devices: PolicySource, principal: Principal, serial: str, code: str) -> None:
    """Refuse a device of another account, a caller who can have none, and a code that is not the device's now."""
    if principal.kind not in {"root", "user"} or serial.split(":")[4:5] != [principal.account]:
        raise _failed(_NOT_YOURS)
    if not devices.check_mfa(principal.account, serial, code):
        raise _failed(" with invalid MFA one time pass code. ")


def _failed(why: str) -> Fault:
    return fault("AccessDenied", f"MultiFactorAuthentication failed{why}")
