"""Faults on the wire: each protocol's form of an error, with the status and the members that the model gives it."""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from headwater.aws.faults import Fault
from headwater.aws.models import ServiceModel, Shape
from headwater.aws.patches import COMMON_ERRORS, Patch
from headwater.aws.protocols.bindings import Outbound
from headwater.aws.protocols.trees import TreeWriter
from headwater.aws.protocols.xml_trees import XmlWriter, namespace_text, text_of
from headwater.aws.wire import Response

FaultEncoder = Callable[[Fault, str], Response]  # (fault, request id)

_BODYLESS: Final = {204, 304}


class _Refusal(msgspec.Struct):
    """What is known of a fault before a protocol writes it."""

    status: int
    code: str  # what clients match on
    name: str  # the shape's name, which may differ from the code
    sender: bool
    shape: Shape | None
    members: dict[str, Any]


def _refusal(model: ServiceModel, patch: Patch, fault: Fault) -> _Refusal:
    shape = model.errors.get(fault.code)
    if shape is None:
        known = patch.errors.get(fault.code) or COMMON_ERRORS.get(fault.code)
        status = known.status if known else 400
        ours = known.fault if known else False
        return _Refusal(status, fault.code, fault.code, not ours, None, fault.members)
    status = shape.error.http_status_code if shape.error else 500 if shape.fault else 400
    listed = patch.errors.get(fault.code)
    if listed is not None:
        status = listed.status
    code = (shape.error.code if shape.error else None) or shape.name
    own = patch.error_members if status < 500 else {}
    members = {name: value for name, value in own.items() if name in shape.members} | fault.members
    return _Refusal(status, code, shape.name, status < 500, shape, members)


def _message_name(shape: Shape | None) -> str:
    """Models spell the message's member in two ways, and AWS's wire does as well."""
    if shape is not None and "Message" in shape.members and "message" not in shape.members:
        return "Message"
    return "message"


def tree_body(refusal: _Refusal, message: str, writer: TreeWriter) -> dict[str, Any]:
    """An error's members as a tree, the message among them."""
    content = {_message_name(refusal.shape): message} if message else {}
    content |= refusal.members
    if refusal.shape is None:
        return content
    unbound = {name: value for name, value in content.items() if name not in refusal.shape.members}
    written: dict[str, Any] = writer.structure(refusal.shape)({name: value for name, value in content.items() if name not in unbound})
    return written | unbound


VALIDATION: Final = {"ValidationException": "com.amazon.coral.validate#ValidationException"}
"""What AWS's framework says itself, before the service is asked, has a namespace of its own (recorded: exception_serializing)."""


def _qualified(refusal: _Refusal, patch: Patch) -> str:
    if not patch.error_namespace:
        return refusal.name
    known = refusal.name if refusal.shape is None else f"{patch.error_namespace}#{refusal.name}"
    return VALIDATION.get(refusal.name, known)


def json_faults(model: ServiceModel, patch: Patch) -> FaultEncoder:
    writer = TreeWriter()
    content_type = f"application/x-amz-json-{model.metadata.json_version}"
    query_compatible = model.metadata.aws_query_compatible is not None

    def encode(fault: Fault, request_id: str) -> Response:
        refusal = _refusal(model, patch, fault)
        body = {"__type": _qualified(refusal, patch), **tree_body(refusal, fault.message, writer)}
        headers = [("Content-Type", content_type), ("x-amzn-RequestId", request_id)]
        if query_compatible:
            headers.append(("x-amzn-query-error", f"{refusal.code};{'Sender' if refusal.sender else 'Receiver'}"))
        return Response(refusal.status, headers, msgspec.json.encode(body))

    return encode


def rest_json_faults(model: ServiceModel, patch: Patch) -> FaultEncoder:
    writer = TreeWriter()

    def encode(fault: Fault, request_id: str) -> Response:
        refusal = _refusal(model, patch, fault)
        headers = [("Content-Type", "application/json"), ("x-amzn-RequestId", request_id), ("x-amzn-ErrorType", refusal.name)]
        if refusal.shape is not None:
            Outbound(refusal.shape).write(refusal.members, headers)
        return Response(refusal.status, headers, msgspec.json.encode(tree_body(refusal, fault.message, writer)))

    return encode


