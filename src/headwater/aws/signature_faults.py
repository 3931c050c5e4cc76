"""What AWS says to a request whose signature it cannot accept: one table, by the family of the service that is asked.

The families differ in codes rather than in meaning: S3 has its own, the query services spell them without "Exception", the JSON
services with. Source: the services' "Common errors" pages and S3's "Error responses" page; S3's sentences as in recordings/s3.json.
"""

from typing import Any, Final, Literal

from headwater.aws.faults import Fault, fault
from headwater.aws.wire import Request

Family = Literal["s3", "query", "json"]

_TOKEN_INVALID: Final = "The security token included in the request is invalid."  # noqa: S105  # a sentence, no secret
_TOKEN_EXPIRED: Final = "The security token included in the request is expired"  # noqa: S105  # a sentence, no secret
_MISMATCH: Final = (
    "The request signature we calculated does not match the signature you provided. "
    "Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
)

_TABLE: Final[dict[str, dict[Family, tuple[str, str]]]] = {
    "mismatch": {
        "s3": (
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
        ),
        "query": ("SignatureDoesNotMatch", _MISMATCH),
        "json": ("InvalidSignatureException", _MISMATCH),
    },
    "skewed": {
        "s3": ("RequestTimeTooSkewed", "The difference between the request time and the current time is too large."),
        "query": ("SignatureDoesNotMatch", "{detail}"),
        "json": ("InvalidSignatureException", "{detail}"),
    },
    "expired": {
        "s3": ("AccessDenied", "Request has expired"),
        "query": ("SignatureDoesNotMatch", "{detail}"),
        "json": ("InvalidSignatureException", "{detail}"),
    },
    "early": {
        "s3": ("AccessDenied", "Request is not yet valid"),
        "query": ("SignatureDoesNotMatch", "{detail}"),
        "json": ("InvalidSignatureException", "{detail}"),
    },
    "scope": {
        "s3": ("AuthorizationHeaderMalformed", "The authorization header is malformed; {detail}"),
        "query": ("SignatureDoesNotMatch", "{detail}"),
        "json": ("InvalidSignatureException", "{detail}"),
    },
    "malformed": {
        "s3": ("AuthorizationHeaderMalformed", "The authorization header is malformed; {detail}"),
        "query": ("IncompleteSignature", "{detail}"),
        "json": ("IncompleteSignatureException", "{detail}"),
    },
    "malformed query": {
        "s3": ("AuthorizationQueryParametersError", "{detail}"),
        "query": ("IncompleteSignature", "{detail}"),
        "json": ("IncompleteSignatureException", "{detail}"),
    },
    "unsigned headers": {
        "s3": ("AccessDenied", "There were headers present in the request which were not signed"),
        "query": ("SignatureDoesNotMatch", "{detail}"),
        "json": ("InvalidSignatureException", "{detail}"),
    },
    "missing": {
        "s3": ("AccessDenied", "Access Denied"),
        "query": ("MissingAuthenticationToken", "Request is missing Authentication Token"),
        "json": ("MissingAuthenticationTokenException", "Missing Authentication Token"),
    },
    "unknown key": {
        "s3": ("InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records."),
        "query": ("InvalidClientTokenId", _TOKEN_INVALID),
        "json": ("UnrecognizedClientException", _TOKEN_INVALID),
    },
    "invalid token": {
        "s3": ("InvalidToken", "The provided token is malformed or otherwise invalid."),
        "query": ("InvalidClientTokenId", _TOKEN_INVALID),
        "json": ("UnrecognizedClientException", _TOKEN_INVALID),
    },
    "expired token": {
        "s3": ("ExpiredToken", "The provided token has expired."),
        "query": ("ExpiredToken", _TOKEN_EXPIRED),
        "json": ("ExpiredTokenException", _TOKEN_EXPIRED),
    },
}


def refused(family: Family, why: str, detail: str = "", **members: Any) -> Fault:
    """The fault for one of the reasons above; `members` are S3's, which alone explains itself."""
    code, message = _TABLE[why][family]
    return fault(code, message.format(detail=detail), **(members if family == "s3" else {}))


def family_of(request: Request, service: str | None = None) -> Family:
    """`service` is the scope's, where one could be read; else the request's own form tells."""
    if service in S3_LIKE:
        return "s3"
    if "x-amz-target" in request.headers or "smithy-protocol" in request.headers:
        return "json"
    if "form-urlencoded" in request.headers.get("content-type", "") or "Action=" in request.query:
        return "query"
    return "json" if service is not None else "s3"


# The services that sign a path encoded once, as it travels; all others encode it a second time.
S3_LIKE: Final = frozenset({"s3", "s3express", "s3-outposts", "s3-object-lambda"})
