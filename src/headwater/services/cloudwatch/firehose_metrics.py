"""AWS/Firehose: what becomes of the records of streams, as metrics. Pure.

Source: "Monitoring Amazon Data Firehose using CloudWatch metrics" of its guide.
"""

from collections.abc import Iterator
from typing import Any, Final

from .gauging import Reading

NAMESPACE: Final = "AWS/Firehose"


def _of(fact: dict[str, Any], readings: list[tuple[str, float, str]]) -> Iterator[Reading]:
    dimensions = (("DeliveryStreamName", fact["stream"]),)
    return (Reading(NAMESPACE, name, dimensions, value, unit) for name, value, unit in readings)


def of_taken(fact: dict[str, Any]) -> Iterator[Reading]:
    return _of(
        fact,
        [
            ("IncomingRecords", float(fact["records"]), "Count"),
            ("IncomingBytes", float(fact["bytes"]), "Bytes"),
            ("IncomingPutRequests", 1.0, "Count"),
        ],
    )


def of_delivered(fact: dict[str, Any]) -> Iterator[Reading]:
    readings = [
        ("DeliveryToS3.Records", float(fact["records"]), "Count"),
        ("DeliveryToS3.Bytes", float(fact["bytes"]), "Bytes"),
        ("DeliveryToS3.Success", 1.0, "Count"),
        ("DeliveryToS3.DataFreshness", round(fact["age_s"], 3), "Seconds"),
    ]
    return _of(fact, readings)


def of_refused(fact: dict[str, Any]) -> Iterator[Reading]:
    return _of(fact, [("DeliveryToS3.Success", 0.0, "Count")])
