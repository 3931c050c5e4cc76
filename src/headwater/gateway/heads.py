"""The head of a response, as bytes: status line, Date, the response's own headers, and how long the body is.

A value that came from a request (S3 metadata, response-content-type) must not be able to end its line, so line ends in values
become spaces here, at the one place where heads are written.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Final

from headwater.aws.protocols.timestamps import rfc822
from headwater.aws.wire import Response, Stream
from headwater.kernel.clock import Clock

BODILESS: Final = frozenset({204, 304})
STATUS_LINES: Final = {status.value: f"HTTP/1.1 {status.value} {status.phrase}" for status in HTTPStatus}
CLOSE: Final = "Connection: close"
CHUNKED: Final = "Transfer-Encoding: chunked"
CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


class DateLine:
    """The Date header, written anew once a second."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._clock = Clock()
        self._until = 0.0
        self._line = ""

    def __call__(self) -> str:
        now = self._loop.time()
        if now >= self._until:
            self._line = f"Date: {rfc822(self._clock.machine())}"
            self._until = now + 1
        return self._line


def head(response: Response, date: str, *, close: bool, chunked: bool) -> bytes:
    """Everything before the body. A stream of unknown length is `chunked`, or ends with the connection."""
    status = response.status
    lines = [STATUS_LINES.get(status) or f"HTTP/1.1 {status} Unknown", date]
    measured = status in BODILESS
    for name, value in response.headers:
        lines.append(f"{name}: {value}")
        if len(name) == 14 and name.lower() == "content-length":
            measured = True
    if not measured:
        body = response.body
        length = body.length if isinstance(body, Stream) else len(body)
        if length is not None:
            lines.append(f"Content-Length: {length}")
        elif chunked:
            lines.append(CHUNKED)
    if close:
        lines.append(CLOSE)
    text = "\r\n".join(lines)
    if text.count("\n") != len(lines) - 1 or text.count("\r") != len(lines) - 1:
        text = "\r\n".join(line.replace("\r", " ").replace("\n", " ") for line in lines)
    return text.encode("latin-1", "replace") + b"\r\n\r\n"


def refusal(status: int) -> Response:
    """What is answered to something that is not a request, or fails before it can be one."""
    return Response(status, [("Content-Type", "text/plain")], HTTPStatus(status).phrase.encode())
