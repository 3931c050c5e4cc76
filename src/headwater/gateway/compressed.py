"""Request bodies that an SDK has compressed (`Content-Encoding: gzip`), as CloudWatch's do: read for the codecs, bounded.

Only where a body is one value that the codec reads; S3's `Content-Encoding` describes an object and is none of the wire's business. What is
signed are the compressed bytes, so the plain ones are made behind the check; a form alone has to be looked into before, for its Action.
"""

from __future__ import annotations

import zlib
from typing import Final

import msgspec

from headwater.aws.faults import fault
from headwater.aws.wire import Request

PLAIN_BYTES_MAX: Final = 32 * 1024 * 1024
_GZIP: Final = 16 + zlib.MAX_WBITS


def is_compressed(request: Request) -> bool:
    return request.headers.get("content-encoding") == "gzip" and isinstance(request.body, bytes)


def readable(request: Request) -> Request:
    """The request with its body as it was before it was compressed."""
    if not is_compressed(request):
        return request
    assert isinstance(request.body, bytes)
    inflater = zlib.decompressobj(_GZIP)
    try:
        plain = inflater.decompress(request.body, PLAIN_BYTES_MAX)
    except zlib.error:
        raise fault("SerializationException", "The request body is not what its Content-Encoding says.") from None
    if inflater.unconsumed_tail:
        raise fault("RequestEntityTooLargeException", f"Request must be smaller than {PLAIN_BYTES_MAX} bytes.")
    if not inflater.eof:
        raise fault("SerializationException", "The request body is not what its Content-Encoding says.")
    return msgspec.structs.replace(request, body=plain)
