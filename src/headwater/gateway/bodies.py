"""The body as the operation may trust it: chunks unwrapped, signatures and checksums verified as the bytes pass."""

from __future__ import annotations

from hashlib import sha256
from typing import Final

from headwater.aws.checksums import Checks
from headwater.aws.chunked import verified_body as verified_stream
from headwater.aws.faults import fault
from headwater.aws.models import Operation
from headwater.aws.signature import EMPTY_SHA256, Authorization
from headwater.aws.wire import Request, Stream

HEX_SHA256_LENGTH: Final = 64


def verified_body(request: Request, operation: Operation, authorization: Authorization | None, secret: str | None) -> bytes | Stream:
    """The request's body behind every check that its headers ask for.

    A stream raises at its end. Of a body that streams into the operation the room compares the checksums: it keeps them anyway.
    """
    said = request.headers.get("x-amz-content-sha256")
    if said is None and (operation.streams_in or operation.service.name != "s3"):
        return request.body
    said = said or ""
    if isinstance(request.body, Stream) or said.startswith("STREAMING-"):
        return verified_stream(request, authorization, secret, Checks(request, of_body=operation.checksums_body))
    if operation.streams_in:
        if len(said) == HEX_SHA256_LENGTH:
            _check_sha256(said.lower(), request.body)
        return request.body
    if not request.body and said in {EMPTY_SHA256, ""} and "content-md5" not in request.headers:
        return b""
    checks = Checks(request, of_body=operation.checksums_body)
    checks.update(request.body)
    checks.finish({})
    return request.body


def _check_sha256(said: str, body: bytes) -> None:
    found = sha256(body).hexdigest()
    if found != said:
        members = {"ClientComputedContentSHA256": said, "S3ComputedContentSHA256": found}
        raise fault("XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.", **members)
