"""Who calls: the signature is taken apart, the key is found, the signature is computed again.

A key that Headwater issued is checked to the letter, and refused once it is deleted. An unknown key (such as test/test) is the root
of the default account, and a key of twelve digits the root of that account, so that everything works with no set-up;
`--strict` refuses both. A temporary key (ASIA…) is nobody's unless this home made it: AWS's own, or another home's, is no stranger
that could be the root.
Freshness is judged by the machine's time, a temporary credential's end by AWS time.
"""

from __future__ import annotations

from typing import Final

from headwater.aws import presigned_v2
from headwater.aws.models import Operation
from headwater.aws.routing import Route
from headwater.aws.signature import Authorization, check_freshness, check_region, parse_authorization, verify
from headwater.aws.signature_faults import family_of, refused
from headwater.aws.wire import Request
from headwater.kernel.context import Context
from headwater.kernel.identity import ACCESS_KEY_ID_LENGTH, ACCESS_KEYS, DEFAULT_ACCOUNT, Principal, anonymous, root_of
from headwater.kernel.settings import DEFAULT_REGION

ACCOUNT_DIGITS: Final = 12
TEMPORARY: Final = "ASIA"


def authenticate(ctx: Context, request: Request, place: Route, operation: Operation) -> tuple[Authorization | None, str | None]:
    """Put the caller into the context, or raise the service's own fault.

    Returns the signature and the secret that it was made with, where it was checked: signed chunks need both.
    """
    if place.region:
        ctx.region = place.region
    authorization = parse_authorization(request) or (presigned_v2.parse(request) if place.service == "s3" else None)
    if authorization is None:
        if place.service != "s3" and not operation.anonymous:
            raise refused(family_of(request, place.service), "missing")
        ctx.principal = anonymous()
        return None, None
    if place.service == "s3":
        check_region(authorization, place.region or DEFAULT_REGION)
    ctx.region = authorization.region or ctx.region
    ctx.principal, secret = principal_of(ctx, request, authorization, place)
    ctx.account = ctx.principal.account
    ctx.signature = authorization
    if authorization.kind != "header":
        request.headers.update(presigned_v2.hoisted(request))
    return authorization, secret


def _verify(ctx: Context, request: Request, authorization: Authorization, secret: str, place: Route) -> None:
    if authorization.kind == "query v2":
        presigned_v2.verify(request, authorization, secret, ctx.clock.machine(), place.uri_labels.get("Bucket"))
    else:
        verify(request, authorization, secret, ctx.clock.machine())


def _check_freshness(ctx: Context, request: Request, authorization: Authorization) -> None:
    if authorization.kind == "query v2":
        presigned_v2.check_freshness(authorization, ctx.clock.machine())
    else:
        check_freshness(request, authorization, ctx.clock.machine())


def principal_of(ctx: Context, request: Request, authorization: Authorization, place: Route) -> tuple[Principal, str | None]:
    home = ctx.home
    key_id = authorization.access_key_id
    family = family_of(request, authorization.service)
    if authorization.session_token and (token := home.issuer.read(authorization.session_token)) is not None:
        if token.access_key_id != key_id:
            raise refused(family, "unknown key")
        secret = home.issuer.secret_of(key_id)
        _verify(ctx, request, authorization, secret, place)
        if token.expiration is not None and token.expiration <= ctx.clock.now():
            raise refused(family, "expired token")
        if place.service == "iam" and _without_iam(token.principal):
            raise refused(family, "unknown key")
        return token.principal, secret
    key = ctx.store.get(ACCESS_KEYS, key_id)
    if key is not None:
        if not key.active:
            raise refused(family, "unknown key")
        secret = home.secret_of(key)
        _verify(ctx, request, authorization, secret, place)
        return Principal(arn=key.principal_arn, account=key.account, kind="user", user_id=key.user_id, access_key_id=key_id), secret
    issued = home.issuer.was_issued(key_id) or (key_id.startswith(TEMPORARY) and len(key_id) == ACCESS_KEY_ID_LENGTH)
    if home.settings.strict or not key_id.isascii() or issued:
        raise refused(family, "invalid token" if authorization.session_token else "unknown key")
    _check_freshness(ctx, request, authorization)
    account = key_id if len(key_id) == ACCOUNT_DIGITS and key_id.isdigit() else DEFAULT_ACCOUNT
    return root_of(account, key_id), None


def _without_iam(principal: Principal) -> bool:
    """Sessions with which IAM cannot be called: federated users', and those of GetSessionToken without a second factor."""
    if principal.kind == "federated":
        return True
    return principal.kind in {"root", "user"} and (principal.session is None or principal.session.mfa_at is None)
