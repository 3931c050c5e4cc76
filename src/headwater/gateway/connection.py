"""One client's connection: bytes in, requests out to the walk, answers back in the order of the requests.

Two sides meet in a queue. The parser's side (`data_received` and the `on_` callbacks, called by httptools) makes requests of
bytes and never waits; the conversation's side (`_converse`, one task for a connection) takes one request at a time, walks it and
writes its answer, so that pipelined requests are answered in order by construction.

Small bodies are gathered before the walk begins, so that most operations never wait. A long one, or one that the client
wants to be asked for (100-continue), is handed on as a stream: asked for when somebody reads, held back when nobody does.
"""

from __future__ import annotations

import asyncio
from collections import deque
from functools import lru_cache
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import urlsplit

import httptools
import structlog

from headwater.aws.wire import Request, Response, Stream
from headwater.gateway.arriving import Arriving, ClientGone
from headwater.gateway.heads import BODILESS, CONTINUE, head, refusal

if TYPE_CHECKING:
    from headwater.gateway.door import Door

log = structlog.get_logger()

SMALL_BODY_BYTES_MAX: Final = 1024 * 1024
BUFFERED_BYTES_MAX: Final = 1024 * 1024
"""So much of a streamed body may wait for its reader; then the client is held back."""
DISCARDED_BYTES_MAX: Final = 64 * 1024 * 1024
"""So much of a body that nobody wants is read over before the connection is closed instead."""
HEAD_BYTES_MAX: Final = 64 * 1024
PIPELINED_MAX: Final = 16
IDLE_S: Final = 75.0
ARRIVAL_S: Final = 20.0
"""A head, or a small body, that has not arrived after so long never will."""
ONE_WRITE_BYTES_MAX: Final = 64 * 1024


