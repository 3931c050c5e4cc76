"""POST of a browser's form to a bucket: a PutObject that is signed in a field, and answered as a browser wants it.

The form becomes a PutObject of whoever signed its policy (nobody, where there is none): decided, written and told like any other. The
file's size is checked as it streams, so nothing is kept of one that is too long. What the fields of a signature lack is said in AWS's
order. Source: "POST Object" of the API reference, and recorded answers of AWS (TestS3PresignedPost).
"""

from __future__ import annotations

import hmac
import re
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, quote_plus, urlencode, urlsplit

from headwater.aws.codec import codec_for
from headwater.aws.faults import Fault
from headwater.aws.protocols.xml_trees import text_of
from headwater.aws.signature import ALGORITHM, Authorization, moment_of, signing_key
from headwater.aws.signature_faults import refused
from headwater.aws.wire import Request, Response, Stream
from headwater.kernel.callers import caller_of
from headwater.kernel.context import Context
from headwater.kernel.operating import operate

from . import SERVICE, attire, form_policy, forms, tags
from .forms import Form
from .objects import Posted
from .records import BUCKETS, Bucket
from .refusals import access_denied, invalid_argument, no_such_bucket

if TYPE_CHECKING:
    from headwater.aws.routing import Route

PROTOCOL: Final = "rest-xml"
V4_FIELDS: Final = ("X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Signature")
V2_FIELDS: Final = ("AWSAccessKeyId", "Signature")
HEADERS: Final = frozenset({"cache-control", "content-type", "content-disposition", "content-encoding", "content-language", "expires"})
"""Fields that are headers of the object; so is all that begins with x-amz-, but for what is the signature's."""
STATUSES: Final = frozenset({"200", "201"})
NO_CONTENT: Final = 204
CREATED: Final = 201
SEE_OTHER: Final = 303
SECRET_OF_UNKNOWN_KEYS: Final = "test"  # noqa: S105 - everybody knows it: what is signed so is taken unchecked
_SCOPE: Final = re.compile(r"([^/]*)/(\d{8})/([^/]+)/([^/]+)/aws4_request")


def posted(ctx: Context, request: Request, route: Route) -> Awaitable[Response]:
    """The answer to a form that a browser sends to a bucket."""
    return _posted(ctx, request, route)


async def _posted(ctx: Context, request: Request, route: Route) -> Response:
    route.operation = "PutObject"  # which it is from here on, also to the request log and to who counts the uses of keys
    form = await forms.read(request)
    bucket = ctx.store.get(BUCKETS, route.uri_labels["Bucket"])
    if bucket is None:
        raise no_such_bucket(route.uri_labels["Bucket"])
    ctx.region = bucket.region
    key = form.fields.get("key")
    if not key:
        raise _missing("key")
    fields = form.fields | {"bucket": bucket.name}
    if _is_signed(form):
        allowed = _authenticate(ctx, form, bucket).check(fields, form.names, ctx.clock.machine())
        form.file = await _sized(form.file, allowed)
    elif "policy" in form.fields:
        raise access_denied()
    operation = SERVICE.model.operations[route.operation]
    codec = codec_for(operation, PROTOCOL)
    params = _put(form, bucket.name, key)
    codec.validate(params)
    result = await operate(ctx, operation, Posted(params))
    return _answer(ctx, form, bucket, key, codec.encode(result, ctx.request_id), result)


# -- who sends it ---------------------------------------------------------------------------------------------------------


def _is_signed(form: Form) -> bool:
    """Whether there is a signature; raises where a part of one is missing."""
    for names in (V4_FIELDS, V2_FIELDS):
        missing = [name for name in names if name.lower() not in form.fields]
        if len(missing) < len(names):
            if missing:
                raise _missing(missing[0])
            if "policy" not in form.fields:
                raise _missing("policy")
            return True
    return False


def _missing(name: str) -> Fault:
    sentence = f"Bucket POST must contain a field named '{name}'.  If it is specified, please check the order of the fields."
    return invalid_argument(sentence, name, "")


def _authenticate(ctx: Context, form: Form, bucket: Bucket) -> form_policy.FormPolicy:
    """Put the signer into the context; answers the policy, which is read only once its signature holds."""
    fields = form.fields
    authorization = _v2(fields) if "awsaccesskeyid" in fields else _v4(fields, bucket)
    ctx.principal, secret = caller_of(ctx, authorization, "s3", lambda secret: _verify(authorization, secret, fields), lambda: None)
    ctx.account = ctx.principal.account
    ctx.signature = authorization
    try:
        return form_policy.parse(fields["policy"])
    except Fault:
        if secret is None:  # a policy that was cut off is no signer's mistake
            _verify(authorization, SECRET_OF_UNKNOWN_KEYS, fields)
        raise


def _v2(fields: dict[str, str]) -> Authorization:
    token = fields.get("x-amz-security-token")
    return Authorization("form v2", fields["awsaccesskeyid"], "", "", "s3", [], fields["signature"], "", token)


def _v4(fields: dict[str, str], bucket: Bucket) -> Authorization:
    credential, date = fields["x-amz-credential"], fields["x-amz-date"]
    if fields["x-amz-algorithm"] != ALGORITHM:
        raise invalid_argument(f"Only {ALGORITHM} is supported", "X-Amz-Algorithm", fields["x-amz-algorithm"])
    scope = _SCOPE.fullmatch(credential)
    if scope is None:
        sentence = 'the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".'
        raise invalid_argument(sentence, "X-Amz-Credential", credential)
    key, day, region, service = scope.groups()
    if not key:
        sentence = "a non-empty Access Key (AKID) must be provided in the credential."
        raise invalid_argument(sentence, "X-Amz-Credential", credential)
    if region != bucket.region:
        refusal = invalid_argument(f"the region '{region}' is wrong; expecting '{bucket.region}'", "X-Amz-Credential", credential)
        refusal.members["Region"] = bucket.region
        raise refusal
    if service != "s3":
        sentence = f'incorrect service "{service}". This endpoint belongs to "s3".'
        raise invalid_argument(sentence, "X-Amz-Credential", credential)
    if moment_of(date) is None:
        raise invalid_argument("X-Amz-Date must be formated via ISO8601 Long format", "X-Amz-Date", date)
    token = fields.get("x-amz-security-token")
    return Authorization("form", key, day, region, service, [], fields["x-amz-signature"], date, token)


