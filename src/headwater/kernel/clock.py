"""The one Clock. AWS time can be moved; the machine's time cannot, and the two are never mixed.

AWS time drives schedules, rotation, TTLs, retention, expiry and timestamps in answers. The machine's time drives freshness of
signatures, certificates, sockets and time-outs (those through `asyncio.timeout`).

AWS time runs with the machine's, at a distance that may be changed, or it is frozen: then it stands until it is moved or let go on. It
may be moved back. What was done stays done, and what is due later than the new time waits until that time comes round again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

LONGEST_TIMER_S: Final = 86_400.0
"""A timer is set anew at least once a day: event loops refuse very long ones."""


class Clock:
    """AWS time as the machine's time plus an offset, or standing still."""

    def __init__(self, offset: timedelta = timedelta(), frozen_at: datetime | None = None) -> None:
        self._offset = offset
        self._frozen_at = frozen_at
        self._when_moved: list[Callable[[], object]] = []

    @property
    def offset(self) -> timedelta:
        """How far AWS time stands from the machine's; of a frozen Clock, at this moment."""
        return self._offset if self._frozen_at is None else self._frozen_at - self.machine()

    @property
    def frozen_at(self) -> datetime | None:
        """Where AWS time stands still, if it does."""
        return self._frozen_at

    def machine(self) -> datetime:
        """The machine's time, aware, UTC."""
        return datetime.now(UTC)  # noqa: TID251 - the Clock is where it is asked

    def now(self) -> datetime:
        """AWS time, aware, UTC."""
        if self._frozen_at is not None:
            return self._frozen_at
        now = datetime.now(UTC)  # noqa: TID251 - the Clock is where it is asked
        return now + self._offset if self._offset else now

    def advance(self, by: timedelta) -> None:
        """Move AWS time; everything that waits for it looks again."""
        self._move(self._offset + by, None if self._frozen_at is None else self._frozen_at + by)

    def set(self, to: datetime) -> None:
        """Let it be this moment, aware; a frozen Clock stands there, another one goes on from there."""
        self._move(to - self.machine(), None if self._frozen_at is None else to.astimezone(UTC))

    def freeze(self) -> None:
        """Stand still, until moved or resumed."""
        self._move(self._offset, self.now())

    def resume(self) -> None:
        """Go on from where it stands."""
        self._move(self.offset, None)

    def reset(self) -> None:
        """Be the machine's time again."""
        self._move(timedelta(), None)

    def _move(self, offset: timedelta, frozen_at: datetime | None) -> None:
        self._offset, self._frozen_at = offset, frozen_at
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
            elif self._frozen_at is None:
                timer = loop.call_later(min(left, LONGEST_TIMER_S), look)

        self._when_moved.append(look)
        try:
            look()
            await wake.wait()
        finally:
            self._when_moved.remove(look)
            if timer is not None:
                timer.cancel()
