"""The AWS protocol test vectors, read in reverse: a server decodes what a client must send and is read as a client must read it.

Truth: Smithy's vectors in the form that botocore tests itself with; they stand beside the checkout (../shared/data/protocols, or
$HEADWATER_SHARED) and are not copied. What a vector says of a client only, and not of a server, is listed here with its reason.
"""

import base64
import copy
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.model import OperationModel
from botocore.model import ServiceModel as BotocoreModel
from botocore.parsers import create_parser

from headwater.aws.codec import codec_for
from headwater.aws.faults import fault
from headwater.aws.models import Member, Operation, ServiceModel, Shape
from headwater.aws.paths import PathTable, path_segments
from headwater.aws.wire import Request, Response, Stream

SHARED = Path(os.environ.get("HEADWATER_SHARED", Path(__file__).parents[3] / "shared"))
VECTORS = SHARED / "data" / "protocols"
pytestmark = pytest.mark.skipif(not VECTORS.is_dir(), reason=f"the protocol vectors are not at {VECTORS}")

_TOKEN = "the client makes the token; what arrives has one"
_EMPTY = "an empty list or map is not on the wire, so it cannot come back"
CLIENT_ONLY_INPUT = {
    "QueryProtocolIdempotencyTokenAutoFill": _TOKEN,
    "RestJsonQueryIdempotencyTokenAutoFill": _TOKEN,
    "QueryIdempotencyTokenAutoFill": _TOKEN,
    "Ec2ProtocolIdempotencyTokenAutoFill": _TOKEN,
    "QueryEmptyQueryMaps": _EMPTY,
    "Ec2EmptyQueryLists": _EMPTY,
    "RestJsonHttpPrefixHeadersAreNotPresent": _EMPTY,
    "HttpPrefixHeadersAreNotPresent": _EMPTY,
    "RestJsonOmitsEmptyListQueryValues": _EMPTY,
    "RestJsonHostWithPath": "the path of a custom endpoint is the client's",
    "RestJsonQueryPrecedence": "the name in the map loses on the client's side already",
    "RestXmlQueryPrecedence": "the name in the map loses on the client's side already",
    "RestJsonHttpWithEmptyStructurePayload": "an empty object arrives, whatever the client meant by it",
    "RestJsonHttpWithHeadersButNoPayload": "an empty object arrives, whatever the client meant by it",
}
_WHOLE_QUERY = "a map of the query holds what no other member takes: no client can send it more (the XML vectors say so too)"
CLIENT_ONLY_INPUT |= dict.fromkeys(
    ["RestJsonAllQueryStringTypes", "RestJsonQueryStringEscaping", "RestJsonZeroAndFalseQueryValues"]
    + [f"RestJsonSupports{kind}FloatQueryValues" for kind in ("NaN", "Infinity", "NegativeInfinity")],
    _WHOLE_QUERY,
)
_BOTOCORE_LISTS = "botocore cuts a list in a header at every comma, quoted and in dates"
_NO_BODY = "the vector has no body, which botocore cannot read; AWS's query services send their envelope always"
CLIENT_ONLY_OUTPUT = {
    "RestJsonInputAndOutputWithQuotedStringHeaders": _BOTOCORE_LISTS,
    "RestJsonInputAndOutputWithTimestampHeaders": _BOTOCORE_LISTS,
    "InputAndOutputWithTimestampHeaders": _BOTOCORE_LISTS,
    "QueryEmptyInputAndEmptyOutput": _NO_BODY,
    "QueryNoInputAndNoOutput": _NO_BODY,
    "QueryNoInputAndOutput": _NO_BODY,
    "RestJsonHttpPayloadWithUnsetUnion": "botocore cannot read it",
    "RestXmlHttpPayloadWithUnsetUnion": "botocore cannot read it",
    "RestJsonDeserializesDenseSetMapAndSkipsNull": "botocore cannot read it",
    "HttpPrefixHeadersResponse": "its map takes every header, also those that a server always sends",
}


def vectors(direction: str, only: dict[str, str]) -> Iterator[Any]:
    for path in sorted((VECTORS / direction).glob("*.json")) if VECTORS.is_dir() else []:
        for suite in json.loads(path.read_text()):
            for number, case in enumerate(suite["cases"]):
                name = f"{path.stem}:{case.get('id', suite['description'])}:{number}"
                gzip = "Encoding" in case.get("id", "")  # compression is the gateway's, and these have no body
                if case.get("id") in only or gzip:
                    continue
                yield pytest.param(suite, case, id=name)


def described(suite: dict[str, Any], case: dict[str, Any]) -> dict[str, Any]:
    given = copy.deepcopy(case["given"])
    metadata = {"endpointPrefix": "vectors", "protocols": [suite["metadata"]["protocol"]], **suite["metadata"]}
    return {"metadata": metadata, "operations": {given["name"]: given}, "shapes": copy.deepcopy(suite["shapes"])}


def wire_request(serialized: dict[str, Any], protocol: str) -> Request:
    path, _, query = serialized["uri"].partition("?")
    body = serialized.get("body", "") or ""
    content = base64.b64decode(body) if protocol.endswith("cbor") else body.encode()
    headers = {name.lower(): value for name, value in serialized.get("headers", {}).items()}
    return Request(serialized.get("method", "POST"), path, query, headers, content)


