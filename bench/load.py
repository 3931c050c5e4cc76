"""The load: raw requests that were signed beforehand, replayed over keep-alive connections by a process of its own.

It builds nothing and parses nothing but where an answer ends, so that the server is what is measured. Reads one msgpack `Load`
from standard input and writes one msgpack `Outcome` to standard output.
"""

import asyncio
import sys
from array import array
from itertools import cycle
from time import perf_counter
from typing import cast

import httptools
import msgspec
import uvloop


class Load(msgspec.Struct):
    """What to send, where, over how many connections, for how long."""

    port: int
    requests: list[bytes]
    connections: int
    seconds: float
    warm_up_s: float = 0.3


class Outcome(msgspec.Struct):
    """What came back. Answers other than 2xx count as refusals, not as answers."""

    answers: int
    refusals: int
    seconds: float
    p50_ms: float
    p99_ms: float
    refusal: str = ""

    @property
    def rate(self) -> float:
        return self.answers / self.seconds if self.seconds else 0.0


class Tally:
    """Counts what is answered between the end of the warm-up and the end."""

    def __init__(self, load: Load) -> None:
        self.requests = cycle(load.requests)
        self.begin = perf_counter() + load.warm_up_s
        self.end = self.begin + load.seconds
        self.took_s = array("d")
        self.refusals = 0
        self.refusal = ""


class Client(asyncio.Protocol):
    """One connection: the next request goes out when the answer before it is whole."""

    def __init__(self, tally: Tally, done: asyncio.Future[None]) -> None:
        self._tally = tally
        self._done = done
        self._next_request = tally.requests.__next__

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are not of asyncio's class
        self._parser = httptools.HttpResponseParser(self)
        self._send()

    def _send(self) -> None:
        self._sent_at = perf_counter()
        self._transport.write(self._next_request())

    def data_received(self, data: bytes) -> None:
        self._data = data
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        tally = self._tally
        now = perf_counter()
        status = self._parser.get_status_code()
        if status == 100:
            return
        if now > tally.begin:
            if 200 <= status < 300:
                tally.took_s.append(now - self._sent_at)
            else:
                tally.refusals += 1
                tally.refusal = tally.refusal or f"{status} {self._data[-300:].decode('latin-1')}"
        if now >= tally.end:
            self._finish()
        elif self._parser.should_keep_alive():
            self._send()
        else:
            self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        self._finish()

    def _finish(self) -> None:
        if not self._done.done():
            self._done.set_result(None)
        self._transport.close()


async def _keep_busy(load: Load, tally: Tally) -> None:
    """One connection after another, should the server close them."""
    loop = asyncio.get_running_loop()
    while perf_counter() < tally.end:
        done: asyncio.Future[None] = loop.create_future()
        transport, _ = await loop.create_connection(lambda done=done: Client(tally, done), "127.0.0.1", load.port)
        late = loop.call_at(loop.time() + tally.end - perf_counter() + 5, transport.abort)
        await done
        late.cancel()


async def run(load: Load) -> Outcome:
    tally = Tally(load)
    async with asyncio.TaskGroup() as tasks:
        for _ in range(load.connections):
            tasks.create_task(_keep_busy(load, tally))
    ordered = sorted(tally.took_s)
    p50, p99 = (ordered[int(len(ordered) * part)] * 1000 for part in (0.5, 0.99)) if ordered else (0.0, 0.0)
    seconds = max(load.seconds, perf_counter() - tally.begin)
    return Outcome(len(ordered), tally.refusals, seconds, p50, p99, tally.refusal)


if __name__ == "__main__":
    wanted = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Load)
    sys.stdout.buffer.write(msgspec.msgpack.encode(uvloop.run(run(wanted))))
