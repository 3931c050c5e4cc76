"""Transformation by a Lambda function: batches out, verdicts back, and the line that is written for each record that failed.

The function must return every record id exactly once, as Ok (with data), Dropped or ProcessingFailed. An invocation that fails
is repeated; when it keeps failing, its records are treated as failed and the others go on. Here stands what is
decided; delivery.py writes the objects.
Source: "Transform source data in Amazon Data Firehose" and "Handle failure in data transformation" of the developer guide;
the sentences of the errors are those that users' error objects show.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import msgspec

from headwater.aws.faults import Fault
from headwater.aws.wire import Stream as Body

from .destination import RETRIES, Processor

if TYPE_CHECKING:
    from headwater.kernel.context import Context

    from .buffers import Batch
    from .model import Stream

REQUEST_BYTES_MAX: Final = 6 * 1024 * 1024
ENVELOPE_BYTES: Final = 160
"""What a record costs in the request besides its data, generously."""
FIRST_WAIT_S: Final = 0.2
LAST_WAIT_S: Final = 5.0

FUNCTION_ERROR: Final = ("Lambda.FunctionError", "The Lambda function was successfully invoked but it returned an error result.")
TIMED_OUT: Final = (
    "Lambda.FunctionTimedOut",
    "The Lambda function invocation timed out. Increase the Timeout setting in the Lambda function.",
)
ACCESS_DENIED: Final = (
    "Lambda.InvokeAccessDenied",
    "Access was denied. Ensure that the access policy allows access to the Lambda function.",
)
REFUSALS: Final = ("AccessDeniedException", "AccessDenied")
"""Lambda's, and that of a role which does not trust Firehose."""
MISSING: Final = (
    "Lambda.MissingRecordId",
    "One or more record Ids were not returned. Ensure that the Lambda function returns all received record Ids.",
)
DUPLICATED: Final = (
    "Lambda.DuplicatedRecordId",
    "Multiple records were returned with the same record Id. Ensure that the Lambda function returns unique record Ids.",
)
FAILED: Final = ("Lambda.ProcessingFailedStatus", "ProcessingFailed status set for record")
UNREADABLE: Final = (
    "Lambda.JsonProcessingException",
    (
        "There was an error parsing returned records from the Lambda function. "
        "Ensure that the returned records follow the status model required by Amazon Data Firehose."
    ),
)


