"""Bodies that prove themselves as they pass: `aws-chunked` framing taken off, chunk signatures and checksums verified.

Today's SDKs send S3 uploads so by default (STREAMING-UNSIGNED-PAYLOAD-TRAILER over TLS, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER
without). The framing is a machine without I/O; `verified_body` puts it around a stream. Whoever keeps the bytes must not believe
them before the end was reached without a Fault.
Source: docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html and sigv4-streaming-trailers.html
"""

import hmac
import re
from collections.abc import AsyncIterator
from hashlib import sha256
from typing import Any, Final, Literal

from headwater.aws.checksums import Checks, malformed_trailer
from headwater.aws.faults import Fault, fault
from headwater.aws.signature import EMPTY_SHA256, Authorization, signing_key
from headwater.aws.signature_faults import refused
from headwater.aws.wire import Request, Stream

LINE_BYTES_MAX: Final = 4096
CHUNK_BYTES_MAX: Final = 5 * 1024**3
_CHUNK: Final = re.compile(rb"([0-9a-fA-F]{1,16})(?:;chunk-signature=([0-9a-f]{64}))?")
_STREAMING: Final = {
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD": (True, False),  # (chunks are signed, a trailer follows)
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER": (True, True),
    "STREAMING-UNSIGNED-PAYLOAD-TRAILER": (False, True),
}


def verified_body(request: Request, authorization: Authorization | None, secret: str | None, checks: Checks | None = None) -> Stream:
    """The request's body without framing, which raises at the latest at its end if anything said of it is untrue.

    `.trailers` then has the checksums that the client gave and that hold. `secret` is the signer's, needed for signed chunks.
    """
    source = request.body if isinstance(request.body, Stream) else Stream.of(request.body)
    checks = Checks(request) if checks is None else checks
    said = request.headers.get("x-amz-content-sha256", "")
    if not said.startswith("STREAMING-"):
        if not checks:
            return source
        trailers: dict[str, str] = {}
        return Stream(_checked(source, checks, trailers), source.length, trailers)
    unframing = Unframing(*_framing(said, authorization, secret))
    length = _decoded_length(request)
    trailers = {}
    return Stream(_unframed(source, unframing, checks, length, trailers), length, trailers)


def _framing(said: str, authorization: Authorization | None, secret: str | None) -> "tuple[ChunkSignatures | None, bool]":
    if said not in _STREAMING:
        raise fault("InvalidRequest", f"The value of x-amz-content-sha256 header is invalid: {said}")
    signed, trailing = _STREAMING[said]
    if not signed:
        return None, trailing
    if authorization is None:
        raise refused("s3", "missing")
    if secret is None:
        return None, trailing  # a root's own key, whose signatures nobody checks: the framing is still taken off
    return ChunkSignatures(authorization, secret), trailing


def _decoded_length(request: Request) -> int:
    text = request.headers.get("x-amz-decoded-content-length", "")
    if not text.isdecimal():
        raise fault("MissingContentLength", "You must provide the Content-Length HTTP header.")
    return int(text)


async def _checked(source: Stream, checks: Checks, trailers: dict[str, str]) -> AsyncIterator[bytes]:
    async for data in source:
        checks.update(data)
        yield data
    trailers.update(checks.finish(source.trailers))


async def _unframed(source: Stream, unframing: "Unframing", checks: Checks, length: int, trailers: dict[str, str]) -> AsyncIterator[bytes]:
    received = 0
    async for data in source:
        for piece in unframing.feed(data):
            received += len(piece)
            if received > length:
                raise _incomplete()
            checks.update(piece)
            yield piece
    if not unframing.ended or received != length:
        raise _incomplete()
    trailers.update(checks.finish(unframing.trailers))


def _incomplete() -> Fault:
    return fault("IncompleteBody", "You did not provide the number of bytes specified by the Content-Length HTTP header")


