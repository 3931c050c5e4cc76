"""What many recurring things owe, done in the order of time, whoever's job woke up first.

Each of them owes a job for its next moment, and that wakes the house. When the Clock was moved far, or the house was closed, many moments
of many things have passed; a job for each would let what recurs seldom run ahead of what recurs often. So the job that wakes does
everything that is due, the earliest first, and the others find nothing left to do.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final

Key = tuple[str, ...]
Fire = Callable[[datetime, Key], Awaitable[None]]
AT_ONCE: Final = 1000
"""So many, then others have their turn: what was just made due to run is older than what is left."""
YIELD_EVERY: Final = 32


class DueOrder:
    """Moments and whose they are, in memory: the store has the truth, and `fire` reads it again."""

    def __init__(self) -> None:
        self._heap: list[tuple[datetime, Key]] = []
        self._is_firing = False

    def put(self, due: datetime, key: Key) -> None:
        heapq.heappush(self._heap, (due, key))

    @property
    def earliest(self) -> datetime | None:
        return self._heap[0][0] if self._heap else None

    async def run(self, now: Callable[[], datetime], fire: Fire) -> bool:
        """Fire what is due, in order. Whether some is left for another time; False at once where somebody is at it already."""
        if self._is_firing:
            return False
        self._is_firing = True
        try:
            for number in range(AT_ONCE):
                if not self._heap or self._heap[0][0] > now():
                    return False
                due, key = self._heap[0]
                try:
                    await fire(due, key)
                except Exception:
                    self._drop(due, key)  # one that cannot be fired must not stand in the way of all others
                    raise
                self._drop(due, key)
                if number % YIELD_EVERY == YIELD_EVERY - 1:
                    await asyncio.sleep(0)
            return True
        finally:
            self._is_firing = False

    def _drop(self, due: datetime, key: Key) -> None:
        """Take away what was fired; what `fire` put in is later than it."""
        if self._heap[0] == (due, key):
            heapq.heappop(self._heap)
