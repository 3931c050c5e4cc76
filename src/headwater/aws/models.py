"""The service models: what operations a service has, their members, limits and errors, read from botocore's data files.

botocore is read as data and never imported (its session costs 140 ms). A model is read when its service is first called: the
file is decoded into the fields that we use, documentation skipped, and shapes are resolved as they are asked for.
"""

import gzip
import importlib.util
import re
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Final

import msgspec


class _Reference(msgspec.Struct, rename="camel"):
    """How a member, a list or a map names another shape, with the traits that hold at this place only."""

    shape: str
    location: str | None = None
    location_name: str | None = None
    query_name: str | None = None
    flattened: bool | None = None
    xml_attribute: bool = False
    xml_namespace: dict[str, str] | str | None = None
    jsonvalue: bool = False
    idempotency_token: bool = False
    host_label: bool = False
    streaming: bool = False
    timestamp_format: str | None = None
    enum: list[str] | None = None


class ErrorTrait(msgspec.Struct, rename="camel"):
    http_status_code: int = 400
    code: str | None = None
    sender_fault: bool | None = None


class _RawShape(msgspec.Struct, rename="camel"):
    type: str
    members: dict[str, _Reference] = {}
    member: _Reference | None = None
    key: _Reference | None = None
    value: _Reference | None = None
    required: list[str] = []
    min: float | None = None
    max: float | None = None
    pattern: str | None = None
    enum: list[str] | None = None
    payload: str | None = None
    flattened: bool = False
    location_name: str | None = None
    xml_namespace: dict[str, str] | str | None = None
    timestamp_format: str | None = None
    streaming: bool = False
    eventstream: bool = False
    union: bool = False
    document: bool = False
    sparse: bool = False
    sensitive: bool = False
    wrapper: bool = False
    exception: bool = False
    fault: bool = False
    error: ErrorTrait | None = None


class _Http(msgspec.Struct, rename="camel"):
    method: str = "POST"
    request_uri: str = "/"
    response_code: int = 200


class _Envelope(msgspec.Struct, rename="camel"):
    shape: str
    location_name: str | None = None
    result_wrapper: str | None = None
    xml_namespace: dict[str, str] | str | None = None


class _RawOperation(msgspec.Struct, rename="camel"):
    name: str
    http: _Http = msgspec.field(default_factory=_Http)
    input: _Envelope | None = None
    output: _Envelope | None = None
    errors: list[_Reference] = []
    authtype: str | None = None
    unsigned_payload: bool = False
    http_checksum_required: bool = False
    http_checksum: dict[str, Any] = {}
    readonly: bool = False


class Metadata(msgspec.Struct, rename="camel"):
    protocol: str
    api_version: str = ""
    endpoint_prefix: str = ""
    service_id: str = ""
    protocols: list[str] = []
    json_version: str = "1.0"
    target_prefix: str = ""
    signing_name: str | None = None
    signature_version: str = "v4"
    xml_namespace: dict[str, str] | str | None = None
    aws_query_compatible: dict[str, Any] | None = None
    global_endpoint: str | None = None


class _RawModel(msgspec.Struct, rename="camel"):
    metadata: Metadata
    operations: dict[str, _RawOperation] = {}
    shapes: dict[str, _RawShape] = {}


class Shape:
    """A resolved shape: the raw one with its neighbours reachable. Recursive, so neighbours are made when asked for."""

    def __init__(self, name: str, raw: _RawShape, model: "ServiceModel") -> None:
        self.name = name
        self.type = raw.type
        self.required = raw.required
        self.min = raw.min
        self.max = raw.max
        self.pattern = raw.pattern
        self.enum = raw.enum
        self.payload = raw.payload
        self.flattened = raw.flattened
        self.location_name = raw.location_name
        self.xml_namespace = raw.xml_namespace
        self.timestamp_format = raw.timestamp_format
        self.streaming = raw.streaming
        self.eventstream = raw.eventstream
        self.union = raw.union
        self.document = raw.document
        self.sparse = raw.sparse
        self.sensitive = raw.sensitive
        self.exception = raw.exception
        self.fault = raw.fault
        self.error = raw.error
        self._raw = raw
        self._model = model

    @cached_property
    def members(self) -> dict[str, "Member"]:
        return {name: Member(name, reference, self._model) for name, reference in self._raw.members.items()}

    @property
    def element(self) -> "Member":
        """A list's member."""
        return self._neighbour("member", self._raw.member)

    @property
    def key(self) -> "Member":
        return self._neighbour("key", self._raw.key)

    @property
    def value(self) -> "Member":
        return self._neighbour("value", self._raw.value)

    def _neighbour(self, name: str, reference: _Reference | None) -> "Member":
        assert reference is not None, f"{self.name} is a {self.type} and has no {name}"
        return Member(name, reference, self._model)


class Member:
    """A place that holds a shape: its name in the API and what the wire calls it."""

    def __init__(self, name: str, reference: _Reference, model: "ServiceModel") -> None:
        self.name = name
        self.location = reference.location
        self.location_name = reference.location_name
        self.query_name = reference.query_name
        self.xml_attribute = reference.xml_attribute
        self.xml_namespace = reference.xml_namespace
        self.jsonvalue = reference.jsonvalue
        self.idempotency_token = reference.idempotency_token
        self.host_label = reference.host_label
        self.shape = model.shape(reference.shape)
        self.streaming = reference.streaming or self.shape.streaming
        self.flattened = self.shape.flattened if reference.flattened is None else reference.flattened
        self.timestamp_format = reference.timestamp_format or self.shape.timestamp_format
        self.enum = reference.enum or self.shape.enum

    @property
    def wire_name(self) -> str:
        return self.location_name or self.name