class ChunkSignatures:
    """The chain of signatures through a body: each covers its chunk and the signature before it, the first being the request's."""

    def __init__(self, authorization: Authorization, secret: str) -> None:
        self._key = signing_key(secret, authorization.date, authorization.region, authorization.service)
        self._prefix = f"{authorization.timestamp}\n{authorization.scope}\n"
        self._previous = authorization.signature

    def check_chunk(self, signature: str, digest: str) -> None:
        self._check(signature, f"AWS4-HMAC-SHA256-PAYLOAD\n{self._prefix}{self._previous}\n{EMPTY_SHA256}\n{digest}")

    def check_trailer(self, signature: str, digest: str) -> None:
        self._check(signature, f"AWS4-HMAC-SHA256-TRAILER\n{self._prefix}{self._previous}\n{digest}")

    def _check(self, signature: str, to_sign: str) -> None:
        wanted = hmac.digest(self._key, to_sign.encode(), "sha256").hex()
        if not hmac.compare_digest(wanted, signature):
            raise refused("s3", "mismatch", StringToSign=to_sign, SignatureProvided=signature, StringToSignBytes=to_sign.encode().hex(" "))
        self._previous = signature


class Unframing:
    """Takes `size[;chunk-signature=…] CRLF bytes CRLF … 0 CRLF trailers CRLF` apart, whatever pieces it comes in."""

    def __init__(self, signatures: ChunkSignatures | None, trailing: bool) -> None:
        self.trailers: dict[str, str] = {}
        self._signatures = signatures
        self._trailing = trailing
        self._state: Literal["size", "data", "gap", "trailer", "end"] = "size"
        self._line = b""
        self._left = 0
        self._signature = ""
        self._digest: Any = None
        self._trailer_lines = b""

    @property
    def ended(self) -> bool:
        return self._state == "end"

    def feed(self, data: bytes) -> list[bytes]:
        pieces: list[bytes] = []
        position = 0
        while position < len(data):
            if self._state == "data":
                piece = data if position == 0 and len(data) <= self._left else data[position : position + self._left]
                position += len(piece)
                self._take(piece)
                pieces.append(piece)
            else:
                position = self._read_line(data, position)
        return pieces

    def _take(self, piece: bytes) -> None:
        self._left -= len(piece)
        if self._digest is not None:
            self._digest.update(piece)
        if self._left == 0:
            self._close_chunk()
            self._state = "gap"

    def _close_chunk(self) -> None:
        if self._signatures is not None:
            self._signatures.check_chunk(self._signature, self._digest.hexdigest())

    def _read_line(self, data: bytes, position: int) -> int:
        end = data.find(b"\n", position)
        if end < 0:
            self._line += data[position:]
            if len(self._line) > LINE_BYTES_MAX:
                raise _not_framed()
            return len(data)
        line = self._line + data[position:end]
        self._line = b""
        if len(line) > LINE_BYTES_MAX:
            raise _not_framed()
        self._on_line(line.removesuffix(b"\r"))
        return end + 1

    def _on_line(self, line: bytes) -> None:
        if self._state == "size":
            self._open_chunk(line)
        elif self._state == "gap":
            if line:
                raise _not_framed()
            self._state = "size"
        elif self._state == "trailer":
            self._on_trailer(line)
        elif line:
            raise _not_framed()

    def _open_chunk(self, line: bytes) -> None:
        found = _CHUNK.fullmatch(line)
        if found is None or (self._signatures is not None and found.group(2) is None):
            raise _not_framed()
        self._left = int(found.group(1), 16)
        if self._left > CHUNK_BYTES_MAX:
            raise _not_framed()
        if self._signatures is not None:
            self._signature = found.group(2).decode()
            self._digest = sha256()
        if self._left:
            self._state = "data"
            return
        self._close_chunk()
        self._state = "trailer" if self._trailing else "end"

    def _on_trailer(self, line: bytes) -> None:
        if not line:
            if self._signatures is None or not self._trailer_lines:  # a signed trailer ends with its signature
                self._state = "end"
            return
        try:
            name, colon, value = line.decode("ascii").partition(":")
        except UnicodeDecodeError as error:
            raise malformed_trailer() from error
        if not colon or len(self._trailer_lines) > LINE_BYTES_MAX:
            raise malformed_trailer()
        name, value = name.strip().lower(), value.strip()
        if name == "x-amz-trailer-signature" and self._signatures is not None:
            self._signatures.check_trailer(value, sha256(self._trailer_lines).hexdigest())
            self._state = "end"
            return
        if name == "x-amz-trailer-signature":
            return
        self.trailers[name] = value
        self._trailer_lines += f"{name}:{value}\n".encode()


def _not_framed() -> Fault:
    return fault("IncompleteBody", "The request body terminated unexpectedly")
