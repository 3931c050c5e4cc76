"""boto3's surface over calls in process: the second wire, on which rooms call each other.

A botocore client whose `_make_api_call` asks the kernel's Client instead of the network, so that paginators, waiters, transfers,
the exceptions and the conveniences of the SDK (idempotency tokens, checksums, decoded policy documents) are there as usual. What the
operation answers is held against the model on the way: a member that the model lacks, or a value of another type, would be an
answer that HTTP cannot give. Headers, and a status that the operation chooses (S3's 206), are HTTP's alone.
"""

import asyncio
import io
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from http import HTTPStatus
from typing import Any

import botocore.response
import botocore.utils

from headwater.aws.checksums import checksum as checksum_of
from headwater.aws.codec import codec_for
from headwater.aws.faults import Fault
from headwater.aws.models import service_model
from headwater.aws.wire import Response, Stream
from headwater.kernel.client import Client
from headwater.kernel.identity import root_of

ANSWER_S = 60


def rewire(client: Any, server: Any, account: str) -> None:
    """Let this botocore client, of the account's root, call in process."""
    service, region = client.meta.service_model.service_name, client.meta.region_name
    own = service_model(service)
    calls = Client(server.home, service, root_of(account, account), region)

    def make_api_call(operation_name: str, api_params: dict[str, Any]) -> dict[str, Any]:
        operation = client.meta.service_model.operation_model(operation_name)
        context: dict[str, Any] = {"client_region": region, "client_config": client.meta.config, "has_streaming_input": False}
        params = client._emit_api_params(api_params=api_params, operation_model=operation, context=context)
        if operation.input_shape is not None:
            params = given(operation.input_shape, params)
            if client.meta.config.request_checksum_calculation != "when_required":
                params |= checksum(operation, params)
        name = botocore.xform_name(operation_name)

        async def call() -> dict[str, Any]:
            answer = await getattr(calls, name)(**params)
            return {member: await value.read() if isinstance(value, Stream) else value for member, value in answer.items()}

        codec = codec_for(own.operations[operation_name], own.metadata.protocol)
        metadata: dict[str, Any] = {"HTTPHeaders": {}, "RetryAttempts": 0}
        try:
            answer = asyncio.run_coroutine_threadsafe(call(), server.loop).result(ANSWER_S)
        except Fault as refusal:
            response = codec.encode_fault(refusal, "")
            metadata["HTTPStatusCode"] = response.status
            raise client.exceptions.from_code(refusal.code)(
                {"Error": _error(refusal, response, own.metadata.protocol), "ResponseMetadata": metadata} | refusal.members, operation_name
            ) from refusal
        metadata["HTTPStatusCode"] = codec.encode(answer, "").status
        parsed = received(operation.output_shape, answer, operation_name) if operation.output_shape is not None else {}
        if service == "s3" and "Expires" in parsed:
            parsed["ExpiresString"] = format_datetime(parsed["Expires"], usegmt=True)
        if operation_name == "GetBucketLocation":
            parsed.setdefault("LocationConstraint", None)  # as the SDK reads an empty element
        parsed["ResponseMetadata"] = metadata
        event = f"after-call.{client.meta.service_model.service_id.hyphenize()}.{operation_name}"
        client.meta.events.emit(event, http_response=_Http(), parsed=parsed, model=operation, context=context)
        return parsed

    client._make_api_call = make_api_call


def _error(refusal: Fault, response: Response, protocol: str) -> dict[str, Any]:
    """What the SDK puts under "Error": of an answer without a body only the status, of XML every element."""
    if not response.body:
        return {"Code": str(response.status), "Message": HTTPStatus(response.status).phrase}
    more = refusal.members if protocol in {"rest-xml", "query"} else {}
    of_query = next((value.split(";") for name, value in response.headers if name == "x-amzn-query-error"), None)
    if of_query is not None:  # a service that once spoke query keeps the codes of that time
        more = {"QueryErrorCode": refusal.code, "Type": of_query[1]}
        return {"Code": of_query[0], "Message": refusal.message} | more
    return {"Code": refusal.code, "Message": refusal.message} | more


