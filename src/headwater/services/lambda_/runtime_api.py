"""The Lambda Runtime API, the HTTP that a worker process speaks: ask for the next event, post its response or its error.

Each worker has a listener of its own, so that nobody has to say who he is (the API has no field for it), and on it the worker is
the only client. This is the hot path of a warm invocation, hence the bare Protocol on httptools, one write an answer and
TCP_NODELAY (a delayed acknowledgement would cost 40 ms). Nothing here knows functions or pools: the worker is behind `Host`.
Source: docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import asyncio
import base64
import socket
from collections.abc import Callable
from typing import Any, Final, Protocol, cast

import httptools

PREFIX: Final = b"/2018-06-01/runtime/"
BODY_BYTES_MAX: Final = 8 * 2**20  # more than any response may have: what is above is refused without being kept

SHORTEST_HEADER: Final = len(b"content-type")
"""Of those that say something here, but for one: what is shorter is not looked at."""
EXPECT: Final = b"expect"

_ACCEPTED: Final = b'HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{"status":"OK"}\n'


class Event(Protocol):
    """What a worker is given to do."""

    request_id: str
    payload: bytes
    headers: bytes  # header lines of this event beyond its id, each ended by CRLF


class Host(Protocol):
    """Who owns the worker at the other end of the connection."""

    def asks_next(self, connection: "RuntimeConnection") -> None: ...
    def responds(self, request_id: str, payload: bytes) -> bool: ...
    def fails(self, request_id: str, error: bytes) -> bool: ...
    def fails_to_start(self, error: bytes) -> None: ...
    def streams(self, connection: "RuntimeConnection", request_id: str, content_type: str) -> Callable[[bytes], None] | None: ...
    def has_streamed(self, request_id: str, error: bytes | None) -> bool: ...


class RuntimeConnection(asyncio.Protocol):
    """One worker's connection; the public part is `give`."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._parser: Any = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._url = b""
        self._body: list[bytes] = []
        self._body_bytes = 0
        self._mode = b""
        self._content_type = b""
        self._error: bytes | None = None
        self._asks_first = False
        self._sink: Callable[[bytes], None] | None = None

    @property
    def alive(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    def give(self, event: Event) -> None:
        """Answer the worker's question for the next event."""
        assert self._transport is not None
        self._transport.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nLambda-Runtime-Aws-Request-Id: %b\r\n%bContent-Length: %d\r\n\r\n%b"
            % (event.request_id.encode(), event.headers, len(event.payload), event.payload)
        )

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def hold(self, held: bool) -> None:
        """Read no further from the worker, or read on."""
        if self._transport is not None and not self._transport.is_closing():
            if held:
                self._transport.pause_reading()
            else:
                self._transport.resume_reading()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are of no asyncio class
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._answer(b"400 Bad Request", b'{"errorType":"InvalidRequest","errorMessage":"not HTTP"}')
            if self._transport is not None:
                self._transport.close()

    # What httptools calls.

    def on_message_begin(self) -> None:
        self._url = b""
        self._body.clear()
        self._body_bytes = 0
        self._mode = b""
        self._error = None

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Those of an answer that streams, in front of it and behind it."""
        if len(name) < SHORTEST_HEADER:
            if len(name) == len(EXPECT) and name.lower() == EXPECT:
                self._asks_first = True
            return
        name = name.lower()
        if name == b"lambda-runtime-function-response-mode":
            self._mode = value.lower()
        elif name == b"content-type":
            self._content_type = value
        elif name == b"lambda-runtime-function-error-body":
            self._error = value

    def on_headers_complete(self) -> None:
        if self._asks_first and self._transport is not None:  # curl, which would wait a second
            self._asks_first = False
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if self._mode == b"streaming" and (request_id := _answered(self._url)) is not None:
            self._sink = self._host.streams(self, request_id, self._content_type.decode("latin-1"))

    def on_body(self, body: bytes) -> None:
        if self._sink is not None:
            self._sink(body)
            return
        self._body_bytes += len(body)
        if self._body_bytes <= BODY_BYTES_MAX:
            self._body.append(body)

    def on_message_complete(self) -> None:
        path = self._url.removeprefix(PREFIX)
        if path == b"invocation/next":
            self._host.asks_next(self)
            return
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        parts = path.split(b"/")
        match parts:
            case [b"invocation", request_id, b"response"] if self._sink is not None:
                self._sink = None
                accepted = self._host.has_streamed(request_id.decode(), self._error)
            case [b"invocation", request_id, b"response"] if self._error is not None:
                accepted = self._host.fails(request_id.decode(), base64.b64decode(self._error))
            case [b"invocation", request_id, b"response"]:
                accepted = self._host.responds(request_id.decode(), body)
            case [b"invocation", request_id, b"error"]:
                accepted = self._host.fails(request_id.decode(), body)
            case [b"init", b"error"]:
                self._host.fails_to_start(body)
                accepted = True
            case _:
                self._answer(b"404 Not Found", b'{"errorType":"NotFound","errorMessage":"no such path in the Runtime API"}')
                return
        if not accepted:
            self._answer(b"400 Bad Request", b'{"errorType":"InvalidRequestID","errorMessage":"Invalid request ID"}')
        elif self._transport is not None:
            self._transport.write(_ACCEPTED)

    def _answer(self, status: bytes, body: bytes) -> None:
        if self._transport is not None:
            self._transport.write(
                b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body)
            )


def _answered(url: bytes) -> str | None:
    """The id of the event whose response is posted to this URL."""
    parts = url.removeprefix(PREFIX).split(b"/")
    return parts[1].decode() if len(parts) == 3 and parts[0] == b"invocation" and parts[2] == b"response" else None
