"""The second factor in a request: the code is checked before the decision, so that policies can ask for it.

In a session of GetSessionToken it lasts; in one of AssumeRole it counts for the trust policy alone: "temporary security credentials
that are returned by AssumeRole do not include MFA information in the context" (IAM's user guide, "Secure API access with MFA").
The devices are IAM's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from headwater.aws.faults import Fault, fault
from headwater.kernel.identity import Session

from . import SERVICE

if TYPE_CHECKING:
    from headwater.kernel.context import Context


class Devices(Protocol):
    """What IAM's room answers of its devices."""

    def check_mfa(self, account: str, serial: str, code: str) -> bool: ...


@SERVICE.proof("AssumeRole", "GetSessionToken")
async def _prove_second_factor(ctx: Context, request: dict[str, Any]) -> None:
    serial, code = request.get("SerialNumber"), request.get("TokenCode")
    if serial is None and code is None:
        return
    if serial is None or code is None:
        raise _failed(", must provide both MFA serial number and one time pass code.")
    if ctx.principal.kind not in {"root", "user"}:
        raise _failed(_NOT_YOURS)
    check_code(_devices(ctx), ctx.principal.account, serial, code)
    session = ctx.principal.session or Session()
    ctx.principal = msgspec.structs.replace(ctx.principal, session=msgspec.structs.replace(session, mfa_at=ctx.clock.now()))


_NOT_YOURS = ", unable to validate MFA code.  Please verify your MFA serial number is valid and associated with this user."


def check_code(devices: Devices, account: str, serial: str, code: str) -> None:
    """Refuse a device of somebody else's and a code that is not its device's now."""
    if serial.startswith("arn:") and serial.split(":")[4:5] != [account]:
        raise _failed(_NOT_YOURS)
    if not devices.check_mfa(account, serial, code):
        raise _failed(" with invalid MFA one time pass code. ")


def _devices(ctx: Context) -> Devices:
    authorization: Any = getattr(ctx.home, "authorization", None)
    identity = getattr(authorization, "identity", None)
    if identity is None or not hasattr(identity, "check_mfa"):
        raise fault("NotImplemented", "Headwater has not built MFA devices yet.")
    devices: Devices = identity
    return devices


def _failed(why: str) -> Fault:
    return fault("AccessDenied", f"MultiFactorAuthentication failed{why}")
