"""The asynchronous queue: an event is in the store before its caller hears 202, and leaves it only when it has come to its end.

At least once, and exactly once where nothing dies: from the store's commit the event goes to a worker directly, in memory; when
its run is over it is deleted in the next turn of the loop, together with all others that ended in this one. After a kill what is
left in the store runs again: no more than what was running, waiting, or had ended in that very turn.

Function errors are tried again after one and two minutes of AWS time (each wait is a durable job); then, or when the event is too
old, a failure destination or dead-letter queue hears of it. Only so many events wait in memory; the rest wait in the store.
"""

import asyncio
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import msgspec
import structlog

from headwater.aws.faults import Fault
from headwater.kernel.context import Context
from headwater.kernel.jobs import Job, handles
from headwater.kernel.store import Transaction

from . import SERVICE
from .destinations import _deliver
from .fleet import Crew, Fleet, fleet_of, version_of
from .invocation import PENDING, Invocation, Outcome, Pending
from .model import EVENT_CONFIGS, FUNCTIONS, LATEST, EventConfig
from .names import Reference

if TYPE_CHECKING:
    from headwater.kernel.home import Home

log = structlog.get_logger()

QUEUED_MAX: Final = 10_000  # of one function, in memory
QUEUED_LOW: Final = 1_000
PAGE: Final = 1_000
RETRIES: Final = 2
RETRY_AFTER: Final = (timedelta(minutes=1), timedelta(minutes=2))
AGE_MAX_S: Final = 21_600


class RetryDue(Job, frozen=True, kw_only=True, tag="lambda/retry-due/1"):
    """The next attempt of an event whose function failed. `subject` is the function's name and the event's id."""

    function: str
    id: str


@handles(RetryDue, attempts_max=5)
async def _retry(ctx: Context, due: RetryDue) -> None:
    queue = queue_of(ctx.home)
    pending = ctx.store.get(PENDING, due.account, due.region, due.function, due.id)
    if pending is not None:
        queue.take(pending)