@pytest.mark.parametrize(("suite", "case"), [*vectors("input", CLIENT_ONLY_INPUT)])
async def test_the_request_of_a_vector_decodes_to_its_parameters(suite: dict[str, Any], case: dict[str, Any]) -> None:
    model = ServiceModel.of("vectors", described(suite, case))
    operation = model.operations[case["given"]["name"]]
    protocol = suite["metadata"]["protocol"]
    request = wire_request(case["serialized"], protocol)
    labels: dict[str, str] = {}
    if protocol.startswith("rest"):
        found = PathTable([operation]).find(request, path_segments(request.path))
        assert found is not None, "the operation's own path leads to it"
        labels = found[1]
    decoded = codec_for(operation, protocol).decode(request, labels)
    assert operation.input is None or await native(decoded) == expected(operation.input, case["params"])


async def native(value: Any) -> Any:
    if isinstance(value, Stream):
        return await value.read()
    if isinstance(value, dict):
        return {key: await native(inner) for key, inner in value.items()}
    return value


def expected(shape: Shape, value: Any) -> Any:
    """A vector's parameter in the types that our codecs use."""
    if value is None or shape.document:
        return value
    if shape.type == "structure":
        return {name: expected_member(shape.members[name], inner) for name, inner in value.items() if inner is not None}
    if shape.type == "list":
        return [expected(shape.element.shape, inner) for inner in value]
    if shape.type == "map":
        return {key: expected(shape.value.shape, inner) for key, inner in value.items()}
    if shape.type == "timestamp":
        return datetime.fromtimestamp(value, UTC)
    if shape.type == "blob":
        return value.encode()
    if shape.type in {"float", "double"}:
        return Number(float(value))
    return value


def expected_member(member: Member, value: Any) -> Any:
    return json.loads(value) if member.jsonvalue and isinstance(value, str) else expected(member.shape, value)


class Number:
    """A float that equals itself even when it is not a number, and its nearest single."""

    def __init__(self, value: float) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, float) and (other == pytest.approx(self.value, nan_ok=True))

    __hash__ = None  # type: ignore[assignment]  # compared, never kept

    def __repr__(self) -> str:
        return repr(self.value)


@pytest.mark.parametrize(("suite", "case"), [*vectors("output", CLIENT_ONLY_OUTPUT)])
def test_what_we_encode_for_a_vector_reads_back_the_same(suite: dict[str, Any], case: dict[str, Any]) -> None:
    description = described(suite, case)
    model = ServiceModel.of("vectors", description)
    operation = model.operations[case["given"]["name"]]
    protocol = suite["metadata"]["protocol"]
    theirs: OperationModel = BotocoreModel(description).operation_model(operation.name)
    if "error" in case:
        refuses(case, operation, theirs, protocol)
        return
    parser = create_parser(protocol)
    vector = case["response"]
    body = base64.b64decode(vector["body"]) if protocol.endswith("cbor") else vector.get("body", "").encode()
    truth = parser.parse(
        {"headers": Headers(vector.get("headers", {})), "body": body, "status_code": vector.get("status_code", 200)}, theirs.output_shape
    )
    truth.pop("ResponseMetadata", None)
    given = retyped(operation.output, truth) if operation.output is not None else {}
    response = codec_for(operation, protocol).encode(given, "id")
    assert comparable(parsed(theirs, response, protocol)) == comparable(truth)


def refuses(case: dict[str, Any], operation: Operation, theirs: OperationModel, protocol: str) -> None:
    members = {name: value for name, value in case["error"].items() if name.lower() != "message"}
    response = codec_for(operation, protocol).encode_fault(fault(case["errorCode"], case.get("errorMessage", ""), **members), "id")
    read = parsed(theirs, response, protocol)
    assert read["Error"]["Code"] == case["errorCode"]
    assert read["Error"].get("Message", "") == case.get("errorMessage", "")
    shape = theirs.service_model.shape_for_error_code(case["errorCode"])
    assert isinstance(response.body, bytes)
    wire = {"headers": Headers(dict(response.headers)), "body": response.body, "status_code": response.status}
    modelled = create_parser(protocol).parse(wire, shape)
    assert members.items() <= modelled.items()


def retyped(shape: Shape, value: Any) -> Any:
    """What botocore read, in the types that a room would give: it leaves payload blobs and JSON's special floats as text."""
    if value is None or shape.document:
        return value
    if shape.type == "structure":
        return {name: retyped(shape.members[name].shape, inner) for name, inner in value.items() if name in shape.members}
    if shape.type == "list":
        return [retyped(shape.element.shape, inner) for inner in value]
    if shape.type == "map":
        return {key: retyped(shape.value.shape, inner) for key, inner in value.items()}
    if shape.type == "blob" and isinstance(value, str):
        return value.encode()
    return float(value) if shape.type in {"float", "double"} else value


def parsed(operation: OperationModel, response: Response, protocol: str) -> dict[str, Any]:
    assert isinstance(response.body, bytes)
    headers = Headers(dict(response.headers))
    read: dict[str, Any] = create_parser(protocol).parse(
        {"headers": headers, "body": response.body, "status_code": response.status}, operation.output_shape
    )
    read.pop("ResponseMetadata", None)
    return read


class Headers(dict[str, str]):
    """As botocore hands them to its parsers: names in any case."""

    def __init__(self, headers: dict[str, str]) -> None:
        super().__init__({name.lower(): value for name, value in headers.items()})

    def get(self, name: str, default: Any = None) -> Any:
        return super().get(name.lower(), default)

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name.lower())

    def __contains__(self, name: object) -> bool:
        return super().__contains__(str(name).lower())


def comparable(value: Any) -> Any:
    return json.dumps(value, default=written, sort_keys=True)


def written(value: Any) -> str:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else str(value)
