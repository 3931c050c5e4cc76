"""Durable jobs: a promise with a due time, owed in the same transaction as the change that causes it.

A job's identity is (tag, account, region, subject, due time): owing it twice is owing it once. A handler runs at least once, so each step
must be repeatable, and it reads the world again before it acts. An exception is data: kept with the attempt and tried
again after a while, never raised into the runner.

A job runs when AWS time reaches its due time, however that comes about. When the Clock is moved back, what has run stays done (it is owed
no longer), and what is due later waits for its time to come round.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec
import structlog

from headwater.kernel.store import Record, Store, Table
from headwater.kernel.store.table import encode_key

if TYPE_CHECKING:
    from headwater.kernel.clock import Clock

log = structlog.get_logger()

RUNNING_MAX: Final = 64
FIRST_RETRY_S: Final = 1.0
LAST_RETRY_S: Final = 300.0


class Job(msgspec.Struct, frozen=True, kw_only=True, tag_field="job"):
    """Base of every job. Give each class a `tag="room/name/version"`: it lives on disk."""

    account: str
    region: str
    subject: str
    at: datetime


class Owed(Record, frozen=True, kw_only=True):
    """A job as it is stored."""

    key: tuple[str, ...]
    tag: str
    payload: bytes
    next_at: datetime
    attempts: int = 0
    last_error: str = ""


class Registration(msgspec.Struct, frozen=True):
    """What `@handles` knows of a job's handler."""

    job: type[Job]
    handler: Callable[[Any, Any], Awaitable[None]]
    attempts_max: int
    timeout: timedelta


OWED: Final = Table("kernel", "jobs", Owed, key=lambda owed: owed.key)
REGISTRY: Final[dict[str, Registration]] = {}
Handler = TypeVar("Handler", bound=Callable[[Any, Any], Awaitable[None]])


def handles(job: type[Job], *, attempts_max: int = 5, timeout: timedelta = timedelta(minutes=5)) -> Callable[[Handler], Handler]:
    """Register the decorated coroutine `(ctx, job)` as the handler of this kind of job."""

    def register(handler: Handler) -> Handler:
        tag = str(job.__struct_config__.tag)
        REGISTRY[tag] = Registration(job, handler, attempts_max, timeout)
        return handler

    return register


def key_of(job: Job) -> tuple[str, ...]:
    """The identity, due time first, so that the table stands in the order of time."""
    return (job.at.isoformat(timespec="microseconds"), str(job.__struct_config__.tag), job.account, job.region, job.subject)


class Jobs:
    """The runner: one loop that sleeps until the next job is due, and a task for each that runs."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        tasks: asyncio.TaskGroup,
        run: Callable[[Registration, Job], Awaitable[None]],
        open_room: Callable[[str], Awaitable[None]],
    ) -> None:
        self._store = store
        self._clock = clock
        self._tasks = tasks
        self._run = run
        self._open_room = open_room
        self._heap: list[tuple[datetime, tuple[str, ...]]] = []
        self._running: set[tuple[str, ...]] = set()
        self._owed_anew: set[tuple[str, ...]] = set()
        self._wake = asyncio.Event()
        store.on_jobs = self._changes

    def _changes(self, jobs: list[tuple[Job, bool]]) -> list[tuple[Table[Any], bytes, Any]]:
        """The rows by which a transaction's promises are kept."""
        rows: list[tuple[Table[Any], bytes, Any]] = []
        for job, is_owed in jobs:
            key = key_of(job)
            if not is_owed:
                rows.append((OWED, encode_key(key), None))
                continue
            owed = Owed(key=key, tag=key[1], payload=msgspec.msgpack.encode(job), next_at=job.at)
            rows.append((OWED, encode_key(key), owed))
            heapq.heappush(self._heap, (job.at, key))
            if key in self._running:  # possible where the Clock is frozen: what runs may have read the world before this change
                self._owed_anew.add(key)
        self._wake.set()
        return rows

    def start(self) -> None:
        """Take up what is owed from before, and go on."""
        self._heap = [(owed.next_at, owed.key) for owed in self._store.scan(OWED)]
        heapq.heapify(self._heap)
        self._tasks.create_task(self._loop(), name="jobs")

    def still_due(self, before: datetime) -> list[Owed]:
        """Whoever moved the Clock from `before` stores these with it: what was due by then must not wait for that time anew.

        All else follows by itself: what has run is owed no longer and does not run again, and what is due later (the next run of
        something that recurs, say) waits until that time comes round.
        """
        now = self._clock.now()
        back = before - now
        if back <= timedelta():
            return []
        due = before.isoformat(timespec="microseconds")
        waiting = [owed for owed in self._store.scan(OWED) if owed.key[0] <= due and owed.next_at > now]
        found = [msgspec.structs.replace(owed, next_at=owed.next_at - back) for owed in waiting]
        for owed in found:
            heapq.heappush(self._heap, (owed.next_at, owed.key))
        self._wake.set()
        return found

    async def _loop(self) -> None:
        while True:
            self._wake.clear()
            self._start_due()
            following = self._heap[0][0] if self._heap and len(self._running) < RUNNING_MAX else None
            await self._clock.sleep_until(following, self._wake)

    def _start_due(self) -> None:
        now = self._clock.now()
        while self._heap and self._heap[0][0] <= now and len(self._running) < RUNNING_MAX:
            next_at, key = heapq.heappop(self._heap)
            owed = self._store.get(OWED, *key)
            if owed is None or owed.next_at != next_at or key in self._running:
                continue  # forgotten, or put off, since it was pushed
            self._running.add(key)
            self._tasks.create_task(self._attempt(owed), name=f"job {owed.tag}")

    async def _attempt(self, owed: Owed) -> None:
        try:
            error = await self._try(owed)
            current = self._store.get(OWED, *owed.key)
            if current is None:
                return  # forgotten while it ran
            if owed.key in self._owed_anew:
                heapq.heappush(self._heap, (current.next_at, current.key))
                return
            attempts_max = REGISTRY[owed.tag].attempts_max if owed.tag in REGISTRY else 1
            attempts = current.attempts + 1
            if error is None or attempts >= attempts_max:
                if error is not None:
                    log.error("job given up", tag=owed.tag, subject=owed.key[4], attempts=attempts, error=error)
                async with self._store.transaction() as tx:
                    tx.delete(OWED, *owed.key)
                return
            log.warning("job failed", tag=owed.tag, subject=owed.key[4], attempts=attempts, error=error)
            wait_s = min(FIRST_RETRY_S * 4 ** (attempts - 1), LAST_RETRY_S)
            later = msgspec.structs.replace(
                current, attempts=attempts, last_error=error, next_at=self._clock.now() + timedelta(seconds=wait_s)
            )
            async with self._store.transaction() as tx:
                tx.put(OWED, later)
            heapq.heappush(self._heap, (later.next_at, later.key))
        finally:
            self._running.discard(owed.key)
            self._owed_anew.discard(owed.key)
            self._wake.set()

    async def _try(self, owed: Owed) -> str | None:
        """Run it once; the error's words, or None."""
        try:
            await self._open_room(owed.tag.split("/")[0])
            registration = REGISTRY[owed.tag]
            job = msgspec.msgpack.decode(owed.payload, type=registration.job)
            async with asyncio.timeout(registration.timeout.total_seconds()):
                await self._run(registration, job)
        except Exception as error:  # noqa: BLE001 - a job's exception is data, kept with the attempt
            return f"{type(error).__name__}: {error}"
        return None
