"""The doors behind which a program finds Headwater: TLS for every name of AWS's, and a proxy for where connections cannot be led.

Bytes are carried as they come, so that streams, Expect: 100-continue and upgrades are between the program and the gateway, which reads
AWS's names from the Host header.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import urlsplit

from headwater.cli.run.names import is_of_aws
from headwater.kernel.certificates import Holder, certificate_for
from headwater.kernel.settings import DEFAULT_REGION

PIECE_BYTES: Final = 256 * 1024
HEAD_S: Final = 20.0
CONNECT_S: Final = 30.0
NOBODY: Final = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
NO_TUNNEL: Final = b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Certificates:
    """TLS contexts by the name that a client asks for, each with a certificate made on demand by the authority."""

    def __init__(self, holder: Holder) -> None:
        self._holder = holder
        self._contexts: dict[str, ssl.SSLContext] = {}
        self.default = self._context(f"s3.{DEFAULT_REGION}.amazonaws.com")
        self.default.sni_callback = self._choose

    def _choose(self, connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> int | None:
        if name is not None and not is_of_aws(name):
            return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
        if name is not None:
            connection.context = self._context(name.lower())
        return None

    def _context(self, name: str) -> ssl.SSLContext:
        """One certificate for a name's neighbours too: buckets are many, the names behind their first label are few."""
        parent = name.partition(".")[2]
        if parent not in self._contexts:
            certificate, key = certificate_for(self._holder, f"run-{parent}", [f"*.{parent}", parent])
            context = self._contexts[parent] = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
        return self._contexts[parent]


class Gateway:
    """Where Headwater answers."""

    def __init__(self, endpoint: str) -> None:
        parts = urlsplit(endpoint)
        self.tls = parts.scheme == "https"
        self.host = parts.hostname or "127.0.0.1"
        self.port = parts.port or (443 if self.tls else 80)

    async def connect(self) -> Streams:
        return await asyncio.open_connection(self.host, self.port, ssl=self.tls or None, limit=PIECE_BYTES)


@asynccontextmanager
async def tls_door(certificates: Certificates, gateway: Gateway) -> AsyncIterator[int]:
    """A port of 127.0.0.1 that speaks TLS as any name of AWS's, and leads to the gateway."""

    async def welcome(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _carry((reader, writer), gateway.connect)

    server = await asyncio.start_server(welcome, "127.0.0.1", 0, ssl=certificates.default, limit=PIECE_BYTES)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


@asynccontextmanager
async def proxy_door(tls_port: int, upstream: str | None) -> AsyncIterator[int]:
    """A port of 127.0.0.1 that is an HTTP proxy: tunnels to AWS's names end at the TLS door, all others where they would without us.

    `upstream` is the proxy that the user has, if any.
    """

    async def welcome(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, ValueError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            async with asyncio.timeout(HEAD_S):
                head = await reader.readuntil(b"\r\n\r\n")
            method, target, *_ = head.decode("latin-1").split()
            if method != "CONNECT":
                writer.write(NO_TUNNEL)
                writer.close()
                return
            host, _, port = target.rpartition(":")

            async def onward() -> Streams:
                if is_of_aws(host):
                    streams = await asyncio.open_connection("127.0.0.1", tls_port, limit=PIECE_BYTES)
                elif upstream is not None:
                    return await _through(upstream, head)  # whose own answer follows
                else:
                    streams = await asyncio.open_connection(host.strip("[]"), int(port), limit=PIECE_BYTES)
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                return streams

            await _carry((reader, writer), onward, NOBODY)

    server = await asyncio.start_server(welcome, "127.0.0.1", 0, limit=PIECE_BYTES)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def _through(proxy: str, head: bytes) -> Streams:
    """Ask another proxy for the same tunnel."""
    place = Gateway(proxy if "://" in proxy else f"http://{proxy}")
    streams = await place.connect()
    streams[1].write(head)
    return streams


async def _carry(client: Streams, connect: Callable[[], Awaitable[Streams]], otherwise: bytes = b"") -> None:
    """Carry bytes both ways until one side ends."""
    reader, writer = client
    try:
        async with asyncio.timeout(CONNECT_S):
            further_reader, further_writer = await connect()
    except (OSError, TimeoutError):
        writer.write(otherwise)
        writer.close()
        return
    async with asyncio.TaskGroup() as tasks:
        ways = [tasks.create_task(_pump(reader, further_writer)), tasks.create_task(_pump(further_reader, writer))]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
    for end in (further_writer, writer):
        end.close()


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):  # an end that is gone, also one that ended TLS without a word
        while piece := await source.read(PIECE_BYTES):
            sink.write(piece)
            await sink.drain()
