"""Records in, objects out, over the wire. Truth: the Firehose developer guide, and scenario S11 for the demo's stream."""

import asyncio
import io
import json
import re
import time
import zipfile
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from headwater.services.firehose.model import chunks, deliveries

KEY = re.compile(r"CDC/\d{4}/\d\d/\d\d/\d\d/changes-1-\d{4}(-\d\d){5}-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.gz")
LINE = b"1,Garden,10.00,2,2016-01-05 00:00:00,WA,Free,Other\n"


def test_records_arrive_in_one_gzip_object_when_the_interval_is_over(lake: Any, clock: Any) -> None:
    lake.stream(CompressionFormat="GZIP", Prefix="CDC/", BufferingHints={"SizeInMBs": 5, "IntervalInSeconds": 60})
    lake.put(LINE, b"second\n", b"third\n")
    time.sleep(0.1)
    assert lake.objects() == {}
    clock.advance(timedelta(seconds=61))
    [(key, content)] = lake.arrived().items()
    assert KEY.fullmatch(key)
    assert content == LINE + b"second\nthird\n"


def test_a_full_buffer_is_delivered_at_once(lake: Any) -> None:
    lake.stream(BufferingHints={"SizeInMBs": 1, "IntervalInSeconds": 900})
    record = b"x" * 1_023_999 + b"\n"
    lake.put(record, record)
    [content] = lake.arrived().values()
    assert content == record * 2


def test_an_interval_of_nought_delivers_at_once(lake: Any) -> None:
    lake.stream(BufferingHints={"SizeInMBs": 1, "IntervalInSeconds": 0})
    lake.put(b"now\n")
    assert list(lake.arrived().values()) == [b"now\n"]


def test_a_batch_answers_for_each_record(lake: Any) -> None:
    lake.stream(BufferingHints={"SizeInMBs": 1, "IntervalInSeconds": 0})
    lines = [b"%d\n" % number for number in range(500)]
    answer = lake.firehose.put_record_batch(DeliveryStreamName="changes", Records=[{"Data": line} for line in lines])
    assert (answer["FailedPutCount"], len(answer["RequestResponses"])) == (0, 500)
    assert len({response["RecordId"] for response in answer["RequestResponses"]}) == 500
    assert list(lake.arrived().values()) == [b"".join(lines)]


def test_a_zip_holds_one_file(lake: Any) -> None:
    lake.stream(CompressionFormat="ZIP", BufferingHints={"SizeInMBs": 1, "IntervalInSeconds": 0})
    lake.put(b"packed\n")
    [(key, content)] = lake.arrived().items()
    assert key.endswith(".zip")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        [name] = archive.namelist()
        assert archive.read(name) == b"packed\n"


