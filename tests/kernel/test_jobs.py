"""Jobs are promises: kept once per due time, again after a failure, and across restarts. Truth: our own contract (DESIGN.md §7)."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from headwater.kernel.jobs import OWED
from promises import failures, note, opened, ran, until


@pytest.fixture(autouse=True)
def forget() -> None:
    ran.clear()
    failures.clear()


async def test_a_job_runs_when_the_clock_reaches_its_time_and_not_before(tmp_path: Path) -> None:
    async with opened(tmp_path) as home:
        async with home.store.transaction() as tx:
            tx.owe(note(home, "sixty days", timedelta(days=60)))
        await home.advance(timedelta(days=59))
        await asyncio.sleep(0.05)
        assert ran == []
        await home.advance(timedelta(days=1, seconds=1))
        await until(lambda: ran == ["sixty days"])
        await until(lambda: home.store.scan(OWED) == [])


async def test_owing_the_same_job_twice_is_owing_it_once(tmp_path: Path) -> None:
    async with opened(tmp_path) as home:
        job = note(home, "once", timedelta(seconds=1))
        for _ in range(2):
            async with home.store.transaction() as tx:
                tx.owe(job)
        await home.advance(timedelta(seconds=2))
        await until(lambda: home.store.scan(OWED) == [])
        assert ran == ["once"]


async def test_a_forgotten_job_does_not_run(tmp_path: Path) -> None:
    async with opened(tmp_path) as home:
        job = note(home, "never", timedelta(seconds=1))
        async with home.store.transaction() as tx:
            tx.owe(job)
        async with home.store.transaction() as tx:
            tx.forget(job)
        await home.advance(timedelta(seconds=2))
        await asyncio.sleep(0.05)
        assert ran == []


async def test_a_failing_job_is_tried_again_later(tmp_path: Path) -> None:
    async with opened(tmp_path) as home:
        async with home.store.transaction() as tx:
            tx.owe(note(home, "stubborn", timedelta(), fails=2))
        for attempts in (1, 2):
            await until(lambda attempts=attempts: [owed.attempts for owed in home.store.scan(OWED)] == [attempts])  # type: ignore[misc]
            assert ran == []
            await home.advance(timedelta(minutes=5))
        await until(lambda: ran == ["stubborn"])


async def test_a_job_is_given_up_after_its_attempts(tmp_path: Path) -> None:
    async with opened(tmp_path) as home:
        async with home.store.transaction() as tx:
            tx.owe(note(home, "hopeless", timedelta(), fails=99))
        for attempts in (1, 2):
            await until(lambda attempts=attempts: [owed.attempts for owed in home.store.scan(OWED)] == [attempts])  # type: ignore[misc]
            await home.advance(timedelta(minutes=10))
        await until(lambda: home.store.scan(OWED) == [])
        assert ran == []


async def test_what_was_owed_before_a_restart_runs_after_it(tmp_path: Path) -> None:
    async with opened(tmp_path) as home, home.store.transaction() as tx:
        tx.owe(note(home, "later", timedelta(hours=1)))
    async with opened(tmp_path) as home:
        await home.advance(timedelta(hours=2))
        await until(lambda: ran == ["later"])


async def test_the_moved_clock_stays_moved_after_a_restart(tmp_path: Path) -> None:
    async with opened(tmp_path) as home:
        await home.advance(timedelta(days=400))
    async with opened(tmp_path) as home:
        assert home.clock.now() - home.clock.machine() > timedelta(days=399)
