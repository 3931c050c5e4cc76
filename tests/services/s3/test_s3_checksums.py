"""Checksums. Truth: recorded answers of AWS (TestS3PutObjectChecksum), and the algorithms' published check values of "123456789"."""

import zlib
from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.aws.checksums import checksum, hasher, text_of
from headwater.services.s3 import checksums

CHECK = {  # of b"123456789"; the CRCs from the catalogue of parametrised CRCs, the XXHASH family from xxhsum
    "CRC32": "cbf43926",
    "CRC32C": "e3069283",
    "CRC64NVME": "ae8b14860a799888",
    "SHA1": "f7c3bc1d808e04732adf679965ccc34ca7ae3441",
    "MD5": "25f9e794323b453885f5181f1b624d0b",
    "XXHASH64": "8cb841db40e6ae83",
}
RECORDED = {  # of b"test-checksum", from test_s3_get_object_checksum
    "CRC32": "lVk/nw==",
    "CRC32C": "Fz3epA==",
    "SHA1": "jbXkHAsXUrubtL3dqDQ4w+7WXc0=",
    "SHA256": "1YQo81vx2VFUl0q5ccWISq8AkSBQQ0WO80S82TmfdIQ=",
}


@pytest.mark.parametrize(("algorithm", "digest"), CHECK.items(), ids=CHECK)
def test_an_algorithm_gives_its_check_value(algorithm: str, digest: str) -> None:
    assert checksum(algorithm, b"123456789") == b64encode(bytes.fromhex(digest)).decode()


@given(st.lists(st.binary(max_size=50), max_size=6), st.sampled_from(sorted(checksums.SIZES)))
def test_a_running_checksum_is_that_of_the_whole(pieces: list[bytes], algorithm: str) -> None:
    state = hasher(algorithm.lower())
    for piece in pieces:
        state.update(piece)
    assert text_of(state) == checksum(algorithm, b"".join(pieces))
    assert len(state.digest()) == checksums.SIZES[algorithm]


@given(st.lists(st.binary(max_size=50), min_size=1, max_size=6), st.sampled_from(["CRC32", "CRC32C", "CRC64NVME"]))
def test_the_crcs_of_parts_join_to_that_of_the_whole(parts: list[bytes], algorithm: str) -> None:
    pairs = [(checksum(algorithm, part), len(part)) for part in parts]
    assert checksums.joined(algorithm, pairs) == checksum(algorithm, b"".join(parts))


@pytest.mark.http
@pytest.mark.parametrize(("algorithm", "expected"), RECORDED.items(), ids=RECORDED)
def test_the_checksum_that_was_sent_is_kept_and_shown(s3: Any, bucket: str, algorithm: str, expected: str) -> None:
    name = f"Checksum{algorithm}"
    assert s3.put_object(Bucket=bucket, Key="k", Body=b"test-checksum", ChecksumAlgorithm=algorithm)[name] == expected
    assert name not in s3.head_object(Bucket=bucket, Key="k")
    for operation in (s3.get_object, s3.head_object):
        answer = operation(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
        assert (answer[name], answer["ChecksumType"]) == (expected, "FULL_OBJECT")
    assert s3.list_objects_v2(Bucket=bucket)["Contents"][0]["ChecksumAlgorithm"] == [algorithm]


def test_an_object_without_a_checksum_gets_a_crc64(aws: Any, bucket: str) -> None:
    """test_s3_checksum_no_automatic_sdk_calculation."""
    from botocore.config import Config

    s3 = aws.client("s3", config=Config(request_checksum_calculation="when_required"))
    assert s3.put_object(Bucket=bucket, Key="k", Body=b"test data..")["ChecksumCRC64NVME"] == "qUVrWYOrIAM="


@pytest.mark.parametrize("size", [11, 100_000, 3_000_000])
def test_a_checksum_behind_a_streamed_body_is_checked(aws: Any, bucket: str, size: int) -> None:
    """The way of today's SDKs over TLS, and of those that stream: aws-chunked, the checksum in the trailer."""
    import requests

    body = bytes(size)
    good = b64encode(zlib.crc32(body).to_bytes(4, "big")).decode()
    for value, status in ((good, 200), ("AAAAAA==", 400)):
        answer = _chunked(requests, aws, bucket, body, value)
        assert answer.status_code == status, answer.text
    assert "<Code>BadDigest</Code>" in answer.text
    assert aws.client("s3").head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")["ChecksumCRC32"] == good


def _chunked(requests: Any, aws: Any, bucket: str, body: bytes, checksum: str) -> Any:
    from botocore.auth import S3SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    class Auth(S3SigV4Auth):  # type: ignore[misc]
        def payload(self, request: Any) -> str:
            return "STREAMING-UNSIGNED-PAYLOAD-TRAILER"

    chunks = [body[at : at + 65_536] for at in range(0, len(body), 65_536)]
    framed = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    framed += b"0\r\nx-amz-checksum-crc32:%b\r\n\r\n" % checksum.encode()
    headers = {
        "x-amz-trailer": "x-amz-checksum-crc32",
        "x-amz-decoded-content-length": str(len(body)),
        "content-encoding": "aws-chunked",
    }
    request = AWSRequest("PUT", f"{aws.endpoint_url}/{bucket}/k", headers=headers, data=framed)
    Auth(Credentials(aws.account, "test"), "s3", "us-east-1").add_auth(request)
    return requests.put(request.url, data=framed, headers=dict(request.headers), timeout=10)


def test_two_checksums_are_one_too_many(s3: Any, bucket: str, refused: Any) -> None:
    with refused("InvalidRequest", "single x-amz-checksum- header"):
        s3.put_object(Bucket=bucket, Key="k", Body=b"x", ChecksumCRC32="jNwbzQ==", ChecksumCRC32C="AAAAAA==")


@pytest.mark.http
def test_a_checksum_that_was_promised_must_come(s3: Any, bucket: str, refused: Any) -> None:
    def promise(request: Any, **_: Any) -> None:
        request.headers["x-amz-trailer"] = "x-amz-checksum-sha1"
        del request.headers["x-amz-checksum-crc32"]

    s3.meta.events.register("before-sign.s3.PutObject", promise)
    with refused("MalformedTrailerError"):
        s3.put_object(Bucket=bucket, Key="k", Body=b"x")
