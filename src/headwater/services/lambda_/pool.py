"""The warm workers of one version of one function: who runs what, when another worker is worth its start, when one may go.

An event goes to a free worker at once, in the caller's own turn of the loop: no task, no queue, no wait. Where none is free it
waits, and a further worker is started only once the first in line has waited longer than a start is worth: functions that take
a millisecond are served by few workers, functions that take seconds get as many as wait. Events of synchronous callers go before
asynchronous ones, which may use a bounded number of workers.
"""

import asyncio
import os
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Final

from .invocation import Invocation
from .worker import Failure, Launch, Worker

CORES: Final = os.cpu_count() or 1
WORKERS_MAX: Final = max(32, 16 * CORES)
WORKERS_ASYNCHRONOUS_MAX: Final = 4 * CORES
WORKERS_QUICK_MAX: Final = CORES + 1  # for runs so quick that hardly anybody waits: more could not run at once anyway
STARTS_MAX: Final = 2 * CORES  # at one time: more would only make each slower
PATIENCE_S: Final = 0.05
IDLE_S: Final = 300.0


class Pool:
    """`make` builds a worker for this pool; `asynchronous_max` is how many workers asynchronous events may have now; `is_stale` says of
    an event that its time is over, and has then seen to it.
    """

    def __init__(
        self,
        launch: Launch,
        spawn: Callable[[Coroutine[Any, Any, None], str], None],
        make: Callable[["Pool"], Worker],
        asynchronous_max: Callable[[], int],
        is_stale: Callable[[Invocation], bool] = lambda _: False,
    ) -> None:
        self.launch = launch
        self._spawn = spawn
        self._make = make
        self._asynchronous_max = asynchronous_max
        self._is_stale = is_stale
        self._loop = asyncio.get_running_loop()
        self._workers: set[Worker] = set()
        self._starting: set[Worker] = set()
        self._idle: list[Worker] = []
        self._waiting: deque[Invocation] = deque()
        self._backlog: deque[Invocation] = deque()
        self._asynchronous = 0  # running now
        self._growth: asyncio.TimerHandle | None = None
        self._sweep: asyncio.TimerHandle | None = None
        self._retired = False
        self._pressed = False
        self._wanted = 0  # workers that wait for events before there are any
        self._early: set[Worker] = set()
        self.is_provisioning = False
        self._does_not_start = False
        self.why_not_provisioned = ""

    def provision(self, wanted: int) -> None:
        """Have so many workers ready, always. The others are on demand, as ever."""
        self._wanted = min(wanted, WORKERS_MAX)
        self.why_not_provisioned = (
            "" if wanted <= WORKERS_MAX else f"HEADWATER keeps {WORKERS_MAX} environments of a version ready at most."
        )
        surplus = len(self._early) - self._wanted
        for worker in [worker for worker in self._idle if worker in self._early][: max(surplus, 0)]:
            self._idle.remove(worker)
            self._early.discard(worker)
            worker.stop()
        while len(self._early) > self._wanted:
            self._early.pop()  # at work: from now on as any other
        self._top_up()

    @property
    def provisioned(self) -> int:
        """How many of those are there, at work or not."""
        return sum(worker.ready for worker in self._early)

    def submit(self, invocation: Invocation) -> None:
        """Run it now or as soon as a worker is free; its `done` will be called exactly once, never from within this call."""
        if not (invocation.asynchronous and self._asynchronous >= self._asynchronous_max()):
            while self._idle:
                if self._begin(self._freed(), invocation):
                    return
        invocation.enqueued = self._loop.time()
        (self._backlog if invocation.asynchronous else self._waiting).append(invocation)
        self._grow()

    def pump(self) -> None:
        """Look again at who waits: a limit has changed, or another version of the function has freed a place."""
        while self._idle and (invocation := self._next()) is not None:
            if not self._begin(self._freed(), invocation):
                self._put_back(invocation)
        self._grow()

    def retire(self) -> list[Invocation]:
        """No more events here: free workers end now, busy ones after their run. What waited is handed back."""
        self._retired = True
        for timer in (self._growth, self._sweep):
            if timer is not None:
                timer.cancel()
        for worker in self._idle:
            worker.stop()
        self._idle.clear()
        waited = [*self._waiting, *self._backlog]
        self._waiting.clear()
        self._backlog.clear()
        return waited

    def kill(self) -> None:
        for worker in self._workers:
            worker.stop()

    @property
    def waiting(self) -> int:
        return len(self._waiting) + len(self._backlog)

    @property
    def running(self) -> int:
        return len(self._workers) - len(self._idle) - len(self._starting)

    @property
    def workers(self) -> int:
        return len(self._workers)

    # What workers call.

    def is_free(self, worker: Worker) -> None:
        self._starting.discard(worker)
        if self._retired:
            worker.stop()
            return
        invocation = self._next()
        if invocation is not None:
            if not self._begin(worker, invocation):
                self._put_back(invocation)
            return
        worker.idle_since = self._loop.time()
        self._idle.append(worker)
        if self._sweep is None:
            self._sweep = self._loop.call_later(IDLE_S, self._let_go)

    def has_ended(self, worker: Worker, failure: Failure | None) -> None:
        self._workers.discard(worker)
        self._starting.discard(worker)
        if worker in self._idle:
            self._idle.remove(worker)
        if worker in self._early:
            self._early.discard(worker)
            if failure is not None:
                self._does_not_start = True  # not tried again before it is asked for again
                self.why_not_provisioned = "FUNCTION_ERROR_INIT_FAILURE"
        if failure is not None and not any(other.ready for other in self._workers):
            self._fail_all(failure)
        if not self._retired:
            self._top_up()
            self._grow()

    # Inside.

    def _freed(self) -> Worker:
        """A free worker; one that was provisioned, while there is one."""
        if self._early:
            for position in range(len(self._idle) - 1, -1, -1):
                if self._idle[position] in self._early:
                    return self._idle.pop(position)
        return self._idle.pop()

    def _top_up(self) -> None:
        while not self._retired and not self._does_not_start and len(self._early) < self._wanted:
            self.is_provisioning = True
            self._early.add(self._start())
            self.is_provisioning = False

    def _begin(self, worker: Worker, invocation: Invocation) -> bool:
        if not worker.begin(invocation):
            return False  # found dead, and already on its way out
        if invocation.asynchronous:
            self._asynchronous += 1
        return True

    def _put_back(self, invocation: Invocation) -> None:
        (self._backlog if invocation.asynchronous else self._waiting).appendleft(invocation)

    def finished(self, invocation: Invocation) -> None:
        """A run is over (called before its `done` does anything else)."""
        if invocation.asynchronous:
            self._asynchronous -= 1

    def _next(self) -> Invocation | None:
        if self._waiting:
            return self._waiting.popleft()
        while self._backlog and self._asynchronous < self._asynchronous_max():
            event = self._backlog.popleft()
            if not self._is_stale(event):
                return event
        return None

    def _fail_all(self, failure: Failure) -> None:
        """The code does not start: everyone who waits for it hears why, for the next start would say the same."""
        waited = [*self._waiting, *self._backlog]
        self._waiting.clear()
        self._backlog.clear()
        for invocation in waited:
            invocation.done(invocation, failure(invocation.request_id))

    def _head_waited_s(self) -> float:
        """How long the first in line has waited; below zero where nobody waits who may have a worker of his own."""
        heads = []
        if self._waiting:
            heads.append(self._waiting[0].enqueued)
        if self._backlog and len(self._workers) < self._asynchronous_max():
            heads.append(self._backlog[0].enqueued)
        return self._loop.time() - min(heads) if heads else -1.0

    def _grow(self) -> None:
        self._growth_wanted(0.0 if not self._workers else PATIENCE_S)

    def _growth_wanted(self, patience_s: float) -> None:
        waited = self._head_waited_s()
        if waited < 0 or self._idle or len(self._workers) >= WORKERS_MAX:
            return
        wanted = 0
        if waited >= patience_s:
            for_events = max(0, self._asynchronous_max() - len(self._workers))
            wanted = min(self.waiting - len(self._starting), len(self._waiting) + for_events)
        elif self._pressed and len(self._workers) < WORKERS_QUICK_MAX:
            wanted = 1 - len(self._starting)
        for _ in range(min(wanted, WORKERS_MAX - len(self._workers), STARTS_MAX - len(self._starting))):
            self._start()
        if self._growth is None:
            self._growth = self._loop.call_later(PATIENCE_S, self._look_again)

    def _look_again(self) -> None:
        self._growth = None
        if not self._retired:
            self._grow()
            self._pressed = self.waiting > len(self._workers)  # and, when we look next, still: even quick runs want another worker

    def _start(self) -> Worker:
        worker = self._make(self)
        self._workers.add(worker)
        self._starting.add(worker)
        self._spawn(worker.live(), f"lambda worker {self.launch.function}")
        return worker

    def _let_go(self) -> None:
        """Workers that nobody needed for a while end; the longest free stand first in the list."""
        self._sweep = None
        limit = self._loop.time() - IDLE_S
        for worker in [worker for worker in self._idle if worker.idle_since <= limit and worker not in self._early]:
            self._idle.remove(worker)
            worker.stop()
        if len(self._idle) > len(self._early):
            self._sweep = self._loop.call_later(IDLE_S, self._let_go)
