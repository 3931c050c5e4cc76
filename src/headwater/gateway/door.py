"""The door: one function that serves HTTP/1.1. What stands behind it (httptools, on uvloop) nobody else knows.

An HTTP server's own share of a small request decides how fast the house is: see `make bench`, and "The door" in ARCHITECTURE.md.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Final

from headwater.aws.wire import Request, Response
from headwater.gateway.connection import Connection
from headwater.gateway.heads import DateLine

BACKLOG: Final = 2048
GRACE_S: Final = 5.0

Walk = Callable[[Request, str], Awaitable[Response]]


class Door:
    """What all connections share."""

    def __init__(self, walk: Walk, tasks: asyncio.TaskGroup) -> None:
        self.walk = walk
        self.tasks = tasks
        self.loop = asyncio.get_running_loop()
        self.date = DateLine()
        self.connections: set[Connection] = set()
        self.asking: set[Connection] = set()  # those with a request that is not answered yet
        self._unsent: list[Connection] = []

    def post(self, connection: Connection) -> None:
        """Let `connection` flush once this turn of the loop is done.

        Sending to a client that sleeps wakes it, which costs more than all else of the call; of answers that leave together only the
        first one pays (measured: 13 µs each apart, 5 µs each together).
        """
        if not self._unsent:
            self.loop.call_soon(self._flush)
        self._unsent.append(connection)

    def _flush(self) -> None:
        unsent, self._unsent = self._unsent, []
        for connection in unsent:
            connection.flush()

    async def close(self) -> None:
        """Let what is being answered come to its end, within a grace."""
        for connection in list(self.connections):
            connection.stop()
        running = {connection.task for connection in self.connections}
        if running:
            _, late = await asyncio.wait(running, timeout=GRACE_S)
            for task in late:
                task.cancel()


async def serve(walk: Walk, listener: socket.socket, stop: asyncio.Event) -> None:
    """Answer requests on `listener` until `stop` is set; then let the running ones finish within a grace."""
    async with asyncio.TaskGroup() as tasks:
        door = Door(walk, tasks)
        server = await door.loop.create_server(lambda: Connection(door), sock=listener, backlog=BACKLOG)
        try:
            await stop.wait()
        finally:
            server.close()
        await door.close()
