"""Streams over the wire with boto3. Truth: the API reference of Amazon Data Firehose, and firehose.json of the recordings for tags."""

from typing import Any

import pytest


def test_a_stream_is_described_as_it_was_made(lake: Any) -> None:
    arn = lake.stream(
        "AuroraChangesToS3", CompressionFormat="GZIP", Prefix="CDC/", BufferingHints={"SizeInMBs": 5, "IntervalInSeconds": 60}
    )
    assert arn == f"arn:aws:firehose:us-east-1:{lake.aws.account}:deliverystream/AuroraChangesToS3"
    described = lake.firehose.describe_delivery_stream(DeliveryStreamName="AuroraChangesToS3")["DeliveryStreamDescription"]
    assert described["DeliveryStreamStatus"] == "ACTIVE"
    assert (described["DeliveryStreamType"], described["VersionId"], described["HasMoreDestinations"]) == ("DirectPut", "1", False)
    [destination] = described["Destinations"]
    assert destination["DestinationId"] == "destinationId-000000000001"
    for shape in ("S3DestinationDescription", "ExtendedS3DestinationDescription"):
        assert destination[shape]["CompressionFormat"] == "GZIP"
        assert destination[shape]["Prefix"] == "CDC/"
        assert destination[shape]["BufferingHints"] == {"SizeInMBs": 5, "IntervalInSeconds": 60}
    page = lake.firehose.describe_delivery_stream(
        DeliveryStreamName="AuroraChangesToS3", ExclusiveStartDestinationId="destinationId-000000000001"
    )
    assert page["DeliveryStreamDescription"]["Destinations"] == []


def test_streams_are_listed_in_pages_by_name(lake: Any) -> None:
    for name in ("c", "a", "b"):
        lake.firehose.create_delivery_stream(DeliveryStreamName=name, S3DestinationConfiguration=lake.target())
    first = lake.firehose.list_delivery_streams(Limit=2)
    assert (first["DeliveryStreamNames"], first["HasMoreDeliveryStreams"]) == (["a", "b"], True)
    rest = lake.firehose.list_delivery_streams(ExclusiveStartDeliveryStreamName="b")
    assert (rest["DeliveryStreamNames"], rest["HasMoreDeliveryStreams"]) == (["c"], False)


def test_an_update_asks_for_the_current_version_and_raises_it(lake: Any, refused: Any) -> None:
    lake.stream(Prefix="CDC/")
    update = {"DeliveryStreamName": "changes", "DestinationId": "destinationId-000000000001"}
    change = {"BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 60}}
    with refused("ConcurrentModificationException"):
        lake.firehose.update_destination(CurrentDeliveryStreamVersionId="2", ExtendedS3DestinationUpdate=change, **update)
    lake.firehose.update_destination(CurrentDeliveryStreamVersionId="1", ExtendedS3DestinationUpdate=change, **update)
    described = lake.firehose.describe_delivery_stream(DeliveryStreamName="changes")["DeliveryStreamDescription"]
    destination = described["Destinations"][0]["ExtendedS3DestinationDescription"]
    assert (described["VersionId"], destination["Prefix"], destination["BufferingHints"]["SizeInMBs"]) == ("2", "CDC/", 1)


def test_a_deleted_stream_is_gone(lake: Any, refused: Any) -> None:
    lake.stream()
    lake.put(b"lost\n")
    lake.firehose.delete_delivery_stream(DeliveryStreamName="changes")
    with refused("ResourceNotFoundException", f"Firehose changes under account {lake.aws.account} not found."):
        lake.firehose.describe_delivery_stream(DeliveryStreamName="changes")
    with refused("ResourceNotFoundException"):
        lake.put(b"x")


def test_tags_come_and_go(lake: Any) -> None:
    lake.firehose.create_delivery_stream(
        DeliveryStreamName="tagged", S3DestinationConfiguration=lake.target(), Tags=[{"Key": "subject", "Value": "taboo"}]
    )
    name = {"DeliveryStreamName": "tagged"}
    listed = lake.firehose.list_tags_for_delivery_stream(**name)
    assert (listed["Tags"], listed["HasMoreTags"]) == ([{"Key": "subject", "Value": "taboo"}], False)
    lake.firehose.untag_delivery_stream(TagKeys=["subject", "absent"], **name)
    assert lake.firehose.list_tags_for_delivery_stream(**name)["Tags"] == []
    lake.firehose.tag_delivery_stream(Tags=[{"Key": "b", "Value": "2"}, {"Key": "a", "Value": "1"}], **name)
    assert lake.firehose.list_tags_for_delivery_stream(Limit=1, **name) | {"ResponseMetadata": 0} == {
        "Tags": [{"Key": "a", "Value": "1"}],
        "HasMoreTags": True,
        "ResponseMetadata": 0,
    }


REFUSALS: dict[str, tuple[str, dict[str, Any]]] = {
    "no destination": ("InvalidArgumentException", {}),
    "a Kinesis source": ("NotImplemented", {"DeliveryStreamType": "KinesisStreamAsSource"}),
    "a name with a blank": ("ValidationException", {"DeliveryStreamName": "a b"}),
    "a name that is too long": ("ValidationException", {"DeliveryStreamName": "a" * 65}),
}


@pytest.mark.parametrize(("code", "members"), REFUSALS.values(), ids=REFUSALS)
def test_a_stream_is_refused(lake_without_bucket: Any, refused: Any, code: str, members: dict[str, Any]) -> None:
    with refused(code):
        lake_without_bucket.firehose.create_delivery_stream(**({"DeliveryStreamName": "s"} | members))


def test_a_second_stream_of_the_same_name_is_refused(lake_without_bucket: Any, refused: Any) -> None:
    lake_without_bucket.stream()
    with refused("ResourceInUseException", "already exists"):
        lake_without_bucket.stream()


def test_an_unbuilt_operation_says_so(lake_without_bucket: Any, refused: Any) -> None:
    lake_without_bucket.stream()
    with refused("NotImplemented", "StartDeliveryStreamEncryption"):
        lake_without_bucket.firehose.start_delivery_stream_encryption(DeliveryStreamName="changes")
