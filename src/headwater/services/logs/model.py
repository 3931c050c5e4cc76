"""Log groups, streams and batches of events, and how events stand in order. Pure.

Events are stored as they came, a batch a row: at a thousand lines a second a row a line would cost more than the functions that
print them. A batch is found by the time of its first event; batches of one stream may overlap in time, by no more than the
stream's `span_ms`, and whoever reads a stream in order begins that much earlier. A stream's rows are kept under an id of its
own, so that a stream deleted and made again has none of the old one's events.
"""

from typing import Any, Final

import msgspec
from msgspec import field

from headwater.aws.faults import Fault, fault
from headwater.kernel.store import Record, Table

EVENT_OVERHEAD_BYTES: Final = 26
DAY_MS: Final = 86_400_000
_ID_DIGITS: Final = 56


class LogGroup(Record, frozen=True, kw_only=True):
    account: str
    region: str
    name: str
    created_ms: int
    group_class: str = "STANDARD"
    retention_days: int | None = None
    kms_key: str | None = None
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def arn(self) -> str:
        return f"arn:aws:logs:{self.region}:{self.account}:log-group:{self.name}"


class LogStream(Record, frozen=True, kw_only=True):
    account: str
    region: str
    group: str
    name: str
    id: str
    created_ms: int
    batches: int = 0
    bytes: int = 0
    first_ms: int | None = None
    last_ms: int | None = None
    ingested_ms: int | None = None
    span_ms: int = 0  # the longest batch, from its first event to its last

    @property
    def arn(self) -> str:
        return f"arn:aws:logs:{self.region}:{self.account}:log-group:{self.group}:log-stream:{self.name}"


class Batch(Record, frozen=True, kw_only=True):
    account: str
    region: str
    stream: str  # the stream's id
    number: int
    ingested_ms: int
    events: list[tuple[int, str]]

    @property
    def first_ms(self) -> int:
        return self.events[0][0]


class Position(msgspec.Struct, frozen=True, order=True):
    """Where an event stands in its stream: by its time, then by arrival."""

    at_ms: int
    batch: int
    index: int

    def __str__(self) -> str:
        """As an event's id, 56 digits like AWS's, in the order of positions."""
        return f"3{self.at_ms:014d}{self.batch:020d}{self.index:021d}"

    @classmethod
    def of(cls, text: str) -> "Position":
        if len(text) != _ID_DIGITS or not text.isdecimal() or text[0] != "3":
            raise invalid_token()
        return cls(int(text[1:15]), int(text[15:35]), int(text[35:]))


GROUPS: Final = Table("logs", "groups", LogGroup, key=lambda g: (g.account, g.region, g.name))
STREAMS: Final = Table("logs", "streams", LogStream, key=lambda s: (s.account, s.region, s.group, s.name))
BATCHES: Final = Table("logs", "batches", Batch, key=lambda b: (b.account, b.region, b.stream, batch_key(b.first_ms, b.number)), big=True)


def batch_key(first_ms: int, number: int | None = None) -> str:
    """Batches stand in the order of their first events; without a number, the text before all batches of that moment."""
    return f"{max(first_ms, 0):015d}" + ("" if number is None else f"{number:012d}")


def invalid(sentence: str) -> Fault:
    return fault("InvalidParameterException", sentence)


def invalid_token() -> Fault:
    return invalid("The specified nextToken is invalid.")


def no_such_group() -> Fault:
    return fault("ResourceNotFoundException", "The specified log group does not exist.")


def no_such_stream() -> Fault:
    return fault("ResourceNotFoundException", "The specified log stream does not exist.")


def describe_group(group: LogGroup, stored_bytes: int, metric_filters: int = 0) -> dict[str, Any]:
    return {
        "logGroupName": group.name,
        "creationTime": group.created_ms,
        "retentionInDays": group.retention_days,
        "metricFilterCount": metric_filters,
        "arn": f"{group.arn}:*",
        "storedBytes": stored_bytes,
        "kmsKeyId": group.kms_key,
        "logGroupClass": group.group_class,
        "logGroupArn": group.arn,
    }


def describe_stream(stream: LogStream) -> dict[str, Any]:
    return {
        "logStreamName": stream.name,
        "creationTime": stream.created_ms,
        "firstEventTimestamp": stream.first_ms,
        "lastEventTimestamp": stream.last_ms,
        "lastIngestionTime": stream.ingested_ms,
        "uploadSequenceToken": sequence_token(stream) if stream.batches else None,
        "arn": stream.arn,
        "storedBytes": 0,  # AWS says zero since 2019
    }


def sequence_token(stream: LogStream) -> str:
    """Once had to be given back with the next batch; today it is ignored, and still given."""
    return f"{stream.batches:056d}"


def size_of(message: str) -> int:
    return (len(message) if message.isascii() else len(message.encode())) + EVENT_OVERHEAD_BYTES
