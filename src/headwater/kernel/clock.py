"""The one Clock. AWS time can be moved; the machine's time cannot, and the two are never mixed.

AWS time drives schedules, rotation, TTLs, retention, expiry and timestamps in answers. The machine's time drives freshness of
signatures, certificates, sockets and time-outs (those through `asyncio.timeout`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

LONGEST_TIMER_S: Final = 86_400.0
"""A timer is set anew at least once a day: event loops refuse very long ones."""


class Clock:
    """AWS time as the machine's time plus an offset."""

    def __init__(self, offset: timedelta = timedelta()) -> None:
        self._offset = offset
        self._when_moved: list[Callable[[], object]] = []

    @property
    def offset(self) -> timedelta:
        return self._offset

    def machine(self) -> datetime:
        """The machine's time, aware, UTC."""
        return datetime.now(UTC)  # noqa: TID251 - the Clock is where it is asked

    def now(self) -> datetime:
        """AWS time, aware, UTC."""
        now = datetime.now(UTC)  # noqa: TID251 - the Clock is where it is asked
        return now + self._offset if self._offset else now

    def advance(self, by: timedelta) -> None:
        """Move AWS time; everything that waits for it looks again."""
        self._offset += by
        for look in list(self._when_moved):
            look()

    def when_moved(self, look: Callable[[], object]) -> None:
        """Call `look` whenever AWS time is moved: for those who must tell a process of their own."""
        self._when_moved.append(look)

    async def sleep_until(self, when: datetime | None, wake: asyncio.Event) -> None:
        """Return when AWS time has reached `when` (None: never) or when `wake` is set, whichever is first."""
        loop = asyncio.get_running_loop()
        timer: asyncio.TimerHandle | None = None

        def look() -> None:
            nonlocal timer
            if timer is not None:
                timer.cancel()
                timer = None
            if when is None:
                return
            left = (when - self.now()).total_seconds()
            if left <= 0:
                wake.set()
            else:
                timer = loop.call_later(min(left, LONGEST_TIMER_S), look)

        self._when_moved.append(look)
        try:
            look()
            await wake.wait()
        finally:
            self._when_moved.remove(look)
            if timer is not None:
                timer.cancel()
