"""Destinations: what goes in comes out, and what is not built is refused. Truth: the API reference of Amazon Data Firehose."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.aws.faults import Fault
from headwater.services.firehose.destination import Destination, LogTarget, described, parsed, updated

ROLE = "arn:aws:iam::123456789012:role/delivery"
PLAIN = {"RoleARN": ROLE, "BucketARN": "arn:aws:s3:::lake"}

destinations = st.builds(
    Destination,
    role_arn=st.just(ROLE),
    bucket_arn=st.just("arn:aws:s3:::lake"),
    prefix=st.sampled_from([None, "", "CDC/", "y=!{timestamp:yyyy}/"]),
    error_prefix=st.just("errors/!{firehose:error-output-type}/"),
    size_mib=st.integers(1, 128),
    interval_s=st.integers(0, 900),
    compression=st.sampled_from(["UNCOMPRESSED", "GZIP", "ZIP"]),
    log=st.builds(LogTarget, enabled=st.booleans(), group=st.just("g"), stream=st.just("s")),
    processing=st.booleans(),
    file_extension=st.sampled_from([None, ".csv"]),
    time_zone=st.sampled_from([None, "UTC"]),
)


@given(destinations)
def test_what_is_described_parses_to_the_same(destination: Destination) -> None:
    assert parsed(described(destination)) == destination


def test_the_buffer_is_five_mebibytes_or_five_minutes_unless_said_otherwise() -> None:
    destination = parsed(PLAIN)
    assert (destination.size_mib, destination.interval_s, destination.compression) == (5, 300, "UNCOMPRESSED")


def test_an_update_leaves_what_it_does_not_name() -> None:
    """Truth: UpdateDestination, "If any of the parameters are not specified in the call, the existing values are retained"."""
    before = parsed(PLAIN | {"Prefix": "CDC/", "CompressionFormat": "GZIP"})
    after = updated(before, {"BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 60}})
    assert (after.prefix, after.compression, after.size_mib, after.interval_s) == ("CDC/", "GZIP", 1, 60)


REFUSALS: dict[str, tuple[str, dict[str, Any]]] = {
    "Snappy": ("NotImplemented", {"CompressionFormat": "Snappy"}),
    "KMS": ("NotImplemented", {"EncryptionConfiguration": {"KMSEncryptionConfig": {"AWSKMSKeyARN": "arn:aws:kms:us-east-1:1:key/k"}}}),
    "format conversion": ("NotImplemented", {"DataFormatConversionConfiguration": {"Enabled": True}}),
    "dynamic partitioning": ("NotImplemented", {"DynamicPartitioningConfiguration": {"Enabled": True}}),
    "a processor that is not built": (
        "NotImplemented",
        {"ProcessingConfiguration": {"Enabled": True, "Processors": [{"Type": "Decompression"}]}},
    ),
    "a Lambda processor without a function": (
        "InvalidArgumentException",
        {"ProcessingConfiguration": {"Enabled": True, "Processors": [{"Type": "Lambda", "Parameters": []}]}},
    ),
    "a backup without a place": ("InvalidArgumentException", {"S3BackupMode": "Enabled"}),
    "a time zone that is none": ("InvalidArgumentException", {"CustomTimeZone": "Mars/Olympus"}),
}


@pytest.mark.parametrize(("code", "members"), REFUSALS.values(), ids=REFUSALS)
def test_a_destination_is_refused(code: str, members: dict[str, Any]) -> None:
    with pytest.raises(Fault, match=code):
        parsed(PLAIN | members)
