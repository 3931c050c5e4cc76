"""Jobs for the tests of the kernel: a home without a gateway, notes that are taken, and what was taken."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from headwater.kernel.context import Context
from headwater.kernel.home import Home
from headwater.kernel.jobs import Job, handles
from headwater.kernel.settings import Settings

ran: list[str] = []


class Note(Job, frozen=True, kw_only=True, tag="tests/note/1"):
    fails: int = 0


failures: dict[str, int] = {}


@handles(Note, attempts_max=3)
async def take_note(ctx: Context, note: Note) -> None:
    left = failures.setdefault(note.subject, note.fails)
    failures[note.subject] = left - 1
    if left > 0:
        raise RuntimeError("not yet")
    ran.append(note.subject)


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[Home]:
    class Done(Exception):
        pass

    try:
        async with asyncio.TaskGroup() as tasks:
            home = Home(Settings(home=path), tasks)
            await home.resume()
            try:
                yield home
            finally:
                await home.close()
            raise Done
    except* Done:
        pass


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.005)


def note(home: Home, subject: str, in_: timedelta, fails: int = 0) -> Note:
    return Note(account="1", region="", subject=subject, at=home.clock.now() + in_, fails=fails)
