"""A bucket as a website: pages, redirects and HTML refusals at hosts such as `BUCKET.s3-website-REGION.amazonaws.com`.

Whoever asks there is nobody: a page is a GetObject that policies and lists must allow to everyone. What is refused is looked for among
the rules for errors first, then shown as the error document, then as the page that S3 itself writes.
Source: "Hosting a static website" of the user guide, and recorded answers of AWS (TestS3StaticWebsiteHosting).
"""

from __future__ import annotations

from collections.abc import Awaitable
from html import escape
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, unquote

from headwater.aws.codec import codec_for, encode_fault
from headwater.aws.faults import Fault, fault
from headwater.aws.wire import Request, Response
from headwater.kernel.context import Context
from headwater.kernel.operating import operate

from . import SERVICE
from .records import BUCKETS, Bucket
from .refusals import no_such_bucket

if TYPE_CHECKING:
    from headwater.aws.routing import Route

OPERATIONS: Final = {"GET": "GetObject", "HEAD": "HeadObject"}
PROTOCOL: Final = "rest-xml"
MOVED: Final = 301
FOUND: Final = 302
NOT_MODIFIED: Final = 304
SHOWN: Final = ("Method", "ResourceType", "BucketName", "Key")
"""Of what a refusal says besides its sentence, what its page shows."""


def visited(ctx: Context, request: Request, route: Route) -> Awaitable[Response]:
    """What a website answers."""
    return _visited(ctx, request, route)


async def _visited(ctx: Context, request: Request, route: Route) -> Response:
    ctx.service = "s3"
    try:
        return await _page(ctx, request, route.uri_labels["Bucket"])
    except Fault as refusal:
        return _refusal(ctx, request, refusal)


async def _page(ctx: Context, request: Request, name: str) -> Response:
    if request.method not in OPERATIONS:
        sentence = "The specified method is not allowed against this resource."
        raise fault("MethodNotAllowed", sentence, Method=request.method, ResourceType="OBJECT")
    bucket = ctx.store.get(BUCKETS, name)
    if bucket is None:
        raise no_such_bucket(name)
    site = bucket.website
    if site is None:
        sentence = "The specified bucket does not have a website configuration"
        raise fault("NoSuchWebsiteConfiguration", sentence, BucketName=name)
    ctx.region = bucket.region
    everything = site.get("RedirectAllRequestsTo")
    key = unquote(request.path[1:])
    if everything:
        return _sent_on(request, everything, key, "")
    rule = rule_for(site, key, None)
    if rule is not None:
        return _by_rule(request, rule, key)
    suffix: str = site["IndexDocument"]["Suffix"]
    wanted = key + suffix if not key or key.endswith("/") else key
    try:
        return await _shown(ctx, request, bucket, wanted)
    except Fault as refusal:
        if wanted == key and await _is_there(ctx, bucket, f"{key}/{suffix}"):
            return _redirect(FOUND, f"/{quote(key)}/")
        return await _instead(ctx, request, bucket, site, key, refusal)


async def _instead(ctx: Context, request: Request, bucket: Bucket, site: dict[str, Any], key: str, refusal: Fault) -> Response:
    """What a site shows in the place of a page that is refused."""
    status = _status(refusal)
    rule = rule_for(site, key, status)
    if rule is not None:
        return _by_rule(request, rule, key)
    document = (site.get("ErrorDocument") or {}).get("Key")
    if document is None or status == NOT_MODIFIED:
        raise refusal
    try:
        shown = await _shown(ctx, Request(request.method, "/", "", {}), bucket, document)
    except Fault as again:
        return _refusal(ctx, request, refusal, again, document)
    if shown.status == HTTPStatus.OK:
        shown.status = status
        shown.headers += _told(refusal)
    return shown


async def _shown(ctx: Context, request: Request, bucket: Bucket, key: str) -> Response:
    """The object as a page. One that only says where to go sends the browser there."""
    operation = SERVICE.model.operations[OPERATIONS[request.method]]
    codec = codec_for(operation, PROTOCOL)
    labels = {"Bucket": bucket.name, "Key": key}
    headers = {name: value for name, value in request.headers.items() if name == "range" or name.startswith("if-")}
    params = codec.decode(Request(request.method, f"/{bucket.name}/{quote(key)}", "", headers), labels)
    try:
        result = await operate(ctx, operation, params)
    except Fault as refusal:
        refusal.members.setdefault("Key", key)
        raise
    if "WebsiteRedirectLocation" in result:
        return _redirect(MOVED, result["WebsiteRedirectLocation"])
    response = codec.encode(result, ctx.request_id)
    if ctx.reply_status:
        response.status = ctx.reply_status
    return response


