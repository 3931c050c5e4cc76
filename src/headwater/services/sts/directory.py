"""What STS must know of IAM's world, asked as a client asks: the role, the policies that a session names, the identity provider.

AWS doesn't tell a stranger whether a role exists: what is not there is AccessDenied, in the words of a refusal.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from headwater.aws.faults import Fault, fault

if TYPE_CHECKING:
    from headwater.kernel.context import Context

ROLE_ARN: Final = re.compile(r"arn:aws:iam::(\d{12}):role/(?:[\x21-\x7e]+/)?([\w+=,.@-]{1,64})")
_ABSENT: Final = frozenset({"NoSuchEntity", "ValidationError", "InvalidInput"})


class Provider(msgspec.Struct, frozen=True):
    """An OpenID Connect provider, as IAM has it registered. `clients` None: any, the trust policy decides."""

    name: str  # what a trust policy calls it
    url: str  # without its scheme
    clients: tuple[str, ...] | None
    thumbprints: tuple[str, ...] = ()


class Directory:
    """One account's IAM."""

    def __init__(self, ctx: Context, account: str) -> None:
        self._account = account
        self._iam = ctx.home.context(account=account, region=ctx.region, service="sts").client("iam")

    async def role(self, arn: str) -> dict[str, Any] | None:
        """The role as IAM describes it."""
        found = await self._found("get_role", RoleName=arn.rsplit("/", 1)[-1])
        role: dict[str, Any] | None = found["Role"] if found is not None else None
        return role if role is not None and role["Arn"] == arn else None

    async def check_policies(self, arns: tuple[str, ...]) -> None:
        """Managed session policies are those of the session's own account, or AWS's."""
        for arn in arns:
            own = arn.startswith((f"arn:aws:iam::{self._account}:policy/", "arn:aws:iam::aws:policy/"))
            if not own or await self._found("get_policy", PolicyArn=arn) is None:
                raise fault("InvalidParameterValue", f"Policy {arn} does not exist or is not attachable.")

    async def has_device(self, user_arn: str, serial: str) -> bool:
        """Whether the second factor is this user's."""
        return await self._found("get_mfa_device", UserName=user_arn.rpartition("/")[2], SerialNumber=serial) is not None

    async def _found(self, operation: str, **names: str) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = await getattr(self._iam, operation)(**names)
        except Fault as refusal:
            if refusal.code not in _ABSENT:
                raise
            return None
        return found

    async def provider(self, url: str) -> Provider | None:
        """The registered provider of this URL (without its scheme)."""
        arn = f"arn:aws:iam::{self._account}:oidc-provider/{url}"
        found = await self._found("get_open_id_connect_provider", OpenIDConnectProviderArn=arn)
        if found is None:
            return None
        thumbprints = tuple(each.lower() for each in found.get("ThumbprintList", []))
        return Provider(arn, url, tuple(found.get("ClientIDList", [])), thumbprints)

    async def metadata(self, provider: str) -> str | None:
        """What the SAML provider says of itself."""
        found = await self._found("get_saml_provider", SAMLProviderArn=provider)
        return str(found["SAMLMetadataDocument"]) if found is not None else None


def account_of(role_arn: str) -> str:
    """The account of a role's ARN, or the refusal of what is none."""
    parts = ROLE_ARN.fullmatch(role_arn)
    if parts is None:
        raise fault("ValidationError", f"{role_arn} is invalid")
    account: str = parts[1]
    return account
