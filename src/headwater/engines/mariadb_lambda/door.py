"""The door at which a database knocks to call a Lambda function: one unix socket a server.

Each connection of the database's clients has one connection here, with one call on it at a time; calls of different connections run at
once. The answer to an asynchronous call leaves when `invoke` returns, that is when the invocation is in the journal, and only then
does the INSERT that caused it return. Frames as in lambda.c.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import structlog

log = structlog.get_logger()

FRAME_MAX: Final = 16 * 2**20
SYNC: Final = ord("S")

Invoke = Callable[[str, bytes, bool], Awaitable[bytes]]
"""(the function's ARN, the payload, whether to wait for its result) -> the result; an exception's text becomes the SQL error's cause."""


class LambdaDoor:
    def __init__(self, path: Path, invoke: Invoke) -> None:
        self.path = path
        self._invoke = invoke
        self._server: asyncio.Server | None = None
        self._visits: set[asyncio.Task[None]] = set()

    async def open(self, tasks: asyncio.TaskGroup) -> None:
        def welcome(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            visit = tasks.create_task(self._serve(reader, writer), name=f"lambda door {self.path.parent.name}")
            self._visits.add(visit)
            visit.add_done_callback(self._visits.discard)

        self.path.unlink(missing_ok=True)  # what a crash left
        self._server = await asyncio.start_unix_server(welcome, self.path, limit=2**20)
        self.path.chmod(0o600)

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        visits = list(self._visits)
        for visit in visits:
            visit.cancel()
        if visits:
            await asyncio.wait(visits)
        self.path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                (length,) = struct.unpack(">I", await reader.readexactly(4))
                if not 3 <= length <= FRAME_MAX:
                    return  # not our library; it sees a broken connection
                answer = await self._answer(await reader.readexactly(length))
                writer.write(struct.pack(">I", len(answer)) + answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return  # the client's connection ended
        finally:
            writer.close()

    async def _answer(self, frame: bytes) -> bytes:
        kind, arn_length = struct.unpack_from(">BH", frame)
        arn = frame[3 : 3 + arn_length].decode("utf-8", "replace")
        try:
            return b"=" + await self._invoke(arn, frame[3 + arn_length :], kind == SYNC)
        except Exception as error:  # noqa: BLE001  whatever went wrong is the cause that the SQL error names; the database's client must hear it
            log.info("lambda call from SQL failed", function=arn, why=str(error))
            return b"!" + (str(error) or type(error).__name__).encode()
