"""AWS time runs, is moved, stands still, and outlives the program. Truth: our own contract (DESIGN.md §7, issue 5 item 7)."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from headwater.kernel.clock import Clock
from headwater.kernel.context import Context
from headwater.kernel.home import CLOCK, ClockOffset, ClockSetting
from headwater.kernel.jobs import OWED, Job, handles
from headwater.kernel.store import Table
from promises import failures, note, opened, ran, until

MARCH = datetime(2027, 3, 1, 3, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def forget() -> None:
    ran.clear()
    failures.clear()


async def test_a_frozen_clock_stands_until_it_is_moved_or_resumed() -> None:
    clock = Clock()
    clock.freeze()
    stands = clock.now()
    await asyncio.sleep(0.01)
    assert clock.now() == stands
    clock.advance(DAY)
    assert clock.now() == stands + DAY
    clock.set(MARCH)
    assert clock.now() == MARCH
    clock.resume()
    await asyncio.sleep(0.01)
    assert MARCH < clock.now() < MARCH + timedelta(seconds=5)
    clock.reset()
    assert abs(clock.now() - clock.machine()) < timedelta(seconds=1)


async def test_a_clock_that_is_set_goes_on_from_there() -> None:
    clock = Clock()
    clock.set(MARCH)
    first = clock.now()
    await asyncio.sleep(0.01)
    assert MARCH <= first < clock.now() < MARCH + timedelta(seconds=5)


async def test_freezing_twice_is_freezing_once_and_resuming_what_runs_changes_nothing() -> None:
    clock = Clock()
    clock.freeze()
    stands = clock.now()
    clock.freeze()
    assert clock.now() == stands
    clock.resume()
    offset = clock.offset
    clock.resume()
    assert clock.offset == offset


async def test_who_sleeps_until_a_moment_is_not_woken_while_time_stands() -> None:
    clock, wake = Clock(), asyncio.Event()
    clock.freeze()
    async with asyncio.TaskGroup() as tasks:
        sleeper = tasks.create_task(clock.sleep_until(clock.now() + timedelta(milliseconds=20), wake))
        await asyncio.sleep(0.1)
        assert not sleeper.done()
        clock.resume()


async def test_a_frozen_clock_is_frozen_after_a_restart(tmp_path: Path) -> None:
    async with opened(tmp_path) as home:
        await home.move_clock(Clock.freeze)
        await home.move_clock(lambda clock: clock.set(MARCH))
    async with opened(tmp_path) as home:
        assert home.clock.now() == MARCH
        await home.move_clock(Clock.resume)
    async with opened(tmp_path) as home:
        assert home.clock.frozen_at is None
        assert MARCH < home.clock.now() < MARCH + timedelta(minutes=1)


def test_the_setting_of_a_clock_that_could_not_be_frozen_is_still_read() -> None:
    before = Table("kernel", "clock", ClockOffset, key=lambda setting: ("offset",), version=1)
    stored = before.encode(ClockOffset(offset_us=5))
    assert CLOCK.decode(stored) == ClockSetting(offset_us=5, frozen_at=None)


async def test_while_time_stands_jobs_wait_and_run_when_it_is_moved_to_them(tmp_path: Path) -> None:
    async with opened(tmp_path) as home:
        await home.move_clock(Clock.freeze)
        async with home.store.transaction() as tx:
            tx.owe(note(home, "soon", timedelta(milliseconds=20)))
        await asyncio.sleep(0.1)
        assert ran == []
        await home.advance(timedelta(seconds=1))
        await until(lambda: ran == ["soon"])


async def test_what_has_run_does_not_run_again_when_its_time_comes_round_again(tmp_path: Path) -> None:
    async with opened(tmp_path) as home:
        async with home.store.transaction() as tx:
            tx.owe(note(home, "tomorrow", DAY))
        await home.advance(2 * DAY)
        await until(lambda: home.store.scan(OWED) == [])
        await home.move_clock(Clock.reset)
    async with opened(tmp_path) as home:
        await home.advance(2 * DAY)
        await asyncio.sleep(0.05)
        assert ran == ["tomorrow"]


class Daily(Job, frozen=True, kw_only=True, tag="tests/daily/1"):
    pass


@handles(Daily)
async def run_daily(ctx: Context, due: Daily) -> None:
    ran.append(due.at.isoformat())
    async with ctx.store.transaction() as tx:
        tx.owe(msgspec.structs.replace(due, at=due.at + DAY))


async def test_what_recurs_waits_for_its_next_time_and_skips_none(tmp_path: Path) -> None:
    async with opened(tmp_path) as home:
        first = home.clock.now() + DAY
        async with home.store.transaction() as tx:
            tx.owe(Daily(account="1", region="", subject="daily", at=first))
        await home.advance(3 * DAY + timedelta(hours=1))
        times = [(first + number * DAY).isoformat() for number in range(5)]
        await until(lambda: ran == times[:3])
        await home.move_clock(Clock.reset)
        await home.advance(3 * DAY + timedelta(hours=1))
        await asyncio.sleep(0.05)
        assert ran == times[:3]
        await home.advance(2 * DAY)
        await until(lambda: ran == times)


async def test_what_waits_to_be_tried_again_does_not_wait_for_the_time_that_was_left(tmp_path: Path) -> None:
    async with opened(tmp_path) as home:
        await home.advance(400 * DAY)
        async with home.store.transaction() as tx:
            tx.owe(note(home, "stubborn", timedelta(), fails=1))
        await until(lambda: [owed.attempts for owed in home.store.scan(OWED)] == [1])
        await home.move_clock(Clock.reset)
        await home.advance(timedelta(minutes=5))
        await until(lambda: ran == ["stubborn"])


async def test_what_is_due_later_waits_when_time_is_moved_back(tmp_path: Path) -> None:
    async with opened(tmp_path) as home:
        await home.advance(10 * DAY)
        async with home.store.transaction() as tx:
            tx.owe(note(home, "eleven days", DAY))
        await home.move_clock(Clock.reset)
        await home.advance(10 * DAY)
        await asyncio.sleep(0.05)
        assert ran == []
        await home.advance(DAY)
        await until(lambda: ran == ["eleven days"])


class Relay(Job, frozen=True, kw_only=True, tag="tests/relay/1"):
    pass


@handles(Relay)
async def relay(ctx: Context, due: Relay) -> None:
    """Runs twice: what is promised while a job runs, at the same frozen moment, is a promise all the same."""
    ran.append(due.subject)
    if len(ran) == 1:
        async with ctx.store.transaction() as tx:
            tx.owe(due)


async def test_a_promise_made_while_its_like_runs_is_kept_although_time_stands(tmp_path: Path) -> None:
    async with opened(tmp_path) as home:
        await home.move_clock(Clock.freeze)
        async with home.store.transaction() as tx:
            tx.owe(Relay(account="1", region="", subject="relay", at=home.clock.now()))
        await until(lambda: ran == ["relay", "relay"])
        await until(lambda: home.store.scan(OWED) == [])
