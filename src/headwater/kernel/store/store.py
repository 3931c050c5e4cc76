"""The Store itself: transactions in, records out."""

from __future__ import annotations

import asyncio
import threading
from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

from headwater.kernel.store import journal
from headwater.kernel.store.filler import BACKLOG_BYTES_MAX, Filler, Place, raise_flag
from headwater.kernel.store.journal import Change, Journal
from headwater.kernel.store.recent import Recent
from headwater.kernel.store.shelf import Shelf
from headwater.kernel.store.table import Record, Table, encode_key

if TYPE_CHECKING:
    from headwater.kernel.jobs import Job

R = TypeVar("R", bound=Record)
SYNC_EVERY_S: Final = 0.1
"""How much a power cut may cost, unless every commit waits for the disk."""


class _Memory:
    """A small table: its records by key, the keys in order, and how often it was changed."""

    __slots__ = ("changes", "keys", "records")

    def __init__(self, rows: list[tuple[bytes, Any]]) -> None:
        self.records: dict[bytes, Any] = dict(rows)
        self.keys: list[bytes] = sorted(self.records)
        self.changes = 0

    def put(self, key: bytes, record: Any) -> None:
        self.changes += 1
        if key not in self.records:
            insort(self.keys, key)
        self.records[key] = record

    def delete(self, key: bytes) -> None:
        self.changes += 1
        if self.records.pop(key, None) is not None:
            del self.keys[bisect_left(self.keys, key)]

    def scan(self, prefix: bytes) -> Iterator[Any]:
        at = bisect_left(self.keys, prefix)
        while at < len(self.keys) and self.keys[at].startswith(prefix):
            yield self.records[self.keys[at]]
            at += 1


class _Big:
    """A big table: the changes that the filler has not carried over (None: deleted), and what was used lately."""

    __slots__ = ("changes", "recent")

    def __init__(self) -> None:
        self.changes: dict[bytes, tuple[int, Any]] = {}  # key -> (position, record)
        self.recent = Recent()

    def change(self, key: bytes, position: int, record: Any, stored: bytes | None) -> None:
        self.changes[key] = (position, record)
        if stored is None:
            self.recent.drop(key)
        else:
            self.recent.put(key, record, len(stored))

    def carried(self, key: bytes, position: int) -> None:
        change = self.changes.get(key)
        if change is not None and change[0] <= position:
            del self.changes[key]


class Transaction:
    """Changes that become true together. Read and decide before the block; write inside; do not await inside."""

    __slots__ = ("_jobs", "_puts", "_store")

    def __init__(self, store: Store) -> None:
        self._store = store
        self._puts: list[tuple[Table[Any], bytes, Any]] = []
        self._jobs: list[tuple[Job, bool]] = []

    def put(self, table: Table[R], record: R) -> None:
        self._puts.append((table, encode_key(table.key(record)), record))

    def delete(self, table: Table[Any], *key: str) -> None:
        self._puts.append((table, encode_key(key), None))

    def owe(self, job: Job) -> None:
        """Promise that `job` runs at its time; the promise is part of this transaction."""
        self._jobs.append((job, True))

    def forget(self, job: Job) -> None:
        """Take the promise back, if it still stands."""
        self._jobs.append((job, False))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            store = self._store
            store.commit_now(self._puts, self._jobs)
            if store.holds_back:
                await store.patience()


