"""The transport of one client: frames in, bytes out, back-pressure both ways, and the step from plain text to TLS.

An own `asyncio.Protocol` and not streams, because a message is cut out of the buffer without waking a task, and because the
step to TLS must refuse whatever a client (or someone between) sent in plain text ahead of the handshake (CVE-2021-23214).
"""

import asyncio
import ssl
from collections import deque
from collections.abc import Callable, Iterable
from typing import Final

from headwater.engines.warehouse.protocol import MESSAGE_BYTES_MAX, STARTUP_BYTES_MAX, ProtocolViolation

WAITING_BYTES_MAX: Final = 4 << 20  # what a client may send ahead of our answers
UNSENT_BYTES_MAX: Final = 1 << 20  # what we make ahead of the client's reading

Frame = tuple[bytes, bytes]  # the message's type (empty for the first of a connection) and its body


class Connection(asyncio.Protocol):
    def __init__(self, accepted: "Callable[[Connection], None]") -> None:
        self._accepted = accepted
        self._buffer = bytearray()
        self._frames: deque[Frame] = deque()
        self._waiting_bytes = 0
        self._arrived = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self._opened = False
        self._violation: ProtocolViolation | None = None
        self._transport: asyncio.Transport | None = None
        self.gone = False
        self.on_lost: Callable[[], None] = lambda: None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.set_write_buffer_limits(high=UNSENT_BYTES_MAX)
        self._transport = transport
        self._accepted(self)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        try:
            while self._cut():
                pass
        except ProtocolViolation as violation:
            self._violation = violation
            self._buffer.clear()
        self._arrived.set()
        if self._waiting_bytes > WAITING_BYTES_MAX and self._transport is not None:
            self._transport.pause_reading()

    def _cut(self) -> bool:
        """Move one whole message from the buffer to the frames."""
        head = 1 if self._opened else 0
        if len(self._buffer) < head + 4 or (self._frames and not self._opened):
            return False
        length = int.from_bytes(self._buffer[head : head + 4])
        if not 4 <= length <= (MESSAGE_BYTES_MAX if self._opened else STARTUP_BYTES_MAX):
            raise ProtocolViolation("invalid length of startup packet" if not self._opened else "invalid message length")
        if len(self._buffer) < head + length:
            return False
        self._frames.append((bytes(self._buffer[:head]), bytes(self._buffer[head + 4 : head + length])))
        self._waiting_bytes += length
        del self._buffer[: head + length]
        return True

    def eof_received(self) -> bool:
        self._leave()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._writable.set()
        self._leave()

    def _leave(self) -> None:
        said_goodbye = bool(self._frames) and self._frames[-1][0] == b"X"
        if not self.gone and not said_goodbye:  # after a good-bye, what was asked before it is still done
            self.on_lost()
        self.gone = True
        self._arrived.set()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    async def frame(self) -> Frame | None:
        """The next message, or None when the client is gone."""
        while not self._frames:
            if self._violation is not None:
                raise self._violation
            if self.gone:
                return None
            self._arrived.clear()
            await self._arrived.wait()
        kind, body = self._frames.popleft()
        before = self._waiting_bytes
        self._waiting_bytes -= len(body) + 4
        if before > WAITING_BYTES_MAX >= self._waiting_bytes and self._transport is not None:
            self._transport.resume_reading()
        return kind, body

    def opened(self) -> None:
        """From here on messages have a type byte."""
        self._opened = True
        self.data_received(b"")

    async def send(self, pieces: Iterable[bytes | memoryview]) -> None:
        """Returns when the client has read enough for more to be worth making."""
        for piece in pieces:
            if self._transport is None:
                raise ConnectionResetError("the client is gone")
            self._transport.write(piece)
            if not self._writable.is_set():
                await self._writable.wait()

    async def secure(self, context: ssl.SSLContext) -> None:
        """Answer an SSLRequest with yes, and shake hands."""
        if self._buffer or self._frames:
            raise ProtocolViolation("received unencrypted data after SSL request")
        plain = self._transport
        if plain is None:
            raise ConnectionResetError("the client is gone")
        plain.pause_reading()  # the handshake's first bytes are for TLS, not for us
        plain.write(b"S")
        secured = await asyncio.get_running_loop().start_tls(plain, self, context, server_side=True)
        if secured is None:
            raise ConnectionResetError("the client is gone")
        secured.set_write_buffer_limits(high=UNSENT_BYTES_MAX)
        self._transport = secured

    def dismiss(self) -> None:
        """Hang up on a client that may still be talking or waiting."""
        self._leave()
        self.close()

    def close(self) -> None:
        """Hang up once everything said has been sent."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()
