"""Uploads as boto3 really sends them, captured before they leave, and the signed chunks of AWS's documentation.

Truth: boto3 (framing, trailers, checksum headers); the worked examples of sigv4-streaming.html and sigv4-streaming-trailers.html,
which can be built again from their key and clock; sentences from recordings/s3.json.
"""

import io
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.aws.checksums import SIZES, checksum
from headwater.aws.chunked import verified_body
from headwater.aws.faults import Fault
from headwater.aws.signature import Authorization, parse_authorization, verify
from headwater.aws.wire import Request, Stream

SECRET = "a secret"
CONTENT = bytes(range(256)) * 9000  # more than two of boto3's chunks of 1 MiB


def captured(endpoint: str, config: Config | None = None, operation: str = "put_object", **params: Any) -> Request:
    """The request that boto3 would send: body, framing, headers and signature."""
    client = boto3.client("s3", "eu-west-1", endpoint_url=endpoint, aws_access_key_id="AKID", aws_secret_access_key=SECRET, config=config)
    seen: list[Request] = []

    def keep(request: Any, **_: Any) -> AWSResponse:
        parts = urlsplit(request.url)
        headers = {name.lower(): value.decode() if isinstance(value, bytes) else str(value) for name, value in request.headers.items()}
        headers.setdefault("host", parts.netloc)
        body = request.body.read() if hasattr(request.body, "read") else request.body or b""
        seen.append(Request(request.method, parts.path, parts.query, headers, body))
        return AWSResponse(request.url, 200, {}, Raw(b"<a/>"))

    client.meta.events.register("before-send.s3", keep)
    getattr(client, operation)(**params)
    client.close()
    return seen[0]


class Raw(io.BytesIO):
    def stream(self, **_: Any) -> list[bytes]:
        return [self.read()]


def authorized(request: Request) -> Authorization:
    authorization = parse_authorization(request)
    assert authorization is not None
    verify(request, authorization, SECRET, datetime.now(UTC))
    return authorization


def in_pieces(request: Request, size: int) -> Request:
    content = request.body
    assert isinstance(content, bytes)

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(content), size):
            yield content[start : start + size]

    return Request(request.method, request.path, request.query, request.headers, Stream(pieces(), len(content)))


ENDPOINTS = {"over TLS": "https://127.0.0.1:4566", "in the clear": "http://127.0.0.1:4566"}


# boto3 computes all of them but MD5
@pytest.mark.parametrize("algorithm", [None, *(name.upper() for name in SIZES if name != "md5")])
@pytest.mark.parametrize("endpoint", ENDPOINTS.values(), ids=ENDPOINTS)
async def test_an_upload_of_boto3_arrives_whole_with_its_checksum(endpoint: str, algorithm: str | None) -> None:
    more = {"ChecksumAlgorithm": algorithm} if algorithm else {}
    request = captured(endpoint, Bucket="b", Key="k", Body=io.BytesIO(CONTENT), **more)
    stream = verified_body(request, authorized(request), SECRET)
    assert stream.length == len(CONTENT)
    assert await stream.read() == CONTENT
    name = (algorithm or "CRC32").lower()
    assert stream.trailers == {f"x-amz-checksum-{name}": checksum(name, CONTENT)}


async def test_a_small_upload_of_bytes_arrives_whole() -> None:
    request = captured("https://127.0.0.1:4566", Bucket="b", Key="k", Body=b"")
    assert await verified_body(request, authorized(request), SECRET).read() == b""


async def test_a_body_that_says_nothing_of_itself_passes_untouched() -> None:
    request = Request("PUT", "/b/k", "", {"host": "h"}, b"content")
    stream = verified_body(request, None, None)
    assert stream.whole == b"content"


@pytest.mark.parametrize("size", [1, 7, 1000, 100_000])
async def test_framing_comes_off_in_whatever_pieces_it_arrives(size: int) -> None:
    request = captured("https://127.0.0.1:4566", Bucket="b", Key="k", Body=io.BytesIO(CONTENT[: size * 50]))
    assert await verified_body(in_pieces(request, size), None, None).read() == CONTENT[: size * 50]


