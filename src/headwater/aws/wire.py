"""What crosses the door: requests, responses and streams, as values that know no server and no socket.

The gateway makes a `Request` of what its HTTP server read; a codec makes a `Response` that the server writes. Paths and query
strings stay exactly as they came (percent-encoded): signatures are over those bytes, and S3 keys may hold any of them.
"""

from collections.abc import AsyncIterable, AsyncIterator
from typing import Self

import msgspec


class Stream:
    """Bulk bytes that arrive or leave in pieces, to be read once.

    `trailers` are filled in when the end is reached. A wrapper that verifies raises its Fault there at the latest, and so a
    reader that keeps what it read must believe it only after the end.
    """

    __slots__ = ("_chunks", "length", "trailers", "whole")

    def __init__(self, chunks: AsyncIterable[bytes], length: int | None = None, trailers: dict[str, str] | None = None) -> None:
        self._chunks = chunks
        self.length = length
        self.trailers: dict[str, str] = {} if trailers is None else trailers
        self.whole: bytes | None = None

    @classmethod
    def of(cls, content: bytes) -> Self:
        """A stream of bytes that are already here; `whole` has them for those who need no pieces."""
        stream = cls(_once(content), len(content))
        stream.whole = content
        return stream

    def __aiter__(self) -> AsyncIterator[bytes]:
        return aiter(self._chunks)

    async def read(self) -> bytes:
        """All that is left, in one piece."""
        if self.whole is not None:
            return self.whole
        return b"".join([chunk async for chunk in self])


async def _once(content: bytes) -> AsyncIterator[bytes]:
    if content:
        yield content


class Request(msgspec.Struct):
    """`path` and `query` are raw; `headers` are lower-case names with repeated headers joined by a comma."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes | Stream = b""


class Response(msgspec.Struct):
    status: int
    headers: list[tuple[str, str]]
    body: bytes | Stream = b""