def cbor_faults(model: ServiceModel, patch: Patch) -> FaultEncoder:
    from cbor2 import dumps  # only the few CBOR services need it

    writer = TreeWriter(binary=True)
    query_compatible = model.metadata.aws_query_compatible is not None

    def encode(fault: Fault, request_id: str) -> Response:
        refusal = _refusal(model, patch, fault)
        body = {"__type": refusal.name, **tree_body(refusal, fault.message, writer)}
        headers = [("Content-Type", "application/cbor"), ("smithy-protocol", "rpc-v2-cbor"), ("x-amzn-RequestId", request_id)]
        if query_compatible:
            headers.append(("x-amzn-query-error", f"{refusal.code};{'Sender' if refusal.sender else 'Receiver'}"))
        return Response(refusal.status, headers, dumps(body))

    return encode


def _error_element(refusal: _Refusal, message: str, writer: XmlWriter, *, typed: bool) -> list[str]:
    out = ["<Error>"]
    if typed:
        out.append(f"<Type>{'Sender' if refusal.sender else 'Receiver'}</Type>")
    out.append(f"<Code>{text_of(refusal.code)}</Code>")
    if message:
        out.append(f"<Message>{text_of(message)}</Message>")
    modelled = {name: value for name, value in refusal.members.items() if refusal.shape is not None and name in refusal.shape.members}
    if refusal.shape is not None:
        writer.structure(refusal.shape)(modelled, out)
    for name, value in refusal.members.items():
        if name not in modelled and value is not None:
            out.append(f"<{name}>{text_of(str(value))}</{name}>")
    return out


def xml_faults(model: ServiceModel, patch: Patch) -> FaultEncoder:
    """The query protocol's form, and that of the REST-XML services which are not S3."""
    writer = XmlWriter()
    opening = f"<ErrorResponse{namespace_text(model.metadata.xml_namespace)}>"

    def encode(fault: Fault, request_id: str) -> Response:
        refusal = _refusal(model, patch, fault)
        out = [opening, *_error_element(refusal, fault.message, writer, typed=True)]
        out.append(f"</Error><RequestId>{request_id}</RequestId></ErrorResponse>")
        headers = [("Content-Type", "text/xml"), ("x-amzn-RequestId", request_id)]
        if refusal.shape is not None:
            Outbound(refusal.shape).write(refusal.members, headers)
        return Response(refusal.status, headers, "".join(out).encode())

    return encode


def bare_xml_faults(model: ServiceModel, patch: Patch) -> FaultEncoder:
    """S3's form: the `<Error>` stands alone and repeats the ids of the headers.

    The `<Resource>` of the documentation's example is in none of the recorded answers.
    """
    writer = XmlWriter()

    def encode(fault: Fault, request_id: str) -> Response:
        refusal = _refusal(model, patch, fault)
        headers = [("x-amz-request-id", request_id), ("x-amz-id-2", request_id)]
        if refusal.status in _BODYLESS:
            return Response(refusal.status, headers)
        out = ['<?xml version="1.0" encoding="UTF-8"?>\n', *_error_element(refusal, fault.message, writer, typed=False)]
        out.append(f"<RequestId>{request_id}</RequestId><HostId>{request_id}</HostId></Error>")
        return Response(refusal.status, [("Content-Type", "application/xml"), *headers], "".join(out).encode())

    return encode


def ec2_faults(model: ServiceModel, patch: Patch) -> FaultEncoder:
    writer = XmlWriter()

    def encode(fault: Fault, request_id: str) -> Response:
        refusal = _refusal(model, patch, fault)
        out = ['<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors>']
        out += _error_element(refusal, fault.message, writer, typed=False)
        out.append(f"</Error></Errors><RequestID>{request_id}</RequestID></Response>")
        headers = [("Content-Type", "text/xml;charset=UTF-8"), ("x-amzn-RequestId", request_id)]
        return Response(refusal.status, headers, "".join(out).encode())

    return encode