class Store:
    """Every room's records, under one folder. Used from the event loop's thread only, but for `range`'s own threads."""

    def __init__(self, folder: Path, *, fsync_always: bool = False) -> None:
        self._folder = folder
        self._journals = folder / "journal"
        self._journals.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._fsync_always = fsync_always
        self._memory: dict[Table[Any], _Memory] = {}
        self._big: dict[tuple[str, str], _Big] = {}
        self._changes: dict[str, int] = defaultdict(int)
        self._writers: dict[str, Shelf] = {}
        self._readers: dict[str, Shelf] = {}
        self._rangers: dict[str, Shelf] = {}
        self._range_pool = ThreadPoolExecutor(1, thread_name_prefix="store-range")
        self.services_with_state: set[str] = {path.stem for path in folder.glob("*.db")}
        self._recover()
        self._journal = Journal(self._journals, journal.end(self._journals))
        self._filled = self._journal.position
        self._fill_waiters: list[tuple[int, asyncio.Future[None]]] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._failure: BaseException | None = None
        self.on_failure: Callable[[BaseException], None] = lambda error: None
        self.on_jobs: Callable[[list[tuple[Job, bool]]], list[tuple[Table[Any], bytes, Any]]] | None = None
        self._filler = Filler(self._writer, self._carried_in_thread, self._failed_in_thread)
        self._dirty = threading.Event()
        self._sync_waiters: list[asyncio.Future[None]] = []
        self._sync_lock = threading.Lock()
        self._closing = threading.Event()
        self._syncer = threading.Thread(target=self._sync, name="store-sync", daemon=True)
        self._syncer.start()

    # -- recovery ------------------------------------------------------------------------------------------------------

    def _recover(self) -> None:
        """Replay what SQLite has not got, then begin with an empty journal."""
        if not any(self._journals.iterdir()):
            return
        reached = {service: self._writer(service).position() for service in self.services_with_state}
        owed: dict[str, list[tuple[str, bytes, bytes | None]]] = {}
        position = 0
        for position, changes in journal.read(self._journals):
            for service, table, key, value in changes:
                if position > reached.get(service, 0):
                    owed.setdefault(service, []).append((table, key, value))
        for service, rows in owed.items():
            self._writer(service).fill(_last_of_each(rows), position)
            self.services_with_state.add(service)
        for shelf in self._writers.values():
            shelf.checkpoint()

    # -- reading -------------------------------------------------------------------------------------------------------

    def get(self, table: Table[R], *key: str) -> R | None:
        """The record under `key`, or None. A big table's record may come from SQLite: some ten microseconds."""
        encoded = encode_key(key)
        if not table.big:
            found: R | None = (self._memory.get(table) or self._table(table)).records.get(encoded)
            return found
        big = self._big_table(table.service, table.name)
        recent: R | None = big.recent.get(encoded)
        if recent is not None:
            return recent
        change: tuple[int, R | None] | None = big.changes.get(encoded)
        if change is not None:
            return change[1]
        stored = self._shelf(self._readers, table.service).get(table.name, encoded)
        if stored is None:
            return None
        record = table.decode(stored)
        big.recent.put(encoded, record, len(stored))
        return record

    def scan(self, table: Table[R], *components: str) -> list[R]:
        """All records of a small table whose key begins with these components, in key order."""
        assert not table.big, f"{table.name} lives on disk: use range()"
        return list(self._table(table).scan(encode_key(components)))

    def generation(self, *tables: Table[Any]) -> int:
        """A number that grows with every change of these small tables: what was worked out at the same number still holds."""
        memory = self._memory
        return sum([(memory.get(table) or self._table(table)).changes for table in tables])

    def changes(self, *services: str) -> int:
        """As `generation`, of all that these services keep: for who remembers what another room answered."""
        return self._changes[services[0]] if len(services) == 1 else sum([self._changes[service] for service in services])

    async def range(
        self, table: Table[R], *components: str, prefix: str = "", after: str | None = None, beyond: str | None = None, limit: int = 1000
    ) -> list[R]:
        """At most `limit` records of a big table, in key order, whose key begins with `components`.

        `prefix` is text with which the next component begins; `after` skips everything up to and including that value
        of the next component; `beyond` skips everything whose next component begins with (or sorts before) that text.
        """
        assert table.big, f"{table.name} lives in memory: use scan()"
        base = encode_key(components)
        low = base + prefix.encode("utf-8", "surrogatepass")
        high = _successor(low)
        if after is not None:
            low = max(low, base + after.encode("utf-8", "surrogatepass") + b"\x01")
        if beyond is not None:
            low = max(low, _successor(base + beyond.encode("utf-8", "surrogatepass")) or low)
        await self._wait_for_filler()
        loop = asyncio.get_running_loop()
        rows = await loop.run_in_executor(self._range_pool, self._read_range, table, low, high, limit)
        return [table.decode(value) for _, value in rows]

    def _read_range(self, table: Table[Any], low: bytes, high: bytes | None, limit: int) -> list[tuple[bytes, bytes]]:
        return self._shelf(self._rangers, table.service).range(table.name, low, high, limit)

    # -- writing -------------------------------------------------------------------------------------------------------

    def transaction(self) -> Transaction:
        return Transaction(self)

    @property
    def holds_back(self) -> bool:
        """Whether those who committed must wait: for the disk, if that was asked for, or for a filler that lags far behind."""
        return self._fsync_always or self._filler.backlog_bytes > BACKLOG_BYTES_MAX

    async def patience(self) -> None:
        """Wait until the last commit may be acknowledged."""
        if self._fsync_always:
            waiter = asyncio.get_running_loop().create_future()
            with self._sync_lock:
                self._sync_waiters.append(waiter)
            self._dirty.set()
            await waiter
        else:
            await self._wait_for_filler()

    def commit_now(self, puts: list[tuple[Table[Any], bytes, Any]], jobs: list[tuple[Job, bool]]) -> None:
        """The synchronous heart of a commit: survives the death of the process when it returns."""
        if self._failure is not None:
            raise RuntimeError("the store has failed and takes no more changes") from self._failure
        if jobs:
            assert self.on_jobs is not None
            puts = puts + self.on_jobs(jobs)
        if not puts:
            return
        changes = []
        for table, key, record in puts:
            if not table.big:
                self._table(table)  # loaded before it is changed
            changes.append(Change(table.service, table.name, key, None if record is None else table.encode(record)))
        before = self._journal.position
        position = self._journal.append(changes)
        for (table, key, record), change in zip(puts, changes, strict=True):
            self._changes[table.service] += 1
            if table.big:
                self._big_table(table.service, table.name).change(key, position, record, change.value)
            elif record is None:
                self._memory[table].delete(key)
            else:
                self._memory[table].put(key, record)
        self._filler.add(changes, position, position - before)
        raise_flag(self._dirty)
        if self._journal.segment_is_full:
            self._journal.begin_segment()

    # -- the filler's side ---------------------------------------------------------------------------------------------

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Tell the store which loop its callers live on."""
        self._loop = loop

    async def _wait_for_filler(self) -> None:
        position = self._journal.position
        if self._filled >= position:
            return
        waiter = asyncio.get_running_loop().create_future()
        self._fill_waiters.append((position, waiter))
        self._filler.hurry()
        await waiter

    def _carried_in_thread(self, position: int, places: Iterable[Place]) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._carried, position, places)

    def _carried(self, position: int, places: Iterable[Place]) -> None:
        self._filled = position
        for service, table, key in places:
            big = self._big.get((service, table))
            if big is not None:
                big.carried(key, position)
        ready = [waiter for wanted, waiter in self._fill_waiters if wanted <= position]
        self._fill_waiters = [(wanted, waiter) for wanted, waiter in self._fill_waiters if wanted > position]
        for waiter in ready:
            if not waiter.done():
                waiter.set_result(None)
        if self._fill_waiters:
            self._filler.hurry()

    def _failed_in_thread(self, error: BaseException) -> None:
        self._failure = error
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self.on_failure, error)

    def _sync(self) -> None:
        """The syncing thread: asleep while nothing was written."""
        while True:
            self._dirty.wait()
            if self._closing.is_set():
                return
            self._dirty.clear()
            with self._sync_lock:
                waiters, self._sync_waiters = self._sync_waiters, []
            try:
                self._journal.sync()
                self._drop_old_segments()
            except OSError as error:
                self._failed_in_thread(error)
                return
            if waiters and self._loop is not None:
                self._loop.call_soon_threadsafe(_resolve, waiters)
            if not self._fsync_always:
                self._closing.wait(SYNC_EVERY_S)

    def _drop_old_segments(self) -> None:
        if len(list(self._journals.iterdir())) > 1 and self._writers:
            filled = self._filled  # read first: what is filled during the checkpoint may not be on the disk after it
            for service in list(self._writers):
                shelf = Shelf(self._folder / f"{service}.db")
                shelf.checkpoint()
                shelf.close()
            self._journal.drop_before(filled)

    # -- files ---------------------------------------------------------------------------------------------------------

    def _writer(self, service: str) -> Shelf:
        return self._shelf(self._writers, service)

    def _shelf(self, shelves: dict[str, Shelf], service: str) -> Shelf:
        shelf = shelves.get(service)
        if shelf is None:
            shelf = shelves[service] = Shelf(self._folder / f"{service}.db")
            self.services_with_state.add(service)
        return shelf

    def _big_table(self, service: str, name: str) -> _Big:
        big = self._big.get((service, name))
        if big is None:
            big = self._big[service, name] = _Big()
        return big

    def _table(self, table: Table[Any]) -> _Memory:
        memory = self._memory.get(table)
        if memory is None:
            rows: list[tuple[bytes, Any]] = []
            if table.service in self.services_with_state:
                stored = self._shelf(self._readers, table.service).range(table.name, b"", None, -1)
                rows = [(key, table.decode(value)) for key, value in stored]
            memory = self._memory[table] = _Memory(rows)
        return memory

    def close(self) -> None:
        """Carry everything over and close the files. Not needed for safety: a kill leaves as much."""
        self._filler.stop()
        self._closing.set()
        self._dirty.set()
        self._syncer.join()
        self._range_pool.shutdown()
        for shelves in (self._readers, self._rangers, self._writers):
            for shelf in shelves.values():
                shelf.close()
        self._journal.close()


def _last_of_each(rows: list[tuple[str, bytes, bytes | None]]) -> Iterator[tuple[str, bytes, bytes | None]]:
    last: dict[tuple[str, bytes], bytes | None] = {(table, key): value for table, key, value in rows}
    return ((table, key, value) for (table, key), value in last.items())


def _successor(prefix: bytes) -> bytes | None:
    """The smallest key that does not begin with `prefix` and sorts behind all that do."""
    stripped = prefix.rstrip(b"\xff")
    return stripped[:-1] + bytes([stripped[-1] + 1]) if stripped else None


def _resolve(waiters: list[asyncio.Future[None]]) -> None:
    for waiter in waiters:
        if not waiter.done():
            waiter.set_result(None)
