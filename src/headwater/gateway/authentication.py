"""Who calls: the signature is taken apart, the key is found, the signature is computed again.

A key that Headwater issued is checked to the letter, and refused once it is deleted. An unknown key (such as test/test) is the root
of the default account, and a key of twelve digits the root of that account, so that everything works with no set-up;
`--strict` refuses both. A temporary key (ASIA…) is nobody's unless this home made it: AWS's own, or another home's, is no stranger
that could be the root (kernel/callers.py). To a page of another site an unknown key is always refused: any page could name `test`.
Freshness is judged by the machine's time, a temporary credential's end by AWS time.
"""

from __future__ import annotations

from headwater.aws import presigned_v2
from headwater.aws.models import Operation
from headwater.aws.routing import Route
from headwater.aws.signature import Authorization, check_freshness, check_region, parse_authorization, verify
from headwater.aws.signature_faults import family_of, refused
from headwater.aws.wire import Request
from headwater.kernel.callers import caller_of
from headwater.kernel.context import Context
from headwater.kernel.identity import Principal, anonymous
from headwater.kernel.settings import DEFAULT_REGION


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
    ctx.principal, secret = _principal(ctx, request, authorization, place)
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


def _principal(ctx: Context, request: Request, authorization: Authorization, place: Route) -> tuple[Principal, str | None]:
    return caller_of(
        ctx,
        authorization,
        family_of(request, authorization.service),
        lambda secret: _verify(ctx, request, authorization, secret, place),
        lambda: _check_freshness(ctx, request, authorization),
    )
