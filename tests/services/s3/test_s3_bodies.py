"""Bodies on disk: what survives a restart, what a crash leaves, what an engine reads in place. Truth: DESIGN.md §6."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import boto3
import pytest

from headwater.aws.faults import Fault, fault
from headwater.aws.wire import Stream
from headwater.kernel.client import Client
from headwater.kernel.identity import root_of
from headwater.services.s3 import bodies

BIG = os.urandom(100_000)
ACCOUNT = "123456789012"


def client_of(server: Any) -> Any:
    keys = {"aws_access_key_id": ACCOUNT, "aws_secret_access_key": "test", "region_name": "us-east-1"}
    return boto3.client("s3", endpoint_url=server.endpoint_url, **keys)


def files_of(home: Path) -> set[Path]:
    return set((home / "s3" / "bodies").glob("*/*"))


async def settled(home: Path, expected: Callable[[set[Path]], bool]) -> set[Path]:
    """Removal happens behind the answer: the files once `expected` holds."""
    async with asyncio.timeout(5):
        while not expected(files_of(home)):
            await asyncio.sleep(0.01)
    return files_of(home)


def wait_for(home: Path, expected: Callable[[set[Path]], bool]) -> set[Path]:
    return asyncio.run(settled(home, expected))


def test_everything_is_there_after_a_restart(start_server: Any, tmp_path: Path) -> None:
    server = start_server()
    s3 = client_of(server)
    s3.create_bucket(Bucket="kept")
    s3.put_bucket_versioning(Bucket="kept", VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket="kept", Key="k", Body=b"small", Metadata={"a": "b"})["VersionId"]
    s3.put_object(Bucket="kept", Key="k", Body=BIG)
    upload = s3.create_multipart_upload(Bucket="kept", Key="parts")["UploadId"]
    part = s3.upload_part(Bucket="kept", Key="parts", UploadId=upload, PartNumber=1, Body=BIG)
    s3.close()
    server.stop()

    s3 = client_of(start_server())
    assert s3.get_object(Bucket="kept", Key="k")["Body"].read() == BIG
    old = s3.get_object(Bucket="kept", Key="k", VersionId=first)
    assert (old["Body"].read(), old["Metadata"]) == (b"small", {"a": "b"})
    third = s3.put_object(Bucket="kept", Key="k", Body=b"third")["VersionId"]
    assert s3.list_object_versions(Bucket="kept")["Versions"][0]["VersionId"] == third
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    s3.complete_multipart_upload(Bucket="kept", Key="parts", UploadId=upload, MultipartUpload=parts)
    assert s3.get_object(Bucket="kept", Key="parts")["Body"].read() == BIG
    s3.close()


def test_what_a_crash_leaves_is_swept_and_nothing_else(start_server: Any, tmp_path: Path) -> None:
    server = start_server()
    s3 = client_of(server)
    s3.create_bucket(Bucket="swept")
    s3.put_bucket_versioning(Bucket="swept", VersioningConfiguration={"Status": "Enabled"})
    for _ in range(2):
        s3.put_object(Bucket="swept", Key="k", Body=BIG)
    upload = s3.create_multipart_upload(Bucket="swept", Key="parts")["UploadId"]
    s3.upload_part(Bucket="swept", Key="parts", UploadId=upload, PartNumber=1, Body=BIG)
    s3.close()
    server.stop()
    home = server.settings.home
    named = files_of(home)
    assert len(named) == 3

    folder = next(iter(named)).parent
    stray = folder / f"{folder.name}{'0' * 30}"
    stray.write_bytes(b"half a body")
    (home / "s3" / "open").touch()  # as after a kill
    start_server()
    assert wait_for(home, lambda files: stray not in files) == named


def test_bodies_that_nobody_names_are_removed(start_server: Any) -> None:
    server = start_server()
    home = server.settings.home
    s3 = client_of(server)
    s3.create_bucket(Bucket="removed")
    for _ in range(3):
        s3.put_object(Bucket="removed", Key="k", Body=BIG)
    wait_for(home, lambda files: len(files) == 1)
    s3.delete_object(Bucket="removed", Key="k")
    wait_for(home, lambda files: not files)
    upload = s3.create_multipart_upload(Bucket="removed", Key="k")["UploadId"]
    part = s3.upload_part(Bucket="removed", Key="k", UploadId=upload, PartNumber=1, Body=BIG)
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    s3.complete_multipart_upload(Bucket="removed", Key="k", UploadId=upload, MultipartUpload=parts)
    wait_for(home, lambda files: len(files) == 1)
    s3.close()


def test_a_reader_that_has_begun_reads_to_the_end(s3: Any, bucket: str) -> None:
    body = os.urandom(8 * 1024 * 1024)
    s3.put_object(Bucket=bucket, Key="k", Body=body)
    stream = s3.get_object(Bucket=bucket, Key="k")["Body"]
    start = stream.read(1000)
    s3.put_object(Bucket=bucket, Key="k", Body=b"other")
    s3.delete_object(Bucket=bucket, Key="k")
    assert start + stream.read() == body


@pytest.mark.http
@pytest.mark.parametrize("size", [0, 5, 100_000])
def test_an_engine_reads_an_object_in_place(s3: Any, bucket: str, size: int) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=BIG[:size])
    path = in_place(s3, bucket, "k")
    assert path.read_bytes() == BIG[:size]
    s3.put_object(Bucket=bucket, Key="k", Body=b"other")
    assert path.read_bytes() == BIG[:size], "it may not have been opened yet"
    assert in_place(s3, bucket, "k").read_bytes() == b"other"


def in_place(s3: Any, bucket: str, key: str) -> Path:
    def ask(request: Any, **_: Any) -> None:
        request.headers["x-headwater-in-place"] = "1"

    s3.meta.events.register("before-sign.s3.HeadObject", ask)
    answer = s3.head_object(Bucket=bucket, Key=key)
    return Path(answer["ResponseMetadata"]["HTTPHeaders"]["x-headwater-file"])


# -- bodies that break off -------------------------------------------------------------------------------------------------


async def broken(size: int) -> AsyncIterator[bytes]:
    for _ in range(size // 10_000):
        yield bytes(10_000)
    raise fault("SignatureDoesNotMatch", "The last chunk's signature is wrong.")


@pytest.mark.parametrize("size", [10_000, 4_000_000])
def test_of_a_body_that_proves_wrong_nothing_is_kept(start_server: Any, size: int) -> None:
    """A stream that verifies raises at its end; what was written until then goes."""
    server = start_server()

    async def attempt() -> None:
        client = Client(server.home, "s3", root_of(ACCOUNT), "us-east-1")
        await client.create_bucket(Bucket="broken")
        with pytest.raises(Fault):
            await client.put_object(Bucket="broken", Key="k", Body=Stream(broken(size), size))
        assert (await client.list_objects_v2(Bucket="broken"))["KeyCount"] == 0

    server.call(attempt())
    assert not files_of(server.settings.home)


def test_in_process_a_body_of_unknown_length_is_taken_as_it_comes(start_server: Any) -> None:
    server = start_server()

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(30):
            yield bytes(100_000)

    async def attempt() -> None:
        client = Client(server.home, "s3", root_of(ACCOUNT), "us-east-1")
        await client.create_bucket(Bucket="streamed")
        await client.put_object(Bucket="streamed", Key="k", Body=Stream(pieces()))
        got = await client.get_object(Bucket="streamed", Key="k")
        assert await got["Body"].read() == bytes(3_000_000)

    server.call(attempt())


def test_more_than_five_gibibytes_are_refused_before_they_are_read(start_server: Any) -> None:
    server = start_server()

    async def never() -> AsyncIterator[bytes]:
        raise AssertionError("it was read")
        yield b""

    async def attempt() -> None:
        client = Client(server.home, "s3", root_of(ACCOUNT), "us-east-1")
        await client.create_bucket(Bucket="long")
        with pytest.raises(Fault) as caught:
            await client.put_object(Bucket="long", Key="k", Body=Stream(never(), bodies.SINGLE_PUT_BYTES_MAX + 1))
        assert caught.value.code == "EntityTooLarge"

    server.call(attempt())