class _Http:
    """What handlers of the SDK that look at the HTTP answer see: a success without a word."""

    status_code = 200
    content = b""
    raw = None
    headers: dict[str, str] = {}  # noqa: RUF012 - never written


def given(shape: Any, value: Any) -> Any:
    """A parameter in the SDK's freedom (text for bytes, files, naive moments) as the value that a serialiser would send."""
    match shape.type_name:
        case "structure":
            return {name: given(shape.members[name], each) if name in shape.members else each for name, each in value.items()}
        case "list" if isinstance(value, list | tuple):
            return [given(shape.member, each) for each in value]
        case "map" if isinstance(value, dict):
            return {key: given(shape.value, each) for key, each in value.items()}
        case "blob":
            return _bytes(value)
        case "timestamp":
            return botocore.utils.parse_to_aware_datetime(value)
    return value


def checksum(operation: Any, params: dict[str, Any]) -> dict[str, str]:
    """The checksum that the SDK computes, unless the caller gave one."""
    asks = operation.http_checksum.get("requestAlgorithmMember")
    if asks is None or any(name.startswith("Checksum") and name not in {asks, "ChecksumMode", "ChecksumType"} for name in params):
        return {}
    algorithm = params.get(asks, "CRC32")
    body = params.get(operation.input_shape.serialization.get("payload"), b"")
    if not isinstance(body, bytes | bytearray | str) or f"Checksum{algorithm}" not in operation.input_shape.members:
        return {}
    return {asks: algorithm, f"Checksum{algorithm}": checksum_of(algorithm, _bytes(body))}


def _bytes(value: Any) -> Any:
    if hasattr(value, "read"):
        value = value.read()
    if isinstance(value, str):
        return value.encode()
    return bytes(value) if isinstance(value, bytearray | memoryview) else value


def received(shape: Any, value: Any, place: str) -> Any:
    """A value of an answer, which is as the model has it; one that the SDK hands out as a stream can be read."""
    return _READERS.get(shape.type_name, _plain)(shape, value, place)


def _structure(shape: Any, value: dict[str, Any], place: str) -> dict[str, Any]:
    strangers = value.keys() - shape.members.keys()
    assert not strangers, f"{place} has no member {strangers}"
    found = {name: received(shape.members[name], each, f"{place}.{name}") for name, each in value.items()}
    payload = shape.serialization.get("payload")
    if payload in found and shape.members[payload].type_name == "blob":  # which the SDK hands out to be read, streaming or not
        found[payload] = botocore.response.StreamingBody(io.BytesIO(found[payload]), len(found[payload]))
    return found


def _list(shape: Any, value: Any, place: str) -> list[Any]:
    assert isinstance(value, list | tuple), f"{place} is {value!r}"
    return [received(shape.member, each, f"{place}[]") for each in value]


def _map(shape: Any, value: Any, place: str) -> dict[str, Any]:
    assert isinstance(value, dict), f"{place} is {value!r}"
    return {key: received(shape.value, each, f"{place}{{}}") for key, each in value.items()}


def _moment(shape: Any, value: Any, place: str) -> datetime:
    assert isinstance(value, datetime), f"{place} is {value!r}"
    assert value.tzinfo is not None, f"{place} is naive"
    return value.astimezone(UTC)


TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "character": (str,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "boolean": (bool,),
    "blob": (bytes,),
}


def _plain(shape: Any, value: Any, place: str) -> Any:
    wanted = TYPES[shape.type_name]
    assert isinstance(value, wanted), f"{place} is {value!r}, not {shape.type_name}"
    assert bool in wanted or not isinstance(value, bool), f"{place} is {value!r}, not {shape.type_name}"
    return value


_READERS: dict[str, Callable[[Any, Any, str], Any]] = {"structure": _structure, "list": _list, "map": _map, "timestamp": _moment}
