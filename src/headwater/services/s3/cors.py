"""What lets pages of other sites ask: a bucket's CORS rules, kept, obeyed, and told to browsers.

The gateway refuses every foreign Origin that no rule here lets in (gateway/guard.py), so a rule is asked before the call, and about the
method that is really used. What the browser is told goes by `Access-Control-Request-Method`, which S3 heeds on any request.
Source: "Using cross-origin resource sharing" of the user guide, and recorded answers of AWS (TestS3Cors).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from headwater.aws.faults import Fault, fault
from headwater.aws.wire import Request, Response
from headwater.kernel.context import Context
from headwater.kernel.permissions import requires

from . import SERVICE
from .access import bucket_of
from .arns import BUCKET
from .records import BUCKETS
from .refusals import invalid_request, malformed_xml

if TYPE_CHECKING:
    from headwater.aws.routing import Route

METHODS: Final = ("GET", "PUT", "HEAD", "POST", "DELETE")
RULES_MAX: Final = 100
NO_CONTENT: Final = 204
PREFLIGHT: Final = "OPTIONS"
ASKED_METHOD: Final = "access-control-request-method"
ASKED_HEADERS: Final = "access-control-request-headers"
ANY: Final = "*"
Rule = dict[str, Any]


@requires("s3:GetBucketCORS", BUCKET)
async def get_bucket_cors(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
    bucket = bucket_of(ctx, request)
    if bucket.cors is None:
        raise fault("NoSuchCORSConfiguration", "The CORS configuration does not exist", BucketName=bucket.name)
    return {"CORSRules": bucket.cors}


@requires("s3:PutBucketCORS", BUCKET)
async def put_bucket_cors(ctx: Context, request: dict[str, Any]) -> None:
    bucket = bucket_of(ctx, request)
    rules = request["CORSConfiguration"].get("CORSRules") or []
    if not rules:
        raise malformed_xml()
    if len(rules) > RULES_MAX:
        raise invalid_request(f"The number of CORS rules should not exceed allowed limit of {RULES_MAX} rules.")
    for rule in rules:
        check(rule)
    async with ctx.store.transaction() as tx:
        tx.put(BUCKETS, replace(bucket, cors=rules))


@requires("s3:PutBucketCORS", BUCKET)
async def delete_bucket_cors(ctx: Context, request: dict[str, Any]) -> None:
    async with ctx.store.transaction() as tx:
        tx.put(BUCKETS, replace(bucket_of(ctx, request), cors=None))
    ctx.reply_status = NO_CONTENT


def check(rule: Rule) -> None:
    """Raise for a rule that S3 does not take."""
    for method in rule["AllowedMethods"]:
        if method not in METHODS:
            raise invalid_request(f"Found unsupported HTTP method in CORS config. Unsupported method is {method}")
    for member, element in (("AllowedOrigins", "AllowedOrigin"), ("AllowedHeaders", "AllowedHeader")):
        for pattern in rule.get(member) or []:
            if pattern.count(ANY) > 1:
                raise invalid_request(f'{element} "{pattern}" can not have more than one wildcard.')
    for name in rule.get("ExposeHeaders") or []:
        if ANY in name:
            raise invalid_request(f'ExposeHeader "{name}" contains wildcard. We currently do not support wildcard for ExposeHeader.')


# -- asked ----------------------------------------------------------------------------------------------------------------


@SERVICE.welcomes
def _welcomes(ctx: Context, request: Request, route: Route) -> bool:
    """A preflight that no rule answers is refused here, in S3's words, also to pages of this machine."""
    headers = request.headers
    is_preflight = request.method == PREFLIGHT
    asked = headers.get(ASKED_METHOD, request.method)
    bucket = ctx.store.get(BUCKETS, route.uri_labels.get("Bucket", ""))
    if bucket is None or bucket.cors is None:
        if is_preflight:
            what = "Bucket not found" if bucket is None else "CORS is not enabled for this bucket."
            raise _forbidden(what, asked, "BUCKET")
        return False
    if is_preflight and ASKED_METHOD not in headers:
        raise _incomplete("Invalid Access-Control-Request-Method: null")
    wanted = _names(headers.get(ASKED_HEADERS, ""))
    found = rule_for(bucket.cors, headers["origin"], asked, wanted)
    if found is not None:
        ctx.reply_headers.update(told(found, headers["origin"], wanted))
    elif is_preflight:
        sentence = (
            "This CORS request is not allowed. This is usually because the evalution of Origin, request method / "
            "Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's CORS spec."
        )
        raise _forbidden(sentence, asked, "OBJECT" if "Key" in route.uri_labels else "BUCKET")
    return is_preflight or rule_for(bucket.cors, headers["origin"], request.method, []) is not None


def preflight(request: Request) -> Response:
    """The answer to an OPTIONS. One with an Origin has been asked about, or it would not have come so far."""
    if "origin" not in request.headers:
        raise _incomplete("Insufficient information. Origin request header needed.")
    return Response(200, [])


def _names(header: str) -> list[str]:
    return [name for name in (piece.strip().lower() for piece in header.split(",")) if name]


def _incomplete(sentence: str) -> Fault:
    return fault("BadRequest", sentence)


def _forbidden(sentence: str, method: str, resource: str) -> Fault:
    return fault("AccessForbidden", f"CORSResponse: {sentence}", Method=method, ResourceType=resource)


# -- rules ----------------------------------------------------------------------------------------------------------------


def rule_for(rules: list[Rule], origin: str, method: str, headers: list[str]) -> Rule | None:
    """The first rule that lets a page of `origin` use this method and send these headers."""
    for rule in rules:
        if (
            method in rule["AllowedMethods"]
            and any(_covers(pattern, origin) for pattern in rule["AllowedOrigins"])
            and all(any(_covers(pattern.lower(), name) for pattern in rule.get("AllowedHeaders") or ()) for name in headers)
        ):
            return rule
    return None


def _covers(pattern: str, text: str) -> bool:
    return pattern in {ANY, text} or (ANY in pattern and _compiled(pattern).fullmatch(text) is not None)


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(piece) for piece in pattern.split(ANY)))


def told(rule: Rule, origin: str, headers: list[str]) -> dict[str, str]:
    """What the answer says to the browser."""
    open_to_all = ANY in rule["AllowedOrigins"]
    said = {
        "Access-Control-Allow-Origin": ANY if open_to_all else origin,
        "Access-Control-Allow-Methods": ", ".join(rule["AllowedMethods"]),
    }
    if headers:
        said["Access-Control-Allow-Headers"] = ", ".join(headers)
    if rule.get("ExposeHeaders"):
        said["Access-Control-Expose-Headers"] = ", ".join(rule["ExposeHeaders"])
    if "MaxAgeSeconds" in rule:
        said["Access-Control-Max-Age"] = str(rule["MaxAgeSeconds"])
    if not open_to_all:
        said["Access-Control-Allow-Credentials"] = "true"
    return said | {"Vary": "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"}