_OF_BODY: Final = frozenset({"requestAlgorithmMember", "requestChecksumRequired"})


class Operation:
    """One operation; `codecs` is where the codecs compiled for it are kept, by protocol.

    `checksums_body`: an x-amz-checksum- header speaks of the request's body, and not of an object that is asked for or made.
    """

    def __init__(self, name: str, raw: _RawOperation, model: "ServiceModel") -> None:
        self.name = name  # CloudFront's `raw.name` has the API's date behind it, which nobody calls it by
        self.snake_name = snake_name(name)
        self.service = model
        self.method = raw.http.method
        self.uri = raw.http.request_uri
        self.status = raw.http.response_code
        self.errors = [reference.shape for reference in raw.errors]
        self.anonymous = raw.authtype == "none"
        self.unsigned_payload = raw.unsigned_payload
        self.checksums_body = raw.http_checksum_required or not _OF_BODY.isdisjoint(raw.http_checksum)
        self.readonly = raw.readonly
        self.input_name = raw.input.location_name if raw.input else None
        self.input_namespace = raw.input.xml_namespace if raw.input else None
        self.output_name = raw.output.location_name if raw.output else None
        self.result_wrapper = raw.output.result_wrapper if raw.output else None
        self.codecs: dict[str, Any] = {}
        self._input_shape = raw.input.shape if raw.input else None
        self._output_shape = raw.output.shape if raw.output else None

    @cached_property
    def input(self) -> Shape | None:
        return self.service.shape(self._input_shape) if self._input_shape else None

    @cached_property
    def output(self) -> Shape | None:
        return self.service.shape(self._output_shape) if self._output_shape else None

    @cached_property
    def streams_in(self) -> bool:
        """Whether the body is a stream that the operation reads itself."""
        return _streaming_payload(self.input)

    @cached_property
    def streams_out(self) -> bool:
        return _streaming_payload(self.output)


def _streaming_payload(shape: Shape | None) -> bool:
    if shape is None or shape.payload is None:
        return False
    member = shape.members[shape.payload]
    return member.streaming and member.shape.type == "blob"


class ServiceModel:
    def __init__(self, name: str, raw: _RawModel) -> None:
        self.name = name
        self.metadata = raw.metadata
        self.operations = {name: Operation(name, operation, self) for name, operation in raw.operations.items()}
        self.fault_encoders: dict[str, Any] = {}
        self._raw_shapes = raw.shapes
        self._shapes: dict[str, Shape] = {}

    @classmethod
    def of(cls, name: str, description: dict[str, Any]) -> "ServiceModel":
        """The model that `description` (a decoded service-2.json) spells out."""
        return cls(name, msgspec.convert(description, _RawModel))

    def shape(self, name: str) -> Shape:
        shape = self._shapes.get(name)
        if shape is None:
            shape = self._shapes[name] = Shape(name, self._raw_shapes[name], self)
        return shape

    @cached_property
    def errors(self) -> dict[str, Shape]:
        """Every exception shape, by its name and by the code it has on the wire."""
        found: dict[str, Shape] = {}
        for name, raw in self._raw_shapes.items():
            if raw.exception or raw.error is not None:
                found[name] = self.shape(name)
        for shape in list(found.values()):
            if shape.error is not None and shape.error.code:
                found.setdefault(shape.error.code, shape)
        return found

    @cached_property
    def operations_by_snake_name(self) -> dict[str, Operation]:
        return {operation.snake_name: operation for operation in self.operations.values()}


@cache
def service_model(name: str) -> ServiceModel:
    """The model of botocore's directory `name`; KeyError where botocore has none."""
    folder = data_folder() / name
    versions = sorted(path.parent.name for path in folder.glob("*/service-2.json.gz")) if folder.is_dir() else []
    if not versions:
        raise KeyError(name)
    path = folder / versions[-1]
    content = gzip.decompress((path / "service-2.json.gz").read_bytes())
    extras = path / "service-2.sdk-extras.json"
    if not extras.exists():
        return ServiceModel(name, msgspec.json.decode(content, type=_RawModel))
    description = msgspec.json.decode(content)
    _merge(description, msgspec.json.decode(extras.read_bytes())["merge"])
    return ServiceModel.of(name, description)


@cache
def data_folder() -> Path:
    """Where botocore keeps its data, found without importing it."""
    spec = importlib.util.find_spec("botocore")
    assert spec is not None, "botocore is a dependency"
    assert spec.origin is not None, "botocore is a package on disk"
    return Path(spec.origin).parent / "data"


def _merge(into: dict[str, Any], extra: dict[str, Any]) -> None:
    for key, value in extra.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = value


# Brand names that boto3 counts as one word, where the capitals would cut them in two; the token exchange is its own exception.
_BRANDS: Final = re.compile("WhatsApp|PartiQL|OAuth2(?!TokenWithTokenExchange)|iSCSI|HITs(?=For)|OTel")
_PLURAL_ACRONYM: Final = re.compile("[A-Z]{2,}s$")
_WORD: Final = re.compile("(.)([A-Z][a-z]+)")
_BOUNDARY: Final = re.compile("([a-z0-9])([A-Z])")


def snake_name(name: str) -> str:
    """The operation's name as boto3 has it: `ListObjectsV2` is `list_objects_v2`."""
    name = _BRANDS.sub(lambda brand: brand.group().capitalize(), name)
    acronym = _PLURAL_ACRONYM.search(name)
    if acronym is not None:
        name = f"{name[: acronym.start()]}_{acronym.group().lower()}"
    return _BOUNDARY.sub(r"\1_\2", _WORD.sub(r"\1_\2", name)).lower()