class Unacceptable(Exception):
    """Raised inside the parser's callbacks: answered with `status`, and the connection ends."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Asked:
    """A request on its way to the walk, and what its answer must observe."""

    __slots__ = ("arriving", "keep_alive", "request")

    def __init__(self, request: Request, keep_alive: bool, arriving: Arriving | None) -> None:
        self.request = request
        self.keep_alive = keep_alive
        self.arriving = arriving


@lru_cache(512)
def _name(raw: bytes) -> str:
    return raw.decode("latin-1").lower()


class Connection(asyncio.Protocol):
    """See the module. `door` has what all connections share."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._loop = door.loop
        self._queue: deque[Asked | int] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._waiting_since: float | None = door.loop.time()
        self._full: asyncio.Future[None] | None = None
        self._lost = False
        self._refused = False
        self._stopping = False
        # of the message that is arriving
        self._url = b""
        self._headers: dict[str, str] = {}
        self._head_bytes = 0
        self._in_head = False
        self._midway = False
        self._pieces: list[bytes] = []
        self._arriving: Arriving | None = None
        self._discarded_bytes = 0
        self._held_back = False
        self._owes_continue = False
        self._unsent: list[bytes] = []

    # -- the transport's calls -----------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are not of asyncio's class
        peer = transport.get_extra_info("peername")
        self._source: str = peer[0] if peer else ""
        self._parser = httptools.HttpRequestParser(self)
        self.task = self._door.tasks.create_task(self._converse(), name="connection")
        self._door.connections.add(self)
        self._patience = self._loop.call_later(ARRIVAL_S, self._look)

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        try:
            self._parser.feed_data(data)
            if self._in_head:
                self._count_head(len(data))
        except httptools.HttpParserUpgrade as offered:
            rest = data[offered.args[0] :]  # an upgrade that nobody takes: go on in HTTP/1.1
            if rest:
                self.data_received(rest)
        except httptools.HttpParserError as error:
            self._refuse(error.__context__.status if isinstance(error.__context__, Unacceptable) else 400)
        except Unacceptable as error:
            self._refuse(error.status)

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = True
        self._door.asking.discard(self)
        self._patience.cancel()
        if self._arriving is not None:
            self._arriving.fail(ClientGone())
        if self._full is not None and not self._full.done():
            self._full.set_result(None)
        self._wake()

    def pause_writing(self) -> None:
        self._full = self._loop.create_future()

    def resume_writing(self) -> None:
        if self._full is not None and not self._full.done():
            self._full.set_result(None)
        self._full = None

    # -- the parser's calls --------------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        self._url = b""
        self._headers = {}
        self._head_bytes = 0
        self._in_head = self._midway = True
        if self._waiting_since is not None:
            self._waiting_since = self._loop.time()

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, raw_name: bytes, raw_value: bytes) -> None:
        if not self._in_head:
            return  # trailers of a chunked body: AWS's own stand inside the body
        self._head_bytes += len(raw_name) + len(raw_value)
        if self._head_bytes > HEAD_BYTES_MAX:
            raise Unacceptable(431)
        name, value = _name(raw_name), raw_value.decode("latin-1")
        headers = self._headers
        headers[name] = f"{headers[name]},{value}" if name in headers else value

    def on_headers_complete(self) -> None:
        self._in_head = False
        headers = self._headers
        self._count_head(len(self._url))
        length = headers.get("content-length")
        if length is None and "transfer-encoding" not in headers:
            return
        asks_first = headers.get("expect", "").lower() == "100-continue" and length != "0"
        if asks_first or length is None or int(length) > SMALL_BODY_BYTES_MAX:
            self._owes_continue = asks_first
            self._arriving = Arriving(self._let_in)
            self._enqueue(Stream(self._arriving, None if length is None else int(length)), self._arriving)

    def on_body(self, piece: bytes) -> None:
        arriving = self._arriving
        if arriving is None:
            self._pieces.append(piece)
            return
        self._owes_continue = False
        arriving.put(piece)
        if arriving.discarded:
            self._discarded_bytes += len(piece)
            if self._discarded_bytes > DISCARDED_BYTES_MAX:
                self._transport.abort()
        elif arriving.buffered >= BUFFERED_BYTES_MAX:
            self._hold_back()

    def on_message_complete(self) -> None:
        if self._arriving is not None:
            self._arriving.end()
            self._arriving = None
            return
        pieces = self._pieces
        if not pieces:
            self._enqueue(b"", None)
            return
        self._pieces = []
        self._enqueue(pieces[0] if len(pieces) == 1 else b"".join(pieces), None)

    def _enqueue(self, body: bytes | Stream, arriving: Arriving | None) -> None:
        self._midway = False
        path, _, query = self._target().partition("?")
        request = Request(self._parser.get_method().decode("ascii"), path, query, self._headers, body)
        self._queue.append(Asked(request, self._parser.should_keep_alive(), arriving))
        self._door.asking.add(self)
        if len(self._queue) >= PIPELINED_MAX:
            self._hold_back()
        self._wake()

    def _target(self) -> str:
        target = self._url.decode("latin-1")
        if target.startswith(("/", "*")):
            return target
        whole = urlsplit(target)  # as a proxy is asked
        if not whole.netloc:
            raise Unacceptable(400)
        return (whole.path or "/") + (f"?{whole.query}" if whole.query else "")

    def _count_head(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > HEAD_BYTES_MAX:
            raise Unacceptable(431)

    def _refuse(self, status: int) -> None:
        """What follows cannot be understood: answer what was, then this, then end."""
        self._refused = True
        self._hold_back()
        if self._arriving is not None:
            self._arriving.fail(ClientGone())
        self._queue.append(status)
        self._wake()

    # -- brakes and patience -------------------------------------------------------------------------------------------

    def _hold_back(self) -> None:
        if not self._held_back and not self._transport.is_closing():
            self._held_back = True
            self._transport.pause_reading()

    def _let_in(self) -> None:
        """Somebody waits for bytes of this connection."""
        if self._owes_continue:
            self._owes_continue = False
            self._send(CONTINUE)
            self.flush()
        if self._held_back and not self._refused and not self._transport.is_closing():
            self._held_back = False
            self._transport.resume_reading()

    def _look(self) -> None:
        """Close a connection that idles, or whose request does not come to an end."""
        left = ARRIVAL_S
        if self._waiting_since is not None:
            left = self._waiting_since + (ARRIVAL_S if self._midway else IDLE_S) - self._loop.time()
            if left <= 0:
                self._transport.close()
                return
        self._patience = self._loop.call_later(min(left, ARRIVAL_S), self._look)

    def stop(self) -> None:
        """Finish what is being answered, take nothing more."""
        self._stopping = True
        if self._waiting_since is not None:
            self._transport.close()

    # -- the conversation ----------------------------------------------------------------------------------------------

    async def _converse(self) -> None:
        try:
            while (asked := await self._next()) is not None:
                if isinstance(asked, int):
                    self._send(head(refusal(asked), self._door.date(), close=True, chunked=False) + refusal(asked).body)  # type: ignore[operator]  # bytes, always
                    break
                response = await self._door.walk(asked.request, self._source)
                if not await self._answer(asked, response):
                    break
        except ClientGone:
            pass
        except Exception:
            log.exception("connection failed")
            self._transport.abort()
        finally:
            self._door.connections.discard(self)
            self._door.asking.discard(self)
            self.flush()
            self._transport.close()

    async def _next(self) -> Asked | int | None:
        while not self._queue:
            if self._lost or self._stopping:
                return None
            if self._held_back:
                self._release()
            self._door.asking.discard(self)
            self._waiting_since = self._loop.time()
            self._waiter = self._loop.create_future()
            await self._waiter
        self._waiting_since = None
        asked = self._queue.popleft()
        if self._held_back:
            self._release()
        return asked

    def _release(self) -> None:
        """Read on, unless the body that is arriving is what holds us back. A body may end while it does, with nobody left to let it in."""
        if not self._refused and (self._arriving is None or self._arriving.buffered < BUFFERED_BYTES_MAX):
            self._held_back = False
            self._transport.resume_reading()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def _answer(self, asked: Asked, response: Response) -> bool:
        """Write the response; whether the connection goes on."""
        unread = asked.arriving is not None and not asked.arriving.ended
        keep_alive = asked.keep_alive and not self._stopping and not (unread and self._owes_continue)
        body = response.body
        chunked = isinstance(body, Stream) and body.length is None and asked.keep_alive
        if isinstance(body, Stream) and body.length is None and not chunked:
            keep_alive = False
        opening = head(response, self._door.date(), close=not keep_alive, chunked=chunked)
        if asked.request.method == "HEAD" or response.status in BODILESS or not body:
            self._send(opening)
        elif isinstance(body, Stream):
            await self._stream(opening, body, chunked)
        elif len(body) <= ONE_WRITE_BYTES_MAX:
            self._send(opening + body)
        else:
            self._send(opening)
            self.flush()
            self._transport.write(body)
        if self._full is not None:
            await self._drained()
        if unread and keep_alive and asked.arriving is not None:
            asked.arriving.discard()
            self._discarded_bytes = 0
            self._let_in()
        return keep_alive

    def _send(self, data: bytes) -> None:
        """Write at once, or together with the answers that other connections wait for: see `Door.post`."""
        if len(self._door.asking) <= 1 and not self._unsent:
            if not self._lost:
                self._transport.write(data)
            return
        if not self._unsent:
            self._door.post(self)
        self._unsent.append(data)

    def flush(self) -> None:
        """Write what waits, now."""
        if self._unsent:
            unsent, self._unsent = self._unsent, []
            if not self._lost:
                self._transport.write(b"".join(unsent))

    async def _stream(self, opening: bytes, body: Stream, chunked: bool) -> None:
        self._send(opening)
        self.flush()
        written = 0
        async for piece in body:
            written += len(piece)
            self._transport.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked and piece else piece)
            await self._drained()
        if chunked:
            self._transport.write(b"0\r\n\r\n")
        assert body.length in {None, written}, f"a body of {body.length} bytes ended after {written}"

    async def _drained(self) -> None:
        if self._full is not None:
            await self._full
        if self._lost:
            raise ClientGone
