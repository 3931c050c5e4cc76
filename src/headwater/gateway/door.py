"""The door: one function that serves HTTP. uvicorn (httptools, uvloop) stands behind it and nowhere else.

Small bodies are read before the walk begins, so that most operations never wait; long ones are handed on as streams, and the
client is asked for them (100-continue) only when somebody reads.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, Final

import uvicorn

from headwater.aws.wire import Request, Response, Stream

SMALL_BODY_BYTES_MAX: Final = 1024 * 1024
KEEP_ALIVE_S: Final = 75
BACKLOG: Final = 2048

Walk = Callable[[Request, str], Awaitable[Response]]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class ClientGone(Exception):
    """The client closed the connection in the middle of its body."""


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: the program has its own."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:  # type: ignore[explicit-override]  # typing.override came with Python 3.12
        yield


async def serve(walk: Walk, listener: socket.socket, stop: asyncio.Event) -> None:
    """Answer requests on `listener` until `stop` is set; then let the running ones finish within a grace."""
    config = uvicorn.Config(
        _application(walk),
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=5,
        backlog=BACKLOG,
        h11_max_incomplete_event_size=None,
    )
    server = _Server(config)
    async with asyncio.TaskGroup() as tasks:
        serving = tasks.create_task(server.serve(sockets=[listener]), name="http")
        stopping = tasks.create_task(stop.wait(), name="stop http")
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        stopping.cancel()


def _application(walk: Walk) -> Callable[[dict[str, Any], Receive, Send], Awaitable[None]]:
    async def application(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        headers: dict[str, str] = {}
        for raw_name, raw_value in scope["headers"]:
            name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
            headers[name] = f"{headers[name]},{value}" if name in headers else value
        body = await _body(headers, receive)
        path = scope["raw_path"].decode("latin-1")
        client = scope["client"]
        request = Request(scope["method"], path, scope["query_string"].decode("latin-1"), headers, body)
        response = await walk(request, client[0] if client else "")
        await _send(response, send)

    return application


async def _body(headers: dict[str, str], receive: Receive) -> bytes | Stream:
    length = headers.get("content-length")
    if length is None and "transfer-encoding" not in headers:
        return b""
    if length is not None and length.isdigit() and int(length) <= SMALL_BODY_BYTES_MAX:
        if length == "0":
            return b""
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        if not message.get("more_body", False):
            whole: bytes = message.get("body", b"")
            return whole
        first: bytes = message["body"]
        return first + b"".join([piece async for piece in _pieces(receive)])
    return Stream(_pieces(receive), int(length) if length is not None and length.isdigit() else None)


async def _pieces(receive: Receive) -> AsyncIterator[bytes]:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        piece = message.get("body", b"")
        if piece:
            yield piece
        if not message.get("more_body", False):
            return


async def _send(response: Response, send: Send) -> None:
    headers = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in response.headers]
    body = response.body
    has_length = any(name.lower() == "content-length" for name, _ in response.headers)
    if isinstance(body, bytes):
        if not has_length and response.status not in {204, 304}:
            headers.append((b"content-length", str(len(body)).encode()))
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})
        return
    if body.length is not None and not has_length:
        headers.append((b"content-length", str(body.length).encode()))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    async for piece in body:
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})
