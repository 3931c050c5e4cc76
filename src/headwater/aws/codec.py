"""Wire to dict and back: one codec for an operation in a protocol, compiled from the model when it is first used.

Compiling means closures over small tables: what a request needs to know (names, converters, places) is looked up once, and
no request walks the model. A codec is pure; it neither reads a socket nor knows what an operation does.
"""

from collections.abc import Callable
from typing import Any

from headwater.aws.faults import Fault
from headwater.aws.models import Operation
from headwater.aws.wire import Request, Response


class Codec:
    """`decode(request, uri_labels)`: wire to native values, a Fault where the wire is malformed or of the wrong type.
    `validate(params)`: required, lengths, ranges, patterns, enums, with AWS's own code and sentence.
    `encode(result, request_id)` and `encode_fault(fault, request_id)`: the way back.
    """

    __slots__ = ("decode", "encode", "encode_fault", "validate")

    def __init__(
        self,
        decode: Callable[[Request, dict[str, str]], dict[str, Any]],
        validate: Callable[[dict[str, Any]], None],
        encode: Callable[[dict[str, Any], str], Response],
        encode_fault: Callable[[Fault, str], Response],
    ) -> None:
        self.decode = decode
        self.validate = validate
        self.encode = encode
        self.encode_fault = encode_fault


def codec_for(operation: Operation, protocol: str) -> Codec:
    """The codec of `operation` in `protocol` ("json", "query", "ec2", "rest-json", "rest-xml", "smithy-rpc-v2-cbor")."""
    codec: Codec | None = operation.codecs.get(protocol)
    if codec is None:
        raise NotImplementedError(protocol)
    return codec


def encode_fault(service: str, protocol: str, fault: Fault, request_id: str, *, resource: str = "") -> Response:
    """A fault's response where no operation is known (yet); `resource` is the path, which S3 names in its errors."""
    raise NotImplementedError(protocol)
