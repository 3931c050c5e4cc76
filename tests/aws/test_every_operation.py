"""Every operation of every service that we ship, both ways: what botocore serialises decodes to the input, what we encode it parses.

Inputs and outputs are drawn by hypothesis from the models, bounded in depth and size; botocore's own serializers and parsers are
the truth. Where a wire cannot carry a difference (an empty list in a form), both sides are brought to what it can.
"""

import math
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import botocore.session
import pytest
from botocore.awsrequest import AWSRequest
from botocore.model import OperationModel
from botocore.model import ServiceModel as BotocoreModel
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from headwater.aws.codec import codec_for
from headwater.aws.models import Member, Operation, Shape, service_model
from headwater.aws.routing import route
from headwater.aws.wire import Request, Stream

SERVICES = ["firehose", "glue", "iam", "lambda", "logs", "rds", "redshift", "redshift-data", "s3", "sts"]
DEPTH_MAX = 4
EXAMPLES = 3

XML_TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"], exclude_characters="￾￿"), max_size=8)
HEADER_TEXT = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters=",\"'\\"), min_size=1, max_size=8)
LABEL_TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"], exclude_characters="￾￿"), min_size=1, max_size=8).filter(
    lambda text: text.strip("./") != ""
)
MOMENTS = st.integers(10**7, 2 * 10**9).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))


