"""The client's half of Signature Version 4, for our own child processes, the links that we hand out, and the benchmarks."""

import hmac
from datetime import datetime
from hashlib import sha256
from typing import Final, Literal
from urllib.parse import quote

import msgspec

from headwater.aws.signature import ALGORITHM, EMPTY_SHA256, UNSIGNED, Authorization, canonical_request, signing_key, string_to_sign
from headwater.aws.signature_faults import S3_LIKE
from headwater.aws.wire import Request

_NEVER_SIGNED: Final = frozenset({"authorization", "user-agent", "expect", "connection", "transfer-encoding", "x-amzn-trace-id"})


class Signer(msgspec.Struct, frozen=True):
    """Who signs, and for which service where."""

    access_key_id: str
    secret: str
    region: str
    service: str
    session_token: str | None = None


def sign_request(request: Request, signer: Signer, now: datetime, payload_sha256: str | None = None) -> None:
    """Adds the headers that make `request` the signer's. Its Host header must stand already."""
    headers = request.headers
    headers["x-amz-date"] = f"{now:%Y%m%dT%H%M%SZ}"
    if signer.session_token is not None:
        headers["x-amz-security-token"] = signer.session_token
    body = request.body if isinstance(request.body, bytes) else request.body.whole
    if payload_sha256 is None:
        payload_sha256 = UNSIGNED if body is None else sha256(body).hexdigest() if body else EMPTY_SHA256
    if signer.service in S3_LIKE or body is None:
        headers["x-amz-content-sha256"] = payload_sha256
    signed = sorted(name for name in headers if name not in _NEVER_SIGNED)
    authorization = _unsigned("header", signer, headers["x-amz-date"], signed)
    signature = _signature(request, authorization, signer, payload_sha256)
    credential = f"{signer.access_key_id}/{authorization.scope}"
    headers["authorization"] = f"{ALGORITHM} Credential={credential}, SignedHeaders={';'.join(signed)}, Signature={signature}"


def presigned_query(request: Request, signer: Signer, now: datetime, expires_s: int) -> str:
    """The query string, signature included, with which anybody may send `request` for a while. The host alone is signed."""
    timestamp = f"{now:%Y%m%dT%H%M%SZ}"
    authorization = _unsigned("query", signer, timestamp, ["host"])
    parameters = {
        "X-Amz-Algorithm": ALGORITHM,
        "X-Amz-Credential": f"{signer.access_key_id}/{authorization.scope}",
        "X-Amz-Date": timestamp,
        "X-Amz-Expires": str(expires_s),
        "X-Amz-SignedHeaders": "host",
    }
    if signer.session_token is not None:
        parameters["X-Amz-Security-Token"] = signer.session_token
    added = "&".join(f"{name}={quote(value, safe='~')}" for name, value in parameters.items())
    query = f"{request.query}&{added}" if request.query else added
    unsigned = Request(request.method, request.path, query, {"host": request.headers["host"]}, request.body)
    return f"{query}&X-Amz-Signature={_signature(unsigned, authorization, signer, None)}"


def _unsigned(kind: Literal["header", "query"], signer: Signer, timestamp: str, signed: list[str]) -> Authorization:
    scope = (timestamp[:8], signer.region, signer.service)
    return Authorization(kind, signer.access_key_id, *scope, signed, "", timestamp, signer.session_token)


def _signature(request: Request, authorization: Authorization, signer: Signer, payload_sha256: str | None) -> str:
    to_sign = string_to_sign(authorization, canonical_request(request, authorization, payload_sha256))
    key = signing_key(signer.secret, authorization.date, signer.region, signer.service)
    return hmac.digest(key, to_sign.encode(), "sha256").hex()
