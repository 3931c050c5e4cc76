"""Whose an access key is: the one place that finds it, for a request that is signed and for a browser's form that is.

How a signature is taken apart and computed again is the caller's: it hands over what to do with the secret, once there is one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from headwater.aws.signature_faults import Family, refused
from headwater.kernel.identity import ACCESS_KEY_ID_LENGTH, ACCESS_KEYS, DEFAULT_ACCOUNT, Principal, root_of

if TYPE_CHECKING:
    from headwater.aws.signature import Authorization
    from headwater.kernel.context import Context

ACCOUNT_DIGITS: Final = 12
TEMPORARY: Final = "ASIA"


def caller_of(
    ctx: Context, authorization: Authorization, family: Family, verify: Callable[[str], None], check_freshness: Callable[[], None]
) -> tuple[Principal, str | None]:
    """The principal, and the secret that the signature was checked with; no secret for a key that nobody issued.

    `verify` raises unless the signature is that of the secret it is given; `check_freshness` unless the signature still holds.
    """
    home = ctx.home
    key_id = authorization.access_key_id
    if authorization.session_token and (token := home.issuer.read(authorization.session_token)) is not None:
        if token.access_key_id != key_id:
            raise refused(family, "unknown key")
        secret = home.issuer.secret_of(key_id)
        verify(secret)
        if token.expiration is not None and token.expiration <= ctx.clock.now():
            raise refused(family, "expired token")
        if ctx.service == "iam" and _without_iam(token.principal):
            raise refused(family, "unknown key")
        return token.principal, secret
    key = ctx.store.get(ACCESS_KEYS, key_id)
    if key is not None:
        if not key.active:
            raise refused(family, "unknown key")
        secret = home.secret_of(key)
        verify(secret)
        return Principal(arn=key.principal_arn, account=key.account, kind="user", user_id=key.user_id, access_key_id=key_id), secret
    issued = home.issuer.was_issued(key_id) or (key_id.startswith(TEMPORARY) and len(key_id) == ACCESS_KEY_ID_LENGTH)
    if home.settings.strict or ctx.foreign or not key_id.isascii() or issued:
        raise refused(family, "invalid token" if authorization.session_token else "unknown key")
    check_freshness()
    account = key_id if len(key_id) == ACCOUNT_DIGITS and key_id.isdigit() else DEFAULT_ACCOUNT
    return root_of(account, key_id), None


def _without_iam(principal: Principal) -> bool:
    """Sessions with which IAM cannot be called: federated users', and those of GetSessionToken without a second factor."""
    if principal.kind == "federated":
        return True
    return principal.kind in {"root", "user"} and (principal.session is None or principal.session.mfa_at is None)