def leaf(shape: Shape, enum: list[str] | None, text: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    if enum:
        return st.sampled_from(enum)
    return {
        "string": text,
        "character": text,
        "integer": st.integers(-(2**31), 2**31 - 1),
        "long": st.integers(-(2**53), 2**53),
        "float": st.floats(width=32, allow_nan=False, allow_infinity=False),
        "double": st.floats(allow_nan=False, allow_infinity=False),
        "boolean": st.booleans(),
        "blob": st.binary(max_size=8),
        "timestamp": MOMENTS,
    }[shape.type]


def value_of(member: Member, depth: int, text: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    shape = member.shape
    if shape.document:
        return st.dictionaries(XML_TEXT, st.integers(0, 9), max_size=2)
    if shape.type == "structure":
        return structure(shape, depth + 1)
    if shape.type == "list":
        return st.lists(value_of(shape.element, depth + 1, text), min_size=1, max_size=2)
    if shape.type == "map":
        keys = leaf(shape.key.shape, shape.key.enum, HEADER_TEXT.map(str.lower) if member.location == "headers" else HEADER_TEXT)
        return st.dictionaries(keys, value_of(shape.value, depth + 1, text), min_size=1, max_size=2)
    return leaf(shape, member.enum, text)


def deep(member: Member) -> bool:
    return member.shape.type in {"structure", "list", "map"}


@st.composite
def structure(draw: st.DrawFn, shape: Shape, depth: int = 0) -> dict[str, Any]:
    names = [name for name, member in shape.members.items() if not member.shape.eventstream]
    if depth >= DEPTH_MAX:
        names = [name for name in names if not deep(shape.members[name])] or (names if shape.union else [])
    if shape.union:
        names = [draw(st.sampled_from(sorted(names)))] if names else []
    elif depth > 0 or len(names) > 12:
        chosen = set(draw(st.lists(st.sampled_from(names), max_size=6))) if names else set()
        required = {name for name in names if name in shape.required and shape.members[name].location is not None}
        names = [name for name in names if name in chosen | required]
    found = {}
    for name in names:
        member = shape.members[name]
        found[name] = draw(value_of(member, depth, _text_for(member)))
    return found


def _text_for(member: Member) -> st.SearchStrategy[str]:
    if member.host_label:
        return st.just("label")
    if member.location in {"header", "headers"}:
        return HEADER_TEXT
    return LABEL_TEXT if member.location == "uri" else XML_TEXT


SESSION = botocore.session.Session()
LOADER = SESSION.get_component("data_loader")


def botocore_model(service: str) -> BotocoreModel:
    return BotocoreModel(LOADER.load_service_model(service, "service-2"), service)


def received(operation: OperationModel, params: dict[str, Any]) -> Request:
    """What botocore would put on the wire."""
    model = operation.service_model
    made = create_serializer(model.protocol, include_validation=False).serialize_to_request(params, operation)
    url = f"http://127.0.0.1:4566{made['url_path']}"
    prepared = AWSRequest(method=made["method"], url=url, params=made["query_string"], data=made["body"], headers=made["headers"]).prepare()
    parts = urlsplit(prepared.url)
    headers = {name.lower(): value.decode() if isinstance(value, bytes) else str(value) for name, value in prepared.headers.items()}
    scope = f"AWS4-HMAC-SHA256 Credential=AKID/20260101/eu-west-1/{model.signing_name}/aws4_request, SignedHeaders=host, Signature=0"
    headers |= {"host": "127.0.0.1:4566", "authorization": scope}
    body = prepared.body or b""
    return Request(prepared.method, parts.path, parts.query, headers, body if isinstance(body, bytes) else body.encode())


async def plain(value: Any) -> Any:
    if isinstance(value, Stream):
        return await value.read()
    if isinstance(value, dict):
        return {key: await plain(inner) for key, inner in value.items()}
    return value


def carried(value: Any, shape: Shape, *, form: bool) -> Any:
    """`value` as its wire can carry it: forms and XML know no empty structures, lists of them included."""
    if shape.document:
        return value
    if isinstance(value, dict) and shape.type == "structure":
        inner = {name: carried(one, shape.members[name].shape, form=form) for name, one in value.items()}
        return {name: one for name, one in inner.items() if not (form and one in ({}, []))}
    if isinstance(value, list):
        inner_list = [carried(one, shape.element.shape, form=form) for one in value]
        return [one for one in inner_list if one != {}] if form else inner_list
    if isinstance(value, dict) and shape.type == "map":
        return {key: carried(one, shape.value.shape, form=form) for key, one in value.items()}
    if isinstance(value, float):
        return Close(value)
    return value


class Close(float):
    """Equal to its neighbours: decimal text rounds."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, float | int) and math.isclose(self, other, rel_tol=1e-12)

    __hash__ = float.__hash__


def operations(service: str) -> list[Operation]:
    from headwater.aws.patches import patch

    shadowed = patch(service).shadowed
    return [operation for operation in service_model(service).operations.values() if operation.name not in shadowed]


BOUNDED = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large, HealthCheck.large_base_example],
)


def drawn(shape: Shape, number: int) -> list[dict[str, Any]]:
    """A few values of the shape, the same in every run: what fails here fails again."""
    found: list[dict[str, Any]] = []

    @seed(number)
    @BOUNDED
    @given(structure(shape))
    def collect(value: dict[str, Any]) -> None:
        found.append(value)

    collect()
    return found


def sendable(params: dict[str, Any], operation: Operation) -> dict[str, Any]:
    """Without lengths, which only contradict the body when drawn, and without an empty body, which is none."""
    payload = operation.input.payload if operation.input else None
    streams = operation.streams_in
    return {
        name: value for name, value in params.items() if name != "ContentLength" and not (name == payload and not value and not streams)
    }


@pytest.mark.parametrize("service", SERVICES)
async def test_what_botocore_sends_is_routed_and_decodes_to_the_input(service: str) -> None:
    theirs = botocore_model(service)
    for operation in operations(service):
        if operation.input is None:
            continue
        their_operation = theirs.operation_model(operation.name)
        for params in drawn(operation.input, 7):
            params = sendable(params, operation)
            request = received(their_operation, params)
            found = route(request)
            assert (found.service, found.operation) == (service, operation.name), (request.method, request.path, request.query, params)
            decoded = await plain(codec_for(operation, found.protocol).decode(request, found.uri_labels))
            decoded.pop("ContentLength", None)
            added = {name for name in decoded if name not in params}  # a token made by us, the emptiness that stands for no payload
            for name in added:
                assert operation.input.members[name].idempotency_token or not decoded[name]
                del decoded[name]
            form = found.protocol in {"query", "ec2"}
            assert carried(decoded, operation.input, form=form) == carried(params, operation.input, form=form), operation.name


@pytest.mark.parametrize("service", SERVICES)
def test_what_we_answer_botocore_parses_to_the_output(service: str) -> None:
    theirs = botocore_model(service)
    parser = create_parser(theirs.metadata["protocol"])
    for operation in operations(service):
        if operation.name == "GetBucketLocation":
            continue  # botocore reads it in its client, see test_s3_forms.py
        if operation.output is None or any(member.shape.eventstream for member in operation.output.members.values()):
            continue
        their_operation = theirs.operation_model(operation.name)
        for result in drawn(operation.output, 11):
            status = next((name for name, member in operation.output.members.items() if member.location == "statusCode"), None)
            if status is not None:
                result[status] = 202
            response = codec_for(operation, theirs.metadata["protocol"]).encode(result, "id")
            read = parsed(parser, response, their_operation)
            read, result = with_a_payload(read, operation.output), with_a_payload(result, operation.output)
            form = theirs.metadata["protocol"] in {"query", "rest-xml"}
            assert carried(reread(read), operation.output, form=form) == carried(result, operation.output, form=form), operation.name


def with_a_payload(result: dict[str, Any], shape: Shape) -> dict[str, Any]:
    """An empty payload and none are the same bytes; botocore says text where the model says blob."""
    found = {name: value for name, value in result.items() if value or name != shape.payload}
    if isinstance(found.get(shape.payload or ""), str) and shape.members[shape.payload or ""].shape.type == "blob":
        found[shape.payload or ""] = found[shape.payload or ""].encode()
    return found


def parsed(parser: Any, response: Any, operation: OperationModel) -> dict[str, Any]:
    headers = Headers(response.headers)
    body = response.body
    if operation.has_streaming_output:
        found = parser.parse({"headers": headers, "body": b"", "status_code": response.status}, operation.output_shape)
        found |= {operation.output_shape.serialization["payload"]: body} if body else {}
    else:
        found = parser.parse({"headers": headers, "body": body, "status_code": response.status}, operation.output_shape)
    found.pop("ResponseMetadata", None)
    return found


class Headers(dict[str, str]):
    def __init__(self, headers: list[tuple[str, str]]) -> None:
        super().__init__({name.lower(): value for name, value in headers})

    def get(self, name: str, default: Any = None) -> Any:
        return super().get(name.lower(), default)

    def __contains__(self, name: object) -> bool:
        return super().__contains__(str(name).lower())

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name.lower())


def reread(value: Any) -> Any:
    if isinstance(value, datetime):
        return (value + timedelta(0)).astimezone(UTC)
    if isinstance(value, dict):
        return {key: reread(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [reread(inner) for inner in value]
    return value
