"""A body on its way in: pieces that the connection puts here and an operation takes, with a brake between them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Self


class ClientGone(Exception):
    """The client closed the connection in the middle of its body."""


class Arriving:
    """Iterated once. `wanted` is called when the reader has to wait: whoever is asked may let more bytes in."""

    __slots__ = ("_failure", "_pieces", "_waiter", "_wanted", "buffered", "discarded", "ended")

    def __init__(self, wanted: Callable[[], None]) -> None:
        self._pieces: deque[bytes] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._wanted = wanted
        self._failure: Exception | None = None
        self.buffered = 0
        self.discarded = False
        self.ended = False

    # -- the connection's side -----------------------------------------------------------------------------------------

    def put(self, piece: bytes) -> None:
        if not self.discarded:
            self._pieces.append(piece)
            self.buffered += len(piece)
            self._wake()

    def end(self) -> None:
        self.ended = True
        self._wake()

    def fail(self, failure: Exception) -> None:
        """What has not arrived never will."""
        if not self.ended:
            self._failure = failure
            self._wake()

    def discard(self) -> None:
        """Nobody will read any more: what is here and what still comes is thrown away."""
        self.discarded = True
        self._pieces.clear()
        self.buffered = 0

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # -- the reader's side ---------------------------------------------------------------------------------------------

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        while not self._pieces:
            if self._failure is not None:
                raise self._failure
            if self.ended:
                raise StopAsyncIteration
            self._waiter = asyncio.get_running_loop().create_future()
            self._wanted()
            await self._waiter
        piece = self._pieces.popleft()
        self.buffered -= len(piece)
        return piece
