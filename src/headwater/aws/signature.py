"""AWS Signature Version 4, as the server sees it: taken apart, computed again, compared in constant time.

Source: docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html and, for S3's bodies,
docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
"""

from datetime import datetime
from typing import Literal

import msgspec

from headwater.aws.wire import Request


class Authorization(msgspec.Struct):
    """A signature taken apart. `kind` is where it stood: the Authorization header or the query of a presigned URL."""

    kind: Literal["header", "query"]
    access_key_id: str
    date: str
    region: str
    service: str
    signed_headers: list[str]
    signature: str
    timestamp: str
    session_token: str | None
    expires_s: int | None = None


def parse_authorization(request: Request) -> Authorization | None:
    """The request's signature, None where it has none, a Fault where it is malformed."""
    header = request.headers.get("authorization", "")
    if not header.startswith("AWS4-HMAC-SHA256 "):
        return None
    parts = dict(part.strip().split("=", 1) for part in header.removeprefix("AWS4-HMAC-SHA256 ").split(","))
    access_key_id, date, region, service, _ = parts["Credential"].split("/")
    token = request.headers.get("x-amz-security-token")
    return Authorization("header", access_key_id, date, region, service, parts["SignedHeaders"].split(";"), parts["Signature"], "", token)


def check_freshness(request: Request, authorization: Authorization, now: datetime) -> None:
    """Raise when the signature's time is off."""


def verify(request: Request, authorization: Authorization, secret: str, now: datetime, payload_sha256: str | None = None) -> None:
    """Raises the service family's own fault unless the signature is `secret`'s and fresh.

    `payload_sha256` is the hex digest of the body; None computes it from a body of bytes, and believes the header for a stream
    (whose reader then verifies it: see chunked.py).
    """
    raise NotImplementedError
