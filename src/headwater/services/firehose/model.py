"""A stream, the chunks it has taken and the deliveries it owes.

A *chunk* is what one put brought (one record or a batch); chunks are numbered without gaps within the life of a stream.
A *delivery* is a run of chunks that became, or will become, one object whose name is already decided. So every chunk is
in the open buffer or in exactly one delivery, and two numbers say which.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from headwater.aws.faults import Fault, fault
from headwater.kernel.store import Record, Table

from .destination import Destination, described, described_plain

DESTINATION_ID: Final = "destinationId-000000000001"
MIB: Final = 1024 * 1024
RETENTION: Final = timedelta(hours=24)
"""How long Firehose goes on trying to deliver a record."""
STREAMS_MAX: Final = 5000
TAGS_MAX: Final = 50


class Stream(Record, frozen=True, kw_only=True):
    account: str
    region: str
    name: str
    stream_id: str
    """Tells this stream from an earlier one of the same name, whose chunks may still be on their way out."""
    arn: str
    version: int
    created_at: datetime
    updated_at: datetime | None
    destination: Destination
    tags: dict[str, str]


class Chunk(Record, frozen=True, kw_only=True):
    account: str
    region: str
    stream_id: str
    number: int
    arrived_at_ms: int
    records: list[bytes]


class Delivery(Record, frozen=True, kw_only=True):
    """A run of chunks on its way to one object. `done` means: the object is written, the chunks can go."""

    account: str
    region: str
    stream_id: str
    stream_name: str
    delivery_id: str
    first: int
    last: int
    arrived_at: datetime
    """Arrival of the oldest record."""
    key: str
    error_key: str
    backup_key: str | None
    compression: str
    """As the key's extension says; where the object goes may be changed while it waits, what it is may not."""
    backup_compression: str
    attempts: int = 0
    last_error: str | None = None
    done: bool = False


def ordinal(number: int) -> str:
    """A chunk's number as a key component that sorts as the number does."""
    return f"{number:016x}"


streams: Final = Table("firehose", "streams", Stream, key=lambda s: (s.account, s.region, s.name))
chunks: Final = Table("firehose", "chunks", Chunk, key=lambda c: (c.account, c.region, c.stream_id, f"{c.number:016x}"), big=True)
deliveries: Final = Table("firehose", "deliveries", Delivery, key=lambda d: (d.account, d.region, d.stream_id, d.delivery_id))


def no_such_stream(account: str, name: str) -> Fault:
    return fault("ResourceNotFoundException", f"Firehose {name} under account {account} not found.")


def describe(stream: Stream) -> dict[str, Any]:
    return {
        "DeliveryStreamName": stream.name,
        "DeliveryStreamARN": stream.arn,
        "DeliveryStreamStatus": "ACTIVE",
        "DeliveryStreamEncryptionConfiguration": {"Status": "DISABLED"},
        "DeliveryStreamType": "DirectPut",
        "VersionId": str(stream.version),
        "CreateTimestamp": stream.created_at,
        "LastUpdateTimestamp": stream.updated_at,
        "Destinations": [
            {
                "DestinationId": DESTINATION_ID,
                "S3DestinationDescription": described_plain(stream.destination),
                "ExtendedS3DestinationDescription": described(stream.destination),
            }
        ],
        "HasMoreDestinations": False,
    }
