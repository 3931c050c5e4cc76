"""AWS Signature Version 4, as the server sees it: taken apart, computed again, compared in constant time.

What is easy to get wrong: S3 signs its path encoded once, everybody else twice; a presigned URL of S3 never covers the body; and
a stream's bytes are not here yet, so that its signature is checked by whom reads it (chunked.py).
Source: docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html and
docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
"""

import hmac
import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from typing import Final, Literal
from urllib.parse import quote, unquote_to_bytes

import msgspec

from headwater.aws.signature_faults import S3_LIKE, family_of, refused
from headwater.aws.wire import Request

SKEW_MAX: Final = timedelta(minutes=15)
EXPIRES_S_MAX: Final = 604_800
UNSIGNED: Final = "UNSIGNED-PAYLOAD"
EMPTY_SHA256: Final = sha256(b"").hexdigest()
ALGORITHM: Final = "AWS4-HMAC-SHA256"

_HEADER: Final = re.compile(r"AWS4-HMAC-SHA256\s+(.*)", re.DOTALL)
_PLAIN_OPENING: Final = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/,\s]+)/(\d{8})/([^/,\s]*)/([^/,\s]+)/aws4_request, ?SignedHeaders=([^,\s]+), ?"
)
_SIGNATURE_LENGTH: Final = 64
_REGION: Final = re.compile(r"[a-z]{2}(?:-[a-z]+)+-\d+")
_TIMESTAMP: Final = re.compile(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z")
_PLAIN_PATH: Final = re.compile(r"[A-Za-z0-9_.~/-]*")
_PLAIN_QUERY: Final = re.compile(r"(?:[A-Za-z0-9_.~=&-]|%[0-9A-F]{2})*")
_HEADER_PARTS: Final = ("Credential", "SignedHeaders", "Signature")
_QUERY_PARTS: Final = ("X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature")


class Authorization(msgspec.Struct):
    """A signature taken apart. `kind` is where it stood: the Authorization header, the query of a presigned URL, a browser's form."""

    kind: Literal["header", "query", "query v2", "form", "form v2"]
    access_key_id: str
    date: str
    region: str
    service: str
    signed_headers: list[str]
    signature: str
    timestamp: str
    session_token: str | None
    expires_s: int | None = None

    @property
    def scope(self) -> str:
        return f"{self.date}/{self.region}/{self.service}/aws4_request"


def parse_authorization(request: Request) -> Authorization | None:
    """The request's signature, None where it has none, a Fault where it is malformed."""
    header = request.headers.get("authorization")
    if header is not None:
        return _from_header(request, header)
    if "X-Amz-Signature=" in request.query or "X-Amz-Algorithm=" in request.query or "X-Amz-Credential=" in request.query:
        return _from_query(request)
    return None


def _from_header(request: Request, header: str) -> Authorization:
    headers = request.headers
    timestamp = headers.get("x-amz-date") or _from_date(headers.get("date", ""))
    opening, _, signature = header.rpartition("Signature=")
    if timestamp and len(signature) == _SIGNATURE_LENGTH and signature.isalnum() and signature.isascii():
        plain = _plain_opening(opening)
        if plain is not None:
            return Authorization("header", *plain, signature, timestamp, headers.get("x-amz-security-token"))
    return _from_odd_header(request, header, timestamp)


@lru_cache(maxsize=1024)
def _plain_opening(text: str) -> tuple[str, str, str, str, list[str]] | None:
    """What stands before the signature, which a client repeats in all its calls of one kind."""
    found = _PLAIN_OPENING.fullmatch(text)
    return (found[1], found[2], found[3], found[4], found[5].split(";")) if found is not None else None


def _from_odd_header(request: Request, header: str, timestamp: str) -> Authorization:
    """Whatever is not written as the SDKs write it: understood if it can be, refused with a list of what is missing."""
    family = family_of(request)
    rest = _HEADER.fullmatch(header)
    if rest is None:
        if family == "s3":
            raise refused("s3", "malformed", "the authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.")
        raise refused(family, "malformed", "Unsupported AWS 'algorithm': " + header.split(" ", 1)[0][:64])
    parts = dict(part.strip().partition("=")[::2] for part in rest.group(1).split(","))
    missing = [f"Authorization header requires '{name}' parameter." for name in _HEADER_PARTS if not parts.get(name)]
    if not timestamp:
        missing.append("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
    if missing:
        raise refused(family, "malformed", " ".join(missing))
    key, date, region, service = _credential(request, parts["Credential"], "malformed")
    signed = parts["SignedHeaders"].lower().split(";")
    token = request.headers.get("x-amz-security-token")
    return Authorization("header", key, date, region, service, signed, parts["Signature"], timestamp, token)


def _credential(request: Request, text: str, why: str) -> tuple[str, str, str, str]:
    fields = text.rsplit("/", 4)
    if len(fields) != 5 or fields[4] != "aws4_request" or not re.fullmatch(r"\d{8}", fields[1]):
        family = family_of(request, fields[3] if len(fields) == 5 else None)
        if family == "s3" and why == "malformed query":
            mal_formed = 'the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".'
            raise refused("s3", why, f"Error parsing the X-Amz-Credential parameter; {mal_formed}")
        if family == "s3":
            raise refused("s3", why, 'the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".')
        raise refused(
            family, why, f"Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '{text}'"
        )
    return fields[0], fields[1], fields[2], fields[3]


def _from_query(request: Request) -> Authorization:
    found = {name: unquote_to_bytes(value).decode("utf-8", "replace") for name, _, value in _pairs(request.query)}
    family = family_of(request, "s3" if "X-Amz-Expires" in found else None)
    if found.get("X-Amz-Algorithm") != ALGORITHM or any(
        not found.get(name) for name in _QUERY_PARTS if name != "X-Amz-Expires" or family == "s3"
    ):
        needed = "X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires"
        raise refused(family, "malformed query", f"Query-string authentication version 4 requires the {needed} parameters.")
    key, date, region, service = _credential(request, found["X-Amz-Credential"], "malformed query")
    expires = found.get("X-Amz-Expires", "")
    family = family_of(request, service)
    if expires and not expires.isdecimal():
        raise refused(family, "malformed query", "X-Amz-Expires should be a number")
    if expires and int(expires) > EXPIRES_S_MAX:
        too_long = "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds"
        raise refused(family, "malformed query", too_long)
    return Authorization(
        "query",
        key,
        date,
        region,
        service,
        found["X-Amz-SignedHeaders"].lower().split(";"),
        found["X-Amz-Signature"],
        found["X-Amz-Date"],
        found.get("X-Amz-Security-Token"),
        int(expires) if expires else None,
    )


def verify(request: Request, authorization: Authorization, secret: str, now: datetime, payload_sha256: str | None = None) -> None:
    """Raises the service family's own fault unless the signature is `secret`'s and fresh.

    `payload_sha256` is the hex digest of the body; None computes it from a body that is here, and believes the header for a
    stream, whose reader then verifies it.
    """
    check_freshness(request, authorization, now)
    canonical = canonical_request(request, authorization, payload_sha256)
    to_sign = string_to_sign(authorization, canonical)
    computing = _keyed(secret, authorization.date, authorization.region, authorization.service).copy()
    computing.update(to_sign.encode())
    if not hmac.compare_digest(computing.hexdigest(), authorization.signature):
        raise refused(
            family_of(request, authorization.service),
            "mismatch",
            AWSAccessKeyId=authorization.access_key_id,
            StringToSign=to_sign,
            SignatureProvided=authorization.signature,
            StringToSignBytes=to_sign.encode("utf-8", "surrogateescape").hex(" "),
            CanonicalRequest=canonical,
            CanonicalRequestBytes=canonical.encode("utf-8", "surrogateescape").hex(" "),
        )
    _check_covered(request, authorization)


def check_region(authorization: Authorization, expected: str) -> None:
    """Raise where S3 is asked with a scope whose region is none (aws-global, auto), as test_create_bucket_aws_global has it."""
    region = authorization.region
    if authorization.service not in S3_LIKE or not region or _REGION.fullmatch(region):
        return
    sentence = f"the region '{region}' is wrong; expecting '{expected}'"
    if authorization.kind == "header":
        raise refused("s3", "malformed", sentence, Region=expected)
    raise refused("s3", "malformed query", f"Error parsing the X-Amz-Credential parameter; {sentence}", Region=expected)


def check_freshness(request: Request, authorization: Authorization, now: datetime) -> None:
    """Raise unless the signature was made within 15 minutes of `now`, or its presigned URL still holds."""
    signed_at = moment_of(authorization.timestamp)
    if signed_at is None or authorization.timestamp[:8] != authorization.date:
        scope = f"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{authorization.date}' != "
        raise refused(
            family_of(request, authorization.service), "scope", f"{scope}'{authorization.timestamp[:8]}', from '{authorization.timestamp}'."
        )
    age = now - signed_at
    if authorization.expires_s is not None:
        _check_expiry(request, authorization, signed_at, now)
    elif age > SKEW_MAX or -age > SKEW_MAX:
        stamp, edge = f"{now:%Y%m%dT%H%M%SZ}", f"{now - SKEW_MAX if age > SKEW_MAX else now + SKEW_MAX:%Y%m%dT%H%M%SZ}"
        if age > SKEW_MAX:
            detail = f"Signature expired: {authorization.timestamp} is now earlier than {edge} ({stamp} - 15 min.)"
        else:
            detail = f"Signature not yet current: {authorization.timestamp} is still later than {edge} ({stamp} + 15 min.)"
        raise refused(
            family_of(request, authorization.service),
            "skewed",
            detail,
            RequestTime=authorization.timestamp,
            ServerTime=f"{now:%Y-%m-%dT%H:%M:%SZ}",
            MaxAllowedSkewMilliseconds="900000",
        )


def _check_expiry(request: Request, authorization: Authorization, signed_at: datetime, now: datetime) -> None:
    assert authorization.expires_s is not None
    family = family_of(request, authorization.service)
    ends = signed_at + timedelta(seconds=authorization.expires_s)
    server_time = f"{now:%Y-%m-%dT%H:%M:%SZ}"
    if now > ends:
        expired = f"Signature expired: {authorization.timestamp} is now earlier than {now:%Y%m%dT%H%M%SZ}"
        members = {"X-Amz-Expires": str(authorization.expires_s), "Expires": f"{ends:%Y-%m-%dT%H:%M:%SZ}", "ServerTime": server_time}
        raise refused(family, "expired", expired, **members)
    if signed_at - now > SKEW_MAX:
        raise refused(family, "early", f"Signature not yet current: {authorization.timestamp}", ServerTime=server_time)


def _check_covered(request: Request, authorization: Authorization) -> None:
    """What is not signed could have been put there by anybody: the host always, for S3 every x-amz- header."""
    signed = authorization.signed_headers
    if "host" not in signed and ":authority" not in signed:
        detail = "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."
        raise refused(family_of(request, authorization.service), "unsigned headers", detail, HeadersNotSigned="host")
    if authorization.service in S3_LIKE:
        unsigned = request.headers.keys() - signed
        loose = [name for name in unsigned if name.startswith("x-amz-") and name != "x-amz-content-sha256"]
        if loose:
            raise refused("s3", "unsigned headers", HeadersNotSigned=", ".join(name for name in request.headers if name in loose))


def canonical_request(request: Request, authorization: Authorization, payload_sha256: str | None = None) -> str:
    headers = request.headers
    lines = [
        request.method,
        _canonical_path(request.path, authorization.service),
        _canonical_query(request.query),
    ]
    for name in authorization.signed_headers:
        value = headers.get(name, "")
        if " " in value and ("  " in value or value[0] == " " or value[-1] == " "):
            value = " ".join(value.split())
        lines.append(f"{name}:{value}")
    lines.append("")
    lines.append(";".join(authorization.signed_headers))
    lines.append(_payload_hash(request, authorization, payload_sha256))
    return "\n".join(lines)


def string_to_sign(authorization: Authorization, canonical: str) -> str:
    digest = sha256(canonical.encode("utf-8", "surrogateescape")).hexdigest()
    return f"{ALGORITHM}\n{authorization.timestamp}\n{authorization.scope}\n{digest}"


def _payload_hash(request: Request, authorization: Authorization, payload_sha256: str | None) -> str:
    said = request.headers.get("x-amz-content-sha256")
    if authorization.service in S3_LIKE:
        if said is not None:
            return said  # held against the body by whom reads it
        if authorization.kind == "query":
            return UNSIGNED
    elif said is not None and (said == UNSIGNED or said.startswith("STREAMING-")):
        return said
    if payload_sha256 is not None:
        return payload_sha256
    body = request.body if isinstance(request.body, bytes) else request.body.whole
    if body is None:
        return said or UNSIGNED
    return sha256(body).hexdigest() if body else EMPTY_SHA256


def _canonical_path(path: str, service: str) -> str:
    if service in S3_LIKE:
        if _PLAIN_PATH.fullmatch(path):
            return path or "/"
        return quote(unquote_to_bytes(path), safe="/~")
    if "//" in path or "/." in path:
        path = _without_dots(path)
    if _PLAIN_PATH.fullmatch(path):
        return path or "/"
    return quote(path, safe="/~")


def _without_dots(path: str) -> str:
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del kept[-1:]
        elif segment and segment != ".":
            kept.append(segment)
    return "/" + "/".join(kept) + ("/" if kept and path.endswith("/") else "")


def _pairs(query: str) -> list[tuple[str, str, str]]:
    return [part.partition("=") for part in query.split("&") if part]


def _canonical_query(query: str) -> str:
    if not query:
        return ""
    pairs = [(name, value) for name, _, value in _pairs(query) if name != "X-Amz-Signature"]
    if not _PLAIN_QUERY.fullmatch(query):
        pairs = [(_encoded(name), _encoded(value)) for name, value in pairs]
    pairs.sort()
    return "&".join([f"{name}={value}" for name, value in pairs])


def _encoded(text: str) -> str:
    return quote(unquote_to_bytes(text.replace("+", " ")), safe="~")


@lru_cache(maxsize=4096)
def signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    key = hmac.digest(f"AWS4{secret}".encode(), date.encode(), "sha256")
    for part in (region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


@lru_cache(maxsize=4096)
def _keyed(secret: str, date: str, region: str, service: str) -> hmac.HMAC:
    """To be copied. Half of what `hmac.digest` costs, which also gives the interpreter away to other threads each time."""
    return hmac.new(signing_key(secret, date, region, service), digestmod="sha256")


@lru_cache(maxsize=256)
def moment_of(timestamp: str) -> datetime | None:
    """The moment of a `20150830T123600Z`, None where it is none."""
    found = _TIMESTAMP.fullmatch(timestamp)
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(part) for part in found.groups())
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None


def _from_date(date: str) -> str:
    """A Date header stands in for X-Amz-Date, in its own form or in AWS's."""
    if not date or _TIMESTAMP.fullmatch(date):
        return date
    try:
        return f"{datetime.strptime(date, '%a, %d %b %Y %H:%M:%S GMT').replace(tzinfo=UTC):%Y%m%dT%H%M%SZ}"
    except ValueError:
        return ""