class Queue:
    """The room's asynchronous side, under `home.rooms["lambda/queue"]`."""

    def __init__(self, home: "Home", fleet: Fleet) -> None:
        self._home = home
        self._fleet = fleet
        self._ended: list[Callable[[Transaction], None]] = []
        self._wake = asyncio.Event()
        self._last = 0
        self.closed = False
        fleet.is_stale = self._is_stale
        home.tasks.create_task(self._settle(), name="lambda queue")

    async def accept(self, ctx: Context, asked: Reference, payload: bytes, client_context: str | None) -> None:
        """The event is durable when this returns, and on its way."""
        now = ctx.clock.now()
        pending = Pending(
            account=asked.account,
            region=asked.region,
            function=asked.name,
            id=self._new_id(now),
            request_id=ctx.request_id,
            qualifier=asked.qualifier,
            payload=payload,
            accepted_at=now,
            client_context=client_context,
        )
        async with ctx.store.transaction() as tx:
            tx.put(PENDING, pending)
        self.take(pending)

    def take(self, pending: Pending) -> None:
        """Bring a stored event to its function; without effect where it is already on its way."""
        crew = self._fleet.crew(pending.key[:3])
        if pending.id in crew.queued:
            return
        if pending.due is None:
            if crew.spilled or len(crew.queued) >= QUEUED_MAX:
                crew.spilled = crew.more = True
                return
            crew.newest = pending.id
        self._enqueue(crew, pending)

    def _enqueue(self, crew: Crew, pending: Pending) -> None:
        invocation = Invocation(
            request_id=pending.request_id,
            arn=pending.arn,
            payload=pending.payload,
            done=self._done,
            client_context=pending.client_context,
            pending=pending,
        )
        crew.queued[pending.id] = invocation
        self._submit(crew, invocation, pending)

    def _submit(self, crew: Crew, invocation: Invocation, pending: Pending) -> None:
        version = version_of(self._home.store, pending.key[:3], pending.qualifier, random.random())  # noqa: S311 - shares of an alias
        if version is None:  # deleted since
            self._end(invocation, pending, lambda tx: tx.delete(PENDING, *pending.key))
            return
        if crew.reserved == 0:
            self._give_up(invocation, pending, None, "ZeroReservedConcurrency")
            return
        pool = crew.pool_at_hand(version)
        if pool is not None:
            pool.submit(invocation)
        else:
            self._fleet.spawn(self._submit_cold(crew, invocation, pending), "lambda first worker")

    async def _submit_cold(self, crew: Crew, invocation: Invocation, pending: Pending) -> None:
        version = version_of(self._home.store, pending.key[:3], pending.qualifier)
        if version is None:
            self._end(invocation, pending, lambda tx: tx.delete(PENDING, *pending.key))
            return
        try:
            (await crew.pool(version)).submit(invocation)
        except Fault as refusal:
            self._failed(invocation, pending, Outcome(payload=msgspec.json.encode({"errorMessage": refusal.message}), error="Unhandled"))

    async def resume(self) -> None:
        """What was accepted before this program began."""
        for function in self._home.store.scan(FUNCTIONS):
            key = (function.account, function.region, function.name)
            crew = self._fleet.crew(key)
            crew.spilled = True
            await self._refill(crew, key)

    async def drop_all(self, key: tuple[str, str, str]) -> None:
        """The function is deleted: what waited for it goes with it."""
        while page := await self._home.store.range(PENDING, *key, limit=PAGE):
            async with self._home.store.transaction() as tx:
                for pending in page:
                    tx.delete(PENDING, *pending.key)

    # Inside.

    def _new_id(self, now: datetime) -> str:
        """Ids stand in the order of arrival, also when the machine's clock is set back."""
        self._last = max(self._last + 1, int(now.timestamp() * 1e6))
        return f"{self._last:016x}"

    async def _refill(self, crew: Crew, key: tuple[str, str, str]) -> None:
        """Take into memory what waits in the store, in order, as far as there is room."""
        if crew.refilling:
            return
        crew.refilling = True
        try:
            while crew.spilled and (room := QUEUED_MAX - len(crew.queued)) > 0:
                crew.more = False  # becomes true when another arrives during the read
                limit = min(room, PAGE)
                page = await self._home.store.range(PENDING, *key, after=crew.newest or None, limit=limit)
                now = self._home.clock.now()
                for pending in page:
                    crew.newest = pending.id
                    if pending.id not in crew.queued and (pending.due is None or pending.due <= now):
                        self._enqueue(crew, pending)
                crew.spilled = crew.more or len(page) == limit
        finally:
            crew.refilling = False

    def _done(self, invocation: Invocation, outcome: Outcome) -> None:
        pending = invocation.pending
        assert pending is not None
        if self.closed:
            return  # its worker was killed because the house closes: it is still in the store, and runs at the next start
        if outcome.error is not None:
            self._failed(invocation, pending, outcome)
            return
        config = self._config(pending)
        if config is not None and config.on_success is not None:
            self._tell(invocation, pending, outcome, "Success", config.on_success)
            return
        self._end(invocation, pending, lambda tx: tx.delete(PENDING, *pending.key))

    def _failed(self, invocation: Invocation, pending: Pending, outcome: Outcome) -> None:
        config = self._config(pending)
        tried = msgspec.structs.replace(pending, attempts=pending.attempts + 1)
        retries_max = RETRIES if config is None or config.retries_max is None else config.retries_max
        if tried.attempts > retries_max:
            self._give_up(invocation, tried, outcome, "RetriesExhausted")
            return
        due = self._home.clock.now() + RETRY_AFTER[tried.attempts - 1]
        if due - pending.accepted_at > age_max(config):
            self._give_up(invocation, tried, outcome, "EventAgeExceeded")
            return
        self._end(invocation, pending, lambda tx: _put_off(tx, tried, due))

    def _is_stale(self, invocation: Invocation) -> bool:
        """Whether an event has waited too long for its turn; it is then given up."""
        pending = invocation.pending
        if pending is None or self._home.clock.now() - pending.accepted_at <= age_max(self._config(pending)):
            return False
        self._give_up(invocation, pending, None, "EventAgeExceeded")
        return True

    def _give_up(self, invocation: Invocation, pending: Pending, outcome: Outcome | None, condition: str) -> None:
        config = self._config(pending)
        version = version_of(self._home.store, pending.key[:3], pending.qualifier)
        destination = config.on_failure if config is not None else None
        if destination is None and (version is None or version.dead_letter_arn is None):
            self._end(invocation, pending, lambda tx: tx.delete(PENDING, *pending.key))
            return
        self._tell(invocation, pending, outcome, condition, destination)

    def _tell(self, invocation: Invocation, pending: Pending, outcome: Outcome | None, condition: str, destination: str | None) -> None:
        """Off the worker's path: a destination is another service. The event is deleted after it has been told."""

        async def tell() -> None:
            await _deliver(self._home, pending, outcome, condition, destination)
            self._end(invocation, pending, lambda tx: tx.delete(PENDING, *pending.key))

        self._fleet.spawn(tell(), "lambda destination")

    def _config(self, pending: Pending) -> EventConfig | None:
        return self._home.store.get(EVENT_CONFIGS, *pending.key[:3], pending.qualifier or LATEST)

    def _end(self, invocation: Invocation, pending: Pending, change: Callable[[Transaction], None]) -> None:
        crew = self._fleet.crew(pending.key[:3])
        crew.queued.pop(pending.id, None)
        self._ended.append(change)
        self._wake.set()
        if crew.spilled and not crew.refilling and len(crew.queued) < QUEUED_LOW:
            self._fleet.spawn(self._refill(crew, pending.key[:3]), "lambda refill")

    async def _settle(self) -> None:
        """Write down what has ended: one transaction for all of one turn of the loop."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            ended, self._ended = self._ended, []
            async with self._home.store.transaction() as tx:
                for change in ended:
                    change(tx)


def age_max(config: EventConfig | None) -> timedelta:
    return timedelta(seconds=AGE_MAX_S if config is None or config.age_max_s is None else config.age_max_s)


def _put_off(tx: Transaction, pending: Pending, due: datetime) -> None:
    tx.put(PENDING, msgspec.structs.replace(pending, due=due))
    subject = f"{pending.function}/{pending.id}"
    tx.owe(RetryDue(account=pending.account, region=pending.region, subject=subject, at=due, function=pending.function, id=pending.id))


def queue_of(home: "Home") -> Queue:
    queue = home.rooms.get("lambda/queue")
    if queue is None:
        queue = home.rooms["lambda/queue"] = Queue(home, fleet_of(home))
    assert isinstance(queue, Queue)
    return queue


@SERVICE.starts
async def _resume(home: "Home") -> None:
    await queue_of(home).resume()


@SERVICE.describes
def _describe(home: "Home") -> object:
    """For `headwater status`: how many workers each function has, and how many events wait."""
    return {crew.name: crew.describe() for crew in fleet_of(home).crews()}


@SERVICE.settles
async def _ship(home: "Home") -> None:
    """Logs takes no line that is two weeks old."""
    await fleet_of(home).shipper.flush()


@SERVICE.stops
async def _close(home: "Home") -> None:
    queue_of(home).closed = True
    await fleet_of(home).close()
