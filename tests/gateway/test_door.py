"""The door over raw sockets: what any HTTP/1.1 client may send, in any pieces, and what none may.

Truth: RFC 9112 (messages), RFC 9110 section 10.1.1 (100-continue); the limits are our own. Every test runs on asyncio's loop and on
uvloop's, which serves in earnest and whose transports differ.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import uvloop

from headwater.aws.wire import Request, Response, Stream
from headwater.gateway import connection
from headwater.gateway.arriving import ClientGone
from headwater.gateway.door import serve
from headwater.gateway.server import listen

Walk = Callable[[Request, str], Awaitable[Response]]
Scenario = Callable[["Client"], Awaitable[None]]
LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


class Client:
    """A door before `walk`, and sockets into it."""

    def __init__(self, port: int, stop: asyncio.Event) -> None:
        self.port = port
        self.stop = stop
        self._writers: list[asyncio.StreamWriter] = []

    async def open(self) -> "Socket":
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=2**22)
        self._writers.append(writer)
        return Socket(reader, writer)

    async def close(self) -> None:
        for writer in self._writers:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()


class Socket:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def head(self) -> tuple[int, dict[str, str]]:
        async with asyncio.timeout(5):
            text = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = text.strip().split("\r\n")
        return int(first.split(" ")[1]), {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        status, headers = await self.head()
        async with asyncio.timeout(5):
            return status, headers, await self.reader.readexactly(int(headers.get("content-length", 0)))

    async def ended(self) -> bool:
        async with asyncio.timeout(5):
            return await self.reader.read() == b""

    async def bytes_until_end(self) -> bytes:
        async with asyncio.timeout(5):
            return await self.reader.read()


@pytest.fixture(params=LOOPS.values(), ids=LOOPS)
def through(request: pytest.FixtureRequest) -> Callable[[Walk, Scenario], None]:
    """Runs a scenario against a door before the given walk."""

    def run(walk: Walk, scenario: Scenario) -> None:
        async def program() -> None:
            listener = listen("127.0.0.1", 0)
            stop = asyncio.Event()
            client = Client(listener.getsockname()[1], stop)
            async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
                tasks.create_task(serve(walk, listener, stop))
                try:
                    await scenario(client)
                finally:
                    stop.set()
                    await client.close()

        with asyncio.Runner(loop_factory=request.param) as runner:
            runner.run(program())

    return run


async def echo(request: Request, source: str) -> Response:
    """What arrived, in one line."""
    body = request.body if isinstance(request.body, bytes) else await request.body.read()
    return Response(200, [("x-source", source)], b"|".join([request.method.encode(), request.path.encode(), request.query.encode(), body]))


def post(body: bytes, path: str = "/", extra: str = "") -> bytes:
    return f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n{extra}\r\n".encode() + body


PLAIN = {
    "a bare GET": (b"GET /a%20b?c=%2F HTTP/1.1\r\nHost: x\r\n\r\n", b"GET|/a%20b|c=%2F|"),
    "a body": (post(b"hello"), b"POST|/||hello"),
    "an empty body": (post(b""), b"POST|/||"),
    "a body in chunks": (
        b"PUT /k HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nx-trailer: 1\r\n\r\n",
        b"PUT|/k||hello world",
    ),
    "a whole URL, as a proxy is asked": (b"GET http://s3.localhost:1/k?q HTTP/1.1\r\nHost: x\r\n\r\n", b"GET|/k|q|"),
    "all of OPTIONS": (b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", b"OPTIONS|*||"),
    "an upgrade that nobody takes": (
        b"GET /u HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n\r\n",
        b"GET|/u||",
    ),
}


@pytest.mark.parametrize("pieces", ["whole", "byte by byte"])
@pytest.mark.parametrize(("sent", "said"), PLAIN.values(), ids=PLAIN)
def test_a_request_is_understood(through: Any, sent: bytes, said: bytes, pieces: str) -> None:
    async def scenario(client: Client) -> None:
        socket = await client.open()
        for _ in range(2):  # the second time over the same connection
            for piece in [sent] if pieces == "whole" else [sent[at : at + 1] for at in range(len(sent))]:
                socket.send(piece)
                if pieces != "whole":
                    await asyncio.sleep(0)
            status, headers, body = await socket.answer()
            assert (status, body) == (200, said)
            assert headers["x-source"] == "127.0.0.1"
            assert headers["date"].endswith(" GMT")

    through(echo, scenario)


def test_pipelined_requests_are_answered_in_order(through: Any) -> None:
    async def slower_first(request: Request, source: str) -> Response:
        await asyncio.sleep(0.05 if request.path == "/0" else 0)
        return await echo(request, source)

    async def scenario(client: Client) -> None:
        socket = await client.open()
        count = 5 * connection.PIPELINED_MAX
        socket.send(b"".join(post(b"b%d" % number, f"/{number}") for number in range(count)))
        for number in range(count):
            assert (await socket.answer())[2] == b"POST|/%d||b%d" % (number, number)

    through(slower_first, scenario)


def test_repeated_headers_are_joined_and_names_are_lower(through: Any) -> None:
    async def headers(request: Request, source: str) -> Response:
        return Response(200, [], repr(request.headers).encode())

    async def scenario(client: Client) -> None:
        socket = await client.open()
        socket.send(b"GET / HTTP/1.1\r\nHost: x\r\nX-A: 1\r\nx-a: 2\r\n\r\n")
        assert (await socket.answer())[2] == repr({"host": "x", "x-a": "1,2"}).encode()

    through(headers, scenario)


REFUSALS = {
    "what is not HTTP": (400, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
    "a body of two lengths": (400, b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx"),
    "a length and chunks": (400, b"POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    "a length that is no number": (400, b"POST / HTTP/1.1\r\nContent-Length: 1x\r\n\r\n"),
    "a header without a colon": (400, b"GET / HTTP/1.1\r\nnonsense\r\n\r\n"),
    "a target that is no path": (400, b"GET k HTTP/1.1\r\nHost: x\r\n\r\n"),
    "one header too long": (431, b"GET / HTTP/1.1\r\nx-a: " + b"a" * connection.HEAD_BYTES_MAX),
    "too many headers": (431, b"GET / HTTP/1.1\r\n" + b"x-abcdef: 123456\r\n" * (connection.HEAD_BYTES_MAX // 14 + 1) + b"\r\n"),
    "a path too long": (431, b"GET /" + b"a" * connection.HEAD_BYTES_MAX + b" HTTP/1.1\r\n\r\n"),
}


@pytest.mark.parametrize(("status", "sent"), REFUSALS.values(), ids=REFUSALS)
def test_what_is_no_request_is_refused_and_the_connection_ends(through: Any, status: int, sent: bytes) -> None:
    async def scenario(client: Client) -> None:
        socket = await client.open()
        socket.send(post(b"fine") + sent)
        assert (await socket.answer())[2] == b"POST|/||fine"
        refused, headers, _ = await socket.answer()
        assert (refused, headers["connection"]) == (status, "close")
        assert await socket.ended()
        another = await client.open()
        another.send(post(b"still there"))
        assert (await another.answer())[0] == 200

    through(echo, scenario)


def test_a_malformed_chunk_ends_the_connection(through: Any) -> None:
    async def scenario(client: Client) -> None:
        socket = await client.open()
        socket.send(b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n")
        assert await socket.ended()

    through(echo, scenario)


def test_a_long_body_is_streamed_and_held_back_until_it_is_read(through: Any) -> None:
    size = 24 * 1024 * 1024

    async def scenario(client: Client) -> None:
        begin, waiting = asyncio.Event(), asyncio.Event()
        most = 0

        async def slow(request: Request, source: str) -> Response:
            nonlocal most
            assert isinstance(request.body, Stream)
            assert request.body.length == size
            waiting.set()
            await begin.wait()
            arriving: Any = request.body._chunks
            total = 0
            async for piece in request.body:
                most = max(most, arriving.buffered)
                total += len(piece)
            return Response(200, [], str(total).encode())

        walks.append(slow)
        socket = await client.open()
        socket.send(post(b"", extra="").replace(b"Content-Length: 0", b"Content-Length: %d" % size))
        await waiting.wait()
        block = b"x" * 2**20
        for _ in range(size // len(block)):
            socket.send(block)
        await asyncio.sleep(0.2)
        transport: Any = socket.writer.transport
        assert transport.get_write_buffer_size() > size // 4, "the client was not held back"
        begin.set()
        assert (await socket.answer())[2] == str(size).encode()
        assert most <= connection.BUFFERED_BYTES_MAX + 2**19

    walks: list[Walk] = []

    async def walk(request: Request, source: str) -> Response:
        return await walks[0](request, source)

    through(walk, scenario)


EXPECTING = "Expect: 100-continue\r\n"


def test_a_connection_goes_on_after_a_body_that_ended_while_it_was_held_back(through: Any) -> None:
    """The reader came late and found everything there: it never had to wait, and so never let anything in."""
    late = asyncio.Event()

    async def sleepy(request: Request, source: str) -> Response:
        if isinstance(request.body, Stream):
            await late.wait()
            await request.body.read()
        return Response(200, [], b"done")

    async def scenario(client: Client) -> None:
        late.clear()
        socket = await client.open()
        socket.send(post(bytes(connection.BUFFERED_BYTES_MAX + 1)))
        await asyncio.sleep(0.2)
        late.set()
        assert (await socket.answer())[2] == b"done"
        socket.send(post(b"small"))
        assert (await socket.answer())[2] == b"done"

    through(sleepy, scenario)


def test_a_client_that_waits_is_asked_for_its_body_when_it_is_read(through: Any) -> None:
    async def scenario(client: Client) -> None:
        socket = await client.open()
        head, body = post(b"hello", extra=EXPECTING)[:-5], b"hello"
        for _ in range(2):
            socket.send(head)
            assert (await socket.head())[0] == 100
            socket.send(body)
            assert (await socket.answer())[2] == b"POST|/||hello"
        socket.send(head + body)  # one that does not wait
        status, headers = await socket.head()
        if status == 100:
            status, headers = await socket.head()
        assert await socket.reader.readexactly(int(headers["content-length"])) == b"POST|/||hello"

    through(echo, scenario)


def test_a_client_that_waits_and_is_refused_is_not_asked(through: Any) -> None:
    async def scenario(client: Client) -> None:
        socket = await client.open()
        socket.send(post(b"hello", extra=EXPECTING)[:-5])
        status, headers, _ = await socket.answer()
        assert (status, headers["connection"]) == (403, "close")
        assert await socket.ended()

    through(refuse, scenario)


async def refuse(request: Request, source: str) -> Response:
    return Response(403, [], b"no")


def test_a_body_that_nobody_reads_is_read_over(through: Any) -> None:
    async def scenario(client: Client) -> None:
        socket = await client.open()
        for _ in range(2):
            socket.send(post(b"x" * (5 * 2**20)))
            assert (await socket.answer())[0] == 403

    through(refuse, scenario)


def test_a_client_that_goes_in_the_middle_of_its_body_is_noticed(through: Any) -> None:
    async def scenario(client: Client) -> None:
        noticed = asyncio.Event()

        async def walk(request: Request, source: str) -> Response:
            assert isinstance(request.body, Stream)
            try:
                await request.body.read()
            except ClientGone:
                noticed.set()
                raise
            return Response(200, [])

        walks.append(walk)
        socket = await client.open()
        socket.send(b"PUT / HTTP/1.1\r\nContent-Length: 9000000\r\n\r\nabc")
        await asyncio.sleep(0.05)
        socket.writer.close()
        async with asyncio.timeout(5):
            await noticed.wait()

    walks: list[Walk] = []

    async def walk(request: Request, source: str) -> Response:
        return await walks[0](request, source)

    through(walk, scenario)


async def pieces(count: int, size: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b"y" * size


def test_a_stream_of_known_length_is_sent_as_it_is(through: Any) -> None:
    async def walk(request: Request, source: str) -> Response:
        return Response(200, [], Stream(pieces(64, 2**16), 2**22))

    async def scenario(client: Client) -> None:
        socket = await client.open()
        for _ in range(2):
            socket.send(post(b""))
            status, headers, body = await socket.answer()
            assert (status, headers["content-length"], len(body)) == (200, str(2**22), 2**22)

    through(walk, scenario)


def test_a_stream_of_unknown_length_is_sent_in_chunks_or_until_the_end(through: Any) -> None:
    async def walk(request: Request, source: str) -> Response:
        return Response(200, [], Stream(pieces(2, 3)))

    async def scenario(client: Client) -> None:
        socket = await client.open()
        socket.send(post(b""))
        _, headers = await socket.head()
        assert headers["transfer-encoding"] == "chunked"
        assert await socket.reader.readuntil(b"0\r\n\r\n") == b"3\r\nyyy\r\n3\r\nyyy\r\n0\r\n\r\n"
        old = await client.open()
        old.send(b"GET / HTTP/1.0\r\n\r\n")
        assert (await old.bytes_until_end()).endswith(b"\r\n\r\nyyyyyy")

    through(walk, scenario)


def test_a_slow_reader_brakes_the_stream(through: Any) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 2**28:
            sent += 2**18
            yield b"z" * 2**18

    async def walk(request: Request, source: str) -> Response:
        return Response(200, [], Stream(endless(), 2**28))

    async def scenario(client: Client) -> None:
        socket = await client.open()
        socket.writer.transport.pause_reading()  # type: ignore[attr-defined]
        socket.send(post(b""))
        await asyncio.sleep(0.3)
        assert 0 < sent < 2**26
        socket.writer.transport.abort()

    through(walk, scenario)


def test_a_head_is_answered_without_its_body(through: Any) -> None:
    async def walk(request: Request, source: str) -> Response:
        return Response(200, [("Content-Length", "1234")] if request.path == "/own" else [], b"body")

    async def scenario(client: Client) -> None:
        socket = await client.open()
        for path, length in (("/own", "1234"), ("/", "4")):
            socket.send(f"HEAD {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            assert (await socket.head())[1]["content-length"] == length
        socket.writer.write_eof()
        assert await socket.ended()

    through(walk, scenario)


@pytest.mark.parametrize("status", [204, 304])
def test_a_status_without_a_body_has_no_length_either(through: Any, status: int) -> None:
    async def walk(request: Request, source: str) -> Response:
        return Response(status, [])

    async def scenario(client: Client) -> None:
        socket = await client.open()
        for _ in range(2):
            socket.send(post(b""))
            answered, headers = await socket.head()
            assert answered == status
            assert "content-length" not in headers

    through(walk, scenario)


def test_a_header_cannot_end_its_line(through: Any) -> None:
    async def walk(request: Request, source: str) -> Response:
        return Response(200, [("content-type", "text/plain\r\nset-cookie: a=b\n\rx: y")], b"")

    async def scenario(client: Client) -> None:
        socket = await client.open()
        socket.send(post(b""))
        _, headers = await socket.head()
        assert headers["content-type"] == "text/plain  set-cookie: a=b  x: y"
        assert "set-cookie" not in headers

    through(walk, scenario)


CLOSING = {
    "HTTP/1.0": b"GET / HTTP/1.0\r\n\r\n",
    "Connection: close": b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
}


@pytest.mark.parametrize("sent", CLOSING.values(), ids=CLOSING)
def test_a_connection_ends_when_the_client_wants_no_more(through: Any, sent: bytes) -> None:
    async def scenario(client: Client) -> None:
        socket = await client.open()
        socket.send(sent)
        status, headers, _ = await socket.answer()
        assert (status, headers["connection"]) == (200, "close")
        assert await socket.ended()

    through(echo, scenario)


def test_a_connection_that_idles_or_dawdles_is_closed(through: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "IDLE_S", 0.3)
    monkeypatch.setattr(connection, "ARRIVAL_S", 0.1)

    async def slow(request: Request, source: str) -> Response:
        await asyncio.sleep(0.6)  # a long answer is not idleness
        return Response(200, [], b"")

    async def scenario(client: Client) -> None:
        loop = asyncio.get_running_loop()
        busy, idle, dawdling, half = [await client.open() for _ in range(4)]
        started = loop.time()
        busy.send(post(b""))
        dawdling.send(b"GET / HTTP")
        half.send(post(b"hello")[:-1])
        assert await dawdling.ended()
        assert await half.ended()
        assert loop.time() - started < 0.3
        assert await idle.ended()
        assert (await busy.answer())[0] == 200
        assert await busy.ended()

    through(slow, scenario)


def test_a_walk_that_raises_costs_its_connection_only(through: Any) -> None:
    async def walk(request: Request, source: str) -> Response:
        if request.path == "/bad":
            raise ValueError("a mistake of ours")
        if request.path == "/short":
            return Response(200, [], Stream(pieces(1, 3), 10))
        return Response(200, [], b"ok")

    async def scenario(client: Client) -> None:
        for path in ("/bad", "/short"):
            socket = await client.open()
            socket.send(post(b"", path))
            with contextlib.suppress(ConnectionError):
                assert len(await socket.bytes_until_end()) < 200
        socket = await client.open()
        socket.send(post(b""))
        assert (await socket.answer())[2] == b"ok"

    through(walk, scenario)


def test_a_stop_lets_the_running_answer_come_to_its_end(through: Any) -> None:
    async def scenario(client: Client) -> None:
        begun = asyncio.Event()

        async def walk(request: Request, source: str) -> Response:
            begun.set()
            await asyncio.sleep(0.2)
            return Response(200, [], b"done")

        walks.append(walk)
        idle, busy = await client.open(), await client.open()
        busy.send(post(b"") * 2)
        await begun.wait()
        client.stop.set()
        status, headers, body = await busy.answer()
        assert (status, headers["connection"], body) == (200, "close", b"done")
        assert await idle.ended()
        assert await busy.ended()
        with pytest.raises(ConnectionRefusedError):
            await client.open()

    walks: list[Walk] = []

    async def walk(request: Request, source: str) -> Response:
        return await walks[0](request, source)

    through(walk, scenario)
