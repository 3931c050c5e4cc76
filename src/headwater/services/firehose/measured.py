"""What Firehose tells the Bus for the metrics of its streams: plain facts, on the topic "metric".

Whoever keeps metrics makes of them what AWS publishes; this room knows no metric.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .buffers import Batch
    from .model import Stream


def taken(stream: Stream, at: datetime, records: int, size: int) -> dict[str, Any]:
    """Records have been put."""
    return _fact("firehose/taken", stream, at) | {"records": records, "bytes": size}


def delivered(stream: Stream, at: datetime, batch: Batch, oldest: datetime) -> dict[str, Any]:
    """Records are in the bucket, the oldest of them so long after it came."""
    size = sum(len(record) for record in batch.records)
    return _fact("firehose/delivered", stream, at) | {
        "records": len(batch.records),
        "bytes": size,
        "age_s": max((at - oldest).total_seconds(), 0.0),
    }


def refused(stream: Stream, at: datetime) -> dict[str, Any]:
    """The bucket has not taken them; it will be tried again."""
    return _fact("firehose/refused", stream, at)


def _fact(of: str, stream: Stream, at: datetime) -> dict[str, Any]:
    return {"of": of, "account": stream.account, "region": stream.region, "at": at, "stream": stream.name}