def test_the_delimiter_is_appended_and_the_extension_is_the_user_s(lake: Any) -> None:
    processing = {
        "Enabled": True,
        "Processors": [{"Type": "AppendDelimiterToRecord", "Parameters": [{"ParameterName": "Delimiter", "ParameterValue": "\\n"}]}],
    }
    lake.stream(ProcessingConfiguration=processing, FileExtension=".json", BufferingHints={"SizeInMBs": 1, "IntervalInSeconds": 60})
    lake.put(b"{}", b"[]")
    lake.firehose.update_destination(
        DeliveryStreamName="changes",
        DestinationId="destinationId-000000000001",
        CurrentDeliveryStreamVersionId="1",
        ExtendedS3DestinationUpdate={"BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 0}},
    )
    lake.put(b"x" * 1_024_000, b"y" * 30_000)
    [(key, content)] = lake.arrived().items()
    assert key.endswith(".json")
    assert content.startswith(b"{}\n[]\nxxx")


LIMITS: dict[str, tuple[str, list[bytes]]] = {
    "more than 500 records": ("ValidationException", [b"x"] * 501),
    "more than 4 MiB": ("InvalidArgumentException", [b"x" * 1_000_000] * 5),
    "a record of more than 1,000 KiB": ("ValidationException", [b"x" * 1_024_001]),
    "no record": ("ValidationException", []),
}


@pytest.mark.parametrize(("code", "records"), LIMITS.values(), ids=LIMITS)
def test_a_batch_is_refused_whole(lake_without_bucket: Any, refused: Any, code: str, records: list[bytes]) -> None:
    lake_without_bucket.stream()
    with refused(code):
        lake_without_bucket.firehose.put_record_batch(DeliveryStreamName="changes", Records=[{"Data": record} for record in records])


def test_a_missing_bucket_is_tried_again_until_it_is_there(lake_without_bucket: Any, clock: Any) -> None:
    """Truth: "Troubleshoot errors in Amazon Data Firehose": it keeps retrying until the retention period of 24 hours ends."""
    lake = lake_without_bucket
    lake.stream(BufferingHints={"SizeInMBs": 1, "IntervalInSeconds": 0}, CompressionFormat="GZIP")
    lake.put(b"patient\n")
    time.sleep(0.3)
    lake.make_bucket()
    for _ in range(3):
        clock.advance(timedelta(minutes=2))
    assert list(lake.arrived().values()) == [b"patient\n"]


def test_an_error_of_delivery_stands_in_the_stream_s_log(lake_without_bucket: Any) -> None:
    lake = lake_without_bucket
    logs = lake.aws.client("logs")
    logs.create_log_group(logGroupName="/firehose")
    logs.create_log_stream(logGroupName="/firehose", logStreamName="S3Delivery")
    logging = {"Enabled": True, "LogGroupName": "/firehose", "LogStreamName": "S3Delivery"}
    lake.stream(BufferingHints={"SizeInMBs": 1, "IntervalInSeconds": 0}, CloudWatchLoggingOptions=logging)
    lake.put(b"x")
    end = time.monotonic() + 10
    while not (events := logs.get_log_events(logGroupName="/firehose", logStreamName="S3Delivery")["events"]):
        assert time.monotonic() < end
        time.sleep(0.05)
    assert json.loads(events[0]["message"])["errorCode"] == "S3.NoSuchBucket"


@pytest.mark.slow
def test_a_burst_beyond_the_limit_is_slowed_down_and_retries_deliver_all(start_server: Any, lake_on: Any) -> None:
    """Truth: S11's load: the limit at 5,000 records a second, 20,000 records at once, FailedPutCount, retries deliver all."""
    lake = lake_on(start_server(firehose_records_per_second_max=5000))
    lake.make_bucket()
    lake.stream(BufferingHints={"SizeInMBs": 1, "IntervalInSeconds": 2})
    waiting = [{"Data": b"%d\n" % number} for number in range(20_000)]
    slowed = 0
    begun = time.monotonic()
    while waiting:
        batch, waiting = waiting[:500], waiting[500:]
        answer = lake.firehose.put_record_batch(DeliveryStreamName="changes", Records=batch)
        refused = [record for record, response in zip(batch, answer["RequestResponses"], strict=True) if "ErrorCode" in response]
        assert answer["FailedPutCount"] == len(refused)
        assert all(response.get("ErrorMessage", "Slow down.") == "Slow down." for response in answer["RequestResponses"])
        slowed += len(refused)
        waiting += refused
    assert slowed > 0
    assert time.monotonic() - begun > 2.5  # 5,000 at once, 15,000 in three seconds more
    found = lake.arrived(until=lambda objects: sum(len(body.splitlines()) for body in objects.values()) >= 20_000)
    assert Counter(b"".join(found.values()).splitlines()) == Counter(b"%d" % number for number in range(20_000))


def test_a_single_put_beyond_the_limit_is_slowed_down(start_server: Any, lake_on: Any, refused: Any) -> None:
    lake = lake_on(start_server(firehose_records_per_second_max=1))
    lake.stream()
    lake.put(b"first")
    with refused("ServiceUnavailableException", "Slow down."):
        lake.put(b"second")


def test_a_buffer_survives_a_restart_and_keeps_its_deadline(start_server: Any, lake_on: Any) -> None:
    first = start_server()
    lake = lake_on(first)
    lake.make_bucket()
    lake.stream(CompressionFormat="GZIP", Prefix="CDC/", BufferingHints={"SizeInMBs": 5, "IntervalInSeconds": 60})
    lake.put(b"before\n")
    first.stop()
    second = start_server()
    lake = lake_on_again(lake, second)
    lake.put(b"after\n")
    second.call(second.home.advance(timedelta(seconds=61)))
    assert list(lake.arrived().values()) == [b"before\nafter\n"]


def lake_on_again(lake: Any, server: Any) -> Any:
    """The same lake, reached at another server."""
    aws = type(lake.aws)(server.endpoint_url, lake.aws.account)
    lake.aws, lake.firehose, lake.s3 = aws, aws.client("firehose"), aws.client("s3")
    return lake


@pytest.mark.slow
def test_seventy_thousand_single_puts_arrive_once_each(start_server: Any, lake_on: Any) -> None:
    """In process, since a boto3 client would take minutes: the operation is the same."""
    server = start_server()
    lake = lake_on(server)
    lake.make_bucket()
    lake.stream(CompressionFormat="GZIP", BufferingHints={"SizeInMBs": 1, "IntervalInSeconds": 60})
    lines = [b"%d,Music,10.00,2,1997-01-05 00:00:00,WA,Free,Other\n" % number for number in range(70_000)]

    async def put_all() -> None:
        client = server.home.context(account=lake.aws.account, region="us-east-1", service="firehose").client("firehose")
        for line in lines:
            await client.put_record(DeliveryStreamName="changes", Record={"Data": line})
            await asyncio.sleep(0)

    server.call(put_all())
    server.call(server.home.advance(timedelta(seconds=61)))
    found = lake.arrived(until=lambda objects: sum(len(body.splitlines()) for body in objects.values()) >= 70_000)
    assert Counter(b"".join(found.values()).splitlines(keepends=True)) == Counter(lines)


def test_records_that_no_bucket_took_for_a_day_are_given_up(start_server: Any, lake_on: Any) -> None:
    """Truth: PutRecord in the API reference: "stored for 24 hours … If the destination is unreachable for more …, no longer available"."""
    server = start_server()
    lake = lake_on(server)
    lake.stream(BufferingHints={"SizeInMBs": 1, "IntervalInSeconds": 0})
    lake.put(b"too late\n")
    time.sleep(0.3)
    server.call(server.home.advance(timedelta(hours=25)))
    end = time.monotonic() + 10
    while server.scan(deliveries):
        assert time.monotonic() < end
        time.sleep(0.05)
    assert server.call(server.home.store.range(chunks)) == []
    lake.make_bucket()
    server.call(server.home.advance(timedelta(hours=1)))
    time.sleep(0.3)
    assert lake.objects() == {}