async def _is_there(ctx: Context, bucket: Bucket, key: str) -> bool:
    """As far as nobody may know."""
    try:
        await operate(ctx, SERVICE.model.operations["HeadObject"], {"Bucket": bucket.name, "Key": key})
    except Fault:
        return False
    return True


# -- redirects ------------------------------------------------------------------------------------------------------------


def rule_for(site: dict[str, Any], key: str, status: int | None) -> dict[str, Any] | None:
    """The first routing rule for a key that is asked for (no status), or that was refused."""
    for rule in site.get("RoutingRules") or ():
        condition: dict[str, str] = rule.get("Condition") or {}
        code = condition.get("HttpErrorCodeReturnedEquals")
        if key.startswith(condition.get("KeyPrefixEquals", "")) and code == (None if status is None else str(status)):
            found: dict[str, Any] = rule
            return found
    return None


def _by_rule(request: Request, rule: dict[str, Any], key: str) -> Response:
    return _sent_on(request, rule["Redirect"], key, (rule.get("Condition") or {}).get("KeyPrefixEquals", ""))


def _sent_on(request: Request, redirect: dict[str, str], key: str, prefix: str) -> Response:
    if "ReplaceKeyWith" in redirect:
        key = redirect["ReplaceKeyWith"]
    elif "ReplaceKeyPrefixWith" in redirect:
        key = redirect["ReplaceKeyPrefixWith"] + key.removeprefix(prefix)
    host = redirect.get("HostName") or request.headers.get("host", "")
    query = f"?{request.query}" if request.query else ""
    code = int(redirect.get("HttpRedirectCode", MOVED))
    return _redirect(code, f"{redirect.get('Protocol', 'http')}://{host}/{quote(key)}{query}")


def _redirect(status: int, location: str) -> Response:
    return Response(status, [("Location", location)])


# -- S3's own pages -------------------------------------------------------------------------------------------------------


def _status(refusal: Fault) -> int:
    return encode_fault("s3", PROTOCOL, refusal, "").status


def _refusal(ctx: Context, request: Request, refusal: Fault, again: Fault | None = None, document: str = "") -> Response:
    """The page of a refusal; `again` is what was said of the error document."""
    status = _status(refusal)
    if status == NOT_MODIFIED:
        return Response(status, [])
    title = f"{status} {HTTPStatus(status).phrase}"
    about = _about(refusal)
    said = {"Code": refusal.code, "Message": refusal.message, **about, "RequestId": ctx.request_id, "HostId": ctx.request_id}
    lines = ["<html>", f"<head><title>{title}</title></head>", "<body>", f"<h1>{title}</h1>", *_listed(said)]
    if again is not None:
        lines.append("<h3>An Error Occurred While Attempting to Retrieve a Custom Error Document</h3>")
        found = {"Code": again.code, "Message": again.message}
        lines += _listed(found if again.code == "AccessDenied" else {**found, "Key": document})
    lines += ["<hr/>", "</body>", "</html>", ""]
    headers = [
        ("x-amz-request-id", ctx.request_id),
        ("x-amz-id-2", ctx.request_id),
        *_told(refusal),
        ("Content-Type", "text/html; charset=utf-8"),
    ]
    return Response(status, headers, b"" if request.method == "HEAD" else "\n".join(lines).encode())


def _about(refusal: Fault) -> dict[str, str]:
    known = () if refusal.code == "AccessDenied" else SHOWN  # which does not say of what
    return {name: str(refusal.members[name]) for name in known if name in refusal.members}


def _told(refusal: Fault) -> list[tuple[str, str]]:
    """A refusal in headers, which it has behind an error document too."""
    details = [(f"x-amz-error-detail-{name}", quote(value, safe="/ ")) for name, value in _about(refusal).items()]
    return [("x-amz-error-code", refusal.code), ("x-amz-error-message", refusal.message), *details]


def _listed(said: dict[str, str]) -> list[str]:
    return ["<ul>", *(f"<li>{name}: {escape(value, quote=False)}</li>" for name, value in said.items()), "</ul>"]
