"""An answer that arrives in pieces, between the worker that posts it and the caller who reads it.

The worker is held back while the caller reads slower than it writes. A function that does not stream is heard here too: its whole
answer is then one piece.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Final

from .invocation import Outcome

BUFFERED_BYTES_MAX: Final = 1024 * 1024
STREAMED_BYTES_MAX: Final = 200 * 1024 * 1024


class Feed:
    """Written by the worker (`begin`, `put`, `end`), read by one caller (`begun`, then iteration, then `outcome`)."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._pieces: deque[bytes] = deque()
        self._buffered = 0
        self._streamed = 0
        self._changed = asyncio.Event()
        self._hold: Callable[[bool], None] = lambda held: None
        self._held = False
        self._left = False
        self._is_open = False
        self.content_type = ""
        self.outcome: Outcome | None = None

    # The worker's side.

    def begin(self, content_type: str, hold: Callable[[bool], None]) -> None:
        """`hold(True)` stops what brings the pieces, `hold(False)` lets it go on."""
        self.content_type = content_type
        self._hold = hold
        self._is_open = True
        self._changed.set()

    def put(self, piece: bytes) -> None:
        self._streamed += len(piece)
        if self._left:
            return
        self._buffered += len(piece)
        self._pieces.append(piece)
        if self._buffered > BUFFERED_BYTES_MAX and not self._held:
            self._held = True
            self._hold(True)
        self._changed.set()

    @property
    def is_too_long(self) -> bool:
        return self._streamed > STREAMED_BYTES_MAX

    def end(self, outcome: Outcome) -> None:
        self.outcome = outcome
        if not self._is_open and outcome.error is None:
            self._pieces.append(outcome.payload)
        self._changed.set()

    # The caller's side.

    async def begun(self) -> bool:
        """Wait for the first word; whether the function streams (its whole outcome is here otherwise)."""
        while not self._is_open and self.outcome is None:
            await self._wait()
        return self._is_open

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            while True:
                while self._pieces:
                    piece = self._pieces.popleft()
                    self._buffered -= len(piece)
                    if self._buffered <= BUFFERED_BYTES_MAX // 2:
                        self._let_go()
                    yield piece
                if self.outcome is not None:
                    return
                await self._wait()
        finally:
            self._left = True  # a caller who goes away does not stop the function, as on AWS
            self._pieces.clear()
            self._let_go()

    def _let_go(self) -> None:
        if self._held:
            self._held = False
            self._hold(False)

    async def _wait(self) -> None:
        self._changed.clear()
        await self._changed.wait()