def _verify(authorization: Authorization, secret: str, fields: dict[str, str]) -> None:
    """What is signed is the policy, as it was sent."""
    policy = fields["policy"].encode()
    if authorization.kind == "form v2":
        wanted = b64encode(hmac.digest(secret.encode(), policy, "sha1")).decode()
    else:
        wanted = hmac.digest(signing_key(secret, authorization.date, authorization.region, "s3"), policy, "sha256").hex()
    if not hmac.compare_digest(wanted.encode(), authorization.signature.encode()):
        raise refused(
            "s3",
            "mismatch",
            AWSAccessKeyId=authorization.access_key_id,
            StringToSign=fields["policy"],
            SignatureProvided=authorization.signature,
            StringToSignBytes=policy.hex(" "),
        )


# -- what it asks for -----------------------------------------------------------------------------------------------------


async def _sized(file: Stream, allowed: tuple[int, int] | None) -> Stream:
    """The file, which raises at its end if it is too short or too long."""
    if file.whole is not None:
        form_policy.check_size(allowed, len(file.whole))
        return file
    return Stream(_counted(file, allowed))


async def _counted(file: Stream, allowed: tuple[int, int] | None) -> AsyncIterator[bytes]:
    """Of what is too long no more is handed on, but it is counted: S3 says how long it is."""
    size = 0
    async for piece in file:
        size += len(piece)
        if allowed is None or size <= allowed[1]:
            yield piece
    form_policy.check_size(allowed, size)


def _put(form: Form, bucket: str, key: str) -> dict[str, Any]:
    """The members of the PutObject that the form is."""
    signed_with = {name.lower() for name in (*V4_FIELDS, "X-Amz-Security-Token")}
    headers = {
        name: value
        for name, value in form.fields.items()
        if name in HEADERS or (name.startswith("x-amz-") and name not in signed_with and name != "x-amz-tagging")
    }
    if "acl" in form.fields:
        headers["x-amz-acl"] = form.fields["acl"]
    if form.fields.get("tagging"):
        headers["x-amz-tagging"] = _tags(form.fields["tagging"])
    if not headers.get("content-type"):
        headers["content-type"] = attire.DEFAULT_TYPE
    put = SERVICE.model.operations["PutObject"]
    request = Request("PUT", f"/{quote(bucket)}/{quote(key)}", "", headers, form.file)
    return codec_for(put, PROTOCOL).decode(request, {"Bucket": bucket, "Key": key})


def _tags(document: str) -> str:
    """The document of a form's tags, as the header has them."""
    tagging = SERVICE.model.operations["PutObjectTagging"]
    request = Request("PUT", "/", "tagging", {}, document.encode())
    found = codec_for(tagging, PROTOCOL).decode(request, {}).get("Tagging") or {}
    return urlencode(tags.of_set(found.get("TagSet") or [], "Your TagKey cannot be prefixed with aws:"))


# -- what is answered -----------------------------------------------------------------------------------------------------


def _answer(ctx: Context, form: Form, bucket: Bucket, key: str, written: Response, result: dict[str, Any]) -> Response:
    redirect = form.fields.get("success_action_redirect") or form.fields.get("redirect") or ""
    status = form.fields.get("success_action_status", "")
    if is_absolute(redirect):
        written.status = SEE_OTHER
        written.headers.append(("Location", redirected(redirect, bucket.name, key, result["ETag"])))
        return written
    location = location_of(ctx, bucket, key)
    written.headers.append(("Location", location))
    written.status = int(status) if status in STATUSES else NO_CONTENT
    if written.status == CREATED:
        written.headers.append(("Content-Type", "application/xml"))
        told = {"Location": location, "Bucket": bucket.name, "Key": key, "ETag": result["ETag"]}
        inside = "".join(f"<{name}>{text_of(value)}</{name}>" for name, value in told.items())
        written.body = f'<?xml version="1.0" encoding="UTF-8"?>\n<PostResponse>{inside}</PostResponse>'.encode()
    return written


def is_absolute(url: str) -> bool:
    """Whether a browser can be sent there; what cannot be read is as if it were not there."""
    try:
        found = urlsplit(url)
    except ValueError:
        return False
    return found.scheme in {"http", "https"} and bool(found.netloc)


def redirected(url: str, bucket: str, key: str, etag: str) -> str:
    """Where the browser goes next, and what it says there."""
    told = f"bucket={quote_plus(bucket)}&key={quote_plus(key)}&etag={quote_plus(etag)}"
    base = quote(url, safe="%/:=&?~#+!$,;'@()*[]")  # a header holds ASCII alone
    return f"{base}{'&' if urlsplit(url).query else '?'}{told}"


def location_of(ctx: Context, bucket: Bucket, key: str) -> str:
    """The object's URL at the host that the browser knows us by; the key is one segment of it."""
    host = ctx.headers.get("host", "")
    inside = "" if host.startswith(f"{bucket.name}.") else f"{bucket.name}/"
    return f"http://{host}/{inside}{quote(key, safe='')}" if host else f"{ctx.home.endpoint_url}/{inside}{quote(key, safe='')}"