class Sent(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    record_id: str
    approximate_arrival_timestamp: int
    data: bytes


class Event(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    invocation_id: str
    delivery_stream_arn: str
    region: str
    records: list[Sent]


class Returned(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    record_id: str
    result: str
    data: bytes | None = None


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    records: list[Returned]


class FailureLine(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    attempts_made: int
    arrival_timestamp: int
    error_code: str
    error_message: str
    attempt_ending_timestamp: int
    raw_data: bytes
    lambda_arn: str


class Outcome(msgspec.Struct, kw_only=True):
    """What is to be delivered, and a line for each record that is not."""

    delivered: list[bytes]
    failures: list[bytes]
    errors: Counter[tuple[str, str]]


def batches(batch: Batch, size_max: int) -> Iterator[list[Sent]]:
    """The records in invocations' worth: of at most `size_max` bytes, and of a request that Lambda takes."""
    sent: list[Sent] = []
    size = request_size = 0
    for index, (data, arrived_at_ms) in enumerate(batch):
        cost = len(data) * 4 // 3 + ENVELOPE_BYTES
        if sent and (size + len(data) > size_max or request_size + cost > REQUEST_BYTES_MAX):
            yield sent
            sent, size, request_size = [], 0, 0
        sent.append(Sent(record_id=f"{arrived_at_ms:013d}{index:012d}", approximate_arrival_timestamp=arrived_at_ms, data=data))
        size += len(data)
        request_size += cost
    if sent:
        yield sent


def judged(sent: list[Sent], reply: Reply) -> list[Returned | tuple[str, str]]:
    """For each record that was sent: what came back, or why it counts as failed."""
    times = Counter(one.record_id for one in reply.records)
    by_id = {one.record_id: one for one in reply.records}

    def verdict(record_id: str) -> Returned | tuple[str, str]:
        returned = by_id.get(record_id)
        if returned is None:
            return MISSING
        if times[record_id] > 1:
            return DUPLICATED
        if returned.result == "ProcessingFailed":
            return FAILED
        if returned.result == "Dropped" or (returned.result == "Ok" and returned.data is not None):
            return returned
        return UNREADABLE

    return [verdict(one.record_id) for one in sent]


class Transformation:
    """One delivery's way through the function."""

    def __init__(self, ctx: Context, stream: Stream, processor: Processor) -> None:
        self._ctx = ctx
        self._stream = stream
        self._function = processor.parameters["LambdaArn"]
        self._attempts_max = int(processor.parameters.get("NumberOfRetries", RETRIES)) + 1
        self._size_max = int(float(processor.parameters.get("BufferSizeInMBs", "1")) * 1024 * 1024)
        role = processor.parameters.get("RoleArn", stream.destination.role_arn)
        self._client = ctx.client("lambda", role=role, source_arn=stream.arn)

    async def of(self, batch: Batch) -> Outcome:
        """Send everything through; what fails is part of the outcome."""
        outcome = Outcome(delivered=[], failures=[], errors=Counter())
        for sent in batches(batch, self._size_max):
            reply, attempts = await self._invoke(sent)
            verdicts = judged(sent, reply) if isinstance(reply, Reply) else [reply] * len(sent)
            ended_at_ms = int(self._ctx.clock.now().timestamp() * 1000)
            for record, verdict in zip(sent, verdicts, strict=True):
                if isinstance(verdict, tuple):
                    outcome.errors[verdict] += 1
                    outcome.failures.append(failure_line(record, verdict, attempts, ended_at_ms, self._function))
                elif verdict.data is not None and verdict.result == "Ok":
                    outcome.delivered.append(verdict.data)
        return outcome

    async def _invoke(self, sent: list[Sent]) -> tuple[Reply | tuple[str, str], int]:
        """One invocation, repeated while it fails: its reply or the last failure, and the attempts."""
        event = Event(invocation_id=self._ctx.new_id(), delivery_stream_arn=self._stream.arn, region=self._stream.region, records=sent)
        payload = msgspec.json.encode(event)
        for attempt in range(1, self._attempts_max + 1):
            reply = await self._attempt(payload)
            if isinstance(reply, Reply) or reply == UNREADABLE or attempt == self._attempts_max:
                return reply, attempt
            await asyncio.sleep(min(FIRST_WAIT_S * 2 ** (attempt - 1), LAST_WAIT_S))
        raise AssertionError("the last attempt returns")

    async def _attempt(self, payload: bytes) -> Reply | tuple[str, str]:
        try:
            answer = await self._client.invoke(FunctionName=self._function, InvocationType="RequestResponse", Payload=payload)
        except Fault as refusal:
            return ACCESS_DENIED if refusal.code in REFUSALS else (f"Lambda.{refusal.code}", refusal.message)
        returned = answer["Payload"]
        content = await returned.read() if isinstance(returned, Body) else returned
        if "FunctionError" in answer:
            return TIMED_OUT if b"Task timed out" in content else FUNCTION_ERROR
        try:
            return msgspec.json.decode(content, type=Reply)
        except (msgspec.DecodeError, msgspec.ValidationError):
            return UNREADABLE


def failure_line(record: Sent, why: tuple[str, str], attempts: int, ended_at_ms: int, function: str) -> bytes:
    line = FailureLine(
        attempts_made=attempts,
        arrival_timestamp=record.approximate_arrival_timestamp,
        error_code=why[0],
        error_message=why[1],
        attempt_ending_timestamp=ended_at_ms,
        raw_data=record.data,
        lambda_arn=function,
    )
    return msgspec.json.encode(line) + b"\n"
