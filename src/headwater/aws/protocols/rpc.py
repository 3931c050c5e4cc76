"""The protocols in which the operation's name travels and the path says nothing: json, query, ec2, rpc-v2-cbor."""

from collections.abc import Callable
from typing import Any

import msgspec

from headwater.aws.faults import fault
from headwater.aws.models import Operation
from headwater.aws.protocols.forms import FormReader, form_pairs, grow
from headwater.aws.protocols.trees import TreeReader, TreeWriter, malformed
from headwater.aws.protocols.xml_trees import XmlWriter, namespace_text
from headwater.aws.wire import Request, Response

Decode = Callable[[Request, dict[str, str]], dict[str, Any]]
Encode = Callable[[dict[str, Any], str], Response]


def whole_body(request: Request) -> bytes:
    """The body of an operation that does not stream: the gateway has read it."""
    body = request.body
    if isinstance(body, bytes):
        return body
    assert body.whole is not None, "the body of an operation that does not stream must have been read before decoding"
    return body.whole


def parse_json(body: bytes) -> Any:
    if not body:
        return {}
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise malformed("") from error


def json_decode(operation: Operation) -> Decode:
    shape = operation.input
    if shape is None:
        return lambda _request, _labels: {}
    read = TreeReader().shape(shape)

    def decode(request: Request, _labels: dict[str, str]) -> dict[str, Any]:
        found: dict[str, Any] = read(parse_json(whole_body(request)))
        return found

    return decode


def json_encode(operation: Operation) -> Encode:
    content_type = ("Content-Type", f"application/x-amz-json-{operation.service.metadata.json_version}")
    if operation.output is None:
        return lambda _result, request_id: Response(200, [content_type, ("x-amzn-RequestId", request_id)])
    write = TreeWriter().structure(operation.output)
    to_json = msgspec.json.Encoder().encode

    def encode(result: dict[str, Any], request_id: str) -> Response:
        return Response(200, [content_type, ("x-amzn-RequestId", request_id)], to_json(write(result)))

    return encode


def form_decode(operation: Operation) -> Decode:
    shape = operation.input
    if shape is None:
        return lambda _request, _labels: {}
    read = FormReader(ec2=operation.service.metadata.protocol == "ec2").structure(shape)

    def decode(request: Request, _labels: dict[str, str]) -> dict[str, Any]:
        try:
            text = whole_body(request).decode("ascii")
        except UnicodeDecodeError as error:
            raise fault("MalformedInput", "The form is not URL-encoded") from error
        if request.query:  # an SDK of old, or a person with curl, may put some of it there
            text = f"{request.query}&{text}"
        found: dict[str, Any] = read(grow(form_pairs(text)))
        return found

    return decode


def query_encode(operation: Operation) -> Encode:
    name = operation.name
    opening = f"<{name}Response{namespace_text(operation.service.metadata.xml_namespace)}>"
    wrapper = operation.result_wrapper or f"{name}Result"
    write = XmlWriter().structure(operation.output) if operation.output is not None else None

    def encode(result: dict[str, Any], request_id: str) -> Response:
        out = [opening]
        if write is not None:
            out.append(f"<{wrapper}>")
            write(result, out)
            out.append(f"</{wrapper}>")
        out.append(f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{name}Response>")
        return Response(200, [("Content-Type", "text/xml"), ("x-amzn-RequestId", request_id)], "".join(out).encode())

    return encode


def ec2_encode(operation: Operation) -> Encode:
    name = operation.name
    opening = f"<{name}Response{namespace_text(operation.service.metadata.xml_namespace)}>"
    write = XmlWriter().structure(operation.output) if operation.output is not None else None

    def encode(result: dict[str, Any], request_id: str) -> Response:
        out = ['<?xml version="1.0" encoding="UTF-8"?>\n', opening, f"<requestId>{request_id}</requestId>"]
        if write is not None:
            write(result, out)
        out.append(f"</{name}Response>")
        return Response(200, [("Content-Type", "text/xml;charset=UTF-8"), ("x-amzn-RequestId", request_id)], "".join(out).encode())

    return encode


def cbor_decode(operation: Operation) -> Decode:
    from cbor2 import CBORDecodeError, loads  # only the few CBOR services need it

    shape = operation.input
    if shape is None:
        return lambda _request, _labels: {}
    read = TreeReader(binary=True).shape(shape)

    def decode(request: Request, _labels: dict[str, str]) -> dict[str, Any]:
        body = whole_body(request)
        if not body:
            return {}
        try:
            tree = loads(body)
        except (CBORDecodeError, ValueError, OverflowError, RecursionError) as error:
            raise malformed("") from error
        found: dict[str, Any] = read(tree)
        return found

    return decode


def cbor_encode(operation: Operation) -> Encode:
    from cbor2 import dumps  # only the few CBOR services need it

    headers = [("Content-Type", "application/cbor"), ("smithy-protocol", "rpc-v2-cbor")]
    write = TreeWriter(binary=True).structure(operation.output) if operation.output is not None else None

    def encode(result: dict[str, Any], request_id: str) -> Response:
        body = dumps(write(result)) if write is not None else b""
        return Response(200, [*headers, ("x-amzn-RequestId", request_id)], body)

    return encode
