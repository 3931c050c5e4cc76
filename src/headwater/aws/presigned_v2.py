"""S3's presigned URLs of Signature Version 2, which boto3 still makes by default in the regions that are old enough to know them.

Only the query form: `AWSAccessKeyId`, `Expires` (a moment, in seconds) and `Signature` (HMAC-SHA1). No region is named in it.
`hoisted` is for presigned URLs of either version: what stands in the query as x-amz-… counts as a header.
Source: docs.aws.amazon.com/AmazonS3/latest/API/RESTAuthentication.html
"""

import hmac
from base64 import b64encode
from datetime import UTC, datetime
from typing import Final
from urllib.parse import unquote, unquote_plus

from headwater.aws.signature import Authorization
from headwater.aws.signature_faults import refused
from headwater.aws.wire import Request

# fmt: off
SUBRESOURCES: Final = frozenset(
    {
        "accelerate", "acl", "analytics", "cors", "delete", "inventory", "lifecycle", "location", "logging", "metrics",
        "notification", "object-lock", "partNumber", "policy", "replication", "requestPayment", "response-cache-control",
        "response-content-disposition", "response-content-encoding", "response-content-language", "response-content-type",
        "response-expires", "restore", "select", "select-type", "storageClass", "tagging", "torrent", "uploadId", "uploads",
        "versionId", "versioning", "versions", "website",
    }
)
# fmt: on
"""The parts of a query that are signed; the rest anybody may change."""
_OF_THE_SIGNATURE: Final = frozenset(
    {"x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-expires", "x-amz-signedheaders", "x-amz-signature", "x-amz-security-token"}
)


def parse(request: Request) -> Authorization | None:
    """The signature of such a URL; None where the query has none."""
    if "AWSAccessKeyId=" not in request.query:
        return None
    found = dict(_pairs(request))
    if not all(found.get(name) for name in ("Signature", "Expires", "AWSAccessKeyId")) or not found["Expires"].isdecimal():
        words = "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters"
        raise refused("s3", "malformed query", words)
    token = next((value for name, value in found.items() if name.lower() == "x-amz-security-token"), None)
    return Authorization("query v2", found["AWSAccessKeyId"], "", "", "s3", [], found["Signature"], found["Expires"], token)


def check_freshness(authorization: Authorization, now: datetime) -> None:
    ends = datetime.fromtimestamp(min(int(authorization.timestamp), 32_503_680_000), UTC)  # the year 3000 is late enough
    if now > ends:
        stamps = {"Expires": f"{ends:%Y-%m-%dT%H:%M:%SZ}", "ServerTime": f"{now:%Y-%m-%dT%H:%M:%SZ}"}
        raise refused("s3", "expired", **stamps)


def verify(request: Request, authorization: Authorization, secret: str, now: datetime, bucket: str | None) -> None:
    """Raise unless the URL was signed with `secret` and still holds. `bucket` is the one that the route found, perhaps in the host."""
    check_freshness(authorization, now)
    paths = {request.path} if bucket is None else {request.path, f"/{bucket}{request.path}"}
    strings = [string_to_sign(request, authorization, path) for path in sorted(paths)]
    for text in strings:
        wanted = b64encode(hmac.digest(secret.encode(), text.encode(), "sha1")).decode()
        if hmac.compare_digest(wanted.encode(), authorization.signature.encode()):
            return
    raise refused(
        "s3",
        "mismatch",
        AWSAccessKeyId=authorization.access_key_id,
        StringToSign=strings[0],
        SignatureProvided=authorization.signature,
        StringToSignBytes=strings[0].encode().hex(" "),
    )


def string_to_sign(request: Request, authorization: Authorization, path: str) -> str:
    headers = request.headers
    own = {name: value for name, value in headers.items() if name.startswith("x-amz-")}
    own |= {name.lower(): value for name, value in _pairs(request) if name.lower().startswith("x-amz-")}
    signed = sorted((name, value) for name, value in _pairs(request) if name in SUBRESOURCES)
    resource = path + ("?" + "&".join(f"{name}={value}" if value else name for name, value in signed) if signed else "")
    lines = [request.method, headers.get("content-md5", ""), headers.get("content-type", ""), authorization.timestamp]
    return "\n".join([*lines, *(f"{name}:{value.strip()}" for name, value in sorted(own.items())), resource])


def hoisted(request: Request) -> dict[str, str]:
    """The headers that stand in a presigned URL's query: SDKs put them there, so that a browser need not send them."""
    if "x-amz-" not in request.query.lower():
        return {}
    pairs = ((name.lower(), value) for name, value in _pairs(request))
    return {name: value for name, value in pairs if name.startswith("x-amz-") and name not in _OF_THE_SIGNATURE}


def _pairs(request: Request) -> list[tuple[str, str]]:
    split = (part.partition("=") for part in request.query.split("&") if part)
    return [(unquote(name), unquote_plus(value)) for name, _, value in split]