def changed(request: Request, old: bytes, new: bytes) -> Request:
    assert isinstance(request.body, bytes)
    assert old in request.body
    request.body = request.body.replace(old, new)
    return request


def upload(endpoint: str = "https://127.0.0.1:4566", body: bytes = b"content", **more: Any) -> Request:
    return captured(endpoint, Bucket="b", Key="k", Body=io.BytesIO(body), **more)


def with_headers(request: Request, **headers: str | None) -> Request:
    for name, value in headers.items():
        if value is None:
            del request.headers[name.replace("_", "-")]
        else:
            request.headers[name.replace("_", "-")] = value
    return request


REFUSALS: dict[str, tuple[str, str, Callable[[], Request]]] = {
    "bytes changed under a trailing checksum": ("BadDigest", "The CRC32 you specified", lambda: changed(upload(), b"content", b"c0ntent")),
    "bytes changed under a header's checksum": ("XAmzContentSHA256Mismatch", "", lambda: changed(upload("http://127.0.0.1"), b"c", b"d")),
    "a checksum of another algorithm's size": (
        "InvalidRequest",
        "Value for x-amz-checksum-crc32 header is invalid.",
        lambda: with_headers(upload("http://127.0.0.1"), x_amz_checksum_crc32="AA=="),
    ),
    "two checksums": (
        "InvalidRequest",
        "Expecting a single",
        lambda: with_headers(upload("http://127.0.0.1"), x_amz_checksum_sha1=checksum("sha1", b"content")),
    ),
    "an unknown checksum": (
        "InvalidRequest",
        "unsupported",
        lambda: with_headers(upload("http://127.0.0.1"), x_amz_checksum_crc32=None, x_amz_checksum_crc7="AA=="),
    ),
    "a wrong MD5": ("BadDigest", "Content-MD5", lambda: with_headers(upload(), content_md5="1B2M2Y8AsgTpgAmY7PhCfg==")),
    "an impossible MD5": ("InvalidDigest", "Content-MD5", lambda: with_headers(upload(), content_md5="short")),
    "a body cut off": ("IncompleteBody", "", lambda: changed(upload(), b"0\r\nx-amz", b"")),
    "more bytes than were announced": ("IncompleteBody", "", lambda: with_headers(upload(), x_amz_decoded_content_length="6")),
    "no announced length": ("MissingContentLength", "", lambda: with_headers(upload(), x_amz_decoded_content_length=None)),
    "a chunk without a size": ("IncompleteBody", "", lambda: changed(upload(), b"7\r\n", b"x\r\n")),
    "an endless size": ("IncompleteBody", "", lambda: changed(upload(), b"7\r\n", b"7" * 5000)),
    "a trailer that is missing": (
        "MalformedTrailerError",
        "",
        lambda: changed(upload(), b"x-amz-checksum-crc32:", b"x-amz-something-else:"),
    ),
    "a trailer that nobody knows": ("InvalidRequest", "x-amz-trailer", lambda: with_headers(upload(), x_amz_trailer="x-amz-checksum-crc7")),
    "an unknown kind of streaming": (
        "InvalidRequest",
        "x-amz-content-sha256",
        lambda: with_headers(upload(), x_amz_content_sha256="STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD"),
    ),
    "signed chunks of nobody": (
        "AccessDenied",
        "",
        lambda: with_headers(upload(), x_amz_content_sha256="STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),
    ),
}


@pytest.mark.parametrize(("code", "sentence", "make"), REFUSALS.values(), ids=REFUSALS)
async def test_a_body_is_refused_for(code: str, sentence: str, make: Callable[[], Request]) -> None:
    with pytest.raises(Fault) as caught:
        await verified_body(make(), None, None).read()
    assert caught.value.code == code
    assert sentence in caught.value.message


DOCUMENTED_KEY = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
SEED = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"
CHUNKS = (
    ("ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648", b"a" * 65536),
    ("0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497", b"a" * 1024),
    ("b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9", b""),
)


def documented() -> tuple[Request, Authorization]:
    """The PUT of sigv4-streaming.html: 66,560 bytes of 'a' in chunks of 64 KiB."""
    body = b"".join(b"%x;chunk-signature=%s\r\n%s\r\n" % (len(data), signature.encode(), data) for signature, data in CHUNKS)
    headers = {"x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "x-amz-decoded-content-length": "66560"}
    who = Authorization("header", "AKIAIOSFODNN7EXAMPLE", "20130524", "us-east-1", "s3", [], SEED, "20130524T000000Z", None)
    return Request("PUT", "/examplebucket/chunkObject.txt", "", headers, body), who


async def test_the_documented_signed_chunks_verify() -> None:
    request, who = documented()
    assert await verified_body(request, who, DOCUMENTED_KEY).read() == b"a" * 66560


@pytest.mark.parametrize("old", [b"a" * 64, CHUNKS[1][0].encode(), CHUNKS[2][0].encode()])
async def test_a_signed_chunk_that_was_changed_is_refused(old: bytes) -> None:
    request, who = documented()
    assert isinstance(request.body, bytes)
    request.body = request.body.replace(old, old[:-1] + b"b")
    with pytest.raises(Fault, match="SignatureDoesNotMatch"):
        await verified_body(request, who, DOCUMENTED_KEY).read()


def documented_with_trailer(signature: str) -> tuple[Request, Authorization]:
    """The PUT of sigv4-streaming-trailers.html, with a CRC32C at its end."""
    chunks = (
        ("b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2", b"a" * 65536),
        ("1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7", b"a" * 1024),
    )
    body = b"".join(b"%x;chunk-signature=%s\r\n%s\r\n" % (len(data), signed.encode(), data) for signed, data in chunks)
    body += b"0;chunk-signature=2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992\r\n"
    body += b"x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:" + signature.encode() + b"\r\n\r\n"
    headers = {
        "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
        "x-amz-decoded-content-length": "66560",
        "x-amz-trailer": "x-amz-checksum-crc32c",
    }
    seed = "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e"
    who = Authorization("header", "AKIAIOSFODNN7EXAMPLE", "20130524", "us-east-1", "s3", [], seed, "20130524T000000Z", None)
    return Request("PUT", "/examplebucket/chunkObject.txt", "", headers, body), who


async def test_the_documented_signed_trailer_verifies() -> None:
    request, who = documented_with_trailer("d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435")
    stream = verified_body(request, who, DOCUMENTED_KEY)
    assert len(await stream.read()) == 66560
    assert stream.trailers == {"x-amz-checksum-crc32c": "sOO8/Q=="}


async def test_a_trailer_with_a_wrong_signature_is_refused() -> None:
    request, who = documented_with_trailer("0" * 64)
    with pytest.raises(Fault, match="SignatureDoesNotMatch"):
        await verified_body(request, who, DOCUMENTED_KEY).read()


async def test_the_framing_of_signed_chunks_comes_off_for_a_key_whose_secret_nobody_knows() -> None:
    request, who = documented()
    assert await verified_body(request, who, None).read() == b"a" * 66560
    request, who = documented_with_trailer("0" * 64)
    stream = verified_body(request, who, None)
    assert len(await stream.read()) == 66560
    assert stream.trailers == {"x-amz-checksum-crc32c": "sOO8/Q=="}


# The check values of the RevEng catalogue (reveng.sourceforge.io/crc-catalogue), of "123456789".
CHECK_VALUES = {"crc32": "cbf43926", "crc32c": "e3069283", "crc64nvme": "ae8b14860a799888"}


@pytest.mark.parametrize(("algorithm", "value"), CHECK_VALUES.items())
def test_the_cyclic_checksums_have_their_catalogued_values(algorithm: str, value: str) -> None:
    import base64

    assert base64.b64decode(checksum(algorithm, b"123456789")).hex() == value


@settings(max_examples=50, deadline=None)
@given(junk=st.binary(max_size=200), size=st.integers(1, 20))
async def test_any_bytes_are_either_framed_or_refused(junk: bytes, size: int) -> None:
    headers = {"x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "x-amz-decoded-content-length": "5"}
    request = in_pieces(Request("PUT", "/b/k", "", headers, junk), size)
    try:
        read = await verified_body(request, None, None).read()
    except Fault as refused:
        code = refused.code
    else:
        code = None
        assert len(read) == 5
    assert code in {None, "IncompleteBody", "MalformedTrailerError"}
