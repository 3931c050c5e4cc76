"""rest-json and rest-xml: what is not bound to a label, a query string or a header stands in the body, or the body is one member.

A streaming payload passes through untouched as a Stream. Everything else has been read before decoding.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from headwater.aws import event_stream
from headwater.aws.faults import Fault, fault
from headwater.aws.models import Member, Operation, Shape
from headwater.aws.patches import Patch
from headwater.aws.protocols import xml_nodes
from headwater.aws.protocols.bindings import Inbound, Outbound
from headwater.aws.protocols.rpc import Decode, Encode, parse_json, whole_body
from headwater.aws.protocols.trees import BOUND_OUT, TreeReader, TreeWriter, malformed
from headwater.aws.protocols.xml_nodes import XmlRefused
from headwater.aws.protocols.xml_trees import XmlReader, XmlWriter, namespace_text
from headwater.aws.wire import Request, Response, Stream

BodyReader = Callable[[Request, dict[str, Any]], None]
BodyWriter = Callable[[dict[str, Any]], tuple[str, bytes | Stream]]  # (content type, body)
Compile = Callable[[Shape], Callable[[bytes], Any]]


def rest_json_decode(operation: Operation) -> Decode:
    def refuse(name: str, text: str) -> Fault:
        return malformed(f"{text} is not a valid value for {name}")

    def compiled(shape: Shape) -> Callable[[bytes], Any]:
        read = TreeReader().shape(shape)
        return lambda body: read(parse_json(body))

    return _decode(operation, refuse, compiled)


def rest_xml_decode(operation: Operation, patch: Patch) -> Decode:
    wording = patch.malformed

    def refuse(name: str, text: str) -> Fault:
        sentence = f"{text} is not a valid value for {name}"
        if patch.bare_errors:  # S3
            whole = "Part number must be an integer between 1 and 10000, inclusive"
            sentence = whole if name == "partNumber" else f"Provided {name} not an integer or within integer range"
        return fault("InvalidArgument", sentence, ArgumentName=name, ArgumentValue=text)

    def compiled(shape: Shape) -> Callable[[bytes], Any]:
        read = XmlReader().shape(shape)

        def parse(body: bytes) -> Any:
            try:
                return read(xml_nodes.parse(body))
            except (XmlRefused, ValueError) as error:
                raise fault(wording.code, wording.message) from error

        return parse

    return _decode(operation, refuse, compiled)


def _decode(operation: Operation, refuse: Callable[[str, str], Fault], compiled: Compile) -> Decode:
    shape = operation.input
    if shape is None:
        return lambda _request, _labels: {}
    bound = Inbound(shape, refuse)
    body = _body_reader(shape, compiled)

    def decode(request: Request, labels: dict[str, str]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        body(request, found)
        bound.read(request, labels, found)
        return found

    return decode


def _body_reader(shape: Shape, compiled: Compile) -> BodyReader:
    if shape.payload is not None:
        return _payload_reader(shape.payload, shape.members[shape.payload], compiled)
    if all(member.location is not None for member in shape.members.values()):
        return lambda _request, _found: None
    parse = compiled(shape)

    def read(request: Request, found: dict[str, Any]) -> None:
        content = whole_body(request)
        if content:
            found.update(parse(content))

    return read


def _payload_reader(name: str, member: Member, compiled: Compile) -> BodyReader:
    if member.streaming and member.shape.type == "blob":

        def read_stream(request: Request, found: dict[str, Any]) -> None:
            found[name] = request.body if isinstance(request.body, Stream) else Stream.of(request.body)

        return read_stream
    convert = {"blob": _as_bytes, "string": _as_text}.get(member.shape.type) or compiled(member.shape)

    def read(request: Request, found: dict[str, Any]) -> None:
        content = whole_body(request)
        if content:
            found[name] = convert(content)

    return read


def _as_bytes(content: bytes) -> bytes:
    return content


def _as_text(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise malformed("the body is not UTF-8") from error


def rest_json_encode(operation: Operation, patch: Patch) -> Encode:
    blob_type = patch.blob_types.get(operation.name, _BINARY)

    def compiled(shape: Shape) -> Callable[[Any], bytes]:
        write = TreeWriter().shape(shape)
        return lambda value: msgspec.json.encode(value if write is None else write(value))

    shape = operation.output
    if shape is None:
        body: BodyWriter = _nothing
    elif shape.payload is not None:
        body = _payload_writer(shape.payload, shape.members[shape.payload], "application/json", blob_type, compiled)
    else:
        write = compiled(shape)

        def body(result: dict[str, Any]) -> tuple[str, bytes | Stream]:
            return "application/json", write(result)

    return _encode(operation, body, lambda request_id: [("x-amzn-RequestId", request_id)])


def rest_xml_encode(operation: Operation, patch: Patch) -> Encode:
    namespace = namespace_text(operation.service.metadata.xml_namespace or patch.xml_namespace)
    writer = XmlWriter(milliseconds=patch.milliseconds)
    shape = operation.output
    if shape is None:
        body: BodyWriter = _nothing
    elif shape.payload is not None:
        member = shape.members[shape.payload]

        def compiled(inner: Shape) -> Callable[[Any], bytes]:
            tag = patch.output_roots.get(operation.name) or member.location_name or inner.location_name or inner.name
            return _document(tag, namespace_text(member.xml_namespace or inner.xml_namespace) or namespace, inner, writer)

        body = _payload_writer(shape.payload, member, "application/xml", _BINARY, compiled)
    elif any(member.location not in BOUND_OUT for member in shape.members.values()):
        body = _xml_members_writer(operation, shape, patch, writer, namespace)
    else:
        body = _nothing
    if patch.bare_errors:
        return _encode(operation, body, lambda request_id: [("x-amz-request-id", request_id), ("x-amz-id-2", request_id)])
    return _encode(operation, body, lambda request_id: [("x-amzn-RequestId", request_id)])


def _xml_members_writer(operation: Operation, shape: Shape, patch: Patch, writer: XmlWriter, namespace: str) -> BodyWriter:
    tag = patch.output_roots.get(operation.name) or operation.output_name or shape.location_name or f"{operation.name}Result"
    if operation.name in patch.unwrapped_outputs:
        only = next(member for member in shape.members.values() if member.location not in BOUND_OUT)
        inside = writer.wrapped(tag, only)
        opened = f"<{tag}{namespace}>"

        def unwrapped(result: dict[str, Any]) -> tuple[str, bytes | Stream]:
            out = [_PROLOGUE]
            inside(result.get(only.name) or "", out)
            out[1] = out[1].replace(f"<{tag}>", opened, 1)
            return "application/xml", "".join(out).encode()

        return unwrapped
    write = _document(tag, namespace, shape, writer)
    return lambda result: ("application/xml", write(result))


_BINARY = "application/octet-stream"
_PROLOGUE = '<?xml version="1.0" encoding="UTF-8"?>\n'


def _document(tag: str, namespace: str, shape: Shape, writer: XmlWriter) -> Callable[[Any], bytes]:
    opening, closing = f"{_PROLOGUE}<{tag}{namespace}", f"</{tag}>"
    attributes, content = writer.attributes(shape), writer.content(shape)

    def write(value: Any) -> bytes:
        out = [opening, ">" if attributes is None else f"{attributes(value)}>"]
        content(value, out)
        out.append(closing)
        return "".join(out).encode()

    return write


def _nothing(_result: dict[str, Any]) -> tuple[str, bytes | Stream]:
    return "", b""


def _payload_writer(
    name: str, member: Member, content_type: str, blob_type: str, compiled: Callable[[Shape], Callable[[Any], bytes]]
) -> BodyWriter:
    kind = member.shape.type
    if member.shape.eventstream:  # its messages are made where the events happen
        return lambda result: (event_stream.CONTENT_TYPE, result[name])
    if kind == "blob":

        def raw(result: dict[str, Any]) -> tuple[str, bytes | Stream]:
            value: bytes | Stream | None = result.get(name)
            return ("", b"") if value is None else (blob_type, value)

        return raw
    if kind == "string":
        return lambda result: ("text/plain", (result.get(name) or "").encode())
    write = compiled(member.shape)
    absent = member.shape.document or member.shape.union or content_type != "application/json"
    empty = b"" if absent else b"{}"

    def structured(result: dict[str, Any]) -> tuple[str, bytes | Stream]:
        value = result.get(name)
        return content_type, empty if value is None else write(value)

    return structured


def _encode(operation: Operation, body: BodyWriter, ids: Callable[[str], list[tuple[str, str]]]) -> Encode:
    bound = Outbound(operation.output) if operation.output is not None else None
    status = operation.status
    members = operation.output.members.values() if operation.output is not None else ()
    says_type = any(member.location == "header" and member.wire_name.lower() == "content-type" for member in members)

    def encode(result: dict[str, Any], request_id: str) -> Response:
        headers = ids(request_id)
        content_type, content = body(result)
        if content_type and not says_type:
            headers.append(("Content-Type", content_type))
        answered = status
        if bound is not None:
            bound.write(result, headers)
            if bound.status_member is not None:
                answered = result.get(bound.status_member) or status
        if operation.method == "HEAD":
            content = b""
        return Response(answered, headers, content)

    return encode
