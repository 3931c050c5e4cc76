"""Who calls: the signature is taken apart, the key is found, the signature is computed again.

A key that Headwater issued is checked to the letter. An unknown key (such as test/test) is the root of the default account, and
a key of twelve digits the root of that account, so that everything works with no set-up; `--strict` refuses both.
Freshness is judged by the machine's time, a temporary credential's end by AWS time.
"""

from __future__ import annotations

from typing import Final

from headwater.aws.faults import Fault, fault
from headwater.aws.models import Operation
from headwater.aws.routing import Route
from headwater.aws.signature import Authorization, check_freshness, parse_authorization, verify
from headwater.aws.wire import Request
from headwater.kernel.context import Context
from headwater.kernel.identity import ACCESS_KEYS, DEFAULT_ACCOUNT, Principal, anonymous, root_of

ACCOUNT_DIGITS: Final = 12


def authenticate(ctx: Context, request: Request, place: Route, operation: Operation) -> None:
    """Put the caller into the context, or raise the service's own fault."""
    if place.region:
        ctx.region = place.region
    authorization = parse_authorization(request)
    if authorization is None:
        if place.service != "s3" and not operation.anonymous:
            raise fault("MissingAuthenticationToken", "Request is missing Authentication Token")
        ctx.principal = anonymous()
        return
    if authorization.region:
        ctx.region = authorization.region
    ctx.principal = _principal(ctx, request, authorization, place)
    ctx.account = ctx.principal.account


def _principal(ctx: Context, request: Request, authorization: Authorization, place: Route) -> Principal:
    home = ctx.home
    key_id = authorization.access_key_id
    if authorization.session_token and (token := home.issuer.read(authorization.session_token)) is not None:
        if token.access_key_id != key_id:
            raise unknown_key(place)
        verify(request, authorization, home.issuer.secret_of(key_id), ctx.clock.machine())
        if token.expiration is not None and token.expiration <= ctx.clock.now():
            raise expired_token(place)
        return token.principal
    key = ctx.store.get(ACCESS_KEYS, key_id)
    if key is not None:
        if not key.active:
            raise unknown_key(place)
        verify(request, authorization, home.secret_of(key), ctx.clock.machine())
        return Principal(arn=key.principal_arn, account=key.account, kind="user", user_id=key.user_id, access_key_id=key_id)
    if home.settings.strict or key_id.startswith("ASIA"):
        raise unknown_key(place)
    check_freshness(request, authorization, ctx.clock.machine())
    account = key_id if len(key_id) == ACCOUNT_DIGITS and key_id.isdigit() else DEFAULT_ACCOUNT
    return root_of(account, key_id)


def unknown_key(place: Route) -> Fault:
    """An unknown or inactive key, in the words of the service's family."""
    if place.service == "s3":
        return fault("InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.")
    if place.protocol in {"query", "ec2"}:
        return fault("InvalidClientTokenId", "The security token included in the request is invalid.")
    return fault("UnrecognizedClientException", "The security token included in the request is invalid.")


def expired_token(place: Route) -> Fault:
    """A temporary credential whose end has come."""
    if place.service == "s3":
        return fault("ExpiredToken", "The provided token has expired.")
    code = "ExpiredToken" if place.protocol in {"query", "ec2"} else "ExpiredTokenException"
    return fault(code, "The security token included in the request is expired")
