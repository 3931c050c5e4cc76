"""Who runs what in a pool, without processes: workers that finish when they are told. Truth: our own rules (pool.py)."""

import asyncio
from typing import Any

import pytest

from headwater.services.lambda_ import pool as pools
from headwater.services.lambda_.invocation import Invocation, Outcome, Pending, exited
from headwater.services.lambda_.pool import PATIENCE_S, Pool


class Hand:
    """A worker's outside: it becomes free, begins and finishes when the test says so."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.ready = False
        self.idle_since = 0.0
        self.current: Invocation | None = None
        self.stopped = asyncio.Event()
        self.is_dead = False

    async def live(self) -> None:
        await self.stopped.wait()

    def begin(self, invocation: Invocation) -> bool:
        if self.is_dead:
            return False
        assert self.current is None
        self.current = invocation
        return True

    def stop(self) -> None:
        self.stopped.set()

    def starts(self) -> None:
        self.ready = True
        self.pool.is_free(self)  # type: ignore[arg-type]

    def finishes(self) -> None:
        invocation, self.current = self.current, None
        assert invocation is not None
        self.pool.finished(invocation)
        invocation.done(invocation, Outcome(payload=b"done"))
        self.pool.is_free(self)  # type: ignore[arg-type]

    def fails_to_start(self) -> None:
        self.pool.has_ended(self, lambda request_id: exited(request_id, 1))  # type: ignore[arg-type]


class Bench:
    def __init__(self, spawn: Any) -> None:
        self.hands: list[Hand] = []
        self.asynchronous_max = 2
        self.outcomes: dict[str, Outcome] = {}
        self.pool = Pool(_launch(), spawn, self._make, lambda: self.asynchronous_max)  # type: ignore[arg-type]

    def _make(self, pool: Pool) -> Any:
        self.hands.append(Hand(pool))
        return self.hands[-1]

    def submit(self, name: str, *, asynchronous: bool = False) -> None:
        self.pool.submit(
            Invocation(request_id=name, arn="arn", payload=b"{}", done=self._done, pending=_pending(name) if asynchronous else None)
        )

    def _done(self, invocation: Invocation, outcome: Outcome) -> None:
        assert invocation.request_id not in self.outcomes
        self.outcomes[invocation.request_id] = outcome

    @property
    def running(self) -> list[str]:
        return [hand.current.request_id for hand in self.hands if hand.current is not None]


def _launch() -> Any:
    from headwater.services.lambda_.worker import Launch

    return Launch(argv=(), env={}, view=None, cwd=None, function="f", version="1", timeout_s=3, memory_mb=128)


def _pending(name: str) -> Pending:
    from datetime import UTC, datetime

    at = datetime(2026, 1, 1, tzinfo=UTC)
    return Pending(account="1", region="r", function="f", id=name, request_id=name, qualifier=None, payload=b"{}", accepted_at=at)


@pytest.fixture
async def bench() -> Any:
    async with asyncio.TaskGroup() as tasks:
        bench = Bench(lambda work, name: tasks.create_task(work, name=name))
        yield bench
        bench.pool.retire()
        for hand in bench.hands:
            hand.stop()


async def test_the_first_event_starts_a_worker_and_runs_when_it_is_there(bench: Bench) -> None:
    bench.submit("a")
    assert (len(bench.hands), bench.running) == (1, [])
    bench.hands[0].starts()
    assert bench.running == ["a"]
    bench.hands[0].finishes()
    assert bench.outcomes["a"].payload == b"done"


async def test_a_free_worker_runs_the_next_event_at_once(bench: Bench) -> None:
    bench.submit("a")
    bench.hands[0].starts()
    bench.hands[0].finishes()
    bench.submit("b")
    assert bench.running == ["b"]
    assert len(bench.hands) == 1


async def test_a_second_worker_starts_only_when_somebody_has_waited(bench: Bench) -> None:
    bench.submit("a")
    bench.hands[0].starts()
    bench.submit("b")
    assert len(bench.hands) == 1
    await asyncio.sleep(PATIENCE_S * 3)
    assert len(bench.hands) == 2
    bench.hands[1].starts()
    assert sorted(bench.running) == ["a", "b"]


async def test_one_that_waits_for_a_worker_on_its_way_does_not_start_another(bench: Bench) -> None:
    bench.submit("a")
    await asyncio.sleep(PATIENCE_S * 4)
    assert len(bench.hands) == 1


async def test_callers_go_before_events(bench: Bench) -> None:
    bench.submit("event", asynchronous=True)
    bench.submit("caller")
    bench.hands[0].starts()
    assert bench.running == ["caller"]
    bench.hands[0].finishes()
    assert bench.running == ["event"]


async def test_events_use_no_more_workers_than_they_may(bench: Bench) -> None:
    for name in "abcdef":
        bench.submit(name, asynchronous=True)
    await asyncio.sleep(PATIENCE_S * 3)
    for hand in list(bench.hands):
        hand.starts()
    await asyncio.sleep(PATIENCE_S * 4)
    assert len(bench.hands) == len(bench.running) == 2
    bench.hands[0].finishes()
    assert sorted(bench.running) == ["b", "c"]


async def test_events_wait_while_none_may_run_and_go_when_they_may(bench: Bench) -> None:
    bench.asynchronous_max = 0
    bench.submit("a", asynchronous=True)
    await asyncio.sleep(PATIENCE_S * 3)
    assert bench.running == []
    bench.asynchronous_max = 1
    bench.pool.pump()
    for hand in bench.hands:
        hand.starts()
    assert bench.running == ["a"]


async def test_code_that_does_not_start_fails_everybody_who_waits(bench: Bench) -> None:
    bench.submit("a")
    bench.submit("b", asynchronous=True)
    bench.hands[0].fails_to_start()
    assert {name: outcome.error for name, outcome in bench.outcomes.items()} == {"a": "Unhandled", "b": "Unhandled"}
    assert b"RequestId: a Error" in bench.outcomes["a"].payload
    bench.submit("c")
    assert len(bench.hands) == 2


async def test_a_worker_found_dead_loses_nobodys_event(bench: Bench) -> None:
    bench.submit("a")
    bench.hands[0].starts()
    bench.hands[0].finishes()
    bench.hands[0].is_dead = True
    bench.submit("b")
    bench.pool.has_ended(bench.hands[0], None)  # type: ignore[arg-type]
    assert len(bench.hands) == 2
    bench.hands[1].starts()
    assert bench.running == ["b"]


async def test_a_retired_pool_hands_back_who_waits_and_lets_the_running_end(bench: Bench) -> None:
    bench.submit("a")
    bench.hands[0].starts()
    bench.submit("b")
    bench.submit("c", asynchronous=True)
    assert [invocation.request_id for invocation in bench.pool.retire()] == ["b", "c"]
    assert not bench.hands[0].stopped.is_set()
    bench.hands[0].finishes()
    assert bench.outcomes["a"].payload == b"done"
    assert bench.hands[0].stopped.is_set()


async def test_workers_that_nobody_needs_end(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "IDLE_S", 0.05)
    bench.submit("a")
    bench.hands[0].starts()
    bench.hands[0].finishes()
    await asyncio.sleep(0.15)
    assert bench.hands[0].stopped.is_set()
