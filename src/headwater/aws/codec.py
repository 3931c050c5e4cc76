"""Wire to dict and back: one codec for an operation in a protocol, compiled from the model when it is first used.

Compiling means closures over small tables: what a request needs to know (names, converters, places) is looked up once, and
no request walks the model. A codec is pure; it neither reads a socket nor knows what an operation does.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, Final
from uuid import uuid4

from headwater.aws.faults import Fault
from headwater.aws.index import index
from headwater.aws.models import Operation, ServiceModel, service_model
from headwater.aws.patches import Patch, patch
from headwater.aws.protocols import refusals, rest, rpc
from headwater.aws.validation import validator
from headwater.aws.wire import Request, Response

PROTOCOLS: Final = ("json", "query", "ec2", "rest-json", "rest-xml", "smithy-rpc-v2-cbor")


class Codec:
    """What an operation needs of its wire, each part a function.

    `decode(request, uri_labels)`: wire to native values, a Fault where the wire is malformed or of the wrong type.
    `validate(params)`: required, lengths, ranges, patterns, enums, with AWS's own code and sentence.
    `encode(result, request_id)` and `encode_fault(fault, request_id)`: the way back.
    """

    __slots__ = ("decode", "encode", "encode_fault", "validate")

    def __init__(
        self,
        decode: Callable[[Request, dict[str, str]], dict[str, Any]],
        validate: Callable[[dict[str, Any]], None],
        encode: Callable[[dict[str, Any], str], Response],
        encode_fault: refusals.FaultEncoder,
    ) -> None:
        self.decode = decode
        self.validate = validate
        self.encode = encode
        self.encode_fault = encode_fault


def codec_for(operation: Operation, protocol: str) -> Codec:
    """The codec of `operation` in `protocol`, one of PROTOCOLS."""
    codec: Codec | None = operation.codecs.get(protocol)
    if codec is None:
        codec = operation.codecs[protocol] = _compiled(operation, protocol)
    return codec


def encode_fault(service: str, protocol: str, fault: Fault, request_id: str) -> Response:
    """A fault's response where no operation is known."""
    model = service_model(service) if service in index().services else _nameless(protocol)
    return _fault_encoder(model, protocol)(fault, request_id)


@cache
def _nameless(protocol: str) -> ServiceModel:
    """A model that has no errors of its own, for what was addressed to no service that AWS has."""
    return ServiceModel.of("", {"metadata": {"protocol": protocol}})


def _compiled(operation: Operation, protocol: str) -> Codec:
    model = operation.service
    lacks = patch(model.name)
    decode, encode = _ways(operation, protocol, lacks)
    encode_refusal = _fault_encoder(model, protocol)
    if operation.method == "HEAD" and protocol.startswith("rest"):
        encode_refusal = _without_body(encode_refusal)
    if not lacks.wants_tokens:
        decode = _filling_tokens(operation, decode)
    return Codec(decode, validator(operation, lacks.validation), encode, encode_refusal)


def _ways(operation: Operation, protocol: str, lacks: Patch) -> tuple[rpc.Decode, rpc.Encode]:
    if protocol == "json":
        return rpc.json_decode(operation), rpc.json_encode(operation)
    if protocol == "rest-json":
        return rest.rest_json_decode(operation), rest.rest_json_encode(operation, lacks)
    if protocol == "rest-xml":
        return rest.rest_xml_decode(operation, lacks), rest.rest_xml_encode(operation, lacks)
    if protocol == "query":
        return rpc.form_decode(operation), rpc.query_encode(operation)
    if protocol == "ec2":
        return rpc.form_decode(operation), rpc.ec2_encode(operation)
    assert protocol == "smithy-rpc-v2-cbor", f"no such protocol: {protocol}"
    return rpc.cbor_decode(operation), rpc.cbor_encode(operation)


def _fault_encoder(model: ServiceModel, protocol: str) -> refusals.FaultEncoder:
    encoder: refusals.FaultEncoder | None = model.fault_encoders.get(protocol)
    if encoder is None:
        lacks = patch(model.name)
        makers = _FAULTS | ({"rest-xml": refusals.bare_xml_faults} if lacks.bare_errors else {})
        encoder = model.fault_encoders[protocol] = makers[protocol](model, lacks)
    return encoder


_FAULTS: Final = {
    "json": refusals.json_faults,
    "rest-json": refusals.rest_json_faults,
    "rest-xml": refusals.xml_faults,
    "query": refusals.xml_faults,
    "ec2": refusals.ec2_faults,
    "smithy-rpc-v2-cbor": refusals.cbor_faults,
    "http": refusals.rest_json_faults,  # a function's or an API's own host, which has no model
}


def _without_body(encode: refusals.FaultEncoder) -> refusals.FaultEncoder:
    def bodyless(fault: Fault, request_id: str) -> Response:
        response = encode(fault, request_id)
        return Response(response.status, response.headers)

    return bodyless


@cache
def idempotency_tokens(operation: Operation) -> tuple[str, ...]:
    """The members which a client that does not name them gets filled in."""
    members = operation.input.members if operation.input is not None else {}
    return tuple(name for name, member in members.items() if member.idempotency_token)


def _filling_tokens(operation: Operation, decode: rpc.Decode) -> rpc.Decode:
    """Idempotency tokens are the client's, and made by its SDK; a client without one gets one here, as the models allow."""
    tokens = idempotency_tokens(operation)
    if not tokens:
        return decode

    def filled(request: Request, labels: dict[str, str]) -> dict[str, Any]:
        found = decode(request, labels)
        for name in tokens:
            if name not in found:
                found[name] = str(uuid4())
        return found

    return filled
